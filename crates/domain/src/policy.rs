//! What the customer decided about scope and noise: which owners, which columns, whose writes are ours.
//!
//! A value without behaviour beyond simple questions. The configuration makes it, discovery completes it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::ids::{AssociateId, Entity};

/// Columns whose change is worth a look, for each kind of record, in lower case.
///
/// Names of columns as they really arrive stand beside the names people use: `position_idx` for `position_id`,
/// `title` for `jobtitle`, `urladdress` for `url`.
pub const WATCHED_CONTACT: &[&str] = &[
    "name",
    "urladdress",
    "urls",
    "url",
    "url_id",
    "orgnr",
    "userdef_id",
    "userdef2_id",
    "deleted",
    "associate_id",
];
/// The same for persons.
pub const WATCHED_PERSON: &[&str] = &[
    "jobtitle",
    "title",
    "position_id",
    "position_idx",
    "userdef_id",
    "userdef2_id",
    "contact_id",
    "retired",
];

/// Columns that change with a write of user-defined fields and nothing else.
pub const TOUCHED_BY_OWN_WRITES: &[&str] = &[
    "contact_id",
    "person_id",
    "updated",
    "updated_associate_id",
    "updatedcount",
    "userdef_id",
    "userdef2_id",
];

/// A user of the CRM, as far as scope and names matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Associate {
    /// Its number.
    pub id: AssociateId,
    /// Initials or login name, such as `RKAB`; empty while it is not known.
    pub short_name: String,
    /// The name in full.
    pub full_name: String,
}

/// Whose accounts we work on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Every owner.
    Everyone,
    /// Only these.
    Only {
        /// By number.
        ids: BTreeSet<AssociateId>,
        /// By short name, in upper case.
        short_names: BTreeSet<String>,
    },
}

impl Scope {
    /// Reads a comma-separated list of numbers and short names; nothing means everyone.
    pub fn parse(list: &str) -> Self {
        let mut ids = BTreeSet::new();
        let mut short_names = BTreeSet::new();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match entry.parse() {
                Ok(id) => ids.insert(AssociateId(id)),
                Err(_) => short_names.insert(entry.to_uppercase()),
            };
        }
        if ids.is_empty() && short_names.is_empty() {
            Self::Everyone
        } else {
            Self::Only { ids, short_names }
        }
    }
}

/// Whether an owner is in scope, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InScope {
    /// Work on the account.
    Yes,
    /// Leave the account alone.
    No,
    /// The short name is needed and not known.
    Unclear,
}

/// What the filter goes by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// The associate that our API calls are made as; discovered, never typed in.
    pub own_associate: Option<AssociateId>,
    /// Watched columns of companies, in lower case.
    pub watched_contact: BTreeSet<String>,
    /// Watched columns of persons, in lower case.
    pub watched_person: BTreeSet<String>,
    /// Whose accounts.
    pub scope: Scope,
    /// Who is who; discovered.
    pub associates: BTreeMap<AssociateId, Associate>,
    /// How long after our write an event of our own user counts as its echo.
    pub echo_window: SignedDuration,
    /// How long a record rests after it was worked on; what happens meanwhile becomes one job.
    pub rest: SignedDuration,
    /// How long a second record of the same company is taken for a duplicate.
    pub duplicate_window: SignedDuration,
}

impl Default for Policy {
    fn default() -> Self {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            own_associate: None,
            watched_contact: set(WATCHED_CONTACT),
            watched_person: set(WATCHED_PERSON),
            scope: Scope::Everyone,
            associates: BTreeMap::new(),
            echo_window: SignedDuration::from_mins(15),
            rest: SignedDuration::from_secs(15),
            duplicate_window: SignedDuration::from_mins(5),
        }
    }
}

impl Policy {
    /// The columns that matter for a kind of record.
    pub fn watched(&self, entity: Entity) -> &BTreeSet<String> {
        match entity {
            Entity::Contact => &self.watched_contact,
            Entity::Person => &self.watched_person,
        }
    }

    /// Whether accounts of this owner are ours to work on.
    pub fn covers(&self, owner: AssociateId) -> InScope {
        let Scope::Only { ids, short_names } = &self.scope else { return InScope::Yes };
        if ids.contains(&owner) {
            return InScope::Yes;
        }
        if short_names.is_empty() {
            return InScope::No;
        }
        match self.associates.get(&owner) {
            Some(associate) if short_names.contains(&associate.short_name.to_uppercase()) => InScope::Yes,
            Some(associate) if !associate.short_name.is_empty() => InScope::No,
            Some(_) | None => InScope::Unclear,
        }
    }

    /// The owner's short name, when known.
    pub fn short_name(&self, owner: AssociateId) -> Option<&str> {
        let associate = self.associates.get(&owner)?;
        Some(associate.short_name.as_str()).filter(|name| !name.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(owners: &str) -> Policy {
        let kari =
            Associate { id: AssociateId(7), short_name: "Kari".into(), full_name: "Kari Nordmo".into() };
        Policy { scope: Scope::parse(owners), associates: [(kari.id, kari)].into(), ..Policy::default() }
    }

    #[test]
    fn an_empty_list_means_everyone() {
        assert_eq!(policy(" , ").covers(AssociateId(1)), InScope::Yes);
    }

    #[test]
    fn owners_match_by_number_and_by_short_name_in_any_case() {
        assert_eq!(policy("5, kARI").covers(AssociateId(5)), InScope::Yes);
        assert_eq!(policy("5, kARI").covers(AssociateId(7)), InScope::Yes);
        assert_eq!(policy("5").covers(AssociateId(7)), InScope::No);
    }

    #[test]
    fn an_unknown_owner_is_unclear_while_short_names_decide() {
        assert_eq!(policy("KARI").covers(AssociateId(99)), InScope::Unclear);
        assert_eq!(policy("5").covers(AssociateId(99)), InScope::No);
    }

    #[test]
    fn an_owner_whose_short_name_is_not_known_is_not_out_of_scope() {
        let mut policy = policy("MADS");
        assert_eq!(policy.covers(AssociateId(7)), InScope::No);
        policy.associates.get_mut(&AssociateId(7)).unwrap().short_name.clear();
        assert_eq!(policy.covers(AssociateId(7)), InScope::Unclear);
        assert_eq!(policy.short_name(AssociateId(7)), None);
    }
}
