//! What only one process may do at a time, however many there are: sweeping, guarding the webhook, renewing a sign-in.

use async_trait::async_trait;
use connector_domain::ids::TenantId;
use jiff::{SignedDuration, Timestamp};

use crate::StoreError;

/// Gives each duty to one holder at a time.
#[async_trait]
pub trait Duties: Send + Sync {
    /// Takes a duty until `now + ttl`, or keeps it when `holder` has it already. Says whether `holder` has it now.
    ///
    /// A holder that dies needs no cleaning up after: its duty is free when its time is over.
    async fn take_duty(
        &self,
        tenant: &TenantId,
        duty: &str,
        holder: &str,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Gives a duty back before its time; nothing happens when somebody else has it.
    async fn leave_duty(&self, tenant: &TenantId, duty: &str, holder: &str) -> Result<(), StoreError>;
}
