//! The agent `MDO`: lists to choose from. A user-defined list is `udlist` with its number as additional information.

use serde_json::Value;

use super::Asked;
use crate::answer::Answer;
use crate::json;
use crate::routes::list;
use crate::world::State;

pub(super) fn answer(state: &State, asked: &Asked<'_>) -> Result<Answer, Answer> {
    let style = asked.ask.style;
    let name = match asked.text("Name").as_str() {
        "udlist" => format!("udlist{}", asked.text("AdditionalInfo")),
        name => name.to_owned(),
    };
    let items = || list::values(state, &name, "");
    let done = match asked.method {
        "getlistnames" => return Ok(list::names(state)),
        "getlist" | "getsimplelist" => items()?,
        "getlistwithrestriction" => restricted(items()?, asked),
        "getselectablelist" | "getselectablesimplelist" => list::ticked(items()?, style),
        "getselectablelistwithrestriction" => list::ticked(restricted(items()?, asked), style),
        "getlistitem" => {
            let wanted = Some(Value::from(asked.id("Id")));
            let found = list::values(state, &asked.text("ListName"), "")?
                .into_iter()
                .find(|item| item.get("Id") == wanted.as_ref());
            return Ok(Answer::ok(&found.unwrap_or_default()));
        }
        _ => return Err(asked.unknown("mdo")),
    };
    Ok(Answer::ok(&done.into()))
}

/// The items whose names contain what is searched for.
fn restricted(mut items: Vec<Value>, asked: &Asked<'_>) -> Vec<Value> {
    let wanted = asked.text("SearchValue").to_lowercase();
    items.retain(|item| {
        json::get(item, "Name").is_some_and(|name| json::text(name).to_lowercase().contains(&wanted))
    });
    items
}
