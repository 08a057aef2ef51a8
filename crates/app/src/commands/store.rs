//! `store move`: everything from a SQLite file to a PostgreSQL, with the proof that it is all there.

use std::path::PathBuf;

use connector_domain::clock::{Clock as _, SystemClock};
use connector_store::postgres::{Address, moving};
use serde_json::json;

use crate::cli::{Cli, MoveArgs, StoreCommand};
use crate::config::database::{Database, parse};
use crate::config::sources::Values;
use crate::failure::{Failure, Status};
use crate::format::{print, print_json, say, table};

pub(super) async fn run(cli: &Cli, command: &StoreCommand) -> Result<(), Failure> {
    match command {
        StoreCommand::Move(args) => move_all(cli, args).await,
    }
}

async fn move_all(cli: &Cli, args: &MoveArgs) -> Result<(), Failure> {
    let from = source(&args.from)?;
    if !from.exists() {
        return Err(Failure::words(Status::NotFound, format!("there is no database {}", from.display()))
            .help("name it: --from sqlite://FILE"));
    }
    let to = target(cli, &args.to)?;
    let now = SystemClock::default().now();
    let told = |table: &str, rows: u64| say(&format!("Copied      {rows} rows of {table}"));
    let moved = moving::to_postgres(&from, &to, now, told).await.map_err(|error| {
        Failure::from(error).help(
            "stop the service first; the target has to be a database without tables, or with empty ones",
        )
    })?;
    if cli.json {
        print_json(&json!({"from": from, "to": to.to_string(), "tables": moved}));
        return Ok(());
    }
    let rows =
        moved.iter().map(|moved| vec![moved.table.clone(), moved.rows.to_string(), moved.hash.clone()]);
    print(&table(&["TABLE", "ROWS", "WHAT THEY HOLD, IN BOTH"], &rows.collect::<Vec<_>>()));
    say(&format!("Moved       {} to {to}; the file is left as it is", from.display()));
    say("Next        set DATABASE_URL to the PostgreSQL, for every process, and start the service");
    Ok(())
}

/// `sqlite` alone is the usual file.
fn source(told: &str) -> Result<PathBuf, Failure> {
    match parse(if told == "sqlite" { "sqlite://connector.db" } else { told }) {
        Ok(Database::File(path)) => Ok(path),
        Ok(Database::Server(_)) | Err(_) => {
            Err(Failure::words(Status::Usage, "--from has to name a SQLite file")
                .help("such as --from sqlite://connector.db"))
        }
    }
}

/// `postgres` alone is what DATABASE_URL names, which keeps its password out of the list of processes.
fn target(cli: &Cli, told: &str) -> Result<Address, Failure> {
    let usage = |words: &str| {
        Failure::words(Status::Usage, words)
            .help("set DATABASE_URL=postgres://USER:PASSWORD@HOST/DATABASE, and give --to postgres")
    };
    let configured = if told == "postgres" {
        let values = Values::load(&cli.config).map_err(|error| Failure::new(Status::Failed, error))?;
        values.get("database").map(|(url, _)| url.to_owned()).unwrap_or_default()
    } else {
        told.to_owned()
    };
    match parse(&configured) {
        Ok(Database::Server(address)) if told != "postgres" && address.password().is_some() => {
            Err(usage("a password on the command line can be read by everybody on this machine"))
        }
        Ok(Database::Server(address)) => Ok(*address),
        Ok(Database::File(_)) | Err(_) if told == "postgres" => {
            Err(usage("DATABASE_URL does not name a PostgreSQL"))
        }
        Ok(Database::File(_)) => Err(usage("--to has to name a PostgreSQL")),
        Err(words) => Err(usage(&words)),
    }
}
