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

mod deleted;

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
        let sql = "SELECT seq FROM events WHERE seq = ANY($1) AND disposition <> 3 AND length(body) > 0
                    ORDER BY seq FOR UPDATE SKIP LOCKED";
        let old = old(&rows, cut);
        let free = self.work.rows(sql, &[&old]).await?;
        let free: Vec<i64> = free.iter().map(|row| get(row, "seq")).collect::<Result<_, _>>()?;
        gone.bodies += self.work.execute("UPDATE events SET body = '' WHERE seq = ANY($1)", &[&free]).await?;
        // What somebody is at is passed over now, and found by the next pass: further than that it has not come.
        let sql = "SELECT min(seq) AS seq FROM events WHERE seq = ANY($1) AND disposition <> 3 AND length(body) > 0";
        let left = get::<Option<i64>>(&self.work.one(sql, &[&old]).await?, "seq")?;
        let so_far = match left {
            Some(left) => old.iter().copied().rfind(|seq| *seq < left),
            None => old.last().copied(),
        };
        if let Some(last) = so_far {
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
        gone.steps += forget_steps(self.work, &tenants, &ids).await?;
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
}

const EVENTS: &str = "SELECT seq AS id, received_at AS at FROM events WHERE seq > $1 ORDER BY seq LIMIT $2";

/// The steps of these jobs.
async fn forget_steps(work: &Work, tenants: &[String], jobs: &[i64]) -> Result<u64, Failure> {
    let sql = "DELETE FROM steps s USING unnest($1::text[], $2::bigint[]) AS t(tenant, id)
                WHERE s.tenant = t.tenant AND s.job_id = t.id";
    work.execute(sql, &[&tenants, &jobs]).await
}

/// The rows that are old enough.
fn old(rows: &[Dated], cut: i64) -> Vec<i64> {
    rows.iter().filter(|row| row.at < cut).map(|row| row.id).collect()
}

fn targets(row: &Row) -> Result<BTreeSet<Target>, Failure> {
    let fields: Vec<FieldWrite> = from_json(row, "fields")?;
    Ok(fields.into_iter().map(|field| field.target).collect())
}
