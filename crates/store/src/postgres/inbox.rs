//! The inbox on PostgreSQL: raw deliveries and the work they ask for, many of them in one transaction and in few
//! statements.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use connector_domain::event::{Changes, Event, EventKind};
use connector_domain::filter::{self, Memory, Verdict};
use connector_domain::ids::{ContactId, EventId, JobId, RecordRef, TenantId};
use connector_domain::policy::Policy;
use connector_domain::reason::Reason;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_postgres::Row;

use super::PostgresStore;
use super::failure::Failure;
use super::frame::Time;
use super::queue::{Asked, Record, Wanted, want};
use super::rows::{
    clean, count, entity, get, limit, millis, reason, strange, timestamp, timestamp_opt, total,
};
use super::work::Work;
use crate::StoreError;
use crate::inbox::{Accepted, Content, Delivery, Disposition, Inbox, Source, StoredEvent};
use crate::page::{Page, PageRequest};

/// A delivery, and what to judge it by.
pub(super) type Offered = (Delivery, Arc<Policy>);

#[async_trait]
impl Inbox for PostgresStore {
    async fn accept(&self, delivery: Delivery, policy: Arc<Policy>) -> Result<Accepted, StoreError> {
        self.flusher.accept(delivery, policy).await
    }

    async fn events(
        &self,
        tenant: &TenantId,
        account: Option<ContactId>,
        page: &PageRequest,
    ) -> Result<Page<StoredEvent>, StoreError> {
        let before = page.after.as_deref().and_then(|after| after.parse::<i64>().ok()).unwrap_or(i64::MAX);
        let of_account = if account.is_some() { "account_id = $4" } else { "$4::bigint IS NULL" };
        let sql = format!(
            "SELECT {EVENT_COLUMNS} FROM events WHERE tenant = $1 AND {of_account} AND seq < $2 ORDER BY seq DESC LIMIT $3"
        );
        let most = page.bounded();
        let account = account.map(|account| account.0);
        self.read((sql, &tenant.0, before, account, most), |c, (sql, tenant, before, account, most)| {
            Box::pin(async move {
                let rows = c.rows(sql, &[tenant, before, &limit(*most), account]).await?;
                let items: Vec<StoredEvent> =
                    rows.iter().map(|row| stored(row, c.frame.ahead())).collect::<Result<_, _>>()?;
                let next =
                    (items.len() == *most).then(|| items.last().map(|event| event.seq.to_string())).flatten();
                Ok(Page { items, next })
            })
        })
        .await
    }

    async fn event(
        &self,
        tenant: &TenantId,
        id: &EventId,
    ) -> Result<Option<(StoredEvent, Vec<u8>)>, StoreError> {
        self.read((&tenant.0, clean(&id.0)), |c, (tenant, id)| {
            Box::pin(async move {
                let row =
                    c.row("SELECT * FROM events WHERE tenant = $1 AND event_id = $2", &[tenant, id]).await?;
                row.map(|row| Ok((stored(&row, c.frame.ahead())?, get(&row, "body")?))).transpose()
            })
        })
        .await
    }

    async fn newest_delivery(&self, tenant: &TenantId) -> Result<Option<(i64, Timestamp)>, StoreError> {
        self.read(&tenant.0, |c, tenant| {
            Box::pin(async move {
                let sql = "SELECT seq, received_at FROM events WHERE tenant = $1 AND source = 0 ORDER BY seq DESC LIMIT 1";
                let newest = c.row(sql, &[tenant]).await?;
                newest
                    .map(|row| Ok((get(&row, "seq")?, timestamp(&row, "received_at", c.frame.ahead())?)))
                    .transpose()
            })
        })
        .await
    }

    async fn event_count(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        self.read(&tenant.0, |c, tenant| {
            Box::pin(async move {
                total(&c.one("SELECT count(*) FROM events WHERE tenant = $1", &[tenant]).await?)
            })
        })
        .await
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.bell.changes()
    }
}

/// Stores deliveries and the work that follows from them; says of each what became of it.
///
/// Of one event that is offered twice the first is stored, whether both are in this batch or another receiver has one
/// of them at this moment.
pub(super) async fn accept_all(work: &Work, offered: &[Offered]) -> Result<Vec<Accepted>, Failure> {
    let (seen, persons, writes) =
        tokio::try_join!(seen(work, offered), accounts_of(work, offered), last_writes(work, offered))?;
    let mut batch = Batch { persons, ..Batch::default() };
    for (at, (delivery, policy)) in offered.iter().enumerate() {
        if let Some(seq) = seen.get(&at) {
            *batch.repeated.entry(*seq).or_insert(0) += 1;
            batch.became.push(Became::Duplicate);
        } else {
            batch.take(work, delivery, policy, writes.get(&at).copied());
        }
    }
    batch.store(work).await
}

/// What became of one delivery, before its job has a number.
enum Became {
    Duplicate,
    Parked,
    Skipped(Reason),
    Work(Record),
}

/// Everything that one transaction stores.
#[derive(Default)]
struct Batch<'a> {
    became: Vec<Became>,
    lines: Vec<Line<'a>>,
    /// Ids of events in this batch, and the line that stores each.
    ids: HashMap<(&'a str, &'a str), usize>,
    /// How often events that were stored before came again.
    repeated: BTreeMap<i64, i64>,
    wanted: Wanted,
    persons: HashMap<(String, i64), i64>,
    met: BTreeMap<(String, i64), i64>,
    accounts: BTreeMap<(String, i64), Seen>,
}

/// An event's row.
struct Line<'a> {
    delivery: &'a Delivery,
    event: Option<&'a Event>,
    account: Option<i64>,
    at: i64,
    disposition: Disposition,
    reason: Option<Reason>,
    words: Option<&'a String>,
    record: Option<Record>,
    repeats: i64,
}

/// What an event tells of its account.
struct Seen {
    owner: Option<i64>,
    short_name: Option<String>,
    first: i64,
    last: i64,
}

impl<'a> Batch<'a> {
    fn take(&mut self, work: &Work, delivery: &'a Delivery, policy: &Policy, written_at: Option<Timestamp>) {
        let id = (delivery.tenant.0.as_str(), delivery.id.0.as_str());
        if let Some(line) = self.ids.get(&id) {
            self.lines[*line].repeats += 1;
            self.became.push(Became::Duplicate);
            return;
        }
        self.ids.insert(id, self.lines.len());
        work.show();
        // By the database's clock the moment is now; a test brings its own.
        let at = match work.time() {
            Time::Database(_) => work.now(),
            Time::Caller => millis(delivery.received_at),
        };
        let mut line = Line {
            delivery,
            event: None,
            account: None,
            at,
            disposition: Disposition::Parked,
            reason: None,
            words: None,
            record: None,
            repeats: 0,
        };
        match &delivery.content {
            Content::Unreadable(words) => {
                line.words = Some(words);
                self.became.push(Became::Parked);
            }
            Content::Event(event) | Content::Found(event) => {
                let swept = matches!(delivery.content, Content::Found(_));
                let account = self.account_of(event);
                if let Some(account) = account {
                    self.see_account(event, account, policy, at);
                }
                line.event = Some(event);
                line.account = account.map(|account| account.0);
                let memory = Memory { written_at };
                match (filter::decide(event, memory, policy, delivery.received_at), event.record) {
                    (Verdict::Explore, Some(record)) => {
                        work.ring();
                        let asked = Asked {
                            account,
                            created: event.kind == EventKind::Created,
                            swept,
                            at,
                            rest: super::span(policy.rest),
                        };
                        let record = self.wanted.add(&event.tenant.0, record, asked);
                        line.disposition = Disposition::Queued;
                        line.record = Some(record.clone());
                        self.became.push(Became::Work(record));
                    }
                    (verdict, _) => {
                        let reason = match verdict {
                            Verdict::Skip(reason) => reason,
                            Verdict::Explore => Reason::UnsupportedEvent,
                        };
                        line.disposition = Disposition::Skipped;
                        line.reason = Some(reason);
                        self.became.push(Became::Skipped(reason));
                    }
                }
            }
        }
        self.lines.push(line);
    }

    /// The account an event belongs to: told by the event, or remembered of the person.
    fn account_of(&mut self, event: &Event) -> Option<ContactId> {
        let Some(record) = event.record else { return event.account };
        if let Some(contact) = record.as_contact() {
            return Some(contact);
        }
        let person = (event.tenant.0.clone(), record.id);
        if let Some(account) = event.account {
            self.met.insert(person.clone(), account.0);
            self.persons.insert(person, account.0);
            return Some(account);
        }
        self.persons.get(&person).copied().map(ContactId)
    }

    fn see_account(&mut self, event: &Event, account: ContactId, policy: &Policy, at: i64) {
        let owner = event.owner.map(|owner| owner.0);
        let short_name = event.owner.and_then(|owner| policy.short_name(owner)).map(str::to_owned);
        let line = self.accounts.entry((event.tenant.0.clone(), account.0)).or_insert_with(|| Seen {
            owner,
            short_name: short_name.clone(),
            first: at,
            last: at,
        });
        line.last = line.last.max(at);
        if owner.is_some() {
            line.short_name =
                if owner == line.owner { short_name.or(line.short_name.take()) } else { short_name };
            line.owner = owner;
        }
    }

    async fn store(mut self, work: &Work) -> Result<Vec<Accepted>, Failure> {
        let jobs = want(work, &self.wanted).await?;
        let mut fresh: BTreeMap<&Record, JobId> =
            jobs.iter().filter(|(_, (_, is_new))| *is_new).map(|(record, (job, _))| (record, *job)).collect();
        let mut accepted = Vec::with_capacity(self.became.len());
        for became in &self.became {
            accepted.push(match became {
                Became::Duplicate => Accepted::Duplicate,
                Became::Parked => Accepted::Parked,
                Became::Skipped(reason) => Accepted::Skipped(*reason),
                Became::Work(record) => match (fresh.remove(record), jobs.get(record)) {
                    (Some(job), _) => Accepted::New(job),
                    (None, Some((job, _))) => Accepted::Merged(*job),
                    (None, None) => return Err(Failure::Overtaken("a job")),
                },
            });
        }
        // The first event of a new job began it, the others joined it.
        let mut begun: Vec<&Record> = Vec::new();
        for line in &mut self.lines {
            let Some(record) = &line.record else { continue };
            let is_new = jobs.get(record).is_some_and(|(_, is_new)| *is_new);
            if !is_new || begun.contains(&record) {
                line.disposition = Disposition::Merged;
            }
            if let Some((record, _)) = jobs.get_key_value(record) {
                begun.push(record);
            }
        }
        tokio::try_join!(
            meet_persons(work, &self.met),
            see_accounts(work, &self.accounts),
            insert(work, &self.lines, &jobs),
            count_repeats(work, &self.repeated),
        )?;
        Ok(accepted)
    }
}

/// The deliveries whose event is stored already, and where.
async fn seen(work: &Work, offered: &[Offered]) -> Result<HashMap<usize, i64>, Failure> {
    let tenants: Vec<&str> = offered.iter().map(|(delivery, _)| delivery.tenant.0.as_str()).collect();
    let ids: Vec<_> = offered.iter().map(|(delivery, _)| clean(&delivery.id.0)).collect();
    let sql =
        "SELECT t.n - 1 AS n, e.seq FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t(tenant, id, n)
                 JOIN events e ON e.tenant = t.tenant AND e.event_id = t.id";
    let rows = work.rows(sql, &[&tenants, &ids]).await?;
    rows.iter().map(|row| Ok((place(row)?, get(row, "seq")?))).collect()
}

fn place(row: &Row) -> Result<usize, Failure> {
    usize::try_from(get::<i64>(row, "n")?).map_err(|error| strange("n", &error.to_string()))
}

/// The accounts that are remembered of persons whose events do not tell one.
async fn accounts_of(work: &Work, offered: &[Offered]) -> Result<HashMap<(String, i64), i64>, Failure> {
    let (mut tenants, mut ids) = (Vec::new(), Vec::new());
    for (delivery, _) in offered {
        if let Some((event, _)) = delivery.content.event()
            && let (Some(record), None) = (event.record, event.account)
            && record.as_contact().is_none()
        {
            tenants.push(event.tenant.0.as_str());
            ids.push(record.id);
        }
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql =
        "SELECT p.tenant, p.person_id, p.contact_id FROM unnest($1::text[], $2::bigint[]) AS t(tenant, id)
                 JOIN persons p ON p.tenant = t.tenant AND p.person_id = t.id";
    let rows = work.rows(sql, &[&tenants, &ids]).await?;
    rows.iter()
        .map(|row| Ok(((get(row, "tenant")?, get(row, "person_id")?), get(row, "contact_id")?)))
        .collect()
}

/// When we last wrote to the records of events that our own user caused: the filter asks of no others.
async fn last_writes(work: &Work, offered: &[Offered]) -> Result<HashMap<usize, Timestamp>, Failure> {
    let (mut places, mut tenants, mut entities, mut ids) = (vec![], vec![], vec![], vec![]);
    for ((delivery, policy), at) in offered.iter().zip(0_i64..) {
        if let Some((event, _)) = delivery.content.event()
            && let Some(record) = event.record
            && event.changed_by.is_some()
            && event.changed_by == policy.own_associate
        {
            places.push(at);
            tenants.push(event.tenant.0.as_str());
            entities.push(record.entity.as_str());
            ids.push(record.id);
        }
    }
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = "SELECT t.n, w.at FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[]) AS t(n, tenant, entity, id)
                CROSS JOIN LATERAL (SELECT coalesce(settled_at, intended_at) AS at FROM writes
                                     WHERE tenant = t.tenant AND entity = t.entity AND entity_id = t.id AND state <> 2
                                     ORDER BY id DESC LIMIT 1) w";
    let rows = work.rows(sql, &[&places, &tenants, &entities, &ids]).await?;
    rows.iter().map(|row| Ok((place(row)?, timestamp(row, "at", work.ahead())?))).collect()
}

/// Remembers which account each person belongs to.
pub(super) async fn meet_persons(work: &Work, met: &BTreeMap<(String, i64), i64>) -> Result<(), Failure> {
    if met.is_empty() {
        return Ok(());
    }
    let tenants: Vec<&str> = met.keys().map(|(tenant, _)| tenant.as_str()).collect();
    let persons: Vec<i64> = met.keys().map(|(_, person)| *person).collect();
    let accounts: Vec<i64> = met.values().copied().collect();
    let sql = "INSERT INTO persons AS p (tenant, person_id, contact_id) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[])
                 ON CONFLICT (tenant, person_id) DO UPDATE SET contact_id = excluded.contact_id
                 WHERE p.contact_id <> excluded.contact_id";
    work.execute(sql, &[&tenants, &persons, &accounts]).await.map(drop)
}

async fn see_accounts(work: &Work, all: &BTreeMap<(String, i64), Seen>) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(());
    }
    let tenants: Vec<&str> = all.keys().map(|(tenant, _)| tenant.as_str()).collect();
    let ids: Vec<i64> = all.keys().map(|(_, id)| *id).collect();
    let owners: Vec<Option<i64>> = all.values().map(|seen| seen.owner).collect();
    let names: Vec<_> = all.values().map(|seen| super::rows::clean_opt(seen.short_name.as_ref())).collect();
    let first: Vec<i64> = all.values().map(|seen| seen.first).collect();
    let last: Vec<i64> = all.values().map(|seen| seen.last).collect();
    let sql = "INSERT INTO accounts AS a (tenant, contact_id, owner_id, owner_short, first_at, touched_at)
                 SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[])
                 ON CONFLICT (tenant, contact_id) DO UPDATE SET
                   touched_at = greatest(a.touched_at, excluded.touched_at),
                   owner_id = coalesce(excluded.owner_id, a.owner_id),
                   owner_short = CASE WHEN excluded.owner_id IS NULL OR excluded.owner_id = a.owner_id THEN coalesce(excluded.owner_short, a.owner_short) ELSE excluded.owner_short END,
                   owner_full = CASE WHEN excluded.owner_id IS NULL OR excluded.owner_id = a.owner_id THEN a.owner_full END";
    work.execute(sql, &[&tenants, &ids, &owners, &names, &first, &last]).await.map(drop)
}

async fn insert(
    work: &Work,
    lines: &[Line<'_>],
    jobs: &BTreeMap<Record, (JobId, bool)>,
) -> Result<(), Failure> {
    if lines.is_empty() {
        return Ok(());
    }
    let tenants: Vec<&str> = lines.iter().map(|line| line.delivery.tenant.0.as_str()).collect();
    let ids: Vec<_> = lines.iter().map(|line| clean(&line.delivery.id.0)).collect();
    let names: Vec<_> = lines.iter().map(|line| clean(line.event.map_or("", |event| &event.name))).collect();
    let records: Vec<Option<RecordRef>> =
        lines.iter().map(|line| line.event.and_then(|event| event.record)).collect();
    let entities: Vec<_> = records.iter().map(|record| record.map(|record| record.entity.as_str())).collect();
    let numbers: Vec<_> = records.iter().map(|record| record.map(|record| record.id)).collect();
    let accounts: Vec<Option<i64>> = lines.iter().map(|line| line.account).collect();
    let by: Vec<Option<i64>> =
        lines.iter().map(|line| line.event.and_then(|event| event.changed_by).map(|id| id.0)).collect();
    let changes: Vec<String> = lines
        .iter()
        .map(|line| line.event.map(|event| columns(&event.changes)).unwrap_or_default())
        .collect();
    let at: Vec<i64> = lines.iter().map(|line| line.at).collect();
    let dispositions: Vec<i64> = lines.iter().map(|line| disposition_number(line.disposition)).collect();
    let reasons: Vec<Option<&str>> = lines.iter().map(|line| line.reason.map(Reason::code)).collect();
    let words: Vec<_> = lines.iter().map(|line| super::rows::clean_opt(line.words)).collect();
    let job_ids: Vec<Option<i64>> = lines
        .iter()
        .map(|line| line.record.as_ref().and_then(|record| jobs.get(record)).map(|(job, _)| job.0))
        .collect();
    let repeats: Vec<i64> = lines.iter().map(|line| line.repeats).collect();
    let bodies: Vec<&[u8]> = lines.iter().map(|line| &line.delivery.body[..]).collect();
    let sources: Vec<i64> = lines.iter().map(|line| source_number(&line.delivery.content)).collect();
    let happened: Vec<Option<i64>> =
        lines.iter().map(|line| line.event.and_then(|event| event.at).map(millis)).collect();
    let stored = work
        .execute(
            "INSERT INTO events (tenant, event_id, name, entity, entity_id, account_id, changed_by, changes,
                                 received_at, disposition, reason, words, job_id, repeats, body, source, happened_at)
               SELECT t.tenant, t.event_id, t.name, t.entity, t.entity_id, t.account_id, t.changed_by, t.changes,
                      t.at, t.disposition, t.reason, t.words, t.job_id, t.repeats, t.body, t.source, t.happened_at
                 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                             $8::text[], $9::bigint[], $10::bigint[], $11::text[], $12::text[], $13::bigint[],
                             $14::bigint[], $15::bytea[], $16::bigint[], $17::bigint[]) WITH ORDINALITY
                      AS t(tenant, event_id, name, entity, entity_id, account_id, changed_by, changes, at, disposition,
                           reason, words, job_id, repeats, body, source, happened_at, n)
                ORDER BY t.n
               ON CONFLICT (tenant, event_id) DO NOTHING",
            &[
                &tenants, &ids, &names, &entities, &numbers, &accounts, &by, &changes, &at, &dispositions, &reasons,
                &words, &job_ids, &repeats, &bodies, &sources, &happened,
            ],
        )
        .await?;
    if stored == lines.len() as u64 {
        Ok(())
    } else {
        connector_faults::sometimes("two receivers had one event at once");
        Err(Failure::Overtaken("another receiver stored the same event"))
    }
}

fn columns(changes: &Changes) -> String {
    match changes {
        Changes::Columns(columns) => {
            clean(&columns.iter().map(String::as_str).collect::<Vec<_>>().join(",")).into_owned()
        }
        Changes::NotTold => String::new(),
    }
}

async fn count_repeats(work: &Work, repeated: &BTreeMap<i64, i64>) -> Result<(), Failure> {
    if repeated.is_empty() {
        return Ok(());
    }
    let places: Vec<i64> = repeated.keys().copied().collect();
    let counts: Vec<i64> = repeated.values().copied().collect();
    let sql = "UPDATE events SET repeats = repeats + t.count FROM unnest($1::bigint[], $2::bigint[]) AS t(seq, count)
                WHERE events.seq = t.seq";
    work.execute(sql, &[&places, &counts]).await.map(drop)
}

/// Which of these events are stored: asked when it is not known whether a commit was done.
pub(super) async fn stored_ones(
    connection: &super::connection::Connection,
    offered: &[Offered],
) -> Result<HashMap<usize, Option<JobId>>, Failure> {
    let tenants: Vec<&str> = offered.iter().map(|(delivery, _)| delivery.tenant.0.as_str()).collect();
    let ids: Vec<_> = offered.iter().map(|(delivery, _)| clean(&delivery.id.0)).collect();
    let sql = "SELECT t.n - 1 AS n, e.job_id FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t(tenant, id, n)
                 JOIN events e ON e.tenant = t.tenant AND e.event_id = t.id";
    let rows = connection.rows(sql, &[&tenants, &ids]).await?;
    rows.iter().map(|row| Ok((place(row)?, get::<Option<i64>>(row, "job_id")?.map(JobId)))).collect()
}

/// All but the body, which may be large.
pub(super) const EVENT_COLUMNS: &str = "seq, event_id, source, name, entity, entity_id, account_id, changed_by, changes, \
     received_at, happened_at, disposition, reason, words, job_id, repeats";

fn source_number(content: &Content) -> i64 {
    i64::from(content.event().is_some_and(|(_, source)| source == Source::Sweep))
}

const fn disposition_number(disposition: Disposition) -> i64 {
    match disposition {
        Disposition::Queued => 0,
        Disposition::Merged => 1,
        Disposition::Skipped => 2,
        Disposition::Parked => 3,
    }
}

fn disposition(number: i64) -> Result<Disposition, Failure> {
    [Disposition::Queued, Disposition::Merged, Disposition::Skipped, Disposition::Parked]
        .into_iter()
        .find(|disposition| disposition_number(*disposition) == number)
        .ok_or_else(|| strange("disposition", &number.to_string()))
}

pub(super) fn stored(row: &Row, ahead: i64) -> Result<StoredEvent, Failure> {
    let record = match (get::<Option<String>>(row, "entity")?, get::<Option<i64>>(row, "entity_id")?) {
        (Some(word), Some(id)) => Some(RecordRef { entity: entity(&word)?, id }),
        (Some(_) | None, _) => None,
    };
    Ok(StoredEvent {
        seq: get(row, "seq")?,
        id: EventId(get(row, "event_id")?),
        source: if get::<i64>(row, "source")? == 1 { Source::Sweep } else { Source::Webhook },
        name: get(row, "name")?,
        record,
        account: get::<Option<i64>>(row, "account_id")?.map(ContactId),
        changed_by: get(row, "changed_by")?,
        changes: get(row, "changes")?,
        received_at: timestamp(row, "received_at", ahead)?,
        // By the CRM's clock, not by the database's.
        happened_at: timestamp_opt(row, "happened_at", 0)?,
        disposition: disposition(get(row, "disposition")?)?,
        reason: reason(row, "reason")?,
        words: get(row, "words")?,
        job: get::<Option<i64>>(row, "job_id")?.map(JobId),
        repeats: count(row, "repeats")?,
    })
}
