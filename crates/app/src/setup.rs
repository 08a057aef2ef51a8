//! `setup`: from a tenant to a connector that runs, in six steps that can each be done again.
//!
//! A step asks, shows what it found and what it would do, and does it at its end, after a yes. Ctrl-C before leaves
//! everything as it was; Ctrl-C while something is being done lets the step end first. What is already as it should be
//! is left alone.

mod answers;
mod auth;
mod callback;
mod dashboard;
mod explorer;
mod fields;
mod files;
mod guard;
pub(crate) mod step;
mod talk;
mod tenant;
mod webhook;

use serde_json::json;

use crate::cli::{Cli, SetupArgs};
use crate::config::sources::Values;
use crate::failure::{Failure, Status};
use crate::format::{print_json, say};
use answers::Answers;
use guard::Guard;
use step::{Done, Step};
use talk::Talk;

/// Takes the steps in their order.
pub(crate) async fn run(cli: &Cli, args: &SetupArgs) -> Result<(), Failure> {
    let wrong = |error| Failure::new(Status::Failed, error).help("mend it, then run setup again");
    let values = Values::load(&cli.config).map_err(wrong)?;
    let answers = match &args.from {
        Some(file) => Answers::read(file)?,
        None => Answers::default(),
    };
    let guard = Guard::watch();
    let mut talk = Talk::new(cli, args, values, answers, guard.clone())?;
    if args.dry_run {
        say("Dry run: nothing is saved, created or registered.");
    }
    let steps: Vec<Step> = match args.only {
        Some(step) => vec![step],
        None => Step::ALL.to_vec(),
    };
    let mut report = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        say("");
        say(&format!("{}/{}  {}", index + 1, steps.len(), step.title()));
        let done = Box::pin(guard.unless_interrupted(take(*step, &mut talk))).await??;
        say(&format!("     {} {}", if done.changed { "done:" } else { "ok:" }, done.words));
        report.push(json!({"step": step.name(), "changed": done.changed, "words": done.words,
                           "details": done.details}));
        guard.check()?;
    }
    let changed = report.iter().any(|step| step["changed"] == true);
    if cli.json {
        print_json(&json!({"steps": report, "changed": changed, "dry_run": args.dry_run}));
    }
    ending(args, changed, &talk);
    Ok(())
}

async fn take(step: Step, talk: &mut Talk) -> Result<Done, Failure> {
    match step {
        Step::Tenant => tenant::run(talk).await,
        Step::Auth => auth::run(talk).await,
        Step::Fields => fields::run(talk).await,
        Step::Explorer => explorer::run(talk).await,
        Step::Dashboard => dashboard::run(talk).await,
        Step::Webhook => Box::pin(webhook::run(talk)).await,
    }
}

fn ending(args: &SetupArgs, changed: bool, talk: &Talk) {
    say("");
    if args.dry_run {
        say("That was all. Nothing was changed; without --dry-run it is done.");
    } else if talk.service_runs && talk.has_saved() {
        say("Done. Restart the service so that it takes up what was changed, then: so-connector doctor");
    } else if args.only.is_some() {
        say("That step is done. Check everything: so-connector doctor");
    } else if changed {
        say("Everything is set up. Start the service, then check it:");
        say("    so-connector serve");
        say("    so-connector doctor");
    } else {
        say("Everything was set up already; nothing was changed.");
    }
}
