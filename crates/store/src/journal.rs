//! What we did and meant to do, so that it is done once, can be shown, and can be undone.
//!
//! An intent is on disk before the request leaves. After a crash the intent tells what may have landed.

use std::collections::BTreeMap;

use async_trait::async_trait;
use connector_domain::field::{Target, Value};
use connector_domain::ids::{ContactId, JobId, RecordRef, TenantId};
use connector_domain::patch::{FieldWrite, Patch};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::queue::Lease;

/// The number of an intent.
pub type WriteId = i64;

/// What came of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteState {
    /// The request may have left; nothing is known of it.
    Intended,
    /// The values stood there afterwards.
    Done,
    /// It did not happen.
    NotDone,
    /// Nobody saw its end, and it was not there after its time. Should it stand there later, it was done all the same.
    Lapsed,
}

/// An intent is no longer open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Which.
    pub write: WriteId,
    /// What came of it.
    pub state: WriteState,
    /// Why, when it did not happen.
    pub words: Option<String>,
    /// The fields as they stand, when the CRM keeps something else than was sent.
    pub stands: Option<Vec<FieldWrite>>,
}

/// A write of ours, planned or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Its number.
    pub id: WriteId,
    /// The job that wanted it.
    pub job: JobId,
    /// The record.
    pub record: RecordRef,
    /// What came of it.
    pub state: WriteState,
    /// When it was meant.
    pub intended_at: Timestamp,
    /// When it was known what came of it.
    pub settled_at: Option<Timestamp>,
    /// Field by field, before and after.
    pub fields: Vec<FieldWrite>,
    /// Why it did not happen.
    pub words: Option<String>,
}

/// One thing that happened on the way of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// When.
    pub at: Timestamp,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// Which stage: `filter`, `fetch`, `explore`, `write_back`, `settle`.
    pub stage: String,
    /// In words.
    pub words: String,
}

/// Remembers writes and steps.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Stores what is about to be written, before it leaves.
    ///
    /// `None` when the lease is over: nothing may be written then.
    async fn intend(
        &self,
        lease: &Lease,
        patch: &Patch,
        now: Timestamp,
    ) -> Result<Option<WriteId>, StoreError>;

    /// Closes intents before the job ends. One that was taken for not done, or lapsed, can still turn out to be done.
    async fn resolve(&self, resolutions: Vec<Resolution>, now: Timestamp) -> Result<(), StoreError>;

    /// For each field of a record, the values that count as ours: the last that was written, and any that may have
    /// been.
    async fn ours(
        &self,
        tenant: &TenantId,
        record: RecordRef,
    ) -> Result<BTreeMap<Target, Vec<Value>>, StoreError>;

    /// The intents of a record of which nothing is known, oldest first, and those that lapsed since the last write to it
    /// that was done.
    async fn open_intents(&self, tenant: &TenantId, record: RecordRef) -> Result<Vec<Write>, StoreError>;

    /// The writes of an account and its persons, newest first.
    async fn writes(
        &self,
        tenant: &TenantId,
        account: ContactId,
        most: usize,
    ) -> Result<Vec<Write>, StoreError>;

    /// The writes of a job, oldest first.
    async fn job_writes(&self, tenant: &TenantId, job: JobId) -> Result<Vec<Write>, StoreError>;

    /// What happened on the way of a job, oldest first.
    async fn steps(&self, tenant: &TenantId, job: JobId) -> Result<Vec<Step>, StoreError>;

    /// How many writes were done.
    async fn write_count(&self, tenant: &TenantId) -> Result<u64, StoreError>;
}
