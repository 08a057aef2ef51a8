//! How commands look at a product: over the API of the one that runs, or else at its store directly.
//!
//! Both ways answer with the API's own JSON, so a command does not care.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::config::{Config, Database, Tenant};
use crate::failure::{Failure, Status};
use crate::wire;

/// How long an answer from the books may take.
const USUAL: Duration = Duration::from_secs(10);
/// How long it may take when SuperOffice is asked first.
const LONG: Duration = Duration::from_hours(1);

pub(crate) enum Remote {
    /// A product runs here.
    Running { client: reqwest::Client, base: String },
    /// None does; the store is ours.
    Store(Box<Router>),
}

impl Remote {
    /// Finds out which way leads to the product.
    pub(crate) async fn reach(config: &Config) -> Result<Self, Failure> {
        let base = format!("http://{}", config.listen);
        let client =
            reqwest::Client::builder().no_proxy().timeout(USUAL).build().map_err(anyhow::Error::from)?;
        if let Some(status) = status(&client, &base).await {
            is_ours(config, &status)?;
            return Ok(Self::Running { client, base });
        }
        let tenant = tenant(config)?;
        if config.database.file().is_some_and(|file| !file.exists()) {
            let words =
                format!("nothing listens on {}, and there is no database {}", config.listen, config.database);
            return Err(
                Failure::words(Status::Failed, words).help("start the service with: so-connector serve")
            );
        }
        let books = wire::open(config).await.map_err(|error| match config.database {
            Database::File(_) => Failure::from(error).help(
                "if the service runs: these commands talk to it at LISTEN, and need its dashboard role for that",
            ),
            Database::Server(_) => Failure::from(error).help("see what is wrong with: so-connector doctor"),
        })?;
        Ok(Self::Store(Box::new(wire::router_over(config, tenant, books).await?)))
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::GET, path).await
    }

    /// The same for what may take its time, such as reading the CRM.
    pub(crate) async fn get_patiently(&self, path: &str) -> Result<Value, Failure> {
        self.call_within(Method::GET, path, LONG).await
    }

    /// The same for what may take its time.
    pub(crate) async fn post_patiently(&self, path: &str) -> Result<Value, Failure> {
        self.call_within(Method::POST, path, LONG).await
    }

    pub(crate) async fn post(&self, path: &str) -> Result<Value, Failure> {
        self.call(Method::POST, path).await
    }

    async fn call(&self, method: Method, path: &str) -> Result<Value, Failure> {
        self.call_within(method, path, USUAL).await
    }

    async fn call_within(&self, method: Method, path: &str, limit: Duration) -> Result<Value, Failure> {
        let (status, body) = match self {
            Self::Running { client, base } => {
                let request =
                    client.request(method, format!("{base}{path}")).header("Origin", base).timeout(limit);
                let answer =
                    request.send().await.map_err(|error| anyhow::Error::from(error.without_url()))?;
                let status = answer.status();
                let body = answer.bytes().await.map_err(|error| anyhow::Error::from(error.without_url()))?;
                (status, body)
            }
            Self::Store(router) => {
                let request = Request::builder()
                    .method(method)
                    .uri(path)
                    .header("Host", "localhost")
                    .header("Origin", "http://localhost")
                    .body(Body::empty())
                    .map_err(anyhow::Error::from)?;
                let answer = match router.as_ref().clone().oneshot(request).await {
                    Ok(answer) => answer,
                    Err(never) => match never {},
                };
                let status = answer.status();
                let body = answer.into_body().collect().await.map_err(anyhow::Error::from)?.to_bytes();
                (status, body)
            }
        };
        let value = serde_json::from_slice(&body);
        match value {
            Ok(value) if status.is_success() => Ok(value),
            Err(_) if status.is_success() => Err(Failure::words(Status::Failed, "the answer is not JSON")),
            value => Err(refused(status, &value.unwrap_or(Value::Null))),
        }
    }
}

/// What answers at the address, if anything does.
pub(crate) async fn status(client: &reqwest::Client, base: &str) -> Option<Value> {
    let answer = client.get(format!("{base}/api/v1/status")).send().await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    Some(answer.json().await.unwrap_or(Value::Null))
}

/// Another program, or the service of another tenant, must not be taken for ours.
pub(crate) fn is_ours(config: &Config, status: &Value) -> Result<(), Failure> {
    let text = |key: &str| status.get(key).and_then(Value::as_str);
    let (Some(_), Some(tenant)) = (text("version"), text("tenant")) else {
        let words = format!("another program answers on {}", config.listen);
        return Err(Failure::words(Status::Failed, words).help("set LISTEN to the service's own address"));
    };
    match &config.tenant {
        Some(configured) if configured.context != tenant => {
            let words = format!(
                "the service on {} works for {tenant}, and {} is configured here",
                config.listen, configured.context
            );
            Err(Failure::words(Status::Failed, words).help("set LISTEN, or the tenant, in .env"))
        }
        Some(_) | None => Ok(()),
    }
}

fn refused(status: StatusCode, problem: &Value) -> Failure {
    let text = |key: &str| problem.get(key).and_then(Value::as_str).map(str::to_owned);
    let words =
        text("detail").or_else(|| text("title")).unwrap_or_else(|| format!("refused with status {status}"));
    let exit = match status {
        StatusCode::NOT_FOUND => Status::NotFound,
        StatusCode::CONFLICT => Status::Conflict,
        StatusCode::BAD_REQUEST => Status::Usage,
        _ => Status::Failed,
    };
    Failure::words(exit, words)
}

/// The configured tenant, or a failure that says how to configure one.
pub(crate) fn tenant(config: &Config) -> Result<&Tenant, Failure> {
    config.tenant.as_ref().ok_or_else(|| {
        Failure::words(Status::SignIn, "no SuperOffice tenant is configured")
            .help("connect to one: so-connector setup; or see everything without one: so-connector demo")
    })
}
