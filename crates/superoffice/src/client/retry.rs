//! When a read is tried again, and after how long: a few times, with growing pauses of random length, so that many
//! clients do not come back together. Writes are never tried again here.

use std::time::Duration;

use super::config::Limits;
use crate::error::Error;

#[derive(Debug)]
pub(super) struct Retry {
    left: u32,
    longest: Duration,
    patience: Duration,
}

impl Retry {
    pub(super) fn new(limits: &Limits, is_read: bool) -> Self {
        let left = if is_read { limits.attempts.saturating_sub(1) } else { 0 };
        Self { left, longest: limits.retry_base, patience: limits.patience }
    }

    /// How long to pause before the next attempt; `None` when there is to be none.
    pub(super) fn pause(&mut self, error: &Error) -> Option<Duration> {
        let asked = match error {
            Error::Unreachable { .. } => Duration::ZERO,
            Error::Refused { status, .. } if status.is_server_error() => Duration::ZERO,
            Error::Throttled { retry_after } if *retry_after <= self.patience => *retry_after,
            _ => return None,
        };
        self.left = self.left.checked_sub(1)?;
        let jitter = self.longest.mul_f64(fastrand::f64());
        self.longest = (self.longest * 2).min(self.patience);
        Some(asked + jitter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_never_tried_again() {
        let error = Error::Unreachable { arrived: false, source: "refused".into() };
        assert_eq!(Retry::new(&Limits::default(), false).pause(&error), None);
    }

    #[test]
    fn a_read_is_tried_a_few_times() {
        let error = Error::Unreachable { arrived: true, source: "reset".into() };
        let mut retry = Retry::new(&Limits::default(), true);
        assert!(retry.pause(&error).is_some() && retry.pause(&error).is_some());
        assert_eq!(retry.pause(&error), None);
    }

    #[test]
    fn a_long_throttling_goes_to_the_caller() {
        let error = Error::Throttled { retry_after: Duration::from_mins(1) };
        assert_eq!(Retry::new(&Limits::default(), true).pause(&error), None);
    }
}
