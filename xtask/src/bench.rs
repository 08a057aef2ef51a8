//! `bench`: the product against its goals, side by side in one run.
//!
//! Ratios are what counts: a shared machine has fast and slow hours. A missed bar is a finding and not a failure; the
//! task fails only when something is broken. It needs Linux, for `/proc`.

#![expect(clippy::cast_precision_loss, reason = "figures for people; none is near 2^52")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::install;
use crate::shell::{self, output, target};
use report::{Bar, Report, median};
use service::{Place, no_crm, size};

mod accept;
mod delivery;
mod http;
mod journey;
mod load;
mod machine;
mod report;
mod service;

/// How much is measured.
struct Length {
    rounds: usize,
    warm_up: Duration,
    case: Duration,
    /// How long a quiet moment is waited for.
    patience: Duration,
    arrivals: usize,
    companies: usize,
    jobs: usize,
    few_stored: usize,
    many_stored: usize,
    starts: usize,
}

pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    const FLAGS: &[&str] = &["--quick", "--debug", "--built"];
    if let Some(other) = arguments.iter().find(|argument| !FLAGS.contains(argument)) {
        bail!("usage: cargo xtask bench [--quick] [--debug] [--built]; {other} is not known");
    }
    let (quick, debug) = (arguments.contains(&"--quick"), arguments.contains(&"--debug"));
    let length = if quick { Length::QUICK } else { Length::FULL };
    let (binary, examples) = build(debug, arguments.contains(&"--built"))?;
    let folder = target().join("bench");
    fs::create_dir_all(&folder)?;
    drop(fs::remove_file(folder.join("bench.log")));
    // A copy, so that a build that goes on meanwhile changes nothing under our hands.
    let copy = folder.join("product");
    fs::copy(&binary, &copy).with_context(|| format!("could not copy {}", binary.display()))?;
    let place = Place { binary: std::path::absolute(copy)?, folder: folder.clone() };

    let mut report = Report::default();
    println!("\nTaking in deliveries");
    accept::run(&place, &length, &mut report)?;
    println!("\nFrom webhook to CRM");
    journey::one_by_one(&place, &length, &mut report)?;
    journey::burst(&place, &length, &mut report)?;
    println!("\nThe queue alone");
    queue(&examples.queue, &place, &length, &mut report)?;
    println!("\nA store that has grown");
    scale(&examples.scale, &place, &length, &mut report)?;
    println!("\nFootprint");
    footprint(&place, &length, &mut report)?;
    place.clear();

    let markdown = report.markdown(&head(quick, debug)?);
    let file = folder.join("report.md");
    fs::write(&file, &markdown)?;
    println!("\n{markdown}\nWritten to {}. Figures short of their bar: {}.", file.display(), report.short());
    Ok(())
}

/// The programs that measure the store without HTTP around it.
struct Examples {
    queue: PathBuf,
    scale: PathBuf,
}

/// The product and the examples that measure the store; those of the last time when they are `built` already.
fn build(debug: bool, built: bool) -> anyhow::Result<(PathBuf, Examples)> {
    let folder = target().join(if debug { "debug" } else { "release" });
    if !built {
        if debug {
            shell::run("cargo", &["build", "--quiet", "--locked", "--package", "so-connector"])?;
        } else {
            install::release_binary()?;
        }
        let mut example = vec!["build", "--quiet", "--locked", "--package", "connector-store"];
        example.extend(["--example", "queue_rate", "--example", "store_scale"]);
        example.extend((!debug).then_some("--release"));
        shell::run("cargo", &example)?;
    }
    let binary = folder.join("so-connector");
    let example = |name: &str| std::path::absolute(folder.join("examples").join(name));
    let examples = Examples { queue: example("queue_rate")?, scale: example("store_scale")? };
    let all = [&binary, &examples.queue, &examples.scale];
    if let Some(missing) = all.into_iter().find(|program| !program.exists()) {
        bail!("{} is not built yet; run it once without --built", missing.display());
    }
    Ok((binary, examples))
}

fn head(quick: bool, debug: bool) -> anyhow::Result<String> {
    let commit = output("git", &["rev-parse", "--short=12", "HEAD"]).unwrap_or_default();
    let changed = output("git", &["status", "--porcelain", "--untracked-files=no"]).unwrap_or_default();
    let cpus = std::thread::available_parallelism()?;
    let date = output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]).unwrap_or_default();
    let kind = match (quick, debug) {
        (_, true) => "; a debug build, so the figures mean little",
        (true, false) => "; a quick look",
        (false, false) => "",
    };
    Ok(format!(
        "# Figures\n\nMade by `cargo xtask bench` on {}, commit {}{}, {cpus} processors{kind}.\n",
        date.trim(),
        commit.trim(),
        if changed.trim().is_empty() { "" } else { " with changes" },
    ))
}

fn queue(program: &Path, place: &Place, length: &Length, report: &mut Report) -> anyhow::Result<()> {
    let (mut enqueue, mut drain) = (Vec::new(), Vec::new());
    let (file, jobs) = (place.folder.join("bench.db"), length.jobs.to_string());
    for _ in 0..length.rounds.min(3) {
        place.clear();
        report.idle(machine::quiet(length.patience)?);
        let said = output(&program.to_string_lossy(), &[&file.to_string_lossy(), &jobs])?;
        let said: Value = serde_json::from_str(&said)?;
        enqueue.push(said["enqueue_per_s"].as_f64().unwrap_or(f64::NAN));
        drain.push(said["drain_per_s"].as_f64().unwrap_or(f64::NAN));
    }
    report.figure("queue alone: put in, 500 at a time", median(&mut enqueue), "jobs/s", Bar::None);
    report.figure("queue alone: lease 16 at a time and end each", median(&mut drain), "jobs/s", Bar::None);
    Ok(())
}

/// What must not grow with the number of stored jobs, and what it is called.
const FLAT: &[(&str, &str)] = &[
    ("claim_us", "claim 16 jobs"),
    ("settle_us", "end 16 jobs"),
    ("accounts_us", "the dashboard's list of accounts"),
    ("jobs_us", "the list of jobs"),
    ("completed_us", "the list of completed jobs"),
    ("events_us", "the list of events"),
];

fn scale(program: &Path, place: &Place, length: &Length, report: &mut Report) -> anyhow::Result<()> {
    place.clear();
    let file = place.folder.join("bench.db");
    let mut all = Vec::new();
    // The same file grows, so that the small and the large one lie on the same disk in the same hour.
    for jobs in [length.few_stored, length.many_stored] {
        report.idle(machine::quiet(length.patience)?);
        let said = output(&program.to_string_lossy(), &[&file.to_string_lossy(), &jobs.to_string()])?;
        all.push(serde_json::from_str::<Value>(&said)?);
    }
    let (few, many) = (length.few_stored, length.many_stored);
    for (key, what) in FLAT {
        let of = |said: &Value| said[*key].as_f64().unwrap_or(f64::NAN);
        let (small, large) = (of(&all[0]), of(&all[1]));
        report.figure(&format!("{what}, {many} jobs stored"), large / 1000.0, "ms", Bar::None);
        report.figure(&format!("… ÷ with {few} stored"), large / small, "×", Bar::AtMost(1.3));
    }
    report.figure("size of the database then", size(&file)?, "MiB", Bar::None);
    Ok(())
}

fn footprint(place: &Place, length: &Length, report: &mut Report) -> anyhow::Result<()> {
    report.figure("size of the program", size(&place.binary)?, "MiB", Bar::None);
    let mut starts = Vec::new();
    let mut rss = Vec::new();
    place.clear();
    // The first start also makes the database; that is no part of later ones.
    drop(place.serve("roles = [\"receive\"]", &no_crm())?);
    report.idle(machine::quiet(length.patience)?);
    for _ in 0..length.starts {
        let service = place.serve("roles = [\"receive\"]", &no_crm())?;
        starts.push(service.start.as_secs_f64() * 1000.0);
        std::thread::sleep(Duration::from_millis(100));
        rss.push(machine::memory(service.pid())?.0);
    }
    report.figure("from start to the first answer", median(&mut starts), "ms", Bar::None);
    report.figure("memory of the receiver, idle", median(&mut rss), "MiB", Bar::None);
    Ok(())
}
