//! The agent `Associate`.

use serde_json::Value;

use super::Asked;
use crate::answer::Answer;
use crate::routes::shared;
use crate::world::State;

pub(super) fn answer(state: &State, asked: &Asked<'_>) -> Result<Answer, Answer> {
    let shown = |id: i64| shared::associate(state, id);
    let done = match asked.method {
        "getassociate" => shown(asked.id("AssociateId")),
        "getassociatebypersonid" => {
            let person = asked.id("PersonId");
            let found = state.associates.iter().find(|user| user.person_id() == person);
            found.map_or(Value::Null, |user| shown(user.id))
        }
        "getassociatelist" => asked.ids().map(shown).collect(),
        "getassociatesbygroup" => {
            let (group, kind) = (asked.id("GroupId"), asked.id("Type"));
            // All users here are internal, and all groups are user groups.
            let wanted = !state.policy.associates_by_group_type || matches!(kind, 0 | 2);
            let members = state.associates.iter().filter(|user| wanted && user.group_id == group);
            members.map(|user| shown(user.id)).collect()
        }
        _ => return Err(asked.unknown("associate")),
    };
    Ok(Answer::ok(&done))
}
