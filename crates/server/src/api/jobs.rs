//! `/api/v1/jobs`: the work, how it went step by step, and what it wrote.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use connector_domain::field::Definitions;
use connector_domain::ids::{ContactId, Entity, JobId};
use connector_domain::job::JobState;
use connector_domain::patch::FieldWrite;
use connector_domain::reason::Reason;
use connector_store::journal::{Step, Write, WriteState};
use connector_store::queue::{JobFilter, Retried};
use jiff::Timestamp;
use serde::Serialize;

use super::{Answer, List, Named, USUAL};
use crate::app::Web;
use crate::problem::Problem;
use crate::query::{self, Cursor, Query};

/// A job.
#[derive(Debug, Serialize)]
pub(crate) struct Job {
    id: JobId,
    account_id: Option<ContactId>,
    entity: Entity,
    entity_id: i64,
    state: JobState,
    reason: Option<Reason>,
    reason_text: Option<String>,
    attempts: u32,
    faults: u32,
    crashes: u32,
    events: u32,
    words: Option<String>,
    remedy: Option<String>,
    created_at: Timestamp,
    run_at: Timestamp,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
    url: String,
}

/// A job with what happened on its way.
#[derive(Debug, Serialize)]
pub(crate) struct JobInFull {
    #[serde(flatten)]
    job: Job,
    steps: Vec<Step>,
    writes: Vec<Written>,
}

/// A write of a job.
#[derive(Debug, Serialize)]
struct Written {
    id: i64,
    entity: Entity,
    entity_id: i64,
    state: WriteState,
    words: Option<String>,
    intended_at: Timestamp,
    settled_at: Option<Timestamp>,
    fields: Vec<Field>,
}

/// A field before and after.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are a contract")]
struct Field {
    field: &'static str,
    label: &'static str,
    prog_id: String,
    before: String,
    after: String,
}

impl From<connector_domain::job::Job> for Job {
    fn from(job: connector_domain::job::Job) -> Self {
        Self {
            id: job.id,
            account_id: job.account,
            entity: job.record.entity,
            entity_id: job.record.id,
            state: job.state,
            reason: job.reason,
            reason_text: job.reason.map(|reason| reason.sentence().to_owned()).or_else(|| job.words.clone()),
            attempts: job.attempts,
            faults: job.faults,
            crashes: job.crashes,
            events: job.events,
            words: job.words,
            remedy: job.remedy,
            created_at: job.created_at,
            run_at: job.run_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            url: format!("/jobs/{}", job.id),
        }
    }
}

impl Written {
    fn of(definitions: &Definitions, write: Write) -> Self {
        Self {
            id: write.id,
            entity: write.record.entity,
            entity_id: write.record.id,
            state: write.state,
            words: write.words,
            intended_at: write.intended_at,
            settled_at: write.settled_at,
            fields: write.fields.iter().map(|field| Field::of(definitions, field)).collect(),
        }
    }
}

impl Field {
    fn of(definitions: &Definitions, field: &FieldWrite) -> Self {
        Self {
            field: field.target.key(),
            label: field.target.label(),
            prog_id: field.prog_id.to_string(),
            before: definitions.words(field.target, &field.before),
            after: definitions.words(field.target, &field.after),
        }
    }
}

/// `GET /api/v1/jobs?state=FAILED,HELD&account=&limit=&after=`
pub(crate) async fn list(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<List<Job>> {
    let query = Query::read(query.as_deref(), &["state", "account", "limit", "after"])?;
    let request = query.page(USUAL, Cursor::Number)?;
    let filter = filter(&query)?;
    let page = web.app.queue.jobs(&web.app.tenant, &filter, &request).await?;
    Ok(List::of(page, web.now(), Job::from))
}

/// Which jobs a query asks for; the dashboard asks in the same words.
pub(crate) fn filter(query: &Query) -> Result<JobFilter, Problem> {
    let states = query.get("state").unwrap_or_default().split(',').map(str::trim);
    let states = states.filter(|state| !state.is_empty()).map(state).collect::<Result<_, _>>()?;
    Ok(JobFilter { states, account: query.number("account")?.map(ContactId) })
}

fn state(word: &str) -> Result<JobState, Problem> {
    JobState::parse(word).ok_or_else(|| {
        let known: Vec<_> = JobState::ALL.iter().map(|state| state.as_str()).collect();
        let detail = match query::nearest(word, &known) {
            Some(nearest) => format!("There is no state `{word}`. Did you mean `{nearest}`?"),
            None => format!("There is no state `{word}`. Known are {}.", known.join(", ")),
        };
        query::bad("state", detail)
    })
}

/// `GET /api/v1/jobs/{id}`
pub(crate) async fn one(State(web): State<Web>, id: Named, RawQuery(query): RawQuery) -> Answer<JobInFull> {
    Query::read(query.as_deref(), &[])?;
    let id = JobId(super::id("job", id)?);
    let (app, tenant) = (&web.app, &web.app.tenant);
    let job = app.queue.job(tenant, id).await?.ok_or_else(|| Problem::not_found(format_args!("job {id}")))?;
    let definitions = web.definitions();
    let writes = app.journal.job_writes(tenant, id).await?;
    Ok(Json(JobInFull {
        job: job.into(),
        steps: app.journal.steps(tenant, id).await?,
        writes: writes.into_iter().map(|write| Written::of(&definitions, write)).collect(),
    }))
}

/// What came of asking for another try.
#[derive(Debug, Serialize)]
pub(crate) struct Queued {
    status: &'static str,
    job_id: JobId,
}

/// `POST /api/v1/jobs/{id}/retry`
pub(crate) async fn retry(State(web): State<Web>, id: Named) -> Answer<Queued> {
    let id = JobId(super::id("job", id)?);
    let conflict = |code, detail: String| Problem::new(StatusCode::CONFLICT, code, detail);
    match web.app.queue.retry(&web.app.tenant, id, web.now()).await? {
        Retried::Queued(job) => Ok(Json(Queued { status: "queued", job_id: job })),
        Retried::NotFound => Err(Problem::not_found(format_args!("job {id}"))),
        Retried::Running => Err(conflict("running", format!("Job {id} is running."))),
        Retried::AlreadyPending(newer) => {
            let detail = format!("Job {newer} of the same record waits already.");
            Err(conflict("already_pending", detail).with("job_id", newer.0))
        }
    }
}
