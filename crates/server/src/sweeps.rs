//! What the server asks of whoever knows the CRM: to sweep it, and to say what became of its changes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use connector_domain::coverage::Class;
use connector_domain::ids::{ContactId, Entity};
use connector_domain::reason::Reason;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::problem::Problem;

/// From when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// A moment, by the CRM's clock.
    At(Timestamp),
    /// So long ago, by the CRM's clock.
    Ago(SignedDuration),
}

/// Sweeps the CRM, and asks it what changed.
#[async_trait]
pub trait Sweeps: Send + Sync {
    /// Asks for a sweep from then on; without a time, since the last one. It need not have ended when this returns.
    ///
    /// # Errors
    ///
    /// There will be no sweep because of this.
    async fn ask(&self, since: Option<Since>, until: Option<Timestamp>) -> Result<(), NotTold>;

    /// What a sweep from then on would cost.
    async fn plan(&self, since: Option<Since>) -> Result<Value, NotTold>;

    /// The sweep that runs, the last that ended, and what waits for one.
    async fn state(&self) -> Result<Value, NotTold>;

    /// What became of every change in a window. An answer that is not older than `at_most` does.
    async fn coverage(
        &self,
        since: Since,
        until: Option<Timestamp>,
        at_most: SignedDuration,
    ) -> Result<Coverage, NotTold>;
}

/// What became of the changes in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// From when, by the CRM's clock.
    pub from: Timestamp,
    /// Until when; `None` means until now.
    pub until: Option<Timestamp>,
    /// Whether the window begins later than was asked for, because we did not listen before.
    pub is_cut: bool,
    /// How many changes.
    pub changes: u64,
    /// By how they ended.
    pub classes: BTreeMap<Class, u64>,
    /// Skipped and held ones, by why.
    pub reasons: BTreeMap<(Class, Reason), u64>,
    /// Those that nothing in our books speaks of; the first of them.
    pub unexplained: Vec<Gone>,
    /// Calls that this question has cost.
    pub calls: u64,
}

impl Coverage {
    /// How many changes ended so.
    pub fn of(&self, class: Class) -> u64 {
        self.classes.get(&class).copied().unwrap_or_default()
    }
}

/// A change that nothing in our books speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gone {
    /// What kind of record.
    pub entity: Entity,
    /// Its number.
    pub entity_id: i64,
    /// The company it belongs to.
    pub account_id: Option<ContactId>,
    /// When it was changed, by the CRM's clock.
    pub updated_at: Option<Timestamp>,
    /// Who changed it, by short name.
    pub by: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// SuperOffice does not tell.
    #[error("{words}")]
    Crm {
        /// Why.
        words: String,
        /// What to do about it.
        help: String,
    },
    /// The database does not answer.
    #[error("{0}")]
    Store(String),
}

impl From<NotTold> for Problem {
    fn from(error: NotTold) -> Self {
        match error {
            NotTold::Crm { words, help } => {
                let detail = format!("SuperOffice does not tell what changed: {words}. What helps: {help}.");
                Self::new(http::StatusCode::BAD_GATEWAY, "crm_unavailable", detail)
            }
            NotTold::Store(words) => {
                let detail = format!("The database does not answer just now ({words}). Ask again.");
                Self::new(http::StatusCode::SERVICE_UNAVAILABLE, "store_unavailable", detail).retry_after(2)
            }
        }
    }
}

/// Reads a time or a length of time.
pub(crate) fn since(text: &str) -> Option<Since> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Since::At(at));
    }
    text.parse::<SignedDuration>().ok().filter(|ago| !ago.is_negative()).map(Since::Ago)
}
