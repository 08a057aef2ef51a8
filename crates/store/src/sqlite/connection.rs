//! Opens connections the way this store needs them, and refuses what it must not run on.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use connector_faults::{Point, reach};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::log;
use crate::StoreError;

/// SQLite before this version can corrupt a database when one connection writes while another checkpoints.
const OLDEST_SQLITE: i32 = 3_051_003;

/// How long a connection waits for another one's lock.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Each connection stays with one thread at a time, which Rust sees to; SQLite need not lock it as well.
const OWN_THREAD: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE
    .union(OpenFlags::SQLITE_OPEN_CREATE)
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// How many migrations there are: the version that a database has behind them.
#[expect(clippy::cast_possible_wrap, reason = "there are few of them")]
pub(super) const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// The migrations, oldest first. Each runs once, in one transaction.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/sqlite/0001-spine.sql"),
    include_str!("../../migrations/sqlite/0002-duties.sql"),
    include_str!("../../migrations/sqlite/0003-sweep.sql"),
    include_str!("../../migrations/sqlite/0004-guard.sql"),
    include_str!("../../migrations/sqlite/0005-ops.sql"),
    include_str!("../../migrations/sqlite/0006-profiles.sql"),
    include_str!("../../migrations/sqlite/0007-held.sql"),
];

/// When a commit counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// When it is on disk.
    Full,
    /// When the operating system has it. Loses acknowledged work when the power fails.
    Normal,
}

/// Takes the database for this process, until the file is dropped.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| unusable(path, &format!("its folder cannot be made: {error}")))?;
    }
    let lock_path = path.with_added_extension("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(|error| unusable(path, &format!("{} cannot be opened: {error}", lock_path.display())))?;
    match file.try_lock() {
        Ok(()) => {
            reach(Point::FileLocked);
            Ok(file)
        }
        Err(std::fs::TryLockError::WouldBlock) => Err(unusable(path, "another process is using it")),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(unusable(path, &format!("it cannot be locked: {error}")))
        }
    }
}

/// Opens the connection that writes, migrated and checked.
pub(super) fn open_writer(path: &Path, synchronous: Synchronous) -> Result<Connection, StoreError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(StoreError::Unusable(format!(
            "SQLite {} has a known defect that damages databases; 3.51.3 or newer is needed",
            rusqlite::version()
        )));
    }
    let mut connection = Connection::open_with_flags(path, OWN_THREAD)
        .map_err(|error| unusable(path, &format!("it cannot be opened: {error}")))?;
    reach(Point::FileOpened);
    let prepared = prepare_writer(&connection, synchronous)
        // An earlier process may have ended in the middle of a failure.
        .and_then(|()| log::write_anew(&connection, path).map_err(Trouble::from))
        .and_then(|()| migrate(&mut connection, path));
    prepared.map_err(|trouble| match trouble {
        Trouble::Sqlite(error) => match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                unusable(path, &format!("{error}; put a backup in its place with `so-connector restore`"))
            }
            _ => unusable(path, &error.to_string()),
        },
        Trouble::Refused(words) => unusable(path, &words),
    })?;
    Ok(connection)
}

/// Opens a database that is nowhere but in memory, migrated.
pub(super) fn open_in_memory() -> Result<Connection, StoreError> {
    let path = Path::new(":memory:");
    let mut connection = Connection::open_in_memory()
        .map_err(|error| unusable(path, &format!("it cannot be opened: {error}")))?;
    let prepared =
        keep_plans(&connection).map_err(Trouble::from).and_then(|_| migrate(&mut connection, path));
    prepared.map_err(|trouble| match trouble {
        Trouble::Sqlite(error) => unusable(path, &error.to_string()),
        Trouble::Refused(words) => unusable(path, &words),
    })?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}

enum Trouble {
    Sqlite(rusqlite::Error),
    Refused(String),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn prepare_writer(connection: &Connection, synchronous: Synchronous) -> Result<(), Trouble> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A thread of its own copies the log into the database.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    let (word, number) = match synchronous {
        Synchronous::Full => ("FULL", 2),
        Synchronous::Normal => ("NORMAL", 1),
    };
    connection.pragma_update(None, "synchronous", word)?;
    connection.pragma_update(None, "cache_size", -4000)?;
    // Overwriting a log that is already there is cheaper than growing it.
    connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // A connection that is thrown away after an error must not touch the file again.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    keep_plans(connection)?;
    connection.set_prepared_statement_cache_capacity(96);
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let level: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") || level != number {
        return Err(Trouble::Refused(format!(
            "it does not keep the promised settings (journal_mode {mode}, synchronous {level}); is it on a network file system?"
        )));
    }
    Ok(())
}

/// Keeps the plans of prepared statements whatever is bound to them. Otherwise SQLite compiles some statements anew at
/// each run, since the plan might be better for another value; that took most of the writer's time.
fn keep_plans(connection: &Connection) -> rusqlite::Result<bool> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
}

fn migrate(connection: &mut Connection, path: &Path) -> Result<(), Trouble> {
    reach(Point::WriterPrepared);
    let known = MIGRATIONS.len();
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let done = usize::try_from(found).unwrap_or(usize::MAX);
    if done > known {
        return Err(Trouble::Refused(format!(
            "it was made by a newer version (schema {found}, this program knows {known}); use that version"
        )));
    }
    for (index, sql) in MIGRATIONS.iter().enumerate().skip(done) {
        let version = index + 1;
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        reach(Point::MigrationBegun);
        transaction.execute_batch(sql)?;
        reach(Point::MigrationApplied);
        transaction.pragma_update(None, "user_version", i64::try_from(version).unwrap_or(i64::MAX))?;
        reach(Point::MigrationMarked);
        transaction.commit()?;
        reach(Point::MigrationCommitted);
        tracing::info!(schema = version, "brought {} to schema {version}", path.display());
    }
    Ok(())
}

/// Opens a fresh writing connection after the old one was thrown away.
pub(super) fn reopen_writer(path: &Path, synchronous: Synchronous) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OWN_THREAD)?;
    prepare_writer(&connection, synchronous).map_err(|trouble| match trouble {
        Trouble::Sqlite(error) => error,
        Trouble::Refused(_) => rusqlite::Error::InvalidQuery,
    })?;
    Ok(connection)
}

/// Proves that a fresh connection can commit.
pub(super) fn prove(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "BEGIN IMMEDIATE;
         INSERT INTO settings (tenant, key, value, at) VALUES ('', 'reopened', '1', 0)
           ON CONFLICT (tenant, key) DO UPDATE SET value = CAST(value AS INTEGER) + 1;
         COMMIT;",
    )
}

/// Opens the connection that does nothing: as long as there is one, SQLite does not read the log anew.
pub(super) fn open_anchor(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OWN_THREAD)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // The log is not opened before something is read.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Opens the connection that copies the log into the database.
pub(super) fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, OWN_THREAD)?;
    connection.busy_timeout(PATIENCE)?;
    // It must not do at its end what it does in its time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -256)?;
    Ok(connection)
}

/// Opens a connection that can only read.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "cache_size", -2000)?;
    keep_plans(&connection)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn unusable(path: &Path, why: &str) -> StoreError {
    StoreError::Unusable(format!("the database {} cannot be used: {why}", path.display()))
}
