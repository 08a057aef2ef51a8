//! The one tolerant decoder, at the edge. It forgives what SuperOffice varies (the case of keys, ids as text, nulls
//! for empty values, several forms of a date), so that the types inside can be strict. It does not forgive an answer
//! that is not the API's: HTML, `null`, an array where a record was asked for, or a record without its id.

pub mod date;
mod tolerant;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use tolerant::Tolerant;

/// A record that the API can answer with, and the key without which it is not that record.
pub trait Record: DeserializeOwned {
    /// The key that is always there and never null, such as `ContactId`.
    const KEY: &'static str;
}

/// Why a body is not the answer that was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing, or white space.
    #[error("the body is empty")]
    Empty,
    /// A page for people: a login page, or a proxy's.
    #[error("the body is a web page")]
    Html,
    /// Text that ends too early, or was never JSON.
    #[error("the body is not JSON")]
    NotJson(#[source] serde_json::Error),
    /// JSON, but of another kind than the one asked for.
    #[error("expected {expected}, found {found}")]
    OtherKind {
        /// What was asked for.
        expected: &'static str,
        /// What came.
        found: &'static str,
    },
    /// A record without the key that makes it one.
    #[error("the record has no {0}")]
    NoKey(&'static str),
    /// The right record, with a value that cannot be read.
    #[error("the record cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl ReadError {
    /// Whether the body did not come from the API at all, as opposed to an answer of the API that we cannot read.
    pub fn is_foreign(&self) -> bool {
        !matches!(self, Self::Unreadable(_))
    }
}

/// Reads a body as JSON, without looking at what it says.
///
/// A byte order mark is skipped. Nesting deeper than `serde_json` allows is an error, not a stack overflow.
pub fn value(body: &[u8]) -> Result<Value, ReadError> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    match body.first() {
        None => Err(ReadError::Empty),
        Some(b'<') => Err(ReadError::Html),
        Some(_) => serde_json::from_slice(body).map_err(ReadError::NotJson),
    }
}

/// Reads a body that has to be an object, whatever is in it.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, ReadError> {
    match value(body)? {
        Value::Object(object) => Ok(object),
        other => Err(ReadError::OtherKind { expected: "an object", found: kind(&other) }),
    }
}

/// Reads one record.
pub fn record<T: Record>(body: &[u8]) -> Result<T, ReadError> {
    record_of(value(body)?)
}

/// Reads a plain array of records. `null` is not an empty list here: a list call answers with an array.
pub fn records<T: Record>(body: &[u8]) -> Result<Vec<T>, ReadError> {
    match value(body)? {
        Value::Array(items) => items.into_iter().map(record_of).collect(),
        other => Err(ReadError::OtherKind { expected: "an array", found: kind(&other) }),
    }
}

/// Reads a value tolerantly as any type, for bodies that have no key of their own.
pub fn tolerant<T: DeserializeOwned>(value: Value) -> Result<T, ReadError> {
    T::deserialize(Tolerant(value)).map_err(ReadError::Unreadable)
}

/// Looks up a key in an object: as written, else without regard to case.
pub fn get<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    object
        .get(key)
        .or_else(|| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value))
}

fn record_of<T: Record>(value: Value) -> Result<T, ReadError> {
    let Value::Object(object) = &value else {
        return Err(ReadError::OtherKind { expected: "a record", found: kind(&value) });
    };
    if get(object, T::KEY).is_none_or(Value::is_null) {
        return Err(ReadError::NoKey(T::KEY));
    }
    tolerant(value)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::contact::ContactEntity;

    fn failure(body: &str) -> String {
        record::<ContactEntity>(body.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_not_the_api_is_never_an_empty_contact() {
        assert_eq!(failure(""), "the body is empty");
        assert_eq!(failure("  \r\n"), "the body is empty");
        assert_eq!(failure("<!DOCTYPE html><html>"), "the body is a web page");
        assert_eq!(failure("null"), "expected a record, found null");
        assert_eq!(failure("[]"), "expected a record, found an array");
        assert_eq!(failure("{}"), "the record has no ContactId");
        assert_eq!(failure(r#"{"ContactId":null}"#), "the record has no ContactId");
        assert_eq!(failure(r#"{"ContactId":18,"Name":"Nord"#), "the body is not JSON");
        assert!(records::<ContactEntity>(b"null").is_err());
        assert!(records::<ContactEntity>(b"{}").is_err());
    }

    #[test]
    fn keys_may_have_any_case_and_ids_any_type() {
        let contact: ContactEntity = record(
            br#"{"CONTACTID":"18","name":"Nordlys AS","associate":{"associateid":5},"customfields":{"superOffice:1":"x"},
                 "urls":null,"orgNr":null,"updateddate":null,"deleted":null,"Novelty":{"a":[1]}}"#,
        )
        .unwrap();
        assert_eq!((contact.contact_id, contact.name.as_str()), (18, "Nordlys AS"));
        assert_eq!(contact.associate.unwrap().associate_id, 5);
        assert_eq!(contact.custom_fields.text("superOffice:1").unwrap(), Some("x"));
        assert!(contact.urls.is_empty() && contact.org_nr.is_empty() && contact.updated_date.is_none());
    }

    #[test]
    fn of_two_keys_that_differ_in_case_the_vendors_spelling_wins() {
        let contact: ContactEntity = record(br#"{"ContactId":1,"NAME":"a","Name":"b","name":"c"}"#).unwrap();
        assert_eq!(contact.name, "b");
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_unreadable_not_default() {
        let error = record::<ContactEntity>(br#"{"ContactId":"eighteen"}"#).unwrap_err();
        assert!(!error.is_foreign(), "{error}");
        let error = record::<ContactEntity>(br#"{"ContactId":1,"Name":{"no":"text"}}"#).unwrap_err();
        assert!(!error.is_foreign(), "{error}");
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let deep = "[".repeat(100_000);
        assert!(matches!(value(deep.as_bytes()), Err(ReadError::NotJson(_))));
    }
}
