//! Who hears of a commit: the workers and pages of this process at once, those of the others through the database.
//!
//! A notification is part of the commit it tells of. The connection that listens is one of its own; while it is broken,
//! and once a second in any case, it is looked whether there is something to do.

use std::sync::{Arc, Weak};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::address::Address;
use super::connection::Connection;
use super::failure::Failure;
use super::frame::{Frame, Time};
use super::queue::IS_FREE;
use crate::StoreError;

/// How often it is looked, whatever was told.
const LOOK: Duration = Duration::from_secs(1);
/// Longer silence than this on the listening connection means that it is broken.
const PATIENCE: Duration = Duration::from_secs(2);

/// Tells of commits.
pub(super) struct Bell {
    pub(super) wake: Arc<Notify>,
    changes: watch::Sender<u64>,
    channel: String,
    /// Distinguishes this process's news from the others'.
    me: String,
}

impl Bell {
    pub(super) fn new(schema: &str) -> Self {
        Self {
            wake: Arc::default(),
            changes: watch::Sender::new(0),
            channel: channel(schema),
            me: uuid::Uuid::new_v4().simple().to_string(),
        }
    }

    pub(super) fn channel(&self) -> &str {
        &self.channel
    }

    pub(super) fn me(&self) -> &str {
        &self.me
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What is told to the other processes.
    pub(super) fn news(&self, queue: bool, view: bool) -> String {
        format!("{}{} {}", if queue { "q" } else { "" }, if view { "v" } else { "" }, self.me)
    }

    pub(super) fn ring(&self, queue: bool, view: bool) {
        if queue {
            self.wake.notify_one();
        }
        if view {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    fn heard(&self, news: &str) {
        let (what, who) = news.split_once(' ').unwrap_or((news, ""));
        if who != self.me {
            self.ring(what.contains('q'), what.contains('v'));
        }
    }
}

/// The name under which news of the tables in this schema are told. PostgreSQL takes no more than 63 bytes of it.
fn channel(schema: &str) -> String {
    if schema.len() <= 50 && !schema.contains('"') {
        return format!("so-connector {schema}");
    }
    let hash = Sha256::digest(schema);
    format!("so-connector {:032x}", u128::from_le_bytes(*hash.first_chunk().expect("it has 32 bytes")))
}

/// Listens until the store is gone.
pub(super) async fn listen(address: Address, frame: Arc<Frame>, bell: Weak<Bell>) {
    let mut is_broken = false;
    while bell.strong_count() > 0 {
        let failure = match follow(&address, &frame, &bell, &mut is_broken).await {
            Ok(()) => return,
            Err(failure) => failure,
        };
        if !is_broken {
            tracing::error!("PostgreSQL cannot be listened to: {}", StoreError::from(failure));
            is_broken = true;
        }
        sleep(LOOK).await;
    }
}

async fn follow(
    address: &Address,
    frame: &Arc<Frame>,
    bell: &Weak<Bell>,
    is_broken: &mut bool,
) -> Result<(), Failure> {
    let (sender, mut news) = mpsc::unbounded_channel();
    let connection = in_time(Connection::open(address, Arc::clone(frame), Some(sender))).await?;
    {
        let Some(bell) = bell.upgrade() else { return Ok(()) };
        in_time(connection.simple(&format!("LISTEN \"{}\"", bell.channel()))).await?;
        // What was told while nobody listened is not told again.
        bell.ring(true, true);
    }
    if std::mem::take(is_broken) {
        tracing::info!("PostgreSQL answers again");
    }
    // Not a pause between news, of which there may never be one that is long enough.
    let mut looking = interval(LOOK);
    looking.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            told = news.recv() => {
                let Some(bell) = bell.upgrade() else { return Ok(()) };
                match told {
                    Some(told) => bell.heard(&told),
                    None => return Err(Failure::Away("the line is closed".into())),
                }
            }
            _ = looking.tick() => {
                let has_work = look(&connection, frame).await?;
                let Some(bell) = bell.upgrade() else { return Ok(()) };
                if has_work {
                    bell.ring(true, false);
                }
            }
        }
    }
}

/// Compares the clocks, before anything is told in the process's time.
pub(super) async fn compare_clocks(connection: &Connection, frame: &Frame) -> Result<(), Failure> {
    look(connection, frame).await.map(drop)
}

/// Looks for work that nobody told of, and compares the clocks.
async fn look(connection: &Connection, frame: &Frame) -> Result<bool, Failure> {
    let before = frame.own_now();
    let sql = format!(
        "WITH clock AS (SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now)
         SELECT now, EXISTS (SELECT 1 FROM jobs j WHERE j.state = 0 AND j.bulk IN (0, 1) AND j.run_at <= now AND {IS_FREE})
                     OR EXISTS (SELECT 1 FROM jobs j WHERE j.state = 1 AND j.lease_until <= now)
           FROM clock"
    );
    let row = in_time(connection.row(&sql, &[])).await?;
    let Some(row) = row else { return Ok(false) };
    if let (Some(before), Some(after)) = (before, frame.own_now()) {
        frame.compare(before, row.try_get(0)?, after);
    }
    // A test's clock says nothing about what is due.
    Ok(row.try_get::<_, bool>(1)? && matches!(frame.time, Time::Database(_)))
}

async fn in_time<T>(doing: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    timeout(PATIENCE, doing).await.map_err(|_| Failure::Late("the connection that listens"))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_name_of_a_schema_has_a_channel_too() {
        let (one, other) = ("a".repeat(63), "b".repeat(63));
        assert!(channel(&one).len() <= 63 && channel(&one) != channel(&other));
        assert_eq!(channel("public"), "so-connector public");
    }
}
