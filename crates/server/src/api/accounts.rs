//! `/api/v1/accounts`: companies with what happened to them, as the dashboard shows them.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use connector_domain::account::shown;
use connector_domain::field::Target;
use connector_domain::ids::{ContactId, JobId, PersonId};
use connector_domain::job::JobState;
use connector_domain::profile::Profile;
use connector_domain::reason::Reason;
use connector_store::accounts::{AccountFilter, AccountRow};
use connector_store::journal::{Write, WriteState};
use jiff::Timestamp;
use serde::Serialize;

use super::{Answer, List, Named, USUAL};
use crate::app::{Shared, Web};
use crate::problem::Problem;
use crate::query::{Cursor, Query};

/// So many writes are looked through for what stands in the fields.
const WRITES: usize = 500;

/// An account, in a list or alone.
#[derive(Debug, Serialize)]
pub(crate) struct Account {
    id: ContactId,
    name: Option<String>,
    owner: Option<String>,
    owner_id: Option<i64>,
    owner_name: Option<String>,
    state: Option<JobState>,
    retrying: bool,
    reason: Option<Reason>,
    reason_text: Option<String>,
    /// Until when the state is shown without a further event; `None` while nothing is outshone.
    state_until: Option<Timestamp>,
    outshines: Option<Outshines>,
    website: Option<String>,
    deleted: bool,
    jobs: u32,
    touched_at: Timestamp,
    url: String,
    crm_url: Option<String>,
}

/// The skip that a success is shown instead of.
#[derive(Debug, Serialize)]
struct Outshines {
    state: JobState,
    reason: Option<Reason>,
    at: Timestamp,
}

/// An account with what is known of it.
#[derive(Debug, Serialize)]
pub(crate) struct AccountInFull {
    #[serde(flatten)]
    account: Account,
    fields: BTreeMap<&'static str, Field>,
    persons: Vec<PersonId>,
    profile: Option<Profile>,
    explored_at: Option<Timestamp>,
}

/// What we last wrote to a field of the company.
#[derive(Debug, Serialize)]
struct Field {
    label: &'static str,
    value: String,
    before: String,
    written_at: Timestamp,
    job_id: JobId,
}

impl Account {
    fn of(web: &Shared, row: AccountRow, now: Timestamp) -> Self {
        let shown = shown(&row.open, &row.ended, now);
        let words = Some(shown.words).filter(|words| !words.is_empty());
        Self {
            id: row.id,
            name: row.facts.name,
            owner: row.facts.owner_short,
            owner_id: row.facts.owner_id,
            owner_name: row.facts.owner_full,
            state: shown.state,
            retrying: shown.retrying,
            reason: shown.reason,
            reason_text: shown.reason.map(|reason| reason.sentence().to_owned()).or(words),
            state_until: shown.outshines.as_ref().map(|outshone| outshone.until),
            outshines: shown.outshines.map(|outshone| Outshines {
                state: JobState::Skipped,
                reason: outshone.reason,
                at: outshone.at,
            }),
            website: row.facts.website,
            deleted: row.facts.deleted,
            jobs: row.jobs_in_run,
            touched_at: row.touched_at,
            url: format!("/accounts/{}", row.id),
            crm_url: web.crm_link(row.id),
        }
    }
}

/// `GET /api/v1/accounts?q=&owner=&limit=&after=`
pub(crate) async fn list(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<List<Account>> {
    let query = Query::read(query.as_deref(), &["q", "owner", "limit", "after"])?;
    let request = query.page(USUAL, Cursor::TimeAndNumber)?;
    let filter = AccountFilter { words: query.text("q"), owner: query.text("owner") };
    let page = web.app.accounts.accounts(&web.app.tenant, &filter, &request).await?;
    let now = web.now();
    Ok(List::of(page, now, |row| Account::of(&web, row, now)))
}

/// `GET /api/v1/accounts/{id}`
pub(crate) async fn one(
    State(web): State<Web>,
    id: Named,
    RawQuery(query): RawQuery,
) -> Answer<AccountInFull> {
    Query::read(query.as_deref(), &[])?;
    let id = ContactId(super::id("account", id)?);
    let (app, tenant) = (&web.app, &web.app.tenant);
    let row = app.accounts.account(tenant, id).await?;
    let row = row.ok_or_else(|| Problem::not_found(format_args!("account {id}")))?;
    let kept = app.accounts.profile(tenant, id).await?;
    let writes = app.journal.writes(tenant, id, WRITES).await?;
    Ok(axum::Json(AccountInFull {
        account: Account::of(&web, row, web.now()),
        fields: fields(&web, id, &writes),
        persons: app.accounts.persons(tenant, id).await?,
        explored_at: kept.as_ref().map(|kept| kept.at),
        profile: kept.map(|kept| kept.profile),
    }))
}

fn fields(web: &Shared, id: ContactId, writes: &[Write]) -> BTreeMap<&'static str, Field> {
    let definitions = web.definitions();
    let done = writes
        .iter()
        .filter(|write| write.state == WriteState::Done && write.record.as_contact() == Some(id));
    let mut fields = BTreeMap::new();
    for (write, field) in done.flat_map(|write| write.fields.iter().map(move |field| (write, field))) {
        // Newest first, so the first one seen is what stands there.
        fields.entry(field.target.key()).or_insert_with(|| Field {
            label: Target::label(field.target),
            value: definitions.words(field.target, &field.after),
            before: definitions.words(field.target, &field.before),
            written_at: write.settled_at.unwrap_or(write.intended_at),
            job_id: write.job,
        });
    }
    fields
}
