//! What the product did to the CRM, read from the CRM's own log of changes.

use std::collections::{BTreeMap, BTreeSet};

use superoffice_emulator::{Entity, World, Write};

/// The changes that the product made.
pub(crate) struct Ledger {
    ours: Vec<Write>,
}

impl Ledger {
    pub(crate) fn of(world: &World) -> Self {
        let ours = world.writes().into_iter().filter(|write| write.by.ours).collect();
        Self { ours }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ours.len()
    }

    /// Those to one record.
    pub(crate) fn to(&self, entity: Entity, id: i64) -> Vec<&Write> {
        self.ours.iter().filter(|write| write.entity == entity && write.id == id).collect()
    }

    /// The labels that were written to one record, in order.
    pub(crate) fn labels(&self, entity: Entity, id: i64) -> Vec<&str> {
        self.to(entity, id)
            .into_iter()
            .flat_map(|write| &write.fields)
            .map(|field| field.name.as_str())
            .collect()
    }

    /// Each effect once: no field of a record got the same value twice, none was written without a change.
    pub(crate) fn assert_each_value_once(&self) {
        let mut seen: BTreeMap<(&str, i64, &str), BTreeSet<&str>> = BTreeMap::new();
        for write in &self.ours {
            assert!(!write.fields.is_empty(), "a write without a change: {write:?}");
            for field in &write.fields {
                assert_ne!(field.before, field.after, "{write:?}");
                let place = (write.entity.word(), write.id, field.name.as_str());
                let is_new = seen.entry(place).or_default().insert(&field.after);
                assert!(is_new, "{place:?} was given the same value twice: {:?}", field.after);
            }
        }
    }

    /// Nobody's words were written over: no write found one of these values before it.
    pub(crate) fn assert_never_over(&self, words: &str) {
        for write in &self.ours {
            for field in &write.fields {
                assert_ne!(field.before, words, "somebody's words were written over: {write:?}");
            }
        }
    }
}
