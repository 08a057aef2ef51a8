//! SuperOffice's dates. "No date" is `0001-01-01T00:00:00`, never null; a date without an offset is taken as UTC,
//! because the client asks for UTC (`SO-TimeZone: UTC`). Use with `#[serde(with = "crate::json::date")]` on an
//! `Option<Timestamp>`.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

/// How "no date" is written.
pub const NONE: &str = "0001-01-01T00:00:00";

/// Reads a date: with offset or without, with any number of fractional digits. `Ok(None)` is "no date".
///
/// # Errors
///
/// When the text is no date at all.
pub fn parse(text: &str) -> Result<Option<Timestamp>, jiff::Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let civil: DateTime = text.parse::<DateTime>().or_else(|error| {
        // A civil date does not want to hear of `Z`; an instant does.
        text.parse::<Timestamp>().map(|at| TimeZone::UTC.to_datetime(at)).map_err(|_| error)
    })?;
    // Year 1 is "no date" whatever time zone it was converted to; so is the day before it.
    if civil.year() <= 1 {
        return Ok(None);
    }
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(Some(at)),
        Err(_) => TimeZone::UTC.to_timestamp(civil).map(Some),
    }
}

/// Writes a date in UTC with `Z`, as an answer to `SO-TimeZone: UTC, includeTZOffset`.
pub fn format(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NONE.to_owned(), |at| at.to_string())
}

/// For serde.
pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*at))
}

/// For serde.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    parse(text.as_deref().unwrap_or_default()).map_err(|_| D::Error::custom("a date that cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match parse(text) {
            Ok(at) => format(at),
            Err(_) => "error".to_owned(),
        }
    }

    #[test]
    fn every_recorded_form_of_a_date_is_read() {
        assert_eq!(read("2019-12-19T10:55:14Z"), "2019-12-19T10:55:14Z");
        assert_eq!(read("2019-12-19T10:55:14"), "2019-12-19T10:55:14Z");
        assert_eq!(read("2025-05-14T10:48:07.8912039Z"), "2025-05-14T10:48:07.8912039Z");
        assert_eq!(read("2025-05-14T10:48:07.8912039+02:00"), "2025-05-14T08:48:07.8912039Z");
        assert_eq!(read("2019-12-19T05:55:14-0500"), "2019-12-19T10:55:14Z");
        assert_eq!(read("2018-04-24T08:52:42.089895Z"), "2018-04-24T08:52:42.089895Z");
        assert_eq!(read("2019-12-19"), "2019-12-19T00:00:00Z");
    }

    #[test]
    fn year_one_is_no_date() {
        for text in
            ["", "0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "0001-01-01"]
        {
            assert_eq!(parse(text).unwrap(), None, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_an_error() {
        assert_eq!(read("yesterday"), "error");
        assert_eq!(read("2019-13-45T00:00:00"), "error");
    }
}
