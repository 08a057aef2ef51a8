//! `torture`: the suites that do the same thing very often, in their long forms, and the ledger of what they found.
//!
//! In `cargo xtask test` they run in a form that fits there. Here they run as long as is asked for, and each run adds a
//! line to `docs/ledger.jsonl`: what was done, at which commit, how often, what was found, and how busy the machine was
//! with other things.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use crate::cluster;
use crate::shell::{command, output, root, target};

/// A suite in `crates/app/tests/story`.
struct Suite {
    name: &'static str,
    /// The module of its tests.
    module: &'static str,
    /// The variable that says how much of it is wanted.
    variable: &'static str,
    /// How much, when nobody says.
    usual: u64,
    /// Whether there has to be a PostgreSQL.
    postgres: bool,
}

const SUITES: &[Suite] = &[
    Suite {
        name: "kill",
        module: "kill::nothing",
        variable: "SO_CONNECTOR_KILL_ROUNDS",
        usual: 1_000,
        postgres: false,
    },
    Suite {
        name: "failpoints",
        module: "failpoints::",
        variable: "SO_CONNECTOR_FAILPOINT_PASSINGS",
        usual: 10,
        postgres: false,
    },
    Suite {
        name: "postgres",
        module: "postgres::a_postgres_that_is_killed",
        variable: "SO_CONNECTOR_POSTGRES_ROUNDS",
        usual: 30,
        postgres: true,
    },
    Suite {
        name: "fleet",
        module: "postgres::workers_that_die",
        variable: "SO_CONNECTOR_FLEET_ROUNDS",
        usual: 200,
        postgres: true,
    },
    // Further than any of them goes: each ends by itself when there is no Nth call.
    Suite {
        name: "syscalls",
        module: "syscalls::whichever",
        variable: "SO_CONNECTOR_SYSCALL_LAST",
        usual: 10_000,
        postgres: false,
    },
    Suite {
        name: "images",
        module: "images::",
        variable: "SO_CONNECTOR_IMAGES",
        usual: 20_000,
        postgres: false,
    },
];

const USAGE: &str = "cargo xtask torture [SUITE] [--rounds N]";

/// By hand: all suites or one, for long.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (mut chosen, mut rounds): (Vec<&Suite>, _) = (SUITES.iter().collect(), None);
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--rounds" => rounds = Some(rest.next().context(USAGE)?.parse().context(USAGE)?),
            name => match SUITES.iter().find(|suite| suite.name == name) {
                Some(suite) => chosen = vec![suite],
                None => bail!("{name} is no suite; there are {}; {USAGE}", names()),
            },
        }
    }
    for suite in chosen {
        one(suite, rounds.unwrap_or(suite.usual))?;
    }
    Ok(())
}

fn names() -> String {
    SUITES.iter().map(|suite| suite.name).collect::<Vec<_>>().join(", ")
}

fn one(suite: &Suite, rounds: u64) -> anyhow::Result<()> {
    let tally = tally_file(suite.name)?;
    // What is built now is what runs, whatever becomes of the sources meanwhile.
    let commit = output("git", &["describe", "--always", "--dirty"])?;
    if suite.postgres {
        cluster::programs()?;
    }
    let (begun, busy) = (Instant::now(), Busy::now());
    let arguments = ["test", "--locked", "--package", "so-connector", "--test", "story", suite.module];
    println!("$ {}={rounds} cargo {}", suite.variable, arguments.join(" "));
    let status = command("cargo", &arguments)
        .args(["--", "--nocapture"])
        .env(suite.variable, rounds.to_string())
        .env("SO_CONNECTOR_TALLY", &tally)
        // A suite that kills its PostgreSQL starts one of its own; this says that there is one to be had.
        .envs(suite.postgres.then_some((cluster::VARIABLE, "own")))
        .status()?;
    let took = begun.elapsed().as_secs();
    let mut told = std::fs::read_to_string(&tally).unwrap_or_default();
    if told.is_empty() && !status.success() {
        // It ended at what it found, before it could count.
        told = json!({"suite": suite.name, "counts": null, "violations": 1}).to_string();
    }
    for line in told.lines() {
        let said: Value = serde_json::from_str(line)?;
        if let Some(why) = said["skipped"].as_str() {
            bail!("{} cannot be run here: {why}", suite.name);
        }
        let entry = json!({
            "at": day(),
            "commit": commit.trim(),
            "suite": said["suite"],
            "rounds": rounds,
            "counts": said["counts"],
            "violations": said["violations"],
            "seconds": took,
            "idle": busy.as_ref().and_then(Busy::idle_since),
        });
        append(&entry)?;
        println!("{entry}");
    }
    crate::docs::write_ledger(false)?;
    if !status.success() {
        bail!("{} found something, see above", suite.name);
    }
    if told.is_empty() {
        bail!("{} counted nothing", suite.name);
    }
    Ok(())
}

/// An empty file for what a run counts.
pub(crate) fn tally_file(name: &str) -> anyhow::Result<PathBuf> {
    let folder = target().join("evidence");
    std::fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.jsonl"));
    std::fs::write(&file, "")?;
    Ok(file)
}

/// What the suites counted in a test run, in one line.
pub(crate) fn in_short(tally: &std::path::Path) -> String {
    let told = std::fs::read_to_string(tally).unwrap_or_default();
    let said = told.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let each = said.map(|said| {
        let suite = said["suite"].as_str().unwrap_or_default();
        if let Some(why) = said["skipped"].as_str() {
            return format!("{suite} SKIPPED: {why}");
        }
        let counts = said["counts"].as_object().into_iter().flatten();
        let counts: Vec<String> = counts.map(|(what, count)| format!("{count} {what}")).collect();
        format!("{suite}: {}", counts.join(", "))
    });
    each.collect::<Vec<_>>().join("; ")
}

#[expect(clippy::disallowed_methods, reason = "a ledger says when, and no decision hangs on it")]
fn day() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

fn append(entry: &Value) -> anyhow::Result<()> {
    use std::io::Write;
    let file = root().join("docs/ledger.jsonl");
    let mut file = std::fs::File::options().create(true).append(true).open(file)?;
    Ok(file.write_all(format!("{entry}\n").as_bytes())?)
}

/// How busy the machine has been since it started, in ticks.
struct Busy {
    all: u64,
    idle: u64,
}

impl Busy {
    fn now() -> Option<Self> {
        Self::read(&std::fs::read_to_string("/proc/stat").ok()?)
    }

    fn read(stat: &str) -> Option<Self> {
        let ticks: Vec<u64> = stat
            .lines()
            .next()?
            .split_whitespace()
            .skip(1)
            .take(8)
            .filter_map(|word| word.parse().ok())
            .collect();
        Some(Self { all: ticks.iter().sum(), idle: ticks.get(3)? + ticks.get(4)? })
    }

    /// The share of time that nobody used since then, in percent.
    fn idle_since(&self) -> Option<u64> {
        let now = Self::now()?;
        let all = now.all.checked_sub(self.all).filter(|all| *all > 0)?;
        Some(now.idle.saturating_sub(self.idle) * 100 / all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_read_from_the_first_line() {
        let busy = Busy::read("cpu  10 0 5 80 5 0 0 0 0 0\ncpu0 1 1 1 1\n").unwrap();
        assert_eq!((busy.all, busy.idle), (100, 85));
    }

    #[test]
    fn a_test_run_says_what_was_counted_and_what_was_left_out() {
        let folder = std::env::temp_dir().join(format!("tally-{}", std::process::id()));
        let lines = "{\"suite\":\"kill\",\"counts\":{\"kills\":9}}\n{\"suite\":\"images\",\"skipped\":\"no strace\"}\n";
        std::fs::write(&folder, lines).unwrap();
        let short = in_short(&folder);
        std::fs::remove_file(&folder).unwrap();
        assert_eq!(short, "kill: 9 kills; images SKIPPED: no strace");
    }
}
