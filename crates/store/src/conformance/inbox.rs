//! Promises of the inbox.

use std::sync::Arc;

use connector_domain::field::{Target, Value};
use connector_domain::ids::EventId;
use connector_domain::patch::{FieldWrite, Patch};
use connector_domain::policy::Policy;
use connector_domain::reason::Reason;
use jiff::SignedDuration;

use super::samples::{SECOND, changed, contact, delivery, event, found, lease, noon, person, policy, tenant};
use crate::Store;
use crate::inbox::{Accepted, Content, Delivery, Disposition};
use crate::page::PageRequest;

pub(crate) async fn a_first_event_begins_a_job(store: &dyn Store) {
    let Accepted::New(job) = changed(store, "e1", contact(18), noon()).await else { panic!("no new job") };
    let job = store.job(&tenant(), job).await.unwrap().expect("the job is stored");
    assert_eq!((job.record, job.events, job.attempts), (contact(18), 1, 0));
    let (stored, body) = store.event(&tenant(), &"e1".into()).await.unwrap().expect("the event is stored");
    assert_eq!((stored.disposition, stored.job), (Disposition::Queued, Some(job.id)));
    assert_eq!(body, br#"{"EventId":"e1"}"#);
}

pub(crate) async fn the_same_event_again_changes_nothing(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    assert_eq!(changed(store, "e1", contact(18), noon()).await, Accepted::Duplicate);
    let events = store.events(&tenant(), None, &PageRequest::default()).await.unwrap().items;
    assert_eq!((events.len(), events[0].repeats), (1, 1));
    assert_eq!(store.queue_counts(&tenant(), noon()).await.unwrap().open(), 1);
}

pub(crate) async fn sixty_four_identical_deliveries_at_once_are_one_event(store: &dyn Store) {
    let deliveries = (0..64).map(|_| changed(store, "e1", contact(18), noon()));
    let accepted = futures_join_all(deliveries).await;
    assert_eq!(accepted.iter().filter(|accepted| matches!(accepted, Accepted::New(_))).count(), 1);
    assert_eq!(accepted.iter().filter(|accepted| **accepted == Accepted::Duplicate).count(), 63);
    assert_eq!(store.event_count(&tenant()).await.unwrap(), 1);
}

/// Polls all at once on this task.
pub(crate) async fn futures_join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        let mut waiting = false;
        for (future, output) in &mut futures {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => waiting = true,
                }
            }
        }
        if waiting { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

pub(crate) async fn events_of_one_record_join_the_waiting_job(store: &dyn Store) {
    let Accepted::New(job) = changed(store, "e1", contact(18), noon()).await else { panic!("no new job") };
    assert_eq!(changed(store, "e2", contact(18), noon()).await, Accepted::Merged(job));
    assert!(matches!(changed(store, "e3", contact(19), noon()).await, Accepted::New(_)));
    assert_eq!(store.job(&tenant(), job).await.unwrap().unwrap().events, 2);
}

pub(crate) async fn a_skipped_event_is_kept_and_begins_no_job(store: &dyn Store) {
    let noise = delivery(event("e1", contact(18), &["category_idx"]), noon());
    assert_eq!(store.accept(noise, policy()).await.unwrap(), Accepted::Skipped(Reason::NothingWatched));
    let row = store
        .account(&tenant(), connector_domain::ids::ContactId(18))
        .await
        .unwrap()
        .expect("the account is seen");
    assert_eq!(row.ended[0].reason, Some(Reason::NothingWatched));
    assert!(lease(store, noon()).await.is_none());
}

pub(crate) async fn what_cannot_be_read_is_kept_whole(store: &dyn Store) {
    let body: &[u8] = b"\xff\xfe not json";
    let delivery = Delivery {
        tenant: tenant(),
        id: "sha256:1".into(),
        body: body.into(),
        content: Content::Unreadable("not UTF-8".into()),
        received_at: noon(),
    };
    assert_eq!(store.accept(delivery.clone(), policy()).await.unwrap(), Accepted::Parked);
    assert_eq!(store.accept(delivery, policy()).await.unwrap(), Accepted::Duplicate);
    let (stored, kept) = store.event(&tenant(), &EventId("sha256:1".into())).await.unwrap().unwrap();
    assert_eq!(stored.words.as_deref(), Some("not UTF-8"));
    assert_eq!(kept, body);
}

pub(crate) async fn an_echo_of_our_write_begins_no_job(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let leased = lease(store, noon()).await.unwrap();
    let write = FieldWrite {
        target: Target::Summary,
        prog_id: "SuperOffice:2".into(),
        before: Value::Empty,
        after: Value::Text("Pumps.".into()),
    };
    let patch = Patch { record: contact(18), writes: vec![write] };
    store.intend(&leased, &patch, noon()).await.unwrap().expect("the lease is held");
    let mut echo = event("e2", contact(18), &["contact_id", "updated", "userdef_id"]);
    echo.changed_by = Some(connector_domain::ids::AssociateId(528));
    let accepted = store.accept(delivery(echo, noon() + SECOND), policy()).await.unwrap();
    assert_eq!(accepted, Accepted::Skipped(Reason::OwnWrite));
}

pub(crate) async fn events_are_listed_newest_first_in_pages(store: &dyn Store) {
    for n in 0..5 {
        changed(store, &format!("e{n}"), contact(n), noon()).await;
    }
    let page = PageRequest { limit: 2, after: None };
    let first = store.events(&tenant(), None, &page).await.unwrap();
    assert_eq!(first.items.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["e4", "e3"]);
    let second = store.events(&tenant(), None, &PageRequest { limit: 10, after: first.next }).await.unwrap();
    assert_eq!(second.items.iter().map(|event| event.id.as_str()).collect::<Vec<_>>(), ["e2", "e1", "e0"]);
    assert_eq!(second.next, None);
}

pub(crate) async fn an_event_while_its_record_is_worked_on_waits_for_a_rest(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    lease(store, noon()).await.unwrap();
    let restful = Arc::new(Policy { rest: SignedDuration::from_secs(10), ..Policy::default() });
    let again = delivery(event("e2", contact(18), &["name"]), noon() + SECOND);
    let Accepted::New(job) = store.accept(again, restful).await.unwrap() else { panic!("no new job") };
    let job = store.job(&tenant(), job).await.unwrap().unwrap();
    assert_eq!(job.run_at, noon() + SignedDuration::from_secs(10));
}

pub(crate) async fn what_a_sweep_found_is_no_delivery(store: &dyn Store) {
    assert_eq!(store.newest_delivery(&tenant()).await.unwrap(), None);
    changed(store, "e1", contact(18), noon()).await;
    let told = store.newest_delivery(&tenant()).await.unwrap();
    assert_eq!(told.map(|(_, at)| at), Some(noon()));
    found(store, "e2", contact(19), noon() + SECOND).await;
    assert_eq!(store.newest_delivery(&tenant()).await.unwrap(), told);
}

pub(crate) async fn strange_characters_keep_no_event_out(store: &dyn Store) {
    let mut strange = event("e\u{0}1", contact(18), &["na\u{0}me", "name"]);
    strange.name = "contact.changed\u{0}".into();
    let first = store.accept(delivery(strange.clone(), noon()), policy()).await.unwrap();
    assert!(matches!(first, Accepted::New(_)), "{first:?}");
    let again = store.accept(delivery(strange, noon()), policy()).await.unwrap();
    assert_eq!(again, Accepted::Duplicate);
    assert!(store.event(&tenant(), &"e\u{0}1".into()).await.unwrap().is_some());
}

pub(crate) async fn what_arrives_together_is_judged_as_if_one_came_after_the_other(store: &dyn Store) {
    // A person's account is known from the first event on, and two events of one record make one job.
    let mut told = event("e1", person(7), &["title"]);
    told.account = Some(connector_domain::ids::ContactId(18));
    let untold = event("e2", person(7), &["title"]);
    let deliveries = [told, untold].map(|event| store.accept(delivery(event, noon()), policy()));
    let accepted: Vec<_> = futures_join_all(deliveries).await.into_iter().map(Result::unwrap).collect();
    let [Accepted::New(job), Accepted::Merged(same)] = accepted[..] else { panic!("{accepted:?}") };
    assert_eq!(job, same);
    let events = store.events(&tenant(), None, &PageRequest::default()).await.unwrap().items;
    let seen: Vec<_> = events.iter().map(|event| (event.id.as_str(), event.disposition)).collect();
    assert_eq!(seen, [("e2", Disposition::Merged), ("e1", Disposition::Queued)]);
    assert!(events.iter().all(|event| event.account == Some(connector_domain::ids::ContactId(18))));
    assert_eq!(store.job(&tenant(), job).await.unwrap().unwrap().events, 2);
}
