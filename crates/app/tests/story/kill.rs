//! The process is killed again and again, at any moment, under load: what it acknowledged is there, and each effect
//! happened once.

use std::time::Duration;

use serde_json::json;
use superoffice_emulator::{Entity, Kind, Mishap};

use crate::support::{
    COMPANIES, Ledger, Load, SOON, Setup, assert_everything_held, seed, tell, until, wanted,
};

/// How often, when nobody says otherwise.
const ROUNDS: u64 = 100;
/// After so many rounds it is looked at whether everything holds, with a product of its own.
const LIFE: u64 = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_written_twice_however_often_it_is_killed() {
    seed();
    let rounds = wanted("SO_CONNECTOR_KILL_ROUNDS", ROUNDS);
    let (mut kills, mut acknowledged, mut writes, mut crashes) = (0, 0, 0, 0);
    while kills < rounds {
        let life = (rounds - kills).min(LIFE);
        let companies = 24 + usize::try_from(life).unwrap() * COMPANIES;
        let small_log = "store.log_pages = 64";
        let mut product = Setup::new().companies(companies).restless().toml(small_log).start().await;
        let mut load = Load::of(&product);
        for round in 0..life {
            // Mostly in the middle of work, now and then right after the start.
            let life = if round % 4 == 3 { fastrand::u64(1..60) } else { fastrand::u64(60..600) };
            load.go_on(&product, Duration::from_millis(life)).await;
            product.kill();
            product.launch().await;
            product.reactivate().await;
        }
        let held = assert_everything_held(&product, &mut load).await;
        kills += life;
        acknowledged += held.acknowledged;
        writes += held.writes;
        crashes += held.crashes;
    }
    assert!(u64::try_from(acknowledged).unwrap() > rounds * 2);
    assert!(crashes > 0, "no kill met any work");
    let counts = json!({
        "kills": kills, "acknowledged": acknowledged, "writes": writes,
        "killed in hand": crashes,
    });
    tell("kill", &counts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writes_whose_end_nobody_saw_the_journal_counts_the_one_that_landed() {
    let setup = Setup::new().toml("retry.first_wait = \"10ms\"\nretry.longest_wait = \"50ms\"");
    let mut product = setup.restless().start().await;
    // The first never arrives, because its sender is killed; the second does, and its answer breaks off.
    product.world.mishap(Mishap::new(Kind::Slow).on("PATCH Contact").ms(5_000).times(1));
    let id = product.enter(&product.companies[0]);
    let job = until(SOON, "the first write is on its way", async || {
        let jobs = product.jobs_of(Entity::Contact, id).await;
        let job = product.try_get(&format!("/api/v1/jobs/{}", jobs.first()?["id"])).await?;
        (job["writes"][0]["state"] == "intended").then(|| job["id"].clone())
    })
    .await;
    product.kill();
    product.world.mishap(Mishap::new(Kind::TruncatedBody).on("PATCH Contact").times(1));
    product.launch().await;
    product.settle().await;

    let job = product.get(&format!("/api/v1/jobs/{job}")).await;
    let states: Vec<_> = job["writes"].as_array().unwrap().iter().map(|write| &write["state"]).collect();
    assert_eq!(states, ["not_done", "done"], "{job}");
    assert_eq!((&job["state"], &job["attempts"]), (&"COMPLETED".into(), &3.into()));
    let ledger = Ledger::of(&product.world);
    assert_eq!(ledger.to(Entity::Contact, id).len(), 1);
    assert_eq!(product.status().await["writes"], ledger.len());
}
