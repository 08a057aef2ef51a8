//! The loop: lease, run, settle, with a heart-beat, until told to stop.
//!
//! Work is woken by the store's commits, not by sleeping. Jobs run side by side, never two of one account. When the CRM
//! as a whole is out of order nothing is leased until it answers again; what waits keeps waiting, and nothing is lost.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_domain::ids::JobId;
use connector_domain::job::Settlement;
use connector_domain::remedy::{self, Next, Remedy};
use connector_store::queue::{Lease, Settled};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::crm::{Blame, CrmError};
use crate::discovery;
use crate::patience::Patience;
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
    running: Running,
    outage: Arc<Outage>,
    /// When the leases of running jobs were last renewed.
    renewed_at: Mutex<Option<Timestamp>>,
    patience: Mutex<Patience>,
}

/// The jobs in hand.
#[derive(Clone, Default)]
struct Running(Arc<Mutex<BTreeMap<JobId, InHand>>>);

struct InHand {
    fence: i64,
    abandon: CancellationToken,
}

impl Running {
    fn add(&self, lease: &Lease, abandon: CancellationToken) {
        self.lock().insert(lease.job.id, InHand { fence: lease.fence, abandon });
    }

    /// Takes a job off the list, unless it is in hand anew.
    fn remove(&self, job: JobId, fence: i64) {
        let mut list = self.lock();
        if list.get(&job).is_some_and(|in_hand| in_hand.fence == fence) {
            list.remove(&job);
        }
    }

    fn held(&self) -> Vec<(JobId, i64)> {
        self.lock().iter().map(|(id, in_hand)| (*id, in_hand.fence)).collect()
    }

    fn abandon(&self, lost: &[JobId]) {
        let all = self.lock();
        for in_hand in lost.iter().filter_map(|id| all.get(id)) {
            in_hand.abandon.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<JobId, InHand>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Frees the slot of a job, however its attempt ends.
struct Freed {
    running: Running,
    bell: Arc<Notify>,
    job: JobId,
    fence: i64,
    slot: Option<OwnedSemaphorePermit>,
}

impl Drop for Freed {
    fn drop(&mut self) {
        self.running.remove(self.job, self.fence);
        drop(self.slot.take());
        self.bell.notify_one();
    }
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// There may be work.
    ToWork,
    /// There is reason to look at the tenant first.
    ToLook,
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
const FIRST_SETTLE_WAIT: Duration = Duration::from_millis(200);
const LONGEST_SETTLE_WAIT: Duration = Duration::from_secs(5);
/// How soon to look again at fields that have drifted.
const MENDING: Duration = Duration::from_secs(30);
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
            running: Running::default(),
            outage: Arc::default(),
            renewed_at: Mutex::new(None),
            patience: Mutex::default(),
        }
    }

    /// Works until told to stop, then lets running jobs end, and gives back what does not.
    pub async fn run(self, stop: CancellationToken) {
        let tracker = TaskTracker::new();
        let abandon_all = CancellationToken::new();
        self.recover(&stop).await;
        tracker.spawn(heart_beat(
            Arc::clone(&self.ports),
            self.running.clone(),
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
                    () = self.ports.look_again.notified() => self.outage.ask_now(self.ports.clock.now()),
                }
                continue;
            }
            if discover_at.is_none_or(|at| at <= now) || self.outage.is_probing() {
                let discovered = tokio::select! {
                    () = stop.cancelled() => return,
                    discovered = self.discover() => discovered,
                };
                if !discovered {
                    continue;
                }
                discover_at = now.checked_add(self.look_again_in()).ok();
            }
            let free = self.slots.available_permits();
            let leased = if free == 0 { 0 } else { self.lease(free, tracker, stop, abandon_all).await };
            if leased > 0 && leased == free {
                continue;
            }
            if self.wait_for_work(&wake, stop).await == Woken::ToLook {
                discover_at = None;
            }
        }
    }

    /// When to look at the tenant again: soon while an administrator may be mending a field.
    fn look_again_in(&self) -> SignedDuration {
        let usual = self.options.rediscover;
        let wait = if self.ports.discovered.has_drifted() { usual.min(MENDING) } else { usual };
        SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)
    }

    /// Asks the CRM what there is; an outage ends with the first answer. Says whether there is something to work with.
    async fn discover(&self) -> bool {
        match discovery::discover(&self.ports).await {
            Ok(()) => {
                self.ports.status.set(answers(Condition::Ok, "SuperOffice answers", None));
                if self.ports.discovered.definitions_now().0.is_empty() {
                    // Nothing could be written anywhere: the work waits until there are fields.
                    tracing::error!("the tenant has none of the fields to write to, so the work waits");
                    self.outage.begin(self.ports.clock.now());
                    return false;
                }
                self.outage.end();
                true
            }
            // What was known stays good while the CRM answers other questions.
            Err(error) if error.blame == Blame::Request && self.ports.discovered.is_complete() => {
                tracing::warn!("the tenant could not be looked at again: {error}");
                self.ports.status.set(answers(Condition::Degraded, &error.words, Some(error.help)));
                true
            }
            Err(error) => {
                report(&self.ports, &error);
                self.outage.begin_after(&error, self.ports.clock.now());
                false
            }
        }
    }

    async fn lease(
        &self,
        free: usize,
        tracker: &TaskTracker,
        stop: &CancellationToken,
        abandon_all: &CancellationToken,
    ) -> usize {
        let now = self.ports.clock.now();
        self.renew_if_late(now).await;
        let leases = match self.ports.queue.lease(&self.name, free, self.options.lease, now).await {
            Ok(leases) => leases,
            Err(error) => {
                let next = self.patience().failed(now);
                if next.say {
                    tracing::error!("no work can be leased: {error}");
                }
                pause(next.wait, stop).await;
                return 0;
            }
        };
        if self.patience().worked() {
            tracing::info!("work can be leased again");
        }
        let count = leases.len();
        for lease in leases {
            let slot = Arc::clone(&self.slots).try_acquire_owned();
            let Ok(slot) = slot else {
                tracing::error!("a job was leased for which there is no slot");
                continue;
            };
            let abandon = abandon_all.child_token();
            self.running.add(&lease, abandon.clone());
            let freed = Freed {
                running: self.running.clone(),
                bell: Arc::clone(&self.freed),
                job: lease.job.id,
                fence: lease.fence,
                slot: Some(slot),
            };
            let (ports, outage) = (Arc::clone(&self.ports), Arc::clone(&self.outage));
            tracker.spawn(async move {
                attempt(&ports, &lease, &abandon, &outage).await;
                drop(freed);
            });
        }
        count
    }

    fn patience(&self) -> std::sync::MutexGuard<'_, Patience> {
        self.patience.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Renews what is in hand before anything is leased, if the last time is long ago: a machine that slept must not take
    /// its own running jobs for abandoned ones.
    async fn renew_if_late(&self, now: Timestamp) {
        let late = {
            let mut renewed = self.renewed_at.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let last = renewed.replace(now);
            last.is_some_and(|last| now.duration_since(last) > self.options.lease / 3)
        };
        let held = self.running.held();
        if late && !held.is_empty() {
            renew(&self.ports, &self.running, &held, self.options.lease).await;
        }
    }

    async fn wait_for_work(&self, wake: &Notify, stop: &CancellationToken) -> Woken {
        if self.slots.available_permits() == 0 {
            return tokio::select! {
                () = stop.cancelled() => Woken::ToWork,
                () = self.freed.notified() => Woken::ToWork,
                () = self.outage.changed.notified() => Woken::ToWork,
                () = self.ports.look_again.notified() => Woken::ToLook,
            };
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
            () = stop.cancelled() => Woken::ToWork,
            () = wake.notified() => Woken::ToWork,
            () = self.outage.changed.notified() => Woken::ToWork,
            () = self.ports.look_again.notified() => Woken::ToLook,
            () = tokio::time::sleep(due) => Woken::ToWork,
        }
    }
}

/// Runs one attempt to its end, or gives the job back.
async fn attempt(ports: &Ports, lease: &Lease, abandon: &CancellationToken, outage: &Outage) {
    let mut work = Work::new(ports, lease);
    let outcome = tokio::select! {
        biased;
        // A panic is a defect of ours; it must cost this attempt, not the job's account for ever.
        outcome = AssertUnwindSafe(run(&mut work)).catch_unwind() => outcome.unwrap_or_else(|_| Err(stumbled())),
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
        Err(Halt::Failed(failure)) => after_failure(ports, lease, blamed(ports, *failure, outage).await),
    };
    let Work { steps, resolutions, .. } = work;
    settle(ports, lease, settlement, resolutions, steps, abandon).await;
}

fn stumbled() -> Halt {
    Halt::Failed(Box::new(Failure {
        words: "the program stumbled over this job; the log says where".into(),
        remedy: Remedy::BackOff,
        help: "report it, with the log".into(),
        crm: None,
    }))
}

/// Finds out whether the CRM as a whole is to blame; then the job is not, and everything waits.
async fn blamed(ports: &Ports, failure: Failure, outage: &Outage) -> Failure {
    let Some(error) = failure.crm.clone() else { return failure };
    if let Remedy::Wait(wait) = error.remedy {
        outage.begin_until(ports.clock.now(), wait);
        return failure;
    }
    let error = if error.blame == Blame::Outage {
        error
    } else {
        match ports.crm.probe().await {
            Ok(()) => return failure,
            Err(error) => error,
        }
    };
    report(ports, &error);
    outage.begin_after(&error, ports.clock.now());
    let remedy = match error.remedy {
        Remedy::Wait(wait) | Remedy::WaitForOthers(wait) => Remedy::WaitForOthers(wait),
        Remedy::ReadAgain | Remedy::BackOff | Remedy::GiveUp => Remedy::WaitForOthers(FIRST_OUTAGE_WAIT),
    };
    Failure { remedy, ..failure }
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
    // Longer each time: a disk stays full for a while, and the log may be on the same one.
    let mut wait = FIRST_SETTLE_WAIT;
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
        pause(wait, abandon).await;
        wait = (wait * 2).min(LONGEST_SETTLE_WAIT);
    }
}

/// Keeps the leases of running jobs, and stops a job that lost its own.
async fn heart_beat(ports: Arc<Ports>, running: Running, lease: SignedDuration, stop: CancellationToken) {
    let every = Duration::try_from(lease).unwrap_or(Duration::from_mins(1)) / 3;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let held = running.held();
        if !held.is_empty() {
            renew(&ports, &running, &held, lease).await;
        }
    }
}

async fn renew(ports: &Ports, running: &Running, held: &[(JobId, i64)], lease: SignedDuration) {
    match ports.queue.renew(held, lease, ports.clock.now()).await {
        Ok(over) => running.abandon(&over),
        Err(error) => tracing::error!("leases cannot be renewed: {error}"),
    }
}

fn answers(condition: Condition, words: &str, help: Option<&str>) -> Part {
    Part { name: "superoffice".into(), condition, words: words.to_owned(), remedy: help.map(str::to_owned) }
}

fn report(ports: &Ports, error: &CrmError) {
    tracing::error!("SuperOffice cannot be worked with: {error}. What to do: {}", error.help);
    ports.status.set(answers(Condition::Down, &error.words, Some(error.help)));
}

impl Outage {
    /// Waits until the CRM says that it may be back, or a little longer each time when it does not say.
    fn begin_after(&self, error: &CrmError, now: Timestamp) {
        match error.back_in {
            Some(wait) => self.begin_until(now, wait),
            None => self.begin(now),
        }
    }

    /// Ends the waiting, not the outage: the next thing to do is to see if the CRM is back.
    fn ask_now(&self, now: Timestamp) {
        if let Some(down) = &mut *self.state.lock().expect("no holder of the outage panics") {
            down.until = now;
        }
    }

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

    /// Leaves the CRM alone for as long as it asked for.
    fn begin_until(&self, now: Timestamp, wait: SignedDuration) {
        let mut state = self.state.lock().expect("no holder of the outage panics");
        let until = now + wait.clamp(SignedDuration::ZERO, SignedDuration::from_hours(1));
        if state.as_ref().is_none_or(|down| down.until < until) {
            *state = Some(Down { until, wait: FIRST_OUTAGE_WAIT });
            self.changed.notify_one();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    fn away(back_in: Option<SignedDuration>) -> CrmError {
        CrmError {
            words: "the tenant is offline: Suspended".into(),
            remedy: Remedy::WaitForOthers(FIRST_OUTAGE_WAIT),
            help: "nothing",
            outcome_unknown: false,
            blame: Blame::Outage,
            back_in,
        }
    }

    fn waits(outage: &Outage, now: Timestamp) -> u64 {
        outage.wait(now).map_or(0, |wait| wait.as_secs())
    }

    #[test]
    fn a_crm_that_says_when_it_is_back_is_left_alone_until_then() {
        let (outage, minutes) = (Outage::default(), SignedDuration::from_mins);
        outage.begin_after(&away(Some(minutes(7))), noon());
        assert_eq!(waits(&outage, noon()), 7 * 60);
        // Another job that fails meanwhile changes nothing.
        outage.begin_after(&away(None), noon() + minutes(1));
        assert_eq!(waits(&outage, noon() + minutes(6)), 60);
        assert_eq!((waits(&outage, noon() + minutes(7)), outage.is_probing()), (0, true));
        outage.begin_after(&away(Some(minutes(2))), noon() + minutes(7));
        assert_eq!(waits(&outage, noon() + minutes(7)), 120);
    }

    #[test]
    fn a_crm_that_does_not_say_is_asked_each_time_later() {
        let (outage, mut now) = (Outage::default(), noon());
        let mut all = Vec::new();
        for _ in 0..8 {
            outage.begin_after(&away(None), now);
            all.push(waits(&outage, now));
            now += SignedDuration::from_mins(2);
        }
        assert_eq!(all, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn who_is_told_that_the_crm_is_back_asks_it_at_once() {
        let outage = Outage::default();
        outage.ask_now(noon());
        assert!(!outage.is_probing(), "there is no outage to end");
        outage.begin_after(&away(Some(SignedDuration::from_hours(1))), noon());
        outage.ask_now(noon());
        assert_eq!((waits(&outage, noon()), outage.is_probing()), (0, true));
    }
}
