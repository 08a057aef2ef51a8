//! A look at a database from outside: read-only, also while another process works with it.

use std::path::Path;

use connector_domain::ids::TenantId;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::rows::from_json;
use crate::StoreError;

/// A database that is looked at and never changed.
#[derive(Debug)]
pub struct Peek {
    connection: Connection,
    schema: i64,
}

impl Peek {
    /// Opens the file for reading. One that is not there is not made.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when there is no such file, or when it is no database.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| unusable(path, &error))?;
        let schema = connection.pragma_query_value(None, "user_version", |row| row.get(0));
        let schema = schema.map_err(|error| unusable(path, &error))?;
        Ok(Self { connection, schema })
    }

    /// The version of its tables; 0 when it has none yet.
    pub fn schema(&self) -> i64 {
        self.schema
    }

    /// One setting, or why it cannot be told. A database without tables has none.
    pub fn try_setting(&self, tenant: &TenantId, key: &str) -> Result<Option<serde_json::Value>, StoreError> {
        if self.schema == 0 {
            return Ok(None);
        }
        let row = self.connection.query_row(
            "SELECT value FROM settings WHERE tenant = ?1 AND key = ?2",
            (&tenant.0, key),
            |row| from_json(row, "value"),
        );
        row.optional().map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    /// One setting; nothing also when the table is not there yet or cannot be read.
    pub fn setting(&self, tenant: &TenantId, key: &str) -> Option<serde_json::Value> {
        let mut statement =
            self.connection.prepare("SELECT value FROM settings WHERE tenant = ?1 AND key = ?2").ok()?;
        statement.query_row((&tenant.0, key), |row| from_json(row, "value")).optional().ok().flatten()
    }
}

fn unusable(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Unusable(format!("the database {} cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings as _;
    use crate::sqlite::{Options, SqliteStore};

    #[tokio::test]
    async fn a_database_is_looked_at_while_another_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        assert!(Peek::open(&path).is_err() && !path.exists(), "it is not made");
        let store = SqliteStore::open(&path, &Options::default()).unwrap();
        let tenant = TenantId("Cust1".to_owned());
        let noon = "2026-05-04T12:00:00Z".parse().unwrap();
        store.put(&tenant, "colour", "blue".into(), noon).await.unwrap();
        let peek = Peek::open(&path).unwrap();
        assert_eq!(peek.setting(&tenant, "colour"), Some("blue".into()));
        assert_eq!(peek.setting(&tenant, "shape"), None);
        assert_eq!(peek.schema(), SqliteStore::SCHEMA);
    }
}
