//! Failures by their cause, on SQLite.

use connector_domain::fingerprint::Fingerprint;
use connector_domain::ids::JobId;
use jiff::Timestamp;
use rusqlite::Connection;

use super::rows::{millis, timestamp};
use super::writer::Touched;
use crate::queue::{FailureGroup, Failures};

/// No job of the same record is newer, and none waits.
const IS_THE_LAST: &str = "NOT EXISTS (SELECT 1 FROM jobs n WHERE n.tenant = f.tenant AND n.entity = f.entity \
     AND n.entity_id = f.entity_id AND (n.id > f.id OR n.state = 0))";

pub(super) fn by_cause(connection: &Connection, tenant: &str, most: usize) -> rusqlite::Result<Failures> {
    let sql = format!(
        "SELECT g.causes, g.fingerprint, g.count, g.first_at, g.last_at, g.example, j.words, j.remedy
           FROM (SELECT f.fingerprint AS fingerprint, count(*) AS count, min(f.finished_at) AS first_at,
                        max(f.finished_at) AS last_at, max(f.id) AS example,
                        count(*) OVER () AS causes
                   FROM jobs f WHERE f.tenant = ?1 AND f.state = 5 AND {IS_THE_LAST}
                  GROUP BY f.fingerprint) g
           JOIN jobs j ON j.id = g.example
          ORDER BY g.count DESC, g.example DESC LIMIT ?2"
    );
    let mut causes = 0;
    let groups: Vec<FailureGroup> = connection
        .prepare_cached(&sql)?
        .query_map((tenant, most), |row| {
            causes = row.get("causes")?;
            Ok(FailureGroup {
                fingerprint: Fingerprint(row.get::<_, Option<String>>("fingerprint")?.unwrap_or_default()),
                words: row.get("words")?,
                remedy: row.get("remedy")?,
                count: row.get("count")?,
                first_at: timestamp(row, "first_at")?,
                last_at: timestamp(row, "last_at")?,
                example: JobId(row.get("example")?),
            })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Failures { more: u64::saturating_sub(causes, groups.len() as u64), groups })
}

pub(super) fn retry_all(
    connection: &Connection,
    touched: &mut Touched,
    tenant: &str,
    fingerprint: &Fingerprint,
    most: usize,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    let sql = format!(
        "UPDATE jobs SET state = 0, run_at = ?3, updated_at = ?3, faults = 0, crashes = 0, reason = NULL, words = NULL,
                         remedy = NULL, finished_at = NULL, fingerprint = NULL
          WHERE id IN (SELECT f.id FROM jobs f WHERE f.tenant = ?1 AND f.state = 5 AND f.fingerprint = ?2
                          AND f.finished_at <= ?3 AND {IS_THE_LAST} ORDER BY f.id LIMIT ?4)"
    );
    let count = connection.prepare_cached(&sql)?.execute((tenant, &fingerprint.0, millis(now), most))?;
    if count > 0 {
        *touched = Touched { queue: true, view: true };
    }
    Ok(count as u64)
}
