//! What the sign-in server knows: two applications, their credentials, and the tokens that it issued.
//!
//! The second application is there so that it can be seen what one does not see of the other.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};

use super::TICKET_LIFE;
use crate::clock;
use crate::world::seed::Setup;

/// Credentials and what was issued for them.
pub(crate) struct Access {
    /// The connector.
    pub(crate) own: Application,
    /// Somebody else's application.
    pub(crate) other: Application,
    pub(crate) system_token: String,
    pub(crate) redirect_uri: String,
    /// Whether the tenant lets the application in.
    pub(crate) consent: bool,
    pub(super) life: Duration,
    pub(super) tokens: HashMap<String, Grant>,
    pub(super) tickets: HashMap<String, Timestamp>,
    pub(super) codes: HashMap<String, Code>,
}

/// An application that tenants may let in.
#[derive(Clone)]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) refresh_token: String,
    /// An access token that is good from the start.
    pub(crate) first_token: String,
}

/// What an access token is good for.
pub(super) struct Grant {
    pub(super) until: Timestamp,
    pub(super) client_id: String,
}

/// An authorization code that was not redeemed yet.
pub(super) struct Code {
    pub(super) client_id: String,
    pub(super) issued: Timestamp,
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<(String, String)>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("client_id", &self.own.client_id)
            .field("client_secret", &"***")
            .field("consent", &self.consent)
            .field("tokens", &self.tokens.len())
            .finish_non_exhaustive()
    }
}

impl Access {
    pub(crate) fn new(rng: &mut fastrand::Rng, context: &str, setup: &Setup) -> Self {
        let hex = |rng: &mut fastrand::Rng| format!("{:032x}", rng.u128(..));
        let application = |rng: &mut fastrand::Rng| Application {
            client_id: hex(rng),
            client_secret: hex(rng),
            refresh_token: noise(rng, 48),
            first_token: String::new(),
        };
        // Dice of its own, so that the first application's chances do not depend on the second one.
        let mut dice = fastrand::Rng::with_seed(setup.seed.wrapping_add(0x5EED));
        let mut access = Self {
            own: application(rng),
            other: application(&mut dice),
            system_token: format!("Enrichment Demo-{}", &hex(rng)[..10]),
            redirect_uri: "http://127.0.0.1:8080/callback".to_owned(),
            consent: true,
            life: setup.token_life,
            tokens: HashMap::new(),
            tickets: HashMap::new(),
            codes: HashMap::new(),
        };
        let (own, other) = (access.own.client_id.clone(), access.other.client_id.clone());
        access.own.first_token = access.issue(rng, context, &own);
        access.other.first_token = access.issue(&mut dice, context, &other);
        access
    }

    /// An application by its id.
    pub(super) fn application(&self, client_id: &str) -> Option<&Application> {
        [&self.own, &self.other].into_iter().find(|application| application.client_id == client_id)
    }

    /// Gives an application the refresh token that it has now.
    pub(super) fn rotate(&mut self, changed: &Application) {
        let known =
            [&mut self.own, &mut self.other].into_iter().find(|known| known.client_id == changed.client_id);
        if let Some(known) = known {
            known.refresh_token.clone_from(&changed.refresh_token);
        }
    }

    pub(super) fn issue(&mut self, rng: &mut fastrand::Rng, context: &str, client_id: &str) -> String {
        let token = format!("8A:{context}.{}", noise(rng, 64));
        let life = SignedDuration::try_from(self.life).unwrap_or(SignedDuration::from_hours(1));
        let grant = Grant { until: clock::now() + life, client_id: client_id.to_owned() };
        self.tokens.insert(token.clone(), grant);
        token
    }

    /// Ends every access token and ticket; the refresh token stays good.
    pub(crate) fn end_tokens(&mut self) {
        self.tokens.clear();
        self.tickets.clear();
    }

    /// The application whose credentials an API call has, if they are good. A ticket's six hours start again with each use.
    pub(crate) fn admits(&mut self, authorization: Option<&str>, app_token: Option<&str>) -> Option<String> {
        let (scheme, credential) = authorization.and_then(|header| header.split_once(' '))?;
        let (now, credential) = (clock::now(), credential.trim());
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => {
                let grant = self.tokens.get(credential).filter(|grant| now < grant.until)?;
                Some(grant.client_id.clone())
            }
            "soticket" => {
                self.tickets.get(credential).filter(|until| now < **until)?;
                if app_token != Some(self.own.client_secret.as_str()) {
                    return None;
                }
                self.tickets.insert(credential.to_owned(), now + TICKET_LIFE);
                Some(self.own.client_id.clone())
            }
            _ => None,
        }
    }
}

/// Random bytes in base64.
pub(super) fn noise(rng: &mut fastrand::Rng, length: usize) -> String {
    let bytes: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
    STANDARD.encode(bytes)
}
