//! Parts that many records share: list values, phone and e-mail elements, rights.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A chosen item of a list, as an entity carries it: business, category, position.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ListValue {
    /// The item's id; 0 is "none".
    pub id: i64,
    /// The item's text, in the language asked for.
    pub value: String,
    /// The item's tooltip.
    pub tooltip: String,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// Rights by field; empty in practice.
    pub field_properties: FieldProperties,
}

impl ListValue {
    /// A list value as the API answers it.
    pub fn new(id: i64, value: impl Into<String>) -> Self {
        Self { id, value: value.into(), ..Self::default() }
    }
}

/// A web address, an e-mail address or a phone number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EntityElement {
    /// As typed in.
    pub value: String,
    /// Without blanks and the like.
    pub stripped_value: String,
    /// What it is for.
    pub description: String,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// Rights by field; empty in practice.
    pub field_properties: FieldProperties,
}

impl EntityElement {
    /// An element as the API answers it.
    pub fn new(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { stripped_value: value.clone(), value, ..Self::default() }
    }
}

/// What the caller may do with a record: `FULL`, `URI`, or `Select, Update, Insert, Delete`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TableRight {
    /// The rights, as text; a number in the answers of `$mode=FULL`.
    pub mask: String,
    /// Why not more.
    pub reason: String,
}

/// What the caller may do with a field, and what fits into it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FieldProperty {
    /// The right.
    pub field_right: Option<FieldRight>,
    /// `System.String`, or for user-defined fields `ShortText`, `Number` and so on.
    pub field_type: String,
    /// Greatest length; -1 when there is none or none is known.
    pub field_length: i64,
}

/// What the caller may do with a field: `Update`, `Update, UIHintMandatory`, `UIHintReadOnly`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FieldRight {
    /// The rights, as text.
    pub mask: String,
    /// Why not more.
    pub reason: String,
}

/// Field properties by field name, such as `Name` or `CustomFields.SuperOffice:1`.
pub type FieldProperties = BTreeMap<String, FieldProperty>;

/// Addresses of related resources, by name.
pub type Links = BTreeMap<String, String>;
