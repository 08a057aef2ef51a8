//! A copy of the database: made while the product works, put back days later, and nothing is written twice for it.

use superoffice_emulator::Entity;

use crate::support::{Delivery, INSIDER, Ledger, Setup};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_copy_writes_nothing_twice_and_knows_its_own_words_again() {
    let mut product = Setup::new().restless().start().await;
    let complete = |company: &&superoffice_emulator::story::Company| company.expected.state == "COMPLETED";
    let companies: Vec<_> = product.companies.iter().filter(complete).take(3).cloned().collect();
    product.enter(&companies[0]);
    product.settle().await;
    let copy = product.folder.path().join("copy.db").display().to_string();
    let made = product.cli(&["backup", "--to", &copy, "--json"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    assert_eq!(product.cli(&["backup", "--to", &copy]).status, Some(1), "it is not replaced by chance");

    // Life goes on after the copy; somebody types over one of our texts.
    let later: Vec<i64> = companies[1..].iter().map(|company| product.enter(company)).collect();
    product.settle().await;
    let human = later[0];
    product.world.edit(Entity::Contact, human, INSIDER, &[("Opener primary", "Typed by a person.")]).unwrap();
    product.settle().await;
    let written = Ledger::of(&product.world).len();
    product.stop().await;

    // Whoever just copies the file back is stopped; the command says that it is meant.
    std::fs::rename(product.database(), product.folder.path().join("newer.db")).unwrap();
    std::fs::copy(&copy, product.database()).unwrap();
    let refused = product.cli(&["serve"]);
    assert_eq!(refused.status, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("older copy") && refused.stderr.contains("--accept-rollback"),
        "{refused:?}"
    );
    let restored = product.cli(&["restore", &copy]);
    assert_eq!(restored.status, Some(0), "{restored:?}");
    product.launch().await;
    assert!(product.printed().1.contains("what changed since is asked for"));
    let busy = product.cli(&["restore", &copy]);
    assert!(busy.status == Some(1) && busy.stderr.contains("another process"), "{busy:?}");

    // What changed meanwhile is found by the sweep, or told by the next event.
    for id in &later {
        product.deliver(&Delivery::changed(Entity::Contact, *id, &["name"])).await;
    }
    product.settle().await;
    let ledger = Ledger::of(&product.world);
    ledger.assert_each_value_once();
    assert_eq!(ledger.len(), written, "nothing was left to write");

    // What was written in the time that the copy knows nothing of is ours again; the person's words are not.
    for (id, company) in later.iter().zip(&companies[1..]) {
        let name = format!("Neue {}", company.name);
        product.world.edit(Entity::Contact, *id, company.owner, &[("Name", &name)]).unwrap();
    }
    product.settle().await;
    let ledger = Ledger::of(&product.world);
    assert!(ledger.len() > written, "a text with the old name in it was taken for a person's own");
    ledger.assert_never_over("Typed by a person.");
    ledger.assert_each_value_once();
}
