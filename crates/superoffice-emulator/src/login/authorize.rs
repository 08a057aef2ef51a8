//! `authorize`: the browser comes, somebody says yes or no, and the browser goes back with a code or without.
//!
//! Parameters and error names follow docs.superoffice.com ("Authorization code flow", "Troubleshooting"). Errors that
//! concern the address itself are shown here, because the browser must not be sent to an address that is not the app's.

use std::fmt::Write as _;

use url::Url;

use super::access::{Code, noise};
use super::find;
use crate::answer::{Answer, Call};
use crate::clock;
use crate::world::State;
use crate::world::policy::{Approval, Denial, RedirectUris};

/// The field by which the page's buttons say which was pressed.
const DECISION: &str = "decision";

/// A request that may go on.
struct Asked {
    client_id: String,
    redirect_uri: String,
    target: Url,
    /// `query`, `fragment` or `form_post`.
    mode: String,
    state: Option<String>,
    challenge: Option<(String, String)>,
}

pub(super) fn answer(state: &mut State, call: &Call) -> Answer {
    let fields = call.fields();
    let asked = match read(state, call, &fields) {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    if find(&fields, "response_type").is_some_and(|kind| !kind.split(' ').any(|kind| kind == "code")) {
        return back(asked, &[("error", "unsupported_response_type".to_owned())]);
    }
    match (state.policy.approval, find(&fields, DECISION)) {
        (Approval::AtOnce, _) | (Approval::Page, Some("approve")) => approved(state, asked),
        (Approval::Page, Some(_)) => denied(state, asked),
        (Approval::Page, None) => question(state, &fields),
    }
}

fn read(state: &State, call: &Call, fields: &[(String, String)]) -> Result<Asked, Answer> {
    let field = |name: &str| find(fields, name).map(str::to_owned);
    let error = |words: &str| Answer::page(400, "text/plain", format!("Authorization error: {words}"));
    let client_id = field("client_id").filter(|id| state.access.application(id).is_some());
    let client_id = client_id.ok_or_else(|| error("Denied (4)"))?;
    let invalid = || error("InvalidRedirectUrl (2)");
    let redirect_uri = field("redirect_uri").filter(|uri| is_registered(state, uri)).ok_or_else(invalid)?;
    let target = Url::parse(&redirect_uri).map_err(|_| invalid())?;
    if !is_for(state, call, field("acr_values").as_deref()) {
        return Err(error("Denied (4)"));
    }
    let method = field("code_challenge_method").unwrap_or_else(|| "plain".to_owned());
    let is_known = ["s256", "plain"].contains(&method.to_ascii_lowercase().as_str());
    let challenge = field("code_challenge").map(|challenge| (method, challenge));
    if challenge.is_some() && !is_known {
        return Err(error("InvalidSignature (7)"));
    }
    let mode = field("response_mode").unwrap_or_else(|| "query".to_owned()).to_ascii_lowercase();
    Ok(Asked { client_id, redirect_uri, target, mode, state: field("state"), challenge })
}

/// Whether the app has registered this address.
fn is_registered(state: &State, uri: &str) -> bool {
    if uri == state.access.redirect_uri {
        return true;
    }
    let native = Url::parse(uri).is_ok_and(|uri| {
        uri.scheme() == "http"
            && matches!(uri.host_str(), Some("127.0.0.1" | "[::1]"))
            && uri.username().is_empty()
            && uri.fragment().is_none()
    });
    native && state.policy.redirect_uris == RedirectUris::Loopback
}

/// Whether the tenant that the path or `acr_values` names, if any, is this one.
fn is_for(state: &State, call: &Call, acr_values: Option<&str>) -> bool {
    let pinned =
        call.path.trim_matches('/').split('/').nth(1).filter(|name| !name.eq_ignore_ascii_case("common"));
    let wanted = acr_values
        .into_iter()
        .flat_map(str::split_whitespace)
        .find_map(|value| value.strip_prefix("tenant:"));
    pinned.into_iter().chain(wanted).all(|context| context.eq_ignore_ascii_case(&state.context))
}

fn approved(state: &mut State, asked: Asked) -> Answer {
    let code = noise(&mut state.rng, 24).replace(['+', '/', '='], "x");
    let issued = clock::now();
    let (redirect_uri, challenge) = (asked.redirect_uri.clone(), asked.challenge.clone());
    let client_id = asked.client_id.clone();
    state.access.codes.insert(code.clone(), Code { client_id, issued, redirect_uri, challenge });
    back(asked, &[("code", code)])
}

fn denied(state: &State, asked: Asked) -> Answer {
    match state.policy.denial {
        Denial::Callback => {
            let words = "Authorization error: Denied (4)".to_owned();
            back(asked, &[("error", "access_denied".to_owned()), ("error_description", words)])
        }
        Denial::Page => Answer::page(403, "text/plain", "Authorization error: Denied (4)"),
    }
}

/// Sends the browser back, with the state that it came with and these fields.
fn back(asked: Asked, fields: &[(&str, String)]) -> Answer {
    let Asked { mut target, mode, state, .. } = asked;
    let state = state.map(|state| ("state", state));
    let pairs: Vec<(&str, String)> = state.into_iter().chain(fields.iter().cloned()).collect();
    match mode.as_str() {
        "form_post" => return form_post(&target, &pairs),
        "fragment" => {
            let fragment = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            target.set_fragment(Some(&fragment));
        }
        _ => {
            target.query_pairs_mut().extend_pairs(&pairs);
        }
    }
    Answer { status: 302, ..Answer::nothing() }.with("location", target.to_string())
}

/// The page on which somebody says yes or no. It sends everything that it was asked with once more.
fn question(state: &State, fields: &[(String, String)]) -> Answer {
    let hidden = hidden(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let (app, tenant) = (escaped(find(fields, "client_id").unwrap_or_default()), escaped(&state.context));
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Approve an app</title>\
         <h1>{app} asks for access to {tenant}</h1><form method=\"post\" action=\"?\">{hidden}\
         <button name=\"{DECISION}\" value=\"approve\">I approve</button> \
         <button name=\"{DECISION}\" value=\"deny\">Deny</button></form></html>"
    );
    Answer::page(200, "text/html; charset=utf-8", page)
}

fn form_post(target: &Url, pairs: &[(&str, String)]) -> Answer {
    let hidden = hidden(pairs.iter().map(|(name, value)| (*name, value.as_str())));
    let target = escaped(target.as_str());
    let page = format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>One moment</title>\
         <body onload=\"document.forms[0].submit()\"><form method=\"post\" action=\"{target}\">{hidden}\
         <button>Go on</button></form></html>"
    );
    Answer::page(200, "text/html; charset=utf-8", page)
}

fn hidden<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    fields.filter(|(name, _)| *name != DECISION).fold(String::new(), |mut inputs, (name, value)| {
        let (name, value) = (escaped(name), escaped(value));
        let _ = write!(inputs, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        inputs
    })
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
