//! Who asked for which record, in the order in which it was done.
//!
//! The log of changes says what changed; this one says who read before, and who tried in vain. Callers are told apart by
//! what they call themselves, so several processes of one service are told apart when each says which it is.

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::udf::Entity;
use super::{State, World};

/// A REST call on one company or person that was carried out, or refused by the record itself.
///
/// A call that never got so far (no access, a mishap) is not among them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordCall {
    /// When.
    pub at: Timestamp,
    /// What the caller calls itself: its `User-Agent`.
    pub agent: String,
    /// `GET`, `PATCH` and so on.
    pub method: String,
    /// Which kind of record.
    #[serde(serialize_with = "in_a_word")]
    pub entity: Entity,
    /// Which record.
    pub id: i64,
    /// The company: itself, or the person's. `None` for a record that is not there.
    pub account: Option<i64>,
    /// How it was answered.
    pub status: u16,
}

impl RecordCall {
    /// Whether it was meant to change the record.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn in_a_word<S: Serializer>(entity: &Entity, into: S) -> Result<S::Ok, S::Error> {
    into.serialize_str(entity.word())
}

impl State {
    /// The company that a record belongs to.
    pub(crate) fn account_of(&self, entity: Entity, id: i64) -> Option<i64> {
        match entity {
            Entity::Contact => self.contacts.contains_key(&id).then_some(id),
            Entity::Person => self.persons.get(&id).map(|person| person.contact_id),
        }
    }
}

impl World {
    /// Every call on a record so far.
    pub fn record_calls(&self) -> Vec<RecordCall> {
        self.look(|state| state.record_calls.clone())
    }
}
