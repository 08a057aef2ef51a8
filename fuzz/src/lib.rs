//! What is tried with hostile input: everything that reads what others send. A target is a function that takes any
//! bytes at all and must come back; where a promise can be checked, it is. libFuzzer looks for inputs that break one,
//! guided by what they reach (`cargo xtask fuzz`); the tests try the committed inputs again.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use superoffice::api::error;
use superoffice::fuzzing as client;
use superoffice::udf::{self, Dictionary, FieldType, Value};
use superoffice::webhook::Payload;
use superoffice_emulator::fuzzing::Tenant;

/// Takes any bytes, and panics when a promise is broken.
pub type Target = fn(&[u8]);

/// All of them, by name. Each has a folder of inputs to begin with in `seeds`, and one of words in `words`.
pub const TARGETS: &[(&str, Target)] = &[
    ("webhook", webhook),
    ("filter", filter),
    ("udf", udf),
    ("jwt", jwt),
    ("retry_after", retry_after),
    ("error_body", error_body),
];

/// A delivery: whatever was posted is kept as it came, under an id.
fn webhook(input: &[u8]) {
    if let Ok(payload) = Payload::read(input) {
        assert!(!payload.event.is_empty(), "a delivery names its event");
        let written = serde_json::to_vec(&payload).expect("a payload can be written");
        let again = Payload::read(&written).expect("what was written can be read");
        assert_eq!((again.event, again.primary_key), (payload.event, payload.primary_key));
    }
    let Some(delivery) = connector_server::fuzzing::delivery(Bytes::copy_from_slice(input)) else { return };
    assert_eq!(delivery.body, input, "the body is kept as it came");
    assert!(!delivery.id.as_str().is_empty(), "a delivery has an id");
}

/// The emulator's `$filter`: the first byte chooses the list.
fn filter(input: &[u8]) {
    static TENANT: LazyLock<Tenant> = LazyLock::new(Tenant::small);
    let Some((list, text)) = input.split_first() else { return };
    let provider = ["Contact", "Person", "AllUsers"][usize::from(*list) % 3];
    TENANT.rows(provider, &String::from_utf8_lossy(text));
}

/// A user-defined field: the first byte chooses its type. What was understood is the same when written and read again.
fn udf(input: &[u8]) {
    let Some((kind, text)) = input.split_first() else { return };
    let types = [
        FieldType::ShortText,
        FieldType::LongText,
        FieldType::Number,
        FieldType::Decimal,
        FieldType::Date,
        FieldType::UnlimitedDate,
        FieldType::Checkbox,
        FieldType::List,
        FieldType::Unknown,
    ];
    let field_type = &types[usize::from(*kind) % types.len()];
    if let Ok(value) = udf::decode(&String::from_utf8_lossy(text), field_type) {
        survives(&value, field_type);
    }
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(text) {
        let dictionary = Dictionary::from(json);
        let count = dictionary.values().map(Iterator::count);
        let read = udf::read(&dictionary, &Dictionary::default(), "SuperOffice:1", field_type);
        assert!(count.is_ok() || read.is_err(), "nothing is read from a dictionary that is none");
    }
}

fn survives(value: &Value, field_type: &FieldType) {
    if let Ok(written) = udf::encode(value, field_type) {
        let again = udf::decode(&written, field_type).expect("what was written can be read");
        assert!(again.same_as(value), "{value:?} became {again:?} by way of {written}");
    }
}

/// A token on the first line, the keys behind it; and the whole as the claims of a token whose signature is good.
fn jwt(input: &[u8]) {
    let (token, keys) = halves(input);
    client::token(&String::from_utf8_lossy(token), keys);
    client::claims(input);
}

/// `Retry-After` on the first line, the answer's `Date` behind it. Nobody is waited for longer than an hour.
fn retry_after(input: &[u8]) {
    let (wait, date) = halves(input);
    if let Some(wait) = client::retry_after(wait, date) {
        assert!((Duration::from_secs(1)..=Duration::from_hours(1)).contains(&wait), "{wait:?}");
    }
}

/// The body of a refusal. Its message goes into logs and pages: one short line.
fn error_body(input: &[u8]) {
    if let Some(message) = error::message(input) {
        assert!((1..=300).contains(&message.chars().count()), "a short line");
        assert!(!message.contains(char::is_control), "one line");
    }
}

fn halves(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (&input[..end], input.get(end + 1..).unwrap_or_default())
}
