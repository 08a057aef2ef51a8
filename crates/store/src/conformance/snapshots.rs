//! Promises of [`crate::snapshots`].

use connector_domain::event::Event;
use connector_domain::ids::JobId;
use connector_domain::job::{JobState, Settlement};
use connector_domain::reason::Reason;
use connector_domain::sweep::{Seen, Snapshot};

use super::samples::{MINUTE, SECOND, contact, delivery, event, found, lease, noon, person, policy, tenant};
use crate::Store;
use crate::inbox::Accepted;
use crate::snapshots::Checkpoint;

fn seen(after_s: i64, job: i64, wrote: bool) -> Seen {
    Seen { at: noon() + SECOND * i32::try_from(after_s).unwrap(), job: JobId(job), wrote }
}

pub(crate) async fn the_newest_version_counts_and_who_wrote_it(store: &dyn Store) {
    let seen_of = async || store.known(&tenant(), &[(contact(18), None)]).await.unwrap()[0].seen;
    assert_eq!(seen_of().await, None);
    for (next, kept) in [
        (seen(5, 1, false), seen(5, 1, false)),
        (seen(4, 2, true), seen(5, 1, false)),
        (seen(9, 3, true), seen(9, 3, true)),
        (seen(9, 4, false), seen(9, 3, true)),
        (seen(9, 5, true), seen(9, 5, true)),
        (seen(10, 6, false), seen(10, 6, false)),
    ] {
        store.saw(&tenant(), contact(18), next).await.unwrap();
        assert_eq!(seen_of().await, Some(kept));
    }
}

pub(crate) async fn a_snapshot_is_kept_with_how_far_the_sweep_has_come(store: &dyn Store) {
    let snapshot = |value: u64| Snapshot {
        updated_at: Some(noon()),
        deleted: false,
        columns: [("name".to_owned(), value), ("urladdress".to_owned(), u64::MAX)].into(),
    };
    let checkpoint = |at: i64| Checkpoint { key: "sweep".into(), value: at.into() };
    store.saw(&tenant(), contact(18), seen(0, 1, false)).await.unwrap();
    for value in [1, 2] {
        let all = vec![(contact(18), snapshot(value)), (person(3), snapshot(9))];
        store.remember(&tenant(), all, checkpoint(18), noon()).await.unwrap();
        let known = store.known(&tenant(), &[(contact(18), None), (person(3), None)]).await.unwrap();
        assert_eq!(known[0].snapshot, Some(snapshot(value)));
        assert_eq!(known[1].snapshot, Some(snapshot(9)));
        assert_eq!(known[0].seen, Some(seen(0, 1, false)), "what jobs saw stays");
    }
    assert_eq!(store.get(&tenant(), "sweep").await.unwrap(), Some(18.into()));
}

pub(crate) async fn the_books_tell_the_last_events_and_jobs_of_a_record(store: &dyn Store) {
    let skipped = Event { at: Some(noon() + MINUTE), ..event("late", contact(18), &["category_idx"]) };
    store.accept(delivery(skipped, noon()), policy()).await.unwrap();
    let early = Event { at: Some(noon()), ..event("early", contact(18), &["name"]) };
    store.accept(delivery(early, noon() + SECOND), policy()).await.unwrap();
    let job = lease(store, noon() + SECOND).await.unwrap();
    store.saw(&tenant(), contact(18), seen(0, job.job.id.0, false)).await.unwrap();
    let done = Settlement::Skipped { reason: Reason::Unchanged, words: String::new() };
    store.settle(&job, done, Vec::new(), Vec::new(), noon() + SECOND).await.unwrap();
    let Accepted::New(second) = found(store, "sweep:1", contact(18), noon() + MINUTE * 2).await else {
        panic!("it asks for work")
    };

    let known = store.known(&tenant(), &[(contact(19), None), (contact(18), None)]).await.unwrap();
    assert_eq!(known[0], connector_domain::sweep::Known::default());
    let told = known[1].told.unwrap();
    assert_eq!((told.at, told.skipped), (Some(noon() + MINUTE), Some(Reason::NothingWatched)));
    assert_eq!(known[1].found.unwrap().job, Some(second));
    let latest = known[1].latest.unwrap();
    assert_eq!((latest.id, latest.state, latest.by_sweep), (second, JobState::Pending, true));
    let seen_by = known[1].seen_by.unwrap();
    assert_eq!((seen_by.id, seen_by.state, seen_by.by_sweep), (job.job.id, JobState::Skipped, false));
}

pub(crate) async fn an_event_of_a_person_is_known_whether_its_company_was_or_not(store: &dyn Store) {
    let told = async |account| store.known(&tenant(), &[(person(3), account)]).await.unwrap()[0].told;
    let stray = Event { at: Some(noon()), ..event("stray", person(3), &["title"]) };
    store.accept(delivery(stray, noon()), policy()).await.unwrap();
    assert_eq!(told(None).await.unwrap().at, Some(noon()));
    let account = contact(18).as_contact();
    let placed = Event { at: Some(noon() + SECOND), account, ..event("placed", person(3), &["title"]) };
    store.accept(delivery(placed, noon()), policy()).await.unwrap();
    assert_eq!(told(account).await.unwrap().at, Some(noon() + SECOND));
}
