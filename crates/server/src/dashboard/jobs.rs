//! `/jobs`: the work as a flat list, newest first, by state.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Redirect;
use connector_domain::ids::ContactId;
use connector_domain::job::{Job, JobState};
use connector_store::queue::{FailureGroup, Failures};
use jiff::Timestamp;

use super::frame::{Frame, Here};
use super::pill::Pill;
use super::when::{self, When};
use super::words::{self, EN};
use super::{Fault, Page, job, page};
use crate::api::{self, Named};
use crate::app::Web;
use crate::query::{Cursor, Query};

const ROWS: usize = 50;

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    frame: Frame,
    tabs: Vec<Tab>,
    causes: Vec<Cause>,
    more_causes: Option<String>,
    rows: Vec<Row>,
    is_later: bool,
    first: String,
    older: Option<String>,
}

/// Jobs of one state, and how many there are.
struct Tab {
    word: &'static str,
    count: String,
    href: String,
    is_here: bool,
}

/// What failed for one cause.
struct Cause {
    fingerprint: String,
    words: String,
    remedy: Option<String>,
    count: String,
    job: i64,
    last: When,
}

struct Row {
    id: i64,
    account: Option<(i64, String)>,
    record: String,
    pill: Pill,
    reason: String,
    attempts: u32,
    waited: String,
    took: String,
    last: When,
}

/// The page.
pub(crate) async fn show(State(web): State<Web>, RawQuery(query): RawQuery) -> Page {
    let query = Query::read(query.as_deref(), &["state", "account", "limit", "after"])?;
    let request = query.page(ROWS, Cursor::Number)?;
    let filter = api::jobs::filter(&query)?;
    let (app, tenant) = (&web.app, &web.app.tenant);
    let found = app.queue.jobs(tenant, &filter, &request).await?;
    let counts = app.queue.queue_counts(tenant, web.now()).await?;

    let mut names = BTreeMap::new();
    for account in found.items.iter().filter_map(|job| job.account) {
        if let std::collections::btree_map::Entry::Vacant(entry) = names.entry(account) {
            entry.insert(job::title(&web, account).await?);
        }
    }
    let now = web.now();
    let mut tabs = vec![Tab {
        word: EN.all,
        count: words::grouped(counts.jobs.values().sum()),
        href: "/jobs".to_owned(),
        is_here: filter.states.is_empty(),
    }];
    tabs.extend(JobState::ALL.iter().map(|state| Tab {
        word: state.words(),
        count: words::grouped(counts.of(*state)),
        href: format!("/jobs?state={state}"),
        is_here: filter.states == [*state],
    }));
    // Beside the failures themselves, not beside everything.
    let is_about_failures = filter.account.is_none() && filter.states == [JobState::Failed];
    let failures = if is_about_failures {
        app.queue.failures(tenant, api::failures::MOST).await?
    } else {
        Failures::default()
    };
    page(&JobsPage {
        frame: Frame::load(&web, Here::Jobs, EN.jobs).await?,
        tabs,
        more_causes: (failures.more > 0).then(|| words::and_more(failures.more)),
        causes: failures.groups.into_iter().map(|group| cause(group, now)).collect(),
        rows: found.items.iter().map(|job| row(job, &names, now)).collect(),
        is_later: request.after.is_some(),
        first: address(&query, None),
        older: found.next.map(|next| address(&query, Some(&next))),
    })
}

/// `POST /failures/{fingerprint}/retry`: tries everything of one cause again and leads to what waits.
pub(crate) async fn retry(State(web): State<Web>, fingerprint: Named) -> Result<Redirect, Fault> {
    api::failures::retry_all(&web, fingerprint).await?;
    Ok(Redirect::to("/jobs?state=PENDING"))
}

fn cause(group: FailureGroup, now: Timestamp) -> Cause {
    Cause {
        fingerprint: group.fingerprint.0,
        words: words::sentence(group.words.as_deref().unwrap_or_default()),
        remedy: group.remedy,
        count: words::counted(group.count, "record", "records"),
        job: group.example.0,
        last: When::ago(group.last_at, now),
    }
}

fn row(job: &Job, names: &BTreeMap<ContactId, String>, now: Timestamp) -> Row {
    let pill = Pill::of_job(job);
    Row {
        id: job.id.0,
        account: job.account.map(|account| (account.0, names.get(&account).cloned().unwrap_or_default())),
        record: job.record.to_string(),
        pill,
        reason: match job.reason {
            Some(reason) => reason.sentence().to_owned(),
            None => words::sentence(job.words.as_deref().unwrap_or_default()),
        },
        attempts: job.attempts,
        waited: when::lasted(job.started_at.unwrap_or(now).duration_since(job.created_at)),
        took: match (job.started_at, job.finished_at) {
            (Some(started), Some(finished)) => when::lasted(finished.duration_since(started)),
            (Some(_) | None, _) => String::new(),
        },
        last: When::ago(job.finished_at.or(job.started_at).unwrap_or(job.created_at), now),
    }
}

fn address(query: &Query, after: Option<&str>) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for name in ["state", "account", "limit"] {
        if let Some(value) = query.get(name) {
            pairs.append_pair(name, value);
        }
    }
    if let Some(after) = after {
        pairs.append_pair("after", after);
    }
    match pairs.finish().as_str() {
        "" => "/jobs".to_owned(),
        pairs => format!("/jobs?{pairs}"),
    }
}
