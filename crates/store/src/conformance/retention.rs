//! Promises of [`crate::retention`].

use connector_domain::event::Event;
use connector_domain::field::{Target, Value};
use connector_domain::ids::{ContactId, JobId, RecordRef};
use connector_domain::job::{JobState, Settlement};
use connector_domain::patch::{FieldWrite, Patch};
use connector_domain::reason::Reason;
use connector_domain::retention::{Cuts, RetentionPolicy, Squeeze};
use connector_domain::sweep::Snapshot;
use jiff::{SignedDuration, Timestamp};

use super::samples::{MINUTE, changed, contact, delivery, event, lease, noon, person, policy, tenant};
use crate::Store;
use crate::accounts::Facts;
use crate::inbox::{Accepted, Content, Delivery};
use crate::journal::{Resolution, Step, WriteState};
use crate::page::PageRequest;
use crate::queue::JobFilter;
use crate::retention::{Place, Removed, Stage};
use crate::snapshots::Checkpoint;

const DAY: SignedDuration = SignedDuration::from_hours(24);

fn days(count: i32) -> Timestamp {
    noon() + DAY * count
}

fn cuts(now: Timestamp) -> Cuts {
    RetentionPolicy::default().cuts(Squeeze::default(), now)
}

/// A whole pass.
async fn pass(store: &dyn Store, now: Timestamp, most: usize) -> Removed {
    let (mut removed, mut next) = (Removed::default(), Some(Place::default()));
    while let Some(place) = next {
        let pruned = store.prune(&cuts(now), place, most, now).await.unwrap();
        removed += pruned.removed;
        next = pruned.next;
    }
    removed
}

fn write(target: Target, after: &str) -> FieldWrite {
    let after = Value::Text(after.into());
    FieldWrite { target, prog_id: "SuperOffice:2".into(), before: Value::Empty, after }
}

/// Works on a record: one event, one job, one write that is done when `writes` names something.
async fn worked(
    store: &dyn Store,
    id: &str,
    record: RecordRef,
    writes: Vec<FieldWrite>,
    at: Timestamp,
) -> JobId {
    let ended = if writes.is_empty() {
        Settlement::Skipped { reason: Reason::Unchanged, words: "nothing".into() }
    } else {
        Settlement::Completed { words: "wrote".into() }
    };
    worked_to(store, id, record, writes, ended, at).await
}

async fn worked_to(
    store: &dyn Store,
    id: &str,
    record: RecordRef,
    writes: Vec<FieldWrite>,
    ended: Settlement,
    at: Timestamp,
) -> JobId {
    changed(store, id, record, at).await;
    let held = lease(store, at).await.expect("the job is due");
    let mut resolutions = Vec::new();
    if !writes.is_empty() {
        let write = store.intend(&held, &Patch { record, writes }, at).await.unwrap().unwrap();
        resolutions.push(Resolution { write, state: WriteState::Done, words: None, stands: None });
    }
    let step = Step { at, attempt: 1, stage: "fetch".into(), words: format!("read {id}") };
    store.settle(&held, ended, resolutions, vec![step], at).await.unwrap();
    held.job.id
}

async fn event_ids(store: &dyn Store) -> Vec<String> {
    let page = store.events(&tenant(), None, &PageRequest { limit: 1000, after: None }).await.unwrap();
    page.items.into_iter().map(|event| event.id.0).collect()
}

async fn job_ids(store: &dyn Store) -> Vec<JobId> {
    let page = PageRequest { limit: 1000, after: None };
    store
        .jobs(&tenant(), &JobFilter::default(), &page)
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|job| job.id)
        .collect()
}

pub(crate) async fn what_is_old_goes_and_what_is_young_stays(store: &dyn Store) {
    let old = worked(store, "old", contact(18), vec![write(Target::Summary, "one")], noon()).await;
    let young = worked(store, "young", contact(18), vec![write(Target::Summary, "two")], days(300)).await;
    let removed = pass(store, days(410), 100).await;
    assert_eq!(event_ids(store).await, ["young"]);
    assert_eq!(job_ids(store).await, [young]);
    assert!(store.steps(&tenant(), old).await.unwrap().is_empty());
    assert_eq!(store.steps(&tenant(), young).await.unwrap().len(), 1);
    assert_eq!(store.writes(&tenant(), ContactId(18), 10).await.unwrap().len(), 1);
    let expected =
        Removed { bodies: 2, events: 1, jobs: 1, steps: 1, writes: 1, writes_done: 1, ..Removed::default() };
    assert_eq!(removed, expected, "of the one that stays only the body goes");
    assert_eq!(store.removed().await.unwrap(), expected);
    assert!(pass(store, days(410), 100).await.is_nothing(), "a second pass finds nothing");
}

pub(crate) async fn what_has_not_ended_stays_however_old_it_is(store: &dyn Store) {
    changed(store, "waits", contact(18), noon()).await;
    let held = Settlement::Held { reason: Reason::NoField, words: "waits for a field".into() };
    worked_to(store, "held", contact(19), vec![], held, noon()).await;
    changed(store, "again", contact(19), noon()).await;
    changed(store, "runs", contact(20), noon()).await;
    let taken = store.lease("worker-a", 5, MINUTE, noon()).await.unwrap();
    let running = taken.iter().find(|lease| lease.job.record == contact(20)).unwrap();
    let patch = Patch { record: contact(20), writes: vec![write(Target::Summary, "one")] };
    store.intend(running, &patch, noon()).await.unwrap().unwrap();
    let last = worked(store, "last", contact(99), vec![], noon()).await;
    let removed = pass(store, days(3000), 100).await;
    assert_eq!(
        (removed.jobs, removed.writes, removed.events, removed.steps),
        (0, 0, 0, 1),
        "{removed:?}; job {last} is the last"
    );
    assert_eq!(event_ids(store).await, ["last", "runs", "again", "held", "waits"]);
    assert_eq!(store.open_intents(&tenant(), contact(20)).await.unwrap().len(), 1);
}

pub(crate) async fn the_newest_job_of_a_record_and_the_newest_write_of_a_field_stay(store: &dyn Store) {
    let both = vec![write(Target::Summary, "one"), write(Target::OpenerPrimary, "hello")];
    worked(store, "e1", contact(18), both, noon()).await;
    worked(store, "e2", contact(18), vec![write(Target::Summary, "two")], days(1)).await;
    let third = worked(store, "e3", contact(18), vec![write(Target::Summary, "three")], days(2)).await;
    let other = worked(store, "e4", contact(19), vec![write(Target::Summary, "x")], days(2)).await;
    let removed = pass(store, days(3000), 100).await;
    assert_eq!((removed.jobs, removed.writes), (2, 1), "the second write is the newest of no field");
    assert_eq!(job_ids(store).await, [other, third]);
    let ours = store.ours(&tenant(), contact(18)).await.unwrap();
    assert_eq!(ours[&Target::Summary], [Value::Text("three".into())]);
    assert_eq!(ours[&Target::OpenerPrimary], [Value::Text("hello".into())]);
    assert_eq!(store.write_count(&tenant()).await.unwrap() + removed.writes_done, 4);
}

pub(crate) async fn a_body_goes_before_its_event_and_a_repeat_is_known_all_the_same(store: &dyn Store) {
    let parked = Delivery {
        tenant: tenant(),
        id: "parked".into(),
        body: b"?".to_vec().into(),
        content: Content::Unreadable("no JSON".into()),
        received_at: noon(),
    };
    store.accept(parked, policy()).await.unwrap();
    worked(store, "e1", contact(18), vec![], noon()).await;
    worked(store, "e2", contact(18), vec![], days(20)).await;
    assert_eq!(pass(store, days(31), 100).await, Removed { bodies: 1, ..Removed::default() });
    let body = async |id: &str| store.event(&tenant(), &id.into()).await.unwrap().unwrap().1;
    assert!(body("e1").await.is_empty() && !body("e2").await.is_empty());
    assert!(!body("parked").await.is_empty(), "what could not be read is read again one day");
    assert_eq!(changed(store, "e1", contact(18), days(31)).await, Accepted::Duplicate);
    assert_eq!(pass(store, days(51), 100).await.bodies, 1);
}

pub(crate) async fn nothing_is_left_of_a_deleted_record(store: &dyn Store) {
    let facts = Facts { name: Some("Bergwerk Beispiel".into()), ..Facts::default() };
    store.learn(&tenant(), ContactId(18), facts, None, SignedDuration::ZERO, noon()).await.unwrap();
    worked(store, "e1", contact(18), vec![write(Target::Summary, "Bergwerk")], noon()).await;
    changed(store, "p1", person(7), noon()).await;
    let held = lease(store, noon()).await.unwrap();
    store.adopt(&held, ContactId(18), noon()).await.unwrap();
    let text = Patch { record: person(7), writes: vec![write(Target::Bridge, "Dear Ms Sample")] };
    let intent = store.intend(&held, &text, noon()).await.unwrap().unwrap();
    let done = Resolution { write: intent, state: WriteState::Done, words: None, stands: None };
    let wrote = Settlement::Completed { words: "wrote".into() };
    store.settle(&held, wrote, vec![done], vec![], noon()).await.unwrap();
    let gone = Settlement::Skipped { reason: Reason::Deleted, words: "gone".into() };
    worked_to(store, "e2", contact(18), vec![], gone, days(1)).await;
    let snapshot =
        Snapshot { updated_at: Some(noon()), deleted: false, columns: [("title".into(), 5)].into() };
    let seen: Vec<_> = [contact(18), person(7), contact(19)].map(|record| (record, snapshot.clone())).into();
    let checkpoint = Checkpoint { key: "sweep".into(), value: 1.into() };
    store.remember(&tenant(), seen, checkpoint, noon()).await.unwrap();
    let other = worked(store, "e3", contact(19), vec![write(Target::Summary, "stays")], days(1)).await;

    assert_eq!(pass(store, days(30), 100).await.records, 0, "it may come back for a while");
    let removed = pass(store, days(32), 100).await;
    assert_eq!((removed.records, removed.writes), (2, 2), "the company and its person: {removed:?}");
    assert_eq!(store.account(&tenant(), ContactId(18)).await.unwrap(), None);
    assert!(store.persons(&tenant(), ContactId(18)).await.unwrap().is_empty());
    assert!(store.ours(&tenant(), contact(18)).await.unwrap().is_empty());
    assert!(store.ours(&tenant(), person(7)).await.unwrap().is_empty());
    assert_eq!(job_ids(store).await, [other]);
    let (event, body) = store.event(&tenant(), &"e1".into()).await.unwrap().unwrap();
    assert!(body.is_empty() && event.words.is_none(), "its number is known still, against repeats");
    // Nobody had said whose person it is.
    let (event, body) = store.event(&tenant(), &"p1".into()).await.unwrap().unwrap();
    assert!(body.is_empty() && event.words.is_none());
    let records = [contact(18), person(7), contact(19)].map(|record| (record, None));
    let known = store.known(&tenant(), &records).await.unwrap();
    let snapshots: Vec<bool> = known.iter().map(|known| known.snapshot.is_some()).collect();
    assert_eq!(snapshots, [false, false, true], "what stood in it has gone, too");
}

pub(crate) async fn a_deleted_company_with_many_persons_goes_in_several_steps(store: &dyn Store) {
    let gone = || Settlement::Skipped { reason: Reason::Deleted, words: "gone".into() };
    for company in [18, 19] {
        for number in 0..25 {
            // Nothing that is watched, so that there is no work.
            let record = person(company * 100 + number);
            let met =
                Event { account: Some(ContactId(company)), ..event(&record.to_string(), record, &["x"]) };
            store.accept(delivery(met, noon()), policy()).await.unwrap();
        }
        worked_to(store, &format!("gone {company}"), contact(company), vec![], gone(), noon()).await;
    }
    changed(store, "waits", person(1800), noon()).await;
    let (mut steps, mut next) = (0, Some(Place::default()));
    while let Some(place) = next.filter(|place| place.stage == Stage::Deleted) {
        let pruned = store.prune(&cuts(days(60)), place, 40, days(60)).await.unwrap();
        assert!(pruned.removed.records <= 10, "{pruned:?}");
        steps += pruned.removed.records;
        next = pruned.next;
    }
    assert_eq!(steps, 51, "two companies and their persons, but for the one of whom there is work");
    assert_eq!(store.persons(&tenant(), ContactId(19)).await.unwrap(), []);
    assert_eq!(store.persons(&tenant(), ContactId(18)).await.unwrap().len(), 1);
    assert_eq!(job_ids(store).await.len(), 1, "what waits");
}

pub(crate) async fn a_record_that_came_back_is_not_deleted(store: &dyn Store) {
    let gone = Settlement::Skipped { reason: Reason::Deleted, words: "gone".into() };
    worked(store, "e1", contact(18), vec![write(Target::Summary, "one")], noon()).await;
    worked_to(store, "e2", contact(18), vec![], gone, days(1)).await;
    worked(store, "e3", contact(18), vec![], days(20)).await;
    worked(store, "e4", contact(19), vec![], days(20)).await;
    assert_eq!(pass(store, days(60), 100).await.records, 0);
    assert_eq!(store.ours(&tenant(), contact(18)).await.unwrap().len(), 1);
}

pub(crate) async fn a_pass_in_small_steps_does_what_one_large_step_does(store: &dyn Store) {
    for turn in 0..30 {
        let text = format!("text {turn}");
        let record = contact(18 + i64::from(turn % 7));
        worked(store, &format!("e{turn}"), record, vec![write(Target::Summary, &text)], days(turn)).await;
    }
    let removed = pass(store, days(415), 3).await;
    // Events and jobs are all older than half a year; of writes only those before the 15th day are old enough.
    assert_eq!((removed.events, removed.jobs, removed.writes), (29, 23, 15), "{removed:?}");
    let states: Vec<JobState> = store
        .jobs(&tenant(), &JobFilter::default(), &PageRequest::default())
        .await
        .unwrap()
        .items
        .iter()
        .map(|job| job.state)
        .collect();
    assert_eq!(states, [JobState::Completed; 7]);
}
