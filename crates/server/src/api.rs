//! JSON for scripts, under `/api/v1`. The names in it are a contract: they are added to, never renamed.
//!
//! Each file holds the shapes of one thing and its handlers; a list is always `items`, `next` and `as_of`.

pub(crate) mod accounts;
pub(crate) mod coverage;
pub(crate) mod events;
pub(crate) mod failures;
pub(crate) mod fields;
pub(crate) mod jobs;
pub(crate) mod status;
pub(crate) mod sweep;

use axum::Json;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::StatusCode;
use connector_store::page::Page;
use jiff::Timestamp;
use serde::Serialize;

use crate::problem::Problem;

/// What a list is without `limit`.
pub(crate) const USUAL: usize = 100;

pub(crate) type Answer<T> = Result<Json<T>, Problem>;

/// A list, one page of it.
#[derive(Debug, Serialize)]
pub(crate) struct List<T> {
    items: Vec<T>,
    next: Option<String>,
    as_of: Timestamp,
}

impl<T> List<T> {
    fn of<R>(page: Page<R>, as_of: Timestamp, each: impl FnMut(R) -> T) -> Json<Self> {
        Json(Self { items: page.items.into_iter().map(each).collect(), next: page.next, as_of })
    }
}

/// The last part of a path, if that is text at all.
pub(crate) type Named = Result<Path<String>, PathRejection>;

/// Reads an id from a path. What is not a number names nothing.
pub(crate) fn id(what: &str, named: Named) -> Result<i64, Problem> {
    let Ok(Path(text)) = named else {
        return Err(Problem::not_found(format_args!("{what} at this address")));
    };
    text.parse().map_err(|_| {
        let short: String = text.chars().take(40).collect();
        Problem::new(StatusCode::NOT_FOUND, "not_found", format!("There is no {what} {short}."))
    })
}
