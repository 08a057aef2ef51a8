//! Copies of the database: made while it is in use, checked before they count, and put back in its place.
//!
//! A copy is made by a reading connection, which sees one moment and holds up nobody who writes. It is one file, without
//! the free pages, and takes its name only when it is whole and on disk. The key that seals the sign-in is no part of it.

use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};
use serde::Serialize;

use super::connection::{self, PATIENCE};
use super::{SqliteStore, mark};
use crate::StoreError;

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copy {
    /// Its length in bytes.
    pub bytes: u64,
    /// The version of its tables.
    pub schema: i64,
    /// From when it is, to within the seconds between two marks; `None` when it was never in service.
    pub from: Option<Timestamp>,
    /// Events in it.
    pub events: u64,
    /// Jobs in it.
    pub jobs: u64,
    /// Writes in it.
    pub writes: u64,
    /// Accounts in it.
    pub accounts: u64,
}

/// Copies the database to a file of its owner's alone, also while another process works with it. Returns when the copy is
/// whole, checked and on disk.
///
/// # Errors
///
/// There is no copy then, and a file that had the name before is as it was. A file that is there is replaced only when
/// that is asked for.
pub fn back_up(database: &Path, to: &Path, replace: bool) -> Result<Copy, StoreError> {
    if to.exists() && !replace {
        return Err(StoreError::Unusable(format!("{} is there already", to.display())));
    }
    if is_of(database, to) {
        let why = "the database itself is there, and a copy must not take its place";
        return Err(unusable(to, &why));
    }
    let source = open_to_read(database)?;
    let before = newest(&source).map_err(|error| unusable(database, &error))?;
    let unfinished = to.with_added_extension("unfinished");
    let copied = copy(&source, database, &unfinished, &before);
    let done = copied.and_then(|copy| put_in_place(&unfinished, to).map(|()| copy));
    if done.is_err() {
        drop(std::fs::remove_file(&unfinished));
    }
    done
}

/// Puts a copy in the database's place. What was there is kept beside it, under the name that is returned.
///
/// The next start takes the copy as what there is, and remembers since when it knows nothing.
///
/// # Errors
///
/// [`StoreError::Unusable`] when a process has the database, when the file is no sound copy, or when files cannot be
/// moved. In the last case the database may be gone from its place, and is kept beside it; a start is refused then.
pub fn restore(copy: &Path, database: &Path, now: Timestamp) -> Result<(Copy, Option<PathBuf>), StoreError> {
    let _lock = connection::lock(database)?;
    let found = look_at(copy)?;
    let fresh = database.with_added_extension("unfinished");
    drop(std::fs::remove_file(&fresh));
    create_for_owner(&fresh).map_err(|error| unusable(&fresh, &error))?;
    // Read like a database and not like a file: what was set aside after a kill has its newest rows in a log beside it.
    let name = fresh.to_string_lossy();
    let made = open_to_read(copy)?.execute("VACUUM INTO ?1", [name.as_ref()]);
    made.map_err(|error| unusable(copy, &error))?;
    // The mark goes into the copy before it takes its place, and beside it afterwards.
    let raised = Connection::open(&fresh)
        .and_then(|connection| {
            connection.pragma_update(None, "journal_mode", "DELETE")?;
            mark::accept(&connection, database, mark::seen(database).unwrap_or(0))
        })
        .map_err(|error| unusable(&fresh, &error));
    raised.inspect_err(|_| drop(std::fs::remove_file(&fresh)))?;

    let kept = if database.exists() { Some(set_aside(database, now)?) } else { None };
    put_in_place(&fresh, database)?;
    Ok((found, kept))
}

/// Looks at a copy: whether it is sound, and what it holds.
///
/// # Errors
///
/// [`StoreError::Unusable`] when it is not sound, or not this program's.
pub fn look_at(copy: &Path) -> Result<Copy, StoreError> {
    let connection = open_to_read(copy)?;
    checked(&connection).map_err(|error| unusable(copy, &error))?.map_err(|words| unusable(copy, &words))
}

fn copy(
    source: &Connection,
    database: &Path,
    unfinished: &Path,
    before: &Newest,
) -> Result<Copy, StoreError> {
    // An unfinished copy of an earlier time is of no use.
    drop(std::fs::remove_file(unfinished));
    create_for_owner(unfinished).map_err(|error| unusable(unfinished, &error))?;
    let name = unfinished.to_string_lossy();
    source.execute("VACUUM INTO ?1", [name.as_ref()]).map_err(|error| unusable(database, &error))?;
    let after = newest(source).map_err(|error| unusable(database, &error))?;
    let copy = look_at(unfinished)?;
    let here =
        open_to_read(unfinished).and_then(|c| newest(&c).map_err(|error| unusable(unfinished, &error)))?;
    if here < *before || here > after {
        return Err(unusable(unfinished, &"it does not hold what the database held"));
    }
    Ok(copy)
}

/// The newest rows; they only rise.
#[derive(Debug, PartialEq, Eq, PartialOrd)]
struct Newest {
    event: i64,
    job: i64,
    write: i64,
}

fn newest(connection: &Connection) -> rusqlite::Result<Newest> {
    connection.query_row(
        "SELECT (SELECT coalesce(max(seq), 0) FROM events), (SELECT coalesce(max(id), 0) FROM jobs),
                (SELECT coalesce(max(id), 0) FROM writes)",
        [],
        |row| Ok(Newest { event: row.get(0)?, job: row.get(1)?, write: row.get(2)? }),
    )
}

fn checked(connection: &Connection) -> rusqlite::Result<Result<Copy, String>> {
    let schema: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if !(1..=SqliteStore::SCHEMA).contains(&schema) {
        let known = SqliteStore::SCHEMA;
        return Ok(Err(format!("its tables are of version {schema}, and this program knows 1 to {known}")));
    }
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Ok(Err(format!("it is damaged: {verdict}")));
    }
    let count = |table: &str| {
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, u64>(0))
    };
    let bytes = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    Ok(Ok(Copy {
        bytes: connection.query_row(bytes, [], |row| row.get(0))?,
        schema,
        from: mark::number(connection)?.map(|(_, at)| at),
        events: count("events")?,
        jobs: count("jobs")?,
        writes: count("writes")?,
        accounts: count("accounts")?,
    }))
}

fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|connection| {
        connection.busy_timeout(PATIENCE)?;
        Ok(connection)
    });
    opened.map_err(|error| unusable(path, &error))
}

/// Makes a file that only its owner may read: everything that customers told us is in it.
fn create_for_owner(path: &Path) -> std::io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Whether a path is the database's, or a file's that belongs to it.
fn is_of(database: &Path, path: &Path) -> bool {
    let Ok(path) = std::path::absolute(path) else { return false };
    let same = |own: PathBuf| {
        let real = |path: &Path| path.canonicalize();
        std::path::absolute(&own).is_ok_and(|own| own == path)
            || matches!((real(&own), real(&path)), (Ok(own), Ok(path)) if own == path)
    };
    ["", "-wal", "-shm", ".lock", ".mark"]
        .into_iter()
        .any(|suffix| same(PathBuf::from(format!("{}{suffix}", database.display()))))
}

/// Gives a finished file its name, once it is on disk.
fn put_in_place(from: &Path, to: &Path) -> Result<(), StoreError> {
    let moved = (|| {
        File::open(from)?.sync_all()?;
        std::fs::rename(from, to)?;
        sync_folder(to)
    })();
    moved.map_err(|error| unusable(to, &error))
}

/// Moves a database out of the way, with the log that belongs to it. The log goes first or not at all: a log beside a
/// file that it does not belong to is the one thing that must not be.
fn set_aside(database: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    let stamp = now.strftime("%Y%m%dT%H%M%SZ");
    let kept = database.with_added_extension(format!("replaced-{stamp}"));
    let beside = |path: &Path, suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    let moved = (|| {
        if kept.exists() {
            return Err(std::io::Error::new(std::io::ErrorKind::AlreadyExists, "it is there already"));
        }
        let log = beside(database, "-wal");
        if log.exists() {
            std::fs::rename(&log, beside(&kept, "-wal"))?;
        }
        std::fs::rename(database, &kept)?;
        drop(std::fs::remove_file(beside(database, "-shm")));
        sync_folder(database)
    })();
    moved.map_err(|error| unusable(&kept, &error))?;
    Ok(kept)
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    File::open(folder)?.sync_all()
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Unusable(format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use connector_domain::ids::TenantId;

    use super::*;
    use crate::conformance::samples::{changed, contact, noon, tenant};
    use crate::sqlite::{Options, Peek};
    use crate::{Inbox as _, Settings as _};

    fn place() -> (tempfile::TempDir, PathBuf, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let (database, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
        (folder, database, copy)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_copy_is_made_beside_the_running_store_and_put_back_later() {
        let (_folder, database, copy) = place();
        let store = SqliteStore::open(&database, &Options::default()).unwrap();
        changed(&store, "e1", contact(18), noon()).await;
        store.check(noon()).await.unwrap();
        let made = back_up(&database, &copy, false).unwrap();
        assert_eq!((made.events, made.jobs, made.from), (1, 1, Some(noon())));
        assert!(!copy.with_added_extension("unfinished").exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let again = back_up(&database, &copy, false);
        assert!(matches!(again, Err(StoreError::Unusable(words)) if words.contains("there already")));

        for own in ["store.db", "store.db-wal", "store.db.lock"] {
            let refused = back_up(&database, &database.with_file_name(own), true);
            assert!(
                matches!(refused, Err(StoreError::Unusable(words)) if words.contains("the database itself"))
            );
        }

        changed(&store, "e2", contact(19), noon()).await;
        store.check(noon()).await.unwrap();
        let refused = restore(&copy, &database, noon());
        assert!(matches!(refused, Err(StoreError::Unusable(words)) if words.contains("another process")));
        drop(store);
        let (_, kept) = restore(&copy, &database, noon()).unwrap();
        let store = SqliteStore::open(&database, &Options::default()).unwrap();
        assert_eq!(store.event_count(&tenant()).await.unwrap(), 1);
        assert_eq!(store.gap().await.unwrap(), Some(Gap { from: noon(), asked: false }));
        let kept = Peek::open(&kept.unwrap()).unwrap();
        assert_eq!(kept.schema(), SqliteStore::SCHEMA, "what was there is kept");
    }

    use crate::settings::Gap;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_a_copy_has_in_a_log_beside_it_is_put_back_too() {
        let (folder, database, copy) = place();
        let killed = folder.path().join("killed.db");
        let store = SqliteStore::open(&killed, &Options::default()).unwrap();
        changed(&store, "e1", contact(18), noon()).await;
        // As a kill leaves it: nothing of it is in the file yet.
        for suffix in ["", "-wal"] {
            let of = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
            std::fs::copy(of(&killed), of(&copy)).unwrap();
        }
        let (found, _) = restore(&copy, &database, noon()).unwrap();
        let store = SqliteStore::open(&database, &Options::default()).unwrap();
        assert_eq!((found.events, store.event_count(&tenant()).await.unwrap()), (1, 1));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_older_copy_is_refused_unless_it_is_accepted() {
        let (_folder, database, copy) = place();
        let store = SqliteStore::open(&database, &Options::default()).unwrap();
        store.check(noon()).await.unwrap();
        back_up(&database, &copy, false).unwrap();
        store.check(noon()).await.unwrap();
        drop(store);
        std::fs::copy(&copy, &database).unwrap();
        let refused = SqliteStore::open(&database, &Options::default());
        assert!(matches!(refused, Err(StoreError::Unusable(words)) if words.contains("older copy")));
        let options = Options { accept_rollback: true, ..Options::default() };
        let store = SqliteStore::open(&database, &options).unwrap();
        assert_eq!(store.gap().await.unwrap().unwrap().from, noon());
        store.close_gap(noon()).await.unwrap();
        assert!(store.gap().await.unwrap().unwrap().asked);
        drop(store);
        SqliteStore::open(&database, &Options::default()).expect("it was accepted once and for all");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_database_that_is_gone_is_not_made_anew_in_silence() {
        let (_folder, database, _) = place();
        let store = SqliteStore::open(&database, &Options::default()).unwrap();
        store.check(noon()).await.unwrap();
        drop(store);
        std::fs::remove_file(&database).unwrap();
        let refused = SqliteStore::open(&database, &Options::default());
        assert!(matches!(refused, Err(StoreError::Unusable(words)) if words.contains("it is gone")));
        let again = SqliteStore::open(&database, &Options::default());
        assert!(again.is_err(), "and not at the second try either");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_damaged_copy_is_not_put_back() {
        let (_folder, database, copy) = place();
        let store = SqliteStore::open(&database, &Options::default()).unwrap();
        for turn in 0..200 {
            changed(&store, &format!("e{turn}"), contact(turn), noon()).await;
        }
        back_up(&database, &copy, false).unwrap();
        drop(store);
        let mut bytes = std::fs::read(&copy).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0xA5);
        std::fs::write(&copy, bytes).unwrap();
        assert!(matches!(restore(&copy, &database, noon()), Err(StoreError::Unusable(_))));
        let store = SqliteStore::open(&database, &Options::default()).unwrap();
        assert_eq!(store.event_count(&TenantId("Cust10001".into())).await.unwrap(), 200);
    }
}
