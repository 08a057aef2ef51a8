//! `Webhook`: registering, changing and testing webhooks.
//!
//! A save first posts a test event to the target, which must answer 200; otherwise the save fails with 400 and
//! nothing is stored. Stopping a webhook needs no test. An application sees its own webhooks alone.

use serde_json::{Map, Value, json};

use super::{Ask, Target, patch, shared};
use crate::answer::{Answer, Call};
use crate::clock::{self, DateStyle};
use crate::deliver;
use crate::json;
use crate::world::events::Occurrence;
use crate::world::webhook::{HookState, Webhook};
use crate::world::{State, World};

/// `GET Webhook/default`
pub(super) fn default(ask: Ask<'_>) -> Answer {
    Answer::ok(&json!({
        "WebhookId": 0, "Name": null, "Events": ["contact.created", "contact.deleted"], "TargetUrl": null,
        "Secret": null, "State": "Active", "Type": "webhook", "Headers": null, "Properties": null,
        "Registered": ask.style.write_opt(None), "RegisteredAssociate": null, "Updated": ask.style.write_opt(None),
        "UpdatedAssociate": null, "ErrorsEmail": null, "ErrorEmails": [], "ErrorAssociates": [], "Description": "",
        "NotifyVia": "None", "NotifyWhen": "None", "TotalCalls": 0, "TotalErrors": 0, "ConsecutiveErrors": 0,
        "LastError": "",
    }))
}

/// `GET Webhook?nameFilter=&eventFilter=&statusFilter=`
pub(super) fn all(state: &State, ask: Ask<'_>) -> Answer {
    let param = |name: &str| ask.call.param(name).unwrap_or_default().to_owned();
    filtered(state, [param("nameFilter"), param("eventFilter"), param("statusFilter")], ask)
}

/// The webhooks that fit a part of the name, a part of the events, and a state. `Unknown` and nothing fit all.
pub(super) fn filtered(state: &State, filters: [String; 3], ask: Ask<'_>) -> Answer {
    let [name, event, status] = filters.map(|filter| filter.to_ascii_lowercase());
    let status = HookState::read(&status.into());
    let wanted = |hook: &&Webhook| {
        hook.name.to_ascii_lowercase().contains(&name)
            && hook.events.join(",").to_ascii_lowercase().contains(&event)
            && status.is_none_or(|status| status == hook.state)
    };
    let visible = state.webhooks_of(&ask.call.application).into_iter();
    Answer::ok(&visible.filter(wanted).map(|hook| render(state, hook, ask.style, false)).collect())
}

/// A webhook of the application that calls. What others' webhooks are answered with is a switch.
pub(super) fn visible<'a>(state: &'a State, id: i64, call: &Call) -> Result<&'a Webhook, Answer> {
    let hook = state.webhooks.get(&id).ok_or_else(|| Answer::not_found("Webhook", id))?;
    if state.policy.webhooks_by_application && hook.application != call.application {
        return Err(Answer::not_found("Webhook", id).with_status(state.policy.foreign_webhook_status));
    }
    Ok(hook)
}

/// `GET Webhook/{id}`
pub(super) fn read(state: &State, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    let hook = visible(state, id, ask.call)?;
    Ok(Answer::ok(&render(state, hook, ask.style, true)))
}

/// `DELETE Webhook/{id}`
pub(super) fn delete(state: &mut State, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    visible(state, id, ask.call)?;
    state.webhooks.remove(&id);
    Ok(Answer::nothing())
}

/// `GET Webhook/{id}/LastError`
pub(super) fn last_error(state: &State, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    let hook = visible(state, id, ask.call)?;
    Ok(Answer::ok(&hook.last_error.clone().into()))
}

/// `POST Webhook/{eventName}/{primaryKey}`
pub(super) fn signal(state: &mut State, event: &str, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    let data = ask.call.json()?.and_then(|data| data.as_object().cloned());
    state.raise(&Occurrence::signalled(event, id, state.api_user(), data));
    Ok(Answer::nothing())
}

/// The calls that send a test first: create, replace, patch, and the test alone.
pub(super) async fn save(
    world: &World,
    client: &reqwest::Client,
    target: &Target,
    call: &Call,
) -> Result<Answer, Answer> {
    let body = call.json()?.ok_or_else(|| Answer::bad("Entity to save is not in request body."))?;
    let style = world.with(|state| super::style(state, call))?;
    let hook = world.with(|state| draft(state, target, &body, Ask { call, style }))?;
    if *target == Target::HookTest {
        return Ok(tested(world, client, &hook).await);
    }
    Ok(store(world, client, hook, style).await?.0)
}

/// Tests and stores a webhook; answers with it.
pub(super) async fn store(
    world: &World,
    client: &reqwest::Client,
    mut hook: Webhook,
    style: DateStyle,
) -> Result<(Answer, i64), Answer> {
    world.with(|state| acceptable(state, &hook))?;
    if hook.state == HookState::Active && hook.kind == "webhook" {
        let wrong = match deliver::test(client, world, &hook).await {
            Ok(reply) if reply.status == 200 => None,
            Ok(reply) => Some(format!("the target answered {}", reply.status)),
            Err(error) => Some(error),
        };
        if let Some(wrong) = wrong {
            return Err(Answer::bad(&format!(
                "Webhook TargetUrl did not respond with 200 OK to a test: {wrong}"
            )));
        }
        // A webhook that is saved as active starts with a clean slate.
        hook.consecutive_errors = 0;
    }
    Ok(world.with(|state| {
        if hook.id == 0 {
            hook.id = state.next_webhook;
            state.next_webhook += 1;
        } else if let Some(old) = state.webhooks.get(&hook.id) {
            // Deliveries went on while the test was under way.
            (hook.total_calls, hook.total_errors) = (old.total_calls, old.total_errors);
        }
        let (id, verb) = (hook.id, state.turn(&hook));
        let body = render(state, &hook, style, true);
        state.webhooks.insert(id, hook.clone());
        if let Some(verb) = verb {
            state.raise(&Occurrence::of_webhook(&hook, verb));
        }
        (Answer::ok(&body), id)
    }))
}

/// `POST Webhook/Test`
pub(super) async fn tested(world: &World, client: &reqwest::Client, hook: &Webhook) -> Answer {
    let (success, message) = match deliver::test(client, world, hook).await {
        Ok(reply) => (reply.status == 200, reply.text),
        Err(error) => (false, error),
    };
    Answer::ok(&json!({"Success": success, "Message": message, "TableRight": null, "FieldProperties": {}}))
}

/// The webhook that a call wants to have saved.
fn draft(state: &State, target: &Target, body: &Value, ask: Ask<'_>) -> Result<Webhook, Answer> {
    let old = |id: &i64| visible(state, *id, ask.call).cloned();
    match target {
        Target::HookReplace(id) => {
            let old = old(id)?;
            let kept = Webhook {
                id: *id,
                registered: old.registered,
                registered_by: old.registered_by,
                ..blank(state, ask.call)
            };
            let kept = Webhook { application: old.application, ..kept };
            let kept = Webhook { secret: old.secret, state: old.state, ..kept };
            Ok(touched(state, read_into(kept, body)?))
        }
        Target::HookPatch(id) => {
            let old = old(id)?;
            let mut document = render(state, &old, ask.style, false);
            patch::apply(body, &mut document, None)?;
            Ok(touched(state, read_into(old, &document)?))
        }
        _ => read_into(blank(state, ask.call), body),
    }
}

/// A new webhook with defaults.
pub(super) fn blank(state: &State, call: &Call) -> Webhook {
    Webhook {
        id: 0,
        application: call.application.clone(),
        name: String::new(),
        events: Vec::new(),
        target_url: String::new(),
        secret: String::new(),
        state: HookState::Active,
        kind: "webhook".to_owned(),
        headers: Map::new(),
        properties: Map::new(),
        registered: clock::now(),
        registered_by: state.api_user(),
        updated: None,
        updated_by: 0,
        errors_email: None,
        description: String::new(),
        total_calls: 0,
        total_errors: 0,
        consecutive_errors: 0,
        last_error: String::new(),
    }
}

fn touched(state: &State, hook: Webhook) -> Webhook {
    Webhook { updated: Some(clock::now()), updated_by: state.api_user(), ..hook }
}

/// Takes over what a body says of a webhook.
pub(super) fn read_into(mut hook: Webhook, body: &Value) -> Result<Webhook, Answer> {
    let text = |name: &str| json::get(body, name).filter(|value| !value.is_null()).map(json::text);
    hook.name = text("Name").unwrap_or(hook.name);
    hook.target_url = text("TargetUrl").unwrap_or(hook.target_url);
    hook.secret = text("Secret").unwrap_or(hook.secret);
    hook.kind = text("Type").unwrap_or(hook.kind);
    hook.description = text("Description").unwrap_or(hook.description);
    hook.errors_email = text("ErrorsEmail").or(hook.errors_email);
    if let Some(events) = json::get(body, "Events").and_then(Value::as_array) {
        hook.events = events.iter().map(json::text).collect();
    }
    if let Some(state) = json::get(body, "State").filter(|state| !state.is_null()) {
        hook.state = HookState::read(state).ok_or_else(|| Answer::bad("State is not known"))?;
    }
    for (name, into) in [("Headers", &mut hook.headers), ("Properties", &mut hook.properties)] {
        if let Some(map) = json::get(body, name).and_then(Value::as_object) {
            into.clone_from(map);
        }
    }
    Ok(hook)
}

/// A target must be https; loopback may be http when the switch says so.
fn acceptable(state: &State, hook: &Webhook) -> Result<(), Answer> {
    if hook.kind != "webhook" {
        return Ok(());
    }
    let Ok(url) = url::Url::parse(&hook.target_url) else {
        return Err(Answer::bad(&format!("Webhook TargetUrl is not a URL: {}", hook.target_url)));
    };
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost") || name.ends_with(".localhost")
        }
        None => false,
    };
    if url.scheme() == "https" || loopback || !state.policy.require_https {
        return Ok(());
    }
    Err(Answer::bad(&format!("Webhook TargetUrl must be secure: 'HTTPS:' not found in {}", hook.target_url)))
}

impl State {
    /// The state event that a save raises, if any.
    fn turn(&self, new: &Webhook) -> Option<&'static str> {
        let old = self.webhooks.get(&new.id)?;
        match (old.state == HookState::Active, new.state == HookState::Active) {
            (false, true) => Some("started"),
            (true, false) => Some("stopped"),
            _ => None,
        }
    }
}

/// The webhook as REST answers it. Whether the secret is shown is a switch.
pub(super) fn render(state: &State, hook: &Webhook, style: DateStyle, links: bool) -> Value {
    let mut body = json!({
        "WebhookId": hook.id, "Name": hook.name, "Events": hook.events, "TargetUrl": hook.target_url,
        "Secret": hook.secret, "State": hook.state.name(), "Type": hook.kind, "Headers": hook.headers,
        "Properties": hook.properties, "Registered": style.write(hook.registered),
        "RegisteredAssociate": shared::associate(state, hook.registered_by),
        "Updated": style.write_opt(hook.updated), "UpdatedAssociate": shared::associate(state, hook.updated_by),
        "ErrorsEmail": hook.errors_email, "ErrorEmails": [], "ErrorAssociates": [], "Description": hook.description,
        "NotifyVia": "None", "NotifyWhen": "None", "TotalCalls": hook.total_calls, "TotalErrors": hook.total_errors,
        "ConsecutiveErrors": hook.consecutive_errors, "LastError": hook.last_error,
    });
    if state.policy.webhook_secret_is_masked {
        body["Secret"] = Value::Null;
    }
    if !state.policy.webhook_counters_on_entity
        && let Some(object) = body.as_object_mut()
    {
        for name in ["TotalCalls", "TotalErrors", "ConsecutiveErrors", "LastError"] {
            object.remove(name);
        }
    }
    if links {
        body["_Links"] = json!({"Self": format!("{}/v1/Webhook/{}", state.api_url(), hook.id)});
    }
    body
}

/// For callers outside REST, who answer with what is stored; null for what the application does not see.
pub(super) fn stored(state: &State, id: i64, ask: Ask<'_>) -> Value {
    visible(state, id, ask.call).map(|hook| render(state, hook, ask.style, false)).unwrap_or_default()
}
