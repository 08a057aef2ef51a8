//! How the database does, for whoever watches it.

use std::path::PathBuf;

use connector_domain::meter::Counted;

use super::SqliteStore;
use crate::vitals::{commits, errors};
pub(super) use crate::vitals::{committed, failed};

/// How the database does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vitals {
    /// How long commits took, with the wait for the disk.
    pub commits: Counted,
    /// Failures of the writing connection, by kind.
    pub errors: Vec<(&'static str, u64)>,
    /// How long the file is.
    pub file_bytes: u64,
    /// How long the log beside it is, which is begun anew when it can be.
    pub log_bytes: u64,
}

impl SqliteStore {
    /// How the database does.
    pub fn vitals(&self) -> Vitals {
        let length = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
        Vitals {
            commits: commits(),
            errors: errors(),
            file_bytes: length(self.path.clone()),
            log_bytes: length(PathBuf::from(format!("{}-wal", self.path.display()))),
        }
    }
}
