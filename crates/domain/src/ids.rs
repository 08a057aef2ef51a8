//! Identifiers as types of their own, so that a person's number can never be taken for a company's.
//!
//! Numbers are SuperOffice's; job numbers are ours.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! number {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number! {
    /// A company in SuperOffice.
    ContactId
}
number! {
    /// A human at a company.
    PersonId
}
number! {
    /// A SuperOffice user.
    AssociateId
}
number! {
    /// One of our jobs.
    JobId
}
word! {
    /// One customer database, such as `Cust12345`.
    TenantId
}
word! {
    /// One webhook notification, the same through all its repeats.
    EventId
}
word! {
    /// The stable key of a user-defined field, such as `SuperOffice:7`.
    ProgId
}

/// The kinds of record that we enrich.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entity {
    /// A company.
    Contact,
    /// A human at a company.
    Person,
}

impl Entity {
    /// The word used by SuperOffice, in our API and in our tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Person => "person",
        }
    }
}

impl fmt::Display for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One record in the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// What kind of record.
    pub entity: Entity,
    /// Its primary key.
    pub id: i64,
}

impl RecordRef {
    /// A company.
    pub const fn contact(id: ContactId) -> Self {
        Self { entity: Entity::Contact, id: id.0 }
    }

    /// A human at a company.
    pub const fn person(id: PersonId) -> Self {
        Self { entity: Entity::Person, id: id.0 }
    }

    /// The company's number, when the record is one.
    pub const fn as_contact(self) -> Option<ContactId> {
        match self.entity {
            Entity::Contact => Some(ContactId(self.id)),
            Entity::Person => None,
        }
    }
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.entity, self.id)
    }
}
