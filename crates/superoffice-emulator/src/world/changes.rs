//! Saving a record: find what differs, stamp it, log it, and raise the events that SuperOffice would raise.
//!
//! Whoever changes a record, through the API or the control routes, comes through here. A save that changes
//! nothing leaves no trace.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::State;
use super::contact::Contact;
use super::events::Occurrence;
use super::person::Person;
use super::udf::Entity;

/// Where a value is stored; it decides whether a webhook hears of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A column of the entity's own table.
    Column(&'static str),
    /// The user-defined fields' tables.
    Udf,
    /// The table of web addresses.
    Url,
    /// Any other table of its own: phones, e-mails, addresses.
    Child,
}

/// One changed value, in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldChange {
    #[serde(skip)]
    pub(crate) place: Place,
    /// Property name, or label of a user-defined field.
    pub name: String,
    /// What a person saw before.
    pub before: String,
    /// What a person sees now.
    pub after: String,
}

/// Remembers a value when it differs.
pub(crate) fn note(list: &mut Vec<FieldChange>, place: Place, name: &str, before: &str, after: &str) {
    if before != after {
        let (name, before, after) = (name.to_owned(), before.to_owned(), after.to_owned());
        list.push(FieldChange { place, name, before, after });
    }
}

/// Who makes a change, and on which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Author {
    /// The associate.
    pub associate: i64,
    /// Whether the change came through the API.
    pub ours: bool,
}

/// A saved change of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// When.
    pub at: Timestamp,
    /// By whom, on which way.
    pub by: Author,
    /// Which kind of record.
    pub entity: Entity,
    /// Which record.
    pub id: i64,
    /// What changed.
    pub fields: Vec<FieldChange>,
}

impl State {
    /// Stores a new company under the next free id and raises `contact.created`.
    pub(crate) fn add_contact(&mut self, mut contact: Contact, by: Author) -> i64 {
        contact.id = self.next_contact;
        self.next_contact += 1;
        if contact.number2.is_empty() {
            contact.number2 = (10_000 + contact.id).to_string();
        }
        let id = contact.id;
        let values = self.contact_values(&contact);
        self.insert_contact(contact);
        let columns = [
            "contact_id",
            "name",
            "department",
            "orgNr",
            "number2",
            "associate_id",
            "group_id",
            "business_idx",
            "category_idx",
            "country_id",
            "soundEx",
            "registered",
            "registered_associate_id",
            "updated",
            "updated_associate_id",
            "userdef_id",
            "userdef2_id",
            "source",
        ];
        self.raise_of(by, &Occurrence::created(Entity::Contact, id, by.associate, &columns, values));
        id
    }

    /// Stores a new person under the next free id and raises `person.created`.
    pub(crate) fn add_person(&mut self, mut person: Person, by: Author) -> i64 {
        person.id = self.next_person;
        self.next_person += 1;
        let id = person.id;
        let values = self.person_values(&person);
        self.insert_person(person);
        let columns = [
            "person_id",
            "contact_id",
            "firstname",
            "lastname",
            "title",
            "position_idx",
            "country_id",
            "soundEx",
            "registered",
            "registered_associate_id",
            "updated",
            "updated_associate_id",
            "userdef_id",
            "userdef2_id",
            "source",
        ];
        self.raise_of(by, &Occurrence::created(Entity::Person, id, by.associate, &columns, values));
        id
    }

    /// Raises what somebody did, unless it came through the API and the switch says that nobody hears of that.
    fn raise_of(&mut self, by: Author, occurrence: &Occurrence) {
        if !by.ours || self.policy.own_changes_raise_events {
            self.raise(occurrence);
        }
    }

    /// Saves a company that somebody changed.
    pub(crate) fn save_contact(&mut self, mut after: Contact, by: Author) {
        let Some(before) = self.contacts.get(&after.id) else { return };
        let fields = before.differences(&after, self);
        if fields.is_empty() {
            return;
        }
        let now = self.now();
        after.stamps.updated = Some(now);
        after.stamps.updated_by = by.associate;
        let (id, columns) = (after.id, self.columns("contact_id", &fields));
        let values = self.contact_values(&after);
        self.contacts.insert(id, after);
        self.writes.push(Write { at: now, by, entity: Entity::Contact, id, fields });
        if let Some(columns) = columns {
            self.raise_of(by, &Occurrence::changed(Entity::Contact, id, by.associate, columns, values));
        }
    }

    /// Saves a person that somebody changed, also one that moved to another company.
    pub(crate) fn save_person(&mut self, mut after: Person, by: Author) {
        let Some(before) = self.persons.get(&after.id) else { return };
        let fields = before.differences(&after, self);
        if fields.is_empty() {
            return;
        }
        let now = self.now();
        after.stamps.updated = Some(now);
        after.stamps.updated_by = by.associate;
        let purposes = (1..).zip(super::consent::PURPOSES).map(|(id, _)| id);
        let turned: Vec<bool> = purposes
            .filter(|id| before.agrees(*id) != after.agrees(*id))
            .map(|id| after.agrees(id))
            .collect();
        let (id, columns) = (after.id, self.columns("person_id", &fields));
        let values = self.person_values(&after);
        self.insert_person(after);
        self.writes.push(Write { at: now, by, entity: Entity::Person, id, fields });
        if let Some(columns) = columns {
            self.raise_of(by, &Occurrence::changed(Entity::Person, id, by.associate, columns, values));
        }
        for given in turned {
            self.raise_of(by, &Occurrence::consent(id, by.associate, given));
        }
    }

    /// Moves a record to the recycle bin (`softdeleted`), or removes it for good (`deleted`).
    ///
    /// Returns false when there is no such record.
    pub(crate) fn delete(&mut self, entity: Entity, id: i64, for_good: bool, by: Author) -> bool {
        let Some((owner, contact_id)) = self.owner_and_contact(entity, id) else { return false };
        if for_good {
            match entity {
                Entity::Contact => drop(self.contacts.remove(&id)),
                Entity::Person => self.remove_person(id),
            }
            let mut values = Map::from_iter([("associate_id".to_owned(), json!(owner))]);
            values.insert("contact_id".to_owned(), json!(contact_id));
            if entity == Entity::Person {
                values.insert("person_id".to_owned(), json!(id));
            }
            self.raise_of(by, &Occurrence::deleted(entity, id, by.associate, values));
            return true;
        }
        let now = self.now();
        let values = match entity {
            Entity::Contact => self.contacts.get_mut(&id).map(|contact| &mut contact.stamps),
            Entity::Person => self.persons.get_mut(&id).map(|person| &mut person.stamps),
        };
        if let Some(stamps) = values {
            if stamps.deleted.is_some() {
                return false;
            }
            stamps.deleted = Some(now);
            stamps.updated = Some(now);
            stamps.updated_by = by.associate;
        }
        let values = self.values_of(entity, id);
        self.raise_of(by, &Occurrence::soft_deleted(entity, id, by.associate, values));
        true
    }

    /// The columns that a `.changed` event names, or none when no event is raised.
    fn columns(&self, key: &str, fields: &[FieldChange]) -> Option<Vec<String>> {
        let heard = fields.iter().any(|field| match field.place {
            Place::Column(_) => true,
            Place::Udf => self.policy.udf_only_events,
            Place::Url => self.policy.url_events,
            Place::Child => self.policy.child_table_events,
        });
        if !heard {
            return None;
        }
        let mut columns = vec![key.to_owned(), "updated_associate_id".to_owned()];
        let mut add = |column: &str| {
            if !columns.iter().any(|known| known == column) {
                columns.push(column.to_owned());
            }
        };
        if fields.iter().any(|field| matches!(field.place, Place::Column("name" | "lastname"))) {
            add("soundEx");
        }
        add("updated");
        for field in fields {
            match field.place {
                Place::Column(column) => add(column),
                Place::Udf if self.policy.udf_only_events => add("userdef_id"),
                Place::Url if self.policy.url_events => add("URLAddress"),
                Place::Udf | Place::Url | Place::Child => {}
            }
        }
        add("updatedCount");
        Some(columns)
    }

    fn owner_and_contact(&self, entity: Entity, id: i64) -> Option<(i64, i64)> {
        match entity {
            Entity::Contact => self.contacts.get(&id).map(|contact| (contact.owner, id)),
            Entity::Person => self.persons.get(&id).map(|person| {
                let owner = self.contacts.get(&person.contact_id).map_or(0, |contact| contact.owner);
                (owner, person.contact_id)
            }),
        }
    }

    fn values_of(&self, entity: Entity, id: i64) -> Map<String, Value> {
        match entity {
            Entity::Contact => self.contacts.get(&id).map(|contact| self.contact_values(contact)),
            Entity::Person => self.persons.get(&id).map(|person| self.person_values(person)),
        }
        .unwrap_or_default()
    }
}
