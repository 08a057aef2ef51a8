//! Sweeps over lists that are made up: what was missed before there were books.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector_domain::clock::FixedClock;
use connector_domain::field::Definitions;
use connector_domain::guardian::{Hook, HookState, Look};
use connector_domain::ids::{AssociateId, ContactId, Entity, RecordRef};
use connector_domain::sweep::Row;
use connector_pipeline::crm::{CrmError, Listed, Newest};
use connector_pipeline::sweep::{self, Asked};
use connector_pipeline::{Hooks, Lists, Part, Ports, SweepOptions, Sweeper, discovery};
use connector_store::sqlite::{Options, SqliteStore};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

#[path = "support/nobody.rs"]
mod nobody;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn noon() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

/// Companies, each with when it was changed last.
#[derive(Default)]
struct Companies(Mutex<Vec<(i64, Timestamp)>>);

impl Companies {
    fn changed(&self, id: i64, at: Timestamp) {
        let mut all = self.0.lock().unwrap();
        all.retain(|(known, _)| *known != id);
        all.push((id, at));
        all.sort_unstable();
    }
}

#[async_trait]
impl Lists for Companies {
    async fn newest(&self, entity: Entity, until: Timestamp) -> Result<Newest, CrmError> {
        let all = self.0.lock().unwrap();
        let of_kind = || all.iter().filter(|_| entity == Entity::Contact);
        let at = of_kind().map(|(_, at)| *at).filter(|at| *at <= until).max();
        let ahead = of_kind().filter(|(_, at)| *at > until).max_by_key(|(_, at)| *at).copied();
        Ok(Newest { at, ahead, calls: 1 })
    }

    async fn changed(
        &self,
        entity: Entity,
        since: Timestamp,
        after: i64,
        _: &Definitions,
    ) -> Result<Vec<Listed>, CrmError> {
        let row = |&(id, at): &(i64, Timestamp)| Row {
            record: RecordRef::contact(ContactId(id)),
            account: Some(ContactId(id)),
            owner: Some(AssociateId(3)),
            registered_at: Some(noon() - HOUR * 900),
            updated_at: Some(at),
            updated_by: None,
            deleted: false,
            columns: [("name".to_owned(), 1)].into(),
        };
        let all = self.0.lock().unwrap();
        let wanted = all.iter().filter(|(id, at)| entity == Entity::Contact && *id > after && *at >= since);
        Ok(wanted.map(|known| Listed { row: row(known), by: "KARI".into() }).collect())
    }

    async fn last(&self, _: Entity, _: Timestamp) -> Result<i64, CrmError> {
        Ok(self.0.lock().unwrap().iter().map(|(id, _)| *id).max().unwrap_or(0))
    }
}

/// A webhook that was registered then.
struct Registered(Timestamp);

#[async_trait]
impl Hooks for Registered {
    async fn look(&self) -> Result<Look, CrmError> {
        Ok(Look::There(Hook {
            id: 7,
            state: HookState::Active,
            registered_at: Some(self.0),
            changed_by: None,
            amiss: Vec::new(),
            calls: None,
            errors: None,
            in_a_row: None,
        }))
    }
    async fn test(&self) -> Result<bool, CrmError> {
        Ok(true)
    }
    async fn rearm(&self, _: i64, _: bool) -> Result<(), CrmError> {
        Ok(())
    }
}

struct Stage {
    _folder: tempfile::TempDir,
    ports: Arc<Ports>,
    companies: Arc<Companies>,
    sweeper: Arc<Sweeper>,
}

fn stage() -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("store.db"), &Options::default()).unwrap());
    let ports = Arc::new(nobody::ports(store, Arc::new(FixedClock::at(noon()))));
    let companies = Arc::new(Companies::default());
    // Changed ten hours, three hours and one hour ago.
    for (id, hours) in [(1, 10), (2, 3), (3, 1)] {
        companies.changed(id, noon() - HOUR * hours);
    }
    let options = SweepOptions { every: None, holder: "me".into() };
    let sweeper = Arc::new(Sweeper::new(Arc::clone(&ports), companies.clone(), options));
    Stage { _folder: folder, ports, companies, sweeper }
}

async fn found(stage: &Stage) -> u64 {
    stage.sweeper.sweep(&|_| {}).await.unwrap().tally.found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_begins_to_listen_takes_nothing_for_news() {
    let stage = stage();
    assert_eq!(found(&stage).await, 0);
    stage.companies.changed(2, noon());
    assert_eq!(found(&stage).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stamp_that_is_ahead_of_its_time_blinds_no_sweep() {
    let stage = stage();
    let later = noon() + HOUR * 24 * 900;
    stage.companies.changed(4, later);
    let first = stage.sweeper.sweep(&|_| {}).await.unwrap();
    assert_eq!(first.tally.found, 0);
    assert_eq!(first.ahead[&Entity::Contact].id, 4, "it is told");
    // Again and again, although nothing ever bears a later stamp.
    for minutes in [1, 30, 59] {
        assert_eq!(found(&stage).await, 0);
        stage.companies.changed(2, noon() + SignedDuration::from_mins(minutes));
        assert_eq!(found(&stage).await, 1);
    }
    stage.companies.changed(4, later + HOUR);
    assert_eq!(found(&stage).await, 1, "somebody changed it once more");
    let window = sweep::Window { from: noon() - HOUR * 24, until: Some(noon() + HOUR) };
    assert_eq!(sweep::check(&stage.sweeper, window).await.unwrap().changes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_database_that_was_made_anew_misses_is_found_by_the_first_sweep() {
    let stage = stage();
    let why = "the database was made anew".to_owned();
    sweep::ask(&stage.ports, Asked { from: noon() - HOUR * 4, until: None, why }).await.unwrap();
    assert_eq!(found(&stage).await, 2, "the companies that were changed within four hours");
    assert!(sweep::waiting(&stage.ports).await.unwrap().is_empty());
    assert_eq!(found(&stage).await, 0, "once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_webhook_told_of_before_there_were_books_is_found_by_the_first_sweep() {
    let stage = stage();
    let hooks = Registered(noon() - HOUR * 2);
    sweep::ask_for_the_unheard(&stage.sweeper, &hooks).await.unwrap();
    assert_eq!(found(&stage).await, 1);
    // With books the guardian tells what was missed.
    sweep::ask_for_the_unheard(&stage.sweeper, &hooks).await.unwrap();
    assert!(sweep::waiting(&stage.ports).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_webhook_that_is_older_than_a_day_only_a_day_is_asked_for() {
    let stage = stage();
    sweep::ask_for_the_unheard(&stage.sweeper, &Registered(noon() - HOUR * 900)).await.unwrap();
    let asked = sweep::waiting(&stage.ports).await.unwrap();
    assert_eq!(asked[0].from, noon() - HOUR * 25, "by the clock of the last change");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_asks_for_before_the_first_sweep_is_looked_for_by_it() {
    let stage = stage();
    let by_hand = Asked { from: noon() - HOUR * 4, until: None, why: sweep::BY_HAND.into() };
    sweep::ask(&stage.ports, by_hand).await.unwrap();
    assert_eq!(found(&stage).await, 2, "the companies that were changed within four hours");
    assert!(sweep::waiting(&stage.ports).await.unwrap().is_empty());
    // Without a time nothing is asked for that was there before.
    let stage = self::stage();
    sweep::ask_since_the_last(&stage.ports).await.unwrap();
    assert_eq!(found(&stage).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_by_hand_without_a_time_begins_where_the_last_one_ended() {
    let stage = stage();
    assert_eq!(found(&stage).await, 0);
    stage.companies.changed(2, noon() - HOUR / 2);
    sweep::ask_since_the_last(&stage.ports).await.unwrap();
    assert_eq!(found(&stage).await, 1);
    assert!(sweep::waiting(&stage.ports).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_for_behind_a_sweep_that_was_cut_off_is_swept_as_well() {
    let stage = stage();
    found(&stage).await;
    stage.companies.changed(2, noon() - HOUR / 2);
    let begun = tokio::sync::Notify::new();
    let told = |_: &sweep::Run| begun.notify_one();
    tokio::select! {
        biased;
        () = begun.notified() => {}
        _ = stage.sweeper.sweep(&told) => panic!("it was to be cut off"),
    }
    assert!(sweep::kept_run(&stage.ports).await.unwrap().is_some());
    sweep::ask_since_the_last(&stage.ports).await.unwrap();
    stage.sweeper.sweep_what_waits(&|_| {}).await.unwrap();
    assert!(sweep::waiting(&stage.ports).await.unwrap().is_empty());
    assert!(sweep::kept_run(&stage.ports).await.unwrap().is_none());
    assert_eq!(found(&stage).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_sweeps_are_switched_off_a_gap_waits_for_a_person() {
    let stage = stage();
    discovery::discover(&stage.ports).await.unwrap();
    assert_eq!(found(&stage).await, 0);
    stage.companies.changed(1, noon() - HOUR / 2);
    let gap = Asked { from: noon() - HOUR, until: None, why: "deliveries failed".into() };
    sweep::ask(&stage.ports, gap).await.unwrap();

    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    tracker.spawn(sweep::run(Arc::clone(&stage.sweeper), None, stop.clone()));
    let mut parts = stage.ports.status.follow();
    let is_told = |parts: &Arc<Vec<Part>>| {
        parts.iter().any(|part| part.name == "sweep" && part.words.contains("deliveries failed"))
    };
    within(async { drop(parts.wait_for(is_told).await.unwrap()) }).await;
    assert_eq!(sweep::waiting(&stage.ports).await.unwrap().len(), 1);

    sweep::ask_since_the_last(&stage.ports).await.unwrap();
    within(async {
        while sweep::last_run(&stage.ports).await.unwrap().is_none_or(|run| run.tally.found != 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    stop.cancel();
    tracker.close();
    tracker.wait().await;
    assert!(sweep::waiting(&stage.ports).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_begins_anew_tells_when_the_last_sweep_ended_although_none_ends_any_more() {
    let stage = stage();
    found(&stage).await;
    stage.companies.changed(1, noon());
    assert_eq!(found(&stage).await, 1, "and no column of it differs, so nothing that is watched was missed");
    // The tenant is not known, so no sweep is begun.
    let options = SweepOptions { every: Some(Duration::from_hours(1)), holder: "me".into() };
    let sweeper = Arc::new(Sweeper::new(Arc::clone(&stage.ports), stage.companies.clone(), options));
    let (stop, tracker) = (CancellationToken::new(), TaskTracker::new());
    tracker.spawn(sweep::run(sweeper, None, stop.clone()));
    let mut numbers = stage.ports.status.numbers();
    let ended = u64::try_from(noon().as_second()).unwrap();
    within(async {
        let is_told = |numbers: &std::collections::BTreeMap<&str, u64>| {
            numbers.get("reconcile_last_success_timestamp_seconds") == Some(&ended)
                && numbers.get("reconcile_gap_events") == Some(&0)
        };
        drop(numbers.wait_for(is_told).await.unwrap());
    })
    .await;
    stop.cancel();
    tracker.close();
    tracker.wait().await;
}

/// Waits for something that must not take long.
async fn within(what: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_secs(20), what).await.unwrap();
}
