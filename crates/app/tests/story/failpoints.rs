//! The process dies at each place where a crash would hurt most, at the first three passings of each: what it
//! acknowledged is there, and each effect happened once.

use std::sync::Arc;
use std::time::Duration;

use connector_faults::Point;
use serde_json::json;
use superoffice_emulator::{Kind, Mishap};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use crate::support::{Load, Product, SOON, Setup, assert_everything_held, tell, until, wanted};

/// At which passings, when nobody says otherwise.
const PASSINGS: u64 = 3;
/// So many products at a time; most of the time each waits for something.
const AT_A_TIME: usize = 6;
/// Every process before the last one dies here, unless it dies earlier: so that there is something to recover from.
const PRELUDE: Point = Point::WriteAnswered;

const VARIABLE: &str = connector_faults::point::VARIABLE;

/// One death, and what came of it.
struct Death {
    point: Point,
    passing: u64,
    product: Product,
    load: Load,
}

impl Death {
    async fn prepare(point: Point, passing: u64) -> Self {
        let setup = Setup::new().companies(28).restless().toml("store.log_pages = 8");
        let quick = "retry.first_wait = \"50ms\"\nretry.longest_wait = \"100ms\"";
        let product = setup.toml(quick).prepare().await;
        // Of the first writes, some are refused because the record was changed, and of one nobody sees the end.
        product.world.mishap(Mishap::new(Kind::Status).on("PATCH Contact").status(412).times(2));
        product.world.mishap(Mishap::new(Kind::TruncatedBody).on("PATCH Person").times(1));
        let load = Load::of(&product);
        Self { point, passing, product, load }
    }

    /// Lives once with the given orders, through work and to a stop, unless it dies before. Says whether it died where it
    /// was to die.
    async fn live(&mut self, orders: &str) -> bool {
        self.product.variables.insert(VARIABLE.to_owned(), orders.to_owned());
        if self.product.try_launch().await.is_none() {
            // When it is dead already nobody would hear of a company.
            if self.product.try_listen().await.is_ok() {
                self.load.enter(&self.product);
            }
            for _ in 0..4 {
                self.load.acknowledged.extend(self.load.delivery(&self.product).await);
            }
            if !self.product.world.webhooks().is_empty() {
                self.load.enter(&self.product);
            }
            until(SOON, "it is dead, or everything is done", async || {
                if self.product.ended().is_some() {
                    return Some(());
                }
                let open = self.product.try_get("/api/v1/status").await?["open"].as_u64()?;
                (open == 0 && self.product.world.deliveries_idle()).then_some(())
            })
            .await;
            if self.product.is_running() {
                self.product.stop().await;
            }
        }
        let (_, stderr) = self.product.printed();
        stderr.contains(&format!("dies at {}\n", self.point.name()))
    }

    /// Whether it died there, and everything held afterwards.
    async fn run(mut self) -> bool {
        let order = format!("{}=abort@{}", self.point.name(), self.passing);
        let prelude = format!("{order},{}=abort@1", PRELUDE.name());
        let mut died = self.live(if self.point == PRELUDE { &order } else { &prelude }).await;
        if !died {
            died = self.live(&order).await;
        }
        self.product.variables.remove(VARIABLE);
        self.product.launch().await;
        self.product.try_listen().await.unwrap();
        self.load.enter(&self.product);
        assert_everything_held(&self.product, &mut self.load).await;
        died
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_at_any_named_place_loses_nothing_and_does_nothing_twice() {
    // What waits for a condition stays on its thread.
    LocalSet::new().run_until(all()).await;
}

async fn all() {
    let passings = wanted("SO_CONNECTOR_FAILPOINT_PASSINGS", PASSINGS);
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    let mut deaths = JoinSet::new();
    for (point, passing) in Point::ALL.iter().flat_map(|point| (1..=passings).map(move |nth| (*point, nth))) {
        let slots = Arc::clone(&slots);
        deaths.spawn_local(async move {
            let _slot = slots.acquire_owned().await.unwrap();
            let life = async { Death::prepare(point, passing).await.run().await };
            let died = tokio::time::timeout(Duration::from_mins(5), life).await;
            (point, passing, died.unwrap_or_else(|_| panic!("{} {passing} has no end", point.name())))
        });
    }
    let (mut died, mut never, mut violations) = (0, Vec::new(), 0);
    while let Some(death) = deaths.join_next().await {
        match death {
            Ok((_, _, true)) => died += 1,
            Ok((point, 1, false)) => never.push(point.name()),
            Ok((_, _, false)) => {}
            Err(_) => violations += 1,
        }
    }
    let tried = Point::ALL.len() as u64 * passings;
    let counts = json!({"places": Point::ALL.len(), "lives": tried, "deaths": died});
    tell("failpoints", &counts, violations);
    assert_eq!(violations, 0, "see above");
    assert!(never.is_empty(), "nothing ever comes by {never:?}, so these prove nothing");
}
