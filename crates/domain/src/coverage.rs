//! What became of a change that the CRM knows of: exactly one of a few ends, or nothing that would explain it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::job::JobState;
use crate::reason::Reason;
use crate::sweep::{Judgement, Known, Latest, Row, SAME_CHANGE, Span, Told, judge, was_found_deleted};

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Something was written because of it.
    Enriched,
    /// The same, and a sweep had to find it.
    Recovered,
    /// Nothing had to be done.
    Skipped,
    /// Something would be written, and must not be yet.
    Held,
    /// It was tried, and given up.
    Failed,
    /// A job waits or is at it.
    Open,
    /// Nothing in our books speaks of it.
    Unexplained,
}

impl Class {
    /// Every class, the best first.
    pub const ALL: &'static [Self] = &[
        Self::Enriched,
        Self::Recovered,
        Self::Skipped,
        Self::Held,
        Self::Failed,
        Self::Open,
        Self::Unexplained,
    ];

    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enriched => "enriched",
            Self::Recovered => "recovered",
            Self::Skipped => "skipped",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Open => "open",
            Self::Unexplained => "unexplained",
        }
    }

    /// The words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Enriched => "Enriched",
            Self::Recovered => "Recovered by a sweep",
            Self::Skipped => "Skipped",
            Self::Held => "Held",
            Self::Failed => "Failed",
            Self::Open => "Still open",
            Self::Unexplained => "Unexplained",
        }
    }
}

/// An end and its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// How it ended.
    pub class: Class,
    /// Why, when it was skipped or held.
    pub reason: Option<Reason>,
}

impl Explained {
    const fn as_it_is(class: Class) -> Self {
        Self { class, reason: None }
    }
}

/// Says how the last change of a record ended.
///
/// What explains a version is the job that read or made it; else the event that told of it; else the job that is to
/// read it still. What a sweep would find is not explained. `installed` is when we began to listen.
pub fn explain(row: &Row, known: &Known, installed: Timestamp) -> Explained {
    let Some(updated) = row.updated_at else { return Explained::as_it_is(Class::Unexplained) };
    if let Some(job) = known.latest.filter(|job| !job.state.is_final() || was_found_deleted(row, known)) {
        return of_job(&job);
    }
    // What a sweep finds bears the stamp of the very version; an event is stamped for itself.
    let found = known.found.filter(|found| found.at.is_some_and(|at| at >= updated));
    let whenever = Span { from: Timestamp::MIN, until: None, but: None, installed };
    if found.is_none() && matches!(judge(row, known, &whenever), Judgement::Found(..)) {
        return Explained::as_it_is(Class::Unexplained);
    }
    if let Some(seen) = known.seen.filter(|seen| seen.covers(updated)) {
        // A job that ended long ago may have been removed from the books; what it did is remembered all the same.
        let forgotten = if seen.wrote { Class::Enriched } else { Class::Skipped };
        return known.seen_by.map_or(Explained::as_it_is(forgotten), |job| of_job(&job));
    }
    let is_of_this = |told: &Told| told.at.is_some_and(|at| at + SAME_CHANGE >= updated);
    match found.or_else(|| known.told.filter(is_of_this)) {
        Some(Told { skipped: Some(reason), .. }) => Explained { class: Class::Skipped, reason: Some(reason) },
        // What it asked for was done, and is not in the books of versions: an older release did it, or a crash.
        Some(Told { skipped: None, .. }) => {
            known.latest.map_or(Explained::as_it_is(Class::Unexplained), |job| of_job(&job))
        }
        None => Explained::as_it_is(Class::Unexplained),
    }
}

fn of_job(job: &Latest) -> Explained {
    let class = match job.state {
        JobState::Pending | JobState::Processing => Class::Open,
        JobState::Completed if job.by_sweep => Class::Recovered,
        JobState::Completed => Class::Enriched,
        JobState::Skipped => Class::Skipped,
        JobState::Held => Class::Held,
        JobState::Failed => Class::Failed,
    };
    Explained { class, reason: job.reason }
}

/// Whether a change falls into a window.
pub fn is_in(row: &Row, from: Timestamp, until: Option<Timestamp>) -> bool {
    row.updated_at.is_some_and(|at| at >= from && until.is_none_or(|until| at < until))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::ids::JobId;
    use crate::sweep::samples::{latest, noon, row};
    use crate::sweep::{Seen, Snapshot};

    fn seen_by(job: Latest) -> Known {
        Known {
            seen: Some(Seen { at: noon(), job: job.id, wrote: false }),
            seen_by: Some(job),
            latest: Some(job),
            ..Known::default()
        }
    }

    fn class(known: &Known) -> (Class, Option<Reason>) {
        let explained = explain(&row(&[]), known, noon() - SignedDuration::from_hours(24));
        (explained.class, explained.reason)
    }

    #[test]
    fn what_a_job_read_or_wrote_ends_as_the_job_did() {
        let unchanged = Some(Reason::Unchanged);
        for (state, by_sweep, reason, expected) in [
            (JobState::Completed, false, None, Class::Enriched),
            (JobState::Completed, true, None, Class::Recovered),
            (JobState::Skipped, false, unchanged, Class::Skipped),
            (JobState::Skipped, true, unchanged, Class::Skipped),
            (JobState::Held, false, Some(Reason::Paused), Class::Held),
            (JobState::Failed, false, None, Class::Failed),
            (JobState::Processing, false, None, Class::Open),
            (JobState::Pending, true, None, Class::Open),
        ] {
            assert_eq!(class(&seen_by(latest(state, reason, by_sweep))), (expected, reason), "{state}");
        }
    }

    #[test]
    fn an_event_explains_its_own_change_and_none_that_came_after() {
        let told = |at| Known {
            told: Some(Told { at: Some(at), skipped: Some(Reason::NothingWatched), job: None }),
            ..Known::default()
        };
        assert_eq!(class(&told(noon())), (Class::Skipped, Some(Reason::NothingWatched)));
        assert_eq!(class(&told(noon() - SignedDuration::from_mins(1))), (Class::Unexplained, None));
    }

    #[test]
    fn what_a_sweep_would_find_is_not_explained_by_what_was_told_after_it() {
        let hour = SignedDuration::from_hours(1);
        let was = Row { updated_at: Some(noon() - hour), ..row(&[("name", "Nordlys")]) };
        let is = row(&[("name", "Sydlys")]);
        let event = |at| Some(Told { at: Some(at), skipped: Some(Reason::NothingWatched), job: None });
        let known =
            Known { snapshot: Some(Snapshot::of(&was, None)), told: event(noon()), ..Known::default() };
        let class = |known: &Known| explain(&is, known, noon() - hour * 24).class;
        assert_eq!(class(&known), Class::Unexplained, "the name was changed before, and nobody told");
        assert_eq!(class(&Known { found: event(noon()), ..known.clone() }), Class::Skipped);
        let earlier = event(noon() - SignedDuration::from_secs(1));
        assert_eq!(class(&Known { found: earlier, ..known }), Class::Unexplained, "it found another version");
    }

    #[test]
    fn a_version_that_no_job_has_read_is_not_explained_by_an_older_one() {
        let mut known = seen_by(latest(JobState::Completed, None, false));
        known.seen = Some(Seen { at: noon() - SignedDuration::from_secs(1), job: JobId(7), wrote: true });
        assert_eq!(class(&known).0, Class::Unexplained);
    }

    #[test]
    fn a_job_that_was_removed_from_the_books_still_explains_what_it_read_and_wrote() {
        for (wrote, expected) in [(true, Class::Enriched), (false, Class::Skipped)] {
            let seen = Some(Seen { at: noon(), job: JobId(7), wrote });
            assert_eq!(class(&Known { seen, ..Known::default() }), (expected, None));
        }
    }

    #[test]
    fn nothing_in_the_books_is_unexplained() {
        assert_eq!(class(&Known::default()), (Class::Unexplained, None));
    }

    #[test]
    fn the_last_moment_of_a_window_is_the_next_ones() {
        let minute = SignedDuration::from_mins(1);
        assert!(is_in(&row(&[]), noon(), Some(noon() + minute)));
        assert!(!is_in(&row(&[]), noon() - minute, Some(noon())));
    }
}
