//! A disk that is full, and one that does not keep what it is given: what cannot be stored is not acknowledged, and
//! everything goes on by itself once the disk does.
//!
//! The full disk is a small file system in memory, which only root may mount; the failing disk is made by `strace`.
//! Where these are not to be had the tests say so and end.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use superoffice_emulator::Entity;

use crate::support::{Delivery, Ledger, Product, SOON, Setup, may_trace, until};

/// A file system that holds little.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let size = format!("size={megabytes}M");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(folder.to_owned()))
    }

    fn resize(&self, megabytes: u32) {
        let size = format!("remount,size={megabytes}M");
        let done = Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The product may still be there; the disk goes away with its last user.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// The ids of acknowledged deliveries, and how many were refused.
#[derive(Default)]
struct Tally {
    acknowledged: Vec<String>,
    refused: usize,
}

impl Tally {
    /// Sends a delivery, and checks that the answer is one of the two honest ones.
    async fn send(&mut self, product: &Product, delivery: &Delivery) {
        let answer = product.send(delivery.bytes()).await.unwrap();
        match answer.status().as_u16() {
            200 => self.acknowledged.push(delivery.id.clone()),
            503 => {
                assert!(answer.headers().contains_key("retry-after"), "{:?}", answer.headers());
                self.refused += 1;
            }
            other => panic!("answered {other}"),
        }
    }

    async fn assert_all_stored(&self, product: &Product) {
        let stored = product.event_ids().await;
        let lost: Vec<_> = self.acknowledged.iter().filter(|id| !stored.contains(*id)).collect();
        assert!(
            lost.is_empty(),
            "{} of {} acknowledged events are lost",
            lost.len(),
            self.acknowledged.len()
        );
    }
}

/// A delivery about one of the first companies, of some size.
fn bulky(turn: usize, bytes: usize) -> Delivery {
    let id = i64::try_from(turn % 20).unwrap() + 1;
    Delivery::changed(Entity::Contact, id, &["orgNr"]).with("Note", "x".repeat(bytes))
}

/// How space comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Relief {
    LargerDisk,
    BallastGone,
}

async fn a_full_disk(relief: Relief) {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("small");
    let Some(disk) = SmallDisk::mount(&place, 20) else {
        eprintln!("skipped: a small file system cannot be mounted here (root is needed)");
        return;
    };
    let ballast = place.join("ballast");
    if relief == Relief::BallastGone {
        std::fs::write(&ballast, vec![0; 14 << 20]).unwrap();
    }
    let database = format!("sqlite://{}", place.join("connector.db").display());
    let setup = Setup::new().populated().restless().variable("DATABASE_URL", &database);
    let mut product = setup.start().await;

    let mut tally = Tally::default();
    let mut turn = 0;
    while tally.refused < 40 {
        tally.send(&product, &bulky(turn, 24_000)).await;
        turn += 1;
        assert!(turn < 2_000, "the disk never became full");
    }
    assert!(tally.acknowledged.len() > 10);
    // Whoever asks is told the cause, also while the database is left alone for a moment.
    for _ in 0..30 {
        tally.send(&product, &bulky(turn, 24_000)).await;
        let ready = product.client().get(product.url("/readyz")).send().await.unwrap();
        assert_eq!(ready.status(), 503);
        let words = ready.text().await.unwrap();
        assert!(words.contains("the disk is full"), "{words}");
    }
    let alive = product.client().get(product.url("/healthz")).send().await.unwrap();
    assert_eq!(alive.status(), 200, "a full disk is no reason to be killed");

    match relief {
        Relief::LargerDisk => disk.resize(80),
        Relief::BallastGone => std::fs::remove_file(&ballast).unwrap(),
    }
    until(SOON, "deliveries are taken in again", async || {
        let before = tally.acknowledged.len();
        turn += 1;
        tally.send(&product, &bulky(turn, 10)).await;
        (tally.acknowledged.len() > before).then_some(())
    })
    .await;
    let resumed = tally.refused;
    for _ in 0..20 {
        turn += 1;
        tally.send(&product, &bulky(turn, 10)).await;
    }
    assert_eq!(tally.refused, resumed, "after it goes on, it goes on");
    println!("{} acknowledged, {resumed} refused until there was space again", tally.acknowledged.len());
    tally.assert_all_stored(&product).await;
    product.settle().await;
    assert_eq!(product.status().await["jobs"]["FAILED"], 0);
    Ledger::of(&product.world).assert_each_value_once();

    product.kill();
    product.launch().await;
    tally.assert_all_stored(&product).await;
    drop(product);
    drop(disk);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_honestly_and_goes_on_when_the_disk_grows() {
    a_full_disk(Relief::LargerDisk).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_honestly_and_goes_on_when_something_is_removed() {
    a_full_disk(Relief::BallastGone).await;
}

async fn a_disk_that_fails(calls: &str) {
    if !may_trace() {
        eprintln!("skipped: strace is not installed or may not trace here");
        return;
    }
    let setup = Setup::new().populated().toml("roles = [\"receive\", \"dashboard\"]");
    let mut product = setup.prepare().await;
    // The database is made in peace, so that the failures meet deliveries and not the start.
    product.launch().await;
    product.stop().await;
    let inject = format!("inject=fsync,fdatasync:error=EIO:when={calls}");
    let trace =
        ["strace", "-f", "--seccomp-bpf", "-o", "trace", "-e", "trace=fsync,fdatasync", "-e", &inject];
    product.wrapper = trace.map(str::to_owned).into();
    product.launch().await;

    let mut tally = Tally::default();
    for turn in 0..60 {
        tally.send(&product, &bulky(turn, 10)).await;
        if tally.refused > 0 && tally.acknowledged.len() > 30 {
            break;
        }
    }
    assert!(tally.refused > 0, "no delivery met the failure of {calls}");
    until(Duration::from_secs(20), "deliveries are taken in again", async || {
        let before = tally.acknowledged.len();
        tally.send(&product, &bulky(0, 10)).await;
        (tally.acknowledged.len() > before).then_some(())
    })
    .await;
    let resumed = tally.refused;
    for turn in 0..20 {
        tally.send(&product, &bulky(turn, 10)).await;
    }
    assert_eq!(tally.refused, resumed, "after it goes on, it goes on");
    println!("{calls}: {} acknowledged, {} refused", tally.acknowledged.len(), tally.refused);
    tally.assert_all_stored(&product).await;

    product.kill();
    product.wrapper.clear();
    product.launch().await;
    tally.assert_all_stored(&product).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_fsync_is_never_acknowledged_and_loses_nothing() {
    a_disk_that_fails("4").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_failed_fsyncs_in_a_row_lose_nothing() {
    a_disk_that_fails("6..7").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_failed_fsyncs_lose_nothing() {
    a_disk_that_fails("9..20").await;
}
