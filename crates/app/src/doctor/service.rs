//! Whether the service runs, how it says it does, and whether it takes what SuperOffice would send.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};
use superoffice::webhook::Signature;

use super::{Code, Examination, Finding, local};
use crate::config::Config;
use crate::remote;
use crate::wire;

pub(super) async fn look(exam: &mut Examination, config: &Config) {
    let base = format!("http://{}", config.listen);
    let Ok(client) = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(10)).build() else {
        return;
    };
    let status = match remote::status(&client, &base).await {
        Some(status) => status,
        None if is_alive(&client, &base).await => {
            exam.skip(&["service"], "the service has no dashboard role, so it does not tell how it does");
            return receiver(exam, config, &client, &base).await;
        }
        None => {
            let words = format!("nothing answers on {}", config.listen);
            exam.note("service", vec![Finding::new(Code::ServiceDown, words)], "");
            exam.skip(&["receiver"], "the service has to run first");
            return;
        }
    };
    if let Err(foreign) = remote::is_ours(config, &status) {
        exam.note("service", vec![Finding::new(Code::ServiceForeign, foreign.message())], "");
        exam.skip(&["receiver"], "the service has to run first");
        return;
    }
    let parts = status["parts"].as_array().into_iter().flatten();
    // The fields are looked at by themselves.
    let bad = parts.filter(|part| part["state"] != "ok" && part["name"] != "fields");
    let findings = bad.map(|part| {
        let text = |key: &str| part[key].as_str().unwrap_or_default().to_owned();
        let remedy = part["remedy"].as_str().map_or_else(String::new, |remedy| format!(" ({remedy})"));
        Finding::new(Code::ServiceDegraded, format!("{}: {}{remedy}", text("name"), text("words")))
    });
    let words = format!("runs on {}, version {}", config.listen, status["version"].as_str().unwrap_or("?"));
    exam.note("service", findings.collect(), words);
    receiver(exam, config, &client, &base).await;
}

async fn is_alive(client: &reqwest::Client, base: &str) -> bool {
    let answer = client.get(format!("{base}/healthz")).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

/// Sends the test that SuperOffice sends before it saves a webhook. It is answered and not queued.
async fn receiver(exam: &mut Examination, config: &Config, client: &reqwest::Client, base: &str) {
    if !config.roles.receive {
        exam.skip(&["receiver"], "this process does not take in deliveries");
        return;
    }
    let context = config.tenant.as_ref().map(|tenant| tenant.context.clone()).unwrap_or_default();
    let kept = || local::setting(config, &context, wire::KEPT_TOKEN)?.as_str().map(str::to_owned);
    let token = config.webhook_token.as_ref().map(|token| token.expose_secret().to_owned()).or_else(kept);
    let Some(token) = token else {
        exam.skip(&["receiver"], "no token for deliveries is known");
        return;
    };
    let body = json!({"EventId": uuid::Uuid::new_v4().to_string(), "Event": "test", "Entity": "test", "PrimaryKey": 0,
                      "Changes": [], "ContextIdentifier": context, "ChangedByAssociateId": 0, "WebhookName": "doctor"})
    .to_string();
    let mut request = client.post(format!("{base}/connector/webhook")).header("X-Webhook-Token", token);
    if let Some(secret) = config.webhook_secrets.first() {
        let signature = Signature::sign(secret.expose_secret(), body.as_bytes());
        request = request.header("X-SuperOffice-Signature", signature);
    }
    let findings = match request.header("Content-Type", "application/json").body(body).send().await {
        Ok(answer) if answer.status() == 200 => Vec::new(),
        Ok(answer) => {
            let status = answer.status();
            let said: Value = answer.json().await.unwrap_or_default();
            let detail = said["detail"].as_str().unwrap_or_default().to_owned();
            vec![Finding::new(
                Code::ReceiverRefuses,
                format!("a test delivery is answered with {status} {detail}"),
            )]
        }
        Err(error) => vec![Finding::new(Code::ReceiverRefuses, error.without_url().to_string())],
    };
    exam.note("receiver", findings, "a test delivery is answered with 200");
}
