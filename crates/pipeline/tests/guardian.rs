//! The guardian over ports that are made up, in a time that is made up.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use connector_domain::clock::{Clock as _, FixedClock};
use connector_domain::guardian::{Hook, HookState, Look};
use connector_domain::ids::TenantId;
use connector_domain::remedy::Remedy;
use connector_pipeline::crm::{Blame, CrmError};
use connector_pipeline::guardian::{self, Incident, TEST_ARRIVED};
use connector_pipeline::sweep;
use connector_pipeline::{GuardianOptions, Hooks, Ports};
use connector_store::Settings;
use connector_store::sqlite::{Options, SqliteStore};
use jiff::{SignedDuration, Timestamp};

#[path = "support/nobody.rs"]
mod nobody;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A webhook in a CRM, and whether what it sends arrives with us.
struct World {
    state: Mutex<HookState>,
    arrives: Mutex<bool>,
    /// Whether something else answers in our place.
    impostor: Mutex<bool>,
    /// Whether the CRM answers when it is to do something.
    is_out: Mutex<bool>,
    rearmed: Mutex<Vec<Timestamp>>,
    store: Arc<SqliteStore>,
    clock: Arc<FixedClock>,
}

#[async_trait]
impl Hooks for World {
    async fn look(&self) -> Result<Look, CrmError> {
        let state = *self.state.lock().unwrap();
        let (calls, errors, in_a_row) = (None, None, None);
        let (registered_at, changed_by) = (None, None);
        let hook =
            Hook { id: 7, state, registered_at, changed_by, amiss: Vec::new(), calls, errors, in_a_row };
        Ok(Look::There(hook))
    }

    async fn test(&self) -> Result<bool, CrmError> {
        if *self.is_out.lock().unwrap() {
            return Err(CrmError {
                words: "the server is out of order".into(),
                remedy: Remedy::BackOff,
                help: "wait",
                outcome_unknown: false,
                blame: Blame::Suspect,
                back_in: None,
            });
        }
        let (arrives, impostor) = (*self.arrives.lock().unwrap(), *self.impostor.lock().unwrap());
        if arrives {
            let now = self.clock.now();
            self.store.put(&tenant(), TEST_ARRIVED, now.to_string().into(), now).await.unwrap();
        }
        Ok(arrives || impostor)
    }

    async fn rearm(&self, _: i64, _: bool) -> Result<(), CrmError> {
        *self.state.lock().unwrap() = HookState::Active;
        self.rearmed.lock().unwrap().push(self.clock.now());
        Ok(())
    }
}

fn tenant() -> TenantId {
    "Cust10001".into()
}

fn noon() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

fn stage() -> (tempfile::TempDir, Ports, World) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = Arc::new(SqliteStore::open(&path, &Options::default()).unwrap());
    let clock = Arc::new(FixedClock::at(noon()));
    let world = World {
        state: Mutex::new(HookState::Active),
        arrives: Mutex::new(true),
        impostor: Mutex::new(false),
        is_out: Mutex::new(false),
        rearmed: Mutex::default(),
        store: store.clone(),
        clock: clock.clone(),
    };
    let ports = nobody::ports(store, clock);
    (folder, ports, world)
}

/// Looks once a minute until then.
async fn pass(ports: &Ports, world: &World, minutes: u32) {
    for _ in 0..minutes {
        world.clock.advance(MINUTE);
        guardian::watch(ports, world, &GuardianOptions::default()).await.unwrap();
    }
}

fn set<T>(value: &Mutex<T>, to: T) {
    *value.lock().unwrap() = to;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_ask_for_at_once_is_all_asked_for() {
    let (_folder, ports, world) = stage();
    let asked = |minute: i64| {
        let (from, until) = (noon() + MINUTE * i32::try_from(minute).unwrap(), None);
        sweep::ask(&ports, sweep::Asked { from, until, why: format!("gap {minute}") })
    };
    futures::future::try_join_all((0..20).map(asked)).await.unwrap();
    assert_eq!(sweep::waiting(&ports).await.unwrap().len(), 20);
    drop(world);
}

#[tokio::test]
async fn a_webhook_that_was_switched_off_is_switched_on_and_exactly_the_gap_is_asked_for() {
    let (_folder, ports, world) = stage();
    pass(&ports, &world, 10).await;
    assert!(
        sweep::waiting(&ports).await.unwrap().is_empty()
            && guardian::incidents(&ports).await.unwrap().is_empty()
    );
    set(&world.state, HookState::TooManyErrors);
    pass(&ports, &world, 2).await;
    let rearmed = world.rearmed.lock().unwrap().clone();
    assert_eq!(rearmed, [noon() + MINUTE * 11], "it is noticed by the next look");
    let asked = sweep::waiting(&ports).await.unwrap();
    let spans: Vec<_> = asked.iter().map(|asked| (asked.from, asked.until)).collect();
    // From the last look that was good, less what a delivery may take.
    assert_eq!(spans, [(noon() + MINUTE * 8, Some(noon() + MINUTE * 11))]);
    pass(&ports, &world, 60).await;
    assert_eq!(sweep::waiting(&ports).await.unwrap().len(), 1, "and nothing else");
    let incidents = guardian::incidents(&ports).await.unwrap();
    assert!(
        matches!(&incidents[..], [Incident { since, until: Some(until), .. }] if since == until),
        "one alert, one recovery: {incidents:?}"
    );
    assert!(!ports.status.is_down(guardian::PART));
    assert_eq!(ports.status.numbers().borrow()["webhook_state"], 1);
}

#[tokio::test]
async fn nothing_is_switched_on_before_we_would_receive() {
    let (_folder, ports, world) = stage();
    pass(&ports, &world, 1).await;
    set(&world.arrives, false);
    set(&world.state, HookState::TooManyErrors);
    pass(&ports, &world, 30).await;
    assert!(world.rearmed.lock().unwrap().is_empty() && ports.status.is_down(guardian::PART));
    assert_eq!(ports.status.numbers().borrow()["webhook_state"], 3);
    // Something else that answers in our place is not us.
    set(&world.impostor, true);
    pass(&ports, &world, 60).await;
    assert!(world.rearmed.lock().unwrap().is_empty());
    set(&world.arrives, true);
    pass(&ports, &world, 60).await;
    assert_eq!(world.rearmed.lock().unwrap().len(), 1);
    let asked = sweep::waiting(&ports).await.unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].from, noon() - MINUTE);
    assert_eq!(guardian::incidents(&ports).await.unwrap().len(), 1, "one alert for all of it");
}

#[tokio::test]
async fn a_restart_asks_for_the_time_it_was_away() {
    let (_folder, ports, world) = stage();
    pass(&ports, &world, 3).await;
    world.clock.advance(MINUTE * 90);
    pass(&ports, &world, 1).await;
    let asked = sweep::waiting(&ports).await.unwrap();
    let spans: Vec<_> = asked.iter().map(|asked| (asked.from, asked.until)).collect();
    assert_eq!(spans, [(noon() + MINUTE, Some(noon() + MINUTE * 94))]);
}

#[tokio::test]
async fn a_test_that_does_not_arrive_is_an_incident_until_one_does() {
    let (_folder, ports, world) = stage();
    pass(&ports, &world, 1).await;
    set(&world.arrives, false);
    pass(&ports, &world, 24 * 60 + 1).await;
    assert!(ports.status.is_down(guardian::PART), "the daily test tells");
    set(&world.arrives, true);
    pass(&ports, &world, 20).await;
    assert!(!ports.status.is_down(guardian::PART));
    assert_eq!(sweep::waiting(&ports).await.unwrap().len(), 1);
    assert_eq!(guardian::incidents(&ports).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_crm_that_does_not_answer_says_nothing_about_the_webhook() {
    let (_folder, ports, world) = stage();
    pass(&ports, &world, 2).await;
    set(&world.is_out, true);
    // The test of the day becomes due meanwhile.
    world.clock.advance(SignedDuration::from_hours(25));
    pass(&ports, &world, 3).await;
    assert!(!ports.status.is_down(guardian::PART));
    assert!(guardian::incidents(&ports).await.unwrap().is_empty());
    let tested = guardian::kept(&ports).await.unwrap().tested_at;
    set(&world.is_out, false);
    pass(&ports, &world, 1).await;
    assert!(guardian::kept(&ports).await.unwrap().tested_at > tested, "it is tested as soon as that can be");
    // Nor does an attempt to switch it on count, so the next one is soon.
    set(&world.state, HookState::TooManyErrors);
    set(&world.is_out, true);
    pass(&ports, &world, 5).await;
    set(&world.is_out, false);
    pass(&ports, &world, 1).await;
    assert_eq!(world.rearmed.lock().unwrap().len(), 1);
}
