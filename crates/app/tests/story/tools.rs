//! The operator's tools, held against what the emulator itself knows of its tenant.

use serde_json::{Value, json};
use superoffice_emulator::{Entity, Kind, Mishap, NextLink};

use crate::support::{API_USER, INSIDER, Product, Setup, only_document};

/// Companies in the tenant; more than fit into two pages.
const MANY: usize = 25_000;

async fn tenant(companies: usize) -> Product {
    Setup::new().companies(companies).populated().prepare().await
}

fn ask(product: &Product, arguments: &[&str]) -> Value {
    let ran = product.cli(&[arguments, &["--json"]].concat());
    assert_eq!(ran.status, Some(0), "{arguments:?}: {ran:?}");
    only_document(&ran.stdout)
}

/// How many companies each owner has, as the emulator knows.
fn known(product: &Product, owner: i64) -> u64 {
    let accounts = product.world.accounts();
    accounts.iter().filter(|account| !account.deleted && account.owner_id == owner).count() as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_and_latest_agree_with_the_tenant_however_it_pages() {
    let product = tenant(MANY).await;
    for link in [NextLink::Text, NextLink::Null, NextLink::Absent] {
        product.world.set_policy(|policy| {
            policy.page_cap = 500;
            policy.next_link = link;
        });
        let counts = ask(&product, &["counts", "--all"]);
        let all = product.world.contact_ids().len();
        assert_eq!((&counts["list"], &counts["find"]), (&json!(all), &json!(all)), "{link:?}");
        for owner in counts["owners"].as_array().unwrap() {
            let expected = json!(known(&product, owner["owner_id"].as_i64().unwrap()));
            assert_eq!((&owner["list"], &owner["find"]), (&expected, &expected), "{owner}");
        }
        assert_eq!(counts["unexplained"], 0);
        let accounts = product.world.accounts();
        let newest = accounts.iter().filter(|a| a.in_scope && !a.deleted).map(|a| a.id).max();
        assert_eq!(ask(&product, &["latest"])["id"], json!(newest), "{link:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_can_be_narrowed_and_a_wrong_filter_is_told() {
    let product = tenant(24).await;
    let filter = format!("contactAssociate/associateDbId eq {INSIDER}");
    let counts = ask(&product, &["counts", "--where", &filter]);
    let owners: Vec<&Value> = counts["owners"].as_array().unwrap().iter().collect();
    assert_eq!(owners.len(), 1);
    assert_eq!(owners[0]["list"], json!(known(&product, INSIDER)));
    let wrong = product.cli(&["counts", "--where", "nonsense is 1"]);
    assert_eq!(wrong.status, Some(1), "{wrong:?}");
    assert!(wrong.stderr.contains("nonsense"), "{wrong:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_fails_is_not_taken_for_an_empty_one() {
    let product = tenant(24).await;
    product.world.mishap(Mishap::new(Kind::Status).on("GET Archive/{provider}").status(400));
    let ran = product.cli(&["counts"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_are_listed_with_groups_scope_and_counts() {
    let product = tenant(24).await;
    let owners = ask(&product, &["owners"]);
    let owners = owners.as_array().unwrap();
    let associates = product.world.associates();
    assert_eq!(owners.len(), associates.len());
    for owner in owners {
        let id = owner["id"].as_i64().unwrap();
        let associate = associates.iter().find(|associate| associate.id == id).unwrap();
        assert_eq!(owner["short_name"], associate.short_name.as_str());
        assert_eq!(owner["accounts"], json!(known(&product, id)), "{owner}");
        assert!(!owner["group"].as_str().unwrap().is_empty(), "{owner}");
        let in_scope = product.details.owners.contains(&associate.short_name);
        assert_eq!(owner["in_scope"], if in_scope { "yes" } else { "no" }, "{owner}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_company_in_scope_is_shown_with_its_fields() {
    let product = tenant(24).await;
    let accounts = product.world.accounts();
    let newest = accounts.iter().filter(|account| account.in_scope && !account.deleted).max_by_key(|a| a.id);
    let newest = newest.unwrap();
    let before = ask(&product, &["latest"]);
    assert_eq!((&before["id"], &before["enriched"]), (&json!(newest.id), &json!(false)));
    assert_eq!(before["owner"], newest.owner.as_str());

    product.world.edit(Entity::Contact, newest.id, INSIDER, &[("Summary", "Baut Pumpen.")]).unwrap();
    let after = ask(&product, &["latest"]);
    let fields = after["fields"].as_array().unwrap();
    let summary = fields.iter().find(|field| field["field"] == "summary").unwrap();
    assert_eq!((&summary["value"], &after["enriched"]), (&json!("Baut Pumpen."), &json!(true)));
}

/// Leaves a test company behind, as a run that was cut off does.
fn leave_behind(product: &Product, name: &str, description: &str) -> i64 {
    let fields = [("Name", name), ("Description", description), ("Owner", "11")];
    product.world.create(Entity::Contact, API_USER, &fields).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cleanup_removes_what_is_marked_and_nothing_else() {
    let product = tenant(24).await;
    let mark = "Made by SuperOffice Connector. [so-connector:test-object]";
    let ours: Vec<i64> =
        (1..=3).map(|n| leave_behind(&product, &format!("so-connector test {n}"), mark)).collect();
    leave_behind(&product, "so-connector test run of ours", "a company that somebody named so");
    let before = product.world.contact_ids();

    let listed = ask(&product, &["cleanup"]);
    let found: Vec<i64> =
        listed["found"].as_array().unwrap().iter().map(|one| one["id"].as_i64().unwrap()).collect();
    assert_eq!((&found, &listed["removed"]), (&ours, &json!(0)));
    assert_eq!(product.world.contact_ids(), before, "nothing is removed before it is asked for");

    assert_eq!(ask(&product, &["cleanup", "--apply"])["removed"], 3);
    let after = product.world.contact_ids();
    let removed: Vec<i64> = before.iter().filter(|id| !after.contains(id)).copied().collect();
    assert_eq!(removed, ours);
    assert_eq!(product.world.calls("DELETE", "Contact/{id}"), 3);
    assert_eq!(ask(&product, &["cleanup", "--apply"])["removed"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cleanup_on_a_customers_tenant_wants_its_name() {
    let product = Setup::new().companies(3).populated().toml("superoffice.production = true").prepare().await;
    let id = leave_behind(&product, "so-connector test 1", "[so-connector:test-object]");
    let refused = product.cli(&["cleanup", "--apply"]);
    assert_eq!(refused.status, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("--tenant Cust10001"), "{refused:?}");
    let wrong = product.cli(&["cleanup", "--apply", "--tenant", "Cust99999"]);
    assert_eq!(wrong.status, Some(2), "{wrong:?}");
    assert!(product.world.contact_ids().contains(&id));
    assert_eq!(ask(&product, &["cleanup", "--apply", "--tenant", "Cust10001"])["removed"], 1);
    assert!(!product.world.contact_ids().contains(&id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_test_leaves_nothing_behind() {
    let product = tenant(3).await;
    let before = product.world.contact_ids();
    let ran = product.cli(&["doctor", "-v", "--write-test"]);
    assert!(ran.stdout.contains("a test company was made, changed, read back and removed"), "{ran:?}");
    assert_eq!(product.world.contact_ids(), before);
    product.world.mishap(Mishap::new(Kind::Status).on("PATCH Contact/{id}").status(403));
    let ran = product.cli(&["doctor", "--write-test"]);
    assert!(ran.stdout.contains("WRITE_REFUSED"), "{ran:?}");
    assert_eq!(product.world.contact_ids(), before, "also when it fails half-way");
}
