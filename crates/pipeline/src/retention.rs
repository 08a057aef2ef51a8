//! Lets go of what is old: now and then, in steps so small and with pauses so long that no delivery waits for them.
//!
//! What may go is decided in `connector-domain`, what must stay is known to the store. Here is only when: one pass an
//! hour, by one process of the whole fleet, and further passes with shorter ages while the database is larger than it
//! may be.

use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_domain::clock::Clock;
use connector_domain::ids::TenantId;
use connector_domain::retention::{RetentionPolicy, Squeeze};
use connector_store::retention::{Place, Removed};
use connector_store::{Duties, Retention, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::status::{Condition, Part, Status};

/// The name of the duty.
const DUTY: &str = "retention";
/// How long the duty is taken for; kept up while a pass goes on.
const TERM: SignedDuration = SignedDuration::from_mins(5);
/// How often there is a pass.
const EVERY: Duration = Duration::from_hours(1);
/// How many rows a step looks at; after one that failed so many times fewer, down to one.
const ROWS: usize = 200;
const SMALLER: usize = 8;
/// After a step the writer is left alone for so many times as long as the step took.
const SPARED: u32 = 9;
/// And at least for so long.
pub const LEAST_PAUSE: Duration = Duration::from_millis(10);
/// The part that is shown when the database cannot be kept small enough.
const PART: &str = "storage";

/// What letting go takes.
pub struct Keeper {
    /// The customer database, for the duty.
    pub tenant: TenantId,
    /// What lets go.
    pub retention: Arc<dyn Retention>,
    /// So that one process does it.
    pub duties: Arc<dyn Duties>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where it is said that the database is too large.
    pub status: Status,
    /// How long things are kept.
    pub policy: RetentionPolicy,
    /// The shortest pause between two steps; [`LEAST_PAUSE`] is usual.
    pub pause: Duration,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// Lets go of what is old, until told to stop.
pub async fn run(keeper: Keeper, stop: CancellationToken) {
    loop {
        match keeper.turn(&stop).await {
            Ok(removed) if removed.is_nothing() => {}
            Ok(removed) => tracing::info!(
                removed.events,
                removed.jobs,
                removed.writes,
                removed.bodies,
                removed.records,
                "let go of {} old events, {} jobs and {} writes",
                removed.events,
                removed.jobs,
                removed.writes
            ),
            Err(error) => tracing::warn!("what is old could not go yet: {error}"),
        }
        pause(EVERY, &stop).await;
        if stop.is_cancelled() {
            return;
        }
    }
}

impl Keeper {
    /// One pass, and more of them while the database is too large. Nothing when another process has the duty.
    async fn turn(&self, stop: &CancellationToken) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        if !self.has_duty().await? {
            return Ok(removed);
        }
        let mut squeeze = Squeeze::default();
        let mut passed = self.pass(squeeze, &mut removed, stop).await;
        while self.is_too_large().await? && !stop.is_cancelled() {
            let Some(harder) = squeeze.harder(&self.policy) else {
                self.say_too_large().await?;
                return passed.map(|()| removed);
            };
            squeeze = harder;
            tracing::warn!(
                "the database is larger than retention.size, so younger things go than its ages say"
            );
            passed = self.pass(squeeze, &mut removed, stop).await.and(passed);
        }
        if self.policy.size.is_some() {
            self.say(Condition::Ok, "the database is as small as it shall be".to_owned(), None);
        }
        passed.map(|()| removed)
    }

    /// Goes through everything once. Under pressure it ends as soon as the database is small enough.
    ///
    /// A step that fails is tried with fewer rows, since it may have been too much; when that does not help, the pass goes
    /// on with what comes next, so that one row in the way keeps nothing else.
    ///
    /// # Errors
    ///
    /// What could not go, after everything else has.
    async fn pass(
        &self,
        squeeze: Squeeze,
        removed: &mut Removed,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        let cuts = self.policy.cuts(squeeze, now);
        let mut kept_at = now;
        let (mut next, mut rows, mut failed) = (Some(Place::default()), ROWS, None);
        while let Some(place) = next {
            if stop.is_cancelled() || !self.keeps_duty(&mut kept_at).await? {
                return Ok(());
            }
            let began = Instant::now();
            match self.retention.prune(&cuts, place, rows, now).await {
                Ok(pruned) => {
                    *removed += pruned.removed;
                    next = pruned.next;
                    if next.is_none_or(|next| next.stage != place.stage) {
                        rows = ROWS;
                    }
                    if !squeeze.is_none() && !pruned.removed.is_nothing() && !self.is_too_large().await? {
                        return Ok(());
                    }
                }
                Err(error) if rows > 1 => {
                    tracing::debug!("{rows} rows were too much to let go of at once: {error}");
                    rows = (rows / SMALLER).max(1);
                }
                Err(error) => {
                    failed.get_or_insert(error);
                    rows = ROWS;
                    next = place.stage.next().map(|stage| Place { stage, after: 0 });
                }
            }
            pause((began.elapsed() * SPARED).max(self.pause), stop).await;
        }
        failed.map_or(Ok(()), Err)
    }

    async fn has_duty(&self) -> Result<bool, StoreError> {
        self.duties.take_duty(&self.tenant, DUTY, crate::process::name(), TERM, self.clock.now()).await
    }

    /// Keeps the duty up while a long pass goes on.
    async fn keeps_duty(&self, kept_at: &mut Timestamp) -> Result<bool, StoreError> {
        let now = self.clock.now();
        if now.duration_since(*kept_at) < TERM / 5 {
            return Ok(true);
        }
        *kept_at = now;
        self.has_duty().await
    }

    async fn is_too_large(&self) -> Result<bool, StoreError> {
        match self.policy.size {
            Some(most) => Ok(self.retention.used().await? > most),
            None => Ok(false),
        }
    }

    async fn say_too_large(&self) -> Result<(), StoreError> {
        let used = self.retention.used().await? / 1024 / 1024;
        let words = format!(
            "the database holds {used} MiB, more than retention.size, though all that may go has gone"
        );
        tracing::error!("{words}");
        self.say(Condition::Degraded, words, Some("give it more room: raise retention.size".to_owned()));
        Ok(())
    }

    fn say(&self, condition: Condition, words: String, remedy: Option<String>) {
        self.status.set(Part { name: PART.to_owned(), condition, words, remedy });
    }
}

async fn pause(length: Duration, stop: &CancellationToken) {
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = tokio::time::sleep(length) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use connector_domain::clock::FixedClock;
    use connector_domain::retention::Cuts;
    use connector_store::retention::{Pruned, Stage};

    use super::*;

    const DAY: SignedDuration = SignedDuration::from_hours(24);

    /// A database of nothing but events: when each came, one byte each.
    #[derive(Default)]
    struct Shelf {
        events: Mutex<Vec<Timestamp>>,
        /// What must stay, in bytes.
        fixed: u64,
        taken: bool,
        /// Records that are deleted can only go one at a time, or not at all.
        most_deleted: Option<usize>,
        steps: Mutex<Vec<Stage>>,
    }

    #[async_trait]
    impl Retention for Shelf {
        async fn prune(
            &self,
            cuts: &Cuts,
            from: Place,
            most: usize,
            _: Timestamp,
        ) -> Result<Pruned, StoreError> {
            self.steps.lock().unwrap().push(from.stage);
            if from.stage == Stage::Deleted && self.most_deleted.is_some_and(|able| most > able) {
                return Err(StoreError::Unavailable("it took too long".into()));
            }
            let mut removed = Removed::default();
            let mut events = self.events.lock().unwrap();
            if from.stage == Stage::Events && events.first().is_some_and(|at| *at < cuts.events) {
                events.remove(0);
                removed.events = 1;
                return Ok(Pruned { removed, next: Some(from) });
            }
            Ok(Pruned { removed, next: from.stage.next().map(|stage| Place { stage, after: 0 }) })
        }

        async fn removed(&self) -> Result<Removed, StoreError> {
            Ok(Removed::default())
        }

        async fn used(&self) -> Result<u64, StoreError> {
            Ok(self.fixed + self.events.lock().unwrap().len() as u64)
        }
    }

    #[async_trait]
    impl Duties for Shelf {
        async fn take_duty(
            &self,
            _: &TenantId,
            _: &str,
            _: &str,
            _: SignedDuration,
            _: Timestamp,
        ) -> Result<bool, StoreError> {
            Ok(!self.taken)
        }

        async fn leave_duty(&self, _: &TenantId, _: &str, _: &str) -> Result<(), StoreError> {
            Ok(())
        }
    }

    fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    /// One event a day for the last hundred days.
    fn shelf() -> Shelf {
        let events = (0..100).rev().map(|days| noon() - DAY * days).collect();
        Shelf { events: Mutex::new(events), ..Shelf::default() }
    }

    async fn turn(shelf: Shelf, size: Option<u64>) -> (Arc<Shelf>, Status) {
        let (shelf, status) = (Arc::new(shelf), Status::default());
        let keeper = Keeper {
            tenant: "Cust10001".into(),
            retention: shelf.clone(),
            duties: shelf.clone(),
            clock: Arc::new(FixedClock::at(noon())),
            status: status.clone(),
            policy: RetentionPolicy { size, ..RetentionPolicy::default() },
            pause: Duration::ZERO,
        };
        let turned = keeper.turn(&CancellationToken::new()).await;
        assert_eq!(turned.is_err(), shelf.most_deleted == Some(0), "{turned:?}");
        (shelf, status)
    }

    #[tokio::test]
    async fn a_step_that_is_too_much_is_done_in_smaller_ones() {
        let (shelf, _) = turn(Shelf { most_deleted: Some(1), ..shelf() }, None).await;
        let steps = shelf.steps.lock().unwrap();
        assert_eq!(steps.iter().filter(|stage| **stage == Stage::Deleted).count(), 4, "200, 25, 3, 1");
        assert_eq!(steps.last(), Some(&Stage::Writes));
    }

    #[tokio::test]
    async fn what_cannot_go_keeps_nothing_else() {
        let (shelf, status) = turn(Shelf { most_deleted: Some(0), ..shelf() }, Some(40)).await;
        assert_eq!(shelf.steps.lock().unwrap().last(), Some(&Stage::Events), "it ends when it fits");
        assert_eq!(shelf.events.lock().unwrap().len(), 40);
        assert_eq!(status.follow().borrow()[0].condition, Condition::Ok);
    }

    #[tokio::test]
    async fn without_a_cap_only_the_ages_count() {
        let (shelf, status) = turn(shelf(), None).await;
        assert_eq!(shelf.events.lock().unwrap().len(), 100);
        assert!(status.follow().borrow().is_empty());
    }

    #[tokio::test]
    async fn above_the_cap_the_oldest_go_until_it_fits_and_no_more() {
        let (shelf, status) = turn(shelf(), Some(40)).await;
        let events = shelf.events.lock().unwrap();
        assert_eq!(events.len(), 40);
        assert_eq!(events[0], noon() - DAY * 39);
        assert_eq!(status.follow().borrow()[0].condition, Condition::Ok);
    }

    #[tokio::test]
    async fn what_cannot_be_made_small_enough_is_said() {
        let (shelf, status) = turn(Shelf { fixed: 1000, ..shelf() }, Some(40)).await;
        assert_eq!(shelf.events.lock().unwrap().len(), 8, "a week stays whatever happens");
        assert_eq!(status.follow().borrow()[0].condition, Condition::Degraded);
    }

    #[tokio::test]
    async fn whoever_does_not_have_the_duty_touches_nothing() {
        let (shelf, _) = turn(Shelf { taken: true, ..shelf() }, Some(40)).await;
        assert!(shelf.steps.lock().unwrap().is_empty());
    }
}
