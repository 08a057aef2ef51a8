//! An administrator changes our fields while we work: what would be written there is held with a reason, nothing is
//! refused over and over, and what was held goes on by itself when the field is as it was.

use serde_json::Value;
use superoffice_emulator::{Entity, FieldType, UdfField};

use crate::support::{Product, SOON, Setup, until};

/// A product that has worked on one company, so that it knows the fields.
async fn at_work() -> Product {
    let product = Setup::new().restless().toml("superoffice.look_again = \"1s\"").start().await;
    let first = product.companies[0].clone();
    let id = product.enter(&first);
    product.settle().await;
    assert_eq!(product.account(id).await["state"], "COMPLETED");
    product
}

/// Somebody enters the next company; returns its number and its own job, at rest.
async fn next(product: &Product) -> (i64, Value) {
    let company = product.companies[1].clone();
    let id = product.enter(&company);
    product.settle().await;
    (id, job(product, id).await)
}

async fn job(product: &Product, id: i64) -> Value {
    product.jobs_of(Entity::Contact, id).await.pop().unwrap()
}

fn field(product: &Product, name: &str) -> UdfField {
    let fields = product.world.udf_fields(Entity::Contact);
    fields.into_iter().find(|field| field.label == name).unwrap()
}

/// The job is held for this field, the other texts are written, and at most one request was refused.
async fn is_held(product: &Product, id: i64, job: &Value, label: &str, words: &str) {
    assert_eq!((&job["state"], &job["reason"]), (&"HELD".into(), &"FIELD_CHANGED".into()), "{job}");
    let told = job["words"].as_str().unwrap();
    assert!(told.contains(&format!("Held back {label}: ")) && told.contains(words), "{told}");
    assert!(product.calls("PATCH", 400).await <= 1);
    assert_eq!(product.world.udf(Entity::Contact, id, label).unwrap_or_default(), "", "nothing stands there");
    let other = if label == "Summary" { "Opener primary" } else { "Summary" };
    assert_ne!(product.world.udf(Entity::Contact, id, other).unwrap(), "", "the others are written");

    let doctor = product.cli(&["doctor"]);
    assert!(doctor.status == Some(5) && doctor.stdout.contains("FIELD_DRIFT"), "{doctor:?}");
}

/// What was held is written soon after the field is in order again, and `doctor` is quiet.
async fn goes_on(product: &Product, id: i64, label: &str) {
    until(SOON, "what was held is written", async || {
        (job(product, id).await["state"] == "COMPLETED").then_some(())
    })
    .await;
    product.settle().await;
    assert_ne!(product.world.udf(Entity::Contact, id, label).unwrap(), "");
    assert!(product.calls("PATCH", 400).await <= 1);
    let doctor = product.cli(&["doctor"]);
    assert_eq!(doctor.status, Some(0), "{doctor:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_is_unpublished_is_waited_for() {
    let product = at_work().await;
    let summary = product.world.unpublish_udf_field(Entity::Contact, "Summary").unwrap();
    let (id, job) = next(&product).await;
    is_held(&product, id, &job, "Summary", "not published").await;
    product.world.publish_udf_field(summary);
    goes_on(&product, id, "Summary").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_whose_prog_id_changed_is_waited_for() {
    let product = at_work().await;
    let was = field(&product, "Summary").identity;
    assert!(product.world.alter_udf_field(Entity::Contact, "Summary", |field| field.identity = 77));
    let (id, job) = next(&product).await;
    is_held(&product, id, &job, "Summary", "its prog-id was").await;
    assert!(product.world.alter_udf_field(Entity::Contact, "Summary", |field| field.identity = was));
    goes_on(&product, id, "Summary").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_was_shortened_is_written_again_once_somebody_says_so() {
    let product = at_work().await;
    assert!(product.world.alter_udf_field(Entity::Contact, "Summary", |field| field.text_length = 90));
    let (id, job) = next(&product).await;
    is_held(&product, id, &job, "Summary", "and holds 90 now").await;
    let accepted = product.cli(&["fields", "accept", "summary"]);
    assert!(accepted.status == Some(0) && accepted.stdout.contains("summary"), "{accepted:?}");
    goes_on(&product, id, "Summary").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_was_retyped_is_waited_for() {
    let product = at_work().await;
    let was = field(&product, "Summary").kind;
    let retype = |kind: FieldType| {
        assert!(product.world.alter_udf_field(Entity::Contact, "Summary", |field| field.kind = kind));
    };
    retype(FieldType::Number);
    let (id, job) = next(&product).await;
    assert_eq!((&job["state"], &job["reason"]), (&"HELD".into(), &"FIELD_CHANGED".into()), "{job}");
    assert!(product.calls("PATCH", 400).await <= 1);
    retype(was);
    goes_on(&product, id, "Summary").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_that_a_list_lost_is_waited_for_and_the_others_are_not() {
    let product = at_work().await;
    let (other, _) = next(&product).await;
    let item = product.world.udf(Entity::Contact, other, "Vertical").unwrap();
    let list = format!("udlist{}", field(&product, "Vertical").list.unwrap());
    let removed = product.world.remove_list_item(&list, &item).unwrap();
    // Another company of the same vertical, and one of another.
    let same = product.companies[1].clone();
    let twin = story_twin(&same);
    let id = product.enter(&twin);
    product.settle().await;
    let job = job(&product, id).await;
    is_held(&product, id, &job, "Vertical", &item).await;
    product.world.add_list_item(&list, removed);
    goes_on(&product, id, "Vertical").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_is_repaired_in_part_lets_go_what_it_can() {
    let product = at_work().await;
    let list = format!("udlist{}", field(&product, "Vertical").list.unwrap());
    let mut held = Vec::new();
    for company in &product.companies[1..3].to_vec() {
        let id = product.enter(company);
        product.settle().await;
        let item = product.world.udf(Entity::Contact, id, "Vertical").unwrap();
        let removed = product.world.remove_list_item(&list, &item).unwrap();
        held.push((company.clone(), removed));
    }
    let mut twins = Vec::new();
    for (company, _) in &held {
        let id = product.enter(&story_twin(company));
        product.settle().await;
        assert_eq!(job(&product, id).await["reason"], "FIELD_CHANGED");
        twins.push(id);
    }
    product.world.add_list_item(&list, held[0].1.clone());
    until(SOON, "what the repaired item is for is written", async || {
        (job(&product, twins[0]).await["state"] == "COMPLETED").then_some(())
    })
    .await;
    let other = job(&product, twins[1]).await;
    assert_eq!(other["state"], "HELD", "the other item is still lost: {other}");
    product.world.add_list_item(&list, held[1].1.clone());
    goes_on(&product, twins[1], "Vertical").await;
}

/// The same company under another name, so that it is no duplicate.
fn story_twin(company: &superoffice_emulator::story::Company) -> superoffice_emulator::story::Company {
    let mut twin = company.clone();
    twin.name = format!("Zweitwerk {}", company.name);
    "Werk 2".clone_into(&mut twin.department);
    twin.persons.clear();
    twin
}
