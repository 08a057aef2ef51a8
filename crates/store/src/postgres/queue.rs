//! The queue on PostgreSQL. The database itself enforces one waiting job a record and one job in hand an account.
//!
//! Several processes take from it at once. What one of them looks at is hidden from the others (`SKIP LOCKED`), an
//! account that one is about to take is left alone by the others (an advisory lock that is tried, never waited for), and
//! where two collide all the same a unique index lets one through and has the other begin anew.
//!
//! Rows are locked in one order everywhere: writes, jobs, persons, accounts, events.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use connector_domain::fingerprint::Fingerprint;
use connector_domain::ids::{ContactId, JobId, RecordRef, TenantId};
use connector_domain::job::{Job, JobState, Settlement};
use connector_domain::policy::Policy;
use connector_domain::reason::Reason;
use connector_faults::{Bug, planted};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use super::connection::Connection;
use super::failure::Failure;
use super::inbox::meet_persons;
use super::journal::{add_steps, close_intents};
use super::rows::{
    JOB_COLUMNS, clean, clean_opt, get, job, lane, limit, millis, state, state_number, timestamp_opt,
};
use super::work::Work;
use super::{PostgresStore, failures};
use crate::StoreError;
use crate::journal::{Resolution, Step};
use crate::page::{Page, PageRequest};
use crate::queue::{
    Adopted, Failures, JobFilter, Lease, MOST_CRASHES, Queue, QueueCounts, Retried, SUSPECT_AFTER, Settled,
};

/// So many due jobs are looked at for each that is wanted: those of an account in hand are passed over.
const LOOK_AHEAD: i64 = 4;
/// So many milliseconds longer a job that a sweep asked for waits than others, and no more.
const BULK_PATIENCE: i64 = 5 * 60 * 1000;
/// So many jobs of dead workers, and so many that were held, are put back at a time.
const AT_ONCE: i64 = 200;

/// Whether a waiting job `j` may be leased: nobody is at its lane, and of those that were in hand at several deaths none is
/// in hand. Asked with the same words by whoever leases and whoever waits, or the one would wake the other all the time.
pub(super) const IS_FREE: &str =
    "NOT EXISTS (SELECT 1 FROM jobs p WHERE p.state = 1 AND p.tenant = j.tenant AND p.lane = j.lane)
       AND (j.crashes < 3 OR NOT EXISTS (SELECT 1 FROM jobs s WHERE s.state = 1 AND s.crashes >= 3))";
const _: () = assert!(SUSPECT_AFTER == 3, "as the words of IS_FREE have it");

#[async_trait]
impl Queue for PostgresStore {
    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut all = 0;
        loop {
            let some = self.write(now, (), |work, ()| Box::pin(abandoned(work))).await?;
            all += some;
            if some == 0 {
                return Ok(all);
            }
        }
    }

    async fn lease(
        &self,
        worker: &str,
        most: usize,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<Lease>, StoreError> {
        // Names this request, so that what came of it can be told from what others did.
        let mark = format!("{worker} {}", uuid::Uuid::new_v4().simple());
        let doubts = self.doubts.lasting(now);
        let leased = self
            .write(now, (&mark, &doubts, most, ttl, now), |work, (mark, doubts, most, ttl, now)| {
                Box::pin(async move {
                    give_back(work, doubts).await?;
                    // In a statement of its own, so that the next one sees what the last holder did under it.
                    let (is_ours, _) = tokio::try_join!(suspects_are_ours(work), abandoned(work))?;
                    lease(work, mark, *most, *ttl, *now + *ttl, is_ours).await
                })
            })
            .await;
        if leased.is_err() {
            self.doubts.add(mark, now + ttl);
        }
        leased
    }

    async fn renew(
        &self,
        leases: &[(JobId, i64)],
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        self.write(now, (leases, super::span(ttl)), |work, (leases, ttl)| {
            Box::pin(async move {
                let jobs: Vec<i64> = leases.iter().map(|(job, _)| job.0).collect();
                let fences: Vec<i64> = leases.iter().map(|(_, fence)| *fence).collect();
                let kept = work
                    .rows(
                        "UPDATE jobs SET lease_until = $3
                           FROM unnest($1::bigint[], $2::bigint[]) AS t(id, fence)
                          WHERE jobs.id = t.id AND jobs.fence = t.fence AND jobs.state = 1 RETURNING jobs.id",
                        &[&jobs, &fences, &(work.now() + ttl)],
                    )
                    .await?;
                let kept: Vec<i64> = kept.iter().map(|row| get(row, "id")).collect::<Result<_, _>>()?;
                Ok(leases.iter().map(|(job, _)| *job).filter(|job| !kept.contains(&job.0)).collect())
            })
        })
        .await
    }

    async fn adopt(&self, lease: &Lease, account: ContactId, now: Timestamp) -> Result<Adopted, StoreError> {
        self.write(now, (lease, account), |work, (lease, account)| Box::pin(adopt(work, lease, *account)))
            .await
    }

    async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        resolutions: Vec<Resolution>,
        steps: Vec<Step>,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        self.write(now, (lease, settlement, resolutions, steps), |work, with| {
            Box::pin(async move {
                let (lease, settlement, resolutions, steps) = with;
                // What was written stays written, whoever has the job now.
                close_intents(work, resolutions).await?;
                if !holds(work, lease).await? {
                    let was_taken = is_settled(work, lease).await?;
                    return Ok(if was_taken { Settled::Yes } else { Settled::Lost });
                }
                add_steps(work, &lease.job.tenant.0, lease.job.id, steps).await?;
                settle(work, &lease.job, settlement).await?;
                work.ring();
                Ok(Settled::Yes)
            })
        })
        .await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read((), |c, ()| {
            Box::pin(async move {
                let first = |bulk: i64| {
                    format!(
                        "(SELECT j.run_at FROM jobs j WHERE j.state = 0 AND j.bulk = {bulk}
                             AND {IS_FREE} ORDER BY j.run_at, j.id LIMIT 1)"
                    )
                };
                let sql =
                    format!("SELECT min(run_at) AS run_at FROM ({} UNION ALL {}) f", first(0), first(1));
                timestamp_opt(&c.one(&sql, &[]).await?, "run_at", c.frame.ahead())
            })
        })
        .await
    }

    async fn retry(&self, tenant: &TenantId, job: JobId, now: Timestamp) -> Result<Retried, StoreError> {
        self.write(now, (&tenant.0, job), |work, (tenant, job)| Box::pin(retry(work, tenant, *job))).await
    }

    async fn release(
        &self,
        tenant: &TenantId,
        reasons: &[Reason],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let codes: Vec<&str> = reasons.iter().map(|reason| reason.code()).collect();
        let (mut released, mut next) = (0, Some(0));
        while let Some(after) = next {
            let portion = self
                .write(now, (&tenant.0, &codes[..], after), |work, (tenant, codes, after)| {
                    Box::pin(release(work, tenant, codes, *after))
                })
                .await?;
            released += portion.released;
            next = portion.last;
        }
        Ok(released)
    }

    async fn failures(&self, tenant: &TenantId, most: usize) -> Result<Failures, StoreError> {
        self.read((&tenant.0, most), |c, (tenant, most)| Box::pin(failures::by_cause(c, tenant, *most))).await
    }

    async fn retry_all(
        &self,
        tenant: &TenantId,
        fingerprint: &Fingerprint,
        most: usize,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(now, (&tenant.0, &fingerprint.0, most, now), |work, (tenant, fingerprint, most, now)| {
            Box::pin(failures::retry_all(work, tenant, fingerprint, *most, *now))
        })
        .await
    }

    async fn enqueue(
        &self,
        tenant: &TenantId,
        records: &[(RecordRef, Option<ContactId>)],
        policy: Arc<Policy>,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(now, (&tenant.0, records, policy.rest), |work, (tenant, records, rest)| {
            Box::pin(async move {
                let mut wanted = Wanted::default();
                for (record, account) in *records {
                    let rest = super::span(*rest);
                    let asked =
                        Asked { account: *account, created: false, swept: false, at: work.now(), rest };
                    wanted.add(tenant, *record, asked);
                }
                let begun = want(work, &wanted).await?;
                work.ring();
                Ok(begun.values().filter(|(_, is_new)| *is_new).count() as u64)
            })
        })
        .await
    }

    async fn job(&self, tenant: &TenantId, job: JobId) -> Result<Option<Job>, StoreError> {
        self.read((&tenant.0, job), |c, (tenant, id)| {
            Box::pin(async move {
                let sql = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE tenant = $1 AND id = $2");
                c.row(&sql, &[tenant, &id.0]).await?.map(|row| job_of(&row, c)).transpose()
            })
        })
        .await
    }

    async fn jobs(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<Job>, StoreError> {
        self.read((&tenant.0, filter, page), |c, (tenant, filter, page)| {
            Box::pin(jobs(c, tenant, filter, page))
        })
        .await
    }

    async fn queue_counts(&self, tenant: &TenantId, now: Timestamp) -> Result<QueueCounts, StoreError> {
        self.read_together((&tenant.0, now), |c, (tenant, now)| Box::pin(counts(c, tenant, *now))).await
    }

    fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.bell.wake)
    }
}

fn job_of(row: &tokio_postgres::Row, c: &Connection) -> Result<Job, Failure> {
    job(row, c.frame.ahead())
}

/// A record that work is asked for: tenant, entity and number.
pub(super) type Record = (String, &'static str, i64);

/// Work that is asked for, one line a record, in an order that is the same for everybody.
#[derive(Default)]
pub(super) struct Wanted(BTreeMap<Record, Want>);

struct Want {
    record: RecordRef,
    asked: Asked,
    events: i64,
    /// Whether nobody but a sweep asks for it.
    bulk: bool,
}

/// How work on a record is asked for.
pub(super) struct Asked {
    pub(super) account: Option<ContactId>,
    pub(super) created: bool,
    /// Whether a sweep asks for it.
    pub(super) swept: bool,
    /// When it was asked for.
    pub(super) at: i64,
    /// How long the record rests after it was worked on.
    pub(super) rest: i64,
}

impl Wanted {
    /// Asks for work on a record.
    pub(super) fn add(&mut self, tenant: &str, record: RecordRef, asked: Asked) -> Record {
        let key = (tenant.to_owned(), record.entity.as_str(), record.id);
        let (account, created, swept) = (asked.account, asked.created, asked.swept);
        let line = self.0.entry(key.clone()).or_insert(Want { record, asked, events: 0, bulk: true });
        line.events += 1;
        line.asked.created |= created;
        line.asked.account = account.or(line.asked.account);
        line.bulk &= swept;
        key
    }
}

/// Joins the waiting job of each record, or begins one. Says which job, and whether it is new.
pub(super) async fn want(work: &Work, wanted: &Wanted) -> Result<BTreeMap<Record, (JobId, bool)>, Failure> {
    let asked = &wanted.0;
    if asked.is_empty() {
        return Ok(BTreeMap::new());
    }
    let tenants: Vec<&str> = asked.keys().map(|(tenant, _, _)| tenant.as_str()).collect();
    let entities: Vec<&str> = asked.keys().map(|(_, entity, _)| *entity).collect();
    let ids: Vec<i64> = asked.keys().map(|(_, _, id)| *id).collect();
    let each = || asked.values().map(|want| &want.asked);
    let accounts: Vec<Option<i64>> = each().map(|asked| asked.account.map(|id| id.0)).collect();
    let lanes: Vec<String> = asked.values().map(|want| lane(want.record, want.asked.account)).collect();
    let created: Vec<bool> = each().map(|asked| asked.created).collect();
    let events: Vec<i64> = asked.values().map(|want| want.events).collect();
    let at: Vec<i64> = each().map(|asked| asked.at).collect();
    let rest: Vec<i64> = each().map(|asked| asked.rest).collect();
    let swept: Vec<bool> = each().map(|asked| asked.swept).collect();
    let bulk: Vec<i64> = asked.values().map(|want| i64::from(want.bulk)).collect();
    let rows = work
        .rows(
            "INSERT INTO jobs AS j (tenant, entity, entity_id, account_id, lane, created, state, run_at, events, created_at, updated_at,
                                    swept, bulk)
               SELECT t.tenant, t.entity, t.id, t.account, t.lane, t.created, 0,
                      greatest(t.at, t.rest + (SELECT n.started_at FROM jobs n
                                                WHERE n.tenant = t.tenant AND n.entity = t.entity AND n.entity_id = t.id
                                                ORDER BY n.id DESC LIMIT 1)),
                      t.events, t.at, t.at, t.swept, t.bulk
                 FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[],
                             $7::bigint[], $8::bigint[], $9::bigint[], $10::boolean[], $11::bigint[]) WITH ORDINALITY
                      AS t(tenant, entity, id, account, lane, created, events, at, rest, swept, bulk, n)
                ORDER BY t.n
               ON CONFLICT (tenant, entity, entity_id) WHERE state = 0 DO UPDATE SET
                 events = j.events + excluded.events, created = j.created OR excluded.created,
                 updated_at = excluded.updated_at,
                 account_id = coalesce(excluded.account_id, j.account_id),
                 lane = CASE WHEN excluded.account_id IS NULL THEN j.lane ELSE excluded.lane END,
                 bulk = least(j.bulk, excluded.bulk)
               RETURNING id, tenant, entity, entity_id, xmax = 0 AS is_new",
            &[&tenants, &entities, &ids, &accounts, &lanes, &created, &events, &at, &rest, &swept, &bulk],
        )
        .await?;
    let mut begun = BTreeMap::new();
    for row in rows {
        let entity = super::rows::entity(&get::<String>(&row, "entity")?)?.as_str();
        let record = (get(&row, "tenant")?, entity, get(&row, "entity_id")?);
        begun.insert(record, (JobId(get(&row, "id")?), get(&row, "is_new")?));
    }
    Ok(begun)
}

/// Takes due jobs, at most one of each account, until there are enough or no more.
async fn lease(
    work: &Work,
    worker: &str,
    most: usize,
    ttl: SignedDuration,
    until: Timestamp,
    suspects_too: bool,
) -> Result<Vec<Lease>, Failure> {
    let columns = JOB_COLUMNS.split(", ").map(|column| format!("j.{column}")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "WITH told AS MATERIALIZED ({}),
         found AS MATERIALIZED ({}),
         due AS (SELECT id, tenant, lane, crashes, 0 AS bulk, run_at FROM told
                 UNION ALL SELECT id, tenant, lane, crashes, 1, run_at + {BULK_PATIENCE} FROM found),
         -- Of those that were in hand at several deaths one is in hand at a time.
         suspect AS (SELECT id FROM due WHERE crashes >= {SUSPECT_AFTER} ORDER BY run_at, bulk, id LIMIT 1),
         first AS MATERIALIZED (
           SELECT f.id, f.tenant, f.lane, f.crashes
             FROM (SELECT DISTINCT ON (tenant, lane) * FROM due
                    WHERE crashes < {SUSPECT_AFTER} OR id = (SELECT id FROM suspect)
                    ORDER BY tenant, lane, run_at, bulk, id) f
            ORDER BY f.run_at, f.bulk, f.id LIMIT $5),
         free AS MATERIALIZED (
           SELECT f.id FROM first f
            WHERE pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' lane ' || f.tenant || ' ' || f.lane, 0)))
         UPDATE jobs j SET state = 1, attempts = attempts + 1, fence = fence + 1, lease_owner = $1, lease_until = $2,
                           started_at = $3, updated_at = $3
           FROM free WHERE j.id = free.id
         RETURNING {columns}, j.fence, j.bulk",
        due_ones(0),
        due_ones(1)
    );
    let mut leases = Vec::new();
    while leases.len() < most {
        let left = limit(most - leases.len());
        let rows = work
            .rows(
                &sql,
                &[
                    &worker,
                    &(work.now() + super::span(ttl)),
                    &work.now(),
                    &left.saturating_mul(LOOK_AHEAD).max(16),
                    &left,
                    &suspects_too,
                ],
            )
            .await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let lease = Lease { job: job(row, work.ahead())?, fence: get(row, "fence")?, until };
            let bulk: i64 = get(row, "bulk")?;
            leases.push((millis(lease.job.run_at) + bulk * BULK_PATIENCE, bulk, lease.job.id, lease));
        }
    }
    leases.sort_by_key(|(turn, bulk, job, _)| (*turn, *bulk, *job));
    if !leases.is_empty() {
        work.show();
    }
    Ok(leases.into_iter().map(|(.., lease)| lease).collect())
}

/// Whether this request may take one of those that were in hand at several deaths: one request at a time may.
async fn suspects_are_ours(work: &Work) -> Result<bool, Failure> {
    let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' suspect', 0))";
    Ok(work.one(sql, &[]).await?.try_get(0)?)
}

/// The jobs that are due and not held back, of those that only a sweep asked for or of the others, by the index.
fn due_ones(bulk: i64) -> String {
    format!(
        "SELECT j.id, j.tenant, j.lane, j.run_at, j.crashes FROM jobs j
          WHERE j.state = 0 AND j.bulk = {bulk} AND j.run_at <= $3 AND {IS_FREE}
            AND ($6 OR j.crashes < {SUSPECT_AFTER})
          ORDER BY j.run_at, j.id LIMIT $4 FOR UPDATE SKIP LOCKED"
    )
}

/// Returns jobs whose lease is over to the queue.
async fn abandoned(work: &Work) -> Result<u64, Failure> {
    let sql = format!(
        "SELECT {JOB_COLUMNS} FROM jobs WHERE state = 1 AND lease_until <= $1 ORDER BY id LIMIT $2
            FOR UPDATE SKIP LOCKED"
    );
    let dead = work.rows(&sql, &[&work.now(), &AT_ONCE]).await?;
    for row in &dead {
        let job = job(row, work.ahead())?;
        let crashes = job.crashes + 1;
        let sql = "UPDATE jobs SET crashes = $2, lease_owner = NULL WHERE id = $1";
        work.execute(sql, &[&job.id.0, &i64::from(crashes)]).await?;
        if crashes >= MOST_CRASHES {
            let failed = Settlement::Failed {
                error: format!("its worker died {crashes} times while at it"),
                remedy: "look into the log for what stopped the worker, then retry the job".into(),
                fingerprint: Fingerprint::of_crashes(),
            };
            settle(work, &job, &failed).await?;
        } else {
            again(work, &job, work.now(), "its worker stopped before it was done", false).await?;
        }
        work.ring();
    }
    Ok(dead.len() as u64)
}

/// Puts back what requests leased whose answer never came: nobody works on it, and nobody died of it.
async fn give_back(work: &Work, doubts: &[String]) -> Result<(), Failure> {
    if doubts.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "SELECT {JOB_COLUMNS} FROM jobs WHERE state = 1 AND lease_owner = ANY($1) ORDER BY id FOR UPDATE"
    );
    for row in &work.rows(&sql, &[&doubts]).await? {
        connector_faults::sometimes("a lease of unknown outcome was given back");
        let job = job(row, work.ahead())?;
        let sql = "UPDATE jobs SET attempts = greatest(attempts - 1, 0), lease_owner = NULL WHERE id = $1";
        work.execute(sql, &[&job.id.0]).await?;
        again(work, &job, work.now(), "it was not known whether it was leased", false).await?;
        work.ring();
    }
    Ok(())
}

/// Whether this holder's result was taken already, though nobody told it so. An attempt that ended in another way has no
/// holder any more.
async fn is_settled(work: &Work, lease: &Lease) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM jobs WHERE id = $1 AND state <> 1 AND fence = $2 AND lease_owner IS NOT NULL";
    Ok(work.row(sql, &[&lease.job.id.0, &lease.fence]).await?.is_some())
}

/// Whether the lease is still this one; nobody else can take the job until the transaction ends.
async fn holds(work: &Work, lease: &Lease) -> Result<bool, Failure> {
    if planted(Bug::LeaseWithoutFence) {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM jobs WHERE id = $1 AND state = 1 AND fence = $2 FOR UPDATE";
    Ok(work.row(sql, &[&lease.job.id.0, &lease.fence]).await?.is_some())
}

pub(super) async fn still_holds(work: &Work, lease: &Lease) -> Result<bool, Failure> {
    let sql = "SELECT 1 FROM jobs WHERE id = $1 AND state = 1 AND fence = $2 AND lease_until > $3 FOR UPDATE";
    Ok(work.row(sql, &[&lease.job.id.0, &lease.fence, &work.now()]).await?.is_some())
}

async fn adopt(work: &Work, lease: &Lease, account: ContactId) -> Result<Adopted, Failure> {
    let job = &lease.job;
    let lane = lane(job.record, Some(account));
    // Nobody takes a job of this account meanwhile.
    let lock = format!(" lane {} {lane}", job.tenant.0);
    work.rows("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || $1, 0))", &[&lock]).await?;
    if !holds(work, lease).await? {
        return Ok(Adopted::Lost);
    }
    work.show();
    let taken = work
        .row(
            "SELECT 1 FROM jobs WHERE tenant = $1 AND lane = $2 AND state = 1 AND id <> $3",
            &[&job.tenant.0, &lane, &job.id.0],
        )
        .await?
        .is_some();
    let adopted = if taken {
        // The other job's end rings the bell for this one.
        again(work, job, work.now(), "waits for another job of the same account", false).await?;
        let sql = "UPDATE jobs SET account_id = $2, lane = $3, attempts = greatest(attempts - 1, 0), lease_owner = NULL WHERE id = $1";
        work.execute(sql, &[&job.id.0, &account.0, &lane]).await?;
        Adopted::Busy
    } else {
        let sql = "UPDATE jobs SET account_id = $2, lane = $3 WHERE id = $1";
        work.execute(sql, &[&job.id.0, &account.0, &lane]).await?;
        Adopted::Yes
    };
    if job.record.as_contact().is_none() {
        meet_persons(work, &BTreeMap::from([((job.tenant.0.clone(), job.record.id), account.0)])).await?;
    }
    Ok(adopted)
}

/// Applies a settlement to a job that is in hand.
async fn settle(work: &Work, job: &Job, settlement: &Settlement) -> Result<(), Failure> {
    let (reason, words, failed_with) = match settlement {
        Settlement::Again { at, error, counts } => {
            return again(work, job, work.at(*at), error, *counts).await;
        }
        Settlement::Completed { words } => (None, words, None),
        Settlement::Skipped { reason, words } | Settlement::Held { reason, words } => {
            (Some(*reason), words, None)
        }
        Settlement::Failed { error, remedy, fingerprint } => (None, error, Some((remedy, fingerprint))),
    };
    let failed = i64::from(settlement.state() == JobState::Failed);
    work.execute(
        "UPDATE jobs SET state = $2, reason = $3, words = $4, remedy = $5, faults = faults + $7, finished_at = $6, updated_at = $6,
                         lease_until = NULL, fingerprint = $8
          WHERE id = $1",
        &[
            &job.id.0,
            &state_number(settlement.state()),
            &reason.map(Reason::code),
            &clean(words),
            &clean_opt(failed_with.map(|(remedy, _)| remedy)),
            &work.now(),
            &failed,
            &failed_with.map(|(_, fingerprint)| clean(&fingerprint.0)),
        ],
    )
    .await?;
    supersede_held(work, job).await?;
    work.execute(
        "UPDATE accounts SET touched_at = greatest(touched_at, $2)
          WHERE tenant = $3 AND contact_id = (SELECT coalesce(account_id, CASE entity WHEN 'contact' THEN entity_id END) FROM jobs WHERE id = $1)",
        &[&job.id.0, &work.now(), &job.tenant.0],
    )
    .await
    .map(drop)
}

/// The waiting job of a record.
async fn waiting(work: &Work, tenant: &str, record: RecordRef) -> Result<Option<i64>, Failure> {
    let sql =
        "SELECT id FROM jobs WHERE tenant = $1 AND entity = $2 AND entity_id = $3 AND state = 0 FOR UPDATE";
    let row = work.row(sql, &[&tenant, &record.entity.as_str(), &record.id]).await?;
    row.map(|row| get(&row, "id")).transpose()
}

async fn again(work: &Work, job: &Job, at: i64, error: &str, counts: bool) -> Result<(), Failure> {
    let error = clean(error);
    let counted = i64::from(counts);
    let Some(newer) = waiting(work, &job.tenant.0, job.record).await? else {
        // A receiver that begins a newer one at this moment meets the unique index, or we do; then all of this is done
        // again.
        let sql = "UPDATE jobs SET state = 0, run_at = $2, words = $3, faults = faults + $4, updated_at = $5, lease_until = NULL
                    WHERE id = $1";
        return work.execute(sql, &[&job.id.0, &at, &error, &counted, &work.now()]).await.map(drop);
    };
    work.execute(
        "UPDATE jobs SET faults = greatest(faults, (SELECT o.faults + $3 FROM jobs o WHERE o.id = $2)),
                         crashes = greatest(crashes, (SELECT o.crashes FROM jobs o WHERE o.id = $2)),
                         created = created OR $4, run_at = greatest(run_at, $5)
          WHERE id = $1",
        &[&newer, &job.id.0, &counted, &job.created, &at],
    )
    .await?;
    work.execute(
        "UPDATE jobs SET state = 3, reason = $2, words = $3, finished_at = $4, updated_at = $4, lease_until = NULL
          WHERE id = $1",
        &[&job.id.0, &Reason::Superseded.code(), &format!("job {newer} took over: {error}"), &work.now()],
    )
    .await
    .map(drop)
}

async fn retry(work: &Work, tenant: &str, id: JobId) -> Result<Retried, Failure> {
    let sql = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE tenant = $1 AND id = $2 FOR UPDATE");
    let Some(row) = work.row(&sql, &[&tenant, &id.0]).await? else { return Ok(Retried::NotFound) };
    let job = job(&row, work.ahead())?;
    let hurry = "UPDATE jobs SET run_at = $2, updated_at = $2 WHERE id = $1";
    match job.state {
        JobState::Processing => return Ok(Retried::Running),
        JobState::Pending => {
            work.execute(hurry, &[&id.0, &work.now()]).await?;
        }
        JobState::Completed => {
            // A success stays in the history; the new try is a job of its own.
            let mut wanted = Wanted::default();
            let asked = Asked { account: job.account, created: false, swept: false, at: work.now(), rest: 0 };
            let record = wanted.add(tenant, job.record, asked);
            let begun = want(work, &wanted).await?;
            let Some((fresh, _)) = begun.get(&record) else { return Err(Failure::Overtaken("a retry")) };
            work.execute(hurry, &[&fresh.0, &work.now()]).await?;
            work.ring();
            return Ok(Retried::Queued(*fresh));
        }
        JobState::Skipped | JobState::Held | JobState::Failed => {
            if let Some(newer) = waiting(work, tenant, job.record).await? {
                return Ok(Retried::AlreadyPending(JobId(newer)));
            }
            work.execute(
                "UPDATE jobs SET state = 0, run_at = $2, updated_at = $2, faults = 0, crashes = 0, reason = NULL, words = NULL,
                                 remedy = NULL, finished_at = NULL
                  WHERE id = $1",
                &[&id.0, &work.now()],
            )
            .await?;
        }
    }
    work.ring();
    Ok(Retried::Queued(id))
}

/// What one portion of held jobs came to.
struct Portion {
    released: u64,
    /// The last one that was looked at; `None` when there was none.
    last: Option<i64>,
}

/// Lets go of the next held jobs after this one: back into the queue, or, where another job of the record is newer or
/// waits, that one goes on in their place.
async fn release(work: &Work, tenant: &str, reasons: &[&str], after: i64) -> Result<Portion, Failure> {
    let sql = "SELECT id FROM jobs WHERE tenant = $1 AND state = 4 AND reason = ANY($2) AND id > $3
                ORDER BY id LIMIT $4 FOR UPDATE";
    let rows = work.rows(sql, &[&tenant, &reasons, &after, &AT_ONCE]).await?;
    let held: Vec<i64> = rows.iter().map(|row| get(row, "id")).collect::<Result<_, _>>()?;
    let superseded = "another job of the record goes on in its place";
    let sql = "UPDATE jobs SET state = 3, reason = $2, words = $3, remedy = NULL, updated_at = $4
                WHERE id = ANY($1) AND EXISTS (SELECT 1 FROM jobs n WHERE n.tenant = jobs.tenant AND n.entity = jobs.entity
                                                  AND n.entity_id = jobs.entity_id AND (n.id > jobs.id OR n.state = 0))";
    let replaced = work.execute(sql, &[&held, &Reason::Superseded.code(), &superseded, &work.now()]).await?;
    let sql = "UPDATE jobs SET state = 0, run_at = $2, updated_at = $2, faults = 0, crashes = 0, reason = NULL, words = NULL,
                               remedy = NULL, finished_at = NULL
                WHERE id = ANY($1) AND state = 4";
    let released = work.execute(sql, &[&held, &work.now()]).await?;
    if released > 0 {
        work.ring();
    } else if replaced > 0 {
        work.show();
    }
    Ok(Portion { released, last: held.last().copied() })
}

/// What was held of the record before this job: this one has ended in its place, and if it is held, it goes on for all.
async fn supersede_held(work: &Work, job: &Job) -> Result<(), Failure> {
    let sql = "UPDATE jobs SET state = 3, reason = $5, words = $6, remedy = NULL, updated_at = $7
                WHERE tenant = $1 AND entity = $2 AND entity_id = $3 AND state = 4 AND id < $4";
    let (entity, words) = (job.record.entity.as_str(), format!("job {} took over", job.id));
    let superseded = Reason::Superseded.code();
    let values: [super::connection::Value<'_>; 7] =
        [&job.tenant.0, &entity, &job.record.id, &job.id.0, &superseded, &words, &work.now()];
    work.execute(sql, &values).await.map(drop)
}

async fn jobs(
    c: &Connection,
    tenant: &str,
    filter: &JobFilter,
    page: &PageRequest,
) -> Result<Page<Job>, Failure> {
    let most = page.bounded();
    let before = page.after.as_deref().and_then(|after| after.parse::<i64>().ok()).unwrap_or(i64::MAX);
    let account = filter.account.map(|account| account.0);
    // A condition that is not there must not be in the plan either.
    let of_account = if account.is_some() { "account_id = $4" } else { "$4::bigint IS NULL" };
    let newest = |of_state: &str| {
        format!(
            "SELECT {JOB_COLUMNS} FROM jobs WHERE tenant = $1{of_state} AND {of_account} AND id < $2 ORDER BY id DESC LIMIT $3"
        )
    };
    // The newest of each state are found by an index that is made for it; of several at once all would be sorted.
    let states: Vec<String> =
        filter.states.iter().map(|state| newest(&format!(" AND state = {}", state_number(*state)))).collect();
    let sql = match &states[..] {
        [] => newest(""),
        [one] => one.clone(),
        several => {
            format!("SELECT * FROM (({})) j ORDER BY id DESC LIMIT $3", several.join(") UNION ALL ("))
        }
    };
    let rows = c.rows(&sql, &[&tenant, &before, &limit(most), &account]).await?;
    let items: Vec<Job> = rows.iter().map(|row| job(row, c.frame.ahead())).collect::<Result<_, _>>()?;
    let next = (items.len() == most).then(|| items.last().map(|job| job.id.to_string())).flatten();
    Ok(Page { items, next })
}

async fn counts(c: &Connection, tenant: &str, now: Timestamp) -> Result<QueueCounts, Failure> {
    let mut counts = QueueCounts::default();
    // Each by an index of its own, without reading the table.
    let sql = "SELECT state, count(*) AS count FROM jobs WHERE tenant = $1 AND state >= 2 GROUP BY state
               UNION ALL SELECT 0, count(*) FROM jobs WHERE tenant = $1 AND state = 0
               UNION ALL SELECT 1, count(*) FROM jobs WHERE tenant = $1 AND state = 1";
    for row in c.rows(sql, &[&tenant]).await? {
        let count: i64 = get(&row, "count")?;
        if count > 0 {
            let word = state(get(&row, "state")?)?.as_str().to_owned();
            counts.jobs.insert(word, count.unsigned_abs());
        }
    }
    let now = millis(now).saturating_add(c.frame.ahead());
    let oldest = c
        .one(
            "SELECT min(run_at) AS run_at FROM (SELECT min(run_at) AS run_at FROM jobs WHERE state = 0 AND bulk = 0 AND run_at <= $1
               UNION ALL SELECT min(run_at) FROM jobs WHERE state = 0 AND bulk = 1 AND run_at <= $1) o",
            &[&now],
        )
        .await?;
    counts.oldest_due_at = timestamp_opt(&oldest, "run_at", c.frame.ahead())?;
    Ok(counts)
}
