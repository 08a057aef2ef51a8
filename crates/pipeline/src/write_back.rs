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
use connector_store::journal::{Resolution, Write, WriteState};
use connector_store::queue::Lease;
use connector_store::settings::GAP;
use jiff::{SignedDuration, Timestamp};

use crate::crm::Blame;
use crate::discovery;
use crate::meters::{self, Sent};
use crate::run::{Halt, Work};

/// What was written, now or by an attempt whose end nobody saw.
pub(crate) struct Written {
    pub(crate) targets: Vec<Target>,
    pub(crate) settlement: Settlement,
}

/// A request whose end nobody saw may still arrive within this.
const MAY_STILL_ARRIVE: SignedDuration = SignedDuration::from_mins(2);

/// Finds out what became of writes whose end nobody saw, from what stands in the fields now.
///
/// A patch is done whole or not at all, so one value of it that stands proves it, even when a person has changed another
/// since. Returns what landed and stands, including what this job wrote in an earlier attempt.
pub(crate) async fn reconcile(work: &mut Work<'_>, current: &Fields) -> Result<Vec<FieldWrite>, Halt> {
    let ports = work.ports;
    if current.malformed.is_some() {
        return Ok(Vec::new());
    }
    let now = ports.clock.now();
    let mut landed: Vec<FieldWrite> = Vec::new();
    let mut resolutions = Vec::new();
    // The newest first, where as much of one stands as of another.
    let mut open = ports.journal.open_intents(&ports.tenant, work.job().record).await?;
    while let Some(write) = likeliest(&mut open, current, &landed) {
        let standing: Vec<FieldWrite> = standing(current, &write).cloned().collect();
        let fresh: Vec<FieldWrite> =
            standing.iter().filter(|field| is_news(&landed, field)).cloned().collect();
        let is_another_ones = standing.iter().any(is_text) && !fresh.iter().any(is_text);
        let (state, words) = if !fresh.is_empty() && !is_another_ones {
            landed.extend(fresh);
            (WriteState::Done, "found done when looked at again")
        } else if write.state == WriteState::Lapsed {
            continue;
        } else if !standing.is_empty() {
            (WriteState::NotDone, "found to be another write's work when looked at again")
        } else if planted(Bug::StaleIntentTakenForDone) {
            (WriteState::Done, "taken for done")
        } else if now.duration_since(write.intended_at) < MAY_STILL_ARRIVE {
            work.undecided.push(write.id);
            continue;
        } else {
            (WriteState::Lapsed, "found not done when looked at again")
        };
        resolutions.push(Resolution { write: write.id, state, words: Some(words.to_owned()), stands: None });
        work.step("write_back", format!("an earlier write whose end nobody saw was {words}"));
    }
    if !resolutions.is_empty() {
        reach(Point::Reconciling);
        ports.journal.resolve(resolutions, now).await?;
        reach(Point::Reconciled);
    }
    if work.job().attempts > 1 {
        let earlier = ports.journal.job_writes(&ports.tenant, work.job().id).await?;
        let done = earlier.into_iter().filter(|write| write.state == WriteState::Done);
        for field in done.flat_map(|write| write.fields).filter(|field| stands(current, field)) {
            if is_news(&landed, &field) {
                landed.push(field);
            }
        }
    }
    Ok(landed)
}

/// Takes out the intent of which most texts stand that no other one has brought; of several the newest.
///
/// Of several that wanted the same for one field only one has landed, since it broke the others' guards: a value that two
/// of them share proves nothing of the one of which nothing else stands.
fn likeliest(open: &mut Vec<Write>, current: &Fields, landed: &[FieldWrite]) -> Option<Write> {
    let fresh = |write: &Write| {
        standing(current, write).filter(|field| is_text(field) && is_news(landed, field)).count()
    };
    let weight = |write: &Write| if planted(Bug::SharedValueProvesBoth) { 0 } else { fresh(write) };
    let (at, _) = open.iter().enumerate().max_by_key(|(at, write)| (weight(write), *at))?;
    Some(open.remove(at))
}

/// The fields of an intent that stand as it meant them, when they prove that it was done.
///
/// A text proves it: no person types it. An item of a list may have been chosen by a person as well, so it proves nothing
/// while another field stands as it was before.
fn standing<'a>(current: &'a Fields, write: &'a Write) -> impl Iterator<Item = &'a FieldWrite> {
    let says_it = |field: &FieldWrite| is_text(field) && stands(current, field);
    let is_as_before = |field: &FieldWrite| {
        !field.after.same_as(&field.before) && holds(current, field.target, &field.before)
    };
    let proves = write.fields.iter().any(says_it) || !write.fields.iter().any(is_as_before);
    write.fields.iter().filter(move |field| proves && stands(current, field))
}

fn is_text(field: &FieldWrite) -> bool {
    matches!(field.after, Value::Text(_))
}

fn is_news(landed: &[FieldWrite], field: &FieldWrite) -> bool {
    landed.iter().all(|known| known.target != field.target)
}

fn stands(current: &Fields, field: &FieldWrite) -> bool {
    !field.after.same_as(&field.before) && holds(current, field.target, &field.after)
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
        if landed.is_empty() && !work.undecided.is_empty() && !planted(Bug::LateWriteForgotten) {
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
            Ok(written(work, &plan, &landed))
        }
        Err(error) if error.remedy == Remedy::ReadAgain => {
            reach(Point::WriteRefused);
            meters::sent(Sent::Changed);
            let words = Some(error.words);
            let not_done = Resolution { write: intent, state: WriteState::NotDone, words, stands: None };
            ports.journal.resolve(vec![not_done], ports.clock.now()).await?;
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
            let words = Some(error.words.clone());
            let not_done = Resolution { write: intent, state: WriteState::NotDone, words, stands: None };
            // A field that an administrator changed meanwhile refuses what it took before.
            if error.blame == Blame::Request && discovery::look_again(ports, &definitions, None).await? {
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

#[cfg(test)]
mod tests {
    use super::*;
    use connector_domain::ids::{JobId, PersonId, ProgId};

    fn intent(id: i64, texts: &[(Target, &str)]) -> Write {
        let field = |(target, text): &(Target, &str)| FieldWrite {
            target: *target,
            prog_id: ProgId("x:1".into()),
            before: Value::Empty,
            after: Value::Text((*text).into()),
        };
        Write {
            id,
            job: JobId(1),
            record: RecordRef::person(PersonId(3)),
            state: WriteState::Intended,
            intended_at: Timestamp::UNIX_EPOCH,
            settled_at: None,
            fields: texts.iter().map(field).collect(),
            words: None,
        }
    }

    #[test]
    fn an_item_that_a_person_may_have_chosen_proves_no_write_of_which_nothing_else_stands() {
        let mut write = intent(1, &[(Target::Summary, "makes pumps")]);
        let item = Value::Item(1613);
        let chosen = FieldWrite { target: Target::Vertical, after: item.clone(), ..write.fields[0].clone() };
        write.fields.push(chosen);
        let mut current = Fields::default();
        current.values.insert(Target::Vertical, item);
        current.values.insert(Target::Summary, Value::Empty);
        assert_eq!(standing(&current, &write).count(), 0);
        // Somebody wrote over the text since; then it was ours before.
        current.values.insert(Target::Summary, Value::Text("makes valves".into()));
        assert_eq!(standing(&current, &write).count(), 1);
        current.values.insert(Target::Summary, Value::Text("makes pumps".into()));
        assert_eq!(standing(&current, &write).count(), 2);
    }

    #[test]
    fn a_value_that_two_intents_share_proves_only_the_one_of_which_more_stands() {
        let older = intent(1, &[(Target::Bridge, "head of it"), (Target::Subject, "the same")]);
        let newer = intent(2, &[(Target::Bridge, "buyer"), (Target::Subject, "the same")]);
        let mut current = Fields::default();
        current.values.insert(Target::Bridge, Value::Text("head of it".into()));
        current.values.insert(Target::Subject, Value::Text("the same".into()));
        let mut open = vec![older.clone(), newer.clone()];
        assert_eq!(likeliest(&mut open, &current, &[]).unwrap().id, 1);
        // What stands of the other one is the first one's work.
        let rest = likeliest(&mut open, &current, &older.fields).unwrap();
        assert_eq!((rest.id, open.len()), (2, 0));
        // Of two of which as much stands it is the newer one.
        let mut open =
            vec![older.clone(), intent(3, &[(Target::Bridge, "head of it"), (Target::Subject, "the same")])];
        assert_eq!(likeliest(&mut open, &current, &[]).unwrap().id, 3);
        // Nor does an item that a person may have chosen make the older one likelier.
        current.values.insert(Target::Vertical, Value::Item(1613));
        let mut with_item = older.clone();
        let chosen =
            FieldWrite { target: Target::Vertical, after: Value::Item(1613), ..older.fields[0].clone() };
        with_item.fields.push(chosen);
        let mut open =
            vec![with_item, intent(3, &[(Target::Bridge, "head of it"), (Target::Subject, "the same")])];
        assert_eq!(likeliest(&mut open, &current, &[]).unwrap().id, 3);
    }
}
