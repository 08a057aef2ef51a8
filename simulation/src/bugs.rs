//! Measures how strong the simulation is: known defects are planted, and each must be found.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use connector_faults::Bug;

use crate::many;
use crate::run::House;

/// Defects that take more seeds than a test run has for them; they are hunted when asked for by name.
pub const RARE: &[Bug] = &[
    Bug::EchoForgottenAtStart,
    Bug::HeldBesideItsHeir,
    Bug::HeldWhileMended,
    Bug::LateWriteForgotten,
    Bug::OutdoneIntentStaysOpen,
    Bug::OwnVersionHidesOthers,
    Bug::PageKeptBeforeItIsTakenIn,
    Bug::PersonsFollowOnlyAtOnce,
    Bug::PersonsLeftOutOfScope,
    Bug::SharedValueProvesBoth,
];

/// What became of the search for one defect.
#[derive(Debug, Clone)]
pub struct Hunt {
    /// The defect.
    pub bug: Bug,
    /// How many seeds were run, and which promise was broken; `None` when it was not found.
    pub found: Option<(u64, &'static str)>,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for Hunt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.bug.name();
        match self.found {
            Some((seeds, invariant)) => {
                write!(f, "{name:<30} {invariant:<8} {seeds:>5} seeds {:>6.1} s", self.took.as_secs_f64())
            }
            None => write!(f, "{name:<30} NOT FOUND in {:.1} s", self.took.as_secs_f64()),
        }
    }
}

/// Hunts for each of these, through at most so many seeds from the first on.
pub fn hunt(bugs: &[Bug], first: u64, most: u64, threads: usize) -> Vec<Hunt> {
    let next = AtomicUsize::new(0);
    let all = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut house = House::new().expect("the built-in texts can be read");
                house.kept = 0;
                while let Some(bug) = bugs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    let found = many::finds(&house, *bug, first..first + most);
                    let found = found.and_then(|(seed, outcome)| {
                        Some((seed - first + 1, outcome.violations.first()?.invariant))
                    });
                    let hunt = Hunt { bug: *bug, found, took: begun.elapsed() };
                    all.lock().unwrap_or_else(PoisonError::into_inner).push(hunt);
                }
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.sort_by_key(|hunt| hunt.bug);
    all
}
