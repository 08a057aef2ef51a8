//! `simulate`: the whole product in virtual time, from seeds; or planted defects, each of which must be found.
//!
//! See docs/simulation.md and ADR 0014.

use anyhow::bail;

use crate::shell::{self, command};

/// So many seeds are run when nobody says how many.
const SEEDS: &str = "20000";
/// So many are run in each test run.
const EACH_TIME: &str = "5000";
/// A planted defect must be found within so many.
const HUNT: &str = "3000";

const BUILD: &[&str] = &[
    "build",
    "--locked",
    "--quiet",
    "--profile",
    "simulation",
    "--package",
    "connector-simulation",
    "--features",
    "engine",
];

/// By hand: what follows is handed to the program.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let arguments = if arguments.is_empty() { &["--seeds", SEEDS][..] } else { arguments };
    simulate(arguments).map(drop)
}

/// In a test run: many seeds, then all defects.
pub(crate) fn step() -> anyhow::Result<String> {
    let seeds = simulate(&["--seeds", EACH_TIME])?;
    let bugs = simulate(&["--bugs", "--seeds", HUNT])?;
    Ok(format!("{seeds}; {bugs}"))
}

/// Builds the program, runs it, shows what it prints, and returns its last line.
fn simulate(arguments: &[&str]) -> anyhow::Result<String> {
    shell::run("cargo", BUILD)?;
    let program = shell::target().join("simulation/simulate");
    println!("$ simulate {}", arguments.join(" "));
    let output =
        command(&program.to_string_lossy(), arguments).stderr(std::process::Stdio::inherit()).output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    print!("{printed}");
    let closing = printed.lines().last().unwrap_or_default().to_owned();
    if !output.status.success() {
        bail!("the simulation found something: {closing}");
    }
    Ok(closing)
}
