//! Drift: what an administrator changed about our fields since we began to write to them.
//!
//! The fields are bound when they are first found. A field that has since been renamed, taken away, retyped or shortened,
//! or whose list lost an item, is not written to until it is as it was, or until somebody says that the new one is
//! right. What only grew (a longer text, one more item) is taken as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::field::{Definition, Definitions, Kind, Target, Value};
use crate::ids::ProgId;

/// What changed about a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// Another field has its label now; its own prog-id is gone.
    Renamed {
        /// The prog-id that was bound.
        was: ProgId,
        /// The prog-id of the field that has the label now.
        now: ProgId,
    },
    /// It is not published any more.
    Gone,
    /// It holds another kind of value.
    Retyped,
    /// It holds less text than before.
    Shortened {
        /// Characters that it held.
        was: usize,
        /// Characters that it holds.
        now: usize,
    },
    /// Its list lost items, or gave their numbers to others.
    Items {
        /// The items as they were.
        lost: BTreeMap<i64, String>,
    },
}

impl Drift {
    /// Whether what stands in the field can still be read.
    pub const fn is_readable(&self) -> bool {
        match self {
            Self::Renamed { .. } | Self::Gone | Self::Retyped => false,
            Self::Shortened { .. } | Self::Items { .. } => true,
        }
    }

    /// Whether a write of this value has to wait.
    pub fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Items { lost }, Value::Item(id)) => lost.contains_key(id),
            (Self::Items { .. }, Value::Empty | Value::Text(_)) => false,
            (Self::Renamed { .. } | Self::Gone | Self::Retyped | Self::Shortened { .. }, _) => true,
        }
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renamed { was, now } => write!(f, "its prog-id was {was} and is {now} now"),
            Self::Gone => f.write_str("it is not published any more"),
            Self::Retyped => f.write_str("it holds another kind of value than before"),
            Self::Shortened { was, now } => write!(f, "it held {was} characters and holds {now} now"),
            Self::Items { lost } => {
                let names: Vec<String> = lost.iter().map(|(id, name)| format!("\"{name}\" ({id})")).collect();
                write!(f, "its list lost {}", names.join(", "))
            }
        }
    }
}

/// The name that a field was configured by, and the field that it was then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binding {
    /// A prog-id or a label, as configured.
    pub name: String,
    /// The field.
    pub definition: Definition,
}

/// The fields that we began to write to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bindings(pub BTreeMap<Target, Binding>);

impl Bindings {
    /// The prog-id to look for first: the one that is bound, as long as the configuration has not changed its mind.
    pub fn prog_id(&self, target: Target, name: &str) -> Option<&ProgId> {
        self.0.get(&target).filter(|bound| bound.name == name).map(|bound| &bound.definition.prog_id)
    }

    /// Holds what was found against what is bound, binds what is new or only grew, and marks what drifted.
    ///
    /// `retyped` are the fields that are there and hold what no text of ours could be. `name` tells how a field is
    /// configured now. A field that the configuration names anew is bound anew.
    pub fn take(
        &mut self,
        found: Definitions,
        retyped: &BTreeSet<Target>,
        name: impl Fn(Target) -> String,
    ) -> Definitions {
        let mut found = found.0;
        let mut result = BTreeMap::new();
        for target in Target::ALL.iter().copied() {
            let name = name(target);
            let bound = self.0.get(&target).filter(|bound| bound.name == name).map(|bound| &bound.definition);
            let definition = match (bound, found.remove(&target)) {
                (None, None) => continue,
                (Some(bound), None) => {
                    let drift = if retyped.contains(&target) { Drift::Retyped } else { Drift::Gone };
                    Definition { drift: Some(drift), ..bound.clone() }
                }
                (None, Some(found)) => found,
                (Some(bound), Some(found)) => held_against(bound, found, &name),
            };
            if definition.drift.is_none() {
                self.0.insert(target, Binding { name, definition: definition.clone() });
            }
            result.insert(target, definition);
        }
        Definitions(result)
    }

    /// Lets go of a field: the next look binds it as it is then. Somebody has looked at it and says that it is right.
    pub fn accept(&mut self, target: Target) {
        self.0.remove(&target);
    }
}

/// What is known of the tenant's fields, as it is kept between runs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KnownFields {
    /// The fields as they were when they were bound.
    pub bound: Bindings,
    /// The fields as they were at the last look.
    pub definitions: Definitions,
}

impl KnownFields {
    /// The name that they are kept under.
    pub const KEPT_AS: &'static str = "fields";

    /// Reads what was kept; what cannot be read is as good as nothing, for the next look finds it anew.
    pub fn read(kept: Option<serde_json::Value>) -> Self {
        kept.and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default()
    }

    /// Accepts fields that drifted: those that are named, or all. Returns which.
    pub fn accept(&mut self, named: &[Target]) -> Vec<Target> {
        let has_drifted = |field: &&Definition| field.drift.is_some();
        let drifted = self.definitions.0.values().filter(has_drifted).map(|field| field.target);
        let accepted: Vec<Target> =
            drifted.filter(|target| named.is_empty() || named.contains(target)).collect();
        for target in &accepted {
            self.bound.accept(*target);
        }
        accepted
    }
}

fn held_against(bound: &Definition, found: Definition, name: &str) -> Definition {
    let drift = if bound.prog_id != found.prog_id && found.prog_id.as_str() != name {
        Some(Drift::Renamed { was: bound.prog_id.clone(), now: found.prog_id.clone() })
    } else {
        match (&bound.kind, &found.kind) {
            (Kind::Text { max: was }, Kind::Text { max: now }) => {
                (now < was).then_some(Drift::Shortened { was: *was, now: *now })
            }
            (Kind::List { items: was }, Kind::List { items: now }) => {
                let is_lost = |(id, name): &(&i64, &String)| now.get(id) != Some(name);
                let lost: BTreeMap<i64, String> =
                    was.iter().filter(is_lost).map(|(id, name)| (*id, name.clone())).collect();
                (!lost.is_empty()).then_some(Drift::Items { lost })
            }
            (Kind::Text { .. }, Kind::List { .. }) | (Kind::List { .. }, Kind::Text { .. }) => {
                Some(Drift::Retyped)
            }
        }
    };
    Definition { drift, ..found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(prog_id: &str, max: usize) -> Definition {
        Definition {
            target: Target::Summary,
            prog_id: prog_id.into(),
            label: "Summary".into(),
            kind: Kind::Text { max },
            read_only: false,
            drift: None,
        }
    }

    fn vertical(items: &[(i64, &str)]) -> Definition {
        let items = items.iter().map(|(id, name)| (*id, (*name).to_owned())).collect();
        Definition { target: Target::Vertical, kind: Kind::List { items }, ..summary("SuperOffice:1", 0) }
    }

    fn definitions(fields: impl IntoIterator<Item = Definition>) -> Definitions {
        Definitions(fields.into_iter().map(|field| (field.target, field)).collect())
    }

    /// What becomes of the first field when the second is found in its place.
    fn drift(first: Definition, second: Option<Definition>) -> Option<Drift> {
        let (mut bindings, target) = (Bindings::default(), first.target);
        let name = |target: Target| target.label().to_owned();
        assert_eq!(bindings.take(definitions([first]), &BTreeSet::new(), name).0[&target].drift, None);
        let before = bindings.clone();
        let drift = bindings.take(definitions(second), &BTreeSet::new(), name).0[&target].drift.clone();
        if drift.is_some() {
            assert_eq!(bindings, before, "what drifted stays bound as it was");
        }
        drift
    }

    #[test]
    fn each_kind_of_drift_is_told() {
        let long = || summary("SuperOffice:2", 199);
        assert_eq!(drift(long(), None), Some(Drift::Gone));
        let renamed = Drift::Renamed { was: "SuperOffice:2".into(), now: "acme:9".into() };
        assert_eq!(drift(long(), Some(summary("acme:9", 199))), Some(renamed));
        let shortened = Drift::Shortened { was: 199, now: 60 };
        assert_eq!(drift(long(), Some(summary("SuperOffice:2", 60))), Some(shortened));
        let list = Definition { target: Target::Summary, ..vertical(&[(1, "Bildung")]) };
        let list = Definition { prog_id: "SuperOffice:2".into(), ..list };
        assert_eq!(drift(long(), Some(list)), Some(Drift::Retyped));
    }

    #[test]
    fn only_a_lost_item_is_held() {
        let before = vertical(&[(1, "Bildung"), (2, "Handel"), (3, "Chemie")]);
        let after = vertical(&[(1, "Bildung"), (3, "Pharma"), (4, "Logistik")]);
        let drift = drift(before, Some(after)).unwrap();
        let held: Vec<i64> = (1..=4).filter(|id| drift.holds(&Value::Item(*id))).collect();
        assert_eq!(held, [2, 3]);
        assert!(!drift.holds(&Value::Empty));
    }

    #[test]
    fn what_grew_is_taken_as_it_is() {
        assert_eq!(drift(summary("SuperOffice:2", 60), Some(summary("SuperOffice:2", 199))), None);
        assert_eq!(
            drift(vertical(&[(1, "Bildung")]), Some(vertical(&[(1, "Bildung"), (2, "Handel")]))),
            None
        );
    }

    #[test]
    fn what_is_as_it_was_again_is_written_again() {
        let name = |target: Target| target.label().to_owned();
        let mut bindings = Bindings::default();
        for (prog_id, drifted) in [("SuperOffice:2", false), ("acme:9", true), ("SuperOffice:2", false)] {
            let taken = bindings.take(definitions([summary(prog_id, 199)]), &BTreeSet::new(), name);
            assert_eq!(taken.0[&Target::Summary].drift.is_some(), drifted, "{prog_id}");
        }
    }

    #[test]
    fn a_field_that_is_configured_anew_is_bound_anew() {
        let mut bindings = Bindings::default();
        bindings
            .take(definitions([summary("SuperOffice:2", 199)]), &BTreeSet::new(), |_| "Summary".to_owned());
        let taken =
            bindings.take(definitions([summary("acme:9", 60)]), &BTreeSet::new(), |_| "acme:9".to_owned());
        assert_eq!(taken.0[&Target::Summary].drift, None);
        assert_eq!(bindings.prog_id(Target::Summary, "acme:9"), Some(&"acme:9".into()));
        assert_eq!(bindings.prog_id(Target::Summary, "Summary"), None);
    }

    #[test]
    fn what_was_accepted_is_no_drift() {
        let name = |target: Target| target.label().to_owned();
        let mut bindings = Bindings::default();
        bindings.take(definitions([summary("SuperOffice:2", 199)]), &BTreeSet::new(), name);
        let found = definitions([summary("SuperOffice:2", 60)]);
        let drifted = bindings.take(found.clone(), &BTreeSet::new(), name);
        let mut known = KnownFields { bound: bindings, definitions: drifted };
        assert_eq!(known.accept(&[Target::Vertical]), []);
        assert_eq!(known.accept(&[]), [Target::Summary]);
        assert_eq!(known.bound.take(found, &BTreeSet::new(), name).0[&Target::Summary].drift, None);
    }
}
