//! What became of writes whose end nobody saw.

use connector_domain::field::{Fields, Target, Value};
use connector_domain::patch::FieldWrite;
use connector_faults::{Bug, Point, planted, reach};
use connector_store::journal::{Resolution, Write, WriteState};

use super::MAY_STILL_ARRIVE;
use crate::run::{Halt, Work};

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
            work.landed = work.landed.max(write.id);
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
        for write in done {
            for field in write.fields.into_iter().filter(|field| stands(current, field)) {
                work.landed = work.landed.max(write.id);
                if is_news(&landed, &field) {
                    landed.push(field);
                }
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

pub(super) fn holds(current: &Fields, target: Target, value: &Value) -> bool {
    current.values.get(&target).is_some_and(|stands| stands.same_as(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_domain::ids::{JobId, PersonId, ProgId, RecordRef};
    use jiff::Timestamp;

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
