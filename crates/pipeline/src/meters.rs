//! What the pipeline counts of itself while the process lives. What the database knows is asked of the database instead.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_domain::job::Settlement;
use connector_domain::meter::{Counted, Histogram};
use connector_domain::reason::Reason;

/// The process's own.
static METERS: Meters = Meters {
    ended: Mutex::new(BTreeMap::new()),
    attempts: Mutex::new(BTreeMap::new()),
    writes: Mutex::new(BTreeMap::new()),
    happened: Mutex::new(BTreeMap::new()),
};

struct Meters {
    ended: Mutex<BTreeMap<(&'static str, &'static str), u64>>,
    attempts: Mutex<BTreeMap<&'static str, Histogram>>,
    writes: Mutex<BTreeMap<&'static str, u64>>,
    happened: Mutex<BTreeMap<Happening, u64>>,
}

/// How the sending of a patch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// It was done.
    Done,
    /// The record had been changed by somebody else, so nothing was done.
    Changed,
    /// It was refused.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// Something that should not happen often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Happening {
    /// A lease ended before its job did.
    LeaseExpired,
    /// A job was found whose worker had died.
    CrashRecovered,
}

/// What was counted so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Ended jobs by state and reason; the reason is empty where there is none.
    pub ended: Vec<(&'static str, &'static str, u64)>,
    /// How long attempts took, by how they ended.
    pub attempts: Vec<(&'static str, Counted)>,
    /// Patches that were sent, by how that ended.
    pub writes: Vec<(&'static str, u64)>,
    /// Leases that ended before their jobs did.
    pub leases_expired: u64,
    /// Jobs whose worker had died.
    pub crashes_recovered: u64,
}

/// What alerts watch is told from the start: a number that appears with its first growth does not grow for Prometheus.
const TOLD: [(&str, &str); 3] = [("COMPLETED", ""), ("FAILED", ""), ("SKIPPED", Reason::HumanOwned.code())];
const OUTCOMES: [&str; 5] = ["completed", "skipped", "held", "failed", "again"];
const RESULTS: [&str; 4] = ["done", "changed", "refused", "unknown"];

/// Reads everything. What never happened is there as well, with nothing counted.
pub fn read() -> Reading {
    let attempts = lock(&METERS.attempts);
    let writes = lock(&METERS.writes);
    let happened = lock(&METERS.happened);
    let of = |what| happened.get(&what).copied().unwrap_or_default();
    Reading {
        ended: ended(),
        attempts: OUTCOMES
            .iter()
            .map(|outcome| {
                (*outcome, attempts.get(outcome).map_or_else(|| Histogram::new().read(), Histogram::read))
            })
            .collect(),
        writes: RESULTS
            .iter()
            .map(|result| (*result, writes.get(result).copied().unwrap_or_default()))
            .collect(),
        leases_expired: of(Happening::LeaseExpired),
        crashes_recovered: of(Happening::CrashRecovered),
    }
}

fn ended() -> Vec<(&'static str, &'static str, u64)> {
    let mut all: BTreeMap<_, u64> = TOLD.into_iter().map(|told| (told, 0)).collect();
    all.extend(lock(&METERS.ended).iter().map(|(what, count)| (*what, *count)));
    all.into_iter().map(|((state, reason), count)| (state, reason, count)).collect()
}

/// Counts an attempt, and the job when it ended with it.
pub(crate) fn attempted(settlement: &Settlement, took: Duration) {
    let (outcome, reason) = match settlement {
        Settlement::Completed { .. } => ("completed", ""),
        Settlement::Skipped { reason, .. } => ("skipped", reason.code()),
        Settlement::Held { reason, .. } => ("held", reason.code()),
        Settlement::Failed { .. } => ("failed", ""),
        Settlement::Again { .. } => ("again", ""),
    };
    lock(&METERS.attempts).entry(outcome).or_default().observe(took);
    if outcome != "again" {
        *lock(&METERS.ended).entry((settlement.state().as_str(), reason)).or_default() += 1;
    }
}

/// Counts a patch that was sent.
pub(crate) fn sent(how: Sent) {
    let result = match how {
        Sent::Done => "done",
        Sent::Changed => "changed",
        Sent::Refused => "refused",
        Sent::Unknown => "unknown",
    };
    *lock(&METERS.writes).entry(result).or_default() += 1;
}

/// Counts what should not happen often.
pub(crate) fn happened(what: Happening, times: u64) {
    *lock(&METERS.happened).entry(what).or_default() += times;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_is_made_again_ends_no_job() {
        let before = read();
        let again = Settlement::Again { at: jiff::Timestamp::UNIX_EPOCH, error: "x".into(), counts: true };
        attempted(&again, Duration::from_millis(3));
        let held = Settlement::Held { reason: Reason::NoField, words: "x".into() };
        attempted(&held, Duration::from_millis(3));
        let after = read();
        assert_eq!(after.ended.len(), before.ended.len() + 1);
        assert!(after.ended.contains(&("HELD", "NO_FIELD", 1)));
        assert_eq!(after.attempts[4].1.sum, before.attempts[4].1.sum + Duration::from_millis(3));
    }
}
