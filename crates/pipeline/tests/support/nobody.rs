//! Ports behind which there is nobody: a database, and nothing else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use connector_domain::account::{Account, Person};
use connector_domain::clock::FixedClock;
use connector_domain::drift::Bindings;
use connector_domain::field::{Definitions, Fields};
use connector_domain::ids::{ContactId, PersonId};
use connector_domain::patch::{Patch, WritePolicy};
use connector_domain::policy::Policy;
use connector_domain::profile::{Company, Explored, Room};
use connector_domain::remedy::RetryPolicy;
use connector_explorer::{ExploreError, Explorer, Knowledge};
use connector_pipeline::crm::{Crm, CrmError, Found, Named};
use connector_pipeline::discovery::FieldMap;
use connector_pipeline::{Breakers, Discovered, Ports, Status};
use connector_store::sqlite::SqliteStore;
use jiff::{SignedDuration, Timestamp};

/// Knows nothing.
struct Nobody;

#[async_trait]
impl Crm for Nobody {
    async fn account(&self, _: ContactId, _: &Definitions) -> Result<Option<Account>, CrmError> {
        Ok(None)
    }
    async fn person(&self, _: PersonId, _: &Definitions) -> Result<Option<Person>, CrmError> {
        Ok(None)
    }
    async fn write(&self, _: &Patch, read: &Fields, _: &Definitions) -> Result<Fields, CrmError> {
        Ok(read.clone())
    }
    async fn names(&self, _: &[ContactId]) -> Result<Vec<Named>, CrmError> {
        Ok(Vec::new())
    }
    async fn probe(&self) -> Result<(), CrmError> {
        Ok(())
    }
    async fn discover(&self, _: &FieldMap, _: &Bindings) -> Result<Found, CrmError> {
        Ok(Found {
            own: None,
            associates: Vec::new(),
            definitions: Definitions::default(),
            retyped: BTreeSet::new(),
            findings: Vec::new(),
        })
    }
}

#[async_trait]
impl Explorer for Nobody {
    fn engine(&self) -> String {
        "nobody@1".into()
    }
    async fn explore(&self, _: &Company, _: Room, _: Timestamp) -> Result<Explored, ExploreError> {
        Err(ExploreError::Refused { cause: "nobody is asked".into() })
    }
}

pub(crate) fn ports(store: Arc<SqliteStore>, clock: Arc<FixedClock>) -> Ports {
    Ports {
        tenant: "Cust10001".into(),
        crm: Arc::new(Nobody),
        explorer: Arc::new(Nobody),
        knowledge: Arc::new(Knowledge::built_in().unwrap()),
        queue: store.clone(),
        inbox: store.clone(),
        accounts: store.clone(),
        journal: store.clone(),
        settings: store.clone(),
        duties: store.clone(),
        snapshots: store,
        clock,
        discovered: Discovered::new(Policy::default()),
        field_map: FieldMap::default(),
        look_again: Arc::default(),
        sweep_now: Arc::default(),
        breakers: Breakers::default(),
        status: Status::default(),
        write_policy: WritePolicy::default(),
        retry: RetryPolicy::default(),
        profile_ttl: SignedDuration::from_hours(24),
    }
}
