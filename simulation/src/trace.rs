//! What happened, line by line: the last part for people, and a sum over all of it to tell two runs apart.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

/// The lines of one run.
#[derive(Debug)]
pub struct Trace {
    lines: VecDeque<String>,
    /// So many lines are kept for people.
    kept: usize,
    sum: u64,
    count: u64,
}

impl Trace {
    /// Begins one, of which the last lines are kept.
    pub fn new(kept: usize) -> Self {
        Self { lines: VecDeque::new(), kept, sum: 0xCBF2_9CE4_8422_2325, count: 0 }
    }

    /// Adds a line.
    pub fn add(&mut self, since: SignedDuration, words: &str) {
        let millis = since.as_millis();
        let line = format!("{:>6}.{:03} {words}", millis / 1000, millis % 1000);
        for byte in line.bytes() {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        self.count += 1;
        if self.lines.len() >= self.kept {
            self.lines.pop_front();
        }
        if self.kept > 0 {
            self.lines.push_back(line);
        }
    }

    /// A sum over all lines.
    pub fn sum(&self) -> u64 {
        self.sum ^ self.count
    }

    /// The last lines.
    pub fn last(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}

/// The moment at which each world begins.
pub(crate) fn beginning() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap_or(Timestamp::UNIX_EPOCH)
}
