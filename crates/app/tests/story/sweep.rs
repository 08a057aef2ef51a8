//! Webhooks that never come: what nobody told of is found by reading SuperOffice's lists, and every change is accounted
//! for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use superoffice_emulator::{Entity, Kind, Mishap, NextLink};

use crate::support::{INSIDER, Ledger, Product, SOON, Setup, only_document, until};

/// The lists that a sweep reads; while jobs are worked on nothing else of the product does.
const LISTS: &str = "GET Archive/{provider}";
/// Long enough that a story sees no sweep but its own.
const SELDOM: &str = "sweep.every = \"12h\"";

/// Runs a command to its end while everything else goes on.
async fn command(product: &Product, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = product.command(arguments);
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ran.status.code(), text(&ran.stdout), text(&ran.stderr))
}

/// Runs a sweep to its end, as somebody at the command line would, and returns what it came to.
async fn sweep(product: &Product, arguments: &[&str]) -> Value {
    let arguments: Vec<&str> = ["sweep", "--json"].iter().chain(arguments).copied().collect();
    let (status, stdout, stderr) = command(product, &arguments).await;
    assert_eq!(status, Some(0), "{stderr}");
    only_document(&stdout)
}

async fn coverage(product: &Product) -> Value {
    product.get("/api/v1/coverage?from=1970-01-01T00:00:00Z").await
}

/// The sweep that ended last.
async fn last(product: &Product) -> Option<Value> {
    let last = product.try_get("/api/v1/sweep").await?["last"].take();
    last.is_object().then_some(last)
}

/// A product that has looked at everything there is.
async fn begun(setup: Setup) -> Product {
    let product = setup.restless().toml(SELDOM).start().await;
    until(SOON, "the first sweep has ended", async || last(&product).await).await;
    product
}

/// Nobody is told of anything from now on, and the last look is some time ago.
fn deaf(product: &Product) {
    product.world.mishap(Mishap::new(Kind::DropWebhooks));
    product.world.move_clock(SignedDuration::from_mins(1));
}

/// Somebody changes something that is watched.
fn change(product: &Product, id: i64, number: &str) {
    product.world.edit(Entity::Contact, id, INSIDER, &[("OrgNr", number)]).unwrap();
}

/// How many pages of lists SuperOffice was asked for.
fn lists_read(product: &Product) -> u64 {
    product.world.calls("GET", "Archive/{provider}") + product.world.calls("POST", "Archive/{provider}")
}

async fn found_events(product: &Product) -> Vec<Value> {
    let mut events = product.all("/api/v1/events").await;
    events.retain(|event| event["source"] == "sweep");
    events
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_account_is_enriched_once_although_webhooks_are_lost_doubled_and_out_of_order() {
    let mut product = Setup::new().companies(2_024).restless().toml("sweep.enabled = false").start().await;
    let first = sweep(&product, &[]).await;
    assert_eq!((&first["is_first"], &first["tally"]["records"]), (&true.into(), &0.into()));
    product.world.mishap(Mishap::new(Kind::DropWebhooks).percent(30));
    product.world.mishap(Mishap::new(Kind::DuplicateWebhooks).percent(10));
    product.world.mishap(Mishap::new(Kind::ReorderWebhooks).percent(20));
    // The hand-written part of the story has a company twice, on purpose; here each is its own.
    let companies: Vec<_> = product.companies.iter().skip(24).cloned().collect();
    let mut entered = Vec::new();
    for company in &companies[..1_000] {
        entered.push(product.enter(company));
    }
    product.world.settled().await;
    // The others are entered while nobody listens, and ten minutes go by.
    product.kill();
    for company in &companies[1_000..] {
        entered.push(product.enter(company));
    }
    product.world.move_clock(SignedDuration::from_mins(10));
    product.world.settled().await;
    product.launch().await;
    product.settle_within(Duration::from_mins(2)).await;

    let before = lists_read(&product);
    let run = sweep(&product, &[]).await;
    let spent = lists_read(&product) - before;
    let plan = run["plan"]["calls"].as_u64().unwrap();
    assert_eq!(run["tally"]["calls"], spent, "the sweep counts its calls");
    assert!(spent.abs_diff(plan) * 10 <= plan, "{spent} calls were made, {plan} planned");
    product.settle_within(Duration::from_mins(2)).await;

    let ledger = Ledger::of(&product.world);
    ledger.assert_each_value_once();
    for (company, id) in companies.iter().zip(&entered) {
        let completes = usize::from(company.expected.state == "COMPLETED");
        assert_eq!(ledger.to(Entity::Contact, *id).len(), completes, "{} ({id})", company.name);
        for person in product.world.persons_at(*id) {
            assert_eq!(ledger.to(Entity::Person, person).len(), completes, "person {person} of {id}");
        }
    }
    let covered = coverage(&product).await;
    assert_eq!((&covered["unexplained"], &covered["classes"]["open"]), (&0.into(), &0.into()), "{covered}");
    let recovered = covered["recovered"].as_u64().unwrap();
    assert!(recovered > 1_000, "{covered}");
    assert!(covered["classes"]["enriched"].as_u64().unwrap() > 500, "{covered}");
    // Once more, and there is nothing left to find.
    let again = sweep(&product, &[]).await;
    assert_eq!(again["tally"]["found"], 0, "{again}");
    println!(
        "{} changes: {recovered} of them recovered with {spent} calls, {plan} planned; found {}",
        covered["changes"], run["tally"]["found"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_was_changed_by_hand_is_found_although_no_event_tells_of_it() {
    let product = begun(Setup::new().companies(3).populated()).await;
    product.world.set_policy(|policy| policy.udf_only_events = false);
    product.world.move_clock(SignedDuration::from_mins(1));
    product.world.edit(Entity::Contact, 1, INSIDER, &[("Summary", "Written by a person.")]).unwrap();
    product.settle().await;
    assert!(product.jobs_of(Entity::Contact, 1).await.is_empty(), "nobody told of it");

    let run = sweep(&product, &[]).await;
    product.settle().await;
    assert_eq!(run["tally"]["found"], 1, "{run}");
    let found = found_events(&product).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["event"], &found[0]["disposition"]), (&"contact.changed".into(), &"queued".into()));
    assert_eq!(found[0]["changes"], serde_json::json!(["updated", "userdef_id"]));
    assert_eq!(product.jobs_of(Entity::Contact, 1).await.len(), 1);
    assert_eq!(product.world.udf(Entity::Contact, 1, "Summary").unwrap(), "Written by a person.");
    assert_eq!(coverage(&product).await["unexplained"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_watched_and_what_was_told_and_what_we_wrote_begins_no_job() {
    let product = begun(Setup::new().companies(3).populated()).await;
    product.world.move_clock(SignedDuration::from_mins(1));
    change(&product, 1, "HRB 1");
    product.settle().await;
    deaf(&product);
    product.world.edit(Entity::Contact, 2, INSIDER, &[("Category", "2")]).unwrap();
    let jobs = product.all("/api/v1/jobs").await.len();
    let writes = Ledger::of(&product.world).len();
    assert!(writes > 0);

    let run = sweep(&product, &[]).await;
    product.settle().await;
    assert_eq!((&run["tally"]["found"], &run["tally"]["queued"]), (&1.into(), &0.into()), "{run}");
    assert_eq!(run["tally"]["skipped"], serde_json::json!({"NOTHING_WATCHED": 1}));
    assert!(run["tally"]["known"]["own_write"].as_u64().unwrap() > 0, "{run}");
    assert_eq!(product.all("/api/v1/jobs").await.len(), jobs);
    assert_eq!(Ledger::of(&product.world).len(), writes);
    let covered = coverage(&product).await;
    assert_eq!(
        (&covered["unexplained"], &covered["classes"]["skipped"]),
        (&0.into(), &1.into()),
        "{covered}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fresh_install_enriches_nothing_that_was_there_before() {
    let product = begun(Setup::new().populated()).await;
    product.settle().await;
    let run = last(&product).await.unwrap();
    assert_eq!((&run["is_first"], &run["tally"]["found"]), (&true.into(), &0.into()), "{run}");
    assert!(run["tally"]["records"].as_u64().unwrap() > 24);
    assert_eq!(product.all("/api/v1/jobs").await.len(), 0);
    assert_eq!(coverage(&product).await["changes"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_is_killed_goes_on_where_it_stood() {
    let mut product = begun(Setup::new().companies(60).populated()).await;
    deaf(&product);
    let ids = product.world.contact_ids();
    for id in &ids {
        change(&product, *id, &format!("HRB {id}"));
    }
    product.world.set_policy(|policy| policy.page_cap = 5);
    product.world.mishap(Mishap::new(Kind::Slow).on(LISTS).ms(150));
    let before = lists_read(&product);
    let asked = product.post("/api/v1/sweep").await;
    assert!(asked.status().is_success());
    let stood = until(SOON, "the sweep is under way", async || {
        let running = product.try_get("/api/v1/sweep").await?["running"].take();
        (running["tally"]["records"].as_u64()? >= 20).then_some(running)
    })
    .await;
    product.kill();
    product.launch().await;
    let run = until(SOON, "the sweep has ended", async || {
        last(&product).await.filter(|run| run["is_first"] == false)
    })
    .await;
    product.settle().await;

    assert_eq!(run["started_at"], stood["started_at"], "it is the same sweep");
    assert_eq!(run["tally"]["found"], ids.len(), "{run}");
    assert_eq!(found_events(&product).await.len(), ids.len());
    // The page that was on its way may have been read twice.
    let (spent, plan) = (lists_read(&product) - before, run["plan"]["calls"].as_u64().unwrap());
    assert!(spent <= plan + 2, "{spent} calls were made, {plan} planned");
    assert_eq!(coverage(&product).await["unexplained"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_webhooks_sweeps_do_everything_and_nobody_misses_them() {
    let mut product =
        Setup::new().restless().toml("sweep.only = true\nsweep.every = \"300ms\"").prepare().await;
    product.launch().await;
    let company = product.companies[0].clone();
    until(SOON, "the first sweep has ended", async || last(&product).await).await;
    let id = product.enter(&company);
    until(SOON, "the company is enriched", async || {
        let account = product.try_get(&format!("/api/v1/accounts/{id}")).await?;
        (account["state"] == "COMPLETED").then_some(())
    })
    .await;
    let events = product.all("/api/v1/events").await;
    assert!(!events.is_empty() && events.iter().all(|event| event["source"] == "sweep"), "{events:?}");
    product.settle().await;
    Ledger::of(&product.world).assert_each_value_once();

    let (_, stdout, _) = command(&product, &["doctor", "--json"]).await;
    assert!(!stdout.contains("WEBHOOK_"), "{stdout}");
    assert!(stdout.contains("sweeps alone"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_found_however_the_lists_behave() {
    let product = begun(Setup::new().companies(12).populated()).await;
    product.world.mishap(Mishap::new(Kind::DropWebhooks));
    let mut turn = 0;
    for (cap, link) in [(1000, NextLink::Text), (3, NextLink::Null), (5, NextLink::Absent)] {
        for (local, hours, includes) in
            [(false, 1, false), (true, 13, true), (true, -11, false), (false, -5, true)]
        {
            product.world.set_policy(|policy| {
                policy.page_cap = cap;
                policy.next_link = link;
                policy.filter_days_are_local = local;
                policy.list_dates_are_local = hours == -5;
                policy.base_offset_hours = hours;
                policy.base_time_zone = None;
                policy.after_includes_the_day = includes;
            });
            turn += 1;
            product.world.move_clock(SignedDuration::from_mins(20));
            change(&product, 3, &format!("HRB {turn}"));
            let run = sweep(&product, &[]).await;
            assert_eq!(run["tally"]["found"], 1, "{cap} {link:?} {local} {hours} {includes}: {run}");
        }
    }
    product.settle().await;
    assert_eq!(coverage(&product).await["unexplained"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_day_of_many_changes_only_the_new_ones_are_read_where_the_tenant_can_tell_them() {
    let product = begun(Setup::new().companies(40).populated()).await;
    deaf(&product);
    product.world.set_policy(|policy| policy.page_cap = 10);
    for id in product.world.contact_ids() {
        change(&product, id, "HRB 1");
    }
    let many = sweep(&product, &[]).await;
    assert_eq!((&many["tally"]["found"], &many["plan"]["parts"][0]["is_exact"]), (&40.into(), &false.into()));
    product.settle().await;
    product.world.move_clock(SignedDuration::from_mins(20));
    change(&product, 7, "HRB 2");
    assert_eq!(sweep(&product, &[]).await["tally"]["found"], 1);
    product.settle().await;
    product.world.move_clock(SignedDuration::from_mins(20));
    change(&product, 9, "HRB 2");
    let before = lists_read(&product);
    let few = sweep(&product, &[]).await;
    let spent = lists_read(&product) - before;
    assert_eq!(
        (&few["tally"]["found"], &few["plan"]["parts"][0]["is_exact"]),
        (&1.into(), &true.into()),
        "{few}"
    );
    assert!(
        few["tally"]["records"].as_u64().unwrap() <= 2,
        "what was changed just before is looked at again: {few}"
    );
    assert_eq!((&few["plan"]["calls"], &few["tally"]["calls"]), (&spent.into(), &spent.into()), "{few}");
    assert!(spent <= 10, "{spent} calls");

    product.settle().await;
    assert_eq!(coverage(&product).await["unexplained"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_on_both_sides_of_midnight_are_found_whatever_our_clock_shows() {
    for hours in [12, -12] {
        let mut product = Setup::new().companies(4).populated().restless().toml(SELDOM).prepare().await;
        product.world.move_clock(SignedDuration::from_hours(hours));
        product.launch().await;
        product.register().await;
        until(SOON, "the first sweep has ended", async || last(&product).await).await;
        deaf(&product);
        let midnight = |now: Timestamp| 86_400 - now.as_second().rem_euclid(86_400);
        // Ten seconds before midnight, and twenty after.
        product.world.move_clock(SignedDuration::from_secs(midnight(product.world.now()) - 10));
        change(&product, 1, "HRB 1");
        product.world.move_clock(SignedDuration::from_secs(30));
        change(&product, 2, "HRB 2");
        let run = sweep(&product, &[]).await;
        assert_eq!(run["tally"]["found"], 2, "{run}");
        // Again on the day that the last look was on, on both sides of the time that is looked at twice.
        for (seconds, id) in [(30, 3), (1_200, 4), (1_200, 1)] {
            product.settle().await;
            product.world.move_clock(SignedDuration::from_secs(seconds));
            change(&product, id, &format!("HRB {seconds}"));
            let run = sweep(&product, &[]).await;
            assert_eq!(run["tally"]["found"], 1, "{run}");
        }
        product.settle().await;
        assert_eq!(coverage(&product).await["unexplained"], 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_changed_behind_the_back_of_a_sweep_is_found_by_the_next() {
    let product = begun(Setup::new().companies(40).populated()).await;
    deaf(&product);
    for id in product.world.contact_ids() {
        change(&product, id, "HRB 1");
    }
    product.world.set_policy(|policy| policy.page_cap = 5);
    product.world.mishap(Mishap::new(Kind::Slow).on(LISTS).ms(100));
    let asked = product.post("/api/v1/sweep").await;
    assert!(asked.status().is_success());
    until(SOON, "the first records have been read", async || {
        let running = product.try_get("/api/v1/sweep").await?["running"].take();
        (running["tally"]["records"].as_u64()? >= 10).then_some(())
    })
    .await;
    product.world.move_clock(SignedDuration::from_mins(1));
    change(&product, 1, "HRB 2");
    until(SOON, "the sweep has ended", async || last(&product).await.filter(|run| run["is_first"] == false))
        .await;
    product.world.clear_mishaps();
    deaf(&product);
    product.settle().await;
    let run = sweep(&product, &[]).await;
    assert_eq!(run["tally"]["queued"], 1, "{run}");
    product.settle().await;
    assert_eq!(coverage(&product).await["unexplained"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_we_wrote_is_known_whatever_time_zone_the_lists_are_in() {
    for hours in [0, 9, -8] {
        let setup = Setup::new().companies(3).populated().restless().toml(SELDOM);
        let mut product = setup.prepare().await;
        product.world.set_policy(|policy| {
            policy.list_dates_are_local = true;
            policy.base_time_zone = None;
            policy.base_offset_hours = hours;
        });
        product.launch().await;
        product.register().await;
        until(SOON, "the first sweep has ended", async || last(&product).await).await;
        product.world.move_clock(SignedDuration::from_mins(1));
        change(&product, 1, "HRB 1");
        product.settle().await;
        assert!(!Ledger::of(&product.world).to(Entity::Contact, 1).is_empty());
        let run = sweep(&product, &[]).await;
        assert_eq!(run["tally"]["found"], 0, "{hours}: {run}");
        // Somebody changes it after us, and nobody tells.
        deaf(&product);
        change(&product, 1, "HRB 2");
        let run = sweep(&product, &[]).await;
        assert_eq!(run["tally"]["found"], 1, "{hours}: {run}");
        product.settle().await;
        assert_eq!(coverage(&product).await["unexplained"], 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_in_the_recycle_bin_is_noticed_once() {
    let product = begun(Setup::new().companies(3).populated()).await;
    deaf(&product);
    assert!(product.world.soft_delete(Entity::Contact, 2, INSIDER));
    let run = sweep(&product, &[]).await;
    product.settle().await;
    assert_eq!(run["tally"]["found"], 1, "{run}");
    assert_eq!(found_events(&product).await[0]["event"], "contact.softdeleted");
    let account = product.account(2).await;
    assert_eq!((&account["state"], &account["reason"]), (&"SKIPPED".into(), &"DELETED".into()), "{account}");
    assert_eq!(sweep(&product, &[]).await["tally"]["found"], 0);
    assert_eq!(coverage(&product).await["unexplained"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_waits_while_superoffice_has_no_time_for_it() {
    let product = begun(Setup::new().companies(20).populated()).await;
    deaf(&product);
    for id in product.world.contact_ids() {
        change(&product, id, "HRB 1");
    }
    product.world.set_policy(|policy| policy.page_cap = 5);
    let mut throttle = Mishap::new(Kind::Throttle).on(LISTS).times(8);
    throttle.retry_after = Some(1);
    product.world.mishap(throttle);
    let run = sweep(&product, &[]).await;
    assert_eq!(run["tally"]["found"], 20, "{run}");
    product.settle().await;
    let jobs = product.all("/api/v1/jobs").await;
    assert!(jobs.iter().all(|job| job["faults"] == 0), "nothing is counted against anybody");
    assert_eq!(coverage(&product).await["unexplained"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unexplained_is_named_and_the_remedy_mends_it() {
    let product = begun(Setup::new().companies(4).populated()).await;
    deaf(&product);
    change(&product, 2, "HRB 7");
    let (status, stdout, stderr) = command(&product, &["coverage", "--since", "1h"]).await;
    assert_eq!(status, Some(5), "{stdout} {stderr}");
    assert!(
        stdout.contains("unexplained: contact 2") && stderr.contains("so-connector sweep"),
        "{stdout} {stderr}"
    );
    let page = product.client().get(product.url("/coverage?from=1h")).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("1 of 1 change not accounted for."));

    let run = sweep(&product, &["--since", "1h"]).await;
    assert_eq!(run["tally"]["found"], 1, "{run}");
    product.settle().await;
    let (status, stdout, stderr) = command(&product, &["coverage", "--since", "1h", "--json"]).await;
    assert_eq!(status, Some(0), "{stdout} {stderr}");
    assert_eq!(only_document(&stdout)["recovered"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_works_with_and_without_the_service_and_says_what_it_will_cost() {
    let mut product = begun(Setup::new().companies(4).populated()).await;
    deaf(&product);
    change(&product, 2, "HRB 7");
    let before = product.event_ids().await;
    let (status, stdout, stderr) = command(&product, &["sweep", "--dry-run"]).await;
    assert_eq!(status, Some(0), "{stderr}");
    assert!(stdout.contains("Plan: ") && stdout.contains("contact"), "{stdout}");
    assert_eq!(product.event_ids().await, before, "nothing is looked into");
    // A sweep of an earlier hour leaves what came after it for the next.
    let (since, until) = ("2020-01-01T00:00:00Z", "2020-01-01T01:00:00Z");
    let run = sweep(&product, &["--since", since, "--until", until]).await;
    assert_eq!(run["tally"]["found"], 0, "{run}");
    product.stop().await;
    let run = sweep(&product, &[]).await;
    assert_eq!(run["tally"]["found"], 1, "{run}");
    product.launch().await;
    product.settle().await;
    assert_eq!(product.account(2).await["state"], "COMPLETED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_that_has_to_wait_says_what_for() {
    let product = begun(Setup::new().companies(3).populated()).await;
    deaf(&product);
    change(&product, 2, "HRB 7");
    let (status, stdout, stderr) = command(&product, &["sweep", "--no-wait"]).await;
    assert!(status == Some(0) && stdout.contains("asked for"), "{stdout} {stderr}");
    until(SOON, "it was found all the same", async || {
        (found_events(&product).await.len() == 1).then_some(())
    })
    .await;
    product.settle().await;

    change(&product, 3, "HRB 7");
    product.world.mishap(Mishap::new(Kind::Offline).ms(8_000));
    let (status, stdout, stderr) = command(&product, &["sweep"]).await;
    assert!(status == Some(0) && stdout.contains("Found 1 "), "{stdout} {stderr}");
    assert!(stderr.contains("waiting: "), "{stderr}");
}
