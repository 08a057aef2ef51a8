//! Lists as rows, with filters and pages.

use serde_json::{Value, json};
use superoffice::odata::{Filter, KeySet, Query};
use superoffice_emulator::{Entity, NextLink, Options};

use crate::support::{Tenant, options, policy};

async fn ids(tenant: &Tenant, filter: &str) -> Vec<i64> {
    let request = tenant.request("GET", "Contact").query(&[("$filter", filter), ("$orderby", "contactId")]);
    let (status, body) = crate::support::send(request).await;
    assert_eq!(status, 200, "{filter}: {body}");
    keys(&body)
}

fn keys(body: &Value) -> Vec<i64> {
    body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["PrimaryKey"].as_str().unwrap().parse().unwrap())
        .collect()
}

#[tokio::test]
async fn slim_rows_show_texts_and_keep_ids_as_numbers() {
    let tenant = Tenant::start().await;
    let select = "contactId,Name,associateId,contactAssociate/associateDbId,category,url/URLAddress,contactUdef/SuperOffice:1";
    let (_, body) = tenant.get(&format!("Contact?$select={select}&$top=1&$orderby=contactId")).await;
    let row = &body["value"][0];
    let contact = tenant.world.contact(1).unwrap();
    let owner = tenant.world.associates().into_iter().find(|a| a.id == contact.owner).unwrap();
    assert_eq!(
        (&row["PrimaryKey"], &row["EntityName"], &row["contactId"]),
        (&json!("1"), &json!("contact"), &json!(1))
    );
    assert_eq!(row["Name"], contact.name.as_str(), "a column keeps the caller's spelling");
    assert_eq!(row["associateId"], owner.short_name.as_str());
    assert_eq!(row["contactAssociate/associateDbId"], owner.id);
    assert_eq!((&row["category"], &row["contactUdef/SuperOffice:1"]), (&json!("Interessent"), &json!("")));
    assert_eq!(row["url/URLAddress"], contact.url());

    let (_, body) = tenant.get("Contact?$select=category&$top=1&$mode=FULL").await;
    assert_eq!(body["value"][0]["PrimaryKey"], 1);
    assert_eq!(body["value"][0]["Column"]["category"]["RawValue"], 1);
    assert_eq!(body["value"][0]["Column"]["category"]["DisplayValue"], "Interessent");
}

#[tokio::test]
async fn filters_mean_what_the_documentation_says() {
    let tenant = Tenant::start().await;
    tenant
        .world
        .edit(Entity::Contact, 3, 12, &[("Name", "L'Atelier (Nord)"), ("Category", "Kunde")])
        .unwrap();
    assert_eq!(ids(&tenant, "contactId eq 3").await, [3]);
    assert_eq!(ids(&tenant, "contactId in (3, 5)").await, [3, 5]);
    assert_eq!(ids(&tenant, "contactId gt 2 and contactId lt 5").await, [3, 4]);
    assert_eq!(ids(&tenant, "(contactId eq 1 or contactId eq 2) and contactId gt 1").await, [2]);
    assert_eq!(ids(&tenant, "contactId eq 1 or contactId eq 2 and contactId gt 5").await, [1]);
    assert_eq!(ids(&tenant, r"name is 'l\'atelier (nord)'").await, [3]);
    assert_eq!(ids(&tenant, r"name begins 'L\'At'").await, [3]);
    assert_eq!(ids(&tenant, "name in ('nobody')").await, Vec::<i64>::new());
    assert_eq!(ids(&tenant, "startswith(name,'L')  and category oneOf (2)").await, [3]);
    assert_eq!(ids(&tenant, "category equals 2").await, [3]);
    assert_eq!(ids(&tenant, "updatedDate after '2100-1-1'").await, Vec::<i64>::new());
    assert_eq!(ids(&tenant, "registeredDate before '2100-01-01' and contactId between (1,2)").await, [1, 2]);
    assert_eq!(ids(&tenant, "updatedBy associateIsOneOf (12)").await, [3]);
}

#[tokio::test]
async fn the_date_operator_looks_at_the_day_alone() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 3, 12, &[("Name", "Changed today")]).unwrap();
    let today = tenant.world.contact(3).unwrap().stamps.updated.unwrap().strftime("%Y-%m-%d").to_string();
    let filter = format!("updatedDate after '{today}'");
    assert_eq!(ids(&tenant, &filter).await, Vec::<i64>::new());
    policy(&tenant, |policy| policy.after_includes_the_day = true);
    assert_eq!(ids(&tenant, &filter).await, [3]);
}

#[tokio::test]
async fn what_is_changed_is_stamped_by_the_tenants_own_clock() {
    let tenant = Tenant::start().await;
    let before = tenant.world.now();
    let (status, body) = tenant.control("POST", "clock", json!({"seconds": 43_200})).await;
    assert_eq!(status, 200, "{body}");
    tenant.world.edit(Entity::Contact, 3, 12, &[("Name", "Changed tonight")]).unwrap();
    let stamp = tenant.world.contact(3).unwrap().stamps.updated.unwrap();
    assert!(stamp.duration_since(before).as_secs() >= 43_200, "{stamp}");
    let told = format!("updatedDate after '{}'", before.strftime("%Y-%m-%d"));
    tenant.world.move_clock(jiff::SignedDuration::from_hours(24));
    tenant.world.edit(Entity::Contact, 4, 12, &[("Name", "Changed tomorrow")]).unwrap();
    assert!(ids(&tenant, &told).await.contains(&4));
}

#[tokio::test]
async fn dates_of_rows_and_days_of_filters_can_be_the_tenants_own() {
    let tenant = Tenant::start().await;
    policy(&tenant, |policy| (policy.base_time_zone, policy.base_offset_hours) = (None, 12));
    // An hour before midnight by UTC, and eleven in the morning of the next day for the tenant.
    let late = 86_400 - 3_600 - tenant.world.now().as_second().rem_euclid(86_400);
    tenant.world.move_clock(jiff::SignedDuration::from_secs(late));
    tenant.world.edit(Entity::Contact, 3, 12, &[("Name", "Changed late")]).unwrap();
    let stamp = tenant.world.contact(3).unwrap().stamps.updated.unwrap();
    let filter = format!("updatedDate after '{}'", stamp.strftime("%Y-%m-%d"));
    let asked = async || {
        let query = [("$filter", filter.as_str()), ("$select", "contactId,updatedDate")];
        let request = tenant.request("GET", "Contact").query(&query);
        let request = request.header("SO-TimeZone", "UTC, includeTZOffset");
        crate::support::send(request).await.1["value"].clone()
    };
    assert_eq!(asked().await, json!([]));
    policy(&tenant, |policy| policy.filter_days_are_local = true);
    let rows = asked().await;
    assert!(rows[0]["updatedDate"].as_str().unwrap().ends_with('Z'), "{rows}");
    policy(&tenant, |policy| policy.list_dates_are_local = true);
    let rows = asked().await;
    assert!(rows[0]["updatedDate"].as_str().unwrap().contains("T11:"), "{rows}");
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let tenant = Tenant::start().await;
    for filter in [
        "contactId ge 5",
        "contactId le 5",
        "noColumn eq 1",
        "name is 'a' 'b'",
        "name is 'O''Neil'",
        "(name is 'a'",
        "name",
    ] {
        let request = tenant.request("GET", "Contact").query(&[("$filter", filter)]);
        assert_eq!(crate::support::send(request).await.0, 400, "{filter}");
    }
    policy(&tenant, |policy| policy.ge_and_le = true);
    assert_eq!(ids(&tenant, "contactId le 2").await, [1, 2]);
}

#[tokio::test]
async fn deleted_companies_appear_only_when_asked_for() {
    let tenant = Tenant::start().await;
    assert!(tenant.world.soft_delete(Entity::Contact, 2, 12));
    assert_eq!(ids(&tenant, "contactId lt 4").await, [1, 3]);
    assert_eq!(ids(&tenant, "contactDeleted set true").await, [2]);
}

#[tokio::test]
async fn rows_sort_by_any_column_and_then_by_key() {
    let tenant = Tenant::start().await;
    let (_, body) = tenant.get("Contact?$select=name&$orderby=name desc").await;
    let names: Vec<String> = body["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["name"].as_str().unwrap().to_lowercase())
        .collect();
    let mut sorted = names.clone();
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(names, sorted);
}

#[tokio::test]
async fn persons_are_rows_too_and_know_their_company() {
    let tenant = Tenant::start().await;
    let (_, body) =
        tenant.get("Person?$select=personId,lastName,contactId,title,position&$filter=contactId eq 1").await;
    let listed = keys(&body);
    assert_eq!(listed, tenant.world.persons_at(1));
    assert!(!listed.is_empty());
    let (_, below) = tenant.get("contact/1/persons?$select=personId").await;
    assert_eq!(keys(&below), listed);
}

#[tokio::test]
async fn two_thousand_companies_are_read_by_link_and_by_key() {
    let tenant = Tenant::with(Options { companies: 2000, ..options() }).await;
    let all = tenant.world.contact_ids();
    assert_eq!(all.len(), 2000);

    let (mut by_link, mut next) = (
        Vec::new(),
        format!("{}/v1/Contact?$select=contactId&$orderby=contactId&$top=700", tenant.details.api_url),
    );
    loop {
        let (_, body) =
            crate::support::send(tenant.http.get(&next).bearer_auth(&tenant.details.access_token)).await;
        by_link.extend(keys(&body));
        let Some(link) = body["odata.nextLink"].as_str() else { break };
        next = link.to_owned();
    }
    assert_eq!(by_link, all);

    let mut key_set = KeySet::new(Query::select(["contactId"]), "contactId", 1000);
    let mut by_key = Vec::new();
    loop {
        let request = tenant.request("GET", "Contact").query(&key_set.next().parameters());
        let page = request.send().await.unwrap().bytes().await.unwrap();
        let page: superoffice::api::odata::Page = superoffice::json::record(&page).unwrap();
        by_key.extend(page.rows.iter().map(|row| row.primary_key));
        if !key_set.advance(&page).unwrap() {
            break;
        }
    }
    assert_eq!(by_key, all);
}

#[tokio::test]
async fn the_clients_own_filters_are_understood() {
    let tenant = Tenant::start().await;
    let odd = r"Odd \ 'name' (AG), a) or (b";
    tenant.world.edit(Entity::Contact, 4, 12, &[("Name", odd)]).unwrap();
    let filters = [
        Filter::text_is("name", odd),
        Filter::contains("name", r"\ 'name'").and(Filter::is_in("contactId", &[4, 5]).unwrap()),
        Filter::eq("contactId", 4).or(Filter::text_is("name", "nobody")),
    ];
    for filter in filters {
        assert_eq!(ids(&tenant, &filter.to_string()).await, [4], "{filter}");
    }
}

#[tokio::test]
async fn the_next_link_is_a_switch() {
    let tenant = Tenant::start().await;
    policy(&tenant, |policy| policy.page_cap = 10);
    let link = async || tenant.get("Contact").await.1.get("odata.nextLink").cloned();
    assert!(link().await.unwrap().is_string());
    policy(&tenant, |policy| policy.next_link = NextLink::Null);
    assert_eq!(link().await, Some(Value::Null));
    policy(&tenant, |policy| policy.next_link = NextLink::Absent);
    assert_eq!(link().await, None);
    assert_eq!(keys(&tenant.get("Contact?$top=5000").await.1).len(), 10);
}

#[tokio::test]
async fn mdo_lists_carry_ids_and_names() {
    let tenant = Tenant::start().await;
    let (_, users) = tenant.get("mdolist/ASSOCIATE").await;
    assert_eq!(users[0]["Id"], 7);
    assert!(users[0]["ExtraInfo"].as_str().unwrap().contains("person_id="));
    assert_eq!(tenant.get("MDOList/nonsense").await.0, 404);
    let (_, rows) = tenant.get("Archive/InternalUsers?$select=associateDbId,assocName,personEmail").await;
    assert_eq!(rows["value"][0]["assocName"], "ENRICH");
}
