//! Rows to values and back. A row that makes no sense is an error that names its column.

use connector_domain::account::Ended;
use connector_domain::ids::{ContactId, Entity, JobId, RecordRef, TenantId};
use connector_domain::job::{Job, JobState};
use connector_domain::reason::Reason;
use jiff::Timestamp;
use rusqlite::types::{ToSql, ToSqlOutput, Type, ValueRef};
use rusqlite::{Connection, Row};

pub(super) const JOB_COLUMNS: &str = "id, tenant, entity, entity_id, account_id, created, state, reason, words, remedy, \
     attempts, faults, crashes, events, created_at, run_at, started_at, finished_at";

pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(super) fn timestamp(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    let millis: i64 = row.get(column)?;
    Timestamp::from_millisecond(millis).map_err(|error| strange(column, &error.to_string()))
}

pub(super) fn moment(column: &str, millis: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(millis).map_err(|error| strange(column, &error.to_string()))
}

pub(super) fn timestamp_opt(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(column)?;
    millis
        .map(|millis| {
            Timestamp::from_millisecond(millis).map_err(|error| strange(column, &error.to_string()))
        })
        .transpose()
}

pub(super) fn count(row: &Row<'_>, column: &str) -> rusqlite::Result<u32> {
    let number: i64 = row.get(column)?;
    u32::try_from(number).map_err(|error| strange(column, &error.to_string()))
}

pub(super) fn reason(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Reason>> {
    let code: Option<String> = row.get(column)?;
    code.map(|code| Reason::parse(&code).ok_or_else(|| strange(column, &format!("unknown reason {code}"))))
        .transpose()
}

pub(super) fn entity(word: &str) -> rusqlite::Result<Entity> {
    match word {
        "contact" => Ok(Entity::Contact),
        "person" => Ok(Entity::Person),
        other => Err(strange("entity", &format!("unknown entity {other}"))),
    }
}

pub(super) const fn state_number(state: JobState) -> i64 {
    match state {
        JobState::Pending => 0,
        JobState::Processing => 1,
        JobState::Completed => 2,
        JobState::Skipped => 3,
        JobState::Held => 4,
        JobState::Failed => 5,
    }
}

pub(super) fn state(number: i64) -> rusqlite::Result<JobState> {
    JobState::ALL
        .iter()
        .copied()
        .find(|state| state_number(*state) == number)
        .ok_or_else(|| strange("state", &format!("unknown state {number}")))
}

pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let tenant: String = row.get("tenant")?;
    let word: String = row.get("entity")?;
    let account: Option<i64> = row.get("account_id")?;
    Ok(Job {
        id: JobId(row.get("id")?),
        tenant: TenantId(tenant),
        record: RecordRef { entity: entity(&word)?, id: row.get("entity_id")? },
        account: account.map(ContactId),
        created: row.get("created")?,
        state: state(row.get("state")?)?,
        reason: reason(row, "reason")?,
        words: row.get("words")?,
        remedy: row.get("remedy")?,
        attempts: count(row, "attempts")?,
        faults: count(row, "faults")?,
        crashes: count(row, "crashes")?,
        events: count(row, "events")?,
        created_at: timestamp(row, "created_at")?,
        run_at: timestamp(row, "run_at")?,
        started_at: timestamp_opt(row, "started_at")?,
        finished_at: timestamp_opt(row, "finished_at")?,
    })
}

/// An event's id as it is stored: the 16 bytes of a UUID, which most are, take a third of the room in the row and in its
/// index. Anything else, also a UUID in another spelling, is stored as it is written.
pub(super) enum StoredId<'a> {
    Uuid([u8; 16]),
    Text(&'a str),
}

impl<'a> StoredId<'a> {
    pub(super) fn of(id: &'a str) -> Self {
        match uuid::Uuid::try_parse(id) {
            Ok(uuid) if uuid.as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()) == id => {
                Self::Uuid(uuid.into_bytes())
            }
            Ok(_) | Err(_) => Self::Text(id),
        }
    }
}

impl ToSql for StoredId<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Uuid(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

pub(super) fn event_id(row: &Row<'_>) -> rusqlite::Result<String> {
    match row.get_ref("event_id")? {
        ValueRef::Blob(bytes) => {
            let uuid =
                uuid::Uuid::from_slice(bytes).map_err(|error| strange("event_id", &error.to_string()))?;
            Ok(uuid.as_hyphenated().to_string())
        }
        ValueRef::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => {
            Err(strange("event_id", "neither text nor bytes"))
        }
    }
}

/// A finished job as one line of an account's history.
pub(super) fn ended(job: &Job) -> Option<Ended> {
    let at = job.finished_at.filter(|_| job.state.is_final())?;
    Some(Ended {
        at,
        state: job.state,
        reason: job.reason,
        job: Some(job.id),
        words: job.words.clone().unwrap_or_default(),
    })
}

/// What no two workers may hold at once.
pub(super) fn lane(record: RecordRef, account: Option<ContactId>) -> String {
    match (record.as_contact().or(account), record.entity) {
        (Some(contact), _) => format!("c{contact}"),
        (None, _) => format!("p{}", record.id),
    }
}

pub(super) fn job_by_id(connection: &Connection, tenant: &str, id: JobId) -> rusqlite::Result<Option<Job>> {
    use rusqlite::OptionalExtension;
    connection
        .prepare_cached(&format!("SELECT {JOB_COLUMNS} FROM jobs WHERE tenant = ?1 AND id = ?2"))?
        .query_row((tenant, id.0), job)
        .optional()
}

pub(super) fn strange(column: &str, words: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Null, format!("{column}: {words}").into())
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| strange(column, &error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were_written() {
        let connection = Connection::open_in_memory().unwrap();
        for id in
            ["88f91933-edce-4c1a-8ded-ade8e2f72434", "88F91933-EDCE-4C1A-8DED-ADE8E2F72434", "sha256:ab", ""]
        {
            let read: String =
                connection.query_row("SELECT ?1 AS event_id", [StoredId::of(id)], event_id).unwrap();
            assert_eq!(read, id);
        }
        assert!(matches!(StoredId::of("88f91933-edce-4c1a-8ded-ade8e2f72434"), StoredId::Uuid(_)));
    }
}
