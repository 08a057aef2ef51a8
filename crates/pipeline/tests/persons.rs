//! What becomes of a company's persons, told by the worker over ports that are made up.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector_domain::account::{Account, Person};
use connector_domain::clock::FixedClock;
use connector_domain::drift::Bindings;
use connector_domain::field::{Definition, Definitions, Fields, Kind, Target, Value};
use connector_domain::ids::{ContactId, Entity, PersonId, ProgId, RecordRef};
use connector_domain::job::{Job, JobState};
use connector_domain::patch::Patch;
use connector_domain::policy::Policy;
use connector_domain::profile::{Company, Explored, Language, Nothing, Profile, Room, VerticalClaim};
use connector_domain::vertical::VerticalId;
use connector_explorer::{ExploreError, Explorer};
use connector_pipeline::crm::{Crm, CrmError, Found, Named};
use connector_pipeline::discovery::FieldMap;
use connector_pipeline::{Discovered, Ports, Worker, WorkerOptions};
use connector_store::page::PageRequest;
use connector_store::queue::JobFilter;
use connector_store::sqlite::{Options, SqliteStore};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[path = "support/nobody.rs"]
mod nobody;

const COMPANY: ContactId = ContactId(18);
const TARGETS: [Target; 4] = [Target::Vertical, Target::Bridge, Target::SocialProof, Target::Subject];

/// A company that has no website at first, and as many persons as somebody asks for.
#[derive(Default)]
struct World {
    has_website: AtomicBool,
    values: Mutex<BTreeMap<(RecordRef, Target), Value>>,
}

impl World {
    fn fields(&self, record: RecordRef) -> Fields {
        let kept = self.values.lock().unwrap();
        let ours = TARGETS.into_iter().filter(|target| target.entity() == record.entity);
        let value = |target: Target| kept.get(&(record, target)).cloned().unwrap_or(Value::Empty);
        Fields { values: ours.map(|target| (target, value(target))).collect(), ..Fields::default() }
    }
}

#[async_trait]
impl Crm for World {
    async fn account(&self, id: ContactId, _: &Definitions) -> Result<Option<Account>, CrmError> {
        let website = self.has_website.load(Ordering::Relaxed).then(|| "talgrund.example".into());
        Ok(Some(Account {
            id,
            name: "Talgrund Testbau GmbH".into(),
            department: String::new(),
            org_number: String::new(),
            website,
            email_domains: Vec::new(),
            country: None,
            owner: None,
            deleted: false,
            fields: self.fields(RecordRef::contact(id)),
        }))
    }
    async fn person(&self, id: PersonId, _: &Definitions) -> Result<Option<Person>, CrmError> {
        Ok(Some(Person {
            id,
            contact: Some(COMPANY),
            title: "Geschäftsführer".into(),
            position: String::new(),
            retired: false,
            consent_withdrawn: false,
            fields: self.fields(RecordRef::person(id)),
        }))
    }
    async fn write(&self, patch: &Patch, read: &Fields, _: &Definitions) -> Result<Fields, CrmError> {
        let mut kept = self.values.lock().unwrap();
        let mut after = read.clone();
        for write in &patch.writes {
            kept.insert((patch.record, write.target), write.after.clone());
            after.values.insert(write.target, write.after.clone());
        }
        Ok(after)
    }
    async fn names(&self, _: &[ContactId]) -> Result<Vec<Named>, CrmError> {
        Ok(Vec::new())
    }
    async fn probe(&self) -> Result<(), CrmError> {
        Ok(())
    }
    async fn discover(&self, _: &FieldMap, _: &Bindings) -> Result<Found, CrmError> {
        let field = |(number, target): (usize, Target)| {
            let definition = Definition {
                target,
                prog_id: ProgId(format!("SuperOffice:{number}")),
                label: target.label().into(),
                kind: Kind::Text { max: 2000 },
                read_only: false,
                drift: None,
            };
            (target, definition)
        };
        Ok(Found {
            own: None,
            associates: Vec::new(),
            definitions: Definitions((1..).zip(TARGETS).map(field).collect()),
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
        if company.website.is_none() {
            return Ok(Explored::Nothing(Nothing::NoWebsite));
        }
        let id = VerticalId("mechanical_engineering".into());
        Ok(Explored::Profile(Box::new(Profile {
            vertical: Some(VerticalClaim { id, confidence: 0.9, cites: Vec::new() }),
            summary: None,
            opener_primary: None,
            opener_secondary: None,
            evidence: Vec::new(),
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
    ports: Arc<Ports>,
    stop: CancellationToken,
    tracker: TaskTracker,
}

impl Stage {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store =
            Arc::new(SqliteStore::open(&folder.path().join("store.db"), &Options::default()).unwrap());
        let clock = Arc::new(FixedClock::at("2026-05-04T12:00:00Z".parse().unwrap()));
        let world = Arc::new(World::default());
        let ports = Arc::new(Ports {
            crm: world.clone(),
            explorer: world.clone(),
            discovered: Discovered::new(Policy { rest: SignedDuration::ZERO, ..Policy::default() }),
            ..nobody::ports(store, clock)
        });
        let stop = CancellationToken::new();
        let tracker = TaskTracker::new();
        tracker.spawn(Worker::new(ports.clone(), WorkerOptions::default()).run(stop.clone()));
        Self { _folder: folder, world, ports, stop, tracker }
    }

    /// Asks for work and waits until it is done.
    async fn work_on(&self, records: &[RecordRef]) {
        let (ports, before) = (&self.ports, self.ended(None).await.len());
        let records: Vec<_> = records.iter().map(|record| (*record, Some(COMPANY))).collect();
        let policy = ports.discovered.policy_now();
        ports.queue.enqueue(&ports.tenant, &records, policy, ports.clock.now()).await.unwrap();
        self.until(|| async { self.ended(None).await.len() >= before + records.len() }).await;
    }

    /// The jobs of either kind that ended, or those that ended like this.
    async fn ended(&self, state: Option<JobState>) -> Vec<Job> {
        let all = vec![JobState::Completed, JobState::Skipped, JobState::Held, JobState::Failed];
        let filter = JobFilter { states: state.map_or(all, |state| vec![state]), account: None };
        let page = PageRequest { limit: 1000, after: None };
        self.ports.queue.jobs(&self.ports.tenant, &filter, &page).await.unwrap().items
    }

    async fn until<F: Future<Output = bool>>(&self, holds: impl Fn() -> F) {
        let wait = async {
            while !holds().await {
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

/// More than a page of a list holds, of both kinds.
const MANY: i64 = 55;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_persons_that_were_skipped_before_their_company_was_known_are_looked_at_again() {
    let stage = Stage::start();
    let persons: Vec<_> = (1..=MANY).map(|id| RecordRef::person(PersonId(id))).collect();
    stage.work_on(&persons).await;
    // Much is heard of the company afterwards, so the latest that was skipped is all of its own record.
    for _ in 0..MANY {
        stage.work_on(&[RecordRef::contact(COMPANY)]).await;
    }
    assert!(stage.ended(None).await.iter().all(|job| job.state == JobState::Skipped));

    stage.world.has_website.store(true, Ordering::Relaxed);
    // The job of one of them is the first to explore; then the company's own finds nothing new, and writes it.
    stage.work_on(&persons[..1]).await;
    stage.work_on(&[RecordRef::contact(COMPANY)]).await;
    let everybody = persons.len() + 1;
    stage.until(|| async { stage.ended(Some(JobState::Completed)).await.len() == everybody }).await;
    let completed = stage.ended(Some(JobState::Completed)).await;
    let told: BTreeSet<_> =
        completed.iter().map(|job| job.record).filter(|record| record.entity == Entity::Person).collect();
    assert_eq!(told, persons.into_iter().collect());
    stage.end().await;
}
