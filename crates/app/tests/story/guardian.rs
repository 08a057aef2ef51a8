//! A receiver that was away so long that SuperOffice switched its webhook off.

use std::time::Duration;

use jiff::Timestamp;
use superoffice_emulator::{Entity, HookState, Kind, Mishap};

use crate::support::{Product, SOON, Setup, only_document, until};

/// The lines of the log that hold these words.
fn said(product: &Product, words: &str) -> Vec<String> {
    let (stdout, stderr) = product.printed();
    stdout.lines().chain(stderr.lines()).filter(|line| line.contains(words)).map(str::to_owned).collect()
}

async fn webhook_is(product: &Product, state: &str) {
    until(SOON, &format!("the webhook is shown as {state}"), async || {
        let status = product.try_get("/api/v1/status").await?;
        let parts = status["parts"].as_array()?;
        parts.iter().any(|part| part["name"] == "webhook" && part["state"] == state).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_was_switched_off_meanwhile_is_switched_on_and_the_gap_is_asked_for() {
    let mut product = Setup::new().toml("webhook.look_again = \"200ms\"").start().await;
    webhook_is(&product, "ok").await;
    let killed_at = product.world.now();
    product.kill();
    for company in &product.companies[..3] {
        product.enter(company);
    }
    let is =
        |product: &Product, state: HookState| product.world.webhooks().iter().all(|hook| hook.state == state);
    until(Duration::from_mins(1), "nine deliveries in a row failed", async || {
        is(&product, HookState::TooManyErrors).then_some(())
    })
    .await;
    product.launch().await;
    until(SOON, "it is switched on again", async || is(&product, HookState::Active).then_some(())).await;
    webhook_is(&product, "ok").await;

    assert_eq!(said(&product, "failed deliveries. What to do").len(), 1, "one alert");
    assert_eq!(said(&product, "the webhook is in order again").len(), 1, "and one that it is over");
    let asked = said(&product, "are looked for: SuperOffice has switched webhook");
    assert_eq!(asked.len(), 1, "{asked:?}");
    let after = |word: &str| -> Timestamp {
        let rest = asked[0].split_once(word).unwrap().1;
        rest[..=rest.find('Z').unwrap()].trim().parse().unwrap()
    };
    assert!(after("changes from ") <= killed_at && after(" until ") > killed_at, "{asked:?}");
    let shown = only_document(&product.cli(&["webhook", "list", "--json"]).stdout);
    assert!(
        shown[0]["guardian"]["trouble"].is_null() && shown[0]["guardian"]["rearmed_at"].is_string(),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_for_one_cause_is_shown_and_tried_again_together() {
    let product = Setup::new().toml("retry.retries = 0").start().await;
    for id in [1, 2] {
        let mut mishap = Mishap::new(Kind::Status).on("PATCH Contact").status(400);
        mishap.id = Some(id);
        product.world.mishap(mishap);
    }
    product.play().await;
    product.settle().await;
    let shown = only_document(&product.cli(&["jobs", "failed", "--json"]).stdout);
    let groups = shown.as_array().unwrap();
    assert_eq!(groups.len(), 1, "{shown}");
    assert_eq!(groups[0]["count"], 2, "{shown}");
    let cause = groups[0]["fingerprint"].as_str().unwrap();
    let page = product.client().get(product.url("/jobs?state=FAILED")).send().await.unwrap();
    assert!(page.text().await.unwrap().contains(&format!("/failures/{cause}/retry")));

    product.world.clear_mishaps();
    let retried = only_document(&product.cli(&["jobs", "retry", "--cause", cause, "--json"]).stdout);
    assert_eq!(retried["jobs"], 2, "{retried}");
    product.settle().await;
    for id in [1, 2] {
        let job = product.jobs_of(Entity::Contact, id).await.pop().unwrap();
        assert_eq!(job["state"], "COMPLETED", "{job}");
    }
    assert_eq!(
        only_document(&product.cli(&["jobs", "failed", "--json"]).stdout).as_array().map(Vec::len),
        Some(0)
    );
    let none = product.cli(&["jobs", "retry", "--cause", "write_back-0000000000000000"]);
    assert_eq!(none.status, Some(3), "there is no such cause");
}
