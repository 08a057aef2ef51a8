//! The promises on PostgreSQL, and what several processes on one database add to them.

use std::sync::Arc;
use std::time::Duration;

use connector_domain::clock::{Clock, FixedClock, SystemClock};
use connector_domain::job::{JobState, Settlement};

use super::*;
use crate::conformance;
use crate::conformance::samples::{MINUTE, changed, contact, delivery, event, lease, noon, policy, tenant};
use crate::inbox::{Accepted, Inbox as _};
use crate::queue::{Queue as _, Settled};

const HOW: &str = "these tests want a PostgreSQL to make tables in: `cargo xtask test` starts one, \
     `cargo xtask postgres -- COMMAND` starts one for a command, or set SO_CONNECTOR_TEST_POSTGRES=postgres://USER@HOST/DATABASE";

#[expect(
    clippy::disallowed_methods,
    reason = "where the test's database is, is not the product's configuration"
)]
fn server() -> Address {
    Address::parse(&std::env::var("SO_CONNECTOR_TEST_POSTGRES").expect(HOW)).unwrap()
}

/// Tables of its own for a test.
async fn room() -> Address {
    let schema = format!("t_{}", uuid::Uuid::new_v4().simple());
    let frame = Arc::new(Frame::new(Time::Caller));
    let connection = Connection::open(&server(), frame, None).await.unwrap();
    connection.simple(&format!("CREATE SCHEMA {schema}")).await.unwrap();
    server().in_schema(&schema)
}

async fn open(address: &Address, time: Time) -> PostgresStore {
    PostgresStore::open(address, &Options { connections: 4, ..Options::new(time) }).await.unwrap()
}

async fn fresh() -> ((), PostgresStore) {
    ((), open(&room().await, Time::Caller).await)
}

async fn raw(address: &Address) -> Connection {
    Connection::open(address, Arc::new(Frame::new(Time::Caller)), None).await.unwrap()
}

/// Waits until something is so.
async fn until<F: Future<Output = bool>>(what: &str, so: impl Fn() -> F) {
    let waiting = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("not in time: {what}"));
}

conformance::suite!(fresh);

mod line;

mod alone {
    use super::*;

    #[tokio::test]
    async fn tables_of_a_newer_version_are_refused_and_left_alone() {
        let address = room().await;
        drop(open(&address, Time::Caller).await);
        raw(&address).await.simple("INSERT INTO schema_version VALUES (999, now())").await.unwrap();
        let refused = PostgresStore::open(&address, &Options::new(Time::Caller)).await;
        assert!(
            matches!(&refused, Err(StoreError::Unusable(words)) if words.contains("newer version")),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn several_who_start_at_once_make_the_tables_once() {
        let address = room().await;
        let opening = (0..6).map(|_| open(&address, Time::Caller));
        let stores = conformance::inbox::futures_join_all(opening).await;
        changed(&stores[0], "e1", contact(18), noon()).await;
        assert_eq!(stores[5].event_count(&tenant()).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_session_that_would_not_wait_for_the_disk_is_made_to() {
        let mut address = room().await;
        let options = address.config.get_options().unwrap_or_default().to_owned();
        address.config.options(format!("{options} -c synchronous_commit=off"));
        let store = open(&address, Time::Caller).await;
        let held = store.pool.take().await.unwrap();
        assert_eq!(held.simple("SHOW synchronous_commit").await.unwrap().as_deref(), Some("on"));
        assert!(
            store.risks().iter().any(|risk| risk.words.contains("synchronous_commit")),
            "{:?}",
            store.risks()
        );
    }

    #[tokio::test]
    async fn a_request_that_passes_over_a_failure_is_not_taken_for_done() {
        let ((), store) = fresh().await;
        let done = store
            .write(noon(), (), |work, ()| {
                Box::pin(async move {
                    drop(work.execute("SELECT 1/0", &[]).await);
                    Ok(())
                })
            })
            .await;
        assert!(matches!(done, Err(StoreError::Inconsistent(_))), "{done:?}");
    }

    #[tokio::test]
    async fn a_delivery_that_cannot_be_stored_spoils_no_other() {
        let ((), store) = fresh().await;
        raw(&store.address).await.simple("ALTER TABLE events ADD CHECK (event_id <> 'bad')").await.unwrap();
        let ids = ["e1", "bad", "e2"]
            .map(|id| store.accept(delivery(event(id, contact(18), &["name"]), noon()), policy()));
        let accepted = conformance::inbox::futures_join_all(ids).await;
        assert!(accepted[0].is_ok() && accepted[2].is_ok(), "{accepted:?}");
        assert!(matches!(accepted[1], Err(StoreError::Inconsistent(_))), "{accepted:?}");
        assert_eq!(store.event_count(&tenant()).await.unwrap(), 2);
    }
}

mod oversized {
    use super::*;
    use crate::error::StoreError;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_event_whose_id_is_too_large_for_an_index_spoils_no_other() {
        let ((), store) = fresh().await;
        // Of letters at random, which cannot be compressed.
        let long: String = (0..300).map(|_| uuid::Uuid::new_v4().to_string()).collect();
        let ids = ["e1", &long, "e2"]
            .map(|id| store.accept(delivery(event(id, contact(18), &["name"]), noon()), policy()));
        let accepted = conformance::inbox::futures_join_all(ids).await;
        assert!(accepted[0].is_ok() && accepted[2].is_ok(), "{accepted:?}");
        assert!(matches!(accepted[1], Err(StoreError::Inconsistent(_))), "{accepted:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn strange_characters_in_an_owners_short_name_keep_no_event_out() {
        use connector_domain::ids::AssociateId;
        use connector_domain::policy::{Associate, Policy};

        let ((), store) = fresh().await;
        let strange = Associate { id: AssociateId(7), short_name: "KA\0RI".into(), full_name: String::new() };
        let mut policy = Policy::clone(&policy());
        policy.associates.insert(strange.id, strange);
        let mut event = event("e1", contact(18), &["name"]);
        event.owner = Some(AssociateId(7));
        assert!(store.accept(delivery(event, noon()), Arc::new(policy)).await.is_ok());
    }
}

mod moving {
    use super::*;
    use crate::postgres::moving::to_postgres;
    use crate::queue::JobFilter;
    use crate::sqlite::SqliteStore;

    /// A file with a bit of everything: events by UUID and by other names, jobs that wait and have ended, settings.
    async fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = SqliteStore::open(&path, &crate::sqlite::Options::default()).unwrap();
        for n in 0..600 {
            changed(
                &store,
                &uuid::Uuid::from_u128(n).to_string(),
                contact(i64::try_from(n).unwrap() % 40),
                noon(),
            )
            .await;
        }
        changed(&store, "na\u{0}med", contact(18), noon()).await;
        for _ in 0..5 {
            let held = lease(&store, noon()).await.unwrap();
            let done = Settlement::Completed { words: "wr\u{f6}te \u{1f600}".into() };
            store.settle(&held, done, vec![], vec![], noon()).await.unwrap();
        }
        lease(&store, noon()).await.expect("one stays in hand");
        crate::settings::Settings::put(&store, &tenant(), "colour", "blue".into(), noon()).await.unwrap();
        (folder, path)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn everything_is_moved_and_the_work_goes_on_there() {
        let ((_folder, path), address) = (file().await, room().await);
        let moved = to_postgres(&path, &address, noon(), |_, _| ()).await.unwrap();
        let rows = |table: &str| moved.iter().find(|moved| moved.table == table).unwrap().rows;
        assert_eq!((rows("events"), rows("jobs"), rows("accounts")), (601, 40, 40));
        let store = open(&address, Time::Caller).await;
        assert_eq!(store.event_count(&tenant()).await.unwrap(), 601);
        let id = uuid::Uuid::from_u128(7).to_string();
        assert!(store.event(&tenant(), &id.as_str().into()).await.unwrap().is_some());
        assert_eq!(changed(&store, &id, contact(7), noon()).await, Accepted::Duplicate);
        // What is new gets a number that nothing has.
        let Accepted::New(job) = changed(&store, "new", contact(99), noon()).await else { panic!("not new") };
        assert_eq!(job.0, 41);
        let jobs = store.jobs(&tenant(), &JobFilter::default(), &crate::page::PageRequest::default()).await;
        assert!(jobs.unwrap().items.iter().any(|job| job.words.as_deref() == Some("wr\u{f6}te \u{1f600}")));
        assert!(!store.lease("w", 100, MINUTE, noon()).await.unwrap().is_empty());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_service_that_only_checked_itself_leaves_the_database_empty() {
        let ((_folder, path), address) = (file().await, room().await);
        let (one, other) = (open(&address, Time::Caller).await, open(&address, Time::Caller).await);
        crate::settings::Settings::check(&one, noon()).await.unwrap();
        let rows = "SELECT count(*) FROM settings WHERE key LIKE 'canary %'";
        let later = noon() + MINUTE * 60 * 25;
        crate::settings::Settings::check(&other, later).await.unwrap();
        assert_eq!(
            raw(&address).await.simple(rows).await.unwrap().as_deref(),
            Some("1"),
            "the other's has gone"
        );
        to_postgres(&path, &address, noon(), |_, _| ()).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_row_that_did_not_arrive_as_it_was_is_found_and_nothing_is_moved() {
        let ((_folder, path), address) = (file().await, room().await);
        drop(open(&address, Time::Caller).await);
        let broken = "CREATE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF NEW.contact_id = 17 THEN NEW.touched_at := NEW.touched_at + 1; END IF; RETURN NEW; END $$;
            CREATE TRIGGER breaks BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION breaks()";
        raw(&address).await.simple(broken).await.unwrap();
        let refused = to_postgres(&path, &address, noon(), |_, _| ()).await;
        assert!(
            matches!(&refused, Err(StoreError::Inconsistent(words)) if words.contains("accounts is not what it was")),
            "{refused:?}"
        );
        assert_eq!(open(&address, Time::Caller).await.event_count(&tenant()).await.unwrap(), 0);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_file_in_use_and_a_database_with_something_in_it_are_refused() {
        let ((_folder, path), address) = (file().await, room().await);
        let serving = SqliteStore::open(&path, &crate::sqlite::Options::default()).unwrap();
        let refused = to_postgres(&path, &address, noon(), |_, _| ()).await;
        assert!(matches!(&refused, Err(StoreError::Unusable(words)) if words.contains("another process")));
        drop(serving);
        changed(&open(&address, Time::Caller).await, "e1", contact(18), noon()).await;
        let refused = to_postgres(&path, &address, noon(), |_, _| ()).await;
        assert!(
            matches!(&refused, Err(StoreError::Unusable(words)) if words.contains("not empty")),
            "{refused:?}"
        );
    }
}

mod together {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn the_start_of_one_process_leaves_the_others_their_leases() {
        let address = room().await;
        let (one, other) = (open(&address, Time::Caller).await, open(&address, Time::Caller).await);
        changed(&one, "e1", contact(18), noon()).await;
        let held = lease(&one, noon()).await.unwrap();
        assert_eq!(other.recover(noon()).await.unwrap(), 0);
        assert_eq!(other.recover(noon() + MINUTE).await.unwrap(), 1);
        let late = Settlement::Completed { words: String::new() };
        let settled = one.settle(&held, late, vec![], vec![], noon() + MINUTE).await.unwrap();
        assert_eq!(settled, Settled::Lost);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn one_event_at_two_receivers_at_once_is_one_event() {
        let address = room().await;
        let stores = [open(&address, Time::Caller).await, open(&address, Time::Caller).await];
        for round in 0..20 {
            let id = format!("e{round}");
            let both = stores.iter().map(|store| changed(store, &id, contact(18), noon()));
            let accepted = conformance::inbox::futures_join_all(both).await;
            let duplicates = accepted.iter().filter(|accepted| **accepted == Accepted::Duplicate).count();
            assert_eq!(duplicates, 1, "{accepted:?}");
        }
        assert_eq!(stores[0].event_count(&tenant()).await.unwrap(), 20);
        assert_eq!(stores[0].queue_counts(&tenant(), noon()).await.unwrap().open(), 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_one_process_takes_in_rings_in_the_other() {
        let address = room().await;
        let (receiver, worker) = (open(&address, Time::Caller).await, open(&address, Time::Caller).await);
        // Listening begins with a ring of its own.
        let mut pages = worker.changes();
        tokio::time::timeout(Duration::from_secs(5), pages.changed()).await.expect("it listens").unwrap();
        worker.wake().notified().await;
        changed(&receiver, "e1", contact(18), noon()).await;
        tokio::time::timeout(Duration::from_secs(5), worker.wake().notified()).await.expect("the bell rang");
        tokio::time::timeout(Duration::from_secs(5), pages.changed())
            .await
            .expect("pages hear of it")
            .unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_workers_on_one_account_work_one_after_the_other() {
        let address = room().await;
        let mut stores = Vec::new();
        for _ in 0..4 {
            stores.push(open(&address, Time::Caller).await);
        }
        for n in 0..200 {
            changed(&stores[n % 4], &format!("e{n}"), contact(18), noon()).await;
        }
        let mut jobs = 0;
        loop {
            let leasing = stores.iter().map(|store| store.lease("w", 4, MINUTE, noon()));
            let leases: Vec<_> = conformance::inbox::futures_join_all(leasing)
                .await
                .into_iter()
                .flat_map(Result::unwrap)
                .collect();
            assert!(leases.len() <= 1, "{leases:?}");
            let Some(held) = leases.first() else { break };
            let done = Settlement::Completed { words: String::new() };
            stores[0].settle(held, done, vec![], vec![], noon()).await.unwrap();
            jobs += 1;
        }
        assert_eq!(jobs, 1, "200 events of one account are one job");
    }
}

mod clocks {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_process_whose_clock_is_wrong_takes_nothing_too_early_and_sees_its_own_time() {
        let address = room().await;
        let right = SystemClock::default();
        let wrong = Arc::new(FixedClock::at(right.now() + jiff::SignedDuration::from_hours(5)));
        let one = open(&address, Time::Database(Arc::new(right))).await;
        let two = open(&address, Time::Database(Arc::<FixedClock>::clone(&wrong))).await;

        changed(&one, "e1", contact(18), right.now()).await;
        let held = one.lease("one", 1, MINUTE, right.now()).await.unwrap().pop().expect("the job is due");
        let early = two.lease("two", 1, MINUTE, wrong.now()).await.unwrap();
        assert!(early.is_empty(), "by its own clock the lease is long over");
        assert_eq!(two.recover(wrong.now()).await.unwrap(), 0);
        // What is to wait a minute waits a minute, whoever says so, and each is told in its own time.
        let again = Settlement::Again { at: right.now() + MINUTE, error: "later".into(), counts: true };
        one.settle(&held, again, vec![], vec![], right.now()).await.unwrap();
        for (store, now) in [(&one, right.now()), (&two, wrong.now())] {
            let due = store.next_due().await.unwrap().unwrap().duration_since(now);
            assert!((50..=61).contains(&due.as_secs()), "{due}");
        }
        assert!(two.lease("two", 1, MINUTE, wrong.now()).await.unwrap().is_empty());
        // And what a process with a wrong clock takes in can be worked on by all, at once.
        changed(&two, "e2", contact(19), wrong.now()).await;
        assert_eq!(one.lease("one", 1, MINUTE, right.now()).await.unwrap().len(), 1);
    }
}

mod older {
    use super::*;
    use crate::settings::{GAP, Gap, Settings as _};

    async fn gap(store: &PostgresStore) -> Option<Gap> {
        let gap = store.get(&String::new().as_str().into(), GAP).await.unwrap();
        gap.map(|gap| serde_json::from_value(gap).unwrap())
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_database_that_goes_on_from_where_it_was_misses_nothing() {
        let address = room().await;
        let (one, other) = (open(&address, Time::Caller).await, open(&address, Time::Caller).await);
        for n in 0..3 {
            one.check(noon() + MINUTE * n).await.unwrap();
            other.check(noon() + MINUTE * n).await.unwrap();
        }
        drop(one);
        open(&address, Time::Caller).await.check(noon() + MINUTE * 9).await.unwrap();
        assert_eq!(gap(&other).await, None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_older_copy_is_noticed_by_whoever_was_there_before() {
        let ((), store) = fresh().await;
        store.check(noon()).await.unwrap();
        let watcher = raw(&store.address).await;
        watcher.simple("CREATE TABLE copy AS SELECT * FROM settings").await.unwrap();
        store.check(noon() + MINUTE).await.unwrap();
        watcher.simple("TRUNCATE settings; INSERT INTO settings SELECT * FROM copy").await.unwrap();
        store.check(noon() + MINUTE * 2).await.unwrap();
        assert_eq!(gap(&store).await, Some(Gap { from: noon(), asked: false }));
        store.check(noon() + MINUTE * 3).await.unwrap();
        assert_eq!(gap(&store).await, Some(Gap { from: noon(), asked: false }), "it is noticed once");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_took_anothers_place_is_noticed_also_after_a_restart() {
        let address = room().await;
        open(&address, Time::Caller).await.check(noon()).await.unwrap();
        let promoted = r#"UPDATE settings SET value = '"7711921059771886028/00000007"' WHERE key = 'server'"#;
        raw(&address).await.simple(promoted).await.unwrap();
        let store = open(&address, Time::Caller).await;
        store.check(noon() + MINUTE).await.unwrap();
        assert_eq!(gap(&store).await, Some(Gap { from: noon(), asked: false }));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn marks_of_processes_that_are_gone_are_let_go() {
        let address = room().await;
        for _ in 0..3 {
            open(&address, Time::Caller).await.check(noon()).await.unwrap();
        }
        let store = open(&address, Time::Caller).await;
        store.check(noon() + MINUTE * 60 * 25).await.unwrap();
        let marks =
            raw(&address).await.simple("SELECT count(*) FROM settings WHERE key LIKE 'canary %'").await;
        assert_eq!(marks.unwrap().as_deref(), Some("1"));
    }
}

mod again {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Raises an error of this code. A number of its own remains of each attempt that is committed.
    const RAISES: &str = "CREATE SEQUENCE attempts; CREATE TABLE kept (attempt bigint);
        CREATE FUNCTION raises(code text) RETURNS void LANGUAGE plpgsql AS
        $$ BEGIN IF code <> '' THEN RAISE EXCEPTION USING ERRCODE = code; END IF; END $$";

    async fn stage() -> PostgresStore {
        let ((), store) = fresh().await;
        raw(&store.address).await.simple(RAISES).await.unwrap();
        store
    }

    /// A request whose first attempts fail with a code: how often it was begun, and what came of it.
    async fn request(store: &PostgresStore, code: &str, failing: u32) -> (u32, Result<(), StoreError>) {
        let begun = AtomicU32::new(0);
        let done = store.write(noon(), (&begun, code), |work, (begun, code)| {
            Box::pin(async move {
                let attempt = begun.fetch_add(1, Ordering::Relaxed) + 1;
                work.execute("INSERT INTO kept VALUES ($1)", &[&i64::from(attempt)]).await?;
                let code = if attempt <= failing { *code } else { "" };
                work.execute("SELECT raises($1)", &[&code]).await.map(drop)
            })
        });
        let done = done.await;
        (begun.into_inner(), done)
    }

    /// Which attempts were kept.
    async fn kept(store: &PostgresStore) -> Option<String> {
        let sql = "SELECT string_agg(attempt::text, ' ' ORDER BY attempt) FROM kept";
        raw(&store.address).await.simple(sql).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_met_somebody_elses_work_is_done_again_whole() {
        let store = stage().await;
        for code in ["40001", "40P01", "55P03", "57014", "57P01", "23505", "08006"] {
            raw(&store.address).await.simple("TRUNCATE kept").await.unwrap();
            let (begun, done) = request(&store, code, 2).await;
            assert!(begun == 3 && done.is_ok(), "{code}: {begun} attempts, {done:?}");
            assert_eq!(
                kept(&store).await.as_deref(),
                Some("3"),
                "{code}: nothing is left of those that failed"
            );
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_does_not_pass_is_given_up_after_longer_and_longer_waits() {
        let store = stage().await;
        let began = std::time::Instant::now();
        let (attempts, done) = request(&store, "40001", u32::MAX).await;
        assert_eq!(attempts, work::TRIES);
        assert!(done.as_ref().is_err_and(StoreError::is_passing), "{done:?}");
        let waits: Duration = (0..work::TRIES - 1).map(|n| work::FIRST_WAIT * 2_u32.pow(n)).sum();
        assert!(began.elapsed() >= waits && waits < work::DEADLINE, "{:?}", began.elapsed());
        assert_eq!(kept(&store).await, None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_wrong_in_itself_is_not_done_again() {
        let store = stage().await;
        for code in ["22001", "23502", "23514", "42601", "42P01", "53100", "XX000", "P0001"] {
            let (begun, done) = request(&store, code, u32::MAX).await;
            assert!(begun == 1 && done.is_err(), "{code}: {begun} attempts, {done:?}");
            assert_eq!(kept(&store).await, None);
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_that_read_before_either_wrote_are_done_one_after_the_other() {
        let store = stage().await;
        raw(&store.address).await.simple("INSERT INTO kept VALUES (0)").await.unwrap();
        let (meeting, begun) = (tokio::sync::Barrier::new(2), AtomicU32::new(0));
        let add = || {
            store.write(noon(), (&meeting, &begun), |work, (meeting, begun)| {
                Box::pin(async move {
                    work.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", &[]).await?;
                    let sum: i64 = work.one("SELECT attempt FROM kept", &[]).await?.try_get(0)?;
                    if begun.fetch_add(1, Ordering::Relaxed) < 2 {
                        meeting.wait().await;
                    }
                    work.execute("UPDATE kept SET attempt = $1", &[&(sum + 1)]).await.map(drop)
                })
            })
        };
        let (one, other) = tokio::join!(add(), add());
        assert!(one.is_ok() && other.is_ok(), "{one:?}, {other:?}");
        assert_eq!(kept(&store).await.as_deref(), Some("2"), "neither was lost");
        assert_eq!(begun.into_inner(), 3);
    }
}

mod asked {
    use connector_domain::fingerprint::{Fingerprint, Stage};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_failed_after_it_was_asked_for_is_left_alone() {
        let clock = SystemClock::default();
        let store = open(&room().await, Time::Database(Arc::new(SystemClock::default()))).await;
        let asked_at = clock.now() - MINUTE;
        changed(&store, "e1", contact(18), clock.now()).await;
        let held = lease(&store, clock.now()).await.unwrap();
        let cause = Fingerprint::of(Stage::WriteBack, "refused");
        let failed =
            Settlement::Failed { error: "refused".into(), remedy: "ask".into(), fingerprint: cause.clone() };
        store.settle(&held, failed, vec![], vec![], clock.now()).await.unwrap();
        assert_eq!(store.retry_all(&tenant(), &cause, 9, asked_at).await.unwrap(), 0);
        assert_eq!(store.retry_all(&tenant(), &cause, 9, clock.now()).await.unwrap(), 1);
    }
}

mod letting_go {
    use connector_domain::reason::Reason;
    use connector_domain::retention::{Cuts, RetentionPolicy, Squeeze};

    use super::*;
    use crate::journal::Step;
    use crate::retention::{Place, Retention as _, Stage};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_body_that_somebody_is_at_goes_with_the_next_pass() {
        let ((), store) = fresh().await;
        for n in 1..=3 {
            changed(&store, &format!("e{n}"), contact(n), noon()).await;
        }
        let later = noon() + jiff::SignedDuration::from_hours(24 * 60);
        let cuts: Cuts = RetentionPolicy::default().cuts(Squeeze::default(), later);
        let bodies = Place { stage: Stage::Bodies, after: 0 };
        let holder = raw(&store.address).await;
        holder.simple("BEGIN; SELECT 1 FROM events WHERE event_id = 'e2' FOR UPDATE").await.unwrap();
        assert_eq!(store.prune(&cuts, bodies, 100, later).await.unwrap().removed.bodies, 2);
        holder.simple("ROLLBACK").await.unwrap();
        assert_eq!(store.prune(&cuts, bodies, 100, later).await.unwrap().removed.bodies, 1);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_asked_for_while_a_record_is_let_go_stays() {
        let ((), store) = fresh().await;
        changed(&store, "e1", contact(18), noon()).await;
        let held = lease(&store, noon()).await.unwrap();
        let gone = Settlement::Skipped { reason: Reason::Deleted, words: "gone".into() };
        let step = Step { at: noon(), attempt: 1, stage: "fetch".into(), words: "it is gone".into() };
        store.settle(&held, gone, vec![], vec![step], noon()).await.unwrap();

        // Somebody is at a row that has to go, so letting go stops half-way.
        let holder = raw(&store.address).await;
        holder.simple("BEGIN; SELECT 1 FROM steps FOR UPDATE").await.unwrap();
        let later = noon() + jiff::SignedDuration::from_hours(24 * 60);
        let cuts: Cuts = RetentionPolicy::default().cuts(Squeeze::default(), later);
        let waits =
            "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))";
        let meanwhile = async {
            until("it waits", async || holder.simple(waits).await.unwrap().as_deref() == Some("1")).await;
            let accepted = changed(&store, "e2", contact(18), later).await;
            holder.simple("ROLLBACK").await.unwrap();
            accepted
        };
        let (pruned, accepted) = tokio::join!(store.prune(&cuts, Place::default(), 100, later), meanwhile);
        pruned.unwrap();
        let Accepted::New(job) = accepted else { panic!("no new job") };
        assert!(store.job(&tenant(), job).await.unwrap().is_some(), "it was acknowledged");
        assert_eq!(lease(&store, later).await.expect("it is worked on").job.id, job);
        let (_, body) = store.event(&tenant(), &"e2".into()).await.unwrap().unwrap();
        assert!(!body.is_empty(), "what was told stays");
    }
}

mod hosts {
    use super::*;

    /// Takes a connection, and says nothing.
    async fn silent() -> (tokio::net::TcpListener, u16) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn hosts_that_say_nothing_keep_nobody_from_the_one_that_works() {
        let (address, silent) = (room().await, [silent().await, silent().await]);
        let mut several = address.clone();
        let user = address.config.get_user().unwrap();
        let (name, port) = (address.config.get_dbname().unwrap(), address.config.get_ports()[0]);
        let hosts = format!("127.0.0.1:{},127.0.0.1:{},127.0.0.1:{port}", silent[0].1, silent[1].1);
        several.config = Address::parse(&format!("postgres://{user}@{hosts}/{name}")).unwrap().config;
        several.config.options(address.config.get_options().unwrap());
        several.config.ssl_mode(address.config.get_ssl_mode());
        if let Some(password) = address.config.get_password() {
            several.config.password(password);
        }
        let store =
            tokio::time::timeout(Duration::from_secs(20), open(&several, Time::Caller)).await.unwrap();
        changed(&store, "e1", contact(18), noon()).await;
        assert_eq!(store.address.hosts()[0].0, 2, "it is asked first from now on");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_that_says_nothing_is_not_waited_for() {
        let (_listener, port) = silent().await;
        let address = Address::parse(&format!("postgres://somebody@127.0.0.1:{port}/crm")).unwrap();
        let options = Options::new(Time::Caller);
        let opening = PostgresStore::open(&address, &options);
        let refused = tokio::time::timeout(Duration::from_secs(20), opening).await.unwrap();
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_server_without_encryption_is_told_as_what_it_is() {
        let address = room().await;
        if address.config.get_ssl_mode() == tokio_postgres::config::SslMode::Require {
            return;
        }
        let mut strict = address.clone();
        strict.config.ssl_mode(tokio_postgres::config::SslMode::Require);
        match PostgresStore::open(&strict, &Options::new(Time::Caller)).await {
            Ok(_) => {}
            Err(StoreError::Unusable(words)) => assert!(words.contains("TLS"), "{words}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

mod unknown {
    use super::line::Line;
    use super::*;
    use crate::queue::SUSPECT_AFTER;

    /// A store whose line can be cut, and one that has a line of its own.
    async fn stores() -> (Line, PostgresStore, PostgresStore) {
        let address = room().await;
        let line = Line::to(&address).await;
        (line.clone(), open(&line.address, Time::Caller).await, open(&address, Time::Caller).await)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_lease_whose_answer_is_lost_is_given_back_and_counts_no_death() {
        let (line, worker, other) = stores().await;
        changed(&other, "e1", contact(18), noon()).await;
        for _ in 0..=SUSPECT_AFTER {
            line.lose_the_answer_to("COMMIT");
            worker.lease("w", 1, MINUTE, noon()).await.expect_err("nobody said that it was leased");
            assert_eq!(other.queue_counts(&tenant(), noon()).await.unwrap().of(JobState::Processing), 1);
        }
        let held =
            worker.lease("w", 1, MINUTE, noon()).await.unwrap().pop().expect("it is given back at once");
        assert_eq!((held.job.crashes, held.job.attempts), (0, 1));
        let done = Settlement::Completed { words: String::new() };
        assert_eq!(worker.settle(&held, done, vec![], vec![], noon()).await.unwrap(), Settled::Yes);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_result_whose_answer_is_lost_is_taken() {
        let (line, worker, other) = stores().await;
        changed(&other, "e1", contact(18), noon()).await;
        let held = lease(&worker, noon()).await.unwrap();
        let done = || Settlement::Completed { words: String::new() };
        line.lose_the_answer_to("COMMIT");
        worker
            .settle(&held, done(), vec![], vec![], noon())
            .await
            .expect_err("nobody said that it was taken");
        assert_eq!(worker.settle(&held, done(), vec![], vec![], noon()).await.unwrap(), Settled::Yes);
    }
}

mod trouble {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn connections_that_are_cut_off_cost_nobody_anything() {
        let store = Arc::new(fresh().await.1);
        let watcher = raw(&store.address).await;
        let cutting = "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a \
             WHERE a.application_name = 'so-connector' AND a.pid <> pg_backend_pid() \
               AND a.pid IN (SELECT l.pid FROM pg_locks l WHERE l.relation = 'settings'::regclass \
                             UNION SELECT l.pid FROM pg_locks l WHERE l.relation = 'jobs'::regclass \
                             UNION SELECT l.pid FROM pg_locks l WHERE l.relation = 'events'::regclass)";
        for n in 0..60 {
            watcher.simple(cutting).await.unwrap();
            let accepted = changed_again(&store, &format!("e{n}"), n).await;
            assert!(!matches!(accepted, Accepted::Skipped(_) | Accepted::Parked), "{accepted:?}");
        }
        assert_eq!(store.event_count(&tenant()).await.unwrap(), 60);
    }

    /// As SuperOffice does it: again, when it was not acknowledged.
    async fn changed_again(store: &PostgresStore, id: &str, n: i64) -> Accepted {
        for _ in 0..20 {
            let offered = delivery(event(id, contact(n), &["name"]), noon());
            if let Ok(accepted) = store.accept(offered, policy()).await {
                return accepted;
            }
        }
        panic!("{id} was never acknowledged");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_table_that_somebody_locks_is_answered_in_time_and_goes_on_afterwards() {
        let ((), store) = fresh().await;
        changed(&store, "e0", contact(18), noon()).await;
        let holder = raw(&store.address).await;
        holder
            .simple("SET idle_in_transaction_session_timeout = 0; BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
            .await
            .unwrap();
        let began = std::time::Instant::now();
        let offered = delivery(event("e1", contact(18), &["name"]), noon());
        let refused = store.accept(offered.clone(), policy()).await;
        assert!(refused.as_ref().is_err_and(StoreError::is_passing), "{refused:?}");
        assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
        holder.simple("ROLLBACK").await.unwrap();
        until("it is taken in", async || store.accept(offered.clone(), policy()).await.is_ok()).await;
    }
}
