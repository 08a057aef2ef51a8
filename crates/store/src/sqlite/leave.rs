//! Leaves a setting in a database that a running service may have: a set-up beside the service does.

use std::path::Path;

use connector_domain::ids::TenantId;
use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::connection::PATIENCE;
use super::rows::{millis, to_json};
use super::{Options, SqliteStore, settings};
use crate::StoreError;

/// Keeps a value in place of an earlier one, durably. The database is made when it is not there, and shared with the
/// process that has it when there is one.
///
/// # Errors
///
/// What was kept before stays.
pub fn leave(
    path: &Path,
    tenant: &TenantId,
    key: &str,
    value: &serde_json::Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    // Making and migrating it is for whoever has it alone.
    let alone = SqliteStore::open(path, &Options::default());
    if let (Err(error), false) = (&alone, path.exists()) {
        return Err(StoreError::Unusable(error.to_string()));
    }
    let failed = |error: rusqlite::Error| {
        StoreError::Unusable(format!("{} cannot be written to: {error}", path.display()))
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
    // Copying the log into the database is left to the process that has it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(failed)?;
    let row = to_json(value).map_err(failed)?;
    settings::keep(&connection, &tenant.0, key, &row, millis(now)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings as _;
    use crate::sqlite::Peek;

    #[tokio::test]
    async fn a_setting_is_left_whether_somebody_has_the_database_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let tenant = TenantId("Cust1".to_owned());
        let noon = "2026-05-04T12:00:00Z".parse().unwrap();
        leave(&path, &tenant, "colour", &"blue".into(), noon).unwrap();
        let store = SqliteStore::open(&path, &Options::default()).unwrap();
        assert_eq!(store.get(&tenant, "colour").await.unwrap(), Some("blue".into()));
        leave(&path, &tenant, "colour", &"green".into(), noon).unwrap();
        assert_eq!(store.get(&tenant, "colour").await.unwrap(), Some("green".into()));
        store.put(&tenant, "shape", "round".into(), noon).await.unwrap();
        drop(store);
        assert_eq!(Peek::open(&path).unwrap().setting(&tenant, "shape"), Some("round".into()));
    }
}
