//! What lists are made of, and one record of each.

use super::dynamic::Base;
use crate::world::contact::{Contact, Element, Stamps};
use crate::world::lists::ListItem;
use crate::world::person::Person;
use crate::world::webhook::Webhook;
use crate::world::{Associate, State};

/// What a list is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Contact,
    Person,
    User,
    Email,
    /// Columns of the database.
    Dynamic(Base),
}

impl Table {
    /// Whether its rows can be found by their keys at no cost.
    pub(super) fn has_keys(self) -> bool {
        matches!(self, Self::Contact | Self::Person | Self::Dynamic(Base::Contact | Base::Person))
    }

    /// The row of a key, where rows have keys.
    pub(super) fn find(self, state: &State, id: i64) -> Option<Row<'_>> {
        match self {
            Self::Contact | Self::Dynamic(Base::Contact) => state.contacts.get(&id).map(Row::Contact),
            Self::Person | Self::Dynamic(Base::Person) => state.persons.get(&id).map(Row::Person),
            Self::User | Self::Email | Self::Dynamic(_) => None,
        }
    }
}

/// One record of a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'a> {
    Contact(&'a Contact),
    Person(&'a Person),
    User(&'a Associate),
    Email(Email<'a>),
    /// An item of a list, with the list.
    Item(&'static str, &'a ListItem),
    Usage(&'a Webhook),
    /// The next number of a table.
    Sequence(&'static str, i64),
}

/// An e-mail address with whose it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Email<'a> {
    /// The emulator's own number for it.
    pub(super) id: i64,
    pub(super) element: &'a Element,
    pub(super) person: Option<&'a Person>,
    pub(super) contact: Option<&'a Contact>,
}

impl<'a> Row<'a> {
    pub(super) fn key(&self) -> i64 {
        match self {
            Self::Contact(contact) => contact.id,
            Self::Person(person) => person.id,
            Self::User(user) => user.id,
            Self::Email(email) => email.id,
            Self::Item(_, item) => item.id,
            Self::Usage(hook) => hook.id,
            Self::Sequence(..) => 0,
        }
    }

    pub(super) fn entity(&self) -> &'static str {
        match self {
            Self::Contact(_) => "contact",
            Self::Person(person) if person.retired => "retiredPerson",
            Self::Person(_) => "person",
            Self::User(_) => "associate",
            Self::Email(email) => {
                if email.person.is_some() {
                    "person"
                } else {
                    "contact"
                }
            }
            Self::Item(list, _) if *list == "category" => "Category",
            Self::Item(list, _) => list,
            Self::Usage(_) => "webhook_usage",
            Self::Sequence(..) => "sequence",
        }
    }

    pub(super) fn is_deleted(&self) -> bool {
        match self {
            Self::Item(_, item) => item.deleted,
            other => other.stamps().is_some_and(|stamps| stamps.deleted.is_some()),
        }
    }

    pub(super) fn stamps(&self) -> Option<&'a Stamps> {
        match self {
            Self::Contact(contact) => Some(&contact.stamps),
            Self::Person(person) => Some(&person.stamps),
            Self::Email(email) => match (email.person, email.contact) {
                (Some(person), _) => Some(&person.stamps),
                (None, contact) => contact.map(|contact| &contact.stamps),
            },
            Self::User(_) | Self::Item(..) | Self::Usage(_) | Self::Sequence(..) => None,
        }
    }

    /// The person of a row.
    pub(super) fn person(&self) -> Option<&'a Person> {
        match self {
            Self::Person(person) => Some(person),
            Self::Email(email) => email.person,
            _ => None,
        }
    }

    /// The company of a row.
    pub(super) fn contact(&self, state: &'a State) -> Option<&'a Contact> {
        match self {
            Self::Contact(contact) => Some(contact),
            Self::Person(person) => state.contacts.get(&person.contact_id),
            Self::Email(email) => email.contact,
            _ => None,
        }
    }
}

/// Every e-mail address of a tenant.
pub(super) fn emails(state: &State) -> impl Iterator<Item = Row<'_>> {
    let contacts = state.contacts.values().flat_map(|contact| {
        numbered(contact.id, &contact.emails)
            .map(move |(id, element)| Row::Email(Email { id, element, person: None, contact: Some(contact) }))
    });
    let persons = state.persons.values().flat_map(|person| {
        let contact = state.contacts.get(&person.contact_id);
        numbered(person.id, &person.emails).map(move |(id, element)| {
            Row::Email(Email { id: id + 1, element, person: Some(person), contact })
        })
    });
    contacts.chain(persons)
}

/// Addresses with numbers that no other record's addresses have; persons' are odd.
fn numbered(owner: i64, elements: &[Element]) -> impl Iterator<Item = (i64, &Element)> {
    (0..).zip(elements).map(move |(at, element): (i64, _)| ((owner * 64 + at) * 2, element))
}
