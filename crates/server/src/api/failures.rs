//! `/api/v1/failures`: what failed, by its cause, and another try for all of one cause.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use connector_domain::fingerprint::Fingerprint;
use connector_domain::ids::JobId;
use connector_store::queue::{FailureGroup, Failures};
use jiff::Timestamp;
use serde::Serialize;

use super::{Answer, Named};
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

/// So many causes are shown; what there is besides is counted.
pub(crate) const MOST: usize = 100;
/// So many records are put back in one transaction, so that deliveries need not wait for a million of them.
const PORTION: usize = 500;

/// Causes, and how many further ones there are.
#[derive(Debug, Serialize)]
pub(crate) struct Causes {
    items: Vec<Group>,
    next: Option<String>,
    more: u64,
    as_of: Timestamp,
}

/// `GET /api/v1/failures`
pub(crate) async fn list(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<Causes> {
    Query::read(query.as_deref(), &[])?;
    let Failures { groups, more } = web.app.queue.failures(&web.app.tenant, MOST).await?;
    let items = groups.into_iter().map(Group::from).collect();
    Ok(Json(Causes { items, next: None, more, as_of: web.now() }))
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
    let (cause, now) = (Fingerprint(text.clone()), web.now());
    let mut jobs = 0;
    loop {
        let portion = web.app.queue.retry_all(&web.app.tenant, &cause, PORTION, now).await?;
        jobs += portion;
        if portion < PORTION as u64 {
            break;
        }
    }
    if jobs == 0 {
        let short: String = text.chars().take(60).collect();
        return Err(Problem::not_found(format_args!("failure of the cause {short}")));
    }
    Ok(jobs)
}
