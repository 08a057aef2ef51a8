//! Webhooks that never come: what nobody told of is found by reading SuperOffice's lists, and every change is accounted
//! for.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::Value;
use superoffice_emulator::{Entity, Kind, Mishap};

use crate::support::{INSIDER, Ledger, Product, SOON, Setup, until};

/// The lists that a sweep reads; nothing else of the product does.
const LISTS: &str = "Archive/{provider}";

/// Runs a sweep to its end, as somebody at the command line would, and returns what it came to.
async fn sweep(product: &Product, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["sweep", "--json"].iter().chain(arguments).copied().collect();
    let command = product.command(&arguments);
    let ran = tokio::task::spawn_blocking(move || {
        let mut command = command;
        command.output().unwrap()
    })
    .await
    .unwrap();
    let stderr = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "{stderr}");
    serde_json::from_slice(&ran.stdout).unwrap()
}

async fn coverage(product: &Product) -> Value {
    product.get("/api/v1/coverage?from=1970-01-01T00:00:00Z").await
}

/// Waits until the sweep at the start has ended.
async fn begun(product: &Product) {
    until(SOON, "the first sweep has ended", async || {
        product.try_get("/api/v1/sweep").await?["last"].as_object().map(drop)
    })
    .await;
}

fn deaf(product: &Product) {
    product.world.mishap(Mishap::new(Kind::DropWebhooks));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_account_is_enriched_once_although_webhooks_are_lost_doubled_and_out_of_order() {
    let mut product = Setup::new().companies(2_000).restless().toml("sweep.every = \"12h\"").start().await;
    begun(&product).await;
    product.world.mishap(Mishap::new(Kind::DropWebhooks).percent(30));
    product.world.mishap(Mishap::new(Kind::DuplicateWebhooks).percent(10));
    product.world.mishap(Mishap::new(Kind::ReorderWebhooks).percent(20));
    // The second half is entered while nobody listens, and ten minutes go by.
    let companies = product.companies.clone();
    let (first, second) = companies.split_at(1_000);
    for company in first {
        product.enter(company);
        tokio::task::yield_now().await;
    }
    let (_, _) = product.stop().await;
    for company in second {
        product.enter(company);
        tokio::task::yield_now().await;
    }
    product.world.move_clock(SignedDuration::from_mins(10));
    product.world.settled().await;
    product.launch().await;
    product.reactivate().await;
    product.settle_within(Duration::from_mins(3)).await;

    let before = lists_read(&product);
    let run = sweep(&product, &[]).await;
    let spent = lists_read(&product) - before;
    product.settle_within(Duration::from_mins(3)).await;
    println!("{run}");
    println!("spent {spent}");
    let covered = coverage(&product).await;
    println!("{covered}");
    assert_eq!(covered["unexplained"], 0);
}

/// How many pages of lists SuperOffice was asked for.
fn lists_read(product: &Product) -> u64 {
    product.world.calls("GET", LISTS) + product.world.calls("POST", LISTS)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_was_changed_by_hand_is_found_although_no_event_tells_of_it() {
    let product = Setup::new().companies(3).populated().restless().start().await;
    begun(&product).await;
    product.world.set_policy(|policy| policy.udf_only_events = false);
    product.world.move_clock(SignedDuration::from_mins(1));
    product.world.edit(Entity::Contact, 1, INSIDER, &[("Summary", "Written by a person.")]).unwrap();
    product.settle().await;
    assert!(product.jobs_of(Entity::Contact, 1).await.is_empty(), "nobody told of it");

    let run = sweep(&product, &[]).await;
    product.settle().await;
    assert_eq!(run["tally"]["found"], 1, "{run}");
    let events = product.all("/api/v1/events").await;
    let found: Vec<&Value> = events.iter().filter(|event| event["source"] == "sweep").collect();
    assert_eq!(found.len(), 1, "{events:?}");
    assert_eq!((&found[0]["event"], &found[0]["disposition"]), (&"contact.changed".into(), &"queued".into()));
    assert_eq!(product.jobs_of(Entity::Contact, 1).await.len(), 1);
    assert_eq!(product.world.udf(Entity::Contact, 1, "Summary").unwrap(), "Written by a person.");
    assert_eq!(coverage(&product).await["unexplained"], 0);
}
