//! The emulator's one clock, and the ways SuperOffice writes a moment down.
//!
//! Everything that stamps a record, a token or a delivery asks here, so that there is one place to look.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Offset, TimeZone};

use crate::world::policy::Policy;

pub(crate) mod zones;

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

/// How one request wants its dates: which zone, and whether the offset is written out.
///
/// Without `SO-TimeZone` a tenant answers in its base time zone and writes no offset at all
/// (docs.superoffice.com, "HTTP headers").
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DateStyle {
    zone: Clock,
    written: Option<Written>,
}

/// A clock on a wall.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Clock {
    /// It never changes.
    Fixed(Offset),
    /// It has the summer time of its zone.
    Zone(&'static TimeZone),
}

/// How an offset is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Written {
    /// `+01:00`
    Colon,
    /// `+0100`
    Plain,
}

impl Clock {
    fn local(self, moment: Timestamp) -> DateTime {
        match self {
            Self::Fixed(offset) => offset.to_datetime(moment),
            Self::Zone(zone) => zone.to_datetime(moment),
        }
    }

    fn offset(self, moment: Timestamp) -> Offset {
        match self {
            Self::Fixed(offset) => offset,
            Self::Zone(zone) => zone.to_offset(moment),
        }
    }
}

impl DateStyle {
    /// The tenant's own time zone, without offset.
    pub(crate) fn base(policy: &Policy) -> Self {
        let named = policy.base_time_zone.as_deref().and_then(zones::named);
        let fixed = || Clock::Fixed(Offset::from_hours(policy.base_offset_hours).unwrap_or(Offset::UTC));
        Self { zone: named.map_or_else(fixed, Clock::Zone), written: None }
    }

    /// Reads the `SO-TimeZone` header. A zone that is not known falls back to the base zone, or is refused with its name.
    pub(crate) fn from_header(header: Option<&str>, policy: &Policy) -> Result<Self, String> {
        let mut style = Self::base(policy);
        let Some(header) = header else { return Ok(style) };
        for part in header.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            if part.eq_ignore_ascii_case("includetzoffset") {
                style.written = Some(if policy.offsets_have_colon { Written::Colon } else { Written::Plain });
            } else if let Some(zone) = zones::named(part) {
                style.zone = Clock::Zone(zone);
            } else if policy.unknown_time_zone_is_refused {
                return Err(part.to_owned());
            }
        }
        Ok(style)
    }

    /// The same with UTC as its zone.
    pub(crate) fn utc(self) -> Self {
        Self { zone: Clock::Fixed(Offset::UTC), ..self }
    }

    /// Writes a moment as entities and rows carry it, to the second.
    pub(crate) fn write(self, moment: Timestamp) -> String {
        format!("{}{}", self.local(moment).strftime("%Y-%m-%dT%H:%M:%S"), self.suffix(moment))
    }

    /// Writes a moment, or the vendor's "no date".
    pub(crate) fn write_opt(self, moment: Option<Timestamp>) -> String {
        moment.map_or_else(
            || format!("{NO_DATE}{}", if self.written.is_some() { "Z" } else { "" }),
            |at| self.write(at),
        )
    }

    /// Reads a moment that carries no offset as one in this style's zone; an explicit offset wins.
    pub(crate) fn read(self, text: &str) -> Option<Timestamp> {
        if let Ok(moment) = text.parse::<Timestamp>() {
            return Some(moment);
        }
        let civil = civil(text)?;
        match self.zone {
            Clock::Fixed(offset) => offset.to_timestamp(civil).ok(),
            Clock::Zone(zone) => zone.to_timestamp(civil).ok(),
        }
    }

    /// A moment as a clock in this zone shows it.
    pub(crate) fn local(self, moment: Timestamp) -> DateTime {
        self.zone.local(moment)
    }

    /// The day of a moment, as somebody in this zone would say it.
    pub(crate) fn day(self, moment: Timestamp) -> Date {
        self.local(moment).date()
    }

    /// The offset of this zone at a moment, as webhooks write it.
    pub(crate) fn offset_text(self, moment: Timestamp) -> String {
        offset_text(self.zone.offset(moment), Written::Colon)
    }

    fn suffix(self, moment: Timestamp) -> String {
        let Some(written) = self.written else { return String::new() };
        let offset = self.zone.offset(moment);
        if offset.seconds() == 0 { "Z".to_owned() } else { offset_text(offset, written) }
    }
}

fn offset_text(offset: Offset, written: Written) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let colon = if written == Written::Colon { ":" } else { "" };
    format!("{sign}{:02}{colon}{:02}", seconds.abs() / 3600, seconds.abs() % 3600 / 60)
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
        assert_eq!(DateStyle::base(&Policy::default()).write(noon()), "2026-03-04T13:00:00");
    }

    #[test]
    fn utc_with_offset_is_written_with_z() {
        let style = DateStyle::from_header(Some("UTC, includeTZOffset"), &Policy::default()).unwrap();
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
