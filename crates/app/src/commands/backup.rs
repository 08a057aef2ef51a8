//! `backup` and `restore`: a copy of the database, made while the service works with it, and put back later.

use std::path::{Path, PathBuf};

use connector_domain::clock::{Clock as _, SystemClock};
use connector_store::sqlite::{self, Copy};
use serde_json::json;

use crate::cli::{BackupArgs, Cli, RestoreArgs};
use crate::config::Config;
use crate::failure::{Failure, Status};
use crate::format::{print_json, say};

/// `backup`: asks nobody, since reading is free to all; the service need not run, and need not stop.
pub(super) async fn back_up(cli: &Cli, args: &BackupArgs, config: &Config) -> Result<(), Failure> {
    let database = file(config)?.to_owned();
    if !database.exists() {
        let words = format!("there is no database {}", database.display());
        return Err(Failure::words(Status::NotFound, words).help("name it in DATABASE_URL"));
    }
    let to = args.to.clone().unwrap_or_else(|| beside(&database));
    let (place, replace) = (to.clone(), args.force);
    let made = tokio::task::spawn_blocking(move || sqlite::back_up(&database, &place, replace))
        .await
        .map_err(anyhow::Error::from)?;
    let copy = made.map_err(|error| {
        let failure = Failure::from(error);
        if to.exists() && !replace {
            failure.help("choose another name with --to, or replace it with --force")
        } else {
            failure
        }
    })?;
    let key = config.key.key.is_none().then_some(&config.key.file).filter(|file| file.exists());
    if cli.json {
        print_json(&json!({"file": to, "copy": copy, "key_file": key}));
        return Ok(());
    }
    say(&format!("Copied      {}", to.display()));
    say(&format!("Holds       {}", contents(&copy)));
    if let Some(key) = key {
        say(&format!(
            "Key         {} is not in it, and without it the sign-in in the copy cannot be opened: keep it elsewhere",
            key.display()
        ));
    }
    Ok(())
}

/// `restore`: puts a copy in the database's place while nobody uses it.
pub(super) async fn restore(cli: &Cli, args: &RestoreArgs, config: &Config) -> Result<(), Failure> {
    let (copy, database) = (args.file.clone(), file(config)?.to_owned());
    if !copy.exists() {
        return Err(Failure::words(Status::NotFound, format!("there is no file {}", copy.display())));
    }
    let now = SystemClock::default().now();
    let done = tokio::task::spawn_blocking(move || sqlite::restore(&copy, &database, now))
        .await
        .map_err(anyhow::Error::from)?;
    let (copy, kept) = done.map_err(|error| {
        Failure::from(error)
            .help("stop the service first; a copy that is damaged cannot be used: take another one")
    })?;
    if cli.json {
        print_json(&json!({"database": config.database.to_string(), "copy": copy, "replaced": kept}));
        return Ok(());
    }
    say(&format!("Restored    {}", config.database));
    say(&format!("Holds       {}", contents(&copy)));
    if let Some(kept) = kept {
        say(&format!(
            "Kept        {}: what was there before; remove it when it is not needed",
            kept.display()
        ));
    }
    if let Some(from) = copy.from {
        say(&format!("Next        start the service: it asks SuperOffice what changed since {from:.0}"));
    }
    Ok(())
}

/// The file to copy. PostgreSQL has tools of its own, which know its log and its roles.
fn file(config: &Config) -> Result<&Path, Failure> {
    config.database.file().ok_or_else(|| {
        let words = format!("{} is a PostgreSQL, which is copied with its own tools", config.database);
        Failure::words(Status::Usage, words)
            .help("use pg_dump and pg_restore, or continuous archiving; see docs/postgresql.md")
    })
}

fn contents(copy: &Copy) -> String {
    let Copy { events, jobs, writes, accounts, bytes, .. } = copy;
    let mib = bytes.div_ceil(1024 * 1024);
    format!("{events} events, {jobs} jobs, {writes} writes, {accounts} accounts; {mib} MiB")
}

/// A name beside the database that says when.
fn beside(database: &Path) -> PathBuf {
    let stamp = SystemClock::default().now().strftime("%Y%m%dT%H%M%SZ");
    database.with_added_extension(format!("backup-{stamp}"))
}
