//! The dictionary of an entity: `CustomFields`, `UserDefinedFields` or `ExtraFields`. It is kept as it came, so that a
//! dictionary that is none can be told from one that is missing, and one that is missing from one that is empty.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{FieldType, Malformed, Value, decode};

/// Ends of keys that hold something about a value rather than a value. A prog-id has a colon itself.
const ASIDES: [&str; 3] = [":org", ":DisplayText", ":DisplayTooltip"];

/// A dictionary of encoded texts by prog-id, whatever it is that came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Dictionary(Json);

impl Dictionary {
    /// A dictionary of these entries.
    pub fn of<K: Into<String>, V: Into<String>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let entries = entries.into_iter().map(|(key, text)| (key.into(), Json::String(text.into())));
        Self(Json::Object(entries.collect()))
    }

    /// Whether the answer had none.
    pub fn is_absent(&self) -> bool {
        self.0.is_null()
    }

    /// Sets an entry. A dictionary that is missing, or is none, becomes one with this entry.
    pub fn set(&mut self, key: impl Into<String>, text: impl Into<String>) {
        if !self.0.is_object() {
            self.0 = Json::Object(Map::new());
        }
        if let Json::Object(entries) = &mut self.0 {
            entries.insert(key.into(), Json::String(text.into()));
        }
    }

    /// Removes an entry.
    pub fn remove(&mut self, key: &str) {
        if let Json::Object(entries) = &mut self.0 {
            entries.remove(key);
        }
    }

    /// The encoded text of an entry: by its exact key, else without regard to case. A null in it is an empty text.
    ///
    /// # Errors
    ///
    /// When the dictionary as a whole is not an object of texts; even if this one entry looks well, something is
    /// wrong with how it was put together.
    pub fn text(&self, key: &str) -> Result<Option<&str>, Malformed> {
        let Some(entries) = self.checked()? else { return Ok(None) };
        Ok(crate::json::get(entries, key).map(|text| text.as_str().unwrap_or_default()))
    }

    /// Every value with its prog-id, without the entries that are about other entries.
    ///
    /// # Errors
    ///
    /// As for [`Self::text`].
    pub fn values(&self) -> Result<impl Iterator<Item = (&str, &str)>, Malformed> {
        let entries = self.checked()?.into_iter().flatten();
        let values = entries.filter(|(key, _)| !ASIDES.iter().any(|aside| key.ends_with(aside)));
        Ok(values.map(|(key, text)| (key.as_str(), text.as_str().unwrap_or_default())))
    }

    /// What came, as it came.
    pub fn raw(&self) -> &Json {
        &self.0
    }

    fn checked(&self) -> Result<Option<&Map<String, Json>>, Malformed> {
        let entries = match &self.0 {
            Json::Null => return Ok(None),
            Json::Object(entries) => entries,
            Json::Array(_) => return Err(Malformed::Dictionary("a list")),
            Json::String(_) => return Err(Malformed::Dictionary("a text")),
            Json::Number(_) | Json::Bool(_) => return Err(Malformed::Dictionary("a single value")),
        };
        if entries.values().all(|text| text.is_string() || text.is_null()) {
            Ok(Some(entries))
        } else {
            Err(Malformed::Dictionary("an object of other things"))
        }
    }
}

impl From<Json> for Dictionary {
    fn from(json: Json) -> Self {
        Self(json)
    }
}

/// Reads the field `prog_id` of an entity: from `CustomFields`, else from the older `UserDefinedFields`.
///
/// `Ok(None)` says that neither dictionary has the field, which is something else than a field that is not set.
///
/// # Errors
///
/// When a dictionary that had to be looked at is none, or when the text does not fit the type.
pub fn read(
    custom_fields: &Dictionary,
    user_defined_fields: &Dictionary,
    prog_id: &str,
    field_type: &FieldType,
) -> Result<Option<Value>, Malformed> {
    let raw = match custom_fields.text(prog_id)? {
        Some(raw) => Some(raw),
        None => user_defined_fields.text(prog_id)?,
    };
    let Some(raw) = raw else { return Ok(None) };
    decode(raw, field_type).map(Some).map_err(|error| match error {
        Malformed::Value { field_type, .. } => Malformed::Value { prog_id: prog_id.to_owned(), field_type },
        Malformed::Dictionary(_) => error,
    })
}
