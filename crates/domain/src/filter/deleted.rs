//! `DELETED`: a record in the recycle bin gets no texts.

use crate::account::Account;
use crate::reason::Reason;

pub(super) fn objects(account: &Account) -> Option<Reason> {
    account.deleted.then_some(Reason::Deleted)
}
