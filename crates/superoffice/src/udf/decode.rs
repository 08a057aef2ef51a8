//! From an encoded text to a value. The encodings are those of docs.superoffice.com, "Encoded values": `[I:3]`,
//! `[F:4.43]`, `[D:05/05/1999 00:00:00.0000000]`, `[DT:…]`, `[D:2020.08.27]`; boxes are `True` or `[I:1]`; text is not
//! encoded. Bare numbers and ISO dates are read too, because samples have them.

use jiff::civil::{Date, DateTime};

use super::{FieldType, Malformed, Value};

/// Reads an encoded text as a value of `field_type`.
///
/// # Errors
///
/// [`Malformed::Value`] when the text does not fit the type. The text itself is not repeated in the error.
pub fn decode(raw: &str, field_type: &FieldType) -> Result<Value, Malformed> {
    let value = match field_type {
        FieldType::ShortText | FieldType::LongText if raw.is_empty() => Some(Value::NotSet),
        FieldType::ShortText | FieldType::LongText => Some(Value::Text(raw.to_owned())),
        FieldType::Unknown | FieldType::Other(_) => None,
        _ if raw.trim().is_empty() => Some(Value::NotSet),
        FieldType::Number => number(raw).map(Value::Number),
        FieldType::Decimal => decimal(raw).map(Value::Decimal),
        FieldType::Date | FieldType::UnlimitedDate => date(raw),
        FieldType::Checkbox => checkbox(raw).map(Value::Checkbox),
        FieldType::List => match number(raw) {
            Some(0) => Some(Value::NotSet),
            Some(id) if id > 0 => Some(Value::ListItem(id)),
            Some(_) | None => None,
        },
    };
    value.ok_or_else(|| Malformed::Value {
        prog_id: "the field".to_owned(),
        field_type: field_type.to_string(),
    })
}

/// Takes off the brackets: `[I:3]` is tag `I` and text `3`; a bare text has no tag.
fn untag(raw: &str) -> (&str, &str) {
    let raw = raw.trim();
    let inner = raw.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match inner.and_then(|inner| inner.split_once(':')) {
        Some((tag, text)) => (tag, text.trim()),
        None => ("", raw),
    }
}

fn number(raw: &str) -> Option<i64> {
    match untag(raw) {
        ("I" | "", text) => text.parse().ok(),
        _ => None,
    }
}

fn decimal(raw: &str) -> Option<f64> {
    match untag(raw) {
        // One page encodes a number with `D`.
        ("F" | "M" | "I" | "D" | "", text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn checkbox(raw: &str) -> Option<bool> {
    match untag(raw) {
        ("I" | "B" | "", text) if text.eq_ignore_ascii_case("true") || text == "1" => Some(true),
        ("I" | "B" | "", text) if text.eq_ignore_ascii_case("false") || text == "0" => Some(false),
        _ => None,
    }
}

fn date(raw: &str) -> Option<Value> {
    let day = match untag(raw) {
        ("D" | "DT" | "", text) => day(text)?,
        _ => return None,
    };
    // "No date" is year 1, or the database's beginning of time.
    let nothing = day.year() <= 1 || day == Date::constant(1760, 1, 1);
    Some(if nothing { Value::NotSet } else { Value::Date(day) })
}

fn day(text: &str) -> Option<Date> {
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, Some(time)),
        None => (text, None),
    };
    let parts = |separator: char| -> Option<[i16; 3]> {
        let numbers: Vec<i16> = day.split(separator).map(|part| part.parse().ok()).collect::<Option<_>>()?;
        numbers.try_into().ok()
    };
    let [year, month, day_of_month] = if day.contains('/') {
        let [month, day, year] = parts('/')?;
        [year, month, day]
    } else if day.contains('.') {
        parts('.')?
    } else {
        parts('-')?
    };
    let date = Date::new(year, month.try_into().ok()?, day_of_month.try_into().ok()?).ok()?;
    // The time of day says nothing about the day, but it has to be one.
    time.is_none_or(|time| is_time(date, time)).then_some(date)
}

fn is_time(date: Date, time: &str) -> bool {
    let text = format!("{date}T{time}");
    text.parse::<DateTime>().is_ok() || text.parse::<jiff::Timestamp>().is_ok()
}
