//! `jobs`: look, and try again.

use serde_json::{Value, json};

use super::super::remote::Remote;
use crate::cli::{Cli, JobsCommand, PageArgs};
use crate::config::Config;
use crate::failure::{Failure, Status};
use crate::format::{json_cell, print, print_json, say, table};

pub(super) async fn run(cli: &Cli, command: &JobsCommand, config: &Config) -> Result<(), Failure> {
    let remote = Remote::reach(config).await?;
    match command {
        JobsCommand::List { state, account, page } => {
            let mut path = page_path("/api/v1/jobs", page);
            if let Some(state) = state {
                push(&mut path, "state", state);
            }
            if let Some(account) = account {
                push(&mut path, "account", &account.to_string());
            }
            let list = remote.get(&path).await?;
            show_list(
                cli,
                &list,
                &["id", "account_id", "entity", "entity_id", "state", "reason", "attempts"],
            );
            Ok(())
        }
        JobsCommand::Show { id } => {
            show(cli, &remote.get(&format!("/api/v1/jobs/{id}")).await?);
            Ok(())
        }
        JobsCommand::Failed => {
            let list = remote.get("/api/v1/failures").await?;
            show_list(cli, &list, &["fingerprint", "count", "last_at", "job_id", "words", "remedy"]);
            if let Some(more) = list["more"].as_u64().filter(|more| *more > 0) {
                say(&format!("and {more} further causes"));
            }
            Ok(())
        }
        JobsCommand::Retry { cause: Some(cause), .. } => retry_cause(cli, &remote, cause).await,
        JobsCommand::Retry { ids, cause: None } => retry(cli, &remote, ids).await,
    }
}

/// A list's path with its page.
pub(super) fn page_path(path: &str, page: &PageArgs) -> String {
    let mut path = format!("{path}?limit={}", page.limit);
    if let Some(after) = &page.after {
        push(&mut path, "after", after);
    }
    path
}

pub(super) fn push(path: &mut String, name: &str, value: &str) {
    let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    path.extend(["&", name, "=", &encoded]);
}

/// Prints a list as a table of these keys, or as one JSON array.
pub(super) fn show_list(cli: &Cli, list: &Value, keys: &[&str]) {
    let empty = Vec::new();
    let items = list.get("items").and_then(Value::as_array).unwrap_or(&empty);
    let more = list.get("next").and_then(Value::as_str).map(|next| format!("There are more: --after {next}"));
    if cli.json {
        print_json(&json!(items));
        if let Some(more) = &more {
            say(more);
        }
        return;
    }
    let header: Vec<String> = keys.iter().map(|key| key.replace('_', " ").to_uppercase()).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let row =
        |item: &Value| keys.iter().map(|key| json_cell(item.get(*key).unwrap_or(&Value::Null))).collect();
    let rows: Vec<Vec<String>> = items.iter().map(row).collect();
    print(&table(&header, &rows));
    if let Some(more) = &more {
        say(more);
    }
}

fn show(cli: &Cli, job: &Value) {
    if cli.json {
        print_json(job);
        return;
    }
    show_pairs(job);
    show_steps(job);
}

/// Prints an object's plain values, one a line.
pub(super) fn show_pairs(object: &Value) {
    let Some(object) = object.as_object() else { return };
    let plain =
        object.iter().filter(|(_, value)| !value.is_array() && !value.is_object() && !value.is_null());
    for (key, value) in plain {
        print(&format!("{:<16} {}", key.replace('_', " "), json_cell(value)));
    }
}

fn show_steps(job: &Value) {
    for write in job.get("writes").and_then(Value::as_array).into_iter().flatten() {
        for field in write.get("fields").and_then(Value::as_array).into_iter().flatten() {
            let text = |key: &str| json_cell(field.get(key).unwrap_or(&Value::Null));
            print(&format!("  {}: {} → {}", text("label"), text("before"), text("after")));
        }
    }
    for step in job.get("steps").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| json_cell(step.get(key).unwrap_or(&Value::Null));
        print(&format!("  {}  {:<10} {}", text("at"), text("stage"), text("words")));
    }
}

async fn retry(cli: &Cli, remote: &Remote, ids: &[i64]) -> Result<(), Failure> {
    let mut results = Vec::new();
    let mut failures: Vec<Failure> = Vec::new();
    for id in ids {
        match remote.post(&format!("/api/v1/jobs/{id}/retry")).await {
            Ok(answer) => results.push(json!({"id": id, "retried": true, "job_id": answer["job_id"]})),
            Err(failure) => {
                results.push(json!({"id": id, "retried": false, "message": failure.message()}));
                if !cli.json {
                    say(&format!("{id}: {}", failure.message()));
                }
                failures.push(failure);
            }
        }
    }
    if cli.json {
        print_json(&json!(results));
    } else {
        print(&format!("{} of {} jobs wait for another try.", ids.len() - failures.len(), ids.len()));
    }
    one_failure(failures, ids.len())
}

async fn retry_cause(cli: &Cli, remote: &Remote, cause: &str) -> Result<(), Failure> {
    let encoded: String = url::form_urlencoded::byte_serialize(cause.as_bytes()).collect();
    let answer = remote.post_patiently(&format!("/api/v1/failures/{encoded}/retry")).await?;
    if cli.json {
        print_json(&json!({"cause": cause, "retried": true, "jobs": answer["jobs"]}));
    } else {
        print(&format!("{} jobs of this cause wait for another try.", json_cell(&answer["jobs"])));
    }
    Ok(())
}

/// The failure of the only job that was asked for, or one for all that were refused.
fn one_failure(mut failures: Vec<Failure>, asked: usize) -> Result<(), Failure> {
    let Some(last) = failures.pop() else { return Ok(()) };
    if asked == 1 {
        return Err(last);
    }
    let count = failures.len() + 1;
    let status = if failures.iter().all(|failure| failure.kind() == last.kind()) {
        last.kind()
    } else {
        Status::Failed
    };
    Err(Failure::words(status, format!("{count} of {asked} jobs were not retried")))
}
