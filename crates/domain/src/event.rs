//! An event: one webhook notification after verification, in our own words.
//!
//! It says that something about a record changed, never what the record holds now: the pipeline reads that afresh.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ids::{AssociateId, ContactId, Entity, EventId, RecordRef, TenantId};

/// What happened, by SuperOffice's event names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum EventKind {
    /// `contact.created` or `person.created`.
    Created,
    /// `contact.changed` or `person.changed`.
    Changed,
    /// Moved to the recycle bin: `*.softdeleted`.
    SoftDeleted,
    /// Gone for good: `*.deleted`.
    Deleted,
    /// `person.unconsented`.
    Unconsented,
    /// The call that SuperOffice makes when a webhook is saved.
    Test,
    /// Anything that we do not act on.
    Unsupported,
}

impl EventKind {
    /// Reads an event's name, such as `contact.changed`.
    pub fn parse(name: &str) -> (Option<Entity>, Self) {
        let name = name.to_ascii_lowercase();
        if name == "test" {
            return (None, Self::Test);
        }
        let Some((entity, verb)) = name.split_once('.') else { return (None, Self::Unsupported) };
        let entity = match entity {
            "contact" => Some(Entity::Contact),
            "person" => Some(Entity::Person),
            _ => None,
        };
        let kind = match (entity, verb) {
            (None, _) => Self::Unsupported,
            (Some(_), "created") => Self::Created,
            (Some(_), "changed") => Self::Changed,
            (Some(_), "softdeleted") => Self::SoftDeleted,
            (Some(_), "deleted") => Self::Deleted,
            (Some(Entity::Person), "unconsented") => Self::Unconsented,
            (Some(_), _) => Self::Unsupported,
        };
        (entity, kind)
    }
}

/// Which columns an event says were changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Changes {
    /// The notification named none. That says nothing about what changed.
    NotTold,
    /// Database column names, in lower case.
    Columns(BTreeSet<String>),
}

impl Changes {
    /// Takes the names as they arrived.
    pub fn of<I, S>(names: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<str>,
    {
        let columns: BTreeSet<String> =
            names.into_iter().map(|name| name.as_ref().trim().to_ascii_lowercase()).collect();
        if columns.is_empty() { Self::NotTold } else { Self::Columns(columns) }
    }
}

/// One webhook notification that we trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The customer database it speaks of.
    pub tenant: TenantId,
    /// Its identity, the same through all its repeats.
    pub id: EventId,
    /// The name as SuperOffice wrote it, such as `contact.changed`.
    pub name: String,
    /// What the name means to us.
    pub kind: EventKind,
    /// The record, when it is one that we know.
    pub record: Option<RecordRef>,
    /// The account it belongs to, when the notification says so.
    pub account: Option<ContactId>,
    /// The company's owner, when the notification says so.
    pub owner: Option<AssociateId>,
    /// Who made the change.
    pub changed_by: Option<AssociateId>,
    /// Which columns changed.
    pub changes: Changes,
    /// When it happened, by the CRM's clock.
    pub at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_whatever_their_case() {
        assert_eq!(EventKind::parse("Contact.Changed"), (Some(Entity::Contact), EventKind::Changed));
        assert_eq!(EventKind::parse("person.unconsented"), (Some(Entity::Person), EventKind::Unconsented));
        assert_eq!(EventKind::parse("test"), (None, EventKind::Test));
        assert_eq!(EventKind::parse("sale.created"), (None, EventKind::Unsupported));
        assert_eq!(EventKind::parse("contact.unconsented"), (Some(Entity::Contact), EventKind::Unsupported));
    }

    #[test]
    fn no_names_means_not_told_rather_than_nothing_changed() {
        assert_eq!(Changes::of(Vec::<String>::new()), Changes::NotTold);
    }
}
