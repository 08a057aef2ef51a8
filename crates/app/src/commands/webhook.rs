//! `webhook`: the CRM's side of the webhook.

use secrecy::ExposeSecret;
use serde_json::json;
use superoffice::api::webhook::{Webhook, WebhookState};
use superoffice::patch::Patch;
use superoffice::{Client, Error, Remedy, Secret};

use crate::cli::{Cli, WebhookCommand};
use crate::config::Config;
use crate::failure::{Failure, Status};
use crate::format::{cell, print, print_json, table};
use crate::remote::tenant;
use crate::wire;

/// The events that SuperOffice is asked to send.
pub(super) const EVENTS: &[&str] = &[
    "contact.created",
    "contact.changed",
    "contact.softdeleted",
    "contact.deleted",
    "person.created",
    "person.changed",
    "person.softdeleted",
    "person.deleted",
    "person.unconsented",
];

/// The name that our webhook has in SuperOffice.
const NAME: &str = "SuperOffice Connector";

pub(super) async fn run(cli: &Cli, command: &WebhookCommand, config: &Config) -> Result<(), Failure> {
    let client = wire::client(tenant(config)?, config.workers)?;
    match command {
        WebhookCommand::List => list(cli, &client).await,
        WebhookCommand::Register { url } => register(cli, config, &client, url).await,
        WebhookCommand::Test { id } => test(cli, &client, *id).await,
        WebhookCommand::Remove { id } => {
            client.remove_webhook(*id).await.map_err(|error| refused(&error))?;
            done(cli, &json!({"id": id, "removed": true}), &format!("Webhook {id} is removed."));
            Ok(())
        }
    }
}

async fn list(cli: &Cli, client: &Client) -> Result<(), Failure> {
    let webhooks = client.webhooks().await.map_err(|error| refused(&error))?;
    if cli.json {
        print_json(&json!(webhooks.iter().map(shown).collect::<Vec<_>>()));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = webhooks
        .iter()
        .map(|webhook| {
            vec![
                webhook.webhook_id.to_string(),
                webhook.state.to_string(),
                cell(&webhook.name),
                cell(without_query(&webhook.target_url)),
                webhook.events.join(","),
            ]
        })
        .collect();
    print(&table(&["ID", "STATE", "NAME", "TARGET", "EVENTS"], &rows));
    Ok(())
}

async fn register(cli: &Cli, config: &Config, client: &Client, url: &str) -> Result<(), Failure> {
    let parsed =
        url::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if parsed.is_none_or(|url| url.path() == "/") {
        return Err(Failure::words(Status::Usage, format!("\"{url}\" is not the address of a webhook"))
            .help(
                "give the public address in full, such as https://crm-hooks.example.com/connector/webhook",
            ));
    }
    let Some(token) = &config.webhook_token else {
        return Err(Failure::words(
            Status::Failed,
            "WEBHOOK_TOKEN is not set, so SuperOffice would not know what to present",
        )
        .help("set WEBHOOK_TOKEN in .env to a long random text, for the service and for this command"));
    };
    let existing = client.webhooks().await.map_err(|error| refused(&error))?;
    if let Some(webhook) = existing.iter().find(|webhook| webhook.target_url == url) {
        return already_there(cli, client, webhook).await;
    }
    let secret = config.webhook_secrets.first().map(|secret| secret.expose_secret().to_owned());
    let mut webhook = Webhook::new(NAME, url, Secret::new(secret.unwrap_or_default()), EVENTS);
    webhook.headers.insert("X-Webhook-Token".to_owned(), token.expose_secret().to_owned());
    let saved = client.register_webhook(&webhook).await.map_err(|error| {
        refused(&error).help("SuperOffice calls the address before it saves the webhook: the service must be running and reachable over https")
    })?;
    let id = saved.webhook_id;
    done(
        cli,
        &json!({"id": id, "registered": true, "state": saved.state.to_string()}),
        &format!("Webhook {id} sends to {url}."),
    );
    Ok(())
}

/// The webhook exists; one that SuperOffice switched off is switched on again.
async fn already_there(cli: &Cli, client: &Client, webhook: &Webhook) -> Result<(), Failure> {
    let (id, url) = (webhook.webhook_id, without_query(&webhook.target_url));
    if webhook.state == WebhookState::Active {
        let words = format!("Webhook {id} already sends to {url}.");
        done(cli, &json!({"id": id, "registered": false, "state": webhook.state.to_string()}), &words);
        return Ok(());
    }
    let active = Patch::new().replace("State", WebhookState::Active.to_string());
    let saved = client.patch_webhook(id, &active).await.map_err(|error| refused(&error))?;
    let words = format!("Webhook {id} was {}; it is {} again.", webhook.state, saved.state);
    done(cli, &json!({"id": id, "registered": false, "state": saved.state.to_string()}), &words);
    Ok(())
}

async fn test(cli: &Cli, client: &Client, id: i64) -> Result<(), Failure> {
    let webhook = client.webhook(id).await.map_err(|error| refused(&error))?;
    let result = client.test_webhook(&webhook).await.map_err(|error| refused(&error))?;
    if cli.json {
        print_json(&json!({"id": id, "success": result.success}));
    } else {
        print(if result.success {
            "SuperOffice reached the address."
        } else {
            "SuperOffice did not get a 200 from the address."
        });
    }
    if result.success { Ok(()) } else { Err(Failure::words(Status::Findings, "the webhook does not work")) }
}

fn shown(webhook: &Webhook) -> serde_json::Value {
    json!({
        "id": webhook.webhook_id,
        "name": webhook.name,
        "state": webhook.state.to_string(),
        "active": webhook.state == WebhookState::Active,
        "target_url": without_query(&webhook.target_url),
        "events": webhook.events,
    })
}

/// The address without its query, which may hold a token.
fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

fn done(cli: &Cli, value: &serde_json::Value, words: &str) {
    if cli.json { print_json(value) } else { print(words) }
}

fn refused(error: &Error) -> Failure {
    let status = match (error, error.remedy()) {
        (Error::NotFound(_), _) => Status::NotFound,
        (_, Remedy::SignIn) => Status::SignIn,
        _ => Status::Failed,
    };
    let failure = Failure::words(status, error.in_full());
    match status {
        Status::SignIn => failure.help("check SO_CLIENT_ID, SO_CLIENT_SECRET and SO_REFRESH_TOKEN; an administrator may have to approve the app once more"),
        _ => failure,
    }
}
