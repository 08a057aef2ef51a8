//! The sentences that made-up companies are built from, read once from two TOML files.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::story::Language;
use crate::story::verticals::VERTICALS;

/// What companies of one vertical say of themselves in one language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pattern {
    pub(crate) names: Vec<String>,
    pub(crate) claim: String,
    pub(crate) products: Vec<String>,
    pub(crate) customers: Vec<String>,
    pub(crate) patterns: Vec<String>,
}

/// The patterns of a language, in the order of [`VERTICALS`].
pub(crate) fn patterns(language: Language) -> &'static [Pattern] {
    match language {
        Language::De => &GERMAN,
        Language::En => &ENGLISH,
    }
}

static GERMAN: LazyLock<Vec<Pattern>> = LazyLock::new(|| read(include_str!("patterns_de.toml")));
static ENGLISH: LazyLock<Vec<Pattern>> = LazyLock::new(|| read(include_str!("patterns_en.toml")));

fn read(text: &str) -> Vec<Pattern> {
    let mut patterns: BTreeMap<String, Pattern> =
        toml::from_str(text).expect("the patterns are checked by tests");
    VERTICALS
        .iter()
        .map(|(vertical, _)| {
            patterns.remove(*vertical).expect("each vertical has patterns in both languages")
        })
        .collect()
}
