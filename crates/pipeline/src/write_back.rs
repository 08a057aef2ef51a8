//! Writes the difference to the CRM: once, guarded, and never over a person's own words.
//!
//! The order is the promise: plan from what was just read; store the intent; send it guarded by what was read; see what
//! stands there afterwards. After a crash or a cut line the intent is still open, and the next attempt looks before it
//! acts.

use std::collections::BTreeMap;

use connector_domain::field::{Fields, Target, Value};
use connector_domain::ids::RecordRef;
use connector_domain::job::Settlement;
use connector_domain::patch::{self, FieldWrite, Plan};
use connector_domain::reason::Reason;
use connector_domain::remedy::Remedy;
use connector_store::journal::{Resolution, WriteState};

use crate::run::{Halt, Work};

/// What was written, now or by an attempt whose end nobody saw.
pub(crate) struct Written {
    pub(crate) targets: Vec<Target>,
    pub(crate) settlement: Settlement,
}

/// Finds out what became of writes whose end nobody saw, from what stands in the fields now.
///
/// Returns the fields of those that did land.
pub(crate) async fn reconcile(work: &mut Work<'_>, current: &Fields) -> Result<Vec<Target>, Halt> {
    let ports = work.ports;
    let open = ports.journal.open_intents(&ports.tenant, work.job().record).await?;
    if open.is_empty() || current.malformed.is_some() {
        return Ok(Vec::new());
    }
    let mut landed = Vec::new();
    let mut resolutions = Vec::new();
    for write in open {
        let stands = write.fields.iter().all(|field| holds(current, field.target, &field.after));
        let (state, words) = if stands {
            landed.extend(write.fields.iter().map(|field| field.target));
            (WriteState::Done, "found done when looked at again")
        } else {
            (WriteState::NotDone, "found not done when looked at again")
        };
        resolutions.push(Resolution { write: write.id, state, words: Some(words.to_owned()) });
        work.step("write_back", format!("an earlier write whose end nobody saw was {words}"));
    }
    ports.journal.resolve(resolutions, ports.clock.now()).await?;
    Ok(landed)
}

fn holds(current: &Fields, target: Target, value: &Value) -> bool {
    current.values.get(&target).is_some_and(|stands| stands.same_as(value))
}

/// Plans, stores the intent, writes and verifies.
pub(crate) async fn write(
    work: &mut Work<'_>,
    record: RecordRef,
    current: &Fields,
    wanted: &BTreeMap<Target, Value>,
    landed: Vec<Target>,
) -> Result<Written, Halt> {
    let ports = work.ports;
    let definitions = ports.discovered.definitions_now();
    let ours = ports.journal.ours(&ports.tenant, record).await?;
    let planned = patch::plan(record, &definitions, current, wanted, &ours, ports.write_policy);
    let plan = planned.map_err(|reason| held(reason, current))?;
    if let Some(reason) = plan.reason_for_nothing() {
        return Ok(nothing(work, &plan, reason, landed));
    }
    let intent = ports.journal.intend(work.lease, &plan.patch, ports.clock.now()).await?;
    let Some(intent) = intent else { return Err(Halt::Gone) };
    let mut resolve = |state, words: Option<String>| {
        work.resolutions.push(Resolution { write: intent, state, words });
    };
    match ports.crm.write(&plan.patch, current, &definitions).await {
        Ok(after) => {
            let differing = differing(&after, &plan.patch.writes);
            let words = differing.map(|target| format!("{target} did not keep the value that was written"));
            resolve(WriteState::Done, words.clone());
            if let Some(words) = words {
                work.step("write_back", words);
            }
            Ok(written(work, &plan))
        }
        Err(error) if error.remedy == Remedy::ReadAgain => {
            let not_done = Resolution { write: intent, state: WriteState::NotDone, words: Some(error.words) };
            ports.journal.resolve(vec![not_done], ports.clock.now()).await?;
            Err(Halt::ReadAgain)
        }
        // The intent stays open; the next attempt looks before it acts.
        Err(error) if error.outcome_unknown => Err(error.into()),
        Err(error) => {
            resolve(WriteState::NotDone, Some(error.words.clone()));
            Err(error.into())
        }
    }
}

fn differing(after: &Fields, writes: &[FieldWrite]) -> Option<Target> {
    writes.iter().find(|write| !holds(after, write.target, &write.after)).map(|write| write.target)
}

fn held(reason: Reason, current: &Fields) -> Halt {
    let words = current.malformed.clone().unwrap_or_else(|| reason.sentence().to_owned());
    Halt::Settled(Settlement::Held { reason, words })
}

fn written(work: &mut Work<'_>, plan: &Plan) -> Written {
    let targets: Vec<Target> = plan.patch.writes.iter().map(|write| write.target).collect();
    let words = format!("Wrote {}.", list(&targets));
    work.step("write_back", words.clone());
    Written { targets, settlement: Settlement::Completed { words } }
}

/// Nothing is left to write: because an earlier attempt did it, or because nothing had to be.
fn nothing(work: &mut Work<'_>, plan: &Plan, reason: Reason, landed: Vec<Target>) -> Written {
    if !landed.is_empty() {
        let words = format!("Wrote {}; seen after an interruption.", list(&landed));
        work.step("write_back", words.clone());
        return Written { targets: landed, settlement: Settlement::Completed { words } };
    }
    let kept: Vec<String> = plan.kept.iter().map(|(target, kept)| format!("{target}: {kept:?}")).collect();
    work.step("write_back", format!("nothing to write ({})", kept.join(", ")));
    let words = reason.sentence().to_owned();
    Written { targets: Vec::new(), settlement: Settlement::Skipped { reason, words } }
}

fn list(targets: &[Target]) -> String {
    let labels: Vec<String> = targets.iter().map(|target| target.label().to_lowercase()).collect();
    match labels.split_last() {
        Some((last, firsts)) if !firsts.is_empty() => format!("{} and {last}", firsts.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_owned(),
    }
}
