//! Settings on SQLite, and the check that a row which was written can be read by somebody else.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use connector_domain::ids::TenantId;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::rows::{from_json, millis, to_json};
use super::{SqliteStore, mark};
use crate::StoreError;
use crate::settings::Settings;

/// Keeps a row in place of an earlier one.
pub(super) fn keep(
    connection: &Connection,
    tenant: &str,
    key: &str,
    value: &str,
    at: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO settings (tenant, key, value, at) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value, at = excluded.at",
        )?
        .execute((tenant, key, value, at))
        .map(drop)
}

#[async_trait]
impl Settings for SqliteStore {
    async fn get(&self, tenant: &TenantId, key: &str) -> Result<Option<serde_json::Value>, StoreError> {
        let (tenant, key) = (tenant.0.clone(), key.to_owned());
        self.readers
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT value FROM settings WHERE tenant = ?1 AND key = ?2")?
                    .query_row((tenant, key), |row| from_json(row, "value"))
                    .optional()
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
        let (tenant, key) = (tenant.0.clone(), key.to_owned());
        self.writer
            .call(move |connection, _| keep(connection, &tenant, &key, &to_json(&value)?, millis(now)))
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
        let (tenant, key) = (tenant.0.clone(), key.to_owned());
        self.writer
            .call(move |connection, _| {
                let (value, at) = (to_json(&value)?, millis(now));
                let kept = match &was {
                    None => connection
                        .prepare_cached(
                            "INSERT INTO settings (tenant, key, value, at) VALUES (?1, ?2, ?3, ?4)
                               ON CONFLICT (tenant, key) DO NOTHING",
                        )?
                        .execute((&tenant, &key, value, at))?,
                    Some(was) => connection
                        .prepare_cached(
                            "UPDATE settings SET value = ?3, at = ?4 WHERE tenant = ?1 AND key = ?2 AND value = ?5",
                        )?
                        .execute((&tenant, &key, value, at, to_json(was)?))?,
                };
                Ok(kept > 0)
            })
            .await
    }

    async fn check(&self, now: Timestamp) -> Result<Duration, StoreError> {
        let started = Instant::now();
        let raised = self.writer.call(move |connection, _| mark::raise(connection, now)).await?;
        let path = self.lock.is_some().then(|| self.path.clone());
        self.readers
            .read(move |connection| {
                let seen = mark::number(connection)?.map_or(0, |(number, _)| number);
                // Another check may have been quicker; its row is as good a proof.
                if seen >= raised
                    && let Some(path) = &path
                    && let Err(error) = mark::note(path, seen)
                {
                    tracing::debug!("the mark beside the database could not be written: {error}");
                }
                Ok(seen >= raised)
            })
            .await?
            .then(|| started.elapsed())
            .ok_or_else(|| {
                StoreError::Unavailable("a row that was committed is not seen by another connection".into())
            })
    }
}
