//! Archives: the providers, the forms of rows, and what can be asked about them.

use serde_json::{Value, json};
use superoffice_emulator::{DisplayFlags, Entity, Options, WideRows};

use crate::support::{Tenant, options, policy, send};

fn keys(body: &Value) -> Vec<i64> {
    let key = |row: &Value| row["PrimaryKey"].as_str().unwrap().parse().unwrap();
    body["value"].as_array().unwrap_or_else(|| panic!("{body}")).iter().map(key).collect()
}

#[tokio::test]
async fn recycle_bins_hold_what_was_deleted() {
    let tenant = Tenant::start().await;
    let person = tenant.world.persons_at(3)[0];
    assert!(tenant.world.soft_delete(Entity::Contact, 2, 12));
    assert!(tenant.world.soft_delete(Entity::Person, person, 12));
    assert_eq!(tenant.call("DELETE", "Contact/5", Value::Null).await.0, 204);

    let (_, body) =
        tenant.get("Archive/RecycleContact?$select=contactId,deletedDate&$orderby=contactId").await;
    assert_eq!(keys(&body), [2, 5]);
    assert_ne!(body["value"][0]["deletedDate"], "0001-01-01T00:00:00Z");
    let (_, body) = tenant.get("archive/recyclecontact?$entities=contact").await;
    assert_eq!(keys(&body), [5], "what others deleted needs forAllUsers");
    let (_, body) = tenant.get("archive/recyclecontact?$entities=contact,forAllUsers").await;
    assert_eq!(keys(&body), [2, 5]);
    let (_, body) = tenant.get("Archive/RecyclePerson").await;
    assert_eq!(keys(&body), [person]);
    let (_, body) = tenant.get("Archive/FindContact?$select=contactId&$filter=contactId lt 6").await;
    assert_eq!(keys(&body), [1, 3, 4]);
}

#[tokio::test]
async fn free_text_search_wants_words_that_begin_so() {
    let tenant = Tenant::start().await;
    tenant
        .world
        .edit(
            Entity::Contact,
            3,
            12,
            &[("Name", "Quellwerk Süd GmbH"), ("Department", ""), ("City", "Zirnau")],
        )
        .unwrap();
    tenant.world.edit(Entity::Contact, 4, 12, &[("Name", "Quellwerk Nord GmbH")]).unwrap();
    let found = async |filter: &str| {
        let request = tenant.request("GET", "Archive/FreetextContact").query(&[("$filter", filter)]);
        keys(&send(request).await.1)
    };
    assert_eq!(found("searchwords is 'quell'").await, [3, 4]);
    assert_eq!(found("searchwords contains 'quell zirn'").await, [3], "the operator is ignored");
    assert_eq!(found("searchwords is 'quell' and contactId gt 3").await, [4]);
    assert_eq!(found("searchwords is 'uellwer'").await, Vec::<i64>::new(), "a word begins so");
    assert_eq!(found("contactId eq 3").await, Vec::<i64>::new(), "nothing is found without words");

    let (_, items) = tenant.get("MDOList/contact_freetextsearch?query=quellwerk süd").await;
    assert_eq!(items.as_array().unwrap().len(), 1);
    assert_eq!(
        (&items[0]["Id"], &items[0]["Name"], &items[0]["Type"]),
        (&json!(3), &json!("Quellwerk Süd GmbH"), &json!("Contact"))
    );
}

#[tokio::test]
async fn free_text_search_clips_before_other_conditions() {
    let tenant = Tenant::with(Options { companies: 1100, ..options() }).await;
    for id in [1, 1050] {
        tenant.world.edit(Entity::Contact, id, 12, &[("Department", "Kiesgrube")]).unwrap();
    }
    let found = async |filter: &str| {
        let request = tenant
            .request("GET", "Archive/FreetextContact")
            .query(&[("$filter", filter), ("$select", "contactId")]);
        keys(&send(request).await.1)
    };
    assert_eq!(found("searchwords is 'kies'").await, [1, 1050]);
    let all = found("searchwords is '1'").await;
    assert!(all.len() == 1000 && !all.contains(&1050), "every customer number begins so: {}", all.len());
    assert_eq!(found("searchwords is '1' and department is 'Kiesgrube'").await, [1]);
}

#[tokio::test]
async fn addresses_are_rows_with_their_owners() {
    let tenant = Tenant::start().await;
    let person = tenant.world.persons_at(3)[0];
    tenant.world.edit(Entity::Person, person, 12, &[("Email", "who@quellwerk.example")]).unwrap();
    tenant.world.edit(Entity::Contact, 3, 12, &[("Email", "office@quellwerk.example")]).unwrap();
    let select = "emailAddress,personId,contactId,fullName,personContact/name";
    let request = tenant.request("GET", "Archive/EmailAddress").query(&[
        ("$select", select),
        ("$filter", "emailMatch begins 'quellwerk'"),
        ("$orderby", "emailAddress"),
    ]);
    let (_, body) = send(request).await;
    let rows = body["value"].as_array().unwrap();
    let name = tenant.world.contact(3).unwrap().name;
    assert_eq!(rows.len(), 2, "{body}");
    assert_eq!((&rows[0]["EntityName"], &rows[0]["personId"]), (&json!("contact"), &json!(0)));
    assert_eq!((&rows[1]["EntityName"], &rows[1]["personId"]), (&json!("person"), &json!(person)));
    assert_eq!((&rows[1]["contactId"], &rows[1]["personContact/name"]), (&json!(3), &json!(name)));
    assert_ne!(rows[0]["PrimaryKey"], rows[1]["PrimaryKey"]);
}

#[tokio::test]
async fn the_dynamic_archive_follows_foreign_keys() {
    let tenant = Tenant::start().await;
    tenant.world.edit(Entity::Contact, 3, 12, &[("Category", ""), ("Owner", "MREHW")]).unwrap();
    let ask = async |select: &str, filter: &str| {
        send(tenant.request("GET", "archive/dynamic").query(&[("$select", select), ("$filter", filter)]))
            .await
    };
    let (_, body) = ask(
        "contact.name,contact.category_idx,contact.category_idx.name,contact.associate_id.name",
        "contact.contact_id in (2,3)",
    )
    .await;
    let rows = body["value"].as_array().unwrap();
    assert_eq!((&rows[0]["EntityName"], &rows[0]["PrimaryKey"]), (&json!("contact"), &json!("2")));
    assert_eq!(
        (&rows[0]["contact.category_idx"], &rows[0]["contact.category_idx.name"]),
        (&json!(1), &json!("Interessent"))
    );
    assert_eq!(
        (&rows[1]["contact.category_idx"], &rows[1]["contact.category_idx.name"]),
        (&json!(0), &json!(""))
    );
    assert_eq!(rows[1]["contact.associate_id.name"], "MREHW");
    assert!(body["odata.metadata"].as_str().unwrap().ends_with("/v1/Archive/$metadata"));

    let (_, body) = ask("contact:category_idx.name", "contact.contact_id in (2,3)").await;
    assert_eq!(keys(&body), [2], "an inner join leaves rows out");
    let (_, body) =
        ask("person.person_id,person.contact_id.category_idx.name", "person.contact_id = 2").await;
    assert_eq!(keys(&body), tenant.world.persons_at(2));
    let (_, body) = ask("category.name", "category.category_id gt 1").await;
    assert_eq!(
        (&body["value"][0]["EntityName"], &body["value"][0]["category.name"]),
        (&json!("Category"), &json!("Kunde"))
    );
    let (_, body) = ask("sequence.next_id", "sequence.tablename = 'contact'").await;
    assert_eq!(body["value"][0]["sequence.next_id"], 25);
    for wrong in [
        "contact.nothing",
        "nothing.name",
        "contact.name,person.lastname",
        "contact.category_idx",
        "contact.(person->contact_id).lastname",
        "contact.name.name",
        "contact:name",
        "contact.",
        "contact",
        "category.€é",
        "€.é",
    ] {
        let expected = if wrong == "contact.category_idx" { 200 } else { 400 };
        assert_eq!(ask(wrong, "").await.0, expected, "{wrong}");
    }
}

#[tokio::test]
async fn deleted_rows_in_the_dynamic_archive_are_a_switch() {
    let tenant = Tenant::start().await;
    assert!(tenant.world.soft_delete(Entity::Contact, 2, 12));
    let path = "Archive/Dynamic?$select=contact.contact_id&$filter=contact.contact_id lt 4";
    assert_eq!(keys(&tenant.get(path).await.1), [1, 3]);
    assert_eq!(keys(&tenant.get(&format!("{path} and contact.deleted = 1")).await.1), [2]);
    policy(&tenant, |policy| policy.dynamic_shows_deleted = true);
    assert_eq!(keys(&tenant.get(path).await.1), [1, 2, 3]);
}

#[tokio::test]
async fn wide_rows_display_and_counts_are_switches() {
    let tenant = Tenant::start().await;
    let (_, wide) = tenant.get("Contact?$select=category&$top=1&$mode=Wide").await;
    assert_eq!(wide["value"][0]["Column"]["category"]["RawValue"], 1);
    policy(&tenant, |policy| policy.wide_rows = WideRows::Slim);
    let (_, wide) = tenant.get("Contact?$select=category&$top=1&$mode=wide").await;
    assert_eq!(wide["value"][0]["category"], "Interessent");

    tenant.world.edit(Entity::Contact, 1, 12, &[("Xstop", "true")]).unwrap();
    let flags = async |output: &str| {
        let (_, body) = tenant.get(&format!("Contact?$select=stop&$top=2&$output={output}")).await;
        [body["value"][0]["stop"].clone(), body["value"][1]["stop"].clone()]
    };
    assert_eq!(flags("Logical").await, [json!(true), json!(false)]);
    assert_eq!(flags("Display").await, [json!("yes"), json!("")]);
    policy(&tenant, |policy| policy.display_flags = DisplayFlags::Logical);
    assert_eq!(flags("Display").await, [json!(true), json!(false)]);

    let count = async |path: &str| tenant.get(path).await.1.get("odata.count").cloned();
    let path = "Archive/FindContact?$select=name&$top=5&$inlineCount=True&$filter=contactId gt 4";
    assert_eq!(count(path).await, None);
    policy(&tenant, |policy| policy.inline_count = true);
    assert_eq!(count(path).await, Some(json!(20)));
    assert_eq!(count(&format!("{path}&$orderby=name")).await, Some(json!(20)));
    assert_eq!(count(&format!("{path}&$skip=300")).await, Some(json!(20)));
    let users = "Archive/AllUsers?$select=fullName&$inlineCount=AllPages";
    assert_eq!(count(users).await, count(&format!("{users}&$skip=99")).await);
    assert_eq!(count("Archive/FindContact?$select=name&$top=5").await, None);
}

#[tokio::test]
async fn pages_of_any_order_fit_together() {
    let tenant = Tenant::start().await;
    let page = async |skip: usize| {
        let path = format!("Contact?$select=name,country&$orderby=country desc,name&$top=7&$skip={skip}");
        let (_, body) = tenant.get(&path).await;
        (keys(&body), body["odata.nextLink"].is_string())
    };
    let (_, whole) = tenant.get("Contact?$select=name,country&$orderby=country desc,name").await;
    let mut all = Vec::new();
    for skip in [0, 7, 14, 21, 28] {
        let (keys, more) = page(skip).await;
        assert_eq!(more, skip < 21, "{skip}");
        all.extend(keys);
    }
    assert_eq!(all, keys(&whole));
}

#[tokio::test]
async fn entities_choose_kinds_of_rows() {
    let tenant = Tenant::start().await;
    let persons = tenant.world.persons_at(1);
    tenant.world.edit(Entity::Person, persons[0], 12, &[("Retired", "true")]).unwrap();
    let of = async |entities: &str| {
        keys(&tenant.get(&format!("Person?$entities={entities}&$filter=contactId eq 1")).await.1)
    };
    assert_eq!(of("retiredPerson").await, [persons[0]]);
    assert_eq!(of("person").await, persons[1..]);
    assert_eq!(of("person, retiredPerson").await, persons);
}

#[tokio::test]
async fn archives_describe_themselves() {
    let tenant = Tenant::start().await;
    let (_, names) = tenant.get("Archive").await;
    let names: Vec<&str> =
        names["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    for name in
        ["FindContact", "Dynamic", "RecycleContact", "RecyclePerson", "FreetextContact", "EmailAddress"]
    {
        assert!(names.contains(&name), "{name}");
    }
    for path in
        ["Archive/FindContact/$metadata", "archive/findcontact$metadata", "Archive/FindContact?$metadata=ALL"]
    {
        let (status, columns) = tenant.get(path).await;
        assert_eq!((status, &columns["contactId"]["RestrictionType"]), (200, &json!("int")), "{path}");
        assert_eq!(columns["name"]["RestrictionType"], "stringorPK");
        assert_eq!(
            (&columns["category"]["RestrictionType"], &columns["category"]["RestrictionListName"]),
            (&json!("listAny"), &json!("category"))
        );
        assert_eq!(columns["contactUdef/SuperOffice:5"]["RestrictionType"], "date");
    }
    assert_eq!(tenant.get("Archive/Nonsense").await.0, 400);

    let (_, all) = tenant.get("MDOList/archiveColumns:FindContact").await;
    let (_, restrictions) = tenant.get("MDOList/archiveRestrictionColumns:FindContact").await;
    let lists =
        |list: &Value, name: &str| list.as_array().unwrap().iter().any(|item| item["ExtraInfo"] == name);
    assert!(lists(&all, "nameDepartment") && !lists(&restrictions, "nameDepartment"));
    assert!(lists(&restrictions, "contactId"));
    assert_eq!(tenant.get("MDOList/archiveNonsense:FindContact").await.0, 404);
}

#[tokio::test]
async fn every_column_that_is_described_can_be_selected_and_filtered_as_described() {
    let tenant = Tenant::start().await;
    for provider in
        ["FindContact", "Person", "InternalUsers", "RecyclePerson", "FreetextContact", "EmailAddress"]
    {
        let (_, columns) = tenant.get(&format!("Archive/{provider}/$metadata")).await;
        for (name, column) in columns.as_object().unwrap() {
            let filter = match column["RestrictionType"].as_str().unwrap() {
                "int" | "decimal" => format!("{name} gt 0"),
                "string" | "stringorPK" => format!("{name} contains 'a'"),
                "bool" => format!("{name} set true"),
                "associate" => format!("{name} associateIsOneOf (12)"),
                "listAny" | "userGroup" => format!("{name} oneOf (1)"),
                "date" => format!("{name} thisYear"),
                "datetime" => format!("{name} afterTime '2026-01-01T00:00:00'"),
                _ => String::new(),
            };
            let order = if column["CanOrderBy"] == true { name.as_str() } else { "" };
            let query =
                [("$select", name.as_str()), ("$filter", &filter), ("$orderby", order), ("$top", "1")];
            let (status, body) =
                send(tenant.request("GET", &format!("Archive/{provider}")).query(&query)).await;
            assert_eq!(status, 200, "{provider} {name} {filter}: {body}");
        }
    }
}

#[tokio::test]
async fn lists_can_be_ticked() {
    let tenant = Tenant::start().await;
    let (_, items) = tenant.get("MDOList/category/selectable").await;
    assert_eq!((&items[0]["Id"], &items[0]["Selected"]), (&json!(1), &json!(false)));
    assert!(items[0]["LastChanged"].is_string());
    let (_, plain) = tenant.get("MDOList/category").await;
    assert_eq!(plain[0].get("Selected"), None);
}

#[tokio::test]
async fn the_agents_restrictions_are_joined_as_they_say() {
    let tenant = Tenant::start().await;
    let one = |operator: &str, values: Value, joint: &str, parenthesis: i64| {
        json!({"name": "contactId", "operator": operator, "values": values, "isActive": true, "interOperator": joint,
               "interParenthesis": parenthesis})
    };
    let ask = async |restrictions: Value| {
        let body = json!({"ProviderName": "FindContact", "Columns": ["contactId", "stop", "updatedDate"], "Restriction": restrictions,
                          "SortOrder": [{"Name": "contactId", "Direction": "ASC"}], "Entities": ["contact"], "Page": 0, "PageSize": 50});
        let (status, body) = tenant.call("POST", "Agents/Archive/GetArchiveListByColumns", body).await;
        assert_eq!(status, 200, "{body}");
        body
    };
    let keys = |body: &Value| {
        body.as_array().unwrap().iter().map(|row| row["PrimaryKey"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let rows = ask(json!([
        one("=", json!(["1"]), "Or", 1),
        one("=", json!(["[I:2]"]), "And", -1),
        one(">", json!(["1"]), "And", 0)
    ]))
    .await;
    assert_eq!(keys(&rows), [2]);
    let rows = ask(json!([one("=", json!(["1"]), "Or", 0), one("in", json!(["3"]), "And", 0)])).await;
    assert_eq!(keys(&rows), [1, 3]);
    let today = json!([{"name": "updatedDate", "operator": "today", "values": [], "isActive": true}]);
    assert_eq!(keys(&ask(today).await), Vec::<i64>::new());
    assert_eq!(rows[0]["ColumnData"]["stop"]["DisplayValue"], "[B:0]");
    assert!(rows[0]["ColumnData"]["updatedDate"]["DisplayValue"].as_str().unwrap().starts_with("[DT:"));
}

#[tokio::test]
async fn a_tenant_of_25_000_companies_is_read_page_by_page_in_any_order() {
    let tenant = Tenant::with(Options { companies: 25_000, ..options() }).await;
    let mut wanted: Vec<(String, i64)> = Vec::new();
    for id in tenant.world.contact_ids() {
        let name = tenant.world.contact(id).unwrap().name.to_lowercase();
        if name.contains('a') && id > 100 {
            wanted.push((name, id));
        }
    }
    wanted.sort();
    let wanted: Vec<i64> = wanted.into_iter().map(|(_, id)| id).collect();
    assert!(wanted.len() > 10_000);
    let query = "$select=contactId&$filter=name contains 'a' and contactId gt 100&$orderby=name&$top=500";
    let mut all = Vec::new();
    loop {
        let (_, body) = tenant.get(&format!("Contact?{query}&$skip={}", all.len())).await;
        let page = keys(&body);
        let last = page.len() < 500;
        all.extend(page);
        assert_eq!(body["odata.nextLink"].is_null(), last || all.len() == wanted.len());
        if last {
            break;
        }
    }
    assert_eq!(all, wanted);
}

#[tokio::test]
async fn a_later_page_sees_what_changed_since_the_page_before() {
    let tenant = Tenant::start().await;
    let page = async |skip: usize| {
        let path = format!("Contact?$select=name&$orderby=name&$top=3&$skip={skip}");
        let names = |body: Value| {
            body["value"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect::<Vec<_>>()
        };
        names(tenant.get(&path).await.1)
    };
    let before = page(3).await;
    assert_eq!(page(3).await, before);
    tenant.world.edit(Entity::Contact, 24, 12, &[("Name", "!First of all")]).unwrap();
    let after = page(3).await;
    assert_eq!(after[1..], before[..2], "all moved on by one");
    assert_eq!(tenant.call("POST", "Contact", json!({"Name": "!Before"})).await.0, 200);
    assert_eq!(page(3).await[1..], after[..2]);
    assert!(tenant.world.soft_delete(Entity::Contact, 24, 12));
    assert_eq!(page(3).await, after);
    assert_eq!(page(300).await, Vec::<Value>::new());
}
