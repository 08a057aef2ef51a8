//! Deliveries on the wire: who is let in, what is too much, what is kept although it cannot be read, and every shape of
//! event that the vendor's documentation prints (docs.superoffice.com, "Webhook events").

use serde_json::{Value, json};
use superoffice::webhook::Signature;
use superoffice_emulator::Entity;

use crate::support::{API_USER, Delivery, Product, SOON, Setup, TOKEN, until};

const SECRET: &str = "canary-signature-key-91d2";

async fn events(product: &Product) -> Vec<Value> {
    product.all("/api/v1/events").await
}

/// Receives and shows, and does no work, so that only what is sent here is in the database.
async fn receiver(signed: bool) -> Product {
    let setup = Setup::new().populated().toml("roles = [\"receive\", \"dashboard\"]");
    if signed { setup.signed(SECRET).start().await } else { setup.start().await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_token_and_signature_is_let_in() {
    let product = receiver(true).await;
    let body = Delivery::changed(Entity::Contact, 1, &["name"]).bytes();
    let right = Signature::sign(SECRET, &body);
    let post = |path: &str| product.client().post(product.url(path)).body(body.clone());
    let signed = |path: &str| post(path).header("X-SuperOffice-Signature", &right);
    let hook = "/connector/webhook";
    let refused = [
        ("no token", signed(hook)),
        ("a wrong token", signed(hook).header("X-Webhook-Token", "wrong")),
        ("an empty token", signed(hook).header("X-Webhook-Token", "")),
        ("half a token", signed(hook).header("X-Webhook-Token", &TOKEN[..8])),
        ("a wrong token in the query", signed("/connector/webhook?token=wrong")),
        ("two tokens", signed(hook).header("X-Webhook-Token", TOKEN).header("X-Webhook-Token", TOKEN)),
        ("no signature", post(hook).header("X-Webhook-Token", TOKEN)),
        (
            "a forged signature",
            post(hook)
                .header("X-Webhook-Token", TOKEN)
                .header("X-SuperOffice-Signature", Signature::sign("other", &body)),
        ),
        (
            "the signature of another body",
            post(hook)
                .header("X-Webhook-Token", TOKEN)
                .header("X-SuperOffice-Signature", Signature::sign(SECRET, b"{}")),
        ),
        ("nonsense", post(hook).header("X-Webhook-Token", TOKEN).header("X-SuperOffice-Signature", "=")),
    ];
    for (what, request) in refused {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{what}");
        assert!(answer.headers()["content-type"].to_str().unwrap().contains("problem+json"), "{what}");
    }
    assert!(events(&product).await.is_empty(), "nothing is stored of what was refused");

    let header = signed(hook).header("X-Webhook-Token", TOKEN).send().await.unwrap();
    assert_eq!(header.status(), 200);
    let query = signed(&format!("/connector/webhook?token={TOKEN}")).send().await.unwrap();
    assert_eq!(query.json::<Value>().await.unwrap()["status"], "duplicate");
    assert_eq!(events(&product).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_megabytes_are_refused_and_not_stored() {
    let product = receiver(false).await;
    let delivery = Delivery::changed(Entity::Contact, 1, &["name"]);
    let large = delivery.clone().with("Note", "x".repeat(2 << 20));
    let answer = product.send(large.bytes()).await.unwrap();
    assert_eq!(answer.status(), 413);
    assert!(events(&product).await.is_empty());
    let fits = delivery.with("Note", "x".repeat(1_000_000));
    assert_eq!(product.deliver(&fits).await, (200, "queued".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_authentic_and_cannot_be_read_is_kept_and_answered_with_success() {
    let product = receiver(true).await;
    let delivery = || Delivery::changed(Entity::Contact, 1, &["name"]);
    let mut cut = delivery().bytes();
    cut.truncate(cut.len() / 2);
    let mut spoilt = delivery().bytes();
    spoilt[20] = 0xff;
    let huge = delivery().with("PrimaryKey", Value::Null).bytes();
    let huge = String::from_utf8(huge).unwrap().replace("null", "1e400").into_bytes();
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("nested brackets", "[".repeat(100_000).into()),
        ("nested objects", "{\"a\":".repeat(100_000).into()),
        ("not UTF-8", spoilt),
        ("cut off", cut),
        ("empty", Vec::new()),
        ("a NUL", vec![0]),
        ("another kind of JSON", b"[1,2]".to_vec()),
        ("no JSON", b"<html></html>".to_vec()),
        ("a number beyond all numbers", huge),
        ("another tenant", delivery().with("ContextIdentifier", "Cust99999").bytes()),
        ("no record", delivery().with("PrimaryKey", 0).bytes()),
    ];
    let sent = bodies.len();
    for (what, body) in bodies {
        let answer = product.send(body).await.unwrap();
        assert_eq!(answer.status(), 200, "{what}");
        assert_eq!(answer.json::<Value>().await.unwrap()["status"], "parked", "{what}");
    }
    let kept = events(&product).await;
    assert_eq!(kept.len(), sent);
    assert!(kept.iter().all(|event| event["disposition"] == "parked"));
    assert!(kept.iter().all(|event| !event["reason_text"].as_str().unwrap().is_empty()), "{kept:?}");
    assert!(product.all("/api/v1/jobs").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_is_answered_and_not_stored() {
    let product = receiver(false).await;
    // As printed: about another tenant's installation, with an event id that differs from the header's.
    let test = json!({
        "EventId": "7d2a9c10-0000-4000-8000-3f5b6a7c8d9e", "Timestamp": "2026-04-24T08:52:59.0005158Z", "Changes": [],
        "Event": "test", "PrimaryKey": 0, "Entity": "test", "ContextIdentifier": "Default",
        "ChangedByAssociateId": 316, "WebhookName": "Any name",
    });
    for _ in 0..2 {
        let answer = product.send(test.to_string().into_bytes()).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"status": "test"}));
    }
    assert!(events(&product).await.is_empty());
}

/// One of the printed shapes, and what becomes of it.
#[derive(serde::Deserialize)]
struct Printed {
    what: String,
    becomes: String,
    reason: Value,
    body: Value,
}

fn printed() -> Vec<Printed> {
    let lines = include_str!("reception/printed.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_printed_shape_is_understood() {
    // With the worker, so that it is known who is who and whose writes are ours.
    let product = Setup::new().populated().start().await;
    until(SOON, "it is known who is who", async || {
        let status = product.try_get("/api/v1/status").await?;
        status["parts"].as_array()?.iter().any(|part| part["name"] == "fields").then_some(())
    })
    .await;
    let shapes = printed();
    for Printed { what, becomes, reason, body } in &shapes {
        let answer = product.send(body.to_string().into_bytes()).await.unwrap();
        assert_eq!(answer.status(), 200, "{what}");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!((&answer["status"], &answer["reason"]), (&becomes.as_str().into(), reason), "{what}");
    }
    let stored = events(&product).await;
    assert_eq!(stored.iter().filter(|event| event["changed_by"] != API_USER).count(), shapes.len());
    // Repeats of the same bodies change nothing, also of the one without an id.
    for Printed { what, body, .. } in &shapes {
        let answer = product.send(body.to_string().into_bytes()).await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap()["status"], "duplicate", "{what}");
    }
    product.settle().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_webhook_takes_nothing_but_posts() {
    let product = receiver(false).await;
    let url = product.url(&format!("/connector/webhook?token={TOKEN}"));
    assert_eq!(product.client().get(&url).send().await.unwrap().status(), 405);
    assert_eq!(product.client().put(&url).body("{}").send().await.unwrap().status(), 405);
    assert!(events(&product).await.is_empty());
}
