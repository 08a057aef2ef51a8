//! A filter as a value. Whatever text goes into it, the filter that comes out has the same meaning: text is quoted and
//! escaped, and column names can be nothing but column names.

use std::fmt;

use jiff::civil::{Date, DateTime};

use super::Column;

/// A condition on the rows of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    Compare(Column, &'static str, Operand),
    All(Vec<Filter>),
    Any(Vec<Filter>),
    Typed(String),
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Number(i64),
    Text(String),
    Numbers(Vec<i64>),
}

impl Filter {
    /// The number in `column` is `number`.
    pub fn eq(column: impl Into<Column>, number: i64) -> Self {
        Self(Node::Compare(column.into(), "eq", Operand::Number(number)))
    }

    /// The number in `column` is greater than `number`.
    pub fn gt(column: impl Into<Column>, number: i64) -> Self {
        Self(Node::Compare(column.into(), "gt", Operand::Number(number)))
    }

    /// The number in `column` is one of `numbers`.
    ///
    /// `None` when there are none: SuperOffice has no filter that nothing passes, so the caller need not ask at all.
    pub fn is_in(column: impl Into<Column>, numbers: &[i64]) -> Option<Self> {
        let some = !numbers.is_empty();
        some.then(|| Self(Node::Compare(column.into(), "in", Operand::Numbers(numbers.to_vec()))))
    }

    /// The list value in `column` is one of these items.
    pub fn one_of(column: impl Into<Column>, items: &[i64]) -> Option<Self> {
        let some = !items.is_empty();
        some.then(|| Self(Node::Compare(column.into(), "oneOf", Operand::Numbers(items.to_vec()))))
    }

    /// The text in `column` is `text`.
    pub fn text_is(column: impl Into<Column>, text: &str) -> Self {
        Self(Node::Compare(column.into(), "is", Operand::Text(text.to_owned())))
    }

    /// The text in `column` contains `text`.
    pub fn contains(column: impl Into<Column>, text: &str) -> Self {
        Self(Node::Compare(column.into(), "contains", Operand::Text(text.to_owned())))
    }

    /// The text in `column` begins with `text`.
    pub fn begins(column: impl Into<Column>, text: &str) -> Self {
        Self(Node::Compare(column.into(), "begins", Operand::Text(text.to_owned())))
    }

    /// The date in `column` is after `day`. Only days count; the time in a row is not looked at.
    pub fn after(column: impl Into<Column>, day: Date) -> Self {
        Self(Node::Compare(column.into(), "after", Operand::Text(day.to_string())))
    }

    /// The date in `column` is before `day`. Only days count.
    pub fn before(column: impl Into<Column>, day: Date) -> Self {
        Self(Node::Compare(column.into(), "before", Operand::Text(day.to_string())))
    }

    /// The time in `column` is `time` or after; for columns with times, as in the dynamic archive.
    pub fn after_time(column: impl Into<Column>, time: DateTime) -> Self {
        let time = time.round(jiff::Unit::Second).unwrap_or(time);
        Self(Node::Compare(column.into(), "afterTime", Operand::Text(time.to_string())))
    }

    /// A filter as somebody typed it, in SuperOffice's own grammar. What is wrong with it SuperOffice says.
    pub fn typed(text: &str) -> Self {
        Self(Node::Typed(text.to_owned()))
    }

    /// This and the other.
    pub fn and(self, other: Self) -> Self {
        match self.0 {
            Node::All(mut all) => {
                all.push(other);
                Self(Node::All(all))
            }
            one => Self(Node::All(vec![Self(one), other])),
        }
    }

    /// This or the other.
    pub fn or(self, other: Self) -> Self {
        match self.0 {
            Node::Any(mut any) => {
                any.push(other);
                Self(Node::Any(any))
            }
            one => Self(Node::Any(vec![Self(one), other])),
        }
    }

    fn part(&self) -> String {
        match &self.0 {
            Node::Compare(..) => self.to_string(),
            Node::All(_) | Node::Any(_) | Node::Typed(_) => format!("({self})"),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |parts: &[Self], word: &str| parts.iter().map(Self::part).collect::<Vec<_>>().join(word);
        match &self.0 {
            Node::Compare(column, operator, operand) => write!(out, "{column} {operator} {operand}"),
            Node::All(parts) => out.write_str(&join(parts, " and ")),
            Node::Any(parts) => out.write_str(&join(parts, " or ")),
            Node::Typed(text) => out.write_str(text),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(out),
            Self::Text(text) => write!(out, "'{}'", text.replace('\\', r"\\").replace('\'', r"\'")),
            Self::Numbers(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
                write!(out, "({})", numbers.join(","))
            }
        }
    }
}
