//! How fast the queue alone is: puts jobs in, then leases and ends them without doing anything in between.
//!
//! `queue_rate FILE JOBS` prints one JSON object. The file must not exist; it is left behind.

#![expect(clippy::print_stdout, reason = "this is its output")]
#![expect(clippy::cast_precision_loss, reason = "a rate for people")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use connector_domain::clock::{Clock, SystemClock};
use connector_domain::ids::{ContactId, RecordRef, TenantId};
use connector_domain::job::Settlement;
use connector_domain::policy::Policy;
use connector_store::Queue;
use connector_store::sqlite::{Options, SqliteStore};
use jiff::SignedDuration;
use tokio::task::JoinSet;

/// So many jobs are taken at a time, and so many are put in.
const AT_ONCE: usize = 16;
const PUT_IN: usize = 500;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().ok_or("usage: queue_rate FILE JOBS")?);
    let jobs: usize = arguments.next().ok_or("usage: queue_rate FILE JOBS")?.parse()?;
    let store = Arc::new(SqliteStore::open(&path, &Options::default())?);

    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let enqueue = enqueue(&store, jobs, &*clock).await?;
    let began = Instant::now();
    let mut done = 0;
    loop {
        let some = take(&store, &clock).await?;
        if some == 0 {
            break;
        }
        done += some;
    }
    let drain = rate(done, began);
    if done != jobs {
        return Err(format!("{jobs} jobs were put in, {done} came out").into());
    }
    println!(
        "{{\"jobs\":{jobs},\"at_once\":{AT_ONCE},\"enqueue_per_s\":{enqueue:.0},\"drain_per_s\":{drain:.0}}}"
    );
    Ok(())
}

async fn enqueue(store: &SqliteStore, jobs: usize, clock: &dyn Clock) -> Result<f64, Box<dyn Error>> {
    let (tenant, policy) = (TenantId::from("Cust12345"), Arc::new(Policy::default()));
    let records: Vec<_> =
        (1..).map(ContactId).take(jobs).map(|id| (RecordRef::contact(id), Some(id))).collect();
    let began = Instant::now();
    for some in records.chunks(PUT_IN) {
        store.enqueue(&tenant, some, Arc::clone(&policy), clock.now()).await?;
    }
    Ok(rate(jobs, began))
}

/// Leases some jobs and ends each of them, as the workers would, side by side.
async fn take(store: &Arc<SqliteStore>, clock: &Arc<dyn Clock>) -> Result<usize, Box<dyn Error>> {
    let leases = store.lease("rate", AT_ONCE, SignedDuration::from_mins(2), clock.now()).await?;
    let mut ending = JoinSet::new();
    for lease in leases {
        let (store, clock) = (Arc::clone(store), Arc::clone(clock));
        ending.spawn(async move {
            let settlement = Settlement::Completed { words: "Nothing was to do.".into() };
            store.settle(&lease, settlement, Vec::new(), Vec::new(), clock.now()).await
        });
    }
    let count = ending.len();
    while let Some(ended) = ending.join_next().await {
        ended??;
    }
    Ok(count)
}

fn rate(count: usize, began: Instant) -> f64 {
    count as f64 / began.elapsed().as_secs_f64()
}
