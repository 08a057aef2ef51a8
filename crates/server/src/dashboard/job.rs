//! `/jobs/{id}`: one job, step by step, and what it wrote. From here it can be tried again.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Redirect;
use connector_domain::field::Definitions;
use connector_domain::ids::{ContactId, JobId};
use connector_domain::job::Job;
use connector_domain::reason::Reason;
use connector_store::StoreError;
use connector_store::journal::{Write, WriteState};
use connector_store::page::PageRequest;
use connector_store::queue::Retried;

use super::frame::{Frame, Here};
use super::history::{self, Entry};
use super::pill::Pill;
use super::when::{self, When};
use super::words::{self, EN};
use super::{Fault, Page, page};
use crate::api::{self, Named};
use crate::app::{Shared, Web};
use crate::query::Query;

/// Among so many of the account's events the job's own are looked for.
const EVENTS: usize = 200;

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    frame: Frame,
    id: i64,
    account: Option<AccountShown>,
    pill: Pill,
    sentence: String,
    detail: Option<String>,
    would_change: Option<&'static str>,
    remedy: Option<String>,
    facts: Vec<String>,
    notice: Option<&'static str>,
    can_retry: bool,
    writes: Vec<WriteShown>,
    timeline: Vec<Entry>,
}

struct AccountShown {
    id: i64,
    title: String,
}

/// A write, field by field.
struct WriteShown {
    record: String,
    kind: &'static str,
    state: &'static str,
    words: Option<String>,
    when: When,
    fields: Vec<FieldShown>,
}

struct FieldShown {
    label: &'static str,
    before: String,
    after: String,
}

/// The page.
pub(crate) async fn show(State(web): State<Web>, id: Named, RawQuery(query): RawQuery) -> Page {
    let query = Query::read(query.as_deref(), &["retry"])?;
    let id = JobId(api::id("job", id)?);
    let (app, tenant) = (&web.app, &web.app.tenant);
    let Some(job) = app.queue.job(tenant, id).await? else {
        return Err(Fault::NotFound(format!("There is no job {id} here.")));
    };
    let definitions = web.definitions();
    let writes = app.journal.job_writes(tenant, id).await?;
    let account = match job.account {
        Some(account) => Some(AccountShown { id: account.0, title: title(&web, account).await? }),
        None => None,
    };
    let own_words = job.words.clone().filter(|words| !words.is_empty());
    let (sentence, detail) = match job.reason {
        Some(reason) => (
            reason.sentence().to_owned(),
            own_words.filter(|words| words != reason.sentence()).map(|words| words::sentence(&words)),
        ),
        None => (words::sentence(&own_words.unwrap_or_default()), None),
    };
    page(&JobPage {
        frame: Frame::load(&web, Here::Jobs, format!("{} {id}", EN.job)).await?,
        id: id.0,
        account,
        pill: Pill::of_job(&job),
        sentence,
        detail,
        would_change: job.reason.map(Reason::what_would_change_it),
        remedy: job.remedy.clone(),
        facts: facts(&job),
        notice: query.get("retry").and_then(notice),
        can_retry: job.state.can_be_retried(),
        writes: writes.into_iter().map(|write| WriteShown::of(&definitions, write)).collect(),
        timeline: timeline(&web, &job).await?,
    })
}

/// `POST /jobs/{id}/retry`: asks for another try and leads to the job that waits, which then says what came of it.
pub(crate) async fn retry(State(web): State<Web>, id: Named) -> Result<Redirect, Fault> {
    let id = JobId(api::id("job", id)?);
    let (job, came_of_it) = match web.app.queue.retry(&web.app.tenant, id, web.now()).await? {
        Retried::Queued(job) => (job, "queued"),
        Retried::Running => (id, "running"),
        Retried::AlreadyPending(_) => (id, "pending"),
        Retried::NotFound => return Err(Fault::NotFound(format!("There is no job {id} here."))),
    };
    Ok(Redirect::to(&format!("/jobs/{job}?retry={came_of_it}")))
}

fn notice(came_of_it: &str) -> Option<&'static str> {
    match came_of_it {
        "queued" => Some(EN.retry_queued),
        "running" => Some(EN.retry_running),
        "pending" => Some(EN.retry_pending),
        _ => None,
    }
}

/// An account's name, or its number until that is known.
pub(super) async fn title(web: &Shared, account: ContactId) -> Result<String, StoreError> {
    let row = web.app.accounts.account(&web.app.tenant, account).await?;
    Ok(row.and_then(|row| row.facts.name).unwrap_or_else(|| words::company(account.0)))
}

fn facts(job: &Job) -> Vec<String> {
    let mut facts = vec![job.record.to_string()];
    if job.attempts > 0 {
        facts.push(words::counted(job.attempts.into(), "attempt", "attempts"));
    }
    if job.faults > 0 {
        facts.push(format!("{} failed", words::grouped(job.faults.into())));
    }
    if job.crashes > 0 {
        facts.push(format!("worker died {}", words::counted(job.crashes.into(), "time", "times")));
    }
    facts.push(words::counted(job.events.into(), "event", "events"));
    if let Some(started) = job.started_at {
        facts.push(format!("{} {}", EN.waited, when::lasted(started.duration_since(job.created_at))));
        if let Some(finished) = job.finished_at {
            facts.push(format!("{} {}", EN.took, when::lasted(finished.duration_since(started))));
        }
    }
    facts
}

impl WriteShown {
    fn of(definitions: &Definitions, write: Write) -> Self {
        let (kind, state) = match write.state {
            WriteState::Intended => ("intended", EN.intended),
            WriteState::Done => ("done", EN.done),
            WriteState::NotDone | WriteState::Lapsed => ("not-done", EN.not_done),
        };
        Self {
            record: write.record.to_string(),
            kind,
            state,
            words: write.words,
            when: When::clock(write.settled_at.unwrap_or(write.intended_at)),
            fields: write
                .fields
                .iter()
                .map(|field| FieldShown {
                    label: field.target.label(),
                    before: definitions.words(field.target, &field.before),
                    after: definitions.words(field.target, &field.after),
                })
                .collect(),
        }
    }
}

async fn timeline(web: &Shared, job: &Job) -> Result<Vec<Entry>, StoreError> {
    let (app, tenant) = (&web.app, &web.app.tenant);
    let steps = app.journal.steps(tenant, job.id).await?;
    let mut entries: Vec<Entry> =
        steps.iter().enumerate().map(|(at, step)| Entry::step(job, at, step)).collect();
    if let Some(account) = job.account {
        let page = PageRequest { limit: EVENTS, after: None };
        let events = app.inbox.events(tenant, Some(account), &page).await?;
        entries.extend(events.items.iter().filter(|event| event.job == Some(job.id)).map(Entry::event));
    }
    entries.push(Entry::queued(job));
    entries.extend(Entry::ended(job));
    // All of it is about the job whose page this is; a link to it would lead nowhere.
    for entry in &mut entries {
        entry.job = None;
    }
    Ok(history::oldest_first(entries))
}
