//! A few connections, opened when needed. One that reported trouble with the line or the server is never used again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::address::Address;
use super::connection::Connection;
use super::failure::Failure;
use super::frame::Frame;

/// How long to wait for a free connection, and for a new one to be ready.
const ACQUIRE: Duration = Duration::from_millis(1500);
const OPEN: Duration = Duration::from_secs(2);

/// Connections to one database.
pub(super) struct Pool {
    address: Address,
    frame: Arc<Frame>,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

/// A connection in use. It is closed when it is dropped, unless it is given back.
pub(super) struct Held {
    connection: Connection,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Pool {
    pub(super) fn new(address: Address, frame: Arc<Frame>, most: usize) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(most.max(1)));
        Arc::new(Self { address, frame, idle: Mutex::default(), permits })
    }

    /// Takes a connection, a new one if there is none at hand.
    pub(super) async fn take(self: &Arc<Self>) -> Result<Held, Failure> {
        let permit = timeout(ACQUIRE, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| Failure::Late("all connections are in use"))?
            .map_err(|_| Failure::Away("the store is closed".into()))?;
        let kept = loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            match kept {
                Some(kept) if kept.is_closed() => {}
                other => break other,
            }
        };
        let connection = match kept {
            Some(kept) => kept,
            None => self.open().await?,
        };
        Ok(Held { connection, pool: Arc::clone(self), _permit: permit })
    }

    /// A new connection that nobody else has.
    pub(super) async fn open(&self) -> Result<Connection, Failure> {
        let opening = Connection::open(&self.address, Arc::clone(&self.frame), None);
        let opened = timeout(OPEN, opening).await.map_err(|_| Failure::Late("a new connection"))?;
        // A standby is refused at the start; later it is a server that was replaced, and another may take its place.
        opened.map_err(|failure| match failure {
            Failure::Refused(words) => Failure::Away(words),
            other => other,
        })
    }

    /// Keeps a connection for the next one who needs it.
    pub(super) fn keep(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}

impl Held {
    /// Gives the connection back for others to use.
    pub(super) fn give_back(self) {
        let Self { connection, pool, _permit } = self;
        pool.keep(connection);
    }
}

impl std::ops::Deref for Held {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}
