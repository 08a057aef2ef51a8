//! The agent `Contact`.

use serde_json::{Map, Value, json};

use super::{Asked, save};
use crate::answer::Answer;
use crate::json;
use crate::routes::{contact, entity};
use crate::world::State;
use crate::world::contact::Contact;
use crate::world::udf::Entity;

pub(super) fn answer(state: &mut State, asked: &Asked<'_>) -> Result<Answer, Answer> {
    let ask = asked.ask;
    let flat = |id: i64| state.contacts.get(&id).map(|found| contact::flat(state, found));
    let whole = |id: i64| entity::rendered(state, Entity::Contact, id, ask, false);
    let done = match asked.method {
        "createdefaultcontactentity" => {
            contact::render(state, &state.default_contact(state.api_user()), ask.style, false)
        }
        "getcontactentity" => whole(asked.id("ContactEntityId")),
        "getcontactwithpersons" => whole(asked.id("ContactId")),
        "getcontact" => flat(asked.id("ContactId")).unwrap_or_default(),
        "getcontactlist" => asked.ids().filter_map(flat).collect(),
        "savecontactentity" => return save(state, Entity::Contact, asked.id("ContactId"), ask),
        "deletecontactentity" => {
            return entity::delete(state, Entity::Contact, asked.id("ContactEntityId"), ask);
        }
        "getnamedepartmentduplicates" => {
            let (name, department) = (asked.text("Name"), asked.text("Department"));
            duplicates(state, "NameDepartment", |contact| {
                contact.name.eq_ignore_ascii_case(&name)
                    && contact.department.eq_ignore_ascii_case(&department)
            })
        }
        "getduplicates" => {
            let name = asked.text("Name");
            duplicates(state, "Name", |contact| contact.name.eq_ignore_ascii_case(&name))
        }
        "getdomainduplicates" => {
            let domain = asked.text("Domain");
            duplicates(state, "Domain", |contact| at_domain(contact, &domain))
        }
        "validatecontactentity" => validated(asked.body),
        _ => return Err(asked.unknown("contact")),
    };
    Ok(Answer::ok(&done))
}

/// The companies of which `same` says that they are the same.
fn duplicates(state: &State, rule: &str, same: impl Fn(&Contact) -> bool) -> Value {
    let entry = |contact: &Contact| {
        json!({"RuleName": rule, "SoPrimaryKey": contact.id, "EntryName": contact.name,
               "EntryIdentifier": contact.id.to_string(), "RuleDisplayName": rule, "TableRight": null,
               "FieldProperties": {}})
    };
    let living = state.contacts.values().filter(|contact| contact.stamps.deleted.is_none());
    living.filter(|contact| same(contact)).map(entry).collect()
}

fn at_domain(contact: &Contact, domain: &str) -> bool {
    let host = url::Url::parse(contact.url()).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.is_some_and(|host| host.trim_start_matches("www.").eq_ignore_ascii_case(domain))
}

/// What a save would object to, by property.
fn validated(body: &Value) -> Value {
    let name = json::get(body, "ContactEntity").and_then(|entity| json::get(entity, "Name"));
    let mut wrong = Map::new();
    if name.map(json::text).unwrap_or_default().trim().is_empty() {
        wrong.insert("Name".to_owned(), "Name is mandatory".into());
    }
    wrong.into()
}
