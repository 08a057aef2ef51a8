//! What the sign-in server knows: one application, its credentials, and the tokens that it issued.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::TICKET_LIFE;
use crate::clock;

/// Credentials and what was issued for them.
pub(crate) struct Access {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) refresh_token: String,
    pub(crate) system_token: String,
    pub(crate) redirect_uri: String,
    /// An access token that is good from the start.
    pub(crate) first_token: String,
    /// Whether the tenant lets the application in.
    pub(crate) consent: bool,
    pub(super) life: Duration,
    pub(super) tokens: HashMap<String, Timestamp>,
    pub(super) tickets: HashMap<String, Timestamp>,
    pub(super) codes: HashMap<String, Code>,
}

/// An authorization code that was not redeemed yet.
pub(super) struct Code {
    pub(super) issued: Timestamp,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<(String, String)>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("client_id", &self.client_id)
            .field("client_secret", &"***")
            .field("consent", &self.consent)
            .field("tokens", &self.tokens.len())
            .finish_non_exhaustive()
    }
}

impl Access {
    pub(crate) fn new(rng: &mut fastrand::Rng, context: &str, life: Duration) -> Self {
        let hex = |rng: &mut fastrand::Rng| format!("{:032x}", rng.u128(..));
        let mut access = Self {
            client_id: hex(rng),
            client_secret: hex(rng),
            refresh_token: noise(rng, 48),
            system_token: format!("Enrichment Demo-{}", &hex(rng)[..10]),
            redirect_uri: "http://127.0.0.1:8080/callback".to_owned(),
            first_token: String::new(),
            consent: true,
            life,
            tokens: HashMap::new(),
            tickets: HashMap::new(),
            codes: HashMap::new(),
        };
        access.first_token = access.issue(rng, context);
        access
    }

    pub(super) fn issue(&mut self, rng: &mut fastrand::Rng, context: &str) -> String {
        let token = format!("8A:{context}.{}", noise(rng, 64));
        let life = SignedDuration::try_from(self.life).unwrap_or(SignedDuration::from_hours(1));
        self.tokens.insert(token.clone(), clock::now() + life);
        token
    }

    /// Ends every access token and ticket; the refresh token stays good.
    pub(crate) fn end_tokens(&mut self) {
        self.tokens.clear();
        self.tickets.clear();
    }

    /// Whether the credentials of an API call are good. A ticket's six hours start again with each use.
    pub(crate) fn admits(&mut self, authorization: Option<&str>, app_token: Option<&str>) -> bool {
        let Some((scheme, credential)) = authorization.and_then(|header| header.split_once(' ')) else {
            return false;
        };
        let now = clock::now();
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => self.tokens.get(credential.trim()).is_some_and(|until| now < *until),
            "soticket" => {
                let app = app_token == Some(self.client_secret.as_str());
                let good = self.tickets.get(credential.trim()).is_some_and(|until| now < *until);
                if good && app {
                    self.tickets.insert(credential.trim().to_owned(), now + TICKET_LIFE);
                }
                good && app
            }
            _ => false,
        }
    }
}

/// Random bytes in base64.
pub(super) fn noise(rng: &mut fastrand::Rng, length: usize) -> String {
    let bytes: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
    STANDARD.encode(bytes)
}
