//! The API's records and requests, one endpoint family to a file: path, request, answer. The types have the vendor's
//! shape exactly, PascalCase and all, because client and emulator share them; reading tolerantly is [`crate::json`]'s
//! work, sending is the client's.

mod common;
mod text_enum;

pub mod archive;
pub mod associate;
pub mod contact;
pub mod error;
pub mod list;
pub mod odata;
pub mod person;
pub mod state;
pub mod system_user;
pub mod token;
pub mod udef;
pub mod user;
pub mod version;
pub mod webhook;

pub use common::{EntityElement, FieldProperties, FieldProperty, FieldRight, Links, ListValue, TableRight};

use http::Method;
use serde::Serialize;

use crate::patch::Patch;

/// One request below a tenant's API address, such as `GET v1/Contact/18`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path with its variables still open, for counting: `v1/Contact/{id}`.
    pub route: &'static str,
    /// The path, below `https://host/Cust12345/api/`.
    pub path: String,
    /// Query parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// The body.
    pub body: Option<Vec<u8>>,
    /// What the body is.
    pub content_type: &'static str,
    /// Whether it only reads, so that sending it twice does no harm. Each `GET` does.
    pub reads: bool,
}

impl Request {
    /// A request without query and body, to a path without variables.
    pub fn to(method: Method, route: &'static str) -> Self {
        let reads = method == Method::GET;
        Self {
            method,
            route,
            path: route.to_owned(),
            query: Vec::new(),
            body: None,
            content_type: "application/json",
            reads,
        }
    }

    /// A `GET` of `route`, with `{id}` (or whatever the one variable is called) filled in.
    pub fn get(route: &'static str, variable: &str) -> Self {
        Self::to(Method::GET, route).fill(variable)
    }

    /// Fills in the route's first variable that is still open. The value is encoded as one segment of a path.
    pub fn fill(mut self, variable: &str) -> Self {
        if let (Some(start), Some(end)) = (self.path.find('{'), self.path.find('}')) {
            self.path.replace_range(start..=end, &segment(variable));
        }
        self
    }

    /// Says that it only reads, whatever its method.
    pub fn reading(mut self) -> Self {
        self.reads = true;
        self
    }

    /// Adds a query parameter.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a body.
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body =
            Some(serde_json::to_vec(body).expect("our own records have text keys and no failing parts"));
        self
    }

    /// Adds a body of form fields.
    pub fn form(mut self, fields: &[(String, String)]) -> Self {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.body = Some(body.finish().into_bytes());
        self.content_type = "application/x-www-form-urlencoded";
        self
    }

    /// Changes parts of a record. `application/json`, as in the vendor's samples.
    pub fn patch(route: &'static str, id: i64, patch: &Patch) -> Self {
        Self::to(Method::PATCH, route).fill(&id.to_string()).json(patch)
    }
}

fn hex(digit: u8) -> char {
    char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase()
}

/// Encodes a text as one segment of a path: nothing in it can start another segment or a query.
fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        // Colons stay: `SuperOffice:1` and `archiveColumns:contact` are written so in the vendor's pages.
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b':') {
            encoded.push(char::from(byte));
        } else if byte == b'.' && !text.trim_matches('.').is_empty() {
            encoded.push('.');
        } else {
            encoded.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_cannot_leave_its_segment() {
        let path = |name: &str| Request::get(list::ITEMS, name).path;
        assert_eq!(path("udlist98"), "v1/MDOList/udlist98");
        assert_eq!(path("../Contact/1?x=#"), "v1/MDOList/..%2FContact%2F1%3Fx%3D%23");
        assert_eq!(path(".."), "v1/MDOList/%2E%2E");
        assert_eq!(path("{x}"), "v1/MDOList/%7Bx%7D");
    }
}
