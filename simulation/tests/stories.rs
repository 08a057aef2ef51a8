//! Stories with a name, in virtual time: long outages, and one account that is poison.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_domain::ids::{ContactId, RecordRef};
use connector_pipeline::status::Condition;
use connector_simulation::checks::Checks;
use connector_simulation::dice::Dice;
use connector_simulation::run::Story;
use connector_simulation::{House, Knobs, Outcome};
use tokio_util::task::TaskTracker;

/// Each turn of a part for the worse and for the better, as a person is told of it.
type Turns = Arc<Mutex<Vec<bool>>>;

fn follow(story: &Story, part: &'static str) -> Turns {
    let turns = Turns::default();
    let told = Arc::clone(&turns);
    let mut parts = story.fleet.alive()[0].status.follow();
    TaskTracker::new().spawn(async move {
        let mut was_down = false;
        while parts.changed().await.is_ok() {
            let found = parts.borrow_and_update();
            let is_down = found.iter().any(|one| one.name == part && one.condition == Condition::Down);
            drop(found);
            if is_down != was_down {
                told.lock().unwrap().push(is_down);
                was_down = is_down;
            }
        }
    });
    turns
}

fn counted(story: &Story, sql: &str) -> i64 {
    story.world.database.look(|connection| connection.query_row(sql, [], |row| row.get(0))).unwrap()
}

/// People go on working while something is away for long; then it comes back.
fn outage(name: &'static str, part: &'static str, length: Duration) -> (Outcome, Vec<bool>, i64) {
    let knobs = Knobs { contacts: 40, persons: 10, ..Knobs::calm() };
    let (mut told, mut backlog) = (Vec::new(), 0);
    let outcome = House::new().unwrap().play(knobs, Dice::of(1), async |story: &Story| {
        assert!(story.settled().await);
        let turns = follow(story, part);
        story.world.outage(name, length);
        let edits = 100;
        for edition in 1..=edits {
            tokio::time::sleep(length / edits).await;
            story.people.rename(1 + i64::from(edition) % 40, edition, 5);
        }
        backlog = story.open_jobs();
        // It is asked now and then, so it takes a moment until anybody knows.
        assert!(story.settled_within(Duration::from_mins(10)).await, "the backlog does not drain");
        assert_eq!(counted(story, "SELECT count(*) FROM jobs WHERE state = 5"), 0, "a job has failed");
        assert_eq!(counted(story, "SELECT coalesce(max(faults), 0) FROM jobs"), 0, "a job was blamed");
        Checks { story }.everything();
        told.clone_from(&turns.lock().unwrap());
    });
    (outcome, told, backlog)
}

#[test]
fn six_hours_without_the_model_fail_no_job_and_are_told_once_each_way() {
    let (outcome, told, backlog) = outage("explorer", "explorer", Duration::from_hours(6));
    // That what waited longest goes first is looked at with each lease.
    assert_eq!(outcome.violations, [], "{}", outcome.last.join("\n"));
    assert_eq!(told, [true, false]);
    assert!(backlog >= 35, "only {backlog} waited");
}

#[test]
fn two_hours_without_the_crm_fail_no_job_and_are_told_once_each_way() {
    for name in ["crm unreachable", "crm offline", "sign-in lost"] {
        let (outcome, told, backlog) = outage(name, "superoffice", Duration::from_hours(2));
        assert_eq!(outcome.violations, [], "{name}: {}", outcome.last.join("\n"));
        assert_eq!(told, [true, false], "{name}");
        assert!(backlog >= 35, "{name}: only {backlog} waited");
    }
}

const ACCOUNTS: i64 = 1000;

/// How long each account's first job took from its event to its end, in milliseconds.
fn journeys(poison: &[i64], deadly: bool) -> (Outcome, BTreeMap<i64, i64>) {
    let knobs = Knobs {
        contacts: ACCOUNTS,
        persons: 0,
        slots: 16,
        store_latency: 0,
        crm_latency: 0,
        explorer_least: 2000,
        explorer_latency: 0,
        deadly,
        ..Knobs::calm()
    };
    let mut journeys = BTreeMap::new();
    let outcome = House::new().unwrap().play(knobs, Dice::of(1), async |story: &Story| {
        for id in poison {
            story.world.poison(RecordRef::contact(ContactId(*id)));
        }
        assert!(story.settled_within(Duration::from_hours(3)).await);
        journeys = story
            .world
            .database
            .look(|connection| {
                let sql = "SELECT entity_id, min(finished_at) - min(created_at) FROM jobs WHERE state IN (2, 3) GROUP BY 1";
                let mut statement = connection.prepare(sql)?;
                let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect()
            })
            .unwrap();
    });
    (outcome, journeys)
}

/// By how much of its own time the most delayed account was later.
fn worst(without: &BTreeMap<i64, i64>, with: &BTreeMap<i64, i64>) -> f64 {
    let later = |(id, took): (&i64, &i64)| {
        let usual = f64::from(i32::try_from(without[id]).unwrap());
        (f64::from(i32::try_from(*took).unwrap()) - usual) / usual
    };
    with.iter().map(later).fold(0.0, f64::max)
}

#[test]
fn one_poison_account_among_a_thousand_delays_no_other_by_more_than_a_hundredth() {
    let (_, without) = journeys(&[], false);
    assert_eq!(without.len(), 1000);
    // One is refused at once, the other fails again and again.
    for poison in [500, 501] {
        let (outcome, with) = journeys(&[poison], false);
        assert_eq!(outcome.violations, []);
        assert_eq!(with.len(), 999, "all but the poison have come to their end");
        let worst = worst(&without, &with);
        assert!(worst <= 0.01, "account {poison} delays another one by {} %", worst * 100.0);
    }
}

#[test]
fn an_account_that_kills_its_worker_takes_no_other_with_it() {
    let (outcome, with) = journeys(&[], true);
    assert_eq!(outcome.violations, [], "{}", outcome.last.join("\n"));
    assert_eq!(with.len(), 999, "all but the killer have come to their end");
}
