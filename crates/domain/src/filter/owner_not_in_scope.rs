//! `OWNER_NOT_IN_SCOPE`: in a shared database only some owners' accounts are ours to work on.
//!
//! Decided from the notification when it carries the owner, from the record when it does not. Group memberships are
//! never asked for.

use crate::account::Account;
use crate::event::{Changes, Event, EventKind};
use crate::policy::{InScope, Policy, Scope};
use crate::reason::Reason;

pub(super) fn objects_to_event(event: &Event, policy: &Policy) -> Option<Reason> {
    // When the owner itself changed, the record says who it is now; a late notification might not.
    let owner_changed = event.kind == EventKind::Changed
        && matches!(&event.changes, Changes::Columns(columns) if columns.contains("associate_id"));
    let owner = event.owner.filter(|_| !owner_changed)?;
    match policy.covers(owner) {
        InScope::No => Some(Reason::OwnerNotInScope),
        InScope::Yes | InScope::Unclear => None,
    }
}

pub(super) fn objects_to_account(account: &Account, policy: &Policy) -> Option<Reason> {
    let Some(owner) = &account.owner else {
        return (policy.scope != Scope::Everyone).then_some(Reason::OwnerNotInScope);
    };
    let named = match (&policy.scope, &owner.short_name) {
        (Scope::Only { short_names, .. }, Some(name)) => short_names.contains(&name.to_uppercase()),
        (Scope::Only { .. }, None) | (Scope::Everyone, _) => false,
    };
    match policy.covers(owner.id) {
        InScope::Yes => None,
        InScope::No | InScope::Unclear => (!named).then_some(Reason::OwnerNotInScope),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::changed;
    use super::*;
    use crate::ids::AssociateId;

    fn policy() -> Policy {
        Policy { scope: Scope::parse("485"), ..Policy::default() }
    }

    fn event(owner: Option<i64>, columns: &[&str]) -> Event {
        Event { owner: owner.map(AssociateId), ..changed(columns, 3) }
    }

    #[test]
    fn the_notification_decides_when_it_names_the_owner() {
        assert_eq!(objects_to_event(&event(Some(12), &["name"]), &policy()), Some(Reason::OwnerNotInScope));
        assert_eq!(objects_to_event(&event(Some(485), &["name"]), &policy()), None);
        assert_eq!(objects_to_event(&event(None, &["name"]), &policy()), None);
    }

    #[test]
    fn a_change_of_owner_is_looked_up() {
        assert_eq!(objects_to_event(&event(Some(12), &["associate_id"]), &policy()), None);
    }

    #[test]
    fn a_new_companys_owner_is_the_one_in_the_notification() {
        let created = Event { kind: EventKind::Created, ..event(Some(12), &["name", "associate_id"]) };
        assert_eq!(objects_to_event(&created, &policy()), Some(Reason::OwnerNotInScope));
    }

    #[test]
    fn a_short_name_on_the_record_is_enough() {
        let policy = Policy { scope: Scope::parse("rkab"), ..Policy::default() };
        let mut account = crate::account::samples::account();
        account.owner = Some(crate::account::Owner {
            id: AssociateId(9),
            short_name: Some("RKab".into()),
            full_name: None,
        });
        assert_eq!(objects_to_account(&account, &policy), None);
        account.owner = None;
        assert_eq!(objects_to_account(&account, &policy), Some(Reason::OwnerNotInScope));
    }
}
