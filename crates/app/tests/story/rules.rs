//! What is written and what is not: own echoes, scope, people's own words, records that are gone or not whole.

use std::collections::BTreeSet;

use superoffice_emulator::{Entity, Kind, Mishap};

use crate::support::{API_USER, Delivery, INSIDER, Ledger, OUTSIDER, Product, SOON, Setup, TENANT, until};

fn udf(product: &Product, id: i64, label: &str) -> String {
    product.world.udf(Entity::Contact, id, label).unwrap()
}

/// Whether a company is to be enriched.
fn completes(company: &superoffice_emulator::story::Company) -> bool {
    company.expected.state == "COMPLETED"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_writes_come_back_and_start_nothing() {
    let mut product = Setup::new().start().await;
    product.play().await;
    product.settle().await;
    let ledger = Ledger::of(&product.world);
    ledger.assert_each_value_once();
    let jobs = product.all("/api/v1/jobs").await;
    let records: BTreeSet<String> =
        jobs.iter().map(|job| format!("{} {}", job["entity"], job["entity_id"])).collect();
    assert_eq!(jobs.len(), records.len(), "one job a record, although each write came back as an event");

    let events = product.all("/api/v1/events").await;
    let echoes: Vec<_> = events.iter().filter(|event| event["changed_by"] == API_USER).collect();
    assert_eq!(echoes.len(), ledger.len());
    assert!(echoes.iter().all(|event| event["reason"] == "OWN_WRITE"), "{echoes:?}");

    // Also for a process that has only just been started, and however often the echo comes.
    product.stop().await;
    product.launch().await;
    for round in 0..5 {
        for id in product.world.contact_ids() {
            let echo = Delivery::changed(Entity::Contact, id, &["userdef_id", "updatedCount"]);
            if ledger.to(Entity::Contact, id).is_empty() {
                continue;
            }
            let answer = product.deliver(&echo.with("ChangedByAssociateId", API_USER)).await;
            assert_eq!(answer, (200, "skipped".to_owned()), "round {round}, company {id}");
        }
    }
    product.settle().await;
    assert_eq!(product.all("/api/v1/jobs").await.len(), jobs.len());
    assert_eq!(Ledger::of(&product.world).len(), ledger.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_out_of_scope_are_neither_read_nor_written() {
    let product = Setup::new().companies(60).start().await;
    product.play().await;
    product.settle().await;
    let ledger = Ledger::of(&product.world);
    let mut outside = 0;
    for account in product.world.accounts().into_iter().filter(|account| !account.in_scope) {
        outside += 1;
        assert_eq!(account.website_hits, 0, "{}", account.name);
        assert!(ledger.to(Entity::Contact, account.id).is_empty());
        for person in &account.persons {
            assert!(ledger.to(Entity::Person, person.id).is_empty());
        }
        let shown = product.account(account.id).await;
        assert_eq!((&shown["state"], &shown["reason"]), (&"SKIPPED".into(), &"OWNER_NOT_IN_SCOPE".into()));
        assert_eq!(shown["name"], account.name.as_str(), "its name is shown all the same");
        assert_eq!(shown["owner"], account.owner.as_str());
    }
    assert!(outside >= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_who_comes_into_scope_brings_the_account_along() {
    let product = Setup::new().restless().start().await;
    let mut company = product.companies[0].clone();
    company.owner = OUTSIDER;
    let id = product.enter(&company);
    product.settle().await;
    assert_eq!(product.account(id).await["reason"], "OWNER_NOT_IN_SCOPE");
    product.world.edit(Entity::Contact, id, OUTSIDER, &[("Owner", "TJENS")]).unwrap();
    product.settle().await;
    assert_eq!(product.account(id).await["state"], "COMPLETED");
    assert!(!udf(&product, id, "Summary").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_a_person_filled_stays_theirs_and_the_others_are_filled() {
    let product = Setup::new().start().await;
    let company = &product.companies[0];
    let url = product.website(&company.website.as_ref().unwrap().host);
    let fields = [("Name", company.name.as_str()), ("URL", &url), ("Summary", "In my own words.")];
    let id = product.world.create(Entity::Contact, INSIDER, &fields).unwrap();
    product.settle().await;
    assert_eq!(udf(&product, id, "Summary"), "In my own words.");
    let ledger = Ledger::of(&product.world);
    assert_eq!(ledger.labels(Entity::Contact, id), ["Vertical", "Opener primary", "Opener secondary"]);
    assert_eq!(ledger.to(Entity::Contact, id).len(), 1, "the three fields were written together");
    assert_eq!(product.account(id).await["state"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_somebody_emptied_is_filled_again() {
    let product = Setup::new().restless().start().await;
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    let summary = udf(&product, id, "Summary");
    assert!(!summary.is_empty());
    product.world.edit(Entity::Contact, id, INSIDER, &[("Summary", "")]).unwrap();
    product.settle().await;
    assert_eq!(udf(&product, id, "Summary"), summary);
    let ledger = Ledger::of(&product.world);
    let writes = ledger.to(Entity::Contact, id);
    let labels: Vec<&str> = writes.last().unwrap().fields.iter().map(|field| field.name.as_str()).collect();
    assert_eq!((writes.len(), labels), (2, vec!["Summary"]), "only the emptied field was written again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_name_and_website_refresh_the_texts_that_are_still_ours_and_no_other() {
    let product = Setup::new().restless().start().await;
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    let before = product.world.account(id).unwrap();
    product.world.edit(Entity::Contact, id, INSIDER, &[("Opener primary", "By hand.")]).unwrap();
    let first = before.persons[0].id;
    product.world.edit(Entity::Person, first, INSIDER, &[("Bridge", "By hand, too.")]).unwrap();
    product.settle().await;

    // The company becomes one of another vertical, so what its people are told changes with it.
    let other = product.companies.iter().filter(|company| company.language == product.companies[0].language);
    let other = other
        .clone()
        .find(|other| completes(other) && other.expected.vertical != product.companies[0].expected.vertical);
    let other = other.unwrap();
    let url = product.website(&other.website.as_ref().unwrap().host);
    product.world.edit(Entity::Contact, id, INSIDER, &[("Name", &other.name), ("URL", &url)]).unwrap();
    product.settle().await;
    let after = product.world.account(id).unwrap();
    for label in ["Vertical", "Summary", "Opener secondary"] {
        assert_ne!(after.udfs[label], before.udfs[label], "{label}");
    }
    assert_eq!(after.udfs["Opener primary"], "By hand.");
    assert_eq!(after.persons[0].udfs["Bridge"], "By hand, too.");
    assert_ne!(after.persons[0].udfs["Social proof"], before.persons[0].udfs["Social proof"]);
    assert_ne!(after.persons[1].udfs["Bridge"], before.persons[1].udfs["Bridge"]);
    let ledger = Ledger::of(&product.world);
    ledger.assert_each_value_once();
    ledger.assert_never_over("By hand.");
    ledger.assert_never_over("By hand, too.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_is_skipped() {
    let product = Setup::new().populated().start().await;
    // To the recycle bin, while its event is on the way.
    assert!(product.world.soft_delete(Entity::Contact, 1, INSIDER));
    product.deliver(&Delivery::changed(Entity::Contact, 1, &["name"])).await;
    // For good.
    assert!(product.world.delete(Entity::Contact, 2, INSIDER));
    product.deliver(&Delivery::changed(Entity::Contact, 2, &["name"])).await;
    // A person, and a company that never was.
    let person = product.world.persons_at(3)[0];
    assert!(product.world.delete(Entity::Person, person, INSIDER));
    product.deliver(&Delivery::changed(Entity::Person, person, &["title"])).await;
    product.deliver(&Delivery::new("contact.created", 999_999, &["name"])).await;
    product.settle().await;
    for (entity, id) in
        [(Entity::Contact, 1), (Entity::Contact, 2), (Entity::Person, person), (Entity::Contact, 999_999)]
    {
        let jobs = product.jobs_of(entity, id).await;
        let last = jobs.last().unwrap();
        assert_eq!((&last["state"], &last["reason"]), (&"SKIPPED".into(), &"DELETED".into()), "{jobs:?}");
    }
    let deleted = product.account(1).await;
    assert_eq!((&deleted["state"], &deleted["reason"]), (&"SKIPPED".into(), &"DELETED".into()));
    assert_eq!(Ledger::of(&product.world).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_record_that_is_still_served_is_skipped_too() {
    let product = Setup::new().populated().start().await;
    product.world.set_policy(|policy| policy.deleted_is_gone = false);
    assert!(product.world.soft_delete(Entity::Contact, 1, INSIDER));
    product.deliver(&Delivery::changed(Entity::Contact, 1, &["name"])).await;
    product.settle().await;
    let account = product.account(1).await;
    assert_eq!((&account["state"], &account["reason"]), (&"SKIPPED".into(), &"DELETED".into()));
    assert_eq!(Ledger::of(&product.world).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn persons_without_a_company_and_former_employees_are_skipped() {
    let product = Setup::new().populated().start().await;
    let alone = product.world.create(Entity::Person, INSIDER, &[("LastName", "Osterroth")]).unwrap();
    let fields = [("LastName", "Brunkhorst"), ("Title", "Einkauf"), ("Contact", "1"), ("Retired", "true")];
    let retired = product.world.create(Entity::Person, INSIDER, &fields).unwrap();
    product.settle().await;
    for (id, reason) in [(alone, "PERSON_WITHOUT_CONTACT"), (retired, "RETIRED")] {
        let jobs = product.jobs_of(Entity::Person, id).await;
        let found: Vec<_> = jobs.iter().map(|job| (&job["state"], &job["reason"])).collect();
        assert_eq!(found, [(&"SKIPPED".into(), &reason.into())]);
    }
    assert_eq!(Ledger::of(&product.world).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unreadable_fields_hold_the_write_until_they_can_be_read() {
    let product = Setup::new().start().await;
    product.world.mishap(Mishap::new(Kind::MalformedUdf));
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    let held = product.account(id).await;
    assert_eq!((&held["state"], &held["reason"]), (&"HELD".into(), &"MALFORMED_UDF".into()));
    assert_eq!(Ledger::of(&product.world).len(), 0, "unreadable is never taken for empty");

    product.world.clear_mishaps();
    let jobs = product.all("/api/v1/jobs?state=HELD").await;
    assert!(jobs.len() > 1, "the company and its people");
    let ids: Vec<String> = jobs.iter().map(|job| job["id"].to_string()).collect();
    let arguments: Vec<&str> = ["jobs", "retry"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    let ran = product.cli(&arguments);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    product.settle().await;
    assert_eq!(product.account(id).await["state"], "COMPLETED");
    assert!(!udf(&product, id, "Summary").is_empty());
    Ledger::of(&product.world).assert_each_value_once();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_record_of_one_company_is_told_from_it() {
    let product = Setup::new().start().await;
    let first = product.enter(&product.companies[0]);
    product.settle().await;
    let second = product.enter(&product.companies[0]);
    product.settle().await;
    let twin = product.account(second).await;
    assert_eq!((&twin["state"], &twin["reason"]), (&"SKIPPED".into(), &"DUPLICATE_NAME".into()));
    let job = &product.jobs_of(Entity::Contact, second).await[0];
    assert!(job["words"].as_str().unwrap().contains(&format!("({first})")), "it says of which: {job}");
    assert!(Ledger::of(&product.world).to(Entity::Contact, second).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_shown_as_soon_as_they_are_known() {
    let product = Setup::new().start().await;
    let company = product.companies.iter().find(|company| completes(company)).unwrap();
    let host = &company.website.as_ref().unwrap().host;
    product.world.mishap(Mishap::new(Kind::Slow).on(&format!("website {host}")).ms(3_000).times(1));
    let id = product.enter(company);
    let row = until(SOON, "the account is worked on and has a name", async || {
        let row = product.try_get(&format!("/api/v1/accounts/{id}")).await?;
        row["name"].is_string().then_some(row)
    })
    .await;
    assert_eq!(row["name"], company.name.as_str());
    assert_eq!(row["state"], "PROCESSING", "the name is there before the work is done");
    assert_eq!(row["owner"], "TJENS");
    product.settle().await;
    assert_eq!(product.status().await["tenant"], TENANT);
}
