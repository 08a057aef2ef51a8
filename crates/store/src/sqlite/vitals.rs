//! How the database does, for whoever watches it: counted where it happens, and free to read.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connector_domain::meter::{Counted, Histogram};

use super::SqliteStore;
use crate::StoreError;

// A process has one database.
static COMMITS: Histogram = Histogram::new();
static ERRORS: [AtomicU64; KINDS.len()] = [const { AtomicU64::new(0) }; KINDS.len()];

/// What can go wrong, by the word that it is counted under.
const KINDS: [&str; 5] = ["unavailable", "busy", "full", "inconsistent", "unusable"];

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

pub(super) fn committed(took: Duration) {
    COMMITS.observe(took);
}

pub(super) fn failed(error: &StoreError) {
    let kind = match error {
        StoreError::Unavailable(_) => 0,
        StoreError::Busy(_) => 1,
        StoreError::Full => 2,
        StoreError::Inconsistent(_) => 3,
        StoreError::Unusable(_) => 4,
    };
    ERRORS[kind].fetch_add(1, Ordering::Relaxed);
}

impl SqliteStore {
    /// How the database does.
    pub fn vitals(&self) -> Vitals {
        let length = |path: PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
        Vitals {
            commits: COMMITS.read(),
            errors: KINDS
                .into_iter()
                .zip(ERRORS.each_ref().map(|count| count.load(Ordering::Relaxed)))
                .collect(),
            file_bytes: length(self.path.clone()),
            log_bytes: length(PathBuf::from(format!("{}-wal", self.path.display()))),
        }
    }
}
