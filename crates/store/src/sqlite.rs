//! SQLite: one file, one process, one writer.
//!
//! All writes go through one owned connection on a thread of its own, which commits many of them at once; reads have
//! connections of their own. What this file promises beyond the traits: nothing is answered before it is on disk, and
//! a connection that reported any storage error is never used again.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use crate::StoreError;
use crate::settings::Gap;

mod accounts;
mod backup;
mod checkpoint;
mod connection;
mod duties;
mod failures;
mod inbox;
#[doc(hidden)]
pub mod inline;
mod journal;
mod leave;
mod log;
mod mark;
mod peek;
mod queue;
mod readers;
mod retention;
mod rows;
mod settings;
mod snapshots;
mod vitals;
mod writer;

pub use backup::{Copy, back_up, look_at, restore};
pub use connection::Synchronous;
pub use leave::leave;
pub use peek::Peek;
pub use vitals::Vitals;

/// How the database is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// When a commit counts as done. Anything but [`Synchronous::Full`] is for comparing speeds only.
    pub synchronous: Synchronous,
    /// At most so many requests share a commit; 1 gives each its own.
    pub batch: usize,
    /// A log of so many pages is begun anew; after half as many requests it is copied into the database.
    pub log_pages: usize,
    /// At most so many requests wait; further ones are told that the database is busy.
    pub waiting: usize,
    /// Whether a database that is an older copy, or that is gone, is taken as it is.
    pub accept_rollback: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            batch: 512,
            log_pages: 8192,
            waiting: 8192,
            accept_rollback: false,
        }
    }
}

/// The store in one SQLite file.
pub struct SqliteStore {
    writer: writer::Writer,
    readers: readers::Readers,
    wake: Arc<Notify>,
    changes: watch::Receiver<u64>,
    path: PathBuf,
    /// Whether no other process works with this database, so that each lease found at the start is a dead one's.
    alone: bool,
    /// Held for as long as the store lives: one process per database. A database in memory has no file and no lock.
    lock: Option<std::fs::File>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The version of SQLite that is built in.
pub fn version() -> &'static str {
    rusqlite::version()
}

impl SqliteStore {
    /// The version of the tables that this program makes and understands.
    pub const SCHEMA: i64 = connection::SCHEMA;

    /// Opens the file, creating and migrating it as needed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unusable`] when another process has it, when it was made by a newer version, when SQLite itself
    /// is too old, when the file cannot be opened, or when it is an older copy of what was used here before. Nothing was
    /// changed then, unless a migration was begun, which is undone.
    pub fn open(path: &Path, options: &Options) -> Result<Self, StoreError> {
        let lock = connection::lock(path)?;
        let is_new = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
        if is_new {
            mark::refuse_gone(path, options.accept_rollback)?;
        }
        let first = connection::open_writer(path, options.synchronous)?;
        mark::refuse_older(&first, path, options.accept_rollback)?;
        let wake = Arc::new(Notify::new());
        let (sender, changes) = watch::channel(0);
        let idle = Arc::default();
        let readers = readers::Readers::new(path, Arc::clone(&idle));
        let writer = writer::Writer::start(path, first, options, idle, Arc::clone(&wake), sender)?;
        Ok(Self { writer, readers, wake, changes, path: path.to_owned(), alone: true, lock: Some(lock) })
    }

    /// What the database is missing, when it was an older copy that was put in place of a newer one.
    pub async fn gap(&self) -> Result<Option<Gap>, StoreError> {
        self.readers.read(mark::gap).await
    }

    /// Notes that a sweep was asked for what the database is missing.
    pub async fn close_gap(&self, now: Timestamp) -> Result<(), StoreError> {
        self.writer
            .call(move |connection, _| match mark::gap(connection)? {
                Some(gap) => mark::keep_gap(connection, Gap { asked: true, ..gap }, now),
                None => Ok(()),
            })
            .await
    }

    /// Turns true when the database has failed for so long that a fresh start is the best that is left to try.
    pub fn given_up(&self) -> watch::Receiver<bool> {
        self.writer.given_up()
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    fn fresh() -> (tempfile::TempDir, SqliteStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.db"), &Options::default()).unwrap();
        (folder, store)
    }

    async fn shared() -> (tempfile::TempDir, SqliteStore) {
        fresh()
    }

    conformance::suite!(shared);

    #[tokio::test]
    async fn every_lease_that_is_found_at_the_start_is_a_dead_one() {
        use crate::conformance::samples::{changed, contact, lease, noon};
        use crate::queue::Queue as _;
        let (_folder, store) = fresh();
        changed(&store, "e1", contact(18), noon()).await;
        lease(&store, noon()).await.expect("the job is due");
        assert_eq!(store.recover(noon()).await.unwrap(), 1);
    }

    #[test]
    fn a_second_process_is_refused() {
        let (folder, _store) = fresh();
        let again = SqliteStore::open(&folder.path().join("store.db"), &Options::default());
        assert!(matches!(again, Err(StoreError::Unusable(words)) if words.contains("another process")));
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
        let refused = SqliteStore::open(&path, &Options::default());
        assert!(matches!(refused, Err(StoreError::Unusable(words)) if words.contains("newer version")));
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        std::fs::write(&path, "this is not a database, it is a sentence".repeat(200)).unwrap();
        let refused = SqliteStore::open(&path, &Options::default());
        assert!(matches!(refused, Err(StoreError::Unusable(words)) if words.contains("store.db")));
    }
}
