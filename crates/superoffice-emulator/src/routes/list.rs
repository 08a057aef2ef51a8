//! `MDOList`: names of lists, and the items of one.

use serde_json::Value;

use crate::answer::Answer;
use crate::world::State;

/// `GET MDOList`
pub(super) fn names(state: &State) -> Answer {
    Answer::ok(&state.lists.names().map(Value::from).collect())
}

/// `GET MDOList/{name}`
pub(super) fn items(state: &State, name: &str) -> Result<Answer, Answer> {
    Ok(Answer::ok(&values(state, name)?.into()))
}

/// The items of a list.
pub(super) fn values(state: &State, name: &str) -> Result<Vec<Value>, Answer> {
    if !state.lists.has(name) {
        return Err(Answer::problem(404, "SoNotFoundException", &format!("List {name} not found")));
    }
    let lower = name.to_ascii_lowercase();
    Ok((1..).zip(state.lists.items(name)).map(|(rank, item)| item.render(&lower, rank)).collect())
}
