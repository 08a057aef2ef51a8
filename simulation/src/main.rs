//! Runs seeds on all cores, or one and tells what happened, or looks whether planted defects are found.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it talks to the person who runs it")]

use std::process::ExitCode;

use connector_faults::{Bug, plant};
use connector_simulation::{House, bugs, many};

const USAGE: &str = "\
simulate [--seeds N] [--first F] [--threads T]   runs seeds on all cores, and sums up
simulate --replay SEED [--bug NAME]              runs one, and tells all that happens
simulate --bugs [--bug NAME] [--seeds N]         plants each defect, and says after how many seeds it is found";

/// What is asked for.
struct Asked {
    seeds: Option<u64>,
    first: u64,
    threads: usize,
    replay: Option<u64>,
    bug: Option<Bug>,
    hunts: bool,
}

fn read(words: impl Iterator<Item = String>) -> Option<Asked> {
    let mut asked =
        Asked { seeds: None, first: 0, threads: many::threads(), replay: None, bug: None, hunts: false };
    let mut words = words;
    while let Some(word) = words.next() {
        if word == "--bugs" {
            asked.hunts = true;
            continue;
        }
        let value = words.next()?;
        match word.as_str() {
            "--seeds" => asked.seeds = Some(value.parse().ok()?),
            "--first" => asked.first = value.parse().ok()?,
            "--threads" => asked.threads = value.parse().ok()?,
            "--replay" => asked.replay = Some(value.parse().ok()?),
            "--bug" => asked.bug = Some(*Bug::ALL.iter().find(|bug| bug.name() == value)?),
            _ => return None,
        }
    }
    Some(asked)
}

fn main() -> ExitCode {
    let Some(asked) = read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let is_good = match asked.replay {
        Some(seed) => replay(seed, asked.bug),
        None if asked.hunts => hunt(&asked),
        None => {
            let summary = many::run(asked.first, asked.seeds.unwrap_or(300), asked.threads);
            println!("{summary}");
            summary.is_good()
        }
    };
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(seed: u64, bug: Option<Bug>) -> bool {
    let mut house = House::new().expect("the built-in texts can be read");
    house.kept = usize::MAX;
    plant(bug);
    let outcome = house.run(seed);
    println!("{:?}", outcome.knobs);
    for line in &outcome.last {
        println!("{line}");
    }
    println!("seed {seed}, trace {:x}, {:?} violations", outcome.sum, outcome.violations.len());
    outcome.violations.is_empty()
}

fn hunt(asked: &Asked) -> bool {
    let usual = || Bug::ALL.iter().copied().filter(|bug| !bugs::RARE.contains(bug)).collect();
    let chosen = asked.bug.map_or_else(usual, |bug| vec![bug]);
    let begun = std::time::Instant::now();
    let hunts = bugs::hunt(&chosen, asked.first, asked.seeds.unwrap_or(1000), asked.threads);
    for hunt in &hunts {
        println!("{hunt}");
    }
    let found = hunts.iter().filter(|hunt| hunt.found.is_some()).count();
    println!("{found} of {} planted defects found in {:.1} s", hunts.len(), begun.elapsed().as_secs_f64());
    found == hunts.len()
}
