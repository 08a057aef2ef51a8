//! `PERSON_WITHOUT_CONTACT`: without a company there is no vertical, and so no text.

use crate::account::Person;
use crate::reason::Reason;

pub(super) fn objects(person: &Person) -> Option<Reason> {
    person.contact.is_none().then_some(Reason::PersonWithoutContact)
}
