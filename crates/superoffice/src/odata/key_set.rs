//! Paging by primary key: `contactId gt <last>`, ordered by it. SuperOffice computes each page from the first row on, so
//! skipping costs more with each page; a key costs the same each time, and rows that come or go meanwhile shift nothing.

use super::{Column, Filter, Query};
use crate::api::odata::Page;

/// A walk over all rows of a list, page by page.
///
/// The walk ends with an empty page. A short page does not end it, because the greatest `$top` is not documented and a
/// server may answer with fewer rows than were asked for.
#[derive(Debug, Clone)]
pub struct KeySet {
    query: Query,
    key: Column,
    last: i64,
}

/// The next page does not lie behind the last one: the server did not heed the filter or the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the rows after {0} do not come after it")]
pub struct Stuck(pub i64);

impl KeySet {
    /// Walks over the rows of `query`, ordered by `key`, `rows` at a time.
    pub fn new(query: Query, key: impl Into<Column>, rows: u32) -> Self {
        Self::after(query, key, rows, 0)
    }

    /// Takes up a walk behind the key `last`.
    pub fn after(query: Query, key: impl Into<Column>, rows: u32, last: i64) -> Self {
        let key = key.into();
        let query = Query { skip: None, ..query }.order_by(key.clone()).top(rows.max(1));
        Self { query, key, last }
    }

    /// The question for the next page.
    pub fn next(&self) -> Query {
        self.query.clone().filter(Filter::gt(self.key.clone(), self.last))
    }

    /// The key that the walk has come to.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// Takes note of a page. `Ok(false)` says that the walk is over.
    ///
    /// # Errors
    ///
    /// [`Stuck`] when the page does not lie behind the last one; to go on would be to go in circles.
    pub fn advance(&mut self, page: &Page) -> Result<bool, Stuck> {
        let keys = page.rows.iter().map(|row| row.primary_key);
        let Some(greatest) = keys.clone().max() else { return Ok(false) };
        if keys.min().is_some_and(|least| least <= self.last) {
            return Err(Stuck(self.last));
        }
        self.last = greatest;
        Ok(true)
    }
}
