//! `GET /api/v1/status`: how the product does as a whole, in numbers and in words.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use connector_domain::job::JobState;
use jiff::Timestamp;
use serde::Serialize;

use super::Answer;
use crate::app::{Badge, Part, PartState, Roles, Web};
use crate::query::Query;

/// The status.
#[derive(Debug, Serialize)]
pub(crate) struct Status {
    /// The gravest state of any part.
    state: PartState,
    version: &'static str,
    tenant: String,
    environment: Badge,
    roles: Roles,
    parts: Vec<Part>,
    /// By state; every state is there.
    jobs: BTreeMap<&'static str, u64>,
    /// Jobs that have not ended.
    open: u64,
    oldest_due_at: Option<Timestamp>,
    accounts: u64,
    events: u64,
    writes: u64,
    as_of: Timestamp,
}

/// The handler.
pub(crate) async fn show(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<Status> {
    Query::read(query.as_deref(), &[])?;
    let (app, tenant) = (&web.app, &web.app.tenant);
    let counts = app.queue.queue_counts(tenant, app.clock.now()).await?;
    let parts = web.parts();
    Ok(Json(Status {
        state: parts.iter().map(|part| part.state).max().unwrap_or(PartState::Ok),
        version: app.version,
        tenant: tenant.to_string(),
        environment: app.badge,
        roles: app.roles,
        parts: parts.to_vec(),
        jobs: JobState::ALL.iter().map(|state| (state.as_str(), counts.of(*state))).collect(),
        open: counts.open(),
        oldest_due_at: counts.oldest_due_at,
        accounts: app.accounts.account_count(tenant).await?,
        events: app.inbox.event_count(tenant).await?,
        writes: app.journal.write_count(tenant).await?,
        as_of: web.now(),
    }))
}
