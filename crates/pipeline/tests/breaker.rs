//! What jobs show of the things they depend on, told by the worker over ports that are made up.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector_domain::account::{Account, Person};
use connector_domain::clock::{Clock, FixedClock};
use connector_domain::drift::Bindings;
use connector_domain::field::{Definition, Definitions, Fields, Kind, Target, Value};
use connector_domain::ids::{ContactId, PersonId, ProgId, RecordRef, TenantId};
use connector_domain::job::JobState;
use connector_domain::patch::{Patch, WritePolicy};
use connector_domain::policy::Policy;
use connector_domain::profile::{Claim, Company, Evidence, Explored, Language, Nothing, Profile, Room};
use connector_domain::remedy::RetryPolicy;
use connector_explorer::{ExploreError, Explorer, Knowledge};
use connector_pipeline::crm::{Crm, CrmError, Found, Named};
use connector_pipeline::discovery::FieldMap;
use connector_pipeline::revisit;
use connector_pipeline::{Breakers, Dependency, Discovered, Ports, Status, Worker, WorkerOptions};
use connector_store::page::PageRequest;
use connector_store::queue::JobFilter;
use connector_store::sqlite::{Options, SqliteStore};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A CRM and an explorer, both of which may refuse everything.
#[derive(Default)]
struct World {
    refuses: AtomicBool,
    /// No website answers.
    is_silent: AtomicBool,
    explored: AtomicUsize,
    written: Mutex<Vec<i64>>,
}

#[async_trait]
impl Crm for World {
    async fn account(&self, id: ContactId, _: &Definitions) -> Result<Option<Account>, CrmError> {
        let fields = Fields { values: [(Target::Summary, Value::Empty)].into(), ..Fields::default() };
        Ok(Some(Account {
            id,
            name: format!("Firma {id}"),
            department: String::new(),
            org_number: String::new(),
            website: Some("firma.example".into()),
            email_domains: Vec::new(),
            country: None,
            owner: None,
            deleted: false,
            fields,
        }))
    }
    async fn person(&self, _: PersonId, _: &Definitions) -> Result<Option<Person>, CrmError> {
        Ok(None)
    }
    async fn write(&self, patch: &Patch, read: &Fields, _: &Definitions) -> Result<Fields, CrmError> {
        self.written.lock().unwrap().push(patch.record.id);
        Ok(read.clone())
    }
    async fn names(&self, _: &[ContactId]) -> Result<Vec<Named>, CrmError> {
        Ok(Vec::new())
    }
    async fn probe(&self) -> Result<(), CrmError> {
        Ok(())
    }
    async fn discover(&self, _: &FieldMap, _: &Bindings) -> Result<Found, CrmError> {
        let summary = Definition {
            target: Target::Summary,
            prog_id: ProgId("SuperOffice:1".into()),
            label: "Summary".into(),
            kind: Kind::Text { max: 199 },
            read_only: false,
            drift: None,
        };
        Ok(Found {
            own: None,
            associates: Vec::new(),
            definitions: Definitions([(Target::Summary, summary)].into()),
            retyped: BTreeSet::new(),
            findings: Vec::new(),
        })
    }
}

#[async_trait]
impl Explorer for World {
    fn engine(&self) -> String {
        "made-up@1".into()
    }
    async fn explore(&self, company: &Company, _: Room, now: Timestamp) -> Result<Explored, ExploreError> {
        if self.refuses.load(Ordering::Relaxed) {
            return Err(ExploreError::Refused { cause: "the key is not valid".into() });
        }
        self.explored.fetch_add(1, Ordering::Relaxed);
        if self.is_silent.load(Ordering::Relaxed) {
            return Ok(Explored::Nothing(Nothing::Unreachable(
                "https://firma.example/ does not answer".into(),
            )));
        }
        let text = format!("{} builds things.", company.name);
        let quote = Evidence {
            id: "e1".into(),
            url: "https://firma.example/".into(),
            kind: "page".into(),
            quote: text.clone(),
        };
        Ok(Explored::Profile(Box::new(Profile {
            vertical: None,
            summary: Some(Claim { text, cites: vec!["e1".into()] }),
            opener_primary: None,
            opener_secondary: None,
            evidence: vec![quote],
            language: Language::De,
            engine: "made-up@1".into(),
            taxonomy: "made-up".into(),
            explored_at: now,
            warnings: Vec::new(),
        })))
    }
}

/// A worker at work in a world.
struct Stage {
    _folder: tempfile::TempDir,
    world: Arc<World>,
    clock: Arc<FixedClock>,
    ports: Arc<Ports>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

fn tenant() -> TenantId {
    "Cust10001".into()
}

impl Stage {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Arc::new(SqliteStore::open(&folder.path().join("store.db"), &Options::default()).unwrap());
        let clock = Arc::new(FixedClock::at("2026-05-04T12:00:00Z".parse().unwrap()));
        let world = Arc::new(World::default());
        let ports = Arc::new(Ports {
            tenant: tenant(),
            crm: world.clone(),
            explorer: world.clone(),
            knowledge: Arc::new(Knowledge::built_in().unwrap()),
            queue: store.clone(),
            inbox: store.clone(),
            accounts: store.clone(),
            journal: store.clone(),
            settings: store.clone(),
            duties: store.clone(),
            snapshots: store,
            clock: clock.clone(),
            discovered: Discovered::new(Policy { rest: SignedDuration::ZERO, ..Policy::default() }),
            field_map: FieldMap::default(),
            look_again: Arc::default(),
            sweep_now: Arc::default(),
            breakers: Breakers::default(),
            status: Status::default(),
            write_policy: WritePolicy::default(),
            retry: RetryPolicy::default(),
            profile_ttl: SignedDuration::from_hours(24),
        });
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        tracker.spawn(Worker::new(ports.clone(), WorkerOptions::default()).run(stop.clone()));
        Self { _folder: folder, world, clock, ports, stop, tracker }
    }

    async fn ask_for(&self, companies: std::ops::RangeInclusive<i64>) {
        let records: Vec<_> =
            companies.map(|id| (RecordRef::contact(ContactId(id)), Some(ContactId(id)))).collect();
        let policy = self.ports.discovered.policy_now();
        self.ports.queue.enqueue(&tenant(), &records, policy, self.clock.now()).await.unwrap();
        self.ports.queue.wake().notify_one();
    }

    async fn jobs(&self, state: JobState) -> usize {
        let filter = JobFilter { states: vec![state], account: None };
        let page = self.ports.queue.jobs(&tenant(), &filter, &PageRequest::default()).await.unwrap();
        page.items.len()
    }

    /// Waits until so many jobs are in this state.
    async fn until(&self, state: JobState, many: usize) {
        let wait = async {
            while self.jobs(state).await != many {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap();
    }

    async fn end(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_did_not_ask_the_explorer_shows_nothing_of_it() {
    let stage = Stage::start();
    stage.ask_for(1..=1).await;
    stage.until(JobState::Completed, 1).await;
    stage.world.refuses.store(true, Ordering::Relaxed);
    stage.ask_for(2..=6).await;
    // Four of them are refused for themselves; the fifth shows that it is the explorer.
    stage.until(JobState::Failed, 4).await;
    stage.until(JobState::Pending, 1).await;
    assert!(stage.ports.breakers.is_on_trial(Dependency::Explorer));
    // What the first one asks has been answered before, so it gets as far as the CRM, and writes.
    stage.ask_for(1..=1).await;
    stage.until(JobState::Completed, 2).await;
    assert_eq!(*stage.world.written.lock().unwrap(), [1, 1]);
    assert!(stage.ports.breakers.is_on_trial(Dependency::Explorer));
    assert!(stage.ports.status.is_down("explorer"));
    // The one that waits gets an answer, and so does whoever comes after.
    stage.world.refuses.store(false, Ordering::Relaxed);
    stage.clock.advance(SignedDuration::from_mins(2));
    stage.ask_for(7..=7).await;
    stage.until(JobState::Completed, 4).await;
    assert!(!stage.ports.status.is_down("explorer"));
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_website_that_does_not_answer_is_looked_at_again_later() {
    let stage = Stage::start();
    stage.world.is_silent.store(true, Ordering::Relaxed);
    stage.ask_for(1..=1).await;
    stage.until(JobState::Skipped, 1).await;
    // Another company on the same host does not bring it another visit.
    stage.ask_for(2..=2).await;
    stage.until(JobState::Skipped, 2).await;
    assert_eq!(stage.world.explored.load(Ordering::Relaxed), 1);
    assert_eq!(revisit::ask(&stage.ports).await.unwrap(), 0, "it is too early");

    stage.world.is_silent.store(false, Ordering::Relaxed);
    stage.clock.advance(SignedDuration::from_mins(11));
    assert_eq!(revisit::ask(&stage.ports).await.unwrap(), 2);
    stage.until(JobState::Completed, 2).await;
    assert_eq!(revisit::ask(&stage.ports).await.unwrap(), 0);
    stage.clock.advance(SignedDuration::from_hours(48));
    assert_eq!(revisit::ask(&stage.ports).await.unwrap(), 0, "it has answered");
    stage.end().await;
}
