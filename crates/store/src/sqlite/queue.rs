//! The queue on SQLite. The database itself enforces one waiting job a record and one job in hand an account.

use std::sync::Arc;

use async_trait::async_trait;
use connector_domain::fingerprint::Fingerprint;
use connector_domain::ids::{ContactId, JobId, RecordRef, TenantId};
use connector_domain::job::{Job, JobState, Settlement};
use connector_domain::policy::Policy;
use connector_domain::reason::Reason;
use connector_faults::{Bug, Point, planted, reach};
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::Notify;

use super::inbox::meet_person;
use super::journal::{add_steps, close_intents};
use super::rows::{JOB_COLUMNS, job, job_by_id, lane, millis, moment, state, state_number, timestamp_opt};
use super::writer::Touched;
use super::{SqliteStore, failures};
use crate::StoreError;
use crate::journal::{Resolution, Step};
use crate::page::{Page, PageRequest};
use crate::queue::{
    Adopted, Failures, JobFilter, Lease, MOST_CRASHES, Queue, QueueCounts, Retried, SUSPECT_AFTER, Settled,
};

#[async_trait]
impl Queue for SqliteStore {
    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError> {
        if planted(Bug::RecoverForgotten) {
            return Ok(0);
        }
        let until = if self.alone { None } else { Some(now) };
        self.writer.call(move |connection, touched| abandoned(connection, touched, until, now)).await
    }

    async fn lease(
        &self,
        worker: &str,
        most: usize,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<Lease>, StoreError> {
        let worker = worker.to_owned();
        self.writer
            .call(move |connection, touched| {
                abandoned(connection, touched, Some(now), now)?;
                let mut leases = Vec::new();
                while leases.len() < most {
                    let Some(lease) = lease_one(connection, &worker, ttl, now)? else { break };
                    reach(Point::LeaseTaken);
                    leases.push(lease);
                }
                touched.view |= !leases.is_empty();
                Ok(leases)
            })
            .await
    }

    async fn renew(
        &self,
        leases: &[(JobId, i64)],
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<JobId>, StoreError> {
        let leases = leases.to_vec();
        self.writer
            .call(move |connection, _| {
                let mut over = Vec::new();
                let mut renew = connection.prepare_cached(
                    "UPDATE jobs SET lease_until = ?3 WHERE id = ?1 AND fence = ?2 AND state = 1",
                )?;
                for (job, fence) in &leases {
                    if renew.execute((job.0, fence, millis(now + ttl)))? == 0 {
                        over.push(*job);
                    }
                }
                Ok(over)
            })
            .await
    }

    async fn adopt(&self, lease: &Lease, account: ContactId, now: Timestamp) -> Result<Adopted, StoreError> {
        let lease = lease.clone();
        self.writer.call(move |connection, touched| adopt(connection, touched, &lease, account, now)).await
    }

    async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        resolutions: Vec<Resolution>,
        steps: Vec<Step>,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let lease = lease.clone();
        self.writer
            .call(move |connection, touched| {
                // What was written stays written, whoever has the job now.
                if !planted(Bug::WritesNotNoted) {
                    close_intents(connection, &resolutions, now)?;
                }
                reach(Point::WritesNoted);
                if !holds(connection, &lease)? {
                    let was_taken = is_settled(connection, &lease)?;
                    return Ok(if was_taken { Settled::Yes } else { Settled::Lost });
                }
                add_steps(connection, &lease.job.tenant.0, lease.job.id, &steps)?;
                settle(connection, &lease, &settlement, now)?;
                reach(Point::JobSettled);
                *touched = Touched { queue: true, view: true };
                Ok(Settled::Yes)
            })
            .await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers
            .read(|connection| {
                let told = first_free(connection, false, i64::MAX)?;
                let found = first_free(connection, true, i64::MAX)?;
                let first = told.into_iter().chain(found).map(|(_, run_at)| run_at).min();
                first.map(|run_at| moment("run_at", run_at)).transpose()
            })
            .await
    }

    async fn retry(&self, tenant: &TenantId, job: JobId, now: Timestamp) -> Result<Retried, StoreError> {
        let tenant = tenant.0.clone();
        self.writer.call(move |connection, touched| retry(connection, touched, &tenant, job, now)).await
    }

    async fn release(
        &self,
        tenant: &TenantId,
        reasons: &[Reason],
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut released = 0;
        for reason in reasons.iter().copied() {
            let mut next = Some(0);
            while let Some(after) = next {
                let tenant = tenant.0.clone();
                let portion = self
                    .writer
                    .call(move |connection, touched| {
                        release(connection, touched, &tenant, reason, after, now)
                    })
                    .await?;
                released += portion.released;
                next = portion.last;
            }
        }
        Ok(released)
    }

    async fn failures(&self, tenant: &TenantId, most: usize) -> Result<Failures, StoreError> {
        let tenant = tenant.0.clone();
        self.readers.read(move |connection| failures::by_cause(connection, &tenant, most)).await
    }

    async fn retry_all(
        &self,
        tenant: &TenantId,
        fingerprint: &Fingerprint,
        most: usize,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let (tenant, fingerprint) = (tenant.0.clone(), fingerprint.clone());
        self.writer
            .call(move |connection, touched| {
                failures::retry_all(connection, touched, &tenant, &fingerprint, most, now)
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
        let (tenant, records) = (tenant.0.clone(), records.to_vec());
        self.writer
            .call(move |connection, touched| {
                let mut fresh = 0;
                for (record, account) in &records {
                    let wanted = Wanted {
                        tenant: &tenant,
                        record: *record,
                        account: *account,
                        created: false,
                        swept: false,
                    };
                    let (_, is_new) = want(connection, &wanted, policy.rest, now)?;
                    fresh += u64::from(is_new);
                }
                *touched = Touched { queue: true, view: true };
                Ok(fresh)
            })
            .await
    }

    async fn job(&self, tenant: &TenantId, job: JobId) -> Result<Option<Job>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers.read(move |connection| job_by_id(connection, &tenant, job)).await
    }

    async fn jobs(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<Job>, StoreError> {
        let (tenant, filter, page) = (tenant.0.clone(), filter.clone(), page.clone());
        self.readers.read(move |connection| jobs(connection, &tenant, &filter, &page)).await
    }

    async fn queue_counts(&self, tenant: &TenantId, now: Timestamp) -> Result<QueueCounts, StoreError> {
        let tenant = tenant.0.clone();
        self.readers.read(move |connection| counts(connection, &tenant, now)).await
    }

    fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }
}

/// So much longer a job that a sweep asked for waits than others, and no more.
const BULK_PATIENCE: SignedDuration = SignedDuration::from_mins(5);

/// Work that is asked for.
pub(super) struct Wanted<'a> {
    pub(super) tenant: &'a str,
    pub(super) record: RecordRef,
    pub(super) account: Option<ContactId>,
    pub(super) created: bool,
    /// Whether a sweep asks for it.
    pub(super) swept: bool,
}

/// Joins the waiting job of the record, or begins one. Says which job, and whether it is new.
///
/// Several plain statements instead of one upsert: this is the hottest path there is, and an upsert that returns a row
/// takes half as long again.
pub(super) fn want(
    connection: &Connection,
    wanted: &Wanted<'_>,
    rest: SignedDuration,
    now: Timestamp,
) -> rusqlite::Result<(JobId, bool)> {
    let record = (wanted.tenant, wanted.record.entity.as_str(), wanted.record.id);
    let newest: Option<(i64, i64, Option<i64>)> = connection
        .prepare_cached(
            "SELECT id, state, started_at FROM jobs INDEXED BY jobs_record
              WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 ORDER BY id DESC LIMIT 1",
        )?
        .query_row(record, |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let waiting = match newest {
        None => None,
        Some((job, state, _)) if state == state_number(JobState::Pending) => Some(job),
        Some((job, state, _))
            if planted(Bug::EventJoinsRunningJob) && state == state_number(JobState::Processing) =>
        {
            Some(job)
        }
        // An older job may wait again, because somebody asked for another try.
        Some(_) => connection
            .prepare_cached(
                "SELECT id FROM jobs INDEXED BY jobs_one_pending
                  WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND state = 0",
            )?
            .query_row(record, |row| row.get(0))
            .optional()?,
    };
    if let Some(job) = waiting {
        return join(connection, wanted, job, now).map(|()| (JobId(job), false));
    }
    let rest = i64::try_from(rest.as_millis()).unwrap_or(i64::MAX / 4);
    let worked_on = newest.and_then(|(_, _, started)| started);
    let rested = worked_on.map_or(0, |started| started.saturating_add(rest));
    begin(connection, wanted, rested, now).map(|job| (job, true))
}

fn join(connection: &Connection, wanted: &Wanted<'_>, job: i64, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE jobs SET events = events + 1, created = max(created, ?2), updated_at = ?3,
                             account_id = coalesce(?4, account_id),
                             lane = CASE WHEN ?4 IS NULL THEN lane ELSE ?5 END, bulk = min(bulk, ?6)
              WHERE id = ?1",
        )?
        .execute((
            job,
            wanted.created,
            millis(now),
            wanted.account.map(|account| account.0),
            lane(wanted.record, wanted.account),
            wanted.swept,
        ))
        .map(drop)
}

fn begin(
    connection: &Connection,
    wanted: &Wanted<'_>,
    rested: i64,
    now: Timestamp,
) -> rusqlite::Result<JobId> {
    connection
        .prepare_cached(
            "INSERT INTO jobs (tenant, entity, entity_id, account_id, lane, created, state, run_at, events, created_at, updated_at, swept, bulk)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, 1, ?8, ?8, ?9, ?9)",
        )?
        .execute(params![
            wanted.tenant,
            wanted.record.entity.as_str(),
            wanted.record.id,
            wanted.account.map(|account| account.0),
            lane(wanted.record, wanted.account),
            wanted.created,
            rested.max(millis(now)),
            millis(now),
            wanted.swept,
        ])?;
    Ok(JobId(connection.last_insert_rowid()))
}

fn lease_one(
    connection: &Connection,
    worker: &str,
    ttl: SignedDuration,
    now: Timestamp,
) -> rusqlite::Result<Option<Lease>> {
    let Some(next) = next_to_lease(connection, now)? else { return Ok(None) };
    let sql = format!(
        "UPDATE jobs SET state = 1, attempts = attempts + 1, fence = fence + 1, lease_owner = ?1, lease_until = ?2,
                         started_at = ?3, updated_at = ?3
          WHERE id = ?4
          RETURNING {JOB_COLUMNS}, fence"
    );
    connection
        .prepare_cached(&sql)?
        .query_row((worker, millis(now + ttl), millis(now), next), |row| {
            Ok(Lease { job: job(row)?, fence: row.get("fence")?, until: now + ttl })
        })
        .optional()
}

/// The job to lease next: the one that is due longest and not held back. What a sweep found gives way to what was told,
/// unless it has waited for so much longer that it would never have its turn.
fn next_to_lease(connection: &Connection, now: Timestamp) -> rusqlite::Result<Option<i64>> {
    let (told, found) =
        (first_free(connection, false, millis(now))?, first_free(connection, true, millis(now))?);
    let patience = i64::try_from(BULK_PATIENCE.as_millis()).unwrap_or(i64::MAX / 4);
    Ok(match (told, found) {
        (Some((_, told_at)), Some((found, found_at))) if found_at.saturating_add(patience) < told_at => {
            Some(found)
        }
        (Some((told, _)), _) => Some(told),
        (None, found) => found.map(|(found, _)| found),
    })
}

/// The first job due by `until` whose lane is free, and when it was due.
///
/// Of those that were in hand at several deaths of a worker one is in hand at a time: the cause of the deaths is among
/// them, and whoever is in hand without it does not die.
fn first_free(connection: &Connection, bulk: bool, until: i64) -> rusqlite::Result<Option<(i64, i64)>> {
    if planted(Bug::NewestFirst) {
        let sql = "SELECT j.id, j.run_at FROM jobs j WHERE j.state = 0 AND j.bulk = ?1 AND j.run_at <= ?2
                AND NOT EXISTS (SELECT 1 FROM jobs p WHERE p.state = 1 AND p.tenant = j.tenant AND p.lane = j.lane)
              ORDER BY j.run_at DESC LIMIT 1";
        let mut statement = connection.prepare_cached(sql)?;
        return statement.query_row((bulk, until), |row| Ok((row.get(0)?, row.get(1)?))).optional();
    }
    let suspect = if planted(Bug::SuspectsTogether) { i64::MAX } else { i64::from(SUSPECT_AFTER) };
    connection
        .prepare_cached(
            "SELECT j.id, j.run_at FROM jobs j INDEXED BY jobs_due
              WHERE j.state = 0 AND j.bulk = ?1 AND j.run_at <= ?2
                AND NOT EXISTS (SELECT 1 FROM jobs p WHERE p.state = 1 AND p.tenant = j.tenant AND p.lane = j.lane)
                AND (j.crashes < ?3 OR NOT EXISTS (SELECT 1 FROM jobs s WHERE s.state = 1 AND s.crashes >= ?3))
              ORDER BY j.run_at, j.id LIMIT 1",
        )?
        .query_row((bulk, until, suspect), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Returns jobs whose lease is over to the queue: all of them, or those that ended by `until`.
fn abandoned(
    connection: &Connection,
    touched: &mut Touched,
    until: Option<Timestamp>,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    let over = if planted(Bug::ReaperIgnoresRenewals) { "started_at + 120000" } else { "lease_until" };
    let sql = format!(
        "SELECT {JOB_COLUMNS}, fence FROM jobs INDEXED BY jobs_lease WHERE state = 1 AND {over} <= ?1 ORDER BY id"
    );
    let dead: Vec<(Job, i64)> = connection
        .prepare_cached(&sql)?
        .query_map([until.map_or(i64::MAX, millis)], |row| Ok((job(row)?, row.get("fence")?)))?
        .collect::<Result<_, _>>()?;
    for (job, fence) in &dead {
        let crashes = job.crashes + u32::from(!planted(Bug::CrashesNotCounted));
        connection
            .prepare_cached("UPDATE jobs SET crashes = ?2, lease_owner = NULL WHERE id = ?1")?
            .execute((job.id.0, crashes))?;
        let settlement = if crashes >= MOST_CRASHES {
            Settlement::Failed {
                error: format!("its worker died {crashes} times while at it"),
                remedy: "look into the log for what stopped the worker, then retry the job".into(),
                fingerprint: Fingerprint::of_crashes(),
            }
        } else {
            let error = "its worker stopped before it was done".to_owned();
            Settlement::Again { at: now, error, counts: false }
        };
        let lease = Lease { job: job.clone(), fence: *fence, until: now };
        settle(connection, &lease, &settlement, now)?;
        reach(Point::AbandonedReturned);
        *touched = Touched { queue: true, view: true };
    }
    Ok(dead.len() as u64)
}

fn holds(connection: &Connection, lease: &Lease) -> rusqlite::Result<bool> {
    if planted(Bug::LeaseWithoutFence) {
        return Ok(true);
    }
    connection
        .prepare_cached("SELECT 1 FROM jobs WHERE id = ?1 AND state = 1 AND fence = ?2")?
        .exists((lease.job.id.0, lease.fence))
}

/// Whether this holder's result was taken already, though nobody told it so. An attempt that ended in another way has no
/// holder any more.
fn is_settled(connection: &Connection, lease: &Lease) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM jobs WHERE id = ?1 AND state <> 1 AND fence = ?2 AND lease_owner IS NOT NULL",
        )?
        .exists((lease.job.id.0, lease.fence))
}

pub(super) fn still_holds(connection: &Connection, lease: &Lease, now: Timestamp) -> rusqlite::Result<bool> {
    if planted(Bug::StaleHolderWrites) {
        return Ok(true);
    }
    connection
        .prepare_cached("SELECT 1 FROM jobs WHERE id = ?1 AND state = 1 AND fence = ?2 AND lease_until > ?3")?
        .exists((lease.job.id.0, lease.fence, millis(now)))
}

fn adopt(
    connection: &Connection,
    touched: &mut Touched,
    lease: &Lease,
    account: ContactId,
    now: Timestamp,
) -> rusqlite::Result<Adopted> {
    if !holds(connection, lease)? {
        return Ok(Adopted::Lost);
    }
    touched.view = true;
    if planted(Bug::PersonsBesideTheirCompany) {
        let mut adopt = connection.prepare_cached("UPDATE jobs SET account_id = ?2 WHERE id = ?1")?;
        return adopt.execute((lease.job.id.0, account.0)).map(|_| Adopted::Yes);
    }
    let lane = lane(lease.job.record, Some(account));
    if lease.job.record.as_contact().is_none() {
        meet_person(connection, &lease.job.tenant.0, lease.job.record.id, account)?;
    }
    let taken = connection
        .prepare_cached("SELECT 1 FROM jobs WHERE tenant = ?1 AND lane = ?2 AND state = 1 AND id <> ?3")?
        .exists((&lease.job.tenant.0, &lane, lease.job.id.0))?;
    if !taken {
        connection.prepare_cached("UPDATE jobs SET account_id = ?2, lane = ?3 WHERE id = ?1")?.execute((
            lease.job.id.0,
            account.0,
            lane,
        ))?;
        return Ok(Adopted::Yes);
    }
    // The other job's end rings the bell for this one.
    let error = "waits for another job of the same account".to_owned();
    settle(connection, lease, &Settlement::Again { at: now, error, counts: false }, now)?;
    connection
        .prepare_cached(
            "UPDATE jobs SET account_id = ?2, lane = ?3, attempts = max(attempts - 1, 0), lease_owner = NULL WHERE id = ?1",
        )?
        .execute((lease.job.id.0, account.0, lane))?;
    Ok(Adopted::Busy)
}

/// Applies a settlement to a job that is in hand.
fn settle(
    connection: &Connection,
    lease: &Lease,
    settlement: &Settlement,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let job = &lease.job;
    if let Settlement::Again { at, error, counts } = settlement {
        return again(connection, job, *at, error, *counts, now);
    }
    let (reason, words, failed_with) = match settlement {
        Settlement::Completed { words } => (None, words, None),
        Settlement::Skipped { reason, words } | Settlement::Held { reason, words } => {
            (Some(*reason), words, None)
        }
        Settlement::Failed { error, remedy, fingerprint } => (None, error, Some((remedy, fingerprint))),
        Settlement::Again { error, .. } => (None, error, None),
    };
    let failed = i64::from(settlement.state() == JobState::Failed);
    connection
        .prepare_cached(
            "UPDATE jobs SET state = ?2, reason = ?3, words = ?4, remedy = ?5, faults = faults + ?7, finished_at = ?6, updated_at = ?6,
                             lease_until = NULL, fingerprint = ?8
              WHERE id = ?1",
        )?
        .execute(params![
            job.id.0,
            state_number(settlement.state()),
            reason.map(Reason::code),
            words,
            failed_with.map(|(remedy, _)| remedy),
            millis(now),
            failed,
            failed_with.map(|(_, fingerprint)| &fingerprint.0),
        ])?;
    supersede_held(connection, job, now)?;
    touch_account(connection, job, now)
}

fn again(
    connection: &Connection,
    job: &Job,
    at: Timestamp,
    error: &str,
    counts: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let newer: Option<i64> = connection
        .prepare_cached(
            "SELECT id FROM jobs WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND state = 0",
        )?
        .query_row((&job.tenant.0, job.record.entity.as_str(), job.record.id), |row| row.get(0))
        .optional()?;
    let Some(newer) = newer else {
        let counts = counts && !planted(Bug::FaultsForgotten);
        let wait = at.duration_since(now);
        let at = if planted(Bug::WaitsInHours) { at + wait * 59 } else { at };
        connection
            .prepare_cached(
                "UPDATE jobs SET state = 0, run_at = ?2, words = ?3, faults = faults + ?4, updated_at = ?5, lease_until = NULL
                  WHERE id = ?1",
            )?
            .execute((job.id.0, millis(at), error, counts, millis(now)))?;
        return Ok(());
    };
    let inherits = if planted(Bug::HeirBeginsAnew) { "id = ?1 AND 0" } else { "id = ?1" };
    connection
        .prepare_cached(&format!(
            "UPDATE jobs SET faults = max(faults, (SELECT faults + ?3 FROM jobs WHERE id = ?2)),
                             crashes = max(crashes, (SELECT crashes FROM jobs WHERE id = ?2)),
                             created = max(created, ?4), run_at = max(run_at, ?5)
              WHERE {inherits}"
        ))?
        .execute((newer, job.id.0, counts, job.created, millis(at)))?;
    connection
        .prepare_cached(
            "UPDATE jobs SET state = 3, reason = ?2, words = ?3, finished_at = ?4, updated_at = ?4, lease_until = NULL
              WHERE id = ?1",
        )?
        .execute((job.id.0, Reason::Superseded.code(), format!("job {newer} took over: {error}"), millis(now)))
        .map(drop)
}

fn touch_account(connection: &Connection, job: &Job, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE accounts SET touched_at = max(touched_at, ?2)
              WHERE tenant = ?3 AND contact_id = (SELECT coalesce(account_id, CASE entity WHEN 'contact' THEN entity_id END) FROM jobs WHERE id = ?1)",
        )?
        .execute((job.id.0, millis(now), &job.tenant.0))
        .map(drop)
}

fn retry(
    connection: &Connection,
    touched: &mut Touched,
    tenant: &str,
    id: JobId,
    now: Timestamp,
) -> rusqlite::Result<Retried> {
    let Some(job) = job_by_id(connection, tenant, id)? else { return Ok(Retried::NotFound) };
    match job.state {
        JobState::Processing => return Ok(Retried::Running),
        JobState::Pending => {
            connection
                .prepare_cached("UPDATE jobs SET run_at = ?2, updated_at = ?2 WHERE id = ?1")?
                .execute((id.0, millis(now)))?;
        }
        JobState::Completed => {
            // A success stays in the history; the new try is a job of its own.
            let wanted =
                Wanted { tenant, record: job.record, account: job.account, created: false, swept: false };
            let (fresh, _) = want(connection, &wanted, SignedDuration::ZERO, now)?;
            connection
                .prepare_cached("UPDATE jobs SET run_at = ?2, updated_at = ?2 WHERE id = ?1")?
                .execute((fresh.0, millis(now)))?;
            *touched = Touched { queue: true, view: true };
            return Ok(Retried::Queued(fresh));
        }
        JobState::Skipped | JobState::Held | JobState::Failed => {
            let newer: Option<i64> = connection
                .prepare_cached(
                    "SELECT id FROM jobs WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND state = 0",
                )?
                .query_row((tenant, job.record.entity.as_str(), job.record.id), |row| row.get(0))
                .optional()?;
            if let Some(newer) = newer {
                return Ok(Retried::AlreadyPending(JobId(newer)));
            }
            connection
                .prepare_cached(
                    "UPDATE jobs SET state = 0, run_at = ?2, updated_at = ?2, faults = 0, crashes = 0, reason = NULL, words = NULL,
                                     remedy = NULL, finished_at = NULL
                      WHERE id = ?1",
                )?
                .execute((id.0, millis(now)))?;
        }
    }
    *touched = Touched { queue: true, view: true };
    Ok(Retried::Queued(id))
}

/// So many held jobs are put back at a time.
const AT_ONCE: usize = 200;

/// What one portion of held jobs came to.
struct Portion {
    released: u64,
    /// The last one that was looked at; `None` when there was none.
    last: Option<i64>,
}

/// Lets go of the next held jobs after this one: back into the queue, or, where another job of the record is newer or
/// waits, that one goes on in their place.
fn release(
    connection: &Connection,
    touched: &mut Touched,
    tenant: &str,
    reason: Reason,
    after: i64,
    now: Timestamp,
) -> rusqlite::Result<Portion> {
    let last: Option<i64> = connection
        .prepare_cached(
            "SELECT max(id) FROM (SELECT id FROM jobs INDEXED BY jobs_ended
                                   WHERE tenant = ?1 AND state >= 2 AND state = 4 AND reason = ?2 AND id > ?3
                                   ORDER BY id LIMIT ?4)",
        )?
        .query_row((tenant, reason.code(), after, AT_ONCE), |row| row.get(0))?;
    let Some(last) = last else { return Ok(Portion { released: 0, last }) };
    let replaced = if planted(Bug::HeldBesideItsHeir) {
        0
    } else {
        connection
            .prepare_cached(
                "UPDATE jobs SET state = 3, reason = ?5, words = 'another job of the record goes on in its place', remedy = NULL,
                                 updated_at = ?6
                  WHERE tenant = ?1 AND state >= 2 AND state = 4 AND reason = ?2 AND id > ?3 AND id <= ?4
                    AND EXISTS (SELECT 1 FROM jobs n INDEXED BY jobs_record
                                 WHERE n.tenant = jobs.tenant AND n.entity = jobs.entity
                                   AND n.entity_id = jobs.entity_id AND (n.id > jobs.id OR n.state = 0))",
            )?
            .execute(params![tenant, reason.code(), after, last, Reason::Superseded.code(), millis(now)])?
    };
    let released = connection
        .prepare_cached(
            "UPDATE jobs SET state = 0, run_at = ?5, updated_at = ?5, faults = 0, crashes = 0, reason = NULL, words = NULL,
                             remedy = NULL, finished_at = NULL
              WHERE id IN (SELECT h.id FROM jobs h INDEXED BY jobs_ended
                            WHERE h.tenant = ?1 AND h.state >= 2 AND h.state = 4 AND h.reason = ?2 AND h.id > ?3 AND h.id <= ?4
                              AND NOT EXISTS (SELECT 1 FROM jobs n INDEXED BY jobs_record
                                               WHERE n.tenant = h.tenant AND n.entity = h.entity
                                                 AND n.entity_id = h.entity_id AND (n.id > h.id OR n.state = 0)))",
        )?
        .execute(params![tenant, reason.code(), after, last, millis(now)])?;
    if released > 0 {
        *touched = Touched { queue: true, view: true };
    }
    touched.view |= replaced > 0;
    Ok(Portion { released: released as u64, last: Some(last) })
}

/// What was held of the record before this job: this one has ended in its place, and if it is held, it goes on for all.
fn supersede_held(connection: &Connection, job: &Job, now: Timestamp) -> rusqlite::Result<()> {
    if planted(Bug::HeldBesideItsHeir) {
        return Ok(());
    }
    connection
        .prepare_cached(
            "UPDATE jobs INDEXED BY jobs_held SET state = 3, reason = ?5, words = ?6, remedy = NULL, updated_at = ?7
              WHERE tenant = ?1 AND entity = ?2 AND entity_id = ?3 AND state = 4 AND id < ?4",
        )?
        .execute(params![
            job.tenant.0,
            job.record.entity.as_str(),
            job.record.id,
            job.id.0,
            Reason::Superseded.code(),
            format!("job {} took over", job.id),
            millis(now),
        ])
        .map(drop)
}

fn jobs(
    connection: &Connection,
    tenant: &str,
    filter: &JobFilter,
    page: &PageRequest,
) -> rusqlite::Result<Page<Job>> {
    let limit = page.bounded();
    let before = page.after.as_deref().and_then(|after| after.parse::<i64>().ok()).unwrap_or(i64::MAX);
    let of_account = if filter.account.is_some() { "account_id = ?4" } else { "?4 IS NULL" };
    let newest = |tenant_column: &str, state: &str| {
        format!(
            "SELECT {JOB_COLUMNS} FROM jobs WHERE {tenant_column} = ?1{state} AND {of_account} AND id < ?2 ORDER BY id DESC LIMIT ?3"
        )
    };
    let states: Vec<String> = filter.states.iter().map(|state| newest("tenant", one_state(*state))).collect();
    let sql = match &states[..] {
        // Without a narrower condition the newest are read off the end of the table, and the index on the tenant would
        // sort all of them; the plus sign keeps it out.
        [] if filter.account.is_none() => newest("+tenant", ""),
        [] => newest("tenant", ""),
        // The newest of each state are found by an index; of several at once all would be sorted.
        _ => format!(
            "SELECT * FROM (SELECT * FROM ({})) ORDER BY id DESC LIMIT ?3",
            states.join(") UNION ALL SELECT * FROM (")
        ),
    };
    let items: Vec<Job> = connection
        .prepare_cached(&sql)?
        .query_map(params![tenant, before, limit, filter.account.map(|account| account.0)], job)?
        .collect::<Result<_, _>>()?;
    let next = (items.len() == limit).then(|| items.last().map(|job| job.id.to_string())).flatten();
    Ok(Page { items, next })
}

/// A condition that the indexes of waiting, running and ended jobs are made for.
const fn one_state(state: JobState) -> &'static str {
    match state {
        JobState::Pending => " AND state = 0",
        JobState::Processing => " AND state = 1",
        JobState::Completed => " AND state >= 2 AND state = 2",
        JobState::Skipped => " AND state >= 2 AND state = 3",
        JobState::Held => " AND state >= 2 AND state = 4",
        JobState::Failed => " AND state >= 2 AND state = 5",
    }
}

fn counts(connection: &Connection, tenant: &str, now: Timestamp) -> rusqlite::Result<QueueCounts> {
    let mut counts = QueueCounts::default();
    let ways = [
        "SELECT state, count(*) FROM jobs INDEXED BY jobs_ended WHERE tenant = ?1 AND state >= 2 GROUP BY state",
        "SELECT state, count(*) FROM jobs INDEXED BY jobs_one_pending WHERE tenant = ?1 AND state = 0",
        "SELECT state, count(*) FROM jobs INDEXED BY jobs_one_in_flight WHERE tenant = ?1 AND state = 1",
    ];
    for sql in ways {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([tenant])?;
        while let Some(row) = rows.next()? {
            // A count of nothing comes without a state.
            if let Some(number) = row.get::<_, Option<i64>>(0)? {
                counts.jobs.insert(state(number)?.as_str().to_owned(), row.get(1)?);
            }
        }
    }
    counts.oldest_due_at = connection
        .prepare_cached("SELECT min(run_at) AS run_at FROM (SELECT min(run_at) AS run_at FROM jobs WHERE state = 0 AND bulk = 0 AND run_at <= ?1
               UNION ALL SELECT min(run_at) FROM jobs WHERE state = 0 AND bulk = 1 AND run_at <= ?1)")?
        .query_row([millis(now)], |row| timestamp_opt(row, "run_at"))?;
    Ok(counts)
}
