//! `coverage`: what became of every change in a window; fails with 5 when one is not accounted for.

use serde_json::Value;

use super::jobs::push;
use crate::cli::{Cli, CoverageArgs};
use crate::config::Config;
use crate::failure::{Failure, Status};
use crate::format::{json_cell, print, print_json, table};
use crate::remote::Remote;

pub(super) async fn run(cli: &Cli, args: &CoverageArgs, config: &Config) -> Result<(), Failure> {
    let remote = Remote::reach(config).await?;
    let mut path = "/api/v1/coverage?".to_owned();
    push(&mut path, "from", &args.since);
    if let Some(until) = &args.until {
        push(&mut path, "until", until);
    }
    let coverage = remote.get_patiently(&path).await?;
    if cli.json {
        print_json(&coverage);
    } else {
        show(&coverage);
    }
    match coverage["unexplained"].as_u64() {
        Some(0) => Ok(()),
        count => {
            let words = format!("{} changes are not accounted for", count.unwrap_or_default());
            let remedy = coverage["remedy"].as_str().unwrap_or_default().to_owned();
            Err(Failure::words(Status::Findings, words).help(remedy))
        }
    }
}

fn show(coverage: &Value) {
    let until = if coverage["until"].is_null() { "now".to_owned() } else { json_cell(&coverage["until"]) };
    print(&format!("From {} until {until}, by SuperOffice's clock.", json_cell(&coverage["from"])));
    if coverage["cut"] == true {
        print("The window begins when we began to listen.");
    }
    let mut rows = Vec::new();
    for (class, count) in coverage["classes"].as_object().into_iter().flatten() {
        rows.push(vec![class.clone(), String::new(), count.to_string()]);
        let of_class = coverage["reasons"].as_array().into_iter().flatten();
        for why in of_class.filter(|why| why["class"] == class.as_str()) {
            rows.push(vec![String::new(), json_cell(&why["reason"]), json_cell(&why["count"])]);
        }
    }
    rows.push(vec!["all changes".to_owned(), String::new(), json_cell(&coverage["changes"])]);
    print(&table(&["ENDED", "REASON", "CHANGES"], &rows));
    for record in coverage["unexplained_records"].as_array().into_iter().flatten() {
        print(&format!(
            "unexplained: {} {} of account {}, changed {} by {}",
            json_cell(&record["entity"]),
            record["entity_id"],
            json_cell(&record["account_id"]),
            json_cell(&record["updated_at"]),
            json_cell(&record["by"])
        ));
    }
    print(&format!("Asked SuperOffice {} times.", coverage["calls"]));
}
