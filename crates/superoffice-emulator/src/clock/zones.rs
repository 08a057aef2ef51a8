//! Time zones by SuperOffice's codes, `NO` or `US-NY`, and by the numbers of its page on time zones.
//!
//! Each zone has the rules that hold today, written as POSIX does; a database of all rules that ever held would be
//! larger than what the emulator's few years need. Only the zones of the vendor's page have their true numbers.

use std::sync::LazyLock;

use jiff::tz::TimeZone;

/// A zone that the emulator knows.
#[derive(Debug)]
pub(crate) struct Zone {
    /// The vendor's number, 0 where it is not known.
    pub(crate) id: i64,
    pub(crate) code: &'static str,
    pub(crate) country: &'static str,
    pub(crate) region: &'static str,
    /// The offset in winter, and in summer if it is another one.
    pub(crate) offsets: [&'static str; 2],
    rules: &'static str,
}

const fn zone(
    id: i64,
    code: &'static str,
    place: [&'static str; 2],
    offsets: [&'static str; 2],
    rules: &'static str,
) -> Zone {
    Zone { id, code, country: place[0], region: place[1], offsets, rules }
}

const CENTRAL: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const EASTERN: &str = "EST5EDT,M3.2.0,M11.1.0";

/// All zones, in the order of their codes.
pub(crate) const ZONES: &[Zone] = &[
    zone(0, "AT", ["Austria", ""], ["+1:00", "+2:00"], CENTRAL),
    zone(
        36,
        "AU-ACT",
        ["Australia", "Capital Territory"],
        ["+10:00", "+11:00"],
        "AEST-10AEDT,M10.1.0,M4.1.0/3",
    ),
    zone(50, "BD", ["Bangladesh", ""], ["+6:00", ""], "BDT-6"),
    zone(0, "BE", ["Belgium", ""], ["+1:00", "+2:00"], CENTRAL),
    zone(114, "CA-QC", ["Canada", "Quebec"], ["-5:00", "-4:00"], EASTERN),
    zone(0, "CH", ["Switzerland", ""], ["+1:00", "+2:00"], CENTRAL),
    zone(0, "DE", ["Germany", ""], ["+1:00", "+2:00"], CENTRAL),
    zone(140, "DK", ["Denmark", ""], ["+1:00", "+2:00"], CENTRAL),
    zone(0, "FI", ["Finland", ""], ["+2:00", "+3:00"], "EET-2EEST,M3.5.0/3,M10.5.0/4"),
    zone(156, "FR", ["France", ""], ["+1:00", "+2:00"], CENTRAL),
    zone(0, "GB", ["United Kingdom", ""], ["0", "+1:00"], "GMT0BST,M3.5.0/1,M10.5.0"),
    zone(0, "NL", ["Netherlands", ""], ["+1:00", "+2:00"], CENTRAL),
    zone(261, "NO", ["Norway", ""], ["+1:00", "+2:00"], CENTRAL),
    zone(0, "SE", ["Sweden", ""], ["+1:00", "+2:00"], CENTRAL),
    zone(425, "US-CA", ["United States", "California"], ["-8:00", "-7:00"], "PST8PDT,M3.2.0,M11.1.0"),
    zone(433, "US-HI", ["United States", "Hawaii"], ["-10:00", ""], "HST10"),
    zone(460, "US-NY", ["United States", "New York"], ["-5:00", "-4:00"], EASTERN),
    zone(1, "UTC", ["", "UTC/GMT"], ["0", ""], "UTC0"),
];

static READ: LazyLock<Vec<TimeZone>> = LazyLock::new(|| {
    let read = |zone: &Zone| TimeZone::posix(zone.rules).expect("the rules in the table are well-formed");
    ZONES.iter().map(read).collect()
});

/// A zone by code in any case, or by number.
pub(crate) fn named(name: &str) -> Option<&'static TimeZone> {
    let number: i64 = name.parse().unwrap_or(0);
    let known = |zone: &Zone| zone.code.eq_ignore_ascii_case(name) || (number != 0 && zone.id == number);
    ZONES.iter().position(known).and_then(|at| READ.get(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_can_be_read_and_found() {
        for zone in ZONES {
            assert!(named(zone.code).is_some(), "{}", zone.code);
        }
        assert!(named("nowhere").is_none() && named("0").is_none());
        let summer = "2026-07-01T12:00:00Z".parse().unwrap();
        assert_eq!(named("261").unwrap().to_datetime(summer).hour(), 14);
        assert_eq!(named("us-ny").unwrap().to_datetime(summer).hour(), 8);
    }
}
