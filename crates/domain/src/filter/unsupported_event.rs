//! `UNSUPPORTED_EVENT`: only companies and persons, and only the verbs that can matter to them.

use crate::event::{Event, EventKind};
use crate::reason::Reason;

pub(super) fn objects(event: &Event) -> Option<Reason> {
    match event.kind {
        EventKind::Created
        | EventKind::Changed
        | EventKind::SoftDeleted
        | EventKind::Deleted
        | EventKind::Unconsented => event.record.is_none().then_some(Reason::UnsupportedEvent),
        EventKind::Test | EventKind::Unsupported => Some(Reason::UnsupportedEvent),
    }
}
