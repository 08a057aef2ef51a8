//! Accounts on PostgreSQL.

use std::collections::HashMap;

use async_trait::async_trait;
use connector_domain::account::{CLUSTER_WINDOW, Ended, OpenWork};
use connector_domain::ids::{ContactId, PersonId, TenantId};
use connector_domain::job::{Job, JobState};
use connector_domain::reason::Reason;
use jiff::{SignedDuration, Timestamp};
use tokio_postgres::Row;

use super::PostgresStore;
use super::connection::Connection;
use super::failure::Failure;
use super::inbox::{EVENT_COLUMNS, stored};
use super::rows::{
    JOB_COLUMNS, clean, clean_opt, ended, from_json, get, job, limit, millis, timestamp, to_json, total,
};
use super::work::Work;
use crate::StoreError;
use crate::accounts::{AccountFilter, AccountRow, Accounts, Facts, KeptProfile, Twin};
use crate::page::{Page, PageRequest};

/// How many jobs, and events without one, an account's row looks back on.
const LOOK_BACK: i64 = 20;

#[async_trait]
impl Accounts for PostgresStore {
    async fn learn(
        &self,
        tenant: &TenantId,
        account: ContactId,
        facts: Facts,
        duplicate_key: Option<String>,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Twin>, StoreError> {
        let since = super::span(window);
        self.write(now, (&tenant.0, account, facts, duplicate_key, since), |work, with| {
            Box::pin(async move {
                let (tenant, account, facts, key, since) = with;
                work.show();
                learn(work, tenant, *account, facts, key.as_deref(), work.now() - since).await
            })
        })
        .await
    }

    async fn unnamed(&self, tenant: &TenantId, most: usize) -> Result<Vec<ContactId>, StoreError> {
        self.read((&tenant.0, limit(most)), |c, (tenant, most)| {
            Box::pin(async move {
                let sql = "SELECT contact_id FROM accounts
                            WHERE tenant = $1 AND name IS NULL AND NOT deleted AND NOT nameless ORDER BY touched_at DESC LIMIT $2";
                let rows = c.rows(sql, &[tenant, most]).await?;
                rows.iter().map(|row| get(row, "contact_id").map(ContactId)).collect()
            })
        })
        .await
    }

    async fn accounts(
        &self,
        tenant: &TenantId,
        filter: &AccountFilter,
        page: &PageRequest,
    ) -> Result<Page<AccountRow>, StoreError> {
        self.read_together((&tenant.0, filter, page), |c, (tenant, filter, page)| {
            Box::pin(accounts(c, tenant, filter, page))
        })
        .await
    }

    async fn account(&self, tenant: &TenantId, id: ContactId) -> Result<Option<AccountRow>, StoreError> {
        self.read_together((&tenant.0, id), |c, (tenant, id)| {
            Box::pin(async move {
                let sql = "SELECT * FROM accounts WHERE tenant = $1 AND contact_id = $2";
                let found = c.row(sql, &[tenant, &id.0]).await?;
                let bases = found.iter().map(|row| base(row, c.frame.ahead())).collect::<Result<_, _>>()?;
                Ok(with_work(c, tenant, bases).await?.pop())
            })
        })
        .await
    }

    async fn account_count(&self, tenant: &TenantId) -> Result<u64, StoreError> {
        self.read(&tenant.0, |c, tenant| {
            Box::pin(async move {
                total(&c.one("SELECT count(*) FROM accounts WHERE tenant = $1", &[tenant]).await?)
            })
        })
        .await
    }

    async fn persons(&self, tenant: &TenantId, account: ContactId) -> Result<Vec<PersonId>, StoreError> {
        self.read((&tenant.0, account.0), |c, (tenant, account)| {
            Box::pin(async move {
                let sql =
                    "SELECT person_id FROM persons WHERE tenant = $1 AND contact_id = $2 ORDER BY person_id";
                let rows = c.rows(sql, &[tenant, account]).await?;
                rows.iter().map(|row| get(row, "person_id").map(PersonId)).collect()
            })
        })
        .await
    }

    async fn skipped_persons(
        &self,
        tenant: &TenantId,
        account: ContactId,
        reasons: &[Reason],
    ) -> Result<Vec<PersonId>, StoreError> {
        let codes: Vec<&str> = reasons.iter().map(|reason| reason.code()).collect();
        self.read((&tenant.0, account.0, codes), |c, (tenant, account, codes)| {
            Box::pin(async move {
                let sql = "SELECT j.entity_id FROM jobs j
                            WHERE j.tenant = $1 AND j.account_id = $2 AND j.entity = 'person' AND j.state = 3
                              AND j.reason = ANY($3)
                              AND NOT EXISTS (SELECT 1 FROM jobs n WHERE n.tenant = j.tenant AND n.entity = j.entity
                                                 AND n.entity_id = j.entity_id AND n.id > j.id)
                            ORDER BY j.entity_id";
                let rows = c.rows(sql, &[tenant, account, codes]).await?;
                rows.iter().map(|row| get(row, "entity_id").map(PersonId)).collect()
            })
        })
        .await
    }

    async fn keep_profile(
        &self,
        tenant: &TenantId,
        account: ContactId,
        kept: KeptProfile,
    ) -> Result<(), StoreError> {
        self.write(kept.at, (&tenant.0, account.0, &kept), |work, (tenant, account, kept)| {
            Box::pin(async move {
                work.show();
                work.execute(
                    "INSERT INTO profiles (tenant, contact_id, key, at, profile, persons_due) VALUES ($1, $2, $3, $4, $5, $6)
                       ON CONFLICT (tenant, contact_id) DO UPDATE SET key = excluded.key, at = excluded.at, profile = excluded.profile,
                         persons_due = excluded.persons_due",
                    &[
                        tenant,
                        account,
                        &clean(&kept.key),
                        &(millis(kept.at) + work.ahead()),
                        &to_json(&kept.profile)?,
                        &kept.persons_due,
                    ],
                )
                .await
                .map(drop)
            })
        })
        .await
    }

    async fn profile(
        &self,
        tenant: &TenantId,
        account: ContactId,
    ) -> Result<Option<KeptProfile>, StoreError> {
        self.read((&tenant.0, account.0), |c, (tenant, account)| {
            Box::pin(async move {
                let sql = "SELECT key, at, profile, persons_due FROM profiles WHERE tenant = $1 AND contact_id = $2";
                let row = c.row(sql, &[tenant, account]).await?;
                let kept = row.map(|row| {
                    Ok(KeptProfile {
                        profile: from_json(&row, "profile")?,
                        key: get(&row, "key")?,
                        at: timestamp(&row, "at", c.frame.ahead())?,
                        persons_due: get(&row, "persons_due")?,
                    })
                });
                kept.transpose()
            })
        })
        .await
    }
}

async fn learn(
    work: &Work,
    tenant: &str,
    account: ContactId,
    facts: &Facts,
    key: Option<&str>,
    since: i64,
) -> Result<Option<Twin>, Failure> {
    let Some(key) = key else {
        keep(work, tenant, account, facts).await?;
        return known_twin(work, tenant, account, since).await;
    };
    let key = &*clean(key);
    // Of two who learn the same key at once, one is the first.
    let lock = format!("key {tenant} {key}");
    work.rows("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || $1, 0))", &[&lock]).await?;
    keep(work, tenant, account, facts).await?;
    let twin = twin(work, tenant, account, key, since).await?;
    match &twin {
        None => {
            let sql = "UPDATE accounts SET name_key = $3, duplicate_of = NULL WHERE tenant = $1 AND contact_id = $2";
            work.execute(sql, &[&tenant, &account.0, &key]).await?
        }
        Some(twin) => {
            let sql = "UPDATE accounts SET duplicate_of = $3, duplicate_at = $4 WHERE tenant = $1 AND contact_id = $2";
            work.execute(sql, &[&tenant, &account.0, &twin.account.0, &work.now()]).await?
        }
    };
    Ok(twin)
}

async fn keep(work: &Work, tenant: &str, account: ContactId, facts: &Facts) -> Result<(), Failure> {
    let name = clean_opt(facts.name.as_ref());
    work.execute(
        "INSERT INTO accounts AS a (tenant, contact_id, name, owner_id, owner_short, owner_full, website, deleted, first_at, touched_at, name_folded, nameless)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)
           ON CONFLICT (tenant, contact_id) DO UPDATE SET
             name = coalesce(excluded.name, a.name),
             name_folded = coalesce(excluded.name_folded, a.name_folded),
             owner_id = coalesce(excluded.owner_id, a.owner_id),
             owner_short = CASE WHEN excluded.owner_id IS NULL THEN a.owner_short ELSE excluded.owner_short END,
             owner_full = CASE WHEN excluded.owner_id IS NULL THEN a.owner_full ELSE excluded.owner_full END,
             website = coalesce(excluded.website, a.website),
             name_key = CASE WHEN excluded.name <> a.name THEN NULL ELSE a.name_key END,
             deleted = CASE WHEN excluded.nameless THEN a.deleted ELSE excluded.deleted END,
             nameless = excluded.nameless",
        &[
            &tenant,
            &account.0,
            &name,
            &facts.owner_id,
            &clean_opt(facts.owner_short.as_ref()),
            &clean_opt(facts.owner_full.as_ref()),
            &clean_opt(facts.website.as_ref()),
            &facts.deleted,
            &work.now(),
            &name.as_ref().map(|name| name.to_lowercase()),
            &facts.nameless,
        ],
    )
    .await
    .map(drop)
}

/// Another account with the key that is being worked on, or was completed since.
async fn twin(
    work: &Work,
    tenant: &str,
    account: ContactId,
    key: &str,
    since: i64,
) -> Result<Option<Twin>, Failure> {
    let row = work
        .row(
            "SELECT a.contact_id, a.name FROM accounts a
              WHERE a.tenant = $1 AND a.name_key = $2 AND a.contact_id <> $3 AND NOT a.deleted
                AND EXISTS (SELECT 1 FROM jobs j
                             WHERE j.tenant = a.tenant AND j.account_id = a.contact_id
                               AND (j.state = 1 OR (j.state = 0 AND j.attempts > 0) OR (j.state = 2 AND j.finished_at >= $4)))
              ORDER BY a.contact_id LIMIT 1",
            &[&tenant, &key, &account.0, &since],
        )
        .await?;
    row.as_ref().map(as_twin).transpose()
}

/// The record that this one was found to be a second one of, if that was since.
async fn known_twin(
    work: &Work,
    tenant: &str,
    account: ContactId,
    since: i64,
) -> Result<Option<Twin>, Failure> {
    let row = work
        .row(
            "SELECT a.duplicate_of AS contact_id, o.name FROM accounts a
               LEFT JOIN accounts o ON o.tenant = a.tenant AND o.contact_id = a.duplicate_of
              WHERE a.tenant = $1 AND a.contact_id = $2 AND a.duplicate_of IS NOT NULL AND a.duplicate_at >= $3",
            &[&tenant, &account.0, &since],
        )
        .await?;
    row.as_ref().map(as_twin).transpose()
}

fn as_twin(row: &Row) -> Result<Twin, Failure> {
    Ok(Twin { account: ContactId(get(row, "contact_id")?), name: get(row, "name")? })
}

struct Base {
    id: ContactId,
    facts: Facts,
    touched_at: Timestamp,
    /// As the database counts it.
    touched: i64,
}

fn base(row: &Row, ahead: i64) -> Result<Base, Failure> {
    Ok(Base {
        id: ContactId(get(row, "contact_id")?),
        facts: Facts {
            name: get(row, "name")?,
            owner_id: get(row, "owner_id")?,
            owner_short: get(row, "owner_short")?,
            owner_full: get(row, "owner_full")?,
            website: get(row, "website")?,
            deleted: get(row, "deleted")?,
            nameless: get(row, "nameless")?,
        },
        touched_at: timestamp(row, "touched_at", ahead)?,
        touched: get(row, "touched_at")?,
    })
}

/// Accounts with their work, in two queries for all of them.
async fn with_work(c: &Connection, tenant: &str, bases: Vec<Base>) -> Result<Vec<AccountRow>, Failure> {
    let ids: Vec<i64> = bases.iter().map(|base| base.id.0).collect();
    let mut jobs = latest_jobs(c, tenant, &ids).await?;
    let mut skipped = skipped_at_the_door(c, tenant, &ids).await?;
    let rows = bases.into_iter().map(|base| {
        let jobs = jobs.remove(&base.id.0).unwrap_or_default();
        let open = jobs.iter().filter(|job| !job.state.is_final()).map(open_work).collect();
        let mut ended: Vec<Ended> = jobs.iter().filter_map(ended).collect();
        ended.extend(skipped.remove(&base.id.0).unwrap_or_default());
        ended.sort_by_key(|ended| std::cmp::Reverse((ended.at, ended.job)));
        let latest = jobs.iter().map(|job| job.created_at).max();
        let in_run =
            jobs.iter().filter(|job| latest.is_some_and(|latest| job.created_at > latest - CLUSTER_WINDOW));
        let jobs_in_run = u32::try_from(in_run.count()).unwrap_or(u32::MAX);
        AccountRow { id: base.id, facts: base.facts, open, ended, jobs_in_run, touched_at: base.touched_at }
    });
    Ok(rows.collect())
}

fn open_work(job: &Job) -> OpenWork {
    OpenWork { processing: job.state == JobState::Processing, attempts: job.attempts }
}

async fn latest_jobs(c: &Connection, tenant: &str, ids: &[i64]) -> Result<HashMap<i64, Vec<Job>>, Failure> {
    let sql = format!(
        "SELECT wanted.id AS wanted, j.* FROM unnest($2::bigint[]) AS wanted(id)
          CROSS JOIN LATERAL (SELECT {JOB_COLUMNS} FROM jobs WHERE tenant = $1 AND account_id = wanted.id ORDER BY id DESC LIMIT $3) j"
    );
    let mut all: HashMap<i64, Vec<Job>> = HashMap::new();
    for row in c.rows(&sql, &[&tenant, &ids, &LOOK_BACK]).await? {
        all.entry(get(&row, "wanted")?).or_default().push(job(&row, c.frame.ahead())?);
    }
    Ok(all)
}

async fn skipped_at_the_door(
    c: &Connection,
    tenant: &str,
    ids: &[i64],
) -> Result<HashMap<i64, Vec<Ended>>, Failure> {
    let sql = format!(
        "SELECT wanted.id AS wanted, e.* FROM unnest($2::bigint[]) AS wanted(id)
          CROSS JOIN LATERAL (SELECT {EVENT_COLUMNS} FROM events WHERE tenant = $1 AND account_id = wanted.id ORDER BY seq DESC LIMIT $3) e
          WHERE e.disposition = 2"
    );
    let mut all: HashMap<i64, Vec<Ended>> = HashMap::new();
    for row in c.rows(&sql, &[&tenant, &ids, &LOOK_BACK]).await? {
        let event = stored(&row, c.frame.ahead())?;
        let words = event.reason.map_or("", Reason::sentence).to_owned();
        let ended =
            Ended { at: event.received_at, state: JobState::Skipped, reason: event.reason, job: None, words };
        all.entry(get(&row, "wanted")?).or_default().push(ended);
    }
    Ok(all)
}

async fn accounts(
    c: &Connection,
    tenant: &str,
    filter: &AccountFilter,
    page: &PageRequest,
) -> Result<Page<AccountRow>, Failure> {
    let most = page.bounded();
    let (at, id) = cursor(page.after.as_deref());
    let words =
        filter.words.as_ref().map(|words| words.trim().to_lowercase()).filter(|words| !words.is_empty());
    let number = words.as_ref().and_then(|words| words.parse::<i64>().ok());
    let sql = "SELECT * FROM accounts
                WHERE tenant = $1 AND (touched_at, contact_id) < ($2, $3)
                  AND ($4::text IS NULL OR strpos(name_folded, $4::text) > 0 OR contact_id = $5::bigint)
                  AND ($6::text IS NULL OR lower(owner_short) = lower($6::text))
                ORDER BY touched_at DESC, contact_id DESC LIMIT $7";
    let words = clean_opt(words.as_ref());
    let owner = clean_opt(filter.owner.as_ref());
    let rows = c.rows(sql, &[&tenant, &at, &id, &words, &number, &owner, &limit(most)]).await?;
    let bases: Vec<Base> = rows.iter().map(|row| base(row, c.frame.ahead())).collect::<Result<_, _>>()?;
    let last = bases.last().map(|base| format!("{}-{}", base.touched, base.id));
    let next = last.filter(|_| bases.len() == most);
    Ok(Page { items: with_work(c, tenant, bases).await?, next })
}

fn cursor(after: Option<&str>) -> (i64, i64) {
    let parsed = after.and_then(|after| after.split_once('-')).and_then(|(at, id)| {
        let at = at.parse().ok()?;
        let id = id.parse().ok()?;
        Some((at, id))
    });
    parsed.unwrap_or((i64::MAX, i64::MAX))
}
