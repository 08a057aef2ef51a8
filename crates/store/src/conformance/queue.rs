//! Promises of the queue.

use connector_domain::fingerprint::{Fingerprint, Stage};
use connector_domain::ids::{ContactId, JobId};
use connector_domain::job::{JobState, Settlement};
use connector_domain::reason::Reason;

use super::samples::{MINUTE, SECOND, changed, contact, found, lease, noon, person, policy, tenant};
use crate::Store;
use crate::inbox::Accepted;
use crate::journal::Step;
use crate::page::PageRequest;
use crate::queue::{Adopted, JobFilter, MOST_CRASHES, Retried, SUSPECT_AFTER, Settled};

fn again(at: jiff::Timestamp) -> Settlement {
    Settlement::Again { at, error: "the CRM did not answer".into(), counts: true }
}

fn completed() -> Settlement {
    Settlement::Completed { words: "wrote 2 fields".into() }
}

pub(crate) async fn a_leased_job_is_hidden_and_so_is_its_account(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let first = lease(store, noon()).await.expect("the job is due");
    changed(store, "e2", contact(18), noon()).await;
    assert!(lease(store, noon()).await.is_none(), "the account is in hand");
    changed(store, "e3", contact(19), noon()).await;
    assert_eq!(lease(store, noon()).await.unwrap().job.record, contact(19));
    store.settle(&first, completed(), vec![], vec![], noon()).await.unwrap();
    assert_eq!(lease(store, noon()).await.unwrap().job.record, contact(18));
}

pub(crate) async fn an_abandoned_job_returns_when_its_lease_ends(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let first = lease(store, noon()).await.expect("the job is due");
    assert_eq!(first.job.attempts, 1);
    let early = store.lease("worker-b", 1, MINUTE, noon() + MINUTE - SECOND).await.unwrap();
    assert!(early.is_empty(), "worker a still holds the lease");
    let second = store.lease("worker-b", 1, MINUTE, noon() + MINUTE).await.unwrap().pop();
    let second = second.expect("the lease has ended");
    assert_eq!((second.job.id, second.job.attempts, second.job.crashes), (first.job.id, 2, 1));
}

pub(crate) async fn a_renewed_lease_does_not_end(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let held = lease(store, noon()).await.unwrap();
    let over = store.renew(&[(held.job.id, held.fence)], MINUTE, noon() + SECOND * 50).await.unwrap();
    assert!(over.is_empty());
    assert!(lease(store, noon() + MINUTE).await.is_none());
    assert!(lease(store, noon() + MINUTE * 2).await.is_some());
    let over = store.renew(&[(held.job.id, held.fence)], MINUTE, noon() + MINUTE * 2).await.unwrap();
    assert_eq!(over, [held.job.id]);
}

pub(crate) async fn a_late_result_of_an_earlier_holder_is_dropped(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let first = lease(store, noon()).await.unwrap();
    let second = lease(store, noon() + MINUTE).await.unwrap();
    let late = store.settle(&first, completed(), vec![], vec![], noon() + MINUTE).await.unwrap();
    assert_eq!(late, Settled::Lost);
    let state = store.job(&tenant(), first.job.id).await.unwrap().unwrap().state;
    assert_eq!(state, JobState::Processing);
    let settled = store.settle(&second, completed(), vec![], vec![], noon() + MINUTE).await.unwrap();
    assert_eq!(settled, Settled::Yes);
}

pub(crate) async fn a_result_that_is_brought_again_is_taken_once(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let held = lease(store, noon()).await.unwrap();
    let step = Step { at: noon(), attempt: 1, stage: "fetch".into(), words: "read".into() };
    for _ in 0..2 {
        let settled =
            store.settle(&held, again(noon() + SECOND), vec![], vec![step.clone()], noon()).await.unwrap();
        assert_eq!(settled, Settled::Yes);
    }
    let job = store.job(&tenant(), held.job.id).await.unwrap().unwrap();
    assert_eq!((job.state, job.faults), (JobState::Pending, 1));
    assert_eq!(store.steps(&tenant(), held.job.id).await.unwrap().len(), 1);
    // But what somebody else ended is lost.
    let held = lease(store, noon() + SECOND).await.unwrap();
    assert_eq!(store.recover(noon() + MINUTE * 2).await.unwrap(), 1);
    let late = store.settle(&held, completed(), vec![], vec![], noon() + MINUTE * 2).await.unwrap();
    assert_eq!(late, Settled::Lost);
}

pub(crate) async fn a_job_that_is_tried_again_waits_until_its_time(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let held = lease(store, noon()).await.unwrap();
    store.settle(&held, again(noon() + SECOND * 5), vec![], vec![], noon()).await.unwrap();
    assert!(lease(store, noon() + SECOND * 4).await.is_none());
    assert_eq!(store.next_due().await.unwrap(), Some(noon() + SECOND * 5));
    let held = lease(store, noon() + SECOND * 5).await.unwrap();
    assert_eq!((held.job.attempts, held.job.faults), (2, 1));
}

pub(crate) async fn a_newer_job_takes_over_from_one_that_would_wait_again(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let old = lease(store, noon()).await.unwrap();
    let Accepted::New(newer) = changed(store, "e2", contact(18), noon()).await else { panic!("no new job") };
    store.settle(&old, again(noon() + SECOND), vec![], vec![], noon()).await.unwrap();
    let old = store.job(&tenant(), old.job.id).await.unwrap().unwrap();
    assert_eq!((old.state, old.reason), (JobState::Skipped, Some(Reason::Superseded)));
    let newer = store.job(&tenant(), newer).await.unwrap().unwrap();
    assert_eq!((newer.state, newer.faults), (JobState::Pending, 1));
}

pub(crate) async fn recovery_returns_every_job_and_gives_up_on_a_killer(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    changed(store, "e2", contact(19), noon()).await;
    // A lease of no length is over at once, also where other processes may be alive.
    let none = jiff::SignedDuration::ZERO;
    assert_eq!(store.lease("a", 9, none, noon()).await.unwrap().len(), 2);
    assert_eq!(store.recover(noon()).await.unwrap(), 2);
    for _ in 1..MOST_CRASHES {
        assert_eq!(store.lease("a", 1, none, noon()).await.unwrap().len(), 1);
        assert_eq!(store.recover(noon()).await.unwrap(), 1);
    }
    let killer = &store
        .jobs(
            &tenant(),
            &JobFilter { states: vec![JobState::Failed], account: None },
            &PageRequest::default(),
        )
        .await
        .unwrap()
        .items[0];
    assert_eq!((killer.record, killer.crashes), (contact(18), MOST_CRASHES));
    assert!(killer.remedy.is_some());
    assert_eq!(lease(store, noon()).await.unwrap().job.record, contact(19), "the queue goes on");
}

pub(crate) async fn of_those_that_saw_many_deaths_one_is_in_hand_at_a_time(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    changed(store, "e2", contact(19), noon()).await;
    for death in 0..SUSPECT_AFTER {
        // A lease of no length is over at once, also where other processes may be alive.
        let none = jiff::SignedDuration::ZERO;
        assert_eq!(store.lease("a", 9, none, noon()).await.unwrap().len(), 2, "after {death} deaths");
        assert_eq!(store.recover(noon()).await.unwrap(), 2);
    }
    changed(store, "e3", contact(20), noon() + SECOND).await;
    let later = noon() + SECOND;
    let leases = store.lease("a", 9, MINUTE, later).await.unwrap();
    let in_hand: Vec<_> = leases.iter().map(|lease| lease.job.record).collect();
    assert_eq!(in_hand, [contact(18), contact(20)], "who saw no death goes on beside");
    assert_eq!(store.lease("b", 9, MINUTE, later).await.unwrap(), [], "no other worker takes it either");
    assert_eq!(store.next_due().await.unwrap(), None, "and nobody is told that it is due");
    // It was the cause, and the other one has its turn first.
    let later = later + MINUTE;
    assert_eq!(store.recover(later).await.unwrap(), 2);
    let leases = store.lease("a", 9, MINUTE, later).await.unwrap();
    let innocent = leases.iter().find(|lease| lease.job.record == contact(19)).expect("it waited longer");
    assert_eq!((innocent.job.crashes, leases.len()), (SUSPECT_AFTER, 2));
    store.settle(innocent, completed(), vec![], vec![], later).await.unwrap();
    assert_eq!(lease(store, later).await.unwrap().job.record, contact(18));
}

pub(crate) async fn a_persons_job_takes_its_account_once_known(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let company = lease(store, noon()).await.unwrap();
    changed(store, "e2", person(7), noon()).await;
    let human = lease(store, noon()).await.expect("its account is not known yet");
    assert_eq!(store.adopt(&human, ContactId(18), noon()).await.unwrap(), Adopted::Busy);
    assert!(lease(store, noon()).await.is_none(), "the account is in hand");
    store.settle(&company, completed(), vec![], vec![], noon()).await.unwrap();
    let human = lease(store, noon()).await.unwrap();
    assert_eq!(
        (human.job.record, human.job.account, human.job.attempts),
        (person(7), Some(ContactId(18)), 1)
    );
    assert_eq!(store.adopt(&human, ContactId(18), noon()).await.unwrap(), Adopted::Yes);
    assert_eq!(store.persons(&tenant(), ContactId(18)).await.unwrap().len(), 1);
}

pub(crate) async fn a_finished_job_can_be_retried_once(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let held = lease(store, noon()).await.unwrap();
    assert_eq!(store.retry(&tenant(), held.job.id, noon()).await.unwrap(), Retried::Running);
    let failed = Settlement::Failed {
        error: "refused".into(),
        remedy: "ask".into(),
        fingerprint: Fingerprint::of(Stage::WriteBack, "refused"),
    };
    store.settle(&held, failed, vec![], vec![], noon()).await.unwrap();
    let Accepted::New(newer) = changed(store, "e2", contact(18), noon()).await else { panic!("no new job") };
    assert_eq!(store.retry(&tenant(), held.job.id, noon()).await.unwrap(), Retried::AlreadyPending(newer));
    let held_newer = lease(store, noon()).await.unwrap();
    store.settle(&held_newer, completed(), vec![], vec![], noon()).await.unwrap();
    assert_eq!(store.retry(&tenant(), held.job.id, noon()).await.unwrap(), Retried::Queued(held.job.id));
    let retried = lease(store, noon()).await.unwrap();
    assert_eq!((retried.job.id, retried.job.faults), (held.job.id, 0));
    let Retried::Queued(fresh) = store.retry(&tenant(), held_newer.job.id, noon()).await.unwrap() else {
        panic!("a success can be tried again too")
    };
    assert_ne!(fresh, held_newer.job.id, "a success stays in the history");
    let nothing = JobId(999);
    assert_eq!(store.retry(&tenant(), nothing, noon()).await.unwrap(), Retried::NotFound);
}

pub(crate) async fn what_was_held_for_a_reason_goes_on_when_the_reason_is_gone(store: &dyn Store) {
    let held = |reason: Reason| Settlement::Held { reason, words: "not yet".into() };
    let mut taken_jobs = Vec::new();
    for (event, record, reason) in [
        ("e1", 18, Reason::FieldChanged),
        ("e2", 18, Reason::FieldChanged),
        ("e3", 19, Reason::FieldChanged),
        ("e4", 20, Reason::MalformedUdf),
    ] {
        changed(store, event, contact(record), noon()).await;
        let taken = lease(store, noon()).await.unwrap();
        store.settle(&taken, held(reason), vec![], vec![], noon()).await.unwrap();
        taken_jobs.push(taken.job.id);
    }
    changed(store, "e5", contact(19), noon()).await;
    let released = store.release(&tenant(), &[Reason::FieldChanged, Reason::NoField], noon()).await.unwrap();
    assert_eq!(released, 1, "19 has a newer job, 20 has another reason, and 18 goes on once");
    let job = store.job(&tenant(), taken_jobs[1]).await.unwrap().unwrap();
    assert_eq!((job.state, job.reason, job.faults), (JobState::Pending, None, 0));
    for at in [0, 2] {
        let job = store.job(&tenant(), taken_jobs[at]).await.unwrap().unwrap();
        assert_eq!((job.state, job.reason), (JobState::Skipped, Some(Reason::Superseded)), "{job:?}");
    }
    let other = store.job(&tenant(), taken_jobs[3]).await.unwrap().unwrap();
    assert_eq!(other.state, JobState::Held);
}

pub(crate) async fn nothing_stays_held_once_a_newer_job_of_its_record_has_ended(store: &dyn Store) {
    let held = || Settlement::Held { reason: Reason::MalformedUdf, words: "not yet".into() };
    for (event, record) in [("e1", 18), ("e2", 19)] {
        changed(store, event, contact(record), noon()).await;
        let taken = lease(store, noon()).await.unwrap();
        store.settle(&taken, held(), vec![], vec![], noon()).await.unwrap();
    }
    changed(store, "e3", contact(18), noon()).await;
    let newer = lease(store, noon()).await.unwrap();
    let states = async || store.queue_counts(&tenant(), noon()).await.unwrap();
    assert_eq!(states().await.of(JobState::Held), 2, "it has not ended yet");
    store.settle(&newer, held(), vec![], vec![], noon()).await.unwrap();
    assert_eq!(states().await.of(JobState::Held), 2, "one of each record");
    changed(store, "e4", contact(18), noon()).await;
    let newest = lease(store, noon()).await.unwrap();
    store.settle(&newest, completed(), vec![], vec![], noon()).await.unwrap();
    assert_eq!(states().await.of(JobState::Held), 1, "the other record's");
    assert_eq!(store.job(&tenant(), newer.job.id).await.unwrap().unwrap().state, JobState::Skipped);
}

pub(crate) async fn whatever_was_held_goes_on_however_much_it_is(store: &dyn Store) {
    let records: Vec<_> = (1..=450).map(|n| (contact(n), None)).collect();
    store.enqueue(&tenant(), &records, policy(), noon()).await.unwrap();
    let leases = store.lease("worker-a", 450, MINUTE, noon()).await.unwrap();
    for lease in &leases {
        let held = Settlement::Held { reason: Reason::NoField, words: "not yet".into() };
        store.settle(lease, held, vec![], vec![], noon()).await.unwrap();
    }
    assert_eq!(store.release(&tenant(), &[Reason::NoField], noon()).await.unwrap(), 450);
    assert_eq!(store.queue_counts(&tenant(), noon()).await.unwrap().of(JobState::Pending), 450);
}

pub(crate) async fn a_held_job_gives_way_to_an_older_one_of_its_record_that_waits_again(store: &dyn Store) {
    let held = |reason: Reason| Settlement::Held { reason, words: "not yet".into() };
    let older = fails(store, "e1", 18, "refused", noon()).await;
    let mut taken_jobs = Vec::new();
    for (event, record, reason) in [
        ("e2", contact(18), Reason::FieldChanged),
        ("e3", contact(18), Reason::MalformedUdf),
        ("e4", person(7), Reason::FieldChanged),
    ] {
        changed(store, event, record, noon()).await;
        let taken = lease(store, noon()).await.unwrap();
        if record == person(7) {
            assert_eq!(store.adopt(&taken, ContactId(18), noon()).await.unwrap(), Adopted::Yes);
        }
        store.settle(&taken, held(reason), vec![], vec![], noon()).await.unwrap();
        taken_jobs.push(taken.job.id);
    }
    assert_eq!(store.retry(&tenant(), older, noon()).await.unwrap(), Retried::Queued(older));
    let released = store.release(&tenant(), &[Reason::FieldChanged], noon()).await.unwrap();
    assert_eq!(released, 1, "the person's alone: its company's record has a job that waits");
    let mut states = Vec::new();
    for id in [older, taken_jobs[0], taken_jobs[1], taken_jobs[2]] {
        let job = store.job(&tenant(), id).await.unwrap().unwrap();
        states.push((job.state, job.reason));
    }
    let superseded = (JobState::Skipped, Some(Reason::Superseded));
    let other = (JobState::Held, Some(Reason::MalformedUdf));
    let pending = (JobState::Pending, None);
    assert_eq!(states, [pending, superseded, other, pending]);
    assert_eq!(store.release(&tenant(), &[Reason::FieldChanged], noon()).await.unwrap(), 0);
}

async fn fails(store: &dyn Store, event: &str, record: i64, words: &str, at: jiff::Timestamp) -> JobId {
    changed(store, event, contact(record), at).await;
    let held = lease(store, at).await.unwrap();
    let failed = Settlement::Failed {
        error: words.into(),
        remedy: "ask".into(),
        fingerprint: Fingerprint::of(Stage::WriteBack, words),
    };
    store.settle(&held, failed, vec![], vec![], at).await.unwrap();
    held.job.id
}

pub(crate) async fn failures_are_shown_by_their_cause(store: &dyn Store) {
    let later = noon() + MINUTE;
    fails(store, "e1", 18, "refused for 18", noon()).await;
    let latest = fails(store, "e2", 19, "refused for 19", later).await;
    let other = fails(store, "e3", 20, "too long", noon()).await;
    let groups = store.failures(&tenant(), 9).await.unwrap().groups;
    assert_eq!(groups.len(), 2);
    let group = &groups[0];
    assert_eq!(group.fingerprint, Fingerprint::of(Stage::WriteBack, "refused for 4711"));
    assert_eq!((group.count, group.example, group.words.as_deref()), (2, latest, Some("refused for 19")));
    assert_eq!((group.first_at, group.last_at, group.remedy.as_deref()), (noon(), later, Some("ask")));
    assert_eq!((groups[1].count, groups[1].example), (1, other));
}

pub(crate) async fn failures_of_one_cause_are_tried_again_together(store: &dyn Store) {
    let (first, second) = (
        fails(store, "e1", 18, "refused for 18", noon()).await,
        fails(store, "e2", 19, "refused for 19", noon()).await,
    );
    let other = fails(store, "e3", 20, "too long", noon()).await;
    let cause = Fingerprint::of(Stage::WriteBack, "refused for 18");
    let bell = store.wake();
    assert_eq!(store.retry_all(&tenant(), &cause, 9, noon()).await.unwrap(), 2);
    tokio::time::timeout(std::time::Duration::from_secs(5), bell.notified()).await.expect("the bell rang");
    for job in [first, second] {
        let job = store.job(&tenant(), job).await.unwrap().unwrap();
        assert_eq!((job.state, job.faults, job.words), (JobState::Pending, 0, None));
    }
    assert_eq!(store.job(&tenant(), other).await.unwrap().unwrap().state, JobState::Failed);
    assert_eq!(store.retry_all(&tenant(), &cause, 9, noon()).await.unwrap(), 0);
    assert_eq!(store.failures(&tenant(), 9).await.unwrap().groups.len(), 1);
}

pub(crate) async fn failures_are_shown_and_tried_again_in_portions(store: &dyn Store) {
    for number in 1..=5 {
        fails(store, &format!("e{number}"), number, "refused", noon()).await;
    }
    fails(store, "e6", 6, "too long", noon()).await;
    fails(store, "e7", 7, "too short", noon()).await;
    let shown = store.failures(&tenant(), 1).await.unwrap();
    assert_eq!((shown.groups.len(), shown.groups[0].count, shown.more), (1, 5, 2));
    assert_eq!(store.failures(&tenant(), 3).await.unwrap().more, 0);
    let cause = Fingerprint::of(Stage::WriteBack, "refused");
    let mut portions = Vec::new();
    for _ in 0..4 {
        portions.push(store.retry_all(&tenant(), &cause, 2, noon()).await.unwrap());
    }
    assert_eq!(portions, [2, 2, 1, 0]);
    let later = noon() + MINUTE;
    fails(store, "e8", 8, "refused", later).await;
    assert_eq!(store.retry_all(&tenant(), &cause, 2, noon()).await.unwrap(), 0, "it failed after that");
    assert_eq!(store.retry_all(&tenant(), &cause, 2, later).await.unwrap(), 1);
}

pub(crate) async fn what_was_worked_on_since_is_no_failure_any_more(store: &dyn Store) {
    let cause = Fingerprint::of(Stage::WriteBack, "refused for 18");
    fails(store, "e1", 18, "refused for 18", noon()).await;
    fails(store, "e2", 18, "refused for 18", noon()).await;
    assert_eq!(store.failures(&tenant(), 9).await.unwrap().groups[0].count, 1, "it is one record");
    changed(store, "e3", contact(18), noon()).await;
    assert!(store.failures(&tenant(), 9).await.unwrap().groups.is_empty(), "a newer job waits");
    assert_eq!(store.retry_all(&tenant(), &cause, 9, noon()).await.unwrap(), 0);
    let held = lease(store, noon()).await.unwrap();
    store.settle(&held, completed(), vec![], vec![], noon()).await.unwrap();
    assert!(store.failures(&tenant(), 9).await.unwrap().groups.is_empty(), "the newer one has succeeded");
}

pub(crate) async fn jobs_are_counted_and_listed_by_state(store: &dyn Store) {
    for n in 1..=3 {
        changed(store, &format!("e{n}"), contact(n), noon()).await;
    }
    let held = lease(store, noon()).await.unwrap();
    store.settle(&held, completed(), vec![], vec![], noon()).await.unwrap();
    let counts = store.queue_counts(&tenant(), noon()).await.unwrap();
    assert_eq!((counts.of(JobState::Completed), counts.open()), (1, 2));
    let filter = JobFilter { states: vec![JobState::Pending], account: None };
    let pending = store.jobs(&tenant(), &filter, &PageRequest { limit: 1, after: None }).await.unwrap();
    assert_eq!(pending.items[0].record, contact(3));
    let rest = store.jobs(&tenant(), &filter, &PageRequest { limit: 9, after: pending.next }).await.unwrap();
    assert_eq!(rest.items.len(), 1);
}

pub(crate) async fn asking_for_work_rings_the_bell(store: &dyn Store) {
    let bell = store.wake();
    let fresh =
        store.enqueue(&tenant(), &[(person(7), Some(ContactId(18)))], policy(), noon()).await.unwrap();
    assert_eq!(fresh, 1);
    tokio::time::timeout(std::time::Duration::from_secs(5), bell.notified()).await.expect("the bell rang");
    let again =
        store.enqueue(&tenant(), &[(person(7), Some(ContactId(18)))], policy(), noon()).await.unwrap();
    assert_eq!(again, 0);
}

pub(crate) async fn what_was_told_goes_before_what_a_sweep_found_and_nothing_waits_for_ever(
    store: &dyn Store,
) {
    for id in 1..=3 {
        found(store, &format!("sweep:{id}"), contact(id), noon()).await;
    }
    let next = async |at| lease(store, at).await.unwrap().job.record.id;
    changed(store, "told-4", contact(4), noon() + SECOND).await;
    changed(store, "told-2", contact(2), noon() + SECOND).await;
    assert_eq!(next(noon() + SECOND).await, 2, "an event about what was found makes it urgent");
    assert_eq!(next(noon() + SECOND).await, 4);
    assert_eq!(next(noon() + SECOND).await, 1, "nothing else is due");
    changed(store, "told-5", contact(5), noon() + MINUTE * 6).await;
    assert_eq!(next(noon() + MINUTE * 6).await, 3, "it has waited for long enough");
}

pub(crate) async fn many_who_lease_at_once_never_have_two_jobs_of_one_account(store: &dyn Store) {
    let records: Vec<_> = (1..=60).map(|n| (person(n), Some(ContactId(n % 6)))).collect();
    store.enqueue(&tenant(), &records, policy(), noon()).await.unwrap();
    let names: Vec<String> = (0..8).map(|n| format!("worker-{n}")).collect();
    let mut done = 0;
    while done < records.len() {
        let leasing = names.iter().map(|name| store.lease(name, 3, MINUTE, noon()));
        let taken = super::inbox::futures_join_all(leasing).await;
        let leases: Vec<_> = taken.into_iter().flat_map(Result::unwrap).collect();
        let accounts: std::collections::BTreeSet<_> = leases.iter().map(|lease| lease.job.account).collect();
        assert_eq!(accounts.len(), leases.len(), "two workers are at one account");
        assert!(!leases.is_empty(), "some of the work that is due is always taken");
        for lease in &leases {
            let settled = store.settle(lease, completed(), vec![], vec![], noon()).await.unwrap();
            assert_eq!(settled, Settled::Yes);
        }
        done += leases.len();
    }
}
