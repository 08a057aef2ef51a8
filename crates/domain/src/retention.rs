//! How long things are kept, and from when on they may go.
//!
//! What others rely on is kept longest: an event's id is its memory against repeats, the journal tells our own words
//! from a person's. When the database grows beyond its cap, all ages are halved again and again, down to what the
//! product cannot do without; what has not ended is never touched, however old it is.

use jiff::{SignedDuration, Timestamp};

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// SuperOffice asks that logs are kept for three months.
pub const LEAST_LOG: SignedDuration = SignedDuration::from_hours(92 * 24);
/// Under pressure bodies go after a day, everything else after a week: nobody sends an event again later than that.
const LEAST_BODY: SignedDuration = DAY;
const LEAST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// For how long to keep what has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// The bodies of events as they were sent.
    pub bodies: SignedDuration,
    /// Events, and with them the memory of their ids.
    pub events: SignedDuration,
    /// Jobs that have ended, with their steps. The newest of each record stays.
    pub jobs: SignedDuration,
    /// Writes. The newest of each field of a record stays.
    pub journal: SignedDuration,
    /// Everything about a record, once it is known to be deleted.
    pub deleted: SignedDuration,
    /// The database holds at most so many bytes; nothing is said about it when `None`.
    pub size: Option<u64>,
}

impl Default for RetentionPolicy {
    fn default() -> Self {
        Self {
            bodies: DAY * 30,
            events: DAY * 180,
            jobs: DAY * 180,
            journal: DAY * 400,
            deleted: DAY * 30,
            size: None,
        }
    }
}

/// What was last touched before these moments may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cuts {
    /// Bodies of events.
    pub bodies: Timestamp,
    /// Events.
    pub events: Timestamp,
    /// Jobs and their steps.
    pub jobs: Timestamp,
    /// Writes.
    pub journal: Timestamp,
    /// Deleted records.
    pub deleted: Timestamp,
}

/// How hard the cap presses: the ages are halved so many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Squeeze(u32);

impl Squeeze {
    /// Presses harder; `None` when nothing more would go.
    #[must_use]
    pub fn harder(self, policy: &RetentionPolicy) -> Option<Self> {
        let next = Self(self.0 + 1);
        let ages = |squeeze| {
            let at = |age, least| aged(age, least, squeeze);
            (
                at(policy.bodies, LEAST_BODY),
                at(policy.events, LEAST),
                at(policy.jobs, LEAST),
                at(policy.journal, LEAST),
            )
        };
        (ages(self) != ages(next)).then_some(next)
    }

    /// Whether it presses at all.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl RetentionPolicy {
    /// From when on things may go.
    #[must_use]
    pub fn cuts(&self, squeeze: Squeeze, now: Timestamp) -> Cuts {
        let before = |age| now.checked_sub(age).unwrap_or(Timestamp::MIN);
        Cuts {
            bodies: before(aged(self.bodies, LEAST_BODY, squeeze)),
            events: before(aged(self.events, LEAST, squeeze)),
            jobs: before(aged(self.jobs, LEAST, squeeze)),
            journal: before(aged(self.journal, LEAST, squeeze)),
            deleted: before(self.deleted),
        }
    }

    /// What is wrong with it, by the name of the age.
    #[must_use]
    pub fn complaints(&self) -> Vec<(&'static str, &'static str)> {
        let mut complaints = Vec::new();
        for (name, age) in [("events", self.events), ("jobs", self.jobs), ("journal", self.journal)] {
            if age < LEAST_LOG {
                complaints.push((name, "at least 92d is wanted: SuperOffice asks for logs of three months"));
            }
        }
        if self.bodies < LEAST_BODY {
            complaints
                .push(("bodies", "at least 1d is wanted, so that what could not be read can be read again"));
        }
        if self.journal < self.jobs {
            complaints.push(("journal", "it must not be shorter than retention.jobs, whose writes it holds"));
        }
        if self.deleted < DAY {
            complaints
                .push(("deleted", "at least 1d is wanted: a record may come back from the recycle bin"));
        }
        complaints
    }
}

fn aged(age: SignedDuration, least: SignedDuration, squeeze: Squeeze) -> SignedDuration {
    let halved = (0..squeeze.0.min(62)).fold(age, |age, _| age / 2);
    // An age that was short from the start is not made longer.
    halved.max(least.min(age))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    fn days(cut: Timestamp) -> i64 {
        noon().duration_since(cut).as_hours() / 24
    }

    #[test]
    fn the_default_keeps_logs_for_three_months_and_is_sound() {
        let policy = RetentionPolicy::default();
        assert!(policy.complaints().is_empty());
        let cuts = policy.cuts(Squeeze::default(), noon());
        assert_eq!((days(cuts.bodies), days(cuts.events), days(cuts.journal)), (30, 180, 400));
    }

    #[test]
    fn under_pressure_ages_are_halved_down_to_what_is_needed() {
        let policy = RetentionPolicy::default();
        let mut squeeze = Squeeze::default();
        let mut all = Vec::new();
        while let Some(harder) = squeeze.harder(&policy) {
            squeeze = harder;
            let cuts = policy.cuts(squeeze, noon());
            all.push((days(cuts.bodies), days(cuts.events), days(cuts.journal), days(cuts.deleted)));
        }
        assert_eq!(all[0], (15, 90, 200, 30), "a deleted record's age is not the cap's business");
        assert_eq!(all.last(), Some(&(1, 7, 7, 30)));
        assert_eq!(all.len(), 6);
    }

    #[test]
    fn what_would_break_a_promise_is_complained_about() {
        let short = RetentionPolicy {
            bodies: SignedDuration::from_hours(1),
            events: DAY * 91,
            jobs: DAY * 500,
            deleted: SignedDuration::ZERO,
            ..RetentionPolicy::default()
        };
        let named: Vec<&str> = short.complaints().into_iter().map(|(name, _)| name).collect();
        assert_eq!(named, ["events", "bodies", "journal", "deleted"]);
    }
}
