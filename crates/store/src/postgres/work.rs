//! One request in one transaction: run whole, again from its beginning when that can help, and answered after its commit.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{sleep, timeout};
use tokio_postgres::Row;

use super::bell::Bell;
use super::connection::Value;
use super::failure::Failure;
use super::frame::Time;
use super::pool::{Held, Pool};
use super::rows::millis;
use super::vitals;
use crate::StoreError;

/// Everything that one request does takes no longer than this, so that SuperOffice is told before it gives up.
pub(super) const DEADLINE: Duration = Duration::from_millis(2500);
/// How often a request is tried, and how long to wait before the second try; each further one waits twice as long.
pub(super) const TRIES: u32 = 6;
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(10);

/// What a request does.
pub(super) type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'a>>;

/// A transaction in progress.
pub(super) struct Work {
    held: Held,
    /// The time that counts.
    now: Timestamp,
    /// What has to be added to the caller's times.
    shift: SignedDuration,
    failed: AtomicBool,
    queue: AtomicBool,
    view: AtomicBool,
}

impl Work {
    /// Begins; `now` is the caller's time.
    pub(super) async fn begin(held: Held, now: Timestamp) -> Result<Self, Failure> {
        let told = match &held.frame.time {
            Time::Caller => {
                held.simple("BEGIN").await?;
                now
            }
            Time::Database(_) => {
                let sql = "BEGIN; SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
                let text = held.simple(sql).await?.unwrap_or_default();
                let millis = text.parse().ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
                millis.ok_or_else(|| Failure::Strange(format!("the database's clock says {text}")))?
            }
        };
        let shift = told.duration_since(now);
        let no = || AtomicBool::new(false);
        Ok(Self { held, now: told, shift, failed: no(), queue: no(), view: no() })
    }

    /// Now, as the database counts it.
    pub(super) fn now(&self) -> i64 {
        millis(self.now)
    }

    /// A moment of the caller's, as the database counts it.
    pub(super) fn at(&self, moment: Timestamp) -> i64 {
        millis(moment.checked_add(self.shift).unwrap_or(moment))
    }

    /// A moment of the database's, as the caller counts it.
    pub(super) fn told(&self, millis: i64) -> Result<Timestamp, Failure> {
        let moment = Timestamp::from_millisecond(millis).and_then(|moment| moment.checked_sub(self.shift));
        moment.map_err(|error| Failure::Strange(error.to_string()))
    }

    /// There may be something to lease.
    pub(super) fn ring(&self) {
        self.queue.store(true, Ordering::Relaxed);
        self.show();
    }

    /// A page would show it.
    pub(super) fn show(&self) {
        self.view.store(true, Ordering::Relaxed);
    }

    pub(super) async fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Failure> {
        self.noting(self.held.rows(sql, values).await)
    }

    pub(super) async fn row(&self, sql: &str, values: &[Value<'_>]) -> Result<Option<Row>, Failure> {
        self.noting(self.held.row(sql, values).await)
    }

    pub(super) async fn one(&self, sql: &str, values: &[Value<'_>]) -> Result<Row, Failure> {
        self.noting(self.held.one(sql, values).await)
    }

    pub(super) async fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<u64, Failure> {
        self.noting(self.held.execute(sql, values).await)
    }

    /// What failed must not be committed: PostgreSQL would answer such a commit without complaint, and undo everything.
    fn noting<T>(&self, result: Result<T, Failure>) -> Result<T, Failure> {
        if result.is_err() {
            self.failed.store(true, Ordering::Relaxed);
        }
        result
    }

    /// How far the database's clock is ahead of the process's, for what is read.
    pub(super) fn ahead(&self) -> i64 {
        self.held.frame.ahead()
    }

    /// The latest that the database's clock can have said at a moment of the caller's, however long ago that is.
    pub(super) fn latest(&self, moment: Timestamp) -> i64 {
        self.held.frame.latest(moment)
    }

    /// Whose clock counts.
    pub(super) fn time(&self) -> &Time {
        &self.held.frame.time
    }

    /// Commits, and tells everybody whom it concerns, in this process and in the others.
    pub(super) async fn commit(self, bell: &Bell) -> Result<(), Failure> {
        if self.failed.load(Ordering::Relaxed) {
            return Err(Failure::Strange("a request passed over a statement that failed".into()));
        }
        let (queue, view) = (self.queue.load(Ordering::Relaxed), self.view.load(Ordering::Relaxed));
        if queue || view {
            let (channel, news) = (bell.channel(), bell.news(queue, view));
            self.held.execute("SELECT pg_notify($1, $2)", &[&channel, &news]).await?;
        }
        connector_faults::sometimes("a commit on PostgreSQL");
        let began = std::time::Instant::now();
        match self.held.simple("COMMIT").await {
            Ok(_) => vitals::committed(began.elapsed()),
            Err(failure) if failure.is_surely_undone() => return Err(failure),
            Err(failure) => return Err(Failure::Unknown(StoreError::from(failure).to_string())),
        }
        self.held.give_back();
        bell.ring(queue, view);
        Ok(())
    }

    /// Undoes everything. The connection is closed when it is not known to be good.
    pub(super) async fn undo(self, failure: &Failure) {
        if failure.spares_the_connection() && self.held.simple("ROLLBACK").await.is_ok() {
            self.held.give_back();
        }
    }
}

/// Runs a request in a transaction, again from its beginning when somebody else was in the way.
pub(super) async fn write<A, T, F>(
    pool: &Arc<Pool>,
    bell: &Bell,
    now: Timestamp,
    with: A,
    run: F,
) -> Result<T, StoreError>
where
    A: Send + Sync,
    T: Send,
    F: for<'a> Fn(&'a Work, &'a A) -> Doing<'a, T> + Send + Sync,
{
    let all = async {
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        loop {
            match once(pool, bell, now, &with, &run).await {
                Ok(value) => return Ok(value),
                Err(failure) if failure.is_passing() && tries < TRIES => {
                    connector_faults::sometimes("a request on PostgreSQL was done again");
                    tracing::debug!("a request is done again: {failure:?}");
                    sleep(wait).await;
                    tries += 1;
                    wait *= 2;
                }
                Err(failure) => return Err(StoreError::from(failure)),
            }
        }
    };
    let done = timeout(DEADLINE, all)
        .await
        .unwrap_or_else(|_| Err(Failure::Late("a request took longer than it may").into()));
    done.inspect_err(vitals::failed)
}

async fn once<A, T, F>(pool: &Arc<Pool>, bell: &Bell, now: Timestamp, with: &A, run: &F) -> Result<T, Failure>
where
    F: for<'a> Fn(&'a Work, &'a A) -> Doing<'a, T> + Send + Sync,
{
    let work = Work::begin(pool.take().await?, now).await?;
    match run(&work, with).await {
        Ok(value) => work.commit(bell).await.map(|()| value),
        Err(failure) => {
            work.undo(&failure).await;
            Err(failure)
        }
    }
}

/// Runs queries. All of them see the same moment when `together` is asked for.
pub(super) async fn read<A, T, F>(pool: &Arc<Pool>, together: bool, with: A, run: F) -> Result<T, StoreError>
where
    A: Send + Sync,
    T: Send,
    F: for<'a> Fn(&'a Held, &'a A) -> Doing<'a, T> + Send + Sync,
{
    let all = async {
        let mut wait = FIRST_WAIT;
        let mut tries = 1;
        loop {
            let attempt = async {
                let held = pool.take().await?;
                if together {
                    held.simple("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                }
                let value = run(&held, &with).await?;
                if together {
                    held.simple("COMMIT").await?;
                }
                held.give_back();
                Ok(value)
            };
            match attempt.await {
                Ok(value) => return Ok(value),
                Err(failure) if Failure::is_passing(&failure) && tries < TRIES => {
                    sleep(wait).await;
                    tries += 1;
                    wait *= 2;
                }
                Err(failure) => return Err(StoreError::from(failure)),
            }
        }
    };
    timeout(DEADLINE, all)
        .await
        .unwrap_or_else(|_| Err(Failure::Late("a query took longer than it may").into()))
}
