//! A registered webhook, and what is remembered of each delivery.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use super::State;
use super::events::Occurrence;
use crate::clock;

/// Whether a webhook is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookState {
    /// It gets its events.
    Active,
    /// Somebody stopped it, or its target answered 410.
    Stopped,
    /// Nine deliveries in a row failed.
    TooManyErrors,
}

impl HookState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Stopped => "Stopped",
            Self::TooManyErrors => "TooManyErrors",
        }
    }

    pub(crate) fn number(self) -> i64 {
        match self {
            Self::Active => 1,
            Self::Stopped => 2,
            Self::TooManyErrors => 3,
        }
    }

    /// By name in any case, or by number.
    pub(crate) fn read(value: &Value) -> Option<Self> {
        let word = crate::json::text(value).to_ascii_lowercase();
        match word.as_str() {
            "active" | "1" => Some(Self::Active),
            "stopped" | "2" => Some(Self::Stopped),
            "toomanyerrors" | "3" => Some(Self::TooManyErrors),
            _ => None,
        }
    }
}

/// A registered webhook.
#[derive(Clone, PartialEq)]
pub struct Webhook {
    /// Its id.
    pub id: i64,
    /// The client id of the application that registered it.
    pub application: String,
    /// Its name, not unique.
    pub name: String,
    /// Subscribed events, such as `contact.changed`.
    pub events: Vec<String>,
    /// Where deliveries go.
    pub target_url: String,
    /// Key of the signature; empty for none.
    pub secret: String,
    /// Whether it is sent to.
    pub state: HookState,
    /// `webhook` or `crmscript`.
    pub kind: String,
    /// Extra request headers.
    pub headers: Map<String, Value>,
    /// Extra properties of the body.
    pub properties: Map<String, Value>,
    /// When it was registered.
    pub registered: Timestamp,
    /// By whom.
    pub registered_by: i64,
    /// When it was changed.
    pub updated: Option<Timestamp>,
    /// By whom.
    pub updated_by: i64,
    /// Address for error mails.
    pub errors_email: Option<String>,
    /// Free text.
    pub description: String,
    /// Attempts in all.
    pub total_calls: u64,
    /// Failed attempts in all.
    pub total_errors: u64,
    /// Failed attempts since the last success.
    pub consecutive_errors: u64,
    /// What the target said to the last failed attempt.
    pub last_error: String,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("state", &self.state)
            .field("events", &self.events)
            .field("secret", &"***")
            .field("consecutive_errors", &self.consecutive_errors)
            .finish_non_exhaustive()
    }
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Waiting for its first or next attempt.
    Pending,
    /// Answered 200.
    Delivered,
    /// Given up after its last attempt, or because the webhook was switched off.
    Discarded,
    /// Never sent, because a mishap swallowed it.
    Dropped,
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// When it was made.
    pub at: Timestamp,
    /// The answer's status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong otherwise.
    pub error: Option<String>,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// GUID, the same for all attempts.
    pub event_id: String,
    /// Event name.
    pub event: String,
    /// Entity of the record.
    pub entity: Option<String>,
    /// Id of the record.
    pub primary_key: i64,
    /// The database columns that the event names.
    pub changes: Vec<String>,
    /// Who caused it.
    pub by: i64,
    /// The webhook.
    pub webhook_id: i64,
    /// When the event was raised.
    pub at: Timestamp,
    /// How many attempts were made.
    pub attempts: usize,
    /// Status of the last answer.
    pub status: Option<u16>,
    /// How it ended.
    pub outcome: Outcome,
    /// Each attempt.
    pub tries: Vec<Attempt>,
}

impl Delivery {
    pub(crate) fn drop_it(&mut self) {
        self.outcome = Outcome::Dropped;
    }
}

impl State {
    /// Opens the record of a delivery; returns its place.
    pub(crate) fn record_delivery(&mut self, hook: i64, occurrence: &Occurrence, event_id: &str) -> usize {
        self.deliveries.push(Delivery {
            event_id: event_id.to_owned(),
            event: occurrence.event.clone(),
            entity: occurrence.entity.clone(),
            primary_key: occurrence.primary_key,
            changes: occurrence.changes.clone(),
            by: occurrence.by,
            webhook_id: hook,
            at: clock::now(),
            attempts: 0,
            status: None,
            outcome: Outcome::Pending,
            tries: Vec::new(),
        });
        self.deliveries.len() - 1
    }
}
