//! Everything that people wrote and reviewed: verticals with their words, the matrix, the rules for personas.
//!
//! It is read once, checked as a whole, and shared. A built-in edition comes with the product; an operator's own files
//! replace it part by part.

use connector_domain::matrix::Matrix;
use connector_domain::persona;
use connector_domain::vertical::Vertical;

use crate::taxonomy::{Taxonomy, TaxonomyError};

/// The reviewed texts and rules.
#[derive(Debug)]
pub struct Knowledge {
    /// The verticals and the words they are recognised by.
    pub taxonomy: Taxonomy,
    /// The texts for persons.
    pub matrix: Matrix,
    /// Job titles to roles.
    pub personas: persona::Rules,
}

/// What is wrong with a file of knowledge.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnowledgeError {
    /// The list of verticals.
    #[error("the list of verticals cannot be used")]
    Taxonomy(#[source] TaxonomyError),
    /// The matrix.
    #[error("the matrix cannot be read")]
    Matrix(#[source] toml::de::Error),
    /// The rules for personas.
    #[error("the rules for personas cannot be read")]
    Personas(#[source] toml::de::Error),
    /// The matrix speaks of a vertical that is not in the list.
    #[error("the matrix has texts for \"{0}\", which is not in the list of verticals")]
    UnknownVertical(String),
}

/// The list of verticals that comes with the product.
pub const TAXONOMY: &str = include_str!("../taxonomy/verticals.toml");
/// The matrix that comes with the product.
pub const MATRIX: &str = include_str!("../matrix/matrix.toml");
/// The rules for personas that come with the product.
pub const PERSONAS: &str = include_str!("../taxonomy/personas.toml");

impl Knowledge {
    /// The edition that comes with the product.
    ///
    /// # Errors
    ///
    /// Never with a tested build; the texts are part of the binary.
    pub fn built_in() -> Result<Self, KnowledgeError> {
        Self::read(TAXONOMY, MATRIX, PERSONAS)
    }

    /// Reads the three files.
    ///
    /// # Errors
    ///
    /// Says which file is wrong and where; nothing is taken then.
    pub fn read(taxonomy: &str, matrix: &str, personas: &str) -> Result<Self, KnowledgeError> {
        let knowledge = Self {
            taxonomy: Taxonomy::read(taxonomy).map_err(KnowledgeError::Taxonomy)?,
            matrix: Matrix::read(matrix).map_err(KnowledgeError::Matrix)?,
            personas: persona::Rules::read(personas).map_err(KnowledgeError::Personas)?,
        };
        match knowledge.stray_vertical() {
            Some(stray) => Err(KnowledgeError::UnknownVertical(stray)),
            None => Ok(knowledge),
        }
    }

    /// The verticals as far as the CRM's list is concerned.
    pub fn verticals(&self) -> Vec<Vertical> {
        self.taxonomy.verticals()
    }

    fn stray_vertical(&self) -> Option<String> {
        let in_cells = self.matrix.cell.iter().map(|cell| &cell.vertical.0);
        let mut named = self.matrix.vertical.keys().chain(in_cells);
        named.find(|id| !self.taxonomy.knows(id)).cloned()
    }
}
