//! People edit while we write: their words stand, whatever the moment.

use std::collections::BTreeMap;
use std::time::Duration;

use superoffice_emulator::{Entity, Kind, Mishap, World};
use tokio::task::JoinSet;

use crate::support::{INSIDER, Ledger, Product, SOON, Setup, until};

/// What somebody typed into a field.
#[derive(Debug, Clone)]
struct Edit {
    entity: Entity,
    id: i64,
    label: &'static str,
    words: String,
}

impl Edit {
    /// One field of the record, each in turn.
    fn of(world: &World, entity: Entity, id: i64) -> Self {
        let turn = usize::try_from(id).unwrap();
        let labels: &[&str] = match entity {
            Entity::Contact => &["Summary", "Opener primary", "Opener secondary", "Vertical"],
            Entity::Person => &["Bridge", "Subject"],
        };
        let label = labels[turn % labels.len()];
        let words = match label {
            // A list takes one of its items. Nothing that we find out leads to this one.
            "Vertical" => other_vertical(world, id),
            _ => format!("Typed by a person, {} {id}.", entity.word()),
        };
        Self { entity, id, label, words }
    }

    fn type_in(&self, world: &World) {
        world.edit(self.entity, self.id, INSIDER, &[(self.label, &self.words)]).unwrap();
    }
}

/// An item of the list of verticals other than the one that the company's story leads to.
fn other_vertical(world: &World, id: i64) -> String {
    let expected = world.expected(id).and_then(|expected| expected.vertical);
    let items = superoffice_emulator::story::story(0, 0).vertical_items;
    items.into_iter().find(|item| Some(&item.vertical) != expected.as_ref()).unwrap().name
}

/// A record by kind and number.
type Record = (&'static str, i64);

/// The records whose write is on its way at this moment: the intent is stored, and its end not known.
async fn on_their_way(product: &Product, known: &BTreeMap<Record, Edit>) -> Vec<(Entity, i64)> {
    let running = product.get("/api/v1/jobs?state=PROCESSING&limit=100").await;
    let looks = running["items"].as_array().unwrap().iter().filter_map(|job| {
        let entity = if job["entity"] == "contact" { Entity::Contact } else { Entity::Person };
        let id = job["entity_id"].as_i64().unwrap();
        if known.contains_key(&(entity.word(), id)) {
            return None;
        }
        let path = format!("/api/v1/jobs/{}", job["id"]);
        Some(async move {
            let job = product.get(&path).await;
            let writes = job["writes"].as_array().unwrap();
            writes.iter().any(|write| write["state"] == "intended").then_some((entity, id))
        })
    });
    futures::future::join_all(looks).await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_who_edits_between_our_read_and_our_write_keeps_the_last_word() {
    let product = Setup::new().companies(260).toml("filter.rest = \"1s\"\nwork.workers = 24").start().await;
    // The write waits at the CRM's door, after we read and before it is carried out.
    for route in ["PATCH Contact", "PATCH Person"] {
        product.world.mishap(Mishap::new(Kind::Slow).on(route).ms(600));
    }
    product.play().await;

    let mut edits: BTreeMap<Record, Edit> = BTreeMap::new();
    let mut typing = JoinSet::new();
    while edits.len() < 220 {
        for (entity, id) in on_their_way(&product, &edits).await {
            let edit = Edit::of(&product.world, entity, id);
            edits.insert((entity.word(), id), edit.clone());
            let world = product.world.clone();
            // Some come at once, some late: before, while and after the write is carried out.
            let late = fastrand::u64(0..700);
            typing.spawn(async move {
                tokio::time::sleep(Duration::from_millis(late)).await;
                edit.type_in(&world);
            });
        }
        let open = product.status().await["open"].as_u64().unwrap();
        assert!(open > 0, "only {} writes were met", edits.len());
    }
    typing.join_all().await;
    product.world.clear_mishaps();
    product.settle_within(Duration::from_mins(2)).await;

    let ledger = Ledger::of(&product.world);
    for edit in edits.values() {
        let stands = product.world.udf(edit.entity, edit.id, edit.label).unwrap();
        assert_eq!(stands, edit.words, "{} of {} {}", edit.label, edit.entity.word(), edit.id);
        for write in ledger.to(edit.entity, edit.id) {
            let over =
                write.fields.iter().any(|field| field.name == edit.label && field.before == edit.words);
            assert!(!over, "somebody's words were written over: {write:?}");
        }
    }
    ledger.assert_each_value_once();
    let refused = product.calls("PATCH", 409).await;
    assert!(refused >= 50, "the guard was needed only {refused} times");
    let status = product.status().await;
    assert_eq!((&status["jobs"]["FAILED"], &status["jobs"]["HELD"]), (&0.into(), &0.into()), "{status}");
    // The other fields were filled all the same.
    for account in product.world.accounts() {
        let completes = account.expected.as_ref().is_some_and(|expected| expected.state == "COMPLETED");
        let empty = account.udfs.iter().filter(|(label, text)| {
            ["Vertical", "Summary", "Opener primary", "Opener secondary"].contains(&label.as_str())
                && text.is_empty()
        });
        assert!(!completes || empty.count() == 0, "{} {:?}", account.name, account.udfs);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_carries_only_what_differs_and_is_refused_when_it_does_no_longer() {
    let product = Setup::new().restless().start().await;
    product.world.mishap(Mishap::new(Kind::Slow).on("PATCH Contact").ms(2_500).times(1));
    let id = product.enter(&product.companies[0]);
    until(SOON, "the company's write is on its way", async || {
        let found = on_their_way(&product, &BTreeMap::new()).await;
        found.contains(&(Entity::Contact, id)).then_some(())
    })
    .await;
    let typed = [("Opener primary", "By hand.")];
    product.world.edit(Entity::Contact, id, INSIDER, &typed).unwrap();
    product.settle().await;
    assert_eq!(product.calls("PATCH", 409).await, 1, "the guard refused the first write whole");
    let ledger = Ledger::of(&product.world);
    assert_eq!(ledger.to(Entity::Contact, id).len(), 1);
    assert_eq!(ledger.labels(Entity::Contact, id), ["Vertical", "Summary", "Opener secondary"]);
    assert_eq!(product.world.udf(Entity::Contact, id, "Opener primary").unwrap(), "By hand.");
    let job = &product.jobs_of(Entity::Contact, id).await[0];
    let shown = product.get(&format!("/api/v1/jobs/{}", job["id"])).await;
    let states: Vec<_> = shown["writes"].as_array().unwrap().iter().map(|write| &write["state"]).collect();
    assert!(states.contains(&&"not_done".into()) && states.contains(&&"done".into()), "{shown}");
}
