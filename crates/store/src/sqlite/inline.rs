//! The same requests in the same transactions, without threads: each runs at once, on the calling task, on one
//! connection to a database in memory.
//!
//! A simulation needs that to be the same twice. What may happen to a request on its way (a wait, a refusal, an answer
//! that gets lost) is decided by a [`Weather`]; what is committed stays, whatever becomes of the process that asked.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use rusqlite::Connection;
use tokio::sync::{Notify, watch};

use super::readers::Readers;
use super::writer::{Touched, Writer, as_store_error, begin, commit, rollback};
use super::{SqliteStore, connection};
use crate::StoreError;

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only reads.
    Read,
    /// It writes.
    Write,
}

/// What happens to requests on their way to the database and back.
#[async_trait]
pub trait Weather: Send + Sync {
    /// On the way there. After an error the request is not run.
    async fn before(&self, kind: Kind) -> Result<(), StoreError>;

    /// On the way back. An error hides what was committed.
    async fn after(&self, kind: Kind) -> Result<(), StoreError>;
}

/// Nothing happens.
#[derive(Debug, Clone, Copy)]
pub struct Calm;

#[async_trait]
impl Weather for Calm {
    async fn before(&self, _: Kind) -> Result<(), StoreError> {
        Ok(())
    }

    async fn after(&self, _: Kind) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A database in memory. It outlives the stores that work with it, as a disk outlives processes.
#[derive(Clone)]
pub struct InMemory(Arc<Shared>);

struct Shared {
    connection: Mutex<Connection>,
    stores: Mutex<Vec<Weak<Bells>>>,
}

/// What one store's callers wait for.
struct Bells {
    wake: Arc<Notify>,
    changes: watch::Sender<u64>,
}

impl std::fmt::Debug for InMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InMemory")
    }
}

impl InMemory {
    /// Makes an empty one with the product's tables.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when a migration fails.
    pub fn fresh() -> Result<Self, StoreError> {
        let connection = Mutex::new(connection::open_in_memory()?);
        Ok(Self(Arc::new(Shared { connection, stores: Mutex::default() })))
    }

    /// Empties all tables. That is cheaper than making a fresh one.
    pub fn wipe(&self) -> rusqlite::Result<()> {
        self.look(|connection| {
            let names: Vec<String> = connection
                .prepare_cached(
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
                )?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            names.iter().try_for_each(|name| {
                connection.prepare_cached(&format!("DELETE FROM \"{name}\""))?.execute([]).map(drop)
            })
        })
    }

    /// A store over it, for one process. `alone` says whether that is the only one, so that each lease it finds at its
    /// start is a dead one's.
    pub fn store(&self, weather: Arc<dyn Weather>, alone: bool) -> SqliteStore {
        let (sender, changes) = watch::channel(0);
        let bells = Arc::new(Bells { wake: Arc::default(), changes: sender });
        lock(&self.0.stores).push(Arc::downgrade(&bells));
        let wake = Arc::clone(&bells.wake);
        let inline = Inline { shared: Arc::clone(&self.0), weather, _bells: bells };
        SqliteStore {
            writer: Writer::Inline(inline.clone()),
            readers: Readers::Inline(inline),
            wake,
            changes,
            path: Path::new(":memory:").to_owned(),
            alone,
            lock: None,
        }
    }

    /// Asks the database directly, whatever the weather.
    pub fn look<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        query(&lock(&self.0.connection))
    }
}

/// A store's way to the database.
#[derive(Clone)]
pub(super) struct Inline {
    shared: Arc<Shared>,
    weather: Arc<dyn Weather>,
    _bells: Arc<Bells>,
}

impl Inline {
    pub(super) async fn write<T, F>(&self, mut run: F) -> Result<T, StoreError>
    where
        F: FnMut(&Connection, &mut Touched) -> rusqlite::Result<T> + Send,
        T: Send,
    {
        self.weather.before(Kind::Write).await?;
        let value = self.committed(&mut run).map_err(|error| as_store_error(&error))?;
        self.weather.after(Kind::Write).await?;
        Ok(value)
    }

    fn committed<T>(
        &self,
        run: &mut impl FnMut(&Connection, &mut Touched) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut touched = Touched::default();
        let connection = lock(&self.shared.connection);
        begin(&connection)?;
        let value = match run(&connection, &mut touched) {
            Ok(value) => value,
            Err(error) => return rollback(&connection).and(Err(error)),
        };
        commit(&connection)?;
        drop(connection);
        self.ring(touched);
        Ok(value)
    }

    /// Every process hears of a commit, as over a database's own notifications.
    fn ring(&self, touched: Touched) {
        lock(&self.shared.stores).retain(|bells| {
            let Some(bells) = bells.upgrade() else { return false };
            if touched.queue {
                bells.wake.notify_one();
            }
            if touched.view {
                bells.changes.send_modify(|count| *count += 1);
            }
            true
        });
    }

    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send,
        T: Send,
    {
        self.weather.before(Kind::Read).await?;
        let value = query(&lock(&self.shared.connection)).map_err(|error| as_store_error(&error))?;
        self.weather.after(Kind::Read).await?;
        Ok(value)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    async fn fresh() -> (InMemory, SqliteStore) {
        let database = InMemory::fresh().unwrap();
        let store = database.store(Arc::new(Calm), true);
        (database, store)
    }

    conformance::suite!(fresh);
}
