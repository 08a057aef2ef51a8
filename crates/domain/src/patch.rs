//! From what stands in the fields, what we would say and what we wrote before, to the smallest set of writes.
//!
//! A person's own words are never written over: only a field that is empty, or that still holds what we last wrote, is
//! ours to change. A value that already stands there is never written again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::field::{Definition, Definitions, Fields, Kind, Target, Value};
use crate::ids::{ProgId, RecordRef};
use crate::reason::Reason;
use crate::text;

/// Which fields may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WritePolicy {
    /// Only empty ones.
    FillEmpty,
    /// Empty ones, and those that still hold what we wrote.
    #[default]
    RefreshOwn,
}

/// One field's change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldWrite {
    /// What it is for.
    pub target: Target,
    /// The field.
    pub prog_id: ProgId,
    /// What stands there now, and must still stand there when the write arrives.
    pub before: Value,
    /// What shall stand there.
    pub after: Value,
}

/// The smallest set of writes to one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patch {
    /// The record.
    pub record: RecordRef,
    /// Field by field.
    pub writes: Vec<FieldWrite>,
}

/// Why a field is left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// It already holds the value.
    Unchanged,
    /// A person's words stand there.
    HumanOwned,
    /// Filled, and only empty fields may be written.
    NotEmpty,
    /// The tenant has no such field.
    NotMapped,
    /// The CRM does not let anyone write it.
    ReadOnly,
    /// Not even one word fits, or the list has no such item.
    DoesNotFit,
    /// The field is not what it was when we began to write to it.
    Drifted,
}

/// What follows for one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What to write; perhaps nothing.
    pub patch: Patch,
    /// What is left as it is, and why.
    pub kept: BTreeMap<Target, Kept>,
}

impl Plan {
    /// Why nothing is written, when nothing is.
    pub fn reason_for_nothing(&self) -> Option<Reason> {
        if !self.patch.writes.is_empty() {
            return None;
        }
        let any = |kept: Kept| self.kept.values().any(|value| *value == kept);
        if any(Kept::Drifted) {
            return Some(Reason::FieldChanged);
        }
        if any(Kept::HumanOwned) || any(Kept::NotEmpty) {
            return Some(Reason::HumanOwned);
        }
        if any(Kept::Unchanged) {
            return Some(Reason::Unchanged);
        }
        if any(Kept::NotMapped) || any(Kept::ReadOnly) {
            return Some(Reason::NoField);
        }
        Some(Reason::NoEvidence)
    }
}

/// Plans the writes to a record.
///
/// `ours` holds, for each field, what we last wrote or meant to write.
///
/// # Errors
///
/// [`Reason::MalformedUdf`] when the fields could not be read: an unreadable field is never treated as empty.
pub fn plan(
    record: RecordRef,
    definitions: &Definitions,
    current: &Fields,
    wanted: &BTreeMap<Target, Value>,
    ours: &BTreeMap<Target, Vec<Value>>,
    policy: WritePolicy,
) -> Result<Plan, Reason> {
    if current.malformed.is_some() {
        return Err(Reason::MalformedUdf);
    }
    let mut writes = Vec::new();
    let mut kept = BTreeMap::new();
    for (target, value) in wanted {
        let own = ours.get(target).map_or(&[][..], Vec::as_slice);
        match decide(definitions.get(*target), current.values.get(target), value, own, policy) {
            Ok(write) => writes.push(write),
            Err(why) => {
                kept.insert(*target, why);
            }
        }
    }
    Ok(Plan { patch: Patch { record, writes }, kept })
}

fn decide(
    definition: Option<&Definition>,
    current: Option<&Value>,
    wanted: &Value,
    own: &[Value],
    policy: WritePolicy,
) -> Result<FieldWrite, Kept> {
    let definition = definition.ok_or(Kept::NotMapped)?;
    let drifted = definition.drift.as_ref().is_some_and(|drift| drift.holds(wanted));
    let or_drifted = |why: Kept| if drifted { Kept::Drifted } else { why };
    // A field that was not read is not an empty one.
    let before = current.cloned().ok_or_else(|| or_drifted(Kept::NotMapped))?;
    let after = fitted(&definition.kind, wanted).ok_or_else(|| or_drifted(Kept::DoesNotFit))?;
    if before.same_as(&after) {
        return Err(Kept::Unchanged);
    }
    if !before.is_empty() {
        let still_ours = own.iter().any(|value| value.same_as(&before));
        match policy {
            WritePolicy::FillEmpty => return Err(Kept::NotEmpty),
            WritePolicy::RefreshOwn if !still_ours => return Err(Kept::HumanOwned),
            WritePolicy::RefreshOwn => {}
        }
    }
    if definition.read_only {
        return Err(Kept::ReadOnly);
    }
    if drifted {
        return Err(Kept::Drifted);
    }
    Ok(FieldWrite { target: definition.target, prog_id: definition.prog_id.clone(), before, after })
}

/// The value as the field can hold it.
fn fitted(kind: &Kind, value: &Value) -> Option<Value> {
    match (kind, value) {
        (Kind::Text { max }, Value::Text(text)) => text::fit(text, *max).map(Value::Text),
        (Kind::List { items }, Value::Item(id)) => items.contains_key(id).then_some(Value::Item(*id)),
        (Kind::Text { .. } | Kind::List { .. }, Value::Empty | Value::Text(_) | Value::Item(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::drift::Drift;
    use crate::ids::ContactId;

    fn definitions() -> Definitions {
        let text = |target: Target, max: usize| Definition {
            target,
            prog_id: ProgId(format!("SuperOffice:{}", target as u8)),
            label: target.label().into(),
            kind: Kind::Text { max },
            read_only: false,
            drift: None,
        };
        let mut list = text(Target::Vertical, 0);
        list.kind = Kind::List { items: [(1613, "Maschinenbau".to_owned())].into() };
        Definitions(
            [list, text(Target::Summary, 40), text(Target::OpenerPrimary, 40)]
                .into_iter()
                .map(|definition| (definition.target, definition))
                .collect(),
        )
    }

    fn planned(current: &[(Target, Value)], wanted: &[(Target, Value)], ours: &[(Target, Value)]) -> Plan {
        let fields = Fields { values: current.iter().cloned().collect(), ..Fields::default() };
        let ours = ours.iter().map(|(target, value)| (*target, vec![value.clone()])).collect();
        let record = RecordRef::contact(ContactId(18));
        let wanted = wanted.iter().cloned().collect();
        plan(record, &definitions(), &fields, &wanted, &ours, WritePolicy::RefreshOwn).unwrap()
    }

    fn words(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn an_empty_field_is_filled() {
        let plan = planned(&[(Target::Summary, Value::Empty)], &[(Target::Summary, words("Pumps."))], &[]);
        assert_eq!(plan.patch.writes[0].before, Value::Empty);
        assert_eq!(plan.patch.writes[0].after, words("Pumps."));
    }

    #[test]
    fn a_value_that_stands_there_is_not_written_again() {
        let plan =
            planned(&[(Target::Summary, words(" Pumps. "))], &[(Target::Summary, words("Pumps."))], &[]);
        assert!(plan.patch.writes.is_empty());
        assert_eq!(plan.reason_for_nothing(), Some(Reason::Unchanged));
    }

    #[test]
    fn what_we_wrote_is_refreshed_and_what_a_person_wrote_is_not() {
        let current = [(Target::Summary, words("Old.")), (Target::OpenerPrimary, words("Mine!"))];
        let wanted = [(Target::Summary, words("New.")), (Target::OpenerPrimary, words("Ours."))];
        let plan = planned(
            &current,
            &wanted,
            &[(Target::Summary, words("Old.")), (Target::OpenerPrimary, words("Old."))],
        );
        assert_eq!(plan.patch.writes.len(), 1);
        assert_eq!(plan.patch.writes[0].target, Target::Summary);
        assert_eq!(plan.kept[&Target::OpenerPrimary], Kept::HumanOwned);
    }

    #[test]
    fn an_unreadable_block_is_never_treated_as_empty() {
        let fields = Fields { malformed: Some("nested".into()), ..Fields::default() };
        let record = RecordRef::contact(ContactId(18));
        let wanted = [(Target::Summary, words("Pumps."))].into();
        let plan = plan(record, &definitions(), &fields, &wanted, &BTreeMap::new(), WritePolicy::RefreshOwn);
        assert_eq!(plan, Err(Reason::MalformedUdf));
    }

    #[test]
    fn a_list_item_must_be_in_the_list_and_a_text_must_fit() {
        let wanted = [(Target::Vertical, Value::Item(7)), (Target::Summary, words(&"a".repeat(50)))];
        let empty = [(Target::Vertical, Value::Empty), (Target::Summary, Value::Empty)];
        let plan = planned(&empty, &wanted, &[]);
        assert_eq!(plan.kept[&Target::Vertical], Kept::DoesNotFit);
        assert_eq!(plan.kept[&Target::Summary], Kept::DoesNotFit);
    }

    #[test]
    fn a_field_that_was_not_read_is_not_taken_for_an_empty_one() {
        let plan = planned(&[], &[(Target::Summary, words("Pumps."))], &[]);
        assert!(plan.patch.writes.is_empty());
        assert_eq!(plan.reason_for_nothing(), Some(Reason::NoField));
    }

    #[test]
    fn a_write_to_a_field_that_drifted_waits_and_a_persons_words_need_not() {
        let mut definitions = definitions();
        let summary = definitions.0.get_mut(&Target::Summary).unwrap();
        summary.drift = Some(Drift::Shortened { was: 199, now: 40 });
        let plan = |current: Value| {
            let fields = Fields { values: [(Target::Summary, current)].into(), ..Fields::default() };
            let record = RecordRef::contact(ContactId(18));
            let wanted = [(Target::Summary, words("Pumps."))].into();
            plan(record, &definitions, &fields, &wanted, &BTreeMap::new(), WritePolicy::RefreshOwn).unwrap()
        };
        assert_eq!(plan(Value::Empty).kept[&Target::Summary], Kept::Drifted);
        assert_eq!(plan(Value::Empty).reason_for_nothing(), Some(Reason::FieldChanged));
        assert_eq!(plan(words("Pumps.")).kept[&Target::Summary], Kept::Unchanged);
        assert_eq!(plan(words("Mine!")).kept[&Target::Summary], Kept::HumanOwned);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Empty),
            "[a-c .]{0,60}".prop_map(Value::Text),
            prop_oneof![Just(0_i64), Just(1613), Just(9)].prop_map(Value::Item),
        ]
    }

    proptest! {
        #[test]
        fn no_plan_ever_touches_a_persons_words_or_writes_what_is_there(
            current in any_value(), wanted in any_value(), own in any_value(), fill_only in any::<bool>(), vertical in any::<bool>()
        ) {
            let target = if vertical { Target::Vertical } else { Target::Summary };
            let fields = Fields { values: [(target, current.clone())].into(), ..Fields::default() };
            let policy = if fill_only { WritePolicy::FillEmpty } else { WritePolicy::RefreshOwn };
            let record = RecordRef::contact(ContactId(18));
            let plan = plan(record, &definitions(), &fields, &[(target, wanted)].into(), &[(target, vec![own.clone()])].into(), policy).unwrap();
            for write in plan.patch.writes {
                prop_assert!(current.is_empty() || (!fill_only && own.same_as(&current)));
                prop_assert!(!write.after.same_as(&current));
                prop_assert!(!write.after.is_empty());
                if let Value::Text(text) = &write.after { prop_assert!(text::units(text) <= 40); }
            }
        }
    }
}
