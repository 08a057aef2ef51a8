//! Signing in: OAuth with codes and refresh tokens, the system user, and where a tenant lives.
//!
//! The shapes follow docs.superoffice.com ("Authentication in SuperOffice CRM Online", "Check tenant status").
//! Error bodies of the token endpoint are not documented; the emulator answers as RFC 6749 says. Its
//! key is in the source, for nobody is meant to trust this server.

mod access;
mod sign;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::answer::{Answer, Call};
use crate::clock;
use crate::world::{State, World};

pub(crate) use access::Access;
use access::{Application, Code, noise};
pub(crate) use sign::APP_KEY;

/// How long an authorization code can be redeemed.
const CODE_LIFE: SignedDuration = SignedDuration::from_mins(10);

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
        "login/authorize" => authorize(state, call),
        "login/tokens" => tokens(state, call),
        "login/revoke" => revoke(state, call),
        "login/system-user" => system_user(state, call),
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

/// Sends the browser back with a code at once: everybody here has already said yes.
fn authorize(state: &mut State, call: &Call) -> Answer {
    let fields = call.fields();
    let field = |name: &str| find(&fields, name).map(str::to_owned);
    let client = field("client_id").filter(|id| state.access.application(id).is_some());
    let Some(client_id) = client else {
        return Answer::page(400, "text/plain", "Authorization error: Denied (4)");
    };
    let Some(redirect_uri) = field("redirect_uri") else {
        return Answer::page(400, "text/plain", "Authorization error: InvalidRedirectUrl (2)");
    };
    let Ok(mut target) = url::Url::parse(&redirect_uri) else {
        return Answer::page(400, "text/plain", "Authorization error: InvalidRedirectUrl (2)");
    };
    let code = noise(&mut state.rng, 24).replace(['+', '/', '='], "x");
    let challenge = field("code_challenge");
    let method = field("code_challenge_method").unwrap_or_else(|| "plain".to_owned());
    let challenge = challenge.map(|challenge| (method, challenge));
    let issued = clock::now();
    let pair: Vec<(&str, String)> =
        field("state").map(|state| ("state", state)).into_iter().chain([("code", code.clone())]).collect();
    state.access.codes.insert(code, Code { client_id, issued, redirect_uri, challenge });
    if field("response_mode").as_deref() == Some("fragment") {
        let fragment = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pair).finish();
        target.set_fragment(Some(&fragment));
    } else {
        target.query_pairs_mut().extend_pairs(&pair);
    }
    let mut answer = Answer::nothing();
    answer.status = 302;
    answer.with("location", target.to_string())
}

fn tokens(state: &mut State, call: &Call) -> Answer {
    let fields = call.fields();
    let field = |name: &str| find(&fields, name);
    let basic = call.header("authorization").and_then(basic);
    let (client_id, secret) = match &basic {
        Some((id, secret)) => (Some(id.as_str()), Some(secret.as_str())),
        None => (field("client_id"), field("client_secret")),
    };
    let Some(client) = client_id.and_then(|id| state.access.application(id)).cloned() else {
        return refused(401, "invalid_client", "the client is not known");
    };
    let confidential = secret == Some(client.client_secret.as_str());
    match field("grant_type") {
        Some("refresh_token") => {
            if !confidential {
                return refused(401, "invalid_client", "the client secret is wrong");
            }
            if !state.access.consent || field("refresh_token") != Some(&client.refresh_token) {
                return refused(
                    400,
                    "invalid_grant",
                    "the refresh token is not valid, or consent was withdrawn",
                );
            }
            issued(state, &client, false)
        }
        Some("authorization_code") => {
            let code = field("code").and_then(|code| state.access.codes.remove(code));
            let ours =
                |code: &Code| code.client_id == client.client_id && clock::now() < code.issued + CODE_LIFE;
            let Some(code) = code.filter(ours) else {
                return refused(400, "invalid_grant", "the code is unknown or too old");
            };
            let same_place = field("redirect_uri").is_none_or(|uri| uri == code.redirect_uri);
            let proven = code.challenge.as_ref().map(|challenge| proves(challenge, field("code_verifier")));
            if !same_place || proven == Some(false) || !state.access.consent {
                return refused(400, "invalid_grant", "the code does not belong to this request");
            }
            // A native application proves itself by its code verifier alone.
            let native = secret.is_none() && proven == Some(true);
            if !confidential && !native {
                return refused(401, "invalid_client", "the client secret is wrong");
            }
            issued(state, &client, true)
        }
        _ => {
            refused(400, "unsupported_grant_type", "only authorization_code and refresh_token are supported")
        }
    }
}

/// A fresh access token. Refreshing never gives a new refresh token: the old one stays good.
fn issued(state: &mut State, client: &Application, with_refresh_token: bool) -> Answer {
    let context = state.context.clone();
    let State { access, rng, .. } = state;
    let token = access.issue(rng, &context, &client.client_id);
    let mut body = json!({"token_type": "Bearer", "access_token": token,
                          "expires_in": state.access.life.as_secs(), "id_token": id_token(state, &client.client_id)});
    if with_refresh_token {
        body["refresh_token"] = client.refresh_token.clone().into();
    }
    Answer::ok(&body)
}

fn revoke(state: &mut State, call: &Call) -> Answer {
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

/// Claims as the vendor writes them: most are texts, `iat` too.
fn claims(state: &State, client_id: &str) -> Value {
    let now = clock::now().as_second();
    let user = state.associate(state.api_user());
    let claim = |name: &str| format!("http://schemes.superoffice.net/identity/{name}");
    let email = user.map_or_else(String::new, crate::world::Associate::email);
    let mut claims = json!({"sub": email, "iss": state.setup.origin, "aud": client_id,
                            "iat": now.to_string(), "nbf": now - 60, "exp": now + 300});
    claims[claim("associateid")] = state.api_user().to_string().into();
    claims[claim("ctx")] = state.context.clone().into();
    claims[claim("webapi_url")] = format!("{}/", state.api_url()).into();
    claims[claim("netserver_url")] =
        format!("{}{}/Remote/Services88/", state.setup.origin, state.home).into();
    claims[claim("serial")] = SERIAL.into();
    claims[claim("is_administrator")] = "True".into();
    claims[claim("system_token")] = state.access.system_token.clone().into();
    claims[claim("so_primary_email_address")] = email.into();
    claims
}

fn id_token(state: &State, client_id: &str) -> String {
    sign::jwt(&claims(state, client_id))
}

/// `PartnerSystemUser/Authenticate`: a ticket for whoever signs with the application's key.
fn system_user(state: &mut State, call: &Call) -> Answer {
    let failed =
        |message: &str| Answer::ok(&json!({"IsSuccessful": false, "Token": null, "ErrorMessage": message}));
    let Ok(Some(body)) = call.json() else { return Answer::bad("Entity to save is not in request body.") };
    let field = |name: &str| crate::json::get(&body, name).map(crate::json::text).unwrap_or_default();
    if field("ApplicationToken") != state.access.own.client_secret {
        return failed("The application token is not valid");
    }
    if field("ContextIdentifier") != state.context || !state.access.consent {
        return failed("The application is not approved for the customer");
    }
    let signed = field("SignedSystemToken");
    let rest =
        signed.strip_prefix(&format!("{}.", state.access.system_token)).and_then(|rest| rest.split_once('.'));
    let Some((minute, signature)) = rest else { return failed("The system token is not valid") };
    let stamp = jiff::civil::DateTime::strptime("%Y%m%d%H%M", minute).ok();
    let stamp = stamp.and_then(|stamp| jiff::tz::Offset::UTC.to_timestamp(stamp).ok());
    let tolerance = SignedDuration::from_secs(state.policy.stamp_tolerance_s.into());
    let fresh = stamp.is_some_and(|stamp| clock::now().duration_since(stamp).abs() <= tolerance);
    if !fresh {
        return failed("InvalidTimestamp (6)");
    }
    let text = format!("{}.{minute}", state.access.system_token);
    if !STANDARD.decode(signature).is_ok_and(|signature| sign::is_signed(&text, &signature)) {
        return failed("InvalidSignature (7)");
    }
    let ticket = format!("7T:{}", noise(&mut state.rng, 48));
    state.access.tickets.insert(ticket.clone(), clock::now() + TICKET_LIFE);
    let mut claims = claims(state, "");
    claims["iss"] = "SuperOffice AS".into();
    claims["http://schemes.superoffice.net/identity/ticket"] = ticket.into();
    claims["aud"] = format!("spn:{SERIAL}").into();
    let token = sign::jwt(&claims);
    Answer::ok(&json!({"IsSuccessful": true, "Token": token, "ErrorMessage": null}))
}

/// Where a tenant lives and whether it runs. What an unknown tenant gets is a switch.
fn tenant_state(state: &State, call: &Call) -> Answer {
    let asked = call.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let life = SignedDuration::from_secs(state.policy.state_life_s.into());
    let until = clock::webhook_time(clock::now() + life);
    if !asked.eq_ignore_ascii_case(&state.context) && state.policy.unknown_tenant_is_404 {
        return Answer::not_found("Customer", asked);
    }
    if !asked.eq_ignore_ascii_case(&state.context) {
        return Answer::ok(&json!({"ContextIdentifier": asked, "Endpoint": null, "State": "Unknown",
                                  "IsRunning": false, "ValidUntil": until, "Api": null, "Version": null}));
    }
    let api = state.api_url();
    Answer::ok(&json!({
        "ContextIdentifier": state.context, "Endpoint": api.trim_end_matches("/api"), "State": "Running",
        "IsRunning": true, "ValidUntil": until, "Api": api, "Version": "Release_12.1_emulator",
    }))
}

fn refused(status: u16, error: &str, description: &str) -> Answer {
    Answer::json(status, &json!({"error": error, "error_description": description}))
}

fn find<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
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
