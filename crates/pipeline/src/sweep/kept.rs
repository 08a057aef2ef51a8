//! What is kept of sweeps: how far the CRM has been seen, where the running one stands, and how the last one ended.

use std::collections::BTreeMap;

use connector_domain::ids::Entity;
use connector_domain::reason::Reason;
use connector_domain::sweep::Because;
use connector_store::StoreError;
use connector_store::inbox::Accepted;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Asked, Plan};
use crate::ports::Ports;
use crate::setting::{get, put};

const MARKS: &str = "sweep_marks";
pub(super) const RUN: &str = "sweep_run";
const LAST: &str = "sweep_last";

/// How far the CRM has been seen, by its own stamps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// When we began to listen.
    pub installed: Timestamp,
    /// Up to where each kind of record has been seen.
    pub seen: BTreeMap<Entity, Timestamp>,
    /// The kinds that have been read once more since, without a newer change.
    pub quiet: Vec<Entity>,
}

/// A sweep: what it is to do, how far it has come, and what it has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// When it began, by our own clock.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it runs.
    pub why: String,
    /// Whether it only remembers what is there, because we have just begun to listen.
    pub is_first: bool,
    /// What was asked for and is done with it.
    pub asked: Vec<Asked>,
    /// From when, for each kind of record, in the CRM's time. Kinds that are not there are not read.
    pub from: BTreeMap<Entity, Timestamp>,
    /// Until when.
    pub until: Option<Timestamp>,
    /// When the last change had been made as it began, for each kind of record.
    pub newest: BTreeMap<Entity, Timestamp>,
    /// Records that bear a stamp later than can be, the latest of each kind, and up to when stamps are believed.
    #[serde(default)]
    pub ahead: BTreeMap<Entity, Ahead>,
    /// What it is to cost.
    pub plan: Plan,
    /// Behind which number of which kind of record it goes on.
    pub at: Option<(Entity, i64)>,
    /// What it has come to.
    pub tally: Tally,
}

/// A stamp that is later than can be. It is not taken for the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ahead {
    /// The number of the record that bears the latest one.
    pub id: i64,
    /// The latest one.
    pub at: Timestamp,
    /// Up to when stamps were believed.
    pub believed: Timestamp,
}

/// Whether a sweep has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunState {
    /// It is to go on.
    Running,
    /// It has read everything.
    Ended,
}

impl Run {
    /// Whether it has ended.
    pub const fn state(&self) -> RunState {
        if self.ended_at.is_some() { RunState::Ended } else { RunState::Running }
    }
}

/// What a sweep has come to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Calls that were made.
    pub calls: u64,
    /// Records that were read.
    pub records: u64,
    /// Records that were no news, by why.
    pub known: BTreeMap<Because, u64>,
    /// Records that nobody had told us of.
    pub found: u64,
    /// Of these, those that began a job, or joined one.
    pub queued: u64,
    /// Of these, those that need no work, by why.
    pub skipped: BTreeMap<Reason, u64>,
}

impl Tally {
    pub(super) fn known(&mut self, because: Because) {
        *self.known.entry(because).or_default() += 1;
    }

    pub(super) fn found(&mut self, accepted: Accepted) {
        match accepted {
            Accepted::New(_) | Accepted::Merged(_) => {
                self.found += 1;
                self.queued += 1;
            }
            Accepted::Skipped(reason) => {
                self.found += 1;
                *self.skipped.entry(reason).or_default() += 1;
            }
            // It was found before the process died, and is known since.
            Accepted::Duplicate | Accepted::Parked => self.known(Because::Swept),
        }
    }
}

/// Up to when a stamp is believed, by our own clock, which may be wrong itself.
pub(super) fn believable(ports: &Ports) -> Timestamp {
    let now = ports.clock.now();
    now.checked_add(SignedDuration::from_hours(24)).unwrap_or(now)
}

pub(super) async fn marks(ports: &Ports) -> Result<Option<Marks>, StoreError> {
    let mut marks: Option<Marks> = get(ports, MARKS).await?;
    let latest = believable(ports);
    for seen in marks.iter_mut().flat_map(|marks| marks.seen.values_mut()).filter(|seen| **seen > latest) {
        // What was changed since is not known to have been seen, so everything is looked at once more.
        *seen = Timestamp::UNIX_EPOCH;
    }
    Ok(marks)
}

/// The sweep that is to go on, if there is one.
pub async fn kept_run(ports: &Ports) -> Result<Option<Run>, StoreError> {
    readable(ports, RUN).await
}

/// The last sweep that ended.
pub async fn last_run(ports: &Ports) -> Result<Option<Run>, StoreError> {
    readable(ports, LAST).await
}

/// A run, unless another version of the program kept it in a way that cannot be read: then it is as if there were none.
async fn readable(ports: &Ports, key: &str) -> Result<Option<Run>, StoreError> {
    match get(ports, key).await {
        Err(StoreError::Inconsistent(words)) => {
            tracing::warn!("what is kept of a sweep cannot be read, so it counts for nothing: {words}");
            Ok(None)
        }
        kept => kept,
    }
}

pub(super) async fn keep_end(ports: &Ports, run: &Run, marks: &Marks) -> Result<(), StoreError> {
    // In this order: whoever dies in between ends it once more, and whoever sees it ended sees none that runs.
    put(ports, MARKS, marks).await?;
    put(ports, RUN, &None::<Run>).await?;
    put(ports, LAST, run).await
}
