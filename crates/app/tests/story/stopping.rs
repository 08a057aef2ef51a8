//! Being told to stop in the middle of work: a clean end within ten seconds, and nothing is lost.

use std::process::Command;
use std::time::Duration;

use superoffice_emulator::{Entity, Kind, Mishap};

use crate::support::{Delivery, Ledger, Product, SOON, Setup, terminate, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_during_work_is_clean_and_loses_nothing() {
    let mut product = Setup::new().companies(150).start().await;
    // One website that takes longer than any stop may.
    let host = &product.companies[0].website.as_ref().unwrap().host;
    product.world.mishap(Mishap::new(Kind::Slow).on(&format!("website {host}")).ms(14_000).times(1));
    product.play().await;
    until(SOON, "work is under way", async || {
        let status = product.try_get("/api/v1/status").await?;
        (status["jobs"]["COMPLETED"].as_u64()? >= 10 && status["jobs"]["PROCESSING"].as_u64()? > 3)
            .then_some(())
    })
    .await;
    let (status, took) = product.stop().await;
    assert_eq!(status.code(), Some(0));
    assert!(took < Duration::from_secs(10), "it took {took:?}");

    let acknowledged: Vec<String> = product
        .world
        .deliveries()
        .into_iter()
        .filter(|delivery| delivery.status == Some(200))
        .map(|delivery| delivery.event_id)
        .collect();
    assert!(acknowledged.len() > 20);
    product.launch().await;
    product.reactivate().await;
    product.settle_within(Duration::from_mins(2)).await;
    let stored = product.event_ids().await;
    assert!(acknowledged.iter().all(|id| stored.contains(id)));
    assert_eq!(product.status().await["jobs"]["FAILED"], 0);
    for job in product.all("/api/v1/jobs").await {
        assert_eq!(job["crashes"], 0, "a stop is no crash: {job}");
    }
    let ledger = Ledger::of(&product.world);
    ledger.assert_each_value_once();
    let first = product.world.contact_of(&product.companies[0].slug).unwrap();
    assert_eq!(ledger.to(Entity::Contact, first).len(), 1, "the slow one was done after all");
}

/// A product whose website takes longer than any stop may, and which is at it.
async fn at_work() -> Product {
    let product = Setup::new().companies(25).start().await;
    product.world.mishap(Mishap::new(Kind::Slow).on("website").ms(60_000).times(100));
    product.play().await;
    until(SOON, "work is under way", async || {
        (product.try_get("/api/v1/status").await?["jobs"]["PROCESSING"].as_u64()? > 0).then_some(())
    })
    .await;
    product
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_twice_to_stop_is_not_made_to_wait_and_nothing_is_lost() {
    let mut product = at_work().await;
    let stored = product.event_ids().await;
    let process = product.process();
    let ended = until(SOON, "it has ended", async || {
        if let Some(ended) = product.ended() {
            return Some(ended);
        }
        terminate(process);
        None
    })
    .await;
    assert_eq!(ended.code(), Some(130), "it did not wait for what was under way");
    product.launch().await;
    let there = product.event_ids().await;
    assert!(stored.iter().all(|id| there.contains(id)), "{stored:?} {there:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupt_stops_it_as_cleanly() {
    let mut product = Setup::new().populated().start().await;
    let done = Command::new("kill").args(["-INT", &product.process().to_string()]).status().unwrap();
    assert!(done.success());
    let ended = until(SOON, "it has ended", async || product.ended()).await;
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_nobody_reads_what_it_prints_any_more_it_goes_on() {
    let mut product = Setup::new().populated().restless().prepare().await;
    product.wrapper = ["sh", "-c", "\"$@\" 2>&1 | true", "sh"].map(str::to_owned).into();
    product.launch().await;
    let delivery = Delivery::changed(Entity::Contact, 1, &["orgNr"]);
    assert_eq!(product.send(delivery.bytes()).await.unwrap().status(), 200);
    // A failing call is worth a line in the log.
    product.world.mishap(Mishap::new(Kind::Offline));
    let again = Delivery::changed(Entity::Contact, 2, &["orgNr"]);
    assert_eq!(product.send(again.bytes()).await.unwrap().status(), 200);
    until(SOON, "somebody is told", async || {
        let page = product.client().get(product.url("/")).send().await.ok()?.text().await.ok()?;
        page.contains("SuperOffice").then_some(())
    })
    .await;
    product.world.clear_mishaps();
    product.settle().await;
    assert!(product.event_ids().await.contains(&again.id));
}
