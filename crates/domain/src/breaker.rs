//! A breaker: when something that we depend on is out of order, it is left alone for a while, then asked by one of us.
//!
//! Closed, everybody goes. Open, everybody waits. When the wait is over one may try, and what comes of it closes the
//! breaker or opens it for longer. Time comes in as `now`; who asks and how is the caller's.

use jiff::{SignedDuration, Timestamp};

/// A try that nobody has told the end of for so long has been forgotten.
const LONGEST_TRY: SignedDuration = SignedDuration::from_mins(5);
/// Nobody is believed who asks to be left alone for longer.
const LONGEST_TOLD: SignedDuration = SignedDuration::from_hours(1);

/// How long something is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pauses {
    /// After the first failure; each later wait is twice as long.
    pub first: SignedDuration,
    /// No wait is longer.
    pub longest: SignedDuration,
}

/// Whether one may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It is in order as far as is known.
    Go,
    /// It was out of order; this one finds out whether it still is.
    Try,
    /// Not before then.
    Wait(Timestamp),
}

/// What is to be told, once each way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It has just gone out of order.
    Down,
    /// It is in order again.
    Recovered {
        /// How long it was not.
        after: SignedDuration,
    },
}

/// What is known of one thing that we depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    pauses: Pauses,
    open: Option<Open>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    since: Timestamp,
    until: Timestamp,
    wait: SignedDuration,
    failures: u32,
    trying_since: Option<Timestamp>,
}

impl Breaker {
    /// A closed one.
    pub const fn new(pauses: Pauses) -> Self {
        Self { pauses, open: None }
    }

    /// Since when it is open.
    pub fn since(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| open.since)
    }

    /// How often in a row it failed.
    pub fn failures(&self) -> u32 {
        self.open.as_ref().map_or(0, |open| open.failures)
    }

    /// How long everybody is to wait; zero when it is closed or somebody may try.
    pub fn wait(&self, now: Timestamp) -> SignedDuration {
        self.open
            .as_ref()
            .map_or(SignedDuration::ZERO, |open| open.until.duration_since(now).max(SignedDuration::ZERO))
    }

    /// Asks to go. When this says that one may try, everybody else waits until the end of that try is told.
    pub fn pass(&mut self, now: Timestamp) -> Pass {
        let Some(open) = &mut self.open else { return Pass::Go };
        if open.until > now {
            return Pass::Wait(open.until);
        }
        match open.trying_since {
            // A clock that was set back must not keep the way shut.
            Some(since) if now.duration_since(since).abs() < LONGEST_TRY => Pass::Wait(
                now + open.wait.clamp(SignedDuration::from_millis(100), SignedDuration::from_secs(30)),
            ),
            Some(_) | None => {
                open.trying_since = Some(now);
                Pass::Try
            }
        }
    }

    /// Notes a failure. `told` is for how long it asks itself to be left alone; else the wait doubles. `jitter` lies in
    /// 0..1 and shortens the wait by up to a half, so that many do not come back together.
    ///
    /// Further failures of those who were under way when it opened change nothing, unless they were told to wait longer.
    pub fn failed(&mut self, told: Option<SignedDuration>, now: Timestamp, jitter: f64) -> Option<Turn> {
        let told = told.map(|told| told.clamp(SignedDuration::ZERO, LONGEST_TOLD));
        let first = self.pauses.first;
        let longest = self.pauses.longest;
        let Some(open) = &mut self.open else {
            let until = now + told.unwrap_or_else(|| shortened(first, jitter));
            self.open = Some(Open { since: now, until, wait: first, failures: 1, trying_since: None });
            return Some(Turn::Down);
        };
        if let Some(told) = told {
            let is_due = open.until <= now;
            if is_due || open.until < now + told {
                open.until = now + told;
                open.failures = open.failures.saturating_add(u32::from(is_due));
                open.wait = first;
                open.trying_since = None;
            }
        } else if open.until <= now {
            open.wait = (open.wait * 2).min(longest);
            open.until = now + shortened(open.wait, jitter);
            open.failures = open.failures.saturating_add(1);
            open.trying_since = None;
        }
        None
    }

    /// Whether it is open although nobody has come to try for long, so that nothing is known of it.
    pub fn is_forgotten(&self, now: Timestamp) -> bool {
        self.open.as_ref().is_some_and(|open| {
            let last = open.trying_since.unwrap_or(open.until);
            now.duration_since(last) > LONGEST_TRY * 2
        })
    }

    /// Notes that it answered as it should.
    pub fn worked(&mut self, now: Timestamp) -> Option<Turn> {
        let open = self.open.take()?;
        Some(Turn::Recovered { after: now.duration_since(open.since).max(SignedDuration::ZERO) })
    }

    /// Ends the waiting, not the trouble: the next one who asks may try.
    pub fn hurry(&mut self, now: Timestamp) {
        if let Some(open) = &mut self.open {
            open.until = open.until.min(now);
            open.trying_since = None;
        }
    }
}

fn shortened(wait: SignedDuration, jitter: f64) -> SignedDuration {
    wait.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: SignedDuration = SignedDuration::from_mins(1);

    fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    fn breaker() -> Breaker {
        Breaker::new(Pauses { first: SignedDuration::from_secs(1), longest: MINUTE })
    }

    #[test]
    fn waits_double_up_to_the_longest_and_start_anew_after_a_success() {
        let (mut breaker, mut now) = (breaker(), noon());
        let mut waits = Vec::new();
        for _ in 0..8 {
            breaker.failed(None, now, 0.0);
            waits.push(breaker.wait(now).as_secs());
            now += MINUTE * 2;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(breaker.worked(now).is_some());
        breaker.failed(None, now, 0.0);
        assert_eq!(breaker.wait(now).as_secs(), 1);
    }

    #[test]
    fn what_says_when_it_is_back_is_left_alone_until_then_but_not_for_ever() {
        let mut breaker = breaker();
        breaker.failed(Some(MINUTE * 7), noon(), 0.9);
        assert_eq!(breaker.wait(noon()), MINUTE * 7);
        breaker.failed(None, noon() + MINUTE, 0.0);
        assert_eq!(breaker.wait(noon() + MINUTE * 6), MINUTE);
        breaker.failed(Some(SignedDuration::MAX), noon() + MINUTE * 7, 0.0);
        assert_eq!(breaker.wait(noon() + MINUTE * 7), SignedDuration::from_hours(1));
        breaker.failed(Some(SignedDuration::MIN), noon() + MINUTE * 67, 0.0);
        assert_eq!(breaker.wait(noon() + MINUTE * 67), SignedDuration::ZERO);
    }

    #[test]
    fn one_tries_and_the_others_wait_for_what_comes_of_it() {
        let mut breaker = breaker();
        assert_eq!(breaker.pass(noon()), Pass::Go);
        breaker.failed(None, noon(), 0.0);
        assert_eq!(breaker.pass(noon()), Pass::Wait(noon() + SignedDuration::from_secs(1)));
        let later = noon() + SignedDuration::from_secs(1);
        assert_eq!(breaker.pass(later), Pass::Try);
        assert!(matches!(breaker.pass(later), Pass::Wait(_)));
        // A try that never ends is forgotten.
        assert_eq!(breaker.pass(later + LONGEST_TRY), Pass::Try);
        breaker.worked(later + LONGEST_TRY);
        assert_eq!(breaker.pass(later + LONGEST_TRY), Pass::Go);
    }

    #[test]
    fn what_nobody_comes_to_try_is_not_out_of_order_for_ever() {
        let mut breaker = breaker();
        breaker.failed(Some(MINUTE * 30), noon(), 0.0);
        assert!(!breaker.is_forgotten(noon() + MINUTE * 40));
        assert!(breaker.is_forgotten(noon() + MINUTE * 41));
        breaker.pass(noon() + MINUTE * 40);
        assert!(!breaker.is_forgotten(noon() + MINUTE * 41));
    }

    #[test]
    fn it_is_told_once_each_way() {
        let mut breaker = breaker();
        assert_eq!(breaker.worked(noon()), None);
        let told: Vec<Option<Turn>> =
            (0..9).map(|minute| breaker.failed(None, noon() + MINUTE * minute, 0.0)).collect();
        assert_eq!(told.iter().flatten().collect::<Vec<_>>(), [&Turn::Down]);
        assert_eq!(breaker.worked(noon() + MINUTE * 9), Some(Turn::Recovered { after: MINUTE * 9 }));
        assert_eq!(breaker.worked(noon() + MINUTE * 9), None);
    }

    #[test]
    fn who_is_told_that_it_is_back_tries_at_once() {
        let mut breaker = breaker();
        breaker.hurry(noon());
        assert_eq!(breaker.pass(noon()), Pass::Go);
        breaker.failed(Some(MINUTE * 30), noon(), 0.0);
        breaker.hurry(noon());
        assert_eq!(breaker.pass(noon()), Pass::Try);
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_allowed_and_at_most_one_tries(
            steps in prop::collection::vec((0_u8..4, 0_i64..100, prop::option::of(0_i64..10_000), 0.0_f64..1.0), 0..60)
        ) {
            let (mut breaker, mut now, mut tries) = (breaker(), noon(), 0);
            for (step, seconds, told, jitter) in steps {
                now += SignedDuration::from_secs(seconds);
                match step {
                    0 => { breaker.failed(told.map(SignedDuration::from_secs), now, jitter); }
                    1 => { breaker.worked(now); }
                    2 => breaker.hurry(now),
                    _ => {
                        let first = breaker.pass(now);
                        tries += u32::from(first == Pass::Try);
                        prop_assert!(first != Pass::Try || breaker.pass(now) != Pass::Try);
                        prop_assert_eq!(first == Pass::Go, breaker.since().is_none());
                    }
                }
                prop_assert!(breaker.wait(now) <= LONGEST_TOLD);
            }
            prop_assert!(tries <= 60);
        }
    }
}
