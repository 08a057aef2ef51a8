//! From a value to the text that is sent: `[I:n]`, `[F:n.n]`, `[D:YYYY.MM.DD]`, text as it is. What does not fit is
//! refused here, because what SuperOffice does with it is not documented.

use jiff::civil::Date;

use super::{FieldType, Value, length};

/// Why a value cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A field of this type cannot hold such a value.
    #[error("a {0} field cannot hold it")]
    WrongType(String),
    /// The text is too long.
    #[error("the text has {length} characters, and {max} fit")]
    TooLong {
        /// What was given.
        length: usize,
        /// What fits.
        max: usize,
    },
    /// The number or day is outside of what the type can hold.
    #[error("the value is out of range")]
    OutOfRange,
    /// A text that SuperOffice may take for an encoded value.
    #[error("the text looks like an encoded value")]
    Ambiguous,
}

/// Writes `value` for a field of `field_type`.
pub fn encode(value: &Value, field_type: &FieldType) -> Result<String, EncodeError> {
    match (field_type, value) {
        (FieldType::ShortText | FieldType::LongText, Value::NotSet) => Ok(String::new()),
        (FieldType::ShortText | FieldType::LongText, Value::Text(text)) => {
            words(text, field_type.max_length())
        }
        (FieldType::Number, Value::Number(number)) => whole(*number),
        (FieldType::Decimal, Value::Decimal(number)) if number.is_finite() => Ok(format!("[F:{number}]")),
        (FieldType::Decimal, Value::Decimal(_)) => Err(EncodeError::OutOfRange),
        (FieldType::Date, Value::Date(day)) => limited_day(*day),
        (FieldType::UnlimitedDate, Value::Date(day)) => any_day(*day),
        (FieldType::Checkbox, Value::Checkbox(ticked)) => Ok(format!("[I:{}]", i32::from(*ticked))),
        (FieldType::List, Value::ListItem(id)) if *id > 0 => whole(*id),
        (FieldType::List, Value::ListItem(_)) => Err(EncodeError::OutOfRange),
        (FieldType::Number | FieldType::Checkbox | FieldType::List, Value::NotSet) => Ok("[I:0]".to_owned()),
        (FieldType::Decimal, Value::NotSet) => Ok("[F:0]".to_owned()),
        (FieldType::Date | FieldType::UnlimitedDate, Value::NotSet) => Ok("[D:0001.01.01]".to_owned()),
        (_, _) => Err(EncodeError::WrongType(field_type.to_string())),
    }
}

fn words(text: &str, max: usize) -> Result<String, EncodeError> {
    let length = length(text);
    if length > max {
        return Err(EncodeError::TooLong { length, max });
    }
    if looks_encoded(text) {
        return Err(EncodeError::Ambiguous);
    }
    Ok(text.to_owned())
}

/// Whether a text has the form `[I:…]`, with a tag of one or two letters.
fn looks_encoded(text: &str) -> bool {
    let inner = text.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let tag = inner.and_then(|inner| inner.split_once(':')).map(|(tag, _)| tag);
    tag.is_some_and(|tag| ["B", "D", "DT", "F", "I", "M", "T"].contains(&tag.to_ascii_uppercase().as_str()))
}

/// Whole numbers and ids are 32 bits wide in the database; what more would do is not documented.
fn whole(number: i64) -> Result<String, EncodeError> {
    i32::try_from(number).map(|number| format!("[I:{number}]")).map_err(|_| EncodeError::OutOfRange)
}

fn limited_day(day: Date) -> Result<String, EncodeError> {
    let limits = Date::constant(1970, 1, 1)..=Date::constant(2038, 1, 19);
    if limits.contains(&day) { any_day(day) } else { Err(EncodeError::OutOfRange) }
}

fn any_day(day: Date) -> Result<String, EncodeError> {
    if day.year() <= 1 || day == Date::constant(1760, 1, 1) {
        return Err(EncodeError::OutOfRange);
    }
    Ok(format!("[D:{:04}.{:02}.{:02}]", day.year(), day.month(), day.day()))
}
