//! `setup`: from a tenant without any of our fields to a service that works; again, and nothing changes; stopped in the
//! middle, and nothing is half done.

use std::collections::BTreeSet;
use std::io::{BufReader, Read as _};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use superoffice_emulator::{Entity, Kind, Mishap};

use crate::support::{Product, SOON, Setup, only_document, until};

const LABELS: [&str; 7] =
    ["Vertical", "Summary", "Opener primary", "Opener secondary", "Bridge", "Social proof", "Subject"];

/// A tenant as it is before, with a few companies in it, and answers in a file.
async fn empty(setup: &[(&str, &str)], without: &[&str]) -> Product {
    let product = Setup::new().companies(3).populated().bare().prepare().await;
    write_answers(&product, setup, without);
    product
}

fn write_answers(product: &Product, setup: &[(&str, &str)], without: &[&str]) {
    let details = &product.details;
    let superoffice = [
        ("login_url", &details.login_url),
        ("context", &details.context),
        ("client_id", &details.client_id),
        ("client_secret", &details.client_secret),
        ("refresh_token", &details.refresh_token),
        ("redirect_uri", &details.redirect_uri),
    ];
    let named = superoffice.iter().filter(|(key, _)| !without.contains(key));
    let named: String =
        named.map(|(key, value)| format!("{key} = \"{value}\"\n")).collect::<Vec<_>>().concat();
    let setup: Vec<String> = setup.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
    let text = format!(
        "listen = \"127.0.0.1:{}\"\n[superoffice]\n{named}[filter]\nowners = \"{}\"\n[website]\nallow = \"127.0.0.1\"\n[setup]\n{}",
        product.port(),
        details.owners.join(","),
        setup.concat()
    );
    std::fs::write(product.folder.path().join("answers.toml"), text).unwrap();
}

const ALL: [(&str, &str); 2] = [("create_fields", "true"), ("register_webhook", "true")];

fn labels(product: &Product) -> BTreeSet<String> {
    let fields = [Entity::Contact, Entity::Person].map(|entity| product.world.udf_fields(entity));
    fields
        .into_iter()
        .flatten()
        .map(|field| field.label)
        .filter(|label| LABELS.contains(&label.as_str()))
        .collect()
}

fn env(product: &Product) -> String {
    std::fs::read_to_string(product.folder.path().join(".env")).unwrap_or_default()
}

/// Everything that the program keeps on disk.
fn kept(product: &Product) -> String {
    let files = std::fs::read_dir(product.folder.path()).unwrap().flatten();
    let ours = files.filter(|file| {
        let name = file.file_name().into_string().unwrap();
        name.starts_with("connector.") || name == ".env"
    });
    ours.map(|file| String::from_utf8_lossy(&std::fs::read(file.path()).unwrap()).into_owned()).collect()
}

/// Calls that change something in the tenant.
fn changes(product: &Product) -> u64 {
    let routes = [
        ("POST", "List"),
        ("POST", "List/{list}/Items"),
        ("POST", "Contact/UdefLayout"),
        ("PUT", "Contact/UdefLayout"),
        ("POST", "Person/UdefLayout"),
        ("PUT", "Person/UdefLayout"),
        ("POST", "Webhook"),
        ("PATCH", "Webhook/{id}"),
        ("PATCH", "Contact/{id}"),
        ("PUT", "Contact/{id}"),
    ];
    routes.iter().map(|(method, route)| product.world.calls(method, route)).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_tenant_is_made_ready_from_answers_and_nothing_changes_the_second_time() {
    let mut product = empty(&ALL, &[]).await;
    assert!(labels(&product).is_empty());
    let ran = product.cli(&["setup", "--from", "answers.toml", "--json"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let report = only_document(&ran.stdout);
    assert_eq!((&report["changed"], report["steps"].as_array().unwrap().len()), (&json!(true), 6));
    assert_eq!(labels(&product).len(), 7);
    assert!(!ran.stderr.contains("did not bring up to date"), "{ran:?}");
    let hooks = product.world.webhooks();
    assert_eq!(hooks.len(), 1);

    // What is a secret is neither said nor, where it can be sealed, kept in the open.
    let details = &product.details;
    for secret in [&details.refresh_token, &details.client_secret] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret));
    }
    assert!(!kept(&product).contains(&details.refresh_token), "the refresh token is sealed");

    // A service with nothing but what was set up works, and nothing is found wrong with it.
    product.launch().await;
    let doctor = product.cli(&["doctor"]);
    assert_eq!((doctor.status, doctor.stdout.as_str()), (Some(0), ""), "{doctor:?}");
    let id = product.world.contact_ids()[0];
    product
        .world
        .edit(Entity::Contact, id, product.companies[0].owner, &[("Name", "Falkenried Pumpen AG")])
        .unwrap();
    until(SOON, "the company is enriched", async || {
        let account = product.try_get(&format!("/api/v1/accounts/{id}")).await?;
        (account["state"] == "COMPLETED").then_some(())
    })
    .await;

    let (before, changed) = (env(&product), changes(&product));
    let again = product.cli(&["setup", "--from", "answers.toml", "--json"]);
    assert_eq!(again.status, Some(0), "{again:?}");
    assert_eq!(only_document(&again.stdout)["changed"], false, "{again:?}");
    assert_eq!((env(&product), changes(&product)), (before, changed));
    assert_eq!(product.world.webhooks().len(), 1);
    let tests = || product.world.calls("POST", "Agents/Webhook/TestWebhook") + changes(&product);
    let (before, tested) = (kept(&product).len(), tests());
    let dry = product.cli(&["setup", "--non-interactive", "--dry-run", "--json"]);
    assert_eq!((dry.status, tests(), kept(&product).len()), (Some(0), tested, before), "{dry:?}");
    let bare = product.cli(&["setup", "--non-interactive", "--json"]);
    assert_eq!((bare.status, &only_document(&bare.stdout)["changed"]), (Some(0), &json!(false)), "{bare:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_yes_nothing_is_created() {
    let product = empty(&[("register_webhook", "true")], &[]).await;
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("setup.create_fields = true"), "{ran:?}");
    assert_eq!((labels(&product).len(), changes(&product), product.world.webhooks().len()), (0, 0, 0));

    write_answers(&product, &[ALL[0]], &[]);
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("setup.register_webhook = true"), "{ran:?}");
    assert!(!env(&product).contains("WEBHOOK_TOKEN"), "a step without its yes saves nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_leaves_no_trace() {
    let product = empty(&ALL, &[]).await;
    let ran = product.cli(&["setup", "--from", "answers.toml", "--dry-run"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    for words in ["SoConnector:1", "Mechanical engineering", "is registered that sends 9 events"] {
        assert!(ran.stderr.contains(words), "{words}: {ran:?}");
    }
    assert_eq!((changes(&product), kept(&product)), (0, String::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_mistake_in_the_answers_is_told_at_once() {
    let product = empty(&[("create_field", "true"), ("sign_in", "\"magic\"")], &[]).await;
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("there is no key setup.create_field"), "{ran:?}");
    write_answers(&product, &[("sign_in", "\"magic\"")], &["refresh_token"]);
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("setup.sign_in") && ran.stderr.contains("system_user"), "{ran:?}");
    std::fs::write(product.folder.path().join("torn.toml"), "[superoffice]\nclient_secret = \"canary-torn\n")
        .unwrap();
    let ran = product.cli(&["setup", "--from", "torn.toml"]);
    assert!(ran.stderr.contains("torn.toml, line 2") && !ran.stderr.contains("canary"), "{ran:?}");
    let ran = product.cli(&["setup"]);
    assert_eq!(ran.status, Some(2), "nobody is there to be asked: {ran:?}");
    // What an earlier step has saved is an answer, too.
    std::fs::remove_file(product.folder.path().join(".env")).unwrap();
    write_answers(&product, &ALL, &["context"]);
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert!(ran.stderr.contains("superoffice.context"), "{ran:?}");
}

/// The browser comes back to a port of this machine.
fn comes_back_here(product: &Product) {
    let line = format!("[superoffice]\nredirect_uri = \"http://127.0.0.1:{}/callback\"", product.port() + 1);
    let answers = product.folder.path().join("answers.toml");
    let text = std::fs::read_to_string(&answers).unwrap();
    std::fs::write(&answers, text.replace("[superoffice]", &line)).unwrap();
}

/// Starts it with its talk to be read.
fn begin(mut command: Command) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let talk = BufReader::new(child.stderr.take().unwrap());
    (child, talk)
}

/// Reads its talk up to a line that holds these words.
fn read_to(talk: &mut impl std::io::BufRead, words: &str) -> String {
    let mut all = String::new();
    loop {
        let start = all.len();
        assert_ne!(talk.read_line(&mut all).unwrap(), 0, "it ended without \"{words}\": {all}");
        if all[start..].contains(words) {
            return all[start..].trim().to_owned();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_signs_in_with_a_browser() {
    let product =
        empty(&[ALL[0], ALL[1], ("sign_in", "\"browser\"")], &["refresh_token", "redirect_uri"]).await;
    comes_back_here(&product);
    let (mut child, mut talk) = begin(product.command(&["setup", "--from", "answers.toml"]));
    let address = read_to(&mut talk, "/login/common/oauth/authorize?");
    for part in ["code_challenge_method=S256", "state=", &format!("tenant%3A{}", product.details.context)] {
        assert!(address.contains(part), "{part} is not in {address}");
    }
    read_to(&mut talk, "Waiting for the browser");
    let page = product.client().get(address).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("Thank you"));
    let mut rest = String::new();
    talk.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert!(rest.contains("signed in as") && !rest.contains(&product.details.refresh_token), "{rest}");
    assert!(!kept(&product).contains(&product.details.refresh_token));
    let ran = product.cli(&["latest", "--json"]);
    assert_eq!(ran.status, Some(0), "other commands use the kept sign-in: {ran:?}");

    // Without its key it is of no use, and that is said.
    std::fs::remove_file(product.folder.path().join("connector.key")).unwrap();
    let ran = product.cli(&["latest"]);
    assert!(ran.status == Some(1) && ran.stderr.contains("connector.key"), "{ran:?}");
    assert!(ran.stderr.contains("setup --only auth"), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_service_goes_on_when_somebody_signs_in_anew() {
    let mut product =
        Setup::new().companies(3).variable("SO_REFRESH_TOKEN", "withdrawn-long-ago").prepare().await;
    product.launch().await;
    product.register().await;
    let id = product.enter(&product.companies[0].clone());
    until(SOON, "the service says that it is not let in", async || {
        let status = product.try_get("/api/v1/status").await?;
        status["parts"].as_array()?.iter().any(|part| part["state"] == "down").then_some(())
    })
    .await;
    write_answers(&product, &[("sign_in", "\"refresh_token\"")], &[]);
    let ran = product.cli(&["setup", "--from", "answers.toml", "--only", "auth"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    until(SOON, "the work that waited is done", async || {
        let account = product.try_get(&format!("/api/v1/accounts/{id}")).await?;
        (account["state"] == "COMPLETED").then_some(())
    })
    .await;
    // The old token in the environment does not come back with a restart.
    product.stop().await;
    product.launch().await;
    let ran = product.cli(&["owners", "--json"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
}

fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_while_waiting_leaves_everything_as_it_was() {
    let product = empty(&[("sign_in", "\"browser\"")], &["refresh_token", "redirect_uri"]).await;
    comes_back_here(&product);
    let (mut child, mut talk) = begin(product.command(&["setup", "--from", "answers.toml"]));
    read_to(&mut talk, "Waiting for the browser");
    let before = env(&product);
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!((env(&product), changes(&product), labels(&product).len()), (before, 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_while_fields_are_made_lets_them_be_finished() {
    let product = empty(&ALL, &[]).await;
    product.world.mishap(Mishap::new(Kind::Slow).on("PUT Contact/UdefLayout").ms(300));
    let (mut child, mut talk) = begin(product.command(&["setup", "--from", "answers.toml"]));
    until(SOON, "the first field is being saved", async || {
        (product.world.calls("POST", "Contact/UdefLayout") > 0).then_some(())
    })
    .await;
    interrupt(&child);
    let mut rest = String::new();
    talk.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert!(rest.contains("finished first"), "{rest}");
    assert_eq!(labels(&product).len(), 7, "all are there and published, none is half made");
    assert!(product.world.webhooks().is_empty(), "the steps behind were not begun");
    product.world.clear_mishaps();
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert_eq!((ran.status, product.world.webhooks().len()), (Some(0), 1), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_killed_is_gone_on_with() {
    let product = empty(&ALL, &[]).await;
    product.world.mishap(Mishap::new(Kind::Slow).on("POST Contact/UdefLayout/Publish").ms(30_000));
    let mut child = begin(product.command(&["setup", "--from", "answers.toml"])).0;
    until(SOON, "all fields of companies are drafted", async || {
        (product.world.calls("PUT", "Contact/UdefLayout") >= 4).then_some(())
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    product.world.clear_mishaps();
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    let contact = product.world.udf_fields(Entity::Contact);
    for label in &LABELS[..4] {
        assert_eq!(contact.iter().filter(|field| field.label == *label).count(), 1, "{label} is there once");
    }
    assert_eq!(labels(&product).len(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unpublished_changes_of_others_are_not_published_by_the_way() {
    let product = empty(&ALL, &[]).await;
    let api = format!("{}/v1/Contact/UdefLayout", product.details.api_url.trim_end_matches('/'));
    let client = product.client();
    let ask = |request: reqwest::RequestBuilder| request.bearer_auth(&product.details.access_token).send();
    let draft = ask(client.post(format!("{api}?udefFieldType=LongText"))).await.unwrap();
    let mut draft: Value = draft.json().await.unwrap();
    draft["FieldLabel"] = "Somebody's idea".into();
    assert!(ask(client.put(&api).json(&json!([draft]))).await.unwrap().status().is_success());
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("setup.publish_others"), "{ran:?}");
    assert!(labels(&product).is_empty());
    write_answers(&product, &[ALL[0], ALL[1], ("publish_others", "true")], &[]);
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert_eq!((ran.status, labels(&product).len()), (Some(0), 7), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_works_without_a_signature_is_given_none() {
    let product = Setup::new().companies(1).start().await;
    let before = changes(&product);
    let ran = product.cli(&["setup", "--non-interactive", "--only", "webhook", "--json"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(changes(&product), before, "{ran:?}");
    assert!(!env(&product).contains("WEBHOOK_SECRET"), "the service would ask for what nobody sends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_takes_the_place_of_a_system_user_who_is_refused() {
    let product = empty(&[("sign_in", "\"refresh_token\"")], &[]).await;
    let key = product.folder.path().join("key.pem");
    std::fs::write(&key, &product.details.private_key).unwrap();
    let lines = format!("SO_SYSTEM_TOKEN='Old App-withdrawn'\nSO_PRIVATE_KEY_FILE={}\n", key.display());
    std::fs::write(product.folder.path().join(".env"), lines).unwrap();
    for step in ["tenant", "auth"] {
        let ran = product.cli(&["setup", "--from", "answers.toml", "--only", step]);
        assert_eq!(ran.status, Some(0), "{ran:?}");
    }
    assert!(!env(&product).contains("SO_SYSTEM_TOKEN"), "the former way is gone: {}", env(&product));
    let ran = product.cli(&["owners"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");

    // And the other way round, also when a token is configured.
    let with_token = env(&product) + "SO_REFRESH_TOKEN=stale\n";
    std::fs::write(product.folder.path().join(".env"), with_token).unwrap();
    let token = &product.details.system_token;
    let answers = std::fs::read_to_string(product.folder.path().join("answers.toml")).unwrap();
    let lines: Vec<&str> = answers.lines().filter(|line| !line.contains("refresh_token")).collect();
    let system =
        format!("[superoffice]\nsystem_token = \"{token}\"\nprivate_key_file = \"{}\"", key.display());
    let answers = lines.join("\n").replace("[superoffice]", &system) + "\nsign_in = \"system_user\"\n";
    std::fs::write(product.folder.path().join("answers.toml"), answers).unwrap();
    let ran = product.cli(&["setup", "--from", "answers.toml", "--only", "auth"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(!ran.stderr.contains(token.as_str()) && env(&product).contains("SO_PRIVATE_KEY_FILE"), "{ran:?}");
    assert!(!env(&product).contains("SO_REFRESH_TOKEN"), "{}", env(&product));
    let ran = product.cli(&["owners"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_under_another_name_is_used_and_not_made_again() {
    let product = empty(&ALL, &[]).await;
    let list = json!({"Name": "Verticals", "Tooltip": ""});
    let api = format!("{}/v1/List", product.details.api_url.trim_end_matches('/'));
    let ask = |url: String, body: Value| {
        product.client().post(url).bearer_auth(&product.details.access_token).json(&body).send()
    };
    let list: Value = ask(api.clone(), list).await.unwrap().json().await.unwrap();
    let items = format!("{api}/{}/Items", list["Id"]);
    assert!(ask(items, json!({"Name": "Maschinen- und Anlagenbau"})).await.unwrap().status().is_success());
    let ran = product.cli(&["setup", "--from", "answers.toml"]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("The present list \"Verticals\" gets 19 items"), "{ran:?}");

    let summary =
        product.world.udf_fields(Entity::Contact).into_iter().find(|field| field.label == "Summary").unwrap();
    let rename = |label: &str| {
        let changed = product
            .world
            .alter_udf_field(Entity::Contact, &summary.prog_id(), |field| label.clone_into(&mut field.label));
        assert!(changed);
    };
    rename("Kurzbeschreibung");
    let before = changes(&product);
    let ran = product.cli(&["setup", "--from", "answers.toml", "--only", "fields"]);
    assert!(
        ran.status == Some(0) && ran.stderr.contains("Summary is the field \"Kurzbeschreibung\" now"),
        "{ran:?}"
    );
    assert_eq!(changes(&product), before);
    let toml = std::fs::read_to_string(product.folder.path().join("connector.toml")).unwrap();
    assert!(toml.contains("summary = \"SoConnector:2\""), "{toml}");
}
