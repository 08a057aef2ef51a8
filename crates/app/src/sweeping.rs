//! The sweeper as the server and the commands know it.

use std::sync::Arc;

use async_trait::async_trait;
use connector_pipeline::sweep::{
    self, Asked, BY_HAND, SweepError, Window, check, kept_run, last_run, waiting,
};
use connector_pipeline::{Sweeper, discovery};
use connector_server::{Coverage, Gone, NotTold, Since, Sweeps};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// Answers with what the sweeper finds.
pub(crate) struct Sweeping {
    sweeper: Arc<Sweeper>,
    /// Whether nobody else sweeps, so that what is asked for is done here.
    alone: bool,
    /// The last answers.
    covered: std::sync::Mutex<Vec<Covered>>,
    /// Whoever asks SuperOffice does so alone.
    asking: Mutex<()>,
}

/// So many answers are kept.
const MOST_COVERED: usize = 16;

/// An answer that may do for a while.
struct Covered {
    asked: (Since, Option<Timestamp>),
    at: Timestamp,
    coverage: Coverage,
}

impl Sweeping {
    /// For a process whose own schedule does what is asked for.
    pub(crate) fn beside_the_service(sweeper: Arc<Sweeper>) -> Self {
        Self { sweeper, alone: false, covered: std::sync::Mutex::default(), asking: Mutex::default() }
    }

    /// For a process without a schedule: what is asked for is done at once.
    pub(crate) fn alone(sweeper: Arc<Sweeper>) -> Self {
        Self { sweeper, alone: true, covered: std::sync::Mutex::default(), asking: Mutex::default() }
    }

    /// A moment, by the CRM's clock: "now" is when something was changed last.
    async fn moment(&self, since: Since) -> Result<Timestamp, NotTold> {
        match since {
            Since::At(at) => Ok(at),
            Since::Ago(ago) => {
                let newest = self.sweeper.newest().await.map_err(not_told)?;
                Ok(newest.and_then(|newest| newest.checked_sub(ago).ok()).unwrap_or(Timestamp::UNIX_EPOCH))
            }
        }
    }

    /// A command has not looked at the tenant yet.
    async fn knows_the_tenant(&self) -> Result<(), NotTold> {
        let ports = self.sweeper.ports();
        if self.alone && !ports.discovered.is_complete() {
            discovery::discover(ports).await.map_err(|error| not_told(error.into()))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Sweeps for Sweeping {
    async fn ask(&self, since: Option<Since>, until: Option<Timestamp>) -> Result<(), NotTold> {
        self.knows_the_tenant().await?;
        let ports = self.sweeper.ports();
        let asked = match since {
            Some(since) => {
                let asked = Asked { from: self.moment(since).await?, until, why: BY_HAND.to_owned() };
                sweep::ask(ports, asked).await
            }
            None => sweep::ask_since_the_last(ports).await,
        };
        asked.map_err(|error| not_told(error.into()))?;
        if self.alone {
            match self.sweeper.sweep_what_waits(&|_| {}).await {
                // Whoever sweeps goes on with what was asked for.
                Ok(_) | Err(SweepError::Busy) => {}
                Err(error) => return Err(not_told(error)),
            }
        }
        Ok(())
    }

    async fn plan(&self, since: Option<Since>) -> Result<Value, NotTold> {
        self.knows_the_tenant().await?;
        let from = match since {
            Some(since) => Some(self.moment(since).await?),
            None => None,
        };
        let plan = self.sweeper.plan(from).await.map_err(not_told)?;
        Ok(json!({"from": from, "calls": plan.calls, "parts": plan.parts}))
    }

    async fn state(&self) -> Result<Value, NotTold> {
        let ports = self.sweeper.ports();
        let failed = |error: connector_store::StoreError| not_told(error.into());
        let running = kept_run(ports).await.map_err(failed)?;
        let last = last_run(ports).await.map_err(failed)?;
        Ok(json!({"running": running, "last": last, "waiting": waiting(ports).await.map_err(failed)?}))
    }

    async fn coverage(
        &self,
        since: Since,
        until: Option<Timestamp>,
        at_most: SignedDuration,
    ) -> Result<Coverage, NotTold> {
        if let Some(lately) = self.lately((since, until), at_most) {
            return Ok(lately);
        }
        // Whoever asks the same meanwhile waits for the same answer.
        let _alone = self.asking.lock().await;
        if let Some(lately) = self.lately((since, until), at_most) {
            return Ok(lately);
        }
        let coverage = self.ask_coverage(since, until).await?;
        let at = self.sweeper.ports().clock.now();
        let mut kept = self.kept();
        kept.retain(|known| known.asked != (since, until));
        if kept.len() >= MOST_COVERED {
            kept.remove(0);
        }
        kept.push(Covered { asked: (since, until), at, coverage: coverage.clone() });
        Ok(coverage)
    }
}

impl Sweeping {
    fn lately(&self, asked: (Since, Option<Timestamp>), at_most: SignedDuration) -> Option<Coverage> {
        let now = self.sweeper.ports().clock.now();
        let is_good = |known: &&Covered| known.asked == asked && now.duration_since(known.at).abs() < at_most;
        self.kept().iter().find(is_good).map(|known| known.coverage.clone())
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Covered>> {
        self.covered.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Sweeping {
    async fn ask_coverage(&self, since: Since, until: Option<Timestamp>) -> Result<Coverage, NotTold> {
        self.knows_the_tenant().await?;
        let from = self.moment(since).await?;
        let window = Window { from, until };
        let checked = check(&self.sweeper, window).await.map_err(not_told)?;
        let unexplained = checked.unexplained.into_iter().map(|gone| Gone {
            entity: gone.record.entity,
            entity_id: gone.record.id,
            account_id: gone.account,
            updated_at: gone.updated_at,
            by: gone.by,
        });
        Ok(Coverage {
            from: checked.from,
            until,
            is_cut: checked.from > from,
            changes: checked.changes,
            classes: checked.classes,
            reasons: checked.reasons,
            unexplained: unexplained.collect(),
            calls: checked.calls,
        })
    }
}

fn not_told(error: SweepError) -> NotTold {
    match error {
        SweepError::Crm(error) => NotTold::Crm { words: error.words, help: error.help.to_owned() },
        SweepError::Store(error) => NotTold::Store(error.to_string()),
        SweepError::Busy => NotTold::Store("another process sweeps just now".to_owned()),
    }
}
