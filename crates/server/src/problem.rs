//! An error as programs read it: problem+json (RFC 9457), with a stable `code` and words that say what to do.
//!
//! What went wrong inside is logged once, under the incident's id, and never shown.

use axum::response::{IntoResponse, Response};
use connector_store::StoreError;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use serde_json::{Map, Value, json};

use crate::incident;

/// An error answer for a program.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    code: &'static str,
    pub(crate) detail: String,
    more: Map<String, Value>,
    retry_after: Option<u32>,
    closes: bool,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), more: Map::new(), retry_after: None, closes: false }
    }

    /// There is no such thing.
    pub(crate) fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no {what}."))
    }

    /// Adds a member that a program can read.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to come back.
    pub(crate) fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Ends the connection, because what is left on it is not worth reading.
    pub(crate) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let incident = incident::note(&error);
        if error.is_passing() {
            Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "The database does not answer just now. Nothing is lost; try again in a moment.",
            )
            .retry_after(1)
            .with("incident", incident)
        } else {
            Self::internal(&incident)
        }
    }
}

impl Problem {
    /// Something of ours is wrong; the log knows what, under this id.
    pub(crate) fn internal(incident: &str) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            format!("Something went wrong. Look for {incident} in the log."),
        )
        .with("incident", incident)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut members = self.more;
        members.insert("type".into(), json!("about:blank"));
        members.insert("title".into(), json!(self.status.canonical_reason().unwrap_or("Error")));
        members.insert("status".into(), json!(self.status.as_u16()));
        members.insert("code".into(), json!(self.code));
        members.insert("detail".into(), json!(self.detail));
        let mut response = (self.status, Value::Object(members).to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.closes {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
