//! What signed tokens say: who signed in, whose ticket it is, and that a notification is genuine.

use serde_json::{Value, json};

use super::{SERIAL, sign};
use crate::clock;
use crate::world::State;
use crate::world::policy::{Audience, Issuer};
use crate::world::tenant::Change;

/// The issuer of tokens for programs.
const SYSTEM: &str = "SuperOffice AS";

/// Claims as the vendor writes them: most are texts, `iat` too.
fn claims(state: &State, client_id: &str) -> Value {
    let user = state.associate(state.api_user());
    let email = user.map_or_else(String::new, crate::world::Associate::email);
    let mut claims = bare(state, client_id);
    claims["sub"] = email.clone().into();
    claims[own("associateid")] = state.api_user().to_string().into();
    claims[own("ctx")] = state.context.clone().into();
    claims[own("webapi_url")] = format!("{}/", state.api_url()).into();
    claims[own("netserver_url")] = format!("{}{}/Remote/Services88/", state.setup.origin, state.home).into();
    claims[own("serial")] = SERIAL.into();
    claims[own("is_administrator")] = "True".into();
    claims[own("system_token")] = state.access.system_token.clone().into();
    claims[own("so_primary_email_address")] = email.into();
    claims
}

/// Issuer, audience and times.
fn bare(state: &State, client_id: &str) -> Value {
    let now = clock::now().as_second();
    json!({"iss": state.setup.origin, "aud": client_id,
           "iat": now.to_string(), "nbf": now - 60, "exp": now + 300})
}

fn own(name: &str) -> String {
    format!("http://schemes.superoffice.net/identity/{name}")
}

/// Signs claims as the policy wants them written.
fn signed(state: &State, mut claims: Value) -> String {
    if state.policy.claims_as_text {
        for value in claims.as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
            *value = crate::json::text(value).into();
        }
    }
    if state.policy.audience_as_list {
        claims["aud"] = json!([claims["aud"].take()]);
    }
    sign::jwt(&claims, state.policy.kid_in_header)
}

pub(super) fn id_token(state: &State, client_id: &str) -> String {
    signed(state, claims(state, client_id))
}

/// The token that a system user's ticket comes in.
pub(super) fn ticket(state: &State, ticket: &str) -> String {
    let mut claims = claims(state, "");
    claims["iss"] = SYSTEM.into();
    claims["aud"] = format!("spn:{SERIAL}").into();
    claims[own("ticket")] = ticket.into();
    signed(state, claims)
}

/// What the app is sent when a tenant's state changes.
pub(crate) fn notification(state: &State, change: Change, context: &str) -> Value {
    let mut claims = bare(state, &state.access.own.client_id);
    if state.policy.notice_issuer == Issuer::System {
        claims["iss"] = SYSTEM.into();
    }
    claims["aud"] = match state.policy.notice_audience {
        Audience::App => state.access.own.client_id.clone(),
        Audience::SpnApp => format!("spn:{}", state.access.own.client_id),
        Audience::SpnSerial => format!("spn:{SERIAL}"),
    }
    .into();
    claims[own("serial")] = SERIAL.into();
    if state.policy.notice_names_tenant {
        claims[own("ctx")] = context.into();
    }
    let mut body = json!({
        "ChangeType": change.number(), "ContextIdentifier": context, "VersionName": "Release_12.1_emulator",
        "FileVersion": "12.1.0.0", "Token": signed(state, claims),
    });
    if change == Change::Move {
        let (_, host) = state.setup.origin.split_once("://").unwrap_or_default();
        body["PublicEndpoint"] = host.into();
    }
    body
}
