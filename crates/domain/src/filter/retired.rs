//! `RETIRED`: nobody writes mails to a former employee.

use crate::account::Person;
use crate::reason::Reason;

pub(super) fn objects(person: &Person) -> Option<Reason> {
    person.retired.then_some(Reason::Retired)
}
