//! Reading JSON the way SuperOffice does: any spelling of a key is understood.
//!
//! The vendor's own clients send camelCase where the answers are PascalCase, and ids as text where they are
//! numbers, so every inbound body goes through these few functions.

use serde_json::{Map, Value};

/// Finds a property whatever its case.
pub(crate) fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let object = value.as_object()?;
    object.get(key).or_else(|| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, v)| v))
}

/// The spelling under which an object already holds a property.
pub(crate) fn key_in(object: &Map<String, Value>, key: &str) -> Option<String> {
    if object.contains_key(key) {
        return Some(key.to_owned());
    }
    object.keys().find(|name| name.eq_ignore_ascii_case(key)).cloned()
}

/// A whole number, also when it was sent as text.
pub(crate) fn int(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// A text; a number or a yes/no is taken as its spelling, null as empty.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A yes/no, also as `"True"`, `1` or `"1"`.
pub(crate) fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => number.as_i64().map(|n| n != 0),
        Value::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}
