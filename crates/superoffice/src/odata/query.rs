//! A question for a list: columns, filter, order, and which part of the answer.

use std::fmt;

use super::Filter;
use crate::api::udef::Owner;

/// A column's name. It comes from the program's text, or was checked to be nothing but a name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Column(String);

impl Column {
    /// The column of a user-defined field: `contactUdef/SuperOffice:1`.
    ///
    /// `None` when the prog-id has letters that could end the name, which no filter could be written for.
    pub fn udf(owner: Owner, prog_id: &str) -> Option<Self> {
        let table = match owner {
            Owner::Contact => "contactUdef",
            Owner::Person => "personUdef",
        };
        Self::checked(&format!("{table}/{prog_id}"))
    }

    /// A column by a name that is not part of the program.
    pub fn checked(name: &str) -> Option<Self> {
        let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | ':' | '/' | '.');
        (!name.is_empty() && name.chars().all(plain)).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for Column {
    fn from(name: &'static str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for Column {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// A question for a list.
///
/// Give it a `top` and order it by the primary key: without them SuperOffice computes everything, and what its own
/// default is, is not documented.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// The columns; SuperOffice chooses when there are none.
    pub select: Vec<Column>,
    /// Which rows.
    pub filter: Option<Filter>,
    /// The column to order by.
    pub order_by: Option<Column>,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// How many rows.
    pub top: Option<u32>,
    /// How many rows to leave out first.
    pub skip: Option<u32>,
}

impl Query {
    /// Asks for these columns.
    pub fn select<C: Into<Column>>(columns: impl IntoIterator<Item = C>) -> Self {
        Self { select: columns.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Only rows that pass `filter`, and every filter given before.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(match self.filter {
            Some(before) => before.and(filter),
            None => filter,
        });
        self
    }

    /// Ordered by `column`.
    pub fn order_by(mut self, column: impl Into<Column>) -> Self {
        self.order_by = Some(column.into());
        self
    }

    /// The greatest first.
    pub fn descending(mut self) -> Self {
        self.descending = true;
        self
    }

    /// At most `rows` rows.
    pub fn top(mut self, rows: u32) -> Self {
        self.top = Some(rows);
        self
    }

    /// Without the first `rows` rows.
    pub fn skip(mut self, rows: u32) -> Self {
        self.skip = Some(rows);
        self
    }

    /// The query parameters, not yet encoded.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let select: Vec<&str> = self.select.iter().map(Column::as_str).collect();
        let order =
            |column: &Column| if self.descending { format!("{column} desc") } else { column.to_string() };
        let parameters = [
            ("$select", Some(select.join(",")).filter(|columns| !columns.is_empty())),
            ("$filter", self.filter.as_ref().map(Filter::to_string)),
            ("$orderby", self.order_by.as_ref().map(order)),
            ("$top", self.top.map(|rows| rows.to_string())),
            ("$skip", self.skip.map(|rows| rows.to_string())),
        ];
        parameters
            .into_iter()
            .filter_map(|(name, value)| value.map(|value| (name.to_owned(), value)))
            .collect()
    }
}
