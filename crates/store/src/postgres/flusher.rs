//! Deliveries in group commit: while one batch waits for the database, the next one collects itself.
//!
//! Whoever brought a delivery is told after the commit, never before. When the line breaks while a commit is on its way,
//! nobody knows whether it was done: then a fresh connection is asked for each event, and only those that stand there
//! are acknowledged.

use std::sync::Arc;

use connector_domain::policy::Policy;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::Options;
use super::bell::Bell;
use super::failure::Failure;
use super::inbox::{Offered, accept_all, stored_ones};
use super::pool::Pool;
use super::work::{DEADLINE, Work};
use crate::StoreError;
use crate::inbox::{Accepted, Delivery};

/// A batch is tried so often.
const TRIES: u32 = 4;
/// One try, and with it whatever hangs, ends after so long; the rest of the deadline is for asking what became of it.
const ONE_TRY: std::time::Duration = std::time::Duration::from_millis(1800);

/// Takes deliveries to the database.
pub(super) struct Flusher {
    sender: mpsc::Sender<Waiting>,
    waiting: usize,
}

struct Waiting {
    offered: Offered,
    answer: oneshot::Sender<Result<Accepted, StoreError>>,
}

impl Flusher {
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends when the store is dropped, after what was handed over"
    )]
    pub(super) fn start(pool: Arc<Pool>, bell: Arc<Bell>, options: &Options) -> Self {
        let (sender, receiver) = mpsc::channel(options.waiting.max(1));
        tokio::spawn(run(pool, bell, options.batch.max(1), receiver));
        Self { sender, waiting: options.waiting }
    }

    /// Stores a delivery in the next batch.
    pub(super) async fn accept(
        &self,
        delivery: Delivery,
        policy: Arc<Policy>,
    ) -> Result<Accepted, StoreError> {
        let (answer, result) = oneshot::channel();
        let waiting = Waiting { offered: (delivery, policy), answer };
        self.sender.try_send(waiting).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy(self.waiting),
            mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable("the store is closed".into()),
        })?;
        let told = timeout(DEADLINE, result).await.map_err(|_| Failure::Late("a delivery"))?;
        told.map_err(|_| StoreError::Unavailable("the storing task has ended".into()))?
    }
}

async fn run(pool: Arc<Pool>, bell: Arc<Bell>, most: usize, mut receiver: mpsc::Receiver<Waiting>) {
    let mut waiting = Vec::with_capacity(most);
    while receiver.recv_many(&mut waiting, most).await > 0 {
        // Who was told that it took too long will bring it again.
        waiting.retain(|one| !one.answer.is_closed());
        let (offered, answers): (Vec<Offered>, Vec<_>) =
            waiting.drain(..).map(|one| (one.offered, one.answer)).unzip();
        if offered.is_empty() {
            continue;
        }
        for (answer, result) in answers.into_iter().zip(flush(&pool, &bell, &offered).await) {
            // Whoever asked may have gone away; what was committed stays committed.
            drop(answer.send(result));
        }
    }
}

/// Stores a batch; one that cannot be stored spoils no other.
async fn flush(pool: &Arc<Pool>, bell: &Bell, offered: &[Offered]) -> Vec<Result<Accepted, StoreError>> {
    match together(pool, bell, offered).await {
        Ok(results) => results,
        Err(failure) if failure.is_the_requests_own() && offered.len() > 1 => {
            let mut results = Vec::with_capacity(offered.len());
            for one in offered {
                match together(pool, bell, std::slice::from_ref(one)).await {
                    Ok(stored) => results.extend(stored),
                    Err(failure) => results.push(Err(failure.into())),
                }
            }
            results
        }
        Err(failure) => {
            let error = StoreError::from(failure);
            super::vitals::failed(&error);
            offered.iter().map(|_| Err(error.clone())).collect()
        }
    }
}

async fn together(
    pool: &Arc<Pool>,
    bell: &Bell,
    offered: &[Offered],
) -> Result<Vec<Result<Accepted, StoreError>>, Failure> {
    let mut tries = 1;
    loop {
        let (accepted, failure) = match once(pool, bell, offered).await {
            Ok(accepted) => return Ok(accepted.into_iter().map(Ok).collect()),
            Err(failed) => failed,
        };
        if let (Some(accepted), Failure::Unknown(words)) = (accepted, &failure) {
            connector_faults::sometimes("a commit of unknown outcome");
            return Ok(look_up(pool, offered, accepted, words).await);
        }
        if !failure.is_passing() || tries >= TRIES {
            return Err(failure);
        }
        tracing::debug!("a batch is done again: {failure:?}");
        tries += 1;
    }
}

/// One try. After a failure whose outcome is not known it says what would have become of the deliveries.
async fn once(
    pool: &Arc<Pool>,
    bell: &Bell,
    offered: &[Offered],
) -> Result<Vec<Accepted>, (Option<Vec<Accepted>>, Failure)> {
    let mut accepted = None;
    let trying = async {
        let now = offered[0].0.received_at;
        let work = Work::begin(pool.take().await?, now).await?;
        match accept_all(&work, offered).await {
            Ok(all) => accepted = Some(all),
            Err(failure) => {
                work.undo(&failure).await;
                return Err(failure);
            }
        }
        work.commit(bell).await
    };
    match timeout(ONE_TRY, trying).await {
        Ok(Ok(())) => Ok(accepted.unwrap_or_default()),
        Ok(Err(failure)) => Err((accepted, failure)),
        // When everything was stored but the end, it was the commit that hangs.
        Err(_) if accepted.is_some() => {
            Err((accepted, Failure::Unknown("PostgreSQL did not answer in time".into())))
        }
        Err(_) => Err((None, Failure::Late("a batch of deliveries"))),
    }
}

/// Asks a fresh connection which of the events stand there.
async fn look_up(
    pool: &Arc<Pool>,
    offered: &[Offered],
    accepted: Vec<Accepted>,
    words: &str,
) -> Vec<Result<Accepted, StoreError>> {
    let looking = async { stored_ones(&pool.open().await?, offered).await };
    let stored = match timeout(DEADLINE.saturating_sub(ONE_TRY), looking).await {
        Ok(Ok(stored)) => stored,
        Ok(Err(failure)) => {
            tracing::debug!("it cannot be seen whether a commit was done: {failure:?}");
            std::collections::HashMap::new()
        }
        Err(_) => std::collections::HashMap::new(),
    };
    let unknown = StoreError::from(Failure::Unknown(words.to_owned()));
    let judged = accepted.into_iter().enumerate().map(|(at, accepted)| match (stored.get(&at), accepted) {
        (None, _) => Err(unknown.clone()),
        (Some(job), Accepted::New(mine) | Accepted::Merged(mine)) if *job != Some(mine) => {
            // Another receiver stored it, with its own job.
            Ok(Accepted::Duplicate)
        }
        (Some(_), accepted) => Ok(accepted),
    });
    judged.collect()
}
