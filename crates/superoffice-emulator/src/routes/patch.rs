//! JSON Patch, and the merge form that SuperOffice turns into JSON Patch.
//!
//! Steps work on the entity's document; steps about user-defined fields work on their values, so that a guard
//! compares meanings and not encodings. A step that cannot be done undoes nothing, because nothing is saved before
//! all are done.

use serde_json::{Map, Value};
use superoffice::patch::Operation;

use super::entity::set_udf;
use crate::answer::Answer;
use crate::json;
use crate::world::State;
use crate::world::contact::Udfs;
use crate::world::udf::Entity;

/// Where user-defined fields are kept while a patch is worked on.
type Fields<'a> = Option<(&'a State, Entity, &'a mut Udfs)>;

/// Applies a patch of either form.
pub(super) fn apply(body: &Value, document: &mut Value, mut fields: Fields<'_>) -> Result<(), Answer> {
    for operation in operations(body, document)? {
        let segments = operation.segments();
        let is_dictionary = segments.first().is_some_and(|first| dictionary(first));
        match &mut fields {
            Some((state, entity, udfs)) if is_dictionary => {
                in_dictionary(state, *entity, udfs, &operation, &segments)?;
            }
            _ => in_document(document, &operation, &segments)?,
        }
    }
    Ok(())
}

fn dictionary(name: &str) -> bool {
    ["customfields", "userdefinedfields", "extrafields"].contains(&name.to_ascii_lowercase().as_str())
}

fn operations(body: &Value, document: &Value) -> Result<Vec<Operation>, Answer> {
    match body {
        Value::Array(_) => serde_json::from_value(body.clone())
            .map_err(|wrong| Answer::bad(&format!("The patch cannot be read: {wrong}"))),
        Value::Object(changes) => {
            let mut operations = Vec::new();
            convert(changes, document, "", &mut operations);
            Ok(operations)
        }
        _ => Err(Answer::bad("A patch is an array of operations or an object")),
    }
}

/// Turns a merge object into steps. An object where a list is, is added to it; a list replaces the list.
fn convert(changes: &Map<String, Value>, document: &Value, above: &str, into: &mut Vec<Operation>) {
    for (key, value) in changes {
        let path = format!("{above}/{}", superoffice::patch::escape(key));
        let old = json::get(document, key);
        let whole =
            dictionary(key) || key.eq_ignore_ascii_case("street") || key.eq_ignore_ascii_case("postal");
        match (old, value) {
            (Some(Value::Array(_)), Value::Object(_)) => {
                into.push(Operation::Add { path: format!("{path}/-"), value: value.clone() });
            }
            (Some(inner @ Value::Object(_)), Value::Object(changes)) if !whole => {
                convert(changes, inner, &path, into);
            }
            _ => into.push(Operation::Replace { path, value: value.clone() }),
        }
    }
}

fn in_dictionary(
    state: &State,
    entity: Entity,
    udfs: &mut Udfs,
    operation: &Operation,
    segments: &[String],
) -> Result<(), Answer> {
    let key = segments.get(1).map(String::as_str);
    if segments.len() > 2 {
        return Err(no_path(operation));
    }
    match (operation, key) {
        (Operation::Test { value, .. }, Some(key)) => holds(state, entity, udfs, key, value),
        (Operation::Test { value, .. }, None) => {
            let wanted = value.as_object().ok_or_else(|| no_path(operation))?;
            wanted.iter().try_for_each(|(key, value)| holds(state, entity, udfs, key, value))
        }
        (Operation::Add { value, .. } | Operation::Replace { value, .. }, Some(key)) => {
            set_udf(state, entity, udfs, key, value)
        }
        (Operation::Add { value, .. } | Operation::Replace { value, .. }, None) => {
            let values = value.as_object().ok_or_else(|| no_path(operation))?;
            if !state.policy.partial_dictionary_merges {
                udfs.clear();
            }
            values.iter().try_for_each(|(key, value)| set_udf(state, entity, udfs, key, value))
        }
        (Operation::Remove { .. }, Some(key)) => set_udf(state, entity, udfs, key, &Value::Null),
        (Operation::Remove { .. }, None) => {
            udfs.clear();
            Ok(())
        }
    }
}

/// Checks that a field still holds a value, whatever encoding the value is given in.
fn holds(state: &State, entity: Entity, udfs: &Udfs, key: &str, wanted: &Value) -> Result<(), Answer> {
    let Some(field) = state.udf_by_prog_id(entity, key) else {
        return Err(Answer::bad(&format!("There is no field with the prog-id {key}")));
    };
    let empty = field.empty();
    let holds = field
        .read(wanted, &state.lists)
        .is_ok_and(|wanted| *udfs.get(&field.identity).unwrap_or(&empty) == wanted);
    if holds { Ok(()) } else { Err(conflict(key)) }
}

fn in_document(document: &mut Value, operation: &Operation, segments: &[String]) -> Result<(), Answer> {
    let in_address = segments.len() > 2 && segments[0].eq_ignore_ascii_case("address");
    if in_address && !matches!(operation, Operation::Test { .. }) {
        return Err(Answer::bad("An address needs the complete address fields"));
    }
    let Some((last, parents)) = segments.split_last() else { return Err(no_path(operation)) };
    let mut place = document;
    for segment in parents {
        place = step(place, segment).ok_or_else(|| no_path(operation))?;
    }
    match operation {
        Operation::Test { value, .. } => {
            let found = step(place, last).map_or(Value::Null, |found| found.clone());
            if same(&found, value) { Ok(()) } else { Err(conflict(operation.path())) }
        }
        Operation::Add { value, .. } => {
            put(place, last, value.clone(), true).ok_or_else(|| no_path(operation))
        }
        Operation::Replace { value, .. } => {
            put(place, last, value.clone(), false).ok_or_else(|| no_path(operation))
        }
        Operation::Remove { .. } => take(place, last).ok_or_else(|| no_path(operation)),
    }
}

fn step<'a>(place: &'a mut Value, segment: &str) -> Option<&'a mut Value> {
    match place {
        Value::Object(object) => {
            let key = json::key_in(object, segment)?;
            object.get_mut(&key)
        }
        Value::Array(list) => list.get_mut(segment.parse::<usize>().ok()?),
        _ => None,
    }
}

fn put(place: &mut Value, segment: &str, value: Value, insert: bool) -> Option<()> {
    match place {
        Value::Object(object) => {
            let key = json::key_in(object, segment)?;
            object.insert(key, value);
        }
        Value::Array(list) if segment == "-" => list.push(value),
        Value::Array(list) => {
            let at = segment.parse::<usize>().ok()?;
            if insert && at <= list.len() {
                list.insert(at, value);
            } else {
                *list.get_mut(at)? = value;
            }
        }
        _ => return None,
    }
    Some(())
}

/// Empties a property, or takes an element out of a list. Properties of an entity never go away.
fn take(place: &mut Value, segment: &str) -> Option<()> {
    match place {
        Value::Object(object) => {
            let key = json::key_in(object, segment)?;
            let emptied = if object[&key].is_array() { Value::Array(Vec::new()) } else { Value::Null };
            object.insert(key, emptied);
        }
        Value::Array(list) => {
            let at = segment.parse::<usize>().ok().filter(|at| *at < list.len())?;
            list.remove(at);
        }
        _ => return None,
    }
    Some(())
}

/// Whether a value is the wanted one; of objects, only the wanted keys count, and a number may be sent as text.
fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(_), Value::Object(wanted)) => {
            wanted.iter().all(|(key, value)| json::get(found, key).is_some_and(|found| same(found, value)))
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| same(found, wanted))
        }
        (Value::Number(number), Value::String(text)) => number.to_string() == *text,
        (found, wanted) => found == wanted,
    }
}

fn conflict(path: &str) -> Answer {
    Answer::problem(409, "SoConflictException", &format!("The test operation failed for {path}"))
}

fn no_path(operation: &Operation) -> Answer {
    Answer::bad(&format!("The path {} cannot be patched like this", operation.path()))
}
