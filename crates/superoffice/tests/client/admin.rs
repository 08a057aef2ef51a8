//! What the operator's tools ask for: fields, lists, archives, users, and records made for a test.

use axum::http::Method;
use axum::response::Response;
use superoffice::api::contact::ContactEntity;
use superoffice::api::udef::{FieldType, Owner};
use superoffice::odata::Query;
use superoffice::{Error, Publishing};

use crate::stage::{Hit, Stage, json};

fn asked(hit: &Hit) -> (&str, &str) {
    (hit.method.as_str(), hit.path.trim_start_matches("/Cust12345/api/"))
}

#[tokio::test]
async fn a_field_is_drafted_filled_in_and_saved_whether_the_answer_is_the_layout_or_the_field() {
    for others in ["", r#"{"ProgId":"SuperOffice:1","FieldLabel":"Other"},"#] {
        let stage = Stage::open(move |hit, _| match asked(hit) {
            ("POST", "v1/Person/UdefLayout") => {
                Some(json(200, r#"{"UDefFieldId":0,"ProgId":"","FieldType":"ShortText","TextLength":39}"#))
            }
            ("PUT", "v1/Person/UdefLayout") => {
                let ours: serde_json::Value = serde_json::from_str(&hit.body).unwrap();
                Some(json(200, format!("[{others}{}]", ours[0])))
            }
            _ => None,
        })
        .await;
        let client = stage.client();
        let made = client.create_udef_field(Owner::Person, &FieldType::ShortText, |field| {
            "demo:1".clone_into(&mut field.prog_id);
            "Bridge".clone_into(&mut field.field_label);
        });
        let made = made.await.unwrap();
        assert_eq!((made.prog_id.as_str(), made.text_length), ("demo:1", 39));
        assert_eq!(stage.hits("UdefLayout")[0].query["udefFieldType"], "ShortText");
    }
}

fn publishing(hit: &Hit, answer: &'static str) -> Option<Response> {
    match asked(hit) {
        ("GET", "v1/Contact/UdefLayout/Publish") => Some(json(200, answer)),
        ("POST", "v1/Contact/UdefLayout/Publish") => Some(json(200, "7")),
        _ => None,
    }
}

#[tokio::test]
async fn nothing_is_published_while_somebody_else_publishes() {
    let free = Stage::open(|hit, _| publishing(hit, "false")).await;
    assert_eq!(free.client().publish_udef_fields(Owner::Contact).await.unwrap(), Publishing::Done);
    assert_eq!(free.count("UdefLayout"), 2);

    let taken = Stage::open(|hit, _| publishing(hit, r#""True""#)).await;
    assert_eq!(taken.client().publish_udef_fields(Owner::Contact).await.unwrap(), Publishing::UnderWay);
    assert!(taken.hits("UdefLayout").iter().all(|hit| hit.method == Method::GET));

    let page = Stage::open(|hit, _| publishing(hit, "<html>")).await;
    assert!(matches!(
        page.client().publish_udef_fields(Owner::Contact).await.unwrap_err(),
        Error::NotTheApi(_)
    ));
}

#[tokio::test]
async fn lists_are_addressed_by_id_or_name() {
    let stage = Stage::open(|hit, _| match asked(hit) {
        ("POST", "v1/List") => Some(json(200, r#"{"Id":98,"Name":"Verticals"}"#)),
        ("POST", "v1/List/98/Items") => Some(json(200, r#"{"Id":4,"Name":"Wind"}"#)),
        ("GET", "v1/List/My%20list/Items") => Some(json(200, r#"[{"Id":4,"Name":"Wind"}]"#)),
        ("DELETE", "v1/List/98/Items/4") => Some(json(204, "")),
        _ => None,
    })
    .await;
    let client = stage.client();
    let list = client.create_list("Verticals", "").await.unwrap();
    assert_eq!(list.mdo_name(), "udlist98");
    assert_eq!(client.add_list_item("98", "Wind").await.unwrap().id, 4);
    assert_eq!(client.list_items("My list").await.unwrap()[0].name, "Wind");
    client.remove_list_item("98", 4).await.unwrap();
    assert!(matches!(client.list_definition("99").await.unwrap_err(), Error::NotFound(_)));
}

#[tokio::test]
async fn users_are_read_until_no_more_come() {
    let stage = Stage::open(|hit, _| {
        let skip: i64 = hit.query.get("$skip").map_or(0, |skip| skip.parse().unwrap());
        let row = |id| format!(r#"{{"PrimaryKey":"{id}","EntityName":"associate","associateDbId":{id},"fullName":"User {id}","personId":0}}"#);
        let rows: Vec<String> = (skip + 1..=5.min(skip + 2)).map(row).collect();
        hit.path.ends_with("/Archive/InternalUsers").then(|| json(200, format!(r#"{{"value":[{}]}}"#, rows.join(","))))
    })
    .await;
    let users = stage.client().internal_users().await.unwrap();
    assert_eq!(users.iter().map(|user| user.id).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!((users[4].full_name.as_str(), users[4].person_id), ("User 5", None));
}

#[tokio::test]
async fn a_record_is_made_once_and_must_have_an_id() {
    let stage = Stage::open(|hit, _| match asked(hit) {
        ("POST", "v1/Contact") => Some(json(200, r#"{"ContactId":0}"#)),
        ("POST", "v1/Person") => Some(json(500, "")),
        ("DELETE", "v1/Contact/18") => Some(json(204, "")),
        _ => None,
    })
    .await;
    let client = stage.client();
    assert!(matches!(
        client.create_contact(&ContactEntity::default()).await.unwrap_err(),
        Error::NotTheApi(_)
    ));
    assert!(client.create_person(&superoffice::api::person::PersonEntity::default()).await.is_err());
    assert_eq!(stage.count("v1/Person"), 1);
    client.delete_contact(18).await.unwrap();
    assert!(matches!(client.delete_contact(19).await.unwrap_err(), Error::NotFound(_)));
}

#[tokio::test]
async fn the_last_error_is_a_text_or_nothing() {
    let stage = Stage::open(|hit, before| {
        let answers = [r#""503 Service Unavailable""#, r#""""#, "null", ""];
        hit.path.ends_with("/v1/Webhook/3/LastError").then(|| json(200, answers[before]))
    })
    .await;
    let client = stage.client();
    assert_eq!(client.webhook_last_error(3).await.unwrap().unwrap(), "503 Service Unavailable");
    for _ in 0..3 {
        assert_eq!(client.webhook_last_error(3).await.unwrap(), None);
    }
    assert!(matches!(client.webhook_last_error(4).await.unwrap_err(), Error::NotFound(_)));
}

#[tokio::test]
async fn a_long_question_arrives_as_a_form() {
    let stage = Stage::open(|hit, _| {
        hit.path.ends_with("/v1/Archive/FindContact").then(|| json(200, r#"{"value":[]}"#))
    })
    .await;
    let ids: Vec<i64> = (100_000..101_000).collect();
    let filter = superoffice::odata::Filter::is_in("contactId", &ids).unwrap();
    let query = Query::select(["contactId"]).filter(filter);
    stage.client().archive("FindContact", &query).await.unwrap();
    let hit = &stage.hits("FindContact")[0];
    assert_eq!(
        (&hit.method, &hit.headers["content-type"]),
        (&Method::POST, &"application/x-www-form-urlencoded".parse().unwrap())
    );
    assert!(hit.query.is_empty() && hit.body.contains("contactId+in+"), "{}", hit.body);
}
