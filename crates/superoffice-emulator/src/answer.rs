//! A request as the routes see it, and the answer that they give: plain values, without a word of HTTP plumbing.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::world::policy::ErrorKey;

/// A request, with its query in lower-case names.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Host as the client named it, with port.
    pub(crate) host: String,
    /// Path, percent-encoded as it came.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The application that the credentials belong to; empty until they were checked.
    pub(crate) application: String,
}

impl Call {
    /// A query parameter; the name's case does not matter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as JSON; an empty one or `null` is no body.
    pub(crate) fn json(&self) -> Result<Option<Value>, Answer> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Null) => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(Answer::bad(&format!("The request body is not JSON: {error}"))),
        }
    }

    /// The fields of the query and of a form body together.
    pub(crate) fn fields(&self) -> Vec<(String, String)> {
        let mut fields = self.query.clone();
        fields.extend(url::form_urlencoded::parse(&self.body).into_owned());
        fields
    }
}

/// What an answer carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    /// All of it.
    Whole(Bytes),
    /// Half of it, then the connection breaks.
    Broken(Bytes),
    /// JSON of about so many bytes.
    Huge(usize),
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Payload,
}

impl Answer {
    /// JSON with status 200.
    pub(crate) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }

    /// JSON.
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::page(status, "application/json; charset=utf-8", body.to_string())
    }

    /// Any text.
    pub(crate) fn page(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, body: Payload::Whole(body.into()) }
    }

    /// 204.
    pub(crate) fn nothing() -> Self {
        Self { status: 204, headers: Vec::new(), body: Payload::Whole(Bytes::new()) }
    }

    /// The vendor's error body (docs.superoffice.com, "REST web API").
    pub(crate) fn problem(status: u16, error_type: &str, message: &str) -> Self {
        let body = json!({"Error": true, "ErrorType": error_type, "ErrorMessage": message,
                          "ErrorSource": "SuperOffice.Services.Implementation"});
        Self::json(status, &body)
    }

    /// 400 with the vendor's other spelling of the message, as recorded for refused arguments.
    pub(crate) fn bad(message: &str) -> Self {
        let body = json!({"Error": true, "ErrorType": "ArgumentException", "Message": message,
                          "ErrorSource": "SuperOffice.Services.Implementation"});
        Self::json(400, &body)
    }

    /// 404 in the vendor's words.
    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Self::problem(404, "SoNotFoundException", &format!("{what} id {id} not found"))
    }

    /// The same refusal with its sentence under the key that the switch asks for.
    pub(crate) fn spelled(self, key: ErrorKey) -> Self {
        let wanted = match key {
            ErrorKey::Mixed => return self,
            ErrorKey::ErrorMessage => "ErrorMessage",
            ErrorKey::Message => "Message",
        };
        let Payload::Whole(bytes) = &self.body else { return self };
        let Ok(Value::Object(mut body)) = serde_json::from_slice(bytes) else { return self };
        if !body.contains_key("ErrorType") {
            return self;
        }
        if let Some(message) = body.remove("Message").or_else(|| body.remove("ErrorMessage")) {
            body.insert(wanted.to_owned(), message);
        }
        Self { body: Payload::Whole(Value::Object(body).to_string().into()), ..self }
    }

    /// The same answer with another status.
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// The same answer with another header.
    pub(crate) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Undoes percent-encoding.
pub(crate) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            plain.push(byte);
            at += 3;
        } else {
            plain.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
