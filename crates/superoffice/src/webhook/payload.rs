//! The body of a delivery. SuperOffice's pages print several shapes (change, deletion, test, extra tables, older ones
//! without ids of their own), and all are read; what a shape does not say stays `None`. Reading never panics and
//! never takes longer than the body is long, because the body may come from anyone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::json::{self, ReadError};

/// What a delivery says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Payload {
    /// The event's id, the same in each attempt to deliver it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// The database columns that changed. Missing is not the same as none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Vec<String>>,
    /// For a deletion: ids from the deleted record.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Value>,
    /// The event: `contact.changed`.
    pub event: String,
    /// The id of the record; 0 in a test.
    pub primary_key: i64,
    /// The kind of record: `contact`.
    pub entity: String,
    /// The tenant: `Cust12345`.
    #[serde(rename = "ContextIdentifier", skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The associate who caused it.
    #[serde(rename = "ChangedByAssociateId", skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<i64>,
    /// The name of the webhook that delivers.
    pub webhook_name: String,
    /// Some columns of the record, with their values; text may be encoded (`[I:6]`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub field_values: BTreeMap<String, Value>,
}

/// Why a body is not a delivery.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PayloadError {
    /// Not even a JSON object.
    #[error("the delivery is not a JSON object")]
    NotAnObject(#[source] ReadError),
    /// It does not say what happened.
    #[error("the delivery names no event")]
    NoEvent,
    /// A field that must be a number or a text is neither.
    #[error("the delivery's {0} cannot be read")]
    Field(&'static str),
}

impl Payload {
    /// Reads the body of a delivery.
    ///
    /// Required is only the event's name: everything else is missing in one of the printed shapes.
    pub fn read(body: &[u8]) -> Result<Self, PayloadError> {
        let object = json::object(body).map_err(PayloadError::NotAnObject)?;
        let event = text(&object, "Event")?.ok_or(PayloadError::NoEvent)?;
        // State events (`webhook12.errors`) have no entity; its name is the part before the verb.
        let entity = match text(&object, "Entity")? {
            Some(entity) => entity,
            None => event.rsplit_once('.').map_or(event.as_str(), |(entity, _)| entity).to_owned(),
        };
        Ok(Self {
            event_id: text(&object, "EventId")?,
            // A time in a form that we do not know is no reason to lose the event.
            timestamp: text(&object, "Timestamp")?.and_then(|at| json::date::parse(&at).ok().flatten()),
            changes: changes(&object)?,
            values: map(&object, "Values")?,
            event,
            primary_key: integer(&object, "PrimaryKey")?.unwrap_or_default(),
            entity,
            context: text(&object, "ContextIdentifier")?,
            changed_by: integer(&object, "ChangedByAssociateId")?,
            webhook_name: text(&object, "WebhookName")?.unwrap_or_default(),
            field_values: map(&object, "FieldValues")?,
        })
    }

    /// The verb of the event: `changed` in `contact.changed`.
    pub fn verb(&self) -> &str {
        self.event.rsplit_once('.').map_or(self.event.as_str(), |(_, verb)| verb)
    }

    /// Whether it is only a test.
    pub fn is_test(&self) -> bool {
        self.event.eq_ignore_ascii_case("test")
    }

    /// A whole number from the field values, or else from the values of a deletion.
    ///
    /// It may be a number, a text with a number, or encoded (`[I:6]`); the name's case does not matter.
    pub fn field_i64(&self, name: &str) -> Option<i64> {
        find(&self.field_values, name).or_else(|| find(&self.values, name)).and_then(number)
    }
}

fn find<'a>(map: &'a BTreeMap<String, Value>, name: &str) -> Option<&'a Value> {
    map.get(name)
        .or_else(|| map.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => {
            let text = text.trim();
            let bare = text.strip_prefix("[I:").and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
            bare.trim().parse().ok()
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text that says something, or nothing.
fn text(object: &Map<String, Value>, key: &'static str) -> Result<Option<String>, PayloadError> {
    match json::get(object, key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::Bool(_) | Value::Array(_) | Value::Object(_)) => Err(PayloadError::Field(key)),
    }
}

fn integer(object: &Map<String, Value>, key: &'static str) -> Result<Option<i64>, PayloadError> {
    match json::get(object, key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
        Some(value) => number(value).map(Some).ok_or(PayloadError::Field(key)),
    }
}

fn changes(object: &Map<String, Value>) -> Result<Option<Vec<String>>, PayloadError> {
    match json::get(object, "Changes") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(names)) => {
            let names = names.iter().map(|name| name.as_str().map(str::to_owned));
            names.collect::<Option<_>>().map(Some).ok_or(PayloadError::Field("Changes"))
        }
        Some(_) => Err(PayloadError::Field("Changes")),
    }
}

fn map(object: &Map<String, Value>, key: &'static str) -> Result<BTreeMap<String, Value>, PayloadError> {
    match json::get(object, key) {
        None | Some(Value::Null) => Ok(BTreeMap::new()),
        Some(Value::Object(values)) => {
            Ok(values.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        // An empty list is how some writers of JSON put an empty map.
        Some(Value::Array(values)) if values.is_empty() => Ok(BTreeMap::new()),
        Some(_) => Err(PayloadError::Field(key)),
    }
}
