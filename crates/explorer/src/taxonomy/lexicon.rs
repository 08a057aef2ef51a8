//! Finds the words of all verticals in a text, in one pass.
//!
//! German terms match at the beginning of a word and are open to the right, because the language builds words that
//! way; short terms and English ones are whole words. Umlauts and hyphens make no difference.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, BuildError};
use connector_domain::profile::Language;

use super::Entry;

/// German terms of at most this many letters are whole words.
const SHORT: usize = 4;

/// The words of all verticals.
#[derive(Debug)]
pub(crate) struct Lexicon {
    automaton: AhoCorasick,
    terms: Vec<Term>,
}

/// One word or phrase.
#[derive(Debug, Default)]
pub(crate) struct Term {
    /// The languages that it belongs to.
    german: bool,
    english: bool,
    whole_word: bool,
    /// What it says of which vertical.
    pub(crate) says: Vec<(usize, Strength)>,
}

/// What a term says of a vertical.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    /// It is one.
    Strong,
    /// It may be one.
    Weak,
    /// It is another thing that merely looks alike.
    Against,
}

impl Lexicon {
    pub(super) fn new(entries: &[Entry]) -> Result<Self, BuildError> {
        let mut terms: BTreeMap<String, Term> = BTreeMap::new();
        for (index, entry) in entries.iter().enumerate() {
            let lists = [
                (&entry.strong, Strength::Strong),
                (&entry.weak, Strength::Weak),
                (&entry.not, Strength::Against),
            ];
            for (list, strength) in lists {
                for (language, words) in list {
                    for word in words {
                        let term = terms.entry(folded(word)).or_default();
                        term.add(*language, index, strength);
                    }
                }
            }
        }
        for (word, term) in &mut terms {
            term.whole_word = !term.german || word.len() <= SHORT;
        }
        let automaton = AhoCorasick::new(terms.keys())?;
        Ok(Self { automaton, terms: terms.into_values().collect() })
    }

    /// The terms in a text, by number, in the order of their appearance. `text` must be folded.
    ///
    /// German terms count in German text alone; English ones in both, because Germans use them.
    pub(crate) fn find(&self, text: &str, language: Language) -> Vec<usize> {
        self.find_at(text, language).into_iter().map(|(_, number)| number).collect()
    }

    /// The same with where each term begins.
    pub(crate) fn find_at(&self, text: &str, language: Language) -> Vec<(usize, usize)> {
        let mut hits: Vec<(usize, usize, usize)> = self
            .automaton
            .find_overlapping_iter(text)
            .map(|hit| (hit.start(), hit.end(), hit.pattern().as_usize()))
            .filter(|&(start, end, number)| self.terms[number].fits(text, start, end, language))
            .collect();
        // Of terms that begin together the longest, and none inside another.
        hits.sort_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
        let mut free = 0;
        hits.retain(|&(start, end, _)| {
            let fits = start >= free;
            free = if fits { end } else { free };
            fits
        });
        hits.into_iter().map(|(start, _, number)| (start, number)).collect()
    }

    pub(crate) fn term(&self, number: usize) -> &Term {
        &self.terms[number]
    }
}

impl Term {
    fn add(&mut self, language: Language, vertical: usize, strength: Strength) {
        match language {
            Language::De => self.german = true,
            Language::En => self.english = true,
        }
        if !self.says.contains(&(vertical, strength)) {
            self.says.push((vertical, strength));
        }
    }

    fn fits(&self, text: &str, start: usize, end: usize, language: Language) -> bool {
        let spoken = self.english || language == Language::De;
        let begins_word = !text[..start].ends_with(char::is_alphanumeric);
        spoken && begins_word && (self.is_open(language) || ends_word(&text[end..]))
    }

    fn is_open(&self, language: Language) -> bool {
        !self.whole_word && language == Language::De
    }
}

/// Whether a word ends here, a plural's `s` aside.
fn ends_word(rest: &str) -> bool {
    let after = rest.strip_prefix('s').unwrap_or(rest);
    !after.starts_with(char::is_alphanumeric)
}

/// A text in the one spelling that terms are compared in: lower case, umlauts written out, hyphens as spaces.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => out.push_str("ae"),
            'ö' => out.push_str("oe"),
            'ü' => out.push_str("ue"),
            'ß' => out.push_str("ss"),
            c if c.is_whitespace() || matches!(c, '-' | '‐' | '‑' | '–') => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::taxonomy::Taxonomy;

    fn found(text: &str, language: Language) -> usize {
        let taxonomy = Taxonomy::read(
            r#"
            schema = 1
            id = "t"
            version = "1"
            abstain = { min_score = 3.0, min_margin = 0.15, min_confidence = 0.6 }
            [[vertical]]
            id = "construction"
            label = { de = "Bau", en = "Construction" }
            strong.de = ["bau", "heizung", "türen und tore"]
            strong.en = ["building contractor", "api"]
            "#,
        )
        .unwrap();
        taxonomy.lexicon().find(&folded(text), language).len()
    }

    #[test]
    fn german_terms_begin_a_word_and_are_open_to_the_right() {
        assert_eq!(found("Heizungsersatz", Language::De), 1);
        assert_eq!(found("Fußbodenheizung", Language::De), 0);
        assert_eq!(found("Tueren-und Tore", Language::De), 1);
    }

    #[test]
    fn short_and_english_terms_are_whole_words() {
        assert_eq!(found("Bau", Language::De), 1);
        assert_eq!(found("Bauer, Hochbau", Language::De), 0);
        assert_eq!(found("Building contractors, rapid, apis", Language::En), 2);
    }

    #[test]
    fn german_terms_do_not_count_in_english_text() {
        assert_eq!(found("Heizung", Language::En), 0);
        assert_eq!(found("unsere API", Language::De), 1);
    }
}
