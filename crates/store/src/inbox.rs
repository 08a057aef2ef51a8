//! Deliveries as they arrived, and the work they ask for, stored together.
//!
//! What is accepted here is on disk when the method returns; nothing that was accepted is ever lost.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use connector_domain::event::Event;
use connector_domain::ids::{ContactId, EventId, JobId, RecordRef, TenantId};
use connector_domain::policy::Policy;
use connector_domain::reason::Reason;
use jiff::Timestamp;
use serde::Serialize;

use crate::StoreError;
use crate::page::{Page, PageRequest};

/// One authentic delivery.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The customer database it was sent for.
    pub tenant: TenantId,
    /// The event's identity; for a body without one, a hash of the body.
    pub id: EventId,
    /// The body as it was sent, kept so that it can be read again.
    pub body: Bytes,
    /// What it says.
    pub content: Content,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// What a delivery says.
#[derive(Debug, Clone)]
pub enum Content {
    /// An event.
    Event(Event),
    /// What a sweep found, as an event would have told it. Its work gives way to that of real events.
    Found(Event),
    /// It is authentic, but cannot be read; why, in words.
    Unreadable(String),
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It began a job.
    New(JobId),
    /// It joined the job that was already waiting for this record.
    Merged(JobId),
    /// The same event had been stored before; nothing changed.
    Duplicate,
    /// It is stored, and asks for no work.
    Skipped(Reason),
    /// It is stored, to be read again when we have learnt how.
    Parked,
}

/// What became of a stored event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It began a job.
    Queued,
    /// It joined a waiting job.
    Merged,
    /// It asks for no work.
    Skipped,
    /// It could not be read.
    Parked,
}

impl Disposition {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Merged => "merged",
            Self::Skipped => "skipped",
            Self::Parked => "parked",
        }
    }
}

/// Who told of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// SuperOffice.
    Webhook,
    /// A sweep of ours.
    Sweep,
}

impl Content {
    /// The event, when it could be read, and who told of it.
    pub const fn event(&self) -> Option<(&Event, Source)> {
        match self {
            Self::Event(event) => Some((event, Source::Webhook)),
            Self::Found(event) => Some((event, Source::Sweep)),
            Self::Unreadable(_) => None,
        }
    }
}

/// A stored event, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the order of arrival.
    pub seq: i64,
    /// Its identity.
    pub id: EventId,
    /// Who told of it.
    pub source: Source,
    /// Its name, such as `contact.changed`.
    pub name: String,
    /// The record.
    pub record: Option<RecordRef>,
    /// The account, when known.
    pub account: Option<ContactId>,
    /// Who made the change.
    pub changed_by: Option<i64>,
    /// Column names, separated by commas.
    pub changes: String,
    /// When it arrived.
    pub received_at: Timestamp,
    /// When it happened, by the CRM's clock.
    pub happened_at: Option<Timestamp>,
    /// What became of it.
    pub disposition: Disposition,
    /// Why it was skipped, or could not be read.
    pub reason: Option<Reason>,
    /// The particulars, in words.
    pub words: Option<String>,
    /// The job it began or joined.
    pub job: Option<JobId>,
    /// How often it came again.
    pub repeats: u32,
}

/// Takes in deliveries, and shows them.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores a delivery and the work that follows from it, in one transaction, and returns once it is on disk.
    ///
    /// The filter is asked within the transaction, with what is remembered of the record. Events of one record that
    /// nobody has begun to work on join one job; a job begins to wait when the record has just been worked on, so
    /// that a flurry of events becomes one job.
    ///
    /// # Errors
    ///
    /// Nothing is stored then, and the sender must not be told otherwise.
    async fn accept(&self, delivery: Delivery, policy: Arc<Policy>) -> Result<Accepted, StoreError>;

    /// The stored events, newest first.
    async fn events(
        &self,
        tenant: &TenantId,
        account: Option<ContactId>,
        page: &PageRequest,
    ) -> Result<Page<StoredEvent>, StoreError>;

    /// One stored event with its body.
    async fn event(
        &self,
        tenant: &TenantId,
        id: &EventId,
    ) -> Result<Option<(StoredEvent, Vec<u8>)>, StoreError>;

    /// The newest delivery: its place in the order of arrival, and when it arrived. What a sweep found is none.
    async fn newest_delivery(&self, tenant: &TenantId) -> Result<Option<(i64, Timestamp)>, StoreError>;

    /// How many deliveries are stored, repeats not counted.
    async fn event_count(&self, tenant: &TenantId) -> Result<u64, StoreError>;

    /// Counts up whenever something was stored that a page would show.
    fn changes(&self) -> tokio::sync::watch::Receiver<u64>;
}
