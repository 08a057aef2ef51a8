//! Reads a request's body up to a limit, counting what really arrives rather than what was announced.
//!
//! A body that is not wanted is read for a while without being kept. Many senders look for an answer only once they
//! have sent everything, and would find a broken connection in its place.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::header::EXPECT;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body as _;

use crate::accept::Overdue;
use crate::problem::Problem;

/// So many times the limit is read and dropped, or as much as was announced, before the connection is given up.
const PATIENCE: u64 = 4;
/// And for so long.
const PATIENCE_TIME: Duration = Duration::from_secs(1);

/// Why there is no body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoBody {
    /// More than the limit.
    TooLarge,
    /// It did not arrive in time.
    Late,
    /// The sender stopped in the middle of it, or it is not HTTP.
    Broken,
}

impl From<NoBody> for Problem {
    fn from(missing: NoBody) -> Self {
        let (status, code, words) = match missing {
            NoBody::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large."),
            NoBody::Late => (StatusCode::REQUEST_TIMEOUT, "too_slow", "The body did not arrive in time."),
            NoBody::Broken => (StatusCode::BAD_REQUEST, "broken_body", "The body did not arrive whole."),
        };
        Self::new(status, code, words).closing()
    }
}

/// Reads the whole body, or at most `limit` bytes of it.
pub(crate) async fn body(headers: &HeaderMap, mut body: Body, limit: usize) -> Result<Bytes, NoBody> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        turn_away(headers, body, limit).await;
        return Err(NoBody::TooLarge);
    }

    // Nearly every delivery arrives in one piece, which is then passed on as it is.
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(reason)?.into_data() else { continue };
        if whole.len() + pieces.len() + piece.len() > limit {
            drain(body, limit).await;
            return Err(NoBody::TooLarge);
        }
        if whole.is_empty() && pieces.is_empty() {
            whole = piece;
            continue;
        }
        if pieces.is_empty() {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
        }
        pieces.extend_from_slice(&piece);
    }
    Ok(if pieces.is_empty() { whole } else { pieces.freeze() })
}

fn reason(error: axum::Error) -> NoBody {
    if error.into_inner().is::<Overdue>() { NoBody::Late } else { NoBody::Broken }
}

/// Lets a sender get rid of a body that is not wanted, so that it sees the answer.
///
/// A sender that asks first (`Expect: 100-continue`) has sent none of it, and is spared the rest.
pub(crate) async fn turn_away(headers: &HeaderMap, body: Body, limit: usize) {
    let asks_first =
        headers.get(EXPECT).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    if !asks_first {
        drain(body, limit).await;
    }
}

async fn drain(mut body: Body, limit: usize) {
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut left = limit.saturating_mul(PATIENCE).max(body.size_hint().lower());
    let reading = async {
        while let Some(Ok(frame)) = body.frame().await {
            let read = frame.data_ref().map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
            match left.checked_sub(read) {
                Some(rest) => left = rest,
                None => break,
            }
        }
    };
    // Out of patience or at the end: the answer is the same.
    let _ = tokio::time::timeout(PATIENCE_TIME, reading).await;
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    async fn read(pieces: &[&'static str], limit: usize) -> Result<Bytes, NoBody> {
        let pieces: Vec<_> = pieces.iter().map(|piece| Ok::<_, Infallible>(*piece)).collect();
        body(&HeaderMap::new(), Body::from_stream(stream::iter(pieces)), limit).await
    }

    #[tokio::test]
    async fn bytes_are_counted_as_they_arrive() {
        assert_eq!(read(&["ab", "c", "d"], 4).await.unwrap(), "abcd");
        assert_eq!(read(&["abcd"], 4).await.unwrap(), "abcd");
        assert_eq!(read(&[], 4).await.unwrap(), "");
        assert_eq!(read(&["ab", "c", "de"], 4).await, Err(NoBody::TooLarge));
        assert_eq!(read(&["abcde"], 4).await, Err(NoBody::TooLarge));
    }
}
