//! The page that says why there is no page, and what to do next.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use connector_store::StoreError;
use http::StatusCode;
use http::header::{HeaderValue, RETRY_AFTER};

use super::frame::{Frame, Here};
use super::words::EN;
use crate::incident;
use crate::problem::Problem;

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) enum Fault {
    /// There is no such thing; what was looked for, in words.
    NotFound(String),
    /// The request makes no sense, or is refused.
    Refused(Box<Problem>),
    /// The database does not answer; the log knows more under this id.
    Unavailable(String),
    /// Something of ours is wrong; the log knows more under this id.
    Internal(String),
}

impl Fault {
    /// There is no page at this path.
    pub(crate) fn no_page(path: &str) -> Self {
        let short: String = path.chars().take(120).collect();
        Self::NotFound(format!("There is no page at {short}."))
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        if problem.status == StatusCode::NOT_FOUND {
            return Self::NotFound(problem.detail);
        }
        Self::Refused(Box::new(problem))
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        let incident = incident::note(&error);
        if error.is_passing() { Self::Unavailable(incident) } else { Self::Internal(incident) }
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage {
    frame: Frame,
    detail: String,
    incident: Option<String>,
    can_search: bool,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, title, detail, incident) = match self {
            Self::NotFound(what) => {
                (StatusCode::NOT_FOUND, EN.not_found, format!("{what} {}", EN.not_found_more), None)
            }
            Self::Refused(problem) => {
                let title =
                    if problem.status == StatusCode::FORBIDDEN { EN.forbidden } else { EN.bad_request };
                (problem.status, title, problem.detail, None)
            }
            Self::Unavailable(incident) => (
                StatusCode::SERVICE_UNAVAILABLE,
                EN.unavailable,
                EN.unavailable_more.to_owned(),
                Some(incident),
            ),
            Self::Internal(incident) => {
                (StatusCode::INTERNAL_SERVER_ERROR, EN.internal, EN.internal_more.to_owned(), Some(incident))
            }
        };
        let page = FaultPage {
            frame: Frame::bare(Here::Nowhere, title),
            detail,
            incident,
            can_search: status == StatusCode::NOT_FOUND,
        };
        // Should even this fail, the status still says it.
        let mut response = (status, Html(page.render().unwrap_or_default())).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
