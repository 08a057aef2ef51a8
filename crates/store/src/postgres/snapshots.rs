//! Snapshots on PostgreSQL. Versions are the CRM's own stamps, so no clock of ours is added to them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use connector_domain::ids::{ContactId, Entity, JobId, RecordRef, TenantId};
use connector_domain::sweep::{Known, Latest, Seen, Snapshot, Told};
use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::connection::Connection;
use super::failure::Failure;
use super::rows::{clean, from_json, get, millis, reason, state, timestamp, timestamp_opt, to_json};
use super::work::Work;
use crate::StoreError;
use crate::snapshots::{Checkpoint, Snapshots};

#[async_trait]
impl Snapshots for PostgresStore {
    async fn saw(&self, tenant: &TenantId, record: RecordRef, seen: Seen) -> Result<(), StoreError> {
        self.write(Timestamp::UNIX_EPOCH, (&tenant.0, record, seen), |work, (tenant, record, seen)| {
            Box::pin(async move {
                let word = record.entity.as_str();
                work.execute(
                    "INSERT INTO snapshots AS s (tenant, entity, entity_id, seen_at, seen_job, seen_wrote)
                       VALUES ($1, $2, $3, $4, $5, $6)
                       ON CONFLICT (tenant, entity, entity_id) DO UPDATE SET
                         seen_at = excluded.seen_at, seen_job = excluded.seen_job, seen_wrote = excluded.seen_wrote
                       WHERE s.seen_at IS NULL OR excluded.seen_at > s.seen_at
                          OR (excluded.seen_at = s.seen_at AND excluded.seen_wrote >= s.seen_wrote)",
                    &[tenant, &word, &record.id, &millis(seen.at), &seen.job.0, &seen.wrote],
                )
                .await
                .map(drop)
            })
        })
        .await
    }

    async fn known(
        &self,
        tenant: &TenantId,
        records: &[(RecordRef, Option<ContactId>)],
    ) -> Result<Vec<Known>, StoreError> {
        self.read_together((&tenant.0, records), |c, (tenant, records)| Box::pin(known(c, tenant, records)))
            .await
    }

    async fn remember(
        &self,
        tenant: &TenantId,
        snapshots: Vec<(RecordRef, Snapshot)>,
        checkpoint: Checkpoint,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(now, (&tenant.0, snapshots, checkpoint), |work, (tenant, snapshots, checkpoint)| {
            Box::pin(async move {
                keep(work, tenant, snapshots).await?;
                work.execute(
                    "INSERT INTO settings (tenant, key, value, at) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value, at = excluded.at",
                    &[tenant, &clean(&checkpoint.key), &to_json(&checkpoint.value)?, &work.now()],
                )
                .await
                .map(drop)
            })
        })
        .await
    }
}

/// Keeps what a sweep saw, in one statement and in an order that is the same for everybody.
async fn keep(work: &Work, tenant: &str, snapshots: &[(RecordRef, Snapshot)]) -> Result<(), Failure> {
    // Of a record that was seen twice the later one counts.
    let last: BTreeMap<(&str, i64), &Snapshot> =
        snapshots.iter().map(|(record, snapshot)| ((record.entity.as_str(), record.id), snapshot)).collect();
    if last.is_empty() {
        return Ok(());
    }
    let entities: Vec<&str> = last.keys().map(|(entity, _)| *entity).collect();
    let ids: Vec<i64> = last.keys().map(|(_, id)| *id).collect();
    let columns: Vec<String> =
        last.values().map(|snapshot| to_json(&snapshot.columns)).collect::<Result<_, _>>()?;
    let updated: Vec<Option<i64>> = last.values().map(|snapshot| snapshot.updated_at.map(millis)).collect();
    let deleted: Vec<bool> = last.values().map(|snapshot| snapshot.deleted).collect();
    work.execute(
        "INSERT INTO snapshots (tenant, entity, entity_id, columns, updated_at, deleted)
           SELECT $1, t.* FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::boolean[]) AS t
           ON CONFLICT (tenant, entity, entity_id) DO UPDATE SET
             columns = excluded.columns, updated_at = excluded.updated_at, deleted = excluded.deleted",
        &[&tenant, &entities, &ids, &columns, &updated, &deleted],
    )
    .await
    .map(drop)
}

/// The records that are asked for, one line each, with the account under which the events of each are kept.
const ASKED: &str =
    "unnest($2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS t(entity, id, account, n)";

async fn known(
    c: &Connection,
    tenant: &str,
    records: &[(RecordRef, Option<ContactId>)],
) -> Result<Vec<Known>, Failure> {
    let mut all = vec![Known::default(); records.len()];
    if records.is_empty() {
        return Ok(all);
    }
    let entities: Vec<&str> = records.iter().map(|(record, _)| record.entity.as_str()).collect();
    let ids: Vec<i64> = records.iter().map(|(record, _)| record.id).collect();
    let accounts: Vec<Option<i64>> =
        records.iter().map(|(record, account)| record.as_contact().or(*account).map(|id| id.0)).collect();
    for row in c.rows(&seen_sql(), &[&tenant, &entities, &ids, &accounts]).await? {
        let known = line(&mut all, &row)?;
        (known.snapshot, known.seen) = (snapshot(&row)?, version(&row)?);
        known.seen_by = latest(&row)?;
    }
    for row in c.rows(&newest_job_sql(), &[&tenant, &entities, &ids, &accounts]).await? {
        line(&mut all, &row)?.latest = latest(&row)?;
    }
    for row in c.rows(&events_sql(), &[&tenant, &entities, &ids, &accounts]).await? {
        let known = line(&mut all, &row)?;
        let kept = if get::<i64>(&row, "source")? == 0 { &mut known.told } else { &mut known.found };
        let next = told(&row)?;
        // Of a person's two, the one that happened later; of two at once the one of its account.
        if kept.is_none_or(|kept| next.at > kept.at) {
            *kept = Some(next);
        }
    }
    Ok(all)
}

/// Its versions, and the job that saw it.
fn seen_sql() -> String {
    format!(
        "SELECT t.n, s.columns, s.updated_at, s.deleted, s.seen_at, s.seen_job, s.seen_wrote,
                j.id AS job, j.state, j.reason, j.swept
           FROM {ASKED} JOIN snapshots s ON s.tenant = $1 AND s.entity = t.entity AND s.entity_id = t.id
           LEFT JOIN jobs j ON j.id = s.seen_job AND j.tenant = $1"
    )
}

/// The newest job of each; one that waits, when there is one.
fn newest_job_sql() -> String {
    let columns = "SELECT id AS job, state, reason, swept FROM jobs";
    format!(
        "SELECT t.n, j.* FROM {ASKED}
          CROSS JOIN LATERAL (
            SELECT * FROM (({columns} WHERE tenant = $1 AND entity = t.entity AND entity_id = t.id AND state = 0)
              UNION ALL ({columns} WHERE tenant = $1 AND entity = t.entity AND entity_id = t.id ORDER BY id DESC LIMIT 1)) w
             ORDER BY state <> 0 LIMIT 1) j"
    )
}

/// The events that happened last, by source. Those of a person whose company was not known stand apart.
fn events_sql() -> String {
    let last = |of_account: &str, source: i64| {
        format!(
            "(SELECT source, happened_at, reason, job_id FROM events
               WHERE tenant = $1 AND {of_account} AND entity = t.entity AND entity_id = t.id AND source = {source}
               ORDER BY coalesce(happened_at, 0) DESC, seq DESC LIMIT 1)"
        )
    };
    let placed = [0, 1].map(|source| last("account_id = t.account", source)).join(" UNION ALL ");
    let stray = [0, 1].map(|source| last("account_id IS NULL", source)).join(" UNION ALL ");
    let person = Entity::Person.as_str();
    format!(
        "SELECT t.n, 0 AS stray, e.* FROM {ASKED} CROSS JOIN LATERAL ({placed}) e WHERE t.account IS NOT NULL
         UNION ALL SELECT t.n, 1, e.* FROM {ASKED} CROSS JOIN LATERAL ({stray}) e WHERE t.entity = '{person}'
         ORDER BY n, stray"
    )
}

/// The line that a row is about.
fn line<'a>(all: &'a mut [Known], row: &Row) -> Result<&'a mut Known, Failure> {
    let place = usize::try_from(get::<i64>(row, "n")? - 1).unwrap_or(usize::MAX);
    all.get_mut(place).ok_or_else(|| super::rows::strange("n", "a row is about no record that was asked for"))
}

fn snapshot(row: &Row) -> Result<Option<Snapshot>, Failure> {
    if get::<Option<String>>(row, "columns")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Snapshot {
        updated_at: timestamp_opt(row, "updated_at", 0)?,
        deleted: get(row, "deleted")?,
        columns: from_json(row, "columns")?,
    }))
}

fn version(row: &Row) -> Result<Option<Seen>, Failure> {
    let Some(job) = get::<Option<i64>>(row, "seen_job")? else { return Ok(None) };
    Ok(Some(Seen { at: timestamp(row, "seen_at", 0)?, job: JobId(job), wrote: get(row, "seen_wrote")? }))
}

fn told(row: &Row) -> Result<Told, Failure> {
    Ok(Told {
        at: timestamp_opt(row, "happened_at", 0)?,
        skipped: reason(row, "reason")?,
        job: get::<Option<i64>>(row, "job_id")?.map(JobId),
    })
}

fn latest(row: &Row) -> Result<Option<Latest>, Failure> {
    let Some(id) = get::<Option<i64>>(row, "job")? else { return Ok(None) };
    Ok(Some(Latest {
        id: JobId(id),
        state: state(get(row, "state")?)?,
        reason: reason(row, "reason")?,
        by_sweep: get(row, "swept")?,
    }))
}
