//! `PartnerSystemUser/Authenticate`: a ticket for whoever signs with the application's key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::json;

use super::access::noise;
use super::{TICKET_LIFE, claims, sign};
use crate::answer::{Answer, Call};
use crate::clock;
use crate::world::State;
use crate::world::policy::SystemUserRefusal;

pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    let ticket = match admit(state, call) {
        Ok(ticket) => ticket,
        Err(Refusal::NoBody) => return Answer::bad("Entity to save is not in request body."),
        Err(Refusal::Says(words)) => return refused(state, words),
    };
    let token = claims::ticket(state, &ticket);
    Answer::ok(&json!({"IsSuccessful": true, "Token": token, "ErrorMessage": null}))
}

enum Refusal {
    NoBody,
    Says(&'static str),
}

fn refused(state: &State, words: &str) -> Answer {
    match state.policy.system_user_refusal {
        SystemUserRefusal::Body => {
            Answer::ok(&json!({"IsSuccessful": false, "Token": null, "ErrorMessage": words}))
        }
        SystemUserRefusal::Status => Answer::problem(401, "SoAuthenticationException", words),
    }
}

/// A new ticket.
fn admit(state: &mut State, call: &Call) -> Result<String, Refusal> {
    let Ok(Some(body)) = call.json() else { return Err(Refusal::NoBody) };
    let field = |name: &str| crate::json::get(&body, name).map(crate::json::text).unwrap_or_default();
    if field("ApplicationToken") != state.access.own.client_secret {
        return Err(Refusal::Says("The application token is not valid"));
    }
    if field("ContextIdentifier") != state.context || !state.access.consent {
        return Err(Refusal::Says("The application is not approved for the customer"));
    }
    let signed = field("SignedSystemToken");
    let rest =
        signed.strip_prefix(&format!("{}.", state.access.system_token)).and_then(|rest| rest.split_once('.'));
    let Some((minute, signature)) = rest else { return Err(Refusal::Says("The system token is not valid")) };
    let stamp = jiff::civil::DateTime::strptime("%Y%m%d%H%M", minute).ok();
    let stamp = stamp.and_then(|stamp| jiff::tz::Offset::UTC.to_timestamp(stamp).ok());
    let tolerance = SignedDuration::from_mins(i64::from(state.policy.stamp_tolerance_minutes));
    let fresh = stamp.is_some_and(|stamp| clock::now().duration_since(stamp).abs() <= tolerance);
    if !fresh {
        return Err(Refusal::Says("InvalidTimestamp (6)"));
    }
    let text = format!("{}.{minute}", state.access.system_token);
    if !STANDARD.decode(signature).is_ok_and(|signature| sign::is_signed(&text, &signature)) {
        return Err(Refusal::Says("InvalidSignature (7)"));
    }
    let ticket = format!("7T:{}", noise(&mut state.rng, 48));
    state.access.tickets.insert(ticket.clone(), clock::now() + TICKET_LIFE);
    Ok(ticket)
}
