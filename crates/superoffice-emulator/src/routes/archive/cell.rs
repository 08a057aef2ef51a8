//! The value of one column in one row, and the ways it is written: as people see it, raw, or encoded.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use crate::clock::DateStyle;

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Int(i64),
    Real(f64),
    Text(String),
    Flag(bool),
    Moment(Option<Timestamp>),
    Day(Option<Date>),
    /// An associate or a list item: shown as text, compared by id.
    Choice(i64, String),
}

impl Cell {
    /// Slim rows: what a person would see.
    pub(super) fn shown(&self, style: DateStyle) -> Value {
        match self {
            Self::Int(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Text(text) | Self::Choice(_, text) => text.clone().into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Moment(moment) => style.write_opt(*moment).into(),
            Self::Day(day) => {
                day.map_or_else(|| crate::clock::NO_DATE.to_owned(), |day| format!("{day}T00:00:00")).into()
            }
        }
    }

    /// Full rows: ids where slim rows have texts.
    pub(super) fn raw(&self, style: DateStyle) -> Value {
        match self {
            Self::Choice(id, _) => (*id).into(),
            other => other.shown(style),
        }
    }

    /// What the agents answer: encoded, texts as they are (docs.superoffice.com, "Encoded values").
    pub(super) fn encoded(&self, style: DateStyle) -> String {
        match self {
            Self::Int(number) => format!("[I:{number}]"),
            Self::Real(number) => format!("[F:{number}]"),
            Self::Flag(flag) => format!("[B:{}]", u8::from(*flag)),
            Self::Moment(moment) => match moment {
                Some(moment) => {
                    format!("[DT:{}.0000000]", style.local(*moment).strftime("%m/%d/%Y %H:%M:%S"))
                }
                None => "[DT:01/01/0001 00:00:00.0000000]".to_owned(),
            },
            Self::Day(day) => match day {
                Some(day) => format!("[D:{} 00:00:00.0000000]", day.strftime("%m/%d/%Y")),
                None => "[D:01/01/0001 00:00:00.0000000]".to_owned(),
            },
            Self::Text(text) | Self::Choice(_, text) => text.clone(),
        }
    }

    /// The text that text operators look at.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Choice(_, text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Moment(moment) => moment.map(|moment| moment.to_string()).unwrap_or_default(),
            Self::Day(day) => day.map(|day| day.to_string()).unwrap_or_default(),
        }
    }

    /// The number that number operators look at.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "ids are far below 2^53")]
            Self::Int(number) | Self::Choice(number, _) => Some(*number as f64),
            Self::Real(number) => Some(*number),
            _ => None,
        }
    }

    /// What a sort compares: texts without regard to case, so made once for each row.
    pub(super) fn sort_key(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text.to_lowercase()),
            Self::Choice(id, text) => Self::Choice(id, text.to_lowercase()),
            other => other,
        }
    }

    /// How two sort keys of one column stand.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int(one), Self::Int(other)) => one.cmp(other),
            (Self::Real(one), Self::Real(other)) => one.total_cmp(other),
            (Self::Moment(one), Self::Moment(other)) => one.cmp(other),
            (Self::Day(one), Self::Day(other)) => one.cmp(other),
            (Self::Flag(one), Self::Flag(other)) => one.cmp(other),
            (Self::Text(one) | Self::Choice(_, one), Self::Text(other) | Self::Choice(_, other)) => {
                one.cmp(other)
            }
            (one, other) => one.text().cmp(&other.text()),
        }
    }
}
