//! `NO_CONSENT`: a person who withdrew consent gets no texts.

use crate::account::Person;
use crate::event::{Event, EventKind};
use crate::reason::Reason;

pub(super) fn objects_to_event(event: &Event) -> Option<Reason> {
    (event.kind == EventKind::Unconsented).then_some(Reason::NoConsent)
}

pub(super) fn objects_to_person(person: &Person) -> Option<Reason> {
    person.consent_withdrawn.then_some(Reason::NoConsent)
}
