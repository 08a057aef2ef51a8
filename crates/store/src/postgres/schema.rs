//! Brings the tables to this program's version, and says what a server's settings put at risk.

use super::address::Address;
use super::connection::Connection;
use super::failure::Failure;

/// The migrations, oldest first. All that are missing run in one transaction.
const MIGRATIONS: &[&str] = &[
    include_str!("../../migrations/postgres/0001-spine.sql"),
    include_str!("../../migrations/postgres/0002-held.sql"),
];

/// How many migrations there are: the version that a database has behind them.
#[expect(clippy::cast_possible_wrap, reason = "there are few of them")]
pub(super) const SCHEMA: i64 = MIGRATIONS.len() as i64;

/// The version that a database has; 0 when it has no tables.
pub(super) async fn version(connection: &Connection) -> Result<i64, Failure> {
    let there = connection.simple("SELECT to_regclass('schema_version')").await?;
    if there.is_none() {
        return Ok(0);
    }
    let version = connection.simple("SELECT coalesce(max(version), 0) FROM schema_version").await?;
    Ok(version.and_then(|text| text.parse().ok()).unwrap_or_default())
}

/// Makes and changes the tables as needed. Of several programs that start at once, one does it.
pub(super) async fn migrate(connection: &Connection, address: &Address) -> Result<(), Failure> {
    let found = version(connection).await?;
    if found > SCHEMA {
        return Err(newer(address, found));
    }
    if found == SCHEMA {
        return Ok(());
    }
    connection
        .simple(
            "BEGIN; SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = '600s';
             SELECT pg_advisory_xact_lock(hashtextextended('so-connector schema ' || current_schema(), 0));
             CREATE TABLE IF NOT EXISTS schema_version (version bigint PRIMARY KEY, at timestamptz NOT NULL)",
        )
        .await?;
    // Another program may have done it meanwhile.
    let found = version(connection).await?;
    if found > SCHEMA {
        return Err(newer(address, found));
    }
    for (sql, version) in MIGRATIONS.iter().zip(1..).filter(|(_, version)| *version > found) {
        connection.simple(sql).await?;
        connection.simple(&format!("INSERT INTO schema_version VALUES ({version}, now())")).await?;
        tracing::info!(schema = version, "brought {address} to schema {version}");
    }
    connection.simple("COMMIT").await?;
    Ok(())
}

fn newer(address: &Address, found: i64) -> Failure {
    Failure::Refused(format!(
        "{address} was made by a newer version (schema {found}, this program knows {SCHEMA}); use that version"
    ))
}

/// Something about a server that can lose what was acknowledged, or that slows the work down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    /// What was found.
    pub words: String,
    /// What to do.
    pub remedy: &'static str,
}

/// What the server's settings put at risk. Asked of the server, not of our session, which sets some of them itself.
pub(super) async fn risks(connection: &Connection) -> Result<Vec<Risk>, Failure> {
    let row = connection
        .one(
            "SELECT current_setting('fsync'), current_setting('full_page_writes'), s.reset_val
               FROM pg_settings s WHERE s.name = 'synchronous_commit'",
            &[],
        )
        .await?;
    let text = |at: usize| -> Result<String, Failure> { Ok(row.try_get(at)?) };
    let mut risks = Vec::new();
    if text(0)? == "off" {
        risks.push(Risk {
            words:
                "the server runs with fsync = off: what was acknowledged is lost when it or its power fails"
                    .into(),
            remedy: "set fsync = on in postgresql.conf and restart PostgreSQL",
        });
    }
    if text(1)? == "off" {
        risks.push(Risk {
            words: "the server runs with full_page_writes = off: a power failure can damage the database"
                .into(),
            remedy: "set full_page_writes = on in postgresql.conf and reload PostgreSQL",
        });
    }
    if text(2)? == "off" {
        risks.push(Risk {
            words:
                "synchronous_commit is off; this program sets it on for itself, others lose what they commit"
                    .into(),
            remedy: "set synchronous_commit = on for the server, the database or the role",
        });
    }
    Ok(risks)
}
