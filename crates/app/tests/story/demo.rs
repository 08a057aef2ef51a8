//! The demo: everything in one process, and the same seed tells the same story.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Product, Setup, only_document, run, terminate, until};

fn once(arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let all = [&["demo", "--once", "--json"], arguments].concat();
    let ran = run(folder.path(), &BTreeMap::new(), &all);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(!ran.stderr.contains('\u{1b}'));
    only_document(&ran.stdout)
}

fn names(summary: &Value) -> Vec<&str> {
    let accounts = summary["accounts"].as_array().unwrap();
    accounts.iter().map(|account| account["name"].as_str().unwrap()).collect()
}

#[test]
fn the_demo_ends_as_its_story_says() {
    let summary = once(&[]);
    let accounts = summary["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 24);
    for account in accounts {
        assert_eq!(account["ok"], true, "{account}");
        for key in ["id", "name", "owner", "state", "reason", "expected"] {
            assert!(account.get(key).is_some(), "{key} is promised: {account}");
        }
    }
    for key in ["events", "jobs", "writes", "calls", "elapsed_ms"] {
        assert!(summary[key].as_u64().is_some_and(|number| number > 0), "{key} is promised: {summary}");
    }
}

#[test]
fn a_smaller_demo_is_the_beginning_of_the_story() {
    let summary = once(&["--companies", "3"]);
    assert_eq!(names(&summary), ["Falkenried Pumpen GmbH", "Fjellvarde Energi AS", "Alpsteig Holzwerk AG"]);
}

#[test]
fn the_same_seed_gives_the_same_accounts_and_another_seed_others() {
    let (first, second) =
        (once(&["--companies", "40", "--seed", "7"]), once(&["--seed", "7", "--companies", "40"]));
    assert_eq!(first["accounts"], second["accounts"]);
    let other = once(&["--companies", "40", "--seed", "8"]);
    assert_ne!(names(&first), names(&other));
    assert_eq!(names(&first)[..24], names(&other)[..24], "the first 24 are written by hand");
}

/// What stands in the fields, by company and person.
fn texts(product: &Product) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for account in product.world.accounts() {
        for person in account.persons {
            texts.insert(format!("{} at {} {}", person.name, account.id, account.name), person.udfs);
        }
        texts.insert(format!("{} {}", account.id, account.name), account.udfs);
    }
    texts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_gives_the_same_texts_in_the_crm() {
    let mut told = Vec::new();
    for _ in 0..2 {
        let product = Setup::new().companies(40).seed(7).start().await;
        product.play().await;
        product.settle().await;
        told.push(texts(&product));
    }
    assert!(
        told[0].values().filter(|fields| fields.get("Summary").is_some_and(|text| !text.is_empty())).count()
            > 20
    );
    assert_eq!(told[0], told[1]);
}

struct Live(Child);

impl Drop for Live {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_demo_says_where_it_is_and_stops_when_told() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_so-connector"));
    command.args(["demo", "--json", "--companies", "3"]).current_dir(folder.path()).env_clear();
    let began = Instant::now();
    let mut live = Live(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(live.0.stdout.take().unwrap()).lines();
    let first = only_document(&lines.next().unwrap().unwrap());
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());

    let keys: Vec<&String> = first.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["dashboard_url", "emulator_url", "webhook_token", "webhook_url"]);
    let url = |key: &str| first[key].as_str().unwrap().to_owned();
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let page = client.get(url("dashboard_url")).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.text().await.unwrap().contains("<!DOCTYPE html>".to_lowercase().as_str()));
    let accounts = client.get(format!("{}/_emulator/accounts", url("emulator_url"))).send().await.unwrap();
    assert_eq!(accounts.status(), 200);
    let webhook = client.post(url("webhook_url")).header("X-Webhook-Token", url("webhook_token"));
    let unsigned = webhook.body("{}").send().await.unwrap();
    assert_eq!(unsigned.json::<Value>().await.unwrap()["code"], "bad_signature", "the token itself is right");

    // The first company arrives at once and is enriched.
    let api = url("dashboard_url") + "api/v1/accounts/1";
    until(Duration::from_secs(20), "the first company is enriched", async || {
        let account: Value = client.get(&api).send().await.ok()?.json().await.ok()?;
        (account["state"] == "COMPLETED").then_some(())
    })
    .await;

    terminate(live.0.id());
    let status = until(Duration::from_secs(10), "the demo has stopped", async || live.0.try_wait().unwrap());
    assert_eq!(status.await.code(), Some(0));
    assert!(lines.next().is_none(), "stdout holds the first object and nothing else");
}
