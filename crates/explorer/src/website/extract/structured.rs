//! Descriptions of the company in structured data (JSON-LD), as schema.org describes organisations.

use serde_json::Value;

/// More is not read; a company's own description is short.
const MAX_BYTES: usize = 64 * 1024;
const MAX_TEXTS: usize = 4;

/// The descriptions of organisations in a JSON-LD script.
pub(super) fn descriptions(json: &str) -> Vec<String> {
    if json.len() > MAX_BYTES {
        return Vec::new();
    }
    let Ok(value) = serde_json::from_str::<Value>(json.trim()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    collect(&value, &mut found);
    found.truncate(MAX_TEXTS);
    found
}

fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().take(50).for_each(|value| collect(value, found)),
        Value::Object(object) => {
            if let Some(graph) = object.get("@graph") {
                collect(graph, found);
            }
            let kind = object.get("@type").map(Value::to_string).unwrap_or_default();
            let is_page =
                ["WebPage", "WebSite", "Article", "Product", "Breadcrumb", "Person", "Review", "Event"]
                    .iter()
                    .any(|other| kind.contains(other));
            if !kind.is_empty()
                && !is_page
                && let Some(Value::String(text)) = object.get("description")
            {
                found.push(text.clone());
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisations_are_described_and_pages_are_not() {
        let json = r#"{"@context":"https://schema.org","@graph":[
            {"@type":"WebPage","description":"Startseite"},
            {"@type":["Organization","LocalBusiness"],"name":"F","description":"Wir fertigen Pumpen."}]}"#;
        assert_eq!(descriptions(json), ["Wir fertigen Pumpen."]);
    }

    #[test]
    fn nonsense_is_nothing() {
        assert!(descriptions("{").is_empty());
        assert!(descriptions(&"[".repeat(60_000)).is_empty());
    }
}
