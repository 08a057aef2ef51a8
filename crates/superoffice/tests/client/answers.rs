//! What is sent, and what comes of each kind of answer.

use std::time::Duration;

use axum::body::Body;
use futures::stream;
use superoffice::api::udef::Owner;
use superoffice::api::webhook::Webhook;
use superoffice::patch::Patch;
use superoffice::{CallCount, Client, Error, Remedy};

use crate::stage::{CONTACT, STATE, Stage, TOKENS, json, state};

fn patch() -> Patch {
    Patch::new().test_custom_field("Demo:1", "").replace_custom_fields([("Demo:1", "Energy")])
}

#[tokio::test]
async fn a_request_says_what_it_wants() {
    let stage = Stage::open(|_, _| None).await;
    let client = stage.client();
    assert_eq!(client.contact(18).await.unwrap().name, "Nordlys Energi AS");

    let hit = stage.hits(CONTACT).remove(0);
    let header = |name: &str| hit.headers[name].to_str().unwrap().to_owned();
    assert_eq!(hit.token(), "Bearer t1");
    assert_eq!((header("accept"), header("so-language")), ("application/json".to_owned(), "en".to_owned()));
    assert_eq!(header("so-timezone"), "UTC, includeTZOffset");
    assert!(header("user-agent").starts_with("superoffice-rs/"));

    let form = stage.hits(TOKENS).remove(0).body;
    assert_eq!(
        form,
        "grant_type=refresh_token&client_id=app-id&client_secret=app-secret&refresh_token=refresh-0"
    );
}

#[tokio::test]
async fn calls_are_counted_by_route_and_status() {
    let stage = Stage::open(|_, _| None).await;
    let client = stage.client();
    client.contact(18).await.unwrap();
    client.contact(18).await.unwrap();
    client.contact(19).await.unwrap_err();
    let count =
        |status, count| CallCount { method: "GET".to_owned(), route: "v1/Contact/{id}", status, count };
    let calls = client.calls();
    assert!(calls.contains(&count(200, 2)) && calls.contains(&count(404, 1)), "{calls:?}");
}

#[tokio::test]
async fn a_write_is_sent_as_json_patch_once() {
    let stage = Stage::open(|_, _| None).await;
    stage.client().patch_contact(18, &patch()).await.unwrap();
    let hits = stage.hits(CONTACT);
    assert_eq!((hits.len(), hits[0].method.as_str()), (1, "PATCH"));
    assert_eq!(hits[0].headers["content-type"], "application/json");
    assert_eq!(
        hits[0].body,
        r#"[{"op":"test","path":"/CustomFields/Demo:1","value":""},{"op":"replace","path":"/CustomFields","value":{"Demo:1":"Energy"}}]"#
    );
}

#[tokio::test]
async fn a_read_is_tried_again_and_a_write_is_not() {
    let stage =
        Stage::open(|hit, before| (hit.path.ends_with(CONTACT) && before < 2).then(|| json(500, ""))).await;
    stage.client().contact(18).await.unwrap();
    assert_eq!(stage.count(CONTACT), 3);

    let stage = Stage::open(|hit, _| hit.path.ends_with(CONTACT).then(|| json(500, ""))).await;
    let error = stage.client().patch_contact(18, &patch()).await.unwrap_err();
    assert!(error.outcome_unknown() && error.remedy() == Remedy::BackOff, "{error:?}");
    assert_eq!(stage.count(CONTACT), 1);
}

#[tokio::test]
async fn a_guard_that_does_not_hold_is_stale() {
    for status in [409, 412] {
        let stage = Stage::open(move |hit, _| hit.path.ends_with(CONTACT).then(|| json(status, ""))).await;
        let error = stage.client().patch_contact(18, &patch()).await.unwrap_err();
        assert_eq!(error.to_string(), "contact 18 was changed by someone else since we read it");
        assert_eq!((error.remedy(), error.outcome_unknown()), (Remedy::ReadAgain, false));
    }
}

async fn answer(body: &'static str) -> Error {
    let stage = Stage::open(move |hit, _| hit.path.ends_with(CONTACT).then(|| json(200, body))).await;
    stage.client().contact(18).await.unwrap_err()
}

#[tokio::test]
async fn what_is_not_the_api_is_an_error_whatever_its_status() {
    for body in [
        "<!DOCTYPE html><title>Sign in</title>",
        "",
        "null",
        "[]",
        "{}",
        r#"{"ContactId":18,"Na"#,
        r#"{"ContactId":7}"#,
    ] {
        let error = answer(body).await;
        assert!(matches!(error, Error::NotTheApi(_)), "{body}: {error:?}");
        assert_eq!(error.remedy(), Remedy::BackOff);
    }
    let error = answer(r#"{"Message":"The request is invalid."}"#).await;
    assert!(matches!(error, Error::NotTheApi(_)), "{error:?}");
    let error = answer(r#"{"Error":true,"ErrorMessage":"no"}"#).await;
    assert_eq!(error.to_string(), "refused with status 200: no");
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let elsewhere = Stage::open(|_, _| Some(json(200, r#"{"ContactId":18}"#))).await;
    let target = format!("{}/login", elsewhere.url);
    let stage = Stage::open(move |hit, _| {
        let mut response = json(302, "");
        response.headers_mut().insert("location", target.parse().unwrap());
        hit.path.ends_with(CONTACT).then_some(response)
    })
    .await;
    let error = stage.client().contact(18).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer is not the API's: a redirection (status 302)");
    assert_eq!(elsewhere.count(""), 0);
}

#[tokio::test]
async fn a_body_is_read_only_up_to_its_limit() {
    let stage = Stage::open(|hit, _| {
        let body = format!(r#"{{"ContactId":18,"Name":"{}"}}"#, "x".repeat(10_000));
        hit.path.ends_with(CONTACT).then(|| json(200, body))
    })
    .await;
    let mut config = stage.config();
    config.limits.max_body = 10_000;
    let error = Client::new(config).unwrap().contact(18).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: 10_000 }), "{error:?}");
    stage.client().contact(18).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_breaks_off_leaves_a_write_in_doubt() {
    let stage = Stage::open(|hit, _| {
        let parts: [Result<&str, std::io::Error>; 2] =
            [Ok(r#"{"ContactId":18,"#), Err(std::io::Error::other("the cable"))];
        hit.path.ends_with(CONTACT).then(|| json(200, Body::from_stream(stream::iter(parts))))
    })
    .await;
    let error = stage.client().patch_contact(18, &patch()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { arrived: true, .. }), "{error:?}");
    assert!(error.outcome_unknown());
    assert_eq!(stage.count(CONTACT), 1);
}

#[tokio::test]
async fn an_answer_that_does_not_begin_in_time_is_given_up() {
    // It takes connections, because the system does, but never answers.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}/Cust12345/api", silent.local_addr().unwrap());
    let stage = Stage::open(move |hit, _| hit.path.contains(STATE).then(|| state(&api, "Running"))).await;
    let mut config = stage.config();
    config.limits.first_byte_timeout = Duration::from_millis(500);
    let error = Client::new(config).unwrap().patch_contact(18, &patch()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { arrived: true, .. }), "{error:?}");
    assert!(error.outcome_unknown());
}

#[tokio::test]
async fn without_a_connection_nothing_was_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let stage = Stage::open(|_, _| None).await;
    let mut config = stage.config();
    config.login_url = url.parse().unwrap();
    let client = Client::new(config).unwrap();
    let error = client.patch_contact(18, &patch()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { arrived: false, .. }), "{error:?}");
    assert_eq!((error.remedy(), error.outcome_unknown()), (Remedy::BackOff, false));
}

#[tokio::test]
async fn a_tenant_that_asks_for_a_rest_gets_it_from_every_call() {
    let stage = Stage::open(|hit, _| {
        let mut response = json(429, "");
        response.headers_mut().insert("retry-after", "60".parse().unwrap());
        hit.path.ends_with(CONTACT).then_some(response)
    })
    .await;
    let client = stage.client();
    for _ in 0..3 {
        match client.contact(18).await.unwrap_err().remedy() {
            Remedy::Wait(rest) => assert!(rest > Duration::from_secs(55), "{rest:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(stage.count(CONTACT), 1);
}

#[tokio::test]
async fn webhooks_are_registered_watched_and_removed() {
    let stage =
        Stage::open(|hit, _| match (hit.method.as_str(), hit.path.trim_start_matches("/Cust12345/api/")) {
            ("GET", "v1/Webhook") => Some(json(200, r#"[{"WebhookId":3,"State":"toomanyerrors"}]"#)),
            ("POST", "v1/Webhook") => Some(json(200, r#"{"WebhookId":4,"State":1}"#)),
            ("PATCH", "v1/Webhook/3") => Some(json(200, r#"{"WebhookId":3,"State":"Active"}"#)),
            ("DELETE", "v1/Webhook/4") => Some(json(204, "")),
            ("POST", "v1/Webhook/Test") => Some(json(200, r#"{"Success":false,"Message":"500"}"#)),
            _ => None,
        })
        .await;
    let client = stage.client();
    let webhook = Webhook::new("Connector", "https://connector.example/", "key".into(), &["contact.changed"]);
    let states = [
        client.webhooks().await.unwrap()[0].state.to_string(),
        client.register_webhook(&webhook).await.unwrap().state.to_string(),
        client.patch_webhook(3, &Patch::new().replace("/State", "Active")).await.unwrap().state.to_string(),
    ];
    assert_eq!(states, ["TooManyErrors", "Active", "Active"]);
    assert!(!client.test_webhook(&webhook).await.unwrap().success);
    client.remove_webhook(4).await.unwrap();
    assert!(matches!(client.webhook(9).await.unwrap_err(), Error::NotFound(_)));

    let sent = stage.hits("/v1/Webhook").into_iter().find(|hit| hit.method == "POST").unwrap().body;
    assert!(sent.contains(r#""Secret":"key""#) && sent.contains(r#""State":"Active""#), "{sent}");
}

#[tokio::test]
async fn we_know_who_we_are_and_which_fields_there_are() {
    let stage = Stage::open(|hit, _| match hit.path.trim_start_matches("/Cust12345/api/") {
        "v1/User/currentPrincipal" => Some(json(200, r#"{"AssociateId":30,"Associate":"API","PersonId":0}"#)),
        "v1/Person/UdefLayout/Published" => Some(json(200, r#"[{"ProgId":"Demo:7","FieldType":"List"}]"#)),
        _ => None,
    })
    .await;
    let client = stage.client();
    let principal = client.current_principal().await.unwrap();
    assert_eq!((principal.associate_id, principal.person_id), (30, 0));
    assert_eq!(client.udef_fields(Owner::Person).await.unwrap()[0].prog_id, "Demo:7");
    assert_eq!(client.tenant_state().await.unwrap().context_identifier, "Cust12345");
}
