//! `$filter`: reading it and deciding whether a row passes.
//!
//! SuperOffice's filters look like OData and are not: a quote is escaped by a backslash, operators are words such as
//! `begins` and `oneOf`, and date operators look at the day alone (docs.superoffice.com, "Filters"). Texts compare
//! without regard to case, as the database does. What the emulator does not know it refuses, so that a mistake shows.

mod read;

use jiff::civil::Date;

use super::columns::{Cell, Column, Row};
use crate::clock::{self, DateStyle};
use crate::world::State;

pub(super) use read::parse;

/// What a row is judged against besides itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) state: &'a State,
    pub(super) style: DateStyle,
}

/// A condition on a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Is(Column, Operator, Vec<Literal>),
}

/// A value in a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Number(f64),
    Text(String),
    /// A bare word, such as `true`.
    Word(String),
}

/// What an operator asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Between,
    OneOf,
    NotOneOf,
    Begins,
    Contains,
    Ends,
    NotBegins,
    NotContains,
    BeforeDay,
    OnDay,
    AfterDay,
    UpToDay,
    BeforeTime,
    AfterTime,
    Today,
    CurrentAssociate,
}

impl Filter {
    /// Whether a row passes.
    pub(super) fn passes(&self, context: &Context<'_>, row: &Row<'_>) -> bool {
        match self {
            Self::All(parts) => parts.iter().all(|part| part.passes(context, row)),
            Self::Any(parts) => parts.iter().any(|part| part.passes(context, row)),
            Self::Is(column, operator, values) => {
                holds(context, &column.cell(context.state, row), *operator, values)
            }
        }
    }

    /// The primary key that all passing rows lie above, if the filter says so: key-set paging.
    pub(super) fn lower_bound(&self) -> Option<i64> {
        match self {
            Self::All(parts) => parts.iter().filter_map(Self::lower_bound).max(),
            Self::Is(column, Operator::Greater, values) if column.is_key() => match values.first() {
                #[expect(clippy::cast_possible_truncation, reason = "ids are far below 2^53")]
                Some(Literal::Number(number)) => Some(number.floor() as i64),
                _ => None,
            },
            Self::Any(_) | Self::Is(..) => None,
        }
    }

    /// Whether the filter looks at deletion itself.
    pub(super) fn mentions_deletion(&self) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(Self::mentions_deletion),
            Self::Is(column, ..) => column.is_deletion(),
        }
    }
}

fn holds(context: &Context<'_>, cell: &Cell, operator: Operator, values: &[Literal]) -> bool {
    use Operator as O;
    let Context { state, style } = context;
    let first = values.first();
    let text = || cell.text().to_lowercase();
    let value = || first.map_or_else(String::new, |value| value.text().to_lowercase());
    let order = |value: &Literal| order(cell, value, *style);
    let day = || match cell {
        Cell::Moment(moment) => moment.map(|moment| style.day(moment)),
        Cell::Day(day) => *day,
        _ => None,
    };
    let by_day = |test: &dyn Fn(Date, Date) -> bool| {
        let wanted = first.and_then(|value| clock::read_day(&value.text()));
        day().zip(wanted).is_some_and(|(day, wanted)| test(day, wanted))
    };
    let by_time = |test: &dyn Fn(jiff::Timestamp, jiff::Timestamp) -> bool| {
        let wanted = first.and_then(|value| style.read(&value.text()));
        matches!(cell, Cell::Moment(Some(moment)) if wanted.is_some_and(|wanted| test(*moment, wanted)))
    };
    match operator {
        O::Equal => first.is_some_and(|value| equal(cell, value, *style)),
        O::Unequal => first.is_some_and(|value| !equal(cell, value, *style)),
        O::Less => first.and_then(order).is_some_and(std::cmp::Ordering::is_lt),
        O::Greater => first.and_then(order).is_some_and(std::cmp::Ordering::is_gt),
        O::LessOrEqual => first.and_then(order).is_some_and(std::cmp::Ordering::is_le),
        O::GreaterOrEqual => first.and_then(order).is_some_and(std::cmp::Ordering::is_ge),
        O::Between => {
            first.and_then(order).is_some_and(std::cmp::Ordering::is_ge)
                && values.get(1).and_then(order).is_some_and(std::cmp::Ordering::is_le)
        }
        O::OneOf => values.iter().any(|value| equal(cell, value, *style)),
        O::NotOneOf => !values.iter().any(|value| equal(cell, value, *style)),
        O::Begins => text().starts_with(&value()),
        O::NotBegins => !text().starts_with(&value()),
        O::Contains => text().contains(&value()),
        O::NotContains => !text().contains(&value()),
        O::Ends => text().ends_with(&value()),
        O::BeforeDay => by_day(&|day, wanted| day < wanted),
        O::OnDay => by_day(&|day, wanted| day == wanted),
        O::AfterDay if state.policy.after_includes_the_day => by_day(&|day, wanted| day >= wanted),
        O::AfterDay => by_day(&|day, wanted| day > wanted),
        O::UpToDay => by_day(&|day, wanted| day <= wanted),
        O::BeforeTime => by_time(&|moment, wanted| moment < wanted),
        O::AfterTime => by_time(&|moment, wanted| moment >= wanted),
        O::Today => day() == Some(style.day(clock::now())),
        O::CurrentAssociate => matches!(cell, Cell::Choice(id, _) if *id == state.api_user()),
    }
}

impl Literal {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) | Self::Word(text) => text.clone(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) | Self::Word(text) => text.trim().parse().ok(),
        }
    }
}

fn equal(cell: &Cell, value: &Literal, style: DateStyle) -> bool {
    match cell {
        Cell::Choice(_, text) => match value {
            Literal::Number(_) => order(cell, value, style).is_some_and(std::cmp::Ordering::is_eq),
            other => text.to_lowercase() == other.text().to_lowercase(),
        },
        Cell::Flag(flag) => match value.text().to_ascii_lowercase().as_str() {
            "true" | "1" => *flag,
            _ => !*flag,
        },
        cell => order(cell, value, style).is_some_and(std::cmp::Ordering::is_eq),
    }
}

/// How a cell stands to a value; none when they cannot be compared.
fn order(cell: &Cell, value: &Literal, style: DateStyle) -> Option<std::cmp::Ordering> {
    match cell {
        #[expect(clippy::cast_precision_loss, reason = "ids are far below 2^53")]
        Cell::Int(number) | Cell::Choice(number, _) => (*number as f64).partial_cmp(&value.number()?),
        Cell::Real(number) => number.partial_cmp(&value.number()?),
        Cell::Moment(moment) => Some(style.day((*moment)?).cmp(&clock::read_day(&value.text())?)),
        Cell::Day(day) => Some((*day)?.cmp(&clock::read_day(&value.text())?)),
        Cell::Text(text) => Some(text.to_lowercase().cmp(&value.text().to_lowercase())),
        Cell::Flag(_) => None,
    }
}
