//! User-defined fields: every documented encoding means what the page says, and what means nothing is an error.

use jiff::civil::{Date, date};
use proptest::prelude::*;
use serde_json::json;
use superoffice::udf::{Dictionary, EncodeError, FieldType, Malformed, Value, decode, encode, read};

fn value(raw: &str, field_type: &FieldType) -> Value {
    decode(raw, field_type).unwrap_or_else(|error| panic!("{raw}: {error}"))
}

#[test]
fn every_documented_encoding_is_understood() {
    for raw in ["[I:3]", "3", " 3 "] {
        assert_eq!(value(raw, &FieldType::Number), Value::Number(3), "{raw}");
        assert_eq!(value(raw, &FieldType::List), Value::ListItem(3), "{raw}");
    }
    for raw in ["[F:4.43]", "4.43", "[M:4.43]", "[D:4.43]"] {
        assert_eq!(value(raw, &FieldType::Decimal), Value::Decimal(4.43), "{raw}");
    }
    for raw in [
        "[D:05/13/1999 00:00:00.0000000]",
        "[DT:05/13/1999 09:34:44.1234567]",
        "[D:05/13/1999]",
        "[D:1999.05.13]",
        "1999-05-13",
        "1999-05-13T00:00:00",
        "1999-05-13T00:00:00Z",
    ] {
        assert_eq!(value(raw, &FieldType::Date), Value::Date(date(1999, 5, 13)), "{raw}");
        assert_eq!(value(raw, &FieldType::UnlimitedDate), Value::Date(date(1999, 5, 13)), "{raw}");
    }
    for raw in ["True", "true", "[I:1]", "[B:True]", "1"] {
        assert_eq!(value(raw, &FieldType::Checkbox), Value::Checkbox(true), "{raw}");
    }
    for raw in ["False", "[I:0]", "[B:0]", "0"] {
        assert_eq!(value(raw, &FieldType::Checkbox), Value::Checkbox(false), "{raw}");
    }
    assert_eq!(value("[I:5]", &FieldType::ShortText), Value::Text("[I:5]".to_owned()));
}

#[test]
fn empty_is_not_set() {
    for (raw, field_type) in [
        ("", FieldType::ShortText),
        ("", FieldType::Number),
        ("[I:0]", FieldType::List),
        ("[D:01/01/0001 00:00:00.0000000]", FieldType::Date),
        ("[DT:01/01/0001 00:00:00.0000000]", FieldType::UnlimitedDate),
        ("[D:01/01/0001]", FieldType::Date),
        ("[D:01/01/1760]", FieldType::UnlimitedDate),
    ] {
        assert_eq!(value(raw, &field_type), Value::NotSet, "{raw} as {field_type}");
    }
    // A number that is 0 and a box that is not ticked are values, though SuperOffice cannot tell them from nothing.
    assert!(value("[I:0]", &FieldType::Number).is_unset());
    assert!(value("[F:0]", &FieldType::Decimal).same_as(&Value::NotSet));
    assert!(!value("[I:3]", &FieldType::Number).same_as(&Value::NotSet));
}

#[test]
fn what_cannot_be_understood_is_an_error_and_not_empty() {
    for (raw, field_type) in [
        ("[I:three]", FieldType::Number),
        ("[F:3.5]", FieldType::Number),
        ("[I:3", FieldType::Number),
        ("[I:-3]", FieldType::List),
        ("Energy", FieldType::List),
        ("[F:NaN]", FieldType::Decimal),
        ("[F:1e999]", FieldType::Decimal),
        ("[D:13/45/1999]", FieldType::Date),
        ("[D:05/13/1999 teatime]", FieldType::Date),
        ("[I:3]", FieldType::Date),
        ("maybe", FieldType::Checkbox),
        ("[I:2]", FieldType::Checkbox),
        ("x", FieldType::Unknown),
        ("x", FieldType::Other("Hologram".to_owned())),
    ] {
        assert!(matches!(decode(raw, &field_type), Err(Malformed::Value { .. })), "{raw} as {field_type}");
    }
}

fn one(dictionary: serde_json::Value) -> Result<Option<Value>, Malformed> {
    read(&Dictionary::from(dictionary), &Dictionary::default(), "Demo:1", &FieldType::ShortText)
}

#[test]
fn a_dictionary_that_is_none_is_an_error() {
    assert!(one(json!([])).is_err());
    assert!(one(json!(["Demo:1", "x"])).is_err());
    assert!(one(json!("Demo:1=x")).is_err());
    assert!(one(json!({"Demo": {"1": "x"}})).is_err());
    assert!(one(json!({"Demo:1": "x", "Demo:2": {"Value": "y"}})).is_err());
    assert!(one(json!({"Demo:1": ["x"]})).is_err());
    assert_eq!(one(json!(null)), Ok(None));
    assert_eq!(one(json!({})), Ok(None));
    assert_eq!(one(json!({"Demo:1": null})), Ok(Some(Value::NotSet)));
    assert_eq!(one(json!({"Demo:1": "x"})), Ok(Some(Value::Text("x".to_owned()))));
}

#[test]
fn the_newer_dictionary_is_asked_first_and_the_older_one_when_it_has_no_such_field() {
    let newer = Dictionary::of([("Demo:1", "new")]);
    let older = Dictionary::of([("Demo:1", "old"), ("Demo:2", "old")]);
    let text = |prog_id| read(&newer, &older, prog_id, &FieldType::LongText).unwrap();
    assert_eq!(text("Demo:1"), Some(Value::Text("new".to_owned())));
    assert_eq!(text("Demo:2"), Some(Value::Text("old".to_owned())));
    assert_eq!(text("Demo:3"), None);
}

#[test]
fn an_error_names_the_field_and_not_its_text() {
    let dictionary = Dictionary::of([("Demo:3", "a secret of the customer")]);
    let error = read(&dictionary, &Dictionary::default(), "Demo:3", &FieldType::Number).unwrap_err();
    assert_eq!(error.to_string(), "Demo:3 does not hold a Number");
}

#[test]
fn asides_are_no_fields_although_prog_ids_have_colons() {
    let dictionary = Dictionary::of([
        ("Demo:1", "[I:4]"),
        ("Demo:1:org", "[I:4]"),
        ("Demo:1:DisplayText", "Energy"),
        ("Demo:1:DisplayTooltip", ""),
        ("Demo:org", "a prog-id may end so"),
        ("x_note", "Hello"),
    ]);
    let fields: Vec<&str> = dictionary.values().unwrap().map(|(prog_id, _)| prog_id).collect();
    assert_eq!(fields, ["Demo:1", "x_note"]);
    assert_eq!(dictionary.text("Demo:org").unwrap(), Some("a prog-id may end so"));
}

#[test]
fn what_does_not_fit_is_not_sent() {
    let text = |text: &str, field_type| encode(&Value::Text(text.to_owned()), &field_type);
    assert_eq!(text(&"x".repeat(39), FieldType::ShortText).unwrap().len(), 39);
    assert_eq!(
        text(&"x".repeat(40), FieldType::ShortText),
        Err(EncodeError::TooLong { length: 40, max: 39 })
    );
    assert_eq!(
        text(&"🦀".repeat(20), FieldType::ShortText),
        Err(EncodeError::TooLong { length: 40, max: 39 })
    );
    assert_eq!(
        text(&"x".repeat(200), FieldType::LongText),
        Err(EncodeError::TooLong { length: 200, max: 199 })
    );
    assert_eq!(text("[I:5]", FieldType::ShortText), Err(EncodeError::Ambiguous));
    assert_eq!(text("[a note: short]", FieldType::ShortText), Ok("[a note: short]".to_owned()));
    assert_eq!(encode(&Value::Number(1 << 40), &FieldType::Number), Err(EncodeError::OutOfRange));
    assert_eq!(encode(&Value::Date(date(1969, 12, 31)), &FieldType::Date), Err(EncodeError::OutOfRange));
    assert_eq!(
        encode(&Value::Date(date(1969, 12, 31)), &FieldType::UnlimitedDate),
        Ok("[D:1969.12.31]".to_owned())
    );
    assert_eq!(encode(&Value::ListItem(0), &FieldType::List), Err(EncodeError::OutOfRange));
    assert!(matches!(encode(&Value::Number(3), &FieldType::List), Err(EncodeError::WrongType(_))));
    assert_eq!(encode(&Value::Checkbox(true), &FieldType::Checkbox), Ok("[I:1]".to_owned()));
}

fn any_date() -> impl Strategy<Value = Date> {
    (2_i16..=9999, 1_i8..=12, 1_i8..=28).prop_map(|(year, month, day)| date(year, month, day))
}

fn typed() -> impl Strategy<Value = (Value, FieldType)> {
    let texts = [FieldType::ShortText, FieldType::LongText];
    prop_oneof![
        (".{1,60}", proptest::sample::select(texts.to_vec()))
            .prop_map(|(text, kind)| (Value::Text(text), kind)),
        any::<i64>().prop_map(|number| (Value::Number(number), FieldType::Number)),
        any::<i32>().prop_map(|number| (Value::Number(number.into()), FieldType::Number)),
        any::<f64>().prop_map(|number| (Value::Decimal(number), FieldType::Decimal)),
        any_date().prop_map(|day| (Value::Date(day), FieldType::UnlimitedDate)),
        any_date().prop_map(|day| (Value::Date(day), FieldType::Date)),
        any::<bool>().prop_map(|ticked| (Value::Checkbox(ticked), FieldType::Checkbox)),
        any::<i32>().prop_map(|id| (Value::ListItem(id.into()), FieldType::List)),
        proptest::sample::select(vec![
            FieldType::ShortText,
            FieldType::LongText,
            FieldType::Number,
            FieldType::Decimal,
            FieldType::Date,
            FieldType::UnlimitedDate,
            FieldType::Checkbox,
            FieldType::List,
        ])
        .prop_map(|kind| (Value::NotSet, kind)),
    ]
}

proptest! {
    #[test]
    fn what_is_sent_is_read_back((sent, field_type) in typed()) {
        if let Ok(raw) = encode(&sent, &field_type) {
            let back = decode(&raw, &field_type).unwrap();
            prop_assert!(back.same_as(&sent), "{sent:?} as {field_type} went as {raw} and came back as {back:?}");
        }
    }

    #[test]
    fn decoding_never_panics(raw in "\\PC{0,40}|\\[[A-Z]{0,2}:[0-9./: TZ+-]{0,30}\\]") {
        for kind in ["Number", "ShortText", "LongText", "Date", "UnlimitedDate", "Checkbox", "List", "Decimal", "?"] {
            let _ = decode(&raw, &FieldType::read(kind));
        }
    }
}
