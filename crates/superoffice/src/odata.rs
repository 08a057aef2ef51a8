//! Questions for lists: filters, columns, order and paging as values. SuperOffice's filters look like OData but are not:
//! a quote is escaped by a backslash, and `ge` and `le` are listed but fail, so neither is offered here
//! (docs.superoffice.com, "OData filters").

mod filter;
mod key_set;
mod query;

pub use filter::Filter;
pub use key_set::{KeySet, Stuck};
pub use query::{Column, Query};
