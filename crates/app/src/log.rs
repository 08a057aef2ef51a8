//! Where the program says what it does: stderr, as text or as JSON, filtered by `RUST_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::config::sources::{self, Values};

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: an object a line.
    Json,
}

impl Format {
    /// Reads the word of the configuration.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Starts logging. `-q` and `-v` choose a level unless `RUST_LOG` does.
pub(crate) fn start(cli: &Cli) {
    let level = match (cli.quiet, cli.verbose) {
        // It talks with people, and says everything by itself.
        (0, 0) if matches!(cli.command, Command::Setup(_)) => "error",
        (0, 0) => "info",
        (0, 1) => "info,connector_pipeline=debug,connector_server=debug,connector_store=debug",
        (0, _) => "debug",
        (1, _) => "warn",
        (_, _) => "error",
    };
    let filter = sources::log_filter().unwrap_or_else(|| level.to_owned());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new(level));
    let colour = std::io::stderr().is_terminal() && sources::colour_is_welcome();
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false)
        // A log that cannot be written must not stop the work.
        .log_internal_errors(false);
    match format(cli) {
        Format::Text => log.compact().init(),
        Format::Json => log.json().flatten_event(true).with_span_list(false).init(),
    }
}

/// What the configuration says. Where it cannot be read, that is told as text by whoever needs it.
fn format(cli: &Cli) -> Format {
    let values = Values::load(&cli.config).ok();
    let word = values.as_ref().and_then(|values| values.get("log.format")).map(|(word, _)| word);
    word.and_then(Format::parse).unwrap_or(Format::Text)
}
