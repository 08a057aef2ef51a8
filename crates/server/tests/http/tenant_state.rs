//! Notifications about the tenant's state, as strangers and SuperOffice send them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use connector_server::{App, Concern, Roles, TenantState, Unverified, router};
use http::{Request, StatusCode};
use serde_json::json;
use superoffice::api::state::StateChange;

use crate::support::{Answer, House, send};

/// Believes what its token says, and counts how often it was asked.
#[derive(Default)]
struct Verifier(AtomicUsize);

#[async_trait]
impl TenantState for Verifier {
    async fn changed(&self, change: &StateChange) -> Result<Concern, Unverified> {
        self.0.fetch_add(1, Ordering::Relaxed);
        match change.token.expose() {
            "ours" => Ok(Concern::Us),
            "another" => Ok(Concern::AnotherTenant),
            "no keys" => Err(Unverified::NoKeys("the log-in host is silent".into())),
            _ => Err(Unverified::Forged("no key of the log-in host signed it".into())),
        }
    }
}

fn told(house: &House, verifier: &Arc<Verifier>) -> Router {
    router(App { tenant_state: Some(verifier.clone()), ..house.app() })
}

async fn post(router: &Router, body: impl Into<Body>) -> Answer {
    send(router.clone(), Request::post("/connector/tenant-state").body(body.into()).unwrap()).await
}

fn notification(token: &str) -> String {
    json!({"ChangeType": 3, "ContextIdentifier": "Cust12345", "Token": token}).to_string()
}

#[tokio::test]
async fn a_notification_is_answered_by_what_its_token_proves() {
    let (house, verifier) = (House::new(), Arc::default());
    let router = told(&house, &verifier);
    for (token, status, word) in [
        ("ours", 200, "noted"),
        ("another", 200, "ignored"),
        ("forged", 401, "bad_token"),
        ("", 401, "bad_token"),
        ("no keys", 503, "not_verified"),
    ] {
        let answer = post(&router, notification(token)).await;
        let said = answer.json();
        let said = said.get("code").unwrap_or(&said["status"]);
        assert_eq!((answer.status.as_u16(), said.as_str().unwrap()), (status, word), "{token}");
        assert!(!answer.body.contains("log-in host"), "why is for the log: {}", answer.body);
    }
    let answer = post(&router, notification("no keys")).await;
    assert_eq!(answer.header("retry-after"), "30");
}

#[tokio::test]
async fn what_is_no_notification_is_refused_without_being_verified() {
    let (house, verifier) = (House::new(), Arc::<Verifier>::default());
    let router = told(&house, &verifier);
    for garbage in ["", "<html>", "[]", "null", "{}", r#"{"Token":null}"#, r#"{"Token":["ours"]}"#] {
        let answer = post(&router, garbage).await;
        assert_eq!(
            (answer.status, answer.json()["code"].as_str()),
            (StatusCode::BAD_REQUEST, Some("unreadable"))
        );
    }
    let answer = post(&router, notification(&"x".repeat(64 * 1024))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(verifier.0.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn strangers_get_a_bounded_number_of_attempts() {
    let (house, verifier) = (House::new(), Arc::<Verifier>::default());
    let router = told(&house, &verifier);
    let mut statuses = Vec::new();
    for _ in 0..102 {
        statuses.push(post(&router, notification("forged")).await.status.as_u16());
    }
    assert_eq!(statuses, [[401; 100].as_slice(), &[429, 429]].concat());
    assert_eq!(verifier.0.load(Ordering::Relaxed), 100);
    assert_eq!(post(&router, notification("ours")).await.header("retry-after"), "1");
}

#[tokio::test]
async fn only_who_receives_is_told() {
    let (house, verifier) = (House::new(), Arc::<Verifier>::default());
    let roles = Roles { receive: false, work: true, dashboard: true };
    let elsewhere = router(App { roles, tenant_state: Some(verifier.clone()), ..house.app() });
    assert_eq!(post(&elsewhere, notification("ours")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(post(&house.router(), notification("ours")).await.status, StatusCode::NOT_FOUND);
    let got = Request::get("/connector/tenant-state").body(Body::empty()).unwrap();
    assert_eq!(send(told(&house, &verifier), got).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(verifier.0.load(Ordering::Relaxed), 0);
}
