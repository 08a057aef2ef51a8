//! Several processes on one PostgreSQL, each of which may die at any moment; and a PostgreSQL that fails.

use std::fs::File;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::{Value, json};
use superoffice_emulator::Entity;

use crate::support::{
    COMPANIES, Cluster, Delivery, INSIDER, Ledger, Load, Product, SOON, Setup, assert_everything_held,
    assert_one_at_a_time, only_document, seed, tell, until, wanted,
};

mod cut;
mod older;
mod still;

use cut::{Break, Proxy};

/// A dead worker's job goes on after this; the jobs of these tests take a fraction of it.
const LEASE: &str = "work.lease = \"3s\"";
/// How often the whole PostgreSQL is killed, and how often a worker, when nobody says otherwise.
const ROUNDS: u64 = 3;

/// Another process of the same service: it works, and has an address of its own that nobody asks.
struct Worker {
    child: Child,
}

impl Worker {
    fn start(product: &Product, name: &str) -> Self {
        Self::told(product, name, "")
    }

    /// One that is told what to do at places in the code.
    fn told(product: &Product, name: &str, orders: &str) -> Self {
        let log = |end: &str| {
            let file = product.folder.path().join(format!("{name}.{end}"));
            File::options().create(true).append(true).open(file).unwrap()
        };
        let mut command = product.command(&["serve", "--json", "--role", "work"]);
        command.env(connector_faults::point::VARIABLE, orders);
        command.env("LISTEN", "127.0.0.1:0").stdout(log("stdout")).stderr(log("stderr"));
        Self { child: command.stdin(Stdio::null()).spawn().unwrap() }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have been killed already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Writes that began while another job had the account. A company's job has it from its lease on; a person's only once it
/// has learnt whose person it is, so it counts from its write on. Attempts that a killed worker left are not known whole.
const TOGETHER: &str = "SELECT count(*) FROM writes w JOIN jobs a ON a.id = w.job_id
    JOIN jobs b ON b.tenant = a.tenant AND b.lane = a.lane AND b.id <> a.id AND b.entity = 'contact'
    WHERE w.intended_at > b.started_at AND w.intended_at < b.finished_at AND a.crashes = 0 AND b.crashes = 0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_die_at_any_moment_lose_nothing_and_write_nothing_twice() {
    let Some(cluster) = Cluster::start() else { return };
    seed();
    let rounds = wanted("SO_CONNECTOR_FLEET_ROUNDS", ROUNDS * 4);
    let companies = 24 + usize::try_from(rounds).unwrap() * COMPANIES;
    let setup = Setup::new().companies(companies).restless().toml("roles = [\"receive\", \"dashboard\"]");
    let setup = setup.toml(LEASE).variable("DATABASE_URL", &cluster.url());
    let product = setup.start().await;
    let mut workers: Vec<_> = (1..=3).map(|n| Worker::start(&product, &format!("worker-{n}"))).collect();
    let mut load = Load::of(&product);
    for _ in 0..rounds {
        load.go_on(&product, Duration::from_millis(fastrand::u64(200..900))).await;
        let victim = fastrand::usize(..workers.len());
        workers[victim].kill();
        workers[victim] = Worker::start(&product, &format!("worker-{}", victim + 1));
    }
    let held = assert_everything_held(&product, &mut load).await;
    assert_eq!(cluster.sql(TOGETHER), "0", "two workers were at one account at once");
    let turns = held.turns;
    assert!(turns.processes > 3 && turns.shared > 0, "there was little to compare: {turns:?}");
    let counts = json!({
        "workers killed": rounds, "acknowledged": held.acknowledged, "writes": held.writes,
        "killed in hand": held.crashes, "processes": turns.processes, "accounts of several": turns.shared,
    });
    tell("postgres fleet", &counts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_killed_is_answered_for_with_503_and_nothing_is_lost() {
    let Some(cluster) = Cluster::start() else { return };
    seed();
    let rounds = wanted("SO_CONNECTOR_POSTGRES_ROUNDS", ROUNDS);
    let companies = 24 + usize::try_from(rounds).unwrap() * 2 * COMPANIES;
    let setup = Setup::new().companies(companies).restless().toml(LEASE);
    let mut product = setup.variable("DATABASE_URL", &cluster.url()).start().await;
    let worker = Worker::start(&product, "worker");
    let mut load = Load::of(&product);
    for _ in 0..rounds {
        load.go_on(&product, Duration::from_millis(fastrand::u64(300..1200))).await;
        cluster.kill();
        let refused = product.send(Delivery::changed(Entity::Contact, 5, &["name"]).bytes()).await.unwrap();
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key("retry-after"));
        // Deliveries go on and are refused.
        load.go_on(&product, Duration::from_millis(400)).await;
        cluster.go_on();
        until(SOON, "it takes deliveries in again", async || {
            let delivery = Delivery::changed(Entity::Contact, 5, &["category"]).bytes();
            (product.send(delivery).await.ok()?.status() == 200).then_some(())
        })
        .await;
        product.reactivate().await;
    }
    assert!(product.ended().is_none(), "it went on by itself");
    let held = assert_everything_held(&product, &mut load).await;
    drop(worker);
    let counts = json!({
        "PostgreSQL killed": rounds, "acknowledged": held.acknowledged, "writes": held.writes,
        "killed in hand": held.crashes,
    });
    tell("postgres", &counts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_end_nobody_saw_is_looked_for_before_it_is_acknowledged() {
    let Some(cluster) = Cluster::start() else { return };
    let proxy = Proxy::start(cluster.port()).await;
    let setup = Setup::new().restless().toml("roles = [\"receive\", \"dashboard\"]");
    let product = setup.variable("DATABASE_URL", &crate::support::url(proxy.port())).start().await;
    let (mut acknowledged, mut refused) = (Vec::new(), 0);
    for n in 0..30 {
        let delivery =
            Delivery::changed(Entity::Contact, 1000 + n, &["name"]).with("ChangedByAssociateId", INSIDER);
        // Every other commit lands, and its answer is lost; the others never arrive.
        proxy.cut_commit_of(&delivery.id, if n % 2 == 0 { Break::Landed } else { Break::Lost });
        for _ in 0..10 {
            let answer = product.send(delivery.bytes()).await.unwrap();
            if answer.status() == 200 {
                acknowledged.push(delivery.id.clone());
                break;
            }
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            refused += 1;
        }
    }
    assert_eq!(acknowledged.len(), 30, "each is taken in, at the latest when it comes again");
    assert_eq!(
        (proxy.broke(Break::Landed), proxy.broke(Break::Lost)),
        (15, 15),
        "each line broke as it was to"
    );
    assert_eq!(refused, 15, "what landed is acknowledged at once, and what did not is not");
    let stored = product.event_ids().await;
    let lost: Vec<_> = acknowledged.iter().filter(|id| !stored.contains(*id)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let count = cluster.sql("SELECT count(*), count(DISTINCT event_id) FROM events WHERE entity_id >= 1000");
    assert_eq!(count, "30|30", "and each is there once");
    tell("postgres commits of unknown end", &json!({"cut": 30, "refused": refused}), 0);
}

/// Cuts off every connection of ours, so many times.
const CUTS: &str = "CREATE FUNCTION cut(times int) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE done bigint := 0;
    BEGIN
      FOR n IN 1..times LOOP
        done := done + (SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'so-connector');
        PERFORM pg_sleep(0.05), pg_stat_clear_snapshot();
      END LOOP;
      RETURN done;
    END $$";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_off_again_and_again_stop_nobody() {
    let Some(cluster) = Cluster::start() else { return };
    seed();
    let setup = Setup::new().companies(80).restless().toml(LEASE);
    let mut product = setup.variable("DATABASE_URL", &cluster.url()).start().await;
    let worker = Worker::start(&product, "worker");
    let mut load = Load::of(&product);
    let cluster = Arc::new(cluster);
    cluster.sql(CUTS);
    let of_the_cuts = Arc::clone(&cluster);
    let cuts = tokio::task::spawn_blocking(move || of_the_cuts.sql("SELECT cut(60)"));
    while !cuts.is_finished() {
        load.go_on(&product, Duration::from_millis(400)).await;
    }
    let cuts: u64 = cuts.await.unwrap().parse().unwrap();
    assert!(cuts >= 60, "{cuts} connections are little");
    product.reactivate().await;
    assert!(product.ended().is_none(), "it went on by itself");
    let held = assert_everything_held(&product, &mut load).await;
    drop(worker);
    let counts = json!({"cut off": cuts, "acknowledged": held.acknowledged, "writes": held.writes});
    tell("postgres connections", &counts, 0);
}

/// Everything that is sent meanwhile is refused in time.
async fn assert_refused_in_time(product: &Product) {
    let one = async |n: i64| {
        let delivery = Delivery::changed(Entity::Contact, 1000 + n, &["name"]);
        let began = Instant::now();
        let answer = product.send(delivery.with("ChangedByAssociateId", INSIDER).bytes()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(answer.headers().contains_key("retry-after"));
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    };
    tokio::join!(one(1), one(2), one(3), one(4), one(5), one(6));
}

async fn assert_taken_in_again(product: &Product) {
    until(SOON, "it takes deliveries in again", async || {
        let delivery = Delivery::changed(Entity::Contact, 5, &["category"]).bytes();
        (product.send(delivery).await.ok()?.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_whose_writes_hang_is_answered_for_with_503_in_time() {
    let Some(cluster) = Cluster::start() else { return };
    let mut product = Setup::new().restless().variable("DATABASE_URL", &cluster.url()).start().await;
    assert_taken_in_again(&product).await;
    let cluster = Arc::new(cluster);
    // Somebody else holds a lock for as long as it likes.
    let of_the_lock = Arc::clone(&cluster);
    let lock = "SET application_name = 'holder'; BEGIN; LOCK TABLE events; SELECT pg_sleep(600)";
    let holding = tokio::task::spawn_blocking(move || of_the_lock.try_sql(lock));
    let holders = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holder' AND query LIKE '%pg_sleep%'
                     AND EXISTS (SELECT 1 FROM pg_locks WHERE relation = 'events'::regclass AND mode = 'AccessExclusiveLock' AND granted)";
    until(SOON, "the table is locked", async || (cluster.sql(holders) == "1").then_some(())).await;
    assert_refused_in_time(&product).await;
    cluster.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
    holding.await.unwrap();
    assert_taken_in_again(&product).await;

    // The whole server hangs.
    cluster.stall();
    assert_refused_in_time(&product).await;
    cluster.unstall();
    assert_taken_in_again(&product).await;
    assert!(product.ended().is_none(), "it went on by itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_events_of_one_company_are_little_work_one_after_the_other() {
    let Some(cluster) = Cluster::start() else { return };
    let setup = Setup::new().restless().toml("roles = [\"receive\", \"dashboard\"]").toml(LEASE);
    let product = setup.variable("DATABASE_URL", &cluster.url()).start().await;
    let workers: Vec<_> = (1..=5).map(|n| Worker::start(&product, &format!("worker-{n}"))).collect();
    let company = product.companies[0].clone();
    let id = product.enter(&company);
    for _ in 0..100 {
        let one = async || {
            let values = json!({"associate_id": company.owner});
            let delivery = Delivery::changed(Entity::Contact, id, &["orgNr"]).with("FieldValues", values);
            assert_eq!(product.deliver(&delivery).await.0, 200);
        };
        tokio::join!(one(), one(), one(), one(), one(), one(), one(), one(), one(), one());
    }
    product.settle().await;
    let turns = assert_one_at_a_time(&product.world);
    let jobs = product.jobs_of(Entity::Contact, id).await.len();
    assert!(jobs < 200, "{jobs} jobs for a thousand events");
    let ledger = Ledger::of(&product.world);
    ledger.assert_each_value_once();
    assert_eq!(ledger.to(Entity::Contact, id).len(), 1);
    let counts = json!({"events": 1000, "jobs": jobs, "processes": turns.processes, "writes": ledger.len()});
    tell("postgres one company", &counts, 0);
    drop(workers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_is_refused_by_name() {
    let Some(cluster) = Cluster::start() else { return };
    let standby = cluster.standby();
    let mut product = Setup::new().variable("DATABASE_URL", &standby.url()).prepare().await;
    let ended = product.try_launch().await.expect("it does not start");
    assert_eq!(ended.code(), Some(1));
    let (_, stderr) = product.printed();
    assert!(stderr.contains("standby") && !stderr.contains("s3cret"), "{stderr}");
    let doctor = product.cli(&["doctor", "--json"]);
    assert!(doctor.stdout.contains("STORAGE_UNFIT"), "{}", doctor.stdout);
    let shown = product.cli(&["config", "show", "--json"]);
    assert!(
        shown.stdout.contains("postgres://127.0.0.1") && !shown.stdout.contains("s3cret"),
        "{}",
        shown.stdout
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_may_lose_what_it_committed_is_told_of_and_refused_when_that_is_wanted() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.sql("ALTER SYSTEM SET synchronous_commit = off");
    cluster.sql("SELECT pg_reload_conf()");
    let mut product = Setup::new().variable("DATABASE_URL", &cluster.url()).start().await;
    let (_, stderr) = product.printed();
    assert!(stderr.contains("synchronous_commit"), "{stderr}");
    let doctor = product.cli(&["doctor", "--json"]);
    assert!(doctor.stdout.contains("STORAGE_AT_RISK"), "{}", doctor.stdout);
    product.stop().await;
    let mut strict = Setup::new().toml("store.durability = \"strict\"");
    strict = strict.variable("DATABASE_URL", &cluster.url());
    let mut product = strict.prepare().await;
    assert_eq!(product.try_launch().await.expect("it does not start").code(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fleet_sweeps_guards_and_signs_in_as_one() {
    let Some(cluster) = Cluster::start() else { return };
    let often = "sweep.every = \"1s\"\nwebhook.look_again = \"1s\"";
    let setup = Setup::new().restless().toml(often).toml(LEASE).variable("DATABASE_URL", &cluster.url());
    let product = setup.variable("SO_CONNECTOR_KEY", &"5a".repeat(32)).start().await;
    let workers: Vec<_> = (1..=3).map(|n| Worker::start(&product, &format!("worker-{n}"))).collect();
    for company in &product.companies[..6] {
        product.enter(company);
    }
    product.settle().await;
    until(SOON, "somebody sweeps, and somebody guards", async || {
        let held = cluster.sql("SELECT string_agg(duty, ' ' ORDER BY duty) FROM duties");
        (held.contains("sweep") && held.contains("guardian")).then_some(())
    })
    .await;
    // Each process asks SuperOffice for itself; who had no token took the one that another had fetched.
    let mut signed_in = signed_in(&product, &product.url("/metrics")).await;
    for n in 1..=3 {
        let said = std::fs::read_to_string(product.folder.path().join(format!("worker-{n}.stdout"))).unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        let metrics = said["webhook_url"].as_str().unwrap().replace("/connector/webhook", "/metrics");
        signed_in += self::signed_in(&product, &metrics).await;
    }
    assert_eq!(signed_in, 1, "four processes signed in once");
    drop(workers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_moves_from_a_file_to_a_postgres_and_goes_on() {
    let Some(cluster) = Cluster::start() else { return };
    let mut product = Setup::new().restless().start().await;
    let first = product.enter(&product.companies[0]);
    product.settle().await;
    let (events, jobs) = (product.event_ids().await, product.all("/api/v1/jobs").await.len());
    let file = product.variables["DATABASE_URL"].clone();
    product.variables.insert("DATABASE_URL".to_owned(), cluster.url());
    let arguments = ["store", "move", "--from", &file, "--to", "postgres", "--json"];
    let refused = product.cli(&arguments);
    assert_eq!(refused.status, Some(1), "the service has the file: {}", refused.stderr);
    product.stop().await;
    let seen = product.cli(&["store", "move", "--from", &file, "--to", &cluster.url()]);
    assert_eq!(seen.status, Some(2), "a password on the command line: {}", seen.stderr);

    let moved = product.cli(&arguments);
    assert_eq!(moved.status, Some(0), "{}", moved.stderr);
    assert!(!(moved.stdout + &moved.stderr).contains("s3cret"));
    product.launch().await;
    assert_eq!(product.event_ids().await, events);
    assert_eq!(product.all("/api/v1/jobs").await.len(), jobs);
    assert_eq!(product.account(first).await["state"], "COMPLETED");
    product.reactivate().await;
    let second = product.enter(&product.companies[1]);
    product.settle().await;
    assert!(!product.jobs_of(Entity::Contact, second).await.is_empty(), "and it goes on");
    assert_eq!(product.cli(&arguments).status, Some(1), "what is not empty is left alone");
}

/// How often a process signed in, once it has asked SuperOffice for something.
async fn signed_in(product: &Product, metrics: &str) -> u64 {
    let text = until(SOON, "it has asked SuperOffice something", async || {
        let text = product.client().get(metrics).send().await.ok()?.text().await.ok()?;
        text.contains("so_crm_requests_total{").then_some(text)
    })
    .await;
    let line =
        text.lines().find(|line| line.starts_with("so_token_refresh_total") && line.contains("\"ok\""));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_look_at_a_postgres_beside_a_service_without_pages() {
    let Some(cluster) = Cluster::start() else { return };
    let setup = Setup::new().restless().variable("DATABASE_URL", &cluster.url());
    let mut product = setup.start().await;
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    product.stop().await;
    for list in ["jobs", "events", "accounts"] {
        let ran = product.cli(&[list, "list", "--json"]);
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        let items = only_document(&ran.stdout);
        let items = items["items"].as_array().or(items.as_array()).unwrap().len();
        assert!(items > 0, "{list}: {}", ran.stdout);
    }
    let account = product.cli(&["accounts", "show", &id.to_string(), "--json"]);
    assert_eq!(only_document(&account.stdout)["state"], "COMPLETED");
    let backup = product.cli(&["backup"]);
    assert_eq!(backup.status, Some(2));
    assert!(backup.stderr.contains("pg_dump"), "{}", backup.stderr);
}
