//! What failures of one cause have in common: the stage, and the words without what belongs to one record.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text;

/// How far an attempt at a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The record is read.
    Fetch,
    /// The rules are asked.
    Filter,
    /// The company is explored.
    Explore,
    /// The fields are written.
    WriteBack,
}

impl Stage {
    /// The word in steps, and before a fingerprint.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Filter => "filter",
            Self::Explore => "explore",
            Self::WriteBack => "write_back",
        }
    }
}

/// The same for failures of the same stage and cause: `write_back-9c1185a5c5e9fc54`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// Of a failure at a stage, told in these words. Numbers, and words with numbers in them, make no difference.
    pub fn of(stage: Stage, words: &str) -> Self {
        Self(format!("{}-{:016x}", stage.as_str(), text::print_of(&cause(words))))
    }

    /// Of jobs whose worker died while at them.
    pub fn of_crashes() -> Self {
        Self(format!("crash-{:016x}", text::print_of("its worker died")))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The words of a failure without what belongs to one record: whatever holds a digit, unless it is a status.
fn cause(words: &str) -> String {
    let mut cause = String::new();
    let mut before = "";
    for word in
        words.split(|c: char| c.is_whitespace() || "\"'(),;".contains(c)).filter(|word| !word.is_empty())
    {
        let bare = word.trim_end_matches([':', '.']);
        let is_status = before.eq_ignore_ascii_case("status") && bare.len() == 3;
        let holds_digit = bare.chars().any(|c| c.is_ascii_digit());
        cause.push(' ');
        cause.push_str(if holds_digit && !is_status { "#" } else { bare });
        before = bare;
    }
    cause.to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(words: &str) -> Fingerprint {
        Fingerprint::of(Stage::WriteBack, words)
    }

    #[test]
    fn numbers_and_ids_make_no_difference() {
        assert_eq!(of("contact 18 was refused"), of("contact 4711 was refused"));
        assert_eq!(of("field SuperOffice:1 is locked"), of("field SuperOffice:12 is locked"));
        assert_eq!(
            of("event 88f91933-edce-4c1a-8ded-ade8e2f72434 broke"),
            of("event 4b5ce038-aaaa-4c1a-8ded-000000000000 broke")
        );
    }

    #[test]
    fn stage_status_and_words_do() {
        assert_ne!(of("it broke"), Fingerprint::of(Stage::Fetch, "it broke"));
        assert_ne!(of("refused with status 500: no"), of("refused with status 403: no"));
        assert_ne!(of("it broke"), of("it bent"));
    }

    #[test]
    fn a_fingerprint_is_the_same_in_every_version() {
        assert_eq!(of("refused with status 500: no message").0, "write_back-1b6e2ab6b16537f4");
    }

    proptest! {
        #[test]
        fn whatever_the_number_the_cause_is_the_same(one: u64, other: u64) {
            prop_assert_eq!(of(&format!("person {one} is gone")), of(&format!("person {other} is gone")));
        }
    }
}
