//! A server that plays log-in host and API at once. A test gives it a few lines of script; it keeps what it was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use superoffice::{Client, Config};

/// One request, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Hit {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Hit {
    pub(crate) fn token(&self) -> &str {
        self.headers.get("authorization").map_or("", |value| value.to_str().unwrap())
    }
}

/// What a script answers; `None` leaves it to the stage.
type Script = dyn Fn(&Hit, usize) -> Option<Response> + Send + Sync;

pub(crate) struct Stage {
    pub(crate) url: String,
    hits: Arc<Mutex<Vec<Hit>>>,
}

struct Backstage {
    url: String,
    hits: Arc<Mutex<Vec<Hit>>>,
    script: Box<Script>,
}

impl Stage {
    /// Opens a stage. The script is asked first, with the request and how many requests to the same path came before
    /// it; else log-in answers token `t1`, `t2` and so on, the state says "here", and a contact is answered.
    pub(crate) async fn open(
        script: impl Fn(&Hit, usize) -> Option<Response> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let hits = Arc::<Mutex<Vec<Hit>>>::default();
        let backstage = Backstage { url: url.clone(), hits: Arc::clone(&hits), script: Box::new(script) };
        let router = Router::new().fallback(play).with_state(Arc::new(backstage));
        #[expect(clippy::disallowed_methods, reason = "the server ends with the test's runtime")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, hits }
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new(
            self.url.parse().unwrap(),
            "Cust12345",
            "app-id",
            "app-secret".into(),
            "refresh-0".into(),
        );
        config.limits.per_second = None;
        config.limits.retry_base = Duration::from_millis(1);
        config
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.config()).unwrap()
    }

    pub(crate) fn hits(&self, path: &str) -> Vec<Hit> {
        self.hits.lock().unwrap().iter().filter(|hit| hit.path.contains(path)).cloned().collect()
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.hits(path).len()
    }
}

async fn play(
    State(stage): State<Arc<Backstage>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let hit = Hit {
        method,
        path: uri.path().to_owned(),
        query: query.into_owned().collect(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let before = {
        let mut hits = stage.hits.lock().unwrap();
        let before = hits.iter().filter(|other| other.path == hit.path).count();
        hits.push(hit.clone());
        before
    };
    (stage.script)(&hit, before).unwrap_or_else(|| usual(&stage.url, &hit, before))
}

fn usual(url: &str, hit: &Hit, before: usize) -> Response {
    match hit.path.as_str() {
        "/login/common/oauth/tokens" => token(&format!("t{}", before + 1), 3600),
        "/api/state/Cust12345" => state(&format!("{url}/Cust12345/api"), "Running"),
        "/Cust12345/api/v1/Contact/18" => json(200, r#"{"ContactId":18,"Name":"Nordlys Energi AS"}"#),
        _ => json(404, r#"{"Error":true,"ErrorType":"SoNotFoundException","ErrorMessage":"not found"}"#),
    }
}

pub(crate) fn json(status: u16, body: impl Into<Body>) -> Response {
    let status = StatusCode::from_u16(status).unwrap();
    (status, [("content-type", "application/json")], body.into()).into_response()
}

pub(crate) fn token(token: &str, expires_in: i64) -> Response {
    json(200, format!(r#"{{"token_type":"Bearer","access_token":"{token}","expires_in":{expires_in}}}"#))
}

pub(crate) fn state(api: &str, state: &str) -> Response {
    json(
        200,
        format!(
            r#"{{"ContextIdentifier":"Cust12345","State":"{state}","ValidUntil":"2099-01-01T00:00:00Z","Api":"{api}"}}"#
        ),
    )
}

pub(crate) const TOKENS: &str = "/login/common/oauth/tokens";
pub(crate) const STATE: &str = "/api/state/";
pub(crate) const CONTACT: &str = "/v1/Contact/18";

/// Lets time pass without waiting; the network runs in real time before and after.
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}
