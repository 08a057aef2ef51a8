//! Finds our webhook among those of the app, for commands that look at it.

use superoffice::Client;
use superoffice::api::webhook::{Webhook, WebhookState};

pub(crate) use connector_pipeline::crm::superoffice::hook::*;

use crate::failure::{Failure, Status, refused};

/// The webhook that is meant for this service, if there is one.
///
/// # Errors
///
/// More than one is a conflict, which only a person can decide.
pub(crate) async fn ours(client: &Client, address: Option<&str>) -> Result<Option<Webhook>, Failure> {
    let mut ours = client.webhooks().await.map_err(|error| refused(&error))?;
    ours.retain(|webhook| is_ours(webhook, address));
    if ours.len() > 1 {
        let ids: Vec<String> = ours.iter().map(|webhook| webhook.webhook_id.to_string()).collect();
        let words = format!("there is more than one webhook of ours: {}", ids.join(", "));
        return Err(Failure::words(Status::Conflict, words)
            .help("remove all but one: so-connector webhook remove ID; or name one by its number"));
    }
    Ok(ours.pop())
}

/// A webhook with its counters and its last error, wherever the tenant has them. What cannot be had stays as it is.
pub(crate) async fn with_health(client: &Client, mut webhook: Webhook) -> Webhook {
    let id = webhook.webhook_id;
    let is_told = webhook.total_calls > 0 || webhook.total_errors > 0 || webhook.consecutive_errors > 0;
    if !is_told && let Ok(Some(usage)) = client.webhook_usage(id).await {
        webhook.total_calls = usage.total_calls;
        webhook.total_errors = usage.total_errors;
        webhook.consecutive_errors = usage.consecutive_errors;
        if webhook.last_error.trim().is_empty() {
            webhook.last_error = usage.last_error;
        }
    }
    let fails = webhook.consecutive_errors > 0 || webhook.state == WebhookState::TooManyErrors;
    if fails
        && webhook.last_error.trim().is_empty()
        && let Ok(Some(words)) = client.webhook_last_error(id).await
    {
        webhook.last_error = words;
    }
    webhook
}
