//! Which rare situations a simulation has met.

use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    static MET: RefCell<BTreeMap<&'static str, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Notes that a rare situation was met on this thread.
pub fn sometimes(situation: &'static str) {
    MET.with_borrow_mut(|met| *met.entry(situation).or_default() += 1);
}

/// Takes what this thread has met, how often, and starts anew.
pub fn take() -> BTreeMap<&'static str, u64> {
    MET.take()
}
