//! The process is killed again and again, at any moment, under load: what it acknowledged is there, and each effect
//! happened once.

use std::collections::BTreeSet;
use std::time::Duration;

use superoffice_emulator::{Entity, Kind, Mishap, Outcome, story};

use crate::support::{Delivery, INSIDER, Ledger, Product, SOON, Setup, until};

/// How often, when nobody says otherwise.
const ROUNDS: usize = 12;
/// How many companies are entered in each round.
const COMPANIES: usize = 4;

#[expect(clippy::disallowed_methods, reason = "the length of the test is not the product's configuration")]
fn rounds() -> usize {
    std::env::var("SO_CONNECTOR_KILL_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap())
}

/// What goes on while the process dies.
struct Load {
    /// Companies that are still to be entered.
    waiting: Vec<story::Company>,
    entered: Vec<(story::Company, i64)>,
    /// Ids of deliveries of our own that were answered with 200.
    acknowledged: Vec<String>,
    turn: usize,
}

impl Load {
    /// People enter and change companies, and deliveries arrive, until the process is to die.
    async fn go_on(&mut self, product: &Product, until: Duration) {
        let going = async {
            for _ in 0..COMPANIES {
                if let Some(company) = self.waiting.pop() {
                    let id = product.enter(&company);
                    self.entered.push((company, id));
                }
                self.change_something(product);
                let (one, two, three) =
                    tokio::join!(self.delivery(product), self.delivery(product), self.delivery(product));
                self.acknowledged.extend([one, two, three].into_iter().flatten());
                tokio::time::sleep(until / 6).await;
            }
            // The rest of the time is the product's.
            std::future::pending::<()>().await;
        };
        let _ = tokio::time::timeout(until, going).await;
    }

    /// A change that is worth a look and changes no text.
    fn change_something(&mut self, product: &Product) {
        self.turn += 1;
        let Some((company, id)) = self.entered.get(self.turn % self.entered.len().max(1)) else { return };
        let number = format!("HRB {}", self.turn);
        product.world.edit(Entity::Contact, *id, company.owner, &[("OrgNr", &number)]).unwrap();
    }

    /// Sends a delivery of our own; its id if it was acknowledged.
    async fn delivery(&self, product: &Product) -> Option<String> {
        let (company, id) = self.entered.get(fastrand::usize(..self.entered.len().max(1)))?;
        let values = serde_json::json!({"associate_id": company.owner});
        let delivery = Delivery::changed(Entity::Contact, *id, &["orgNr"]).with("FieldValues", values);
        let answer = product.send(delivery.bytes()).await.ok()?;
        (answer.status() == 200).then_some(delivery.id)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_written_twice_however_often_it_is_killed() {
    let rounds = rounds();
    let mut product = Setup::new().companies(40 + rounds * COMPANIES).restless().start().await;
    // The hand-written part of the story has a company twice, on purpose; here each is its own.
    let waiting = product.companies.iter().skip(24).cloned().collect();
    let mut load = Load { waiting, entered: Vec::new(), acknowledged: Vec::new(), turn: 0 };

    for round in 0..rounds {
        // Mostly in the middle of work, now and then right after the start.
        let life = if round % 4 == 3 { fastrand::u64(1..60) } else { fastrand::u64(60..900) };
        load.go_on(&product, Duration::from_millis(life)).await;
        product.kill();
        product.launch().await;
        product.reactivate().await;
    }
    product.settle_within(Duration::from_mins(3)).await;
    tell_of_what_nobody_heard(&product, &mut load).await;
    product.settle_within(Duration::from_mins(3)).await;

    let stored = product.event_ids().await;
    let told = product.world.deliveries();
    let told = told.iter().filter(|delivery| delivery.status == Some(200)).map(|delivery| &delivery.event_id);
    let acknowledged: BTreeSet<&String> = told.chain(&load.acknowledged).collect();
    let lost: Vec<_> = acknowledged.iter().filter(|id| !stored.contains(**id)).collect();
    assert!(
        lost.is_empty(),
        "{} of {} acknowledged events are lost: {lost:?}",
        lost.len(),
        acknowledged.len()
    );
    assert!(acknowledged.len() > rounds * 3);

    let status = product.status().await;
    for state in ["PENDING", "PROCESSING", "HELD", "FAILED"] {
        assert_eq!(status["jobs"][state], 0, "{status}");
    }
    assert_each_effect_once(&product, &load).await;
    let crashes: u64 =
        product.all("/api/v1/jobs").await.iter().map(|job| job["crashes"].as_u64().unwrap()).sum();
    println!(
        "{rounds} kills: {} events acknowledged, none lost; {} writes, each once; {crashes} jobs were killed in hand",
        acknowledged.len(),
        Ledger::of(&product.world).len()
    );
    assert!(crashes > 0, "no kill met any work");
}

/// What SuperOffice gave up to deliver while nobody listened is told by us, for the product cannot know of it.
async fn tell_of_what_nobody_heard(product: &Product, load: &mut Load) {
    let mut unheard = BTreeSet::new();
    for delivery in product.world.deliveries() {
        if delivery.outcome == Outcome::Discarded && delivery.by != crate::support::API_USER {
            unheard.insert((delivery.entity.clone().unwrap_or_default(), delivery.primary_key));
        }
    }
    for (entity, id) in unheard {
        let (entity, column) =
            if entity == "person" { (Entity::Person, "title") } else { (Entity::Contact, "name") };
        let delivery = Delivery::changed(entity, id, &[column]).with("ChangedByAssociateId", INSIDER);
        until(SOON, "the delivery is acknowledged", async || {
            let answer = product.send(delivery.bytes()).await.ok()?;
            (answer.status() == 200).then_some(())
        })
        .await;
        load.acknowledged.push(delivery.id);
    }
}

async fn assert_each_effect_once(product: &Product, load: &Load) {
    let ledger = Ledger::of(&product.world);
    ledger.assert_each_value_once();
    for (company, id) in &load.entered {
        let completes = company.expected.state == "COMPLETED";
        let writes = ledger.to(Entity::Contact, *id);
        assert_eq!(writes.len(), usize::from(completes), "{} ({id}): {writes:?}", company.name);
        if completes {
            assert_eq!(writes[0].fields.len(), 4, "{writes:?}");
        }
        for person in product.world.persons_at(*id) {
            let writes = ledger.to(Entity::Person, person);
            assert_eq!(writes.len(), usize::from(completes), "person {person} of {id}: {writes:?}");
        }
    }
    // A write that changes nothing leaves no trace in the log, but it was sent.
    let sent = product.calls("PATCH", 200).await;
    assert_eq!(sent, u64::try_from(ledger.len()).unwrap(), "writes were sent that changed nothing");
    let status = product.status().await;
    assert_eq!(status["writes"], ledger.len(), "the journal knows of each write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_writes_whose_end_nobody_saw_the_journal_counts_the_one_that_landed() {
    let setup = Setup::new().toml("retry.first_wait = \"10ms\"\nretry.longest_wait = \"50ms\"");
    let mut product = setup.restless().start().await;
    // The first never arrives, because its sender is killed; the second does, and its answer breaks off.
    product.world.mishap(Mishap::new(Kind::Slow).on("PATCH Contact").ms(5_000).times(1));
    let id = product.enter(&product.companies[0]);
    let job = until(SOON, "the first write is on its way", async || {
        let jobs = product.jobs_of(Entity::Contact, id).await;
        let job = product.try_get(&format!("/api/v1/jobs/{}", jobs.first()?["id"])).await?;
        (job["writes"][0]["state"] == "intended").then(|| job["id"].clone())
    })
    .await;
    product.kill();
    product.world.mishap(Mishap::new(Kind::TruncatedBody).on("PATCH Contact").times(1));
    product.launch().await;
    product.settle().await;

    let job = product.get(&format!("/api/v1/jobs/{job}")).await;
    let states: Vec<_> = job["writes"].as_array().unwrap().iter().map(|write| &write["state"]).collect();
    assert_eq!(states, ["not_done", "done"], "{job}");
    assert_eq!((&job["state"], &job["attempts"]), (&"COMPLETED".into(), &3.into()));
    let ledger = Ledger::of(&product.world);
    assert_eq!(ledger.to(Entity::Contact, id).len(), 1);
    assert_eq!(product.status().await["writes"], ledger.len());
}
