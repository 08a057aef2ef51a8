//! `UdefLayout`: the definitions of user-defined fields.
//!
//! Publishing gives every definition another `UDefFieldId`; prog-ids stay (docs.superoffice.com, "User-defined fields").

use serde_json::Value;

use crate::answer::Answer;
use crate::world::State;
use crate::world::udf::Entity;

/// `GET {entity}/UdefLayout` and `/Published`. The tenant has no unpublished fields, so both are the same.
pub(super) fn all(state: &State, entity: Entity) -> Answer {
    Answer::ok(&definitions(state, entity))
}

/// The definitions as an array.
pub(super) fn definitions(state: &State, entity: Entity) -> Value {
    state.udf_fields(entity).map(|field| field.definition(state.udf_version)).collect()
}

/// `GET {entity}/UdefLayout/{progIdOrLabel}`
pub(super) fn one(state: &State, entity: Entity, name: &str) -> Result<Answer, Answer> {
    let field = state.udf_field(entity, name);
    let missing = || Answer::problem(404, "SoNotFoundException", &format!("Field {name} not found"));
    field.map(|field| Answer::ok(&field.definition(state.udf_version))).ok_or_else(missing)
}

/// `POST {entity}/UdefLayout/Publish`
pub(super) fn publish(state: &mut State, entity: Entity) -> Answer {
    state.udf_version += 1;
    all(state, entity)
}
