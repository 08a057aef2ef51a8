//! From a delivery's body to an event in our own words. Whatever cannot be read becomes a delivery all the same, with
//! the reason: it is authentic, and may be read again when we have learnt how.

use bytes::Bytes;
use connector_domain::event::{Changes, Event, EventKind};
use connector_domain::ids::{AssociateId, ContactId, Entity, EventId, RecordRef, TenantId};
use connector_store::inbox::{Content, Delivery};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use superoffice::webhook::{Payload, PayloadError};

/// So many bytes of an id are kept; SuperOffice's have 36.
const LONGEST_ID: usize = 200;

/// A body that was read.
pub(crate) enum Read {
    /// SuperOffice only wants to know whether we are there.
    Test,
    /// Something to store.
    Delivery(Box<Delivery>),
}

/// Reads an authentic body that was sent for `tenant`.
pub(crate) fn delivery(tenant: &TenantId, body: Bytes, now: Timestamp) -> Read {
    let (id, content) = match Payload::read(&body) {
        Ok(payload) if payload.is_test() => return Read::Test,
        Ok(mut payload) => {
            // Some printed shapes have no id. The body's own hash still recognises an exact repeat.
            let id = payload.event_id.take().map_or_else(|| hash(&body), known_by);
            (id.clone(), content(tenant, id, payload))
        }
        Err(error) => (hash(&body), Content::Unreadable(words(&error))),
    };
    Read::Delivery(Box::new(Delivery { tenant: tenant.clone(), id, body, content, received_at: now }))
}

fn content(tenant: &TenantId, id: EventId, payload: Payload) -> Content {
    // The token was ours, so the sender is not a stranger; but another tenant's numbers mean other companies.
    if let Some(other) =
        payload.context.as_deref().filter(|context| !context.eq_ignore_ascii_case(tenant.as_str()))
    {
        return Content::Unreadable(format!("it was sent for {}, and this is {tenant}", short(other)));
    }
    let (entity, kind) = EventKind::parse(&payload.event);
    let record = match entity {
        Some(_) if payload.primary_key <= 0 => {
            return Content::Unreadable(format!("the {} names no record", short(&payload.event)));
        }
        Some(entity) => Some(RecordRef { entity, id: payload.primary_key }),
        None => None,
    };
    Content::Event(Event {
        tenant: tenant.clone(),
        id,
        kind,
        record,
        account: account(record, &payload),
        owner: owner(record, &payload),
        changed_by: payload.changed_by.filter(|by| *by > 0).map(AssociateId),
        changes: payload.changes.map_or(Changes::NotTold, Changes::of),
        at: payload.timestamp,
        name: payload.event,
    })
}

fn account(record: Option<RecordRef>, payload: &Payload) -> Option<ContactId> {
    let record = record?;
    match record.entity {
        Entity::Contact => Some(ContactId(record.id)),
        Entity::Person => payload.field_i64("contact_id").filter(|id| *id > 0).map(ContactId),
    }
}

/// The company's owner. A person has an `associate_id` of its own, which says nothing about the company's.
fn owner(record: Option<RecordRef>, payload: &Payload) -> Option<AssociateId> {
    match record?.entity {
        Entity::Contact => payload.field_i64("associate_id").filter(|id| *id > 0).map(AssociateId),
        Entity::Person => None,
    }
}

/// An id is kept as it was sent, unless it is longer than a database's index takes.
fn known_by(id: String) -> EventId {
    if id.len() > LONGEST_ID { hash(id.as_bytes()) } else { EventId(id) }
}

fn hash(body: &[u8]) -> EventId {
    use std::fmt::Write as _;

    let mut id = String::with_capacity(7 + 64);
    id.push_str("sha256:");
    for byte in Sha256::digest(body) {
        write!(id, "{byte:02x}").expect("a string takes everything");
    }
    EventId(id)
}

/// The error and what caused it, without the body.
fn words(error: &PayloadError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Foreign text, short enough for a sentence.
fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Option<Delivery> {
        let now = "2026-05-04T12:00:00Z".parse().unwrap();
        match delivery(&"Cust12345".into(), Bytes::copy_from_slice(body), now) {
            Read::Test => None,
            Read::Delivery(delivery) => Some(*delivery),
        }
    }

    fn event(body: &str) -> Event {
        match read(body.as_bytes()).unwrap().content {
            Content::Event(event) | Content::Found(event) => event,
            Content::Unreadable(words) => panic!("{words}"),
        }
    }

    fn unreadable(body: &[u8]) -> String {
        match read(body).unwrap().content {
            Content::Event(event) | Content::Found(event) => panic!("{event:?}"),
            Content::Unreadable(words) => words,
        }
    }

    #[test]
    fn an_id_that_is_too_long_is_known_by_its_hash() {
        let with = |id: &str, name: &str| {
            let body = format!(
                r#"{{"EventId":"{id}","Event":"contact.changed","PrimaryKey":18,"WebhookName":"{name}"}}"#
            );
            read(body.as_bytes()).unwrap().id.0
        };
        let long = "x".repeat(5000);
        assert!(with(&long, "a").len() <= LONGEST_ID);
        assert_eq!(with(&long, "a"), with(&long, "b"), "it is the same event");
        assert_ne!(with(&long, "a"), with(&long[1..], "a"));
        assert_eq!(with("e1", "a"), "e1");
    }

    #[test]
    fn a_company_is_its_own_account_and_brings_its_owner() {
        let event = event(
            r#"{"EventId":"e-1","Timestamp":"2026-05-04T11:59:58.0912039Z","Changes":["contact_id","Name"],
                "Event":"contact.changed","PrimaryKey":18,"Entity":"contact","ContextIdentifier":"cust12345",
                "ChangedByAssociateId":5,"FieldValues":{"Associate_Id":"12"}}"#,
        );
        assert_eq!(event.id.as_str(), "e-1");
        assert_eq!(event.record, Some(RecordRef::contact(ContactId(18))));
        assert_eq!((event.account, event.owner), (Some(ContactId(18)), Some(AssociateId(12))));
        assert_eq!(event.changed_by, Some(AssociateId(5)));
        assert_eq!(event.changes, Changes::of(["contact_id", "name"]));
        assert_eq!(event.at.unwrap().to_string(), "2026-05-04T11:59:58.0912039Z");
    }

    #[test]
    fn a_person_says_its_company_and_not_the_companys_owner() {
        let changed = event(
            r#"{"EventId":"e","Event":"person.changed","PrimaryKey":7,"Entity":"person",
                "FieldValues":{"associate_id":3,"contact_id":18}}"#,
        );
        assert_eq!((changed.account, changed.owner), (Some(ContactId(18)), None));
        let deleted = event(
            r#"{"EventId":"e","Event":"person.deleted","PrimaryKey":7,"Entity":"person",
                "Values":{"associate_id":3,"contact_id":18,"person_id":7}}"#,
        );
        assert_eq!((deleted.account, deleted.kind), (Some(ContactId(18)), EventKind::Deleted));
        let alone = event(r#"{"Event":"person.created","PrimaryKey":7,"FieldValues":{"contact_id":0}}"#);
        assert_eq!(alone.account, None);
    }

    #[test]
    fn a_body_without_an_id_is_known_by_its_hash() {
        let body = br#"{"Event":"contact.created","PrimaryKey":18}"#;
        let id = read(body).unwrap().id;
        assert_eq!(id, read(body).unwrap().id);
        assert!(id.as_str().starts_with("sha256:") && id.as_str().len() == 71, "{id}");
    }

    #[test]
    fn a_test_is_not_kept() {
        assert!(
            read(br#"{"EventId":"t","Event":"test","PrimaryKey":0,"ContextIdentifier":"Default"}"#).is_none()
        );
    }

    #[test]
    fn another_tenants_event_is_not_ours_to_act_on() {
        let body =
            br#"{"EventId":"e","Event":"contact.changed","PrimaryKey":18,"ContextIdentifier":"Cust99999"}"#;
        assert_eq!(unreadable(body), "it was sent for Cust99999, and this is Cust12345");
    }

    #[test]
    fn what_is_not_a_delivery_is_kept_with_the_reason() {
        assert_eq!(
            unreadable(br#"{"EventId":"e","Event":"contact.changed"}"#),
            "the contact.changed names no record"
        );
        for body in [&b""[..], b"[]", b"null", b"\"text\"", b"{\"Event\":", b"{}", b"\xff\xfe\x00", b"<html>"]
        {
            assert!(!unreadable(body).is_empty());
        }
        assert!(!unreadable("[".repeat(100_000).as_bytes()).is_empty());
        assert!(!unreadable(r#"{"a":"#.repeat(100_000).as_bytes()).is_empty());
    }

    #[test]
    fn a_byte_order_mark_does_no_harm() {
        let body =
            [&b"\xef\xbb\xbf"[..], br#"{"EventId":"e","Event":"contact.changed","PrimaryKey":18}"#].concat();
        assert!(matches!(read(&body).unwrap().content, Content::Event(_)));
    }
}
