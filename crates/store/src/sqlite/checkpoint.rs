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

use connector_faults::{Point, reach};
use rusqlite::Connection;

use super::connection;

/// The writer's side.
pub(super) struct Checkpoint {
    since: AtomicU64,
    /// After so many requests a look at the log is worth it.
    often: u64,
    restart: Arc<AtomicBool>,
    nudge: SyncSender<()>,
}

impl Checkpoint {
    /// Starts the thread; it ends when this is dropped. A log of `long` pages is begun anew.
    pub(super) fn start(path: &Path, long: usize) -> std::io::Result<Self> {
        let (nudge, nudged) = sync_channel(1);
        let restart = Arc::new(AtomicBool::new(false));
        let (path, asked) = (path.to_owned(), Arc::clone(&restart));
        std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || run(&path, long, &nudged, &asked))?;
        Ok(Self { since: AtomicU64::new(0), often: (long / 2).max(1) as u64, restart, nudge })
    }

    /// Counts what was committed.
    pub(super) fn committed(&self, requests: u64) {
        let since = self.since.fetch_add(requests, Ordering::Relaxed) + requests;
        if since >= self.often && self.nudge.try_send(()).is_ok() {
            self.since.store(0, Ordering::Relaxed);
        }
    }

    /// Begins the log anew if that was asked for. Readers in its way are not waited for; there will be another time.
    pub(super) fn restart_if_asked(&self, connection: &Connection) {
        if !self.restart.swap(false, Ordering::Relaxed) {
            return;
        }
        reach(Point::LogRestartAsked);
        let restarted = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())));
        reach(Point::LogRestarted);
        let patient = connection.busy_timeout(connection::PATIENCE);
        if let Err(error) = restarted.and(patient) {
            tracing::warn!("the log could not be begun anew yet: {error}");
        }
    }
}

fn run(path: &Path, long: usize, nudged: &Receiver<()>, restart: &AtomicBool) {
    let mut kept: Option<Connection> = None;
    while nudged.recv().is_ok() {
        reach(Point::CopyAsked);
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
                reach(Point::Copied);
                restart.store(usize::try_from(pages).is_ok_and(|pages| pages >= long), Ordering::Relaxed);
                kept = Some(connection);
            }
            // The connection is opened afresh next time.
            Err(error) => tracing::warn!("the log could not be copied into the database yet: {error}"),
        }
    }
}
