//! `/accounts/{id}`: one account, what stands in its fields and why, and everything that happened to it.

use askama::Template;
use axum::extract::{RawQuery, State};
use connector_domain::ids::ContactId;
use connector_domain::reason::Reason;
use connector_store::StoreError;
use connector_store::page::PageRequest;
use connector_store::queue::JobFilter;

use super::accounts::Row;
use super::fields::{self, Group};
use super::frame::{Frame, Here};
use super::history::{self, Entry};
use super::{Fault, Page, link, page};
use crate::api::{self, Named};
use crate::app::{Shared, Web};
use crate::query::Query;

const WRITES: usize = 500;
const EVENTS: usize = 100;
const JOBS: usize = 50;
/// The steps of so many jobs are shown; those of older ones are on the jobs' own pages.
const JOBS_WITH_STEPS: usize = 12;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    row: Row,
    website: Option<Website>,
    crm_link: Option<String>,
    would_change: Option<&'static str>,
    groups: Vec<Group>,
    engine: Option<String>,
    warnings: Vec<String>,
    history: Vec<Entry>,
}

struct Website {
    shown: String,
    href: Option<String>,
}

/// The page.
pub(crate) async fn show(State(web): State<Web>, id: Named, RawQuery(query): RawQuery) -> Page {
    Query::read(query.as_deref(), &[])?;
    let id = ContactId(api::id("account", id)?);
    let (app, tenant) = (&web.app, &web.app.tenant);
    let Some(stored) = app.accounts.account(tenant, id).await? else {
        return Err(Fault::NotFound(format!("There is no account {id} here.")));
    };
    let kept = app.accounts.profile(tenant, id).await?;
    let profile = kept.as_ref().map(|kept| &kept.profile);
    let writes = app.journal.writes(tenant, id, WRITES).await?;
    let now = web.now();
    let website = stored.facts.website.as_deref().filter(|website| !website.trim().is_empty());
    let website = website.map(|website| Website { shown: link::shown(website), href: link::safe(website) });
    let row = Row::of(stored, now);
    page(&AccountPage {
        frame: Frame::load(&web, Here::Accounts, row.title.clone()).await?,
        website,
        crm_link: web.crm_link(id),
        would_change: row.code.map(Reason::what_would_change_it),
        groups: fields::groups(id, &writes, profile, &web.definitions(), now),
        engine: profile.map(|profile| profile.engine.clone()),
        warnings: profile.map(|profile| profile.warnings.clone()).unwrap_or_default(),
        history: history(&web, id).await?,
        row,
    })
}

async fn history(web: &Shared, id: ContactId) -> Result<Vec<Entry>, StoreError> {
    let (app, tenant) = (&web.app, &web.app.tenant);
    let some = |limit| PageRequest { limit, after: None };
    let events = app.inbox.events(tenant, Some(id), &some(EVENTS)).await?;
    let filter = JobFilter { account: Some(id), ..JobFilter::default() };
    let jobs = app.queue.jobs(tenant, &filter, &some(JOBS)).await?;

    let mut entries: Vec<Entry> = events.items.iter().map(Entry::event).collect();
    for (at, job) in jobs.items.iter().enumerate() {
        entries.push(Entry::queued(job));
        entries.extend(Entry::ended(job));
        if at < JOBS_WITH_STEPS {
            let steps = app.journal.steps(tenant, job.id).await?;
            entries.extend(steps.iter().enumerate().map(|(at, step)| Entry::step(job, at, step)));
        }
    }
    Ok(history::newest_first(entries))
}
