//! The jobs in hand: their leases, kept by heart-beat, and their slots.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connector_domain::ids::JobId;
use connector_faults::{Bug, planted};
use connector_store::queue::Lease;
use jiff::SignedDuration;
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio_util::sync::CancellationToken;

use crate::ports::Ports;

/// The jobs in hand.
#[derive(Clone, Default)]
pub(super) struct Running(Arc<Mutex<BTreeMap<JobId, InHand>>>);

struct InHand {
    fence: i64,
    abandon: CancellationToken,
}

impl Running {
    pub(super) fn add(&self, lease: &Lease, abandon: CancellationToken) {
        self.lock().insert(lease.job.id, InHand { fence: lease.fence, abandon });
    }

    /// Takes a job off the list, unless it is in hand anew.
    pub(super) fn remove(&self, job: JobId, fence: i64) {
        let mut list = self.lock();
        if list.get(&job).is_some_and(|in_hand| in_hand.fence == fence) {
            list.remove(&job);
        }
    }

    pub(super) fn held(&self) -> Vec<(JobId, i64)> {
        self.lock().iter().map(|(id, in_hand)| (*id, in_hand.fence)).collect()
    }

    pub(super) fn abandon(&self, lost: &[JobId]) {
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
pub(super) struct Freed {
    pub(super) running: Running,
    pub(super) bell: Arc<Notify>,
    pub(super) job: JobId,
    pub(super) fence: i64,
    pub(super) slot: Option<OwnedSemaphorePermit>,
}

impl Drop for Freed {
    fn drop(&mut self) {
        self.running.remove(self.job, self.fence);
        drop(self.slot.take());
        self.bell.notify_one();
    }
}

/// Keeps the leases of running jobs, and stops a job that lost its own.
pub(super) async fn heart_beat(
    ports: Arc<Ports>,
    running: Running,
    lease: SignedDuration,
    stop: CancellationToken,
) {
    let every = Duration::try_from(lease).unwrap_or(Duration::from_mins(1)) / 3;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let held = running.held();
        if !held.is_empty() && !planted(Bug::LeaseNotRenewed) {
            renew(&ports, &running, &held, lease).await;
        }
    }
}

pub(super) async fn renew(ports: &Ports, running: &Running, held: &[(JobId, i64)], lease: SignedDuration) {
    match ports.queue.renew(held, lease, ports.clock.now()).await {
        Ok(over) => running.abandon(&over),
        Err(error) => tracing::error!("leases cannot be renewed: {error}"),
    }
}
