//! What a person is to us: a role, derived from the job title and the position, German and English.
//!
//! Rules stand in an ordered list and the first hit wins. What no rule knows is `generic`; seniority is never guessed.

use serde::{Deserialize, Serialize};

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Persona(pub String);

impl Persona {
    /// The bucket for titles that no rule knows.
    pub fn generic() -> Self {
        Self("generic".into())
    }
}

/// One rule: any of the stems or whole words, unless one of the exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The role it leads to.
    pub persona: Persona,
    /// Beginnings of words, such as `einkauf`.
    #[serde(default)]
    pub any: Vec<String>,
    /// Whole words, such as `ceo`.
    #[serde(default)]
    pub word: Vec<String>,
    /// Beginnings of words that rule it out.
    #[serde(default)]
    pub unless: Vec<String>,
}

/// The ordered list of rules.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// First hit wins.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

impl Rules {
    /// Reads the rules from TOML.
    ///
    /// # Errors
    ///
    /// Says what is wrong and where; no rule is taken then.
    pub fn read(toml: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(toml)
    }

    /// The role of a person with this title; the position decides when the title says nothing.
    pub fn persona(&self, title: &str, position: &str) -> Persona {
        self.hit(title).or_else(|| self.hit(position)).unwrap_or_else(Persona::generic)
    }

    fn hit(&self, title: &str) -> Option<Persona> {
        let words = words(title);
        if words.is_empty() {
            return None;
        }
        self.rules.iter().find(|rule| rule.matches(&words)).map(|rule| rule.persona.clone())
    }
}

impl Rule {
    fn matches(&self, words: &[String]) -> bool {
        let begins = |stems: &[String]| {
            let stems: Vec<String> = stems.iter().map(|stem| folded(stem)).collect();
            stems.iter().any(|stem| phrase_begins(words, stem))
        };
        let is_word = self.word.iter().any(|word| words.contains(&folded(word)));
        (begins(&self.any) || is_word) && !begins(&self.unless)
    }
}

/// Whether a word begins with the stem; a stem of several words must follow one another.
fn phrase_begins(words: &[String], stem: &str) -> bool {
    let parts: Vec<&str> = stem.split_whitespace().collect();
    if parts.is_empty() {
        return false;
    }
    words.windows(parts.len()).any(|window| {
        let (last, firsts) = (parts.len() - 1, &parts[..parts.len() - 1]);
        firsts.iter().zip(window).all(|(part, word)| part == word) && window[last].starts_with(parts[last])
    })
}

/// The title's words in one spelling: lower case, without gender forms, umlauts written out.
fn words(title: &str) -> Vec<String> {
    let plain = title
        .to_lowercase()
        .replace("(m/w/d)", " ")
        .replace("(w/m/d)", " ")
        .replace("(f/m/x)", " ")
        .replace("(in)", "in")
        .replace("/-in", "in")
        .replace("/in", "in")
        .replace(['*', ':', '_'], "");
    plain.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(folded).collect()
}

fn folded(word: &str) -> String {
    word.to_lowercase().replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        Rules::read(
            r#"
            [[rule]]
            persona = "assistant"
            any = ["assisten", "sekret"]
            [[rule]]
            persona = "executive"
            any = ["geschäftsführ", "managing director"]
            word = ["ceo", "cfo"]
            [[rule]]
            persona = "purchasing"
            any = ["einkauf", "einkäufer"]
            unless = ["verkauf"]
            "#,
        )
        .unwrap()
    }

    fn persona(title: &str) -> String {
        rules().persona(title, "").0
    }

    #[test]
    fn the_first_rule_that_hits_decides() {
        assert_eq!(persona("Assistentin der Geschäftsführung"), "assistant");
        assert_eq!(persona("Geschäftsführer:in"), "executive");
        assert_eq!(persona("Geschaeftsfuehrer/-in (m/w/d)"), "executive");
    }

    #[test]
    fn phrases_and_whole_words_are_matched_as_such() {
        assert_eq!(persona("Managing Directors Office"), "executive");
        assert_eq!(persona("Director Managing"), "generic");
        assert_eq!(persona("CEO"), "executive");
        assert_eq!(persona("Ceophonist"), "generic");
    }

    #[test]
    fn exceptions_rule_out_and_the_unknown_is_generic() {
        assert_eq!(persona("Leiter Einkauf"), "purchasing");
        assert_eq!(persona("Einkauf und Verkauf"), "generic");
        assert_eq!(persona(""), "generic");
    }

    #[test]
    fn the_position_decides_when_the_title_says_nothing() {
        assert_eq!(rules().persona("Wanderer", "Leitung Einkauf").0, "purchasing");
    }
}
