//! `/api/v1/failures`: what failed, by its cause, and another try for all of one cause.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use connector_domain::fingerprint::Fingerprint;
use connector_domain::ids::JobId;
use connector_store::page::Page;
use connector_store::queue::FailureGroup;
use jiff::Timestamp;
use serde::Serialize;

use super::{Answer, List, Named};
use crate::app::{Shared, Web};
use crate::problem::Problem;
use crate::query::Query;

/// The records that failed for one cause.
#[derive(Debug, Serialize)]
pub(crate) struct Group {
    fingerprint: Fingerprint,
    words: Option<String>,
    remedy: Option<String>,
    count: u64,
    first_at: Timestamp,
    last_at: Timestamp,
    job_id: JobId,
    url: String,
}

impl From<FailureGroup> for Group {
    fn from(group: FailureGroup) -> Self {
        Self {
            fingerprint: group.fingerprint,
            words: group.words,
            remedy: group.remedy,
            count: group.count,
            first_at: group.first_at,
            last_at: group.last_at,
            job_id: group.example,
            url: format!("/jobs/{}", group.example),
        }
    }
}

/// `GET /api/v1/failures`
pub(crate) async fn list(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<List<Group>> {
    Query::read(query.as_deref(), &[])?;
    let items = web.app.queue.failures(&web.app.tenant).await?;
    Ok(List::of(Page { items, next: None }, web.now(), Group::from))
}

/// What came of asking for another try.
#[derive(Debug, Serialize)]
pub(crate) struct Queued {
    status: &'static str,
    jobs: u64,
}

/// `POST /api/v1/failures/{fingerprint}/retry`
pub(crate) async fn retry(State(web): State<Web>, fingerprint: Named) -> Answer<Queued> {
    let jobs = retry_all(&web, fingerprint).await?;
    Ok(Json(Queued { status: "queued", jobs }))
}

/// Tries everything of one cause again; the dashboard does it in the same words.
pub(crate) async fn retry_all(web: &Shared, fingerprint: Named) -> Result<u64, Problem> {
    let Ok(Path(text)) = fingerprint else {
        return Err(Problem::not_found(format_args!("cause at this address")));
    };
    let jobs = web.app.queue.retry_all(&web.app.tenant, &Fingerprint(text.clone()), web.now()).await?;
    if jobs == 0 {
        let short: String = text.chars().take(60).collect();
        return Err(Problem::not_found(format_args!("failure of the cause {short}")));
    }
    Ok(jobs)
}
