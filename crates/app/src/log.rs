//! Where the program says what it does: stderr, as text, filtered by `RUST_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command};
use crate::config::sources;

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
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false)
        // A log that cannot be written must not stop the work.
        .log_internal_errors(false)
        .compact()
        .init();
}
