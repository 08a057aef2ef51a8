//! Connections that only read, so that a page never waits for the writer nor the writer for a page.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::connection;
use super::inline::Inline;
use super::writer::as_store_error;
use crate::StoreError;

const MOST: usize = 4;

/// Takes requests that only read.
pub(super) enum Readers {
    /// To connections of their own.
    Pool(Pool),
    /// At once, on the calling task.
    Inline(Inline),
}

impl Readers {
    pub(super) fn new(path: &Path, idle: Arc<Idle>) -> Self {
        Self::Pool(Pool { path: path.to_owned(), idle, permits: Arc::new(Semaphore::new(MOST)) })
    }

    /// Runs a query. All its statements see the same moment.
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        match self {
            Self::Pool(pool) => pool.read(query).await,
            Self::Inline(inline) => inline.read(query).await,
        }
    }
}

/// The connections that are kept from one query to the next.
#[derive(Default)]
pub(super) struct Idle {
    /// Held by each query while it has a connection.
    in_use: RwLock<()>,
    list: Mutex<Vec<Connection>>,
}

impl Idle {
    /// Closes all of them, once the queries that are under way have ended, and lets none begin before the guard is dropped.
    pub(super) fn close_all(&self) -> RwLockWriteGuard<'_, ()> {
        let alone = self.in_use.write().unwrap_or_else(PoisonError::into_inner);
        self.list.lock().expect("no reader panics while it holds the list").clear();
        alone
    }
}

/// A few reading connections, opened when needed.
pub(super) struct Pool {
    path: PathBuf,
    idle: Arc<Idle>,
    permits: Arc<Semaphore>,
}

impl Pool {
    /// Runs a query off the async threads.
    async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let permit = self
            .permits
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Unavailable("the store is closed".into()))?;
        let (path, idle) = (self.path.clone(), Arc::clone(&self.idle));
        let read = move || {
            // Kept until the query has ended, also when nobody waits for it any more.
            let _permit = permit;
            let _in_use = idle.in_use.read().unwrap_or_else(PoisonError::into_inner);
            let kept = idle.list.lock().expect("no reader panics while it holds the list").pop();
            let connection = match kept {
                Some(connection) => connection,
                None => connection::open_reader(&path)?,
            };
            // A failing query leaves the connection to be dropped, and its transaction with it.
            connection.execute_batch("BEGIN")?;
            let value = query(&connection)?;
            connection.execute_batch("COMMIT")?;
            idle.list.lock().expect("no reader panics while it holds the list").push(connection);
            Ok(value)
        };
        let result: rusqlite::Result<T> = tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| StoreError::Unavailable(format!("a query did not end: {error}")))?;
        result.map_err(|error| as_store_error(&error))
    }
}
