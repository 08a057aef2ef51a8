//! How the parts that the pipeline depends on are doing, for pages and probes.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// How a part is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// Well.
    Ok,
    /// Not everything works.
    Degraded,
    /// Nothing works.
    Down,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Which: `superoffice`, `fields`.
    pub name: String,
    /// How.
    pub condition: Condition,
    /// In one sentence.
    pub words: String,
    /// What a person can do.
    pub remedy: Option<String>,
}

/// All parts, published whenever one changes, and numbers for whoever watches from outside.
#[derive(Debug, Clone, Default)]
pub struct Status {
    parts: watch::Sender<Arc<Vec<Part>>>,
    numbers: watch::Sender<BTreeMap<&'static str, u64>>,
}

impl Status {
    /// Says how one part is doing now.
    pub fn set(&self, part: Part) {
        self.parts.send_if_modified(|parts| {
            let known = parts.iter().find(|known| known.name == part.name);
            if known == Some(&part) {
                return false;
            }
            let mut next: Vec<Part> = parts.iter().filter(|known| known.name != part.name).cloned().collect();
            next.push(part);
            next.sort_by(|a, b| a.name.cmp(&b.name));
            *parts = Arc::new(next);
            true
        });
    }

    /// Whether a part does not work at all.
    pub fn is_down(&self, name: &str) -> bool {
        self.parts.borrow().iter().any(|part| part.name == name && part.condition == Condition::Down)
    }

    /// Tells a number, by the name that its metric has without its prefix.
    pub fn count(&self, name: &'static str, number: u64) {
        self.numbers.send_modify(|numbers| {
            numbers.insert(name, number);
        });
    }

    /// Tells no longer what another process knows better now.
    pub fn leave(&self, names: &[&'static str]) {
        self.numbers.send_if_modified(|numbers| {
            let before = numbers.len();
            numbers.retain(|name, _| !names.contains(name));
            numbers.len() < before
        });
    }

    /// Follows all numbers.
    pub fn numbers(&self) -> watch::Receiver<BTreeMap<&'static str, u64>> {
        self.numbers.subscribe()
    }

    /// Follows all parts.
    pub fn follow(&self) -> watch::Receiver<Arc<Vec<Part>>> {
        self.parts.subscribe()
    }
}
