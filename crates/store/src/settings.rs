//! Small things that must survive a restart: discovered identities and fields, cursors, marks.

use async_trait::async_trait;
use connector_domain::ids::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// The name under which is kept what a database misses because it is an older copy of what was there; it is the whole
/// database's, and so kept for a tenant without a name.
pub const GAP: &str = "gap";

/// What a database is missing because it is an older copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// From when on it knows nothing.
    pub from: Timestamp,
    /// Whether a sweep was asked for.
    pub asked: bool,
}

/// The name under which the receiver keeps when a test of the webhook last arrived.
pub const TEST_ARRIVED: &str = "webhook_test_at";

/// Keeps values by name.
#[async_trait]
pub trait Settings: Send + Sync {
    /// The value, if one is kept.
    async fn get(&self, tenant: &TenantId, key: &str) -> Result<Option<serde_json::Value>, StoreError>;

    /// Keeps a value in place of an earlier one.
    async fn put(
        &self,
        tenant: &TenantId,
        key: &str,
        value: serde_json::Value,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Keeps a value if what is kept is still `was`; nothing is kept if that is `None`. Says whether it did.
    ///
    /// So several processes can each change a part of one value: whoever is told no reads again.
    async fn swap(
        &self,
        tenant: &TenantId,
        key: &str,
        was: Option<serde_json::Value>,
        value: serde_json::Value,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Says whether the database answers: writes a row, reads it through another connection, and returns how long
    /// that took.
    async fn check(&self, now: Timestamp) -> Result<std::time::Duration, StoreError>;
}
