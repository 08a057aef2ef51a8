//! Waiting for something to become true, with a deadline.

use std::time::{Duration, Instant};

/// Long enough for anything that needs no waiting of its own, also on a busy machine.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// Asks again and again until there is an answer.
///
/// # Panics
///
/// When there is none within `limit`.
pub(crate) async fn until<T>(limit: Duration, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "waited {} s in vain until {what}", limit.as_secs());
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}
