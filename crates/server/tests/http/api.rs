//! The shapes that scripts rely on.

use axum::body::Body;
use connector_server::{App, Roles, router};
use http::{Request, StatusCode};
use insta::assert_json_snapshot;
use serde_json::Value;

use crate::support::{House, latest_job, send};

/// The fields of a JSON object, for comparing shapes.
fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn an_account_says_its_state_and_why() {
    let house = House::lived_in().await;
    let list = house.get("/api/v1/accounts").await.json();
    assert_eq!(names(&list), ["as_of", "items", "next"]);
    let items = list["items"].as_array().unwrap();
    let states: Vec<_> = items.iter().map(|item| (&item["id"], &item["state"], &item["reason"])).collect();
    assert_json_snapshot!(states, @r#"
    [
      [
        90213,
        "PENDING",
        null
      ],
      [
        25,
        "PROCESSING",
        null
      ],
      [
        24,
        "PENDING",
        null
      ],
      [
        18,
        "COMPLETED",
        null
      ],
      [
        20,
        "HELD",
        "DRY_RUN"
      ],
      [
        21,
        "FAILED",
        null
      ],
      [
        22,
        "SKIPPED",
        "NO_WEBSITE"
      ],
      [
        23,
        "SKIPPED",
        "DELETED"
      ]
    ]
    "#);
    let completed = items.iter().find(|item| item["id"] == 18).unwrap();
    assert_json_snapshot!(completed, @r#"
    {
      "crm_url": "https://crm.example/Cust12345/default.aspx?contact_id=18",
      "deleted": false,
      "id": 18,
      "jobs": 2,
      "name": "Falkenried Pumpen GmbH",
      "outshines": {
        "at": "2026-05-04T11:54:00Z",
        "reason": "OWN_WRITE",
        "state": "SKIPPED"
      },
      "owner": "MHOLM",
      "owner_id": 12,
      "owner_name": "Mads Holm",
      "reason": null,
      "reason_text": "wrote 2 fields to person 31",
      "retrying": false,
      "state": "COMPLETED",
      "state_until": "2026-05-04T12:07:00Z",
      "touched_at": "2026-05-04T11:54:00Z",
      "url": "/accounts/18",
      "website": "https://www.falkenried-pumpen.example/"
    }
    "#);
}

#[tokio::test]
async fn an_account_alone_has_its_fields_and_its_profile() {
    let house = House::lived_in().await;
    let account = house.get("/api/v1/accounts/18").await.json();
    assert_json_snapshot!(account["fields"], @r#"
    {
      "opener_primary": {
        "before": "",
        "job_id": 5,
        "label": "Opener primary",
        "value": "Ihre eigene Gießerei in Kiel ist im Pumpenbau selten geworden.",
        "written_at": "2026-05-04T11:52:00Z"
      },
      "opener_secondary": {
        "before": "",
        "job_id": 5,
        "label": "Opener secondary",
        "value": "Pumpen, die seit 1974 in der Chemie laufen, sprechen für sich.",
        "written_at": "2026-05-04T11:52:00Z"
      },
      "summary": {
        "before": "Pumpenbau",
        "job_id": 5,
        "label": "Summary",
        "value": "Fertigt Pumpen für Chemie und Lebensmittel in Kiel, seit 1974, mit eigener Gießerei.",
        "written_at": "2026-05-04T11:52:00Z"
      },
      "vertical": {
        "before": "",
        "job_id": 5,
        "label": "Vertical",
        "value": "Maschinen- und Anlagenbau",
        "written_at": "2026-05-04T11:52:00Z"
      }
    }
    "#);
    assert_eq!(account["persons"], serde_json::json!([31]));
    assert_eq!(account["profile"]["engine"], "offline@1");
    let unnamed = house.get("/api/v1/accounts/90213").await.json();
    assert_eq!(
        (&unnamed["name"], &unnamed["owner"], &unnamed["profile"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn accounts_are_found_by_name_and_owner_and_come_in_pages() {
    let house = House::lived_in().await;
    let ids = |answer: &Value| {
        answer["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&house.get("/api/v1/accounts?q=pumpen").await.json()), [18]);
    assert_eq!(ids(&house.get("/api/v1/accounts?owner=kari").await.json()), [24, 21]);
    let mut seen = Vec::new();
    let mut address = "/api/v1/accounts?limit=3".to_owned();
    loop {
        let page = house.get(&address).await.json();
        seen.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        address = format!("/api/v1/accounts?limit=3&after={next}");
    }
    assert_eq!(seen, ids(&house.get("/api/v1/accounts").await.json()));
}

#[tokio::test]
async fn a_job_is_listed_by_state_and_shown_with_steps_and_writes() {
    let house = House::lived_in().await;
    let list = house.get("/api/v1/jobs?state=failed,HELD").await.json();
    let items = list["items"].as_array().unwrap();
    assert_eq!(
        items.iter().map(|item| item["state"].as_str().unwrap()).collect::<Vec<_>>(),
        ["HELD", "FAILED"]
    );
    assert_json_snapshot!(items[1], @r#"
    {
      "account_id": 21,
      "attempts": 1,
      "crashes": 0,
      "created_at": "2026-05-04T11:00:00Z",
      "entity": "contact",
      "entity_id": 21,
      "events": 1,
      "faults": 1,
      "finished_at": "2026-05-04T11:02:00Z",
      "id": 3,
      "reason": null,
      "reason_text": "SuperOffice refused the write: 403 Forbidden on userdef_id",
      "remedy": "Give the role write access to the field, then retry.",
      "run_at": "2026-05-04T11:00:00Z",
      "started_at": "2026-05-04T11:00:00Z",
      "state": "FAILED",
      "url": "/jobs/3",
      "words": "SuperOffice refused the write: 403 Forbidden on userdef_id"
    }
    "#);
    let id = house.get("/api/v1/jobs?account=18").await.json()["items"][1]["id"].clone();
    let job = house.get(&format!("/api/v1/jobs/{id}")).await.json();
    assert_json_snapshot!(job["writes"][0]["fields"][1], @r#"
    {
      "after": "Fertigt Pumpen für Chemie und Lebensmittel in Kiel, seit 1974, mit eigener Gießerei.",
      "before": "Pumpenbau",
      "field": "summary",
      "label": "Summary",
      "prog_id": "SuperOffice:2"
    }
    "#);
    assert_json_snapshot!(job["steps"], @r#"
    [
      {
        "at": "2026-05-04T11:51:57.58Z",
        "attempt": 1,
        "stage": "filter",
        "words": "contact 18 is worth a look"
      },
      {
        "at": "2026-05-04T11:51:58.1Z",
        "attempt": 1,
        "stage": "fetch",
        "words": "read contact 18, the name is known"
      },
      {
        "at": "2026-05-04T11:51:59.3Z",
        "attempt": 1,
        "stage": "explore",
        "words": "read 3 pages in 1.2 s, 5 quotes"
      },
      {
        "at": "2026-05-04T11:51:59.96Z",
        "attempt": 1,
        "stage": "write_back",
        "words": "wrote 4 fields to contact 18"
      }
    ]
    "#);
}

#[tokio::test]
async fn an_event_says_what_became_of_it() {
    let house = House::lived_in().await;
    let list = house.get("/api/v1/events?account=18&limit=1").await.json();
    assert_json_snapshot!(list["items"], @r#"
    [
      {
        "account_id": 18,
        "changed_by": 528,
        "changes": [
          "updated",
          "userdef_id"
        ],
        "disposition": "skipped",
        "entity": "contact",
        "entity_id": 18,
        "event": "contact.changed",
        "event_id": "contact.changed-18-1777895640",
        "happened_at": "2026-05-04T11:54:00Z",
        "job_id": null,
        "reason": "OWN_WRITE",
        "reason_text": "The change was our own write coming back.",
        "received_at": "2026-05-04T11:54:00Z",
        "repeats": 0,
        "seq": 8,
        "source": "webhook"
      }
    ]
    "#);
}

#[tokio::test]
async fn the_status_counts_what_is_stored() {
    let house = House::lived_in().await;
    let mut status = house.get("/api/v1/status").await.json();
    let parts = status.as_object_mut().unwrap().remove("parts").unwrap();
    assert_eq!(names(&parts[0]), ["name", "remedy", "state", "words"]);
    assert_json_snapshot!(status, @r#"
    {
      "accounts": 8,
      "as_of": "2026-05-04T12:00:00Z",
      "environment": "development",
      "events": 11,
      "jobs": {
        "COMPLETED": 2,
        "FAILED": 1,
        "HELD": 1,
        "PENDING": 2,
        "PROCESSING": 1,
        "SKIPPED": 2
      },
      "oldest_due_at": "2026-05-04T11:59:48Z",
      "open": 3,
      "roles": {
        "dashboard": true,
        "receive": true,
        "work": true
      },
      "state": "ok",
      "tenant": "Cust12345",
      "version": "0.1.0",
      "writes": 2
    }
    "#);
}

#[tokio::test]
async fn what_makes_no_sense_is_a_problem_with_a_hint() {
    let house = House::lived_in().await;
    let table = [
        ("/api/v1/accounts?onwer=KARI", 400, "Did you mean `owner`?"),
        ("/api/v1/accounts?limit=0", 400, "1 to 1000"),
        ("/api/v1/accounts?limit=1001", 400, "1 to 1000"),
        ("/api/v1/accounts?after=nowhere", 400, "`next` of an earlier page"),
        ("/api/v1/accounts?after=-", 400, "`next` of an earlier page"),
        ("/api/v1/accounts?after=18", 400, "`next` of an earlier page"),
        ("/api/v1/accounts?after=1-9223372036854775808", 400, "`next` of an earlier page"),
        ("/api/v1/jobs?after=-", 400, "`next` of an earlier page"),
        ("/api/v1/jobs?after=9223372036854775808", 400, "`next` of an earlier page"),
        ("/api/v1/jobs?after=1-2", 400, "`next` of an earlier page"),
        ("/api/v1/events?after=1-2", 400, "`next` of an earlier page"),
        ("/api/v1/events?after=9223372036854775808", 400, "`next` of an earlier page"),
        ("/api/v1/accounts?q=a&q=b", 400, "twice"),
        ("/api/v1/jobs?state=FAILDE", 400, "Did you mean `FAILED`?"),
        ("/api/v1/jobs?account=x", 400, "whole number"),
        ("/api/v1/status?verbose=1", 400, "none is taken here"),
        ("/api/v1/accounts/4711", 404, "account 4711"),
        ("/api/v1/accounts/x", 404, "account x"),
        ("/api/v1/jobs/4711", 404, "job 4711"),
        ("/api/v1/accounts/%ff", 404, "no account at this address"),
        ("/api/v1/jobs/%ff", 404, "no job at this address"),
        ("/api/v1/nothing", 404, "/api/v1/nothing"),
        ("/api", 404, "/api"),
        ("/api/v1/jobs/1/retry", 405, "does not take GET"),
        ("/connector/webhook", 405, "does not take GET"),
    ];
    for (address, status, words) in table {
        let answer = house.get(address).await;
        let problem = answer.json();
        assert_eq!((answer.status.as_u16(), &problem["status"]), (status, &status.into()), "{address}");
        assert_eq!(answer.header("content-type"), "application/problem+json", "{address}");
        assert!(problem["detail"].as_str().unwrap().contains(words), "{problem}");
        assert!(problem["title"].is_string() && problem["type"].is_string() && problem["code"].is_string());
    }
}

#[tokio::test]
async fn a_job_that_ended_can_be_tried_again_and_no_other() {
    let house = House::lived_in().await;
    let retry = |address: String, headers: &[(&str, &str)]| {
        let mut request = Request::post(address);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(house.router(), request.body(Body::empty()).unwrap())
    };
    let failed = latest_job(&house, 21).await;
    let address = format!("/api/v1/jobs/{failed}/retry");

    let foreign = [("sec-fetch-site", "cross-site")];
    let refused = retry(address.clone(), &foreign).await;
    assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::FORBIDDEN, &"cross_site".into()));
    let foreign = [("origin", "https://elsewhere.example"), ("host", "127.0.0.1:8080")];
    assert_eq!(retry(address.clone(), &foreign).await.status, StatusCode::FORBIDDEN);

    let taken = retry(address.clone(), &[]).await;
    assert_eq!(
        (taken.status, taken.json()),
        (StatusCode::OK, serde_json::json!({"status":"queued","job_id":failed}))
    );

    let running = latest_job(&house, 25).await;
    let refused = retry(format!("/api/v1/jobs/{running}/retry"), &[]).await;
    assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::CONFLICT, &"running".into()));
    for nowhere in ["/api/v1/jobs/4711/retry", "/api/v1/jobs/%ff/retry"] {
        let refused = retry(nowhere.into(), &[]).await;
        assert_eq!((refused.status, &refused.json()["code"]), (StatusCode::NOT_FOUND, &"not_found".into()));
    }
}

#[tokio::test]
async fn a_process_has_the_routes_of_its_roles() {
    let house = House::new();
    let with =
        |receive, dashboard| router(App { roles: Roles { receive, work: true, dashboard }, ..house.app() });
    let status = async |router, address: &str| {
        send(router, Request::get(address).body(Body::empty()).unwrap()).await.status.as_u16()
    };
    assert_eq!(status(with(true, false), "/").await, 404);
    assert_eq!(status(with(true, false), "/api/v1/status").await, 404);
    assert_eq!(status(with(true, false), "/connector/webhook").await, 405);
    assert_eq!(status(with(false, true), "/connector/webhook").await, 404);
    assert_eq!(status(with(false, true), "/").await, 200);
    for address in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(status(with(false, false), address).await, 200, "{address}");
    }
}

#[tokio::test]
async fn a_mark_that_was_not_read_back_for_long_makes_unready_with_the_reason() {
    let mut house = House::new();
    house.canary = connector_server::Canary::aged(std::time::Duration::from_secs(16));
    let answer = house.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("last read back 16 s ago"), "{}", answer.body);
    assert!(house.get("/metrics").await.body.contains("\nso_durability_canary_age_seconds 16."));
    assert_eq!(house.get("/livez").await.status, StatusCode::OK);
    house.canary = connector_server::Canary::aged(std::time::Duration::from_secs(14));
    assert_eq!(house.get("/readyz").await.status, StatusCode::OK);
}
