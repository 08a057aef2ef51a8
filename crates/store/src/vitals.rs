//! How storing does, for whoever watches it: counted where it happens, and free to read.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connector_domain::meter::{Counted, Histogram};

use crate::StoreError;

// A process has one database.
static COMMITS: Histogram = Histogram::new();
static ERRORS: [AtomicU64; KINDS.len()] = [const { AtomicU64::new(0) }; KINDS.len()];

/// What can go wrong, by the word that it is counted under.
const KINDS: [&str; 5] = ["unavailable", "busy", "full", "inconsistent", "unusable"];

pub(crate) fn committed(took: Duration) {
    COMMITS.observe(took);
}

pub(crate) fn failed(error: &StoreError) {
    let kind = match error {
        StoreError::Unavailable(_) => 0,
        StoreError::Busy(_) => 1,
        StoreError::Full => 2,
        StoreError::Inconsistent(_) => 3,
        StoreError::Unusable(_) => 4,
    };
    ERRORS[kind].fetch_add(1, Ordering::Relaxed);
}

/// How long commits took.
pub(crate) fn commits() -> Counted {
    COMMITS.read()
}

/// How often storing failed, by kind.
pub(crate) fn errors() -> Vec<(&'static str, u64)> {
    KINDS.into_iter().zip(ERRORS.each_ref().map(|count| count.load(Ordering::Relaxed))).collect()
}
