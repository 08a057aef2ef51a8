//! When sweeps are run: at the start, every so often, and whenever somebody asks. One that fails waits, and goes on
//! where it stood.

use std::sync::Arc;
use std::time::Duration;

use connector_domain::guardian::Look;
use futures::FutureExt as _;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::kept::Run;
use super::{Asked, BY_HAND, SweepError, Sweeper};
use crate::crm::{Blame, Unseen};
use crate::guardian::Hooks;
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
/// What is counted of sweeps, by the one that sweeps.
const COUNTED: [&str; 3] =
    ["reconcile_last_success_timestamp_seconds", "reconcile_gap_events", "reconcile_calls"];

const HELP_UNSEEN: &str =
    "give the API user's role the right to read it; it is asked for again with each sweep";
const HELP_AHEAD: &str = "save it once more in SuperOffice, so that it gets today's date; sweeps read more than they need to until then";
/// How bad it is that something is not seen: how our own fields are doing is told elsewhere.
fn unseen_is(unseen: &[Unseen]) -> Condition {
    if unseen.iter().all(|unseen| unseen.is_own_field) { Condition::Ok } else { Condition::Degraded }
}

fn words_of(unseen: &[Unseen]) -> String {
    unseen.iter().map(|unseen| unseen.words.as_str()).collect::<Vec<_>>().join("; ")
}

/// Nothing is looked for that was changed longer before there were books: that would be everything there is.
const LOOKS_BACK: SignedDuration = SignedDuration::from_hours(24);

/// Sweeps until told to stop. `hooks` tells whether somebody listened before there were books.
pub async fn run(sweeper: Arc<Sweeper>, hooks: Option<Arc<dyn Hooks>>, stop: CancellationToken) {
    let ports = Arc::clone(sweeper.ports());
    if sweeper.options().every.is_some() {
        count_the_last(&ports).await;
    }
    tokio::select! {
        biased;
        () = stop.cancelled() => return,
        () = before_the_first(&sweeper, hooks.as_deref()) => {}
    }
    let mut wait = FIRST_WAIT;
    let mut is_told = false;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = crm_is_there(&ports) => {}
        }
        if sweeper.options().every.is_none() {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = a_person_asks(&ports) => {}
            }
        }
        // Whoever has rung until now is heard by this one.
        let _rung = ports.sweep_now.notified().now_or_never();
        let swept = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            swept = sweeper.sweep(&|_| {}) => swept,
        };
        let is_rested = swept.is_ok();
        let pause = match swept {
            Ok(run) => {
                wait = FIRST_WAIT;
                count(&ports, &run);
                log(&run);
                let unseen = sweeper.lists().unseen();
                if let Some((entity, ahead)) = run.ahead.first_key_value() {
                    let words =
                        format!("{entity} {} bears a date that is yet to come: {}", ahead.id, ahead.at);
                    report(&ports, Condition::Degraded, &words, Some(HELP_AHEAD));
                    is_told = true;
                } else if !unseen.is_empty() {
                    report(&ports, unseen_is(&unseen), &words_of(&unseen), Some(HELP_UNSEEN));
                    is_told = true;
                } else if std::mem::take(&mut is_told) {
                    report(&ports, Condition::Ok, "sweeps find what no webhook told of", None);
                }
                sweeper.options().every.unwrap_or(ASKED_ELSEWHERE)
            }
            Err(SweepError::Busy) => {
                ports.status.leave(&COUNTED);
                BUSY
            }
            Err(error) => {
                tracing::warn!("the sweep waits, and goes on where it stands: {error}");
                is_told = true;
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

/// Waits until a person asks for a sweep, or one is to go on. What is asked for besides waits for that, and it is told.
async fn a_person_asks(ports: &Ports) {
    loop {
        let asked = super::waiting(ports).await.unwrap_or_default();
        let goes_on = super::kept_run(ports).await.is_ok_and(|run| run.is_some());
        if goes_on || asked.iter().any(|asked| asked.why == BY_HAND) {
            return;
        }
        match asked.iter().min_by_key(|asked| asked.from) {
            Some(first) => {
                let words = format!(
                    "sweeps are switched off, and changes since {} may be missing: {}",
                    first.from, first.why
                );
                report(ports, Condition::Degraded, &words, Some("look for them: so-connector sweep"));
            }
            None => report(ports, Condition::Ok, "sweeps are switched off", None),
        }
        tokio::select! {
            biased;
            () = ports.sweep_now.notified() => {}
            () = tokio::time::sleep(ASKED_ELSEWHERE) => {}
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

/// Asks for what may have been missed before the first sweep, when a webhook of ours was there already.
async fn before_the_first(sweeper: &Sweeper, hooks: Option<&dyn Hooks>) {
    // Whoever switched sweeps off asks for what they want.
    let Some(hooks) = hooks.filter(|_| sweeper.options().every.is_some()) else { return };
    loop {
        crm_is_there(sweeper.ports()).await;
        match ask_for_the_unheard(sweeper, hooks).await {
            Ok(()) => return,
            Err(error) => tracing::warn!("what was missed before the first sweep is not known yet: {error}"),
        }
        tokio::time::sleep(FIRST_WAIT).await;
    }
}

/// Asks for it, once.
///
/// # Errors
///
/// Nothing was asked for.
pub async fn ask_for_the_unheard(sweeper: &Sweeper, hooks: &dyn Hooks) -> Result<(), SweepError> {
    let ports = sweeper.ports();
    if super::kept::marks(ports).await?.is_some() || super::kept_run(ports).await?.is_some() {
        return Ok(());
    }
    let Look::There(hook) = hooks.look().await? else { return Ok(()) };
    let Some(registered) = hook.registered_at else { return Ok(()) };
    let Some(newest) = sweeper.newest().await? else { return Ok(()) };
    let from = newest.saturating_sub(LOOKS_BACK).unwrap_or(newest).max(registered);
    let why = "a webhook of ours was there before this database".to_owned();
    super::ask(ports, Asked { from, until: None, why }).await?;
    Ok(())
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

/// Tells what the last sweep came to before this process: if none ends any more, that must show, whoever began anew.
async fn count_the_last(ports: &Ports) {
    match super::last_run(ports).await {
        Ok(Some(run)) => count(ports, &run),
        Ok(None) => {}
        Err(error) => tracing::debug!("what the last sweep came to is not known: {error}"),
    }
}

/// Tells what the last sweep came to, for whoever watches from outside.
fn count(ports: &Ports, run: &Run) {
    let ended = run.ended_at.map_or(0, |at| u64::try_from(at.as_second()).unwrap_or_default());
    // What we remember as we begin to listen was not missed, nor what needs no work.
    let gap = if run.is_first { 0 } else { run.tally.queued };
    for (name, number) in COUNTED.into_iter().zip([ended, gap, run.tally.calls]) {
        ports.status.count(name, number);
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
