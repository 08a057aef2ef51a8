//! Whether the tenant can be used, and what its app is told.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use superoffice::api::state::StateChange;
use superoffice_emulator::{Audience, Change, Closed, Issuer, TenantState, UnknownTenant};

use crate::support::{Receiver, Tenant, policy, send};

impl Tenant {
    async fn state(&self, context: &str) -> (u16, Value) {
        send(self.http.get(format!("{}/api/state/{context}", self.details.login_url))).await
    }
}

#[tokio::test]
async fn only_a_running_tenant_can_be_used() {
    use TenantState::{
        DeleteFailed, Deleted, Deleting, MigrationPending, OfflineMaintenance, OnlineMaintenance,
        Provisioning, ProvisioningFailed, Running, Suspended, Unknown,
    };
    let tenant = Tenant::start().await;
    let states = [
        Unknown,
        Provisioning,
        Running,
        Deleted,
        Suspended,
        OnlineMaintenance,
        OfflineMaintenance,
        ProvisioningFailed,
        Deleting,
        DeleteFailed,
        MigrationPending,
    ];
    for state in states {
        let usable = [Running, OnlineMaintenance].contains(&state);
        tenant.world.set_tenant_state(state.clone(), None);
        let (_, shown) = tenant.state("Cust10001").await;
        assert_eq!((&shown["State"], &shown["IsRunning"]), (&json!(state), &json!(usable)));
        assert_eq!(tenant.get("Contact/1").await.0, if usable { 200 } else { 503 }, "{state}");
        assert_eq!(tenant.refresh().await.0, 200, "the log-in host is another one");
    }
}

#[tokio::test]
async fn a_window_ends_by_itself_and_the_state_says_when() {
    let tenant = Tenant::start().await;
    let body = json!({"state": "offlinemaintenance", "seconds": 60});
    assert_eq!(tenant.control("POST", "tenant", body).await.0, 200);
    let (_, shown) = tenant.state("Cust10001").await;
    let until: Timestamp = shown["ValidUntil"].as_str().unwrap().parse().unwrap();
    let left = until.duration_since(tenant.world.now()).as_secs();
    assert!((50..=60).contains(&left), "{left}");

    tenant.world.set_tenant_state(TenantState::OfflineMaintenance, Some(Duration::ZERO));
    assert_eq!(tenant.state("Cust10001").await.1["State"], "Running");
    assert_eq!(tenant.get("Contact/1").await.0, 200);
}

#[tokio::test]
async fn a_closed_tenant_answers_as_the_policy_says() {
    let tenant = Tenant::start().await;
    tenant.world.set_tenant_state(TenantState::Suspended, None);
    for (closed, status) in [(Closed::Misdirected, 421), (Closed::Unauthorized, 401), (Closed::Page, 200)] {
        policy(&tenant, |policy| policy.closed = closed);
        assert_eq!(tenant.get("Contact/1").await.0, status);
    }
    policy(&tenant, |policy| policy.closed = Closed::HangUp);
    assert!(tenant.request("GET", "Contact/1").send().await.is_err());
}

#[tokio::test]
async fn a_tenant_that_there_is_not_is_unknown_or_not_found() {
    let tenant = Tenant::start().await;
    assert_eq!(tenant.state("Cust1").await.1["State"], "Unknown");
    policy(&tenant, |policy| policy.unknown_tenant = UnknownTenant::NotFound);
    assert_eq!(tenant.state("Cust1").await.0, 404);
}

#[tokio::test]
async fn an_app_is_told_once_it_has_named_an_address() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    tenant.world.announce(Change::Suspend);
    assert!(tenant.world.notices().is_empty());

    let body = json!({"url": receiver.url, "state": "Suspended", "announce": "suspend"});
    let (status, shown) = tenant.control("POST", "tenant", body).await;
    assert_eq!((status, &shown["state"]), (200, &json!("Suspended")));
    tenant.world.announce(Change::Move);
    tenant.emulator.settled().await;

    let told: Vec<Value> = receiver.received().into_iter().map(|received| received.body).collect();
    let change: StateChange = superoffice::json::record(told[0].to_string().as_bytes()).unwrap();
    assert_eq!((change.words(), change.context_identifier.as_str()), ("is suspended", "Cust10001"));
    assert_eq!(change.public_endpoint, None);
    assert_eq!(told[1]["ChangeType"], 5);
    assert!(told[1]["PublicEndpoint"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(tenant.get("Contact/1").await.0, 421, "it has moved");
    let (_, shown) = tenant.control("GET", "tenant", Value::Null).await;
    assert_eq!(
        (&shown["notices"][1]["change"], &shown["notices"][1]["status"]),
        (&json!("move"), &json!(200))
    );
}

#[tokio::test]
async fn a_notification_is_sent_as_often_as_the_policy_says() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    tenant.world.set_state_change_url(&receiver.url);
    receiver.script(&[500, 500]);
    tenant.world.announce(Change::Upgrade);
    tenant.emulator.settled().await;
    policy(&tenant, |policy| policy.notice_attempts = 3);
    tenant.world.announce(Change::Upgrade);
    tenant.emulator.settled().await;
    let attempts: Vec<_> =
        tenant.world.notices().iter().map(|notice| (notice.attempts, notice.status)).collect();
    assert_eq!(attempts, [(1, Some(500)), (2, Some(200))]);
}

/// What the token of a notification says.
fn claims(tenant: &Tenant) -> Value {
    use base64::Engine as _;
    let body = tenant.world.notification(Change::Resume, "Cust7");
    let part = body["Token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    let plain = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap();
    serde_json::from_slice(&plain).unwrap()
}

#[tokio::test]
async fn the_token_of_a_notification_is_what_the_policy_says() {
    let tenant = Tenant::start().await;
    let context = "http://schemes.superoffice.net/identity/ctx";
    let first = claims(&tenant);
    assert_eq!((&first["iss"], &first[context]), (&json!(tenant.details.login_url), &json!("Cust7")));
    assert_eq!(first["aud"], json!(tenant.details.client_id));
    assert!(first["exp"].is_i64() && first["iat"].is_string());
    policy(&tenant, |policy| {
        policy.notice_issuer = Issuer::System;
        policy.notice_audience = Audience::SpnSerial;
        policy.notice_names_tenant = false;
        policy.claims_as_text = true;
        policy.audience_as_list = true;
    });
    let second = claims(&tenant);
    assert_eq!((&second["iss"], &second["aud"]), (&json!("SuperOffice AS"), &json!(["spn:1801550193"])));
    assert!(second["exp"].is_string() && second.get(context).is_none());
    policy(&tenant, |policy| policy.notice_audience = Audience::SpnApp);
    assert_eq!(claims(&tenant)["aud"], json!([format!("spn:{}", tenant.details.client_id)]));
}

#[tokio::test]
async fn an_order_that_makes_no_sense_changes_nothing() {
    let tenant = Tenant::start().await;
    for body in [json!({"state": "Happy"}), json!({"announce": "party"}), json!({"colour": "red"})] {
        assert_eq!(tenant.control("POST", "tenant", body).await.0, 400);
    }
    assert_eq!(tenant.state("Cust10001").await.1["State"], "Running");
}
