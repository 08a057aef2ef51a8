//! One exchange over HTTP: bounded in time and in length, never redirected, never through a proxy. Certificates are
//! checked by the platform's own verifier, which is what reqwest does unless told otherwise.

use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::ExposeSecret;
use tokio::time::timeout;
use url::Url;

use super::auth::Token;
use super::config::{Config, Limits};
use crate::api::Request;
use crate::error::{BoxError, Error};

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct Transport {
    http: reqwest::Client,
    limits: Limits,
}

impl Transport {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        // The first crate to install a provider wins; that another one did is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .connect_timeout(config.limits.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .default_headers(headers(config)?)
            .user_agent(config.user_agent.as_str())
            .build()
            .map_err(|error| Error::Setup(error.to_string()))?;
        Ok(Self { http, limits: config.limits.clone() })
    }

    /// A request below the tenant's API address, with the token.
    pub(super) fn request(
        &self,
        base: &Url,
        request: &Request,
        token: &Token,
    ) -> Result<reqwest::Request, Error> {
        let url = address(base, request)?;
        let mut bearer = HeaderValue::try_from(token.authorization.expose_secret()).map_err(|_| {
            Error::Malformed("the access token has letters that a header cannot hold".to_owned())
        })?;
        bearer.set_sensitive(true);
        let mut builder = self.http.request(request.method.clone(), url).header(AUTHORIZATION, bearer);
        if let Some(app_token) = &token.app_secret {
            let mut app_token = HeaderValue::try_from(app_token.expose_secret()).map_err(|_| {
                Error::Setup("the client secret has letters that a header cannot hold".to_owned())
            })?;
            app_token.set_sensitive(true);
            builder = builder.header("so-apptoken", app_token);
        }
        if let Some(body) = &request.body {
            builder = builder.header(CONTENT_TYPE, request.content_type).body(body.clone());
        }
        builder.build().map_err(|error| Error::Setup(error.without_url().to_string()))
    }

    /// A request to the log-in host, without a token.
    pub(super) fn plain(&self, method: http::Method, url: Url) -> reqwest::RequestBuilder {
        self.http.request(method, url)
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn exchange(&self, request: reqwest::Request) -> Result<Answer, Error> {
        let total = self.limits.total_timeout;
        timeout(total, self.exchange_unbounded(request))
            .await
            .unwrap_or_else(|_| Err(too_slow("whole answer", total)))
    }

    async fn exchange_unbounded(&self, request: reqwest::Request) -> Result<Answer, Error> {
        let first = self.limits.first_byte_timeout;
        let sent =
            timeout(first, self.http.execute(request)).await.map_err(|_| too_slow("first byte", first))?;
        let mut response = sent.map_err(unreachable)?;

        let limit = self.limits.max_body;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > limit {
                return Err(Error::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
    }
}

/// The headers of every request. The time zone makes dates come in UTC with their offset; the language makes list
/// texts come in one language (docs.superoffice.com, "HTTP headers").
fn headers(config: &Config) -> Result<HeaderMap, Error> {
    let language = HeaderValue::from_str(&config.language)
        .map_err(|_| Error::Setup("the language has letters that a header cannot hold".to_owned()))?;
    Ok(HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/json")),
        (HeaderName::from_static("so-language"), language),
        (HeaderName::from_static("so-timezone"), HeaderValue::from_static("UTC, includeTZOffset")),
    ]))
}

fn address(base: &Url, request: &Request) -> Result<Url, Error> {
    let mut url = base.join(&request.path).map_err(|error| Error::Setup(error.to_string()))?;
    if !request.query.is_empty() {
        url.query_pairs_mut().extend_pairs(&request.query);
        // A plus is a space in forms only; `%20` is one everywhere.
        let query = url.query().unwrap_or_default().replace('+', "%20");
        url.set_query(Some(&query));
    }
    Ok(url)
}

fn unreachable(error: reqwest::Error) -> Error {
    // Without a connection nothing was sent. The address stays out of the message: a filter may hold a name.
    Error::Unreachable { arrived: !error.is_connect(), source: Box::new(error.without_url()) }
}

fn too_slow(what: &str, limit: Duration) -> Error {
    let source: BoxError = format!("no {what} within {} s", limit.as_secs_f32()).into();
    Error::Unreachable { arrived: true, source }
}
