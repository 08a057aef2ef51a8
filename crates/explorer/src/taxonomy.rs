//! The closed list of verticals with the words they are recognised by.
//!
//! The file is written by people, so it is checked when it is read: what is wrong is named, and nothing is guessed.
//! Finding the words in a text is the lexicon's work.

use std::collections::{BTreeMap, BTreeSet};

use connector_domain::profile::Language;
use connector_domain::text;
use connector_domain::vertical::{Vertical, VerticalId};
use serde::Deserialize;

pub(crate) mod lexicon;

use lexicon::Lexicon;

/// A label longer than this does not fit into a short text field of SuperOffice.
const LONGEST_LABEL: usize = 39;

/// The list of verticals, ready for use.
#[derive(Debug)]
pub struct Taxonomy {
    name: String,
    abstain: Abstain,
    entries: Vec<Entry>,
    lexicon: Lexicon,
}

/// Below these values no vertical is claimed.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Abstain {
    /// The weight of all words found for the best vertical.
    pub min_score: f64,
    /// How far the second lies behind, as a share of the best.
    pub min_margin: f64,
    /// How sure, from 0 to 1.
    pub min_confidence: f64,
}

/// Why a list of verticals cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TaxonomyError {
    /// It is not what the file should hold.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] toml::de::Error),
    /// It is of an edition that this program does not know.
    #[error("it has schema {0}, this program knows schema 1")]
    Schema(u32),
    /// Two entries have one id.
    #[error("\"{0}\" is in it twice")]
    Twice(String),
    /// An entry lacks something, or has too much.
    #[error("\"{id}\": {what}")]
    Entry {
        /// The entry.
        id: String,
        /// What is wrong.
        what: String,
    },
    /// There are too many terms for the search.
    #[error("the terms cannot be searched for: {0}")]
    Terms(String),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    schema: u32,
    id: String,
    version: String,
    abstain: Abstain,
    vertical: Vec<Entry>,
}

/// One vertical as it stands in the file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    id: String,
    label: BTreeMap<Language, String>,
    /// One sentence: what is in, what is out. For people, and for engines that can read.
    #[serde(default)]
    description: BTreeMap<Language, String>,
    #[serde(default)]
    crm_list_item: Option<String>,
    /// Divisions of the European classification, as a hint for people.
    #[serde(default)]
    #[expect(dead_code, reason = "read so that a wrong key is noticed; nothing decides by it")]
    nace: Vec<String>,
    strong: BTreeMap<Language, Vec<String>>,
    #[serde(default)]
    weak: BTreeMap<Language, Vec<String>>,
    #[serde(default)]
    not: BTreeMap<Language, Vec<String>>,
}

impl Taxonomy {
    /// Reads and checks the list.
    ///
    /// # Errors
    ///
    /// Names the first thing that is wrong; nothing is taken then.
    pub fn read(toml: &str) -> Result<Self, TaxonomyError> {
        let file: File = toml::from_str(toml)?;
        if file.schema != 1 {
            return Err(TaxonomyError::Schema(file.schema));
        }
        let mut seen = BTreeSet::new();
        for entry in &file.vertical {
            if !seen.insert(&entry.id) {
                return Err(TaxonomyError::Twice(entry.id.clone()));
            }
            entry.check()?;
        }
        let lexicon =
            Lexicon::new(&file.vertical).map_err(|error| TaxonomyError::Terms(error.to_string()))?;
        let name = format!("{}@{}", file.id, file.version);
        Ok(Self { name, abstain: file.abstain, entries: file.vertical, lexicon })
    }

    /// Name and edition, such as `dach-b2b@1`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When to say nothing.
    pub fn abstain(&self) -> Abstain {
        self.abstain
    }

    /// Whether there is such a vertical.
    pub fn knows(&self, id: &str) -> bool {
        self.entries.iter().any(|entry| entry.id == id)
    }

    /// The verticals, in the order of the file.
    pub fn verticals(&self) -> Vec<Vertical> {
        let vertical = |entry: &Entry| Vertical {
            id: VerticalId(entry.id.clone()),
            labels: entry.label.clone(),
            crm_list_item: entry.crm_list_item.clone(),
        };
        self.entries.iter().map(vertical).collect()
    }

    /// What is in a vertical and what is out, in one sentence.
    pub fn description(&self, id: &VerticalId, language: Language) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.id == id.0)?;
        entry.description.get(&language).map(String::as_str)
    }

    pub(crate) fn id(&self, index: usize) -> VerticalId {
        VerticalId(self.entries[index].id.clone())
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }
}

impl Entry {
    fn check(&self) -> Result<(), TaxonomyError> {
        let wrong = |what: String| Err(TaxonomyError::Entry { id: self.id.clone(), what });
        for language in [Language::De, Language::En] {
            let Some(label) = self.label.get(&language) else {
                return wrong(format!("the label in \"{}\" is missing", language.as_str()));
            };
            if text::units(label) > LONGEST_LABEL {
                return wrong(format!("the label \"{label}\" is longer than {LONGEST_LABEL}"));
            }
            if self.strong.get(&language).is_none_or(Vec::is_empty) {
                return wrong(format!("there are no strong terms in \"{}\"", language.as_str()));
            }
        }
        let strong: BTreeSet<String> = self.strong.values().flatten().map(|t| lexicon::folded(t)).collect();
        let in_both = self.not.values().flatten().find(|term| strong.contains(&lexicon::folded(term)));
        match in_both {
            Some(term) => wrong(format!("\"{term}\" speaks for it and against it")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = r#"
        schema = 1
        id = "t"
        version = "7"
        abstain = { min_score = 3.0, min_margin = 0.15, min_confidence = 0.6 }
        [[vertical]]
        id = "retail"
        label = { de = "Einzelhandel", en = "Retail" }
        strong.de = ["einzelhandel"]
        strong.en = ["retail"]
    "#;

    #[test]
    fn a_list_has_a_name_and_verticals() {
        let taxonomy = Taxonomy::read(ONE).unwrap();
        assert_eq!(taxonomy.name(), "t@7");
        assert!(taxonomy.knows("retail") && !taxonomy.knows("other"));
        assert_eq!(taxonomy.verticals()[0].labels[&Language::En], "Retail");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |from: &str, to: &str| Taxonomy::read(&ONE.replace(from, to)).unwrap_err().to_string();
        assert!(error("schema = 1", "schema = 2").contains("schema 2"));
        assert!(
            error("\"Einzelhandel\"", "\"Einzelhandel und noch viel mehr als das alles\"").contains("39")
        );
        assert!(error("strong.en = [\"retail\"]", "strong.en = []").contains("no strong terms"));
        assert!(error("strong.en", "stronk.en").contains("stronk"));
        assert!(
            error("strong.en = [\"retail\"]", "strong.en = [\"retail\"]\nnot.en = [\"Retail\"]")
                .contains("speaks for it")
        );
        let twice = format!(
            "{ONE}{}",
            ONE.split_once("[[vertical]]").map(|(_, v)| format!("[[vertical]]{v}")).unwrap()
        );
        assert!(Taxonomy::read(&twice).unwrap_err().to_string().contains("twice"));
    }
}
