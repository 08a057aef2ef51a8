//! As whom we sign in: as configured, or with the refresh token that `setup` got and keeps sealed in the database.
//!
//! A kept token remembers which configured one it replaces, so that a fresh sign-in, or a token that SuperOffice
//! renewed, is not undone by the old one in `.env`; and a new one in `.env` is not undone by what is kept.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use superoffice::{Client, Credentials};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Tenant};
use crate::kept;
use crate::seal::{Key, Sealed, hex};

/// Under which name the token is kept.
pub(crate) const KEPT_AS: &str = "refresh_token";

/// How often a running service looks whether somebody signed in anew.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// A kept token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    token: Sealed,
    /// A mark of the configured token that it replaces; empty when none was configured.
    replaces: String,
}

/// The credentials to use; [`Credentials::Missing`] when nobody has signed in yet.
///
/// # Errors
///
/// A kept token that cannot be opened is said to be so, and not passed over.
pub(crate) fn credentials(config: &Config, tenant: &Tenant) -> anyhow::Result<Credentials> {
    if matches!(tenant.credentials, Credentials::SystemUser { .. }) {
        return Ok(tenant.credentials.clone());
    }
    match found(config, tenant)? {
        Some(kept) if kept.replaces == mark(tenant) => open(config, tenant, &kept),
        Some(_) | None => Ok(tenant.credentials.clone()),
    }
}

/// Keeps a refresh token, sealed, in place of an earlier one and of the configured one.
pub(crate) fn keep(config: &Config, tenant: &Tenant, token: &SecretString) -> anyhow::Result<()> {
    let key = Key::load_or_make(&config.key).context("the token cannot be sealed")?;
    let token = key.seal(&tenant.context, KEPT_AS, token.expose_secret())?;
    let kept = serde_json::to_value(Kept { token, replaces: mark(tenant) })?;
    kept::leave(&config.database, &tenant.context, KEPT_AS, kept).context("the token cannot be kept")
}

/// Keeps a token that SuperOffice renews, and takes one that somebody else keeps, until told to stop.
pub(crate) async fn follow(config: Arc<Config>, client: Client, stop: CancellationToken) {
    let Some(tenant) = &config.tenant else { return stop.cancelled().await };
    if matches!(tenant.credentials, Credentials::SystemUser { .. }) {
        return stop.cancelled().await;
    }
    let mut in_use = client.refresh_token();
    in_use.mark_unchanged();
    // Nothing is known yet, so that the first look compares, too.
    let mut known: Option<Option<Kept>> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = in_use.changed() => {
                if changed.is_err() {
                    return stop.cancelled().await;
                }
                let token = in_use.borrow_and_update().clone();
                keep_renewed(&config, tenant, &token);
                known = found_aside(&config).await.ok();
            }
            () = tokio::time::sleep(LOOK_AGAIN) => {
                // What cannot be read now can be later; until then everything stays as it is.
                let Ok(now) = found_aside(&config).await else { continue };
                if known.as_ref() == Some(&now) {
                    continue;
                }
                take_up(&config, tenant, &client, now.as_ref());
                in_use.mark_unchanged();
                known = Some(now);
            }
        }
    }
}

fn keep_renewed(config: &Config, tenant: &Tenant, token: &SecretString) {
    match keep(config, tenant, token) {
        Ok(()) => tracing::info!("the new refresh token is kept, sealed"),
        Err(error) => tracing::error!(
            "the new refresh token is not kept: {error:#}; sign in again with `so-connector setup --only auth` before the next start"
        ),
    }
}

/// Signs in with what is kept now, when that is something else than what is in use.
fn take_up(config: &Config, tenant: &Tenant, client: &Client, kept: Option<&Kept>) {
    let Some(kept) = kept else { return };
    if kept.replaces != mark(tenant) {
        tracing::warn!(
            "a sign-in is kept that replaces another SO_REFRESH_TOKEN than this service has, so it is not used; remove SO_REFRESH_TOKEN from the service's environment, and restart it"
        );
        return;
    }
    match open(config, tenant, kept) {
        Ok(Credentials::RefreshToken(token))
            if token.expose_secret() == client.refresh_token().borrow().expose_secret() => {}
        Ok(credentials) => {
            client.sign_in_with(credentials);
            tracing::info!("somebody signed in anew; the work goes on with that");
        }
        Err(error) => tracing::error!("somebody signed in anew, and it is of no use: {error:#}"),
    }
}

/// The same, on a thread that may wait: a PostgreSQL that is away is waited for.
async fn found_aside(config: &Arc<Config>) -> anyhow::Result<Option<Kept>> {
    let config = Arc::clone(config);
    let looking = move || config.tenant.as_ref().map_or(Ok(None), |tenant| found(&config, tenant));
    tokio::task::spawn_blocking(looking).await?
}

/// What is kept. A database that is not there keeps nothing.
fn found(config: &Config, tenant: &Tenant) -> anyhow::Result<Option<Kept>> {
    let value = kept::look(&config.database, &tenant.context, KEPT_AS)?;
    let kept = value.map(serde_json::from_value).transpose();
    kept.context("the kept sign-in cannot be read")
}

fn open(config: &Config, tenant: &Tenant, kept: &Kept) -> anyhow::Result<Credentials> {
    let opened = Key::load(&config.key).and_then(|key| key.open(&tenant.context, KEPT_AS, &kept.token));
    opened.map(Credentials::RefreshToken).context(
        "the kept sign-in cannot be opened; put its key back, or sign in again with `so-connector setup --only auth`",
    )
}

/// A mark of the configured token, from which nobody can tell it.
fn mark(tenant: &Tenant) -> String {
    match &tenant.credentials {
        Credentials::RefreshToken(token) => hex(&Sha256::digest(token.expose_secret().as_bytes())),
        Credentials::Missing | Credentials::SystemUser { .. } => String::new(),
    }
}
