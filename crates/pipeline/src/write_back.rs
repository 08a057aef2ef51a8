//! Writes the difference to the CRM: once, guarded, and never over a person's own words.
//!
//! The order is the promise: plan from what was just read; store the intent; send it guarded by what was read; see what
//! stands there afterwards. After a crash or a cut line the intent is still open, and the next attempt looks before it
//! acts.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector_domain::field::{Fields, Target, Value};
use connector_domain::fingerprint::Stage;
use connector_domain::ids::{RecordRef, TenantId};
use connector_domain::job::Settlement;
use connector_domain::patch::{self, FieldWrite, Kept, Patch, Plan};
use connector_domain::reason::Reason;
use connector_domain::remedy::Remedy;
use connector_faults::{Bug, Point, planted, reach};
use connector_store::journal::{Resolution, WriteId, WriteState};
use connector_store::queue::Lease;
use connector_store::settings::GAP;
use jiff::{SignedDuration, Timestamp};

use crate::crm::{Blame, CrmError};
use crate::discovery;
use crate::meters::{self, Sent};
use crate::run::{Halt, Work};

mod reconcile;

use reconcile::holds;
pub(crate) use reconcile::reconcile;

/// What was written, now or by an attempt whose end nobody saw.
pub(crate) struct Written {
    pub(crate) targets: Vec<Target>,
    pub(crate) settlement: Settlement,
}

/// A request whose end nobody saw may still arrive within this.
const MAY_STILL_ARRIVE: SignedDuration = SignedDuration::from_mins(2);

/// Plans, stores the intent, writes and verifies.
pub(crate) async fn write(
    work: &mut Work<'_>,
    record: RecordRef,
    current: &Fields,
    wanted: &BTreeMap<Target, Value>,
    landed: Vec<FieldWrite>,
) -> Result<Written, Halt> {
    let ports = work.ports;
    let emptied;
    let current = if planted(Bug::GarbageReadAsEmpty) && current.malformed.is_some() {
        let values = work.definitions.of(record.entity).map(|field| (field.target, Value::Empty)).collect();
        emptied = Fields { values, ..Fields::default() };
        &emptied
    } else {
        current
    };
    if let Some(doubt) = &current.doubt
        && discovery::look_again(ports, &work.definitions, Some(doubt)).await?
    {
        work.step("write_back", format!("looked at the tenant's fields again: {doubt}"));
        return Err(Halt::ReadAgain);
    }
    let definitions = Arc::clone(&work.definitions);
    let mut ours = ports.journal.ours(&ports.tenant, record).await?;
    if planted(Bug::HumanWordsOverwritten) {
        ours = current.values.iter().map(|(target, value)| (*target, vec![value.clone()])).collect();
    }
    let planned = patch::plan(record, &definitions, current, wanted, &ours, ports.write_policy);
    let plan = planned.map_err(|reason| held(reason, current))?;
    take_up(work, current, &plan, &ours).await?;
    if let Some(reason) = plan.reason_for_nothing() {
        let may_land = work.undecided.iter().any(|write| *write > work.landed);
        if may_land && !planted(Bug::LateWriteForgotten) {
            return Err(may_still_arrive(ports.clock.now()));
        }
        return Ok(nothing(work, &plan, reason, &landed));
    }
    reach(Point::Planned);
    if planted(Bug::WritesBeforeIntent) {
        ports.crm.write(&plan.patch, current, &definitions).await?;
        return Ok(written(work, &plan, &landed));
    }
    let asked_at = ports.clock.now();
    let intent = ports.journal.intend(work.lease, &plan.patch, asked_at).await?;
    let Some(intent) = intent else { return Err(Halt::Gone) };
    reach(Point::IntentStored);
    if may_be_over(work.lease, asked_at, ports.clock.now()) {
        let words = Some("not sent, because the process stood still meanwhile".to_owned());
        let not_done = Resolution { write: intent, state: WriteState::NotDone, words, stands: None };
        ports.journal.resolve(vec![not_done], ports.clock.now()).await?;
        return Err(Halt::ReadAgain);
    }
    let mut answer = ports.crm.write(&plan.patch, current, &definitions).await;
    if planted(Bug::WritesAgainUnseen) && answer.as_ref().is_err_and(|error| error.outcome_unknown) {
        answer = ports.crm.write(&plan.patch, current, &definitions).await;
    }
    answered(work, current, &plan, (intent, answer), &landed).await
}

/// What follows from the CRM's answer to a write.
async fn answered(
    work: &mut Work<'_>,
    current: &Fields,
    plan: &Plan,
    (intent, answer): (WriteId, Result<Fields, CrmError>),
    landed: &[FieldWrite],
) -> Result<Written, Halt> {
    let ports = work.ports;
    let not_done = |words: String| Resolution {
        write: intent,
        state: WriteState::NotDone,
        words: Some(words),
        stands: None,
    };
    match answer {
        Ok(after) => {
            reach(Point::WriteAnswered);
            work.passed(Stage::WriteBack);
            // Whoever changed something else between our read and our write made a version that nobody has looked at.
            let besides = |fields: &Fields| fields.version.map(|version| version.besides);
            if besides(&after) == besides(current) {
                // The write stands, whether it is noted here or not; a sweep would look at the record once more.
                if let Err(error) = work.saw(after.version, true).await {
                    tracing::warn!("the version that was written cannot be kept: {error}");
                }
            }
            meters::sent(Sent::Done);
            outdone(work);
            let kept = kept(&after, &plan.patch.writes);
            let words =
                kept.as_ref().map(|_| "SuperOffice keeps another text than the one that was sent".to_owned());
            if let Some(words) = &words {
                work.step("write_back", words.clone());
            }
            work.resolutions.push(Resolution { write: intent, state: WriteState::Done, words, stands: kept });
            Ok(written(work, plan, landed))
        }
        Err(error) if error.remedy == Remedy::ReadAgain => {
            reach(Point::WriteRefused);
            meters::sent(Sent::Changed);
            ports.journal.resolve(vec![not_done(error.words)], ports.clock.now()).await?;
            reach(Point::RefusalNoted);
            Err(Halt::ReadAgain)
        }
        // The intent stays open; the next attempt looks before it acts.
        Err(error) if error.outcome_unknown => {
            meters::sent(Sent::Unknown);
            let state = match () {
                () if planted(Bug::UnknownTakenForUndone) => Some(WriteState::NotDone),
                () if planted(Bug::UnknownTakenForDone) => Some(WriteState::Done),
                () => None,
            };
            let taken = |state| Resolution { write: intent, state, words: None, stands: None };
            work.resolutions.extend(state.map(taken));
            Err(error.into())
        }
        Err(error) => {
            meters::sent(Sent::Refused);
            let not_done = not_done(error.words.clone());
            // A field that an administrator changed meanwhile refuses what it took before.
            if error.blame == Blame::Request && discovery::look_again(ports, &work.definitions, None).await? {
                ports.journal.resolve(vec![not_done], ports.clock.now()).await?;
                work.step("write_back", format!("looked at the tenant's fields again: {}", error.words));
                return Err(Halt::ReadAgain);
            }
            work.resolutions.push(not_done);
            Err(error.into())
        }
    }
}

/// Whether a lease that was seen to hold at `seen_at` may be over by now: nothing renews it while a process stands still or
/// its machine sleeps, and then somebody else may be at the record.
fn may_be_over(lease: &Lease, seen_at: Timestamp, now: Timestamp) -> bool {
    let begun = lease.job.started_at.unwrap_or(seen_at);
    // It is renewed three times within it.
    now.duration_since(seen_at) > lease.until.duration_since(begun) / 3
}

/// Takes up what we wrote and have no memory of, because the database is an older copy of itself.
///
/// A text of ours that stands where we would write the very same one is ours: no person types it. A patch is done whole,
/// so what else stands as we would write it came with it. Nothing is sent. What stands and differs from what we would
/// write now is left alone as a person's own, since nothing tells it from one.
async fn take_up(
    work: &mut Work<'_>,
    current: &Fields,
    plan: &Plan,
    ours: &BTreeMap<Target, Vec<Value>>,
) -> Result<(), Halt> {
    let ports = work.ports;
    let is_known = |target: &Target, value: &Value| {
        ours.get(target).is_some_and(|own| own.iter().any(|known| known.same_as(value)))
    };
    let unknown: Vec<FieldWrite> = plan
        .kept
        .iter()
        .filter(|(_, kept)| **kept == Kept::Unchanged)
        .filter_map(|(target, _)| {
            let value = current.values.get(target).filter(|value| !is_known(target, value))?.clone();
            let prog_id = work.definitions.get(*target)?.prog_id.clone();
            Some(FieldWrite { target: *target, prog_id, before: value.clone(), after: value })
        })
        .collect();
    if !unknown.iter().any(|field| matches!(field.after, Value::Text(_))) {
        return Ok(());
    }
    if ports.settings.get(&TenantId(String::new()), GAP).await?.is_none() {
        return Ok(());
    }
    let targets: Vec<Target> = unknown.iter().map(|field| field.target).collect();
    let patch = Patch { record: plan.patch.record, writes: unknown };
    let intent = ports.journal.intend(work.lease, &patch, ports.clock.now()).await?;
    let Some(write) = intent else { return Err(Halt::Gone) };
    let words = "written before the database was restored, and found standing";
    let done = Resolution { write, state: WriteState::Done, words: Some(words.to_owned()), stands: None };
    ports.journal.resolve(vec![done], ports.clock.now()).await?;
    work.step(
        "write_back",
        format!("{} stand as we wrote them before the database was restored", list(&targets)),
    );
    Ok(())
}

/// The writes with what the CRM made of them, when it keeps something else than was sent: that, too, is ours.
fn kept(after: &Fields, writes: &[FieldWrite]) -> Option<Vec<FieldWrite>> {
    if after.malformed.is_some() || writes.iter().all(|write| holds(after, write.target, &write.after)) {
        return None;
    }
    let as_kept = |write: &FieldWrite| {
        let stands = after.values.get(&write.target).cloned();
        FieldWrite { after: stands.unwrap_or_else(|| write.after.clone()), ..write.clone() }
    };
    Some(writes.iter().map(as_kept).collect())
}

fn held(reason: Reason, current: &Fields) -> Halt {
    let words = current.malformed.clone().unwrap_or_else(|| reason.sentence().to_owned());
    Halt::Settled(Settlement::Held { reason, words })
}

fn written(work: &mut Work<'_>, plan: &Plan, landed: &[FieldWrite]) -> Written {
    let mut targets: Vec<Target> = plan.patch.writes.iter().chain(landed).map(|write| write.target).collect();
    targets.sort_unstable();
    targets.dedup();
    let words = format!("Wrote {}.", list(&targets));
    work.step("write_back", words.clone());
    let settlement = settled(work, plan, words);
    Written { targets, settlement }
}

/// What was written is done, unless something of it still waits for a field.
fn settled(work: &Work<'_>, plan: &Plan, words: String) -> Settlement {
    match waiting(work, plan) {
        Some(waiting) => {
            Settlement::Held { reason: Reason::FieldChanged, words: format!("{words} {waiting}") }
        }
        None => Settlement::Completed { words },
    }
}

/// Which fields wait because they are not what they were.
fn waiting(work: &Work<'_>, plan: &Plan) -> Option<String> {
    let drifted = plan.kept.iter().filter(|(_, kept)| **kept == Kept::Drifted);
    let fields: Vec<String> = drifted
        .map(|(target, _)| {
            let drift = work.definitions.get(*target).and_then(|field| field.drift.as_ref());
            let why = drift.map(ToString::to_string).unwrap_or_default();
            format!("{}: {why}", target.label())
        })
        .collect();
    (!fields.is_empty()).then(|| format!("Held back {}.", fields.join("; ")))
}

/// Nothing is to be written now, but what was meant earlier may be done yet, and would be wrong then.
fn may_still_arrive(now: Timestamp) -> Halt {
    let error = "an earlier write whose end nobody saw may still arrive; the record is looked at again then";
    Halt::Settled(Settlement::Again { at: now + MAY_STILL_ARRIVE, error: error.to_owned(), counts: false })
}

/// A write of ours stands, so what was meant before it can land no more: its guards are broken.
fn outdone(work: &mut Work<'_>) {
    let undecided = std::mem::take(&mut work.undecided);
    work.resolutions.extend(undecided.into_iter().map(|write| Resolution {
        write,
        state: WriteState::NotDone,
        words: Some("another write came in its place".to_owned()),
        stands: None,
    }));
}

/// Nothing is left to write: because an earlier attempt did it, or because nothing had to be.
fn nothing(work: &mut Work<'_>, plan: &Plan, reason: Reason, landed: &[FieldWrite]) -> Written {
    if !landed.is_empty() {
        if !planted(Bug::OutdoneIntentStaysOpen) {
            outdone(work);
        }
        let landed: Vec<Target> = landed.iter().map(|write| write.target).collect();
        let words = format!("Wrote {}; seen after an interruption.", list(&landed));
        work.step("write_back", words.clone());
        return Written { targets: landed, settlement: settled(work, plan, words) };
    }
    let kept: Vec<String> = plan.kept.iter().map(|(target, kept)| format!("{target}: {kept:?}")).collect();
    work.step("write_back", format!("nothing to write ({})", kept.join(", ")));
    let words = waiting(work, plan).unwrap_or_else(|| reason.sentence().to_owned());
    let settlement = match reason {
        Reason::NoField | Reason::FieldChanged => Settlement::Held { reason, words },
        _ => Settlement::Skipped { reason, words },
    };
    Written { targets: Vec::new(), settlement }
}

fn list(targets: &[Target]) -> String {
    let labels: Vec<String> = targets.iter().map(|target| target.label().to_lowercase()).collect();
    match labels.split_last() {
        Some((last, firsts)) if !firsts.is_empty() => format!("{} and {last}", firsts.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_owned(),
    }
}
