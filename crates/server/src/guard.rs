//! Stands before every page, every API route and the numbers: refuses requests that came by a foreign name or that
//! another site made a browser send, turns a panic into an answer with an incident id, and puts the security headers
//! on.
//!
//! No tokens in forms: a browser says itself where a request comes from (`Sec-Fetch-Site`, or `Origin` where that is
//! missing). The webhook does not pass here; it has its token and its signature.

use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::header::{HOST, ORIGIN};
use http::{HeaderMap, Method, StatusCode};

use crate::dashboard::{Fault, elsewhere};
use crate::headers::secure;
use crate::problem::Problem;
use crate::routes::reads_superoffice;
use crate::{incident, loopback};

/// The middleware.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let for_programs = is_for_programs(request.uri().path());
    if !loopback::is_meant(request.headers()) {
        let address = loopback::address(request.headers());
        let detail =
            format!("The connector answers only by an address of its own machine. Open it as {address}.");
        let problem = Problem::new(StatusCode::MISDIRECTED_REQUEST, "foreign_host", detail);
        return secure(if for_programs { problem.into_response() } else { elsewhere(problem) });
    }
    if (is_unsafe(request.method()) || costs_calls(&request)) && !is_same_origin(request.headers()) {
        let problem = Problem::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "This request came from another site, so nothing was done.",
        );
        return secure(if for_programs {
            problem.into_response()
        } else {
            Fault::from(problem).into_response()
        });
    }
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    secure(answer.unwrap_or_else(|panic| {
        let incident = incident::note(&words(&*panic));
        if for_programs {
            Problem::internal(&incident).into_response()
        } else {
            Fault::Internal(incident).into_response()
        }
    }))
}

/// Whether errors on this path are read by programs rather than people.
pub(crate) fn is_for_programs(path: &str) -> bool {
    ["/api", "/connector", "/live", "/metrics", "/readyz"]
        .iter()
        .any(|prefix| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE)
}

/// Whether merely asking costs calls to SuperOffice, which another site must not make us spend.
fn costs_calls(request: &Request) -> bool {
    let path = request.uri().path();
    let asks_nothing = path == "/coverage" && request.uri().query().is_none();
    reads_superoffice(path) && !asks_nothing
}

/// Whether a request was made by our own page, by the user directly, or by no browser at all.
///
/// Every browser puts at least one of the two headers on an unsafe request from another site, and the first on any request
/// to this machine, so a request with neither was sent by a program, which no foreign page can make act.
fn is_same_origin(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match (origin, host) {
        (Some(origin), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("no words"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_and_programs_may_change_anything() {
        let table: &[(&[(&str, &str)], bool)] = &[
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (
                &[("sec-fetch-site", "cross-site"), ("origin", "http://a.example"), ("host", "a.example")],
                false,
            ),
            (&[("origin", "http://127.0.0.1:8080"), ("host", "127.0.0.1:8080")], true),
            (&[("origin", "https://Desk.example"), ("host", "desk.example")], true),
            (&[("origin", "http://127.0.0.1:8081"), ("host", "127.0.0.1:8080")], false),
            (&[("origin", "null"), ("host", "desk.example")], false),
            (&[("origin", "https://desk.example")], false),
            (&[("host", "desk.example")], true),
        ];
        for (pairs, allowed) in table {
            let headers =
                pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            assert_eq!(is_same_origin(&headers), *allowed, "{pairs:?}");
        }
    }
}
