//! One access token for several processes: one of them fetches it, and the others use it.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

/// An access token that another process may use as well.
#[derive(Debug, Clone)]
pub struct SharedToken {
    /// The token.
    pub token: SecretString,
    /// For how long it is still good.
    pub life: Duration,
}

/// Where processes that sign in alike leave their access token for each other.
///
/// Nothing here may fail loudly: who cannot share fetches a token of his own.
#[async_trait]
pub trait Shared: Send + Sync + std::fmt::Debug {
    /// The token that was fetched last with this refresh token; `None` when there is none, or when it is no longer good.
    async fn get(&self, refresh_token: &SecretString) -> Option<SharedToken>;

    /// Whether it is for this process to fetch one. Nobody else is told so until it puts one, or for a few seconds.
    async fn claim(&self) -> bool;

    /// Leaves a fetched token for the others; `None` says that none was got.
    async fn put(&self, refresh_token: &SecretString, token: Option<SharedToken>);
}
