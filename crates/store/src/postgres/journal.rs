//! The journal on PostgreSQL.

use std::collections::BTreeMap;

use async_trait::async_trait;
use connector_domain::field::{Target, Value};
use connector_domain::ids::{ContactId, JobId, RecordRef, TenantId};
use connector_domain::patch::Patch;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::failure::Failure;
use super::queue::still_holds;
use super::rows::{
    clean, clean_opt, count, entity, from_json, get, limit, strange, timestamp, timestamp_opt, to_json, total,
};
use super::work::Work;
use crate::StoreError;
use crate::journal::{Journal, Resolution, Step, Write, WriteId, WriteState};
use crate::queue::Lease;

/// How far back a record's own values are looked for.
const LOOK_BACK: i64 = 1000;

#[async_trait]
impl Journal for PostgresStore {
    async fn intend(
        &self,
        lease: &Lease,
        patch: &Patch,
        now: Timestamp,
    ) -> Result<Option<WriteId>, StoreError> {
        self.write(now, (lease, patch), |work, (lease, patch)| Box::pin(intend(work, lease, patch))).await
    }

    async fn resolve(&self, resolutions: Vec<Resolution>, now: Timestamp) -> Result<(), StoreError> {
        self.write(now, resolutions, |work, resolutions| {
            Box::pin(async move {
                work.show();
                close_intents(work, resolutions).await
            })
        })
        .await
    }

    async fn ours(
        &self,
        tenant: &TenantId,
        record: RecordRef,
    ) -> Result<BTreeMap<Target, Vec<Value>>, StoreError> {
        self.read((&tenant.0, record), |c, (tenant, record)| {
            Box::pin(async move {
                let sql =
                    "SELECT * FROM writes WHERE tenant = $1 AND entity = $2 AND entity_id = $3 AND state IN (0, 1)
                            ORDER BY id DESC LIMIT $4";
                let word = record.entity.as_str();
                ours(c.rows(sql, &[tenant, &word, &record.id, &LOOK_BACK]).await?, c.frame.ahead())
            })
        })
        .await
    }

    async fn open_intents(&self, tenant: &TenantId, record: RecordRef) -> Result<Vec<Write>, StoreError> {
        self.read((&tenant.0, record), |c, (tenant, record)| {
            Box::pin(async move {
                let sql = "SELECT * FROM writes w WHERE tenant = $1 AND entity = $2 AND entity_id = $3
                            AND (state = 0 OR (state = 3 AND id > (SELECT coalesce(max(id), 0) FROM writes d
                                  WHERE d.tenant = w.tenant AND d.entity = w.entity AND d.entity_id = w.entity_id AND d.state = 1)))
                            ORDER BY id";
                let word = record.entity.as_str();
                all(&c.rows(sql, &[tenant, &word, &record.id]).await?, c.frame.ahead())
            })
        })
        .await
    }

    async fn writes(
        &self,
        tenant: &TenantId,
        account: ContactId,
        most: usize,
    ) -> Result<Vec<Write>, StoreError> {
        self.read((&tenant.0, account.0, limit(most)), |c, (tenant, account, most)| {
            Box::pin(async move {
                let sql =
                    "SELECT * FROM writes WHERE tenant = $1 AND account_id = $2 ORDER BY id DESC LIMIT $3";
                all(&c.rows(sql, &[tenant, account, most]).await?, c.frame.ahead())
            })
        })
        .await
    }

    async fn job_writes(&self, tenant: &TenantId, job: JobId) -> Result<Vec<Write>, StoreError> {
        self.read((&tenant.0, job.0), |c, (tenant, job)| {
            Box::pin(async move {
                let sql = "SELECT * FROM writes WHERE tenant = $1 AND job_id = $2 ORDER BY id";
                all(&c.rows(sql, &[tenant, job]).await?, c.frame.ahead())
            })
        })
        .await
    }

    async fn steps(&self, tenant: &TenantId, job: JobId) -> Result<Vec<Step>, StoreError> {
        self.read((&tenant.0, job.0), |c, (tenant, job)| {
            Box::pin(async move {
                let sql = "SELECT at, attempt, stage, words FROM steps WHERE tenant = $1 AND job_id = $2 ORDER BY id";
                let rows = c.rows(sql, &[tenant, job]).await?;
                rows.iter().map(|row| step(row, c.frame.ahead())).collect()
            })
        })
        .await
    }

    async fn write_count(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        self.read(&tenant.0, |c, tenant| {
            Box::pin(async move {
                total(&c.one("SELECT count(*) FROM writes WHERE tenant = $1 AND state = 1", &[tenant]).await?)
            })
        })
        .await
    }
}

async fn intend(work: &Work, lease: &Lease, patch: &Patch) -> Result<Option<WriteId>, Failure> {
    if !still_holds(work, lease).await? {
        return Ok(None);
    }
    let row = work
        .one(
            "INSERT INTO writes (tenant, job_id, entity, entity_id, account_id, fence, state, intended_at, fields)
               SELECT tenant, id, $2, $3, account_id, $4, 0, $5, $6 FROM jobs WHERE id = $1 RETURNING id",
            &[
                &lease.job.id.0,
                &patch.record.entity.as_str(),
                &patch.record.id,
                &lease.fence,
                &work.now(),
                &to_json(&patch.writes)?,
            ],
        )
        .await?;
    get(&row, "id").map(Some)
}

pub(super) async fn close_intents(work: &Work, resolutions: &[Resolution]) -> Result<(), Failure> {
    for resolution in resolutions {
        let stands = resolution.stands.as_ref().map(to_json).transpose()?;
        work.execute(
            "UPDATE writes SET state = $2, words = $3, settled_at = $4, fields = coalesce($5, fields)
              WHERE id = $1 AND (state = 0 OR (state IN (2, 3) AND $2::bigint = 1))",
            &[
                &resolution.write,
                &state_number(resolution.state),
                &clean_opt(resolution.words.as_ref()),
                &work.now(),
                &stands,
            ],
        )
        .await?;
    }
    Ok(())
}

pub(super) async fn add_steps(work: &Work, tenant: &str, job: JobId, steps: &[Step]) -> Result<(), Failure> {
    if steps.is_empty() {
        return Ok(());
    }
    let at: Vec<i64> = steps.iter().map(|step| work.at(step.at)).collect();
    let attempt: Vec<i64> = steps.iter().map(|step| i64::from(step.attempt)).collect();
    let stage: Vec<_> = steps.iter().map(|step| clean(&step.stage)).collect();
    let words: Vec<_> = steps.iter().map(|step| clean(&step.words)).collect();
    work.execute(
        "INSERT INTO steps (tenant, job_id, at, attempt, stage, words)
           SELECT $1, $2, t.at, t.attempt, t.stage, t.words
             FROM unnest($3::bigint[], $4::bigint[], $5::text[], $6::text[]) WITH ORDINALITY AS t(at, attempt, stage, words, n)
            ORDER BY t.n",
        &[&tenant, &job.0, &at, &attempt, &stage, &words],
    )
    .await
    .map(drop)
}

/// The newest value that was written to each field, and every newer one that may have been.
fn ours(rows: Vec<Row>, ahead: i64) -> Result<BTreeMap<Target, Vec<Value>>, Failure> {
    let mut ours: BTreeMap<Target, Vec<Value>> = BTreeMap::new();
    let mut settled: Vec<Target> = Vec::new();
    for row in rows {
        let row = write(&row, ahead)?;
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

fn all(rows: &[Row], ahead: i64) -> Result<Vec<Write>, Failure> {
    rows.iter().map(|row| write(row, ahead)).collect()
}

fn write(row: &Row, ahead: i64) -> Result<Write, Failure> {
    let word: String = get(row, "entity")?;
    let state = match get::<i64>(row, "state")? {
        0 => WriteState::Intended,
        1 => WriteState::Done,
        2 => WriteState::NotDone,
        3 => WriteState::Lapsed,
        other => return Err(strange("state", &other.to_string())),
    };
    Ok(Write {
        id: get(row, "id")?,
        job: JobId(get(row, "job_id")?),
        record: RecordRef { entity: entity(&word)?, id: get(row, "entity_id")? },
        state,
        intended_at: timestamp(row, "intended_at", ahead)?,
        settled_at: timestamp_opt(row, "settled_at", ahead)?,
        fields: from_json(row, "fields")?,
        words: get(row, "words")?,
    })
}

fn step(row: &Row, ahead: i64) -> Result<Step, Failure> {
    Ok(Step {
        at: timestamp(row, "at", ahead)?,
        attempt: count(row, "attempt")?,
        stage: get(row, "stage")?,
        words: get(row, "words")?,
    })
}
