//! Duplicates, flurries and slow neighbours: one event is one row, a flurry is one piece of work, nobody waits for
//! somebody else.

use std::time::{Duration, Instant};

use superoffice_emulator::{Entity, Kind, Mishap};
use tokio::task::JoinSet;

use crate::support::{Delivery, INSIDER, SOON, Setup, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_identical_deliveries_at_once_are_one_event_and_one_job() {
    let product = Setup::new().populated().start().await;
    let delivery = Delivery::changed(Entity::Contact, 1, &["name"]);
    let mut sending = JoinSet::new();
    for _ in 0..64 {
        let (client, url) = (product.client().clone(), product.url("/connector/webhook"));
        let body = delivery.bytes();
        sending.spawn(async move {
            let request = client.post(url).header("X-Webhook-Token", crate::support::TOKEN);
            let answer = request.body(body).send().await.unwrap();
            let status = answer.status().as_u16();
            let body: serde_json::Value = answer.json().await.unwrap();
            (status, body["status"].as_str().unwrap().to_owned())
        });
    }
    let answers = sending.join_all().await;
    assert!(answers.iter().all(|(status, _)| *status == 200));
    assert_eq!(answers.iter().filter(|(_, words)| words == "queued").count(), 1);
    assert_eq!(answers.iter().filter(|(_, words)| words == "duplicate").count(), 63);
    product.settle().await;
    let events = product.all("/api/v1/events").await;
    let ours: Vec<_> = events.iter().filter(|event| event["event_id"] == delivery.id.as_str()).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0]["repeats"], 63);
    assert_eq!(product.jobs_of(Entity::Contact, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_edits_within_ten_seconds_are_at_most_two_explorations() {
    let product = Setup::new().companies(3).populated().start().await;
    let name = product.world.contact(1).unwrap().name;
    let mut pace = tokio::time::interval(Duration::from_millis(120));
    for edit in 1..=50 {
        pace.tick().await;
        let name = format!("{name} {edit}");
        product.world.edit(Entity::Contact, 1, INSIDER, &[("Name", &name)]).unwrap();
    }
    product.settle().await;
    let jobs = product.jobs_of(Entity::Contact, 1).await;
    assert!((1..=2).contains(&jobs.len()), "{jobs:?}");
    assert!(jobs.iter().all(|job| job["attempts"] == 1), "{jobs:?}");
    let events: i64 = jobs.iter().map(|job| job["events"].as_i64().unwrap()).sum();
    assert_eq!(events, 50, "every edit belongs to one of the jobs");
    // At most five pages make an exploration.
    let read = product.world.website_hits(&product.companies[0].slug);
    assert!((1..=10).contains(&read), "{read} pages were read");
    // The last word counts.
    let profile = product.account(1).await;
    assert_eq!(profile["name"], format!("{name} 50"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_website_holds_up_its_own_account_and_no_other() {
    let product = Setup::new().start().await;
    let slow = &product.companies[0];
    let host = &slow.website.as_ref().unwrap().host;
    product.world.mishap(Mishap::new(Kind::Slow).on(&format!("website {host}")).ms(8_000).times(1));
    let began = Instant::now();
    product.play().await;
    let slow = product.world.contact_of(&slow.slug).unwrap();
    until(SOON, "all accounts but the slow one have ended", async || {
        let accounts = product.all("/api/v1/accounts").await;
        let ended = accounts.iter().filter(|account| {
            ["COMPLETED", "SKIPPED"].contains(&account["state"].as_str().unwrap_or_default())
        });
        (ended.filter(|account| account["id"] != slow).count() == 23).then_some(())
    })
    .await;
    let took = began.elapsed();
    assert!(took < Duration::from_secs(8), "the others took {took:?}");
    assert_eq!(product.account(slow).await["state"], "PROCESSING");
    product.settle().await;
    assert_eq!(product.account(slow).await["state"], "COMPLETED");
}
