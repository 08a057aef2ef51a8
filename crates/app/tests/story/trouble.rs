//! A CRM that fails: consent withdrawn, refusals that pass and that do not, answers that never arrive.

use std::time::Duration;

use superoffice_emulator::{Entity, Kind, Mishap};

use crate::support::{Delivery, INSIDER, Ledger, Product, SOON, Setup, until};

/// Retries that do not keep a test waiting.
fn impatient() -> Setup {
    Setup::new().toml("retry.first_wait = \"10ms\"\nretry.longest_wait = \"50ms\"")
}

fn only_for(id: i64, mishap: Mishap) -> Mishap {
    let mut mishap = mishap;
    mishap.id = Some(id);
    mishap
}

/// Waits until the part that stands for SuperOffice is in this state, and returns the part.
async fn superoffice(product: &Product, state: &str) -> serde_json::Value {
    until(SOON, &format!("SuperOffice is shown as {state}"), async || {
        let status = product.try_get("/api/v1/status").await?;
        let parts = status["parts"].as_array()?;
        parts.iter().find(|part| part["name"] == "SuperOffice" && part["state"] == state).cloned()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_consent_receiving_goes_on_and_the_work_waits_for_it() {
    let product = Setup::new().start().await;
    superoffice(&product, "ok").await;
    product.world.mishap(Mishap::new(Kind::RevokeConsent));
    product.play().await;
    let part = superoffice(&product, "down").await;
    assert!(part["remedy"].as_str().unwrap().contains("administrator"), "{part}");
    until(SOON, "all deliveries are taken in", async || product.world.deliveries_idle().then_some(())).await;

    let deliveries = product.world.deliveries();
    assert!(deliveries.iter().all(|delivery| delivery.status == Some(200) && delivery.attempts == 1));
    let stored = product.event_ids().await;
    assert!(deliveries.iter().all(|delivery| stored.contains(&delivery.event_id)));
    until(SOON, "all jobs wait", async || {
        let status = product.status().await;
        (status["jobs"]["PROCESSING"] == 0 && status["jobs"]["PENDING"].as_u64()? > 0).then_some(())
    })
    .await;
    for job in product.all("/api/v1/jobs").await {
        assert_eq!((&job["state"], &job["faults"]), (&"PENDING".into(), &0.into()), "{job}");
    }
    let ready = product.client().get(product.url("/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 200, "an outage of the CRM must not stop deliveries");

    product.world.clear_mishaps();
    product.settle_within(Duration::from_mins(2)).await;
    superoffice(&product, "ok").await;
    let status = product.status().await;
    assert_eq!(status["jobs"]["FAILED"], 0, "{status}");
    for company in &product.companies {
        let id = product.world.contact_of(&company.slug).unwrap();
        assert_eq!(product.account(id).await["state"], company.expected.state.as_str(), "{}", company.name);
    }
    Ledger::of(&product.world).assert_each_value_once();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_refused_for_a_while_is_tried_again() {
    let product = impatient().start().await;
    product.world.mishap(Mishap::new(Kind::Status).on("PATCH Contact").status(500).times(3));
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    let jobs = product.jobs_of(Entity::Contact, id).await;
    assert_eq!(jobs.len(), 1);
    let (state, attempts) = (&jobs[0]["state"], &jobs[0]["attempts"]);
    assert_eq!((state, attempts, &jobs[0]["faults"]), (&"COMPLETED".into(), &4.into(), &3.into()));
    assert_eq!(Ledger::of(&product.world).to(Entity::Contact, id).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_everything_is_answered_with_an_error_one_record_alone_is_not_blamed_for_it() {
    let product = impatient().start().await;
    superoffice(&product, "ok").await;
    product.world.mishap(Mishap::new(Kind::Status).status(503));
    let id = product.enter(&product.companies[0]);
    superoffice(&product, "down").await;
    product.world.clear_mishaps();
    product.settle_within(Duration::from_mins(2)).await;
    let job = product.jobs_of(Entity::Contact, id).await.pop().unwrap();
    assert_eq!((&job["state"], &job["faults"]), (&"COMPLETED".into(), &0.into()), "{job}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_never_tells_who_we_are_is_not_out_of_order_for_that() {
    let product = impatient().start().await;
    let failing = |route: &str| Mishap::new(Kind::Status).on(route).status(500);
    product.world.mishap(failing("GET User/currentPrincipal"));
    product.world.mishap(failing("PATCH Contact"));
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    let job = product.jobs_of(Entity::Contact, id).await.pop().unwrap();
    assert_eq!((&job["state"], &job["attempts"]), (&"FAILED".into(), &6.into()), "{job}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_always_refused_fails_after_five_retries_and_the_queue_goes_on() {
    let product = impatient().start().await;
    // The first company that is entered.
    let poisoned = 1;
    product.world.mishap(only_for(poisoned, Mishap::new(Kind::Status).on("PATCH Contact").status(500)));
    product.play().await;
    product.settle().await;
    let job = product.jobs_of(Entity::Contact, poisoned).await.pop().unwrap();
    assert_eq!((&job["state"], &job["attempts"]), (&"FAILED".into(), &6.into()), "{job}");
    assert!(job["words"].as_str().unwrap().contains("500"), "the error is told: {job}");
    assert!(!job["remedy"].as_str().unwrap().is_empty(), "and what to do: {job}");
    assert_eq!(product.account(poisoned).await["state"], "FAILED");
    let status = product.status().await;
    assert_eq!((&status["jobs"]["FAILED"], &status["open"]), (&1.into(), &0.into()), "{status}");
    assert!(status["jobs"]["COMPLETED"].as_u64().unwrap() > 15);

    product.world.clear_mishaps();
    let answer = product.post(&format!("/api/v1/jobs/{}/retry", job["id"])).await;
    assert_eq!(answer.status(), 200);
    product.settle().await;
    assert_eq!(product.account(poisoned).await["state"], "COMPLETED");
    Ledger::of(&product.world).assert_each_value_once();
}

/// The write is carried out, and what comes back is not an answer.
async fn written_once_although_the_answer_was(mishap: Mishap) {
    let product = impatient().start().await;
    let kind = mishap.kind;
    product.world.mishap(mishap.on("PATCH Contact").times(1));
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    let job = product.jobs_of(Entity::Contact, id).await.pop().unwrap();
    assert_eq!(job["state"], "COMPLETED", "{kind:?}: {job}");
    assert_eq!(job["attempts"], 2, "{kind:?}: the first attempt never learnt its end: {job}");
    let ledger = Ledger::of(&product.world);
    assert_eq!(ledger.to(Entity::Contact, id).len(), 1, "{kind:?}");
    let sent = product.calls("PATCH", 200).await;
    assert_eq!(sent, u64::try_from(ledger.len()).unwrap(), "{kind:?}: nothing was sent a second time");
    let shown = product.get(&format!("/api/v1/jobs/{}", job["id"])).await;
    let states: Vec<_> = shown["writes"].as_array().unwrap().iter().map(|write| &write["state"]).collect();
    assert_eq!(states, ["done"], "{kind:?}: the journal knows that it landed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_answer_broke_off_is_not_sent_again() {
    written_once_although_the_answer_was(Mishap::new(Kind::TruncatedBody)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_was_answered_with_a_sign_in_page_is_not_sent_again() {
    written_once_although_the_answer_was(Mishap::new(Kind::HtmlLoginPage)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_edits_after_a_lost_answer_and_keeps_the_last_word() {
    let product = impatient().restless().start().await;
    product.world.mishap(Mishap::new(Kind::TruncatedBody).on("PATCH Contact").times(1));
    // The second attempt must not begin before the person has come.
    product.world.mishap(Mishap::new(Kind::Slow).on("PATCH Contact").ms(300));
    let id = product.enter(&product.companies[0]);
    until(SOON, "the write has landed", async || {
        (!Ledger::of(&product.world).to(Entity::Contact, id).is_empty()).then_some(())
    })
    .await;
    product.world.edit(Entity::Contact, id, INSIDER, &[("Summary", "Said by a person.")]).unwrap();
    product.settle().await;
    assert_eq!(product.world.udf(Entity::Contact, id, "Summary").unwrap(), "Said by a person.");
    let ledger = Ledger::of(&product.world);
    ledger.assert_never_over("Said by a person.");
    ledger.assert_each_value_once();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_moves_or_hangs_up_is_found_again() {
    let product = impatient().start().await;
    product.world.mishap(Mishap::new(Kind::Offline).ms(1_500));
    product.play().await;
    superoffice(&product, "down").await;
    product.world.mishap(Mishap::new(Kind::MoveTenant));
    product.settle().await;
    product.world.mishap(Mishap::new(Kind::ExpireToken));
    product.deliver(&Delivery::changed(Entity::Contact, 1, &["name"])).await;
    product.settle_within(Duration::from_secs(90)).await;
    for company in &product.companies {
        let id = product.world.contact_of(&company.slug).unwrap();
        assert_eq!(product.account(id).await["state"], company.expected.state.as_str(), "{}", company.name);
    }
    assert_eq!(product.status().await["jobs"]["FAILED"], 0);
    Ledger::of(&product.world).assert_each_value_once();
}
