//! `webhook`: the CRM's side of the webhook.

use connector_domain::guardian::Guard;
use connector_pipeline::guardian;
use secrecy::ExposeSecret;
use serde_json::json;
use superoffice::Client;
use superoffice::api::webhook::{Webhook, WebhookState};
use superoffice::patch::Patch;

use crate::cli::{Cli, WebhookCommand};
use crate::config::Config;
use crate::failure::{Failure, Status, refused};
use crate::format::{cell, print, print_json, table};
use crate::hook;
use crate::kept;
use crate::remote::tenant;
use crate::wire;

const REACHABLE: &str = "SuperOffice calls the address before it saves the webhook: the service must be running and reachable over https";

pub(super) async fn run(cli: &Cli, command: &WebhookCommand, config: &Config) -> Result<(), Failure> {
    let client = wire::client(config, tenant(config)?)?;
    match command {
        WebhookCommand::List => list(cli, config, &client).await,
        WebhookCommand::Register { url } => register(cli, config, &client, url.as_deref()).await,
        WebhookCommand::Test { id } => {
            let webhook = chosen(config, &client, *id).await?;
            test(cli, &client, &webhook).await
        }
        WebhookCommand::Reactivate { id } => {
            let webhook = chosen(config, &client, *id).await?;
            reactivate(cli, &client, &webhook).await
        }
        WebhookCommand::Rotate { id } => {
            let webhook = chosen(config, &client, *id).await?;
            rotate(cli, config, &client, &webhook).await
        }
        WebhookCommand::Remove { id } => {
            client.remove_webhook(*id).await.map_err(|error| refused(&error))?;
            done(cli, &json!({"id": id, "removed": true}), &format!("Webhook {id} is removed."));
            Ok(())
        }
    }
}

/// The webhook with this number; without one, the only one that is ours.
async fn chosen(config: &Config, client: &Client, id: Option<i64>) -> Result<Webhook, Failure> {
    if let Some(id) = id {
        return client.webhook(id).await.map_err(|error| refused(&error));
    }
    let address = config.webhook_url.as_ref().map(url::Url::as_str);
    hook::ours(client, address).await?.ok_or_else(|| {
        Failure::words(Status::NotFound, "no webhook of this application sends to this service")
            .help("register one: so-connector webhook register")
    })
}

async fn list(cli: &Cli, config: &Config, client: &Client) -> Result<(), Failure> {
    let guard = guard(config);
    let mut webhooks = Vec::new();
    for webhook in client.webhooks().await.map_err(|error| refused(&error))? {
        webhooks.push(hook::with_health(client, webhook).await);
    }
    if cli.json {
        let address = config.webhook_url.as_ref().map(url::Url::as_str);
        let with_guardian = |webhook: &Webhook| {
            let mut value = shown(webhook);
            if let (true, Some(guard)) = (hook::is_ours(webhook, address), &guard) {
                value["guardian"] = json!({
                    "good_at": guard.good_at,
                    "tested_at": guard.tested_at,
                    "rearmed_at": guard.rearmed_at,
                    "trouble": guard.trouble,
                });
            }
            value
        };
        print_json(&json!(webhooks.iter().map(with_guardian).collect::<Vec<_>>()));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = webhooks
        .iter()
        .map(|webhook| {
            vec![
                webhook.webhook_id.to_string(),
                webhook.state.to_string(),
                cell(&webhook.name),
                cell(hook::without_query(&webhook.target_url)),
                webhook.total_calls.to_string(),
                webhook.consecutive_errors.to_string(),
            ]
        })
        .collect();
    print(&table(&["ID", "STATE", "NAME", "TARGET", "CALLS", "ERRORS IN A ROW"], &rows));
    for line in guard.iter().flat_map(words) {
        print(&line);
    }
    Ok(())
}

/// What the running service, or the last one, knows of the webhook.
fn guard(config: &Config) -> Option<Guard> {
    let tenant = config.tenant.as_ref()?;
    let kept = kept::look(&config.database, &tenant.context, guardian::KEPT_AS).ok()??;
    serde_json::from_value(kept).ok()
}

fn words(guard: &Guard) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(at) = guard.good_at {
        lines.push(format!("Deliveries were last known to arrive at {at:.0}."));
    }
    if let Some(at) = guard.tested_at {
        lines.push(format!("The way was last tested at {at:.0}."));
    }
    if let Some(trouble) = &guard.trouble {
        lines.push(format!("Since {:.0}: {}.", trouble.since, trouble.words));
    }
    lines
}

async fn register(cli: &Cli, config: &Config, client: &Client, url: Option<&str>) -> Result<(), Failure> {
    let url = address(config, url)?;
    let Some(token) = &config.webhook_token else {
        return Err(Failure::words(
            Status::Failed,
            "WEBHOOK_TOKEN is not set, so SuperOffice would not know what to present",
        )
        .help("set WEBHOOK_TOKEN in .env to a long random text, for the service and for this command"));
    };
    let secret = config.webhook_secrets.first().map(ExposeSecret::expose_secret);
    let wanted = hook::wanted(&url, token.expose_secret(), secret);
    if let Some(webhook) = hook::ours(client, Some(&url)).await? {
        return amend(cli, client, &webhook, &wanted).await;
    }
    let saved = client.register_webhook(&wanted).await.map_err(|error| refused(&error).help(REACHABLE))?;
    let id = saved.webhook_id;
    let value = json!({"id": id, "registered": true, "changed": true, "state": saved.state.to_string()});
    done(cli, &value, &format!("Webhook {id} sends to {}.", hook::without_query(&url)));
    Ok(())
}

/// The public address: as given, else as configured.
fn address(config: &Config, url: Option<&str>) -> Result<String, Failure> {
    let Some(text) = url.or_else(|| config.webhook_url.as_ref().map(url::Url::as_str)) else {
        return Err(Failure::words(Status::Usage, "the public address of /connector/webhook is not known")
            .help("give it with --url, or set WEBHOOK_URL in .env"));
    };
    let parsed =
        url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if parsed.is_none_or(|url| url.path() == "/") {
        return Err(Failure::words(Status::Usage, format!("\"{text}\" is not the address of a webhook"))
            .help(
                "give the public address in full, such as https://crm-hooks.example.com/connector/webhook",
            ));
    }
    Ok(text.to_owned())
}

/// The webhook exists; what is not as it has to be is changed, and nothing else.
async fn amend(cli: &Cli, client: &Client, webhook: &Webhook, wanted: &Webhook) -> Result<(), Failure> {
    let (id, url) = (webhook.webhook_id, hook::without_query(&wanted.target_url));
    let (patch, changes) = hook::amendments(webhook, wanted);
    if patch.is_empty() {
        let value =
            json!({"id": id, "registered": false, "changed": false, "state": webhook.state.to_string()});
        done(cli, &value, &format!("Webhook {id} already sends to {url}."));
        return Ok(());
    }
    let saved = client.patch_webhook(id, &patch).await.map_err(|error| refused(&error).help(REACHABLE))?;
    let value = json!({"id": id, "registered": false, "changed": true, "state": saved.state.to_string()});
    done(cli, &value, &format!("Webhook {id} sends to {url} again: {}.", changes.join("; ")));
    Ok(())
}

async fn reactivate(cli: &Cli, client: &Client, webhook: &Webhook) -> Result<(), Failure> {
    let id = webhook.webhook_id;
    if webhook.state == WebhookState::Active {
        let value = json!({"id": id, "changed": false, "state": webhook.state.to_string()});
        done(cli, &value, &format!("Webhook {id} is active."));
        return Ok(());
    }
    let active = Patch::new().replace("/State", WebhookState::Active.to_string());
    let saved = client.patch_webhook(id, &active).await.map_err(|error| refused(&error).help(REACHABLE))?;
    let words = format!("Webhook {id} was {}; it is {} again.", webhook.state, saved.state);
    done(cli, &json!({"id": id, "changed": true, "state": saved.state.to_string()}), &words);
    Ok(())
}

/// The second half of a rotation: the service knows both secrets already, now SuperOffice signs with the new one.
async fn rotate(cli: &Cli, config: &Config, client: &Client, webhook: &Webhook) -> Result<(), Failure> {
    let [new, _old] = config.webhook_secrets.as_slice() else {
        let words = "WEBHOOK_SECRET has to hold two secrets, the new one first";
        return Err(Failure::words(Status::Usage, words).help(
            "set WEBHOOK_SECRET=NEW,OLD, restart the service, run this, and remove the old one afterwards",
        ));
    };
    let id = webhook.webhook_id;
    let patch = Patch::new().replace("/Secret", new.expose_secret());
    client.patch_webhook(id, &patch).await.map_err(|error| refused(&error).help(REACHABLE))?;
    let words = format!(
        "Webhook {id} signs with the new secret. When no delivery of before is left (an hour is plenty), remove the old one from WEBHOOK_SECRET."
    );
    done(cli, &json!({"id": id, "rotated": true}), &words);
    Ok(())
}

async fn test(cli: &Cli, client: &Client, webhook: &Webhook) -> Result<(), Failure> {
    let id = webhook.webhook_id;
    let result = client.test_webhook(webhook).await.map_err(|error| refused(&error))?;
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
        "target_url": hook::without_query(&webhook.target_url),
        "events": webhook.events,
        "total_calls": webhook.total_calls,
        "consecutive_errors": webhook.consecutive_errors,
        "last_error": webhook.last_error,
    })
}

fn done(cli: &Cli, value: &serde_json::Value, words: &str) {
    if cli.json { print_json(value) } else { print(words) }
}
