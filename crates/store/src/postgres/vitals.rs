//! How the database does, for whoever watches it.

use connector_domain::meter::Counted;

use super::PostgresStore;
use crate::vitals::{commits, errors};
pub(super) use crate::vitals::{committed, failed};

/// How the database does, as this process sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vitals {
    /// How long commits took, with the way to the server and its wait for the disk.
    pub commits: Counted,
    /// Requests that failed, by kind.
    pub errors: Vec<(&'static str, u64)>,
}

impl PostgresStore {
    /// How the database does.
    pub fn vitals(&self) -> Vitals {
        Vitals { commits: commits(), errors: errors() }
    }
}
