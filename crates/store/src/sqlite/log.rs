//! What a disk that once refused to keep something does to the log, and how it is set right.
//!
//! A page that could not be brought to the disk once is not tried again by the system, which takes it for clean and shows
//! it to whoever reads. So after a failed commit the log has frames in it that look committed and are not on the disk:
//! SQLite would take them for committed if it read the log anew, and what is committed behind them would be lost with
//! them in a power cut. Therefore SQLite does not read the log anew while the process lives, and when it has to, the log
//! is first written once more as it is.
//!
//! The same holds for pages that were copied into the database: SQLite counts them as copied before the disk has been
//! told to keep them, and goes on counting them when the disk refuses. It forgets the count when it reads the log anew.

use std::path::Path;

use rusqlite::{Connection, ffi};

/// How many pages the log has, and how many of them SQLite takes for copied into the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) pages: u64,
    pub(super) copied: u64,
}

impl Extent {
    /// Asks without changing anything.
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
            let count = |column| row.get(column).map(|count: i64| u64::try_from(count).unwrap_or(0));
            Ok(Self { pages: count(1)?, copied: count(2)? })
        })
    }
}

/// Writes everything that counts as committed in the log once more, the same bytes in the same places, and waits for the
/// disk. Nobody else writes meanwhile; a connection that may not write is found out.
pub(super) fn write_anew(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    let Extent { pages, .. } = Extent::of(connection)?;
    let page: u64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let written = match pages {
        0 => Ok(()),
        _ => again(Path::new(&format!("{}-wal", path.display())), HEAD + pages * (FRAME_HEAD + page)),
    };
    connection.execute_batch("ROLLBACK")?;
    written.map_err(|error| as_sqlite(&error))
}

/// The bytes before the first frame, and before the page in each.
const HEAD: u64 = 32;
const FRAME_HEAD: u64 = 24;

#[cfg(unix)]
fn again(file: &Path, length: u64) -> std::io::Result<()> {
    use std::os::unix::fs::FileExt as _;

    let file = std::fs::File::options().read(true).write(true).open(file)?;
    let (mut at, mut piece) = (0, vec![0; 1 << 20]);
    while at < length {
        let most = usize::try_from(length - at).unwrap_or(usize::MAX).min(piece.len());
        let read = file.read_at(&mut piece[..most], at)?;
        if read == 0 {
            break;
        }
        file.write_all_at(&piece[..read], at)?;
        at += read as u64;
    }
    file.sync_all()
}

/// Elsewhere it is not known that a page is taken for clean that could not be written.
#[cfg(not(unix))]
fn again(_file: &Path, _length: u64) -> std::io::Result<()> {
    Ok(())
}

fn as_sqlite(error: &std::io::Error) -> rusqlite::Error {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull => ffi::SQLITE_FULL,
        _ => ffi::SQLITE_IOERR,
    };
    let words = format!("the log could not be written anew: {error}");
    rusqlite::Error::SqliteFailure(ffi::Error::new(code), Some(words))
}
