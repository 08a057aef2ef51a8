//! The accounts as `/_emulator/accounts` shows them: what a person would see in the window, and who changed what.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;

use super::changes::{FieldChange, Write};
use super::contact::Udfs;
use super::udf::Entity;
use super::{State, World};

/// A company with its people and its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// The contact's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its owner's id.
    pub owner_id: i64,
    /// Its owner's short name.
    pub owner: String,
    /// Whether the owner's companies are to be enriched.
    pub in_scope: bool,
    /// Whether it is in the recycle bin.
    pub deleted: bool,
    /// User-defined fields by label, as a person sees them.
    pub udfs: BTreeMap<String, String>,
    /// Its people.
    pub persons: Vec<AccountPerson>,
    /// Every change since it was created.
    pub writes: Vec<AccountWrite>,
    /// Pages read from its website.
    pub website_hits: u64,
    /// How the story says that it should end.
    pub expected: Option<AccountExpected>,
}

/// A person of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountPerson {
    /// The person's id.
    pub id: i64,
    /// Full name.
    pub name: String,
    /// Job title.
    pub title: String,
    /// Position, by name.
    pub position: String,
    /// User-defined fields by label.
    pub udfs: BTreeMap<String, String>,
    /// Every change since the person was created.
    pub writes: Vec<AccountWrite>,
}

/// A change, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountWrite {
    /// When.
    pub at: Timestamp,
    /// The associate.
    pub by: i64,
    /// Whether it came through the API.
    pub ours: bool,
    /// What changed.
    pub fields: Vec<FieldChange>,
}

/// The end of an account's story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountExpected {
    /// `COMPLETED` or `SKIPPED`.
    pub state: String,
    /// The reason code of a skipped account.
    pub reason: Option<String>,
    /// The product's id of the vertical.
    pub vertical: Option<String>,
}

impl World {
    /// All accounts, in the order of their ids.
    pub fn accounts(&self) -> Vec<Account> {
        self.with(|state| {
            let mut history: HashMap<(Entity, i64), Vec<&Write>> = HashMap::new();
            for write in &state.writes {
                history.entry((write.entity, write.id)).or_default().push(write);
            }
            state.contacts.keys().filter_map(|&id| state.account(id, &history)).collect()
        })
    }

    /// One account.
    pub fn account(&self, contact: i64) -> Option<Account> {
        self.with(|state| {
            let mut history: HashMap<(Entity, i64), Vec<&Write>> = HashMap::new();
            let people = state.persons_of.get(&contact);
            for write in &state.writes {
                let concerned = match write.entity {
                    Entity::Contact => write.id == contact,
                    Entity::Person => people.is_some_and(|ids| ids.contains(&write.id)),
                };
                if concerned {
                    history.entry((write.entity, write.id)).or_default().push(write);
                }
            }
            state.account(contact, &history)
        })
    }
}

impl State {
    fn account(&self, id: i64, history: &HashMap<(Entity, i64), Vec<&Write>>) -> Option<Account> {
        let contact = self.contacts.get(&id)?;
        let persons = self.persons_at(id).map(|person| AccountPerson {
            id: person.id,
            name: person.full_name(),
            title: person.title.clone(),
            position: self.lists.name("perspos", person.position_id).to_owned(),
            udfs: self.udfs_in_words(Entity::Person, &person.udfs),
            writes: in_words(history.get(&(Entity::Person, person.id))),
        });
        let hits = contact.slug.as_ref().and_then(|slug| self.website_hits.get(slug));
        Some(Account {
            id,
            name: contact.name.clone(),
            owner_id: contact.owner,
            owner: self.short_name(contact.owner),
            in_scope: self.in_scope(contact.owner),
            deleted: contact.stamps.deleted.is_some(),
            udfs: self.udfs_in_words(Entity::Contact, &contact.udfs),
            persons: persons.collect(),
            writes: in_words(history.get(&(Entity::Contact, id))),
            website_hits: hits.copied().unwrap_or(0),
            expected: self.expected(id).map(|expected| AccountExpected {
                state: expected.state.clone(),
                reason: expected.reason.clone(),
                vertical: expected.vertical.clone(),
            }),
        })
    }

    fn udfs_in_words(&self, owner: Entity, udfs: &Udfs) -> BTreeMap<String, String> {
        let shown = |field: &super::udf::UdfField| {
            let empty = field.empty();
            (field.label.clone(), field.shown(udfs.get(&field.identity).unwrap_or(&empty), &self.lists))
        };
        self.udf_fields(owner).map(shown).collect()
    }
}

fn in_words(writes: Option<&Vec<&Write>>) -> Vec<AccountWrite> {
    let one = |write: &&Write| AccountWrite {
        at: write.at,
        by: write.by.associate,
        ours: write.by.ours,
        fields: write.fields.clone(),
    };
    writes.into_iter().flatten().map(one).collect()
}
