//! `serve`: the service, as configured.

use std::io::IsTerminal;
use std::sync::Arc;

use connector_server::Roles;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::signals::{ended, stop_requested};
use crate::cli::{Cli, Role, ServeArgs};
use crate::config::Config;
use crate::failure::{Failure, Status};
use crate::format::{print_json, say};
use crate::remote::tenant;
use crate::sign_in;
use crate::wire;

pub(super) async fn run(cli: &Cli, args: &ServeArgs, mut config: Config) -> Result<(), Failure> {
    config.store.accept_rollback = args.accept_rollback;
    if !args.roles.is_empty() {
        config.roles = roles(&args.roles);
    }
    let config = Arc::new(config);
    let tenant = tenant(&config)?;
    if config.roles.dashboard && !config.listen.ip().is_loopback() {
        let words = format!(
            "the dashboard has no logins yet, so it listens on loopback only, not on {}",
            config.listen
        );
        return Err(Failure::words(Status::Failed, words).help(
            "set LISTEN=127.0.0.1:8080 and let a reverse proxy forward /connector/webhook only; or roles = [\"receive\", \"work\"]",
        ));
    }
    let product = wire::product(&config, tenant, wire::badge(tenant.environment)).await?;
    product.ask_for_what_is_missing().await?;
    let listener = wire::bind(config.listen).await.map_err(|error| {
        Failure::general(error).help("another program may be using the address; set LISTEN to another one")
    })?;
    let base = format!("http://{}", listener.local_addr().map_err(anyhow::Error::from)?);
    announce(cli, &config, &base, &product);

    let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
    product.start(&config, listener, &tracker, &stop);
    tracker.spawn(sign_in::follow(Arc::clone(&config), product.client.clone(), stop.clone()));
    let failed = tokio::select! {
        () = stop_requested() => false,
        () = stop.cancelled() => true,
        () = product.books.given_up() => true,
    };
    stop.cancel();
    ended(&tracker).await;
    if failed {
        return Err(Failure::words(Status::Failed, "the service could not go on; the log says why")
            .help("let the supervisor start it again; nothing that was acknowledged is lost"));
    }
    Ok(())
}

/// The roles that were asked for, in place of the configured ones.
fn roles(wanted: &[Role]) -> Roles {
    let any = |role: Role| wanted.iter().any(|wanted| *wanted == role || *wanted == Role::All);
    Roles { receive: any(Role::Receive), work: any(Role::Work), dashboard: any(Role::Dashboard) }
}

fn announce(cli: &Cli, config: &Config, base: &str, product: &wire::Product) {
    let webhook_url = format!("{base}/connector/webhook");
    let tenant_state_url = format!("{base}/connector/tenant-state");
    let roles = role_names(config.roles);
    if cli.json {
        let mut first = json!({
            "dashboard_url": if config.roles.dashboard { Some(format!("{base}/")) } else { None },
            "webhook_url": webhook_url,
            "tenant_state_url": if config.roles.receive { Some(&tenant_state_url) } else { None },
            "roles": roles,
        });
        if product.token.made_up {
            first["webhook_token"] = json!(product.token.secret.expose_secret());
        }
        print_json(&first);
        return;
    }
    if config.roles.dashboard {
        say(&format!("Dashboard   {base}/"));
    }
    say(&format!("Webhook     {webhook_url}"));
    if config.roles.receive {
        say(&format!("State       {tenant_state_url} (for the app's \"Customer State Change URL\")"));
    }
    if product.token.made_up {
        // A log is kept and read by others; a terminal is not.
        if std::io::stderr().is_terminal() {
            let token = product.token.secret.expose_secret();
            say(&format!("Token       {token} (made up; set WEBHOOK_TOKEN to choose another)"));
        } else {
            say("Token       made up, since WEBHOOK_TOKEN is not set; `serve --json` or a terminal shows it");
        }
    }
    let off: Vec<&str> =
        ["receive", "work", "dashboard"].into_iter().filter(|role| !roles.contains(role)).collect();
    if !off.is_empty() {
        say(&format!("Off         {}", off.join(", ")));
    }
    for variable in &config.ignored {
        say(&format!("Note        {variable} is set and has no effect yet"));
    }
    if config.webhook_secrets.is_empty() {
        say("Note        deliveries are not checked for a signature; set WEBHOOK_SECRET to ask for one");
    }
}

fn role_names(roles: Roles) -> Vec<&'static str> {
    let all = [("receive", roles.receive), ("work", roles.work), ("dashboard", roles.dashboard)];
    all.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect()
}
