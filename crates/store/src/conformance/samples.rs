//! What the promises are tried with.

use std::sync::Arc;

use connector_domain::event::{Changes, Event, EventKind};
use connector_domain::ids::{AssociateId, ContactId, Entity, PersonId, RecordRef, TenantId};
use connector_domain::policy::Policy;
use jiff::{SignedDuration, Timestamp};

use crate::Store;
use crate::inbox::{Accepted, Content, Delivery};
use crate::queue::Lease;

pub(crate) const MINUTE: SignedDuration = SignedDuration::from_mins(1);
pub(crate) const SECOND: SignedDuration = SignedDuration::from_secs(1);

pub(crate) fn noon() -> Timestamp {
    "2026-05-04T12:00:00Z".parse().unwrap()
}

pub(crate) fn tenant() -> TenantId {
    "Cust10001".into()
}

pub(crate) fn policy() -> Arc<Policy> {
    Arc::new(Policy {
        own_associate: Some(AssociateId(528)),
        rest: SignedDuration::ZERO,
        ..Policy::default()
    })
}

pub(crate) fn event(id: &str, record: RecordRef, changes: &[&str]) -> Event {
    Event {
        tenant: tenant(),
        id: id.into(),
        name: format!("{}.changed", record.entity),
        kind: EventKind::Changed,
        record: Some(record),
        account: record.as_contact(),
        owner: None,
        changed_by: Some(AssociateId(3)),
        changes: Changes::of(changes),
        at: None,
    }
}

pub(crate) fn delivery(event: Event, at: Timestamp) -> Delivery {
    let body = format!("{{\"EventId\":\"{}\"}}", event.id).into_bytes().into();
    Delivery { tenant: tenant(), id: event.id.clone(), body, content: Content::Event(event), received_at: at }
}

pub(crate) const fn contact(id: i64) -> RecordRef {
    RecordRef::contact(ContactId(id))
}

pub(crate) const fn person(id: i64) -> RecordRef {
    RecordRef::person(PersonId(id))
}

/// Accepts a change of the record's name or title.
pub(crate) async fn changed(store: &dyn Store, id: &str, record: RecordRef, at: Timestamp) -> Accepted {
    let column = match record.entity {
        Entity::Contact => "name",
        Entity::Person => "title",
    };
    store.accept(delivery(event(id, record, &[column]), at), policy()).await.unwrap()
}

/// Takes in what a sweep found about a record's name or title.
pub(crate) async fn found(store: &dyn Store, id: &str, record: RecordRef, at: Timestamp) -> Accepted {
    let mut delivery = delivery(Event { at: Some(at), ..event(id, record, &[]) }, at);
    let Content::Event(event) = delivery.content else { unreachable!("it was made of an event") };
    delivery.content = Content::Found(event);
    store.accept(delivery, policy()).await.unwrap()
}

pub(crate) async fn lease(store: &dyn Store, at: Timestamp) -> Option<Lease> {
    store.lease("worker-a", 1, MINUTE, at).await.unwrap().pop()
}
