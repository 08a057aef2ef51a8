//! Rows to values and back. A row that makes no sense is an error that names its column.

use std::borrow::Cow;

use connector_domain::account::Ended;
use connector_domain::ids::{ContactId, Entity, JobId, RecordRef, TenantId};
use connector_domain::job::{Job, JobState};
use connector_domain::reason::Reason;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSqlOwned;

use super::failure::{Failure, in_words};

pub(super) const JOB_COLUMNS: &str = "id, tenant, entity, entity_id, account_id, created, state, reason, words, remedy, \
     attempts, faults, crashes, events, created_at, run_at, started_at, finished_at";

pub(super) fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

pub(super) fn get<T: FromSqlOwned>(row: &Row, column: &str) -> Result<T, Failure> {
    row.try_get(column).map_err(|error| strange(column, &in_words(&error)))
}

/// A moment in the process's time; the database's clock is `ahead` of it.
pub(super) fn timestamp(row: &Row, column: &str, ahead: i64) -> Result<Timestamp, Failure> {
    moment(get(row, column)?, column, ahead)
}

pub(super) fn timestamp_opt(row: &Row, column: &str, ahead: i64) -> Result<Option<Timestamp>, Failure> {
    get::<Option<i64>>(row, column)?.map(|millis| moment(millis, column, ahead)).transpose()
}

fn moment(millis: i64, column: &str, ahead: i64) -> Result<Timestamp, Failure> {
    Timestamp::from_millisecond(millis.saturating_sub(ahead))
        .map_err(|error| strange(column, &error.to_string()))
}

pub(super) fn count(row: &Row, column: &str) -> Result<u32, Failure> {
    u32::try_from(get::<i64>(row, column)?).map_err(|error| strange(column, &error.to_string()))
}

/// A number of rows.
pub(super) fn total(row: &Row) -> Result<u64, Failure> {
    u64::try_from(row.try_get::<_, i64>(0)?).map_err(|error| strange("count", &error.to_string()))
}

pub(super) fn reason(row: &Row, column: &str) -> Result<Option<Reason>, Failure> {
    get::<Option<String>>(row, column)?
        .map(|code| Reason::parse(&code).ok_or_else(|| strange(column, &format!("unknown reason {code}"))))
        .transpose()
}

pub(super) fn entity(word: &str) -> Result<Entity, Failure> {
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

pub(super) fn state(number: i64) -> Result<JobState, Failure> {
    JobState::ALL
        .iter()
        .copied()
        .find(|state| state_number(*state) == number)
        .ok_or_else(|| strange("state", &format!("unknown state {number}")))
}

pub(super) fn job(row: &Row, ahead: i64) -> Result<Job, Failure> {
    let word: String = get(row, "entity")?;
    Ok(Job {
        id: JobId(get(row, "id")?),
        tenant: TenantId(get(row, "tenant")?),
        record: RecordRef { entity: entity(&word)?, id: get(row, "entity_id")? },
        account: get::<Option<i64>>(row, "account_id")?.map(ContactId),
        created: get(row, "created")?,
        state: state(get(row, "state")?)?,
        reason: reason(row, "reason")?,
        words: get(row, "words")?,
        remedy: get(row, "remedy")?,
        attempts: count(row, "attempts")?,
        faults: count(row, "faults")?,
        crashes: count(row, "crashes")?,
        events: count(row, "events")?,
        created_at: timestamp(row, "created_at", ahead)?,
        run_at: timestamp(row, "run_at", ahead)?,
        started_at: timestamp_opt(row, "started_at", ahead)?,
        finished_at: timestamp_opt(row, "finished_at", ahead)?,
    })
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

/// PostgreSQL keeps no NUL in a text, and one in somebody's name must not keep an event out.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

pub(super) fn clean_opt(text: Option<&String>) -> Option<Cow<'_, str>> {
    text.map(|text| clean(text))
}

pub(super) fn strange(column: &str, words: &str) -> Failure {
    Failure::Strange(format!("{column}: {words}"))
}

pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| strange("json", &error.to_string()))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, Failure> {
    let text: String = get(row, column)?;
    serde_json::from_str(&text).map_err(|error| strange(column, &error.to_string()))
}

/// A number of rows for a `LIMIT`.
pub(super) fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
