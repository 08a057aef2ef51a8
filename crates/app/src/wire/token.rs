//! The token that deliveries present: the configured one, or one that is made up once and kept for all processes.

use connector_domain::clock::{Clock as _, SystemClock};
use connector_domain::ids::TenantId;
use connector_store::{Settings, StoreError};
use secrecy::SecretString;

use crate::config::Config;

/// The name under which a token that nobody configured is kept.
pub(crate) const KEPT_TOKEN: &str = "webhook_token";

/// The token that deliveries present.
pub(crate) struct Token {
    pub(crate) secret: SecretString,
    /// Whether it was made up because none was configured.
    pub(crate) made_up: bool,
}

/// The token for deliveries: the configured one, or one that is made up once and kept.
pub(crate) async fn token(
    config: &Config,
    tenant: &TenantId,
    settings: &dyn Settings,
) -> Result<Token, StoreError> {
    match &config.webhook_token {
        Some(secret) => Ok(Token { secret: secret.clone(), made_up: false }),
        None => Ok(Token { secret: kept(tenant, settings).await?.into(), made_up: true }),
    }
}

/// The kept token. Of several processes that start together one makes it up, and the others take that one.
async fn kept(tenant: &TenantId, settings: &dyn Settings) -> Result<String, StoreError> {
    let mut found = settings.get(tenant, KEPT_TOKEN).await?;
    loop {
        if let Some(kept) = found.as_ref().and_then(serde_json::Value::as_str) {
            return Ok(kept.to_owned());
        }
        let fresh = uuid::Uuid::new_v4().simple().to_string();
        let now = SystemClock::default().now();
        if settings.swap(tenant, KEPT_TOKEN, found, fresh.clone().into(), now).await? {
            return Ok(fresh);
        }
        found = settings.get(tenant, KEPT_TOKEN).await?;
    }
}

#[cfg(test)]
mod tests {
    use connector_store::sqlite::{Options, SqliteStore};

    use super::*;

    #[tokio::test]
    async fn several_who_start_together_make_up_one_token() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("store.db"), &Options::default()).unwrap();
        let tenant = TenantId("Cust10001".into());
        let [one, two, three] = [(); 3].map(|()| kept(&tenant, &store));
        let (one, two, three) = tokio::join!(one, two, three);
        let one = one.unwrap();
        assert_eq!((two.unwrap(), three.unwrap()), (one.clone(), one));
    }
}
