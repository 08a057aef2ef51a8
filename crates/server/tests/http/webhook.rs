//! What a sender of deliveries is told, and what is stored afterwards.

use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use connector_domain::ids::{ContactId, EventId, TenantId};
use connector_domain::policy::Policy;
use connector_domain::retention::Cuts;
use connector_server::{App, Gate, router};
use connector_store::inbox::{Accepted, Delivery, Disposition, StoredEvent};
use connector_store::page::{Page, PageRequest};
use connector_store::retention::{Place, Pruned, Removed, Retention};
use connector_store::{Inbox, StoreError};
use http::{Request, StatusCode};
use superoffice::webhook::Signature;
use tokio::sync::Notify;

use crate::support::{Answer, House, SECRET, TOKEN, send, tenant};

pub(crate) fn body(id: &str, contact: i64) -> String {
    format!(
        r#"{{"EventId":"{id}","Timestamp":"2026-05-04T11:59:59.0912039Z","Changes":["contact_id","name"],
            "Event":"contact.created","PrimaryKey":{contact},"Entity":"contact","ContextIdentifier":"Cust12345",
            "ChangedByAssociateId":5,"WebhookName":"sample","FieldValues":{{"associate_id":12}}}}"#
    )
}

async fn deliver(router: Router, body: impl Into<Body>) -> Answer {
    let request = Request::post("/connector/webhook").header("X-Webhook-Token", TOKEN);
    send(router, request.body(body.into()).unwrap()).await
}

async fn events(house: &House) -> Vec<StoredEvent> {
    house.store.events(&tenant(), None, &PageRequest::default()).await.unwrap().items
}

#[tokio::test]
async fn each_delivery_is_told_what_became_of_it() {
    let house = House::new();
    let long = "[".repeat(100_000);
    let other = body("e5", 18).replace("Cust12345", "Cust99999");
    let created = body("e1", 18);
    let noise = body("e3", 18).replace("created", "changed").replace("\"name\"", "\"category_idx\"");
    let table: &[(&[u8], &str)] = &[
        (created.as_bytes(), r#"{"status":"queued","job_id":1}"#),
        (created.as_bytes(), r#"{"status":"duplicate"}"#),
        (&body("e2", 18).into_bytes(), r#"{"status":"queued","job_id":1}"#),
        (noise.as_bytes(), r#"{"status":"skipped","reason":"NOTHING_WATCHED"}"#),
        (
            br#"{"EventId":"e4","Event":"sale.created","PrimaryKey":3}"#,
            r#"{"status":"skipped","reason":"UNSUPPORTED_EVENT"}"#,
        ),
        (other.as_bytes(), r#"{"status":"parked"}"#),
        (br#"{"EventId":"t","Event":"test","ContextIdentifier":"Default"}"#, r#"{"status":"test"}"#),
        (b"", r#"{"status":"parked"}"#),
        (b"[]", r#"{"status":"parked"}"#),
        (b"\xff\xfe\x00", r#"{"status":"parked"}"#),
        (long.as_bytes(), r#"{"status":"parked"}"#),
        (long.as_bytes(), r#"{"status":"duplicate"}"#),
    ];
    for (body, said) in table {
        let answer = deliver(house.router(), Bytes::copy_from_slice(body)).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, *said));
        assert_eq!(answer.header("content-type"), "application/json");
    }
    let stored = events(&house).await;
    let parked = stored.iter().filter(|event| event.disposition == Disposition::Parked).count();
    assert_eq!((stored.len(), parked), (9, 5));
    let foreign = stored.iter().find(|event| event.id.as_str() == "e5").unwrap();
    assert_eq!(foreign.words.as_deref(), Some("it was sent for Cust99999, and this is Cust12345"));
}

#[tokio::test]
async fn a_stranger_is_refused_before_anything_is_read() {
    let house = House::new();
    let post = |uri: &str, tokens: &[&str], body: &str| {
        let mut request = Request::post(uri);
        for token in tokens {
            request = request.header("X-Webhook-Token", *token);
        }
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let body = body("e1", 18);
    for request in [
        post("/connector/webhook", &[], &body),
        post("/connector/webhook", &[""], &body),
        post("/connector/webhook", &["let me i"], &body),
        post("/connector/webhook", &[TOKEN, TOKEN], &body),
        post("/connector/webhook?token=wrong", &[], "not even JSON"),
        post("/connector/webhook?token=let%20me%20in", &["wrong"], &body),
    ] {
        let answer = send(house.router(), request).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["code"], "bad_token");
        assert!(!answer.body.contains(TOKEN));
    }
    assert!(events(&house).await.is_empty());
    let answer = send(house.router(), post("/connector/webhook?token=let%20me%20in", &[], &body)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn with_a_secret_only_signed_bodies_come_in() {
    let house = House::new();
    let app = || App { gate: Gate::new(&TOKEN.into(), vec!["older".into(), SECRET.into()]), ..house.app() };
    let post = |signatures: &[&str]| {
        let mut request = Request::post("/connector/webhook").header("X-Webhook-Token", TOKEN);
        for signature in signatures {
            request = request.header("X-Superoffice-Signature", *signature);
        }
        request.body(Body::from(body("e1", 18))).unwrap()
    };
    let right = Signature::sign(SECRET, body("e1", 18).as_bytes());
    let of_other_bytes = Signature::sign(SECRET, format!("{} ", body("e1", 18)).as_bytes());
    for wrong in [&[][..], &[""], &["x"], &[&of_other_bytes], &[&right, &right], &[&right.to_lowercase()]] {
        let answer = send(router(app()), post(wrong)).await;
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (StatusCode::UNAUTHORIZED, &"bad_signature".into())
        );
    }
    assert!(events(&house).await.is_empty());
    assert_eq!(send(router(app()), post(&[&right])).await.status, StatusCode::OK);
    let older = Signature::sign("older", body("e1", 18).as_bytes());
    assert_eq!(send(router(app()), post(&[&older])).await.body, r#"{"status":"duplicate"}"#);
}

#[tokio::test]
async fn bytes_are_counted_and_too_many_are_refused() {
    let house = House::new();
    let small = || router(App { body_limit: 1000, ..house.app() });
    assert_eq!(deliver(small(), " ".repeat(1001)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let pieces = futures::stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(" ".repeat(11))));
    assert_eq!(deliver(small(), Body::from_stream(pieces)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(events(&house).await.is_empty());
    assert_eq!(deliver(small(), " ".repeat(1000)).await.body, r#"{"status":"parked"}"#);
}

#[tokio::test]
async fn an_event_that_cannot_be_stored_is_asked_for_again() {
    let house = House::new();
    for failure in [StoreError::Full, StoreError::Busy(8192), StoreError::Inconsistent("x".into())] {
        let router = router(App { inbox: Arc::new(Broken(failure)), ..house.app() });
        let answer = deliver(router, body("e1", 18)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.json()["code"], "not_stored");
    }
}

/// An inbox on a disk that is full.
pub(crate) struct Broken(pub(crate) StoreError);

#[async_trait]
impl Inbox for Broken {
    async fn accept(&self, _: Delivery, _: Arc<Policy>) -> Result<Accepted, StoreError> {
        Err(self.0.clone())
    }

    async fn events(
        &self,
        _: &TenantId,
        _: Option<ContactId>,
        _: &PageRequest,
    ) -> Result<Page<StoredEvent>, StoreError> {
        Err(self.0.clone())
    }

    async fn event(&self, _: &TenantId, _: &EventId) -> Result<Option<(StoredEvent, Vec<u8>)>, StoreError> {
        Err(self.0.clone())
    }

    async fn newest_delivery(&self, _: &TenantId) -> Result<Option<(i64, Timestamp)>, StoreError> {
        Err(self.0.clone())
    }

    async fn event_count(&self, _: &TenantId) -> Result<u64, StoreError> {
        Err(self.0.clone())
    }

    fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }
}

/// An inbox whose database never answers.
struct Mute;

#[async_trait]
impl Inbox for Mute {
    async fn accept(&self, _: Delivery, _: Arc<Policy>) -> Result<Accepted, StoreError> {
        std::future::pending().await
    }

    async fn events(
        &self,
        _: &TenantId,
        _: Option<ContactId>,
        _: &PageRequest,
    ) -> Result<Page<StoredEvent>, StoreError> {
        std::future::pending().await
    }

    async fn event(&self, _: &TenantId, _: &EventId) -> Result<Option<(StoredEvent, Vec<u8>)>, StoreError> {
        std::future::pending().await
    }

    async fn newest_delivery(&self, _: &TenantId) -> Result<Option<(i64, Timestamp)>, StoreError> {
        std::future::pending().await
    }

    async fn event_count(&self, _: &TenantId) -> Result<u64, StoreError> {
        std::future::pending().await
    }

    fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        tokio::sync::watch::channel(0).1
    }
}

#[tokio::test]
async fn numbers_that_need_no_database_are_told_without_one() {
    let house = House::new();
    let inboxes: [Arc<dyn Inbox>; 2] = [Arc::new(Broken(StoreError::Full)), Arc::new(Mute)];
    for inbox in inboxes {
        let router = router(App { inbox, ..house.app() });
        let asked = send(router, Request::get("/metrics").body(Body::empty()).unwrap());
        let metrics = tokio::time::timeout(Duration::from_secs(10), asked).await.expect("it is told in time");
        assert_eq!(metrics.status, StatusCode::OK);
        for line in [
            "so_ingest_ack_duration_seconds_count 0",
            "so_store_up 0",
            r#"so_part_up{part="SuperOffice"} 1"#,
            r#"so_build_info{version="0.1.0"} 1"#,
        ] {
            assert!(metrics.body.lines().any(|other| other == line), "{line} in\n{}", metrics.body);
        }
        for name in ["so_jobs", "so_oldest", "so_events", "so_writes", "so_accounts"] {
            assert!(!metrics.body.contains(name), "{name} in\n{}", metrics.body);
        }
    }
}

/// Counts when it is told to.
struct Slow {
    store: Arc<dyn Retention>,
    goes_on: Arc<Notify>,
}

#[async_trait]
impl Retention for Slow {
    async fn prune(
        &self,
        cuts: &Cuts,
        from: Place,
        most: usize,
        now: Timestamp,
    ) -> Result<Pruned, StoreError> {
        self.store.prune(cuts, from, most, now).await
    }

    async fn removed(&self) -> Result<Removed, StoreError> {
        self.goes_on.notified().await;
        self.store.removed().await
    }

    async fn used(&self) -> Result<u64, StoreError> {
        self.store.used().await
    }
}

#[tokio::test]
async fn a_database_that_takes_long_to_count_is_counted_beside_the_requests() {
    let house = House::new();
    let goes_on = Arc::new(Notify::new());
    let slow = Slow { store: house.store.clone(), goes_on: Arc::clone(&goes_on) };
    let router = router(App { retention: Arc::new(slow), ..house.app() });
    let ask = async || send(router.clone(), Request::get("/metrics").body(Body::empty()).unwrap()).await.body;
    assert!(!ask().await.contains("so_jobs"), "nothing was counted yet");
    // Nobody waits for it any more, and it goes on all the same.
    goes_on.notify_one();
    let page = ask().await;
    assert!(page.contains("so_jobs") && page.contains("\nso_store_counts_age_seconds "), "{page}");
}

#[tokio::test]
async fn the_bare_route_stores_nothing_and_is_there_only_when_asked_for() {
    let house = House::new();
    let post = |token: &str| {
        let request = Request::post("/connector/bare").header("X-Webhook-Token", token);
        request.body(Body::from(body("e1", 18))).unwrap()
    };
    assert_eq!(send(house.router(), post(TOKEN)).await.status, StatusCode::NOT_FOUND);
    let bench = || router(App { bench: true, ..house.app() });
    assert_eq!(send(bench(), post("wrong")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(send(bench(), post(TOKEN)).await.body, r#"{"status":"queued","job_id":0}"#);
    assert!(events(&house).await.is_empty());
}

#[tokio::test]
async fn answers_are_counted_by_code() {
    let house = House::new();
    let router = house.router();
    deliver(router.clone(), body("e1", 18)).await;
    send(router.clone(), Request::post("/connector/webhook").body(Body::empty()).unwrap()).await;
    let metrics = send(router, Request::get("/metrics").body(Body::empty()).unwrap()).await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    for line in [
        r#"so_ingest_requests_total{code="200"} 1"#,
        r#"so_ingest_requests_total{code="401"} 1"#,
        "so_ingest_ack_duration_seconds_count 1",
        r#"so_jobs{state="PENDING"} 1"#,
        "so_events_total 1",
        "so_store_up 1",
        r#"so_part_up{part="SuperOffice"} 1"#,
        r#"so_build_info{version="0.1.0"} 1"#,
    ] {
        assert!(metrics.body.lines().any(|other| other == line), "{line} in\n{}", metrics.body);
    }
}
