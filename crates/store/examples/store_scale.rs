//! What a store that has grown costs: claims, results and pages, beside so many jobs that have ended.
//!
//! `store_scale FILE JOBS` fills the file up to that many ended jobs, each with its event and its account, measures,
//! and prints one JSON object with the medians in microseconds. The file may hold fewer jobs already, of an earlier
//! call; it is left behind.

#![expect(clippy::print_stdout, reason = "this is its output")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use connector_domain::clock::{Clock, SystemClock};
use connector_domain::event::{Changes, Event, EventKind};
use connector_domain::ids::{AssociateId, ContactId, RecordRef, TenantId};
use connector_domain::job::{JobState, Settlement};
use connector_domain::policy::Policy;
use connector_store::Store;
use connector_store::accounts::AccountFilter;
use connector_store::inbox::{Content, Delivery};
use connector_store::page::PageRequest;
use connector_store::queue::{JobFilter, Lease};
use connector_store::sqlite::{Options, SqliteStore};
use jiff::SignedDuration;

/// So many deliveries are taken in at a time while the store is filled, and so many results.
const FILL: i64 = 500;
/// So many jobs wait beside those that have ended, so that a claim has something to pass over.
const WAITING: i64 = 1_000;
/// So many jobs are claimed at a time.
const AT_ONCE: usize = 16;
/// How often each thing is measured.
const TIMES: i64 = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: store_scale FILE JOBS";
    let mut arguments = std::env::args().skip(1);
    let path = PathBuf::from(arguments.next().ok_or(usage)?);
    let jobs: i64 = arguments.next().ok_or(usage)?.parse()?;
    let store = SqliteStore::open(&path, &Options::default())?;
    let scale = Scale {
        store: Arc::new(store),
        clock: Arc::new(SystemClock::default()),
        tenant: TenantId("Cust10001".into()),
        policy: Arc::new(Policy { rest: SignedDuration::ZERO, ..Policy::default() }),
    };
    scale.fill(jobs).await?;
    let first = jobs + 1;
    scale.put_in(first, first + WAITING + 2 * TIMES * i64::try_from(AT_ONCE)?).await?;
    let (mut claim, mut settle) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let began = Instant::now();
        let leases = scale.claim().await?;
        claim.push(began.elapsed());
        let began = Instant::now();
        scale.end(leases).await?;
        settle.push(began.elapsed());
    }
    let (mut accounts, mut jobs_page, mut events, mut ended) = (vec![], vec![], vec![], vec![]);
    let (store, page, tenant) = (&scale.store, PageRequest::default(), &scale.tenant);
    for _ in 0..TIMES {
        let began = Instant::now();
        store.accounts(tenant, &AccountFilter::default(), &page).await?;
        accounts.push(began.elapsed());
        let began = Instant::now();
        store.jobs(tenant, &JobFilter::default(), &page).await?;
        jobs_page.push(began.elapsed());
        let began = Instant::now();
        let failed = JobFilter { states: vec![JobState::Completed], account: None };
        store.jobs(tenant, &failed, &page).await?;
        ended.push(began.elapsed());
        let began = Instant::now();
        store.events(tenant, None, &page).await?;
        events.push(began.elapsed());
    }
    let all = [
        ("claim", claim),
        ("settle", settle),
        ("accounts", accounts),
        ("jobs", jobs_page),
        ("completed", ended),
        ("events", events),
    ];
    let figures: Vec<String> =
        all.into_iter().map(|(name, mut times)| format!("\"{name}_us\":{}", median(&mut times))).collect();
    println!("{{\"jobs\":{jobs},{}}}", figures.join(","));
    Ok(())
}

struct Scale {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    tenant: TenantId,
    policy: Arc<Policy>,
}

impl Scale {
    /// Adds events, accounts and ended jobs until there are that many.
    async fn fill(&self, jobs: i64) -> Result<(), Box<dyn Error>> {
        let counts = self.store.queue_counts(&self.tenant, self.clock.now()).await?;
        let waiting = counts.open();
        while !self.end(self.store.lease("fill", 512, MINUTES, self.clock.now()).await?).await? {}
        let there = i64::try_from(counts.of(JobState::Completed) + waiting)?;
        let mut next = there + 1;
        while next <= jobs {
            let end = (next + FILL).min(jobs + 1);
            self.put_in(next, end).await?;
            while !self.end(self.store.lease("fill", 512, MINUTES, self.clock.now()).await?).await? {}
            next = end;
        }
        Ok(())
    }

    /// Takes in one delivery for each company.
    async fn put_in(&self, from: i64, until: i64) -> Result<(), Box<dyn Error>> {
        for some in (from..until).collect::<Vec<_>>().chunks(512) {
            let all = some.iter().map(|id| self.store.accept(self.delivery(*id), Arc::clone(&self.policy)));
            futures::future::try_join_all(all).await?;
        }
        Ok(())
    }

    fn delivery(&self, id: i64) -> Delivery {
        let event_id = format!("{:08x}-0000-4000-8000-{id:012x}", (id * 2_654_435_761) & 0xffff_ffff);
        let event = Event {
            tenant: self.tenant.clone(),
            id: event_id.as_str().into(),
            name: "contact.changed".into(),
            kind: EventKind::Changed,
            record: Some(RecordRef::contact(ContactId(id))),
            account: Some(ContactId(id)),
            owner: Some(AssociateId(12)),
            changed_by: Some(AssociateId(5)),
            changes: Changes::of(["contact_id", "updated_associate_id", "updated", "name"]),
            at: None,
        };
        Delivery {
            tenant: self.tenant.clone(),
            id: event.id.clone(),
            body: vec![b'x'; 600].into(),
            content: Content::Event(event),
            received_at: self.clock.now(),
        }
    }

    async fn claim(&self) -> Result<Vec<Lease>, Box<dyn Error>> {
        let leases = self.store.lease("scale", AT_ONCE, MINUTES, self.clock.now()).await?;
        if leases.len() < AT_ONCE {
            return Err(format!("only {} jobs could be claimed", leases.len()).into());
        }
        Ok(leases)
    }

    /// Ends jobs, side by side as workers do. Says whether there were none.
    async fn end(&self, leases: Vec<Lease>) -> Result<bool, Box<dyn Error>> {
        let done = || Settlement::Completed { words: "Nothing was to do.".into() };
        let all = leases
            .iter()
            .map(|lease| self.store.settle(lease, done(), Vec::new(), Vec::new(), self.clock.now()));
        futures::future::try_join_all(all).await?;
        Ok(leases.is_empty())
    }
}

const MINUTES: SignedDuration = SignedDuration::from_mins(2);

fn median(times: &mut [std::time::Duration]) -> u128 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0, std::time::Duration::as_micros)
}
