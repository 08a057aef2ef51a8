//! The one writer: a thread that owns the connection and commits many requests at once.
//!
//! While one commit waits for the disk, the next batch collects itself, so nobody waits on purpose. Requests are
//! answered after the commit, never before. After any storage error the connection is thrown away and everything that
//! shared its batch is told so; a fresh connection must prove itself before anything is acknowledged again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_faults::{Point, reach};
use rusqlite::{Connection, ErrorCode};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use super::checkpoint::Checkpoint;
use super::inline::Inline;
use super::log::{self, Extent};
use super::readers::Idle;
use super::{Options, Synchronous, connection, vitals};
use crate::StoreError;

/// How soon after a failure a fresh connection is tried.
const PAUSE: Duration = Duration::from_millis(100);
/// A failure this long after the last one stands alone.
const FORGET_AFTER: Duration = Duration::from_secs(10);
/// After so long without a single commit, a fresh start of the process is the best that is left to try.
const GIVE_UP_AFTER: Duration = Duration::from_mins(1);

/// What a request changed, so that the right ones are woken after the commit.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Touched {
    /// There may be something to lease.
    pub(super) queue: bool,
    /// A page would show it.
    pub(super) view: bool,
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// A request that waits for its commit. It may be run again when a neighbour spoils the batch.
trait Command: Send {
    fn run(&mut self, connection: &Connection, touched: &mut Touched) -> rusqlite::Result<()>;
    fn answer(self: Box<Self>, failure: Option<StoreError>);
}

struct Call<T, F> {
    run: F,
    value: Option<T>,
    answer: Answer<T>,
}

impl<T: Send, F> Command for Call<T, F>
where
    F: FnMut(&Connection, &mut Touched) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, connection: &Connection, touched: &mut Touched) -> rusqlite::Result<()> {
        self.value = Some((self.run)(connection, touched)?);
        Ok(())
    }

    fn answer(self: Box<Self>, failure: Option<StoreError>) {
        let result = match (failure, self.value) {
            (Some(failure), _) => Err(failure),
            (None, Some(value)) => Ok(value),
            (None, None) => Err(StoreError::Unavailable("the request was not run".into())),
        };
        // Whoever asked may have gone away; what was committed stays committed.
        drop(self.answer.send(result));
    }
}

/// Takes requests that write.
pub(super) enum Writer {
    /// To the writing thread.
    Batched(Batched),
    /// At once, on the calling task.
    Inline(Inline),
}

impl Writer {
    pub(super) fn start(
        path: &Path,
        first: Connection,
        options: &Options,
        idle: Arc<Idle>,
        wake: Arc<Notify>,
        changes: watch::Sender<u64>,
    ) -> Result<Self, StoreError> {
        Batched::start(path, first, options, idle, wake, changes).map(Self::Batched)
    }

    /// Runs a request in a transaction and returns its value once that is committed.
    pub(super) async fn call<T, F>(&self, run: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut Touched) -> rusqlite::Result<T> + Send + 'static,
    {
        match self {
            Self::Batched(batched) => batched.call(run).await,
            Self::Inline(inline) => inline.write(run).await,
        }
    }

    pub(super) fn given_up(&self) -> watch::Receiver<bool> {
        match self {
            Self::Batched(batched) => batched.given_up.clone(),
            Self::Inline(_) => watch::channel(false).1,
        }
    }
}

/// Hands requests to the writing thread.
pub(super) struct Batched {
    /// `None` only while it is being closed.
    sender: Option<mpsc::Sender<Box<dyn Command>>>,
    thread: Option<std::thread::JoinHandle<()>>,
    waiting: usize,
    given_up: watch::Receiver<bool>,
}

/// Closing waits for what was handed over, so that nothing is cut off and one tidy file is left.
impl Drop for Batched {
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writing thread ended in a panic");
        }
    }
}

impl Batched {
    fn start(
        path: &Path,
        first: Connection,
        options: &Options,
        idle: Arc<Idle>,
        wake: Arc<Notify>,
        changes: watch::Sender<u64>,
    ) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(options.waiting);
        let (gave_up, given_up) = watch::channel(false);
        let unusable = |error: rusqlite::Error| {
            StoreError::Unusable(format!("the database {} cannot be used: {error}", path.display()))
        };
        let anchor = connection::open_anchor(path).map_err(unusable)?;
        // Only when somebody else has it open beside us something counts as copied already.
        let in_doubt = Extent::of(&first).map_err(unusable)?.copied > 0;
        let checkpoint = Checkpoint::start(path, options.log_pages, in_doubt).map_err(|error| {
            StoreError::Unusable(format!("the copying thread cannot be started: {error}"))
        })?;
        let writing = Thread {
            path: path.to_owned(),
            synchronous: options.synchronous,
            batch: options.batch.max(1),
            connection: Some(first),
            anchor: Some(anchor),
            failing_since: None,
            checkpoint: Arc::new(checkpoint),
            idle,
            last_try: None,
            wake,
            changes,
            gave_up,
        };
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || writing.run(receiver))
            .map_err(|error| {
                StoreError::Unusable(format!("the writing thread cannot be started: {error}"))
            })?;
        Ok(Self { sender: Some(sender), thread: Some(thread), waiting: options.waiting, given_up })
    }

    /// Runs a request in the next batch and returns its value once that is on disk.
    async fn call<T, F>(&self, run: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnMut(&Connection, &mut Touched) -> rusqlite::Result<T> + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        let call = Box::new(Call { run, value: None, answer });
        let closed = || StoreError::Unavailable("the store is closed".into());
        let sender = self.sender.as_ref().ok_or_else(closed)?;
        sender.try_send(call).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy(self.waiting),
            mpsc::error::TrySendError::Closed(_) => closed(),
        })?;
        result.await.map_err(|_| StoreError::Unavailable("the writing thread has ended".into()))?
    }
}

struct Thread {
    path: PathBuf,
    synchronous: Synchronous,
    batch: usize,
    connection: Option<Connection>,
    /// Does nothing but be there. Without it SQLite would read the log anew, and take for committed what failed.
    anchor: Option<Connection>,
    /// Since when nothing has been committed, and when that was last noticed.
    failing_since: Option<(Instant, Instant)>,
    /// When a connection was last tried, and what it failed with: told again until the next try.
    last_try: Option<(Instant, StoreError)>,
    checkpoint: Arc<Checkpoint>,
    idle: Arc<Idle>,
    wake: Arc<Notify>,
    changes: watch::Sender<u64>,
    gave_up: watch::Sender<bool>,
}

impl Thread {
    fn run(mut self, mut receiver: mpsc::Receiver<Box<dyn Command>>) {
        let mut batch: Vec<Box<dyn Command>> = Vec::with_capacity(self.batch);
        while receiver.blocking_recv_many(&mut batch, self.batch) > 0 {
            match self.commit(&mut batch) {
                Ok(()) => {}
                Err(error) => self.fail(&error, &mut batch),
            }
        }
        if let Some(connection) = self.connection.take() {
            reach(Point::WriterEnding);
            // Leaves one file instead of three when the program ends in peace; the next start does it otherwise.
            self.checkpoint.last(&connection);
            reach(Point::WriterEnded);
        }
    }

    /// Commits the whole batch and answers it. On a storage error nothing is answered yet.
    fn commit(&mut self, batch: &mut Vec<Box<dyn Command>>) -> Result<(), StoreError> {
        self.connect()?;
        self.renew_if_asked()?;
        let Some(connection) = &self.connection else {
            return Err(StoreError::Unavailable("no connection".into()));
        };
        self.checkpoint.restart_if_asked(connection);
        reach(Point::BatchCollected);
        match together(connection, batch) {
            Ok(touched) => {
                self.succeeded(touched);
                self.checkpoint.committed(batch.len() as u64);
                reach(Point::BatchToldOf);
                for command in batch.drain(..) {
                    command.answer(None);
                    reach(Point::RequestAnswered);
                }
                reach(Point::BatchAnswered);
                Ok(())
            }
            Err(Spoilt::Storage(error)) => Err(as_store_error(&error)),
            Err(Spoilt::Request) => self.one_by_one(batch),
        }
    }

    /// Gives each request a transaction of its own, so that the one that cannot be done spoils no other.
    fn one_by_one(&mut self, batch: &mut Vec<Box<dyn Command>>) -> Result<(), StoreError> {
        while !batch.is_empty() {
            let mut command = batch.remove(0);
            let Some(connection) = &self.connection else {
                batch.insert(0, command);
                return Err(StoreError::Unavailable("no connection".into()));
            };
            match alone(connection, &mut command) {
                Ok(touched) => {
                    self.succeeded(touched);
                    command.answer(None);
                }
                Err(error) if is_storage(&error) => {
                    batch.insert(0, command);
                    return Err(as_store_error(&error));
                }
                Err(error) => {
                    tracing::error!("a storage request cannot be done: {error}");
                    command.answer(Some(StoreError::Inconsistent(error.to_string())));
                }
            }
        }
        Ok(())
    }

    fn succeeded(&mut self, touched: Touched) {
        self.failing_since = None;
        if touched.queue {
            self.wake.notify_one();
        }
        if touched.view {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    /// Throws the connection away and tells everybody in the batch.
    fn fail(&mut self, error: &StoreError, batch: &mut Vec<Box<dyn Command>>) {
        vitals::failed(error);
        if self.connection.take().is_some() {
            self.last_try = Some((Instant::now(), error.clone()));
            tracing::error!("the database failed, its connection is thrown away: {error}");
        }
        if matches!(error, StoreError::Full) {
            // A fresh start makes no space; waiting for some is all that is left.
            self.failing_since = None;
        } else {
            // A failure an hour after another one, with nothing in between, is not an hour of failing.
            let now = Instant::now();
            let recent = self.failing_since.filter(|(_, last)| now.duration_since(*last) < FORGET_AFTER);
            let since = recent.map_or(now, |(since, _)| since);
            self.failing_since = Some((since, now));
            if now.duration_since(since) > GIVE_UP_AFTER {
                self.gave_up.send_replace(true);
            }
        }
        for command in batch.drain(..) {
            command.answer(Some(error.clone()));
        }
    }

    /// Makes sure that there is a connection, and that a fresh one can commit.
    fn connect(&mut self) -> Result<(), StoreError> {
        if self.connection.is_some() {
            return Ok(());
        }
        if let Some((at, failure)) = &self.last_try
            && at.elapsed() < PAUSE
        {
            return Err(failure.clone());
        }
        self.open()?;
        tracing::info!("the database takes writes again");
        Ok(())
    }

    /// Opens a connection and proves that it can commit.
    fn open(&mut self) -> Result<(), StoreError> {
        let opened = self.opened().map_err(|error| as_store_error(&error));
        self.connection = opened.inspect_err(|failure| {
            self.last_try = Some((Instant::now(), failure.clone()));
        })?;
        Ok(())
    }

    fn opened(&mut self) -> rusqlite::Result<Option<Connection>> {
        // Whoever opens it first must be able to write, or nobody is until all are closed again.
        let idle = Arc::clone(&self.idle);
        let _closed = self.anchor.is_none().then(|| idle.close_all());
        let fresh = connection::reopen_writer(&self.path, self.synchronous)?;
        if self.anchor.is_none() {
            log::write_anew(&fresh, &self.path)?;
            self.anchor = Some(connection::open_anchor(&self.path)?);
        }
        connection::prove(&fresh)?;
        Ok(Some(fresh))
    }

    /// Closes every connection and opens the database anew when the disk has refused to keep what was copied into it, so
    /// that the whole log is copied again. Nothing that failed is in the log, since the connection has committed after it.
    fn renew_if_asked(&mut self) -> Result<(), StoreError> {
        let checkpoint = Arc::clone(&self.checkpoint);
        let Some(mut copying) = checkpoint.renewal() else { return Ok(()) };
        copying.close();
        (self.connection, self.anchor) = (None, None);
        self.open()?;
        let Some(connection) = &self.connection else { return Ok(()) };
        match Extent::of(connection).map_err(|error| as_store_error(&error))?.copied {
            0 => copying.trust(),
            _ => {
                tracing::warn!("another process has the database open, so that it cannot be opened anew yet");
            }
        }
        Ok(())
    }
}

enum Spoilt {
    /// The database is in trouble.
    Storage(rusqlite::Error),
    /// One request cannot be done; the others can.
    Request,
}

fn together(connection: &Connection, batch: &mut [Box<dyn Command>]) -> Result<Touched, Spoilt> {
    let mut touched = Touched::default();
    begin(connection).map_err(Spoilt::Storage)?;
    reach(Point::BatchBegun);
    for command in batch {
        match command.run(connection, &mut touched) {
            Ok(()) => reach(Point::RequestRun),
            Err(error) if is_storage(&error) => return Err(Spoilt::Storage(error)),
            Err(_) => {
                rollback(connection).map_err(Spoilt::Storage)?;
                return Err(Spoilt::Request);
            }
        }
    }
    reach(Point::BatchRun);
    commit(connection).map_err(Spoilt::Storage)?;
    reach(Point::BatchCommitted);
    Ok(touched)
}

fn alone(connection: &Connection, command: &mut Box<dyn Command>) -> rusqlite::Result<Touched> {
    let mut touched = Touched::default();
    begin(connection)?;
    match command.run(connection, &mut touched) {
        Ok(()) => commit(connection).map(|()| touched),
        Err(error) if is_storage(&error) => Err(error),
        Err(error) => rollback(connection).and(Err(error)),
    }
}

pub(super) fn begin(connection: &Connection) -> rusqlite::Result<()> {
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)
}

pub(super) fn commit(connection: &Connection) -> rusqlite::Result<()> {
    let began = Instant::now();
    connection.prepare_cached("COMMIT")?.execute([])?;
    vitals::committed(began.elapsed());
    Ok(())
}

pub(super) fn rollback(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("ROLLBACK")
}

/// Whether an error speaks of the database rather than of the request.
fn is_storage(error: &rusqlite::Error) -> bool {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch
            | ErrorCode::ParameterOutOfRange
            | ErrorCode::TooBig,
        ) => false,
        Some(_) => true,
        None => false,
    }
}

pub(super) fn as_store_error(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Unusable(format!("the database is damaged: {error}"))
        }
        Some(_) => StoreError::Unavailable(error.to_string()),
        None => StoreError::Inconsistent(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(path: &Path) -> Writer {
        let first = connection::open_writer(path, Synchronous::Full).unwrap();
        let (changes, _) = watch::channel(0);
        Writer::start(path, first, &Options::default(), Arc::default(), Arc::new(Notify::new()), changes)
            .unwrap()
    }

    fn put(key: &'static str) -> impl FnMut(&Connection, &mut Touched) -> rusqlite::Result<()> + Send {
        move |connection, _| {
            connection
                .execute("INSERT INTO settings (tenant, key, value, at) VALUES ('t', ?1, '1', 0)", [key])
                .map(drop)
        }
    }

    #[tokio::test]
    async fn a_request_that_cannot_be_done_spoils_no_other_in_its_batch() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder.path().join("store.db"));
        writer.call(put("a")).await.unwrap();
        let (bad, good) = tokio::join!(writer.call(put("a")), writer.call(put("b")));
        assert!(matches!(bad, Err(StoreError::Inconsistent(_))), "{bad:?}");
        good.unwrap();
    }

    #[tokio::test]
    async fn after_an_unreadable_file_comes_back_writes_go_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let writer = writer(&path);
        let spoil = |_: &Connection, _: &mut Touched| -> rusqlite::Result<()> {
            Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR),
                Some("injected".into()),
            ))
        };
        let failed = writer.call(spoil).await;
        assert!(matches!(failed, Err(StoreError::Unavailable(_))), "{failed:?}");
        let soon = writer.call(put("soon")).await;
        assert!(soon.is_err(), "a fresh connection is not tried at once");
        tokio::time::sleep(PAUSE * 2).await;
        writer.call(put("later")).await.unwrap();
    }
}
