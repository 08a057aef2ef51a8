//! What others do to the database: they hold it, read it for long, damage it or put something in its way.

use std::path::Path;

use rusqlite::Connection;
use superoffice_emulator::Entity;

use crate::support::{Delivery, Product, SOON, Setup, until};

const RECEIVING: &str = "roles = [\"receive\", \"dashboard\"]\nstore.log_pages = 8";

fn delivery(turn: usize) -> Delivery {
    let id = i64::try_from(turn % 20).unwrap() + 1;
    Delivery::changed(Entity::Contact, id, &["orgNr"]).with("Note", "x".repeat(2_000))
}

/// Sends so many deliveries, each of which is acknowledged; their ids.
async fn deliver(product: &Product, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for turn in 0..count {
        let delivery = delivery(turn);
        assert_eq!(product.send(delivery.bytes()).await.unwrap().status(), 200);
        ids.push(delivery.id);
    }
    ids
}

async fn assert_exactly(product: &Product, ids: &[String]) {
    assert_eq!(product.event_ids().await, ids.iter().cloned().collect());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_somebody_holds_the_database_deliveries_are_refused_and_nothing_is_stored_by_halves() {
    let product = Setup::new().populated().restless().toml(RECEIVING).start().await;
    let mut acknowledged = deliver(&product, 5).await;
    let other = Connection::open(product.database()).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    // It waits for the other one as long as is sensible, and then says so.
    let (one, two) = (delivery(1), delivery(2));
    let answers = tokio::join!(product.send(one.bytes()), product.send(two.bytes()));
    for answer in [answers.0.unwrap(), answers.1.unwrap()] {
        assert_eq!(answer.status(), 503);
        assert!(answer.headers().contains_key("retry-after"), "{:?}", answer.headers());
    }
    // Whoever only reads is not held up.
    assert_exactly(&product, &acknowledged).await;
    other.execute_batch("ROLLBACK").unwrap();
    let later = delivery(3);
    until(SOON, "deliveries are taken in again", async || {
        (product.send(later.bytes()).await.unwrap().status() == 200).then_some(())
    })
    .await;
    acknowledged.push(later.id);
    acknowledged.extend(deliver(&product, 5).await);
    assert_exactly(&product, &acknowledged).await;
}

/// What tells one log from the next.
fn log(product: &Product) -> Vec<u8> {
    std::fs::read(format!("{}-wal", product.database().display())).unwrap()[16..24].to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_reader_keeps_the_log_long_and_nobody_waiting() {
    let product = Setup::new().populated().restless().toml(RECEIVING).start().await;
    let mut acknowledged = deliver(&product, 5).await;
    let reader = Connection::open(product.database()).unwrap();
    let events = "SELECT count(*) FROM events";
    reader.execute_batch("BEGIN").unwrap();
    let seen: i64 = reader.query_row(events, [], |row| row.get(0)).unwrap();
    let kept = log(&product);
    acknowledged.extend(deliver(&product, 60).await);
    assert_eq!(log(&product), kept, "the reader still needs it");
    let metrics = product.client().get(product.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let length = metrics.lines().find_map(|line| line.strip_prefix("so_db_wal_bytes ")).unwrap();
    assert!(length.parse::<u64>().unwrap() > 60 * 4096, "whoever watches sees it grow: {length}");
    assert_eq!(reader.query_row(events, [], |row| row.get::<_, i64>(0)).unwrap(), seen);
    reader.execute_batch("COMMIT").unwrap();
    until(SOON, "the log is begun anew", async || {
        acknowledged.extend(deliver(&product, 5).await);
        (log(&product) != kept).then_some(())
    })
    .await;
    assert_exactly(&product, &acknowledged).await;
}

/// Starts on a damaged file. Either the start is refused in words that help, or nothing is missing; what cannot be read
/// then is said, and never taken for nothing.
async fn assert_refused_or_whole(product: &mut Product, what: &str, ids: &[String]) -> bool {
    for stream in ["stdout", "stderr"] {
        std::fs::write(product.folder.path().join(stream), "").unwrap();
    }
    if let Some(ended) = product.try_launch().await {
        assert!(!ended.success(), "{what}");
        let (stdout, stderr) = product.printed();
        let words = format!("{stdout}{stderr}");
        assert!(words.contains("connector.db"), "{what}: {words}");
        let help = ["so-connector restore", "Put the right one there"];
        assert!(help.iter().any(|help| words.contains(help)), "{what}: {words}");
        return true;
    }
    if let Some(page) = product.try_get("/api/v1/events?limit=1000").await {
        let items = page["items"].as_array().unwrap();
        let there = |id: &String| items.iter().any(|event| event["event_id"] == id.as_str());
        let missing = ids.iter().filter(|id| !there(id)).count();
        assert_eq!(missing, 0, "{what}: {missing} of {} events are missing and nobody says so", ids.len());
    }
    product.kill();
    false
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_is_refused_or_nothing_is_missing_in_it() {
    let mut product = Setup::new().populated().restless().toml(RECEIVING).start().await;
    let ids = deliver(&product, 120).await;
    product.stop().await;
    let path = product.database();
    let whole = std::fs::read(&path).unwrap();
    let mark = std::fs::read(path.with_added_extension("mark")).unwrap();
    assert!(whole.len() > 40 * 4096, "{} bytes are too few to damage", whole.len());
    let mut damage: Vec<(String, Vec<u8>)> = vec![
        ("a head of something else".to_owned(), [&[b'#'; 100], &whole[100..]].concat()),
        ("half of it".to_owned(), whole[..whole.len() / 2 / 4096 * 4096].to_vec()),
        ("all but the end of its last page".to_owned(), whole[..whole.len() - 100].to_vec()),
    ];
    for page in (0..whole.len() / 4096).step_by(7) {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0);
        damage.push((format!("page {} is empty", page + 1), bytes));
    }
    let mut refused = 0;
    for (what, bytes) in damage {
        place(&path, &bytes, &mark);
        refused += usize::from(assert_refused_or_whole(&mut product, &what, &ids).await);
    }
    assert!(refused > 2, "only {refused} were refused at the start");
    place(&path, &whole, &mark);
    product.launch().await;
    assert_exactly(&product, &ids).await;
}

/// Puts a database there, without a log, with the mark that belongs to it.
fn place(path: &Path, bytes: &[u8], mark: &[u8]) {
    for beside in ["-wal", "-shm"] {
        drop(std::fs::remove_file(format!("{}{beside}", path.display())));
    }
    std::fs::write(path, bytes).unwrap();
    std::fs::write(path.with_added_extension("mark"), mark).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_that_cannot_hold_a_database_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let (below_a_file, a_folder) = (folder.path().join("file/connector.db"), folder.path().to_owned());
    for (place, why) in [(below_a_file, "its folder cannot be made"), (a_folder, "it cannot be opened")] {
        let database = format!("sqlite://{}", place.display());
        let mut product = Setup::new().variable("DATABASE_URL", &database).prepare().await;
        let ended = product.try_launch().await.expect("it cannot have a database");
        assert!(!ended.success());
        let (stdout, stderr) = product.printed();
        let words = format!("the database {} cannot be used: {why}", place.display());
        assert!(format!("{stdout}{stderr}").contains(&words), "{words}, not in {stdout}{stderr}");
    }
}
