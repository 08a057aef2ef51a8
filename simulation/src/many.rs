//! Many seeds, on as many threads as the machine has cores: each seed on one of them, and each thread with a world of its
//! own.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use connector_faults::{Bug, met, plant};
use jiff::SignedDuration;

use crate::run::{House, Outcome};

/// One seed in so many is run twice, to see that it is the same run.
const AGAIN: u64 = 100;
/// So many seeds must have met each rare situation.
pub const ENOUGH: u64 = 2000;

/// Each of these must have been met, or what it stands for was never put to the test.
pub const SITUATIONS: &[&str] = &[
    "acknowledgement_not_heard",
    "commit_unknown_landed",
    "company_deleted",
    "crm_conflict_without_cause",
    "crm_error",
    "crm_garbage",
    "crm_offline",
    "crm_silent",
    "crm_slow",
    "crm_throttled",
    "crm_unreachable",
    "deadly_record",
    "delivered_twice",
    "delivery_from_the_end_of_the_queue",
    "delivery_given_up",
    "delivery_never_sent",
    "explorer_error",
    "explorer_outage",
    "held_job_retried",
    "human_edit_between_read_and_write",
    "late_apply_landed",
    "late_apply_refused",
    "panic_in_an_attempt",
    "poison",
    "process_frozen",
    "reconcile_found_gap",
    "sign_in_lost",
    "stopped_in_peace",
    "store_outage",
    "store_refused",
    "sweep_resumed",
    "webhook_in_too_many_errors",
    "write_done_and_answer_lost",
    "write_lost_before_it_was_done",
];

/// A seed in which a promise was broken.
#[derive(Debug, Clone)]
pub struct Found {
    /// The seed.
    pub seed: u64,
    /// The promise.
    pub invariant: &'static str,
    /// What happened.
    pub words: String,
}

/// What many seeds came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many were run.
    pub seeds: u64,
    /// What was found, by seed.
    pub found: Vec<Found>,
    /// Which rare situations were met, and how often.
    pub met: BTreeMap<&'static str, u64>,
    /// How many events were acknowledged.
    pub events: u64,
    /// How many writes were done in the CRM.
    pub writes: u64,
    /// How long all worlds were, in their own time.
    pub age: SignedDuration,
    /// How long it took.
    pub took: Duration,
}

impl Summary {
    fn add(&mut self, seed: u64, outcome: &Outcome) {
        self.seeds += 1;
        self.events += outcome.events;
        self.writes += outcome.writes;
        self.age += outcome.age;
        if let Some(first) = outcome.violations.first() {
            self.found.push(Found { seed, invariant: first.invariant, words: first.words.clone() });
        }
    }

    fn join(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.events += other.events;
        self.writes += other.writes;
        self.age += other.age;
        self.found.extend(other.found);
        for (name, count) in other.met {
            *self.met.entry(name).or_default() += count;
        }
    }

    /// Rare situations that were not met.
    pub fn missed(&self) -> Vec<&'static str> {
        SITUATIONS.iter().copied().filter(|name| !self.met.contains_key(name)).collect()
    }

    /// Whether no promise was broken and everything was put to the test.
    pub fn is_good(&self) -> bool {
        self.found.is_empty() && (self.seeds < ENOUGH || self.missed().is_empty())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Found { seed, invariant, words } in &self.found {
            writeln!(f, "seed {seed}: {invariant}: {words}")?;
        }
        let mut by_invariant: BTreeMap<&str, u64> = BTreeMap::new();
        for found in &self.found {
            *by_invariant.entry(found.invariant).or_default() += 1;
        }
        for (invariant, count) in by_invariant {
            writeln!(f, "{invariant}: {count} seeds")?;
        }
        for (name, count) in &self.met {
            writeln!(f, "met {name}: {count}")?;
        }
        let missed = self.missed();
        if !missed.is_empty() {
            writeln!(f, "never met: {}", missed.join(", "))?;
        }
        write!(
            f,
            "{} seeds, {} violations, {} events, {} writes, {} days of their time, in {:.1} s",
            self.seeds,
            self.found.len(),
            self.events,
            self.writes,
            self.age.as_hours() / 24,
            self.took.as_secs_f64(),
        )
    }
}

/// How many threads there are to use.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

/// Runs these seeds.
pub fn run(first: u64, count: u64, threads: usize) -> Summary {
    let begun = Instant::now();
    let next = AtomicU64::new(first);
    let all = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mine = some(&next, first + count);
                all.lock().unwrap_or_else(PoisonError::into_inner).join(mine);
            });
        }
    });
    let mut all = all.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.found.sort_by_key(|found| found.seed);
    all.took = begun.elapsed();
    all
}

/// One thread's share.
fn some(next: &AtomicU64, end: u64) -> Summary {
    let mut house = House::new().expect("the built-in texts can be read");
    house.kept = 0;
    let mut summary = Summary::default();
    met::take();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= end {
            break;
        }
        let outcome = house.run(seed);
        summary.add(seed, &outcome);
        if seed.is_multiple_of(AGAIN) && house.run(seed).sum != outcome.sum {
            let words = "a second run of it was another one".to_owned();
            summary.found.push(Found { seed, invariant: "SAME", words });
        }
    }
    summary.met = met::take();
    summary
}

/// The first of these seeds that finds a defect once it is planted, and what it found.
pub fn finds(house: &House, bug: Bug, seeds: std::ops::Range<u64>) -> Option<(u64, Outcome)> {
    plant(Some(bug));
    let found = seeds.map(|seed| (seed, house.run(seed))).find(|(_, outcome)| !outcome.violations.is_empty());
    plant(None);
    found
}
