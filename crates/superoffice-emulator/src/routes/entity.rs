//! What companies and persons have in common: read, create, replace, patch, delete, with the guards of each.

use serde_json::Value;

use super::{Ask, contact, patch, person, shared};
use crate::answer::Answer;
use crate::clock;
use crate::world::State;
use crate::world::changes::Author;
use crate::world::contact::{Contact, Stamps, Udfs};
use crate::world::person::Person;
use crate::world::udf::{Entity, UdfValue};

/// `GET {entity}/default`: what a new record starts with.
pub(super) fn default(state: &State, entity: Entity, ask: Ask<'_>) -> Answer {
    let body = match entity {
        Entity::Contact => contact::render(state, &state.default_contact(state.api_user()), ask.style, true),
        Entity::Person => person::render(state, &default_person(state), ask.style, true),
    };
    Answer::ok(&body)
}

/// `GET {entity}/{id}`
pub(super) fn read(state: &State, entity: Entity, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    let stamps = stamps(state, entity, id)?;
    let since = ask.call.header("if-modified-since").and_then(clock::read_http_date);
    if since.is_some_and(|since| stamps.touched().as_second() <= since.as_second()) {
        return Ok(Answer { status: 304, ..Answer::nothing() });
    }
    Ok(shown(state, entity, id, ask))
}

/// `GET {entity}/{id}/Simple`
pub(super) fn simple(state: &State, entity: Entity, id: i64) -> Result<Answer, Answer> {
    stamps(state, entity, id)?;
    let body = match entity {
        Entity::Contact => state.contacts.get(&id).map(|found| contact::flat(state, found)),
        Entity::Person => state.persons.get(&id).map(|found| person::flat(state, found)),
    };
    Ok(Answer::ok(&body.unwrap_or_default()))
}

/// `POST {entity}`: 200, not 201, with the new entity.
pub(super) fn create(state: &mut State, entity: Entity, ask: Ask<'_>) -> Result<Answer, Answer> {
    let body = body(ask)?;
    let refuse = refusal_of(state);
    let id = match entity {
        Entity::Contact => {
            let mut new = state.default_contact(state.api_user());
            contact::take_over(state, &mut new, &body).map_err(refuse)?;
            take_over_udfs(state, entity, &mut new.udfs, &body).map_err(refuse)?;
            state.add_contact(new, us(state))
        }
        Entity::Person => {
            let mut new = default_person(state);
            person::take_over(state, &mut new, &body).map_err(refuse)?;
            take_over_udfs(state, entity, &mut new.udfs, &body).map_err(refuse)?;
            state.add_person(new, us(state))
        }
    };
    Ok(shown(state, entity, id, ask))
}

/// `PUT {entity}/{id}`: what the body leaves out is emptied; of user-defined fields a switch decides.
pub(super) fn replace(state: &mut State, entity: Entity, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    guard(state, entity, id, ask)?;
    let body = body(ask)?;
    let refuse = refusal_of(state);
    match entity {
        Entity::Contact => {
            let mut old = found_contact(state, id)?;
            if state.policy.put_empties_fields {
                old.udfs.clear();
            }
            let mut new = Contact {
                id,
                stamps: old.stamps,
                udfs: old.udfs,
                slug: old.slug,
                ..state.default_contact(old.owner)
            };
            (new.category_id, new.business_id) = (0, 0);
            contact::take_over(state, &mut new, &body).map_err(refuse)?;
            take_over_udfs(state, entity, &mut new.udfs, &body).map_err(refuse)?;
            state.save_contact(new, us(state));
        }
        Entity::Person => {
            let mut old = found_person(state, id)?;
            if state.policy.put_empties_fields {
                old.udfs.clear();
            }
            let blank = Person::blank(old.contact_id, old.country_id, state.api_user(), state.now());
            let mut new = Person { id, stamps: old.stamps, udfs: old.udfs, consents: old.consents, ..blank };
            person::take_over(state, &mut new, &body).map_err(refuse)?;
            take_over_udfs(state, entity, &mut new.udfs, &body).map_err(refuse)?;
            state.save_person(new, us(state));
        }
    }
    Ok(shown(state, entity, id, ask))
}

/// `PATCH {entity}/{id}`: all steps or none.
pub(super) fn patch(state: &mut State, entity: Entity, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    guard(state, entity, id, ask)?;
    let body = body(ask)?;
    let refuse = refusal_of(state);
    match entity {
        Entity::Contact => {
            let mut changed = found_contact(state, id)?;
            let mut document = contact::render(state, &changed, ask.style, false);
            patch::apply(&body, &mut document, Some((state, entity, &mut changed.udfs))).map_err(refuse)?;
            contact::take_over(state, &mut changed, &document).map_err(refuse)?;
            state.save_contact(changed, us(state));
        }
        Entity::Person => {
            let mut changed = found_person(state, id)?;
            let mut document = person::render(state, &changed, ask.style, false);
            patch::apply(&body, &mut document, Some((state, entity, &mut changed.udfs))).map_err(refuse)?;
            person::take_over(state, &mut changed, &document).map_err(refuse)?;
            state.save_person(changed, us(state));
        }
    }
    Ok(shown(state, entity, id, ask))
}

/// `DELETE {entity}/{id}`: into the recycle bin.
pub(super) fn delete(state: &mut State, entity: Entity, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    guard(state, entity, id, ask)?;
    state.delete(entity, id, false, us(state));
    Ok(Answer::nothing())
}

/// The entity as REST answers it, reduced by `$select`.
pub(super) fn shown(state: &State, entity: Entity, id: i64, ask: Ask<'_>) -> Answer {
    let mut body = rendered(state, entity, id, ask, true);
    shared::select(&mut body, ask.call.param("$select"));
    Answer::ok(&body)
}

/// The entity; null when there is none.
pub(super) fn rendered(state: &State, entity: Entity, id: i64, ask: Ask<'_>, links: bool) -> Value {
    match entity {
        Entity::Contact => {
            state.contacts.get(&id).map(|found| contact::render(state, found, ask.style, links))
        }
        Entity::Person => state.persons.get(&id).map(|found| person::render(state, found, ask.style, links)),
    }
    .unwrap_or_default()
}

/// Reads both dictionaries of a body. Which one counts when they disagree is a switch.
pub(super) fn take_over_udfs(
    state: &State,
    entity: Entity,
    udfs: &mut Udfs,
    body: &Value,
) -> Result<(), Answer> {
    let mut dictionaries = ["UserDefinedFields", "CustomFields"];
    if !state.policy.custom_fields_win {
        dictionaries.reverse();
    }
    for dictionary in dictionaries {
        let Some(values) = crate::json::get(body, dictionary).and_then(Value::as_object) else { continue };
        for (key, value) in values {
            set_udf(state, entity, udfs, key, value)?;
        }
    }
    Ok(())
}

/// Puts one value into a dictionary. The twins that only repeat a value are ignored.
pub(super) fn set_udf(
    state: &State,
    entity: Entity,
    udfs: &mut Udfs,
    key: &str,
    value: &Value,
) -> Result<(), Answer> {
    let lower = key.to_ascii_lowercase();
    if [":org", ":displaytext", ":displaytooltip"].iter().any(|twin| lower.ends_with(twin)) {
        return Ok(());
    }
    let Some(field) = state.udf_by_prog_id(entity, key) else {
        if !state.policy.unknown_prog_id_is_refused {
            return Ok(());
        }
        return Err(Answer::bad(&format!("There is no field with the prog-id {key}")));
    };
    let mut read = field.read(value, &state.lists).map_err(|wrong| Answer::bad(&wrong))?;
    if let UdfValue::Text(text) = &mut read
        && state.policy.encoded_text_is_decoded
        && let Some(inner) = text.strip_prefix("[I:").and_then(|rest| rest.strip_suffix(']'))
    {
        *text = inner.to_owned();
    }
    let empty = field.empty();
    if field.read_only && udfs.get(&field.identity).unwrap_or(&empty) != &read {
        if !state.policy.read_only_is_refused {
            return Ok(());
        }
        return Err(Answer::bad(&format!("The field {key} is read-only")));
    }
    if let UdfValue::Text(text) = &mut read
        && text.chars().count() > field.text_length
    {
        match state.policy.overlong {
            crate::world::policy::Overlong::Truncate => {
                *text = text.chars().take(field.text_length).collect();
            }
            crate::world::policy::Overlong::Reject => {
                return Err(Answer::bad(&format!(
                    "The text is longer than the {} characters that {key} takes",
                    field.text_length
                )));
            }
        }
    }
    udfs.insert(field.identity, read);
    Ok(())
}

pub(super) fn default_person(state: &State) -> Person {
    Person::blank(0, 276, state.api_user(), state.now())
}

pub(super) fn us(state: &State) -> Author {
    Author { associate: state.api_user(), ours: true }
}

fn body(ask: Ask<'_>) -> Result<Value, Answer> {
    ask.call.json()?.ok_or_else(|| Answer::bad("Entity to save is not in request body."))
}

/// The status that a refused save has; a failed test and a missing record keep theirs.
fn refusal_of(state: &State) -> impl Fn(Answer) -> Answer + Copy + use<> {
    let status = state.policy.refused_save_status;
    move |refusal| if refusal.status == 400 { refusal.with_status(status) } else { refusal }
}

/// 404 for a record that is not there, or 412 for one that changed since.
fn guard(state: &State, entity: Entity, id: i64, ask: Ask<'_>) -> Result<(), Answer> {
    let stamps = stamps(state, entity, id)?;
    let since = ask.call.header("if-unmodified-since").and_then(clock::read_http_date);
    if since.is_some_and(|since| stamps.touched().as_second() > since.as_second()) {
        return Err(Answer::problem(412, "SoPreconditionFailedException", "The entity was changed since"));
    }
    Ok(())
}

fn stamps(state: &State, entity: Entity, id: i64) -> Result<Stamps, Answer> {
    let stamps = match entity {
        Entity::Contact => state.contacts.get(&id).map(|found| found.stamps.clone()),
        Entity::Person => state.persons.get(&id).map(|found| found.stamps.clone()),
    };
    let there = stamps.filter(|stamps| stamps.deleted.is_none() || !state.policy.deleted_is_gone);
    there.ok_or_else(|| Answer::not_found(entity.title(), id))
}

fn found_contact(state: &State, id: i64) -> Result<Contact, Answer> {
    state.contacts.get(&id).cloned().ok_or_else(|| Answer::not_found("Contact", id))
}

fn found_person(state: &State, id: i64) -> Result<Person, Answer> {
    state.persons.get(&id).cloned().ok_or_else(|| Answer::not_found("Person", id))
}
