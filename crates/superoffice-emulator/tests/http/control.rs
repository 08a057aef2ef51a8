//! Behind the curtain.

use serde_json::{Value, json};
use superoffice_emulator::Options;

use crate::support::{Tenant, options, send};

#[tokio::test]
async fn an_account_shows_what_a_person_would_see() {
    let tenant = Tenant::start().await;
    let (_, items) = tenant.get("MDOList/udlist101").await;
    let patch = json!([{"op": "replace", "path": "CustomFields", "value": {"SuperOffice:1": format!("[I:{}]", items[2]["Id"])}}]);
    tenant.call("PATCH", "Contact/1", patch).await;
    tenant
        .control(
            "POST",
            "edit",
            json!({"entity": "contact", "id": 1, "by": 12, "fields": {"Summary": "by hand"}}),
        )
        .await;

    let (_, accounts) = tenant.control("GET", "accounts", Value::Null).await;
    assert_eq!(accounts.as_array().unwrap().len(), 24);
    let account = &accounts[0];
    assert_eq!(account["udfs"]["Vertical"], items[2]["Name"]);
    assert_eq!(account["udfs"]["Summary"], "by hand");
    assert_eq!(account["writes"][0]["ours"], true);
    assert_eq!(account["writes"][0]["by"], 7);
    assert_eq!(
        account["writes"][0]["fields"],
        json!([{"name": "Vertical", "before": "", "after": items[2]["Name"]}])
    );
    assert_eq!((&account["writes"][1]["ours"], &account["writes"][1]["by"]), (&json!(false), &json!(12)));
    assert!(account["expected"]["state"].is_string());
    assert!(account["persons"][0]["udfs"].get("Bridge").is_some());
    assert!(account["persons"][0]["writes"].is_array());
    let in_scope = accounts.as_array().unwrap().iter().filter(|account| account["in_scope"] == true);
    assert!(
        in_scope
            .clone()
            .all(|account| tenant.details.owners.contains(&account["owner"].as_str().unwrap().to_owned()))
    );
    assert!(in_scope.count() < 24, "some belong to others");
}

#[tokio::test]
async fn edits_take_properties_labels_and_prog_ids() {
    let tenant = Tenant::start().await;
    let fields = json!({"Name": "Renamed", "SuperOffice:2": "text", "Newsletter": "yes?", "Owner": "TJENS"});
    let edit = |fields: &Value| json!({"entity": "contact", "id": 1, "by": 12, "fields": fields});
    assert_eq!(tenant.control("POST", "edit", edit(&fields)).await.0, 400, "'yes?' is not a tick");
    assert_ne!(tenant.world.contact(1).unwrap().name, "Renamed", "all or nothing");

    let fields = json!({"Name": "Renamed", "SuperOffice:2": "text", "Newsletter": true, "Owner": "tjens",
                        "URL": "https://renamed.example/", "Category": "Kunde"});
    assert_eq!(tenant.control("POST", "edit", edit(&fields)).await.0, 200);
    let contact = tenant.world.contact(1).unwrap();
    assert_eq!((contact.name.as_str(), contact.owner, contact.category_id), ("Renamed", 11, 2));
    assert_eq!(contact.url(), "https://renamed.example/");
    assert_eq!(tenant.control("POST", "edit", edit(&json!({"Colour": "red"}))).await.0, 400);
    let other = json!({"entity": "contact", "id": 999, "by": 12, "fields": {}});
    assert_eq!(tenant.control("POST", "edit", other).await.0, 404);
}

#[tokio::test]
async fn records_can_be_created_and_deleted() {
    let tenant = Tenant::start().await;
    let (_, made) = tenant
        .control("POST", "create", json!({"entity": "contact", "by": 12, "fields": {"Name": "Fresh"}}))
        .await;
    let id = made["id"].as_i64().unwrap();
    assert_eq!(tenant.world.contact(id).unwrap().owner, 12);
    let person = json!({"entity": "person", "by": 12, "fields": {"ContactId": id, "Lastname": "Fresh", "Title": "CEO", "Position": "IT"}});
    let (_, person) = tenant.control("POST", "create", person).await;
    assert_eq!(tenant.world.persons_at(id), [person["id"].as_i64().unwrap()]);
    for path in ["softdelete", "delete"] {
        assert_eq!(
            tenant.control("POST", path, json!({"entity": "contact", "id": id, "by": 12})).await.0,
            200
        );
    }
    assert_eq!(tenant.world.contact(id), None);
}

#[tokio::test]
async fn calls_are_counted_by_method_route_and_status() {
    let tenant = Tenant::start().await;
    for path in ["Contact/1", "contact/2", "Contact/999"] {
        tenant.get(path).await;
    }
    tenant.refresh().await;
    let (_, calls) = tenant.control("GET", "calls", Value::Null).await;
    let calls = calls.as_array().unwrap();
    for row in [
        json!({"method": "GET", "route": "Contact/{id}", "status": 200, "count": 2}),
        json!({"method": "GET", "route": "Contact/{id}", "status": 404, "count": 1}),
        json!({"method": "POST", "route": "login/tokens", "status": 200, "count": 1}),
    ] {
        assert!(calls.contains(&row), "{row} is not in {calls:?}");
    }
    assert_eq!(tenant.world.calls("GET", "Contact/{id}"), 3);
}

#[tokio::test]
async fn a_reset_brings_back_the_first_day() {
    let tenant = Tenant::start().await;
    let (_, before) = tenant.control("GET", "accounts", Value::Null).await;
    tenant
        .control("POST", "edit", json!({"entity": "contact", "id": 1, "by": 12, "fields": {"Name": "x"}}))
        .await;
    tenant.control("POST", "mishaps", json!({"kind": "offline"})).await;
    assert_eq!(tenant.control("POST", "reset", Value::Null).await.0, 204);
    assert_eq!(tenant.control("GET", "accounts", Value::Null).await.1, before);
    assert_eq!(tenant.get("Contact/1").await.0, 200, "the credentials are the same");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_world() {
    let seeded = async |seed| {
        let tenant = Tenant::with(Options { companies: 60, seed, ..options() }).await;
        let accounts = tenant.world.accounts();
        (accounts, tenant.details.client_secret.clone(), tenant.details.access_token.clone())
    };
    assert_eq!(seeded(5).await, seeded(5).await);
    assert_ne!(seeded(5).await.2, seeded(6).await.2);
}

#[tokio::test]
async fn switches_can_be_set_by_name() {
    let tenant = Tenant::start().await;
    let (status, policy) = tenant.control("POST", "policy", json!({"page_cap": 500})).await;
    assert_eq!((status, &policy["page_cap"]), (200, &json!(500)));
    assert_eq!(tenant.control("POST", "policy", json!({"page_cup": 500})).await.0, 400);
}

#[tokio::test]
async fn control_answers_this_machine_by_its_own_names_and_no_other_sites_pages() {
    let tenant = Tenant::start().await;
    let url = format!("{}/_emulator/edit", tenant.details.login_url);
    let edit = json!({"entity": "contact", "id": 1, "by": 12, "fields": {"Name": "Renamed"}});
    let ask = async |name: &str, value: &str| {
        let request = tenant.http.post(&url).header(name, value).json(&edit);
        request.send().await.unwrap().status().as_u16()
    };
    for host in ["rebound.example", "rebound.example:8390", "localhost.example", "192.0.2.7"] {
        assert_eq!(ask("host", host).await, 403, "{host}");
    }
    for origin in ["https://crm.example", "http://localhost.example:8390", "null"] {
        assert_eq!(ask("origin", origin).await, 403, "{origin}");
    }
    assert_ne!(tenant.world.contact(1).unwrap().name, "Renamed");
    for host in ["localhost", "localhost:8390", "127.0.0.1:1", "[::1]:8390"] {
        assert_eq!(ask("host", host).await, 200, "{host}");
    }
    for origin in ["http://localhost:3000", "http://127.0.0.1:8390", "http://[::1]"] {
        assert_eq!(ask("origin", origin).await, 200, "{origin}");
    }
}

#[tokio::test]
async fn calls_on_a_record_are_kept_in_order_with_who_made_them() {
    let tenant = Tenant::start().await;
    let person = tenant.world.persons_at(1)[0];
    let read = tenant.request("GET", "Contact/1").header("user-agent", "first/1 (aa)");
    assert_eq!(send(read).await.0, 200);
    let patch = json!([{"op": "replace", "path": "Title", "value": "Head of Tests"}]);
    let write = tenant.request("PATCH", &format!("Person/{person}")).header("user-agent", "second/1 (bb)");
    assert_eq!(send(write.json(&patch)).await.0, 200);
    let stale =
        tenant.request("PATCH", "Contact/1").header("if-unmodified-since", "Mon, 01 Jan 2001 00:00:00 GMT");
    assert_eq!(send(stale.json(&json!([]))).await.0, 412);
    assert_eq!(tenant.get("Contact/9999").await.0, 404);

    let (_, calls) = tenant.control("GET", "calls/records", Value::Null).await;
    let told = |call: &Value| {
        format!(
            "{} {} {} {} {} {}",
            call["agent"], call["method"], call["entity"], call["id"], call["account"], call["status"]
        )
    };
    let told: Vec<String> = calls.as_array().unwrap().iter().map(told).collect();
    assert_eq!(
        told,
        [
            r#""first/1 (aa)" "GET" "contact" 1 1 200"#.to_owned(),
            format!(r#""second/1 (bb)" "PATCH" "person" {person} 1 200"#),
            r#""" "PATCH" "contact" 1 1 412"#.to_owned(),
            r#""" "GET" "contact" 9999 null 404"#.to_owned(),
        ]
    );
    tenant.world.reset();
    assert!(tenant.world.record_calls().is_empty());
}
