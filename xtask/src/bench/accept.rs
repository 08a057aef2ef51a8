//! Deliveries acknowledged a second: durable, against the same server's route that stores nothing, against commits that
//! a power cut can undo, and against one commit for each delivery. All in one run, in turns.

use std::fmt::Write as _;
use std::time::Duration;

use super::load::{self, Load};
use super::report::{Bar, Report, median, number};
use super::service::{Place, TOKEN, no_crm};
use super::{Length, machine};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bare,
    Full,
    Normal,
    Single,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Full => "durable",
            Self::Normal => "normal",
            Self::Single => "one by one",
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Bare => "/connector/bare",
            Self::Full | Self::Normal | Self::Single => "/connector/webhook",
        }
    }

    const fn settings(self) -> &'static str {
        match self {
            Self::Bare | Self::Full => "roles = [\"receive\"]",
            Self::Normal => "roles = [\"receive\"]\n[store]\nsynchronous = \"normal\"",
            Self::Single => "roles = [\"receive\"]\n[store]\nbatch = 1",
        }
    }
}

const CASES: &[(Kind, usize)] = &[
    (Kind::Bare, 1),
    (Kind::Full, 1),
    (Kind::Bare, 8),
    (Kind::Full, 8),
    (Kind::Bare, 64),
    (Kind::Full, 64),
    (Kind::Normal, 64),
    (Kind::Single, 64),
    (Kind::Bare, 256),
    (Kind::Full, 256),
];

struct Sample {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    idle: f64,
    others: f64,
    server_us: f64,
    writer_us: f64,
    load_us: f64,
    rss: f64,
    peak: f64,
}

/// Runs all cases in turns and reports medians and ratios of neighbours.
pub(crate) fn run(place: &Place, length: &Length, report: &mut Report) -> anyhow::Result<()> {
    let mut samples: Vec<Vec<Sample>> = CASES.iter().map(|_| Vec::new()).collect();
    for round in 0..length.rounds {
        println!("  round {} of {}", round + 1, length.rounds);
        // Every other round goes backwards, so that no case always follows the same one.
        let order: Vec<usize> =
            if round % 2 == 0 { (0..CASES.len()).collect() } else { (0..CASES.len()).rev().collect() };
        for at in order {
            let (kind, connections) = CASES[at];
            let sample = measure(place, kind, connections, length)?;
            println!(
                "    {:>10} {connections:>3}: {:>7} /s, p50 {:>5} ms, p99 {:>5} ms; idle before {:.0} %, others {:.0} %{}",
                kind.name(),
                number(sample.rate),
                number(sample.p50_ms),
                number(sample.p99_ms),
                sample.idle * 100.0,
                sample.others * 100.0,
                if sample.idle > machine::QUIET { "" } else { " (not quiet)" },
            );
            report.idle(sample.idle);
            samples[at].push(sample);
        }
    }
    figures(&samples, report);
    Ok(())
}

fn measure(place: &Place, kind: Kind, connections: usize, length: &Length) -> anyhow::Result<Sample> {
    place.clear();
    let mut service = place.serve(kind.settings(), &no_crm())?;
    let idle = machine::quiet(length.patience)?;
    let (pid, own) = (service.pid(), std::process::id());
    let mut before = None;
    let load = Load {
        address: service.address,
        path: kind.path(),
        token: TOKEN,
        connections,
        warm_up: length.warm_up,
        length: length.case,
    };
    let outcome = load::run(&load, &mut || {
        before = Some((machine::total(), machine::used(pid), machine::used(own)));
    });
    service.alive()?;
    let outcome = outcome?;
    let after = (machine::total()?, machine::used(pid)?, machine::used(own)?);
    let (total, server, ours) =
        before.ok_or_else(|| anyhow::anyhow!("the warm-up was longer than the measurement"))?;
    let (total, server, ours) = (total?, server?, ours?);
    let sum = |used: &std::collections::BTreeMap<String, f64>| used.values().sum::<f64>();
    let writer =
        |used: &std::collections::BTreeMap<String, f64>| used.get("store-writer").copied().unwrap_or(0.0);
    let (server_s, load_s) = (sum(&after.1) - sum(&server), sum(&after.2) - sum(&ours));
    let each = 1e6 / (outcome.answered.max(1) as f64);
    let (rss, peak) = machine::memory(pid)?;
    Ok(Sample {
        rate: outcome.rate,
        p50_ms: outcome.p50_ms,
        p99_ms: outcome.p99_ms,
        idle,
        others: after.0.others_since(total, server_s + load_s),
        server_us: server_s * each,
        writer_us: (writer(&after.1) - writer(&server)) * each,
        load_us: load_s * each,
        rss,
        peak,
    })
}

fn figures(samples: &[Vec<Sample>], report: &mut Report) {
    let of = |kind: Kind, connections: usize| {
        let at = CASES.iter().position(|case| *case == (kind, connections));
        at.map_or(&[][..], |at| &samples[at][..])
    };
    let middle = |samples: &[Sample], read: fn(&Sample) -> f64| {
        median(&mut samples.iter().map(read).collect::<Vec<_>>())
    };
    let ratio = |above: &[Sample], below: &[Sample], read: fn(&Sample) -> f64| {
        median(
            &mut above.iter().zip(below).map(|(above, below)| read(above) / read(below)).collect::<Vec<_>>(),
        )
    };
    let rate: fn(&Sample) -> f64 = |sample| sample.rate;
    let p99: fn(&Sample) -> f64 = |sample| sample.p99_ms;
    for (connections, bar) in
        [(1, Bar::None), (8, Bar::None), (64, Bar::AtLeast(0.50)), (256, Bar::AtLeast(0.55))]
    {
        let (full, bare) = (of(Kind::Full, connections), of(Kind::Bare, connections));
        let noun = if connections == 1 { "connection" } else { "connections" };
        let what = format!("durable acknowledgements, {connections} {noun}");
        report.figure(&what, middle(full, rate), "/s", Bar::None);
        report.figure(&format!("… ÷ bare endpoint, {connections} {noun}"), ratio(full, bare, rate), "×", bar);
    }
    for (connections, bar) in [(64, Bar::AtMost(1.0)), (256, Bar::None)] {
        let (full, bare) = (of(Kind::Full, connections), of(Kind::Bare, connections));
        let what = format!("acknowledgement p99, {connections} connections");
        report.figure(&what, middle(full, p99), "ms", Bar::None);
        let what = format!("… ÷ bare endpoint's p99, {connections} connections");
        report.figure(&what, ratio(full, bare, p99), "×", bar);
    }
    let full = of(Kind::Full, 64);
    report.figure(
        "durable ÷ not durable (NORMAL), 64 connections",
        ratio(full, of(Kind::Normal, 64), rate),
        "×",
        Bar::AtLeast(0.85),
    );
    report.figure(
        "durable ÷ one commit for each delivery, 64 connections",
        ratio(full, of(Kind::Single, 64), rate),
        "×",
        Bar::None,
    );
    let peak = middle(of(Kind::Full, 256), |sample| sample.peak);
    report.figure(
        "memory of the receiver under load, 64 connections",
        middle(full, |s| s.rss),
        "MiB",
        Bar::None,
    );
    report.figure("memory of the receiver, peak with 256 connections", peak, "MiB", Bar::None);

    let mut table = String::from(
        "\n| endpoint | connections | /s | p50 ms | p99 ms | server CPU µs each | of it the writer | load CPU µs each | others' share |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for ((kind, connections), samples) in CASES.iter().zip(samples) {
        writeln!(
            table,
            "| {} | {connections} | {} | {} | {} | {} | {} | {} | {:.0} % |",
            kind.name(),
            number(middle(samples, rate)),
            number(middle(samples, |sample| sample.p50_ms)),
            number(middle(samples, p99)),
            number(middle(samples, |sample| sample.server_us)),
            number(middle(samples, |sample| sample.writer_us)),
            number(middle(samples, |sample| sample.load_us)),
            middle(samples, |sample| sample.others) * 100.0,
        )
        .expect("a string takes everything");
    }
    table.push_str(
        "\nEach delivery is a new event of a company of its own; database on disk; the load shares the processors with the\n\
         server. Medians over the rounds; ratios are medians of each round's own ratio.",
    );
    report.detail(&table);
}

impl Length {
    /// The full measurement.
    pub(crate) const FULL: Self = Self {
        rounds: 5,
        warm_up: Duration::from_millis(500),
        case: Duration::from_millis(2500),
        patience: Duration::from_secs(6),
        arrivals: 60,
        companies: 200,
        jobs: 50_000,
        few_stored: 10_000,
        many_stored: 1_000_000,
        starts: 10,
    };
    /// A look that takes a minute.
    pub(crate) const QUICK: Self = Self {
        rounds: 2,
        warm_up: Duration::from_millis(200),
        case: Duration::from_millis(600),
        patience: Duration::from_secs(1),
        arrivals: 10,
        companies: 40,
        jobs: 5_000,
        few_stored: 1_000,
        many_stored: 20_000,
        starts: 3,
    };
}
