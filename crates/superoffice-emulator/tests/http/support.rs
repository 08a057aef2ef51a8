//! An emulator with a client that is signed in, and a receiver of webhooks that answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};
use superoffice_emulator::{Details, Emulator, Options, Policy, World};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) struct Tenant {
    pub(crate) emulator: Emulator,
    pub(crate) world: World,
    pub(crate) details: Details,
    pub(crate) http: reqwest::Client,
}

/// An answer: status and JSON, null if there is none.
pub(crate) type Answer = (u16, Value);

pub(crate) fn options() -> Options {
    Options { retry_waits: [Duration::from_millis(20), Duration::from_millis(80)], ..Options::default() }
}

impl Tenant {
    pub(crate) async fn start() -> Self {
        Self::with(options()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let emulator = Emulator::start(options).await.unwrap();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { world: emulator.world(), details: emulator.details(), emulator, http }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = method.parse().unwrap();
        let url = format!("{}/v1/{path}", self.details.api_url);
        self.http
            .request(method, url)
            .bearer_auth(&self.details.access_token)
            .header("so-timezone", "UTC, includeTZOffset")
            .header("accept-language", "de")
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request("GET", path)).await
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        send(self.request(method, path).json(&body)).await
    }

    pub(crate) async fn control(&self, method: &str, path: &str, body: Value) -> Answer {
        let url = format!("{}/_emulator/{path}", self.details.login_url);
        send(self.http.request(method.parse().unwrap(), url).json(&body)).await
    }

    pub(crate) async fn tokens(&self, fields: &[(&str, &str)]) -> Answer {
        send(self.http.post(format!("{}/login/common/oauth/tokens", self.details.login_url)).form(fields))
            .await
    }

    pub(crate) async fn refresh(&self) -> Answer {
        self.tokens(&[
            ("grant_type", "refresh_token"),
            ("client_id", &self.details.client_id),
            ("client_secret", &self.details.client_secret),
            ("refresh_token", &self.details.refresh_token),
        ])
        .await
    }

    /// Registers a webhook for all events of companies and persons.
    pub(crate) async fn hook(&self, target: &str) -> i64 {
        let events = ["created", "changed", "softdeleted", "deleted"];
        let events: Vec<String> = ["contact", "person"]
            .iter()
            .flat_map(|entity| events.map(|verb| format!("{entity}.{verb}")))
            .collect();
        let hook = json!({"Name": "Test hook", "Events": events, "TargetUrl": target, "Secret": "a secret"});
        let (status, body) = self.call("POST", "Webhook", hook).await;
        assert_eq!(status, 200, "{body}");
        body["WebhookId"].as_i64().unwrap()
    }
}

pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) raw: String,
    pub(crate) body: Value,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

#[derive(Clone, Default)]
struct Inbox {
    script: Arc<Mutex<VecDeque<u16>>>,
    always: Arc<Mutex<Option<u16>>>,
    received: Arc<Mutex<Vec<Received>>>,
}

/// A target of webhooks. Tests of the target are always answered 200 unless the script says otherwise.
pub(crate) struct Receiver {
    pub(crate) url: String,
    inbox: Inbox,
    _server: JoinSet<()>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        let inbox = Inbox::default();
        let app = Router::new().route("/hook", post(receive)).with_state(inbox.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, inbox, _server: server }
    }

    /// The next answers, one after the other; 200 afterwards.
    pub(crate) fn script(&self, answers: &[u16]) {
        self.inbox.script.lock().unwrap().extend(answers);
    }

    /// Every further answer.
    pub(crate) fn always(&self, answer: u16) {
        *self.inbox.always.lock().unwrap() = Some(answer);
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.inbox.received.lock().unwrap().clone()
    }

    /// What came in except tests.
    pub(crate) fn events(&self) -> Vec<Received> {
        self.received().into_iter().filter(|received| received.header("x-hook-test") != "true").collect()
    }
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, raw: String) -> StatusCode {
    let body = serde_json::from_str(&raw).unwrap();
    inbox.received.lock().unwrap().push(Received { headers, raw, body });
    let scripted = inbox.script.lock().unwrap().pop_front();
    let status = scripted.or(*inbox.always.lock().unwrap()).unwrap_or(200);
    StatusCode::from_u16(status).unwrap()
}

/// Changes a switch.
pub(crate) fn policy(tenant: &Tenant, change: impl FnOnce(&mut Policy)) {
    tenant.world.set_policy(change);
}
