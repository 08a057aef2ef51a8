//! Counts calls by method, route and status, for metrics and for budgets. A status of 0 is "no answer".

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::Method;

/// How often something was called, and with what outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallCount {
    /// The method.
    pub method: String,
    /// The path with its variables open: `v1/Contact/{id}`.
    pub route: &'static str,
    /// The status; 0 when there was no answer.
    pub status: u16,
    /// How often.
    pub count: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counter(Mutex<BTreeMap<Kind, (u64, Duration)>>);

/// Method, route and status.
type Kind = (String, &'static str, u16);

impl Counter {
    pub(super) fn add(&self, method: &Method, route: &'static str, status: u16, took: Duration) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, all) = counts.entry((method.to_string(), route, status)).or_default();
        *count += 1;
        *all += took;
    }

    pub(super) fn all(&self) -> Vec<CallCount> {
        self.timed().into_iter().map(|(call, _)| call).collect()
    }

    /// With how long the calls of a kind took together.
    pub(super) fn timed(&self) -> Vec<(CallCount, Duration)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = counts.iter();
        rows.map(|((method, route, status), &(count, took))| {
            (CallCount { method: method.clone(), route, status: *status, count }, took)
        })
        .collect()
    }
}
