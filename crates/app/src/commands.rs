//! The commands, one file each.

mod accounts;
mod backup;
mod cleanup;
mod completions;
mod config;
mod counts;
mod coverage;
mod demo;
mod doctor;
mod emulator;
mod events;
mod explore;
mod fields;
mod jobs;
mod latest;
mod owners;
mod reference;
pub(crate) mod scope;
mod serve;
mod signals;
mod store;
mod sweep;
mod webhook;

use crate::cli::{Cli, Command};
use crate::config::Config;
use crate::config::sources::Values;
use crate::failure::{Failure, Status};

pub(crate) async fn run(cli: &Cli) -> Result<(), Failure> {
    match &cli.command {
        Command::Demo(args) => demo::run(cli, args).await,
        Command::Setup(args) => Box::pin(crate::setup::run(cli, args)).await,
        Command::Serve(args) => serve::run(cli, args, load(cli)?).await,
        Command::Emulator(args) => emulator::run(cli, args).await,
        Command::Doctor(args) => doctor::run(cli, args).await,
        Command::Explore(args) => explore::run(cli, args, &load(cli)?).await,
        Command::Jobs(command) => jobs::run(cli, command, &load(cli)?).await,
        Command::Accounts(command) => accounts::run(cli, command, &load(cli)?).await,
        Command::Events(command) => events::run(cli, command, &load(cli)?).await,
        Command::Sweep(args) => sweep::run(cli, args, &load(cli)?).await,
        Command::Coverage(args) => coverage::run(cli, args, &load(cli)?).await,
        Command::Latest => latest::run(cli, &load(cli)?).await,
        Command::Counts(args) => counts::run(cli, args, &load(cli)?).await,
        Command::Owners => owners::run(cli, &load(cli)?).await,
        Command::Cleanup(args) => cleanup::run(cli, args, &load(cli)?).await,
        Command::Fields(command) => fields::run(cli, command, &load(cli)?).await,
        Command::Webhook(command) => webhook::run(cli, command, &load(cli)?).await,
        Command::Backup(args) => backup::back_up(cli, args, &load(cli)?).await,
        Command::Restore(args) => backup::restore(cli, args, &load(cli)?).await,
        Command::Store(command) => store::run(cli, command).await,
        Command::Config(command) => config::run(cli, command),
        Command::Reference { topic } => {
            reference::run(*topic);
            Ok(())
        }
        Command::Completions { shell } => {
            completions::run(*shell);
            Ok(())
        }
    }
}

fn load(cli: &Cli) -> Result<Config, Failure> {
    let read = Values::load(&cli.config).and_then(|values| Config::read(&values));
    read.map_err(|error| {
        Failure::new(Status::Failed, error).help("see every key with: so-connector config show")
    })
}
