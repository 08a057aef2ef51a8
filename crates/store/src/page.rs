//! Lists in pages: newest first, by key, so that a page costs the same wherever it is.

use serde::Serialize;

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// At most so many; never more than 1,000.
    pub limit: usize,
    /// Goes on after this cursor, as an earlier page gave it.
    pub after: Option<String>,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { limit: 50, after: None }
    }
}

impl PageRequest {
    /// The limit within bounds.
    pub fn bounded(&self) -> usize {
        self.limit.clamp(1, 1000)
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<String>,
}
