//! Snapshots on SQLite.

use async_trait::async_trait;
use connector_domain::ids::{ContactId, JobId, RecordRef, TenantId};
use connector_domain::sweep::{Known, Latest, Seen, Snapshot, Told};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{from_json, millis, reason, state, timestamp, timestamp_opt, to_json};
use super::{SqliteStore, settings};
use crate::StoreError;
use crate::snapshots::{Checkpoint, Snapshots};

#[async_trait]
impl Snapshots for SqliteStore {
    async fn saw(&self, tenant: &TenantId, record: RecordRef, seen: Seen) -> Result<(), StoreError> {
        let tenant = tenant.0.clone();
        self.writer
            .call(move |connection, _| {
                connection
                    .prepare_cached(
                        "INSERT INTO snapshots (tenant, entity, entity_id, seen_at, seen_job, seen_wrote)
                           VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                           ON CONFLICT (tenant, entity, entity_id) DO UPDATE SET
                             seen_at = excluded.seen_at, seen_job = excluded.seen_job, seen_wrote = excluded.seen_wrote
                           WHERE snapshots.seen_at IS NULL OR excluded.seen_at > snapshots.seen_at
                              OR (excluded.seen_at = snapshots.seen_at AND excluded.seen_wrote >= snapshots.seen_wrote)",
                    )?
                    .execute(params![
                        tenant,
                        record.entity.as_str(),
                        record.id,
                        millis(seen.at),
                        seen.job.0,
                        seen.wrote
                    ])
                    .map(drop)
            })
            .await
    }

    async fn known(
        &self,
        tenant: &TenantId,
        records: &[(RecordRef, Option<ContactId>)],
    ) -> Result<Vec<Known>, StoreError> {
        let (tenant, records) = (tenant.0.clone(), records.to_vec());
        self.readers
            .read(move |connection| {
                records
                    .iter()
                    .map(|(record, account)| known(connection, &tenant, *record, *account))
                    .collect()
            })
            .await
    }

    async fn remember(
        &self,
        tenant: &TenantId,
        snapshots: Vec<(RecordRef, Snapshot)>,
        checkpoint: Checkpoint,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let tenant = tenant.0.clone();
        self.writer
            .call(move |connection, _| {
                for (record, snapshot) in &snapshots {
                    keep(connection, &tenant, *record, snapshot)?;
                }
                settings::keep(
                    connection,
                    &tenant,
                    &checkpoint.key,
                    &to_json(&checkpoint.value)?,
                    millis(now),
                )
            })
            .await
    }
}

fn keep(
    connection: &Connection,
    tenant: &str,
    record: RecordRef,
    snapshot: &Snapshot,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO snapshots (tenant, entity, entity_id, columns, updated_at, deleted) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (tenant, entity, entity_id) DO UPDATE SET
                 columns = excluded.columns, updated_at = excluded.updated_at, deleted = excluded.deleted",
        )?
        .execute(params![
            tenant,
            record.entity.as_str(),
            record.id,
            to_json(&snapshot.columns)?,
            snapshot.updated_at.map(millis),
            snapshot.deleted,
        ])
        .map(drop)
}

fn known(
    connection: &Connection,
    tenant: &str,
    record: RecordRef,
    account: Option<ContactId>,
) -> rusqlite::Result<Known> {
    let key = (tenant, record.entity.as_str(), record.id);
    let seen: Option<(Option<Snapshot>, Option<Seen>)> = connection
        .prepare_cached("SELECT * FROM snapshots WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3")?
        .query_row(key, |row| Ok((snapshot(row)?, version(row)?)))
        .optional()?;
    let (snapshot, seen) = seen.unwrap_or_default();
    let seen_by = match seen {
        Some(seen) => job_by_id(connection, tenant, seen.job)?,
        None => None,
    };
    Ok(Known {
        told: event(connection, tenant, record, account, 0)?,
        found: event(connection, tenant, record, account, 1)?,
        latest: newest_job(connection, tenant, record)?,
        snapshot,
        seen,
        seen_by,
    })
}

fn snapshot(row: &Row<'_>) -> rusqlite::Result<Option<Snapshot>> {
    if row.get::<_, Option<String>>("columns")?.is_none() {
        return Ok(None);
    }
    Ok(Some(Snapshot {
        updated_at: timestamp_opt(row, "updated_at")?,
        deleted: row.get("deleted")?,
        columns: from_json(row, "columns")?,
    }))
}

fn version(row: &Row<'_>) -> rusqlite::Result<Option<Seen>> {
    let job: Option<i64> = row.get("seen_job")?;
    let Some(job) = job else { return Ok(None) };
    Ok(Some(Seen { at: timestamp(row, "seen_at")?, job: JobId(job), wrote: row.get("seen_wrote")? }))
}

/// The event of a record that happened last, by its source. Those of a person whose company was not known stand apart.
fn event(
    connection: &Connection,
    tenant: &str,
    record: RecordRef,
    account: Option<ContactId>,
    source: i64,
) -> rusqlite::Result<Option<Told>> {
    let of_account = "SELECT happened_at, reason, job_id FROM events INDEXED BY events_account
          WHERE tenant = ?1 AND account_id = ?5 AND entity = ?2 AND entity_id = ?3 AND source = ?4
          ORDER BY coalesce(happened_at, 0) DESC, seq DESC LIMIT 1";
    let stray = "SELECT happened_at, reason, job_id FROM events INDEXED BY events_stray
          WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND source = ?4 AND account_id IS NULL
          ORDER BY coalesce(happened_at, 0) DESC, seq DESC LIMIT 1";
    let key = (tenant, record.entity.as_str(), record.id, source);
    let account = record.as_contact().or(account);
    let by_account = match account {
        Some(account) => connection
            .prepare_cached(of_account)?
            .query_row((key.0, key.1, key.2, key.3, account.0), told)
            .optional()?,
        None => None,
    };
    if record.as_contact().is_some() {
        return Ok(by_account);
    }
    let stray = connection.prepare_cached(stray)?.query_row(key, told).optional()?;
    Ok(match (by_account, stray) {
        (Some(one), Some(other)) => Some(if other.at > one.at { other } else { one }),
        (one, other) => one.or(other),
    })
}

fn told(row: &Row<'_>) -> rusqlite::Result<Told> {
    let job: Option<i64> = row.get("job_id")?;
    Ok(Told { at: timestamp_opt(row, "happened_at")?, skipped: reason(row, "reason")?, job: job.map(JobId) })
}

/// The newest job of a record; one that waits, when there is one.
fn newest_job(connection: &Connection, tenant: &str, record: RecordRef) -> rusqlite::Result<Option<Latest>> {
    let waiting = "SELECT id, state, reason, swept FROM jobs INDEXED BY jobs_one_pending
          WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND state = 0";
    let newest = "SELECT id, state, reason, swept FROM jobs INDEXED BY jobs_record
          WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 ORDER BY id DESC LIMIT 1";
    let key = (tenant, record.entity.as_str(), record.id);
    for sql in [waiting, newest] {
        let found = connection.prepare_cached(sql)?.query_row(key, latest).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn job_by_id(connection: &Connection, tenant: &str, job: JobId) -> rusqlite::Result<Option<Latest>> {
    connection
        .prepare_cached("SELECT id, state, reason, swept FROM jobs WHERE tenant = ?1 AND id = ?2")?
        .query_row((tenant, job.0), latest)
        .optional()
}

fn latest(row: &Row<'_>) -> rusqlite::Result<Latest> {
    Ok(Latest {
        id: JobId(row.get("id")?),
        state: state(row.get("state")?)?,
        reason: reason(row, "reason")?,
        by_sweep: row.get("swept")?,
    })
}
