//! Being told to stop in the middle of work: a clean end within ten seconds, and nothing is lost.

use std::time::Duration;

use superoffice_emulator::{Entity, Kind, Mishap};

use crate::support::{Ledger, SOON, Setup, until};

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
