//! `/`: the accounts, those that something happened to last first.
//!
//! One row for each account, however many events and jobs it has. A row appears as soon as a number is known; name
//! and owner take their places when they arrive.

use askama::Template;
use axum::extract::{RawQuery, State};
use connector_domain::account::{Shown, shown};
use connector_domain::job::JobState;
use connector_domain::reason::Reason;
use connector_store::StoreError;
use connector_store::accounts::{AccountFilter, AccountRow};
use connector_store::page::PageRequest;
use jiff::Timestamp;

use super::frame::{Frame, Here};
use super::pill::Pill;
use super::when::{self, When};
use super::words::{self, EN};
use super::{Page, page};
use crate::app::{Shared, Web};
use crate::query::{Cursor, Query};

const ROWS: usize = 50;
/// So many owners are offered to choose from.
const OWNERS: usize = 200;

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    rows: Vec<Row>,
    words: String,
    owner: String,
    owners: Vec<OwnerShown>,
    is_filtered: bool,
    is_later: bool,
    older: Option<String>,
    first: String,
    nothing: Option<Nothing>,
}

/// One account.
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) title: String,
    pub(super) is_named: bool,
    pub(super) is_deleted: bool,
    pub(super) owner: Option<OwnerShown>,
    pub(super) pill: Pill,
    pub(super) reason: String,
    pub(super) detail: Option<String>,
    pub(super) note: Option<String>,
    pub(super) code: Option<Reason>,
    pub(super) jobs: u32,
    pub(super) last: When,
    /// In how many milliseconds the state turns by itself.
    pub(super) turns_in: Option<i64>,
}

/// An owner: the short name, and the full one beside it.
pub(super) struct OwnerShown {
    pub(super) short: String,
    pub(super) full: String,
}

/// Why there are no rows.
enum Nothing {
    /// Nothing has ever arrived.
    FirstRun { is_in_order: bool },
    /// Events have arrived, but named no account.
    NoAccount,
    /// The filter leaves nothing over; what would be there without a part of it.
    NoMatch { words: String, without: Vec<Without> },
}

struct Without {
    text: String,
    href: String,
}

/// The page.
pub(crate) async fn show(State(web): State<Web>, RawQuery(query): RawQuery) -> Page {
    let query = Query::read(query.as_deref(), &["q", "owner", "limit", "after"])?;
    let request = query.page(ROWS, Cursor::TimeAndNumber)?;
    let filter = AccountFilter { words: query.text("q"), owner: query.text("owner") };
    let found = web.app.accounts.accounts(&web.app.tenant, &filter, &request).await?;
    let is_empty = found.items.is_empty() && request.after.is_none();
    let nothing = if is_empty { Some(nothing(&web, &filter).await?) } else { None };
    let now = web.now();
    page(&AccountsPage {
        frame: Frame::load(&web, Here::Accounts, EN.accounts).await?,
        rows: found.items.into_iter().map(|row| Row::of(row, now)).collect(),
        owners: owners(&web),
        is_filtered: filter.words.is_some() || filter.owner.is_some(),
        is_later: request.after.is_some(),
        older: found.next.map(|next| address(&filter, Some(&next), &query)),
        first: address(&filter, None, &query),
        words: filter.words.unwrap_or_default(),
        owner: filter.owner.unwrap_or_default(),
        nothing,
    })
}

impl Row {
    pub(super) fn of(row: AccountRow, now: Timestamp) -> Self {
        let shown = shown(&row.open, &row.ended, now);
        let facts = row.facts;
        let named = facts.name.filter(|name| !name.trim().is_empty());
        let (reason, detail) = reason(&shown);
        Self {
            id: row.id.0,
            is_named: named.is_some(),
            title: named.unwrap_or_else(|| words::company(row.id.0)),
            is_deleted: facts.deleted,
            owner: owner(facts.owner_short, facts.owner_full, facts.owner_id),
            pill: Pill::of(shown.state, shown.retrying),
            reason,
            detail,
            code: shown.reason,
            turns_in: shown.outshines.as_ref().map(|outshone| {
                i64::try_from(outshone.until.duration_since(now).as_millis()).unwrap_or(i64::MAX).max(0)
            }),
            note: shown.outshines.map(|outshone| {
                let why = outshone.reason.map_or("", Reason::sentence);
                words::outshines(&when::minute(outshone.at), why, &when::minute(outshone.until))
            }),
            jobs: row.jobs_in_run,
            last: When::ago(row.touched_at, now),
        }
    }
}

/// Why the account is in its state, and the particulars when they say more.
fn reason(shown: &Shown) -> (String, Option<String>) {
    let own_words = Some(shown.words.trim()).filter(|words| !words.is_empty());
    match shown.state {
        None => (EN.nothing_happened.to_owned(), None),
        Some(JobState::Pending) if shown.retrying => (EN.tried_again.to_owned(), None),
        Some(JobState::Pending) => (EN.waiting_for_worker.to_owned(), None),
        Some(JobState::Processing) => (EN.worker_at_it.to_owned(), None),
        Some(JobState::Completed | JobState::Failed) => {
            (words::sentence(own_words.unwrap_or_default()), None)
        }
        Some(JobState::Skipped | JobState::Held) => match shown.reason {
            Some(reason) => {
                let more = own_words.filter(|words| *words != reason.sentence());
                (reason.sentence().to_owned(), more.map(words::sentence))
            }
            None => (words::sentence(own_words.unwrap_or_default()), None),
        },
    }
}

/// The owner as far as known: the short name, or at least the number.
fn owner(short: Option<String>, full: Option<String>, id: Option<i64>) -> Option<OwnerShown> {
    let short = short.filter(|short| !short.is_empty()).or_else(|| id.map(|id| format!("#{id}")))?;
    Some(OwnerShown { full: full.unwrap_or_else(|| short.clone()), short })
}

/// Owners to choose from, those in scope first among all.
fn owners(web: &Shared) -> Vec<OwnerShown> {
    let policy = web.policy();
    let mut owners: Vec<_> = policy
        .associates
        .values()
        .filter(|associate| !associate.short_name.is_empty())
        .filter(|associate| policy.covers(associate.id) == connector_domain::policy::InScope::Yes)
        .map(|associate| OwnerShown {
            short: associate.short_name.clone(),
            full: associate.full_name.clone(),
        })
        .collect();
    owners.sort_by(|a, b| a.short.cmp(&b.short));
    owners.truncate(OWNERS);
    owners
}

/// This page's address with a filter, and with a cursor.
fn address(filter: &AccountFilter, after: Option<&str>, query: &Query) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    let limit = query.get("limit");
    for (name, value) in [
        ("q", filter.words.as_deref()),
        ("owner", filter.owner.as_deref()),
        ("limit", limit),
        ("after", after),
    ] {
        if let Some(value) = value {
            pairs.append_pair(name, value);
        }
    }
    match pairs.finish().as_str() {
        "" => "/accounts".to_owned(),
        pairs => format!("/accounts?{pairs}"),
    }
}

async fn nothing(web: &Shared, filter: &AccountFilter) -> Result<Nothing, StoreError> {
    let is_filtered = filter.words.is_some() || filter.owner.is_some();
    if is_filtered {
        return no_match(web, filter).await;
    }
    if web.app.inbox.event_count(&web.app.tenant).await? > 0 {
        return Ok(Nothing::NoAccount);
    }
    let parts = web.parts();
    let is_in_order = !parts.is_empty() && parts.iter().all(|part| part.state == crate::app::PartState::Ok);
    Ok(Nothing::FirstRun { is_in_order })
}

async fn no_match(web: &Shared, filter: &AccountFilter) -> Result<Nothing, StoreError> {
    let parts = [
        (EN.name_or_number, &filter.words, AccountFilter { words: None, ..filter.clone() }),
        (EN.owner, &filter.owner, AccountFilter { owner: None, ..filter.clone() }),
    ];
    let mut asked = Vec::new();
    let mut without = Vec::new();
    for (label, value, rest) in parts {
        let Some(value) = value else { continue };
        let label = label.to_lowercase();
        asked.push(format!("{label} “{value}”"));
        let found = web.app.accounts.accounts(&web.app.tenant, &rest, &PageRequest::default()).await?;
        if !found.items.is_empty() {
            without.push(Without {
                text: words::without(found.items.len(), found.next.is_some(), &format!("{label} “{value}”")),
                href: address(&rest, None, &Query::default()),
            });
        }
    }
    Ok(Nothing::NoMatch { words: words::no_match(&asked.join(" and ")), without })
}
