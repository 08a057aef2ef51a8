//! `$filter`: reading it and deciding whether a row passes.
//!
//! SuperOffice's filters look like OData and are not: a quote is escaped by a backslash, operators are words such as
//! `begins` and `oneOf`, and date operators look at the day alone (docs.superoffice.com, "Using filters" and
//! "Restriction types"). Texts compare without regard to case, as the database does. What the emulator does not know it
//! refuses, so that a mistake shows. A filter is prepared once, so that a row costs no parsing.

mod operator;
mod period;
mod prepare;
mod read;

use std::cmp::Ordering;
use std::ops::RangeInclusive;

use jiff::Timestamp;
use jiff::civil::Date;

use super::cell::Cell;
use super::columns::Column;
use super::row::Row;
use crate::clock::DateStyle;
use crate::world::State;

pub(super) use read::{Settings, parse};

/// What a row is judged against besides itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) state: &'a State,
    pub(super) style: DateStyle,
}

impl Context<'_> {
    /// In which time zone a filter tells days apart.
    fn days(&self) -> DateStyle {
        let policy = &self.state.policy;
        if policy.filter_days_are_local { DateStyle::base(policy) } else { self.style }
    }
}

/// A condition on a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Is(Column, Test),
}

/// What is asked of a value, ready to be compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Test {
    /// A number in relation to another.
    Number(Relation, f64),
    NumberBetween(f64, f64),
    /// Whether a number is among others, which are sorted.
    Numbers(Vec<f64>, Wanted),
    /// A text, in lower case, in relation to another.
    Text(Likeness, String),
    TextBetween(String, String),
    /// Whether a text is among others, which are sorted.
    Texts(Vec<String>, Wanted),
    Flag(bool),
    /// A day from one to another, each included.
    Days(Option<Date>, Option<Date>),
    Moment(Relation, Timestamp),
    /// The words of a free text search, which choose the rows beforehand.
    Words(Vec<String>),
    /// The value does not fit the column, so no row passes.
    Never,
}

/// How two values stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Unequal,
    Less,
    Greater,
    AtMost,
    AtLeast,
}

/// How two texts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Likeness {
    Is,
    IsNot,
    Begins,
    NotBegins,
    Contains,
    NotContains,
    Ends,
}

/// Whether the value is to be in a list or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    In,
    Out,
}

impl Relation {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::Greater => order.is_gt(),
            Self::AtMost => order.is_le(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

impl Filter {
    /// Whether a row passes.
    pub(super) fn passes(&self, context: &Context<'_>, row: &Row<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.passes(context, row)),
            Self::Any(parts) => parts.iter().any(|part| part.passes(context, row)),
            Self::Is(column, test) => {
                !column.drops(context.state, row)
                    && test.holds(&column.cell(context.state, row), context.days())
            }
        }
    }

    /// The primary keys between which all passing rows lie: key-set paging, and one record by its key.
    pub(super) fn keys(&self) -> RangeInclusive<i64> {
        match self {
            Self::All(parts) => parts
                .iter()
                .map(Self::keys)
                .fold(EVERY_KEY, |all, part| *all.start().max(part.start())..=*all.end().min(part.end())),
            Self::Is(column, test) if column.is_key() => test.range(),
            Self::Any(_) | Self::Is(..) => EVERY_KEY,
        }
    }

    /// The one company to which all passing persons belong, if the filter says so.
    pub(super) fn company(&self) -> Option<i64> {
        match self {
            Self::All(parts) => parts.iter().find_map(Self::company),
            Self::Is(column, Test::Number(Relation::Equal, number)) if column.is_company_of_person() => {
                Some(floor(*number))
            }
            Self::Any(_) | Self::Is(..) => None,
        }
    }

    /// The words of a free text search.
    pub(super) fn words(&self) -> Vec<String> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::words).collect(),
            Self::Is(_, Test::Words(words)) => words.clone(),
            Self::Is(..) => Vec::new(),
        }
    }

    /// Whether the filter looks at deletion itself.
    pub(super) fn mentions_deletion(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::mentions_deletion),
            Self::Is(column, _) => column.is_deletion(),
        }
    }
}

const EVERY_KEY: RangeInclusive<i64> = i64::MIN..=i64::MAX;

#[expect(clippy::cast_possible_truncation, reason = "a cast saturates, and ids are far below 2^53")]
fn floor(number: f64) -> i64 {
    number.floor() as i64
}

impl Test {
    fn range(&self) -> RangeInclusive<i64> {
        match self {
            Self::Number(Relation::Equal, number) => floor(*number)..=floor(*number),
            // One key too many is harmless: each row is still judged.
            Self::Number(Relation::Greater | Relation::AtLeast, number) => floor(*number)..=i64::MAX,
            Self::Number(Relation::Less | Relation::AtMost, number) => i64::MIN..=floor(*number),
            Self::NumberBetween(from, to) => floor(*from)..=floor(*to),
            Self::Numbers(all, Wanted::In) => match (all.first(), all.last()) {
                (Some(first), Some(last)) => floor(*first)..=floor(*last),
                _ => EVERY_KEY,
            },
            _ => EVERY_KEY,
        }
    }

    fn holds(&self, cell: &Cell, style: DateStyle) -> bool {
        let lower = || cell.text().to_lowercase();
        let number = || cell.number();
        match self {
            Self::Number(relation, wanted) => {
                number().is_some_and(|number| relation.holds(number.total_cmp(wanted)))
            }
            Self::NumberBetween(from, to) => number().is_some_and(|number| number >= *from && number <= *to),
            Self::Numbers(all, wanted) => {
                let found =
                    number().is_some_and(|number| all.binary_search_by(|one| one.total_cmp(&number)).is_ok());
                found == (*wanted == Wanted::In)
            }
            Self::Text(likeness, wanted) => likeness.holds(&lower(), wanted),
            Self::TextBetween(from, to) => {
                let text = lower();
                text >= *from && text <= *to
            }
            Self::Texts(all, wanted) => all.binary_search(&lower()).is_ok() == (*wanted == Wanted::In),
            Self::Flag(wanted) => matches!(cell, Cell::Flag(flag) if flag == wanted),
            Self::Days(from, to) => {
                let day = match cell {
                    Cell::Moment(moment) => moment.map(|moment| style.day(moment)),
                    Cell::Day(day) => *day,
                    _ => None,
                };
                day.is_some_and(|day| from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to))
            }
            Self::Moment(relation, wanted) => match cell {
                // Rows show whole seconds, so whole seconds are compared.
                Cell::Moment(Some(moment)) => relation.holds(moment.as_second().cmp(&wanted.as_second())),
                _ => false,
            },
            Self::Words(_) => true,
            Self::Never => false,
        }
    }
}

impl Likeness {
    fn holds(self, text: &str, wanted: &str) -> bool {
        match self {
            Self::Is => text == wanted,
            Self::IsNot => text != wanted,
            Self::Begins => text.starts_with(wanted),
            Self::NotBegins => !text.starts_with(wanted),
            Self::Contains => text.contains(wanted),
            Self::NotContains => !text.contains(wanted),
            Self::Ends => text.ends_with(wanted),
        }
    }
}
