//! `doctor`: a healthy installation is quiet, each planted fault is found by its name, and following its remedy mends
//! it.

use serde_json::{Value, json};
use superoffice_emulator::{Entity, Kind, Mishap};

use crate::support::{Product, SOON, Setup, TOKEN, only_document, until};

/// The codes that `doctor` finds, with the exit status that goes with them.
fn codes(product: &Product) -> Vec<String> {
    let ran = product.cli(&["doctor", "--json"]);
    let report = only_document(&ran.stdout);
    let checks = report["checks"].as_array().unwrap().iter();
    let findings: Vec<&Value> = checks.flat_map(|check| check["findings"].as_array().unwrap()).collect();
    for finding in &findings {
        for key in ["code", "severity", "words", "cause", "remedy"] {
            assert!(!finding[key].as_str().unwrap().is_empty(), "{key} is empty in {finding}");
        }
    }
    assert_eq!(ran.status, Some(if findings.is_empty() { 0 } else { 5 }), "{ran:?}");
    assert_eq!(report["ok"], findings.is_empty());
    let mut codes: Vec<String> =
        findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect();
    codes.dedup();
    codes
}

/// A product that runs, with its webhook.
async fn healthy() -> Product {
    let product = Setup::new().companies(1).start().await;
    assert_eq!(codes(&product), [""; 0]);
    product
}

/// A product with its configuration alone, and these variables changed.
async fn configured(variables: &[(&str, &str)]) -> Product {
    let mut product = Setup::new().companies(1).prepare().await;
    for (name, value) in variables {
        if value.is_empty() {
            product.variables.remove(*name);
        } else {
            product.variables.insert((*name).to_owned(), (*value).to_owned());
        }
    }
    product
}

/// What is found with these variables, besides that nothing runs and nothing is registered.
async fn found(variables: &[(&str, &str)]) -> Vec<String> {
    let mut codes = codes(&configured(variables).await);
    codes.retain(|code| code != "SERVICE_DOWN" && code != "WEBHOOK_MISSING");
    codes
}

/// Changes the webhook as an administrator would.
async fn patch_webhook(product: &Product, id: i64, path: &str, value: Value) {
    let url = format!("{}/v1/Webhook/{id}", product.details.api_url.trim_end_matches('/'));
    let change = json!([{"op": "replace", "path": path, "value": value}]);
    let request = product.client().patch(url).bearer_auth(&product.details.access_token).json(&change);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
}

fn ran_well(product: &Product, arguments: &[&str]) {
    let ran = product.cli(arguments);
    assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
}

fn remove_all_webhooks(product: &Product) {
    for hook in product.world.webhooks() {
        ran_well(product, &["webhook", "remove", &hook.id.to_string()]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_healthy_installation_is_quiet() {
    let product = healthy().await;
    let ran = product.cli(&["doctor"]);
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    let calls = product.world.calls("PATCH", "Contact/{id}") + product.world.calls("POST", "Webhook");
    assert_eq!(calls, 1, "it changes nothing; the one call registered the webhook");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn config_invalid() {
    let codes = codes(&configured(&[("LISTEN", "here"), ("OWNERS", ",")]).await);
    assert_eq!(codes, ["CONFIG_INVALID"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn config_no_effect() {
    assert_eq!(found(&[("DASHBOARD_PASSWORD", "canary-password")]).await, ["CONFIG_NO_EFFECT"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_tenant() {
    let all = ["SO_CONTEXT_IDENTIFIER", "SO_CLIENT_ID", "SO_CLIENT_SECRET", "SO_REFRESH_TOKEN"];
    assert_eq!(found(&all.map(|name| (name, ""))).await, ["NO_TENANT"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_readable() {
    use std::os::unix::fs::PermissionsExt;
    let product = healthy().await;
    let file = product.folder.path().join(".env");
    std::fs::write(&file, "").unwrap();
    let allow = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
    allow(0o644);
    assert_eq!(codes(&product), ["SECRETS_READABLE"]);
    allow(0o600);
    assert_eq!(codes(&product), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storage_unusable() {
    let product = configured(&[]).await;
    std::fs::write(product.database(), "this is no database, it is a sentence".repeat(200)).unwrap();
    assert!(codes(&product).contains(&"STORAGE_UNUSABLE".to_owned()));
    std::fs::remove_file(product.database()).unwrap();
    assert!(!codes(&product).contains(&"STORAGE_UNUSABLE".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_down() {
    let mut product = healthy().await;
    product.stop().await;
    assert_eq!(codes(&product), ["SERVICE_DOWN"]);
    product.launch().await;
    assert_eq!(codes(&product), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn service_foreign() {
    let mut product = healthy().await;
    product.variables.insert("SO_CONTEXT_IDENTIFIER".to_owned(), "Cust99999".to_owned());
    assert!(codes(&product).contains(&"SERVICE_FOREIGN".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receiver_refuses() {
    let mut product = healthy().await;
    product.variables.insert("WEBHOOK_TOKEN".to_owned(), "another-token".to_owned());
    assert_eq!(codes(&product), ["RECEIVER_REFUSES", "WEBHOOK_TOKEN"]);
    // As the remedies say: the service gets the present token, and the webhook, too.
    product.stop().await;
    product.launch().await;
    ran_well(&product, &["webhook", "register", "--url", &product.url("/connector/webhook")]);
    assert_eq!(codes(&product), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn login_unreachable() {
    assert_eq!(found(&[("SO_LOGIN_URL", "http://127.0.0.1:9")]).await, ["LOGIN_UNREACHABLE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenant_unknown() {
    assert_eq!(found(&[("SO_CONTEXT_IDENTIFIER", "Cust99999")]).await, ["TENANT_UNKNOWN"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_in_refused() {
    assert_eq!(found(&[("SO_CLIENT_SECRET", "canary-wrong")]).await, ["SIGN_IN_REFUSED"]);
    let product = healthy().await;
    product.world.mishap(Mishap::new(Kind::RevokeConsent));
    assert!(codes(&product).contains(&"SIGN_IN_REFUSED".to_owned()));
    product.world.clear_mishaps();
    product.settle().await;
    assert!(!codes(&product).contains(&"SIGN_IN_REFUSED".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_refused() {
    let product = healthy().await;
    product.world.mishap(Mishap::new(Kind::Status).on("GET User/currentPrincipal").status(403));
    assert_eq!(codes(&product), ["API_REFUSED"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn api_unreachable() {
    let product = healthy().await;
    product.world.mishap(Mishap::new(Kind::HtmlLoginPage).on("GET User/currentPrincipal"));
    assert_eq!(codes(&product), ["API_UNREACHABLE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sender() {
    let product = healthy().await;
    product.world.mishap(Mishap::new(Kind::NoPersonLink));
    assert!(codes(&product).contains(&"NO_SENDER".to_owned()));
    product.world.clear_mishaps();
    assert_eq!(codes(&product), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_refused() {
    let product = healthy().await;
    product.world.mishap(Mishap::new(Kind::Status).on("POST Agents").status(403));
    assert_eq!(codes(&product), ["USERS_REFUSED"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owner_unknown() {
    assert_eq!(found(&[("OWNERS", "NOBODY,99999,TJENS")]).await, ["OWNER_UNKNOWN"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_refused() {
    let product = healthy().await;
    product.world.mishap(Mishap::new(Kind::Status).on("GET Contact").status(403));
    assert!(codes(&product).contains(&"ACCOUNTS_REFUSED".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn field_missing() {
    let product = healthy().await;
    std::fs::write(product.folder.path().join("connector.toml"), "[fields]\nsummary = \"acme:404\"").unwrap();
    assert_eq!(codes(&product), ["FIELD_MISSING"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_refused() {
    let product = healthy().await;
    product.world.mishap(Mishap::new(Kind::Status).on("GET Webhook").status(403));
    assert_eq!(codes(&product), ["WEBHOOKS_REFUSED"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_missing() {
    let mut product = healthy().await;
    remove_all_webhooks(&product);
    assert_eq!(codes(&product), ["WEBHOOK_MISSING"]);
    let url = product.url("/connector/webhook");
    product.variables.insert("WEBHOOK_URL".to_owned(), url);
    ran_well(&product, &["webhook", "register"]);
    assert_eq!(codes(&product), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_duplicate() {
    let product = healthy().await;
    product.register().await;
    assert_eq!(codes(&product), ["WEBHOOK_DUPLICATE"]);
    let second = product.cli(&["webhook", "register", "--url", &product.url("/connector/webhook")]);
    assert_eq!(second.status, Some(6), "{second:?}");
    let hooks = product.world.webhooks();
    assert_eq!(hooks.len(), 2, "never a third one");
    ran_well(&product, &["webhook", "remove", &hooks[1].id.to_string()]);
    assert_eq!(codes(&product), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_stopped() {
    let product = healthy().await;
    patch_webhook(&product, 1, "/State", "Stopped".into()).await;
    assert_eq!(codes(&product), ["WEBHOOK_STOPPED"]);
    ran_well(&product, &["webhook", "reactivate"]);
    assert_eq!(codes(&product), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_too_many_errors() {
    let product = healthy().await;
    product.world.mishap(Mishap::new(Kind::DisableWebhooks));
    assert_eq!(codes(&product), ["WEBHOOK_TOO_MANY_ERRORS"]);
    ran_well(&product, &["webhook", "reactivate"]);
    assert!(!codes(&product).contains(&"WEBHOOK_TOO_MANY_ERRORS".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_errors() {
    let mut product = healthy().await;
    product.stop().await;
    let owner = product.companies[0].owner;
    product.world.create(Entity::Contact, owner, &[("Name", "Ostermoor Textil GmbH")]).unwrap();
    until(SOON, "the deliveries have failed", async || product.world.deliveries_idle().then_some(())).await;
    let told = |product: &Product| {
        let ran = product.cli(&["webhook", "list", "--json"]);
        let hook = only_document(&ran.stdout)[0].clone();
        assert!(hook["consecutive_errors"].as_i64().unwrap() > 0, "{hook}");
        assert!(!hook["last_error"].as_str().unwrap().is_empty(), "{hook}");
        codes(product)
    };
    assert_eq!(told(&product), ["SERVICE_DOWN", "WEBHOOK_ERRORS"]);
    // Older tenants have the counters elsewhere.
    product.world.set_policy(|policy| policy.webhook_counters_on_entity = false);
    assert_eq!(told(&product), ["SERVICE_DOWN", "WEBHOOK_ERRORS"]);
    product.launch().await;
    ran_well(&product, &["webhook", "test"]);
    product.enter(&product.companies[0].clone());
    product.settle().await;
    assert_eq!(codes(&product), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_events() {
    let product = healthy().await;
    patch_webhook(&product, 1, "/Events", json!(["contact.created"])).await;
    assert_eq!(codes(&product), ["WEBHOOK_EVENTS"]);
    ran_well(&product, &["webhook", "register", "--url", &product.url("/connector/webhook")]);
    assert_eq!(codes(&product), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_address() {
    let mut product = healthy().await;
    let other = product.url("/connector/webhook").replace("127.0.0.1", "localhost");
    product.variables.insert("WEBHOOK_URL".to_owned(), other);
    assert_eq!(codes(&product), ["WEBHOOK_ADDRESS"]);
    ran_well(&product, &["webhook", "register"]);
    assert_eq!((codes(&product), product.world.webhooks().len()), (Vec::new(), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhook_secret() {
    let mut product = Setup::new().companies(1).signed("canary-secret-old").start().await;
    assert_eq!(codes(&product), [""; 0]);
    product.variables.insert("WEBHOOK_SECRET".to_owned(), "canary-secret-new,canary-secret-old".to_owned());
    product.stop().await;
    product.launch().await;
    assert_eq!(codes(&product), [""; 0], "both are valid while it is changed");
    ran_well(&product, &["webhook", "rotate"]);
    product.variables.insert("WEBHOOK_SECRET".to_owned(), "canary-secret-new".to_owned());
    product.stop().await;
    product.launch().await;
    assert_eq!(codes(&product), [""; 0]);
    product.variables.insert("WEBHOOK_SECRET".to_owned(), "canary-secret-other".to_owned());
    assert_eq!(codes(&product), ["RECEIVER_REFUSES", "WEBHOOK_SECRET"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_report_is_complete_and_has_no_secret() {
    let product = Setup::new().companies(1).signed("canary-secret-7c1").start().await;
    // SuperOffice's own words repeat a secret.
    patch_webhook(&product, 1, "/State", "Stopped".into()).await;
    let ran = product.cli(&["doctor", "--report", "report.txt"]);
    assert_eq!(ran.status, Some(5), "{ran:?}");
    let report = std::fs::read_to_string(product.folder.path().join("report.txt")).unwrap();
    for part in
        ["version", "Checks", "WEBHOOK_STOPPED", "Configuration", "superoffice.context", "licences", "***"]
    {
        assert!(report.contains(part), "{part} is missing in {report}");
    }
    let details = &product.details;
    for secret in
        [TOKEN, "canary-secret-7c1", &details.client_secret, &details.refresh_token, &details.access_token]
    {
        assert!(
            !report.contains(secret) && !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
            "{report}"
        );
    }
}
