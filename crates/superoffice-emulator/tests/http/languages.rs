//! Languages, time zones, and the case of names.

use serde_json::{Value, json};
use superoffice_emulator::Entity;

use crate::support::{Answer, Tenant, policy, send};

/// A call with these headers and no others but its credentials.
async fn plain(tenant: &Tenant, path: &str, headers: &[(&str, &str)]) -> Answer {
    let url = format!("{}/v1/{path}", tenant.details.api_url);
    let mut request = tenant.http.get(url).bearer_auth(&tenant.details.access_token);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send(request).await
}

#[tokio::test]
async fn texts_come_raw_or_in_the_language_that_is_asked_for() {
    let tenant = Tenant::start().await;
    let raw = r#"US:"Prospect";GE:"Interessent""#;
    for (headers, expected, mandatory) in [
        (vec![], raw, "[SR_MANDATORY_FIELD_1281]"),
        (vec![("accept-language", "en")], "Prospect", "This field is mandatory"),
        (vec![("accept-language", "de-CH, en;q=0.5")], "Interessent", "Dieses Feld muss ausgefüllt werden"),
        (vec![("accept-language", "fr")], "Prospect", "This field is mandatory"),
        (
            vec![("accept-language", "en"), ("so-language", "de")],
            "Interessent",
            "Dieses Feld muss ausgefüllt werden",
        ),
        (vec![("accept-language", "en"), ("so-language", "*")], raw, "[SR_MANDATORY_FIELD_1281]"),
        (vec![("accept-language", "en"), ("so-language", "x")], raw, "[SR_MANDATORY_FIELD_1281]"),
    ] {
        let (_, entity) = plain(&tenant, "Contact/1", &headers).await;
        assert_eq!(entity["Category"]["Value"], expected, "{headers:?}");
        assert_eq!(entity["FieldProperties"]["Name"]["FieldRight"]["Reason"], mandatory, "{headers:?}");
        let (_, items) = plain(&tenant, "MDOList/category", &headers).await;
        assert_eq!((&items[0]["Name"], &items[0]["FullName"]), (&json!(expected), &json!(expected)));
        let (_, rows) =
            plain(&tenant, "Contact?$select=category&$top=1&$filter=contactId eq 1", &headers).await;
        assert_eq!(rows["value"][0]["category"], expected);
    }
}

#[tokio::test]
async fn lists_may_have_one_language_alone() {
    let tenant = Tenant::start().await;
    policy(&tenant, |policy| policy.multi_language_lists = false);
    for headers in [vec![], vec![("accept-language", "en")]] {
        let (_, entity) = plain(&tenant, "Contact/1", &headers).await;
        assert_eq!(entity["Category"]["Value"], "Interessent");
    }
}

#[tokio::test]
async fn what_people_type_is_never_translated_when_it_is_written() {
    let tenant = Tenant::start().await;
    tenant
        .world
        .edit(Entity::Contact, 1, 12, &[("Category", "Kunde"), ("Name", "Note: \"AG\"; more")])
        .unwrap();
    let (_, entity) = plain(&tenant, "Contact/1", &[("accept-language", "en")]).await;
    assert_eq!(
        (&entity["Name"], &entity["Category"]["Value"]),
        (&json!("Note: \"AG\"; more"), &json!("Customer"))
    );
    let change = tenant.world.writes().pop().unwrap();
    assert!(change.fields.iter().any(|field| field.after == "Kunde"), "people here see German");
}

#[tokio::test]
async fn dates_come_in_the_zone_that_is_asked_for() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Changed")]).unwrap();
    let at = tenant.world.contact(1).unwrap().stamps.updated.unwrap();
    let shown = |offset: i8| {
        let offset = jiff::tz::Offset::from_hours(offset).unwrap();
        offset.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S").to_string()
    };
    let updated = async |zone: &str| {
        let headers = if zone.is_empty() { vec![] } else { vec![("so-timezone", zone)] };
        let (status, body) = plain(&tenant, "Contact/1", &headers).await;
        (status, body["UpdatedDate"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(updated("").await, (200, shown(1)));
    assert_eq!(updated("UTC").await, (200, shown(0)));
    assert_eq!(updated("UTC, includeTZOffset").await, (200, format!("{}Z", shown(0))));
    assert_eq!(updated("us-hi").await, (200, shown(-10)));
    assert_eq!(updated("433,includetzoffset").await, (200, format!("{}-10:00", shown(-10))));
    assert_eq!(updated("BD, includeTZOffset").await, (200, format!("{}+06:00", shown(6))));
    assert_eq!(updated("261").await.1, updated("NO").await.1);
    assert_eq!(updated("nowhere").await, (200, shown(1)));

    policy(&tenant, |policy| {
        policy.unknown_time_zone_is_refused = true;
        policy.offsets_have_colon = false;
        policy.base_time_zone = Some("US-HI".to_owned());
    });
    assert_eq!(updated("nowhere").await.0, 400);
    assert_eq!(updated("").await, (200, shown(-10)));
    assert_eq!(updated("BD, includeTZOffset").await, (200, format!("{}+0600", shown(6))));
    policy(&tenant, |policy| policy.stamps_are_utc = true);
    assert_eq!(updated("BD, includeTZOffset").await, (200, format!("{}Z", shown(0))));
}

#[tokio::test]
async fn filters_read_moments_in_the_zone_of_the_call() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Changed")]).unwrap();
    let at = tenant.world.contact(1).unwrap().stamps.updated.unwrap();
    let there = jiff::tz::Offset::from_hours(6).unwrap().to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S");
    let path =
        format!("Archive/Dynamic?$select=contact.contact_id&$filter=contact.updated dateTime '{there}'");
    let count = async |zone: &str| {
        plain(&tenant, &path, &[("so-timezone", zone)]).await.1["value"].as_array().unwrap().len()
    };
    assert_eq!((count("BD").await, count("UTC").await), (1, 0));
}

#[tokio::test]
async fn time_zones_are_listed() {
    let tenant = Tenant::start().await;
    let (status, body) = tenant.get("timezone").await;
    let norway = body["value"].as_array().unwrap().iter().find(|row| row["timeZone"] == "NO").unwrap();
    assert_eq!((status, &norway["id"], &norway["daylight"]), (200, &json!(261), &json!("+2:00")));
}

#[tokio::test]
async fn names_are_understood_in_any_case_and_answered_in_one() {
    let tenant = Tenant::start().await;
    let (status, made) = tenant
        .call("POST", "CONTACT/", json!({"name": "Cased GmbH", "ORGNR": "1", "category": {"id": "2"}}))
        .await;
    assert_eq!(status, 200);
    let id = made["ContactId"].as_i64().unwrap();
    assert_eq!(
        (&made["Name"], &made["OrgNr"], &made["Category"]["Id"]),
        (&json!("Cased GmbH"), &json!("1"), &json!(2))
    );
    let patch = json!([{"op": "replace", "path": "DEPARTMENT", "value": "North"},
                       {"op": "replace", "path": "/customfields", "value": {"superoffice:2": "x"}}]);
    let (_, patched) = tenant.call("PATCH", &format!("contact/{id}"), patch).await;
    assert_eq!(
        (&patched["Department"], &patched["CustomFields"]["SuperOffice:2"]),
        (&json!("North"), &json!("x"))
    );
    let (_, some) = tenant.get(&format!("Contact/{id}?$SELECT=name")).await;
    assert_eq!((&some["Name"], &some["Department"]), (&json!("Cased GmbH"), &Value::Null));
    let (_, rows) = tenant.get("CONTACT?$TOP=1&$ORDERBY=CONTACTID&$SELECT=CONTACTID").await;
    assert_eq!(rows["value"][0]["CONTACTID"], 1);
    let agent = json!({"contactentityid": id});
    assert_eq!(tenant.call("POST", "agents/contact/getcontactentity", agent).await.1["Name"], "Cased GmbH");
}
