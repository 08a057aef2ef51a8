//! `UdefLayout`: the definitions of user-defined fields, as an administrator keeps them and as they are published.
//!
//! Publishing gives every definition another `UDefFieldId`; prog-ids stay (docs.superoffice.com, "User-defined fields").
//! A field that is not published exists in no record.

use serde_json::{Value, json};

use super::Ask;
use crate::answer::Answer;
use crate::json;
use crate::world::State;
use crate::world::udf::{Entity, FieldType, UdfField};

/// `GET {entity}/UdefLayout/Published`
pub(super) fn published(state: &State, entity: Entity) -> Answer {
    Answer::ok(&definitions(state, entity))
}

/// The published definitions as an array.
pub(super) fn definitions(state: &State, entity: Entity) -> Value {
    state.udf_fields(entity).map(|field| field.definition(state.udf_version, true)).collect()
}

/// `GET {entity}/UdefLayout`: published or not.
pub(super) fn layout(state: &State, entity: Entity) -> Answer {
    let own = state.udf_layout.iter().filter(|field| field.owner == entity);
    Answer::ok(&own.map(|field| in_layout(state, field)).collect())
}

/// `GET {entity}/UdefLayout/Published/{progIdOrLabel}`
pub(super) fn one_published(state: &State, entity: Entity, name: &str) -> Result<Answer, Answer> {
    let field = state.udf_field(entity, name);
    field.map(|field| Answer::ok(&field.definition(state.udf_version, true))).ok_or_else(|| missing(name))
}

/// `GET {entity}/UdefLayout/{progIdOrLabel}`
pub(super) fn one(state: &State, entity: Entity, name: &str) -> Result<Answer, Answer> {
    let at = place(state, entity, name).ok_or_else(|| missing(name))?;
    Ok(Answer::ok(&in_layout(state, &state.udf_layout[at])))
}

/// `POST {entity}/UdefLayout?udefFieldType=`: the draft of a field. Whether it is saved is a switch.
pub(super) fn draft(state: &mut State, entity: Entity, ask: Ask<'_>) -> Result<Answer, Answer> {
    let kind = ask.call.param("udefFieldType").and_then(FieldType::named);
    let kind = kind.ok_or_else(|| Answer::bad("udefFieldType is missing or unknown"))?;
    let identity = next_identity(state, entity);
    let field = UdfField {
        owner: entity,
        identity,
        own_prog_id: String::new(),
        label: format!("Field {identity}"),
        kind,
        text_length: kind.longest(),
        list: None,
        read_only: false,
    };
    let mut body = field.definition(state.udf_version, false);
    if state.policy.udef_draft_is_saved {
        state.udf_layout.push(field);
    } else {
        body["UDefFieldId"] = 0.into();
    }
    Ok(Answer::ok(&body))
}

/// `PUT {entity}/UdefLayout`: saves the fields of an array; the others stay. All are saved or none.
pub(super) fn save(state: &mut State, entity: Entity, ask: Ask<'_>) -> Result<Answer, Answer> {
    let body = ask.call.json()?.ok_or_else(|| Answer::bad("Entity to save is not in request body."))?;
    let fields = body.as_array().ok_or_else(|| Answer::bad("The body is not an array of fields"))?;
    let before = state.udf_layout.clone();
    for field in fields {
        if let Err(refusal) = save_one(state, entity, field) {
            state.udf_layout = before;
            return Err(refusal);
        }
    }
    Ok(layout(state, entity))
}

/// `POST {entity}/UdefLayout/Publish`: a number, as the vendor's description says; which one is not documented.
pub(super) fn publish(state: &mut State, entity: Entity) -> Answer {
    let fresh: Vec<UdfField> =
        state.udf_layout.iter().filter(|field| field.owner == entity).cloned().collect();
    state.udfs.retain(|field| field.owner != entity);
    state.udfs.extend(fresh);
    state.udf_version += 1;
    Answer::ok(&json!(state.udf_version))
}

/// `GET {entity}/UdefLayout/Changed`
pub(super) fn changed(state: &State, entity: Entity) -> Answer {
    let of = |fields: &[UdfField]| -> Vec<UdfField> {
        fields.iter().filter(|field| field.owner == entity).cloned().collect()
    };
    Answer::ok(&json!(of(&state.udfs) != of(&state.udf_layout)))
}

/// `DELETE {entity}/UdefLayout/{progIdOrLabel}`: gone for everyone at the next publish.
pub(super) fn remove(state: &mut State, entity: Entity, name: &str) -> Result<Answer, Answer> {
    let at = place(state, entity, name).ok_or_else(|| missing(name))?;
    state.udf_layout.remove(at);
    Ok(Answer::nothing())
}

/// `POST {entity}/UdefLayout/Revert`
pub(super) fn revert(state: &mut State, entity: Entity) -> Answer {
    let published: Vec<UdfField> = state.udf_fields(entity).cloned().collect();
    state.udf_layout.retain(|field| field.owner != entity);
    state.udf_layout.extend(published);
    Answer::nothing()
}

fn save_one(state: &mut State, entity: Entity, body: &Value) -> Result<(), Answer> {
    let text = |name: &str| json::get(body, name).map(json::text).unwrap_or_default();
    let number = |name: &str| json::get(body, name).and_then(json::int).unwrap_or(0);
    let kind = FieldType::named(&text("FieldType")).ok_or_else(|| Answer::bad("FieldType is not known"))?;
    let prog_id = text("ProgId");
    let identity = number("UdefIdentity");
    // A field is known by its identity, which stays; a draft's may have been taken meanwhile.
    let at = state.udf_layout.iter().position(|field| {
        field.owner == entity
            && field.identity == identity
            && (number("UDefFieldId") != 0 || field.prog_id() == prog_id)
    });
    let identity = if at.is_some() { identity } else { next_identity(state, entity) };
    let default = prog_id.is_empty() || prog_id == format!("SuperOffice:{identity}");
    let text_length = usize::try_from(number("TextLength")).unwrap_or(0);
    let list = Some(number("UDListDefinitionId")).filter(|id| kind == FieldType::List && *id != 0);
    if list.is_some_and(|list| !state.lists.has(&format!("udlist{list}"))) {
        return Err(Answer::bad("There is no list of this UDListDefinitionId"));
    }
    let field = UdfField {
        owner: entity,
        identity,
        own_prog_id: if default { String::new() } else { prog_id },
        label: text("FieldLabel"),
        kind,
        text_length: if text_length == 0 { kind.longest() } else { text_length.min(kind.longest()) },
        list,
        read_only: json::get(body, "IsReadOnly").and_then(json::flag).unwrap_or(false),
    };
    let taken = |(place, other): (usize, &UdfField)| {
        other.owner == entity && Some(place) != at && other.prog_id().eq_ignore_ascii_case(&field.prog_id())
    };
    if state.udf_layout.iter().enumerate().any(taken) {
        return Err(Answer::bad(&format!("The prog-id {} is taken", field.prog_id())));
    }
    match at {
        Some(at) => state.udf_layout[at] = field,
        None => state.udf_layout.push(field),
    }
    Ok(())
}

fn in_layout(state: &State, field: &UdfField) -> Value {
    let published =
        state.udfs.iter().any(|other| other.owner == field.owner && other.identity == field.identity);
    field.definition(state.udf_version, published)
}

fn place(state: &State, entity: Entity, name: &str) -> Option<usize> {
    state.udf_layout.iter().position(|field| {
        let named = field.prog_id().eq_ignore_ascii_case(name) || field.label.eq_ignore_ascii_case(name);
        field.owner == entity && named
    })
}

/// Numbers are never used twice, so that the values of a removed field do not turn up in a new one.
fn next_identity(state: &State, entity: Entity) -> i64 {
    let all = state.udfs.iter().chain(&state.udf_layout).filter(|field| field.owner == entity);
    all.map(|field| field.identity).max().unwrap_or(0) + 1
}

fn missing(name: &str) -> Answer {
    Answer::problem(404, "SoNotFoundException", &format!("Field {name} not found"))
}
