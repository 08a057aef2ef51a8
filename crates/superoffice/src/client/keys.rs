//! The log-in host's keys and its name for itself. Kept for a day; a token of an unknown key makes us look again, but at
//! most every 30 seconds, so that nobody can make us ask for each token that he sends. Whom a token is for is decided
//! here too (docs.superoffice.com, "Validate security tokens").

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::Client;
use super::config::Config;
use super::refusal::check;
use crate::error::Error;
use crate::json;
use crate::jwt::{Claims, Fault, Key, SYSTEM_ISSUER, verify};
use crate::secret::Secret;

const DISCOVERY: &str = "login/.well-known/openid-configuration";
const JWKS: &str = "login/.well-known/jwks";
/// How long keys are good.
const KEPT: Duration = Duration::from_hours(24);
/// How soon they may be asked for again,
const AGAIN: Duration = Duration::from_secs(30);
/// and how soon when there are none, because the log-in host did not tell them.
const SOON: Duration = Duration::from_secs(1);

pub(super) struct Keys {
    discovery: Url,
    known: Mutex<Option<Known>>,
    /// When they were last asked for, whatever came of it.
    tried: Mutex<Option<Instant>>,
    /// Held by the one who asks.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Known {
    issuer: String,
    keys: Vec<Key>,
    asked: Instant,
}

/// The time by which tokens are signed and judged.
#[expect(clippy::disallowed_methods, reason = "the client's one look at the clock of the day")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

impl Keys {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let discovery = config.login_url.join(DISCOVERY).map_err(|error| Error::Setup(error.to_string()))?;
        Ok(Self {
            discovery,
            known: Mutex::default(),
            tried: Mutex::default(),
            flight: tokio::sync::Mutex::default(),
        })
    }

    /// The claims of an id token, made by this log-in host for this app.
    pub(super) async fn id_token(&self, client: &Client, token: &Secret) -> Result<Claims, Error> {
        let (claims, issuer) = self.verified(client, token).await?;
        issued_by(&[&issuer], &claims)?;
        accept(is_for_app(&claims, client), claims)
    }

    /// The claims of a token for a system user.
    pub(super) async fn system_user(&self, client: &Client, token: &Secret) -> Result<Claims, Error> {
        let (claims, _) = self.verified(client, token).await?;
        issued_by(&[SYSTEM_ISSUER], &claims)?;
        accept(is_spn_of_app(&claims, client) || is_spn_of_tenant(&claims, client), claims)
    }

    /// The claims of the token in a notification. The vendor's pages name either issuer, and no audience. Notifications
    /// about any tenant of this app are for it, so the tenant is left to the caller.
    pub(super) async fn notification(&self, client: &Client, token: &Secret) -> Result<Claims, Error> {
        let (claims, issuer) = self.verified(client, token).await?;
        issued_by(&[&issuer, SYSTEM_ISSUER], &claims)?;
        let ours = is_for_app(&claims, client) || is_spn_of_app(&claims, client);
        accept(ours || is_spn_of_tenant(&claims, client), claims)
    }

    async fn verified(&self, client: &Client, token: &Secret) -> Result<(Claims, String), Error> {
        let known = self.known(client, None).await?;
        match verify(token.expose(), &known.keys, now()) {
            Ok(claims) => return Ok((claims, known.issuer)),
            Err(Fault::Bad(why)) => return Err(Error::Untrusted(why.to_owned())),
            Err(Fault::UnknownKey) => {}
        }
        let known = self.known(client, Some(known.asked)).await?;
        match verify(token.expose(), &known.keys, now()) {
            Ok(claims) => Ok((claims, known.issuer)),
            Err(Fault::Bad(why)) => Err(Error::Untrusted(why.to_owned())),
            Err(Fault::UnknownKey) => Err(Error::Untrusted("no key of the log-in host signed it".to_owned())),
        }
    }

    /// What is known; newer than `stale`, if that is old enough to be asked for again.
    async fn known(&self, client: &Client, stale: Option<Instant>) -> Result<Known, Error> {
        let _flight = self.flight.lock().await;
        let (known, tried, now) = (self.lock().clone(), *self.lock_tried(), Instant::now());
        let within = |pause: Duration| tried.is_some_and(|tried| now < tried + pause);
        match known {
            Some(known) if now < known.asked + KEPT => {
                let is_doubted = stale == Some(known.asked);
                if !is_doubted || within(AGAIN) {
                    return Ok(known);
                }
            }
            Some(_) | None if within(SOON) => {
                let source = "the log-in host did not tell its keys a moment ago".into();
                return Err(Error::Unreachable { arrived: false, source });
            }
            Some(_) | None => {}
        }
        let asked = self.ask(client).await;
        // From its end: a log-in host that stays silent must not be waited for by one after another.
        *self.lock_tried() = Some(Instant::now());
        let known = asked?;
        *self.lock() = Some(known.clone());
        Ok(known)
    }

    async fn ask(&self, client: &Client) -> Result<Known, Error> {
        let discovery = get(client, DISCOVERY, self.discovery.clone()).await?;
        let discovery = json::object(&discovery)?;
        let text = |name: &str| json::get(&discovery, name).and_then(Value::as_str);
        let (Some(issuer), Some(jwks)) = (text("issuer"), text("jwks_uri")) else {
            return Err(Error::Malformed("the log-in host does not name its keys".to_owned()));
        };
        let jwks: Url =
            jwks.parse().map_err(|_| Error::Malformed("the address of the keys is none".to_owned()))?;
        if !client.0.config.trusts(&jwks) {
            return Err(Error::ForeignHost(jwks.host_str().unwrap_or_default().to_owned()));
        }
        let keys = Key::all(&get(client, JWKS, jwks).await?)?;
        Ok(Known { issuer: issuer.to_owned(), keys, asked: Instant::now() })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_tried(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn get(client: &Client, route: &'static str, url: Url) -> Result<Vec<u8>, Error> {
    let request = client.0.transport.plain(Method::GET, url).build();
    let request = request.map_err(|error| Error::Setup(error.without_url().to_string()))?;
    Ok(check(client.exchange(Method::GET, route, request).await?, None)?.body)
}

/// Whether a token is for this app, as id tokens are.
fn is_for_app(claims: &Claims, client: &Client) -> bool {
    claims.audience.contains(&client.0.config.client_id)
}

/// Whether a token is for this app, as those of connectors are.
fn is_spn_of_app(claims: &Claims, client: &Client) -> bool {
    spn(claims).any(|name| name == client.0.config.client_id)
}

/// Whether a token is for our tenant, as system users' tokens are. The audience is the tenant's serial number, which we
/// have from nowhere else: it counts because the same signature says that this serial number is our tenant's.
fn is_spn_of_tenant(claims: &Claims, client: &Client) -> bool {
    let (Some(serial), Some(context)) = (&claims.serial, &claims.context) else { return false };
    context.eq_ignore_ascii_case(&client.0.config.context) && spn(claims).any(|name| name == serial)
}

fn spn(claims: &Claims) -> impl Iterator<Item = &str> {
    claims.audience.iter().filter_map(|audience| audience.strip_prefix("spn:"))
}

fn issued_by(issuers: &[&str], claims: &Claims) -> Result<(), Error> {
    if issuers.contains(&claims.issuer.as_str()) {
        return Ok(());
    }
    Err(Error::Untrusted("another issuer than the log-in host made it".to_owned()))
}

fn accept(ours: bool, claims: Claims) -> Result<Claims, Error> {
    if ours {
        Ok(claims)
    } else {
        Err(Error::Untrusted("it is not meant for this app and tenant".to_owned()))
    }
}
