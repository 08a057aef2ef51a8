//! Where the tenant is. Only its state says so (docs.superoffice.com, "Check tenant status"): tenants are moved between
//! hosts, and a host that no longer has the tenant answers 421. The address is kept until the state says to ask again.
//! One caller asks for all, and whoever waited for a failure shares it: a log-in host that stays silent must not be
//! waited for by one after another.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode, header};
use tokio::time::Instant;
use url::Url;

use super::Client;
use super::config::Config;
use super::refusal::{check, http_date};
use super::transport::Answer;
use crate::api::state::{self, STATE, TenantState, TenantStatus};
use crate::error::{Error, chain};
use crate::json;

/// How long an address is kept when the state does not say.
const USUAL: Duration = Duration::from_mins(5);
/// It is kept no shorter than this, so that a state which is always out of date is not asked before each call,
const SHORTEST: Duration = Duration::from_secs(5);
/// and no longer than this.
const LONGEST: Duration = Duration::from_hours(24);
/// A tenant that is offline is asked for no sooner than this,
const SOONEST: Duration = Duration::from_secs(1);
/// and no later than this, whatever its state says: nobody may tell us that it is back.
const LATEST: Duration = Duration::from_mins(10);

pub(super) struct Tenant {
    address: Url,
    known: Mutex<Known>,
    /// Held by the one who asks.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    base: Option<(Base, Instant)>,
    generation: u64,
    /// How often whatever is known was dropped. An answer to a question from before then is not kept.
    forgotten: u64,
    /// How often it was asked for. Who waited for an answer that was a failure need not ask himself.
    attempts: u64,
    failure: Option<Failure>,
}

/// What a failure is to those who waited for it.
#[derive(Clone)]
enum Failure {
    Offline(TenantState, Duration),
    ForeignHost(String),
    Throttled(Duration),
    Setup(String),
    Passing(String),
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::Offline { state, again } => Self::Offline(state.clone(), *again),
            Error::ForeignHost(host) => Self::ForeignHost(host.clone()),
            Error::Throttled { retry_after } => Self::Throttled(*retry_after),
            Error::Setup(message) => Self::Setup(message.clone()),
            other => Self::Passing(chain(other)),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Offline(state, again) => Self::Offline { state, again },
            Failure::ForeignHost(host) => Self::ForeignHost(host),
            Failure::Throttled(retry_after) => Self::Throttled { retry_after },
            Failure::Setup(message) => Self::Setup(message),
            Failure::Passing(message) => Self::Unreachable { arrived: false, source: message.into() },
        }
    }
}

/// The address that requests are made below, ending in a slash.
#[derive(Debug, Clone)]
pub(super) struct Base {
    pub(super) url: Url,
    pub(super) generation: u64,
}

impl Known {
    fn fresh(&self) -> Option<Base> {
        self.base.as_ref().filter(|(_, until)| Instant::now() < *until).map(|(base, _)| base.clone())
    }
}

impl Tenant {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let path = state::read(&config.context).path;
        let address = config.login_url.join(&path).map_err(|error| Error::Setup(error.to_string()))?;
        Ok(Self { address, known: Mutex::default(), flight: tokio::sync::Mutex::default() })
    }

    /// The address of the tenant's API.
    ///
    /// # Errors
    ///
    /// [`Error::Offline`] when the state says that the API cannot be used, [`Error::ForeignHost`] when it names an
    /// address that is not to be trusted. Whoever waited for that answer gets it too; whoever comes later asks again.
    pub(super) async fn base(&self, client: &Client) -> Result<Base, Error> {
        let seen = {
            let known = self.lock();
            if let Some(base) = known.fresh() {
                return Ok(base);
            }
            known.attempts
        };
        let _flight = self.flight.lock().await;
        let forgotten = {
            let known = self.lock();
            if let Some(base) = known.fresh() {
                return Ok(base);
            }
            if let (true, Some(failure)) = (known.attempts != seen, known.failure.clone()) {
                return Err(failure.into());
            }
            known.forgotten
        };

        let outcome = self.find(client).await;
        let mut known = self.lock();
        known.attempts += 1;
        known.failure = outcome.as_ref().err().map(Failure::from);
        let (url, keep) = outcome?;
        known.generation += 1;
        let base = Base { url, generation: known.generation };
        if known.forgotten == forgotten {
            known.base = Some((base.clone(), Instant::now() + keep));
        }
        Ok(base)
    }

    /// Asks where the tenant is, and how long that is good for.
    async fn find(&self, client: &Client) -> Result<(Url, Duration), Error> {
        let (status, good) = self.ask(client).await?;
        // A state that is yet to be invented is judged by the flag beside it.
        let invented = matches!(status.state, TenantState::Other(_)) && status.is_running;
        if !status.state.api_usable() && !invented {
            return Err(Error::Offline { state: status.state, again: good.clamp(SOONEST, LATEST) });
        }
        let url = address(&status.api)?;
        if !client.0.config.trusts(&url) {
            return Err(Error::ForeignHost(url.host_str().unwrap_or("an address without a host").to_owned()));
        }
        Ok((url, good.clamp(SHORTEST, LONGEST)))
    }

    /// Drops the address of this generation; a newer one stays.
    pub(super) fn forget(&self, generation: u64) {
        let mut known = self.lock();
        if known.base.as_ref().is_some_and(|(base, _)| base.generation == generation) {
            known.base = None;
        }
    }

    /// Drops whatever address is known.
    pub(super) fn forget_all(&self) {
        let mut known = self.lock();
        known.base = None;
        known.forgotten += 1;
    }

    /// The tenant's state, and how long it is good for. It is asked without a token.
    pub(super) async fn ask(&self, client: &Client) -> Result<(TenantStatus, Duration), Error> {
        let request = client.0.transport.plain(Method::GET, self.address.clone()).build();
        let request = request.map_err(|error| Error::Setup(error.without_url().to_string()))?;
        let answer = client.exchange(Method::GET, STATE, request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            // What an unknown tenant's state answers is not documented; there is a state by that name.
            return Err(Error::Offline { state: TenantState::Unknown, again: USUAL });
        }
        let answer = check(answer, None)?;
        let status: TenantStatus = json::record(&answer.body)?;
        let good = good_for(&status, &answer);
        Ok((status, good))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long the state is good for, by the server's own clock.
fn good_for(status: &TenantStatus, answer: &Answer) -> Duration {
    let now = answer.headers.get(header::DATE).and_then(|date| http_date(date.to_str().ok()?));
    let (Some(until), Some(now)) = (status.valid_until, now) else { return USUAL };
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}

fn address(api: &str) -> Result<Url, Error> {
    let text = format!("{}/", api.trim().trim_end_matches('/'));
    text.parse().map_err(|_| Error::Malformed("the tenant's state names no address of its API".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_go_below_the_address_with_or_without_its_slash() {
        for api in ["https://sod2.superoffice.com:443/Cust1/api", "https://sod2.superoffice.com/Cust1/api/"] {
            let base = address(api).unwrap();
            assert_eq!(
                base.join("v1/Contact/18").unwrap().as_str(),
                "https://sod2.superoffice.com/Cust1/api/v1/Contact/18"
            );
        }
        assert!(address("").is_err());
    }

    #[test]
    fn a_state_is_good_by_the_servers_clock() {
        let at = |until: &str| {
            let status = TenantStatus { valid_until: until.parse().ok(), ..TenantStatus::default() };
            let date = "Wed, 25 Feb 2026 08:00:00 GMT".parse().unwrap();
            let headers = http::HeaderMap::from_iter([(header::DATE, date)]);
            good_for(&status, &Answer { status: StatusCode::OK, headers, body: Vec::new() }).as_secs()
        };
        assert_eq!(at("2026-02-25T08:10:00Z"), 600);
        assert_eq!(at("2026-02-25T07:00:00Z"), 0);
        assert_eq!(at("never"), 300);
    }
}
