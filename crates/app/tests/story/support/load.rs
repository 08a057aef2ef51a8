//! What goes on around a process that dies, and what must hold afterwards whenever it died.

use std::collections::BTreeSet;
use std::time::Duration;

use superoffice_emulator::{Entity, Outcome, story};

use super::turns::{Turns, assert_one_at_a_time};
use super::{API_USER, Delivery, INSIDER, Ledger, Product, SOON, until};

/// How many companies are entered in each round.
pub(crate) const COMPANIES: usize = 4;

/// What goes on while the process dies.
pub(crate) struct Load {
    /// Companies that are still to be entered.
    waiting: Vec<story::Company>,
    pub(crate) entered: Vec<(story::Company, i64)>,
    /// Ids of deliveries of our own that were answered with 200.
    pub(crate) acknowledged: Vec<String>,
    turn: usize,
}

/// What was acknowledged and done in all, once everything holds.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) acknowledged: usize,
    pub(crate) writes: usize,
    pub(crate) crashes: u64,
    pub(crate) turns: Turns,
}

impl Load {
    /// The companies of the story, none of which is entered yet.
    ///
    /// The hand-written part of the story, the first 24, has a company twice, on purpose; in the rest each is its own.
    pub(crate) fn of(product: &Product) -> Self {
        let waiting = product.companies.iter().skip(24).cloned().collect();
        Self { waiting, entered: Vec::new(), acknowledged: Vec::new(), turn: 0 }
    }

    /// Somebody enters the next company.
    pub(crate) fn enter(&mut self, product: &Product) {
        if let Some(company) = self.waiting.pop() {
            let id = product.enter(&company);
            self.entered.push((company, id));
        }
    }

    /// People enter and change companies, and deliveries arrive, until the process is to die.
    pub(crate) async fn go_on(&mut self, product: &Product, until: Duration) {
        let going = async {
            for _ in 0..COMPANIES {
                self.enter(product);
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
    pub(crate) async fn delivery(&self, product: &Product) -> Option<String> {
        let (company, id) = self.entered.get(fastrand::usize(..self.entered.len().max(1)))?;
        let values = serde_json::json!({"associate_id": company.owner});
        let delivery = Delivery::changed(Entity::Contact, *id, &["orgNr"]).with("FieldValues", values);
        let answer = product.send(delivery.bytes()).await.ok()?;
        (answer.status() == 200).then_some(delivery.id)
    }
}

/// What SuperOffice gave up to deliver while nobody listened is told by us, for the product cannot know of it.
async fn tell_of_what_nobody_heard(product: &Product, load: &mut Load) {
    let mut unheard = BTreeSet::new();
    for delivery in product.world.deliveries() {
        if delivery.outcome == Outcome::Discarded && delivery.by != API_USER {
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

/// Everything that was acknowledged is there, everything is at its end, and each effect happened once: whatever happened
/// before.
///
/// # Panics
///
/// When something of it does not hold.
pub(crate) async fn assert_everything_held(product: &Product, load: &mut Load) -> Held {
    product.settle_within(Duration::from_mins(3)).await;
    tell_of_what_nobody_heard(product, load).await;
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

    let status = product.status().await;
    for state in ["PENDING", "PROCESSING", "HELD", "FAILED"] {
        let jobs = product.all(&format!("/api/v1/jobs?state={state}")).await;
        assert!(jobs.is_empty() && status["jobs"][state] == 0, "{state}: {jobs:?}, {status}");
    }
    // What follows would be a consequence of it.
    let turns = assert_one_at_a_time(&product.world);
    assert_each_effect_once(product, load).await;
    let jobs = product.all("/api/v1/jobs").await;
    Held {
        acknowledged: acknowledged.len(),
        writes: Ledger::of(&product.world).len(),
        crashes: jobs.iter().map(|job| job["crashes"].as_u64().unwrap()).sum(),
        turns,
    }
}
