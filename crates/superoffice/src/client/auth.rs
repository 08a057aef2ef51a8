//! The access token, or a system user's ticket: fetched by one caller for all, a token ahead of its end. SuperOffice does not
//! rotate refresh tokens; should an answer have a new one all the same, it is used and published, and the log says so. A
//! token that the API refuses is dropped by its generation, so that thirty refused calls lead to one refresh.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::warn;
use url::Url;

use super::Client;
use super::config::{Config, Credentials};
use super::shared::{Shared, SharedToken};
use super::transport::Answer;
use crate::api::error::{cut, full_message};
use crate::api::system_user::{AUTHENTICATE, Authenticate, Authenticated};
use crate::api::token::{TOKENS, TokenRequest, TokenResponse};
use crate::error::{Error, chain};
use crate::json;
use crate::private_key::PrivateKey;
use crate::secret::Secret;

/// A token that does not say how long it lives is taken to live as long as the shortest that the pages mention.
const UNKNOWN_LIFE: Duration = Duration::from_mins(20);
/// A token is renewed this long before its end, or after four fifths of a short life.
const AHEAD: Duration = Duration::from_mins(5);
/// After a renewal ahead of time has failed, the next one waits this long; the token is still good.
const PAUSE: Duration = Duration::from_secs(30);

/// Whoever waits for another process's token waits no longer than this, and fetches one of its own then.
const SHARING: Duration = Duration::from_secs(15);
/// How soon it looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long a system user's ticket lives since its last use (docs.superoffice.com, "Credential management").
const TICKET_LIFE: Duration = Duration::from_hours(6);

fn refresh_token(credentials: &Credentials) -> SecretString {
    match credentials {
        Credentials::RefreshToken(token) => token.clone(),
        Credentials::Missing | Credentials::SystemUser { .. } => SecretString::default(),
    }
}

pub(super) struct Auth {
    endpoint: Url,
    client_id: String,
    client_secret: SecretString,
    redirect_uri: Option<String>,
    /// Empty when we sign in otherwise.
    refresh_token: watch::Sender<SecretString>,
    credentials: Mutex<Credentials>,
    context: String,
    system_user: Url,
    state: Mutex<State>,
    /// Where processes that sign in alike share a token.
    shared: Option<Arc<dyn Shared>>,
    /// Held by the one who refreshes.
    flight: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// How often a refresh was tried. Who waited for one that failed need not try again himself.
    attempts: u64,
    failure: Option<Failure>,
    generation: u64,
    /// The last token there was: one that is shared is of use only if it is another one.
    last: Option<SecretString>,
    /// The token that was refused with 403 right after a refresh: it is good, the refusal was about rights.
    trusted: Option<u64>,
}

#[derive(Clone)]
pub(super) struct Token {
    /// The whole header: `Bearer …`, or `SOTicket …`.
    pub(super) authorization: SecretString,
    /// Goes with a ticket.
    pub(super) app_secret: Option<SecretString>,
    pub(super) generation: u64,
    /// Whether each use begins its life anew.
    slides: bool,
    renew_at: Instant,
    ends_at: Instant,
}

#[derive(Clone)]
enum Failure {
    Withdrawn(String),
    Passing(String),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Withdrawn(message) => Self::AccessWithdrawn(message),
            Failure::Passing(message) => Self::Unreachable { arrived: false, source: message.into() },
        }
    }
}

impl Auth {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let endpoint = config.login_url.join(TOKENS).map_err(|error| Error::Setup(error.to_string()))?;
        Ok(Self {
            endpoint,
            client_id: config.client_id.clone(),
            client_secret: config.client_secret.clone(),
            redirect_uri: config.redirect_uri.clone(),
            refresh_token: watch::Sender::new(refresh_token(&config.credentials)),
            credentials: Mutex::new(config.credentials.clone()),
            context: config.context.clone(),
            system_user: config
                .login_url
                .join(AUTHENTICATE)
                .map_err(|error| Error::Setup(error.to_string()))?,
            state: Mutex::default(),
            shared: config.shared.clone(),
            flight: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn refresh_token(&self) -> watch::Receiver<SecretString> {
        self.refresh_token.subscribe()
    }

    /// A token that is good now.
    ///
    /// # Errors
    ///
    /// [`Error::AccessWithdrawn`] when the log-in host refuses the refresh token. Whoever waited for that answer gets
    /// it too, without asking again; whoever comes later asks again.
    pub(super) async fn token(&self, client: &Client) -> Result<Token, Error> {
        let now = Instant::now();
        let (known, seen) = {
            let mut state = self.lock();
            if let Some(ticket) = state.token.as_mut().filter(|token| token.slides && now < token.ends_at) {
                ticket.ends_at = now + TICKET_LIFE;
                ticket.renew_at = ticket.ends_at;
            }
            (state.token.clone().filter(|token| now < token.ends_at), state.attempts)
        };
        if let Some(token) = known {
            return Ok(if now < token.renew_at { token } else { self.renew_ahead(client, token).await });
        }

        let _flight = self.flight.lock().await;
        {
            let state = self.lock();
            if let Some(token) = state.token.clone().filter(|token| Instant::now() < token.ends_at) {
                return Ok(token);
            }
            if let (true, Some(failure)) = (state.attempts != seen, state.failure.clone()) {
                return Err(failure.into());
            }
        }
        self.renew(client).await.map_err(Error::from)
    }

    /// Drops the token of this generation; a newer one stays.
    pub(super) fn reject(&self, generation: u64) {
        let mut state = self.lock();
        if state.token.as_ref().is_some_and(|token| token.generation == generation) {
            state.token = None;
        }
    }

    /// Whether a 403 may be the token's fault: unless this very token is known to be good.
    pub(super) fn doubts(&self, generation: u64) -> bool {
        self.lock().trusted != Some(generation)
    }

    /// Notes that the token of this generation is good whatever a 403 says.
    pub(super) fn trust(&self, generation: u64) {
        self.lock().trusted = Some(generation);
    }

    /// Renews a token that is still good. One caller does it; the others go on with the old one, and so does he when
    /// it fails.
    async fn renew_ahead(&self, client: &Client, old: Token) -> Token {
        let Ok(_flight) = self.flight.try_lock() else { return old };
        match self.renew(client).await {
            Ok(token) => token,
            Err(Failure::Withdrawn(message) | Failure::Passing(message)) => {
                warn!("could not renew the access token ahead of time: {message}");
                if let Some(token) = &mut self.lock().token {
                    token.renew_at = (Instant::now() + PAUSE).min(token.ends_at);
                }
                old
            }
        }
    }

    async fn renew(&self, client: &Client) -> Result<Token, Failure> {
        let outcome = self.ask(client).await;
        let mut state = self.lock();
        state.attempts += 1;
        match outcome {
            Ok((mut token, refresh_token)) => {
                state.failure = None;
                state.generation += 1;
                token.generation = state.generation;
                state.last = Some(token.authorization.clone());
                state.token = Some(token.clone());
                drop(state);
                self.keep(refresh_token);
                Ok(token)
            }
            Err(failure) => {
                state.failure = Some(failure.clone());
                Err(failure)
            }
        }
    }

    /// A new token by the credentials that we have, and a new refresh token, should there be one.
    async fn ask(&self, client: &Client) -> Result<(Token, Option<Secret>), Failure> {
        let credentials = self.credentials.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match credentials {
            Credentials::Missing => Err(Failure::Withdrawn("nobody has signed in yet".to_owned())),
            Credentials::RefreshToken(_) => self.shared_or_refreshed(client).await,
            Credentials::SystemUser { system_token, private_key } => {
                let ticket = self.exchange(client, &system_token, &private_key).await?;
                Ok((Token::ticket(&ticket, self.client_secret.clone()), None))
            }
        }
    }

    /// The token that another process has fetched meanwhile, or one that is fetched for all.
    async fn shared_or_refreshed(&self, client: &Client) -> Result<(Token, Option<Secret>), Failure> {
        let Some(shared) = &self.shared else {
            let answer = self.refresh(client).await?;
            return Ok((Token::bearer(&answer), answer.refresh_token));
        };
        let refresh_token = self.refresh_token.borrow().clone();
        if let Some(token) = self.wait_for_shared(&**shared, &refresh_token).await {
            return Ok((token, None));
        }
        let answer = self.refresh(client).await;
        let token = answer.as_ref().ok().map(Token::bearer);
        let left = token.as_ref().zip(answer.as_ref().ok()).map(|(token, answer)| SharedToken {
            token: SecretString::from(answer.access_token.expose()),
            life: token.ends_at.saturating_duration_since(Instant::now()),
        });
        shared.put(&refresh_token, left).await;
        let answer = answer?;
        Ok((Token::bearer(&answer), answer.refresh_token))
    }

    /// Waits until another process has a token for us, or until it is for us to fetch one.
    async fn wait_for_shared(&self, shared: &dyn Shared, refresh_token: &SecretString) -> Option<Token> {
        let last = self.lock().last.clone();
        let began = Instant::now();
        loop {
            if let Some(found) = shared.get(refresh_token).await {
                let token = Token::shared(&found);
                let is_new = last
                    .as_ref()
                    .is_none_or(|last| last.expose_secret() != token.authorization.expose_secret());
                if is_new && Instant::now() < token.ends_at {
                    return Some(token);
                }
            }
            if began.elapsed() > SHARING || shared.claim().await {
                return None;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Exchanges the signed system token for a ticket.
    async fn exchange(
        &self,
        client: &Client,
        system_token: &SecretString,
        private_key: &PrivateKey,
    ) -> Result<SecretString, Failure> {
        let signed = private_key.signed_system_token(system_token.expose_secret(), super::keys::now());
        let signed = signed.map_err(|error| Failure::Passing(error.to_string()))?;
        // The signed token first, since it begins with the plain one.
        let sent = [signed.expose(), system_token.expose_secret()];
        let body =
            Authenticate::new(signed.clone(), self.client_secret.expose_secret().into(), &self.context);
        let request = client.0.transport.plain(Method::POST, self.system_user.clone()).json(&body).build();
        let request = request.map_err(|error| Failure::Passing(error.without_url().to_string()))?;
        let answer = client.exchange(Method::POST, AUTHENTICATE, request).await;
        let answer = answer.map_err(|error| Failure::Passing(chain(&error)))?;
        if !answer.status.is_success() {
            return Err(self.refusal(&answer, &sent));
        }
        let result: Authenticated =
            json::record(&answer.body).map_err(|error| Failure::Passing(format!("no ticket: {error}")))?;
        let token = result.token.filter(|token| result.is_successful && !token.is_empty());
        let Some(token) = token else {
            let says = result.error_message.unwrap_or_else(|| "no message".to_owned());
            return Err(Failure::Withdrawn(cut(&self.without_secrets(&says, &sent))));
        };
        let claims = client.0.keys.system_user(client, &token).await;
        let claims = claims.map_err(|error| Failure::Passing(chain(&error)))?;
        if claims.context.as_deref().is_some_and(|context| !context.eq_ignore_ascii_case(&self.context)) {
            return Err(Failure::Passing("the ticket is another tenant's".to_owned()));
        }
        let ticket = claims.ticket.ok_or_else(|| Failure::Passing("the token holds no ticket".to_owned()))?;
        Ok(SecretString::from(ticket.expose()))
    }

    /// Takes other credentials; the token of the former ones is dropped.
    pub(super) fn replace(&self, credentials: Credentials) {
        self.refresh_token.send_replace(refresh_token(&credentials));
        *self.credentials.lock().unwrap_or_else(PoisonError::into_inner) = credentials;
        self.lock().token = None;
    }

    async fn refresh(&self, client: &Client) -> Result<TokenResponse, Failure> {
        let secret = |text: &SecretString| Secret::new(text.expose_secret());
        let refresh_token = secret(&self.refresh_token.borrow());
        let mut form = TokenRequest::refresh(&self.client_id, secret(&self.client_secret), refresh_token);
        form.redirect_uri.clone_from(&self.redirect_uri);

        let request = client.0.transport.plain(Method::POST, self.endpoint.clone()).form(&form).build();
        let request = request.map_err(|error| Failure::Passing(error.without_url().to_string()))?;
        let answer = client.exchange(Method::POST, TOKENS, request).await;
        let answer = answer.map_err(|error| Failure::Passing(chain(&error)))?;

        if answer.status.is_success() {
            return json::record(&answer.body)
                .map_err(|error| Failure::Passing(format!("no token: {error}")));
        }
        Err(self.refusal(&answer, &[]))
    }

    /// What a refusal of a code means. Nothing that was sent is repeated.
    pub(super) fn refused_code(&self, answer: &Answer, sent: &[&str]) -> Error {
        self.refusal(answer, sent).into()
    }

    /// What a refusal of the log-in host means.
    fn refusal(&self, answer: &Answer, sent: &[&str]) -> Failure {
        let status = answer.status;
        let says = full_message(&answer.body).unwrap_or_else(|| "no message".to_owned());
        let says = format!("status {}: {}", status.as_u16(), cut(&self.without_secrets(&says, sent)));
        // The vendor does not document these answers; RFC 6749 uses 400 and 401.
        let refused =
            [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
        if refused { Failure::Withdrawn(says) } else { Failure::Passing(says) }
    }

    /// A refusal may repeat what it refuses: what we always have, and what was `sent` besides.
    fn without_secrets(&self, text: &str, sent: &[&str]) -> String {
        let refresh_token = self.refresh_token.borrow().clone();
        let secrets = [&refresh_token, &self.client_secret].map(ExposeSecret::expose_secret);
        let known = sent.iter().copied().chain(secrets).filter(|secret| !secret.is_empty());
        known.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }

    /// Keeps a new refresh token, if there is one, and tells whoever stores it.
    fn keep(&self, new: Option<Secret>) {
        let Some(new) = new.filter(|token| !token.is_empty()) else { return };
        let changed = self.refresh_token.send_if_modified(|current| {
            let changed = current.expose_secret() != new.expose();
            if changed {
                *current = SecretString::from(new.expose());
            }
            changed
        });
        if changed {
            warn!(
                "SuperOffice gave a new refresh token; it is in use now, and the former one may stop working"
            );
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Token {
    fn bearer(answer: &TokenResponse) -> Self {
        let life =
            answer.expires_in.and_then(|seconds| u64::try_from(seconds).ok()).filter(|&seconds| seconds > 0);
        let life = life.map_or(UNKNOWN_LIFE, |seconds| Duration::from_secs(seconds.min(24 * 3600)));
        let now = Instant::now();
        Self {
            authorization: format!("Bearer {}", answer.access_token.expose()).into(),
            app_secret: None,
            generation: 0,
            slides: false,
            renew_at: now + life - AHEAD.min(life / 5),
            ends_at: now + life,
        }
    }

    fn shared(found: &SharedToken) -> Self {
        let (life, now) = (found.life, Instant::now());
        Self {
            authorization: format!("Bearer {}", found.token.expose_secret()).into(),
            app_secret: None,
            generation: 0,
            slides: false,
            renew_at: now + life - AHEAD.min(life / 5),
            ends_at: now + life,
        }
    }

    fn ticket(ticket: &SecretString, app_secret: SecretString) -> Self {
        let ends_at = Instant::now() + TICKET_LIFE;
        Self {
            authorization: format!("SOTicket {}", ticket.expose_secret()).into(),
            app_secret: Some(app_secret),
            generation: 0,
            slides: true,
            renew_at: ends_at,
            ends_at,
        }
    }
}
