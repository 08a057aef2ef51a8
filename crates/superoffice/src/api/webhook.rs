//! Webhooks: who is told of which events. An app sees only the webhooks that it created itself. Creating one makes
//! SuperOffice send a test to it first, which must be answered with 200.

use std::collections::BTreeMap;

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::associate::Associate;
use super::list::MdoListItem;
use super::text_enum::text_enum;
use super::{FieldProperties, Links, Request, TableRight};
use crate::json::Record;
use crate::patch::Patch;
use crate::secret::Secret;

/// One webhook.
pub const ONE: &str = "v1/Webhook/{id}";
/// All webhooks of this app.
pub const MANY: &str = "v1/Webhook";
/// Sends a test.
pub const TEST: &str = "v1/Webhook/Test";
/// What a webhook's target answered to the last delivery that failed.
pub const LAST_ERROR: &str = "v1/Webhook/{id}/LastError";

/// A request for all webhooks of this app. The answer is an array of [`Webhook`].
pub fn all() -> Request {
    Request::to(Method::GET, MANY)
}

/// A request for one webhook. The answer is a [`Webhook`].
pub fn read(id: i64) -> Request {
    Request::get(ONE, &id.to_string())
}

/// A request that creates a webhook. The answer is the [`Webhook`] with its id.
pub fn create(webhook: &Webhook) -> Request {
    Request::to(Method::POST, MANY).json(webhook)
}

/// A request that changes parts of a webhook, for instance its state. The answer is the [`Webhook`], changed.
pub fn patch(id: i64, patch: &Patch) -> Request {
    Request::patch(ONE, id, patch)
}

/// A request that replaces a webhook as a whole. The answer is the [`Webhook`], changed.
pub fn replace(webhook: &Webhook) -> Request {
    Request::to(Method::PUT, ONE).fill(&webhook.webhook_id.to_string()).json(webhook)
}

/// A request for what the target answered to the last delivery that failed. The answer is a text.
pub fn last_error(id: i64) -> Request {
    Request::get(LAST_ERROR, &id.to_string())
}

/// A request that removes a webhook. The answer is empty.
pub fn remove(id: i64) -> Request {
    Request::to(Method::DELETE, ONE).fill(&id.to_string())
}

/// A request that sends a test to a webhook's target. The answer is a [`WebhookResult`].
pub fn test(webhook: &Webhook) -> Request {
    Request::to(Method::POST, TEST).json(webhook)
}

/// A webhook: who is told of which events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Webhook {
    /// The id; 0 in a new webhook.
    pub webhook_id: i64,
    /// The name that deliveries carry.
    pub name: String,
    /// Names of events, such as `contact.changed`.
    pub events: Vec<String>,
    /// Where deliveries go; has to be https.
    pub target_url: String,
    /// Key of the signature.
    pub secret: Secret,
    /// Whether it delivers.
    pub state: WebhookState,
    /// `webhook` or `crmscript`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Further headers of a delivery.
    pub headers: BTreeMap<String, String>,
    /// Further keys in the body of a delivery.
    pub properties: BTreeMap<String, Value>,
    /// When it was created.
    #[serde(with = "crate::json::date")]
    pub registered: Option<Timestamp>,
    /// Who created it.
    pub registered_associate: Option<Associate>,
    /// When it was changed last.
    #[serde(with = "crate::json::date")]
    pub updated: Option<Timestamp>,
    /// Who changed it last: who stopped it.
    pub updated_associate: Option<Associate>,
    /// Whom to tell of errors; obsolete.
    pub errors_email: String,
    /// Whom to tell of errors, by mail.
    pub error_emails: Vec<String>,
    /// Whom to tell of errors, by name.
    pub error_associates: Vec<MdoListItem>,
    /// What it is for.
    pub description: String,
    /// `None`, `Email`, `InApp`.
    pub notify_via: String,
    /// `None`, `FirstFailure`, `Disabling`.
    pub notify_when: String,
    /// Deliveries tried.
    pub total_calls: i64,
    /// Deliveries failed.
    pub total_errors: i64,
    /// Deliveries failed in a row; nine switch it off.
    pub consecutive_errors: i64,
    /// What the receiver answered to the last failed one.
    pub last_error: String,
    /// Related resources; REST only.
    #[serde(rename = "_Links", skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
}

impl Webhook {
    /// A new webhook that delivers `events` to `target_url`, signed with `secret`.
    pub fn new(name: &str, target_url: &str, secret: Secret, events: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            events: events.iter().map(|&event| event.to_owned()).collect(),
            target_url: target_url.to_owned(),
            secret,
            state: WebhookState::Active,
            kind: "webhook".to_owned(),
            notify_via: "None".to_owned(),
            notify_when: "None".to_owned(),
            ..Self::default()
        }
    }
}

impl Record for Webhook {
    const KEY: &'static str = "WebhookId";
}

/// What a webhook's target answered to a test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct WebhookResult {
    /// Whether it answered 200.
    pub success: bool,
    /// Headers and body of the answer.
    pub message: String,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// Rights by field; empty in practice.
    pub field_properties: FieldProperties,
}

impl Record for WebhookResult {
    const KEY: &'static str = "Success";
}

text_enum! {
    /// Whether a webhook delivers.
    WebhookState {
        /// Not known.
        Unknown = 0,
        /// It delivers.
        Active = 1,
        /// Somebody stopped it.
        Stopped = 2,
        /// SuperOffice stopped it, after nine failures in a row.
        TooManyErrors = 3,
    }
}
