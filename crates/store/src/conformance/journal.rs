//! Promises of the journal.

use connector_domain::field::{Target, Value};
use connector_domain::ids::ContactId;
use connector_domain::job::Settlement;
use connector_domain::patch::{FieldWrite, Patch};

use super::samples::{MINUTE, changed, contact, lease, noon, tenant};
use crate::Store;
use crate::journal::{Resolution, Step, WriteState};

fn summary(before: &str, after: &str) -> Patch {
    let value = |text: &str| if text.is_empty() { Value::Empty } else { Value::Text(text.into()) };
    let write = FieldWrite {
        target: Target::Summary,
        prog_id: "SuperOffice:2".into(),
        before: value(before),
        after: value(after),
    };
    Patch { record: contact(18), writes: vec![write] }
}

fn words(text: &str) -> Value {
    Value::Text(text.into())
}

pub(crate) async fn an_intent_counts_as_ours_until_it_is_known_not_to_have_happened(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let held = lease(store, noon()).await.unwrap();
    let first = store.intend(&held, &summary("", "one"), noon()).await.unwrap().unwrap();
    let done = Resolution { write: first, state: WriteState::Done, words: None, stands: None };
    store.resolve(vec![done], noon()).await.unwrap();
    let second = store.intend(&held, &summary("one", "two"), noon()).await.unwrap().unwrap();
    let ours = store.ours(&tenant(), contact(18)).await.unwrap();
    assert_eq!(ours[&Target::Summary], [words("two"), words("one")]);
    assert_eq!(store.open_intents(&tenant(), contact(18)).await.unwrap()[0].id, second);
    let not =
        Resolution { write: second, state: WriteState::NotDone, words: Some("409".into()), stands: None };
    store.resolve(vec![not], noon()).await.unwrap();
    let ours = store.ours(&tenant(), contact(18)).await.unwrap();
    assert_eq!(ours[&Target::Summary], [words("one")]);
    assert!(store.open_intents(&tenant(), contact(18)).await.unwrap().is_empty());
    assert_eq!(store.write_count(&tenant()).await.unwrap(), 1);
}

pub(crate) async fn what_lapsed_is_looked_for_until_another_write_is_done(store: &dyn Store) {
    let as_of = |write, state| Resolution { write, state, words: None, stands: None };
    let looked_for = async || {
        let open = store.open_intents(&tenant(), contact(18)).await.unwrap();
        open.into_iter().map(|write| (write.id, write.state)).collect::<Vec<_>>()
    };
    changed(store, "e1", contact(18), noon()).await;
    let held = lease(store, noon()).await.unwrap();
    let first = store.intend(&held, &summary("", "one"), noon()).await.unwrap().unwrap();
    store.resolve(vec![as_of(first, WriteState::Lapsed)], noon()).await.unwrap();
    assert_eq!(looked_for().await, [(first, WriteState::Lapsed)]);
    let ours = store.ours(&tenant(), contact(18)).await.unwrap();
    assert!(!ours.contains_key(&Target::Summary), "what stands there may be a person's");
    // It came late.
    store.resolve(vec![as_of(first, WriteState::Done)], noon()).await.unwrap();
    assert_eq!(store.ours(&tenant(), contact(18)).await.unwrap()[&Target::Summary], [words("one")]);
    let second = store.intend(&held, &summary("one", "two"), noon()).await.unwrap().unwrap();
    let third = store.intend(&held, &summary("one", "three"), noon()).await.unwrap().unwrap();
    store.resolve(vec![as_of(second, WriteState::Lapsed)], noon()).await.unwrap();
    assert_eq!(looked_for().await, [(second, WriteState::Lapsed), (third, WriteState::Intended)]);
    store.resolve(vec![as_of(third, WriteState::Done)], noon()).await.unwrap();
    assert_eq!(looked_for().await, [], "its guard is broken");
}

pub(crate) async fn nothing_may_be_intended_without_the_lease(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let held = lease(store, noon()).await.unwrap();
    let late = store.intend(&held, &summary("", "one"), noon() + MINUTE).await.unwrap();
    assert_eq!(late, None, "the lease has ended");
    lease(store, noon() + MINUTE).await.unwrap();
    let stolen = store.intend(&held, &summary("", "one"), noon()).await.unwrap();
    assert_eq!(stolen, None, "somebody else has the job");
    assert!(store.open_intents(&tenant(), contact(18)).await.unwrap().is_empty());
}

pub(crate) async fn writes_and_steps_are_shown_with_their_job(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let held = lease(store, noon()).await.unwrap();
    let write = store.intend(&held, &summary("", "one"), noon()).await.unwrap().unwrap();
    let step = Step { at: noon(), attempt: 1, stage: "fetch".into(), words: "read company".into() };
    let resolution = Resolution { write, state: WriteState::Done, words: None, stands: None };
    let done = Settlement::Completed { words: "wrote 1 field".into() };
    store.settle(&held, done, vec![resolution], vec![step.clone()], noon()).await.unwrap();
    assert_eq!(store.steps(&tenant(), held.job.id).await.unwrap(), [step]);
    let writes = store.writes(&tenant(), ContactId(18), 10).await.unwrap();
    assert_eq!((writes[0].state, writes[0].job), (WriteState::Done, held.job.id));
    assert_eq!(writes, store.job_writes(&tenant(), held.job.id).await.unwrap());
}
