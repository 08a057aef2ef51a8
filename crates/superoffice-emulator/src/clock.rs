//! The emulator's one clock, and the ways SuperOffice writes a moment down.
//!
//! Everything that stamps a record, a token or a delivery asks here, so that there is one place to look.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// What SuperOffice writes where no date is set.
pub(crate) const NO_DATE: &str = "0001-01-01T00:00:00";

/// Reads the machine's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the emulator's clock: it stands in for a remote server"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// How one request wants its dates: which offset, and whether the offset is written out.
///
/// Without `SO-TimeZone` a tenant answers in its base time zone and writes no offset at all
/// (docs.superoffice.com, "HTTP headers").
#[derive(Debug, Clone, Copy)]
pub(crate) struct DateStyle {
    offset: Offset,
    written: bool,
}

impl DateStyle {
    /// The tenant's own time zone, without offset.
    pub(crate) fn base(hours: i8) -> Self {
        Self { offset: Offset::from_hours(hours).unwrap_or(Offset::UTC), written: false }
    }

    /// Reads the `SO-TimeZone` header. Names that the emulator does not know fall back to the base zone.
    pub(crate) fn from_header(header: Option<&str>, base_hours: i8) -> Self {
        let mut style = Self::base(base_hours);
        let Some(header) = header else { return style };
        for part in header.split(',').map(str::trim) {
            if part.eq_ignore_ascii_case("utc") {
                style.offset = Offset::UTC;
            } else if part.eq_ignore_ascii_case("includetzoffset") {
                style.written = true;
            }
        }
        style
    }

    /// Writes a moment as entities and rows carry it, to the second.
    pub(crate) fn write(self, moment: Timestamp) -> String {
        format!("{}{}", self.offset.to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%S"), self.suffix())
    }

    /// Writes a moment, or the vendor's "no date".
    pub(crate) fn write_opt(self, moment: Option<Timestamp>) -> String {
        moment
            .map_or_else(|| format!("{NO_DATE}{}", if self.written { "Z" } else { "" }), |at| self.write(at))
    }

    /// Reads a moment that carries no offset as one in this style's zone; an explicit offset wins.
    pub(crate) fn read(self, text: &str) -> Option<Timestamp> {
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Some(moment);
        }
        let civil = civil(text)?;
        self.offset.to_timestamp(civil).ok()
    }

    /// A moment as a clock in this zone shows it.
    pub(crate) fn local(self, moment: Timestamp) -> DateTime {
        self.offset.to_datetime(moment)
    }

    /// The day of a moment, as somebody in this zone would say it.
    pub(crate) fn day(self, moment: Timestamp) -> Date {
        self.offset.to_datetime(moment).date()
    }

    fn suffix(self) -> String {
        if !self.written {
            return String::new();
        }
        let seconds = self.offset.seconds();
        if seconds == 0 {
            return "Z".to_owned();
        }
        let sign = if seconds < 0 { '-' } else { '+' };
        format!("{sign}{:02}:{:02}", seconds.abs() / 3600, seconds.abs() % 3600 / 60)
    }
}

/// Reads a day as filters write it: `2026-1-5`, `2026-01-05` or a full date and time.
pub(crate) fn read_day(text: &str) -> Option<Date> {
    let day = text.split(['T', ' ']).next()?;
    let mut parts = day.split(['-', '.', '/']);
    let (year, month, date) = (parts.next()?, parts.next()?, parts.next()?);
    Date::new(year.parse().ok()?, month.parse().ok()?, date.parse().ok()?).ok()
}

/// Writes a moment as webhooks carry it: UTC, seven digits of a second, `Z`.
pub(crate) fn webhook_time(moment: Timestamp) -> String {
    let ticks = moment.subsec_nanosecond() / 100;
    format!("{}.{ticks:07}Z", Offset::UTC.to_datetime(moment).strftime("%Y-%m-%dT%H:%M:%S"))
}

/// Reads the date of `If-Unmodified-Since` and its like, to the second.
pub(crate) fn read_http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

fn civil(text: &str) -> Option<DateTime> {
    if let Ok(civil) = text.parse::<DateTime>() {
        return Some(civil);
    }
    read_day(text).map(|day| day.at(0, 0, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-03-04T12:00:00.1234567Z".parse().unwrap()
    }

    #[test]
    fn the_base_zone_is_written_without_offset() {
        assert_eq!(DateStyle::base(1).write(noon()), "2026-03-04T13:00:00");
    }

    #[test]
    fn utc_with_offset_is_written_with_z() {
        let style = DateStyle::from_header(Some("UTC, includeTZOffset"), 1);
        assert_eq!(style.write(noon()), "2026-03-04T12:00:00Z");
        assert_eq!(style.write_opt(None), "0001-01-01T00:00:00Z");
    }

    #[test]
    fn webhooks_carry_seven_digits() {
        assert_eq!(webhook_time(noon()), "2026-03-04T12:00:00.1234567Z");
    }

    #[test]
    fn http_dates_are_read() {
        assert_eq!(
            read_http_date("Wed, 04 Mar 2026 12:00:00 GMT").unwrap().to_string(),
            "2026-03-04T12:00:00Z"
        );
    }
}
