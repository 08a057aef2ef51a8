//! Switches: the same call, answered both ways.

use serde_json::{Value, json};
use superoffice_emulator::{Entity, ErrorKey, Outcome, TokenRefusal};

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

#[tokio::test]
async fn a_refused_save_has_the_status_of_the_switch() {
    let tenant = Tenant::start().await;
    policy(&tenant, |policy| policy.refused_save_status = 422);
    for wrong in [
        json!({"Name": "x".repeat(220)}),
        json!({"Name": ""}),
        json!({"CustomFields": {"SuperOffice:2": "x".repeat(200)}}),
        json!({"CustomFields": {"nobody:1": "x"}}),
        json!({"CustomFields": {"SuperOffice:1": "[I:9999]"}}),
    ] {
        assert_eq!(tenant.call("PATCH", "Contact/1", wrong.clone()).await.0, 422, "{wrong}");
    }
    let test = json!([{"op": "test", "path": "Name", "value": "Nobody"}]);
    assert_eq!(tenant.call("PATCH", "Contact/1", test).await.0, 409);
    assert_eq!(tenant.call("PATCH", "Contact/99999", json!({"Name": "x"})).await.0, 404);
    assert_eq!(tenant.call("PUT", "Contact/1", Value::Null).await.0, 400, "a missing body is documented");
}

#[tokio::test]
async fn what_put_leaves_out_is_a_switch_for_fields() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 1, 12, &[("Summary", "Typed")]).unwrap();
    let summary = || tenant.world.udf(Entity::Contact, 1, "Summary").unwrap();
    assert_eq!(tenant.call("PUT", "Contact/1", json!({"Name": "Put"})).await.0, 200);
    assert_eq!(summary(), "Typed");
    policy(&tenant, |policy| policy.put_empties_fields = true);
    assert_eq!(tenant.call("PUT", "Contact/1", json!({"Name": "Put again"})).await.0, 200);
    assert_eq!(summary(), "");
}

#[tokio::test]
async fn keys_and_texts_of_fields_are_read_as_the_switches_say() {
    let tenant = Tenant::start().await;
    let patch = async |key: &str, value: &str| {
        let patch = json!([{"op": "replace", "path": "CustomFields", "value": {key: value}}]);
        let (status, body) = tenant.call("PATCH", "Contact/1", patch).await;
        (status, body["CustomFields"]["SuperOffice:2"].clone())
    };
    assert_eq!(patch("superoffice:2", "[I:5]").await, (200, json!("[I:5]")));
    policy(&tenant, |policy| {
        policy.prog_ids_in_any_case = false;
        policy.encoded_text_is_decoded = true;
    });
    assert_eq!(patch("superoffice:2", "x").await.0, 400);
    assert_eq!(patch("SuperOffice:2", "[I:5]").await, (200, json!("5")));
}

#[tokio::test]
async fn our_own_changes_may_be_silent() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    tenant.hook(&receiver.url).await;
    policy(&tenant, |policy| policy.own_changes_raise_events = false);
    assert_eq!(tenant.call("PATCH", "Contact/1", json!({"Name": "Ours"})).await.0, 200);
    assert_eq!(tenant.call("POST", "Contact", json!({"Name": "Ours too"})).await.0, 200);
    tenant.world.edit(Entity::Contact, 2, 12, &[("Name", "Theirs")]).unwrap();
    tenant.emulator.settled().await;
    let heard: Vec<Value> = receiver.events().iter().map(|event| event.body["PrimaryKey"].clone()).collect();
    assert_eq!(heard, [2]);
}

#[tokio::test]
async fn a_failed_event_may_go_to_the_back_of_the_queue() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    tenant.hook(&receiver.url).await;
    policy(&tenant, |policy| policy.failed_events_are_requeued = true);
    receiver.script(&[500, 500, 500, 500]);
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Tried")]).unwrap();
    tenant.emulator.settled().await;
    let delivery = tenant.world.deliveries().pop().unwrap();
    assert_eq!((delivery.attempts, delivery.outcome), (5, Outcome::Delivered));
    assert_eq!(receiver.events().last().unwrap().header("x-superoffice-retry"), "4");

    receiver.always(503);
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Given up")]).unwrap();
    tenant.emulator.settled().await;
    let delivery = tenant.world.deliveries().pop().unwrap();
    assert_eq!((delivery.attempts, delivery.outcome), (9, Outcome::Discarded));
    assert_eq!(tenant.world.webhooks()[0].state, superoffice_emulator::HookState::TooManyErrors);
}

#[tokio::test]
async fn refusals_of_credentials_are_switches() {
    let tenant = Tenant::start().await;
    tenant.control("POST", "mishaps", json!({"kind": "expire_token"})).await;
    assert_eq!(tenant.get("Contact/1").await.0, 401);
    policy(&tenant, |policy| policy.expired_token_status = 403);
    assert_eq!(tenant.get("Contact/1").await.0, 403);

    let (status, body) = tenant.tokens(&[("client_id", "nobody")]).await;
    assert_eq!((status, &body["error"]), (401, &json!("invalid_client")));
    policy(&tenant, |policy| policy.token_refusal = TokenRefusal::Empty);
    assert_eq!(tenant.tokens(&[("client_id", "nobody")]).await, (401, Value::Null));
}
