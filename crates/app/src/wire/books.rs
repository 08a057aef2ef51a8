//! The database that everything is kept in: a file that one process has, or a PostgreSQL that many share.

use std::sync::Arc;

use connector_domain::clock::SystemClock;
use connector_pipeline::process;
use connector_store::postgres::{self, PostgresStore, Time};
use connector_store::sqlite::{SqliteStore, Synchronous};
use connector_store::{Store, StoreError};

use crate::config::{Config, Database, Durability};

/// An open database.
#[derive(Debug, Clone)]
pub(crate) enum Books {
    /// SQLite.
    File(Arc<SqliteStore>),
    /// PostgreSQL.
    Server(Arc<PostgresStore>),
}

/// Opens the database that the configuration names.
pub(crate) async fn open(config: &Config) -> Result<Books, StoreError> {
    match &config.database {
        Database::File(path) => {
            if config.store.synchronous != Synchronous::Full {
                tracing::warn!(
                    "store.synchronous is not full: what was acknowledged can be lost when the power fails; this is for comparing speeds only"
                );
            }
            SqliteStore::open(path, &config.store).map(|store| Books::File(Arc::new(store)))
        }
        Database::Server(address) => {
            let time = Time::Database(Arc::new(SystemClock::default()));
            let options = postgres::Options { batch: config.store.batch, ..postgres::Options::new(time) };
            let store = PostgresStore::open(address, &options).await?;
            for risk in store.risks() {
                if config.durability == Durability::Strict {
                    let words = format!("{}; {}", risk.words, risk.remedy);
                    return Err(StoreError::Unusable(words));
                }
                tracing::warn!("{}; {}", risk.words, risk.remedy);
            }
            Ok(Books::Server(Arc::new(store)))
        }
    }
}

impl Books {
    /// The store in it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::File(store) => Arc::<SqliteStore>::clone(store),
            Self::Server(store) => Arc::<PostgresStore>::clone(store),
        }
    }

    /// Under which name this process holds a duty.
    pub(crate) fn holder(&self) -> &'static str {
        match self {
            // Whoever comes after a crash is the same one.
            Self::File(_) => "the process that has the database",
            Self::Server(_) => process::name(),
        }
    }

    /// Ends when the database has failed for so long that a fresh start is the best that is left to try. A server that is
    /// away comes back by itself.
    pub(crate) async fn given_up(&self) {
        let Self::File(store) = self else { return std::future::pending().await };
        let mut given_up = store.given_up();
        drop(given_up.wait_for(|given_up| *given_up).await);
    }
}
