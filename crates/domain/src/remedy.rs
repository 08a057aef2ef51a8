//! What to do after a failed attempt: when again, or never.
//!
//! The failure names its remedy; this file turns it into a time. An outage of something that we depend on is not the
//! job's fault and uses up none of its attempts.

use jiff::{SignedDuration, Timestamp};

/// What helps against a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Somebody changed the record meanwhile: read it again and decide anew, at once.
    ReadAgain,
    /// We were told to come back then.
    Wait(SignedDuration),
    /// Try again, each time later.
    BackOff,
    /// Something else is out of order, such as the sign-in: wait for it, the job is not to blame.
    WaitForOthers(SignedDuration),
    /// Trying again cannot help.
    GiveUp,
}

/// How often and how soon a job is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many times after the first attempt. One more and the job has failed.
    pub retries: u32,
    /// The first wait; each later one is four times as long.
    pub first_wait: SignedDuration,
    /// No wait is longer.
    pub longest_wait: SignedDuration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            retries: 5,
            first_wait: SignedDuration::from_secs(1),
            longest_wait: SignedDuration::from_mins(10),
        }
    }
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another attempt.
    Again {
        /// Not before then.
        at: Timestamp,
        /// Whether the failed attempt counts against the job.
        counts: bool,
    },
    /// None.
    Never,
}

/// Decides what follows after attempt number `attempt` (the first is 1) failed.
///
/// `jitter` lies in 0..1 and spreads retries of many jobs over half their wait.
pub fn next(attempt: u32, remedy: Remedy, policy: &RetryPolicy, now: Timestamp, jitter: f64) -> Next {
    let exhausted = attempt > policy.retries;
    match remedy {
        Remedy::GiveUp => Next::Never,
        Remedy::WaitForOthers(wait) => Next::Again { at: now + bounded(wait), counts: false },
        Remedy::Wait(wait) => Next::Again { at: now + bounded(wait), counts: false },
        Remedy::ReadAgain | Remedy::BackOff if exhausted => Next::Never,
        Remedy::ReadAgain => Next::Again { at: now, counts: true },
        Remedy::BackOff => Next::Again { at: now + backoff(attempt, policy, jitter), counts: true },
    }
}

fn bounded(wait: SignedDuration) -> SignedDuration {
    wait.clamp(SignedDuration::from_millis(100), SignedDuration::from_hours(1))
}

fn backoff(attempt: u32, policy: &RetryPolicy, jitter: f64) -> SignedDuration {
    let factor = 4_i32.saturating_pow(attempt.saturating_sub(1).min(10));
    let wait = policy.first_wait.checked_mul(factor).unwrap_or(policy.longest_wait).min(policy.longest_wait);
    wait.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn more_than_five_retries_is_the_end() {
        let policy = RetryPolicy::default();
        assert!(matches!(next(5, Remedy::BackOff, &policy, noon(), 0.0), Next::Again { counts: true, .. }));
        assert_eq!(next(6, Remedy::BackOff, &policy, noon(), 0.0), Next::Never);
        assert_eq!(next(6, Remedy::ReadAgain, &policy, noon(), 0.0), Next::Never);
    }

    #[test]
    fn an_outage_uses_up_no_attempt() {
        let wait = Remedy::WaitForOthers(SignedDuration::from_secs(30));
        let next = next(9, wait, &RetryPolicy::default(), noon(), 0.0);
        assert_eq!(next, Next::Again { at: noon() + SignedDuration::from_secs(30), counts: false });
    }

    #[test]
    fn waits_grow_fourfold_up_to_the_longest() {
        let waits: Vec<i64> = (1..=7).map(|n| backoff(n, &RetryPolicy::default(), 0.0).as_secs()).collect();
        assert_eq!(waits, [1, 4, 16, 64, 256, 600, 600]);
    }

    proptest! {
        #[test]
        fn jitter_only_shortens_and_by_half_at_most(attempt in 1_u32..40, jitter in 0.0_f64..1.0) {
            let policy = RetryPolicy::default();
            let full = backoff(attempt, &policy, 0.0);
            let jittered = backoff(attempt, &policy, jitter);
            prop_assert!(jittered <= full && jittered * 2 >= full);
        }
    }
}
