//! When sweeps are run: at the start, every so often, and whenever somebody asks. One that fails waits, and goes on
//! where it stood.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::kept::Run;
use super::{SweepError, Sweeper};
use crate::crm::Blame;
use crate::ports::Ports;
use crate::status::{Condition, Part};

const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How often to see whether SuperOffice is there.
const TICK: Duration = Duration::from_millis(500);
/// How often to see whether another process asked for one.
const ASKED_ELSEWHERE: Duration = Duration::from_secs(15);
/// How soon to see whether another process has stopped sweeping.
const BUSY: Duration = Duration::from_secs(10);

/// Sweeps until told to stop.
pub async fn run(sweeper: Arc<Sweeper>, stop: CancellationToken) {
    let ports = Arc::clone(sweeper.ports());
    let mut wait = FIRST_WAIT;
    let mut is_late = false;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = crm_is_there(&ports) => {}
        }
        let swept = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            swept = sweeper.sweep(&|_| {}) => swept,
        };
        let is_rested = swept.is_ok();
        let pause = match swept {
            Ok(run) => {
                wait = FIRST_WAIT;
                log(&run);
                if std::mem::take(&mut is_late) {
                    report(&ports, Condition::Ok, "sweeps find what no webhook told of", None);
                }
                sweeper.options().every
            }
            Err(SweepError::Busy) => BUSY,
            Err(error) => {
                tracing::warn!("the sweep waits, and goes on where it stands: {error}");
                is_late = true;
                let help = if let SweepError::Crm(error) = &error { Some(error.help) } else { None };
                report(&ports, Condition::Degraded, &format!("the sweep waits: {error}"), help);
                let pause = pause_after(&error, wait);
                wait = (wait * 2).min(LONGEST_WAIT);
                pause
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = ports.sweep_now.notified() => {}
            () = is_asked_for(&ports), if is_rested => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Waits until another process has asked for a sweep; whoever asks here rings.
async fn is_asked_for(ports: &Ports) {
    loop {
        tokio::time::sleep(ASKED_ELSEWHERE).await;
        if super::waiting(ports).await.is_ok_and(|asked| !asked.is_empty()) {
            return;
        }
    }
}

/// Waits until the tenant is known and nobody says that it is down: while it is, the worker alone asks whether it is
/// back.
async fn crm_is_there(ports: &Ports) {
    while !ports.discovered.is_complete() || ports.leaves_crm_alone() {
        tokio::time::sleep(TICK).await;
    }
}

/// How long to leave SuperOffice alone after a failure.
fn pause_after(error: &SweepError, wait: Duration) -> Duration {
    let SweepError::Crm(error) = error else { return wait };
    let told = match error.remedy {
        connector_domain::remedy::Remedy::Wait(told) => Some(told),
        _ => error.back_in,
    };
    let told = told.and_then(|told| Duration::try_from(told).ok());
    match (told, error.blame) {
        (Some(told), _) => told.clamp(Duration::from_millis(100), LONGEST_WAIT * 10),
        (None, Blame::Request | Blame::Suspect | Blame::Outage) => wait,
    }
}

fn report(ports: &Ports, condition: Condition, words: &str, help: Option<&str>) {
    let remedy = help.map(str::to_owned);
    ports.status.set(Part { name: "sweep".into(), condition, words: words.to_owned(), remedy });
}

fn log(run: &Run) {
    let tally = &run.tally;
    if tally.found > 0 || run.is_first {
        tracing::info!(
            calls = tally.calls,
            records = tally.records,
            "swept {} records ({}): {} that nobody told of, {} of them to be worked on",
            tally.records,
            run.why,
            tally.found,
            tally.queued
        );
    } else {
        tracing::debug!(calls = tally.calls, "swept {} records: nothing was missed", tally.records);
    }
}
