//! The dashboard: pages for people, rendered here and complete without JavaScript.
//!
//! One page per file. Verdict first, then evidence, then action; words and shapes before colours. A page never changes
//! anything by being looked at.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod assets;
pub(crate) mod coverage;
mod elsewhere;
mod fault;
mod fields;
mod frame;
mod history;
pub(crate) mod job;
pub(crate) mod jobs;
mod link;
mod pill;
mod when;
mod words;

use askama::Template;
use axum::response::Html;

pub(crate) use self::elsewhere::elsewhere;
pub(crate) use self::fault::Fault;

type Page = Result<Html<String>, Fault>;

/// Renders a page.
fn page(template: &impl Template) -> Page {
    match template.render() {
        Ok(html) => Ok(Html(html)),
        Err(error) => Err(Fault::Internal(crate::incident::note(&error))),
    }
}
