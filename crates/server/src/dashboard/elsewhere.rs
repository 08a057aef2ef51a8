//! The page for a browser that came by a foreign name. It stands alone: style and script would not be answered either.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::words::{EN, Words};
use crate::problem::Problem;

#[derive(Template)]
#[template(path = "elsewhere.html")]
struct ElsewherePage {
    w: &'static Words,
    detail: String,
}

/// Says by which address the pages are answered.
pub(crate) fn elsewhere(problem: Problem) -> Response {
    let page = ElsewherePage { w: &EN, detail: problem.detail };
    // Should even this fail, the status still says it.
    (problem.status, Html(page.render().unwrap_or_default())).into_response()
}
