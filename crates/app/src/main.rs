//! SuperOffice Connector: enriches SuperOffice companies from webhooks, durably.
//!
//! This file reads the arguments, hands over to a command and turns its outcome into an exit status. Data goes to
//! stdout, talk goes to stderr.

use std::process::ExitCode;

use clap::Parser;

mod cli;
mod commands;
mod config;
mod doctor;
mod failure;
mod format;
mod hook;
mod instruments;
mod kept;
mod log;
mod remote;
mod seal;
mod setup;
mod sharing;
mod sign_in;
mod sweeping;
mod test_company;
mod wire;

use cli::Cli;
use failure::Failure;

/// What clap has to say: help on stdout, a mistake on stderr, as JSON if that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let is_mistake = error.use_stderr();
    if is_mistake && std::env::args_os().any(|argument| argument == "--json") {
        let message = error.render().to_string();
        let failure = Failure::words(failure::Status::Usage, message.trim().trim_start_matches("error: "));
        failure.print(true);
    } else {
        drop(error.print());
    }
    if is_mistake { ExitCode::from(2) } else { ExitCode::SUCCESS }
}

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    log::start(&cli);
    // One cryptographic provider for every client in the program; nobody else may have chosen one before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(commands::run(&cli));
            // A look-up that hangs in the system must not keep the program.
            runtime.shutdown_timeout(std::time::Duration::from_millis(500));
            outcome
        }
        Err(error) => Err(Failure::general(anyhow::anyhow!(error).context("could not start the runtime"))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.print(cli.json);
            ExitCode::from(failure.status())
        }
    }
}
