//! What a client has to know, and how patient it is.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::shared::Shared;
use crate::private_key::PrivateKey;

/// What a client has to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The log-in host: `https://online.superoffice.com/`, or an emulator's.
    pub login_url: Url,
    /// The tenant: `Cust12345`.
    pub context: String,
    /// The app.
    pub client_id: String,
    /// The app's secret.
    pub client_secret: SecretString,
    /// As whom we sign in.
    pub credentials: Credentials,
    /// Where the approval was sent; optional.
    pub redirect_uri: Option<String>,
    /// Hosts that may see the token besides `*.superoffice.com` and the log-in host.
    pub allowed_hosts: Vec<String>,
    /// The language of list texts and messages. Without one they come in all languages at once.
    pub language: String,
    /// Who we say we are.
    pub user_agent: String,
    /// How patient the client is.
    pub limits: Limits,
    /// Where access tokens are shared with other processes.
    pub shared: Option<Arc<dyn Shared>>,
}

impl Config {
    /// A configuration with everything else as is usual.
    pub fn new(
        login_url: Url,
        context: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: SecretString,
        credentials: Credentials,
    ) -> Self {
        Self {
            login_url,
            context: context.into(),
            client_id: client_id.into(),
            client_secret,
            credentials,
            redirect_uri: None,
            allowed_hosts: Vec::new(),
            language: "en".to_owned(),
            user_agent: concat!("superoffice-rs/", env!("CARGO_PKG_VERSION")).to_owned(),
            limits: Limits::default(),
            shared: None,
        }
    }

    /// Whether an address may see the access token: SuperOffice's own hosts by https, the log-in host, and what the
    /// configuration allows besides. The port does not matter, the scheme does.
    pub(super) fn trusts(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let known = self.login_url.host_str() == Some(host)
            || self.allowed_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(host));
        let theirs = host.ends_with(".superoffice.com");
        (theirs && url.scheme() == "https")
            || (known && (url.scheme() == "https" || url.scheme() == self.login_url.scheme()))
    }
}

/// As whom a client signs in. The app's own secret is beside it, in [`Config`].
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Nobody has signed in yet; [`super::Client::sign_in_with`] gives the credentials later.
    Missing,
    /// The user whose approval gave this refresh token.
    RefreshToken(SecretString),
    /// The tenant's system user: what an administrator's approval gave, and the app's private key.
    SystemUser {
        /// `App Name-pzqc70604i`: constant for a tenant and an app until it is revoked.
        system_token: SecretString,
        /// Signs the system token.
        private_key: PrivateKey,
    },
}

impl From<SecretString> for Credentials {
    fn from(refresh_token: SecretString) -> Self {
        Self::RefreshToken(refresh_token)
    }
}

impl From<&str> for Credentials {
    fn from(refresh_token: &str) -> Self {
        Self::RefreshToken(refresh_token.into())
    }
}

/// How patient a client is, with itself and with SuperOffice.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For a connection.
    pub connect_timeout: Duration,
    /// For the first byte of an answer.
    pub first_byte_timeout: Duration,
    /// For the whole of an exchange.
    pub total_timeout: Duration,
    /// The longest body that is read, after decompression.
    pub max_body: usize,
    /// How many calls may be under way at once.
    pub in_flight: usize,
    /// How many calls are begun in a second. SuperOffice publishes no limit; other clients keep to ten.
    pub per_second: Option<u32>,
    /// How often a read is tried.
    pub attempts: u32,
    /// The longest pause before the second attempt; it doubles with each.
    pub retry_base: Duration,
    /// The longest that a call waits by itself; beyond that the caller is told to.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(15),
            total_timeout: Duration::from_secs(30),
            max_body: 2 * 1024 * 1024,
            in_flight: 8,
            per_second: Some(10),
            attempts: 3,
            retry_base: Duration::from_millis(250),
            patience: Duration::from_secs(5),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusts(login: &str, url: &str) -> bool {
        let mut config = Config::new(login.parse().unwrap(), "Cust1", "id", "s".into(), "r".into());
        config.allowed_hosts = vec!["crm.example".to_owned()];
        config.trusts(&url.parse().unwrap())
    }

    #[test]
    fn only_superoffice_and_the_log_in_host_are_trusted_with_the_token() {
        let online = "https://online.superoffice.com/";
        assert!(trusts(online, "https://online3.superoffice.com/Cust1/api"));
        assert!(trusts(online, "https://app.superoffice.com:443/Cust1/api"));
        assert!(trusts(online, "https://crm.example/api"));
        assert!(!trusts(online, "http://online3.superoffice.com/Cust1/api"));
        assert!(!trusts(online, "http://crm.example/api"));
        assert!(!trusts(online, "https://superoffice.com.example/api"));
        assert!(!trusts(online, "https://notsuperoffice.com/api"));
        assert!(!trusts(online, "https://online.superoffice.com@evil.example/api"));
        assert!(!trusts(online, "http://127.0.0.1:8080/api"));
        assert!(trusts("http://127.0.0.1:9000/", "http://127.0.0.1:9001/Cust1/api"));
        assert!(!trusts("http://127.0.0.1:9000/", "http://localhost:9001/Cust1/api"));
    }
}
