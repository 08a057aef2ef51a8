//! Tells a database from an older copy of it.
//!
//! A number in the database rises with each check of it, and so with each few seconds of service. Beside the database
//! lies a file with the highest number that was seen there. A database with a lower one is an older copy: what was
//! acknowledged since is missing in it, and whoever starts it should know. The file is written after the database, so a
//! crash between the two leaves it behind, which means nothing.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::rows::{from_json, millis, timestamp, to_json};
use super::settings::keep;
use crate::StoreError;
use crate::settings::{GAP, Gap};

/// The setting with the number; it is the whole database's.
const NUMBER: &str = "mark";
/// Whose settings these are: nobody's in particular.
const ALL: &str = "";

/// The file beside the database.
pub(super) fn file(path: &Path) -> PathBuf {
    path.with_added_extension("mark")
}

/// The highest number that was seen here; `None` when there is no file or nothing sensible in it.
pub(super) fn seen(path: &Path) -> Option<i64> {
    let mut text = String::new();
    File::open(file(path)).ok()?.take(64).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

/// When the file was last written.
fn written_at(path: &Path) -> Option<Timestamp> {
    let written = std::fs::metadata(file(path)).and_then(|file| file.modified()).ok()?;
    Timestamp::try_from(written).ok()
}

/// Notes a number beside the database. Always the same length, so that it is overwritten in one piece.
pub(super) fn note(path: &Path, number: i64) -> std::io::Result<()> {
    let mut file = File::options().create(true).truncate(false).write(true).open(file(path))?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("{number:020}\n").as_bytes())
}

/// Raises the number in the database and returns it.
pub(super) fn raise(connection: &Connection, now: Timestamp) -> rusqlite::Result<i64> {
    let next = number(connection)?.map_or(1, |(number, _)| number + 1);
    keep(connection, ALL, NUMBER, &next.to_string(), millis(now))?;
    Ok(next)
}

/// The number in the database, and when it was raised.
pub(super) fn number(connection: &Connection) -> rusqlite::Result<Option<(i64, Timestamp)>> {
    connection
        .prepare_cached("SELECT value, at FROM settings WHERE tenant = '' AND key = ?1")?
        .query_row([NUMBER], |row| Ok((from_json(row, "value")?, timestamp(row, "at")?)))
        .optional()
}

/// What the database is known to miss.
pub(super) fn gap(connection: &Connection) -> rusqlite::Result<Option<Gap>> {
    connection
        .prepare_cached("SELECT value FROM settings WHERE tenant = '' AND key = ?1")?
        .query_row([GAP], |row| from_json(row, "value"))
        .optional()
}

pub(super) fn keep_gap(connection: &Connection, gap: Gap, now: Timestamp) -> rusqlite::Result<()> {
    keep(connection, ALL, GAP, &to_json(&gap)?, millis(now))
}

/// Takes an older copy as what there is: its number is now above what was seen, and the gap is remembered with it.
pub(super) fn accept(connection: &Connection, path: &Path, seen: i64) -> rusqlite::Result<()> {
    let own = number(connection)?;
    let next = own.map_or(seen, |(number, _)| number.max(seen)) + 1;
    // One that was made anew knows nothing; what was there before it was last used when the file was last written.
    let Some(from) = own.map(|(_, at)| at).or_else(|| written_at(path)) else {
        return keep(connection, ALL, NUMBER, &next.to_string(), 0);
    };
    connection.execute_batch("BEGIN IMMEDIATE")?;
    keep(connection, ALL, NUMBER, &next.to_string(), millis(from))?;
    keep_gap(connection, Gap { from, asked: false }, from)?;
    connection.execute_batch("COMMIT")
}

/// Refuses to make a database where there was one before.
pub(super) fn refuse_gone(path: &Path, accept_it: bool) -> Result<(), StoreError> {
    if seen(path).is_none() || accept_it {
        return Ok(());
    }
    Err(refused(path, "it is gone, and would be made anew without anything in it"))
}

/// Refuses a database that is an older copy, or another one.
pub(super) fn refuse_older(connection: &Connection, path: &Path, accept_it: bool) -> Result<(), StoreError> {
    let Some(seen) = seen(path) else { return Ok(()) };
    let failed = |error: rusqlite::Error| {
        StoreError::Unusable(format!("the database {} cannot be read: {error}", path.display()))
    };
    let what = match number(connection).map_err(failed)? {
        Some((number, _)) if number >= seen => return Ok(()),
        Some((_, at)) => {
            format!("it is an older copy, last used at {at:.0}; what was taken in since is missing in it")
        }
        None => "it is another one than was used here before".to_owned(),
    };
    if !accept_it {
        return Err(refused(path, &what));
    }
    tracing::warn!("the database {} is taken as it is, though {what}", path.display());
    accept(connection, path, seen).map_err(failed)
}

fn refused(path: &Path, what: &str) -> StoreError {
    StoreError::Unusable(format!(
        "the database {} was not opened: {what}. Put the right one there, or start the service with --accept-rollback",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_made_anew_misses_what_was_done_since_it_was_last_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        note(&path, 7).unwrap();
        let used = written_at(&path).unwrap();
        let connection =
            crate::sqlite::connection::open_writer(&path, crate::sqlite::Synchronous::Full).unwrap();
        refuse_older(&connection, &path, true).unwrap();
        let gap = gap(&connection).unwrap().unwrap();
        assert_eq!((gap.from.as_second(), gap.asked), (used.as_second(), false));
        assert_eq!(number(&connection).unwrap().unwrap().0, 8);
    }

    #[test]
    fn what_is_noted_is_seen_and_nonsense_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        assert_eq!(seen(&path), None);
        for number in [7, 1_000_000, 8] {
            note(&path, number).unwrap();
            assert_eq!(seen(&path), Some(number));
        }
        std::fs::write(file(&path), "\0\0\0").unwrap();
        assert_eq!(seen(&path), None);
    }
}
