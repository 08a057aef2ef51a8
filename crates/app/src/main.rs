//! SuperOffice Connector: enriches SuperOffice companies from webhooks, durably.
//!
//! This file reads the arguments, hands over to a command and turns its outcome into an exit status. Data goes to
//! stdout, talk goes to stderr.

use std::process::ExitCode;

use clap::Parser;

mod cli;
mod commands;
mod config;
mod failure;
mod format;
mod log;
mod remote;
mod wire;

use cli::Cli;
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
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
