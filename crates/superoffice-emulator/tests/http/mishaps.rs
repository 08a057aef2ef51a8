//! Things that go wrong.

use serde_json::{Value, json};
use superoffice_emulator::{Kind, Mishap};

use crate::support::{Tenant, send};

#[tokio::test]
async fn a_route_fails_as_often_as_it_was_told() {
    let tenant = Tenant::start().await;
    let mishap =
        json!({"kind": "status", "route": "PATCH Contact", "status": 503, "times": 2, "retry_after": 7});
    assert_eq!(tenant.control("POST", "mishaps", mishap).await.0, 204);
    assert_eq!(tenant.get("Contact/1").await.0, 200);
    let patch = || tenant.request("PATCH", "Contact/1").json(&json!({"Department": "x"}));
    let response = patch().send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (503, "7"));
    assert_eq!(send(patch()).await.0, 503);
    assert_eq!(send(patch()).await.0, 200);
    assert_eq!(tenant.control("GET", "mishaps", Value::Null).await.1, json!([]));
}

#[tokio::test]
async fn throttling_says_when_to_come_back() {
    let tenant = Tenant::start().await;
    tenant.world.mishap(Mishap::new(Kind::Throttle).times(1));
    let response = tenant.request("GET", "Contact").send().await.unwrap();
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "1"));
    assert_eq!(tenant.get("Contact").await.0, 200);
}

#[tokio::test]
async fn offline_hangs_up_until_it_is_cleared() {
    let tenant = Tenant::start().await;
    tenant.world.mishap(Mishap::new(Kind::Offline));
    assert!(tenant.request("GET", "Contact/1").send().await.is_err());
    let site =
        tenant.http.get(&tenant.details.login_url).header("host", "nobody.localhost").send().await.unwrap();
    assert_eq!(site.status(), 404, "websites are other servers");
    assert_eq!(tenant.control("DELETE", "mishaps", Value::Null).await.0, 204);
    assert_eq!(tenant.get("Contact/1").await.0, 200);
}

#[tokio::test]
async fn a_truncated_answer_breaks_off() {
    let tenant = Tenant::start().await;
    tenant.world.mishap(Mishap::new(Kind::TruncatedBody).on("GET Contact").times(1));
    let response = tenant.request("GET", "Contact/1").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn a_sign_in_page_comes_with_200() {
    let tenant = Tenant::start().await;
    tenant.world.mishap(Mishap::new(Kind::HtmlLoginPage).times(1));
    let response = tenant.request("GET", "Contact/1").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn a_huge_answer_is_as_large_as_it_was_told() {
    let tenant = Tenant::start().await;
    let mishap = json!({"kind": "huge_body", "route": "GET Contact", "mb": 3, "times": 1});
    tenant.control("POST", "mishaps", mishap).await;
    let body = tenant.request("GET", "Contact/1").send().await.unwrap().bytes().await.unwrap();
    assert!(body.len() >= 3 << 20);
}

#[tokio::test]
async fn malformed_fields_are_no_dictionary() {
    let tenant = Tenant::start().await;
    tenant.control("POST", "mishaps", json!({"kind": "malformed_udf", "id": 2})).await;
    assert!(tenant.get("Contact/1").await.1["CustomFields"].is_object());
    let (_, body) = tenant.get("Contact/2").await;
    assert!(body["CustomFields"].is_array() && body["UserDefinedFields"].is_array());
    assert!(body["Name"].is_string());
}

#[tokio::test]
async fn without_a_person_the_api_user_has_no_identity_but_its_principal() {
    let tenant = Tenant::start().await;
    assert_eq!(tenant.get("Associate/Me").await.0, 404);
    tenant.world.mishap(Mishap::new(Kind::NoPersonLink));
    assert_eq!(tenant.get("Associate/Me").await.0, 500);
    let (status, me) = tenant.get("User/currentPrincipal").await;
    assert_eq!(
        (status, &me["AssociateId"], &me["PersonId"], &me["IsPerson"]),
        (200, &json!(7), &json!(0), &json!(false))
    );
}

#[tokio::test]
async fn slow_routes_take_their_time() {
    let tenant = Tenant::start().await;
    tenant.world.mishap(Mishap::new(Kind::Slow).on("GET Contact").ms(60).times(1));
    let before = tenant.world.now();
    tenant.get("Contact/1").await;
    assert!(tenant.world.now().duration_since(before).as_millis() >= 60);
}

#[tokio::test]
async fn an_unknown_mishap_is_refused() {
    let tenant = Tenant::start().await;
    assert_eq!(tenant.control("POST", "mishaps", json!({"kind": "flood"})).await.0, 400);
}
