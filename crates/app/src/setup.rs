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
mod talk;
mod tenant;
mod webhook;

use serde_json::{Value, json};

use crate::cli::{Cli, SetupArgs};
use crate::config::sources::Values;
use crate::failure::{Failure, Status};
use crate::format::{print_json, say};
use answers::Answers;
use guard::Guard;
use talk::Talk;

/// A step of the set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Step {
    /// Which tenant, and as which application
    Tenant,
    /// As whom the connector signs in
    Auth,
    /// The fields that texts go to
    Fields,
    /// Whose companies, and what would be written to the newest twenty
    #[value(alias = "enricher")]
    Explorer,
    /// Where dashboard and webhook listen
    Dashboard,
    /// What SuperOffice sends its events to
    Webhook,
}

impl Step {
    const ALL: [Self; 6] =
        [Self::Tenant, Self::Auth, Self::Fields, Self::Explorer, Self::Dashboard, Self::Webhook];

    const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Auth => "auth",
            Self::Fields => "fields",
            Self::Explorer => "explorer",
            Self::Dashboard => "dashboard",
            Self::Webhook => "webhook",
        }
    }

    /// The step that a key of the configuration belongs to; the first one takes what no step asks.
    fn of_key(key: &str) -> Self {
        match key {
            "superoffice.refresh_token"
            | "superoffice.system_token"
            | "superoffice.private_key_file"
            | "superoffice.redirect_uri" => Self::Auth,
            "filter.owners" => Self::Explorer,
            "listen" => Self::Dashboard,
            _ if key.starts_with("fields.") => Self::Fields,
            _ if key.starts_with("webhook.") => Self::Webhook,
            _ => Self::Tenant,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Tenant => "The tenant",
            Self::Auth => "Signing in",
            Self::Fields => "The fields that texts go to",
            Self::Explorer => "Whose companies, and what would be written",
            Self::Dashboard => "The dashboard",
            Self::Webhook => "The webhook",
        }
    }
}

/// What a step came to.
pub(crate) struct Done {
    words: String,
    /// Whether anything was changed.
    changed: bool,
    /// More, for programs.
    details: Value,
}

impl Done {
    fn as_it_was(words: impl Into<String>) -> Self {
        Self { words: words.into(), changed: false, details: Value::Null }
    }

    fn changed(words: impl Into<String>) -> Self {
        Self { words: words.into(), changed: true, details: Value::Null }
    }

    fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

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
        Step::Webhook => webhook::run(talk).await,
    }
}

/// Somebody pressed Ctrl-C.
fn interrupted() -> Failure {
    Failure::words(Status::Interrupted, "interrupted; steps that had ended stay done, the others did nothing")
        .help("go on later: so-connector setup")
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
