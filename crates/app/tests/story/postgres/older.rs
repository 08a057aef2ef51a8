//! A standby that had fallen behind takes the place of its primary: what was acknowledged last is not there any more.

use superoffice_emulator::Entity;

use super::{LEASE, Worker};
use crate::support::{Cluster, Ledger, Product, SOON, Setup, until};

/// What the service and its worker have logged so far.
fn logged(product: &Product) -> String {
    let log = |name: &str| std::fs::read_to_string(product.folder.path().join(name)).unwrap_or_default();
    log("stderr") + &log("worker.stderr")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_standby_had_not_heard_of_is_noticed_and_asked_for() {
    let Some(primary) = Cluster::start() else { return };
    let standby = primary.standby();
    let url = primary.url().replace("/postgres", &format!(",127.0.0.1:{}/postgres", standby.port()));
    let setup = Setup::new().companies(30).restless().toml(LEASE).toml("sweep.every = \"1h\"");
    let mut product = setup.variable("DATABASE_URL", &url).start().await;
    let worker = Worker::start(&product, "worker");
    let heard = product.enter(&product.companies[24]);
    product.settle().await;
    until(SOON, "the first sweep is done", async || {
        logged(&product).contains("we begin to listen").then_some(())
    })
    .await;
    let all = "SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM writes WHERE state = 1),
                      (SELECT string_agg(key || value, ' ' ORDER BY key) FROM settings WHERE key NOT LIKE 'canary %')";
    until(SOON, "the standby has heard of it", async || (standby.sql(all) == primary.sql(all)).then_some(()))
        .await;
    standby.kill();

    let unheard = product.enter(&product.companies[25]);
    product.settle().await;
    let before = Ledger::of(&product.world);
    assert_eq!(before.to(Entity::Contact, unheard).len(), 1, "it was taken in and worked on");
    primary.kill();
    standby.go_on();
    standby.promote();
    let noticed = ["older copy", "what changed since is asked for"];
    until(SOON, "it is noticed", async || {
        let log = logged(&product);
        noticed.iter().all(|words| log.contains(words)).then_some(())
    })
    .await;
    let of_it = format!("SELECT count(*) FROM events WHERE entity = 'contact' AND entity_id = {unheard}");
    until(SOON, "what is missing is found again", async || (standby.sql(&of_it) != "0").then_some(())).await;
    product.settle().await;

    assert!(product.ended().is_none(), "it went on by itself");
    assert_eq!(product.account(heard).await["state"], "COMPLETED");
    // What stands there is as we would write it; that we did is not known any more.
    assert_eq!(product.account(unheard).await["state"], "SKIPPED");
    let ledger = Ledger::of(&product.world);
    ledger.assert_each_value_once();
    assert_eq!(ledger.len(), before.len(), "nothing was written again");
    drop(worker);
}
