//! Finds our webhook among those of the app, for commands that look at it.

use superoffice::Client;
use superoffice::api::webhook::{Webhook, WebhookState};

use connector_pipeline::crm::superoffice::hook;
pub(crate) use connector_pipeline::crm::superoffice::hook::*;

use crate::failure::{Failure, Status, refused};

/// The webhook that is meant for this service, if there is one.
///
/// # Errors
///
/// More than one is a conflict, which only a person can decide.
pub(crate) async fn ours(client: &Client, address: Option<&str>) -> Result<Option<Webhook>, Failure> {
    let mut ours = hook::ours(client, address).await.map_err(|error| refused(&error))?;
    if ours.len() > 1 {
        let ids: Vec<String> = ours.iter().map(|webhook| webhook.webhook_id.to_string()).collect();
        let words = format!("there is more than one webhook of ours: {}", ids.join(", "));
        return Err(Failure::words(Status::Conflict, words)
            .help("remove all but one: so-connector webhook remove ID; or name one by its number"));
    }
    Ok(ours.pop())
}

/// A webhook with its counters and its last error, wherever the tenant has them. What cannot be had stays as it is.
pub(crate) async fn with_health(client: &Client, webhook: Webhook) -> Webhook {
    let mut webhook = hook::with_usage(client, webhook).await;
    let fails = webhook.consecutive_errors > 0 || webhook.state == WebhookState::TooManyErrors;
    if fails
        && webhook.last_error.trim().is_empty()
        && let Ok(Some(words)) = client.webhook_last_error(webhook.webhook_id).await
    {
        webhook.last_error = words;
    }
    webhook
}
