//! What a colleague does at the keyboard: change, create or delete a record, by names that people use.
//!
//! It takes any name that makes sense (property, label or prog-id) and reads values as typed; the changes go the
//! same way as those of the API, so webhooks hear of them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::changes::Author;
use super::contact::{Contact, Element, Udfs};
use super::person::Person;
use super::udf::Entity;
use super::{State, World};
use crate::json;

/// Why a change at the keyboard was not made. Nothing is saved then.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EditError {
    /// There is no such record.
    #[error("there is no {0} {1}")]
    NoRecord(&'static str, i64),
    /// The entity is neither contact nor person.
    #[error("'{0}' is neither contact nor person")]
    NoEntity(String),
    /// No field goes by this name.
    #[error("no field of a {0} is called '{1}'")]
    NoField(&'static str, String),
    /// The value does not fit.
    #[error("{0}")]
    BadValue(String),
}

/// A change as the control routes take it.
#[derive(Debug, Clone, Deserialize)]
pub struct Edit {
    /// `contact` or `person`.
    pub entity: String,
    /// Which record; not used when creating.
    #[serde(default)]
    pub id: i64,
    /// The associate who makes the change; without it, the first one in scope.
    #[serde(default)]
    pub by: i64,
    /// New values by field name.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

impl World {
    /// Changes a record as somebody would in the window; raises webhooks.
    pub fn edit(&self, entity: Entity, id: i64, by: i64, fields: &[(&str, &str)]) -> Result<(), EditError> {
        let fields = fields.iter().map(|&(name, value)| (name.to_owned(), Value::from(value))).collect();
        self.apply(&Edit { entity: entity.word().to_owned(), id, by, fields })
    }

    /// Creates a record as somebody would in the window; raises webhooks.
    pub fn create(&self, entity: Entity, by: i64, fields: &[(&str, &str)]) -> Result<i64, EditError> {
        let fields = fields.iter().map(|&(name, value)| (name.to_owned(), Value::from(value))).collect();
        self.make(&Edit { entity: entity.word().to_owned(), id: 0, by, fields })
    }

    /// Moves a record to the recycle bin, as deleting in the window does; raises `softdeleted`.
    pub fn soft_delete(&self, entity: Entity, id: i64, by: i64) -> bool {
        self.with(|state| state.delete(entity, id, false, Author { associate: by, ours: false }))
    }

    /// Removes a record for good, as the nightly purge does; raises `deleted`.
    pub fn delete(&self, entity: Entity, id: i64, by: i64) -> bool {
        self.with(|state| state.delete(entity, id, true, Author { associate: by, ours: false }))
    }

    pub(crate) fn apply(&self, edit: &Edit) -> Result<(), EditError> {
        let entity = Entity::named(&edit.entity).ok_or_else(|| EditError::NoEntity(edit.entity.clone()))?;
        let missing = EditError::NoRecord(entity.word(), edit.id);
        self.with(|state| match entity {
            Entity::Contact => {
                let by = state.at_the_keyboard(edit);
                let mut contact = state.contacts.get(&edit.id).cloned().ok_or(missing)?;
                for (name, value) in &edit.fields {
                    state.type_into_contact(&mut contact, name, value)?;
                }
                state.save_contact(contact, by);
                Ok(())
            }
            Entity::Person => {
                let by = state.at_the_keyboard(edit);
                let mut person = state.persons.get(&edit.id).cloned().ok_or(missing)?;
                for (name, value) in &edit.fields {
                    state.type_into_person(&mut person, name, value)?;
                }
                state.save_person(person, by);
                Ok(())
            }
        })
    }

    pub(crate) fn make(&self, edit: &Edit) -> Result<i64, EditError> {
        let entity = Entity::named(&edit.entity).ok_or_else(|| EditError::NoEntity(edit.entity.clone()))?;
        self.with(|state| match entity {
            Entity::Contact => {
                let by = state.at_the_keyboard(edit);
                let mut contact = state.default_contact(by.associate);
                for (name, value) in &edit.fields {
                    state.type_into_contact(&mut contact, name, value)?;
                }
                Ok(state.add_contact(contact, by))
            }
            Entity::Person => {
                let by = state.at_the_keyboard(edit);
                let mut person = Person::blank(0, 276, by.associate, state.now());
                for (name, value) in &edit.fields {
                    state.type_into_person(&mut person, name, value)?;
                }
                if let Some(contact) = state.contacts.get(&person.contact_id) {
                    person.country_id = contact.country_id;
                }
                Ok(state.add_person(person, by))
            }
        })
    }
}

impl State {
    /// A new company with the preferences of `by`.
    pub(crate) fn default_contact(&self, by: i64) -> Contact {
        let group = self.associate(by).map_or(0, |associate| associate.group_id);
        let mut contact = Contact::blank(by, group, 276, self.now());
        contact.category_id = 1;
        contact.business_id = 1;
        contact
    }

    fn at_the_keyboard(&self, edit: &Edit) -> Author {
        let anyone =
            || self.associates.iter().find(|a| !a.api_user && self.in_scope(a.id)).map_or(0, |a| a.id);
        Author { associate: if edit.by == 0 { anyone() } else { edit.by }, ours: false }
    }

    fn type_into_contact(&self, contact: &mut Contact, name: &str, value: &Value) -> Result<(), EditError> {
        let text = json::text(value);
        match name.to_ascii_lowercase().as_str() {
            "name" => contact.name = text,
            "department" => contact.department = text,
            "orgnr" => contact.org_nr = text,
            "number1" => contact.number1 = text,
            "number2" => contact.number2 = text,
            "description" => contact.description = text,
            "url" | "urls" | "urladdress" => contact.urls = elements(value),
            "email" | "emails" => contact.emails = elements(value),
            "phone" | "phones" => contact.phones = elements(value),
            "city" => {
                contact.postal.city.clone_from(&text);
                contact.street.city = text;
            }
            "associate" | "owner" | "associateid" | "associate_id" | "ownerid" | "owner_id" => {
                let owner = self.find_associate(value)?;
                contact.owner = owner;
                contact.group_id = self.associate(owner).map_or(contact.group_id, |found| found.group_id);
            }
            "business" | "businessid" => contact.business_id = self.find_item("business", value)?,
            "category" | "categoryid" => contact.category_id = self.find_item("category", value)?,
            "country" | "countryid" => contact.country_id = self.find_item("country", value)?,
            "xstop" | "stop" => contact.xstop = json::flag(value).ok_or_else(|| bad(name, value))?,
            "nomailing" => contact.no_mailing = json::flag(value).ok_or_else(|| bad(name, value))?,
            _ => self.type_into_udf(Entity::Contact, &mut contact.udfs, name, value)?,
        }
        Ok(())
    }

    fn type_into_person(&self, person: &mut Person, name: &str, value: &Value) -> Result<(), EditError> {
        let text = json::text(value);
        match name.to_ascii_lowercase().as_str() {
            "firstname" | "first_name" => person.first_name = text,
            "middlename" => person.middle_name = text,
            "lastname" | "last_name" => person.last_name = text,
            "title" | "jobtitle" => person.title = text,
            "position" | "positionid" => person.position_id = self.find_item("perspos", value)?,
            "description" => person.description = text,
            "contact" | "contactid" | "contact_id" => {
                let id = json::int(value).or_else(|| json::get(value, "ContactId").and_then(json::int));
                let id = id.ok_or_else(|| bad(name, value))?;
                if id != 0 && !self.contacts.contains_key(&id) {
                    return Err(EditError::NoRecord("contact", id));
                }
                person.contact_id = id;
            }
            "email" | "emails" => person.emails = elements(value),
            "phone" | "officephone" | "officephones" => person.office_phones = elements(value),
            "mobilephone" | "mobilephones" => person.mobile_phones = elements(value),
            "retired" => person.retired = json::flag(value).ok_or_else(|| bad(name, value))?,
            "nomailing" => person.no_mailing = json::flag(value).ok_or_else(|| bad(name, value))?,
            _ => self.type_into_udf(Entity::Person, &mut person.udfs, name, value)?,
        }
        Ok(())
    }

    fn type_into_udf(
        &self,
        owner: Entity,
        udfs: &mut Udfs,
        name: &str,
        value: &Value,
    ) -> Result<(), EditError> {
        let no_field = || EditError::NoField(owner.word(), name.to_owned());
        let field = self.udf_field(owner, name).ok_or_else(no_field)?;
        let value = field.read_typed(value, &self.lists).map_err(EditError::BadValue)?;
        udfs.insert(field.identity, value);
        Ok(())
    }

    /// An associate by id, short name or full name.
    fn find_associate(&self, value: &Value) -> Result<i64, EditError> {
        let value = json::get(value, "AssociateId").unwrap_or(value);
        let name = json::text(value);
        let by_id = json::int(value).and_then(|id| self.associate(id));
        let by_name = |a: &&super::Associate| {
            a.short_name.eq_ignore_ascii_case(&name) || a.full_name.eq_ignore_ascii_case(&name)
        };
        let found = by_id.or_else(|| self.associates.iter().find(by_name));
        found.map(|associate| associate.id).ok_or_else(|| bad("Associate", value))
    }

    /// A list item by id or name; an empty text is no item.
    fn find_item(&self, list: &str, value: &Value) -> Result<i64, EditError> {
        let value = json::get(value, "Id").unwrap_or(value);
        let name = json::text(value);
        if name.is_empty() || name == "0" {
            return Ok(0);
        }
        let items = self.lists.items(list);
        let by_id = json::int(value).and_then(|id| items.iter().find(|item| item.id == id));
        let found = by_id.or_else(|| items.iter().find(|item| item.name.eq_ignore_ascii_case(&name)));
        found.map(|item| item.id).ok_or_else(|| bad(list, value))
    }
}

/// One text, or a list of texts or of `{Value, Description}`.
fn elements(value: &Value) -> Vec<Element> {
    let one = |value: &Value| Element {
        value: json::get(value, "Value").map_or_else(|| json::text(value), json::text),
        description: json::get(value, "Description").map(json::text).unwrap_or_default(),
    };
    let all = match value {
        Value::Array(list) => list.iter().map(one).collect(),
        single => vec![one(single)],
    };
    all.into_iter().filter(|element: &Element| !element.value.is_empty()).collect()
}

fn bad(name: &str, value: &Value) -> EditError {
    EditError::BadValue(format!("{name} cannot be '{}'", json::text(value)))
}
