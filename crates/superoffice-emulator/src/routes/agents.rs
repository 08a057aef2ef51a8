//! The agent calls that the vendor's own client needs instead of REST: everything is a POST, an unknown id is 200
//! with `null`, and entities come without links. Each agent has its own file.

mod archive;
mod associate;
mod contact;
mod field;
mod list;
mod person;
mod webhook;

use serde_json::{Value, json};

use super::{Ask, entity};
use crate::answer::{Answer, Call};
use crate::json;
use crate::world::udf::Entity;
use crate::world::{State, World};

/// A call of an agent.
struct Asked<'a> {
    /// Method, in lower case.
    method: &'a str,
    body: &'a Value,
    ask: Ask<'a>,
}

impl Asked<'_> {
    /// A number in the query or in the body; 0 when there is none.
    fn id(&self, name: &str) -> i64 {
        let found =
            self.ask.call.param(name).map(Value::from).or_else(|| json::get(self.body, name).cloned());
        found.as_ref().and_then(json::int).unwrap_or(0)
    }

    /// A text in the body; empty when there is none.
    fn text(&self, name: &str) -> String {
        json::get(self.body, name).map(json::text).unwrap_or_default()
    }

    /// The numbers of a body that is nothing but a list of them.
    fn ids(&self) -> impl Iterator<Item = i64> {
        self.body.as_array().into_iter().flatten().filter_map(json::int)
    }

    fn unknown(&self, agent: &str) -> Answer {
        let message = format!("The emulator has no agent call {agent}/{}", self.method);
        Answer::json(404, &json!({"Message": message}))
    }
}

/// Carries out `POST Agents/{agent}/{method}`; both names in lower case.
pub(super) async fn answer(
    world: &World,
    client: &reqwest::Client,
    agent: &str,
    method: &str,
    call: &Call,
) -> Result<Answer, Answer> {
    let body = call.json()?.unwrap_or_default();
    let style = world.look(|state| super::style(state, call))?;
    let asked = Asked { method, body: &body, ask: Ask { call, style } };
    match (agent, method) {
        ("webhook", "savewebhook" | "testwebhook") => webhook::sent(world, client, &asked).await,
        ("archive", _) => world.look(|state| at_once(state, agent, &asked)),
        _ => world.with(|state| at_once(state, agent, &asked)),
    }
}

fn at_once(state: &mut State, agent: &str, asked: &Asked<'_>) -> Result<Answer, Answer> {
    match agent {
        "webhook" => webhook::answer(state, asked),
        "contact" => contact::answer(state, asked),
        "person" => person::answer(state, asked),
        "associate" => associate::answer(state, asked),
        "mdo" => list::answer(state, asked),
        "archive" => archive::answer(state, asked),
        "userdefinedfieldinfo" => field::answer(state, asked),
        // Nothing is derived from the fields here.
        "configuration" if asked.method == "rebuildudefdeltas" => Ok(Answer::nothing()),
        _ => Err(asked.unknown(agent)),
    }
}

/// Creates with id 0, replaces otherwise. Agents send no links.
fn save(state: &mut State, entity: Entity, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    let known = if id == 0 {
        entity::create(state, entity, ask)?;
        match entity {
            Entity::Contact => state.contacts.keys().next_back().copied(),
            Entity::Person => state.persons.keys().next_back().copied(),
        }
        .unwrap_or(0)
    } else {
        entity::replace(state, entity, id, ask)?;
        id
    };
    Ok(Answer::ok(&entity::rendered(state, entity, known, ask, false)))
}
