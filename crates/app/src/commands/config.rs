//! `config`: says what is wrong, or shows every value and where it came from.

use serde_json::json;

use crate::cli::{Cli, ConfigCommand};
use crate::config::Config;
use crate::config::sources::Values;
use crate::failure::{Failure, Status};
use crate::format::{cell, print, print_json, say, table};

pub(super) fn run(cli: &Cli, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Check => check(cli),
        ConfigCommand::Show => show(cli),
    }
}

fn check(cli: &Cli) -> Result<(), Failure> {
    let read = Values::load(&cli.config).and_then(|values| Config::read(&values));
    let config = match read {
        Ok(config) => config,
        Err(error) if cli.json => {
            print_json(&json!({"ok": false, "findings": error.0}));
            return Err(Failure::words(Status::Findings, "the configuration is wrong"));
        }
        Err(error) => return Err(Failure::new(Status::Findings, error)),
    };
    let tenant = config.tenant.as_ref().map(|tenant| tenant.context.clone());
    if cli.json {
        print_json(&json!({"ok": true, "findings": [], "tenant": tenant}));
        return Ok(());
    }
    for variable in &config.ignored {
        say(&format!("note: {variable} is set and has no effect yet"));
    }
    match tenant {
        Some(tenant) => print(&format!("The configuration is sound. Tenant: {tenant}.")),
        None => print(
            "The configuration is sound. No SuperOffice tenant is configured yet: set the SO_… variables in .env.",
        ),
    }
    Ok(())
}

fn show(cli: &Cli) -> Result<(), Failure> {
    let values = Values::load(&cli.config).map_err(|error| Failure::new(Status::Failed, error))?;
    let shown = values.shown();
    if cli.json {
        let rows: Vec<_> = shown
            .iter()
            .map(|(key, value, origin)| {
                json!({"key": key.name, "value": value, "origin": origin.map(ToString::to_string),
                       "variable": key.variable, "about": key.about})
            })
            .collect();
        print_json(&json!(rows));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = shown
        .into_iter()
        .map(|(key, value, origin)| {
            vec![
                key.name.to_owned(),
                value.map_or("-".to_owned(), |value| shortened(&cell(&value))),
                origin.map_or("not set".to_owned(), ToString::to_string),
                key.variable.unwrap_or("-").to_owned(),
            ]
        })
        .collect();
    print(&table(&["KEY", "VALUE", "FROM", "VARIABLE"], &rows));
    Ok(())
}

fn shortened(value: &str) -> String {
    if value.chars().count() <= 48 {
        value.to_owned()
    } else {
        value.chars().take(47).chain(['…']).collect()
    }
}
