//! Companies and persons one at a time.

use serde_json::{Value, json};
use superoffice_emulator::{Entity, Overlong};

use crate::support::{Tenant, policy, send};

async fn vertical_items(tenant: &Tenant) -> Vec<Value> {
    let (_, field) = tenant.get("Contact/UdefLayout/Published/Vertical").await;
    let (_, items) = tenant.get(&format!("MDOList/{}", field["MdoListName"].as_str().unwrap())).await;
    items.as_array().unwrap().clone()
}

#[tokio::test]
async fn a_company_has_both_dictionaries_in_their_own_encodings() {
    let tenant = Tenant::start().await;
    let item = vertical_items(&tenant).await[0].clone();
    let patch = json!([{"op": "replace", "path": "CustomFields", "value": {
        "SuperOffice:1": format!("[I:{}]", item["Id"]), "SuperOffice:2": "What they do", "SuperOffice:5": "[D:2026.08.27]",
        "SuperOffice:6": "[I:1]", "SuperOffice:7": "42"}}]);
    let (status, body) = tenant.call("PATCH", "Contact/1", patch).await;
    assert_eq!(status, 200, "{body}");

    let (old, new) = (&body["UserDefinedFields"], &body["CustomFields"]);
    let id = format!("[I:{}]", item["Id"]);
    assert_eq!((&old["SuperOffice:1"], &new["SuperOffice:1"]), (&json!(id), &json!(id)));
    assert_eq!(new["SuperOffice:1:DisplayText"], item["Name"]);
    assert_eq!(new["SuperOffice:1:org"], id);
    assert_eq!((&old["SuperOffice:6"], &new["SuperOffice:6"]), (&json!("True"), &json!("[I:1]")));
    assert_eq!(old["SuperOffice:5"], "[D:08/27/2026 00:00:00.0000000]");
    assert_eq!(new["SuperOffice:5"], "[DT:08/27/2026 00:00:00.0000000]");
    assert_eq!((&old["SuperOffice:2"], &new["SuperOffice:7"]), (&json!("What they do"), &json!("[I:42]")));
    assert_eq!(body["FieldProperties"]["CustomFields.SuperOffice:2"]["FieldLength"], 199);
    assert!(body["UpdatedDate"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn the_clients_own_types_read_what_is_served() {
    let tenant = Tenant::start().await;
    let read = async |path: &str| tenant.request("GET", path).send().await.unwrap().bytes().await.unwrap();
    let contact: superoffice::api::contact::ContactEntity =
        superoffice::json::record(&read("Contact/1").await).unwrap();
    assert_eq!((contact.contact_id, contact.name), (1, tenant.world.contact(1).unwrap().name));
    let person: superoffice::api::person::PersonEntity =
        superoffice::json::record(&read("Person/1").await).unwrap();
    assert_eq!(person.person_id, 1);
    let me: superoffice::api::user::SoPrincipal =
        superoffice::json::record(&read("User/currentPrincipal").await).unwrap();
    assert_eq!(me.associate, "ENRICH");
}

#[tokio::test]
async fn a_partial_dictionary_leaves_other_fields_alone() {
    let tenant = Tenant::start().await;
    for fields in [json!({"SuperOffice:2": "first"}), json!({"SuperOffice:3": "second"})] {
        let patch = json!([{"op": "replace", "path": "/CustomFields", "value": fields}]);
        assert_eq!(tenant.call("PATCH", "Contact/1", patch).await.0, 200);
    }
    assert_eq!(tenant.world.udf(Entity::Contact, 1, "Summary").unwrap(), "first");
    assert_eq!(tenant.world.udf(Entity::Contact, 1, "Opener primary").unwrap(), "second");
}

#[tokio::test]
async fn a_failed_test_saves_nothing() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 1, 12, &[("Summary", "typed by hand")]).unwrap();
    let guarded = |was: &str| {
        json!([{"op": "test", "path": "/CustomFields/SuperOffice:2", "value": was},
               {"op": "replace", "path": "/CustomFields", "value": {"SuperOffice:2": "ours"}}])
    };
    let (status, body) = tenant.call("PATCH", "Contact/1", guarded("")).await;
    assert_eq!((status, &body["Error"]), (409, &json!(true)));
    assert_eq!(tenant.world.udf(Entity::Contact, 1, "Summary").unwrap(), "typed by hand");

    assert_eq!(tenant.call("PATCH", "Contact/1", guarded("typed by hand")).await.0, 200);
    assert_eq!(tenant.world.udf(Entity::Contact, 1, "Summary").unwrap(), "ours");

    let steps = json!([{"op": "replace", "path": "Department", "value": "North"},
                       {"op": "test", "path": "/Name", "value": "not its name"}]);
    assert_eq!(tenant.call("PATCH", "Contact/1", steps).await.0, 409);
    assert_ne!(tenant.world.contact(1).unwrap().department, "North");
}

#[tokio::test]
async fn a_guard_compares_meanings_not_encodings() {
    let tenant = Tenant::start().await;
    for empty in ["[I:0]", "0", ""] {
        let test = json!([{"op": "test", "path": "CustomFields/superoffice:1", "value": empty}]);
        assert_eq!(tenant.call("PATCH", "Contact/1", test).await.0, 200, "{empty}");
    }
}

#[tokio::test]
async fn a_merge_object_is_a_patch_too() {
    let tenant = Tenant::start().await;
    let merge = json!({"department": "Nord", "Category": {"Id": "3"}, "Phones": {"Value": "+49 30 555 0100"},
                       "UserDefinedFields": {"SuperOffice:2": "merged"}});
    let (status, body) = tenant.call("PATCH", "contact/1", merge).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!((&body["Department"], &body["Category"]["Value"]), (&json!("Nord"), &json!("Partner")));
    assert_eq!(body["Phones"][0]["Value"], "+49 30 555 0100");
    assert_eq!(body["CustomFields"]["SuperOffice:2"], "merged");

    let (_, body) = tenant.call("PATCH", "contact/1", json!({"Phones": {"Value": "+49 30 555 0101"}})).await;
    assert_eq!(body["Phones"].as_array().unwrap().len(), 2, "an object is added to a list");
}

#[tokio::test]
async fn what_does_not_fit_is_refused() {
    let tenant = Tenant::start().await;
    for fields in [
        json!({"SuperOffice:2": "x".repeat(200)}),
        json!({"SuperOffice:99": "x"}),
        json!({"SuperOffice:1": "[I:99999]"}),
        json!({"SuperOffice:7": "many"}),
    ] {
        let patch = json!([{"op": "replace", "path": "CustomFields", "value": fields}]);
        let (status, body) = tenant.call("PATCH", "Contact/1", patch).await;
        assert_eq!((status, &body["ErrorType"]), (400, &json!("ArgumentException")), "{fields}");
    }
    policy(&tenant, |policy| policy.overlong = Overlong::Truncate);
    let patch =
        json!([{"op": "replace", "path": "CustomFields", "value": {"SuperOffice:2": "ü".repeat(200)}}]);
    assert_eq!(tenant.call("PATCH", "Contact/1", patch).await.0, 200);
    assert_eq!(tenant.world.udf(Entity::Contact, 1, "Summary").unwrap(), "ü".repeat(199));
}

#[tokio::test]
async fn a_record_changed_since_is_not_overwritten() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 1, 12, &[("Name", "Another name")]).unwrap();
    let patch = || tenant.request("PATCH", "Contact/1").json(&json!({"Department": "x"}));
    let old = patch().header("if-unmodified-since", "Thu, 01 Jan 2026 00:00:00 GMT");
    assert_eq!(send(old).await.0, 412);
    let new = patch().header("if-unmodified-since", "Fri, 01 Jan 2100 00:00:00 GMT");
    assert_eq!(send(new).await.0, 200);
}

#[tokio::test]
async fn an_unknown_or_deleted_record_is_404() {
    let tenant = Tenant::start().await;
    let (status, body) = tenant.get("Contact/99999").await;
    assert_eq!(status, 404);
    insta::assert_snapshot!(body.to_string(), @r#"{"Error":true,"ErrorMessage":"Contact id 99999 not found","ErrorSource":"SuperOffice.Services.Implementation","ErrorType":"SoNotFoundException"}"#);
    assert_eq!(send(tenant.request("DELETE", "Person/1")).await.0, 204);
    assert_eq!(tenant.get("Person/1").await.0, 404);
    assert_eq!(tenant.call("PATCH", "Person/1", json!({"Title": "x"})).await.0, 404);
}

#[tokio::test]
async fn select_empties_the_other_properties() {
    let tenant = Tenant::start().await;
    let (_, body) = tenant.get("Contact/1?$select=name,CustomFields").await;
    assert!(body["Name"].is_string() && body["CustomFields"].is_object());
    assert_eq!(body.get("OrgNr"), Some(&Value::Null));
}

#[tokio::test]
async fn a_new_record_starts_from_its_defaults_and_answers_200() {
    let tenant = Tenant::start().await;
    let (status, default) = tenant.get("Contact/default").await;
    assert_eq!(
        (status, &default["ContactId"], &default["Associate"]["AssociateId"]),
        (200, &json!(0), &json!(7))
    );
    let body = json!({"name": "Neuhof Testbau", "associate": {"associateId": 12}, "customFields": {"superoffice:2": "new"}});
    let (status, created) = tenant.call("POST", "Contact/", body).await;
    assert_eq!((status, &created["Name"]), (200, &json!("Neuhof Testbau")));
    let id = created["ContactId"].as_i64().unwrap();
    assert_eq!(tenant.world.contact(id).unwrap().owner, 12);
    assert_eq!(tenant.world.udf(Entity::Contact, id, "Summary").unwrap(), "new");

    let person = json!({"Firstname": "Ada", "Lastname": "Neuhof", "Contact": {"ContactId": id}});
    let (status, person) = tenant.call("POST", "Person", person).await;
    assert_eq!((status, &person["Contact"]["Name"]), (200, &json!("Neuhof Testbau")));
    let (_, contact) = tenant.get(&format!("Contact/{id}")).await;
    assert_eq!(contact["Persons"][0]["FullName"], "Ada Neuhof");
}

#[tokio::test]
async fn what_a_replacement_leaves_out_is_emptied() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 1, 12, &[("Department", "North"), ("Summary", "kept")]).unwrap();
    let (status, body) = tenant.call("PUT", "Contact/1", json!({"Name": "Only a name"})).await;
    assert_eq!((status, &body["Name"], &body["Department"]), (200, &json!("Only a name"), &json!("")));
    assert_eq!(body["CustomFields"]["SuperOffice:2"], "kept");
    assert_eq!(send(tenant.request("PUT", "Contact/1")).await.0, 400, "there is no body");
}

#[tokio::test]
async fn a_patch_that_changes_nothing_leaves_no_trace() {
    let tenant = Tenant::start().await;
    let before = tenant.world.contact(1).unwrap();
    let same = json!({"Name": before.name, "CustomFields": {"SuperOffice:2": ""}});
    assert_eq!(tenant.call("PATCH", "Contact/1", same).await.0, 200);
    assert_eq!(tenant.world.contact(1).unwrap().stamps, before.stamps);
    assert!(tenant.world.writes().is_empty());
}

#[tokio::test]
async fn dates_follow_the_time_zone_header() {
    let tenant = Tenant::start().await;
    let plain = tenant
        .http
        .get(format!("{}/v1/Contact/1", tenant.details.api_url))
        .bearer_auth(&tenant.details.access_token);
    let (_, base) = send(plain).await;
    let (_, utc) = tenant.get("Contact/1").await;
    let (base, utc) = (base["CreatedDate"].as_str().unwrap(), utc["CreatedDate"].as_str().unwrap());
    assert_eq!((base.len(), utc.len()), ("0000-00-00T00:00:00".len(), "0000-00-00T00:00:00Z".len()));
    assert_ne!(base, utc.trim_end_matches('Z'), "the base time zone is not UTC");
}

#[tokio::test]
async fn publishing_renumbers_fields_and_keeps_their_prog_ids() {
    let tenant = Tenant::start().await;
    let (_, before) = tenant.get("Person/UdefLayout/Published").await;
    assert_eq!(tenant.call("POST", "Person/UdefLayout/Publish", json!({})).await.0, 200);
    let (_, after) = tenant.get("person/udeflayout").await;
    assert_ne!(before[0]["UDefFieldId"], after[0]["UDefFieldId"]);
    assert_eq!(before[0]["ProgId"], after[0]["ProgId"]);
    assert_eq!(before[2]["FieldLabel"], "Subject");
    assert_eq!(before[2]["TextLength"], 120);
}

#[tokio::test]
async fn an_agent_answers_null_for_an_unknown_id() {
    let tenant = Tenant::start().await;
    let (status, body) =
        tenant.call("POST", "Agents/Contact/GetContactEntity?contactEntityId=99999", Value::Null).await;
    assert_eq!((status, body), (200, Value::Null));
    let (_, body) =
        tenant.call("POST", "agents/contact/getcontactentity?ContactEntityId=1", Value::Null).await;
    assert_eq!((&body["ContactId"], body.get("_Links")), (&json!(1), None));
}

#[tokio::test]
async fn the_archive_agent_answers_the_same_question() {
    let tenant = Tenant::start().await;
    let body = json!({"providerName": "FindContact", "columns": ["contactId", "name"],
        "sortOrder": [{"name": "contactId", "direction": "DESC"}],
        "restriction": [{"name": "contactId", "operator": "<", "values": ["[I:4]"], "isActive": true},
                        {"name": "name", "operator": "is", "values": ["nobody"], "isActive": false}],
        "page": 1, "pageSize": 2});
    let (status, rows) = tenant.call("POST", "Agents/Archive/GetArchiveListByColumns", body).await;
    assert_eq!((status, rows.as_array().unwrap().len()), (200, 1), "{rows}");
    assert_eq!(
        (&rows[0]["PrimaryKey"], &rows[0]["ColumnData"]["contactId"]["DisplayValue"]),
        (&json!(1), &json!("[I:1]"))
    );
}

#[tokio::test]
async fn a_page_behind_all_numbers_is_empty() {
    let tenant = Tenant::start().await;
    let body =
        json!({"providerName": "FindContact", "columns": ["contactId"], "page": i64::MAX, "pageSize": 2});
    for method in ["GetArchiveListByColumns", "GetArchiveListByColumns2"] {
        let mut body = body.clone();
        if method.ends_with('2') {
            body["columns"] = json!("contactId");
        }
        let answer = tenant.call("POST", &format!("Agents/Archive/{method}"), body).await;
        assert_eq!(answer, (200, json!([])), "{method}");
    }
}
