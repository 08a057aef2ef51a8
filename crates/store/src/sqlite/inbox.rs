//! The inbox on SQLite: the raw delivery and the work it asks for, in one transaction.

use std::sync::Arc;

use async_trait::async_trait;
use connector_domain::event::{Changes, Event};
use connector_domain::filter::{self, Memory, Verdict};
use connector_domain::ids::{ContactId, EventId, JobId, RecordRef, TenantId};
use connector_domain::policy::Policy;
use connector_domain::reason::Reason;
use connector_faults::{Bug, Point, planted, reach};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::watch;

use super::SqliteStore;
use super::queue::{Wanted, want};
use super::rows::{StoredId, count, entity, event_id, millis, reason, strange, timestamp, timestamp_opt};
use super::writer::Touched;
use crate::StoreError;
use crate::inbox::{Accepted, Content, Delivery, Disposition, Inbox, Source, StoredEvent};
use crate::page::{Page, PageRequest};

#[async_trait]
impl Inbox for SqliteStore {
    async fn accept(&self, delivery: Delivery, policy: Arc<Policy>) -> Result<Accepted, StoreError> {
        self.writer.call(move |connection, touched| accept(connection, touched, &delivery, &policy)).await
    }

    async fn events(
        &self,
        tenant: &TenantId,
        account: Option<ContactId>,
        page: &PageRequest,
    ) -> Result<Page<StoredEvent>, StoreError> {
        let (tenant, page) = (tenant.0.clone(), page.clone());
        self.readers.read(move |connection| events(connection, &tenant, account, &page)).await
    }

    async fn event(
        &self,
        tenant: &TenantId,
        id: &EventId,
    ) -> Result<Option<(StoredEvent, Vec<u8>)>, StoreError> {
        let (tenant, id) = (tenant.0.clone(), id.0.clone());
        self.readers
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT * FROM events WHERE tenant = ?1 AND event_id = ?2")?
                    .query_row((tenant, StoredId::of(&id)), |row| Ok((stored(row)?, row.get("body")?)))
                    .optional()
            })
            .await
    }

    async fn newest_delivery(&self, tenant: &TenantId) -> Result<Option<(i64, Timestamp)>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                // Where a sweep finds everything there are none, and all events would be read to see that.
                let sql = "SELECT seq, received_at FROM events INDEXED BY events_told WHERE tenant = ?1 AND source = 0 ORDER BY seq DESC LIMIT 1";
                connection
                    .prepare_cached(sql)?
                    .query_row([tenant], |row| Ok((row.get("seq")?, timestamp(row, "received_at")?)))
                    .optional()
            })
            .await
    }

    async fn event_count(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                let sql = "SELECT count(*) FROM events WHERE tenant = ?1";
                connection.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))
            })
            .await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }
}

fn accept(
    connection: &Connection,
    touched: &mut Touched,
    delivery: &Delivery,
    policy: &Policy,
) -> rusqlite::Result<Accepted> {
    if seen_before(connection, delivery)? {
        return Ok(Accepted::Duplicate);
    }
    touched.view = true;
    match &delivery.content {
        Content::Unreadable(_) if planted(Bug::UnreadableDropped) => Ok(Accepted::Parked),
        Content::Unreadable(words) => {
            store(
                connection,
                delivery,
                &Particulars {
                    disposition: Disposition::Parked,
                    reason: None,
                    words: Some(words),
                    job: None,
                    event: None,
                    account: None,
                },
            )?;
            Ok(Accepted::Parked)
        }
        Content::Event(event) => {
            accept_event(connection, touched, delivery, (event, Source::Webhook), policy)
        }
        Content::Found(event) => accept_event(connection, touched, delivery, (event, Source::Sweep), policy),
    }
}

fn accept_event(
    connection: &Connection,
    touched: &mut Touched,
    delivery: &Delivery,
    (event, source): (&Event, Source),
    policy: &Policy,
) -> rusqlite::Result<Accepted> {
    let account = account_of(connection, event)?;
    if let Some(account) = account {
        see_account(connection, event, account, policy, delivery.received_at)?;
    }
    let memory = memory_of(connection, event, policy)?;
    let verdict = match &event.changes {
        _ if planted(Bug::EchoTooWide) && memory.written_at.is_some() => Verdict::Skip(Reason::OwnWrite),
        Changes::Columns(columns) if planted(Bug::WebsiteNotWatched) && columns.contains("urladdress") => {
            Verdict::Skip(Reason::NothingWatched)
        }
        Changes::Columns(_) | Changes::NotTold => filter::decide(event, memory, policy, delivery.received_at),
    };
    let (disposition, reason, job, accepted) = match verdict {
        Verdict::Skip(reason) => (Disposition::Skipped, Some(reason), None, Accepted::Skipped(reason)),
        Verdict::Explore => match event.record {
            None => {
                let reason = Reason::UnsupportedEvent;
                (Disposition::Skipped, Some(reason), None, Accepted::Skipped(reason))
            }
            Some(record) => {
                touched.queue = !planted(Bug::BellNotRung);
                let created = event.kind == connector_domain::event::EventKind::Created;
                let swept = source == Source::Sweep;
                let wanted = Wanted { tenant: &event.tenant.0, record, account, created, swept };
                let (job, is_new) = want(connection, &wanted, policy.rest, delivery.received_at)?;
                reach(Point::JobWanted);
                if is_new {
                    (Disposition::Queued, None, Some(job), Accepted::New(job))
                } else {
                    (Disposition::Merged, None, Some(job), Accepted::Merged(job))
                }
            }
        },
    };
    store(
        connection,
        delivery,
        &Particulars { disposition, reason, words: None, job, event: Some(event), account },
    )?;
    reach(Point::EventStored);
    Ok(accepted)
}

fn seen_before(connection: &Connection, delivery: &Delivery) -> rusqlite::Result<bool> {
    let key = (&delivery.tenant.0, StoredId::of(&delivery.id.0));
    let known = if planted(Bug::DedupeTooWide) {
        "SELECT seq FROM events WHERE tenant = ?1 AND (event_id = ?2 OR seq = (SELECT max(seq) FROM events)) LIMIT 1"
    } else {
        "SELECT seq FROM events WHERE tenant = ?1 AND event_id = ?2"
    };
    let seen = connection.prepare_cached(known)?.query_row(key, |row| row.get::<_, i64>(0)).optional()?;
    if let Some(seq) = seen {
        connection
            .prepare_cached("UPDATE events SET repeats = repeats + 1 WHERE seq = ?1")?
            .execute([seq])?;
    }
    Ok(seen.is_some() && !planted(Bug::NoDedupe))
}

/// The account an event belongs to: told by the event, or remembered of the person.
fn account_of(connection: &Connection, event: &Event) -> rusqlite::Result<Option<ContactId>> {
    let Some(record) = event.record else { return Ok(event.account) };
    if let Some(contact) = record.as_contact() {
        return Ok(Some(contact));
    }
    if let Some(account) = event.account {
        meet_person(connection, &event.tenant.0, record.id, account)?;
        return Ok(Some(account));
    }
    connection
        .prepare_cached("SELECT contact_id FROM persons WHERE tenant = ?1 AND person_id = ?2")?
        .query_row((&event.tenant.0, record.id), |row| row.get(0).map(ContactId))
        .optional()
}

pub(super) fn meet_person(
    connection: &Connection,
    tenant: &str,
    person: i64,
    account: ContactId,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO persons (tenant, person_id, contact_id) VALUES (?1, ?2, ?3)
               ON CONFLICT (tenant, person_id) DO UPDATE SET contact_id = excluded.contact_id
               WHERE contact_id <> excluded.contact_id",
        )?
        .execute((tenant, person, account.0))
        .map(drop)
}

fn see_account(
    connection: &Connection,
    event: &Event,
    account: ContactId,
    policy: &Policy,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let short_name = event.owner.and_then(|owner| policy.short_name(owner));
    connection
        .prepare_cached(
            "INSERT INTO accounts (tenant, contact_id, owner_id, owner_short, first_at, touched_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?5)
               ON CONFLICT (tenant, contact_id) DO UPDATE SET
                 touched_at = max(touched_at, excluded.touched_at),
                 owner_id = coalesce(excluded.owner_id, owner_id),
                 owner_short = CASE WHEN excluded.owner_id IS NULL OR excluded.owner_id = owner_id THEN coalesce(excluded.owner_short, owner_short) ELSE excluded.owner_short END,
                 owner_full = CASE WHEN excluded.owner_id IS NULL OR excluded.owner_id = owner_id THEN owner_full END",
        )?
        .execute(params![event.tenant.0, account.0, event.owner.map(|owner| owner.0), short_name, millis(now)])
        .map(drop)
}

/// What is remembered of the record, looked up only when the filter can need it.
fn memory_of(connection: &Connection, event: &Event, policy: &Policy) -> rusqlite::Result<Memory> {
    if planted(Bug::EchoFilterOff) {
        return Ok(Memory::default());
    }
    let by_our_user = event.changed_by.is_some() && event.changed_by == policy.own_associate;
    let (Some(record), true) = (event.record, by_our_user) else { return Ok(Memory::default()) };
    let written_at = last_write(connection, &event.tenant.0, record)?;
    Ok(Memory { written_at })
}

fn last_write(
    connection: &Connection,
    tenant: &str,
    record: RecordRef,
) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached(
            "SELECT coalesce(settled_at, intended_at) AS at FROM writes
              WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND state <> 2 ORDER BY id DESC LIMIT 1",
        )?
        .query_row((tenant, record.entity.as_str(), record.id), |row| timestamp(row, "at"))
        .optional()
}

/// All but the body, which may be large.
pub(super) const EVENT_COLUMNS: &str = "seq, event_id, source, name, entity, entity_id, account_id, changed_by, changes, \
     received_at, happened_at, disposition, reason, words, job_id, repeats";

/// What an event's row says besides the delivery itself.
struct Particulars<'a> {
    disposition: Disposition,
    reason: Option<Reason>,
    words: Option<&'a String>,
    job: Option<JobId>,
    event: Option<&'a Event>,
    account: Option<ContactId>,
}

fn store(connection: &Connection, delivery: &Delivery, row: &Particulars<'_>) -> rusqlite::Result<()> {
    let changes = match row.event.map(|event| &event.changes) {
        Some(Changes::Columns(columns)) => columns.iter().map(String::as_str).collect::<Vec<_>>().join(","),
        Some(Changes::NotTold) | None => String::new(),
    };
    let record = row.event.and_then(|event| event.record);
    connection
        .prepare_cached(
            "INSERT INTO events (tenant, event_id, name, entity, entity_id, account_id, changed_by, changes,
                                 received_at, disposition, reason, words, job_id, body, source, happened_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .execute(params![
            delivery.tenant.0,
            StoredId::of(&delivery.id.0),
            row.event.map_or("", |event| &event.name),
            record.map(|record| record.entity.as_str()),
            record.map(|record| record.id),
            row.account.map(|account| account.0),
            row.event.and_then(|event| event.changed_by).map(|id| id.0),
            changes,
            millis(delivery.received_at),
            disposition_number(row.disposition),
            row.reason.map(Reason::code),
            row.words,
            row.job.map(|job| job.0),
            &delivery.body[..],
            delivery.content.event().map_or(0, |(_, source)| source_number(source)),
            row.event.and_then(|event| event.at).map(millis),
        ])
        .map(drop)
}

const fn source_number(source: Source) -> i64 {
    match source {
        Source::Webhook => 0,
        Source::Sweep => 1,
    }
}

const fn disposition_number(disposition: Disposition) -> i64 {
    match disposition {
        Disposition::Queued => 0,
        Disposition::Merged => 1,
        Disposition::Skipped => 2,
        Disposition::Parked => 3,
    }
}

fn disposition(number: i64) -> rusqlite::Result<Disposition> {
    [Disposition::Queued, Disposition::Merged, Disposition::Skipped, Disposition::Parked]
        .into_iter()
        .find(|disposition| disposition_number(*disposition) == number)
        .ok_or_else(|| strange("disposition", &number.to_string()))
}

fn events(
    connection: &Connection,
    tenant: &str,
    account: Option<ContactId>,
    page: &PageRequest,
) -> rusqlite::Result<Page<StoredEvent>> {
    let limit = page.bounded();
    let before = page.after.as_deref().and_then(|after| after.parse::<i64>().ok()).unwrap_or(i64::MAX);
    // Without an account the newest are read off the end of the table; the plus sign keeps the index on the tenant out,
    // which would sort all of them.
    let of_account =
        if account.is_some() { "tenant = ?1 AND account_id = ?4" } else { "+tenant = ?1 AND ?4 IS NULL" };
    let sql = format!(
        "SELECT {EVENT_COLUMNS} FROM events WHERE {of_account} AND seq < ?2 ORDER BY seq DESC LIMIT ?3"
    );
    let items: Vec<StoredEvent> = connection
        .prepare_cached(&sql)?
        .query_map(params![tenant, before, limit, account.map(|account| account.0)], stored)?
        .collect::<Result<_, _>>()?;
    let next = (items.len() == limit).then(|| items.last().map(|event| event.seq.to_string())).flatten();
    Ok(Page { items, next })
}

pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    let word: Option<String> = row.get("entity")?;
    let number: Option<i64> = row.get("entity_id")?;
    let record = match (word, number) {
        (Some(word), Some(id)) => Some(RecordRef { entity: entity(&word)?, id }),
        (Some(_) | None, _) => None,
    };
    let account: Option<i64> = row.get("account_id")?;
    let job: Option<i64> = row.get("job_id")?;
    Ok(StoredEvent {
        seq: row.get("seq")?,
        id: EventId(event_id(row)?),
        source: if row.get("source")? { Source::Sweep } else { Source::Webhook },
        name: row.get("name")?,
        record,
        account: account.map(ContactId),
        changed_by: row.get("changed_by")?,
        changes: row.get("changes")?,
        received_at: timestamp(row, "received_at")?,
        happened_at: timestamp_opt(row, "happened_at")?,
        disposition: disposition(row.get("disposition")?)?,
        reason: reason(row, "reason")?,
        words: row.get("words")?,
        job: job.map(JobId),
        repeats: count(row, "repeats")?,
    })
}
