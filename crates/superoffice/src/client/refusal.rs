//! From a status and a body to the error that tells the next step.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};

use super::transport::Answer;
use crate::api::error::message;
use crate::error::{Error, RecordRef};
use crate::json::{self, ReadError};

/// A 429 that does not say for how long.
const REST: Duration = Duration::from_secs(10);
/// Nobody is believed who asks for more than this.
const LONGEST_REST: Duration = Duration::from_hours(1);

/// Lets a success pass, and says what else it is.
pub(super) fn check(answer: Answer, record: Option<&RecordRef>) -> Result<Answer, Error> {
    let status = answer.status;
    let says = || message(&answer.body).unwrap_or_else(|| "no message".to_owned());
    match (status, record) {
        _ if status.is_success() => Ok(answer),
        _ if status.is_redirection() => {
            Err(Error::NotTheApi(format!("a redirection (status {})", status.as_u16())))
        }
        (StatusCode::UNAUTHORIZED, _) => Err(Error::Unauthorized),
        (StatusCode::FORBIDDEN, _) => Err(Error::Forbidden(says())),
        // A web page with 404 is a proxy that does not know the tenant; it says nothing about the record.
        (StatusCode::NOT_FOUND | StatusCode::GONE, _) if is_page(&answer.body) => {
            Err(Error::NotTheApi(format!("a web page (status {})", status.as_u16())))
        }
        (StatusCode::NOT_FOUND | StatusCode::GONE, Some(record)) => Err(Error::NotFound(record.clone())),
        (StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED, Some(record)) => {
            Err(Error::Stale(record.clone()))
        }
        (StatusCode::MISDIRECTED_REQUEST, _) => Err(Error::Misdirected),
        (StatusCode::TOO_MANY_REQUESTS, _) => {
            Err(Error::Throttled { retry_after: retry_after(&answer.headers).unwrap_or(REST) })
        }
        (StatusCode::SERVICE_UNAVAILABLE, _) if answer.headers.contains_key(header::RETRY_AFTER) => {
            Err(Error::Throttled { retry_after: retry_after(&answer.headers).unwrap_or(REST) })
        }
        _ => Err(Error::Refused { status, message: says() }),
    }
}

fn is_page(body: &[u8]) -> bool {
    matches!(json::value(body), Err(ReadError::Html))
}

/// Seconds, or a date, which is compared with the answer's own so that our clock does not matter.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = if let Ok(seconds) = text.parse::<u64>() {
        seconds
    } else {
        let until = http_date(text)?;
        let now = http_date(headers.get(header::DATE)?.to_str().ok()?)?;
        u64::try_from(until.duration_since(now).as_secs()).unwrap_or_default()
    };
    Some(Duration::from_secs(seconds.max(1)).min(LONGEST_REST))
}

/// Reads a date in the form that HTTP uses.
pub(super) fn http_date(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(retry_after: &'static str) -> HeaderMap {
        HeaderMap::from_iter([
            (header::DATE, "Wed, 25 Feb 2026 08:00:00 GMT".parse().unwrap()),
            (header::RETRY_AFTER, retry_after.parse().unwrap()),
        ])
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let rest = |text| retry_after(&headers(text)).map(|rest| rest.as_secs());
        assert_eq!(rest("7"), Some(7));
        assert_eq!(rest("0"), Some(1));
        assert_eq!(rest("Wed, 25 Feb 2026 08:00:30 GMT"), Some(30));
        assert_eq!(rest("Wed, 25 Feb 2026 07:00:00 GMT"), Some(1));
        assert_eq!(rest("999999999"), Some(3600));
        assert_eq!(rest("soon"), None);
    }

    fn error(status: u16, body: &str) -> Error {
        let status = StatusCode::from_u16(status).unwrap();
        let answer = Answer { status, headers: HeaderMap::new(), body: body.as_bytes().to_vec() };
        check(answer, Some(&RecordRef { kind: "contact", id: 18 })).unwrap_err()
    }

    #[test]
    fn a_status_tells_the_next_step() {
        assert!(matches!(error(404, r#"{"Error":true}"#), Error::NotFound(_)));
        assert!(matches!(error(404, "<html>"), Error::NotTheApi(_)));
        assert!(matches!(error(409, ""), Error::Stale(_)));
        assert!(matches!(error(412, ""), Error::Stale(_)));
        assert!(matches!(error(302, ""), Error::NotTheApi(_)));
        assert!(matches!(error(429, ""), Error::Throttled { .. }));
        assert!(matches!(error(503, ""), Error::Refused { .. }));
        assert!(matches!(error(421, ""), Error::Misdirected));
        assert_eq!(error(400, r#"{"Message":"no"}"#).to_string(), "refused with status 400: no");
    }
}
