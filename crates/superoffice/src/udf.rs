//! User-defined fields, typed. SuperOffice puts their values into a dictionary of encoded texts, in two generations
//! that encode differently; [`Dictionary`] reads either, [`Value`] says what a text means for a field's type. What
//! cannot be understood is an error and never "empty", because an empty field is one that may be filled in.

mod decode;
mod dictionary;
mod encode;

pub use crate::api::udef::FieldType;
pub use decode::decode;
pub use dictionary::{Dictionary, read};
pub use encode::{EncodeError, encode};

/// The value of a user-defined field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Words, never empty.
    Text(String),
    /// A whole number. An empty field of this type is 0 to SuperOffice.
    Number(i64),
    /// A number with a fraction. An empty field of this type is 0 to SuperOffice.
    Decimal(f64),
    /// A day.
    Date(jiff::civil::Date),
    /// Yes or no. An empty field of this type is "no" to SuperOffice.
    Checkbox(bool),
    /// The id of an item of the field's list, never 0.
    ListItem(i64),
    /// Nothing.
    NotSet,
}

impl Value {
    /// Whether SuperOffice cannot tell this value from an empty field.
    pub fn is_unset(&self) -> bool {
        match self {
            Self::NotSet | Self::Number(0) | Self::Checkbox(false) | Self::ListItem(0) => true,
            Self::Text(text) => text.is_empty(),
            Self::Decimal(number) => *number == 0.0,
            Self::Date(day) => day.year() <= 1,
            Self::Number(_) | Self::Checkbox(true) | Self::ListItem(_) => false,
        }
    }

    /// Whether both would be the same in SuperOffice, where an empty number is 0 and an empty box is unticked.
    pub fn same_as(&self, other: &Self) -> bool {
        self == other || (self.is_unset() && other.is_unset())
    }
}

/// A value that cannot be understood. Nothing may be concluded from it, least of all that the field is empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// The dictionary is not an object of texts.
    #[error("the dictionary of user-defined fields is not an object of texts, but {0}")]
    Dictionary(&'static str),
    /// The text does not fit the field's type.
    #[error("{prog_id} does not hold a {field_type}")]
    Value {
        /// The field, when known.
        prog_id: String,
        /// What it should hold.
        field_type: String,
    },
}

impl FieldType {
    /// The greatest length of a text of this type, in UTF-16 units as SuperOffice counts; a field's `TextLength` may
    /// be lower. The other types' lengths are those that `FieldProperties` report, and bound nothing.
    pub fn max_length(&self) -> usize {
        match self {
            Self::ShortText => 39,
            Self::LongText => 199,
            Self::Number => 10,
            Self::Decimal => 14,
            Self::Date | Self::UnlimitedDate => 12,
            Self::Checkbox => 2,
            Self::List => 15,
            Self::Unknown | Self::Other(_) => 0,
        }
    }

    /// Whether fields of this type hold text.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::ShortText | Self::LongText)
    }

    /// The key of the field's properties in an entity: `CustomFields.SuperOffice:1`.
    pub fn property_key(prog_id: &str) -> String {
        format!("CustomFields.{prog_id}")
    }
}

/// The length of a text as SuperOffice counts it.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}
