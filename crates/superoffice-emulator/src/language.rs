//! Texts in several languages, and the one that a call wants.
//!
//! A list item of SuperOffice's own is stored as `US:"Customer";GE:"Kunde"`, and a sentence of the program as `[SR_YES]`.
//! Without a language both are answered as they are stored; with `Accept-Language`, or `SO-Language` which overrides
//! it, they are resolved; `*` and `x` ask for no translation (docs.superoffice.com, "HTTP headers").

use serde_json::Value;

use crate::answer::{Answer, Call, Payload};

/// SuperOffice's codes of languages for those of ISO 639.
const CODES: &[(&str, &str)] = &[
    ("en", "US"),
    ("de", "GE"),
    ("no", "NO"),
    ("nb", "NO"),
    ("nn", "NO"),
    ("sv", "SW"),
    ("da", "DA"),
    ("nl", "NL"),
    ("fr", "FR"),
];

/// Sentences of the program that the emulator's answers have.
const SENTENCES: &[(&str, &str)] = &[
    ("[SR_YES]", r#"US:"Yes";GE:"Ja";NO:"Ja""#),
    ("[SR_NO]", r#"US:"No";GE:"Nein";NO:"Nei""#),
    ("[SR_MANDATORY_FIELD_1281]", r#"US:"This field is mandatory";GE:"Dieses Feld muss ausgefüllt werden""#),
];

/// The language that a call wants, by SuperOffice's code; none for texts as they are stored.
pub(crate) fn wanted(call: &Call) -> Option<String> {
    let header = call.header("so-language").or_else(|| call.header("accept-language"))?;
    let first = header.split([',', ';']).next()?.trim();
    if first.is_empty() || first == "*" || first.eq_ignore_ascii_case("x") {
        return None;
    }
    let word = first.split(['-', '_']).next()?.to_ascii_lowercase();
    let code = CODES.iter().find(|(iso, _)| *iso == word).map(|(_, code)| (*code).to_owned());
    Some(code.unwrap_or_else(|| word.to_ascii_uppercase()))
}

/// A text in several languages as it is stored.
pub(crate) fn stored(texts: &[(&str, &str)]) -> String {
    texts.iter().map(|(code, text)| format!("{code}:\"{text}\"")).collect::<Vec<_>>().join(";")
}

/// A stored text in a language, else in its first one. `None` when it is an ordinary text.
fn resolved(text: &str, language: &str) -> Option<String> {
    if let Some((_, sentence)) = SENTENCES.iter().find(|(name, _)| *name == text) {
        return resolved(sentence, language);
    }
    let mut first = None;
    for part in text.trim_end_matches(';').split("\";") {
        let (code, value) = part.split_once(":\"")?;
        if code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return None;
        }
        let value = value.trim_end_matches('"');
        if code == language {
            return Some(value.to_owned());
        }
        first = first.or(Some(value));
    }
    first.map(str::to_owned)
}

/// The same answer with every text in the language that the call wants.
pub(crate) fn translated(answer: Answer, call: &Call) -> Answer {
    let (Some(language), Payload::Whole(bytes)) = (wanted(call), &answer.body) else { return answer };
    // Most answers have nothing to translate, and lists are long.
    let has = |mark: &[u8]| bytes.windows(mark.len()).any(|window| window == mark);
    if !has(br#":\""#) && !has(b"[SR_") {
        return answer;
    }
    let Ok(mut body) = serde_json::from_slice(bytes) else { return answer };
    translate(&mut body, &language);
    Answer { body: Payload::Whole(body.to_string().into()), ..answer }
}

fn translate(value: &mut Value, language: &str) {
    match value {
        Value::String(text) => {
            if let Some(resolved) = resolved(text, language) {
                *text = resolved;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| translate(value, language)),
        Value::Object(object) => object.values_mut().for_each(|value| translate(value, language)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_resolved_in_its_language_or_its_first_one() {
        let text = stored(&[("US", "Customer"), ("GE", "Kunde")]);
        assert_eq!(text, r#"US:"Customer";GE:"Kunde""#);
        assert_eq!(resolved(&text, "GE").as_deref(), Some("Kunde"));
        assert_eq!(resolved(&text, "FR").as_deref(), Some("Customer"));
        assert_eq!(resolved(&format!("{text};"), "GE").as_deref(), Some("Kunde"));
        assert_eq!(resolved("[SR_NO]", "GE").as_deref(), Some("Nein"));
        for ordinary in ["", "Kunde", "AB: c", "Note:\"x\"", "[SR_OTHER]", "a;b"] {
            assert_eq!(resolved(ordinary, "GE"), None, "{ordinary}");
        }
    }
}
