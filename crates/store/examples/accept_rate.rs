//! How fast the inbox takes in deliveries, without HTTP around it: 64 at a time, each a new event of its own company.
//!
//! `cargo run --release -p connector-store --example accept_rate -- FILE [COUNT]`

#![expect(clippy::print_stdout, reason = "the figure is what it is for")]

use std::sync::Arc;
use std::time::Instant;

use connector_domain::clock::{Clock, SystemClock};
use connector_domain::event::{Changes, Event, EventKind};
use connector_domain::ids::{AssociateId, ContactId, RecordRef, TenantId};
use connector_domain::policy::Policy;
use connector_store::Inbox;
use connector_store::inbox::{Content, Delivery};
use connector_store::sqlite::{Options, SqliteStore};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("the database's file is wanted")?;
    let count: i64 = arguments.next().map_or(Ok(100_000), |count| count.parse())?;
    let store = SqliteStore::open(path.as_ref(), &Options::default())?;
    let (policy, clock) = (Arc::new(Policy::default()), SystemClock::default());
    let began = Instant::now();
    let mut next = 0;
    while next < count {
        let batch: Vec<_> = (next..(next + 64).min(count))
            .map(|id| store.accept(delivery(id, &clock), Arc::clone(&policy)))
            .collect();
        next += 64;
        for accepted in futures::future::join_all(batch).await {
            accepted?;
        }
    }
    let micros = began.elapsed().as_micros() / u128::try_from(count)?;
    println!("{count} deliveries, {micros} µs each");
    Ok(())
}

fn delivery(id: i64, clock: &SystemClock) -> Delivery {
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
        changes: Changes::of(["contact_id", "updated_associate_id", "soundex", "updated", "name"]),
        at: None,
    };
    let body = vec![b'x'; 600].into();
    Delivery { tenant, id: event.id.clone(), body, content: Content::Event(event), received_at: clock.now() }
}
