//! The token endpoint: codes and refresh tokens for access tokens, and their end.
//!
//! Refusals are not documented; the policy says which form they have.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::access::{Application, Code, noise};
use super::{claims, find};
use crate::answer::{Answer, Call};
use crate::clock;
use crate::world::State;
use crate::world::policy::TokenRefusal;

/// How long an authorization code can be redeemed.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    redeem(state, call).unwrap_or_else(|refusal| refused(state, &refusal))
}

struct Refusal(u16, &'static str, &'static str);

fn redeem(state: &mut State, call: &Call) -> Result<Answer, Refusal> {
    let fields = call.fields();
    let field = |name: &str| find(&fields, name);
    let basic = call.header("authorization").and_then(basic);
    let (client_id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (field("client_id"), field("client_secret")),
    };
    let Some(client) = client_id.and_then(|id| state.access.application(id)).cloned() else {
        return Err(Refusal(401, "invalid_client", "the client is not known"));
    };
    let confidential = secret == Some(client.client_secret.as_str());
    match field("grant_type") {
        Some("refresh_token") => {
            if !confidential {
                return Err(Refusal(401, "invalid_client", "the client secret is wrong"));
            }
            if !state.access.consent || field("refresh_token") != Some(&client.refresh_token) {
                let words = "the refresh token is not valid, or consent was withdrawn";
                return Err(Refusal(400, "invalid_grant", words));
            }
            let rotates = state.policy.refresh_token_rotates;
            let mut client = client;
            if rotates {
                client.refresh_token = noise(&mut state.rng, 48);
                state.access.rotate(&client);
            }
            Ok(issued(state, &client, rotates))
        }
        Some("authorization_code") => {
            let code = field("code").and_then(|code| state.access.codes.remove(code));
            let is_good =
                |code: &Code| code.client_id == client.client_id && clock::now() < code.issued + CODE_LIFE;
            let Some(code) = code.filter(is_good) else {
                return Err(Refusal(400, "invalid_grant", "the code is unknown or too old"));
            };
            let same_place = field("redirect_uri").is_none_or(|uri| uri == code.redirect_uri);
            let proven = code.challenge.as_ref().map(|challenge| proves(challenge, field("code_verifier")));
            if !same_place || proven == Some(false) || !state.access.consent {
                return Err(Refusal(400, "invalid_grant", "the code does not belong to this request"));
            }
            // A native application proves itself by its code verifier alone.
            let native = secret.is_none() && proven == Some(true);
            if !confidential && !native {
                return Err(Refusal(401, "invalid_client", "the client secret is wrong"));
            }
            Ok(issued(state, &client, true))
        }
        _ => {
            let words = "only authorization_code and refresh_token are supported";
            Err(Refusal(400, "unsupported_grant_type", words))
        }
    }
}

/// A fresh access token. Refreshing gives no new refresh token by default: the old one stays good.
fn issued(state: &mut State, client: &Application, with_refresh_token: bool) -> Answer {
    let context = state.context.clone();
    let State { access, rng, .. } = state;
    let token = access.issue(rng, &context, &client.client_id);
    let mut body = json!({"token_type": "Bearer", "access_token": token,
                          "expires_in": state.access.life.as_secs(), "id_token": claims::id_token(state, &client.client_id)});
    if with_refresh_token {
        body["refresh_token"] = client.refresh_token.clone().into();
    }
    Answer::ok(&body)
}

pub(super) fn revoke(state: &mut State, call: &Call) -> Answer {
    let fields = call.fields();
    if let Some(token) = find(&fields, "token") {
        state.access.tokens.remove(token);
        if token == state.access.own.refresh_token {
            state.access.end_tokens();
            state.access.consent = false;
        }
    }
    Answer::ok(&json!({}))
}

fn refused(state: &State, Refusal(status, error, words): &Refusal) -> Answer {
    match state.policy.token_refusal {
        TokenRefusal::Rfc6749 => Answer::json(*status, &json!({"error": error, "error_description": words})),
        TokenRefusal::Vendor => Answer::problem(*status, "SoAuthenticationException", words),
        TokenRefusal::Page => Answer::page(*status, "text/html", format!("<!DOCTYPE html><p>{words}</p>")),
        TokenRefusal::Empty => Answer { status: *status, ..Answer::nothing() },
    }
}

fn basic(header: &str) -> Option<(String, String)> {
    let encoded = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))?.1;
    let plain = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = plain.split_once(':')?;
    Some((crate::answer::decode(id), crate::answer::decode(secret)))
}

fn proves((method, challenge): &(String, String), verifier: Option<&str>) -> bool {
    let Some(verifier) = verifier else { return false };
    if method.eq_ignore_ascii_case("s256") {
        return URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) == *challenge;
    }
    verifier == challenge
}
