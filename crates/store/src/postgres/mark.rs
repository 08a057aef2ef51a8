//! Tells a database from an older copy of it, which comes up when a standby that lagged takes the primary's place, or when
//! a backup is put back.
//!
//! Two signs are looked for whenever a process checks the database. The row with its own last mark is older than that: so
//! is everything else. Or the server is another one than at the last check by anybody, or goes on from another point of
//! its history, which is what it does when a standby is promoted and when a backup was put back: then the last moments
//! before may be gone, and nobody needs to have been alive to notice. What was taken in since the last mark that is there
//! may be missing, and is noted as a gap.

use super::connection::Connection;
use super::failure::Failure;
use super::rows::{from_json, get, to_json};
use super::work::Work;
use crate::settings::{GAP, Gap};

/// The setting that says which server it was, as of the last check.
pub(super) const SERVER: &str = "server";
/// How the settings begin in which each process keeps its own mark.
pub(super) const MARKS: &str = "canary ";
/// So many milliseconds the marks of processes that have ended stay.
const KEPT: i64 = 24 * 60 * 60 * 1000;

/// Which server this is, and from which point of its history it goes on. `None` where a server does not tell.
pub(super) async fn server(connection: &Connection) -> Option<String> {
    let sql = "SELECT (SELECT system_identifier FROM pg_control_system()) || '/' ||
                      substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)";
    connection.simple(sql).await.ok().flatten()
}

/// What a process knows from its earlier checks, and from this one.
pub(super) struct Check<'a> {
    /// Under which name it keeps its mark.
    pub(super) name: &'a str,
    /// Its mark.
    pub(super) mark: i64,
    /// The mark that it is known to have left before; 0 when there is none.
    pub(super) left: i64,
    /// Which server this is.
    pub(super) server: Option<&'a str>,
}

/// Leaves a mark. Returns what the database may be missing, and notes it, when it is an older copy.
pub(super) async fn leave(work: &Work, check: &Check<'_>) -> Result<Option<Gap>, Failure> {
    let key = key(check.name);
    let newest = "SELECT max(at) AS at FROM settings WHERE tenant = '' AND starts_with(key, $1)";
    let newest: Option<i64> = get(&work.one(newest, &[&MARKS]).await?, "at")?;
    let found: Option<i64> = value(work, &key).await?;
    let known: Option<String> = value(work, SERVER).await?;
    // Of two checks of one process the later one may be the first to be done.
    keep(work, &key, &to_json(&found.unwrap_or_default().max(check.mark))?).await?;
    let old = "DELETE FROM settings WHERE tenant = '' AND starts_with(key, $1) AND at < $2";
    work.execute(old, &[&MARKS, &(work.now() - KEPT)]).await?;
    let is_another = match (check.server, &known) {
        (Some(server), Some(known)) => server != known,
        (Some(_) | None, _) => false,
    };
    if let Some(server) = check.server
        && (is_another || known.is_none())
    {
        keep(work, SERVER, &to_json(&server)?).await?;
    }
    if !is_another && found.unwrap_or_default() >= check.left {
        return Ok(None);
    }
    let from = work.told(newest.unwrap_or(work.now()))?;
    let earlier = value::<Gap>(work, GAP).await?.filter(|gap| !gap.asked);
    let gap = Gap { from: earlier.map_or(from, |gap| gap.from.min(from)), asked: false };
    keep(work, GAP, &to_json(&gap)?).await?;
    Ok(Some(gap))
}

/// The setting with a process's mark.
pub(super) fn key(name: &str) -> String {
    format!("{MARKS}{name}")
}

async fn value<T: serde::de::DeserializeOwned>(work: &Work, key: &str) -> Result<Option<T>, Failure> {
    let sql = "SELECT value FROM settings WHERE tenant = '' AND key = $1 FOR UPDATE";
    work.row(sql, &[&key]).await?.map(|row| from_json(&row, "value")).transpose()
}

async fn keep(work: &Work, key: &str, value: &str) -> Result<(), Failure> {
    let sql = "INSERT INTO settings (tenant, key, value, at) VALUES ('', $1, $2, $3)
                 ON CONFLICT (tenant, key) DO UPDATE SET value = excluded.value, at = excluded.at";
    work.execute(sql, &[&key, &value, &work.now()]).await.map(drop)
}

/// Tells whoever reads the log.
pub(super) fn tell(gap: &Gap) {
    tracing::error!(
        "the database is an older copy, or another server has taken its place: what was taken in since {:.0} may be missing",
        gap.from
    );
}
