//! Signing in: OAuth with codes and refresh tokens, the system user, and where a tenant lives.
//!
//! The shapes follow docs.superoffice.com ("Authentication in SuperOffice CRM Online", "Check tenant status"). What is
//! not documented there is a switch in `world/policy.rs`. The keys are in the source, for nobody is meant to trust this
//! server.

mod access;
mod authorize;
mod claims;
mod sign;
mod system_user;
mod tokens;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answer::{Answer, Call};
use crate::clock;
use crate::world::policy::UnknownTenant;
use crate::world::{State, World};

pub(crate) use access::Access;
pub(crate) use claims::notification;
pub(crate) use sign::APP_KEY;

/// How long a ticket of a system user lasts since its last use.
const TICKET_LIFE: SignedDuration = SignedDuration::from_hours(6);

/// The made-up tenant's serial number.
const SERIAL: &str = "1801550193";

/// Which door of the sign-in server a path is.
pub(crate) fn route(path: &str) -> Option<&'static str> {
    let lower = path.to_ascii_lowercase();
    let segments: Vec<&str> = lower.trim_matches('/').split('/').collect();
    match segments.as_slice() {
        ["login", _, "oauth", "authorize"] => Some("login/authorize"),
        ["login", _, "oauth", "tokens"] => Some("login/tokens"),
        ["login", _, "oauth", "revoke"] => Some("login/revoke"),
        ["login", "logout"] => Some("login/logout"),
        ["login", ".well-known", "openid-configuration"] => Some("login/discovery"),
        ["login", ".well-known", "jwks"] => Some("login/jwks"),
        ["login", "api", "partnersystemuser", "authenticate"] => Some("login/system-user"),
        ["api", "state", _] => Some("login/state"),
        _ => None,
    }
}

/// Answers a call of the sign-in server.
pub(crate) fn answer(world: &World, route: &str, call: &Call) -> Answer {
    world.with(|state| match route {
        "login/authorize" => authorize::answer(state, call),
        "login/tokens" => tokens::answer(state, call),
        "login/revoke" => tokens::revoke(state, call),
        // A browser's session, which there is none of here. What follows is not documented.
        "login/logout" => Answer::page(200, "text/plain", "You are signed out"),
        "login/system-user" => system_user::answer(state, call),
        "login/state" => tenant_state(state, call),
        "login/jwks" => Answer::ok(&sign::jwks()),
        _ => Answer::ok(&discovery(state)),
    })
}

fn discovery(state: &State) -> Value {
    let at = |path: &str| format!("{}/login/{path}", state.setup.origin);
    json!({
        "issuer": state.setup.origin,
        "authorization_endpoint": at("common/oauth/authorize"), "token_endpoint": at("common/oauth/tokens"),
        "end_session_endpoint": at("logout"), "revocation_endpoint": at("common/oauth/revoke"),
        "jwks_uri": at(".well-known/jwks"), "scopes_supported": ["openid"],
        "response_modes_supported": ["form_post", "fragment", "query"],
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
    })
}

/// Where a tenant lives and whether it runs.
fn tenant_state(state: &State, call: &Call) -> Answer {
    let asked = call.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let until = clock::webhook_time(state.state_valid_until());
    if !asked.eq_ignore_ascii_case(&state.context) {
        if state.policy.unknown_tenant == UnknownTenant::NotFound {
            return Answer::problem(404, "SoNotFoundException", "There is no such customer");
        }
        return Answer::ok(&json!({"ContextIdentifier": asked, "Endpoint": null, "State": "Unknown",
                                  "IsRunning": false, "ValidUntil": until, "Api": null, "Version": null}));
    }
    let (api, now) = (state.api_url(), state.tenant_state());
    Answer::ok(&json!({
        "ContextIdentifier": state.context, "Endpoint": api.trim_end_matches("/api"), "State": now,
        "IsRunning": now.api_usable(), "ValidUntil": until, "Api": api, "Version": "Release_12.1_emulator",
    }))
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}
