//! Settings on PostgreSQL, and the check that a row which was written can be read by somebody else.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use connector_domain::ids::TenantId;
use jiff::Timestamp;

use super::PostgresStore;
use super::mark::{self, Check};
use super::rows::{from_json, to_json};
use crate::StoreError;
use crate::settings::Settings;

#[async_trait]
impl Settings for PostgresStore {
    async fn get(&self, tenant: &TenantId, key: &str) -> Result<Option<serde_json::Value>, StoreError> {
        self.read((&tenant.0, key), |c, (tenant, key)| {
            Box::pin(async move {
                let sql = "SELECT value FROM settings WHERE tenant = $1 AND key = $2";
                c.row(sql, &[tenant, key]).await?.map(|row| from_json(&row, "value")).transpose()
            })
        })
        .await
    }

    async fn put(
        &self,
        tenant: &TenantId,
        key: &str,
        value: serde_json::Value,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(now, (&tenant.0, key, to_json(&value)?), |work, (tenant, key, value)| {
            Box::pin(async move {
                let sql = "INSERT INTO settings (tenant, key, value, at) VALUES ($1, $2, $3, $4)
                             ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value, at = excluded.at";
                work.execute(sql, &[tenant, key, value, &work.now()]).await.map(drop)
            })
        })
        .await
    }

    async fn swap(
        &self,
        tenant: &TenantId,
        key: &str,
        was: Option<serde_json::Value>,
        value: serde_json::Value,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let was = was.as_ref().map(to_json).transpose()?;
        self.write(now, (&tenant.0, key, was, to_json(&value)?), |work, (tenant, key, was, value)| {
            Box::pin(async move {
                let kept = match was {
                    None => {
                        let sql = "INSERT INTO settings (tenant, key, value, at) VALUES ($1, $2, $3, $4)
                                     ON CONFLICT (tenant, key) DO NOTHING";
                        work.execute(sql, &[tenant, key, value, &work.now()]).await?
                    }
                    Some(was) => {
                        let sql = "UPDATE settings SET value = $3, at = $4
                                    WHERE tenant = $1 AND key = $2 AND value = $5";
                        work.execute(sql, &[tenant, key, value, &work.now(), was]).await?
                    }
                };
                Ok(kept > 0)
            })
        })
        .await
    }

    async fn check(&self, now: Timestamp) -> Result<Duration, StoreError> {
        let started = Instant::now();
        let mark = now.as_microsecond();
        // The connection that writes it is not the one that reads it.
        let fresh = self.pool.open().await?;
        let server = mark::server(&fresh).await;
        let left = self.left.load(Ordering::Relaxed);
        // Several processes check themselves at once; each has a row of its own, of which there are as many as processes.
        let check = Check { name: self.name(), mark, left, server: server.as_deref() };
        let gap = self.write(now, check, |work, check| Box::pin(mark::leave(work, check))).await?;
        self.left.fetch_max(mark, Ordering::Relaxed);
        gap.as_ref().inspect(|gap| mark::tell(gap));
        let key = mark::key(self.name());
        let row = fresh.row("SELECT value FROM settings WHERE tenant = '' AND key = $1", &[&key]).await?;
        let seen = row.map(|row| from_json::<i64>(&row, "value")).transpose()?;
        if seen >= Some(mark) {
            return Ok(started.elapsed());
        }
        Err(StoreError::Unavailable("a row that was committed is not seen by another connection".into()))
    }
}
