//! A tenant that cannot be used for a while: deliveries are taken in, the work waits, and goes on by itself. Whoever is
//! told of it goes on at once; for others the tenant's state says when to ask.
//!
//! In the emulator a state is good for a quarter of an hour, which no test waits for, so that what goes on sooner was told.

use serde_json::{Value, json};
use superoffice_emulator::story::Company;
use superoffice_emulator::{Audience, Change, Closed, Entity, Issuer, TenantState};

use crate::support::{Delivery, Ledger, Product, SOON, Setup, until};

impl Product {
    /// Companies of the story that end with texts.
    fn in_scope(&self) -> impl Iterator<Item = &Company> {
        self.companies.iter().filter(|company| company.expected.state.as_str() == "COMPLETED")
    }

    /// SuperOffice tells the product of changes of the tenant's state.
    fn told_of_its_state(&self) {
        self.world.set_state_change_url(&self.url("/connector/tenant-state"));
    }

    /// Sends a notification itself; the status and the answer.
    async fn notify(&self, body: &Value) -> (u16, Value) {
        let request = self.client().post(self.url("/connector/tenant-state")).json(body);
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    /// Waits until SuperOffice is shown in this state, with these words.
    async fn shows(&self, state: &str, words: &str) -> Value {
        until(SOON, &format!("SuperOffice is {state}: {words}"), async || {
            let status = self.try_get("/api/v1/status").await?;
            let parts = status["parts"].as_array()?;
            let part = parts.iter().find(|part| part["name"] == "SuperOffice" && part["state"] == state)?;
            part["words"].as_str()?.contains(words).then(|| part.clone())
        })
        .await
    }

    /// Waits until everything that SuperOffice sent is stored, and nothing is being worked on.
    async fn rests(&self) {
        until(SOON, "deliveries are taken in and no job is in hand", async || {
            let status = self.try_get("/api/v1/status").await?;
            let idle = self.world.deliveries_idle() && status["jobs"]["PROCESSING"] == 0;
            (idle && status["jobs"]["PENDING"].as_u64()? > 0).then_some(())
        })
        .await;
    }

    async fn assert_acknowledged(&self) {
        let stored = self.event_ids().await;
        for delivery in self.world.deliveries() {
            assert_eq!((delivery.status, delivery.attempts), (Some(200), 1));
            assert!(stored.contains(&delivery.event_id), "{delivery:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_each_state_that_is_not_usable_the_work_waits_until_it_is_told_that_the_tenant_is_back() {
    let product = Setup::new().start().await;
    product.told_of_its_state();
    product.shows("ok", "answers").await;
    let states = [
        TenantState::Unknown,
        TenantState::Provisioning,
        TenantState::Deleted,
        TenantState::Suspended,
        TenantState::OfflineMaintenance,
        TenantState::ProvisioningFailed,
        TenantState::Deleting,
        TenantState::DeleteFailed,
        TenantState::MigrationPending,
    ];
    for (state, company) in states.into_iter().zip(product.in_scope()) {
        product.world.set_tenant_state(state.clone(), None);
        product.world.announce(Change::Suspend);
        let part = product.shows("down", state.as_str()).await;
        assert!(!part["remedy"].as_str().unwrap().is_empty(), "{part}");

        let id = product.enter(company);
        product.rests().await;
        product.assert_acknowledged().await;
        let jobs = product.jobs_of(Entity::Contact, id).await;
        assert_eq!(jobs.len(), 1, "{state}");
        let untouched = (&jobs[0]["state"], &jobs[0]["attempts"], &jobs[0]["faults"]);
        assert_eq!(untouched, (&json!("PENDING"), &json!(0), &json!(0)), "{state}");

        product.world.set_tenant_state(TenantState::Running, None);
        product.world.announce(Change::Resume);
        product.settle().await;
        let job = product.jobs_of(Entity::Contact, id).await.remove(0);
        assert_eq!((&job["state"], &job["faults"]), (&json!("COMPLETED"), &json!(0)), "{state}");
        product.shows("ok", "answers").await;
    }
    assert!(product.world.notices().iter().all(|notice| notice.status == Some(200)));
    Ledger::of(&product.world).assert_each_value_once();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_nobody_tells_that_the_tenant_is_back_its_state_is_asked_for_whatever_the_api_answers_meanwhile()
{
    let product = Setup::new().start().await;
    product.shows("ok", "answers").await;
    let answers =
        [Closed::Unavailable, Closed::Misdirected, Closed::Unauthorized, Closed::Page, Closed::HangUp];
    for (closed, company) in answers.into_iter().zip(product.in_scope()) {
        product.world.set_policy(|policy| {
            policy.closed = closed;
            policy.state_valid_seconds = 1;
        });
        product.world.set_tenant_state(TenantState::OfflineMaintenance, None);
        let id = product.enter(company);
        product.shows("down", "").await;
        product.world.set_tenant_state(TenantState::Running, None);
        product.settle().await;
        product.assert_acknowledged().await;
        for job in product.jobs_of(Entity::Contact, id).await {
            assert_eq!(job["state"], "COMPLETED", "{closed:?}: {job}");
            assert_eq!(job["faults"], 0, "{closed:?}: {job}");
        }
        product.shows("ok", "answers").await;
    }
    assert_eq!(product.status().await["jobs"]["FAILED"], 0);
    Ledger::of(&product.world).assert_each_value_once();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn during_online_maintenance_the_work_goes_on() {
    let product = Setup::new().start().await;
    product.told_of_its_state();
    product.world.set_tenant_state(TenantState::OnlineMaintenance, None);
    product.world.announce(Change::Upgrade);
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    let job = product.jobs_of(Entity::Contact, id).await.remove(0);
    assert_eq!((&job["state"], &job["attempts"]), (&json!("COMPLETED"), &json!(1)));
    product.shows("ok", "answers").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_product_that_starts_while_the_tenant_is_away_takes_in_and_begins_once_it_is_back() {
    let mut product = Setup::new().populated().prepare().await;
    product.told_of_its_state();
    product.world.set_tenant_state(TenantState::Suspended, None);
    product.launch().await;
    product.shows("down", "Suspended").await;
    let delivery = Delivery::changed(Entity::Contact, 1, &["name"]);
    assert_eq!(product.deliver(&delivery).await, (200, "queued".to_owned()));
    product.kill();
    product.launch().await;
    product.shows("down", "Suspended").await;

    product.world.set_tenant_state(TenantState::Running, None);
    product.world.announce(Change::Resume);
    product.settle().await;
    let job = product.jobs_of(Entity::Contact, 1).await.remove(0);
    assert_eq!((&job["state"], &job["attempts"]), (&json!("COMPLETED"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_told_costs_no_misdirected_call() {
    let product = Setup::new().start().await;
    product.told_of_its_state();
    product.shows("ok", "answers").await;
    product.world.announce(Change::Move);
    until(SOON, "the notice is delivered", async || {
        product.world.notices().iter().all(|notice| notice.status == Some(200)).then_some(())
    })
    .await;
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    assert_eq!(product.account(id).await["state"], "COMPLETED");
    assert_eq!(product.calls("GET", 421).await + product.calls("PATCH", 421).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notification_is_believed_by_its_signature_alone() {
    // Calls are counted, so nobody but the worker makes any.
    let product = Setup::new().toml("sweep.enabled = false").start().await;
    product.shows("ok", "answers").await;
    let asked = || product.world.calls("GET", "login/state");
    let before = asked();

    let forged = json!({"ChangeType": 2, "ContextIdentifier": product.details.context, "Token": "eyJ.eyJ.eyJ",
                        "PublicEndpoint": "evil.example"});
    assert_eq!(product.notify(&forged).await.0, 401);
    assert_eq!(product.notify(&json!({"hello": "world"})).await.0, 400);
    let another = product.world.notification(Change::Suspend, "Cust99999");
    assert_eq!(product.notify(&another).await, (200, json!({"status": "ignored"})));
    let mut misused = another;
    misused["ContextIdentifier"] = product.details.context.clone().into();
    assert_eq!(product.notify(&misused).await.0, 401);
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    assert_eq!(product.account(id).await["state"], "COMPLETED");
    assert_eq!(asked(), before, "nobody looked at the tenant's state again");

    let readings = [
        (Issuer::Host, Audience::App, true),
        (Issuer::Host, Audience::App, false),
        (Issuer::System, Audience::SpnApp, true),
        (Issuer::System, Audience::SpnApp, false),
        (Issuer::System, Audience::SpnSerial, true),
    ];
    for (count, (issuer, audience, names)) in (1..).zip(readings) {
        product.world.set_policy(|policy| {
            policy.notice_issuer = issuer;
            policy.notice_audience = audience;
            policy.notice_names_tenant = names;
        });
        let ours = product.world.notification(Change::Upgrade, &product.details.context);
        assert_eq!(product.notify(&ours).await, (200, json!({"status": "noted"})), "{issuer:?} {audience:?}");
        until(SOON, "the state is asked for", async || (asked() >= before + count).then_some(())).await;
    }
    let (stdout, stderr) = product.printed();
    let token = misused["Token"].as_str().unwrap();
    assert!(!stdout.contains(token) && !stderr.contains(token));
}
