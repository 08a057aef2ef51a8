//! Lists: rows, pages, names by the hundred.

use axum::response::Response;
use futures::TryStreamExt as _;
use superoffice::Error;
use superoffice::odata::{Filter, Query};

use crate::stage::{Hit, Stage, json};

/// Answers contacts 1 to `last`, at most `most` to a page whatever was asked for.
fn contacts(hit: &Hit, last: i64, most: i64, link: Option<&str>) -> Option<Response> {
    if !hit.path.ends_with("/v1/Contact") {
        return None;
    }
    let filter = hit.query.get("$filter").map_or("", String::as_str);
    let after: i64 = filter.rsplit_once("contactId gt ").map_or(0, |(_, key)| key.parse().unwrap());
    let skip: i64 = hit.query.get("$skip").map_or(0, |skip| skip.parse().unwrap());
    let first = after + skip + 1;
    let end = last.min(first + most - 1);
    let row = |id| {
        format!(r#"{{"PrimaryKey":"{id}","EntityName":"contact","contactId":{id},"name":"Company {id}"}}"#)
    };
    let rows: Vec<String> = (first..=end).map(row).collect();
    let link = match link {
        Some(host) if end < last => format!(
            r#""{host}/Cust12345/api/v1/Contact?$filter=contactId%20gt%20{after}&$orderby=contactId&$skip={}""#,
            skip + most
        ),
        _ => "null".to_owned(),
    };
    Some(json(
        200,
        format!(r#"{{"odata.metadata":"m","odata.nextLink":{link},"value":[{}]}}"#, rows.join(",")),
    ))
}

async fn walk(stage: &Stage) -> Result<Vec<i64>, Error> {
    let rows = stage.client().all_contacts(Query::select(["contactId", "name"]), 10, 0);
    rows.map_ok(|row| row.primary_key).try_collect().await
}

#[tokio::test]
async fn a_walk_finds_every_contact_although_pages_are_short() {
    let stage = Stage::open(|hit, _| contacts(hit, 25, 4, None)).await;
    assert_eq!(walk(&stage).await.unwrap(), (1..=25).collect::<Vec<_>>());
    assert_eq!(stage.count("/v1/Contact"), 8);
    assert_eq!(stage.hits("/v1/Contact")[1].query["$filter"], "contactId gt 4");
}

#[tokio::test]
async fn a_walk_follows_the_servers_links() {
    let stage = Stage::open(|hit, _| {
        let host = format!("http://{}", hit.headers["host"].to_str().unwrap());
        contacts(hit, 25, 10, Some(&host))
    })
    .await;
    assert_eq!(walk(&stage).await.unwrap(), (1..=25).collect::<Vec<_>>());
    assert_eq!(stage.hits("/v1/Contact")[1].query["$skip"], "10");
}

#[tokio::test]
async fn a_link_cannot_lead_the_token_astray() {
    let foreign = Stage::open(|_, _| Some(json(200, r#"{"value":[]}"#))).await;
    let address = foreign.url.replace("127.0.0.1", "localhost");
    let stage = Stage::open(move |hit, _| contacts(hit, 25, 10, Some(&address))).await;
    let error = walk(&stage).await.unwrap_err();
    assert!(matches!(error, Error::ForeignHost(_)), "{error:?}");
    assert_eq!(foreign.count(""), 0);
}

#[tokio::test]
async fn a_server_that_does_not_heed_the_filter_is_noticed() {
    let stage = Stage::open(|hit, _| {
        let row = r#"{"value":[{"PrimaryKey":"1","EntityName":"contact"}]}"#;
        hit.path.ends_with("/v1/Contact").then(|| json(200, row))
    })
    .await;
    let error = walk(&stage).await.unwrap_err();
    assert_eq!(error.to_string(), "the answer cannot be read: the rows after 1 do not come after it");
}

#[tokio::test]
async fn names_are_read_a_hundred_at_a_time() {
    let stage = Stage::open(|hit, _| {
        let row = r#"{"PrimaryKey":"7","EntityName":"contact","contactId":7,"name":"Fjord AS","contactAssociate/associateDbId":"12"}"#;
        hit.path.ends_with("/v1/Contact").then(|| json(200, format!(r#"{{"value":[{row}]}}"#)))
    })
    .await;
    let client = stage.client();
    assert!(client.contact_names(&[]).await.unwrap().is_empty());
    assert_eq!(stage.count("/v1/Contact"), 0);

    let ids: Vec<i64> = (1..=250).collect();
    let names = client.contact_names(&ids).await.unwrap();
    assert_eq!((names.len(), names[0].name.as_str(), names[0].owner_id), (3, "Fjord AS", Some(12)));
    let hits = stage.hits("/v1/Contact");
    assert!(hits[2].query["$filter"].starts_with("contactId in (201,202,"), "{:?}", hits[2].query);
    assert_eq!(hits[2].query["$top"], "50");
}

#[tokio::test]
async fn a_filter_arrives_as_it_was_meant() {
    let stage = Stage::open(|hit, _| contacts(hit, 0, 1, None)).await;
    let query = Query::select(["contactId"]).filter(Filter::text_is("name", "A+B & L'Oréal #1 100%")).top(5);
    assert!(stage.client().contacts(&query).await.unwrap().rows.is_empty());
    assert_eq!(stage.hits("/v1/Contact")[0].query["$filter"], r"name is 'A+B & L\'Oréal #1 100%'");
}

const ASSOCIATES: &str =
    r#"[{"Id":11,"Name":"Kari Jansen"},{"Id":12,"Name":"Group","ChildItems":[{"Id":13,"Name":"Ola"}]}]"#;

#[tokio::test]
async fn associates_have_short_and_full_names() {
    let stage = Stage::open(|hit, _| match hit.path.trim_start_matches("/Cust12345/api/") {
        "v1/MDOList/associate" => Some(json(200, ASSOCIATES)),
        "v1/Agents/Associate/GetAssociateList" => {
            Some(json(200, r#"[{"AssociateId":11,"Name":"KJ","FullName":"Kari Jansen"}]"#))
        }
        _ => None,
    })
    .await;
    let associates = stage.client().associates().await.unwrap();
    let names: Vec<_> = associates
        .named
        .iter()
        .map(|one| (one.id, one.short_name.as_deref(), one.full_name.as_str()))
        .collect();
    assert_eq!(names, [(11, Some("KJ"), "Kari Jansen"), (12, None, "Group"), (13, None, "Ola")]);
    assert_eq!(associates.refusal, None);
    assert_eq!(stage.hits("GetAssociateList")[0].body, "[11,12,13]");
}

#[tokio::test]
async fn names_of_the_list_are_not_short_names() {
    let stage = Stage::open(|hit, _| match hit.path.trim_start_matches("/Cust12345/api/") {
        "v1/MDOList/associate" => Some(json(200, ASSOCIATES)),
        "v1/Agents/Associate/GetAssociateList" => Some(json(400, r#"{"Message":"closed"}"#)),
        _ => None,
    })
    .await;
    let associates = stage.client().associates().await.unwrap();
    assert_eq!(associates.named.len(), 3);
    assert!(associates.named.iter().all(|one| one.short_name.is_none()), "{associates:?}");
    assert_eq!(associates.refusal.as_deref(), Some("refused with status 400: closed"));
    assert_eq!(stage.count("GetAssociateList"), 1);
}

#[tokio::test]
async fn a_failure_that_passes_costs_no_short_name() {
    let stage = Stage::open(|hit, before| match hit.path.trim_start_matches("/Cust12345/api/") {
        "v1/MDOList/associate" => Some(json(200, ASSOCIATES)),
        "v1/Agents/Associate/GetAssociateList" if before == 0 => Some(json(500, "")),
        "v1/Agents/Associate/GetAssociateList" => {
            Some(json(200, r#"[{"AssociateId":11,"Name":"KJ","FullName":"Kari Jansen"}]"#))
        }
        _ => None,
    })
    .await;
    let associates = stage.client().associates().await.unwrap();
    assert_eq!(associates.named[0].short_name.as_deref(), Some("KJ"));
    assert_eq!(stage.count("GetAssociateList"), 2);
}

#[tokio::test]
async fn a_failure_that_lasts_leaves_the_short_names_unknown() {
    let stage = Stage::open(|hit, _| match hit.path.trim_start_matches("/Cust12345/api/") {
        "v1/MDOList/associate" => Some(json(200, ASSOCIATES)),
        "v1/Agents/Associate/GetAssociateList" => Some(json(500, "")),
        _ => None,
    })
    .await;
    let associates = stage.client().associates().await.unwrap();
    assert!(associates.refusal.is_some());
    assert!(associates.named.iter().all(|associate| associate.short_name.is_none()));
    assert_eq!(stage.count("GetAssociateList"), 3);
}

#[tokio::test]
async fn a_list_that_does_not_exist_is_not_an_empty_one() {
    let stage = Stage::open(|_, _| None).await;
    let error = stage.client().list("udlist98").await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)));
    assert_eq!(error.to_string(), "the list does not exist");
}
