//! `OWN_WRITE`: our own change comes back as an event. It must not start work, or we would chase our own tail.
//!
//! The associate alone is not enough: the API user may be shared with a human. An event counts as an echo when our
//! user made it, it touches no column beyond those that a write of user-defined fields touches, and we did write to
//! that record just before.

use jiff::Timestamp;

use super::Memory;
use crate::event::{Changes, Event, EventKind};
use crate::policy::{Policy, TOUCHED_BY_OWN_WRITES};
use crate::reason::Reason;

pub(super) fn objects(event: &Event, memory: Memory, policy: &Policy, now: Timestamp) -> Option<Reason> {
    let by_our_user = event.changed_by.is_some() && event.changed_by == policy.own_associate;
    let is_echo = event.kind == EventKind::Changed
        && by_our_user
        && touches_only_our_columns(&event.changes)
        && wrote_recently(memory, policy, now);
    is_echo.then_some(Reason::OwnWrite)
}

fn touches_only_our_columns(changes: &Changes) -> bool {
    match changes {
        Changes::NotTold => true,
        Changes::Columns(columns) => {
            columns.iter().all(|column| TOUCHED_BY_OWN_WRITES.contains(&column.as_str()))
        }
    }
}

fn wrote_recently(memory: Memory, policy: &Policy, now: Timestamp) -> bool {
    memory.written_at.is_some_and(|at| now.duration_since(at) <= policy.echo_window)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::samples::{changed, noon};
    use super::*;
    use crate::ids::AssociateId;

    fn policy() -> Policy {
        Policy { own_associate: Some(AssociateId(528)), ..Policy::default() }
    }

    fn wrote(ago_s: i64) -> Memory {
        Memory { written_at: Some(noon() - SignedDuration::from_secs(ago_s)) }
    }

    const UDF: &[&str] = &["contact_id", "updated", "updated_associate_id", "userdef_id"];

    #[test]
    fn an_echo_of_our_write_is_ignored() {
        assert_eq!(objects(&changed(UDF, 528), wrote(2), &policy(), noon()), Some(Reason::OwnWrite));
        assert_eq!(objects(&changed(&[], 528), wrote(2), &policy(), noon()), Some(Reason::OwnWrite));
    }

    #[test]
    fn a_human_who_shares_the_api_user_is_heard() {
        let renamed = changed(&["contact_id", "updated", "name"], 528);
        assert_eq!(objects(&renamed, wrote(2), &policy(), noon()), None);
        assert_eq!(objects(&changed(UDF, 528), Memory::default(), &policy(), noon()), None);
        assert_eq!(objects(&changed(UDF, 528), wrote(3600), &policy(), noon()), None);
    }

    #[test]
    fn another_user_is_never_taken_for_us() {
        assert_eq!(objects(&changed(UDF, 5), wrote(2), &policy(), noon()), None);
        let unknown = Policy::default();
        assert_eq!(objects(&changed(UDF, 528), wrote(2), &unknown, noon()), None);
    }
}
