//! Moves what was committed from the log into the database file, beside the writer instead of in its way.
//!
//! A thread with a connection of its own copies pages while the writer goes on; when the log has grown long, it asks the
//! writer to begin it anew between two batches, which then is quick. What is in the log is committed, and what fails is
//! tried again: with everything opened anew, since SQLite takes pages for copied that the disk has refused to keep, and
//! would begin the log anew without them (see [`super::log`]).

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_faults::{Point, reach};
use rusqlite::Connection;

use super::connection;

/// The writer's side.
pub(super) struct Checkpoint {
    since: AtomicU64,
    /// After so many requests a look at the log is worth it.
    often: u64,
    shared: Arc<Shared>,
    nudge: SyncSender<()>,
}

/// What both sides know.
struct Shared {
    copying: Mutex<Copying>,
    /// Whether the log has grown long.
    restart: AtomicBool,
    /// Whether everything is to be closed and opened anew.
    renew: AtomicBool,
}

/// Had by whoever copies, and by whoever closes everything.
pub(super) struct Copying {
    /// The thread's, kept from one time to the next.
    connection: Option<Connection>,
    /// Whether pages may be missing on the disk that SQLite takes for copied. Nothing is copied then, so that the log,
    /// in which they still are, is not begun anew.
    in_doubt: bool,
}

impl Copying {
    /// Closes the connection that copies.
    pub(super) fn close(&mut self) {
        self.connection = None;
    }

    /// Nothing counts as copied any more.
    pub(super) fn trust(&mut self) {
        self.in_doubt = false;
    }
}

impl Shared {
    fn copying(&self) -> MutexGuard<'_, Copying> {
        self.copying.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn doubt(&self, copying: &mut Copying, error: &rusqlite::Error) {
        tracing::error!("the log could not be copied into the database, which is opened anew: {error}");
        copying.in_doubt = true;
        self.renew.store(true, Ordering::Relaxed);
    }
}

impl Checkpoint {
    /// Starts the thread; it ends when this is dropped. A log of `long` pages is begun anew. What counts as copied at the
    /// start may be `in_doubt`.
    pub(super) fn start(path: &Path, long: usize, in_doubt: bool) -> std::io::Result<Self> {
        let (nudge, nudged) = sync_channel(1);
        let shared = Arc::new(Shared {
            copying: Mutex::new(Copying { connection: None, in_doubt }),
            restart: AtomicBool::new(false),
            renew: AtomicBool::new(in_doubt),
        });
        let (path, theirs) = (path.to_owned(), Arc::clone(&shared));
        std::thread::Builder::new()
            .name("store-checkpoint".into())
            .spawn(move || run(&path, long, &nudged, &theirs))?;
        Ok(Self { since: AtomicU64::new(0), often: (long / 2).max(1) as u64, shared, nudge })
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
        if !self.shared.restart.swap(false, Ordering::Relaxed) {
            return;
        }
        // Whoever copies just now may fail; its connection is asked first.
        let Ok(mut copying) = self.shared.copying.try_lock() else { return };
        if copying.in_doubt {
            return;
        }
        reach(Point::LogRestartAsked);
        let restarted = connection
            .busy_timeout(Duration::ZERO)
            .and_then(|()| connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())));
        reach(Point::LogRestarted);
        let patient = connection.busy_timeout(connection::PATIENCE);
        if let Err(error) = restarted.and(patient) {
            self.shared.doubt(&mut copying, &error);
        }
    }

    /// When everything is to be closed and opened anew: nothing is copied until this is dropped.
    pub(super) fn renewal(&self) -> Option<MutexGuard<'_, Copying>> {
        self.shared.renew.swap(false, Ordering::Relaxed).then(|| self.shared.copying())
    }

    /// Copies the whole log and empties it, at the end.
    pub(super) fn last(&self, connection: &Connection) {
        if !self.shared.copying().in_doubt {
            drop(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
        }
    }
}

fn run(path: &Path, long: usize, nudged: &Receiver<()>, shared: &Shared) {
    while nudged.recv().is_ok() {
        reach(Point::CopyAsked);
        let mut copying = shared.copying();
        if copying.in_doubt {
            shared.renew.store(true, Ordering::Relaxed);
            continue;
        }
        match copy(path, &mut copying) {
            Ok(pages) => {
                reach(Point::Copied);
                let is_long = usize::try_from(pages).is_ok_and(|pages| pages >= long);
                shared.restart.store(is_long, Ordering::Relaxed);
            }
            Err(error) => shared.doubt(&mut copying, &error),
        }
    }
}

/// Copies what can be copied now, and says how many pages the log has.
fn copy(path: &Path, copying: &mut Copying) -> rusqlite::Result<i64> {
    let connection = match copying.connection.take() {
        Some(connection) => connection,
        None => connection::open_checkpointer(path)?,
    };
    let pages = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?;
    copying.connection = Some(connection);
    Ok(pages)
}
