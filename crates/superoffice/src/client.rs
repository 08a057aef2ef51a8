//! The client: sends the requests of [`crate::api`] to one tenant. Where the tenant is, with which token, how often and
//! for how long is decided in the files below this one; here is the order of things. A write is sent once: only a
//! refusal that proves it was not done (401, 403, 421) lets it be sent again.

mod admin;
mod auth;
mod calls;
mod config;
mod counter;
mod keys;
mod limiter;
mod pace;
mod paging;
mod refusal;
mod retry;
mod shared;
mod sign_in;
mod tenant;
mod transport;

use std::sync::Arc;
use std::time::Instant;

use http::{Method, StatusCode};
use tracing::debug;

pub use admin::{InternalUser, Publishing, WebhookUsage};
pub use calls::{AssociateName, Associates, ContactName};
pub use config::{Config, Credentials, Limits};
pub use counter::CallCount;
pub(crate) use refusal::retry_after;
pub use shared::{Shared, SharedToken};
pub use sign_in::{SignIn, SignedIn};

use crate::api::Request;
use crate::api::state::StateChange;
use crate::error::{Error, RecordRef};
use auth::Auth;
use counter::Counter;
use keys::Keys;
use limiter::Limiter;
use retry::Retry;
use tenant::Tenant;
use transport::{Answer, Transport};

/// Whom a notification is about. An app gets those of all its tenants at one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// Our tenant.
    Us,
    /// Another tenant of the same app.
    AnotherTenant,
}

/// A client for one tenant. Clones share tokens, limits and counters.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    config: Config,
    transport: Transport,
    auth: Auth,
    keys: Keys,
    tenant: Tenant,
    limiter: Limiter,
    counter: Counter,
}

impl Client {
    /// Makes a client. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] when the configuration makes no sense.
    pub fn new(config: Config) -> Result<Self, Error> {
        let transport = Transport::new(&config)?;
        let auth = Auth::new(&config)?;
        let keys = Keys::new(&config)?;
        let tenant = Tenant::new(&config)?;
        let limiter = Limiter::new(&config.limits);
        Ok(Self(Arc::new(Inner {
            config,
            transport,
            auth,
            keys,
            tenant,
            limiter,
            counter: Counter::default(),
        })))
    }

    /// The refresh token in use; changes should the log-in host ever answer with a new one, which must then be kept.
    pub fn refresh_token(&self) -> tokio::sync::watch::Receiver<secrecy::SecretString> {
        self.0.auth.refresh_token()
    }

    /// Signs in with other credentials from the next call on: after a new approval, or when there were none before.
    pub fn sign_in_with(&self, credentials: Credentials) {
        self.0.auth.replace(credentials);
    }

    /// Forgets where the tenant is, so that the next call asks its state.
    pub fn forget_tenant(&self) {
        self.0.tenant.forget_all();
    }

    /// Verifies a notification that a tenant's state changes; when it is ours, its state is asked for by the next call.
    /// The host that it names is not believed: only the tenant's state says where the API is.
    ///
    /// # Errors
    ///
    /// [`Error::Untrusted`] when its token is not the log-in host's, not for this app, or for another tenant than it
    /// says; any other when the log-in host's keys cannot be had. What is known of the tenant is kept then.
    pub async fn accept_state_change(&self, change: &StateChange) -> Result<Concern, Error> {
        let claims = self.0.keys.notification(self, &change.token).await?;
        let said = &change.context_identifier;
        if claims.context.as_ref().is_some_and(|context| !context.eq_ignore_ascii_case(said)) {
            return Err(Error::Untrusted("its token is for another tenant than it says".to_owned()));
        }
        if !said.eq_ignore_ascii_case(&self.0.config.context) {
            return Ok(Concern::AnotherTenant);
        }
        self.forget_tenant();
        Ok(Concern::Us)
    }

    /// How many calls may be under way at once now, and at most: fewer while the tenant is slow or in trouble.
    pub fn in_flight(&self) -> (usize, usize) {
        self.0.limiter.in_flight()
    }

    /// The calls made so far, by method, route and status.
    pub fn calls(&self) -> Vec<CallCount> {
        self.0.counter.all()
    }

    /// The calls made so far, each kind with how long its calls took together.
    pub fn timed_calls(&self) -> Vec<(CallCount, std::time::Duration)> {
        self.0.counter.timed()
    }

    /// Sends a request and reads the body of a success. `record` is what a 404, 409 or 412 is about.
    ///
    /// Reads are tried again a few times when the failure is one that passes; writes never are.
    pub async fn send(&self, request: &Request, record: Option<RecordRef>) -> Result<Vec<u8>, Error> {
        let mut retry = Retry::new(&self.0.config.limits, request.reads);
        loop {
            let error = match self.attempt(request, record.as_ref()).await {
                Ok(answer) => return Ok(answer.body),
                Err(error) => error,
            };
            let Some(pause) = retry.pause(&error) else { return Err(error) };
            debug!(http.route = request.route, "try again in {} ms: {error}", pause.as_millis());
            tokio::time::sleep(pause).await;
        }
    }

    /// One attempt. Within it, a refused token is renewed once, and a moved tenant is looked for once.
    async fn attempt(&self, request: &Request, record: Option<&RecordRef>) -> Result<Answer, Error> {
        let inner = &*self.0;
        let (mut renewed, mut relocated) = (false, false);
        loop {
            let base = inner.tenant.base(self).await.map_err(before_sending)?;
            let token = inner.auth.token(self).await.map_err(before_sending)?;
            let outcome = {
                let turn = inner.limiter.turn().await?;
                let sent = inner.transport.request(&base.url, request, &token)?;
                let began = Instant::now();
                let outcome = self.exchange(request.method.clone(), request.route, sent).await;
                let call = (verb(&request.method), request.route, rows(request));
                inner.limiter.done(turn, call, began.elapsed(), in_trouble(&outcome));
                outcome
            };
            // A host that is gone, or out of service, may have handed the tenant on: the next attempt asks its state.
            let gone = match &outcome {
                Ok(answer) => answer.status == StatusCode::SERVICE_UNAVAILABLE,
                Err(error) => matches!(error, Error::Unreachable { arrived: false, .. }),
            };
            if gone {
                inner.tenant.forget(base.generation);
            }
            let answer = outcome?;
            match answer.status {
                StatusCode::UNAUTHORIZED if !renewed => inner.auth.reject(token.generation),
                StatusCode::FORBIDDEN if !renewed && inner.auth.doubts(token.generation) => {
                    inner.auth.reject(token.generation);
                }
                StatusCode::MISDIRECTED_REQUEST if !relocated => {
                    relocated = true;
                    inner.tenant.forget(base.generation);
                    continue;
                }
                status => {
                    if status == StatusCode::UNAUTHORIZED {
                        // What a tenant answers while it is out of service is not documented; its state will say.
                        inner.tenant.forget(base.generation);
                    }
                    if status == StatusCode::FORBIDDEN {
                        // A fresh token is refused too, so this is about rights; the next 403 need not renew it.
                        inner.auth.trust(token.generation);
                    }
                    let checked = refusal::check(answer, record);
                    if let Err(Error::Throttled { retry_after }) = &checked {
                        inner.limiter.pause(*retry_after);
                    }
                    return checked;
                }
            }
            renewed = true;
        }
    }

    /// Sends what is ready to be sent, and counts it.
    async fn exchange(
        &self,
        method: Method,
        route: &'static str,
        sent: reqwest::Request,
    ) -> Result<Answer, Error> {
        let started = Instant::now();
        let outcome = self.0.transport.exchange(sent).await;
        let status = outcome.as_ref().map_or(0, |answer| answer.status.as_u16());
        let took = started.elapsed();
        self.0.counter.add(&method, route, status, took);
        let duration_ms = took.as_millis();
        debug!(http.method = %method, http.route = route, http.status = status, duration_ms, "called SuperOffice");
        outcome
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Client").field("context", &self.0.config.context).finish_non_exhaustive()
    }
}

/// How many digits the number of rows has that a request asks for: a page of a list takes longer than its first row.
fn rows(request: &Request) -> usize {
    request.query.iter().find(|(name, _)| name == "$top").map_or(0, |(_, rows)| rows.len())
}

/// A method by a name that lasts.
fn verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// Whether an outcome tells that the tenant has too much to do.
fn in_trouble(outcome: &Result<Answer, Error>) -> bool {
    match outcome {
        Ok(answer) => answer.status == StatusCode::TOO_MANY_REQUESTS || answer.status.is_server_error(),
        Err(error) => matches!(error, Error::Unreachable { arrived: true, .. }),
    }
}

/// A failure before the request itself was sent: whatever it was, a write was not done.
fn before_sending(error: Error) -> Error {
    match error {
        Error::AccessWithdrawn(_)
        | Error::Offline { .. }
        | Error::Throttled { .. }
        | Error::ForeignHost(_)
        | Error::Untrusted(_)
        | Error::Setup(_)
        | Error::Unreachable { arrived: false, .. } => error,
        Error::Unreachable { source, .. } => Error::Unreachable { arrived: false, source },
        other => Error::Unreachable { arrived: false, source: Box::new(other) },
    }
}
