//! Accounts on SQLite.

use async_trait::async_trait;
use connector_domain::account::{CLUSTER_WINDOW, Ended, OpenWork};
use connector_domain::ids::{ContactId, PersonId, TenantId};
use connector_domain::job::{Job, JobState};
use connector_domain::reason::Reason;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::SqliteStore;
use super::inbox::{EVENT_COLUMNS, stored};
use super::rows::{JOB_COLUMNS, ended, from_json, job, millis, timestamp, to_json};
use crate::StoreError;
use crate::accounts::{AccountFilter, AccountRow, Accounts, Facts, KeptProfile, Twin};
use crate::page::{Page, PageRequest};

/// How many jobs, and events without one, an account's row looks back on.
const LOOK_BACK: i64 = 20;

#[async_trait]
impl Accounts for SqliteStore {
    async fn learn(
        &self,
        tenant: &TenantId,
        account: ContactId,
        facts: Facts,
        duplicate_key: Option<String>,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Twin>, StoreError> {
        let tenant = tenant.0.clone();
        self.writer
            .call(move |connection, touched| {
                touched.view = true;
                keep(connection, &tenant, account, &facts, now)?;
                let Some(key) = &duplicate_key else {
                    return known_twin(connection, &tenant, account, now - window);
                };
                let twin = twin(connection, &tenant, account, key, now - window)?;
                match &twin {
                    None => connection
                        .prepare_cached("UPDATE accounts SET name_key = ?3, duplicate_of = NULL WHERE tenant = ?1 AND contact_id = ?2")?
                        .execute((&tenant, account.0, key))?,
                    Some(twin) => connection
                        .prepare_cached("UPDATE accounts SET duplicate_of = ?3, duplicate_at = ?4 WHERE tenant = ?1 AND contact_id = ?2")?
                        .execute((&tenant, account.0, twin.account.0, millis(now)))?,
                };
                Ok(twin)
            })
            .await
    }

    async fn unnamed(&self, tenant: &TenantId, most: usize) -> Result<Vec<ContactId>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT contact_id FROM accounts INDEXED BY accounts_unnamed
                          WHERE tenant = ?1 AND name IS NULL AND deleted = 0 AND nameless = 0 ORDER BY touched_at DESC LIMIT ?2",
                    )?
                    .query_map(params![tenant, most], |row| row.get(0).map(ContactId))?
                    .collect()
            })
            .await
    }

    async fn accounts(
        &self,
        tenant: &TenantId,
        filter: &AccountFilter,
        page: &PageRequest,
    ) -> Result<Page<AccountRow>, StoreError> {
        let (tenant, filter, page) = (tenant.0.clone(), filter.clone(), page.clone());
        self.readers.read(move |connection| accounts(connection, &tenant, &filter, &page)).await
    }

    async fn account(&self, tenant: &TenantId, id: ContactId) -> Result<Option<AccountRow>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                let found = connection
                    .prepare_cached("SELECT * FROM accounts WHERE tenant = ?1 AND contact_id = ?2")?
                    .query_row((&tenant, id.0), base)
                    .optional()?;
                found.map(|base| with_work(connection, &tenant, base)).transpose()
            })
            .await
    }

    async fn account_count(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                let sql = "SELECT count(*) FROM accounts WHERE tenant = ?1";
                connection.prepare_cached(sql)?.query_row([tenant], |row| row.get(0))
            })
            .await
    }

    async fn persons(&self, tenant: &TenantId, account: ContactId) -> Result<Vec<PersonId>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT person_id FROM persons WHERE tenant = ?1 AND contact_id = ?2 ORDER BY person_id")?
                    .query_map((tenant, account.0), |row| row.get(0).map(PersonId))?
                    .collect()
            })
            .await
    }

    async fn skipped_persons(
        &self,
        tenant: &TenantId,
        account: ContactId,
        reasons: &[Reason],
    ) -> Result<Vec<PersonId>, StoreError> {
        let (tenant, reasons) = (tenant.0.clone(), reasons.to_vec());
        self.readers
            .read(move |connection| {
                let sql = "SELECT j.entity_id, j.reason FROM jobs j
                            WHERE j.tenant = ?1 AND j.account_id = ?2 AND j.entity = 'person' AND j.state = 3
                              AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.tenant = j.tenant AND n.entity = j.entity
                                                 AND n.entity_id = j.entity_id AND n.id > j.id)
                            ORDER BY j.entity_id";
                let mut persons = Vec::new();
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query((tenant, account.0))?;
                while let Some(row) = rows.next()? {
                    let code: Option<String> = row.get(1)?;
                    if code.as_deref().and_then(Reason::parse).is_some_and(|reason| reasons.contains(&reason)) {
                        persons.push(PersonId(row.get(0)?));
                    }
                }
                Ok(persons)
            })
            .await
    }

    async fn keep_profile(
        &self,
        tenant: &TenantId,
        account: ContactId,
        kept: KeptProfile,
    ) -> Result<(), StoreError> {
        let tenant = tenant.0.clone();
        self.writer
            .call(move |connection, touched| {
                touched.view = true;
                connection
                    .prepare_cached(
                        "INSERT INTO profiles (tenant, contact_id, key, at, profile, persons_due) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                           ON CONFLICT (tenant, contact_id) DO UPDATE SET key = excluded.key, at = excluded.at, profile = excluded.profile,
                             persons_due = excluded.persons_due",
                    )?
                    .execute((&tenant, account.0, &kept.key, millis(kept.at), to_json(&kept.profile)?, kept.persons_due))
                    .map(drop)
            })
            .await
    }

    async fn profile(
        &self,
        tenant: &TenantId,
        account: ContactId,
    ) -> Result<Option<KeptProfile>, StoreError> {
        let tenant = tenant.0.clone();
        self.readers
            .read(move |connection| {
                connection
                    .prepare_cached(
                        "SELECT key, at, profile, persons_due FROM profiles WHERE tenant = ?1 AND contact_id = ?2",
                    )?
                    .query_row((tenant, account.0), |row| {
                        Ok(KeptProfile {
                            profile: from_json(row, "profile")?,
                            key: row.get("key")?,
                            at: timestamp(row, "at")?,
                            persons_due: row.get("persons_due")?,
                        })
                    })
                    .optional()
            })
            .await
    }
}

fn keep(
    connection: &Connection,
    tenant: &str,
    account: ContactId,
    facts: &Facts,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO accounts (tenant, contact_id, name, owner_id, owner_short, owner_full, website, deleted, first_at, touched_at, name_folded, nameless)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?11)
               ON CONFLICT (tenant, contact_id) DO UPDATE SET
                 name = coalesce(excluded.name, name),
                 name_folded = coalesce(excluded.name_folded, name_folded),
                 owner_id = coalesce(excluded.owner_id, owner_id),
                 owner_short = CASE WHEN excluded.owner_id IS NULL THEN owner_short ELSE excluded.owner_short END,
                 owner_full = CASE WHEN excluded.owner_id IS NULL THEN owner_full ELSE excluded.owner_full END,
                 website = coalesce(excluded.website, website),
                 name_key = CASE WHEN excluded.name <> name THEN NULL ELSE name_key END,
                 deleted = CASE WHEN excluded.nameless = 1 THEN deleted ELSE excluded.deleted END,
                 nameless = excluded.nameless",
        )?
        .execute(params![
            tenant,
            account.0,
            facts.name,
            facts.owner_id,
            facts.owner_short,
            facts.owner_full,
            facts.website,
            facts.deleted,
            millis(now),
            facts.name.as_ref().map(|name| name.to_lowercase()),
            facts.nameless,
        ])
        .map(drop)
}

/// Another account with the key that is being worked on, or was completed since.
fn twin(
    connection: &Connection,
    tenant: &str,
    account: ContactId,
    key: &str,
    since: Timestamp,
) -> rusqlite::Result<Option<Twin>> {
    connection
        .prepare_cached(
            "SELECT a.contact_id, a.name FROM accounts a INDEXED BY accounts_key
              WHERE a.tenant = ?1 AND a.name_key = ?2 AND a.contact_id <> ?3 AND a.deleted = 0
                AND EXISTS (SELECT 1 FROM jobs j
                             WHERE j.tenant = a.tenant AND j.account_id = a.contact_id
                               AND (j.state = 1 OR (j.state = 0 AND j.attempts > 0) OR (j.state = 2 AND j.finished_at >= ?4)))
              ORDER BY a.contact_id LIMIT 1",
        )?
        .query_row((tenant, key, account.0, millis(since)), |row| {
            Ok(Twin { account: ContactId(row.get(0)?), name: row.get(1)? })
        })
        .optional()
}

/// The record that this one was found to be a second one of, if that was since.
fn known_twin(
    connection: &Connection,
    tenant: &str,
    account: ContactId,
    since: Timestamp,
) -> rusqlite::Result<Option<Twin>> {
    connection
        .prepare_cached(
            "SELECT a.duplicate_of, o.name FROM accounts a
               LEFT JOIN accounts o ON o.tenant = a.tenant AND o.contact_id = a.duplicate_of
              WHERE a.tenant = ?1 AND a.contact_id = ?2 AND a.duplicate_of IS NOT NULL AND a.duplicate_at >= ?3",
        )?
        .query_row((tenant, account.0, millis(since)), |row| {
            Ok(Twin { account: ContactId(row.get(0)?), name: row.get(1)? })
        })
        .optional()
}

struct Base {
    id: ContactId,
    facts: Facts,
    touched_at: Timestamp,
}

fn base(row: &Row<'_>) -> rusqlite::Result<Base> {
    Ok(Base {
        id: ContactId(row.get("contact_id")?),
        facts: Facts {
            name: row.get("name")?,
            owner_id: row.get("owner_id")?,
            owner_short: row.get("owner_short")?,
            owner_full: row.get("owner_full")?,
            website: row.get("website")?,
            deleted: row.get("deleted")?,
            nameless: row.get("nameless")?,
        },
        touched_at: timestamp(row, "touched_at")?,
    })
}

fn with_work(connection: &Connection, tenant: &str, base: Base) -> rusqlite::Result<AccountRow> {
    let jobs = latest_jobs(connection, tenant, base.id)?;
    let open = jobs.iter().filter(|job| !job.state.is_final()).map(open_work).collect();
    let mut ended: Vec<Ended> = jobs.iter().filter_map(ended).collect();
    ended.extend(skipped_at_the_door(connection, tenant, base.id)?);
    ended.sort_by_key(|ended| std::cmp::Reverse((ended.at, ended.job)));
    let latest = jobs.iter().map(|job| job.created_at).max();
    let in_run =
        jobs.iter().filter(|job| latest.is_some_and(|latest| job.created_at > latest - CLUSTER_WINDOW));
    let jobs_in_run = u32::try_from(in_run.count()).unwrap_or(u32::MAX);
    Ok(AccountRow { id: base.id, facts: base.facts, open, ended, jobs_in_run, touched_at: base.touched_at })
}

fn open_work(job: &Job) -> OpenWork {
    OpenWork { processing: job.state == JobState::Processing, attempts: job.attempts }
}

fn latest_jobs(connection: &Connection, tenant: &str, account: ContactId) -> rusqlite::Result<Vec<Job>> {
    let sql = format!(
        "SELECT {JOB_COLUMNS} FROM jobs WHERE tenant = ?1 AND account_id = ?2 ORDER BY id DESC LIMIT ?3"
    );
    connection.prepare_cached(&sql)?.query_map((tenant, account.0, LOOK_BACK), job)?.collect()
}

fn skipped_at_the_door(
    connection: &Connection,
    tenant: &str,
    account: ContactId,
) -> rusqlite::Result<Vec<Ended>> {
    let sql = format!(
        "SELECT * FROM (SELECT {EVENT_COLUMNS} FROM events WHERE tenant = ?1 AND account_id = ?2 ORDER BY seq DESC LIMIT ?3)
          WHERE disposition = 2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map((tenant, account.0, LOOK_BACK), |row| {
        let event = stored(row)?;
        let words = event.reason.map_or("", Reason::sentence).to_owned();
        Ok(Ended { at: event.received_at, state: JobState::Skipped, reason: event.reason, job: None, words })
    })?;
    rows.collect()
}

fn accounts(
    connection: &Connection,
    tenant: &str,
    filter: &AccountFilter,
    page: &PageRequest,
) -> rusqlite::Result<Page<AccountRow>> {
    let limit = page.bounded();
    let (at, id) = cursor(page.after.as_deref());
    let words =
        filter.words.as_ref().map(|words| words.trim().to_lowercase()).filter(|words| !words.is_empty());
    let number = words.as_ref().and_then(|words| words.parse::<i64>().ok());
    let sql = "SELECT * FROM accounts
                WHERE tenant = ?1 AND (touched_at, contact_id) < (?2, ?3)
                  AND (?4 IS NULL OR instr(name_folded, ?4) > 0 OR contact_id = ?5)
                  AND (?6 IS NULL OR lower(owner_short) = lower(?6))
                ORDER BY touched_at DESC, contact_id DESC LIMIT ?7";
    let bases: Vec<Base> = connection
        .prepare_cached(sql)?
        .query_map(params![tenant, at, id, words, number, filter.owner, limit], base)?
        .collect::<Result<_, _>>()?;
    let last = bases.last().map(|base| format!("{}-{}", millis(base.touched_at), base.id));
    let next = last.filter(|_| bases.len() == limit);
    let items =
        bases.into_iter().map(|base| with_work(connection, tenant, base)).collect::<Result<_, _>>()?;
    Ok(Page { items, next })
}

fn cursor(after: Option<&str>) -> (i64, i64) {
    let parsed = after.and_then(|after| after.split_once('-')).and_then(|(at, id)| {
        let at = at.parse().ok()?;
        let id = id.parse().ok()?;
        Some((at, id))
    });
    parsed.unwrap_or((i64::MAX, i64::MAX))
}
