//! The loop: lease, run, settle, with a heart-beat, until told to stop.
//!
//! Work is woken by the store's commits, not by sleeping. Jobs run side by side, never two of one account. When the CRM
//! as a whole is out of order nothing is leased until it answers again; what waits keeps waiting, and nothing is lost.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_faults::{Point, reach};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::breaker::Dependency;
use crate::crm::Blame;
use crate::discovery;
use crate::patience::Patience;
use crate::ports::Ports;
use crate::status::Condition;

mod attempt;
mod lease;
mod pause;

use attempt::attempt;
use lease::{Freed, Running, heart_beat, renew};
use pause::{answers, down, pause};

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
    /// When the leases of running jobs were last renewed.
    renewed_at: Mutex<Option<Timestamp>>,
    patience: Mutex<Patience>,
}

/// What ended a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Woken {
    /// There may be work.
    ToWork,
    /// There is reason to look at the tenant first.
    ToLook,
}

/// What the last lease came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Took {
    /// There was work.
    Some,
    /// There was none.
    Nothing,
}

/// How soon to look again at fields that have drifted.
const MENDING: Duration = Duration::from_secs(30);
/// A net under the wake-ups: nothing should ever wait for it.
const NET: Duration = Duration::from_secs(5);
/// What is due and was not to be had is asked for again after so long: another process is about to take it, or its clock
/// is a little behind.
const NOT_TO_BE_HAD: Duration = Duration::from_millis(50);

impl Worker {
    /// Makes a worker of these parts.
    pub fn new(ports: Arc<Ports>, options: WorkerOptions) -> Self {
        let slots = Arc::new(Semaphore::new(options.workers.max(1)));
        Self {
            ports,
            options,
            name: crate::process::name().to_owned(),
            slots,
            freed: Arc::default(),
            running: Running::default(),
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
                    reach(Point::Recovered);
                    crate::meters::happened(crate::meters::Happening::CrashRecovered, found);
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
            let breakers = &self.ports.breakers;
            breakers.look(&self.ports.status, now);
            if let Some(wait) = breakers.wait(Dependency::Crm, now) {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(wait) => {}
                    () = breakers.changed() => {}
                    () = self.ports.look_again.notified() => {
                        breakers.hurry(Dependency::Crm, self.ports.clock.now());
                    }
                }
                continue;
            }
            if discover_at.is_none_or(|at| at <= now) || breakers.is_to_be_asked(Dependency::Crm) {
                let discovered = tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    discovered = self.discover() => discovered,
                };
                if !discovered {
                    continue;
                }
                discover_at = now.checked_add(self.look_again_in()).ok();
            }
            let free = self.free();
            let leased = if free == 0 { 0 } else { self.lease(free, tracker, stop, abandon_all).await };
            if leased > 0 && leased == free {
                continue;
            }
            let took = if leased > 0 { Took::Some } else { Took::Nothing };
            if self.wait_for_work(self.free() == 0, took, &wake, stop).await == Woken::ToLook {
                discover_at = None;
            }
        }
    }

    /// When to look at the tenant again: soon while an administrator may be mending a field, or when what was held for one
    /// could not be let go.
    fn look_again_in(&self) -> SignedDuration {
        let (usual, discovered) = (self.options.rediscover, &self.ports.discovered);
        let is_unsettled = discovered.has_drifted() || discovered.owes_release();
        let wait = if is_unsettled { usual.min(MENDING) } else { usual };
        SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX)
    }

    /// Asks the CRM what there is; an outage ends with the first answer. Says whether there is something to work with.
    async fn discover(&self) -> bool {
        let breakers = &self.ports.breakers;
        match discovery::discover(&self.ports).await {
            // It was asked before somebody else was told to wait, and says nothing about that.
            Ok(()) if breakers.wait(Dependency::Crm, self.ports.clock.now()).is_some() => false,
            Ok(()) => {
                if self.ports.discovered.definitions_now().0.is_empty() {
                    // Nothing could be written anywhere: the work waits until there are fields.
                    self.ports.status.set(answers(Condition::Ok, "SuperOffice answers", None));
                    let words = "the tenant has none of the fields to write to";
                    breakers.failed(Dependency::Crm, None, words, self.ports.clock.now(), 0.0);
                    return false;
                }
                if breakers.answers(Dependency::Crm, self.ports.clock.now()) {
                    self.ports.status.set(answers(Condition::Ok, "SuperOffice answers", None));
                }
                true
            }
            // What was known stays good while the CRM answers other questions.
            Err(error) if error.blame == Blame::Request && self.ports.discovered.is_complete() => {
                tracing::warn!("the tenant could not be looked at again: {error}");
                self.ports.status.set(answers(Condition::Degraded, &error.words, Some(error.help)));
                true
            }
            Err(error) => {
                down(&self.ports, &error, 0.0);
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
        if count > 0 {
            reach(Point::Leased);
        }
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
            let ports = Arc::clone(&self.ports);
            tracker.spawn(async move {
                let span = tracing::info_span!(
                    "process",
                    job.id = %lease.job.id,
                    record = %lease.job.record,
                    attempt = lease.job.attempts,
                );
                attempt(&ports, &lease, &abandon).instrument(span).await;
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

    /// How many jobs may be leased now. While many records fail alike, one at a time shows whether that is over.
    fn free(&self) -> usize {
        let free = self.slots.available_permits();
        if !self.ports.breakers.is_on_trial(Dependency::Crm) {
            return free;
        }
        free.min(1_usize.saturating_sub(self.running.held().len()))
    }

    async fn wait_for_work(
        &self,
        is_full: bool,
        took: Took,
        wake: &Notify,
        stop: &CancellationToken,
    ) -> Woken {
        let breakers = &self.ports.breakers;
        if is_full {
            return tokio::select! {
                biased;
                () = stop.cancelled() => Woken::ToWork,
                () = self.ports.look_again.notified() => Woken::ToLook,
                () = self.freed.notified() => Woken::ToWork,
                () = breakers.changed() => Woken::ToWork,
            };
        }
        let due = match self.ports.queue.next_due().await {
            Ok(Some(at)) => until_due(at.duration_since(self.ports.clock.now()), took),
            Ok(None) => NET,
            Err(error) => {
                tracing::error!("the queue cannot be read: {error}");
                Duration::from_secs(1)
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => Woken::ToWork,
            // Before the bell, which rings all the time when there is much to do.
            () = self.ports.look_again.notified() => Woken::ToLook,
            () = wake.notified() => Woken::ToWork,
            () = breakers.changed() => Woken::ToWork,
            () = tokio::time::sleep(due) => Woken::ToWork,
        }
    }
}

/// How long to wait for work that is due after this time.
fn until_due(wait: SignedDuration, took: Took) -> Duration {
    let least = match took {
        Took::Nothing if wait <= SignedDuration::ZERO => NOT_TO_BE_HAD,
        Took::Some | Took::Nothing => Duration::from_millis(1),
    };
    Duration::try_from(wait).unwrap_or(least).clamp(least, NET)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_and_not_to_be_had_is_not_asked_for_all_the_time() {
        let millis = SignedDuration::from_millis;
        assert_eq!(until_due(millis(-20), Took::Nothing), NOT_TO_BE_HAD);
        assert_eq!(until_due(millis(0), Took::Nothing), NOT_TO_BE_HAD);
        assert_eq!(until_due(millis(3), Took::Nothing), Duration::from_millis(3));
        assert_eq!(until_due(millis(-20), Took::Some), Duration::from_millis(1));
        assert_eq!(until_due(millis(60_000), Took::Nothing), NET);
    }
}
