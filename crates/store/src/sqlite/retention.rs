//! Pruning on SQLite: a walk along the primary keys, a few hundred rows a step, between the writer's other requests.
//!
//! The file does not shrink; free pages are used again. What goes is overwritten with zeros, so that it is not merely
//! out of reach.

use std::collections::BTreeSet;

use async_trait::async_trait;
use connector_domain::field::Target;
use connector_domain::patch::FieldWrite;
use connector_domain::retention::Cuts;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::rows::{from_json, millis, to_json};
use super::settings::keep;
use crate::StoreError;
use crate::retention::{Place, Pruned, Removed, Retention, Stage};

/// Up to which event the bodies have gone, and how much has gone in all; both are the whole database's.
const BODIES: &str = "bodies_pruned_to";
const REMOVED: &str = "removed";

#[async_trait]
impl Retention for SqliteStore {
    async fn prune(
        &self,
        cuts: &Cuts,
        from: Place,
        most: usize,
        now: Timestamp,
    ) -> Result<Pruned, StoreError> {
        let cuts = *cuts;
        self.writer
            .call(move |connection, touched| {
                // For this step alone: it costs the other requests nothing, since none of them deletes much.
                connection.pragma_update(None, "secure_delete", "ON")?;
                let pruned = prune(connection, &cuts, from, most, now);
                connection.pragma_update(None, "secure_delete", "OFF")?;
                let pruned = pruned?;
                touched.view |= !pruned.removed.is_nothing();
                Ok(pruned)
            })
            .await
    }

    async fn removed(&self) -> Result<Removed, StoreError> {
        self.readers.read(removed).await
    }

    async fn used(&self) -> Result<u64, StoreError> {
        self.readers
            .read(|connection| {
                let sql = "SELECT (c.page_count - f.freelist_count) * s.page_size
                             FROM pragma_page_count c, pragma_freelist_count f, pragma_page_size s";
                connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
            })
            .await
    }
}

fn prune(
    connection: &Connection,
    cuts: &Cuts,
    from: Place,
    most: usize,
    now: Timestamp,
) -> rusqlite::Result<Pruned> {
    let mut gone = Removed::default();
    let step = Step { connection, most, now: millis(now) };
    let after = match from.stage {
        Stage::Deleted => step.deleted(from.after, millis(cuts.deleted), &mut gone)?,
        Stage::Bodies => step.bodies(from.after, millis(cuts.bodies), &mut gone)?,
        Stage::Events => step.events(from.after, millis(cuts.events), &mut gone)?,
        Stage::Jobs => step.jobs(from.after, millis(cuts.jobs), &mut gone)?,
        Stage::Writes => step.writes(from.after, millis(cuts.journal), &mut gone)?,
    };
    let next = match after {
        Some(after) => Some(Place { after, ..from }),
        None => from.stage.next().map(|stage| Place { stage, after: 0 }),
    };
    if !gone.is_nothing() {
        let mut all = removed(connection)?;
        all += gone;
        keep(connection, "", REMOVED, &to_json(&all)?, step.now)?;
    }
    Ok(Pruned { removed: gone, next })
}

fn removed(connection: &Connection) -> rusqlite::Result<Removed> {
    let sql = "SELECT value FROM settings WHERE tenant = '' AND key = ?1";
    let kept =
        connection.prepare_cached(sql)?.query_row([REMOVED], |row| from_json(row, "value")).optional()?;
    Ok(kept.unwrap_or_default())
}

/// A row by its number, and when it came to be.
struct Dated {
    id: i64,
    at: i64,
}

/// One step of a pass. Each of its methods says where to go on, or that its stage is done.
struct Step<'a> {
    connection: &'a Connection,
    most: usize,
    now: i64,
}

impl Step<'_> {
    /// Where to go on after these rows, which are in the order in which they came to be. Nothing after a row that is
    /// too young can be old enough; a time that has not come yet is a clock's mistake, and says nothing.
    fn after(&self, rows: &[Dated], cut: i64) -> Option<i64> {
        let last = rows.last().filter(|_| rows.len() == self.most)?;
        (last.at < cut || last.at > self.now).then_some(last.id)
    }

    fn dated(&self, sql: &str, after: i64) -> rusqlite::Result<Vec<Dated>> {
        self.connection
            .prepare_cached(sql)?
            .query_map(params![after, self.most], |row| Ok(Dated { id: row.get(0)?, at: row.get(1)? }))?
            .collect()
    }

    fn bodies(&self, after: i64, cut: i64, gone: &mut Removed) -> rusqlite::Result<Option<i64>> {
        let so_far: Option<i64> = self
            .connection
            .prepare_cached("SELECT value FROM settings WHERE tenant = '' AND key = ?1")?
            .query_row([BODIES], |row| from_json(row, "value"))
            .optional()?;
        let after = after.max(so_far.unwrap_or(0));
        let rows =
            self.dated("SELECT seq, received_at FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2", after)?;
        // What could not be read keeps its body for as long as it is there.
        let mut blank = self.connection.prepare_cached(
            "UPDATE events SET body = x'' WHERE seq = ?1 AND disposition <> 3 AND length(body) > 0",
        )?;
        for row in rows.iter().filter(|row| row.at < cut) {
            gone.bodies += blank.execute([row.id])? as u64;
        }
        if let Some(last) = rows.iter().rfind(|row| row.at < cut) {
            keep(self.connection, "", BODIES, &last.id.to_string(), self.now)?;
        }
        Ok(self.after(&rows, cut))
    }

    fn events(&self, after: i64, cut: i64, gone: &mut Removed) -> rusqlite::Result<Option<i64>> {
        let rows =
            self.dated("SELECT seq, received_at FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2", after)?;
        let mut delete = self.connection.prepare_cached(
            "DELETE FROM events WHERE seq = ?1 AND seq < (SELECT max(seq) FROM events)
                AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = events.job_id AND j.state IN (0, 1, 4))",
        )?;
        for row in rows.iter().filter(|row| row.at < cut) {
            gone.events += delete.execute([row.id])? as u64;
        }
        Ok(self.after(&rows, cut))
    }

    fn jobs(&self, after: i64, cut: i64, gone: &mut Removed) -> rusqlite::Result<Option<i64>> {
        let rows = self.dated("SELECT id, created_at FROM jobs WHERE id > ?1 ORDER BY id LIMIT ?2", after)?;
        let mut ended = self.connection.prepare_cached(
            "SELECT tenant FROM jobs WHERE id = ?1 AND state IN (2, 3, 5) AND finished_at < ?2",
        )?;
        let mut steps =
            self.connection.prepare_cached("DELETE FROM steps WHERE tenant = ?1 AND job_id = ?2")?;
        let mut delete = self.connection.prepare_cached(
            "DELETE FROM jobs WHERE id = ?1
                AND EXISTS (SELECT 1 FROM jobs n WHERE n.tenant = jobs.tenant AND n.entity = jobs.entity
                                                   AND n.entity_id = jobs.entity_id AND n.id > jobs.id)",
        )?;
        for row in rows.iter().filter(|row| row.at < cut) {
            let old: Option<String> = ended.query_row((row.id, cut), |row| row.get(0)).optional()?;
            let Some(tenant) = old else { continue };
            gone.steps += steps.execute((&tenant, row.id))? as u64;
            gone.jobs += delete.execute([row.id])? as u64;
        }
        Ok(self.after(&rows, cut))
    }

    fn writes(&self, after: i64, cut: i64, gone: &mut Removed) -> rusqlite::Result<Option<i64>> {
        let rows =
            self.dated("SELECT id, intended_at FROM writes WHERE id > ?1 ORDER BY id LIMIT ?2", after)?;
        let mut delete = self.connection.prepare_cached("DELETE FROM writes WHERE id = ?1")?;
        for row in rows.iter().filter(|row| row.at < cut) {
            let Some(is_done) = self.may_go(row.id, cut)? else { continue };
            delete.execute([row.id])?;
            gone.writes += 1;
            gone.writes_done += u64::from(is_done);
        }
        Ok(self.after(&rows, cut))
    }

    /// Whether a write may go, and if so, whether it was done. The last number there is stays taken, here as everywhere:
    /// SQLite would give it away once more.
    fn may_go(&self, write: i64, cut: i64) -> rusqlite::Result<Option<bool>> {
        let sql = "SELECT tenant, entity, entity_id, state, fields FROM writes w
                    WHERE id = ?1 AND state IN (1, 2, 3) AND settled_at < ?2 AND id < (SELECT max(id) FROM writes)
                      AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = w.job_id AND j.state IN (0, 1))";
        let found = self
            .connection
            .prepare_cached(sql)?
            .query_row((write, cut), |row| {
                let record: (String, String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok((record, row.get::<_, i64>(3)? == 1, targets(row)?))
            })
            .optional()?;
        let Some((record, is_done, mut newest)) = found else { return Ok(None) };
        if !is_done {
            return Ok(Some(false));
        }
        let sql = "SELECT fields FROM writes WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND id > ?4
                      AND state = 1 ORDER BY id DESC";
        let mut statement = self.connection.prepare_cached(sql)?;
        let newer = statement.query_map((&record.0, &record.1, record.2, write), targets)?;
        for later in newer {
            let later = later?;
            newest.retain(|target| !later.contains(target));
            if newest.is_empty() {
                return Ok(Some(true));
            }
        }
        Ok(newest.is_empty().then_some(true))
    }

    /// Records whose newest job found them deleted, and long ago.
    fn deleted(&self, after: i64, cut: i64, gone: &mut Removed) -> rusqlite::Result<Option<i64>> {
        let sql = "SELECT id, tenant, entity, entity_id, finished_at FROM jobs INDEXED BY jobs_of_deleted
                    WHERE reason = 'DELETED' AND id > ?1 ORDER BY id LIMIT ?2";
        let rows: Vec<(i64, Record, Option<i64>)> = self
            .connection
            .prepare_cached(sql)?
            .query_map(params![after, self.most_records()], |row| {
                let record = Record { tenant: row.get(1)?, entity: row.get(2)?, id: row.get(3)? };
                Ok((row.get(0)?, record, row.get(4)?))
            })?
            .collect::<Result<_, _>>()?;
        for (job, record, finished) in &rows {
            if gone.records >= self.most_records() {
                return Ok(Some(job - 1));
            }
            if finished.is_none_or(|at| at >= cut) || self.is_newer_than(record, *job)? {
                continue;
            }
            if !self.forget_with_persons(record, gone)? {
                // It has more than one step may take: the same again.
                return Ok(Some(job - 1));
            }
        }
        Ok(rows.last().map(|(job, ..)| *job))
    }

    /// A record takes many statements, so a step takes fewer of them.
    fn most_records(&self) -> u64 {
        (self.most as u64 / 4).max(1)
    }

    /// Whether something was asked for since.
    fn is_newer_than(&self, record: &Record, job: i64) -> rusqlite::Result<bool> {
        self.connection
            .prepare_cached(
                "SELECT 1 FROM jobs WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND id > ?4",
            )?
            .exists((&record.tenant, &record.entity, record.id, job))
    }

    /// Lets go of everything about a record; of a company also what is known of its persons. Says whether all is gone.
    fn forget_with_persons(&self, record: &Record, gone: &mut Removed) -> rusqlite::Result<bool> {
        if record.entity == "contact" {
            let sql = "SELECT person_id FROM persons WHERE tenant = ?1 AND contact_id = ?2";
            let persons: Vec<i64> = self
                .connection
                .prepare_cached(sql)?
                .query_map((&record.tenant, record.id), |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            for id in persons {
                if gone.records >= self.most_records() {
                    return Ok(false);
                }
                let person = Record { tenant: record.tenant.clone(), entity: "person".to_owned(), id };
                if !self.is_open(&person)? && !self.forget(&person, Some(record.id), gone)? {
                    return Ok(false);
                }
            }
            if gone.records >= self.most_records() || !self.forget(record, Some(record.id), gone)? {
                return Ok(false);
            }
            for table in ["accounts", "profiles"] {
                let sql = format!("DELETE FROM {table} WHERE tenant = ?1 AND contact_id = ?2");
                self.connection.prepare_cached(&sql)?.execute((&record.tenant, record.id))?;
            }
            return Ok(true);
        }
        let sql = "SELECT contact_id FROM persons WHERE tenant = ?1 AND person_id = ?2";
        let of: Option<i64> = self
            .connection
            .prepare_cached(sql)?
            .query_row((&record.tenant, record.id), |row| row.get(0))
            .optional()?;
        self.forget(record, of, gone)
    }

    /// Whether there is work of a record, or a write of which nothing is known; or the last number that was given away.
    fn is_open(&self, record: &Record) -> rusqlite::Result<bool> {
        let key = (&record.tenant, &record.entity, record.id);
        let work = "SELECT 1 FROM jobs WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3
                       AND (state IN (0, 1) OR id = (SELECT max(id) FROM jobs))";
        let write = "SELECT 1 FROM writes WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3
                        AND (state = 0 OR id = (SELECT max(id) FROM writes))";
        Ok(self.connection.prepare_cached(work)?.exists(key)?
            || self.connection.prepare_cached(write)?.exists(key)?)
    }

    /// The companies that a record's events may stand with: the present one, and those that it belonged to before.
    fn accounts_of(&self, record: &Record, account: Option<i64>) -> rusqlite::Result<BTreeSet<i64>> {
        let sql = "SELECT DISTINCT account_id FROM jobs
                    WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND account_id IS NOT NULL";
        let mut all: BTreeSet<i64> = self
            .connection
            .prepare_cached(sql)?
            .query_map((&record.tenant, &record.entity, record.id), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        all.extend(account);
        Ok(all)
    }

    /// Lets go of everything about one record. Its events stay as numbers, without what they said, until they are old.
    fn forget(&self, record: &Record, account: Option<i64>, gone: &mut Removed) -> rusqlite::Result<bool> {
        if self.is_open(record)? {
            return Ok(true);
        }
        let (tenant, entity, id) = (&record.tenant, &record.entity, record.id);
        for account in self.accounts_of(record, account)? {
            let bodies = self
                .connection
                .prepare_cached(
                    "UPDATE events SET body = x'', words = NULL WHERE seq IN (
                       SELECT seq FROM events WHERE tenant = ?1 AND account_id = ?4 AND entity = ?2 AND entity_id = ?3
                          AND (length(body) > 0 OR words IS NOT NULL) LIMIT ?5)",
                )?
                .execute(params![tenant, entity, id, account, self.most])?;
            gone.bodies += bodies as u64;
            if bodies == self.most {
                return Ok(false);
            }
        }
        // Whoever told of it did not say whose it is.
        let stray = self
            .connection
            .prepare_cached(
                "UPDATE events SET body = x'', words = NULL WHERE seq IN (
                   SELECT seq FROM events WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND account_id IS NULL
                      AND (length(body) > 0 OR words IS NOT NULL) LIMIT ?4)",
            )?
            .execute(params![tenant, entity, id, self.most])?;
        gone.bodies += stray as u64;
        if stray == self.most {
            return Ok(false);
        }
        let key = (tenant, entity, id);
        gone.steps += self
            .connection
            .prepare_cached(
                "DELETE FROM steps WHERE tenant = ?1 AND job_id IN
                   (SELECT id FROM jobs WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3)",
            )?
            .execute(key)? as u64;
        let done =
            "SELECT count(*) FROM writes WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND state = 1";
        gone.writes_done +=
            self.connection.prepare_cached(done)?.query_row(key, |row| row.get::<_, u64>(0))?;
        for (table, count) in [("writes", &mut gone.writes), ("jobs", &mut gone.jobs)] {
            let sql = format!("DELETE FROM {table} WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3");
            *count += self.connection.prepare_cached(&sql)?.execute(key)? as u64;
        }
        self.connection
            .prepare_cached("DELETE FROM snapshots WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3")?
            .execute(key)?;
        if entity == "person" {
            self.connection
                .prepare_cached("DELETE FROM persons WHERE tenant = ?1 AND person_id = ?2")?
                .execute((tenant, id))?;
        }
        gone.records += 1;
        Ok(true)
    }
}

struct Record {
    tenant: String,
    entity: String,
    id: i64,
}

fn targets(row: &rusqlite::Row<'_>) -> rusqlite::Result<BTreeSet<Target>> {
    let fields: Vec<FieldWrite> = from_json(row, "fields")?;
    Ok(fields.into_iter().map(|field| field.target).collect())
}
