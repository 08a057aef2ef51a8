//! Bodies of deliveries that nobody printed: hostile, broken, or merely odd. Reading them is an answer, never a panic.

use proptest::prelude::*;
use superoffice::webhook::{Payload, PayloadError};

fn read(body: impl AsRef<[u8]>) -> Result<Payload, PayloadError> {
    Payload::read(body.as_ref())
}

#[test]
fn ten_thousand_brackets_are_refused() {
    for bracket in ["[", "{\"a\":"] {
        assert!(matches!(read(bracket.repeat(100_000)), Err(PayloadError::NotAnObject(_))));
        let nested = format!(r#"{{"Event":"test","FieldValues":{{"x":{}"#, bracket.repeat(100_000));
        assert!(matches!(read(nested), Err(PayloadError::NotAnObject(_))));
    }
}

#[test]
fn what_is_no_object_is_refused() {
    for body in ["", " ", "null", "[]", "\"test\"", "7", "{", "<html>", "event=test"] {
        assert!(matches!(read(body), Err(PayloadError::NotAnObject(_))), "{body}");
    }
    assert!(matches!(read(b"{\"Event\":\"\xff\xfe\"}"), Err(PayloadError::NotAnObject(_))));
}

#[test]
fn a_delivery_needs_an_event_and_numbers_where_numbers_belong() {
    assert!(matches!(read("{}"), Err(PayloadError::NoEvent)));
    assert!(matches!(read(r#"{"Event":null}"#), Err(PayloadError::NoEvent)));
    assert!(matches!(read(r#"{"Event":"  "}"#), Err(PayloadError::NoEvent)));
    assert!(matches!(read(r#"{"Event":{}}"#), Err(PayloadError::Field("Event"))));
    assert!(matches!(read(r#"{"Event":"a.b","PrimaryKey":"x"}"#), Err(PayloadError::Field("PrimaryKey"))));
    assert!(matches!(read(r#"{"Event":"a.b","PrimaryKey":1.5}"#), Err(PayloadError::Field("PrimaryKey"))));
    assert!(matches!(read(r#"{"Event":"a.b","Changes":[{}]}"#), Err(PayloadError::Field("Changes"))));
    assert!(matches!(read(r#"{"Event":"a.b","FieldValues":7}"#), Err(PayloadError::Field("FieldValues"))));
}

#[test]
fn a_byte_order_mark_and_a_repeated_key_do_no_harm() {
    let payload = read("\u{feff}{\"Event\":\"contact.changed\",\"PrimaryKey\":1,\"PrimaryKey\":2}").unwrap();
    assert_eq!((payload.event.as_str(), payload.primary_key), ("contact.changed", 2));
}

#[test]
fn missing_changes_are_not_empty_changes() {
    assert_eq!(read(r#"{"Event":"a.b"}"#).unwrap().changes, None);
    assert_eq!(read(r#"{"Event":"a.b","Changes":null}"#).unwrap().changes, None);
    assert_eq!(read(r#"{"Event":"a.b","Changes":[]}"#).unwrap().changes, Some(Vec::new()));
}

#[test]
fn a_time_in_an_unknown_form_does_not_lose_the_event() {
    let payload = read(r#"{"Event":"a.b","Timestamp":"yesterday"}"#).unwrap();
    assert_eq!(payload.timestamp, None);
}

#[test]
fn a_field_is_a_number_in_each_of_its_forms() {
    let payload = read(
        r#"{"event":"contact.changed","primarykey":"18","FieldValues":{"associate_id":12,"b":"13","c":"[I:14]","d":"[DT:x]","e":null}}"#,
    )
    .unwrap();
    let field = |name| payload.field_i64(name);
    assert_eq!(
        (field("associate_id"), field("ASSOCIATE_ID"), field("b"), field("c")),
        (Some(12), Some(12), Some(13), Some(14))
    );
    assert_eq!((field("d"), field("e"), field("f")), (None, None, None));
}

proptest! {
    #[test]
    fn reading_bytes_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read(body);
    }

    #[test]
    fn reading_odd_objects_never_panics(
        key in "Event|event|PrimaryKey|Changes|Values|FieldValues|Timestamp|EventId|ChangedByAssociateId",
        value in "null|true|-1|1e400|99999999999999999999|\"[I:]\"|\"\"|\"0001-01-01T00:00:00\"|\\[\\]|\\{\\}|\\[1\\]|\\{\"a\":\\[\\]\\}",
    ) {
        let body = format!(r#"{{"Event":"contact.changed","{key}":{value}}}"#);
        if let Ok(payload) = read(body) {
            let _ = (payload.field_i64("a"), payload.verb().len(), payload.is_test());
        }
    }
}
