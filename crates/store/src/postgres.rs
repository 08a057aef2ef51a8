//! PostgreSQL: one database, any number of processes on any number of machines.
//!
//! The same promises as SQLite's. What this adds: work is shared by all processes, a lease ends by the database's clock,
//! and a commit whose outcome is not known is looked for before anything is said of it. Requests that met somebody
//! else's are done again as a whole, a bounded number of times, and everything has a limit of time that is below what
//! SuperOffice waits for.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;

use crate::StoreError;

mod accounts;
mod address;
mod bell;
pub mod beside;
mod connection;
mod doubts;
mod duties;
mod failure;
mod failures;
mod flusher;
mod frame;
mod inbox;
mod journal;
mod mark;
pub mod moving;
mod pool;
mod queue;
mod retention;
mod rows;
mod schema;
mod settings;
mod snapshots;
mod tls;
mod vitals;
mod work;

pub use address::Address;
pub use frame::Time;
pub use schema::Risk;
pub use vitals::Vitals;

use bell::Bell;
use connection::Connection;
use doubts::Doubts;
use failure::Failure;
use flusher::Flusher;
use frame::Frame;
use pool::{Held, Pool};
use work::{Doing, Work};

/// How long the start waits for a server that says nothing: while tables are changed, and else.
const MIGRATING: Duration = Duration::from_mins(15);
const LOOKING: Duration = Duration::from_secs(5);

/// How the database is used.
#[derive(Debug, Clone)]
pub struct Options {
    /// At most so many connections for everything but deliveries, which have two of their own, and the bell, which has one.
    pub connections: usize,
    /// At most so many deliveries share a commit.
    pub batch: usize,
    /// At most so many deliveries wait; further ones are told that the database is busy.
    pub waiting: usize,
    /// Whose clock counts.
    pub time: Time,
}

impl Options {
    /// The usual, for a process with this clock.
    pub fn new(time: Time) -> Self {
        Self { connections: 8, batch: 512, waiting: 8192, time }
    }
}

/// The store in a PostgreSQL database.
pub struct PostgresStore {
    pool: Arc<Pool>,
    flusher: Flusher,
    bell: Arc<Bell>,
    doubts: Doubts,
    address: Address,
    risks: Vec<Risk>,
    name: String,
    /// The mark that this process has left.
    left: AtomicI64,
    listening: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl PostgresStore {
    /// The version of the tables that this program makes and understands.
    pub const SCHEMA: i64 = schema::SCHEMA;

    /// Connects, and makes or changes the tables as needed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] for a standby, a server that is too old, and tables of a newer version;
    /// [`StoreError::Unavailable`] when there is no connection. Nothing was changed then.
    #[expect(clippy::disallowed_methods, reason = "the listening task ends with the store")]
    pub async fn open(address: &Address, options: &Options) -> Result<Self, StoreError> {
        let frame = Arc::new(Frame::new(options.time.clone()));
        let first = Connection::open(address, Arc::clone(&frame), None).await?;
        let late = |_| Failure::Late("its tables");
        timeout(MIGRATING, schema::migrate(&first, address)).await.map_err(late)??;
        let risks = timeout(LOOKING, schema::risks(&first)).await.map_err(late)??;
        bell::compare_clocks(&first, &frame).await?;
        let bell = Arc::new(Bell::new(&first.schema));
        let pool = Pool::new(address.clone(), Arc::clone(&frame), options.connections);
        pool.keep(first);
        let inbox = Pool::new(address.clone(), Arc::clone(&frame), 2);
        let flusher = Flusher::start(inbox, Arc::clone(&bell), options);
        let listening = tokio::spawn(bell::listen(address.clone(), frame, Arc::downgrade(&bell)));
        let name = bell.me().to_owned();
        Ok(Self {
            pool,
            flusher,
            bell,
            doubts: Doubts::default(),
            address: address.clone(),
            risks,
            name,
            left: AtomicI64::new(0),
            listening,
        })
    }

    /// What the server's settings put at risk.
    pub fn risks(&self) -> &[Risk] {
        &self.risks
    }

    /// Where the database is, without user and password.
    pub const fn address(&self) -> &Address {
        &self.address
    }

    fn name(&self) -> &str {
        &self.name
    }

    async fn write<A, T, F>(&self, now: Timestamp, with: A, run: F) -> Result<T, StoreError>
    where
        A: Send + Sync,
        T: Send,
        F: for<'a> Fn(&'a Work, &'a A) -> Doing<'a, T> + Send + Sync,
    {
        work::write(&self.pool, &self.bell, now, with, run).await
    }

    async fn read<A, T, F>(&self, with: A, run: F) -> Result<T, StoreError>
    where
        A: Send + Sync,
        T: Send,
        F: for<'a> Fn(&'a Held, &'a A) -> Doing<'a, T> + Send + Sync,
    {
        work::read(&self.pool, false, with, run).await
    }

    /// The same, and all its queries see the same moment.
    async fn read_together<A, T, F>(&self, with: A, run: F) -> Result<T, StoreError>
    where
        A: Send + Sync,
        T: Send,
        F: for<'a> Fn(&'a Held, &'a A) -> Doing<'a, T> + Send + Sync,
    {
        work::read(&self.pool, true, with, run).await
    }
}

/// A length of time in milliseconds.
fn span(length: SignedDuration) -> i64 {
    // Far below what would overflow when a moment is added to it.
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX / 4).clamp(i64::MIN / 4, i64::MAX / 4)
}

#[cfg(test)]
mod tests;
