//! In which version each record was seen: by jobs as they work, and by sweeps as they pass.

use async_trait::async_trait;
use connector_domain::ids::{ContactId, RecordRef, TenantId};
use connector_domain::sweep::{Known, Seen, Snapshot};
use jiff::Timestamp;

use crate::StoreError;

/// What is remembered under a name, together with snapshots.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    /// The name among the settings.
    pub key: String,
    /// The value.
    pub value: serde_json::Value,
}

/// Remembers versions.
#[async_trait]
pub trait Snapshots: Send + Sync {
    /// Notes in which version a job has read a record, or made it by writing. An older version does not replace a newer
    /// one, and reading does not hide who wrote the same version.
    async fn saw(&self, tenant: &TenantId, record: RecordRef, seen: Seen) -> Result<(), StoreError>;

    /// Everything that the books know of these records, in the same order, all of the same moment. The account helps to
    /// find what is known of a person.
    async fn known(
        &self,
        tenant: &TenantId,
        records: &[(RecordRef, Option<ContactId>)],
    ) -> Result<Vec<Known>, StoreError>;

    /// Keeps what a sweep saw, and how far it has come, in one transaction.
    ///
    /// # Errors
    ///
    /// Nothing of it is kept then, so that the sweep looks at the same records again.
    async fn remember(
        &self,
        tenant: &TenantId,
        snapshots: Vec<(RecordRef, Snapshot)>,
        checkpoint: Checkpoint,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}
