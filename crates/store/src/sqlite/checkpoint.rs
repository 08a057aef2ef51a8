//! Moves what was committed from the log into the database file, beside the writer instead of in its way.
//!
//! A thread with a connection of its own copies pages while the writer goes on; when the log has grown long, it asks the
//! writer to begin it anew between two batches, which then is quick. Nothing here can lose anything: what is in the log
//! is committed, and what fails is tried again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use rusqlite::Connection;

use super::connection;

/// After so many requests a look at the log is worth it.
const OFTEN: u64 = 4000;
/// A log of so many pages (32 MiB) is begun anew.
const LONG: i64 = 8192;

/// The writer's side.
pub(super) struct Checkpoint {
    since: AtomicU64,
    restart: Arc<AtomicBool>,
    nudge: SyncSender<()>,
}

impl Checkpoint {
    /// Starts the thread; it ends when this is dropped.
    pub(super) fn start(path: &Path) -> std::io::Result<Self> {
        let (nudge, nudged) = sync_channel(1);
        let restart = Arc::new(AtomicBool::new(false));
        let (path, asked) = (path.to_owned(), Arc::clone(&restart));
        std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || run(&path, &nudged, &asked))?;
        Ok(Self { since: AtomicU64::new(0), restart, nudge })
    }

    /// Counts what was committed.
    pub(super) fn committed(&self, requests: u64) {
        let since = self.since.fetch_add(requests, Ordering::Relaxed) + requests;
        if since >= OFTEN && self.nudge.try_send(()).is_ok() {
            self.since.store(0, Ordering::Relaxed);
        }
    }

    /// Begins the log anew if that was asked for. Readers in its way are not waited for; there will be another time.
    pub(super) fn restart_if_asked(&self, connection: &Connection) {
        if !self.restart.swap(false, Ordering::Relaxed) {
            return;
        }
        let restarted = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())));
        let patient = connection.busy_timeout(connection::PATIENCE);
        if let Err(error) = restarted.and(patient) {
            tracing::warn!("the log could not be begun anew yet: {error}");
        }
    }
}

fn run(path: &Path, nudged: &Receiver<()>, restart: &AtomicBool) {
    let mut kept: Option<Connection> = None;
    while nudged.recv().is_ok() {
        let copied = match kept.take() {
            Some(connection) => Ok(connection),
            None => connection::open_checkpointer(path),
        }
        .and_then(|connection| {
            let pages =
                connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1))?;
            Ok((connection, pages))
        });
        match copied {
            Ok((connection, pages)) => {
                restart.store(pages >= LONG, Ordering::Relaxed);
                kept = Some(connection);
            }
            // The connection is opened afresh next time.
            Err(error) => tracing::warn!("the log could not be copied into the database yet: {error}"),
        }
    }
}
