//! Moves everything from a SQLite file to a PostgreSQL: in one transaction, which is committed only when both hold the same.
//!
//! Which tables and columns there are is asked of both, so that nothing is forgotten when one of them gets another. The
//! proof reads everything back: of each table the number of rows, and a sum over what each row holds, which does not
//! hang on their order. When anything differs, or breaks off, the PostgreSQL stays as empty as it was. In the file only
//! what a worker that died had in hand is put back first.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::address::Address;
use super::connection::Connection;
use super::failure::Failure;
use super::frame::{Frame, Time};
use super::mark::{MARKS, SERVER};
use super::rows::{clean, get};
use super::schema;
use crate::StoreError;
use crate::queue::Queue as _;
use crate::sqlite::{Options, SqliteStore};

/// So many rows are read, sent and compared at a time, fewer where they may be large, and no more than so many bytes.
const AT_ONCE: usize = 500;
const LARGE_AT_ONCE: usize = 50;
const BYTES_AT_ONCE: usize = 8 * 1024 * 1024;
/// How long to wait for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// A table that was moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Its name.
    pub table: String,
    /// How many rows it has, in both.
    pub rows: u64,
    /// What they hold, in both: a sum of the rows' SHA-256.
    pub hash: String,
}

/// Moves everything, and says what of each table. `told` hears of each when it is copied.
///
/// # Errors
///
/// [`StoreError::Unusable`] when a process has the file, or the PostgreSQL is not empty; [`StoreError::Inconsistent`] when
/// what was copied is not what there was. The PostgreSQL holds nothing of it then.
pub async fn to_postgres(
    from: &Path,
    to: &Address,
    now: Timestamp,
    told: impl Fn(&str, u64) + Send,
) -> Result<Vec<Moved>, StoreError> {
    // The file stays ours until the end.
    let file = SqliteStore::open(from, &Options::default())?;
    // No worker has it, so whatever is in hand is a dead one's.
    file.recover(now).await?;
    let opening = Connection::open(to, Arc::new(Frame::new(Time::Caller)), None);
    let target = timeout(PATIENCE, opening).await.map_err(|_| Failure::Late("a connection"))??;
    schema::migrate(&target, to).await?;
    let moved = all(from, to, &target, told).await?;
    drop(file);
    Ok(moved)
}

async fn all(
    from: &Path,
    to: &Address,
    target: &Connection,
    told: impl Fn(&str, u64) + Send,
) -> Result<Vec<Moved>, StoreError> {
    let tables = tables(from, target).await?;
    let names: Vec<&str> = tables.keys().map(String::as_str).collect();
    begin(target, &names).await?;
    if let Some(table) = first_that_is_not_empty(target, &names).await? {
        let words = format!("{to} is not empty: there are rows in {table}; a database of its own is wanted");
        return Err(StoreError::Unusable(words));
    }
    let mut read = Vec::new();
    for (table, columns) in &tables {
        let sum = copy(from, target, table, columns).await?;
        told(table, sum.rows);
        read.push(sum);
    }
    for (table, column) in [("events", "seq"), ("jobs", "id"), ("writes", "id"), ("steps", "id")] {
        let sql = format!(
            "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), coalesce(max({column}), 1), max({column}) IS NOT NULL) FROM {table}"
        );
        target.simple(&sql).await?;
    }
    let mut moved = Vec::new();
    for ((table, columns), read) in tables.iter().zip(read) {
        let stands = stands(target, table, columns).await?;
        if stands != read {
            let words = format!(
                "{table} is not what it was: {} rows with {} in the file, {} rows with {} in PostgreSQL; nothing was moved",
                read.rows,
                read.shown(),
                stands.rows,
                stands.shown()
            );
            return Err(StoreError::Inconsistent(words));
        }
        moved.push(Moved { table: table.clone(), rows: read.rows, hash: read.shown() });
    }
    match target.simple("COMMIT").await {
        Ok(_) => Ok(moved),
        Err(failure) if failure.is_surely_undone() => Err(failure.into()),
        Err(failure) => {
            let words = StoreError::from(failure);
            Err(StoreError::Unavailable(format!(
                "it is not known whether everything was moved: {words}; start the move again: when PostgreSQL is not empty \
                 then, everything is there"
            )))
        }
    }
}

/// How PostgreSQL keeps a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Truth,
    Bytes,
}

type Columns = Vec<(String, Kind)>;

/// The tables of both with their columns, which must be the same.
async fn tables(from: &Path, target: &Connection) -> Result<BTreeMap<String, Columns>, StoreError> {
    let sql =
        "SELECT c.table_name::text AS name, c.column_name::text AS column_name, c.data_type::text AS kind
                 FROM information_schema.columns c
                WHERE c.table_schema = current_schema() AND c.table_name <> 'schema_version'
                ORDER BY c.table_name, c.column_name";
    let mut theirs: BTreeMap<String, Columns> = BTreeMap::new();
    for row in target.rows(sql, &[]).await? {
        let kind = match get::<String>(&row, "kind")?.as_str() {
            "text" => Kind::Text,
            "bigint" => Kind::Number,
            "boolean" => Kind::Truth,
            "bytea" => Kind::Bytes,
            other => return Err(StoreError::Inconsistent(format!("a column of the type {other}"))),
        };
        theirs.entry(get(&row, "name")?).or_default().push((get(&row, "column_name")?, kind));
    }
    let path = from.to_owned();
    let ours = tokio::task::spawn_blocking(move || tables_of_the_file(&path)).await.map_err(ended)??;
    let names = |columns: &Columns| columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let theirs_by_name: BTreeMap<_, _> =
        theirs.iter().map(|(table, columns)| (table.clone(), names(columns))).collect();
    if ours != theirs_by_name {
        let differs = |table: &&String| ours.get(*table) != theirs_by_name.get(*table);
        let all: Vec<&String> = ours.keys().chain(theirs_by_name.keys()).filter(differs).collect();
        return Err(StoreError::Inconsistent(format!("the two databases differ in their tables: {all:?}")));
    }
    Ok(theirs)
}

fn tables_of_the_file(path: &Path) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
    let sql = "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c
                WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.name";
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let connection = open(path)?;
    let mut statement = connection.prepare(sql).map_err(unreadable)?;
    let mut rows = statement.query([]).map_err(unreadable)?;
    while let Some(row) = rows.next().map_err(unreadable)? {
        tables.entry(row.get(0).map_err(unreadable)?).or_default().push(row.get(1).map_err(unreadable)?);
    }
    Ok(tables)
}

/// Begins a transaction that may take its time, and that nobody writes beside.
async fn begin(target: &Connection, tables: &[&str]) -> Result<(), Failure> {
    target
        .simple(
            "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;
             SET LOCAL lock_timeout = '5s'",
        )
        .await?;
    target.simple(&format!("LOCK TABLE {} IN EXCLUSIVE MODE", tables.join(", "))).await.map(drop)
}

async fn first_that_is_not_empty<'a>(
    target: &Connection,
    tables: &[&'a str],
) -> Result<Option<&'a str>, Failure> {
    // A service that was started on it once leaves no more than the rows by which it checked itself.
    let canaries = format!(
        "DELETE FROM settings WHERE tenant = '' AND (starts_with(key, '{MARKS}') OR key = '{SERVER}')"
    );
    target.simple(&canaries).await?;
    for table in tables {
        if target.row(&format!("SELECT 1 FROM {table} LIMIT 1"), &[]).await?.is_some() {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// A row as both write it: each column in its order, as text.
type Line = Vec<Option<String>>;

/// How many rows there are, and what they hold.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sum {
    rows: u64,
    parts: [u64; 4],
}

impl Sum {
    fn add(&mut self, line: &Line) {
        let mut hash = Sha256::new();
        for value in line {
            match value {
                None => hash.update([0xff]),
                Some(text) => {
                    hash.update((text.len() as u64).to_le_bytes());
                    hash.update(text.as_bytes());
                }
            }
        }
        self.rows += 1;
        for (part, bytes) in self.parts.iter_mut().zip(hash.finalize().as_chunks::<8>().0) {
            *part = part.wrapping_add(u64::from_le_bytes(*bytes));
        }
    }

    fn shown(&self) -> String {
        hex(&self.parts.map(u64::to_be_bytes).concat())
    }
}

/// Copies a table; says what was read.
async fn copy(from: &Path, target: &Connection, table: &str, columns: &Columns) -> Result<Sum, StoreError> {
    let sql = format!(
        "INSERT INTO {table} ({0}) SELECT {0} FROM json_populate_recordset(NULL::{table}, $1::text::json)",
        names(columns)
    );
    let (sender, mut lines) = mpsc::channel(2);
    let (path, name, kinds) = (from.to_owned(), table.to_owned(), columns.clone());
    let reading = tokio::task::spawn_blocking(move || read(&path, &name, &kinds, &sender));
    let mut sum = Sum::default();
    while let Some(some) = lines.recv().await {
        let some: Vec<Line> = some;
        for line in &some {
            sum.add(line);
        }
        target.execute(&sql, &[&documents(columns, some)]).await?;
    }
    reading.await.map_err(ended)??;
    Ok(sum)
}

fn names(columns: &Columns) -> String {
    columns.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
}

/// Rows as PostgreSQL takes them in.
fn documents(columns: &Columns, lines: Vec<Line>) -> String {
    let all = lines.into_iter().map(|line| {
        let values = columns.iter().zip(line).map(|((name, kind), value)| {
            let value = value.map(|text| if *kind == Kind::Bytes { format!("\\x{text}") } else { text });
            (name.clone(), value.into())
        });
        serde_json::Value::Object(values.collect())
    });
    serde_json::Value::Array(all.collect()).to_string()
}

/// Reads a table of the file.
fn read(
    path: &Path,
    table: &str,
    columns: &Columns,
    sender: &mpsc::Sender<Vec<Line>>,
) -> Result<(), StoreError> {
    let connection = open(path)?;
    let mut statement =
        connection.prepare(&format!("SELECT {} FROM {table}", names(columns))).map_err(unreadable)?;
    let mut rows = statement.query([]).map_err(unreadable)?;
    let (mut some, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next().map_err(unreadable)? {
        let values = columns.iter().enumerate();
        let line = values.map(|(at, (name, kind))| {
            let value = row.get_ref(at).map_err(unreadable)?;
            as_text(value, *kind).map_err(|Misfit| {
                StoreError::Inconsistent(format!("{table}.{name} holds what is none of its values"))
            })
        });
        let line = line.collect::<Result<Line, _>>()?;
        bytes += line.iter().flatten().map(String::len).sum::<usize>();
        some.push(line);
        if some.len() < AT_ONCE && bytes < BYTES_AT_ONCE {
            continue;
        }
        bytes = 0;
        if sender.blocking_send(std::mem::take(&mut some)).is_err() {
            return Ok(());
        }
    }
    // Whoever took them has given up; he knows why.
    let _ = sender.blocking_send(some);
    Ok(())
}

/// A value that cannot be one of its column's.
struct Misfit;

/// A value as both write it.
fn as_text(value: ValueRef<'_>, kind: Kind) -> Result<Option<String>, Misfit> {
    Ok(Some(match (value, kind) {
        (ValueRef::Null, _) => return Ok(None),
        (ValueRef::Integer(number), Kind::Number) => number.to_string(),
        (ValueRef::Integer(number @ 0..=1), Kind::Truth) => number.to_string(),
        (ValueRef::Text(text), Kind::Text) => {
            clean(std::str::from_utf8(text).map_err(|_| Misfit)?).into_owned()
        }
        // An event's id is kept as bytes when it is a UUID.
        (ValueRef::Blob(bytes), Kind::Text) => {
            uuid::Uuid::from_slice(bytes).map_err(|_| Misfit)?.as_hyphenated().to_string()
        }
        (ValueRef::Blob(bytes) | ValueRef::Text(bytes), Kind::Bytes) => hex(bytes),
        _ => return Err(Misfit),
    }))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Reads back what stands in PostgreSQL.
async fn stands(target: &Connection, table: &str, columns: &Columns) -> Result<Sum, Failure> {
    let values = columns.iter().map(|(name, kind)| match kind {
        Kind::Text => name.clone(),
        Kind::Number => format!("{name}::text"),
        Kind::Truth => format!("{name}::int::text"),
        Kind::Bytes => format!("encode({name}, 'hex')"),
    });
    let values = values.collect::<Vec<_>>().join(", ");
    target.simple(&format!("DECLARE all_of_{table} CURSOR FOR SELECT {values} FROM {table}")).await?;
    let mut sum = Sum::default();
    let at_once = if columns.iter().any(|(_, kind)| *kind == Kind::Bytes) { LARGE_AT_ONCE } else { AT_ONCE };
    loop {
        let rows = target.rows(&format!("FETCH {at_once} FROM all_of_{table}"), &[]).await?;
        for row in &rows {
            let line: Line = (0..columns.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>()?;
            sum.add(&line);
        }
        if rows.len() < at_once {
            return Ok(sum);
        }
    }
}

fn open(path: &Path) -> Result<rusqlite::Connection, StoreError> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX;
    rusqlite::Connection::open_with_flags(path, flags).map_err(unreadable)
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn unreadable(error: rusqlite::Error) -> StoreError {
    StoreError::Unusable(format!("the file cannot be read: {error}"))
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn ended(error: tokio::task::JoinError) -> StoreError {
    StoreError::Unavailable(format!("the reading thread has ended: {error}"))
}
