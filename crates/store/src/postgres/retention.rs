//! Pruning on PostgreSQL: a walk along the primary keys, a few hundred rows a step, each step a short transaction.
//!
//! Rows that somebody is at are passed over, never waited for; the next pass finds them. Freed room is used again after
//! PostgreSQL's own vacuum, which is told to come early for the table that changes most.

use std::collections::BTreeSet;

use async_trait::async_trait;
use connector_domain::field::Target;
use connector_domain::patch::FieldWrite;
use connector_domain::retention::Cuts;
use jiff::Timestamp;
use tokio_postgres::Row;

use super::PostgresStore;
use super::failure::Failure;
use super::rows::{from_json, get, limit, to_json, total};
use super::work::Work;
use crate::StoreError;
use crate::retention::{Place, Pruned, Removed, Retention, Stage};

/// Up to which event the bodies have gone, and how much has gone in all; both are the whole database's.
const BODIES: &str = "bodies_pruned_to";
const REMOVED: &str = "removed";
/// So many newer writes of a record are looked at for the fields of an older one; with more, the older one stays.
const LOOK_BACK: i64 = 1000;

/// What is in use: the size of each table and its indexes, less what is free in it. PostgreSQL does not say how much is
/// free, so that is taken from how many rows there are and how wide they were when it last counted.
const USED: &str =
    "SELECT coalesce(sum(total * least(1.0, live / greatest(heap, 1))), 0)::bigint AS used FROM (
       SELECT pg_total_relation_size(c.oid) AS total, pg_relation_size(c.oid) AS heap,
              coalesce(s.n_live_tup * (28 + w.width) * 1.1, pg_relation_size(c.oid)::float8) AS live
         FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid
         LEFT JOIN LATERAL (SELECT sum(p.avg_width * (1 - p.null_frac)) AS width FROM pg_stats p
                             WHERE p.schemaname = current_schema() AND p.tablename = c.relname) w ON true
        WHERE c.relnamespace = current_schema()::text::regnamespace AND c.relkind = 'r') t";

#[async_trait]
impl Retention for PostgresStore {
    async fn prune(
        &self,
        cuts: &Cuts,
        from: Place,
        most: usize,
        now: Timestamp,
    ) -> Result<Pruned, StoreError> {
        self.write(now, (*cuts, from, most), |work, (cuts, from, most)| {
            Box::pin(prune(work, cuts, *from, *most))
        })
        .await
    }

    async fn removed(&self) -> Result<Removed, StoreError> {
        self.read((), |c, ()| {
            Box::pin(async move {
                let sql = "SELECT value FROM settings WHERE tenant = '' AND key = $1";
                let kept = c.row(sql, &[&REMOVED]).await?;
                Ok(kept.map(|row| from_json(&row, "value")).transpose()?.unwrap_or_default())
            })
        })
        .await
    }

    async fn used(&self) -> Result<u64, StoreError> {
        self.read((), |c, ()| Box::pin(async move { total(&c.one(USED, &[]).await?) })).await
    }
}

async fn prune(work: &Work, cuts: &Cuts, from: Place, most: usize) -> Result<Pruned, Failure> {
    let mut gone = Removed::default();
    let step = Step { work, most };
    let after = match from.stage {
        Stage::Deleted => step.deleted(from.after, work.at(cuts.deleted), &mut gone).await?,
        Stage::Bodies => step.bodies(from.after, work.at(cuts.bodies), &mut gone).await?,
        Stage::Events => step.events(from.after, work.at(cuts.events), &mut gone).await?,
        Stage::Jobs => step.jobs(from.after, work.at(cuts.jobs), &mut gone).await?,
        Stage::Writes => step.writes(from.after, work.at(cuts.journal), &mut gone).await?,
    };
    let next = match after {
        Some(after) => Some(Place { after, ..from }),
        None => from.stage.next().map(|stage| Place { stage, after: 0 }),
    };
    if !gone.is_nothing() {
        work.show();
        let mut all: Removed = step.kept(REMOVED).await?.unwrap_or_default();
        all += gone;
        step.keep(REMOVED, &to_json(&all)?).await?;
    }
    Ok(Pruned { removed: gone, next })
}

/// A row by its number, and when it came to be.
struct Dated {
    id: i64,
    at: i64,
}

/// One step of a pass. Each of its methods says where to go on, or that its stage is done.
struct Step<'a> {
    work: &'a Work,
    most: usize,
}

impl Step<'_> {
    async fn kept<T: serde::de::DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Failure> {
        let sql = "SELECT value FROM settings WHERE tenant = '' AND key = $1 FOR UPDATE";
        self.work.row(sql, &[&key]).await?.map(|row| from_json(&row, "value")).transpose()
    }

    async fn keep(&self, key: &str, value: &str) -> Result<(), Failure> {
        let sql = "INSERT INTO settings (tenant, key, value, at) VALUES ('', $1, $2, $3)
                     ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value, at = excluded.at";
        self.work.execute(sql, &[&key, &value, &self.work.now()]).await.map(drop)
    }

    /// Where to go on after these rows, which are in the order in which they came to be. Nothing after a row that is
    /// too young can be old enough; a time that has not come yet is a clock's mistake, and says nothing.
    fn after(&self, rows: &[Dated], cut: i64) -> Option<i64> {
        let last = rows.last().filter(|_| rows.len() == self.most)?;
        (last.at < cut || last.at > self.work.now()).then_some(last.id)
    }

    async fn dated(&self, sql: &str, after: i64) -> Result<Vec<Dated>, Failure> {
        let rows = self.work.rows(sql, &[&after, &limit(self.most)]).await?;
        rows.iter().map(|row| Ok(Dated { id: get(row, "id")?, at: get(row, "at")? })).collect()
    }

    async fn bodies(&self, after: i64, cut: i64, gone: &mut Removed) -> Result<Option<i64>, Failure> {
        let after = after.max(self.kept(BODIES).await?.unwrap_or(0));
        let rows = self.dated(EVENTS, after).await?;
        // What could not be read keeps its body for as long as it is there.
        let sql =
            "UPDATE events SET body = '' WHERE seq IN (SELECT seq FROM events WHERE seq = ANY($1) ORDER BY seq FOR UPDATE SKIP LOCKED)
                AND disposition <> 3 AND length(body) > 0";
        let old = old(&rows, cut);
        gone.bodies += self.work.execute(sql, &[&old]).await?;
        if let Some(last) = old.last() {
            self.keep(BODIES, &last.to_string()).await?;
        }
        Ok(self.after(&rows, cut))
    }

    async fn events(&self, after: i64, cut: i64, gone: &mut Removed) -> Result<Option<i64>, Failure> {
        let rows = self.dated(EVENTS, after).await?;
        let sql = "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE seq = ANY($1) ORDER BY seq FOR UPDATE SKIP LOCKED)
                      AND seq < (SELECT max(seq) FROM events)
                      AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = events.job_id AND j.state IN (0, 1, 4))";
        gone.events += self.work.execute(sql, &[&old(&rows, cut)]).await?;
        Ok(self.after(&rows, cut))
    }

    async fn jobs(&self, after: i64, cut: i64, gone: &mut Removed) -> Result<Option<i64>, Failure> {
        let sql = "SELECT id, created_at AS at FROM jobs WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = self.dated(sql, after).await?;
        let sql = "SELECT id, tenant FROM jobs WHERE id = ANY($1) AND state IN (2, 3, 5) AND finished_at < $2
                    ORDER BY id FOR UPDATE SKIP LOCKED";
        let ended = self.work.rows(sql, &[&old(&rows, cut), &cut]).await?;
        let ids: Vec<i64> = ended.iter().map(|row| get(row, "id")).collect::<Result<_, _>>()?;
        let tenants: Vec<String> = ended.iter().map(|row| get(row, "tenant")).collect::<Result<_, _>>()?;
        let sql = "DELETE FROM steps s USING unnest($1::text[], $2::bigint[]) AS t(tenant, id)
                    WHERE s.tenant = t.tenant AND s.job_id = t.id";
        gone.steps += self.work.execute(sql, &[&tenants, &ids]).await?;
        // The newest job of a record stays.
        let sql = "DELETE FROM jobs WHERE id = ANY($1)
                      AND EXISTS (SELECT 1 FROM jobs n WHERE n.tenant = jobs.tenant AND n.entity = jobs.entity
                                                         AND n.entity_id = jobs.entity_id AND n.id > jobs.id)";
        gone.jobs += self.work.execute(sql, &[&ids]).await?;
        Ok(self.after(&rows, cut))
    }

    async fn writes(&self, after: i64, cut: i64, gone: &mut Removed) -> Result<Option<i64>, Failure> {
        let sql = "SELECT id, intended_at AS at FROM writes WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = self.dated(sql, after).await?;
        let sql = "SELECT w.id, w.tenant, w.entity, w.entity_id, w.state, w.fields FROM writes w
                    WHERE w.id = ANY($1) AND w.state IN (1, 2, 3) AND w.settled_at < $2
                      AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = w.job_id AND j.state IN (0, 1))
                    ORDER BY w.id FOR UPDATE OF w SKIP LOCKED";
        let mut going: Vec<i64> = Vec::new();
        for row in self.work.rows(sql, &[&old(&rows, cut), &cut]).await? {
            let is_done = get::<i64>(&row, "state")? == 1;
            if !is_done || self.is_written_over(&row).await? {
                going.push(get(&row, "id")?);
                gone.writes_done += u64::from(is_done);
            }
        }
        gone.writes += self.work.execute("DELETE FROM writes WHERE id = ANY($1)", &[&going]).await?;
        Ok(self.after(&rows, cut))
    }

    /// Whether each field of a write was written again later.
    async fn is_written_over(&self, write: &Row) -> Result<bool, Failure> {
        let (tenant, entity): (String, String) = (get(write, "tenant")?, get(write, "entity")?);
        let (record, id): (i64, i64) = (get(write, "entity_id")?, get(write, "id")?);
        let sql = "SELECT fields FROM writes WHERE tenant = $1 AND entity = $2 AND entity_id = $3 AND id > $4
                      AND state = 1 ORDER BY id DESC LIMIT $5";
        let mut newest = targets(write)?;
        for later in self.work.rows(sql, &[&tenant, &entity, &record, &id, &LOOK_BACK]).await? {
            let later = targets(&later)?;
            newest.retain(|target| !later.contains(target));
        }
        Ok(newest.is_empty())
    }

    /// Records whose newest job found them deleted, and long ago.
    async fn deleted(&self, after: i64, cut: i64, gone: &mut Removed) -> Result<Option<i64>, Failure> {
        let sql = "SELECT id, tenant, entity, entity_id, finished_at FROM jobs
                    WHERE reason = 'DELETED' AND id > $1 ORDER BY id LIMIT $2";
        // A record takes many statements, so a step takes fewer of them.
        let rows = self.work.rows(sql, &[&after, &limit((self.most / 10).max(1))]).await?;
        let mut last = None;
        for row in &rows {
            let job: i64 = get(row, "id")?;
            last = Some(job);
            let record = Record {
                tenant: get(row, "tenant")?,
                entity: get(row, "entity")?,
                id: get(row, "entity_id")?,
            };
            let is_young = get::<Option<i64>>(row, "finished_at")?.is_none_or(|at| at >= cut);
            if is_young || self.is_newer_than(&record, job).await? {
                continue;
            }
            if !self.forget_with_persons(&record, gone).await? {
                // It has more than one step may take: the same again.
                return Ok(Some(job - 1));
            }
        }
        Ok(last)
    }

    /// Whether something was asked for since.
    async fn is_newer_than(&self, record: &Record, job: i64) -> Result<bool, Failure> {
        let sql =
            "SELECT 1 FROM jobs WHERE tenant = $1 AND entity = $2 AND entity_id = $3 AND id > $4 LIMIT 1";
        let row = self.work.row(sql, &[&record.tenant, &record.entity, &record.id, &job]).await?;
        Ok(row.is_some())
    }

    /// Lets go of everything about a record; of a company also what is known of its persons. Says whether all is gone.
    async fn forget_with_persons(&self, record: &Record, gone: &mut Removed) -> Result<bool, Failure> {
        if record.entity != "contact" {
            let sql = "SELECT contact_id FROM persons WHERE tenant = $1 AND person_id = $2";
            let of = self.work.row(sql, &[&record.tenant, &record.id]).await?;
            let of = of.map(|row| get(&row, "contact_id")).transpose()?;
            return self.forget(record, of, gone).await;
        }
        let sql = "SELECT person_id FROM persons WHERE tenant = $1 AND contact_id = $2 ORDER BY person_id";
        for row in self.work.rows(sql, &[&record.tenant, &record.id]).await? {
            let person = Record {
                tenant: record.tenant.clone(),
                entity: "person".to_owned(),
                id: get(&row, "person_id")?,
            };
            if !self.is_open(&person).await? && !self.forget(&person, Some(record.id), gone).await? {
                return Ok(false);
            }
        }
        if !self.forget(record, Some(record.id), gone).await? {
            return Ok(false);
        }
        for table in ["accounts", "profiles"] {
            let sql = format!("DELETE FROM {table} WHERE tenant = $1 AND contact_id = $2");
            self.work.execute(&sql, &[&record.tenant, &record.id]).await?;
        }
        Ok(true)
    }

    /// Whether there is work of a record, or a write of which nothing is known.
    async fn is_open(&self, record: &Record) -> Result<bool, Failure> {
        let sql = "SELECT EXISTS (SELECT 1 FROM jobs WHERE tenant = $1 AND entity = $2 AND entity_id = $3 AND state IN (0, 1))
                       OR EXISTS (SELECT 1 FROM writes WHERE tenant = $1 AND entity = $2 AND entity_id = $3 AND state = 0)";
        let row = self.work.one(sql, &[&record.tenant, &record.entity, &record.id]).await?;
        Ok(row.try_get(0)?)
    }

    /// Lets go of everything about one record. Its events stay as numbers, without what they said, until they are old.
    async fn forget(
        &self,
        record: &Record,
        account: Option<i64>,
        gone: &mut Removed,
    ) -> Result<bool, Failure> {
        if self.is_open(record).await? {
            return Ok(true);
        }
        let (tenant, entity, id) = (&record.tenant, &record.entity, record.id);
        // The companies that its events may stand with: the present one, those that it belonged to before, and none, where
        // whoever told of it did not say whose it is.
        let sql = "SELECT DISTINCT account_id FROM jobs
                    WHERE tenant = $1 AND entity = $2 AND entity_id = $3 AND account_id IS NOT NULL";
        let rows = self.work.rows(sql, &[tenant, entity, &id]).await?;
        let mut accounts: BTreeSet<Option<i64>> =
            rows.iter().map(|row| get(row, "account_id")).collect::<Result<_, _>>()?;
        accounts.extend([account, None]);
        for account in accounts {
            let whose = if account.is_some() {
                "account_id = $4"
            } else {
                "account_id IS NULL AND $4::bigint IS NULL"
            };
            let sql = format!(
                "UPDATE events SET body = '', words = NULL WHERE seq IN (
                   SELECT seq FROM events WHERE tenant = $1 AND {whose} AND entity = $2 AND entity_id = $3
                      AND (length(body) > 0 OR words IS NOT NULL) ORDER BY seq LIMIT $5 FOR UPDATE)"
            );
            let bodies = self.work.execute(&sql, &[tenant, entity, &id, &account, &limit(self.most)]).await?;
            gone.bodies += bodies;
            if bodies == self.most as u64 {
                return Ok(false);
            }
        }
        let sql = "DELETE FROM steps WHERE tenant = $1 AND job_id IN
                     (SELECT id FROM jobs WHERE tenant = $1 AND entity = $2 AND entity_id = $3)";
        gone.steps += self.work.execute(sql, &[tenant, entity, &id]).await?;
        let sql = "DELETE FROM writes WHERE tenant = $1 AND entity = $2 AND entity_id = $3 RETURNING state";
        for row in self.work.rows(sql, &[tenant, entity, &id]).await? {
            gone.writes += 1;
            gone.writes_done += u64::from(get::<i64>(&row, "state")? == 1);
        }
        let sql = "DELETE FROM jobs WHERE tenant = $1 AND entity = $2 AND entity_id = $3";
        gone.jobs += self.work.execute(sql, &[tenant, entity, &id]).await?;
        let sql = "DELETE FROM snapshots WHERE tenant = $1 AND entity = $2 AND entity_id = $3";
        self.work.execute(sql, &[tenant, entity, &id]).await?;
        if entity == "person" {
            let sql = "DELETE FROM persons WHERE tenant = $1 AND person_id = $2";
            self.work.execute(sql, &[tenant, &id]).await?;
        }
        gone.records += 1;
        Ok(true)
    }
}

const EVENTS: &str = "SELECT seq AS id, received_at AS at FROM events WHERE seq > $1 ORDER BY seq LIMIT $2";

struct Record {
    tenant: String,
    entity: String,
    id: i64,
}

/// The rows that are old enough.
fn old(rows: &[Dated], cut: i64) -> Vec<i64> {
    rows.iter().filter(|row| row.at < cut).map(|row| row.id).collect()
}

fn targets(row: &Row) -> Result<BTreeSet<Target>, Failure> {
    let fields: Vec<FieldWrite> = from_json(row, "fields")?;
    Ok(fields.into_iter().map(|field| field.target).collect())
}
