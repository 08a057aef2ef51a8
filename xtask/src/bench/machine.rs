//! What else the machine does: the share of idle time, and who used the rest. Linux only.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context;

/// Ticks a second in `/proc`; the same on every Linux that we know of.
const TICKS: f64 = 100.0;
/// Quiet enough to measure.
pub(crate) const QUIET: f64 = 0.85;

/// Processor time so far, in ticks.
#[derive(Clone, Copy)]
pub(crate) struct Total {
    all: u64,
    idle: u64,
}

/// Reads the processor time of the whole machine.
pub(crate) fn total() -> anyhow::Result<Total> {
    let text = fs::read_to_string("/proc/stat").context("could not read /proc/stat; this needs Linux")?;
    let fields: Vec<u64> = text
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .take(8)
        .collect();
    Ok(Total { all: fields.iter().sum(), idle: fields.get(3).unwrap_or(&0) + fields.get(4).unwrap_or(&0) })
}

impl Total {
    /// The idle share since `earlier`.
    pub(crate) fn idle_since(self, earlier: Self) -> f64 {
        let all = self.all.saturating_sub(earlier.all).max(1);
        self.idle.saturating_sub(earlier.idle) as f64 / all as f64
    }

    /// The share since `earlier` that others than `ours` seconds of processor time used.
    pub(crate) fn others_since(self, earlier: Self, ours: f64) -> f64 {
        let all = self.all.saturating_sub(earlier.all).max(1) as f64;
        let idle = self.idle.saturating_sub(earlier.idle) as f64;
        ((all - idle - ours * TICKS) / all).max(0.0)
    }
}

/// Waits until the machine is quiet, at most for `patience`. Returns the idle share that was seen last.
pub(crate) fn quiet(patience: Duration) -> anyhow::Result<f64> {
    let start = Instant::now();
    loop {
        let before = total()?;
        std::thread::sleep(Duration::from_millis(250));
        let idle = total()?.idle_since(before);
        if idle > QUIET || start.elapsed() > patience {
            return Ok(idle);
        }
    }
}

/// Seconds of processor time that a process has used so far, by the names of its threads.
pub(crate) fn used(pid: u32) -> anyhow::Result<BTreeMap<String, f64>> {
    let mut used = BTreeMap::new();
    for entry in fs::read_dir(format!("/proc/{pid}/task")).context("the process has ended")? {
        let Ok(text) = entry.and_then(|entry| fs::read_to_string(entry.path().join("stat"))) else {
            continue;
        };
        let Some((head, rest)) = text.rsplit_once(") ") else { continue };
        let name = head.split_once('(').map_or("", |(_, name)| name).to_owned();
        // utime and stime are the 14th and 15th fields; the name was the 2nd.
        let ticks: u64 = rest.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        *used.entry(name).or_insert(0.0) += ticks as f64 / TICKS;
    }
    Ok(used)
}

/// Memory of a process, in MiB: now, and the most so far.
pub(crate) fn memory(pid: u32) -> anyhow::Result<(f64, f64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).context("the process has ended")?;
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace()
            .next()
            .and_then(|kib| kib.parse::<f64>().ok())
            .map_or(f64::NAN, |kib| kib / 1024.0)
    };
    Ok((of("VmRSS:"), of("VmHWM:")))
}
