//! SuperOffice's side of the webhook.

use secrecy::ExposeSecret;
use superoffice::Secret;
use superoffice::api::webhook::{Webhook, WebhookState};

use super::{Code, Examination, Finding, Patient, local};
use crate::hook;
use crate::wire;

pub(super) async fn look(exam: &mut Examination, patient: &Patient<'_>) {
    if patient.config.sweep.only {
        exam.note("webhook", Vec::new(), "none is wanted: changes are found by sweeps alone");
        return;
    }
    let all = match patient.client.webhooks().await {
        Ok(all) => all,
        Err(error) => {
            exam.note("webhook", vec![Finding::new(Code::WebhooksRefused, error.in_full())], "");
            return;
        }
    };
    let address = patient.config.webhook_url.as_ref().map(url::Url::as_str);
    let mut ours = Vec::new();
    for webhook in all.iter().filter(|webhook| hook::is_ours(webhook, address)) {
        ours.push(hook::with_health(&patient.client, webhook.clone()).await);
    }
    let mut findings = Vec::new();
    if ours.is_empty() {
        let words = format!("none of the {} webhooks of this application sends to us", all.len());
        findings.push(Finding::new(Code::WebhookMissing, words));
    }
    if ours.len() > 1 {
        let ids: Vec<String> = ours.iter().map(|webhook| webhook.webhook_id.to_string()).collect();
        findings.push(Finding::new(Code::WebhookDuplicate, format!("webhooks {}", ids.join(", "))));
    }
    let token = token(patient);
    for webhook in &ours {
        findings.extend(faults(webhook, patient, address, token.as_deref()));
    }
    let words = ours.first().map_or_else(String::new, |webhook| {
        format!("{} is {}, {} calls", webhook.webhook_id, webhook.state, webhook.total_calls)
    });
    exam.note("webhook", findings, words);
}

/// The token that the service asks for: the configured one, or the one that was made up.
pub(super) fn token(patient: &Patient<'_>) -> Option<String> {
    if let Some(token) = &patient.config.webhook_token {
        return Some(token.expose_secret().to_owned());
    }
    let kept = local::setting(patient.config, &patient.tenant.context, wire::KEPT_TOKEN)?;
    kept.as_str().map(str::to_owned)
}

fn faults(
    webhook: &Webhook,
    patient: &Patient<'_>,
    address: Option<&str>,
    token: Option<&str>,
) -> Vec<Finding> {
    let id = webhook.webhook_id;
    let mut findings = Vec::new();
    let mut find = |code: Code, words: String| findings.push(Finding::new(code, words));
    match &webhook.state {
        WebhookState::Active if webhook.consecutive_errors > 0 => find(
            Code::WebhookErrors,
            format!("webhook {id}: {} errors in a row; {}", webhook.consecutive_errors, last_error(webhook)),
        ),
        WebhookState::Active => {}
        WebhookState::TooManyErrors => {
            find(Code::WebhookTooManyErrors, format!("webhook {id}: {}", last_error(webhook)));
        }
        state => {
            let by = webhook
                .updated_associate
                .as_ref()
                .map_or_else(String::new, |who| format!(" by {}", who.name));
            find(Code::WebhookStopped, format!("webhook {id} is {state}, last changed{by}"));
        }
    }
    let missing = hook::missing_events(webhook);
    if !missing.is_empty() {
        find(Code::WebhookEvents, format!("webhook {id} lacks {}", missing.join(", ")));
    }
    if address.is_some_and(|address| !hook::same_address(&webhook.target_url, address)) {
        let words = format!("webhook {id} sends to {}", hook::without_query(&webhook.target_url));
        find(Code::WebhookAddress, words);
    }
    if token.is_some_and(|token| !hook::presents(webhook, token)) {
        find(Code::WebhookToken, format!("webhook {id} presents another token, or none"));
    }
    let secrets = &patient.config.webhook_secrets;
    let is_known = |secret: &Secret| secrets.iter().any(|known| known.expose_secret() == secret.expose());
    // Whether the API tells secrets is not documented; one that it keeps to itself is not held against anybody.
    if !secrets.is_empty() && !webhook.secret.is_empty() && !is_known(&webhook.secret) {
        find(Code::WebhookSecret, format!("webhook {id} signs with an unknown secret"));
    }
    if hook::is_open(&webhook.target_url) {
        let words = format!("webhook {id} sends to {}", hook::without_query(&webhook.target_url));
        find(Code::WebhookInsecure, words);
    }
    findings
}

fn last_error(webhook: &Webhook) -> String {
    let text: String = webhook.last_error.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = text.chars().take(120).collect();
    format!("last: {}", if short.is_empty() { "not told" } else { &short })
}
