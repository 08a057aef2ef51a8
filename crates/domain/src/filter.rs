//! Decides whether an event deserves work, and whether an account that was read does.
//!
//! Rules run from the cheapest to the dearest and the first objection wins, so that a reason always names exactly
//! one cause. Each rule is a file of its own, named like its reason code.

use jiff::Timestamp;

use crate::account::{Account, Person};
use crate::event::Event;
use crate::policy::Policy;
use crate::reason::Reason;

mod deleted;
pub mod duplicate_name;
mod no_consent;
mod nothing_watched;
mod own_write;
mod owner_not_in_scope;
mod person_without_contact;
mod retired;
mod unsupported_event;

/// What is decided about a piece of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is worth exploring.
    Explore,
    /// It is not, for this reason.
    Skip(Reason),
}

/// What we remember of a record when an event about it arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Memory {
    /// When we last wrote to it, or meant to, by our own clock.
    pub written_at: Option<Timestamp>,
}

/// Decides about an event at the door, from what the notification itself says.
///
/// Nothing is read or written here: the caller brings what is remembered of the record, and the time.
pub fn decide(event: &Event, memory: Memory, policy: &Policy, now: Timestamp) -> Verdict {
    let objection = unsupported_event::objects(event)
        .or_else(|| no_consent::objects_to_event(event))
        .or_else(|| own_write::objects(event, memory, policy, now))
        .or_else(|| nothing_watched::objects(event, policy))
        .or_else(|| owner_not_in_scope::objects_to_event(event, policy));
    objection.map_or(Verdict::Explore, Verdict::Skip)
}

/// Decides about a company as it was read.
pub fn decide_account(account: &Account, policy: &Policy) -> Verdict {
    let objection =
        deleted::objects(account).or_else(|| owner_not_in_scope::objects_to_account(account, policy));
    objection.map_or(Verdict::Explore, Verdict::Skip)
}

/// Decides about a person as it was read. The person's company is judged by [`decide_account`].
pub fn decide_person(person: &Person) -> Verdict {
    let objection = retired::objects(person)
        .or_else(|| no_consent::objects_to_person(person))
        .or_else(|| person_without_contact::objects(person));
    objection.map_or(Verdict::Explore, Verdict::Skip)
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;
    use crate::event::{Changes, EventKind};
    use crate::ids::{AssociateId, ContactId, RecordRef};

    pub(crate) fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    pub(crate) fn changed(columns: &[&str], by: i64) -> Event {
        Event {
            tenant: "Cust10001".into(),
            id: "e-1".into(),
            name: "contact.changed".into(),
            kind: EventKind::Changed,
            record: Some(RecordRef::contact(ContactId(18))),
            account: Some(ContactId(18)),
            owner: None,
            changed_by: Some(AssociateId(by)),
            changes: Changes::of(columns),
            at: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{changed, noon};
    use super::*;

    #[test]
    fn the_first_objection_wins() {
        let mut event = changed(&["contact_id", "category_idx"], 3);
        event.kind = crate::event::EventKind::Unsupported;
        let verdict = decide(&event, Memory::default(), &Policy::default(), noon());
        assert_eq!(verdict, Verdict::Skip(Reason::UnsupportedEvent));
    }

    #[test]
    fn a_new_name_is_worth_exploring() {
        let event = changed(&["contact_id", "updated", "name"], 3);
        assert_eq!(decide(&event, Memory::default(), &Policy::default(), noon()), Verdict::Explore);
    }
}
