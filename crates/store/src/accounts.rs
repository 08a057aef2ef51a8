//! Accounts as people see them: names and owners as soon as they are known, and what was found out about each.

use async_trait::async_trait;
use connector_domain::account::{Ended, OpenWork};
use connector_domain::ids::{ContactId, PersonId, TenantId};
use connector_domain::profile::Profile;
use connector_domain::reason::Reason;
use jiff::{SignedDuration, Timestamp};

use crate::StoreError;
use crate::page::{Page, PageRequest};

/// What is worth keeping of a company that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Its name.
    pub name: Option<String>,
    /// The owner's number.
    pub owner_id: Option<i64>,
    /// The owner's short name.
    pub owner_short: Option<String>,
    /// The owner's full name.
    pub owner_full: Option<String>,
    /// Its web address as written in the CRM.
    pub website: Option<String>,
    /// Whether it is gone.
    pub deleted: bool,
    /// Whether the CRM was asked for its name and had none to tell.
    pub nameless: bool,
}

/// The other record of the same company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Twin {
    /// The account.
    pub account: ContactId,
    /// Its name.
    pub name: Option<String>,
}

/// An account's row, as far as it is stored; its state is derived by the domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// The company's number.
    pub id: ContactId,
    /// What is known of it.
    pub facts: Facts,
    /// Work that has not ended.
    pub open: Vec<OpenWork>,
    /// Work that has ended, and events that began none, newest first; the last few.
    pub ended: Vec<Ended>,
    /// How many jobs its latest run has: those within one cluster window of the latest.
    pub jobs_in_run: u32,
    /// When something last happened.
    pub touched_at: Timestamp,
}

/// A profile that is kept, and what it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptProfile {
    /// What was found out.
    pub profile: Profile,
    /// Identifies the question: name, website, language and engine.
    pub key: String,
    /// When.
    pub at: Timestamp,
    /// Whether its vertical is another one than the company's persons were last spoken to of.
    pub persons_due: bool,
}

/// Which accounts to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccountFilter {
    /// Part of the name, in any case; or the number.
    pub words: Option<String>,
    /// The owner's short name, in any case.
    pub owner: Option<String>,
}

/// Remembers accounts.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Stores what was read of a company, so that every row of the account shows it at once.
    ///
    /// With a `duplicate_key`, says whether another record with the same key is being worked on or was completed
    /// within `window`. Whoever stores the key first is the original; a duplicate does not store it. Without a key,
    /// says whether the record was found to be a duplicate within `window`.
    async fn learn(
        &self,
        tenant: &TenantId,
        account: ContactId,
        facts: Facts,
        duplicate_key: Option<String>,
        window: SignedDuration,
        now: Timestamp,
    ) -> Result<Option<Twin>, StoreError>;

    /// Accounts that have no name yet, are not gone, and were not asked for in vain, those that something happened to last first.
    async fn unnamed(&self, tenant: &TenantId, most: usize) -> Result<Vec<ContactId>, StoreError>;

    /// The accounts, those that something happened to last first.
    async fn accounts(
        &self,
        tenant: &TenantId,
        filter: &AccountFilter,
        page: &PageRequest,
    ) -> Result<Page<AccountRow>, StoreError>;

    /// One account.
    async fn account(&self, tenant: &TenantId, id: ContactId) -> Result<Option<AccountRow>, StoreError>;

    /// How many accounts there are.
    async fn account_count(&self, tenant: &TenantId) -> Result<u64, StoreError>;

    /// The persons of an account that we have met.
    async fn persons(&self, tenant: &TenantId, account: ContactId) -> Result<Vec<PersonId>, StoreError>;

    /// The persons of an account whose newest job was skipped for one of these reasons.
    async fn skipped_persons(
        &self,
        tenant: &TenantId,
        account: ContactId,
        reasons: &[Reason],
    ) -> Result<Vec<PersonId>, StoreError>;

    /// Keeps what was found out about a company, in place of what was kept before.
    async fn keep_profile(
        &self,
        tenant: &TenantId,
        account: ContactId,
        kept: KeptProfile,
    ) -> Result<(), StoreError>;

    /// What was last found out about a company.
    async fn profile(&self, tenant: &TenantId, account: ContactId)
    -> Result<Option<KeptProfile>, StoreError>;
}
