//! `events`: what arrived, and what became of it.

use super::jobs::{page_path, push, show_list};
use crate::cli::{Cli, EventsCommand};
use crate::config::Config;
use crate::failure::Failure;
use crate::remote::Remote;

pub(super) async fn run(cli: &Cli, command: &EventsCommand, config: &Config) -> Result<(), Failure> {
    let remote = Remote::reach(config).await?;
    let EventsCommand::List { account, page } = command;
    let mut path = page_path("/api/v1/events", page);
    if let Some(account) = account {
        push(&mut path, "account", &account.to_string());
    }
    let list = remote.get(&path).await?;
    show_list(
        cli,
        &list,
        &["received_at", "source", "event", "entity_id", "disposition", "reason", "job_id", "event_id"],
    );
    Ok(())
}
