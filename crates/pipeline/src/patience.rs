//! How to live with something that goes on failing: waits grow, and the log hears of it at once but not all the time,
//! for a full disk may be the one the log is on. Waiting and logging themselves are left to the caller.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long the log is spared after a line.
const SILENCE: SignedDuration = SignedDuration::from_mins(1);

/// What is known of a failure that repeats.
#[derive(Debug, Default)]
pub(crate) struct Patience {
    last_wait: Option<Duration>,
    said_at: Option<Timestamp>,
    /// Whether a line in the log says that it fails, and none yet that it works again.
    is_said: bool,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Next {
    /// Wait this long before the next try.
    pub(crate) wait: Duration,
    /// Whether to log it.
    pub(crate) say: bool,
}

impl Patience {
    /// Notes a failure.
    pub(crate) fn failed(&mut self, now: Timestamp) -> Next {
        let wait = self.last_wait.map_or(FIRST_WAIT, |last| (last * 2).min(LONGEST_WAIT));
        self.last_wait = Some(wait);
        // A clock that was set back must not silence us.
        let say = self.said_at.is_none_or(|said| now.duration_since(said).abs() >= SILENCE);
        if say {
            self.said_at = Some(now);
            self.is_said = true;
        }
        Next { wait, say }
    }

    /// Notes a success; whether to log that it works again.
    pub(crate) fn worked(&mut self) -> bool {
        self.last_wait = None;
        std::mem::take(&mut self.is_said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + second).unwrap()
    }

    #[test]
    fn the_first_failure_is_told_and_then_one_a_minute() {
        let mut patience = Patience::default();
        let told: Vec<i64> = (0..150).filter(|&second| patience.failed(at(second)).say).collect();
        assert_eq!(told, [0, 60, 120]);
    }

    #[test]
    fn waits_grow_to_two_seconds_and_start_anew_after_a_success() {
        let mut patience = Patience::default();
        let mut wait = || u64::try_from(patience.failed(at(0)).wait.as_millis()).unwrap();
        assert_eq!([wait(), wait(), wait(), wait(), wait(), wait()], [200, 400, 800, 1600, 2000, 2000]);
        patience.worked();
        assert_eq!(patience.failed(at(0)).wait, FIRST_WAIT);
    }

    #[test]
    fn what_fails_every_other_time_is_not_told_every_other_time() {
        let mut patience = Patience::default();
        let mut lines = 0;
        for second in 0..59 {
            lines += u32::from(patience.failed(at(second)).say) + u32::from(patience.worked());
        }
        assert_eq!(lines, 2);
    }
}
