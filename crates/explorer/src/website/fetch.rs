//! Fetches one page behind the guard: bounded in time, in hops and in decoded bytes.
//!
//! Redirects are followed by hand, because each hop has to pass the guard. No proxy is used, since a proxy would
//! resolve names for us, past the guard.

use std::sync::{Arc, Once};
use std::time::Duration;

use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Client, Response};
use url::Url;

use super::guard::{Denied, Guard, Lasts};

/// More hops than this are a loop.
const MAX_HOPS: usize = 5;
/// A second try comes after this time.
const SECOND_TRY: Duration = Duration::from_millis(500);

/// Fetches pages.
pub(crate) struct Fetcher {
    client: Client,
    guard: Guard,
    page_timeout: Duration,
    max_bytes: usize,
}

/// One answer of a server, redirects not followed.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    /// Decoded, and cut off at the limit.
    pub(crate) body: Vec<u8>,
    /// Where a redirect leads.
    pub(crate) onward: Option<Url>,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FetchError {
    /// The guard forbids it.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Nothing came.
    #[error("{0}")]
    Unreachable(String),
    /// It did not come in time. Not worth a second try within the same visit.
    #[error("{0}")]
    TooSlow(String),
    /// Something came that is not a page.
    #[error("{0}")]
    NotAPage(String),
}

/// What a body must be to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// HTML or plain text.
    Page,
    /// Anything; servers send `robots.txt` under many names.
    Robots,
}

impl Fetcher {
    pub(crate) fn new(
        guard: Guard,
        user_agent: &str,
        page_timeout: Duration,
        max_bytes: usize,
    ) -> Result<Self, reqwest::Error> {
        install_crypto();
        let resolver = Arc::new(guard.clone());
        let builder = || {
            let mut headers = HeaderMap::new();
            headers
                .insert(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml,text/plain;q=0.5"));
            headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("de,en;q=0.8"));
            Client::builder()
                .user_agent(user_agent)
                .default_headers(headers)
                .dns_resolver(resolver.clone())
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .referer(false)
                .connect_timeout(page_timeout)
                .timeout(page_timeout)
                .pool_idle_timeout(Duration::from_secs(10))
        };
        // A machine without certificate authorities can still read what is not encrypted.
        let client = builder().build().or_else(|_| builder().tls_certs_only([]).build())?;
        Ok(Self { client, guard, page_timeout, max_bytes })
    }

    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Fetches `url`; once more after a moment if the server is out of order.
    pub(crate) async fn get(&self, url: &Url, wanted: Wanted) -> Result<Answer, FetchError> {
        match self.once(url, wanted).await {
            Ok(answer) if answer.status < 500 => Ok(answer),
            Err(FetchError::Denied(denied)) => Err(denied.into()),
            Err(FetchError::NotAPage(words)) => Err(FetchError::NotAPage(words)),
            Err(FetchError::TooSlow(words)) => Err(FetchError::TooSlow(words)),
            Ok(_) | Err(FetchError::Unreachable(_)) => {
                tokio::time::sleep(SECOND_TRY).await;
                self.once(url, wanted).await
            }
        }
    }

    /// Fetches `url` and follows its redirects, each judged by the guard.
    pub(crate) async fn follow(&self, url: &Url, wanted: Wanted) -> Result<Answer, FetchError> {
        let mut url = url.clone();
        for _ in 0..=MAX_HOPS {
            let answer = self.get(&url, wanted).await?;
            match answer.onward {
                None => return Ok(answer),
                Some(onward) => url = onward,
            }
        }
        Err(too_many_hops())
    }

    async fn once(&self, url: &Url, wanted: Wanted) -> Result<Answer, FetchError> {
        self.guard.check(url)?;
        match tokio::time::timeout(self.page_timeout, self.exchange(url, wanted)).await {
            Ok(result) => result,
            Err(_) => Err(self.too_slow(url)),
        }
    }

    async fn exchange(&self, url: &Url, wanted: Wanted) -> Result<Answer, FetchError> {
        let response =
            self.client.get(url.clone()).send().await.map_err(|error| self.explain(url, &error))?;
        let status = response.status().as_u16();
        let content_type = header(&response, CONTENT_TYPE);
        if response.status().is_redirection() {
            let onward = Some(onward(url, &header(&response, LOCATION))?);
            return Ok(Answer { status, content_type, body: Vec::new(), onward });
        }
        if !response.status().is_success() {
            return Ok(Answer { status, content_type, body: Vec::new(), onward: None });
        }
        if wanted == Wanted::Page && !is_page(&content_type) {
            let kind = if content_type.is_empty() { "of no named type" } else { content_type.as_str() };
            return Err(FetchError::NotAPage(format!("{} is not a page but {kind}", shown(url))));
        }
        let body = self.body(url, response).await?;
        Ok(Answer { status, content_type, body, onward: None })
    }

    /// Reads the body up to the limit, counted after unpacking.
    async fn body(&self, url: &Url, mut response: Response) -> Result<Vec<u8>, FetchError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.explain(url, &error))? {
            let room = self.max_bytes - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        Ok(body)
    }

    fn explain(&self, url: &Url, error: &reqwest::Error) -> FetchError {
        match denial(error) {
            // A name service may be out of order, or a name be moved.
            Some(Denied(words, Lasts::ForNow)) => return FetchError::Unreachable(words),
            Some(denied) => return FetchError::Denied(denied),
            None => {}
        }
        if error.is_timeout() {
            return self.too_slow(url);
        }
        let words = if error.is_connect() {
            format!("{} does not answer", shown(url))
        } else {
            format!("the connection to {} broke off", shown(url))
        };
        FetchError::Unreachable(words)
    }

    fn too_slow(&self, url: &Url) -> FetchError {
        let seconds = self.page_timeout.as_secs_f32();
        FetchError::TooSlow(format!("{} did not answer within {seconds} s", shown(url)))
    }
}

pub(crate) fn too_many_hops() -> FetchError {
    FetchError::Unreachable(format!("more than {MAX_HOPS} redirects"))
}

pub(crate) const HOPS: usize = MAX_HOPS;

/// Where a redirect leads. Never from an encrypted page to one that is not.
fn onward(from: &Url, location: &str) -> Result<Url, FetchError> {
    let nowhere = || FetchError::NotAPage(format!("{} redirects to nowhere", shown(from)));
    if location.is_empty() {
        return Err(nowhere());
    }
    let to = from.join(location).map_err(|_| nowhere())?;
    if from.scheme() == "https" && to.scheme() == "http" {
        let words = format!("{} redirects from https to http", shown(from));
        return Err(Denied(words, Lasts::Always).into());
    }
    Ok(to)
}

fn is_page(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    matches!(kind.as_str(), "text/html" | "application/xhtml+xml" | "text/plain")
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> String {
    let value = response.headers().get(name).map(HeaderValue::as_bytes).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

/// The guard's word, if it stands behind an error of the client.
fn denial(error: &reqwest::Error) -> Option<Denied> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(denied) = error.downcast_ref::<Denied>() {
            return Some(denied.clone());
        }
        cause = error.source();
    }
    None
}

/// A URL as it is named to people: without query, which may hold anything.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

/// The client is built without a provider of its own; whoever comes first installs the one that all share.
fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It fails only when somebody else was first, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
