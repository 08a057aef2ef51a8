//! The loop: lease, run, settle, with a heart-beat, until told to stop.
//!
//! Work is woken by the store's commits, not by sleeping. Jobs run side by side, never two of one account. When the CRM
//! as a whole is out of order nothing is leased until it answers again; what waits keeps waiting, and nothing is lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_domain::ids::JobId;
use connector_domain::job::Settlement;
use connector_domain::remedy::{self, Next};
use connector_store::queue::{Lease, Settled};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::crm::CrmError;
use crate::discovery;
use crate::ports::Ports;
use crate::run::{Failure, Halt, Work, run};
use crate::status::{Condition, Part};

/// How the worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// How many jobs run side by side.
    pub workers: usize,
    /// How long a lease is; it is renewed three times within it.
    pub lease: SignedDuration,
    /// How long running jobs may go on after a stop.
    pub grace: Duration,
    /// How often what was discovered is looked at again.
    pub rediscover: Duration,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            workers: 16,
            lease: SignedDuration::from_mins(2),
            grace: Duration::from_secs(8),
            rediscover: Duration::from_mins(10),
        }
    }
}

/// Works through the queue.
pub struct Worker {
    ports: Arc<Ports>,
    options: WorkerOptions,
    name: String,
    slots: Arc<Semaphore>,
    freed: Arc<Notify>,
    running: Arc<Mutex<BTreeMap<JobId, Running>>>,
    outage: Arc<Outage>,
}

struct Running {
    fence: i64,
    abandon: CancellationToken,
}

/// What is known of an outage of the CRM.
#[derive(Default)]
struct Outage {
    state: Mutex<Option<Down>>,
    changed: Notify,
}

struct Down {
    until: Timestamp,
    wait: SignedDuration,
}

const FIRST_OUTAGE_WAIT: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_OUTAGE_WAIT: SignedDuration = SignedDuration::from_mins(1);
/// A net under the wake-ups: nothing should ever wait for it.
const NET: Duration = Duration::from_secs(5);

impl Worker {
    /// Makes a worker of these parts.
    pub fn new(ports: Arc<Ports>, options: WorkerOptions) -> Self {
        let slots = Arc::new(Semaphore::new(options.workers.max(1)));
        Self {
            ports,
            options,
            name: format!("pid-{}", std::process::id()),
            slots,
            freed: Arc::default(),
            running: Arc::default(),
            outage: Arc::default(),
        }
    }

    /// Works until told to stop, then lets running jobs end, and gives back what does not.
    pub async fn run(self, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        let abandon_all = CancellationToken::new();
        discovery::remember(&self.ports).await;
        self.recover(&stop).await;
        let beat = tracker.spawn(heart_beat(
            Arc::clone(&self.ports),
            Arc::clone(&self.running),
            self.options.lease,
            abandon_all.clone(),
        ));
        self.lease_until_stopped(&tracker, &stop, &abandon_all).await;
        let all = u32::try_from(self.options.workers.max(1)).unwrap_or(u32::MAX);
        if tokio::time::timeout(self.options.grace, self.slots.acquire_many(all)).await.is_err() {
            tracing::warn!("some jobs did not end in time; they go back to the queue");
        }
        abandon_all.cancel();
        tracker.close();
        tracker.wait().await;
        drop(beat);
    }

    async fn recover(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            match self.ports.queue.recover(self.ports.clock.now()).await {
                Ok(0) => return,
                Ok(found) => {
                    tracing::info!("{found} jobs whose worker had stopped go on");
                    return;
                }
                Err(error) => tracing::error!("the queue cannot be read: {error}"),
            }
            pause(Duration::from_secs(1), stop).await;
        }
    }

    async fn lease_until_stopped(
        &self,
        tracker: &TaskTracker,
        stop: &CancellationToken,
        abandon_all: &CancellationToken,
    ) {
        let wake = self.ports.queue.wake();
        let mut discover_at: Option<Timestamp> = None;
        while !stop.is_cancelled() {
            let now = self.ports.clock.now();
            if let Some(wait) = self.outage.wait(now) {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                    () = self.outage.changed.notified() => {}
                }
                continue;
            }
            if discover_at.is_none_or(|at| at <= now) || self.outage.is_probing() {
                if !self.discover().await {
                    continue;
                }
                let every = SignedDuration::try_from(self.options.rediscover).unwrap_or(SignedDuration::MAX);
                discover_at = now.checked_add(every).ok();
            }
            let free = self.slots.available_permits();
            let leased = if free == 0 { 0 } else { self.lease(free, tracker, abandon_all).await };
            if leased > 0 && leased == free {
                continue;
            }
            self.wait_for_work(&wake, stop).await;
        }
    }

    /// Asks the CRM what there is; an outage ends with the first answer.
    async fn discover(&self) -> bool {
        match discovery::discover(&self.ports).await {
            Ok(()) => {
                self.outage.end();
                let part = Part {
                    name: "superoffice".into(),
                    condition: Condition::Ok,
                    words: "SuperOffice answers".into(),
                    remedy: None,
                };
                self.ports.status.set(part);
                true
            }
            Err(error) => {
                report(&self.ports, &error);
                self.outage.begin(self.ports.clock.now());
                false
            }
        }
    }

    async fn lease(&self, free: usize, tracker: &TaskTracker, abandon_all: &CancellationToken) -> usize {
        let now = self.ports.clock.now();
        let leases = match self.ports.queue.lease(&self.name, free, self.options.lease, now).await {
            Ok(leases) => leases,
            Err(error) => {
                tracing::error!("no work can be leased: {error}");
                tokio::time::sleep(Duration::from_millis(200)).await;
                return 0;
            }
        };
        let count = leases.len();
        for lease in leases {
            let slot = Arc::clone(&self.slots).try_acquire_owned();
            let Ok(slot) = slot else {
                tracing::error!("a job was leased for which there is no slot");
                continue;
            };
            let abandon = abandon_all.child_token();
            let running = Running { fence: lease.fence, abandon: abandon.clone() };
            self.running.lock().expect("no holder of the list panics").insert(lease.job.id, running);
            let (ports, list, freed, outage) = (
                Arc::clone(&self.ports),
                Arc::clone(&self.running),
                Arc::clone(&self.freed),
                Arc::clone(&self.outage),
            );
            tracker.spawn(async move {
                attempt(&ports, &lease, &abandon, &outage).await;
                list.lock().expect("no holder of the list panics").remove(&lease.job.id);
                drop(slot);
                freed.notify_one();
            });
        }
        count
    }

    async fn wait_for_work(&self, wake: &Notify, stop: &CancellationToken) {
        if self.slots.available_permits() == 0 {
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.freed.notified() => {}
                () = self.outage.changed.notified() => {}
            }
            return;
        }
        let due = match self.ports.queue.next_due().await {
            Ok(Some(at)) => {
                let wait = at.duration_since(self.ports.clock.now());
                Duration::try_from(wait)
                    .unwrap_or(Duration::from_millis(1))
                    .clamp(Duration::from_millis(1), NET)
            }
            Ok(None) => NET,
            Err(error) => {
                tracing::error!("the queue cannot be read: {error}");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = wake.notified() => {}
            () = self.outage.changed.notified() => {}
            () = tokio::time::sleep(due) => {}
        }
    }
}

/// Runs one attempt to its end, or gives the job back.
async fn attempt(ports: &Ports, lease: &Lease, abandon: &CancellationToken, outage: &Outage) {
    let mut work = Work::new(ports, lease);
    let outcome = tokio::select! {
        biased;
        outcome = run(&mut work) => outcome,
        () = abandon.cancelled() => Ok(Settlement::Again {
            at: ports.clock.now(),
            error: "stopped before it was done".into(),
            counts: false,
        }),
    };
    let settlement = match outcome {
        Ok(settlement) => settlement,
        Err(Halt::Settled(settlement)) => settlement,
        Err(Halt::Gone) => return,
        Err(Halt::ReadAgain) => Settlement::Again {
            at: ports.clock.now(),
            error: "the record was changed meanwhile".into(),
            counts: true,
        },
        Err(Halt::Failed(failure)) => {
            if let Some(error) = &failure.outage {
                report(ports, error);
                outage.begin(ports.clock.now());
            }
            after_failure(ports, lease, *failure)
        }
    };
    let Work { steps, resolutions, .. } = work;
    settle(ports, lease, settlement, resolutions, steps, abandon).await;
}

fn after_failure(ports: &Ports, lease: &Lease, failure: Failure) -> Settlement {
    let now = ports.clock.now();
    let attempt = lease.job.faults + 1;
    let Failure { words, remedy, help, .. } = failure;
    match remedy::next(attempt, remedy, &ports.retry, now, jitter(lease)) {
        Next::Again { at, counts } => Settlement::Again { at, error: words, counts },
        Next::Never => Settlement::Failed { error: words, remedy: help },
    }
}

/// Spreads retries; the same job and attempt always gives the same.
fn jitter(lease: &Lease) -> f64 {
    let mixed = lease.job.id.0.wrapping_mul(0x9E37_79B9).wrapping_add(lease.fence.wrapping_mul(0x85EB_CA6B));
    f64::from(u16::try_from(mixed & 0xFFFF).unwrap_or(0)) / 65536.0
}

/// Stores the result; it is worth some patience, for without it the work would be done again.
async fn settle(
    ports: &Ports,
    lease: &Lease,
    settlement: Settlement,
    resolutions: Vec<connector_store::journal::Resolution>,
    steps: Vec<connector_store::journal::Step>,
    abandon: &CancellationToken,
) {
    let job = lease.job.id;
    loop {
        let now = ports.clock.now();
        let stored =
            ports.queue.settle(lease, settlement.clone(), resolutions.clone(), steps.clone(), now).await;
        match stored {
            Ok(Settled::Yes) => {
                tracing::debug!(job.id = %job, state = %settlement.state(), "settled job {job}");
                return;
            }
            Ok(Settled::Lost) => {
                tracing::warn!(job.id = %job, "the lease of job {job} was over; its result is dropped");
                return;
            }
            Err(error) => tracing::error!(job.id = %job, "the result of job {job} cannot be stored: {error}"),
        }
        if abandon.is_cancelled() {
            return;
        }
        pause(Duration::from_millis(200), abandon).await;
    }
}

/// Keeps the leases of running jobs, and stops a job that lost its own.
async fn heart_beat(
    ports: Arc<Ports>,
    running: Arc<Mutex<BTreeMap<JobId, Running>>>,
    lease: SignedDuration,
    stop: CancellationToken,
) {
    let every = Duration::try_from(lease).unwrap_or(Duration::from_mins(1)) / 3;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let held: Vec<(JobId, i64)> = running
            .lock()
            .expect("no holder of the list panics")
            .iter()
            .map(|(id, running)| (*id, running.fence))
            .collect();
        if held.is_empty() {
            continue;
        }
        match ports.queue.renew(&held, lease, ports.clock.now()).await {
            Ok(over) => {
                let running = running.lock().expect("no holder of the list panics");
                for lost in over.iter().filter_map(|id| running.get(id)) {
                    lost.abandon.cancel();
                }
            }
            Err(error) => tracing::error!("leases cannot be renewed: {error}"),
        }
    }
}

fn report(ports: &Ports, error: &CrmError) {
    tracing::error!("SuperOffice cannot be worked with: {error}. What to do: {}", error.help);
    let part = Part {
        name: "superoffice".into(),
        condition: Condition::Down,
        words: error.words.clone(),
        remedy: Some(error.help.to_owned()),
    };
    ports.status.set(part);
}

impl Outage {
    fn begin(&self, now: Timestamp) {
        let mut state = self.state.lock().expect("no holder of the outage panics");
        let wait = match &*state {
            Some(down) if down.until > now => return,
            Some(down) => (down.wait * 2).min(LONGEST_OUTAGE_WAIT),
            None => FIRST_OUTAGE_WAIT,
        };
        *state = Some(Down { until: now + wait, wait });
        self.changed.notify_one();
    }

    fn end(&self) {
        let ended = self.state.lock().expect("no holder of the outage panics").take();
        if ended.is_some() {
            tracing::info!("SuperOffice answers again");
        }
    }

    /// How long to leave the CRM alone.
    fn wait(&self, now: Timestamp) -> Option<Duration> {
        let state = self.state.lock().expect("no holder of the outage panics");
        let left = state.as_ref()?.until.duration_since(now);
        Duration::try_from(left).ok().filter(|left| !left.is_zero())
    }

    /// Whether the next thing to do is to see if the CRM is back.
    fn is_probing(&self) -> bool {
        self.state.lock().expect("no holder of the outage panics").is_some()
    }
}

async fn pause(length: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(length) => {}
    }
}
