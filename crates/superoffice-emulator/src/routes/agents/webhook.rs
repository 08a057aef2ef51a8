//! The agent `Webhook`.

use serde_json::Value;

use super::Asked;
use crate::answer::Answer;
use crate::json;
use crate::routes::webhook;
use crate::world::events::Occurrence;
use crate::world::{State, World};

/// The calls that post a test event to the target.
pub(super) async fn sent(
    world: &World,
    client: &reqwest::Client,
    asked: &Asked<'_>,
) -> Result<Answer, Answer> {
    let style = asked.ask.style;
    if asked.method == "testwebhook" {
        let inner = json::get(asked.body, "Webhook").cloned().unwrap_or_default();
        let hook = world.with(|state| webhook::read_into(webhook::blank(state, asked.ask.call), &inner))?;
        return Ok(webhook::tested(world, client, &hook).await);
    }
    let known = asked.id("WebhookId");
    let hook = world.with(|state| {
        let base = if known == 0 || !state.webhooks.contains_key(&known) {
            webhook::blank(state, asked.ask.call)
        } else {
            webhook::visible(state, known, asked.ask.call)?.clone()
        };
        webhook::read_into(base, asked.body)
    })?;
    let (_, id) = webhook::store(world, client, hook, style).await?;
    Ok(world.with(|state| Answer::ok(&webhook::stored(state, id, asked.ask))))
}

pub(super) fn answer(state: &mut State, asked: &Asked<'_>) -> Result<Answer, Answer> {
    let done = match asked.method {
        "createdefaultwebhook" => return Ok(webhook::default(asked.ask)),
        "getwebhook" => webhook::stored(state, asked.id("WebhookId"), asked.ask),
        "getallwebhooks" => {
            let filters = ["NameFilter", "EventFilter", "StatusFilter"].map(|name| asked.text(name));
            return Ok(webhook::filtered(state, filters, asked.ask));
        }
        "getlasterror" => webhook::visible(state, asked.id("WebhookId"), asked.ask.call)
            .map_or(Value::Null, |hook| hook.last_error.clone().into()),
        "deletewebhook" => return webhook::delete(state, asked.id("WebhookId"), asked.ask),
        "signalevent" => {
            let data = json::get(asked.body, "Data").and_then(Value::as_object).cloned();
            let (event, id) = (asked.text("EventName"), asked.id("PrimaryKey"));
            state.raise(&Occurrence::signalled(&event, id, state.api_user(), data));
            return Ok(Answer::nothing());
        }
        _ => return Err(asked.unknown("webhook")),
    };
    Ok(Answer::ok(&done))
}
