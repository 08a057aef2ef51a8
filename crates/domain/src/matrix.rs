//! The reviewed texts for persons: persona × vertical → bridge, social proof and subject, in each language.
//!
//! A cell written out in full wins; otherwise the bridge is the persona's sentence with the vertical's problem put in.
//! What the matrix does not know, it does not say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::persona::Persona;
use crate::profile::Language;
use crate::vertical::VerticalId;

/// A text in each language.
pub type Texts = BTreeMap<Language, String>;

/// What the matrix knows of a vertical.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerticalTexts {
    /// The problem, as a clause that fits into a persona's sentence.
    pub problem: Texts,
    /// A reference from the vertical.
    pub social_proof: Texts,
    /// The subject line.
    pub subject: Texts,
}

/// What the matrix knows of a persona.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonaTexts {
    /// A sentence with `{problem}` in it.
    pub bridge: Texts,
}

/// One cell written out in full.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// For this persona.
    pub persona: Persona,
    /// In this vertical.
    pub vertical: VerticalId,
    /// The bridge.
    pub bridge: Texts,
    /// A subject of its own, if the vertical's does not suit.
    #[serde(default)]
    pub subject: Texts,
}

/// The matrix.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// Which edition; stored with what is written from it.
    pub version: String,
    /// By vertical.
    pub vertical: BTreeMap<String, VerticalTexts>,
    /// By persona.
    pub persona: BTreeMap<String, PersonaTexts>,
    /// Cells of their own.
    #[serde(default)]
    pub cell: Vec<Cell>,
}

/// The texts for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonTexts {
    /// What the vertical's problem means to that role.
    pub bridge: Option<String>,
    /// A reference.
    pub social_proof: Option<String>,
    /// The subject line.
    pub subject: Option<String>,
}

impl Matrix {
    /// Reads the matrix from TOML.
    ///
    /// # Errors
    ///
    /// Says what is wrong and where; nothing is taken then.
    pub fn read(toml: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(toml)
    }

    /// The texts for a persona in a vertical.
    pub fn texts(&self, persona: &Persona, vertical: &VerticalId, language: Language) -> PersonTexts {
        let of_vertical = self.vertical.get(&vertical.0);
        let cell = self.cell.iter().find(|cell| cell.persona == *persona && cell.vertical == *vertical);
        let own_subject = cell.and_then(|cell| cell.subject.get(&language).cloned());
        PersonTexts {
            bridge: cell
                .and_then(|cell| cell.bridge.get(&language).cloned())
                .or_else(|| self.composed(persona, of_vertical?, language)),
            social_proof: of_vertical.and_then(|texts| texts.social_proof.get(&language).cloned()),
            subject: own_subject
                .or_else(|| of_vertical.and_then(|texts| texts.subject.get(&language).cloned())),
        }
    }

    fn composed(&self, persona: &Persona, vertical: &VerticalTexts, language: Language) -> Option<String> {
        let of_persona = self.persona.get(&persona.0).or_else(|| self.persona.get("generic"))?;
        let sentence = of_persona.bridge.get(&language)?;
        Some(sentence.replace("{problem}", vertical.problem.get(&language)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix() -> Matrix {
        Matrix::read(
            r#"
            version = "1"
            [vertical.logistics]
            problem.de = "staubige Hallenböden"
            social_proof.de = "Ein Lager in Kiel spart zwei Stunden am Tag."
            subject.de = "Saubere Hallen"
            [persona.generic]
            bridge.de = "Viele kämpfen mit {problem}."
            [persona.finance]
            bridge.de = "Was kosten {problem}?"
            [[cell]]
            persona = "operations"
            vertical = "logistics"
            bridge.de = "In der Schicht zählt jede Gasse."
            "#,
        )
        .unwrap()
    }

    fn bridge(persona: &str) -> Option<String> {
        matrix().texts(&Persona(persona.into()), &VerticalId("logistics".into()), Language::De).bridge
    }

    #[test]
    fn a_cell_wins_then_the_persona_then_the_generic_sentence() {
        assert_eq!(bridge("operations").as_deref(), Some("In der Schicht zählt jede Gasse."));
        assert_eq!(bridge("finance").as_deref(), Some("Was kosten staubige Hallenböden?"));
        assert_eq!(bridge("hr").as_deref(), Some("Viele kämpfen mit staubige Hallenböden."));
    }

    #[test]
    fn what_is_not_in_the_matrix_is_not_said() {
        let texts = matrix().texts(&Persona("hr".into()), &VerticalId("retail".into()), Language::De);
        assert_eq!(texts, PersonTexts { bridge: None, social_proof: None, subject: None });
        let english = matrix().texts(&Persona("hr".into()), &VerticalId("logistics".into()), Language::En);
        assert_eq!(english.bridge, None);
    }
}
