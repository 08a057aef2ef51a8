//! `sweep`: shows what it will cost, asks for it, and shows what it came to.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::jobs::push;
use crate::cli::{Cli, SweepArgs};
use crate::config::Config;
use crate::failure::Failure;
use crate::format::{json_cell, print, print_json, say, table};
use crate::remote::Remote;

/// How often to see how far it has come.
const LOOK: Duration = Duration::from_millis(200);
/// How long nothing may happen before it is said what it waits for, and how often that is looked at.
const SILENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(cli: &Cli, args: &SweepArgs, config: &Config) -> Result<(), Failure> {
    let remote = Remote::reach(config).await?;
    let path = |base: &str, until: bool| {
        let mut path = format!("{base}?");
        if let Some(since) = &args.since {
            push(&mut path, "since", since);
        }
        if let Some(value) = args.until.as_ref().filter(|_| until) {
            push(&mut path, "until", value);
        }
        path
    };
    let before = remote.get("/api/v1/sweep").await?;
    if args.dry_run {
        let plan = remote.get_patiently(&path("/api/v1/sweep/plan", false)).await?;
        if cli.json {
            print_json(&json!({"plan": plan, "dry_run": true}));
        } else {
            show_plan(&plan);
        }
        return Ok(());
    }
    let mut asking = path("/api/v1/sweep", true);
    if args.restored {
        push(&mut asking, "restored", "true");
    }
    let asked = remote.post_patiently(&asking).await?;
    if args.no_wait {
        if cli.json {
            print_json(&asked);
        } else {
            print("The sweep is asked for. See how it goes: so-connector sweep, or the service's log.");
        }
        return Ok(());
    }
    let run = follow(cli, &remote, &before).await?;
    if cli.json {
        print_json(&run);
        return Ok(());
    }
    show_result(&run);
    Ok(())
}

/// Waits for a sweep that ended after what was known before, and says how it goes.
async fn follow(cli: &Cli, remote: &Remote, before: &Value) -> Result<Value, Failure> {
    let mut planned = false;
    let mut told = 0;
    let mut waits = Waits::default();
    loop {
        let state = remote.get("/api/v1/sweep").await?;
        let running = &state["running"];
        waits.look(remote, &state).await;
        if !cli.json && running.is_object() {
            if !planned {
                show_plan(&running["plan"]);
                planned = true;
            }
            let records = running["tally"]["records"].as_u64().unwrap_or(0);
            if records > told {
                told = records;
                say(&format!("{records} records read, {} found", running["tally"]["found"]));
            }
        }
        let is_new = state["last"].is_object() && state["last"]["ended_at"] != before["last"]["ended_at"];
        let is_done = running.is_null() && state["waiting"].as_array().is_none_or(Vec::is_empty);
        if is_new && is_done {
            if !cli.json && !planned {
                show_plan(&state["last"]["plan"]);
            }
            return Ok(state["last"].clone());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Says what a sweep waits for that does not come on.
#[derive(Default)]
struct Waits {
    last: Value,
    since: Option<Instant>,
    said: String,
}

impl Waits {
    async fn look(&mut self, remote: &Remote, state: &Value) {
        let place = json!([state["running"]["at"], state["running"]["tally"], state["last"]["ended_at"]]);
        if place != self.last || self.since.is_none() {
            (self.last, self.since) = (place, Some(Instant::now()));
            return;
        }
        if self.since.is_some_and(|since| since.elapsed() < SILENCE) {
            return;
        }
        self.since = Some(Instant::now());
        let status = remote.get("/api/v1/status").await.unwrap_or_default();
        let words = what_is_amiss(&status);
        if words != self.said {
            say(&format!("{words} (Ctrl-C ends the waiting, not the sweep)"));
            self.said = words;
        }
    }
}

/// Why a sweep does not come on, as far as the service tells.
fn what_is_amiss(status: &Value) -> String {
    let parts = status["parts"].as_array().cloned().unwrap_or_default();
    let named = |name: &str| parts.iter().find(|part| part["name"] == name && part["state"] != "ok");
    match named("sweep").or_else(|| named("SuperOffice")) {
        Some(part) => format!("waiting: {}", json_cell(&part["words"])),
        None => "waiting for the service to go on with the sweep".to_owned(),
    }
}

fn show_plan(plan: &Value) {
    let rows: Vec<Vec<String>> = plan["parts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|part| {
            let about = if part["is_estimate"] == true { "about " } else { "" };
            vec![json_cell(&part["entity"]), format!("{about}{}", part["records"]), json_cell(&part["calls"])]
        })
        .collect();
    print(&table(&["TO READ", "RECORDS", "CALLS"], &rows));
    print(&format!("Plan: {} calls to SuperOffice.", json_cell(&plan["calls"])));
}

fn show_result(run: &Value) {
    let tally = &run["tally"];
    print(&format!(
        "Read {} records with {} calls, {} were planned.",
        tally["records"], tally["calls"], run["plan"]["calls"]
    ));
    for (because, count) in tally["known"].as_object().into_iter().flatten() {
        print(&format!("  already known, {}: {count}", because.replace('_', " ")));
    }
    print(&format!(
        "Found {} changes that nobody told of: {} to be worked on.",
        tally["found"], tally["queued"]
    ));
    for (reason, count) in tally["skipped"].as_object().into_iter().flatten() {
        print(&format!("  skipped, {reason}: {count}"));
    }
}
