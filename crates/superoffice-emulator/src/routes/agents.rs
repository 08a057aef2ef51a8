//! The few agent calls that the vendor's own client needs instead of REST: everything is a POST, an unknown id is 200
//! with `null`, and entities come without links.

use serde_json::{Value, json};

use super::{Ask, archive, contact, entity, list, person, shared, udef, webhook};
use crate::answer::{Answer, Call};
use crate::clock::DateStyle;
use crate::json;
use crate::world::events::Occurrence;
use crate::world::udf::Entity;
use crate::world::{State, World};

/// Carries out `POST Agents/{agent}/{method}`; both names in lower case.
pub(super) async fn answer(
    world: &World,
    client: &reqwest::Client,
    agent: &str,
    method: &str,
    call: &Call,
) -> Result<Answer, Answer> {
    let body = call.json()?.unwrap_or_default();
    let style = world
        .with(|state| DateStyle::from_header(call.header("so-timezone"), state.policy.base_offset_hours));
    let ask = Ask { call, style };
    let id = |name: &str| {
        let found = call.param(name).map(Value::from).or_else(|| json::get(&body, name).cloned());
        found.as_ref().and_then(json::int).unwrap_or(0)
    };
    match (agent, method) {
        ("webhook", "savewebhook") => {
            let known = id("WebhookId");
            let hook = world.with(|state| {
                let base = state.webhooks.get(&known).cloned().unwrap_or_else(|| webhook::blank(state));
                webhook::read_into(base, &body)
            })?;
            let (_, id) = webhook::store(world, client, hook, style).await?;
            Ok(world.with(|state| Answer::ok(&webhook::stored(state, id, style))))
        }
        ("webhook", "testwebhook") => {
            let inner = json::get(&body, "Webhook").cloned().unwrap_or_default();
            let hook = world.with(|state| webhook::read_into(webhook::blank(state), &inner))?;
            Ok(webhook::tested(world, client, &hook).await)
        }
        _ => world.with(|state| at_once(state, agent, method, &body, &id, ask)),
    }
}

fn at_once(
    state: &mut State,
    agent: &str,
    method: &str,
    body: &Value,
    id: &dyn Fn(&str) -> i64,
    ask: Ask<'_>,
) -> Result<Answer, Answer> {
    let style = ask.style;
    let text = |name: &str| json::get(body, name).map(json::text).unwrap_or_default();
    let done = match (agent, method) {
        ("webhook", "createdefaultwebhook") => return Ok(webhook::default(ask)),
        ("webhook", "getwebhook") => webhook::stored(state, id("WebhookId"), style),
        ("webhook", "getallwebhooks") => {
            let filters = ["NameFilter", "EventFilter", "StatusFilter"].map(&text);
            return Ok(webhook::filtered(state, filters, style));
        }
        ("webhook", "getlasterror") => {
            state.webhooks.get(&id("WebhookId")).map_or(Value::Null, |hook| hook.last_error.clone().into())
        }
        ("webhook", "deletewebhook") => return webhook::delete(state, id("WebhookId")),
        ("webhook", "signalevent") => {
            let data = json::get(body, "Data").and_then(Value::as_object).cloned();
            state.raise(&Occurrence::signalled(&text("EventName"), id("PrimaryKey"), state.api_user(), data));
            return Ok(Answer::nothing());
        }
        ("contact", "createdefaultcontactentity") => return Ok(entity::default(state, Entity::Contact, ask)),
        ("contact", "getcontactentity") => {
            entity::rendered(state, Entity::Contact, id("ContactEntityId"), ask, false)
        }
        ("contact", "getcontact") => {
            state.contacts.get(&id("ContactId")).map_or(Value::Null, |found| contact::flat(state, found))
        }
        ("contact", "savecontactentity") => return save(state, Entity::Contact, id("ContactId"), ask),
        ("contact", "deletecontactentity") => {
            return entity::delete(state, Entity::Contact, id("ContactEntityId"), ask);
        }
        ("person", "createdefaultpersonentity") => return Ok(entity::default(state, Entity::Person, ask)),
        ("person", "getpersonentity") => {
            entity::rendered(state, Entity::Person, id("PersonEntityId"), ask, false)
        }
        ("person", "getperson") => {
            state.persons.get(&id("PersonId")).map_or(Value::Null, |found| person::flat(state, found))
        }
        ("person", "savepersonentity") => return save(state, Entity::Person, id("PersonId"), ask),
        ("person", "deletepersonentity") => {
            return entity::delete(state, Entity::Person, id("PersonEntityId"), ask);
        }
        ("associate", "getassociate") => shared::associate(state, id("AssociateId")),
        ("associate", "getassociatelist") => {
            let ids = body.as_array().into_iter().flatten().filter_map(json::int);
            ids.map(|id| shared::associate(state, id)).collect()
        }
        ("mdo", "getlist") => {
            let extra = text("AdditionalInfo");
            let name = if text("Name") == "udlist" { format!("udlist{extra}") } else { text("Name") };
            return list::items(state, &name);
        }
        ("mdo", "getsimplelist") => return list::items(state, &text("Name")),
        ("archive", "getarchivelistbycolumns") => return archive::by_columns(state, body, ask),
        ("contact", "getnamedepartmentduplicates") => duplicates(state, &text("Name"), &text("Department")),
        ("person", "getconsentinfos") => json!([]),
        ("userdefinedfieldinfo", "getpublisheduserdefinedfieldlist") => match text("OwnerType").as_str() {
            "Contact" | "7" => udef::definitions(state, Entity::Contact),
            "Person" | "8" => udef::definitions(state, Entity::Person),
            _ => json!([]),
        },
        _ => {
            let message = format!("The emulator has no agent call {agent}/{method}");
            return Err(Answer::json(404, &json!({"Message": message})));
        }
    };
    Ok(Answer::ok(&done))
}

/// Creates with id 0, replaces otherwise.
fn save(state: &mut State, entity: Entity, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    if id == 0 { entity::create(state, entity, ask) } else { entity::replace(state, entity, id, ask) }
}

/// Companies of the same name and department, whatever the case.
fn duplicates(state: &State, name: &str, department: &str) -> Value {
    let same = |contact: &&crate::world::contact::Contact| {
        contact.stamps.deleted.is_none()
            && contact.name.eq_ignore_ascii_case(name)
            && contact.department.eq_ignore_ascii_case(department)
    };
    let entry = |contact: &crate::world::contact::Contact| {
        json!({"RuleName": "NameDepartment", "SoPrimaryKey": contact.id, "EntryName": contact.name,
               "EntryIdentifier": contact.id.to_string(), "RuleDisplayName": "Name and department"})
    };
    state.contacts.values().filter(same).map(entry).collect()
}
