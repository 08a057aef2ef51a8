//! What a long suite counted, told to whoever asked for it (`cargo xtask test` and `cargo xtask torture`).

use std::io::Write;

use serde_json::{Value, json};

/// How much of a suite is wanted: what the variable says, or what fits into every test run.
pub(crate) fn wanted(variable: &str, usual: u64) -> u64 {
    told(variable).map_or(usual, |told| told.parse().unwrap())
}

/// What makes a run unlike another one, and is printed so that it can be had again.
pub(crate) fn seed() -> u64 {
    let seed = wanted("SO_CONNECTOR_TORTURE_SEED", fastrand::u64(..1 << 32));
    fastrand::seed(seed);
    println!("seed {seed}: SO_CONNECTOR_TORTURE_SEED={seed} does the same again");
    seed
}

/// Says what was counted: a line to read, and one in the file of tallies when there is one.
pub(crate) fn tell(suite: &str, counts: &Value, violations: usize) {
    println!("{suite}: {counts}, {violations} violations");
    add(&json!({"suite": suite, "counts": counts, "violations": violations}));
}

/// Says that a suite cannot be run here, and why.
pub(crate) fn leave_out(suite: &str, why: &str) {
    println!("{suite} skipped: {why}");
    add(&json!({"suite": suite, "skipped": why}));
}

fn add(line: &Value) {
    let Some(file) = told("SO_CONNECTOR_TALLY") else { return };
    let mut file = std::fs::File::options().create(true).append(true).open(file).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the length of a test is not the product's configuration")]
fn told(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}
