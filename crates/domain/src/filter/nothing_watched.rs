//! `NOTHING_WATCHED`: a change that can not alter what we would write is noise.

use crate::event::{Changes, Event, EventKind};
use crate::policy::Policy;
use crate::reason::Reason;

pub(super) fn objects(event: &Event, policy: &Policy) -> Option<Reason> {
    let (EventKind::Changed, Changes::Columns(columns), Some(record)) =
        (&event.kind, &event.changes, event.record)
    else {
        return None;
    };
    columns.is_disjoint(policy.watched(record.entity)).then_some(Reason::NothingWatched)
}

#[cfg(test)]
mod tests {
    use super::super::samples::changed;
    use super::*;

    #[test]
    fn an_unwatched_column_is_noise() {
        let event = changed(&["contact_id", "updated", "category_idx"], 3);
        assert_eq!(objects(&event, &Policy::default()), Some(Reason::NothingWatched));
    }

    #[test]
    fn columns_are_found_whatever_their_case() {
        assert_eq!(objects(&changed(&["URLAddress"], 3), &Policy::default()), None);
    }

    #[test]
    fn changes_that_were_not_told_are_worth_a_look() {
        assert_eq!(objects(&changed(&[], 3), &Policy::default()), None);
    }
}
