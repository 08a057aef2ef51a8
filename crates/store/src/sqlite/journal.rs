//! The journal on SQLite.

use std::collections::BTreeMap;

use async_trait::async_trait;
use connector_domain::field::{Target, Value};
use connector_domain::ids::{ContactId, JobId, RecordRef, TenantId};
use connector_domain::patch::Patch;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::SqliteStore;
use super::queue::still_holds;
use super::rows::{count, entity, from_json, millis, strange, timestamp, timestamp_opt, to_json};
use crate::StoreError;
use crate::journal::{Journal, Resolution, Step, Write, WriteId, WriteState};
use crate::queue::Lease;

/// How far back a record's own values are looked for.
const LOOK_BACK: i64 = 1000;

#[async_trait]
impl Journal for SqliteStore {
    async fn intend(
        &self,
        lease: &Lease,
        patch: &Patch,
        now: Timestamp,
    ) -> Result<Option<WriteId>, StoreError> {
        let (lease, patch) = (lease.clone(), patch.clone());
        self.writer.call(move |connection, _| intend(connection, &lease, &patch, now)).await
    }

    async fn resolve(&self, resolutions: Vec<Resolution>, now: Timestamp) -> Result<(), StoreError> {
        self.writer
            .call(move |connection, touched| {
                touched.view = true;
                close_intents(connection, &resolutions, now)
            })
            .await
    }

    async fn ours(
        &self,
        tenant: &TenantId,
        record: RecordRef,
    ) -> Result<BTreeMap<Target, Vec<Value>>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers.read(move |connection| ours(connection, &tenant, record)).await
    }

    async fn open_intents(&self, tenant: &TenantId, record: RecordRef) -> Result<Vec<Write>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                let sql = "SELECT * FROM writes w WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3
                            AND (state = 0 OR (state = 3 AND id > (SELECT coalesce(max(id), 0) FROM writes d
                                  WHERE d.tenant = w.tenant AND d.entity = w.entity AND d.entity_id = w.entity_id AND d.state = 1)))
                            ORDER BY id";
                connection
                    .prepare_cached(sql)?
                    .query_map((tenant, record.entity.as_str(), record.id), write)?
                    .collect()
            })
            .await
    }

    async fn writes(
        &self,
        tenant: &TenantId,
        account: ContactId,
        most: usize,
    ) -> Result<Vec<Write>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                let sql =
                    "SELECT * FROM writes WHERE tenant = ?1 AND account_id = ?2 ORDER BY id DESC LIMIT ?3";
                connection.prepare_cached(sql)?.query_map(params![tenant, account.0, most], write)?.collect()
            })
            .await
    }

    async fn job_writes(&self, tenant: &TenantId, job: JobId) -> Result<Vec<Write>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                let sql = "SELECT * FROM writes WHERE tenant = ?1 AND job_id = ?2 ORDER BY id";
                connection.prepare_cached(sql)?.query_map((tenant, job.0), write)?.collect()
            })
            .await
    }

    async fn steps(&self, tenant: &TenantId, job: JobId) -> Result<Vec<Step>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                let sql = "SELECT at, attempt, stage, words FROM steps WHERE tenant = ?1 AND job_id = ?2 ORDER BY id";
                connection
                    .prepare_cached(sql)?
                    .query_map((tenant, job.0), |row| {
                        Ok(Step {
                            at: timestamp(row, "at")?,
                            attempt: count(row, "attempt")?,
                            stage: row.get("stage")?,
                            words: row.get("words")?,
                        })
                    })?
                    .collect()
            })
            .await
    }

    async fn write_count(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                let sql =
                    "SELECT count(*) FROM writes INDEXED BY writes_done WHERE tenant = ?1 AND state = 1";
                connection.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))
            })
            .await
    }
}

fn intend(
    connection: &Connection,
    lease: &Lease,
    patch: &Patch,
    now: Timestamp,
) -> rusqlite::Result<Option<WriteId>> {
    if !still_holds(connection, lease, now)? {
        return Ok(None);
    }
    let job = &lease.job;
    connection
        .prepare_cached(
            "INSERT INTO writes (tenant, job_id, entity, entity_id, account_id, fence, state, intended_at, fields)
               SELECT tenant, id, ?2, ?3, account_id, ?4, 0, ?5, ?6 FROM jobs WHERE id = ?1",
        )?
        .execute(params![
            job.id.0,
            patch.record.entity.as_str(),
            patch.record.id,
            lease.fence,
            millis(now),
            to_json(&patch.writes)?,
        ])?;
    Ok(Some(connection.last_insert_rowid()))
}

pub(super) fn close_intents(
    connection: &Connection,
    resolutions: &[Resolution],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut close = connection.prepare_cached(
        "UPDATE writes SET state = ?2, words = ?3, settled_at = ?4, fields = coalesce(?5, fields) WHERE id = ?1 AND (state = 0 OR (state IN (2, 3) AND ?2 = 1))",
    )?;
    for resolution in resolutions {
        let stands = resolution.stands.as_ref().map(to_json).transpose()?;
        close.execute((
            resolution.write,
            state_number(resolution.state),
            &resolution.words,
            millis(now),
            stands,
        ))?;
    }
    Ok(())
}

pub(super) fn add_steps(
    connection: &Connection,
    tenant: &str,
    job: JobId,
    steps: &[Step],
) -> rusqlite::Result<()> {
    let mut add = connection.prepare_cached(
        "INSERT INTO steps (tenant, job_id, at, attempt, stage, words) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for step in steps {
        add.execute((tenant, job.0, millis(step.at), step.attempt, &step.stage, &step.words))?;
    }
    Ok(())
}

/// The newest value that was written to each field, and every newer one that may have been.
fn ours(
    connection: &Connection,
    tenant: &str,
    record: RecordRef,
) -> rusqlite::Result<BTreeMap<Target, Vec<Value>>> {
    let sql = "SELECT * FROM writes WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND state IN (0, 1)
                ORDER BY id DESC LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((tenant, record.entity.as_str(), record.id, LOOK_BACK), write)?;
    let mut ours: BTreeMap<Target, Vec<Value>> = BTreeMap::new();
    let mut settled: Vec<Target> = Vec::new();
    for row in rows {
        let row = row?;
        for field in
            row.fields.into_iter().filter(|field| !settled.contains(&field.target)).collect::<Vec<_>>()
        {
            ours.entry(field.target).or_default().push(field.after);
            if row.state == WriteState::Done {
                settled.push(field.target);
            }
        }
    }
    Ok(ours)
}

const fn state_number(state: WriteState) -> i64 {
    match state {
        WriteState::Intended => 0,
        WriteState::Done => 1,
        WriteState::NotDone => 2,
        WriteState::Lapsed => 3,
    }
}

fn write(row: &Row<'_>) -> rusqlite::Result<Write> {
    let word: String = row.get("entity")?;
    let state = match row.get("state")? {
        0 => WriteState::Intended,
        1 => WriteState::Done,
        2 => WriteState::NotDone,
        3 => WriteState::Lapsed,
        other => {
            let other: i64 = other;
            return Err(strange("state", &other.to_string()));
        }
    };
    Ok(Write {
        id: row.get("id")?,
        job: JobId(row.get("job_id")?),
        record: RecordRef { entity: entity(&word)?, id: row.get("entity_id")? },
        state,
        intended_at: timestamp(row, "intended_at")?,
        settled_at: timestamp_opt(row, "settled_at")?,
        fields: from_json(row, "fields")?,
        words: row.get("words")?,
    })
}
