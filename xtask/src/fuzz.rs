//! `fuzz`: hostile input for each target of `fuzz/`, found by libFuzzer from what the input reaches.
//!
//! The program is built by the stable compiler with LLVM's own counters of coverage, apart from everything else in
//! `target/fuzz`. New inputs that reach something new are kept there; an input that breaks something is kept, and the
//! command that tries it again is printed. See ADR 0012.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::install;
use crate::shell::{command, output, root, target};

/// How long each target runs in `cargo xtask test`, in seconds.
const SHORT: u64 = 60;
/// How long each target runs when asked for by hand and nothing is said.
const LONG: u64 = 600;
/// The longest input, in bytes.
const LONGEST: u32 = 32 * 1024;
/// An input that takes longer than this is a finding, in seconds.
const SLOWEST: u32 = 10;
/// So much memory may be in use, in MiB: looked at each second.
const MEMORY: u32 = 512;
/// So much address space there is, in KiB: what wants more fails at once.
const ADDRESSES: u32 = 2 * 1024 * 1024;
/// The stack, in KiB: half of what a task of the product has.
const STACK: u32 = 1024;

/// What LLVM adds to our code, so that libFuzzer sees what an input reaches and what it is compared with.
const COVERAGE: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

const USAGE: &str = "cargo xtask fuzz [TARGET] [--seconds N] [--input FILE]";

/// By hand: all targets or one, for long; or one input again.
pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    let (mut chosen, mut seconds, mut input) = (targets()?, LONG, None);
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--seconds" => seconds = rest.next().context(USAGE)?.parse().context(USAGE)?,
            "--input" => input = Some(PathBuf::from(rest.next().context(USAGE)?)),
            name if chosen.iter().any(|target| target == name) => chosen = vec![name.to_owned()],
            other => bail!("{other} is no target; there are {}; {USAGE}", chosen.join(", ")),
        }
    }
    let program = build()?;
    match (input, chosen.as_slice()) {
        (Some(input), [target]) => again(&program, target, &input),
        (Some(_), _) => bail!("--input wants to know its target; {USAGE}"),
        (None, _) => all(&program, &chosen, seconds).map(|said| println!("{said}")),
    }
}

/// In the test run: all targets, for a short while.
pub(crate) fn step() -> anyhow::Result<String> {
    let program = build()?;
    all(&program, &targets()?, SHORT)
}

/// The targets, by the folders of their inputs.
fn targets() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("fuzz/seeds"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

fn folder() -> PathBuf {
    target().join("fuzz")
}

fn build() -> anyhow::Result<PathBuf> {
    install::debian(&[("g++", "c++")])?;
    let version = output("rustc", &["--version", "--verbose"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let folder = folder();
    let place = folder.to_string_lossy();
    // With --target, what is built for the build itself stays as it is.
    let arguments = [
        "build",
        "--locked",
        "--quiet",
        "--package",
        "connector-fuzz",
        "--features",
        "engine",
        "--bin",
        "fuzz",
        "--profile",
        "fuzz",
        "--target",
        host,
        "--target-dir",
        &place,
    ];
    println!("$ cargo {}", arguments.join(" "));
    let status = command("cargo", &arguments).env("RUSTFLAGS", COVERAGE.join(" ")).status()?;
    if !status.success() {
        bail!("the fuzz targets do not build");
    }
    Ok(folder.join(host).join("fuzz/fuzz"))
}

/// As many at a time as there are processors.
fn all(program: &Path, targets: &[String], seconds: u64) -> anyhow::Result<String> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let work = || {
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = Instant::now();
            let result = one(program, target, seconds);
            let took = begun.elapsed().as_secs_f32();
            match &result {
                Ok(tried) => println!("{target:<12} ok, {tried} inputs in {took:.0} s"),
                Err(error) => println!("{target:<12} FAILED after {took:.1} s\n{error:#}"),
            }
            results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push((target, result));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let results = results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let failed: Vec<&str> =
        results.iter().filter(|(_, result)| result.is_err()).map(|(target, _)| target.as_str()).collect();
    if !failed.is_empty() {
        bail!("broken: {}", failed.join(", "));
    }
    let tried: u64 = results.iter().filter_map(|(_, result)| result.as_ref().ok()).sum();
    Ok(format!("{} targets, {seconds} s each, {tried} inputs, nothing broke", results.len()))
}

/// Runs one target, and says how many inputs were tried.
fn one(program: &Path, target: &str, seconds: u64) -> anyhow::Result<u64> {
    let (corpus, broken) = (folder().join("corpus").join(target), folder().join("broken").join(target));
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&broken)?;
    let log = folder().join(format!("{target}.log"));
    let mut command = bounded(program, target);
    command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-max_len={LONGEST}"))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        .arg(format!("-dict={}", root().join("fuzz/words").join(target).with_extension("dict").display()))
        .arg("-print_final_stats=1")
        .arg(&corpus)
        .arg(root().join("fuzz/seeds").join(target))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&log)?);
    let status = command.status().with_context(|| format!("could not start {}", program.display()))?;
    let said = String::from_utf8_lossy(&std::fs::read(&log)?).into_owned();
    if !said.contains("inline 8-bit counters") {
        bail!(
            "the engine does not see what an input reaches; has the compiler another name for it? {COVERAGE:?}"
        );
    }
    if status.success() {
        let count = said.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
        return count.and_then(|count| count.trim().parse().ok()).context("the engine counted nothing");
    }
    bail!("{}", complaint(target, &said, kept(&said), &log));
}

/// The input that broke something, if the engine could keep it.
fn kept(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path)
}

/// What broke, where the input is, and how to try it again.
fn complaint(target: &str, said: &str, input: Option<&str>, log: &Path) -> String {
    let marks = ["panicked at", "ERROR: libFuzzer", "memory allocation of", "has overflowed its stack"];
    let lines: Vec<&str> = said.lines().collect();
    let from = lines.iter().position(|line| marks.iter().any(|mark| line.contains(mark)));
    let what =
        from.map_or(&lines[lines.len().saturating_sub(8)..], |from| &lines[from..lines.len().min(from + 8)]);
    let next = match input {
        Some(input) => format!(
            "the input is kept: {input}\ntry it again: cargo xtask fuzz {target} --input {input}\n\
             once it is mended: cp {input} fuzz/seeds/{target}/NAME-OF-WHAT-BROKE"
        ),
        None => "no input was kept".to_owned(),
    };
    format!("{}\n{next}\nall that was said: {}", what.join("\n"), log.display())
}

/// Tries one input again, with all that is said on our output.
fn again(program: &Path, target: &str, input: &Path) -> anyhow::Result<()> {
    let status = bounded(program, target).env("RUST_BACKTRACE", "1").arg(input).status()?;
    if !status.success() {
        bail!("{} breaks {target}", input.display());
    }
    println!("{} does {target} no harm", input.display());
    Ok(())
}

/// The program with its bounds. Without a sanitizer libFuzzer cannot bound a single allocation; the shell can.
fn bounded(program: &Path, target: &str) -> Command {
    let limits = format!("ulimit -c 0; ulimit -v {ADDRESSES}; ulimit -s {STACK}; exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &limits, "sh"]).arg(program).env("FUZZ_TARGET", target).stdin(Stdio::null());
    command.arg(format!("-rss_limit_mb={MEMORY}")).arg(format!("-timeout={SLOWEST}"));
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "#12 NEW cov: 7\nthread '<unnamed>' panicked at read.rs:1:2:\nodd\n\
        artifact_prefix='b/'; Test unit written to b/crash-1\n";

    #[test]
    fn what_broke_is_shown_with_the_command_that_tries_it_again() {
        let words = complaint("udf", SAID, kept(SAID), Path::new("udf.log"));
        assert!(words.starts_with("thread '<unnamed>' panicked at read.rs:1:2:\nodd"), "{words}");
        assert!(words.contains("cargo xtask fuzz udf --input b/crash-1"), "{words}");
        assert!(
            complaint("udf", "killed", kept("killed"), Path::new("udf.log")).contains("no input was kept")
        );
    }

    #[test]
    fn each_folder_of_inputs_is_a_target() {
        assert_eq!(targets().unwrap(), ["error_body", "filter", "jwt", "retry_after", "udf", "webhook"]);
    }
}
