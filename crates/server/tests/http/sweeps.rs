//! Coverage and sweeps as programs and people see them, with a CRM that says what it is told to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::Body;
use connector_domain::coverage::Class;
use connector_domain::ids::{ContactId, Entity, TenantId};
use connector_domain::reason::Reason;
use connector_server::{App, Coverage, Gone, NotTold, Since, Sweeps, router};
use connector_store::Settings as _;
use connector_store::settings::GAP;
use http::{Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::support::{Answer, House, noon, send};

/// Answers with what it was given, and remembers what it was asked.
struct Told {
    coverage: Result<Coverage, NotTold>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Sweeps for Told {
    async fn ask(&self, since: Option<Since>, until: Option<Timestamp>) -> Result<(), NotTold> {
        self.asked.lock().unwrap().push(format!("{since:?} {until:?}"));
        Ok(())
    }

    async fn plan(&self, _: Option<Since>) -> Result<Value, NotTold> {
        Ok(json!({"calls": 6, "parts": []}))
    }

    async fn state(&self) -> Result<Value, NotTold> {
        Ok(json!({"running": null, "last": null, "waiting": []}))
    }

    async fn coverage(
        &self,
        since: Since,
        _: Option<Timestamp>,
        at_most: SignedDuration,
    ) -> Result<Coverage, NotTold> {
        self.asked.lock().unwrap().push(format!("{since:?} {at_most:?}"));
        self.coverage.clone()
    }
}

fn covered(unexplained: bool) -> Coverage {
    let lost = Gone {
        entity: Entity::Person,
        entity_id: 7,
        account_id: Some(ContactId(18)),
        updated_at: Some(noon()),
        by: "<b>KARI".into(),
    };
    Coverage {
        from: noon() - SignedDuration::from_hours(24),
        until: None,
        is_cut: false,
        changes: 5 + u64::from(unexplained),
        classes: [(Class::Enriched, 2), (Class::Recovered, 1), (Class::Skipped, 2)]
            .into_iter()
            .chain(unexplained.then_some((Class::Unexplained, 1)))
            .collect(),
        reasons: [((Class::Skipped, Reason::NoWebsite), 2)].into(),
        unexplained: unexplained.then_some(lost).into_iter().collect(),
        calls: 4,
    }
}

async fn ask(told: &Arc<Told>, method: &str, address: &str) -> Answer {
    let house = House::new();
    let app = App { sweeps: Some(told.clone()), ..house.app() };
    let request = Request::builder().method(method).uri(address).header("Origin", "http://localhost");
    send(router(app), request.body(Body::empty()).unwrap()).await
}

fn told(coverage: Result<Coverage, NotTold>) -> Arc<Told> {
    Arc::new(Told { coverage, asked: Mutex::default() })
}

#[tokio::test]
async fn each_class_is_told_and_each_reason() {
    let answer = ask(&told(Ok(covered(true))), "GET", "/api/v1/coverage?from=6h").await.json();
    let classes = json!({"enriched": 2, "recovered": 1, "skipped": 2, "held": 0, "failed": 0, "open": 0,
                         "unexplained": 1});
    assert_eq!(
        (&answer["classes"], &answer["changes"], &answer["recovered"]),
        (&classes, &6.into(), &1.into())
    );
    assert_eq!(answer["reasons"][0]["reason"], "NO_WEBSITE");
    assert_eq!(answer["unexplained_records"][0]["entity_id"], 7);
    assert!(answer["remedy"].as_str().unwrap().contains("so-connector sweep"));
    let fine = ask(&told(Ok(covered(false))), "GET", "/api/v1/coverage").await.json();
    assert_eq!((&fine["unexplained"], &fine["remedy"]), (&0.into(), &Value::Null));
}

#[tokio::test]
async fn the_page_asks_nothing_before_a_window_is_chosen_and_then_not_each_time() {
    let told = told(Ok(covered(true)));
    let page = ask(&told, "GET", "/coverage").await;
    assert!(page.status == StatusCode::OK && page.body.contains("Choose a window"));
    assert!(told.asked.lock().unwrap().is_empty());
    let page = ask(&told, "GET", "/coverage?from=24h").await;
    assert!(page.body.contains("1 of 6 changes not accounted for."), "{}", page.body);
    assert!(page.body.contains("Recovered by a sweep") && page.body.contains("person 7"));
    assert!(!page.body.contains("<b>KARI"), "what SuperOffice says is text, not markup");
    assert!(told.asked.lock().unwrap()[0].ends_with("30s"), "half a minute old will do");
}

#[tokio::test]
async fn the_same_for_programs_asks_the_same() {
    let address = "/coverage?from=2026-05-04T12%3A00%3A00%2B00%3A00&until=2026-05-04T13%3A00%3A00Z";
    let page = ask(&told(Ok(covered(false))), "GET", address).await;
    let link = "/api/v1/coverage?from=2026-05-04T12%3A00%3A00%2B00%3A00&#38;until=2026-05-04T13%3A00%3A00Z";
    assert!(page.body.contains(&format!("href=\"{link}\"")), "{}", page.body);
}

#[tokio::test]
async fn another_site_cannot_have_superoffice_asked() {
    let told = told(Ok(covered(false)));
    for address in ["/api/v1/coverage?from=24h", "/coverage?from=24h", "/api/v1/sweep/plan"] {
        let house = House::new();
        let app = App { sweeps: Some(told.clone()), ..house.app() };
        let request =
            Request::get(address).header("Sec-Fetch-Site", "cross-site").body(Body::empty()).unwrap();
        let answer = send(router(app), request).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{address}");
    }
    assert!(told.asked.lock().unwrap().is_empty());
    // A link to the page itself costs nothing.
    let house = House::new();
    let app = App { sweeps: Some(told.clone()), ..house.app() };
    let request =
        Request::get("/coverage").header("Sec-Fetch-Site", "cross-site").body(Body::empty()).unwrap();
    assert_eq!(send(router(app), request).await.status, StatusCode::OK);
}

#[tokio::test]
async fn times_and_lengths_of_time_are_read_and_nonsense_is_refused() {
    let told = told(Ok(covered(false)));
    for (query, status) in [
        ("", 200),
        ("?since=6h", 200),
        ("?since=2026-05-04T12:00:00Z&until=2026-05-04T13:00:00Z", 200),
        ("?since=soon", 400),
        ("?since=-6h", 400),
        ("?until=6h", 400),
        ("?other=1", 400),
    ] {
        let answer = ask(&told, "POST", &format!("/api/v1/sweep{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}: {}", answer.body);
    }
    assert_eq!(told.asked.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn that_the_database_was_put_back_is_remembered() {
    let told = told(Ok(covered(false)));
    let house = House::new();
    let nobody = TenantId(String::new());
    for (query, status, gap) in [
        ("?restored=true", 400, None),
        ("?since=2026-05-04T12:00:00Z&restored=perhaps", 400, None),
        ("?since=2026-05-04T12:00:00Z", 200, None),
        ("?since=2026-05-04T12:00:00Z&restored=true", 200, Some("2026-05-04T12:00:00Z")),
    ] {
        let app = App { sweeps: Some(told.clone()), ..house.app() };
        let request = Request::post(format!("/api/v1/sweep{query}")).body(Body::empty()).unwrap();
        let answer = send(router(app), request).await;
        assert_eq!(answer.status.as_u16(), status, "{query}: {}", answer.body);
        let kept = house.store.get(&nobody, GAP).await.unwrap();
        assert_eq!(kept.as_ref().and_then(|kept| kept["from"].as_str()), gap, "{query}");
    }
}

#[tokio::test]
async fn a_crm_that_does_not_tell_is_no_fault_of_ours() {
    let words = NotTold::Crm { words: "it is offline".into(), help: "wait".into() };
    let answer = ask(&told(Err(words)), "GET", "/api/v1/coverage").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert!(answer.body.contains("it is offline"));
    let nobody = House::new().get("/api/v1/coverage").await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}
