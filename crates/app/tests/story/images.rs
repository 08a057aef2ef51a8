//! The power fails at any moment: whatever of the unkept is found on the disk then, everything that was promised is there.
//!
//! A run of the real program is recorded with everything that it gives to its disk and everything that it tells others.
//! From that many disks are made, as they may be found after a power cut at some moment of it, and each is opened as the
//! program does. Where `strace` may not record, the tests say so and end.

mod disk;
mod recording;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use connector_store::sqlite::{Options, SqliteStore};
use fastrand::Rng;
use serde_json::json;

use self::disk::{Disk, Fate};
use self::recording::{CALLS, Promise, Recording};
use crate::support::{Load, Product, SOON, Setup, leave_out, may_trace, seed, tell, until, wanted};

/// How many disks, when nobody says otherwise.
const IMAGES: u64 = 2_000;
/// One in so many is read through as a whole; none when it is 0.
const CHECKED: u64 = 8;

/// A log that is begun anew often.
const SMALL_LOG: &str = "store.log_pages = 24";

/// Which calls of each thread that tell the disk to keep something fail, in the words of `strace`.
type Failing<'a> = Option<&'a str>;

async fn prepare(toml: &str) -> Product {
    Setup::new().companies(32).restless().toml(toml).prepare().await
}

/// Has the next life recorded, and says where.
fn watch(product: &mut Product, life: &str, failing: Failing<'_>) -> PathBuf {
    let log = product.folder.path().join(life);
    let words = ["strace", "-f", "--seccomp-bpf", "-qq", "-y", "-xx", "-s", "10000000", "-e", CALLS, "-o"];
    product.wrapper = words.map(str::to_owned).into();
    product.wrapper.push(log.display().to_string());
    if let Some(which) = failing {
        product.wrapper.extend(["-e".to_owned(), format!("inject=fsync,fdatasync:error=EIO:when={which}")]);
    }
    log
}

/// Somebody enters companies, deliveries arrive, and everything is worked on.
async fn live(product: &Product, load: &mut Load) {
    for _ in 0..6 {
        load.enter(product);
        for _ in 0..3 {
            tokio::join!(load.delivery(product), load.delivery(product), load.delivery(product));
        }
        look(product).await;
    }
    product.settle().await;
    look(product).await;
}

/// Records a life from the first start to the stop.
async fn record(toml: &str, failing: Failing<'_>) -> Recording {
    let mut product = prepare(toml).await;
    let log = watch(&mut product, "trace", failing);
    product.launch().await;
    product.try_listen().await.unwrap();
    live(&product, &mut Load::of(&product)).await;
    product.stop().await;
    Recording::read(&std::fs::read_to_string(log).unwrap(), product.folder.path())
}

/// Records a life whose disk refuses everything from some moment on, its end soon after, and the life after it.
async fn record_two(failing: Failing<'_>) -> Recording {
    let mut product = prepare(SMALL_LOG).await;
    let first = watch(&mut product, "first", failing);
    product.launch().await;
    product.try_listen().await.unwrap();
    let mut load = Load::of(&product);
    load.enter(&product);
    until(SOON, "a delivery is refused", async || load.delivery(&product).await.is_none().then_some(()))
        .await;
    product.kill();
    let second = watch(&mut product, "second", None);
    product.launch().await;
    live(&product, &mut load).await;
    product.stop().await;
    let log = [first, second].map(|life| std::fs::read_to_string(life).unwrap()).concat();
    Recording::read(&log, product.folder.path())
}

/// Somebody looks at the jobs, and believes what is shown.
async fn look(product: &Product) {
    product.try_get("/api/v1/jobs?limit=1000").await;
}

/// What came of many disks.
#[derive(Debug, Default)]
struct Found {
    images: u64,
    promises: u64,
    bad: Vec<Bad>,
}

/// A disk on which something is missing, and how it is made again.
#[derive(Debug)]
#[expect(dead_code, reason = "it is shown as a whole")]
struct Bad {
    image: u64,
    fate: Fate,
    moment: usize,
    words: String,
}

/// Makes so many disks and looks into each.
fn examine(recording: &Recording, images: u64, seed: u64, checked: u64) -> Found {
    let moments = recording.moments();
    // Which moment is whose is known before, so that the life is gone through once by each thread.
    let mut plan: Vec<(usize, u64)> = (0..images)
        .map(|image| (moments[Rng::with_seed(seed ^ image).usize(..moments.len())], image))
        .collect();
    plan.sort_unstable();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let some = |thread| plan.iter().skip(thread).step_by(threads).copied().collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || go_through(recording, &some(thread), seed, checked)))
            .collect();
        all.into_iter().map(|thread| thread.join().unwrap()).fold(Found::default(), |mut sum, found| {
            sum.images += found.images;
            sum.promises += found.promises;
            sum.bad.extend(found.bad);
            sum
        })
    })
}

fn go_through(recording: &Recording, plan: &[(usize, u64)], seed: u64, checked: u64) -> Found {
    let (mut disk, mut found) = (Disk::default(), Found::default());
    let mut acts = recording.acts.iter().peekable();
    for (moment, image) in plan {
        while let Some(act) = acts.next_if(|act| act.moment() <= *moment) {
            disk.act(act);
        }
        let due: Vec<&Promise> = recording
            .promises
            .iter()
            .take_while(|(from, _)| from <= moment)
            .map(|(_, promise)| promise)
            .collect();
        let folder = place();
        let fate = make(&disk, *image, seed, folder.path());
        found.images += 1;
        found.promises += due.len() as u64;
        if let Err(words) = hold(folder.path(), &due, (image / 4).checked_rem(checked) == Some(0)) {
            found.bad.push(Bad { image: *image, fate, moment: *moment, words });
        }
    }
    found
}

/// What is found in the folder after a power cut now, and how it came to that. The same number makes the same.
fn make(disk: &Disk, image: u64, seed: u64, folder: &Path) -> Fate {
    let fate = Fate::ALL[usize::try_from(image % 4).unwrap()];
    disk.fail(fate, &mut Rng::with_seed(seed.wrapping_add(image)), folder);
    fate
}

/// Keeps what is needed to look at bad disks afterwards: the life, what was found, and the first of them as they are
/// found by whoever opens them. Nothing, when there are none.
fn keep(name: &str, recording: &Recording, seed: u64, found: &Found) -> Option<PathBuf> {
    let first = found.bad.first()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("images-{name}-{seed}"));
    println!("{} bad images, {first:?}; kept in {}", found.bad.len(), folder.display());
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("trace"), &recording.log).unwrap();
    std::fs::write(folder.join("found"), format!("{:#?}", found.bad)).unwrap();
    for bad in found.bad.iter().take(3) {
        let mut disk = Disk::default();
        recording.acts.iter().filter(|act| act.moment() <= bad.moment).for_each(|act| disk.act(act));
        let place = folder.join(format!("image-{}", bad.image));
        std::fs::create_dir_all(&place).unwrap();
        make(&disk, bad.image, seed, &place);
    }
    Some(folder)
}

/// A folder in memory if there is one.
fn place() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = tempfile::Builder::new().prefix("image-").tempdir_in(memory);
    folder.unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

/// Whether everything that is due is there, as the program finds it at its start.
fn hold(folder: &Path, due: &[&Promise], whole: bool) -> Result<(), String> {
    let path: PathBuf = folder.join("connector.db");
    drop(SqliteStore::open(&path, &Options::default()).map_err(|error| error.to_string())?);
    let there = There::read(&path, whole).map_err(|error| error.to_string())?;
    let broken: Vec<_> = due.iter().filter(|promise| !there.keeps(promise)).collect();
    match broken.as_slice() {
        [] => Ok(()),
        [first, ..] => Err(format!("{} of {} promises are broken: {first:?}", broken.len(), due.len())),
    }
}

/// What is in a database.
#[derive(Default)]
struct There {
    events: BTreeSet<String>,
    intents: BTreeMap<(String, i64), usize>,
    jobs: BTreeMap<i64, i64>,
}

impl There {
    fn read(path: &Path, whole: bool) -> rusqlite::Result<Self> {
        let database = rusqlite::Connection::open(path)?;
        if whole {
            let words: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
            if words != "ok" {
                return Err(rusqlite::Error::InvalidColumnName(words));
            }
        }
        let mut there = Self::default();
        let mut events = database.prepare("SELECT event_id FROM events")?;
        let mut rows = events.query([])?;
        while let Some(row) = rows.next()? {
            let id = row.get_ref(0)?;
            let id = id
                .as_blob()
                .ok()
                .and_then(|bytes| uuid::Uuid::from_slice(bytes).ok())
                .map(|id| id.to_string());
            there.events.insert(id.map_or_else(|| row.get(0), Ok)?);
        }
        let mut intents = database.prepare("SELECT entity, entity_id, count(*) FROM writes GROUP BY 1, 2")?;
        let mut rows = intents.query([])?;
        while let Some(row) = rows.next()? {
            there.intents.insert((row.get(0)?, row.get(1)?), row.get(2)?);
        }
        let mut jobs = database.prepare("SELECT id, state FROM jobs")?;
        let mut rows = jobs.query([])?;
        while let Some(row) = rows.next()? {
            there.jobs.insert(row.get(0)?, row.get(1)?);
        }
        Ok(there)
    }

    fn keeps(&self, promise: &Promise) -> bool {
        match promise {
            Promise::Stored { event } => self.events.contains(event),
            Promise::Intended { entity, id, count } => {
                self.intents.get(&(entity.clone(), *id)).is_some_and(|there| there >= count)
            }
            Promise::Ended { job, state } => {
                let state = match state.as_str() {
                    "COMPLETED" => 2,
                    "SKIPPED" => 3,
                    _ => 5,
                };
                self.jobs.get(job) == Some(&state)
            }
        }
    }
}

/// What was recorded holds something of each kind, or it proves nothing.
fn assert_worth_it(recording: &Recording) {
    let kinds: [fn(&Promise) -> bool; 3] = [
        |promise| matches!(promise, Promise::Stored { .. }),
        |promise| matches!(promise, Promise::Intended { .. }),
        |promise| matches!(promise, Promise::Ended { .. }),
    ];
    for kind in kinds {
        let count = recording.promises.iter().filter(|(_, promise)| kind(promise)).count();
        assert!(count > 5, "too little was promised: {:?}", recording.promises);
    }
    let syncs = recording.acts.iter().filter(|act| matches!(act.deed, recording::Deed::Sync { .. })).count();
    assert!(syncs > 20, "the disk was told to keep something {syncs} times only");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_the_power_fails_everything_that_was_promised_is_on_the_disk() {
    if !may_trace() {
        return leave_out("images", "strace is not installed or may not trace here");
    }
    let seed = seed();
    let images = wanted("SO_CONNECTOR_IMAGES", IMAGES);
    let recording = record(SMALL_LOG, None).await;
    assert_worth_it(&recording);
    let found = examine(&recording, images, seed, CHECKED);
    let acts = recording.acts.len();
    let counts =
        json!({"images": found.images, "promises looked for": found.promises, "recorded calls": acts});
    tell("images", &counts, found.bad.len());
    keep("life", &recording, seed, &found);
    assert!(found.bad.is_empty(), "{:#?}", &found.bad[..found.bad.len().min(10)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_after_a_failed_fsync_breaks_no_promise() {
    if !may_trace() {
        return leave_out("images after a failed fsync", "strace is not installed or may not trace here");
    }
    let seed = seed();
    let images = wanted("SO_CONNECTOR_IMAGES", IMAGES) / 4;
    let (mut all, mut lives, mut of_log, mut of_database) = (Found::default(), 0, 0, 0);
    // Whose fsync the Nth is, depends on how the threads run.
    while lives < 4 || of_log < 2 || of_database < 2 {
        assert!(
            lives < 30,
            "fsync failed {of_log} times for the log and {of_database} times for the database"
        );
        lives += 1;
        let recording = record(SMALL_LOG, Some(&format!("{}+23", 20 + lives))).await;
        assert_worth_it(&recording);
        of_log += recording.failed("connector.db-wal");
        of_database += recording.failed("connector.db");
        let found = examine(&recording, images / 4, seed, CHECKED);
        keep(&format!("failure-{lives}"), &recording, seed, &found);
        all.images += found.images;
        all.promises += found.promises;
        all.bad.extend(found.bad);
    }
    let counts = json!({
        "images": all.images,
        "promises looked for": all.promises,
        "lives": lives,
        "failures for the log": of_log,
        "failures for the database": of_database,
    });
    tell("images after a failed fsync", &counts, all.bad.len());
    assert!(all.bad.is_empty(), "{:#?}", &all.bad[..all.bad.len().min(10)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_process_could_not_bring_to_the_disk_hides_nothing_that_comes_after_it() {
    if !may_trace() {
        return leave_out("images after a death", "strace is not installed or may not trace here");
    }
    let seed = seed();
    let images = wanted("SO_CONNECTOR_IMAGES", IMAGES) / 8;
    let (mut all, lives) = (Found::default(), [21, 24, 30]);
    for from in lives {
        let recording = record_two(Some(&format!("{from}+1"))).await;
        assert_worth_it(&recording);
        let found = examine(&recording, images / 3, seed, CHECKED);
        keep(&format!("death-{from}"), &recording, seed, &found);
        all.images += found.images;
        all.promises += found.promises;
        all.bad.extend(found.bad);
    }
    let counts = json!({"images": all.images, "promises looked for": all.promises, "lives": 2 * lives.len()});
    tell("images after a death", &counts, all.bad.len());
    assert!(all.bad.is_empty(), "{:#?}", &all.bad[..all.bad.len().min(10)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_does_not_wait_for_the_disk_is_found_out() {
    if !may_trace() {
        return leave_out("images without waiting", "strace is not installed or may not trace here");
    }
    let seed = seed();
    let recording = record(&format!("{SMALL_LOG}\nstore.synchronous = \"normal\""), None).await;
    let found = examine(&recording, 400, seed, CHECKED);
    let counts = json!({"images": found.images, "found out in": found.bad.len()});
    tell("images without waiting", &counts, 0);
    assert!(
        found.bad.len() > 40,
        "promises were broken in {} of {} images only",
        found.bad.len(),
        found.images
    );
}
