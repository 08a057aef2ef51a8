//! The command line: names, arguments and their help.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand};

const AFTER_HELP: &str = "\
Exit status:
  0  success (an empty list is success)          4  SuperOffice does not let us in
  1  the command failed                          5  findings: it ran and found problems
  2  wrong usage                                 6  conflict: the job is running, or something newer waits
  3  not found                                   130 interrupted with Ctrl-C

Run 'so-connector demo' to see everything work without a SuperOffice tenant.";

/// Enriches SuperOffice companies from webhooks, durably.
#[derive(Debug, Parser)]
#[command(name = "so-connector", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Cli {
    /// What to do
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Configuration file; may be absent
    #[arg(short, long, global = true, value_name = "FILE", default_value = "connector.toml")]
    pub(crate) config: PathBuf,

    /// Print JSON on stdout and nothing else there
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Say less (-q: warnings, -qq: errors only)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) quiet: u8,

    /// Say more (-v: what is done, -vv: everything)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything against a built-in SuperOffice, with live events
    Demo(DemoArgs),
    /// Connect to a tenant step by step: sign-in, fields, webhook; shows before it does, and can be run again
    Setup(SetupArgs),
    /// Run the service: webhook receiver, worker and dashboard, as configured
    Serve(ServeArgs),
    /// Check everything, change nothing, and say how to mend what is wrong
    Doctor(DoctorArgs),
    /// Run the SuperOffice emulator alone
    Emulator(EmulatorArgs),
    /// Ask Company Explorer what a company is; writes nothing
    Explore(ExploreArgs),
    /// List, show and retry jobs
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// List and show accounts
    #[command(subcommand)]
    Accounts(AccountsCommand),
    /// List the events that arrived
    #[command(subcommand)]
    Events(EventsCommand),
    /// Find what no webhook told of, by asking SuperOffice for changes
    Sweep(SweepArgs),
    /// Show that every change in SuperOffice is accounted for; fails with 5 when one is not
    Coverage(CoverageArgs),
    /// Show the newest company in scope, with the proof of its enrichment
    Latest,
    /// Count companies by owner in two ways, and explain what differs
    Counts(CountsArgs),
    /// List the users: short names, groups, who is in scope, and how many companies each has
    Owners,
    /// Remove test companies that this program made and marked; lists them unless told to apply it
    Cleanup(CleanupArgs),
    /// Show the fields that are written to, and accept what changed about them
    #[command(subcommand)]
    Fields(FieldsCommand),
    /// See and manage the webhook in SuperOffice
    #[command(subcommand)]
    Webhook(WebhookCommand),
    /// Copy the database to a file, also while the service works with it
    Backup(BackupArgs),
    /// Put a copy of the database in its place; the service must be stopped
    Restore(RestoreArgs),
    /// Move everything to another kind of database
    #[command(subcommand)]
    Store(StoreCommand),
    /// Check or show the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a table of the reference as Markdown
    #[command(hide = true)]
    Reference {
        /// Which table
        topic: ReferenceTopic,
    },
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The tables that documents are made from.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(crate) enum ReferenceTopic {
    /// Every configuration key
    Configuration,
    /// Every reason code
    Reasons,
    /// Every fault that `doctor` knows
    Doctor,
    /// Every switch of the emulator
    Emulator,
}

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Stop when everything is done, print a summary, and fail unless each account ended as it should
    #[arg(long)]
    pub(crate) once: bool,
    /// How many companies
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=25_000))]
    pub(crate) companies: u32,
    /// Port of the dashboard; 0 takes any that is free
    #[arg(long, value_name = "P", default_value_t = 0)]
    pub(crate) port: u16,
    /// Seed of all chance; the same seed gives the same run
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
}

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
pub(crate) struct SetupArgs {
    /// Take the answers from a file instead of asking; its keys are those of the configuration, and [setup]
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Ask nothing; go by what is configured
    #[arg(long)]
    pub(crate) non_interactive: bool,
    /// Only this step
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Option<crate::setup::step::Step>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Answer yes wherever a yes is needed
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct DoctorArgs {
    /// Also write a report without secrets, to give to somebody who helps
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Also try to write: make a marked test company, change it, read it back, and remove it
    #[arg(long)]
    pub(crate) write_test: bool,
}

/// Arguments of `sweep`.
#[derive(Debug, clap::Args)]
pub(crate) struct SweepArgs {
    /// From when, by SuperOffice's clock: a time, or so long ago, such as 6h. Without it, since the last sweep
    #[arg(long, value_name = "T")]
    pub(crate) since: Option<String>,
    /// Until when
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<String>,
    /// The database was put back to what it was at `--since`: what stands as we would write it is ours
    #[arg(long, requires = "since", conflicts_with = "dry_run")]
    pub(crate) restored: bool,
    /// Only show what it would cost
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only ask for it: the service sweeps, and whoever asked does not wait. Without a service it is swept at once
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) no_wait: bool,
}

/// Arguments of `coverage`.
#[derive(Debug, clap::Args)]
pub(crate) struct CoverageArgs {
    /// From when, by SuperOffice's clock: a time, or so long ago, such as 6h
    #[arg(long, value_name = "T", default_value = "24h")]
    pub(crate) since: String,
    /// Until when
    #[arg(long, value_name = "T")]
    pub(crate) until: Option<String>,
}

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// What this process does, in place of the configured roles; several are separated by commas
    #[arg(long = "role", value_name = "ROLE", value_enum, value_delimiter = ',')]
    pub(crate) roles: Vec<Role>,
    /// Go on with a database that is older than the one that was used here last, or that is gone
    #[arg(long)]
    pub(crate) accept_rollback: bool,
}

/// What a process of the service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Takes deliveries in
    #[value(alias = "receiver")]
    Receive,
    /// Works on what came in
    #[value(alias = "worker")]
    Work,
    /// Shows pages and answers the commands
    Dashboard,
    /// All of them
    All,
}

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// Where to; a name with the time beside the database when it is not given
    #[arg(long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// The copy, as `backup` made it
    pub(crate) file: PathBuf,
}

/// What can be done with the database.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Move everything from a SQLite file to an empty PostgreSQL, and prove it; the service must be stopped
    Move(MoveArgs),
}

/// Arguments of `store move`.
#[derive(Debug, clap::Args)]
pub(crate) struct MoveArgs {
    /// The file: sqlite://FILE, or sqlite for sqlite://connector.db
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: String,
    /// The PostgreSQL: postgres for what DATABASE_URL names, or an address without a password
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) to: String,
}

/// Arguments of `counts`.
#[derive(Debug, clap::Args)]
pub(crate) struct CountsArgs {
    /// Only companies that pass this filter, in SuperOffice's own words: "category oneOf (3)"
    #[arg(long = "where", value_name = "FILTER")]
    pub(crate) filter: Option<String>,
    /// Also owners who are not in scope
    #[arg(long)]
    pub(crate) all: bool,
}

/// Arguments of `cleanup`.
#[derive(Debug, clap::Args)]
pub(crate) struct CleanupArgs {
    /// Remove them; without it they are only listed
    #[arg(long)]
    pub(crate) apply: bool,
    /// The tenant by name, such as Cust12345; needed for a customer's tenant
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
}

/// Arguments of `emulator`.
#[derive(Debug, clap::Args)]
pub(crate) struct EmulatorArgs {
    /// Port; 0 takes any that is free
    #[arg(long, value_name = "P", default_value_t = 0)]
    pub(crate) port: u16,
    /// How many companies
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=25_000))]
    pub(crate) companies: u32,
    /// Seed of all chance; the same seed gives the same run
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Without the fields that texts go to: a tenant as it is before setup
    #[arg(long)]
    pub(crate) bare: bool,
    /// What every API call takes longer, in milliseconds; for benchmarks
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(crate) crm_delay: u64,
}

/// Arguments of `explore`.
#[derive(Debug, clap::Args)]
pub(crate) struct ExploreArgs {
    /// The company's name
    pub(crate) name: String,
    /// Its website
    #[arg(long)]
    pub(crate) url: Option<String>,
    /// Its country, two letters; decides the language of the texts
    #[arg(long, value_name = "XX")]
    pub(crate) country: Option<String>,
}

/// What can be done with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, newest first
    List {
        /// Only these states, such as FAILED,HELD
        #[arg(long, value_name = "STATES")]
        state: Option<String>,
        /// Only jobs of this account
        #[arg(long, value_name = "ID")]
        account: Option<i64>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one job with everything that happened on its way
    Show {
        /// The job's number
        id: i64,
    },
    /// Show what failed, by its cause
    Failed,
    /// Try jobs that have ended again
    Retry {
        /// The jobs' numbers
        #[arg(required_unless_present = "cause")]
        ids: Vec<i64>,
        /// Everything that failed for this cause, as `jobs failed` shows it
        #[arg(long, value_name = "FINGERPRINT", conflicts_with = "ids")]
        cause: Option<String>,
    },
}

/// What can be done with accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// List accounts, those that something happened to last first
    List {
        /// Only accounts of this owner, by short name
        #[arg(long, value_name = "NAME")]
        owner: Option<String>,
        /// Only accounts whose name contains this, or with this number
        #[arg(long, value_name = "WORDS")]
        find: Option<String>,
        #[command(flatten)]
        page: PageArgs,
    },
    /// Show one account: what is in its fields, and its history
    Show {
        /// The company's number in SuperOffice
        id: i64,
    },
}

/// What can be done with events.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List events, newest first
    List {
        /// Only events of this account
        #[arg(long, value_name = "ID")]
        account: Option<i64>,
        #[command(flatten)]
        page: PageArgs,
    },
}

/// What can be done with the fields.
#[derive(Debug, Subcommand)]
pub(crate) enum FieldsCommand {
    /// List the fields that texts go to, and what changed about them in SuperOffice
    List,
    /// Say that changed fields are right as they are now; what was held for them goes on
    Accept {
        /// Which, such as summary; all that changed when none is named
        fields: Vec<String>,
    },
}

/// What can be done with the webhook.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// List the webhooks that this application has in the tenant
    List,
    /// Ask SuperOffice to send its events here; mends the webhook that there is, and never makes a second one
    Register {
        /// The public address of /connector/webhook; WEBHOOK_URL when it is not given
        #[arg(long)]
        url: Option<String>,
    },
    /// Let SuperOffice call the address once, and show what it got
    Test {
        /// The webhook's number; ours when it is not given
        id: Option<i64>,
    },
    /// Switch a webhook on again that SuperOffice or somebody switched off
    Reactivate {
        /// The webhook's number; ours when it is not given
        id: Option<i64>,
    },
    /// Let SuperOffice sign with the first of the two secrets in WEBHOOK_SECRET
    Rotate {
        /// The webhook's number; ours when it is not given
        id: Option<i64>,
    },
    /// Remove a webhook
    Remove {
        /// The webhook's number
        id: i64,
    },
}

/// Which page of a list.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PageArgs {
    /// At most so many rows
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Go on after this cursor, as an earlier list gave it
    #[arg(long, value_name = "CURSOR")]
    pub(crate) after: Option<String>,
}

/// What can be done with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Say what is wrong with it, all at once
    Check,
    /// Show every value and where it came from; secrets as ***
    Show,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
