//! A worker that stands still beyond its lease, as one whose machine sleeps, and goes on when another has done its work.

use std::process::Command;

use connector_faults::Point;
use superoffice_emulator::{Entity, RecordCall};

use super::{LEASE, Worker};
use crate::support::{Cluster, Ledger, Product, SOON, Setup, assert_one_at_a_time, until};

impl Worker {
    /// Whether all of it is stopped.
    fn stands_still(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('T'))
    }

    fn go_on(&self) {
        let told = Command::new("kill").args(["-CONT", &self.child.id().to_string()]).status().unwrap();
        assert!(told.success());
    }
}

/// The writes to a company and its persons, of whoever was the first to look at it.
fn writes_of_the_first(product: &Product, account: i64) -> Vec<RecordCall> {
    let calls = product.world.record_calls();
    let of_it: Vec<_> = calls.into_iter().filter(|call| call.account == Some(account)).collect();
    let first = of_it.first().expect("somebody looked at it").agent.clone();
    of_it.into_iter().filter(|call| call.agent == first && call.is_write()).collect()
}

async fn assert_writes_nothing_more(point: Point) {
    let Some(cluster) = Cluster::start() else { return };
    // Whoever has one job at a time and has done another is through with the first.
    let setup = Setup::new().companies(30).restless().toml(LEASE).toml("work.workers = 1");
    let setup = setup.toml("roles = [\"receive\", \"dashboard\"]").variable("DATABASE_URL", &cluster.url());
    let product = setup.start().await;
    let sleeper = Worker::told(&product, "sleeper", &format!("{}=stop@1", point.name()));
    let (company, next) = (product.enter(&product.companies[24]), &product.companies[25]);
    until(SOON, "it stands still", async || sleeper.stands_still().then_some(())).await;
    let other = Worker::start(&product, "other");
    product.settle().await;
    drop(other);
    let done = Ledger::of(&product.world);
    assert_eq!(done.to(Entity::Contact, company).len(), 1, "the other one did its work");

    sleeper.go_on();
    let next = product.enter(next);
    product.settle().await;
    assert_eq!(Ledger::of(&product.world).to(Entity::Contact, next).len(), 1, "it works again");
    assert_eq!(writes_of_the_first(&product, company), []);
    let turns = assert_one_at_a_time(&product.world);
    assert_eq!(turns.processes, 2);
    Ledger::of(&product.world).assert_each_value_once();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stood_still_beyond_its_lease_does_not_write_any_more() {
    assert_writes_nothing_more(Point::AccountRead).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stood_still_just_before_its_write_does_not_send_it_any_more() {
    assert_writes_nothing_more(Point::IntentStored).await;
}
