//! A company and its persons as we read them, and what happened to an account as people see it.
//!
//! The state of an account is derived from its work, never stored: `COMPLETED` outshines a later skip for one
//! cluster window, and a real failure or work in progress is never hidden.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::field::Fields;
use crate::ids::{AssociateId, ContactId, JobId, PersonId};
use crate::job::JobState;
use crate::reason::Reason;

/// How long jobs of one account count as one run, and how long success outshines a later skip.
pub const CLUSTER_WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// The associate responsible for a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The associate's number.
    pub id: AssociateId,
    /// Initials or login name, when known.
    pub short_name: Option<String>,
    /// The name in full, when known.
    pub full_name: Option<String>,
}

/// A company as it was read from the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its number.
    pub id: ContactId,
    /// Its name.
    pub name: String,
    /// Its department, often empty.
    pub department: String,
    /// The number in the register of companies.
    pub org_number: String,
    /// Its web address as written in the CRM, when there is one.
    pub website: Option<String>,
    /// Domains of its e-mail addresses.
    pub email_domains: Vec<String>,
    /// Two letters, such as `DE`.
    pub country: Option<String>,
    /// Who is responsible for it.
    pub owner: Option<Owner>,
    /// Whether it is in the recycle bin.
    pub deleted: bool,
    /// What stands in our fields.
    pub fields: Fields,
}

impl Account {
    /// The website's host without `www.`, in lower case.
    pub fn website_host(&self) -> Option<String> {
        let address = self.website.as_deref()?.trim();
        let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
        let host = after_scheme.split(['/', '?', '#']).next()?.rsplit('@').next()?;
        let host = host.to_lowercase();
        let host = host.strip_prefix("www.").unwrap_or(&host);
        (!host.is_empty()).then(|| host.to_owned())
    }
}

/// A human at a company, as it was read from the CRM. No name: nothing that we do needs one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Its number.
    pub id: PersonId,
    /// The company.
    pub contact: Option<ContactId>,
    /// The job title as typed.
    pub title: String,
    /// The position, an item of a list, by its words.
    pub position: String,
    /// Whether it is a former employee.
    pub retired: bool,
    /// Whether consent was withdrawn.
    pub consent_withdrawn: bool,
    /// What stands in our fields.
    pub fields: Fields,
}

/// Work of an account that has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenWork {
    /// Whether a worker is at it.
    pub processing: bool,
    /// How often it was tried.
    pub attempts: u32,
}

/// Work of an account that has ended, or an event that started none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// How: one of the four final states.
    pub state: JobState,
    /// Why, when it was skipped or held.
    pub reason: Option<Reason>,
    /// The job, unless an event ended at the door.
    pub job: Option<JobId>,
    /// In words, for people.
    pub words: String,
}

/// A later skip that a success outshines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outshone {
    /// When the skip was.
    pub at: Timestamp,
    /// Why it was skipped.
    pub reason: Option<Reason>,
    /// Until when the success is shown.
    pub until: Timestamp,
}

/// What an account's row shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The state. `None` when nothing is known yet.
    pub state: Option<JobState>,
    /// Whether pending work waits for another attempt.
    pub retrying: bool,
    /// Why, when skipped or held.
    pub reason: Option<Reason>,
    /// In words.
    pub words: String,
    /// The skip that is not shown because of an earlier success.
    pub outshines: Option<Outshone>,
}

/// Derives what an account's row shows.
///
/// The first that fits: something runs; something waits; the last thing that ended, unless it was a skip within one
/// window after a success.
pub fn shown(open: &[OpenWork], ended: &[Ended], now: Timestamp) -> Shown {
    if open.iter().any(|work| work.processing) {
        return in_progress(JobState::Processing, false);
    }
    if !open.is_empty() {
        return in_progress(JobState::Pending, open.iter().any(|work| work.attempts > 0));
    }
    let Some(last) = ended.iter().max_by_key(|ended| (ended.at, ended.job)) else {
        return Shown { state: None, retrying: false, reason: None, words: String::new(), outshines: None };
    };
    match outshining(last, ended, now) {
        Some(success) => Shown {
            outshines: Some(Outshone {
                at: last.at,
                reason: last.reason,
                until: success.at + CLUSTER_WINDOW,
            }),
            ..finished(success)
        },
        None => finished(last),
    }
}

fn in_progress(state: JobState, retrying: bool) -> Shown {
    Shown { state: Some(state), retrying, reason: None, words: String::new(), outshines: None }
}

fn finished(ended: &Ended) -> Shown {
    Shown {
        state: Some(ended.state),
        retrying: false,
        reason: ended.reason,
        words: ended.words.clone(),
        outshines: None,
    }
}

/// The success that is shown in place of `last`: the latest one, unless something worse than a skip came after it.
fn outshining<'a>(last: &Ended, ended: &'a [Ended], now: Timestamp) -> Option<&'a Ended> {
    if last.state != JobState::Skipped {
        return None;
    }
    let latest_that_matters = ended
        .iter()
        .filter(|ended| ended.state != JobState::Skipped)
        .max_by_key(|ended| (ended.at, ended.job))?;
    let fresh = now < latest_that_matters.at + CLUSTER_WINDOW;
    (latest_that_matters.state == JobState::Completed && fresh).then_some(latest_that_matters)
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    pub(crate) fn account() -> Account {
        Account {
            id: ContactId(18),
            name: "Falkenried Pumpen GmbH".into(),
            department: String::new(),
            org_number: String::new(),
            website: Some("https://www.falkenried-pumpen.example/".into()),
            email_domains: Vec::new(),
            country: Some("DE".into()),
            owner: None,
            deleted: false,
            fields: Fields::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        "2026-05-04T12:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
    }

    fn ended(minute: i64, state: JobState) -> Ended {
        let reason = (state == JobState::Skipped).then_some(Reason::OwnWrite);
        Ended { at: at(minute), state, reason, job: Some(JobId(minute)), words: String::new() }
    }

    #[test]
    fn success_outshines_a_later_skip_for_fifteen_minutes() {
        let ended = [ended(0, JobState::Completed), ended(2, JobState::Skipped)];
        let early = shown(&[], &ended, at(14));
        assert_eq!(early.state, Some(JobState::Completed));
        assert_eq!(early.outshines.unwrap().until, at(15));
        assert_eq!(shown(&[], &ended, at(15)).state, Some(JobState::Skipped));
    }

    #[test]
    fn a_later_failure_is_never_hidden() {
        let ended = [ended(0, JobState::Completed), ended(2, JobState::Failed), ended(3, JobState::Skipped)];
        assert_eq!(shown(&[], &ended[..2], at(4)).state, Some(JobState::Failed));
        assert_eq!(shown(&[], &ended, at(4)).state, Some(JobState::Skipped));
    }

    #[test]
    fn work_in_progress_is_never_hidden() {
        let ended = [ended(0, JobState::Completed)];
        let waiting = OpenWork { processing: false, attempts: 2 };
        let running = OpenWork { processing: true, attempts: 1 };
        let retrying = shown(&[waiting], &ended, at(1));
        assert_eq!((retrying.state, retrying.retrying), (Some(JobState::Pending), true));
        assert_eq!(shown(&[waiting, running], &ended, at(1)).state, Some(JobState::Processing));
    }

    #[test]
    fn hosts_are_read_from_addresses_as_people_type_them() {
        let host =
            |website: &str| Account { website: Some(website.into()), ..samples::account() }.website_host();
        assert_eq!(host("www.Nordlys.example").as_deref(), Some("nordlys.example"));
        assert_eq!(host("http://nordlys.example:8390/a?b").as_deref(), Some("nordlys.example:8390"));
        assert_eq!(host("  "), None);
    }
}
