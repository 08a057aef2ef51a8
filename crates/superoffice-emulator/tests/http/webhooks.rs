//! Webhooks as documented.

use serde_json::{Value, json};
use superoffice::webhook::{Payload, Signature};
use superoffice_emulator::{Entity, HookState, Kind, Mishap, Options, Outcome, Pace};

use crate::support::{Receiver, Tenant, options, policy};

fn changes(body: &Value) -> Vec<&str> {
    body["Changes"].as_array().unwrap().iter().map(|column| column.as_str().unwrap()).collect()
}

#[tokio::test]
async fn registering_posts_a_test_that_must_be_answered_200() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    receiver.script(&[202]);
    let hook =
        json!({"Name": "Mine", "Events": ["contact.changed"], "TargetUrl": receiver.url, "Secret": "s"});
    let (status, body) = tenant.call("POST", "Webhook", hook.clone()).await;
    assert_eq!((status, &body["Error"]), (400, &json!(true)), "202 is not 200");
    assert!(tenant.world.webhooks().is_empty());

    let (status, body) = tenant.call("POST", "Webhook", hook).await;
    assert_eq!((status, &body["WebhookId"], &body["State"]), (200, &json!(1), &json!("Active")));
    let test = receiver.received().pop().unwrap();
    assert_eq!(test.header("x-hook-test"), "true");
    assert_eq!(test.header("x-superoffice-event"), "test");
    assert_eq!(
        (&test.body["Event"], &test.body["Entity"], &test.body["PrimaryKey"]),
        (&json!("test"), &json!("test"), &json!(0))
    );
    assert_eq!((&test.body["WebhookName"], &test.body["Changes"]), (&json!("Mine"), &json!([])));
}

#[tokio::test]
async fn a_target_must_be_https_unless_it_is_loopback() {
    let tenant = Tenant::start().await;
    let (status, body) =
        tenant.call("POST", "webhook", json!({"targetUrl": "http://hooks.example/", "events": []})).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["Message"],
        "Webhook TargetUrl must be secure: 'HTTPS:' not found in http://hooks.example/"
    );
}

#[tokio::test]
async fn a_change_is_delivered_in_the_documented_shape_and_signed() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    tenant.hook(&receiver.url).await;
    tenant.world.edit(Entity::Contact, 5, 12, &[("Name", "New name")]).unwrap();
    tenant.emulator.settled().await;

    let event = receiver.events().pop().unwrap();
    assert_eq!(
        changes(&event.body),
        ["contact_id", "updated_associate_id", "soundEx", "updated", "name", "updatedCount"]
    );
    assert_eq!((&event.body["Event"], &event.body["Entity"]), (&json!("contact.changed"), &json!("contact")));
    assert_eq!((&event.body["PrimaryKey"], &event.body["ChangedByAssociateId"]), (&json!(5), &json!(12)));
    assert_eq!(
        (&event.body["ContextIdentifier"], &event.body["WebhookName"]),
        (&json!("Cust10001"), &json!("Test hook"))
    );
    let keys: Vec<&String> = event.body["FieldValues"].as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "DeletedDate",
            "activeInterests",
            "associate_id",
            "business_idx",
            "category_idx",
            "country_id",
            "deleted",
            "registered",
            "registered_associate_id",
            "source",
            "updated",
            "userdef2_id",
            "userdef_id"
        ]
    );
    assert_eq!(event.header("x-superoffice-event"), "contact.changed");
    assert_eq!(event.header("x-superoffice-eventid"), event.body["EventId"].as_str().unwrap());
    assert_eq!(event.header("x-superoffice-retry"), "0");
    assert!(event.header("user-agent").starts_with("NetServer-Webhook/"));
    assert!(Signature::verify(&["a secret"], event.header("x-superoffice-signature"), event.raw.as_bytes()));
    let payload = Payload::read(event.raw.as_bytes()).unwrap();
    assert_eq!(payload.field_i64("associate_id"), Some(tenant.world.contact(5).unwrap().owner));
    let timestamp = event.body["Timestamp"].as_str().unwrap();
    assert_eq!(timestamp.len(), "2025-05-14T10:48:07.8912039Z".len());
}

#[tokio::test]
async fn extra_headers_and_properties_go_along() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    let hook = json!({"Name": "n", "Events": ["person.changed"], "TargetUrl": receiver.url,
                      "Headers": {"X-Webhook-Token": "t0"}, "Properties": {"Source": "crm"}});
    assert_eq!(tenant.call("POST", "Webhook", hook).await.0, 200);
    tenant.world.edit(Entity::Person, 1, 12, &[("Title", "Chief of Pumps")]).unwrap();
    tenant.emulator.settled().await;
    let event = receiver.events().pop().unwrap();
    assert_eq!((event.header("x-webhook-token"), &event.body["Source"]), ("t0", &json!("crm")));
    assert_eq!(event.header("x-superoffice-signature"), "", "there is no secret");
    assert!(changes(&event.body).contains(&"title"));
    assert!(event.body["FieldValues"]["person_id"].is_i64());
}

#[tokio::test]
async fn our_own_writes_raise_events_too() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    tenant.hook(&receiver.url).await;
    let patch = json!([{"op": "replace", "path": "CustomFields", "value": {"SuperOffice:2": "ours"}}]);
    assert_eq!(tenant.call("PATCH", "Contact/1", patch.clone()).await.0, 200);
    tenant.emulator.settled().await;
    let event = receiver.events().pop().unwrap();
    assert_eq!(event.body["ChangedByAssociateId"], 7);
    assert_eq!(
        changes(&event.body),
        ["contact_id", "updated_associate_id", "updated", "userdef_id", "updatedCount"]
    );

    policy(&tenant, |policy| policy.udf_only_events = false);
    assert_eq!(tenant.call("PATCH", "Contact/2", patch).await.0, 200);
    tenant.emulator.settled().await;
    assert_eq!(receiver.events().len(), 1, "a field's table has no events of its own");
}

#[tokio::test]
async fn deleting_comes_in_two_steps() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    tenant.hook(&receiver.url).await;
    let owner = tenant.world.contact(3).unwrap().owner;
    assert!(tenant.world.soft_delete(Entity::Contact, 3, 12));
    tenant.emulator.settled().await;
    assert!(tenant.world.delete(Entity::Contact, 3, 12));
    tenant.emulator.settled().await;
    let events = receiver.events();
    assert_eq!(
        (&events[0].body["Event"], &events[0].body["FieldValues"]["deleted"]),
        (&json!("contact.softdeleted"), &json!(1))
    );
    assert_eq!(
        (&events[1].body["Event"], &events[1].body["Changes"]),
        (&json!("contact.deleted"), &json!([]))
    );
    assert_eq!(events[1].body["Values"], json!({"associate_id": owner, "contact_id": 3}));
    assert_eq!(events[1].body.get("FieldValues"), None);
}

#[tokio::test]
async fn a_failed_delivery_is_tried_three_times_with_one_event_id() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    let hook = tenant.hook(&receiver.url).await;
    receiver.script(&[500, 204]);
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Tried")]).unwrap();
    tenant.emulator.settled().await;

    let events = receiver.events();
    assert_eq!(
        events.iter().map(|event| event.header("x-superoffice-retry")).collect::<Vec<_>>(),
        ["0", "1", "2"]
    );
    assert!(events.iter().all(|event| event.raw == events[0].raw), "retries repeat the bytes");
    let delivery = tenant.world.deliveries().pop().unwrap();
    assert_eq!((delivery.attempts, delivery.status, delivery.outcome), (3, Some(200), Outcome::Delivered));
    let waits: Vec<i128> =
        delivery.tries.windows(2).map(|w| w[1].at.duration_since(w[0].at).as_millis()).collect();
    assert!(waits[0] >= 20 && waits[1] >= 80, "{waits:?}");
    let hook = tenant.world.webhooks().into_iter().find(|known| known.id == hook).unwrap();
    assert_eq!(
        (hook.total_calls, hook.total_errors, hook.consecutive_errors),
        (3, 2, 0),
        "success starts afresh"
    );
}

#[tokio::test]
async fn nine_failures_in_a_row_switch_a_webhook_off() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    let hook = tenant.hook(&receiver.url).await;
    receiver.always(503);
    for (at, name) in ["One", "Two", "Three"].into_iter().enumerate() {
        assert_eq!(tenant.world.webhooks()[0].state, HookState::Active);
        tenant.world.edit(Entity::Contact, 1, 12, &[("Name", name)]).unwrap();
        tenant.emulator.settled().await;
        assert_eq!(tenant.world.webhooks()[0].consecutive_errors, 3 * (at as u64 + 1));
    }
    assert_eq!(tenant.world.webhooks()[0].state, HookState::TooManyErrors);
    assert!(tenant.world.deliveries().iter().all(|delivery| delivery.outcome == Outcome::Discarded));

    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Unheard")]).unwrap();
    tenant.emulator.settled().await;
    assert_eq!(receiver.events().len(), 9, "a webhook that is off gets nothing");

    receiver.always(200);
    let (status, body) = tenant.call("PATCH", &format!("Webhook/{hook}"), json!({"State": "Active"})).await;
    assert_eq!(
        (status, &body["State"], &body["ConsecutiveErrors"]),
        (200, &json!("Active"), &json!(0)),
        "{body}"
    );
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Heard")]).unwrap();
    tenant.emulator.settled().await;
    assert_eq!(receiver.events().len(), 10);
}

#[tokio::test]
async fn gone_switches_a_webhook_off_at_once_and_others_are_told() {
    let (tenant, receiver, watcher) =
        (Tenant::start().await, Receiver::start().await, Receiver::start().await);
    let hook = tenant.hook(&receiver.url).await;
    let watch =
        json!({"Name": "Watch", "Events": [format!("webhook{hook}.stopped")], "TargetUrl": watcher.url});
    assert_eq!(tenant.call("POST", "Webhook", watch).await.0, 200);
    receiver.script(&[410]);
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Gone")]).unwrap();
    tenant.emulator.settled().await;
    assert_eq!(receiver.events().len(), 1);
    assert_eq!(tenant.world.webhooks()[0].state, HookState::Stopped);
    let told = watcher.events().pop().unwrap();
    assert_eq!(told.header("x-superoffice-event"), format!("webhook{hook}.stopped"));
    assert_eq!((&told.body["Event"], told.body.get("Entity")), (&json!("webhook.stopped"), None));
}

#[tokio::test]
async fn a_refused_connection_counts_as_a_failure() {
    let tenant = Tenant::start().await;
    {
        let receiver = Receiver::start().await;
        tenant.hook(&receiver.url).await;
    }
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Nobody there")]).unwrap();
    tenant.emulator.settled().await;
    let delivery = tenant.world.deliveries().pop().unwrap();
    assert_eq!((delivery.attempts, delivery.status, delivery.outcome), (3, None, Outcome::Discarded));
}

#[tokio::test]
async fn webhooks_can_be_listed_tested_and_removed() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    let hook = tenant.hook(&receiver.url).await;
    let (_, list) = tenant.get("Webhook?nameFilter=test&statusFilter=Active").await;
    assert_eq!(list.as_array().unwrap().len(), 1);
    let (_, list) = tenant.get("Webhook?statusFilter=TooManyErrors").await;
    assert_eq!(list, json!([]));
    let filters = json!({"nameFilter": "HOOK", "eventFilter": "", "statusFilter": "Unknown"});
    let (_, list) = tenant.call("POST", "Agents/Webhook/GetAllWebhooks", filters).await;
    assert_eq!(list[0]["WebhookId"], hook);
    let (_, tested) = tenant.call("POST", "webhook/test", json!({"TargetUrl": receiver.url})).await;
    assert_eq!(tested["Success"], true);
    receiver.script(&[500]);
    let (_, tested) = tenant.call("POST", "webhook/test", json!({"TargetUrl": receiver.url})).await;
    assert_eq!(tested["Success"], false);
    assert_eq!(tenant.call("DELETE", &format!("Webhook/{hook}"), json!(null)).await.0, 204);
    assert_eq!(tenant.get(&format!("Webhook/{hook}")).await.0, 404);
    let (_, default) = tenant.get("Webhook/default").await;
    assert_eq!(default["Events"], json!(["contact.created", "contact.deleted"]));
}

#[tokio::test]
async fn lost_doubled_and_overtaking_deliveries() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    tenant.hook(&receiver.url).await;
    tenant.world.mishap(Mishap::new(Kind::DropWebhooks).times(1));
    tenant.world.mishap(Mishap::new(Kind::DuplicateWebhooks).times(1));
    for name in ["Lost", "Doubled"] {
        tenant.world.edit(Entity::Contact, 1, 12, &[("Name", name)]).unwrap();
    }
    tenant.emulator.settled().await;
    let ids: Vec<Value> = receiver.events().iter().map(|event| event.body["EventId"].clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    let outcomes: Vec<Outcome> = tenant.world.deliveries().iter().map(|delivery| delivery.outcome).collect();
    assert_eq!(outcomes, [Outcome::Dropped, Outcome::Delivered, Outcome::Delivered]);

    tenant.world.mishap(Mishap::new(Kind::ReorderWebhooks).percent(50));
    for contact in 1..=20 {
        tenant.world.edit(Entity::Contact, contact, 12, &[("Name", "In order")]).unwrap();
    }
    tenant.emulator.settled().await;
    let order: Vec<i64> =
        receiver.events()[2..].iter().map(|event| event.body["PrimaryKey"].as_i64().unwrap()).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (1..=20).collect::<Vec<_>>(), "none is lost");
    assert_ne!(order, sorted, "some overtook others");
}

#[tokio::test]
async fn playing_the_story_raises_an_event_for_each_record() {
    let tenant = Tenant::with(Options { populate: false, ..options() }).await;
    let receiver = Receiver::start().await;
    tenant.hook(&receiver.url).await;
    assert!(tenant.world.contact_ids().is_empty());
    tenant.emulator.play(Pace::Burst).await;
    tenant.emulator.settled().await;

    let events = receiver.events();
    let of = |name: &str| events.iter().filter(|event| event.body["Event"] == name).count();
    assert_eq!(of("contact.created"), 24);
    let persons: usize = tenant.world.contact_ids().iter().map(|id| tenant.world.persons_at(*id).len()).sum();
    assert_eq!(of("person.created"), persons);
    let created = events.iter().find(|event| event.body["Event"] == "contact.created").unwrap();
    assert_eq!(changes(&created.body)[0], "contact_id");
    assert_eq!(created.body["ChangedByAssociateId"], created.body["FieldValues"]["associate_id"]);

    tenant.emulator.play(Pace::Burst).await;
    assert_eq!(tenant.world.contact_ids().len(), 24, "nobody is entered twice");
}

#[tokio::test]
async fn an_application_sees_its_own_webhooks_alone() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    let own = tenant.hook(&receiver.url).await;
    let other = &tenant.details.other_application;
    let ask = async |method: &str, path: &str, body: Value| {
        let url = format!("{}/v1/{path}", tenant.details.api_url);
        let request = tenant.http.request(method.parse().unwrap(), url).bearer_auth(&other.access_token);
        crate::support::send(request.json(&body)).await
    };
    let hook = json!({"Name": "Theirs", "Events": ["contact.changed"], "TargetUrl": receiver.url});
    let (_, theirs) = ask("POST", "Webhook", hook).await;
    let theirs = theirs["WebhookId"].as_i64().unwrap();
    let names =
        |list: &Value| list.as_array().unwrap().iter().map(|hook| hook["Name"].clone()).collect::<Vec<_>>();
    assert_eq!(names(&tenant.get("Webhook").await.1), ["Test hook"]);
    assert_eq!(names(&ask("GET", "Webhook", Value::Null).await.1), ["Theirs"]);
    let filters = json!({"NameFilter": "", "EventFilter": "", "StatusFilter": "Unknown"});
    assert_eq!(names(&ask("POST", "Agents/Webhook/GetAllWebhooks", filters).await.1), ["Theirs"]);

    let path = format!("Webhook/{own}");
    for (method, path) in
        [("GET", path.clone()), ("GET", format!("{path}/LastError")), ("DELETE", path.clone())]
    {
        assert_eq!(ask(method, &path, Value::Null).await.0, 404, "{method} {path}");
    }
    assert_eq!(ask("PATCH", &path, json!({"State": "Stopped"})).await.0, 404);
    let save = json!({"WebhookId": own, "Name": "Stolen"});
    assert_eq!(ask("POST", "Agents/Webhook/SaveWebhook", save).await.0, 404);
    let agent = format!("Agents/Webhook/GetWebhook?webhookId={own}");
    assert_eq!(ask("POST", &agent, Value::Null).await, (200, Value::Null));
    let usage = "Archive/Dynamic?$select=webhook_usage.webhook_usage_id,webhook_usage.total_calls";
    let (_, rows) = tenant.get(usage).await;
    assert_eq!(rows["value"].as_array().unwrap().len(), 1);

    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "For both")]).unwrap();
    tenant.emulator.settled().await;
    assert_eq!(receiver.events().len(), 2, "each application gets its event");

    policy(&tenant, |policy| policy.foreign_webhook_status = 403);
    assert_eq!(tenant.get(&format!("Webhook/{theirs}")).await.0, 403);
    policy(&tenant, |policy| policy.webhooks_by_application = false);
    assert_eq!(names(&tenant.get("Webhook").await.1), ["Test hook", "Theirs"]);
    assert_eq!(tenant.get(&format!("Webhook/{theirs}")).await.1["Name"], "Theirs");
}

#[tokio::test]
async fn a_masked_secret_survives_what_is_saved_without_it() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    let hook = tenant.hook(&receiver.url).await;
    policy(&tenant, |policy| policy.webhook_secret_is_masked = true);
    let (_, mut body) = tenant.get(&format!("Webhook/{hook}")).await;
    assert_eq!(body["Secret"], Value::Null);
    body["Name"] = json!("Renamed");
    assert_eq!(tenant.call("PUT", &format!("Webhook/{hook}"), body).await.0, 200);
    assert_eq!(tenant.call("PATCH", &format!("Webhook/{hook}"), json!({"Description": "d"})).await.0, 200);
    let saved = tenant.world.webhooks().pop().unwrap();
    assert_eq!(
        (saved.name.as_str(), saved.secret.as_str(), saved.description.as_str()),
        ("Renamed", "a secret", "d")
    );
}
