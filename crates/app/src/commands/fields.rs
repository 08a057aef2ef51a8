//! `fields`: where in SuperOffice each text goes, and what an administrator changed about it.

use serde_json::Value;

use super::jobs::show_list;
use crate::cli::{Cli, FieldsCommand};
use crate::config::Config;
use crate::failure::Failure;
use crate::format::{print, print_json};
use crate::remote::Remote;

pub(super) async fn run(cli: &Cli, command: &FieldsCommand, config: &Config) -> Result<(), Failure> {
    let remote = Remote::reach(config).await?;
    match command {
        FieldsCommand::List => {
            let list = remote.get("/api/v1/fields").await?;
            show_list(cli, &list, &["field", "entity", "prog_id", "label", "length", "items", "drift"]);
        }
        FieldsCommand::Accept { fields } => {
            let named: String = url::form_urlencoded::byte_serialize(fields.join(",").as_bytes()).collect();
            let answer = remote.post(&format!("/api/v1/fields/accept?field={named}")).await?;
            if cli.json {
                print_json(&answer);
                return Ok(());
            }
            let accepted: Vec<&str> =
                answer["accepted"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            print(&if accepted.is_empty() {
                "Nothing has changed, so there is nothing to accept.".to_owned()
            } else {
                format!(
                    "Accepted: {}. What was held for it goes on within half a minute.",
                    accepted.join(", ")
                )
            });
        }
    }
    Ok(())
}
