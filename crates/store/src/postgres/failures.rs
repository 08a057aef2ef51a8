//! Failures by their cause, on PostgreSQL.

use connector_domain::fingerprint::Fingerprint;
use connector_domain::ids::JobId;
use jiff::Timestamp;

use super::connection::Connection;
use super::failure::Failure;
use super::rows::{clean, get, limit, timestamp};
use super::work::Work;
use crate::queue::{FailureGroup, Failures};

/// No job of the same record is newer, and none waits.
const IS_THE_LAST: &str = "NOT EXISTS (SELECT 1 FROM jobs n WHERE n.tenant = f.tenant AND n.entity = f.entity \
     AND n.entity_id = f.entity_id AND n.id > f.id) \
     AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.tenant = f.tenant AND n.entity = f.entity \
     AND n.entity_id = f.entity_id AND n.state = 0)";

pub(super) async fn by_cause(c: &Connection, tenant: &str, most: usize) -> Result<Failures, Failure> {
    let sql = format!(
        "SELECT g.causes, g.fingerprint, g.count, g.first_at, g.last_at, g.example, j.words, j.remedy
           FROM (SELECT f.fingerprint AS fingerprint, count(*) AS count, min(f.finished_at) AS first_at,
                        max(f.finished_at) AS last_at, max(f.id) AS example,
                        count(*) OVER () AS causes
                   FROM jobs f WHERE f.tenant = $1 AND f.state = 5 AND {IS_THE_LAST}
                  GROUP BY f.fingerprint) g
           JOIN jobs j ON j.id = g.example
          ORDER BY g.count DESC, g.example DESC LIMIT $2"
    );
    let ahead = c.frame.ahead();
    let mut causes = 0;
    let groups = c.rows(&sql, &[&tenant, &limit(most)]).await?.into_iter().map(|row| {
        causes = get::<i64>(&row, "causes")?.unsigned_abs();
        Ok(FailureGroup {
            fingerprint: Fingerprint(get::<Option<String>>(&row, "fingerprint")?.unwrap_or_default()),
            words: get(&row, "words")?,
            remedy: get(&row, "remedy")?,
            count: get::<i64>(&row, "count")?.unsigned_abs(),
            first_at: timestamp(&row, "first_at", ahead)?,
            last_at: timestamp(&row, "last_at", ahead)?,
            example: JobId(get(&row, "example")?),
        })
    });
    let groups: Vec<FailureGroup> = groups.collect::<Result<_, Failure>>()?;
    Ok(Failures { more: causes.saturating_sub(groups.len() as u64), groups })
}

pub(super) async fn retry_all(
    work: &Work,
    tenant: &str,
    fingerprint: &str,
    most: usize,
    asked_at: Timestamp,
) -> Result<u64, Failure> {
    let sql = format!(
        // Chosen once: a limit within a condition may be asked anew for each row.
        "WITH chosen AS MATERIALIZED (
           SELECT f.id FROM jobs f WHERE f.tenant = $1 AND f.state = 5 AND f.fingerprint = $2
              AND f.finished_at <= $5 AND {IS_THE_LAST} ORDER BY f.id LIMIT $4 FOR UPDATE)
         UPDATE jobs SET state = 0, run_at = $3, updated_at = $3, faults = 0, crashes = 0, reason = NULL, words = NULL,
                         remedy = NULL, finished_at = NULL, fingerprint = NULL
           FROM chosen WHERE jobs.id = chosen.id AND jobs.state = 5"
    );
    let (now, asked_at) = (work.now(), work.latest(asked_at));
    let count = work.execute(&sql, &[&tenant, &clean(fingerprint), &now, &limit(most), &asked_at]).await?;
    if count > 0 {
        work.ring();
    }
    Ok(count)
}
