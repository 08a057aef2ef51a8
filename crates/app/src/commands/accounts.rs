//! `accounts`: what happened to each, and why.

use serde_json::Value;

use super::jobs::{page_path, push, show_list, show_pairs};
use crate::cli::{AccountsCommand, Cli};
use crate::config::Config;
use crate::failure::Failure;
use crate::format::{json_cell, print, print_json};
use crate::remote::Remote;

pub(super) async fn run(cli: &Cli, command: &AccountsCommand, config: &Config) -> Result<(), Failure> {
    let remote = Remote::reach(config).await?;
    match command {
        AccountsCommand::List { owner, find, page } => {
            let mut path = page_path("/api/v1/accounts", page);
            if let Some(owner) = owner {
                push(&mut path, "owner", owner);
            }
            if let Some(find) = find {
                push(&mut path, "q", find);
            }
            let list = remote.get(&path).await?;
            show_list(cli, &list, &["id", "name", "owner", "state", "reason", "jobs", "touched_at"]);
        }
        AccountsCommand::Show { id } => {
            let account = remote.get(&format!("/api/v1/accounts/{id}")).await?;
            if cli.json {
                print_json(&account);
                return Ok(());
            }
            show_pairs(&account);
            for field in
                account.get("fields").and_then(Value::as_object).into_iter().flat_map(serde_json::Map::values)
            {
                let text = |key: &str| json_cell(field.get(key).unwrap_or(&Value::Null));
                print(&format!("  {}: {}", text("label"), text("value")));
            }
        }
    }
    Ok(())
}
