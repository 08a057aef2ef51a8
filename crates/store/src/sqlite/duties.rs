//! Duties on SQLite.

use async_trait::async_trait;
use connector_domain::ids::TenantId;
use jiff::{SignedDuration, Timestamp};

use super::SqliteStore;
use super::rows::millis;
use crate::StoreError;
use crate::duties::Duties;

#[async_trait]
impl Duties for SqliteStore {
    async fn take_duty(
        &self,
        tenant: &TenantId,
        duty: &str,
        holder: &str,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (tenant, duty, holder) = (tenant.0.clone(), duty.to_owned(), holder.to_owned());
        self.writer
            .call(move |connection, _| {
                let taken = connection
                    .prepare_cached(
                        "INSERT INTO duties (tenant, duty, holder, until) VALUES (?1, ?2, ?3, ?4)
                           ON CONFLICT (tenant, duty) DO UPDATE SET holder = excluded.holder, until = excluded.until
                           WHERE holder = excluded.holder OR until <= ?5",
                    )?
                    .execute((&tenant, &duty, &holder, millis(now + ttl), millis(now)))?;
                Ok(taken > 0)
            })
            .await
    }

    async fn leave_duty(&self, tenant: &TenantId, duty: &str, holder: &str) -> Result<(), StoreError> {
        let (tenant, duty, holder) = (tenant.0.clone(), duty.to_owned(), holder.to_owned());
        self.writer
            .call(move |connection, _| {
                connection
                    .prepare_cached("DELETE FROM duties WHERE tenant = ?1 AND duty = ?2 AND holder = ?3")?
                    .execute((&tenant, &duty, &holder))
                    .map(drop)
            })
            .await
    }
}
