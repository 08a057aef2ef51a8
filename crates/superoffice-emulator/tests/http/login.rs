//! Signing in.

use serde_json::json;
use std::time::Duration;
use superoffice_emulator::{Kind, Mishap, Options};

use crate::support::{Tenant, options, send};

#[tokio::test]
async fn a_refresh_gives_an_access_token_and_no_refresh_token() {
    let tenant = Tenant::start().await;
    let (status, body) = tenant.refresh().await;
    assert_eq!(status, 200);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 3600);
    assert!(body["access_token"].as_str().unwrap().starts_with("8A:Cust10001."));
    assert_eq!(body.get("refresh_token"), None);

    let url = format!("{}/v1/User/currentPrincipal", tenant.details.api_url);
    let (status, body) = send(tenant.http.get(url).bearer_auth(body["access_token"].as_str().unwrap())).await;
    assert_eq!((status, &body["AssociateId"]), (200, &json!(7)));
}

#[tokio::test]
async fn credentials_may_come_in_the_query_or_as_basic() {
    let tenant = Tenant::start().await;
    let details = &tenant.details;
    let url = format!("{}/login/common/oauth/tokens", details.login_url);
    let grant = [("grant_type", "refresh_token"), ("refresh_token", details.refresh_token.as_str())];
    let client =
        [("client_id", details.client_id.as_str()), ("client_secret", details.client_secret.as_str())];
    assert_eq!(send(tenant.http.post(&url).query(&grant).query(&client)).await.0, 200);
    let basic =
        tenant.http.post(&url).basic_auth(&details.client_id, Some(&details.client_secret)).form(&grant);
    assert_eq!(send(basic).await.0, 200);
    assert_eq!(send(tenant.http.post(&url).form(&grant).query(&[("client_id", "other")])).await.0, 401);
}

#[tokio::test]
async fn a_code_can_be_redeemed_once() {
    let tenant = Tenant::start().await;
    let details = &tenant.details;
    let redirect = "http://127.0.0.1:9999/callback?x=1";
    let query = [("client_id", details.client_id.as_str()), ("redirect_uri", redirect), ("state", "s 1")];
    let url = format!("{}/login/common/oauth/authorize", details.login_url);
    let response = tenant.http.get(url).query(&query).send().await.unwrap();
    assert_eq!(response.status(), 302);
    let location = url::Url::parse(response.headers()["location"].to_str().unwrap()).unwrap();
    let pairs: std::collections::HashMap<_, _> = location.query_pairs().into_owned().collect();
    assert_eq!((pairs["x"].as_str(), pairs["state"].as_str()), ("1", "s 1"));

    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", details.client_id.as_str()),
        ("client_secret", details.client_secret.as_str()),
        ("redirect_uri", redirect),
        ("code", pairs["code"].as_str()),
    ];
    let (status, body) = tenant.tokens(&fields).await;
    assert_eq!(status, 200);
    assert_eq!(body["refresh_token"], details.refresh_token.as_str());
    assert_eq!(tenant.tokens(&fields).await.0, 400, "a code is good for one use");
}

#[tokio::test]
async fn without_a_good_token_the_api_answers_401() {
    let tenant = Tenant::start().await;
    let url = format!("{}/v1/Contact/1", tenant.details.api_url);
    assert_eq!(send(tenant.http.get(&url)).await.0, 401);
    assert_eq!(send(tenant.http.get(&url).bearer_auth("8A:Cust10001.nonsense")).await.0, 401);
    assert_eq!(tenant.get("Contact/1").await.0, 200);

    tenant.world.mishap(Mishap::new(Kind::ExpireToken));
    assert_eq!(tenant.get("Contact/1").await.0, 401);
    assert_eq!(tenant.refresh().await.0, 200);
}

#[tokio::test]
async fn a_token_ends_with_its_life() {
    let tenant = Tenant::with(Options { token_life: Duration::ZERO, ..options() }).await;
    assert_eq!(tenant.get("Contact/1").await.0, 401);
}

#[tokio::test]
async fn withdrawn_consent_refuses_the_refresh_until_it_is_given_again() {
    let tenant = Tenant::start().await;
    tenant.world.mishap(Mishap::new(Kind::RevokeConsent));
    let (status, body) = tenant.refresh().await;
    assert_eq!((status, &body["error"]), (400, &json!("invalid_grant")));
    assert_eq!(tenant.get("Contact/1").await.0, 401);
    tenant.world.clear_mishaps();
    assert_eq!(tenant.refresh().await.0, 200);
}

#[tokio::test]
async fn a_tenant_that_moved_is_found_again_by_its_state() {
    let tenant = Tenant::start().await;
    let state = format!("{}/api/state/Cust10001", tenant.details.login_url);
    let (_, before) = send(tenant.http.get(&state)).await;
    assert_eq!(before["Api"], tenant.details.api_url.as_str());
    assert_eq!((&before["State"], &before["IsRunning"]), (&json!("Running"), &json!(true)));

    tenant.world.mishap(Mishap::new(Kind::MoveTenant));
    assert_eq!(tenant.get("Contact/1").await.0, 421);
    let (_, after) = send(tenant.http.get(&state)).await;
    let url = format!("{}/v1/Contact/1", after["Api"].as_str().unwrap());
    assert_eq!(send(tenant.http.get(url).bearer_auth(&tenant.details.access_token)).await.0, 200);
}

#[tokio::test]
async fn a_system_user_without_a_signature_gets_no_ticket() {
    let tenant = Tenant::start().await;
    let details = &tenant.details;
    let minute = tenant.world.now().strftime("%Y%m%d%H%M").to_string();
    let url = format!("{}/Login/api/PartnerSystemUser/Authenticate", details.login_url);
    let body = |token: &str| {
        json!({"SignedSystemToken": format!("{token}.{minute}.c2lnbmF0dXJl"), "ApplicationToken": details.client_secret,
               "ContextIdentifier": details.context, "ReturnTokenType": "JWT"})
    };
    let (_, refused) = send(tenant.http.post(&url).json(&body("Another App-123"))).await;
    assert_eq!(refused["IsSuccessful"], false);

    let (_, answer) = send(tenant.http.post(&url).json(&body(&details.system_token))).await;
    assert_eq!(
        (&answer["IsSuccessful"], &answer["ErrorMessage"]),
        (&json!(false), &json!("InvalidSignature (7)"))
    );
}
