//! One access token for all processes that share a PostgreSQL: one of them fetches it at a time, and the others use it.
//!
//! It is kept sealed like the sign-in. A process that has not the key, or cannot reach the database, fetches its own.

use std::sync::Arc;

use async_trait::async_trait;
use connector_domain::clock::{Clock as _, SystemClock};
use connector_domain::ids::TenantId;
use connector_pipeline::process;
use connector_store::{Duties, Settings};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use superoffice::{Shared, SharedToken};

use crate::config::KeySource;
use crate::seal::{Key, Sealed, hex};

/// Under which name the token is kept, and what the duty to fetch one is called.
const KEPT_AS: &str = "access_token";
/// Whoever fetches one has so long.
const TERM: SignedDuration = SignedDuration::from_secs(10);
/// A token that ends this soon is no use to anybody else.
const LEAST: SignedDuration = SignedDuration::from_secs(20);

/// Where the processes leave their token for each other.
pub(crate) struct Sharing {
    pub(crate) tenant: TenantId,
    pub(crate) settings: Arc<dyn Settings>,
    pub(crate) duties: Arc<dyn Duties>,
    pub(crate) key: KeySource,
}

impl std::fmt::Debug for Sharing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sharing").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// A kept token.
#[derive(Serialize, Deserialize)]
struct Kept {
    token: Sealed,
    ends_at: Timestamp,
    /// A mark of the sign-in that it came from.
    of: String,
}

#[async_trait]
impl Shared for Sharing {
    async fn get(&self, refresh_token: &SecretString) -> Option<SharedToken> {
        let kept: Kept =
            serde_json::from_value(self.settings.get(&self.tenant, KEPT_AS).await.ok()??).ok()?;
        let life = kept.ends_at.duration_since(SystemClock::default().now());
        if kept.of != mark(refresh_token) || life < LEAST {
            return None;
        }
        let token = Key::load(&self.key).ok()?.open(&self.tenant.0, KEPT_AS, &kept.token).ok()?;
        Some(SharedToken { token, life: life.try_into().ok()? })
    }

    async fn claim(&self) -> bool {
        let now = SystemClock::default().now();
        // Whoever cannot ask whether somebody else is at it need not wait for him.
        self.duties.take_duty(&self.tenant, KEPT_AS, process::name(), TERM, now).await.unwrap_or(true)
    }

    async fn put(&self, refresh_token: &SecretString, token: Option<SharedToken>) {
        if let Some(token) = token
            && let Err(error) = self.keep(refresh_token, &token).await
        {
            tracing::debug!("the access token is not shared: {error:#}");
        }
        if let Err(error) = self.duties.leave_duty(&self.tenant, KEPT_AS, process::name()).await {
            tracing::debug!("a duty could not be given back, it ends by itself: {error}");
        }
    }
}

impl Sharing {
    async fn keep(&self, refresh_token: &SecretString, token: &SharedToken) -> anyhow::Result<()> {
        let key = Key::load_or_make(&self.key)?;
        let now = SystemClock::default().now();
        let kept = Kept {
            token: key.seal(&self.tenant.0, KEPT_AS, token.token.expose_secret())?,
            ends_at: now + SignedDuration::try_from(token.life)?,
            of: mark(refresh_token),
        };
        Ok(self.settings.put(&self.tenant, KEPT_AS, serde_json::to_value(kept)?, now).await?)
    }
}

/// A mark of a sign-in, from which nobody can tell it.
fn mark(refresh_token: &SecretString) -> String {
    hex(&Sha256::digest(refresh_token.expose_secret().as_bytes()))
}
