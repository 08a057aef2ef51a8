//! The disk fails once, at the Nth call of a kind, for every N until none is left: no answer lies, nothing is done twice,
//! and everything goes on by itself.
//!
//! Three lives are told: the first start, which makes the database; one that takes deliveries in; and one that works. A
//! process that ends is started again by this test, as by a supervisor; nobody does anything else. `strace` makes the
//! calls fail. Where it may not, the tests say so and end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use superoffice_emulator::Entity;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use crate::support::{
    Delivery, Fault, Load, Product, SOON, Setup, assert_everything_held, leave_out, may_attach, tell, until,
    wanted,
};

/// Up to which N, when nobody says otherwise; half as far in lives that take longer.
const LAST: u64 = 12;
/// So many products at a time; most of the time each waits for something.
const AT_A_TIME: usize = 6;

/// What fails, and how.
const KINDS: &[(&str, &str)] = &[
    ("fsync,fdatasync", "EIO"),
    ("fsync,fdatasync", "ENOSPC"),
    ("pwrite64", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("openat", "EIO"),
    ("openat", "ENOSPC"),
    ("ftruncate", "EIO"),
];

/// What a process does while it meets a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    FirstStart,
    Receiver,
    Worker,
}

/// What came of a life, once everything held.
#[derive(Debug, Default, Clone, Copy)]
struct Came {
    /// How many calls failed.
    met: usize,
    /// How often the process ended by itself.
    ended: usize,
    refused: usize,
    acknowledged: usize,
    writes: usize,
}

impl Life {
    async fn run(self, fault: Fault) -> Came {
        match self {
            Self::FirstStart => first_start(fault).await,
            Self::Receiver => receiver(fault).await,
            Self::Worker => worker(fault).await,
        }
    }
}

/// Starts the process again when it has ended, as a supervisor does.
async fn supervise(product: &mut Product, came: &mut Came) {
    if product.is_running() && product.ended().is_none() {
        return;
    }
    came.ended += 1;
    product.wrapper.clear();
    product.launch().await;
}

async fn first_start(fault: Fault) -> Came {
    let mut came = Came::default();
    let mut product = Setup::new().populated().restless().toml("store.log_pages = 8").prepare().await;
    fault.wrap(&mut product);
    if product.try_launch().await.is_some() {
        supervise(&mut product, &mut came).await;
    }
    let mut acknowledged = Vec::new();
    deliver(&mut product, &mut came, &mut acknowledged).await;
    assert_stored(&product, &acknowledged).await;
    let (ended, _) = product.stop().await;
    came.met = fault.met(product.folder.path());
    assert!(ended.success() || came.met > 0, "{ended}");
    product.wrapper.clear();
    product.launch().await;
    assert_stored(&product, &acknowledged).await;
    came
}

async fn receiver(fault: Fault) -> Came {
    let mut came = Came::default();
    let roles = "roles = [\"receive\", \"dashboard\"]\nstore.log_pages = 8";
    let mut product = Setup::new().populated().restless().toml(roles).start().await;
    let trace = fault.attach(&product).await;
    let mut acknowledged = Vec::new();
    for _ in 0..6 {
        deliver(&mut product, &mut came, &mut acknowledged).await;
        assert_stored(&product, &acknowledged).await;
    }
    if product.is_running() {
        product.stop().await;
    }
    trace.wait();
    came.met = fault.met(product.folder.path());
    product.launch().await;
    assert_stored(&product, &acknowledged).await;
    deliver(&mut product, &mut came, &mut acknowledged).await;
    came
}

/// Sends a delivery until it is acknowledged. Every answer is one of the two honest ones.
async fn deliver(product: &mut Product, came: &mut Came, acknowledged: &mut Vec<String>) {
    let record = i64::try_from(acknowledged.len() % 20).unwrap() + 1;
    let delivery = Delivery::changed(Entity::Contact, record, &["orgNr"]).with("Note", "x".repeat(3_000));
    until(Duration::from_secs(20), "a delivery is taken in", async || {
        supervise(product, came).await;
        let answer = product.send(delivery.bytes()).await.ok()?;
        match answer.status().as_u16() {
            200 => Some(()),
            503 => {
                came.refused += 1;
                None
            }
            other => panic!("answered {other}"),
        }
    })
    .await;
    came.acknowledged += 1;
    acknowledged.push(delivery.id);
}

async fn assert_stored(product: &Product, acknowledged: &[String]) {
    // A reader may meet the fault as well, and says so.
    let stored = until(SOON, "events can be read", async || {
        let page = product.try_get("/api/v1/events?limit=1000").await?;
        let ids = page["items"].as_array()?.iter().map(|event| event["event_id"].as_str().map(str::to_owned));
        ids.collect::<Option<Vec<_>>>()
    })
    .await;
    let lost: Vec<_> = acknowledged.iter().filter(|id| !stored.contains(id)).collect();
    assert!(lost.is_empty(), "{} of {} acknowledged events are lost", lost.len(), acknowledged.len());
}

async fn worker(fault: Fault) -> Came {
    let mut came = Came::default();
    let quick = "retry.first_wait = \"50ms\"\nretry.longest_wait = \"100ms\"\nstore.log_pages = 8";
    let mut product = Setup::new().companies(27).restless().toml(quick).start().await;
    let mut load = Load::of(&product);
    let trace = fault.attach(&product).await;
    for _ in 0..3 {
        load.enter(&product);
        load.acknowledged.extend(load.delivery(&product).await);
    }
    until(SOON, "everything is done", async || {
        supervise(&mut product, &mut came).await;
        let open = product.try_get("/api/v1/status").await?["open"].as_u64()?;
        (open == 0 && product.world.deliveries_idle()).then_some(())
    })
    .await;
    product.stop().await;
    trace.wait();
    came.met = fault.met(product.folder.path());
    product.launch().await;
    product.try_listen().await.unwrap();
    let held = assert_everything_held(&product, &mut load).await;
    came.acknowledged = held.acknowledged;
    came.writes = held.writes;
    came
}

/// Every N of one kind in one life, until a life goes by without meeting the fault.
async fn every(life: Life, kind: (&'static str, &'static str), last: u64, slots: Arc<Semaphore>) -> Sum {
    let mut sum = Sum::default();
    let mut nth = 1;
    while nth <= last {
        let mut some = JoinSet::new();
        for nth in nth..=last.min(nth + AT_A_TIME as u64 - 1) {
            let fault = Fault { calls: kind.0, error: kind.1, nth };
            let slots = Arc::clone(&slots);
            some.spawn_local(async move {
                let _slot = slots.acquire_owned().await.unwrap();
                let came = tokio::time::timeout(Duration::from_mins(5), life.run(fault)).await;
                came.unwrap_or_else(|_| panic!("{life:?}, {fault} has no end"))
            });
        }
        nth += AT_A_TIME as u64;
        let before = (sum.lives, sum.reached);
        while let Some(came) = some.join_next().await {
            sum.add(came.ok());
        }
        if sum.reached - before.1 < sum.lives - before.0 {
            sum.complete = true;
            break;
        }
    }
    println!("{life:?}, {}: {}: {sum:?}", kind.0, kind.1);
    sum
}

#[derive(Debug, Default, Clone, Copy)]
struct Sum {
    lives: usize,
    reached: usize,
    met: usize,
    ended: usize,
    refused: usize,
    acknowledged: usize,
    writes: usize,
    violations: usize,
    complete: bool,
}

impl Sum {
    fn add(&mut self, came: Option<Came>) {
        self.lives += 1;
        let Some(came) = came else {
            self.violations += 1;
            self.reached += 1;
            return;
        };
        self.reached += usize::from(came.met > 0);
        self.met += came.met;
        self.ended += came.ended;
        self.refused += came.refused;
        self.acknowledged += came.acknowledged;
        self.writes += came.writes;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_call_to_the_disk_fails_nothing_is_lost_and_nothing_is_done_twice() {
    if !may_attach() {
        return leave_out("syscalls", "strace is not installed or may not look at other processes here");
    }
    LocalSet::new().run_until(all()).await;
}

async fn all() {
    let last = wanted("SO_CONNECTOR_SYSCALL_LAST", LAST);
    let slots = Arc::new(Semaphore::new(AT_A_TIME));
    let mut kinds = JoinSet::new();
    for life in [Life::FirstStart, Life::Receiver, Life::Worker] {
        for kind in KINDS {
            let last = if life == Life::Receiver { last } else { last / 2 };
            kinds.spawn_local(every(life, *kind, last, Arc::clone(&slots)));
        }
    }
    let mut whole = Sum::default();
    let mut complete = 0;
    while let Some(sum) = kinds.join_next().await {
        let sum = sum.unwrap();
        whole.lives += sum.lives;
        whole.reached += sum.reached;
        whole.met += sum.met;
        whole.ended += sum.ended;
        whole.refused += sum.refused;
        whole.acknowledged += sum.acknowledged;
        whole.writes += sum.writes;
        whole.violations += sum.violations;
        complete += usize::from(sum.complete);
    }
    let counts = json!({
        "lives": whole.lives, "failed calls": whole.met, "refused": whole.refused,
        "acknowledged": whole.acknowledged, "writes": whole.writes, "ends": whole.ended,
        "kinds": KINDS.len() * 3, "kinds with every N": complete,
    });
    tell("syscalls", &counts, whole.violations);
    assert_eq!(whole.violations, 0, "see above");
    assert!(whole.refused > 0, "no fault was ever noticed");
}
