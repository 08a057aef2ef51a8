//! `test`: everything that must hold, in one run, with one closing summary.

use std::io::BufRead;
use std::time::{Duration, Instant};

use anyhow::bail;

use crate::cluster::{self, Cluster};
use crate::install;
use crate::shell::{self, command};

/// How much of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All.
    Everything,
    /// What takes little time.
    Quick,
}

/// What one step came to.
struct Done {
    name: &'static str,
    outcome: Outcome,
    took: Duration,
}

enum Outcome {
    Passed(String),
    Failed(String),
}

/// Tests that do the same thing very often.
const TORTURE: &str = "package(so-connector) & test(/^(failpoints|kill|images|postgres|syscalls)::/)";

type Step = (&'static str, fn() -> anyhow::Result<String>);

fn steps(extent: Extent) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![("format", format), ("lints", lints)];
    if extent == Extent::Everything {
        steps.insert(0, ("tools", tools));
        steps.push(("features", features));
        steps.push(("dependencies", dependencies));
        steps.push(("documents", documents));
        steps.push(("alerts", alerts));
        steps.push(("tests", tests));
        steps.push(("simulation", crate::simulate::step));
        steps.push(("torture", torture));
        steps.push(("conformance", conformance));
        steps.push(("fuzz", crate::fuzz::step));
    } else {
        steps.push(("tests", quick_tests));
    }
    steps
}

pub(crate) fn run(extent: Extent) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut all = Vec::new();
    for (name, step) in steps(extent) {
        println!("\n== {name}");
        let begun = Instant::now();
        let outcome = match step() {
            Ok(detail) => Outcome::Passed(detail),
            Err(error) => Outcome::Failed(format!("{error:#}")),
        };
        all.push(Done { name, outcome, took: begun.elapsed() });
    }
    summary(&all, started.elapsed())
}

fn summary(all: &[Done], took: Duration) -> anyhow::Result<()> {
    println!("\n== summary, {} s", took.as_secs());
    for done in all {
        let (word, detail) = match &done.outcome {
            Outcome::Passed(detail) => ("ok", detail),
            Outcome::Failed(detail) => ("FAILED", detail),
        };
        println!("{:<13} {word:<8} {:>5} s  {detail}", done.name, done.took.as_secs());
    }
    let failed = all.iter().filter(|done| matches!(done.outcome, Outcome::Failed(_))).count();
    println!("steps: {} passed, {failed} failed", all.len() - failed);
    if failed > 0 {
        bail!("{failed} steps failed");
    }
    Ok(())
}

fn tools() -> anyhow::Result<String> {
    install::debian(&[("strace", "strace"), ("python3-venv", "python3")])?;
    install::nextest()?;
    cluster::programs()?;
    shell::run("cargo", &["fetch", "--locked", "--quiet"])?;
    Ok("strace, cargo-nextest and PostgreSQL are there".to_owned())
}

fn format() -> anyhow::Result<String> {
    shell::run("cargo", &["fmt", "--all", "--check"])?;
    Ok("rustfmt has nothing to change".to_owned())
}

fn lints() -> anyhow::Result<String> {
    shell::run(
        "cargo",
        &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"],
    )?;
    Ok("clippy, no warnings".to_owned())
}

/// The types must stand without the client, as the emulator and the server use them.
fn features() -> anyhow::Result<String> {
    shell::run(
        "cargo",
        &["check", "--package", "superoffice", "--no-default-features", "--locked", "--quiet"],
    )?;
    shipped_cannot_be_told_to_die()?;
    shipped_has_no_planted_defect()?;
    Ok("superoffice without its client; the shipped program cannot be told to die and has no planted defect"
        .to_owned())
}

/// What is built to be shipped has none of the places at which the program that tests start can be told to die.
fn shipped_cannot_be_told_to_die() -> anyhow::Result<()> {
    shell::run("cargo", &["build", "--locked", "--quiet", "--package", "so-connector"])?;
    let program = std::fs::read(shell::target().join("debug/so-connector"))?;
    let variable = b"SO_CONNECTOR_FAILPOINTS";
    if program.windows(variable.len()).any(|window| window == variable) {
        bail!("the program can be told to die by {}", String::from_utf8_lossy(variable));
    }
    Ok(())
}

/// What is built to be shipped has no defect that could be switched on: without the feature, asking for one is a constant.
fn shipped_has_no_planted_defect() -> anyhow::Result<()> {
    let tree = ["tree", "--locked", "--package", "so-connector", "--edges", "normal,features", "--invert"];
    let tree = shell::output("cargo", &[&tree[..], &["connector-faults"]].concat())?;
    if !tree.contains("connector-faults") {
        bail!("connector-faults is no part of the program any more; this check has lost its object");
    }
    if tree.contains("connector-faults feature \"simulation\"") {
        bail!("the shipped program is built with planted defects");
    }
    Ok(())
}

fn dependencies() -> anyhow::Result<String> {
    let deny = install::cargo_deny()?;
    let deny = deny.to_string_lossy();
    let mut checks = vec!["bans", "licenses", "sources"];
    let mut remark = "";
    if let Some(snapshot) = install::advisories()? {
        println!("advisories from {}", snapshot.file_name().unwrap_or_default().to_string_lossy());
        checks.push("advisories");
    } else {
        remark = "; advisories SKIPPED: there is no snapshot of the RustSec database in ../shared/security";
        println!(
            "advisories are skipped: there is no snapshot of the RustSec database in ../shared/security"
        );
    }
    let mut arguments = vec!["--offline", "--log-level", "error", "check", "--hide-inclusion-graph"];
    arguments.extend(&checks);
    shell::run(&deny, &arguments)?;
    Ok(checks.join(", ") + remark)
}

fn documents() -> anyhow::Result<String> {
    crate::docs::run(&["--check"])?;
    Ok("the generated parts are up to date".to_owned())
}

/// Each alert is raised by what it is for, and by nothing less.
fn alerts() -> anyhow::Result<String> {
    let promtool = install::promtool()?;
    let promtool = promtool.to_string_lossy();
    shell::run(&promtool, &["check", "rules", "ops/alerts.yml"])?;
    shell::run(&promtool, &["test", "rules", "ops/alerts_test.yml"])?;
    Ok("promtool has nothing to say".to_owned())
}

fn tests() -> anyhow::Result<String> {
    let cluster = Cluster::start()?;
    let which = ["--workspace", "-E", &format!("not ({TORTURE})")];
    let closing = nextest(&which, &[(cluster::VARIABLE, cluster.address())])?;
    Ok(format!("{closing}; PostgreSQL {}", cluster.version))
}

/// The suites that do the same thing very often, in the form that fits into a test run.
fn torture() -> anyhow::Result<String> {
    let tally = crate::torture::tally_file("test")?;
    let cluster = Cluster::start()?;
    let variables = [
        (cluster::VARIABLE, cluster.address()),
        ("SO_CONNECTOR_TALLY", tally.to_string_lossy().into_owned()),
    ];
    let closing = nextest(&["--workspace", "-E", TORTURE], &variables)?;
    Ok(format!("{closing}; {}", crate::torture::in_short(&tally)))
}

/// The vendor's own client against the emulator, then the same with spoiled answers.
fn conformance() -> anyhow::Result<String> {
    install::npm_packages("conformance")?;
    shell::run("cargo", &["build", "--locked", "--quiet", "--package", "so-connector"])?;
    let program = shell::target().join("debug/so-connector");
    let calls = closing_line(&["conformance/run.js"], &program)?;
    let sabotages = closing_line(&["conformance/run.js", "--sabotages"], &program)?;
    Ok(format!("calls: {calls}; sabotages: {sabotages}"))
}

/// Runs a script with Node, shows what it prints, and returns its last line.
fn closing_line(arguments: &[&str], program: &std::path::Path) -> anyhow::Result<String> {
    println!("$ node {}", arguments.join(" "));
    let output = command("node", arguments)
        .env("SO_CONNECTOR", program)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    print!("{printed}");
    let closing = printed.lines().last().unwrap_or_default().to_owned();
    if !output.status.success() {
        bail!("{} failed: {closing}", arguments.join(" "));
    }
    Ok(closing)
}

/// Without what wants a PostgreSQL.
fn quick_tests() -> anyhow::Result<String> {
    let which = ["--workspace", "--exclude", "so-connector", "-E", "not test(/postgres::tests/)"];
    Ok(nextest(&which, &[])? + "; the store on PostgreSQL is left to `cargo xtask test`")
}

fn nextest(which: &[&str], variables: &[(&str, String)]) -> anyhow::Result<String> {
    let mut arguments =
        vec!["nextest", "run", "--locked", "--status-level", "fail", "--final-status-level", "slow"];
    arguments.extend(which);
    println!("$ cargo {}", arguments.join(" "));
    let variables = variables.iter().map(|(name, value)| (name, value));
    let mut child =
        command("cargo", &arguments).envs(variables).stderr(std::process::Stdio::piped()).spawn()?;
    // The closing line says how many tests there were; everything is shown as it comes.
    let mut closing = String::new();
    if let Some(stderr) = child.stderr.take() {
        for line in std::io::BufReader::new(stderr).lines() {
            let line = line?;
            if line.contains("tests run:") {
                line.split_once(']').map_or(line.as_str(), |(_, rest)| rest).trim().clone_into(&mut closing);
            }
            eprintln!("{line}");
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("tests failed: {closing}");
    }
    Ok(closing)
}
