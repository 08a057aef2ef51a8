//! Switches: the same call, answered both ways.

use serde_json::{Value, json};
use superoffice_emulator::{Entity, ErrorKey, Outcome};

use crate::support::{Receiver, Tenant, policy};

#[tokio::test]
async fn an_error_has_its_sentence_under_the_key_that_is_asked_for() {
    let tenant = Tenant::start().await;
    let keys = async || {
        let (_, missing) = tenant.get("Contact/99999999").await;
        let (_, refused) = tenant.call("PATCH", "Contact/1", json!("nonsense")).await;
        [missing, refused].map(|body| (body["ErrorMessage"].is_string(), body["Message"].is_string()))
    };
    assert_eq!(keys().await, [(true, false), (false, true)]);
    policy(&tenant, |policy| policy.error_key = ErrorKey::ErrorMessage);
    assert_eq!(keys().await, [(true, false), (true, false)]);
    policy(&tenant, |policy| policy.error_key = ErrorKey::Message);
    assert_eq!(keys().await, [(false, true), (false, true)]);
}

#[tokio::test]
async fn the_dictionaries_settle_a_quarrel_as_the_switch_says() {
    let tenant = Tenant::start().await;
    let body =
        json!({"CustomFields": {"SuperOffice:2": "new"}, "UserDefinedFields": {"SuperOffice:2": "old"}});
    let (_, mut entity) = tenant.get("Contact/1").await;
    entity["CustomFields"] = body["CustomFields"].clone();
    entity["UserDefinedFields"] = body["UserDefinedFields"].clone();
    let (_, saved) = tenant.call("PUT", "Contact/1", entity.clone()).await;
    assert_eq!(saved["CustomFields"]["SuperOffice:2"], "new");
    policy(&tenant, |policy| policy.custom_fields_win = false);
    let (_, saved) = tenant.call("PUT", "Contact/1", entity).await;
    assert_eq!(saved["CustomFields"]["SuperOffice:2"], "old");
}

#[tokio::test]
async fn a_field_that_does_not_exist_is_refused_or_ignored() {
    let tenant = Tenant::start().await;
    let patch = json!([{"op": "replace", "path": "CustomFields", "value": {"nobody:9": "x"}}]);
    assert_eq!(tenant.call("PATCH", "Contact/1", patch.clone()).await.0, 400);
    policy(&tenant, |policy| policy.unknown_prog_id_is_refused = false);
    let (status, body) = tenant.call("PATCH", "Contact/1", patch).await;
    assert_eq!((status, body["CustomFields"].get("nobody:9")), (200, None));
}

#[tokio::test]
async fn deliveries_follow_their_switches() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    let hook = json!({"Name": "n", "Events": ["contact.changed"], "TargetUrl": receiver.url,
                      "Properties": {"Source": "crm"}});
    assert_eq!(tenant.call("POST", "Webhook", hook).await.0, 200);
    policy(&tenant, |policy| {
        policy.any_2xx_is_success = true;
        policy.first_retry_header = false;
        policy.webhook_properties_nested = true;
    });
    receiver.script(&[204]);
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "New name")]).unwrap();
    tenant.emulator.settled().await;
    let event = receiver.events().pop().unwrap();
    assert_eq!(event.header("x-superoffice-retry"), "");
    assert_eq!((&event.body["Properties"], event.body.get("Source")), (&json!({"Source": "crm"}), None));
    let delivery = tenant.world.deliveries().pop().unwrap();
    assert_eq!((delivery.attempts, delivery.outcome), (1, Outcome::Delivered));
}

#[tokio::test]
async fn the_wrong_host_may_be_told_in_words_or_not() {
    let tenant = Tenant::start().await;
    tenant.control("POST", "mishaps", json!({"kind": "move_tenant"})).await;
    let (status, body) = tenant.get("Contact/1").await;
    assert_eq!((status, body["ErrorMessage"].is_string()), (421, true));
    policy(&tenant, |policy| policy.wrong_host_body = false);
    assert_eq!(tenant.get("Contact/1").await, (421, Value::Null));
}

#[tokio::test]
async fn the_type_of_a_group_counts_or_not() {
    let tenant = Tenant::start().await;
    let group = tenant.world.associates()[0].group_id;
    let count = async |kind: i64| {
        let body = json!({"GroupId": group, "Type": kind});
        tenant.call("POST", "Agents/Associate/GetAssociatesByGroup", body).await.1.as_array().unwrap().len()
    };
    let all = count(2).await;
    assert!(all > 0);
    assert_eq!((count(0).await, count(4).await), (all, 0));
    policy(&tenant, |policy| policy.associates_by_group_type = false);
    assert_eq!(count(4).await, all);
}

#[tokio::test]
async fn the_other_application_signs_in_with_its_own_credentials() {
    let tenant = Tenant::start().await;
    let (own, other) = (&tenant.details, &tenant.details.other_application);
    let refresh = async |id: &str, secret: &str, token: &str| {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", id),
            ("client_secret", secret),
            ("refresh_token", token),
        ];
        tenant.tokens(&fields).await.0
    };
    assert_eq!(refresh(&other.client_id, &other.client_secret, &other.refresh_token).await, 200);
    assert_eq!(refresh(&other.client_id, &own.client_secret, &other.refresh_token).await, 401);
    assert_eq!(refresh(&other.client_id, &other.client_secret, &own.refresh_token).await, 400);
}
