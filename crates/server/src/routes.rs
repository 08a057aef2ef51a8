//! Every route on one page.
//!
//! The webhook, notifications about the tenant and the sign of life stand alone; everything else has the guard before it. Which of them there are
//! follows from the process's roles.

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::StatusCode;

use crate::app::{App, Shared, Web};
use crate::dashboard::{self, Fault};
use crate::guard::{guard, is_for_programs};
use crate::headers::secure;
use crate::problem::Problem;
use crate::{api, health, live, metrics, tenant_state, webhook};

/// All routes that the process's roles call for.
pub fn router(app: App) -> Router {
    let (roles, bench) = (app.roles, app.bench);
    let mut routes = Router::new().route("/readyz", get(health::ready)).route("/metrics", get(metrics::show));
    // Without the dashboard a process may listen anywhere, and whoever watches it knows it by another name.
    if roles.dashboard {
        routes = routes.merge(pages()).merge(programs()).layer(from_fn(guard));
    }
    routes = routes.route("/healthz", get(health::alive)).route("/livez", get(health::alive));
    if roles.receive {
        routes = routes
            .route("/connector/webhook", post(webhook::receive))
            .route("/connector/tenant-state", post(tenant_state::receive));
        if bench {
            routes = routes.route("/connector/bare", post(webhook::bare));
        }
    }
    routes.fallback(nowhere).method_not_allowed_fallback(not_so).with_state(Shared::new(app))
}

fn pages() -> Router<Web> {
    Router::new()
        .route("/", get(dashboard::accounts::show))
        .route("/accounts", get(dashboard::accounts::show))
        .route("/accounts/{id}", get(dashboard::account::show))
        .route("/jobs", get(dashboard::jobs::show))
        .route("/jobs/{id}", get(dashboard::job::show))
        .route("/jobs/{id}/retry", post(dashboard::job::retry))
        .route("/coverage", get(dashboard::coverage::show))
        .route("/failures/{fingerprint}/retry", post(dashboard::jobs::retry))
        .route("/live", get(live::live))
        .route("/assets/{name}", get(dashboard::assets::show))
}

fn programs() -> Router<Web> {
    Router::new()
        .route("/api/v1/accounts", get(api::accounts::list))
        .route("/api/v1/accounts/{id}", get(api::accounts::one))
        .route("/api/v1/jobs", get(api::jobs::list))
        .route("/api/v1/jobs/{id}", get(api::jobs::one))
        .route("/api/v1/jobs/{id}/retry", post(api::jobs::retry))
        .route("/api/v1/failures", get(api::failures::list))
        .route("/api/v1/failures/{fingerprint}/retry", post(api::failures::retry))
        .route("/api/v1/events", get(api::events::list))
        .route("/api/v1/fields", get(api::fields::list))
        .route("/api/v1/fields/accept", post(api::fields::accept))
        .route("/api/v1/coverage", get(api::coverage::show))
        .route("/api/v1/sweep", get(api::sweep::show).post(api::sweep::begin))
        .route("/api/v1/sweep/plan", get(api::sweep::plan))
        .route("/api/v1/status", get(api::status::show))
}

/// Whether what is asked for on this path is read from SuperOffice: it costs calls there, and may take its time.
pub(crate) fn reads_superoffice(path: &str) -> bool {
    matches!(path, "/coverage" | "/api/v1/coverage" | "/api/v1/sweep" | "/api/v1/sweep/plan")
}

async fn nowhere(request: Request) -> Response {
    secure(if is_for_programs(request.uri().path()) {
        Problem::not_found(format_args!("{} here", request.uri().path())).into_response()
    } else {
        Fault::no_page(request.uri().path()).into_response()
    })
}

async fn not_so(request: Request) -> Response {
    let (method, path) = (request.method(), request.uri().path());
    let detail = format!("{path} does not take {method}.");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    secure(if is_for_programs(path) { problem.into_response() } else { Fault::from(problem).into_response() })
}
