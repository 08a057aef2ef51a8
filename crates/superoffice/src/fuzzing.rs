//! Doors for `fuzz/` to readers that are private. Nobody else uses them, and they promise nothing.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use jiff::Timestamp;

use crate::client::retry_after as wait;
use crate::{json, jwt};

/// Any moment will do, but it has to be the same each time: 2026-01-01.
const NOW: i64 = 1_767_225_600;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap_or_default()
}

/// Verifies a token against a set of keys.
pub fn token(token: &str, keys: &[u8]) {
    let _ = jwt::verify(token, &jwt::Key::all(keys).unwrap_or_default(), now());
}

/// Judges the claims of a token whose signature was good.
pub fn claims(body: &[u8]) {
    if let Ok(claims) = json::object(body) {
        let _ = jwt::judge(&claims, now());
    }
}

/// How long an answer with these two headers asks to be left alone.
pub fn retry_after(value: &[u8], date: &[u8]) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_bytes(value).ok()?);
    if let Ok(date) = HeaderValue::from_bytes(date) {
        headers.insert(header::DATE, date);
    }
    wait(&headers)
}
