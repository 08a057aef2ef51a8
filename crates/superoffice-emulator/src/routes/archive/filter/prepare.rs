//! From an operator and its values to a test that a row can be put to, by the type of the column.
//!
//! Whether an operator may be used on a type at all, and what a value of the wrong type does, is a switch.

use jiff::civil::Date;

use super::operator::{For, Operator};
use super::read::{Literal, Settings};
use super::{Likeness, Relation, Test, Wanted};
use crate::answer::Answer;
use crate::clock;
use crate::routes::archive::columns::Column;

/// Prepares a condition. Refuses an operator that the column's type does not have, and values of another type.
pub(super) fn condition(
    column: &Column,
    word: &str,
    (operator, takes): (Operator, For),
    values: &[Literal],
    settings: &Settings<'_>,
) -> Result<Test, Answer> {
    let kind = column.kind();
    if column.is_words() {
        let words = values.iter().flat_map(|value| {
            value.text().to_lowercase().split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        });
        return Ok(Test::Words(words.collect()));
    }
    if column.is_match() {
        let text = values.first().map(Literal::text).unwrap_or_default();
        return Ok(Test::Text(Likeness::Contains, text.to_lowercase()));
    }
    let strict = settings.policy.operators_by_type;
    if strict && !column.restricts() {
        return Err(Answer::bad(&format!("The column '{}' cannot be used in a filter", column.asked)));
    }
    if strict && !takes.takes(kind) {
        return Err(Answer::bad(&format!(
            "The operator '{word}' cannot be used on the column '{}' of type {}",
            column.asked,
            kind.restriction()
        )));
    }
    if operator == Operator::Between && values.len() != 2 {
        return Err(Answer::bad(&format!("The operator '{word}' takes two values")));
    }
    match test(column, operator, values, settings) {
        Some(test) => Ok(test),
        None if strict => Err(Answer::bad(&format!(
            "The value of '{word}' does not fit the column '{}' of type {}",
            column.asked,
            kind.restriction()
        ))),
        None => Ok(Test::Never),
    }
}

/// `None` when a value does not fit.
fn test(column: &Column, operator: Operator, values: &[Literal], settings: &Settings<'_>) -> Option<Test> {
    use Operator as O;
    let kind = column.kind();
    let first = values.first();
    let text = || first.map(|value| value.text().to_lowercase());
    Some(match operator {
        O::Equal => equal(column, first?, settings, Wanted::In)?,
        O::Unequal => equal(column, first?, settings, Wanted::Out)?,
        O::Less => ordered(column, Relation::Less, first?, settings)?,
        O::Greater => ordered(column, Relation::Greater, first?, settings)?,
        O::AtMost => ordered(column, Relation::AtMost, first?, settings)?,
        O::AtLeast => ordered(column, Relation::AtLeast, first?, settings)?,
        O::Between if kind.is_text() => Test::TextBetween(text()?, values.get(1)?.text().to_lowercase()),
        O::Between if kind.is_date() => Test::Days(Some(first?.day()?), Some(values.get(1)?.day()?)),
        O::Between => Test::NumberBetween(first?.number()?, values.get(1)?.number()?),
        O::OneOf => among(column, values, Wanted::In)?,
        O::NotOneOf => among(column, values, Wanted::Out)?,
        O::Set if kind == crate::routes::archive::kind::Kind::Flag => Test::Flag(first?.flag()?),
        O::Set => Test::Number(Relation::Equal, first?.number()?),
        O::Is => Test::Text(Likeness::Is, text()?),
        O::IsNot => Test::Text(Likeness::IsNot, text()?),
        O::Begins => Test::Text(Likeness::Begins, text()?),
        O::NotBegins => Test::Text(Likeness::NotBegins, text()?),
        O::Contains => Test::Text(Likeness::Contains, text()?),
        O::NotContains => Test::Text(Likeness::NotContains, text()?),
        O::Ends => Test::Text(Likeness::Ends, text()?),
        O::Before => Test::Days(None, Some(first?.day()?.yesterday().ok()?)),
        O::On => Test::Days(Some(first?.day()?), Some(first?.day()?)),
        O::After if settings.policy.after_includes_the_day => Test::Days(Some(first?.day()?), None),
        O::After => Test::Days(Some(first?.day()?.tomorrow().ok()?), None),
        O::UpTo => Test::Days(None, Some(first?.day()?)),
        O::AtTime => Test::Moment(Relation::Equal, settings.times().read(&first?.text())?),
        O::BeforeTime => Test::Moment(Relation::Less, settings.times().read(&first?.text())?),
        O::AfterTime => Test::Moment(Relation::AtLeast, settings.times().read(&first?.text())?),
        O::BeforeToday => Test::Days(None, Some(settings.today().yesterday().ok()?)),
        O::AfterToday => Test::Days(Some(settings.today().tomorrow().ok()?), None),
        O::During(period) => {
            let (from, to) = period.days(settings.today(), settings.policy.weeks_start_on_sunday)?;
            Test::Days(Some(from), Some(to))
        }
        #[expect(clippy::cast_precision_loss, reason = "ids are far below 2^53")]
        O::CurrentAssociate => Test::Number(Relation::Equal, settings.caller as f64),
    })
}

fn equal(column: &Column, value: &Literal, settings: &Settings<'_>, wanted: Wanted) -> Option<Test> {
    let kind = column.kind();
    let yes = wanted == Wanted::In;
    let relation = if yes { Relation::Equal } else { Relation::Unequal };
    if kind.is_text() {
        let likeness = if yes { Likeness::Is } else { Likeness::IsNot };
        return Some(Test::Text(likeness, value.text().to_lowercase()));
    }
    if kind.is_date() {
        return ordered(column, relation, value, settings);
    }
    if kind == crate::routes::archive::kind::Kind::Flag {
        return Some(Test::Flag(value.flag()? == yes));
    }
    Some(Test::Number(relation, value.number()?))
}

fn ordered(column: &Column, relation: Relation, value: &Literal, settings: &Settings<'_>) -> Option<Test> {
    let kind = column.kind();
    if kind == crate::routes::archive::kind::Kind::Time {
        return Some(Test::Moment(relation, settings.times().read(&value.text())?));
    }
    if !kind.is_date() {
        return Some(Test::Number(relation, value.number()?));
    }
    let day = value.day()?;
    Some(match relation {
        Relation::Equal | Relation::Unequal => Test::Days(Some(day), Some(day)),
        Relation::Less => Test::Days(None, Some(day.yesterday().ok()?)),
        Relation::AtMost => Test::Days(None, Some(day)),
        Relation::Greater => Test::Days(Some(day.tomorrow().ok()?), None),
        Relation::AtLeast => Test::Days(Some(day), None),
    })
}

fn among(column: &Column, values: &[Literal], wanted: Wanted) -> Option<Test> {
    if column.kind().is_text() {
        let mut all: Vec<String> = values.iter().map(|value| value.text().to_lowercase()).collect();
        all.sort_unstable();
        return Some(Test::Texts(all, wanted));
    }
    let mut all = values.iter().map(Literal::number).collect::<Option<Vec<f64>>>()?;
    all.sort_unstable_by(f64::total_cmp);
    Some(Test::Numbers(all, wanted))
}

impl Literal {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) | Self::Word(text) => text.clone(),
        }
    }

    /// A number, also quoted or encoded.
    fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) | Self::Word(text) => {
                let inner = text.strip_prefix("[I:").or_else(|| text.strip_prefix("[F:"));
                let inner = inner.and_then(|rest| rest.strip_suffix(']')).unwrap_or(text).trim();
                inner.parse().ok().filter(|number: &f64| number.is_finite())
            }
        }
    }

    fn flag(&self) -> Option<bool> {
        let text = self.text();
        let inner = text.strip_prefix("[B:").or_else(|| text.strip_prefix("[I:"));
        let inner = inner.and_then(|rest| rest.strip_suffix(']')).unwrap_or(&text);
        match inner.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    fn day(&self) -> Option<Date> {
        let text = self.text();
        let inner = text.strip_prefix("[D:").and_then(|rest| rest.strip_suffix(']')).unwrap_or(&text);
        clock::read_day(inner)
    }
}
