//! Whose clock counts, and how its times are told to the others.
//!
//! Where several machines share a database, its clock is the only one that they have in common. Leases, duties and the
//! times in the tables are the database's; what comes in and goes out is told in the time of the process that asks. So
//! a machine whose clock is wrong takes no lease too early and sees no wait too long.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use connector_domain::clock::Clock;
use jiff::Timestamp;

/// Whose clock counts.
#[derive(Clone)]
pub enum Time {
    /// The database's, told to this process in the time of its own clock. For everything but tests.
    Database(Arc<dyn Clock>),
    /// The caller's, so that a test can set it.
    Caller,
}

impl std::fmt::Debug for Time {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Database(_) => "Database",
            Self::Caller => "Caller",
        })
    }
}

/// A difference below this is the way to the database and back, not the clocks'.
const WITHIN_REASON: i64 = 500;

/// How far the database's clock is ahead of this process's.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) time: Time,
    ahead: AtomicI64,
}

impl Frame {
    pub(super) const fn new(time: Time) -> Self {
        Self { time, ahead: AtomicI64::new(0) }
    }

    /// The process's own time, when the database's counts.
    pub(super) fn own_now(&self) -> Option<Timestamp> {
        match &self.time {
            Time::Database(clock) => Some(clock.now()),
            Time::Caller => None,
        }
    }

    /// Notes what the database's clock said between two looks at our own.
    pub(super) fn compare(&self, before: Timestamp, database: i64, after: Timestamp) {
        let (before, after) = (before.as_millisecond(), after.as_millisecond());
        let ahead = database - i64::midpoint(before, after);
        let uncertain = (after - before).max(0) + WITHIN_REASON;
        if (ahead - self.ahead()).abs() > uncertain {
            tracing::info!(ahead_ms = ahead, "the database's clock is {ahead} ms ahead of this process's");
            self.ahead.store(ahead, Ordering::Relaxed);
        }
    }

    /// The latest that the database's clock can have said at this moment of the process's.
    pub(super) fn latest(&self, moment: Timestamp) -> i64 {
        let uncertain = match self.time {
            Time::Database(_) => WITHIN_REASON,
            Time::Caller => 0,
        };
        moment.as_millisecond().saturating_add(self.ahead() + uncertain)
    }

    /// How many milliseconds the database's clock is ahead.
    pub(super) fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use connector_domain::clock::FixedClock;

    use super::*;

    #[test]
    fn only_a_difference_that_is_more_than_the_way_counts() {
        let noon: Timestamp = "2026-05-04T12:00:00Z".parse().unwrap();
        let frame = Frame::new(Time::Database(Arc::new(FixedClock::at(noon))));
        let at = noon.as_millisecond();
        frame.compare(noon, at + 300, noon);
        assert_eq!(frame.ahead(), 0);
        frame.compare(noon, at + 60_000, noon);
        assert_eq!(frame.ahead(), 60_000);
        frame.compare(noon, at + 60_200, noon);
        assert_eq!(frame.ahead(), 60_000, "it does not jump about");
    }
}
