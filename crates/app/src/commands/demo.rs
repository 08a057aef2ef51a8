//! `demo`: everything in one process, on a throw-away database, with events as people cause them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use connector_domain::policy::Scope;
use connector_server::Badge;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use superoffice::Secret;
use superoffice::api::webhook::Webhook;
use superoffice_emulator::{Emulator, Options, Pace};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::signals::{Stopped, ended, until_stopped};
use crate::cli::{Cli, DemoArgs};
use crate::config::sources::Values;
use crate::config::tenant::Environment;
use crate::config::{Config, Database, Tenant};
use crate::failure::{Failure, Status};
use crate::format::{print_json, say};
use crate::hook;
use crate::wire::{self, Product};

mod summary;

/// How long everything may take, and how much longer for each account.
const PATIENCE: Duration = Duration::from_mins(2);
const PATIENCE_FOR_EACH: Duration = Duration::from_millis(100);

/// How long the companies of a live demo take to arrive.
const LIVE_SECONDS: u64 = 40;

pub(super) async fn run(cli: &Cli, args: &DemoArgs) -> Result<(), Failure> {
    let folder =
        tempfile::Builder::new().prefix("so-connector-demo-").tempdir().map_err(anyhow::Error::from)?;
    let emulator = Emulator::start(Options {
        companies: args.companies as usize,
        seed: args.seed,
        populate: false,
        ..Options::default()
    })
    .await
    .context("could not start the emulator")?;
    let config = config(&emulator, folder.path(), args)?;
    let tenant = config.tenant.as_ref().context("the demo has a tenant")?;
    let product = wire::product(&config, tenant, Badge::Demo).await?;
    let listener = wire::bind(config.listen).await.map_err(|error| {
        Failure::general(error)
            .help("choose another port with --port, or let the demo choose one with --port 0")
    })?;
    let base = format!("http://{}", listener.local_addr().map_err(anyhow::Error::from)?);
    announce(cli, args, &base, &emulator, &product);

    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    product.start(&config, listener, &tracker, &stop);
    let outcome = if args.once {
        tokio::select! {
            outcome = once(cli, &emulator, &product, &base) => outcome,
            stopped = until_stopped(&stop) => match stopped {
                Stopped::Asked => Err(Failure::words(Status::Interrupted, "interrupted")),
                Stopped::Failed => Err(gave_up()),
            },
        }
    } else {
        live(&emulator, &product, &base, &stop).await
    };
    stop.cancel();
    ended(&tracker).await;
    emulator.stop().await;
    outcome
}

async fn live(
    emulator: &Emulator,
    product: &Product,
    base: &str,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    let play = async {
        register(emulator, product, base).await?;
        emulator.play(Pace::Live { seconds: LIVE_SECONDS }).await;
        std::future::pending().await
    };
    tokio::select! {
        played = play => played,
        stopped = until_stopped(stop) => match stopped {
            Stopped::Asked => Ok(()),
            Stopped::Failed => Err(gave_up()),
        },
    }
}

fn gave_up() -> Failure {
    Failure::words(Status::Failed, "a part of the demo could not go on; the log says why")
}

async fn once(cli: &Cli, emulator: &Emulator, product: &Product, base: &str) -> Result<(), Failure> {
    let started = Instant::now();
    register(emulator, product, base).await?;
    emulator.play(Pace::Burst).await;
    let accounts = u32::try_from(emulator.world().contact_ids().len()).unwrap_or(u32::MAX);
    let patience = PATIENCE + PATIENCE_FOR_EACH * accounts;
    let drained = tokio::time::timeout(patience, drained(emulator, product)).await;
    // The summary tells which accounts have not ended.
    drained.unwrap_or_else(|_| {
        tracing::error!("work was left after {} s", patience.as_secs());
        Ok(())
    })?;
    let summary = summary::Summary::take(emulator, product, started.elapsed()).await?;
    summary.print(cli.json);
    summary.verdict()
}

/// Waits until SuperOffice has nothing left to send and we have nothing left to do.
async fn drained(emulator: &Emulator, product: &Product) -> Result<(), Failure> {
    let mut changes = product.store.changes();
    loop {
        emulator.settled().await;
        changes.borrow_and_update();
        let open = product.store.queue_counts(&product.tenant, product.ports.clock.now()).await?.open();
        let unnamed = product.store.unnamed(&product.tenant, 1).await?;
        let seen = emulator.world().deliveries_idle();
        if open == 0 && unnamed.is_empty() && seen {
            return Ok(());
        }
        drop(tokio::time::timeout(Duration::from_millis(250), changes.changed()).await);
    }
}

/// Asks SuperOffice to send its events here, and to tell of changes of the tenant.
async fn register(emulator: &Emulator, product: &Product, base: &str) -> Result<(), Failure> {
    let url = format!("{base}/connector/webhook");
    let mut webhook = Webhook::new("SuperOffice Connector", &url, Secret::new(SIGNATURE_KEY), hook::EVENTS);
    let token = product.token.secret.expose_secret().to_owned();
    webhook.headers.insert("X-Webhook-Token".to_owned(), token);
    emulator.world().set_state_change_url(&format!("{base}/connector/tenant-state"));
    product.client.register_webhook(&webhook).await.map_err(|error| {
        Failure::general(error).help("the emulator did not take the webhook; please report it")
    })?;
    Ok(())
}

/// The key of the signature between the demo's two halves. Nothing outside the process can use it.
const SIGNATURE_KEY: &str = "demo-signature-key";

fn config(emulator: &Emulator, folder: &std::path::Path, args: &DemoArgs) -> Result<Config, Failure> {
    let nothing = std::collections::BTreeMap::new();
    let defaults = Values::of("", &nothing, &nothing).map_err(|error| Failure::new(Status::Failed, error))?;
    let mut config = Config::read(&defaults).map_err(|error| Failure::new(Status::Failed, error))?;
    let details = emulator.details();
    config.listen = SocketAddr::from(([127, 0, 0, 1], args.port));
    config.database = Database::File(folder.join("demo.db"));
    config.webhook_token = Some(SecretString::from(uuid::Uuid::new_v4().simple().to_string()));
    config.webhook_secrets = vec![SecretString::from(SIGNATURE_KEY)];
    config.policy.scope = Scope::parse(&details.owners.join(","));
    config.website.allow = connector_explorer::Allow::parse("127.0.0.1").map_err(anyhow::Error::from)?;
    config.tenant = Some(Tenant {
        context: details.context,
        login_url: details.login_url.parse().map_err(anyhow::Error::from)?,
        is_production: false,
        environment: Environment::Other,
        client_id: details.client_id,
        client_secret: SecretString::from(details.client_secret),
        credentials: SecretString::from(details.refresh_token).into(),
        redirect_uri: Some(details.redirect_uri),
        calls_per_second: None,
    });
    Ok(config)
}

fn announce(cli: &Cli, args: &DemoArgs, base: &str, emulator: &Emulator, product: &Product) {
    let emulator_url = emulator.details().login_url;
    if cli.json && !args.once {
        print_json(&json!({
            "dashboard_url": format!("{base}/"),
            "webhook_url": format!("{base}/connector/webhook"),
            "emulator_url": emulator_url,
            "webhook_token": product.token.secret.expose_secret(),
        }));
        return;
    }
    say(&format!("Dashboard   {base}/"));
    say(&format!("Emulator    {emulator_url}/_emulator/accounts"));
    if !args.once {
        say("Companies arrive within 40 seconds. Stop with Ctrl-C; everything is thrown away then.");
    }
}
