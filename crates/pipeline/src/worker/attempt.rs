//! One attempt at a job, from its lease to its settlement.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_domain::field::Definitions;
use connector_domain::fingerprint::{Fingerprint, Stage};
use connector_domain::job::Settlement;
use connector_domain::outbreak::Fault;
use connector_domain::reason::Reason;
use connector_domain::remedy::{self, Next, Remedy};
use connector_faults::{Bug, Point, planted, reach};
use connector_store::queue::{Lease, Settled};
use futures::FutureExt;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::pause::{FIRST_OUTAGE_WAIT, down, pause};
use crate::breaker::{Dependency, Failed};
use crate::crm::Blame;
use crate::meters::{self, Happening};
use crate::ports::Ports;
use crate::run::{Failure, Halt, Work, run};

const FIRST_SETTLE_WAIT: Duration = Duration::from_millis(200);
const LONGEST_SETTLE_WAIT: Duration = Duration::from_secs(5);

/// Runs one attempt to its end, or gives the job back.
pub(super) async fn attempt(ports: &Ports, lease: &Lease, abandon: &CancellationToken) {
    let began = Instant::now();
    let mut work = Work::new(ports, lease);
    let abandoned = || if planted(Bug::PanicLosesTheJob) { Halt::Gone } else { stumbled() };
    let outcome = tokio::select! {
        biased;
        // A panic is a defect of ours; it must cost this attempt, not the job's account for ever.
        outcome = AssertUnwindSafe(run(&mut work)).catch_unwind() => outcome.unwrap_or_else(|_| Err(abandoned())),
        () = abandon.cancelled() => Ok(Settlement::Again {
            at: ports.clock.now(),
            error: "stopped before it was done".into(),
            counts: false,
        }),
    };
    let stage = work.stage;
    let settlement = match outcome {
        Ok(settlement) | Err(Halt::Settled(settlement)) => settlement,
        Err(Halt::Gone) => return,
        Err(Halt::ReadAgain) => Settlement::Again {
            at: ports.clock.now(),
            error: "the record was changed meanwhile".into(),
            counts: true,
        },
        Err(Halt::Failed(failure)) => {
            let failure = blamed(ports, *failure, jitter(lease)).await;
            judged(ports, lease, stage, failure)
        }
    };
    let took = began.elapsed();
    let Work { steps, resolutions, definitions, .. } = work;
    reach(Point::Settling);
    if settle(ports, lease, &settlement, resolutions, steps, abandon).await {
        meters::attempted(&settlement, took);
        released(ports, &settlement, &definitions).await;
    }
}

/// An exploration takes its time, and meanwhile the field that a job is held for may have been mended: what was held then
/// was let go before this job was held.
async fn released(ports: &Ports, settlement: &Settlement, known: &Arc<Definitions>) {
    let Settlement::Held { reason: reason @ (Reason::NoField | Reason::FieldChanged), .. } = settlement
    else {
        return;
    };
    if planted(Bug::HeldWhileMended) || Arc::ptr_eq(known, &ports.discovered.definitions_now()) {
        return;
    }
    if let Err(error) = ports.queue.release(&ports.tenant, &[*reason], ports.clock.now()).await {
        tracing::warn!("what was held for a field cannot be let go: {error}");
    }
}

fn stumbled() -> Halt {
    Halt::Failed(Box::new(Failure {
        words: "the program stumbled over this job; the log says where".into(),
        remedy: Remedy::BackOff,
        help: "report it, with the log".into(),
        crm: None,
        on: None,
        is_answer: false,
    }))
}

/// Finds out whether the CRM as a whole is to blame; then the job is not, and everything waits.
async fn blamed(ports: &Ports, failure: Failure, jitter: f64) -> Failure {
    let Some(error) = failure.crm.clone() else { return failure };
    if let Remedy::Wait(wait) = error.remedy {
        if planted(Bug::OnlyOneJobWaits) {
            return failure;
        }
        let now = ports.clock.now();
        ports.breakers.failed(Dependency::Crm, Some(wait), &error.words, now, jitter);
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
    down(ports, &error, jitter);
    let remedy = match error.remedy {
        Remedy::Wait(wait) | Remedy::WaitForOthers(wait) => Remedy::WaitForOthers(wait),
        Remedy::ReadAgain | Remedy::BackOff | Remedy::GiveUp => Remedy::WaitForOthers(FIRST_OUTAGE_WAIT),
    };
    Failure { remedy, ..failure }
}

/// Decides what follows: nothing is counted against a record when what many share is to blame.
fn judged(ports: &Ports, lease: &Lease, stage: Stage, failure: Failure) -> Settlement {
    let now = ports.clock.now();
    let fingerprint = Fingerprint::of(stage, &failure.words);
    let Failure { words, mut remedy, help, on, is_answer, .. } = failure;
    if let (Some(on), Remedy::BackOff | Remedy::GiveUp) = (on, remedy) {
        let failed = Failed {
            on,
            fingerprint: &fingerprint,
            stage,
            record: lease.job.record,
            words: &words,
            help: &help,
            is_answer,
        };
        if ports.breakers.judge(&ports.status, &failed, now, jitter(lease)) == Fault::Shared {
            let wait = ports.breakers.wait(on, now).and_then(|wait| SignedDuration::try_from(wait).ok());
            remedy = Remedy::WaitForOthers(wait.unwrap_or(FIRST_OUTAGE_WAIT));
        }
    }
    match remedy::next(lease.job.faults + 1, remedy, &ports.retry, now, jitter(lease)) {
        Next::Again { at, counts } => {
            let counts = match remedy {
                Remedy::WaitForOthers(_) => counts || planted(Bug::OutageCounts),
                Remedy::Wait(_) => counts || planted(Bug::ThrottleCounts),
                Remedy::ReadAgain | Remedy::BackOff | Remedy::GiveUp => counts,
            };
            Settlement::Again { at, error: words, counts }
        }
        Next::Never if planted(Bug::PoisonNeverFails) => {
            Settlement::Again { at: now + SignedDuration::from_secs(1), error: words, counts: true }
        }
        Next::Never => Settlement::Failed { error: words, remedy: help, fingerprint },
    }
}

/// Spreads retries; the same job and attempt always gives the same.
fn jitter(lease: &Lease) -> f64 {
    let mixed = lease.job.id.0.wrapping_mul(0x9E37_79B9).wrapping_add(lease.fence.wrapping_mul(0x85EB_CA6B));
    f64::from(u16::try_from(mixed & 0xFFFF).unwrap_or(0)) / 65536.0
}

/// Stores the result; it is worth some patience, for without it the work would be done again. Says whether it was taken.
async fn settle(
    ports: &Ports,
    lease: &Lease,
    settlement: &Settlement,
    resolutions: Vec<connector_store::journal::Resolution>,
    steps: Vec<connector_store::journal::Step>,
    abandon: &CancellationToken,
) -> bool {
    let job = lease.job.id;
    // Longer each time: a disk stays full for a while, and the log may be on the same one.
    let mut wait = FIRST_SETTLE_WAIT;
    loop {
        let now = ports.clock.now();
        let stored =
            ports.queue.settle(lease, settlement.clone(), resolutions.clone(), steps.clone(), now).await;
        match stored {
            Ok(Settled::Yes) => {
                reach(Point::Settled);
                tracing::debug!(job.id = %job, state = %settlement.state(), "settled job {job}");
                return true;
            }
            Ok(Settled::Lost) => {
                meters::happened(Happening::LeaseExpired, 1);
                tracing::warn!(job.id = %job, "the lease of job {job} was over; its result is dropped");
                return false;
            }
            Err(error) => tracing::error!(job.id = %job, "the result of job {job} cannot be stored: {error}"),
        }
        if abandon.is_cancelled() {
            return false;
        }
        pause(wait, abandon).await;
        wait = (wait * 2).min(LONGEST_SETTLE_WAIT);
    }
}
