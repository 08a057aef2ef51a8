//! Spans of days around today: `thisWeek`, `lastQuarter`, `previous(date, 3, month)`.
//!
//! Which words name a period in the functions is not documented; the emulator takes those of the unary operators.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Half,
    Year,
}

/// Units around the present one: how many before it and after it, and whether it counts itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    unit: Unit,
    /// The first unit, counted from the present one.
    from: i32,
    /// The last one.
    to: i32,
}

/// More periods than this are refused.
const MOST: i32 = 1000;

impl Period {
    /// The unary operators, in lower case.
    pub(super) fn unary(word: &str) -> Option<Self> {
        let (unit, at) = match word {
            "today" => (Unit::Day, 0),
            "lastweek" => (Unit::Week, -1),
            "thisweek" => (Unit::Week, 0),
            "nextweek" => (Unit::Week, 1),
            "lastmonth" => (Unit::Month, -1),
            "thismonth" => (Unit::Month, 0),
            "nextmonth" => (Unit::Month, 1),
            "lastquarter" => (Unit::Quarter, -1),
            "thisquarter" => (Unit::Quarter, 0),
            "nextquarter" => (Unit::Quarter, 1),
            "thishalf" => (Unit::Half, 0),
            "thisyear" => (Unit::Year, 0),
            _ => return None,
        };
        Some(Self { unit, from: at, to: at })
    }

    /// The functions, by name in lower case; `count` is what stands between the column and the unit.
    pub(super) fn function(name: &str, count: Option<f64>, unit: Unit) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, reason = "the number is checked to be whole and small")]
        let count = match count {
            None => None,
            Some(count) if count.fract() == 0.0 && (0.0..=f64::from(MOST)).contains(&count) => {
                Some(count as i32)
            }
            Some(_) => return None,
        };
        let (from, to) = match (name, count) {
            ("this", None) => (0, 0),
            ("next", Some(count)) => (1, count),
            ("previous", Some(count)) => (-count, -1),
            ("thisandnext", Some(count)) => (0, count),
            ("thisandprevious", Some(count)) => (-count, 0),
            ("thisandpreviousandnext", count) => (-count.unwrap_or(1), count.unwrap_or(1)),
            _ => return None,
        };
        Some(Self { unit, from, to })
    }

    /// Whether a function of this name is about periods.
    pub(super) fn is_function(name: &str) -> bool {
        ["this", "next", "previous", "thisandnext", "thisandprevious", "thisandpreviousandnext"]
            .contains(&name)
    }

    /// The first and the last day.
    pub(super) fn days(self, today: Date, sunday: bool) -> Option<(Date, Date)> {
        let first = self.unit.start(today, self.from, sunday)?;
        let last = self.unit.start(today, self.to.checked_add(1)?, sunday)?.yesterday().ok()?;
        Some((first, last))
    }
}

impl Unit {
    /// By word, in any case, one or many.
    pub(super) fn named(word: &str) -> Option<Self> {
        let lower = word.to_ascii_lowercase();
        Some(match lower.trim_end_matches('s') {
            "day" => Self::Day,
            "week" => Self::Week,
            "month" => Self::Month,
            "quarter" => Self::Quarter,
            "half" | "halfyear" => Self::Half,
            "year" => Self::Year,
            _ => return None,
        })
    }

    /// The first day of the unit that is `away` from the present one.
    fn start(self, today: Date, away: i32, sunday: bool) -> Option<Date> {
        let months = |length: i8| {
            let month = (today.month() - 1) / length * length + 1;
            let first = Date::new(today.year(), month, 1).ok()?;
            first.checked_add((i64::from(length) * i64::from(away)).months()).ok()
        };
        match self {
            Self::Day => today.checked_add(i64::from(away).days()).ok(),
            Self::Week => {
                let first = if sunday { Weekday::Sunday } else { Weekday::Monday };
                let back = i64::from(today.weekday().since(first));
                today.checked_add((i64::from(away) * 7 - back).days()).ok()
            }
            Self::Month => months(1),
            Self::Quarter => months(3),
            Self::Half => months(6),
            Self::Year => months(12),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Sunday.
    const TODAY: Date = jiff::civil::date(2026, 11, 22);

    fn days(period: Period) -> String {
        let (from, to) = period.days(TODAY, false).unwrap();
        format!("{from} to {to}")
    }

    #[test]
    fn unary_periods_are_those_of_the_calendar() {
        let unary = |word| days(Period::unary(word).unwrap());
        assert_eq!(unary("today"), "2026-11-22 to 2026-11-22");
        assert_eq!(unary("thisweek"), "2026-11-16 to 2026-11-22");
        assert_eq!(unary("nextweek"), "2026-11-23 to 2026-11-29");
        assert_eq!(unary("lastmonth"), "2026-10-01 to 2026-10-31");
        assert_eq!(unary("nextquarter"), "2027-01-01 to 2027-03-31");
        assert_eq!(unary("thishalf"), "2026-07-01 to 2026-12-31");
        assert_eq!(unary("thisyear"), "2026-01-01 to 2026-12-31");
        assert_eq!(Period::unary("thisweek").unwrap().days(TODAY, true).unwrap().0, TODAY);
    }

    #[test]
    fn functions_count_units() {
        let function = |name, count, unit| days(Period::function(name, count, unit).unwrap());
        assert_eq!(function("previous", Some(2.0), Unit::Month), "2026-09-01 to 2026-10-31");
        assert_eq!(function("next", Some(1.0), Unit::Year), "2027-01-01 to 2027-12-31");
        assert_eq!(function("thisandprevious", Some(1.0), Unit::Week), "2026-11-09 to 2026-11-22");
        assert_eq!(function("thisandpreviousandnext", None, Unit::Day), "2026-11-21 to 2026-11-23");
        assert_eq!(Period::function("next", Some(0.5), Unit::Day), None);
        assert_eq!(Period::function("next", Some(1e9), Unit::Day), None);
    }
}
