//! The work that waits, who is at it, and how it ended.
//!
//! A worker takes a job on a lease and keeps it by heart-beat; one that dies needs no cleaning up after. Two workers
//! never have jobs of one account at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use connector_domain::fingerprint::Fingerprint;
use connector_domain::ids::{ContactId, JobId, RecordRef, TenantId};
use connector_domain::job::{Job, JobState, Settlement};
use connector_domain::policy::Policy;
use connector_domain::reason::Reason;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::Notify;

use crate::StoreError;
use crate::journal::{Resolution, Step};
use crate::page::{Page, PageRequest};

/// After so many deaths of its worker a job is taken to be the cause, and fails.
pub const MOST_CRASHES: u32 = 20;
/// A job that was in hand at so many deaths of its worker may be their cause: it is in hand beside no other such job.
pub const SUSPECT_AFTER: u32 = 3;

/// A job in the hands of one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The job.
    pub job: Job,
    /// Raised with each lease of the job, so that a late result of an earlier holder is recognised.
    pub fence: i64,
    /// Until when nobody else may have it.
    pub until: Timestamp,
}

/// Whether a worker may go on with an account that it has just learnt of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adopted {
    /// The account is now this job's.
    Yes,
    /// Another worker has the account. The job waits again; the lease is over.
    Busy,
    /// The lease was over already.
    Lost,
}

/// Whether a result was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It was.
    Yes,
    /// The lease was over; somebody else has the job, and the result is dropped.
    Lost,
}

/// What came of asking for another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// This job waits for a worker: the same one, or a new one when the old one is a success to be remembered.
    Queued(JobId),
    /// A newer job of the same record waits already.
    AlreadyPending(JobId),
    /// A worker is at it.
    Running,
    /// There is no such job.
    NotFound,
}

/// What is known of the queue as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct QueueCounts {
    /// Jobs by state.
    pub jobs: BTreeMap<String, u64>,
    /// When the oldest job that is due began to wait.
    pub oldest_due_at: Option<Timestamp>,
}

impl QueueCounts {
    /// How many jobs are in a state.
    pub fn of(&self, state: JobState) -> u64 {
        self.jobs.get(state.as_str()).copied().unwrap_or_default()
    }

    /// How many jobs have not ended.
    pub fn open(&self) -> u64 {
        self.of(JobState::Pending) + self.of(JobState::Processing)
    }
}

/// The records that failed for one cause and have not been tried again since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureGroup {
    /// What they have in common.
    pub fingerprint: Fingerprint,
    /// What the latest of them failed with.
    pub words: Option<String>,
    /// What a person can do about it.
    pub remedy: Option<String>,
    /// How many records.
    pub count: u64,
    /// When the first of them failed.
    pub first_at: Timestamp,
    /// When the latest of them failed.
    pub last_at: Timestamp,
    /// The latest of them.
    pub example: JobId,
}

/// The failures by their cause.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failures {
    /// The causes that most records have.
    pub groups: Vec<FailureGroup>,
    /// How many further causes there are.
    pub more: u64,
}

/// Which jobs to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobFilter {
    /// Only these states; empty means all.
    pub states: Vec<JobState>,
    /// Only this account's.
    pub account: Option<ContactId>,
}

/// Hands out work and takes back results.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Returns the jobs of workers that died to the queue. Run once, before the first lease.
    ///
    /// Where one process has the database (SQLite) every lease found at the start is a dead one; where several share it
    /// (PostgreSQL) the others may be alive, so only leases whose time is over are. A job whose worker died
    /// [`MOST_CRASHES`] times fails. Returns how many jobs were found.
    async fn recover(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Leases up to `most` due jobs to `worker`, until `now + ttl`, the one that is due longest first. What a sweep found goes
    /// after what was told, unless it has waited for five minutes longer.
    ///
    /// A leased job is hidden from every other worker, and so are the other jobs of the same account. A worker that
    /// dies needs no cleaning up after: its job is due again when the lease ends.
    ///
    /// Of the jobs that were in hand at [`SUSPECT_AFTER`] deaths one is in hand at a time, with whichever worker: so the one
    /// that kills its worker does not take the others with it until all of them have failed.
    ///
    /// Returns nothing when nothing is due. That is the normal state of a queue, not an error.
    ///
    /// # Errors
    ///
    /// Nothing is leased then, as far as is known. Where it is not known, the next request puts back what was leased all
    /// the same, and counts no death for it.
    async fn lease(
        &self,
        worker: &str,
        most: usize,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<Lease>, StoreError>;

    /// Keeps leases until `now + ttl`. Returns those that were over already.
    async fn renew(
        &self,
        leases: &[(JobId, i64)],
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<JobId>, StoreError>;

    /// Notes which account a person's job belongs to, once that is known, and claims the account for it.
    async fn adopt(&self, lease: &Lease, account: ContactId, now: Timestamp) -> Result<Adopted, StoreError>;

    /// Ends an attempt: the job's new state, what its writes came to, and what happened on the way, in one
    /// transaction.
    ///
    /// A job that goes back to waiting while a newer one of the same record waits already is skipped as superseded,
    /// and the newer one inherits its faults.
    ///
    /// # Errors
    ///
    /// It may be asked again, also where it is not known whether it was done: a result is taken once.
    async fn settle(
        &self,
        lease: &Lease,
        settlement: Settlement,
        resolutions: Vec<Resolution>,
        steps: Vec<Step>,
        now: Timestamp,
    ) -> Result<Settled, StoreError>;

    /// When the next job is due that nobody holds back; `None` when nothing waits.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Asks for another try of a job that has ended.
    async fn retry(&self, tenant: &TenantId, job: JobId, now: Timestamp) -> Result<Retried, StoreError>;

    /// Puts jobs that are held for one of these reasons back in the queue, as a new start, so many at a time that nobody
    /// waits for it. Returns how many.
    ///
    /// Of several jobs of one record only the newest goes on: a held one ends as superseded where there is a newer one, or
    /// where one waits already. So it does, without being asked for, when a newer one ends.
    ///
    /// # Errors
    ///
    /// Some may have gone on; the others do when it is asked again.
    async fn release(&self, tenant: &TenantId, reasons: &[Reason], now: Timestamp)
    -> Result<u64, StoreError>;

    /// The failures by their cause, the `most` causes that most records have. A record that has been worked on again since
    /// it failed, or waits to be, is not among them.
    async fn failures(&self, tenant: &TenantId, most: usize) -> Result<Failures, StoreError>;

    /// Puts up to `most` records of one cause, of those that [`Self::failures`] counts, back in the queue as a new start, the
    /// earliest first. What has failed after `now` is left alone, so that whoever asks until nothing is left comes to an
    /// end. Returns how many.
    async fn retry_all(
        &self,
        tenant: &TenantId,
        fingerprint: &Fingerprint,
        most: usize,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Asks for work on records without an event, such as the persons of a company whose vertical changed.
    ///
    /// Joins a waiting job like an event does. Returns how many records had none waiting.
    async fn enqueue(
        &self,
        tenant: &TenantId,
        records: &[(RecordRef, Option<ContactId>)],
        policy: Arc<Policy>,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// One job.
    async fn job(&self, tenant: &TenantId, job: JobId) -> Result<Option<Job>, StoreError>;

    /// The jobs, newest first.
    async fn jobs(
        &self,
        tenant: &TenantId,
        filter: &JobFilter,
        page: &PageRequest,
    ) -> Result<Page<Job>, StoreError>;

    /// Jobs by state, counted in the database, and since when the longest-waiting one of those due now has waited.
    async fn queue_counts(&self, tenant: &TenantId, now: Timestamp) -> Result<QueueCounts, StoreError>;

    /// Rings when there may be something to lease: an event was accepted, an account became free, a retry was asked
    /// for.
    fn wake(&self) -> Arc<Notify>;
}
