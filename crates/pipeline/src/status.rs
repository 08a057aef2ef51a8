//! How the parts that the pipeline depends on are doing, for pages and probes.

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

/// All parts, published whenever one changes.
#[derive(Debug, Clone)]
pub struct Status(watch::Sender<Arc<Vec<Part>>>);

impl Default for Status {
    fn default() -> Self {
        Self(watch::Sender::new(Arc::new(Vec::new())))
    }
}

impl Status {
    /// Says how one part is doing now.
    pub fn set(&self, part: Part) {
        self.0.send_if_modified(|parts| {
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
        self.0.borrow().iter().any(|part| part.name == name && part.condition == Condition::Down)
    }

    /// Follows all parts.
    pub fn follow(&self) -> watch::Receiver<Arc<Vec<Part>>> {
        self.0.subscribe()
    }
}
