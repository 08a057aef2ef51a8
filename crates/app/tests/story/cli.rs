//! The command line: what each command prints, its exit status, and that no secret ever leaves.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::Value;
use superoffice_emulator::{Kind, Mishap};

use crate::support::{Delivery, Product, Ran, SOON, Setup, TOKEN, only_document, run, until};

const SECRET: &str = "canary-signature-key-3b7e";

/// Runs a command with `--json` and returns the one document.
fn json(product: &Product, arguments: &[&str], status: i32) -> Value {
    let arguments = [arguments, &["--json"]].concat();
    let ran = product.cli(&arguments);
    assert_eq!(ran.status, Some(status), "{arguments:?}: {ran:?}");
    if status == 0 {
        return only_document(&ran.stdout);
    }
    assert_eq!(ran.stdout, "", "{arguments:?}");
    // The error is the last line of the talk.
    only_document(ran.stderr.lines().last().unwrap())
}

fn text(product: &Product, arguments: &[&str]) -> String {
    let ran = product.cli(arguments);
    assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
    ran.stdout
}

/// Everything that can be asked about a finished story, over the API or on the bare database.
fn look_around(product: &Product) {
    let jobs = json(product, &["jobs", "list", "-n", "1000"], 0);
    let jobs = jobs.as_array().unwrap();
    assert!(jobs.len() > 20);
    assert!(jobs.iter().all(|job| job["state"].is_string() && job["attempts"].is_u64()));
    let done = json(product, &["jobs", "list", "--state", "completed,SKIPPED", "-n", "1000"], 0);
    assert_eq!(done.as_array().unwrap().len(), jobs.len());
    let one = json(product, &["jobs", "list", "--account", "1", "-n", "1"], 0);
    assert_eq!((one.as_array().unwrap().len(), &one[0]["account_id"]), (1, &1.into()));
    assert_eq!(json(product, &["jobs", "list", "--state", "FAILED"], 0), Value::Array(Vec::new()));

    let of_first = json(product, &["jobs", "list", "--account", "1", "-n", "1000"], 0);
    let of_first =
        of_first.as_array().unwrap().iter().find(|job| job["entity"] == "contact").unwrap().clone();
    let id = of_first["id"].to_string();
    let job = json(product, &["jobs", "show", &id], 0);
    assert!(!job["steps"].as_array().unwrap().is_empty() && !job["writes"].as_array().unwrap().is_empty());
    assert!(text(product, &["jobs", "show", &id]).contains("COMPLETED"));

    let accounts = json(product, &["accounts", "list"], 0);
    assert_eq!(accounts.as_array().unwrap().len(), 24);
    let found = json(product, &["accounts", "list", "--find", "falkenried", "--owner", "tjens"], 0);
    assert_eq!((found.as_array().unwrap().len(), &found[0]["id"]), (1, &1.into()));
    let account = json(product, &["accounts", "show", "1"], 0);
    assert_eq!(
        (&account["state"], &account["name"]),
        (&"COMPLETED".into(), &"Falkenried Pumpen GmbH".into())
    );
    let shown = text(product, &["accounts", "show", "1"]);
    assert!(shown.contains("Falkenried Pumpen GmbH") && shown.contains("Opener primary: "), "{shown}");

    let events = json(product, &["events", "list", "--account", "1", "-n", "1000"], 0);
    assert!(events.as_array().unwrap().iter().any(|event| event["event"] == "contact.created"));
    let table = text(product, &["events", "list", "-n", "2"]);
    assert_eq!(table.lines().count(), 3, "a header and two rows: {table}");

    assert_eq!(json(product, &["jobs", "show", "999999"], 3)["error"]["code"], "not_found");
    assert_eq!(json(product, &["accounts", "show", "999999"], 3)["error"]["code"], "not_found");
    let retried = product.cli(&["jobs", "retry", "999999", "--json"]);
    assert_eq!(error_of_a_retry(&retried, 3)["error"]["code"], "not_found");
    assert_eq!(json(product, &["jobs", "list", "--state", "FALIED"], 2)["error"]["code"], "usage");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_look_at_a_running_service_and_at_a_bare_database_alike() {
    let mut product = Setup::new().start().await;
    product.play().await;
    product.settle().await;
    look_around(&product);
    product.stop().await;
    look_around(&product);

    // A retry on the bare database waits there for the next start.
    let jobs = json(&product, &["jobs", "list", "-n", "1"], 0);
    let id = jobs[0]["id"].to_string();
    let retried = json(&product, &["jobs", "retry", &id], 0);
    assert_eq!((&retried[0]["id"], &retried[0]["retried"]), (&jobs[0]["id"], &serde_json::json!(true)));
    assert!(retried[0]["job_id"].is_number(), "{retried}");
    let waiting = || json(&product, &["jobs", "list", "--state", "PENDING"], 0).as_array().unwrap().len();
    assert_eq!(waiting(), 1);
    product.launch().await;
    product.settle().await;
    let waiting = json(&product, &["jobs", "list", "--state", "PENDING,PROCESSING"], 0);
    assert_eq!(waiting, serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_job_cannot_be_retried() {
    let product = Setup::new().start().await;
    let company = &product.companies[0];
    let host = &company.website.as_ref().unwrap().host;
    product.world.mishap(Mishap::new(Kind::Slow).on(&format!("website {host}")).ms(4_000).times(1));
    product.enter(company);
    let id = until(SOON, "the job runs", async || {
        let jobs = product.try_get("/api/v1/jobs?state=PROCESSING").await?;
        // The website is read for whichever of the account's jobs came first.
        Some(jobs["items"].as_array()?.first()?["id"].to_string())
    })
    .await;
    let retried = product.cli(&["jobs", "retry", &id, "--json"]);
    assert_eq!(error_of_a_retry(&retried, 6)["error"]["code"], "conflict");
    product.settle().await;
}

/// A retry tells about each job on stdout, and about the refusal on stderr.
fn error_of_a_retry(ran: &Ran, status: i32) -> Value {
    assert_eq!(ran.status, Some(status), "{ran:?}");
    assert_eq!(only_document(&ran.stdout)[0]["retried"], false);
    only_document(ran.stderr.lines().last().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explore_says_what_a_company_is_and_writes_nothing() {
    let product = Setup::new().populated().prepare().await;
    let company = &product.companies[0];
    let url = product.website(&company.website.as_ref().unwrap().host);
    let found = json(&product, &["explore", &company.name, "--url", &url, "--country", "DE"], 0);
    assert_eq!(found["found"], true);
    assert_eq!(found["profile"]["vertical"]["id"], "mechanical_engineering", "{found}");
    let told = text(&product, &["explore", &company.name, "--url", &url]);
    assert!(told.contains("mechanical_engineering") && told.contains("Opener primary"), "{told}");
    let nothing = json(&product, &["explore", "Nobody GmbH"], 0);
    assert_eq!((&nothing["found"], &nothing["reason"]), (&false.into(), &"NO_WEBSITE".into()));
    assert!(product.world.writes().is_empty());
    assert!(!product.database().exists(), "nothing is stored");
}

#[test]
fn exit_statuses_say_what_went_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = BTreeMap::new();
    let go = |arguments: &[&str]| run(folder.path(), &nothing, arguments);
    assert_eq!(go(&["--version"]).status, Some(0));
    assert_eq!(go(&["--help"]).status, Some(0));
    assert_eq!(go(&["jobs", "lsit"]).status, Some(2));
    assert_eq!(go(&[]).status, Some(2));
    assert_eq!(go(&["demo", "--companies", "0"]).status, Some(2));
    let serve = go(&["serve"]);
    assert_eq!(serve.status, Some(4), "{serve:?}");
    assert!(serve.stderr.contains("so-connector setup"), "it says what to do: {}", serve.stderr);
    assert_eq!(go(&["--config", "missing.toml", "serve"]).status, Some(1));
    assert_eq!(go(&["config", "check"]).status, Some(0));
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "nothing is left behind");

    let tenant: BTreeMap<String, String> = [
        ("SO_CONTEXT_IDENTIFIER", "Cust10001"),
        ("SO_CLIENT_ID", "id"),
        ("SO_CLIENT_SECRET", "secret"),
        ("SO_REFRESH_TOKEN", "token"),
        ("LISTEN", "127.0.0.1:1"),
        ("DATABASE_URL", "sqlite://missing.db"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let lonely = run(folder.path(), &tenant, &["jobs", "list"]);
    assert_eq!(lonely.status, Some(1), "{lonely:?}");
    assert!(lonely.stderr.contains("so-connector serve"), "it says what to do: {}", lonely.stderr);
}

#[test]
fn a_wrong_configuration_is_told_at_once_and_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("connector.toml"), "listen = \"here\"\n[work]\nworkers = 0\n").unwrap();
    std::fs::write(folder.path().join(".env"), "SO_CLIENT_SECRET=canary-client-secret\n").unwrap();
    let nothing = BTreeMap::new();
    let ran = run(folder.path(), &nothing, &["config", "check", "--json"]);
    assert_eq!(ran.status, Some(5), "{ran:?}");
    let found = only_document(&ran.stdout);
    assert_eq!(found["ok"], false);
    let findings = found["findings"].to_string();
    for word in ["listen", "work.workers", "SO_CLIENT_ID", "SO_CONTEXT_IDENTIFIER"] {
        assert!(findings.contains(word), "{word} is told: {findings}");
    }
    let serve = run(folder.path(), &nothing, &["serve"]);
    assert_eq!(serve.status, Some(1), "{serve:?}");
    assert!(!folder.path().join("connector.db").exists(), "nothing was opened");
    std::fs::write(folder.path().join("connector.toml"), "[work]\nworkres = 3\n").unwrap();
    let typo = run(folder.path(), &nothing, &["config", "check"]);
    assert_eq!(typo.status, Some(5));
    assert!(typo.stderr.contains("did you mean work.workers?"), "{}", typo.stderr);
    assert!(!format!("{ran:?}{serve:?}{typo:?}").contains("canary"));
}

#[test]
fn config_show_tells_where_each_value_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("connector.toml"), "[work]\nworkers = 3\n").unwrap();
    std::fs::write(folder.path().join(".env"), "OWNERS=TJENS\nSO_CLIENT_SECRET=canary-client-secret\n")
        .unwrap();
    let variables = BTreeMap::from([
        ("OWNERS".to_owned(), "OTHER".to_owned()),
        ("SO_CLIENT_ID".to_owned(), "an-id".to_owned()),
    ]);
    let ran = run(folder.path(), &variables, &["config", "show", "--json"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let rows = only_document(&ran.stdout);
    let row = |key: &str| {
        let row = rows.as_array().unwrap().iter().find(|row| row["key"] == key).unwrap();
        (row["value"].as_str().unwrap().to_owned(), row["origin"].as_str().unwrap().to_owned())
    };
    let said = |value: &str, origin: &str| (value.to_owned(), origin.to_owned());
    assert_eq!(row("filter.owners"), said("TJENS", "OWNERS in .env"));
    assert_eq!(row("superoffice.client_id"), said("an-id", "SO_CLIENT_ID in the environment"));
    assert_eq!(row("work.workers"), said("3", "connector.toml"));
    assert_eq!(row("retry.retries"), said("5", "default"));
    assert_eq!(row("superoffice.client_secret"), said("***", "SO_CLIENT_SECRET in .env"));
    assert!(!ran.stdout.contains("canary"));
}

#[test]
fn the_completion_script_is_one_that_bash_takes() {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(folder.path(), &BTreeMap::new(), &["completions", "bash"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    for word in ["demo", "accounts", "retry"] {
        assert!(ran.stdout.contains(word), "{word} is completed");
    }
    let script = folder.path().join("completions.bash");
    std::fs::write(&script, &ran.stdout).unwrap();
    let checked = std::process::Command::new("bash").arg("-n").arg(&script).stderr(Stdio::null()).status();
    assert!(checked.map_or(true, |status| status.success()), "bash cannot read it");
}

/// The canary in the forms in which it could slip out.
fn forms(canary: &str) -> Vec<String> {
    let digits = canary.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    let hex: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    let encoded: String = url::form_urlencoded::byte_serialize(canary.as_bytes()).collect();
    let json = serde_json::to_string(canary).unwrap().trim_matches('"').to_owned();
    vec![canary.to_owned(), hex, encoded, json]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_colour_appears_in_anything_that_is_printed_or_served() {
    let mut product = Setup::new().argument("-vv").signed(SECRET).start().await;
    product.play().await;
    product.settle().await;
    // Trouble is where secrets slip out: refusals, sign-ins that fail, bodies that cannot be read.
    product.world.mishap(Mishap::new(Kind::RevokeConsent));
    let wrong = product.client().post(product.url("/connector/webhook?token=wrong")).body("{").send().await;
    let mut seen = vec![wrong.unwrap().text().await.unwrap()];
    product.send(b"{".to_vec()).await.unwrap();
    product.deliver(&Delivery::changed(superoffice_emulator::Entity::Contact, 1, &["name"])).await;
    until(SOON, "the outage is known", async || {
        let status = product.try_get("/api/v1/status").await?;
        (status["state"] == "down").then_some(())
    })
    .await;
    product.world.clear_mishaps();
    for path in ["/", "/jobs", "/accounts/1", "/metrics", "/readyz", "/api/v1/status", "/api/v1/events"] {
        let page = product.client().get(product.url(path)).send().await.unwrap();
        seen.push(format!("{:?}", page.headers()));
        seen.push(page.text().await.unwrap());
    }
    let commands: &[&[&str]] = &[
        &["jobs", "list"],
        &["jobs", "list", "--json"],
        &["jobs", "show", "1", "-vv"],
        &["accounts", "list"],
        &["accounts", "show", "1"],
        &["events", "list", "--json"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["config", "check"],
        &["accounts", "show", "999999"],
        &["jobs", "list", "--state", "FALIED"],
        &["explore", "Nobody", "-vv"],
        &["completions", "bash"],
        &["serve", "-vv"],
    ];
    for arguments in commands {
        let ran = product.cli(arguments);
        seen.push(format!("{arguments:?}\n{}{}", ran.stdout, ran.stderr));
    }
    product.stop().await;
    let (stdout, stderr) = product.printed();
    assert!(stderr.len() > 10_000, "the log is verbose");
    let document = only_document(&stdout);
    assert_eq!(document["roles"], serde_json::json!(["receive", "work", "dashboard"]));
    seen.extend([stdout, stderr]);

    let details = &product.details;
    let canaries = [TOKEN, SECRET, &details.client_secret, &details.refresh_token, &details.access_token];
    for text in &seen {
        assert!(!text.contains('\u{1b}'), "an escape code: {text:.200}");
        for canary in canaries.iter().flat_map(|canary| forms(canary)) {
            assert!(!text.contains(&canary), "a secret in: {:.300}", around(text, &canary));
        }
        assert!(!text.contains("Bearer ey") && !text.contains("8A:"), "a token in: {text:.300}");
    }
}

/// The place where something stands.
fn around<'a>(text: &'a str, what: &str) -> &'a str {
    let at = text.find(what).unwrap_or_default();
    let start = (0..=at.saturating_sub(80)).rev().find(|start| text.is_char_boundary(*start)).unwrap_or(0);
    &text[start..]
}
