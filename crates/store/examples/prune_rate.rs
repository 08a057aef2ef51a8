//! How much slower deliveries are taken in while old ones go: the same load with and without pruning beside it.
//!
//! `cargo run --release -p connector-store --example prune_rate -- FILE [COUNT]`

#![expect(clippy::print_stdout, reason = "the figure is what it is for")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use connector_domain::event::{Changes, Event, EventKind};
use connector_domain::ids::{AssociateId, ContactId, RecordRef, TenantId};
use connector_domain::policy::Policy;
use connector_domain::retention::{RetentionPolicy, Squeeze};
use connector_store::inbox::{Content, Delivery};
use connector_store::retention::Place;
use connector_store::sqlite::{Options, SqliteStore};
use connector_store::{Inbox, Retention, StoreError};
use jiff::{SignedDuration, Timestamp};

const AT_ONCE: i64 = 64;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("the database's file is wanted")?;
    let count: i64 = arguments.next().map_or(Ok(100_000), |count| count.parse())?;
    let store = Arc::new(SqliteStore::open(path.as_ref(), &Options::default())?);
    let noon: Timestamp = "2026-05-04T12:00:00Z".parse()?;
    // Of those that began a job, which waits, only the body goes; the others go whole.
    accept(&store, 0..count, noon - SignedDuration::from_hours(24 * 200)).await?;
    let alone = accept(&store, count..count * 2, noon).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let pruning = prune(Arc::clone(&store), noon, Arc::clone(&stop));
    let beside = async {
        let took = accept(&store, count * 2..count * 3, noon).await;
        stop.store(true, Ordering::Relaxed);
        took
    };
    let (pruned, beside) = tokio::join!(pruning, beside);
    let (rows, took) = pruned?;
    let ratio = alone.as_secs_f64() / beside?.as_secs_f64();
    println!(
        "{rows} old rows went in {:.1} s; deliveries meanwhile at {ratio:.2} of the rate alone",
        took.as_secs_f64()
    );
    Ok(())
}

async fn prune(
    store: Arc<SqliteStore>,
    now: Timestamp,
    stop: Arc<AtomicBool>,
) -> Result<(u64, Duration), StoreError> {
    let cuts = RetentionPolicy::default().cuts(Squeeze::default(), now);
    let (began, mut rows, mut next) = (Instant::now(), 0, Some(Place::default()));
    while let Some(place) = next.filter(|_| !stop.load(Ordering::Relaxed)) {
        let this_began = Instant::now();
        let pruned = store.prune(&cuts, place, 200, now).await?;
        rows += pruned.removed.bodies + pruned.removed.events;
        next = pruned.next;
        tokio::time::sleep((this_began.elapsed() * 9).max(Duration::from_millis(10))).await;
    }
    Ok((rows, began.elapsed()))
}

async fn accept(
    store: &SqliteStore,
    ids: std::ops::Range<i64>,
    at: Timestamp,
) -> Result<Duration, StoreError> {
    let (policy, began, mut next) = (Arc::new(Policy::default()), Instant::now(), ids.start);
    while next < ids.end {
        let batch: Vec<_> = (next..(next + AT_ONCE).min(ids.end))
            .map(|id| store.accept(delivery(id, at), Arc::clone(&policy)))
            .collect();
        next += AT_ONCE;
        for accepted in futures::future::join_all(batch).await {
            accepted?;
        }
    }
    Ok(began.elapsed())
}

fn delivery(id: i64, at: Timestamp) -> Delivery {
    let tenant = TenantId("Cust10001".into());
    let event_id = format!("{:08x}-0000-4000-8000-{id:012x}", (id * 2_654_435_761) & 0xffff_ffff);
    let event = Event {
        tenant: tenant.clone(),
        id: event_id.as_str().into(),
        name: "contact.changed".into(),
        kind: EventKind::Changed,
        record: Some(RecordRef::contact(ContactId(id))),
        account: Some(ContactId(id)),
        owner: Some(AssociateId(12)),
        changed_by: Some(AssociateId(5)),
        // Every other one asks for no work, so that the whole event goes.
        changes: Changes::of([if id % 2 == 0 { "name" } else { "category_idx" }]),
        at: None,
    };
    let body = vec![b'x'; 600].into();
    Delivery { tenant, id: event.id.clone(), body, content: Content::Event(event), received_at: at }
}
