//! The fields that we fill, and what stands in a field, in our own words.
//!
//! Encodings such as `[I:4]` belong to the CRM's adapter; here a value is text, a list item or nothing.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::drift::Drift;
use crate::ids::{Entity, ProgId};

/// A text that we compute, by what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The industry, an item of a closed list. On the company.
    Vertical,
    /// What the company does. On the company.
    Summary,
    /// The first sentence of a mail. On the company.
    OpenerPrimary,
    /// Another first sentence. On the company.
    OpenerSecondary,
    /// What the vertical's problem means to a person in that role. On the person.
    Bridge,
    /// A reference from the vertical. On the person.
    SocialProof,
    /// The mail's subject line. On the person.
    Subject,
}

impl Target {
    /// All of them, in the order in which people read them.
    pub const ALL: &'static [Self] = &[
        Self::Vertical,
        Self::Summary,
        Self::OpenerPrimary,
        Self::OpenerSecondary,
        Self::Bridge,
        Self::SocialProof,
        Self::Subject,
    ];

    /// The key used in configuration, API and tables.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Vertical => "vertical",
            Self::Summary => "summary",
            Self::OpenerPrimary => "opener_primary",
            Self::OpenerSecondary => "opener_secondary",
            Self::Bridge => "bridge",
            Self::SocialProof => "social_proof",
            Self::Subject => "subject",
        }
    }

    /// The word for people, and the label by which the field is found when nothing else is configured.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Vertical => "Vertical",
            Self::Summary => "Summary",
            Self::OpenerPrimary => "Opener primary",
            Self::OpenerSecondary => "Opener secondary",
            Self::Bridge => "Bridge",
            Self::SocialProof => "Social proof",
            Self::Subject => "Subject",
        }
    }

    /// Which kind of record carries it.
    pub const fn entity(self) -> Entity {
        match self {
            Self::Vertical | Self::Summary | Self::OpenerPrimary | Self::OpenerSecondary => Entity::Contact,
            Self::Bridge | Self::SocialProof | Self::Subject => Entity::Person,
        }
    }

    /// Reads a key.
    pub fn parse(key: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|target| target.key() == key)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// What stands in a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Nothing.
    Empty,
    /// Words.
    Text(String),
    /// An item of a list, by its id.
    Item(i64),
}

impl Value {
    /// Whether the two say the same to a reader: surrounding space and the spelling of accents do not count.
    pub fn same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => crate::text::normalised(a) == crate::text::normalised(b),
            (Self::Empty | Self::Text(_) | Self::Item(_), _) => {
                self.is_empty() && other.is_empty() || self == other
            }
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Text(text) => text.trim().is_empty(),
            Self::Item(id) => *id == 0,
        }
    }
}

/// The fields of a record as they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fields {
    /// What could be read. A target that is not mapped in this tenant is absent.
    pub values: BTreeMap<Target, Value>,
    /// The same as the CRM spelled them, so that a write can be guarded by exactly what was read.
    #[serde(default)]
    pub raw: BTreeMap<Target, String>,
    /// Why the fields, or some of them, could not be read. Nothing may be written then.
    pub malformed: Option<String>,
    /// Why the tenant's fields may not be what they were when they were last looked at.
    #[serde(default)]
    pub doubt: Option<String>,
    /// Which version of the record this is.
    #[serde(default)]
    pub version: Option<Version>,
}

/// A version of a record, as the CRM tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// When it was saved, by the CRM's clock.
    pub at: Timestamp,
    /// A number that stands for what else we go by: name, website, owner.
    pub besides: u64,
}

/// What a field can hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Text of at most so many characters.
    Text {
        /// The configured length, in UTF-16 units as the CRM counts them.
        max: usize,
    },
    /// One item of a list.
    List {
        /// The list's items by id.
        items: BTreeMap<i64, String>,
    },
}

/// A field of this tenant that a target is written to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    /// What it is for.
    pub target: Target,
    /// Its stable key in the CRM.
    pub prog_id: ProgId,
    /// Its label in the CRM.
    pub label: String,
    /// What it can hold.
    pub kind: Kind,
    /// Whether the CRM refuses writes.
    pub read_only: bool,
    /// What changed about it since we began to write to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<Drift>,
}

/// The fields of a tenant, by what they are for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Definitions(pub BTreeMap<Target, Definition>);

impl Definitions {
    /// The field for a target, if this tenant has one.
    pub fn get(&self, target: Target) -> Option<&Definition> {
        self.0.get(&target)
    }

    /// The fields that a kind of record carries.
    pub fn of(&self, entity: Entity) -> impl Iterator<Item = &Definition> {
        self.0.values().filter(move |definition| definition.target.entity() == entity)
    }

    /// The words that a value stands for: the text itself, or the list item's name.
    pub fn words(&self, target: Target, value: &Value) -> String {
        match value {
            Value::Empty => String::new(),
            Value::Text(text) => text.clone(),
            Value::Item(id) => match self.get(target).map(|definition| &definition.kind) {
                Some(Kind::List { items }) => items.get(id).cloned().unwrap_or_else(|| format!("item {id}")),
                Some(Kind::Text { .. }) | None => format!("item {id}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_text_item_zero_and_nothing_are_the_same() {
        assert!(Value::Empty.same_as(&Value::Text(" ".into())));
        assert!(Value::Item(0).same_as(&Value::Empty));
        assert!(!Value::Item(4).same_as(&Value::Empty));
    }

    #[test]
    fn accents_written_in_two_ways_are_the_same_words() {
        assert!(Value::Text("Mu\u{308}ller ".into()).same_as(&Value::Text("Müller".into())));
    }

    #[test]
    fn keys_read_back() {
        for target in Target::ALL {
            assert_eq!(Target::parse(target.key()), Some(*target));
        }
    }
}
