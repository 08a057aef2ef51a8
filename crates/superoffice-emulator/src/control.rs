//! `/_emulator`: looking behind the curtain, and making things happen. Never part of the vendor's API, needs no token.

mod guard;

use serde_json::{Value, json};

use crate::answer::{Answer, Call};
use crate::mishap::Mishap;
use crate::world::World;
use crate::world::edit::{Edit, EditError};
use crate::world::policy::Policy;
use crate::world::udf::Entity;

pub(crate) use guard::objection;

/// Answers a control call.
pub(crate) fn answer(world: &World, call: &Call) -> Answer {
    let path = call.path.trim_end_matches('/').trim_start_matches("/_emulator").trim_start_matches('/');
    let done = match (call.method.as_str(), path) {
        ("GET", "") => Ok(Answer::ok(&json!({"routes": ROUTES}))),
        ("GET", "accounts") => Ok(listing(&world.accounts())),
        ("GET", "calls") => Ok(Answer::ok(&calls(world))),
        ("GET", "calls/records") => Ok(listing(&world.record_calls())),
        ("GET", "deliveries") => Ok(listing(&world.deliveries())),
        ("GET", "mishaps") => Ok(world.with(|state| listing(state.mishaps.all()))),
        ("POST", "mishaps") => start(world, call),
        ("DELETE", "mishaps") => {
            world.clear_mishaps();
            Ok(Answer::nothing())
        }
        ("GET", "policy") => Ok(listing(&world.policy())),
        ("POST", "policy") => policy(world, call),
        ("GET", "tenant") => Ok(Answer::ok(&world.tenant())),
        ("POST", "tenant") => order(world, call),
        ("GET", "clock") => Ok(Answer::ok(&json!({"now": world.now().to_string()}))),
        ("POST", "clock") => move_clock(world, call),
        ("POST", "edit") => edit(call)
            .and_then(|edit| world.apply(&edit).map_err(|error| refused(&error)))
            .map(|()| changed()),
        ("POST", "create") => {
            edit(call).and_then(|edit| world.make(&edit).map_err(|error| refused(&error))).map(created)
        }
        ("POST", "delete") => edit(call).and_then(|edit| remove(world, &edit, true)),
        ("POST", "softdelete") => edit(call).and_then(|edit| remove(world, &edit, false)),
        ("POST", "reset") => {
            world.reset();
            Ok(Answer::nothing())
        }
        _ => account(world, call, path),
    };
    done.unwrap_or_else(|refusal| refusal)
}

const ROUTES: [&str; 15] = [
    "GET accounts",
    "GET accounts/{id}",
    "GET calls",
    "GET calls/records",
    "GET deliveries",
    "GET|POST|DELETE mishaps",
    "GET|POST policy",
    "GET|POST tenant",
    "GET|POST clock",
    "POST edit",
    "POST create",
    "POST delete",
    "POST softdelete",
    "POST reset",
    "GET /sites",
];

fn account(world: &World, call: &Call, path: &str) -> Result<Answer, Answer> {
    let id = path.strip_prefix("accounts/").and_then(|id| id.parse().ok());
    let account = id.filter(|_| call.method == http::Method::GET).and_then(|id| world.account(id));
    account
        .map(|account| listing(&account))
        .ok_or_else(|| Answer::json(404, &json!({"error": "there is nothing here"})))
}

fn calls(world: &World) -> Value {
    world.with(|state| {
        let row = |((method, route, status), count): (&(String, String, u16), &u64)| {
            json!({"method": method, "route": route, "status": status, "count": count})
        };
        state.calls.iter().map(row).collect()
    })
}

fn start(world: &World, call: &Call) -> Result<Answer, Answer> {
    let body = call.json()?.ok_or_else(|| wrong("the body is empty"))?;
    let all = if body.is_array() { body } else { json!([body]) };
    let all: Vec<Mishap> = serde_json::from_value(all).map_err(|error| wrong(&error.to_string()))?;
    for mishap in all {
        world.mishap(mishap);
    }
    Ok(Answer::nothing())
}

/// Switches that the body names are set, the others stay.
fn policy(world: &World, call: &Call) -> Result<Answer, Answer> {
    let body = call.json()?.ok_or_else(|| wrong("the body is empty"))?;
    let mut next = serde_json::to_value(world.policy()).map_err(|error| wrong(&error.to_string()))?;
    for (key, value) in body.as_object().into_iter().flatten() {
        next[key] = value.clone();
    }
    let next: Policy = serde_json::from_value(next).map_err(|error| wrong(&error.to_string()))?;
    world.set_policy(|policy| *policy = next);
    Ok(listing(&world.policy()))
}

/// The tenant's state, the address of its app, and what the app is told.
fn order(world: &World, call: &Call) -> Result<Answer, Answer> {
    let order = serde_json::from_slice(&call.body).map_err(|error| wrong(&error.to_string()))?;
    world.order(order).map_err(|words| wrong(&words))?;
    Ok(Answer::ok(&world.tenant()))
}

/// `{"seconds": 600}` moves the tenant's clock ten minutes on; a negative number moves it back.
fn move_clock(world: &World, call: &Call) -> Result<Answer, Answer> {
    let body = call.json()?.unwrap_or_default();
    let seconds = body["seconds"].as_i64().ok_or_else(|| wrong("`seconds` is wanted, a whole number"))?;
    world.move_clock(jiff::SignedDuration::from_secs(seconds));
    Ok(Answer::ok(&json!({"now": world.now().to_string()})))
}

fn remove(world: &World, edit: &Edit, for_good: bool) -> Result<Answer, Answer> {
    let entity =
        Entity::named(&edit.entity).ok_or_else(|| refused(&EditError::NoEntity(edit.entity.clone())))?;
    let done = if for_good {
        world.delete(entity, edit.id, edit.by)
    } else {
        world.soft_delete(entity, edit.id, edit.by)
    };
    if done { Ok(changed()) } else { Err(refused(&EditError::NoRecord(entity.word(), edit.id))) }
}

fn edit(call: &Call) -> Result<Edit, Answer> {
    serde_json::from_slice(&call.body).map_err(|error| wrong(&error.to_string()))
}

fn changed() -> Answer {
    Answer::ok(&json!({"status": "ok"}))
}

fn created(id: i64) -> Answer {
    Answer::ok(&json!({"id": id}))
}

fn listing<T: serde::Serialize + ?Sized>(value: &T) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => Answer::page(200, "application/json; charset=utf-8", body),
        Err(error) => Answer::json(500, &json!({"error": error.to_string()})),
    }
}

fn refused(error: &EditError) -> Answer {
    let status = if matches!(error, EditError::NoRecord(..)) { 404 } else { 400 };
    Answer::json(status, &json!({"error": error.to_string()}))
}

fn wrong(message: &str) -> Answer {
    Answer::json(400, &json!({"error": message}))
}
