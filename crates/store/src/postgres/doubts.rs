//! Requests for leases of which it is not known whether they were granted.
//!
//! An answer that is lost, or comes too late, may leave jobs in the hands of somebody who does not know of them. Each
//! request has a mark of its own in the rows that it leases, so the next request can put them back. A commit may land
//! late as well; therefore a mark is looked for until its leases would be over.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// The marks of requests whose outcome is not known, and until when each is looked for.
#[derive(Debug, Default)]
pub(super) struct Doubts(Mutex<Vec<(String, Timestamp)>>);

impl Doubts {
    /// Notes a request whose leases end at this time.
    pub(super) fn add(&self, mark: String, until: Timestamp) {
        self.lock().push((mark, until));
    }

    /// The marks that may still stand somewhere.
    pub(super) fn lasting(&self, now: Timestamp) -> Vec<String> {
        let mut all = self.lock();
        all.retain(|(_, until)| *until > now);
        all.iter().map(|(mark, _)| mark.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(String, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
