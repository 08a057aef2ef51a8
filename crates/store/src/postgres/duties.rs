//! Duties on PostgreSQL, by the database's clock.

use async_trait::async_trait;
use connector_domain::ids::TenantId;
use jiff::{SignedDuration, Timestamp};

use super::PostgresStore;
use crate::StoreError;
use crate::duties::Duties;

#[async_trait]
impl Duties for PostgresStore {
    async fn take_duty(
        &self,
        tenant: &TenantId,
        duty: &str,
        holder: &str,
        ttl: SignedDuration,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(now, (&tenant.0, duty, holder, ttl), |work, (tenant, duty, holder, ttl)| {
            Box::pin(async move {
                let until = work.now() + super::span(*ttl);
                let taken = work
                    .execute(
                        "INSERT INTO duties AS d (tenant, duty, holder, until) VALUES ($1, $2, $3, $4)
                           ON CONFLICT (tenant, duty) DO UPDATE SET holder = excluded.holder, until = excluded.until
                           WHERE d.holder = excluded.holder OR d.until <= $5",
                        &[tenant, duty, holder, &until, &work.now()],
                    )
                    .await?;
                Ok(taken > 0)
            })
        })
        .await
    }

    async fn leave_duty(&self, tenant: &TenantId, duty: &str, holder: &str) -> Result<(), StoreError> {
        let sql = "DELETE FROM duties WHERE tenant = $1 AND duty = $2 AND holder = $3";
        self.write(Timestamp::UNIX_EPOCH, (&tenant.0, duty, holder), move |work, (tenant, duty, holder)| {
            Box::pin(async move { work.execute(sql, &[tenant, duty, holder]).await.map(drop) })
        })
        .await
    }
}
