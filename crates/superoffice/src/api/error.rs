//! The body of a refusal. The documents and the official client disagree on the key of the text, a proxy may answer
//! with anything, so a message is looked for in that order and cut short.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::json::{self, Record};

/// A message is cut here; what is behind it helps nobody.
const LONGEST: usize = 300;
/// So much of a body that is no JSON is looked at.
const MOST: usize = 64 * 1024;

/// What SuperOffice answers to a request that it refuses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ErrorBody {
    /// Always true.
    pub error: bool,
    /// The exception: `SoNotFoundException`, `ArgumentException`.
    pub error_type: String,
    /// In words.
    pub error_message: String,
    /// The part of SuperOffice that says so.
    pub error_source: String,
}

impl ErrorBody {
    /// A body as SuperOffice answers it.
    pub fn new(error_type: &str, message: impl Into<String>) -> Self {
        Self {
            error: true,
            error_type: error_type.to_owned(),
            error_message: message.into(),
            error_source: "SuperOffice.Services.Implementation".to_owned(),
        }
    }
}

impl Record for ErrorBody {
    const KEY: &'static str = "Error";
}

/// Finds the message in the body of a refusal, on one line and cut short. A web page has none.
pub fn message(body: &[u8]) -> Option<String> {
    full_message(body).map(|text| cut(&text))
}

/// Cuts a message short.
pub(crate) fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// The same before it is cut, for whoever has to take something out of it first: half a secret would not be found.
pub(crate) fn full_message(body: &[u8]) -> Option<String> {
    match json::value(body) {
        Ok(Value::Object(object)) => {
            ["ErrorMessage", "Message", "MessageDetail", "error_description", "error"]
                .iter()
                .find_map(|key| json::get(&object, key).and_then(Value::as_str).and_then(one_line))
        }
        Ok(Value::String(text)) => one_line(&text),
        Ok(_) | Err(json::ReadError::Html) => None,
        Err(_) => one_line(&String::from_utf8_lossy(&body[..body.len().min(MOST)])),
    }
}

fn one_line(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_is_found_in_every_documented_body() {
        let text = |body: &str| message(body.as_bytes());
        assert_eq!(
            text(r#"{"Error":true,"ErrorMessage":"Contact id 9 not found"}"#).unwrap(),
            "Contact id 9 not found"
        );
        assert_eq!(text(r#"{"Error":true,"Message":"must be secure"}"#).unwrap(), "must be secure");
        assert_eq!(text(r#"{"MessageDetail":"a null entry"}"#).unwrap(), "a null entry");
        assert_eq!(text("Wrong subdomain\r\nused").unwrap(), "Wrong subdomain used");
        assert_eq!(text(""), None);
        assert_eq!(text("<html><body>Sign in</body></html>"), None);
        assert_eq!(text(&"x".repeat(5000)).unwrap().len(), LONGEST);
    }
}
