//! Counting how long things take, without anybody waiting for the count.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets, in microseconds.
pub const BOUNDS: [u64; 14] = [
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    5_000_000,
    30_000_000,
    120_000_000,
];

/// Durations by bucket.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    /// Nothing counted yet.
    pub const fn new() -> Self {
        Self { buckets: [const { AtomicU64::new(0) }; BOUNDS.len() + 1], micros: AtomicU64::new(0) }
    }

    /// Counts one.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[BOUNDS.partition_point(|bound| *bound < micros)].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Counted {
        Counted {
            buckets: self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed)),
            sum: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
        }
    }
}

/// A histogram as it stood at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// How many fell into each bucket; the last one has no bound.
    pub buckets: [u64; BOUNDS.len() + 1],
    /// How long all of them took.
    pub sum: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_bucket_whose_bound_it_does_not_exceed() {
        let histogram = Histogram::new();
        for micros in [250, 251, 999_999_999] {
            histogram.observe(Duration::from_micros(micros));
        }
        let counted = histogram.read();
        assert_eq!((counted.buckets[0], counted.buckets[1], counted.buckets[BOUNDS.len()]), (1, 1, 1));
        assert_eq!(counted.sum, Duration::from_micros(1_000_000_500));
    }
}
