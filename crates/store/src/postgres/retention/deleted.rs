//! Lets go of records that were deleted in the CRM, on PostgreSQL: so many records a step, all of them in the same few
//! statements, however far away the database is.
//!
//! Only jobs that were seen to have ended go, by their numbers. What a receiver, a person or a worker asks for meanwhile
//! is seen at the end, and then nothing of the step has happened.

use std::collections::BTreeMap;

use super::super::failure::Failure;
use super::super::rows::{get, limit};
use super::super::work::Work;
use super::Step;
use crate::retention::Removed;

/// Work on a record `r`, or a write of which nothing is known.
const IS_OPEN: &str = "(EXISTS (SELECT 1 FROM jobs o WHERE o.tenant = r.tenant AND o.entity = r.entity AND o.entity_id = r.id AND o.state IN (0, 1))
         OR EXISTS (SELECT 1 FROM writes o WHERE o.tenant = r.tenant AND o.entity = r.entity AND o.entity_id = r.id AND o.state = 0))";
/// The records of a step, as a table.
const RECORDS: &str =
    "unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS r(tenant, entity, id, account)";

/// The records that go in this step: tenant, entity and number, and the company that each belongs to now.
#[derive(Default)]
struct Records {
    tenants: Vec<String>,
    entities: Vec<String>,
    ids: Vec<i64>,
    accounts: Vec<Option<i64>>,
}

/// A job that found its record deleted.
struct Found {
    job: i64,
    tenant: String,
    entity: String,
    id: i64,
    /// The company of a person.
    account: Option<i64>,
    /// Whether it was long ago, and nothing was asked for since.
    goes: bool,
}

impl Step<'_> {
    /// Records whose newest job found them deleted, and long ago; of a company also what is known of its persons.
    pub(super) async fn deleted(
        &self,
        after: i64,
        cut: i64,
        gone: &mut Removed,
    ) -> Result<Option<i64>, Failure> {
        // A record has many rows elsewhere, so a step takes fewer of them.
        let most = (self.most / 4).max(1);
        let found = self.found(after, cut, most).await?;
        let Some(last) = found.last() else { return Ok(None) };
        let mut persons = self.persons_of(&found, most).await?;
        let (mut records, mut reached) = (BTreeMap::new(), last.job);
        for one in found.iter().filter(|one| one.goes) {
            let room = most.saturating_sub(records.len());
            let its_own = persons.remove(&one.job).unwrap_or_default();
            let is_too_much = its_own.len() >= room;
            for person in its_own.into_iter().take(room) {
                records.insert((one.tenant.clone(), "person".to_owned(), person), Some(one.id));
            }
            if is_too_much {
                // The same again, for the rest.
                reached = one.job - 1;
                break;
            }
            records.insert((one.tenant.clone(), one.entity.clone(), one.id), one.account);
        }
        let mut all = Records::default();
        for ((tenant, entity, id), account) in records {
            all.tenants.push(tenant);
            all.entities.push(entity);
            all.ids.push(id);
            all.accounts.push(account);
        }
        if !all.ids.is_empty() && !all.forget(self.work, self.most, gone).await? {
            return Ok(Some(after));
        }
        Ok(Some(reached))
    }

    async fn found(&self, after: i64, cut: i64, most: usize) -> Result<Vec<Found>, Failure> {
        let sql = format!(
            "SELECT r.job, r.tenant, r.entity, r.id, p.contact_id,
                    coalesce(r.finished_at < $2, false) AND NOT {IS_OPEN}
                      AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.tenant = r.tenant AND n.entity = r.entity
                                                             AND n.entity_id = r.id AND n.id > r.job) AS goes
               FROM (SELECT id AS job, tenant, entity, entity_id AS id, finished_at FROM jobs
                      WHERE reason = 'DELETED' AND id > $1 ORDER BY id LIMIT $3) r
               LEFT JOIN persons p ON r.entity = 'person' AND p.tenant = r.tenant AND p.person_id = r.id
              ORDER BY r.job"
        );
        let rows = self.work.rows(&sql, &[&after, &cut, &limit(most)]).await?;
        let found = rows.iter().map(|row| {
            let (entity, id): (String, i64) = (get(row, "entity")?, get(row, "id")?);
            let account = if entity == "contact" { Some(id) } else { get(row, "contact_id")? };
            let (job, tenant, goes) = (get(row, "job")?, get(row, "tenant")?, get(row, "goes")?);
            Ok(Found { job, tenant, entity, id, account, goes })
        });
        found.collect()
    }

    /// The persons of the companies that go, `most` of them in all, by the job that found the company deleted. Those of
    /// whom there is work stay.
    async fn persons_of(&self, found: &[Found], most: usize) -> Result<BTreeMap<i64, Vec<i64>>, Failure> {
        let companies: Vec<&Found> = found.iter().filter(|one| one.goes && one.entity == "contact").collect();
        let mut persons: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        if companies.is_empty() {
            return Ok(persons);
        }
        let jobs: Vec<i64> = companies.iter().map(|one| one.job).collect();
        let tenants: Vec<&str> = companies.iter().map(|one| one.tenant.as_str()).collect();
        let ids: Vec<i64> = companies.iter().map(|one| one.id).collect();
        let sql = format!(
            "SELECT r.job, r.id FROM (
               SELECT c.job, p.tenant, 'person' AS entity, p.person_id AS id
                 FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS c(job, tenant, id)
                 JOIN persons p ON p.tenant = c.tenant AND p.contact_id = c.id) r
              WHERE NOT {IS_OPEN} ORDER BY r.job, r.id LIMIT $4"
        );
        for row in self.work.rows(&sql, &[&jobs, &tenants, &ids, &limit(most)]).await? {
            persons.entry(get(&row, "job")?).or_default().push(get(&row, "id")?);
        }
        Ok(persons)
    }
}

impl Records {
    /// Lets go of everything about these records. Their events stay as numbers, without what they said, until they are
    /// old. Says whether all is gone: where there is more to blank than one step may, only that has happened.
    async fn forget(&self, work: &Work, most: usize, gone: &mut Removed) -> Result<bool, Failure> {
        let events = self.telling(work, most).await?;
        if events.len() == most {
            gone.bodies += blank(work, &events).await?;
            return Ok(false);
        }
        // In the order in which everybody locks: writes, jobs, persons, accounts, events.
        let sql = format!(
            "DELETE FROM writes w USING {RECORDS} WHERE w.tenant = r.tenant AND w.entity = r.entity AND w.entity_id = r.id
                AND w.state <> 0 RETURNING w.state"
        );
        for row in self.rows(work, &sql).await? {
            gone.writes += 1;
            gone.writes_done += u64::from(get::<i64>(&row, "state")? == 1);
        }
        gone.jobs += self.forget_jobs(work, &mut gone.steps).await?;
        let sql = format!(
            "DELETE FROM persons p USING {RECORDS} WHERE r.entity = 'person' AND p.tenant = r.tenant AND p.person_id = r.id"
        );
        self.rows(work, &sql).await?;
        for table in ["accounts", "profiles"] {
            let sql = format!(
                "DELETE FROM {table} a USING {RECORDS} WHERE r.entity = 'contact' AND a.tenant = r.tenant AND a.contact_id = r.id"
            );
            self.rows(work, &sql).await?;
        }
        gone.bodies += blank(work, &events).await?;
        let sql = format!(
            "DELETE FROM snapshots s USING {RECORDS} WHERE s.tenant = r.tenant AND s.entity = r.entity AND s.entity_id = r.id"
        );
        self.rows(work, &sql).await?;
        gone.records += self.ids.len() as u64;
        if self.is_asked_for(work).await? {
            connector_faults::sometimes("a record was asked for while it was let go");
            return Err(Failure::Overtaken("a record that is let go was asked for"));
        }
        Ok(true)
    }

    /// The jobs that have ended, with their steps.
    async fn forget_jobs(&self, work: &Work, steps: &mut u64) -> Result<u64, Failure> {
        let sql = format!(
            "SELECT j.id, j.tenant FROM {RECORDS} JOIN jobs j ON j.tenant = r.tenant AND j.entity = r.entity AND j.entity_id = r.id
              WHERE j.state >= 2 ORDER BY j.id FOR UPDATE OF j"
        );
        let rows = self.rows(work, &sql).await?;
        let ids: Vec<i64> = rows.iter().map(|row| get(row, "id")).collect::<Result<_, _>>()?;
        let tenants: Vec<String> = rows.iter().map(|row| get(row, "tenant")).collect::<Result<_, _>>()?;
        *steps += super::forget_steps(work, &tenants, &ids).await?;
        work.execute("DELETE FROM jobs WHERE id = ANY($1) AND state >= 2", &[&ids]).await
    }

    /// Up to `most` events that say something of these records, with whichever company they stand: the present one, those
    /// that a record belonged to before, and none, where whoever told of it did not say whose it is.
    async fn telling(&self, work: &Work, most: usize) -> Result<Vec<i64>, Failure> {
        let says_something = "(length(e.body) > 0 OR e.words IS NOT NULL)";
        let sql = format!(
            "WITH r AS MATERIALIZED (SELECT * FROM {RECORDS}),
             whose AS MATERIALIZED (
               SELECT tenant, entity, id, account FROM r WHERE account IS NOT NULL
                UNION SELECT r.tenant, r.entity, r.id, j.account_id FROM r
                        JOIN jobs j ON j.tenant = r.tenant AND j.entity = r.entity AND j.entity_id = r.id
                       WHERE j.account_id IS NOT NULL)
             SELECT e.seq FROM whose w
               JOIN events e ON e.tenant = w.tenant AND e.account_id = w.account AND e.entity = w.entity AND e.entity_id = w.id
              WHERE {says_something}
              UNION ALL SELECT e.seq FROM r
               JOIN events e ON e.tenant = r.tenant AND e.entity = r.entity AND e.entity_id = r.id AND e.account_id IS NULL
              WHERE {says_something}
              ORDER BY seq LIMIT $5"
        );
        let (tenants, entities) = (&self.tenants, &self.entities);
        let rows = work.rows(&sql, &[tenants, entities, &self.ids, &self.accounts, &limit(most)]).await?;
        rows.iter().map(|row| get(row, "seq")).collect()
    }

    /// Whether anything of these records stands there still, or again.
    async fn is_asked_for(&self, work: &Work) -> Result<bool, Failure> {
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {RECORDS} JOIN jobs j ON j.tenant = r.tenant AND j.entity = r.entity AND j.entity_id = r.id)
                 OR EXISTS (SELECT 1 FROM {RECORDS} JOIN writes w ON w.tenant = r.tenant AND w.entity = r.entity AND w.entity_id = r.id)"
        );
        let rows = self.rows(work, &sql).await?;
        rows.first().map_or(Ok(false), |row| Ok(row.try_get(0)?))
    }

    async fn rows(&self, work: &Work, sql: &str) -> Result<Vec<tokio_postgres::Row>, Failure> {
        work.rows(sql, &[&self.tenants, &self.entities, &self.ids, &self.accounts]).await
    }
}

async fn blank(work: &Work, events: &[i64]) -> Result<u64, Failure> {
    let sql = "UPDATE events SET body = '', words = NULL WHERE seq IN
                 (SELECT seq FROM events WHERE seq = ANY($1) ORDER BY seq FOR UPDATE)";
    work.execute(sql, &[&events]).await
}
