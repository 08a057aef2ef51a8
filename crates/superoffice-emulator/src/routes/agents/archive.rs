//! The agent `Archive`: rows, and what can be asked for.

use serde_json::{Value, json};

use super::Asked;
use crate::answer::Answer;
use crate::routes::archive;
use crate::world::State;
use crate::world::udf::Entity;

/// The providers whose rows the emulator has.
const PROVIDERS: &[&str] = &[
    "AllUsers",
    "Contact",
    "ContactPerson",
    "FindContact",
    "FindPerson",
    "InternalUsers",
    "Person",
    "SimpleContact",
];
/// Columns with the vendor's restriction type of each.
const CONTACT: &[(&str, &str)] = &[
    ("contactId", "int"),
    ("name", "string"),
    ("department", "string"),
    ("nameDepartment", "string"),
    ("orgnr", "string"),
    ("number", "string"),
    ("code", "string"),
    ("associateId", "associate"),
    ("contactAssociate/associateDbId", "int"),
    ("contactAssociate/fullName", "string"),
    ("category", "listAny"),
    ("business", "listAny"),
    ("country", "listAny"),
    ("countryId", "int"),
    ("stop", "bool"),
    ("contactNoMail", "bool"),
    ("updatedBy", "associate"),
    ("updatedDate", "date"),
    ("registeredBy", "associate"),
    ("registeredDate", "date"),
    ("url/URLAddress", "string"),
    ("email/emailAddress", "string"),
    ("contactPhone/formattedNumber", "string"),
];
const PERSON: &[(&str, &str)] = &[
    ("personId", "int"),
    ("firstName", "string"),
    ("lastName", "string"),
    ("fullName", "string"),
    ("title", "string"),
    ("position", "listAny"),
    ("contactId", "int"),
    ("retired", "bool"),
    ("personNoMail", "bool"),
    ("personUpdatedDate", "date"),
    ("personRegisteredDate", "date"),
    ("email/emailAddress", "string"),
    ("phone/formattedNumber", "string"),
];
const USER: &[(&str, &str)] = &[
    ("associateDbId", "int"),
    ("assocName", "string"),
    ("firstName", "string"),
    ("lastName", "string"),
    ("fullName", "string"),
    ("personId", "int"),
    ("personEmail", "string"),
    ("usergroup", "listAny"),
];

pub(super) fn answer(state: &State, asked: &Asked<'_>) -> Result<Answer, Answer> {
    let done = match asked.method {
        "getarchivelistbycolumns" => return archive::by_columns(state, asked.body, asked.ask),
        "getarchivelistbycolumns2" => return archive::by_odata(state, asked.body, asked.ask),
        "getprovidernames" => PROVIDERS.iter().copied().map(Value::from).collect(),
        "getavailablecolumns" => columns(state, entity(asked)?),
        "getavailableentities" => entities(entity(asked)?),
        _ => return Err(asked.unknown("archive")),
    };
    Ok(Answer::ok(&done))
}

/// What the rows of the named provider are; nothing for users.
fn entity(asked: &Asked<'_>) -> Result<Option<Entity>, Answer> {
    let provider = asked.text("ProviderName");
    match provider.to_ascii_lowercase().as_str() {
        "simplecontact" | "findcontact" | "contact" => Ok(Some(Entity::Contact)),
        "person" | "findperson" | "contactperson" => Ok(Some(Entity::Person)),
        "allusers" | "internalusers" => Ok(None),
        _ => Err(Answer::bad(&format!("The emulator has no archive provider {provider}"))),
    }
}

fn columns(state: &State, entity: Option<Entity>) -> Value {
    let fixed = match entity {
        Some(Entity::Contact) => CONTACT,
        Some(Entity::Person) => PERSON,
        None => USER,
    };
    let mut all: Vec<Value> = fixed.iter().map(|(name, kind)| column(name, name, kind)).collect();
    if let Some(entity) = entity {
        let named = |field: &crate::world::udf::UdfField| {
            column(&format!("{}Udef/{}", entity.word(), field.prog_id()), &field.label, "string")
        };
        all.extend(state.udf_fields(entity).map(named));
    }
    all.into()
}

fn column(name: &str, label: &str, kind: &str) -> Value {
    json!({"DisplayName": label, "DisplayTooltip": "", "DisplayType": kind, "CanOrderBy": true, "Name": name,
           "CanRestrictBy": true, "RestrictionType": kind, "RestrictionListName": "", "IsVisible": true,
           "Width": "10%", "IconHint": "", "HeadingIconHint": "", "ExtraInfo": ""})
}

fn entities(entity: Option<Entity>) -> Value {
    let names: &[&str] = match entity {
        Some(Entity::Contact) => &["contact"],
        Some(Entity::Person) => &["person", "retiredPerson"],
        None => &["associate"],
    };
    let item = |(id, name): (i64, &&str)| crate::world::lists::ListItem::new(id, name).render(name, 1);
    (1..).zip(names).map(item).collect()
}
