//! Lets go of what is old, in steps so small that nobody waits for them.

use async_trait::async_trait;
use connector_domain::retention::Cuts;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::StoreError;

/// Where a pass goes on. A pass begins at the default and goes through everything in the order of its numbers, oldest
/// first, so that it needs no index of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// What is looked at.
    pub stage: Stage,
    /// The last row that was looked at.
    pub after: i64,
}

/// What a pass looks at, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// Records that are deleted in the CRM.
    #[default]
    Deleted,
    /// Bodies of events.
    Bodies,
    /// Events.
    Events,
    /// Jobs with their steps.
    Jobs,
    /// Writes.
    Writes,
}

impl Stage {
    /// What comes next.
    pub const fn next(self) -> Option<Self> {
        match self {
            Self::Deleted => Some(Self::Bodies),
            Self::Bodies => Some(Self::Events),
            Self::Events => Some(Self::Jobs),
            Self::Jobs => Some(Self::Writes),
            Self::Writes => None,
        }
    }
}

/// How much has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Removed {
    /// Records that were deleted in the CRM.
    pub records: u64,
    /// Bodies of events that stay.
    pub bodies: u64,
    /// Events.
    pub events: u64,
    /// Jobs.
    pub jobs: u64,
    /// Steps of jobs.
    pub steps: u64,
    /// Writes, whatever came of them.
    pub writes: u64,
    /// Those of them that were done.
    pub writes_done: u64,
}

impl Removed {
    /// Whether nothing has gone.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for Removed {
    fn add_assign(&mut self, more: Self) {
        self.records += more.records;
        self.bodies += more.bodies;
        self.events += more.events;
        self.jobs += more.jobs;
        self.steps += more.steps;
        self.writes += more.writes;
        self.writes_done += more.writes_done;
    }
}

/// What one step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// What has gone.
    pub removed: Removed,
    /// Where to go on; `None` when the pass is over.
    pub next: Option<Place>,
}

/// Lets go of what is old.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Looks at up to `most` rows from `from` on and lets go of those that are old enough, in one transaction.
    ///
    /// Never goes: a job that has not ended or is held for its record, what belongs to it, an intent of which nothing is
    /// known, the newest job of a record, and the newest write of each field of a record, which tells our words from a
    /// person's. All of that goes too when the record was found deleted before [`Cuts::deleted`] and nothing was asked
    /// for since. A company goes with its persons, in as many steps as that takes.
    ///
    /// # Errors
    ///
    /// Nothing of this step has gone then.
    async fn prune(
        &self,
        cuts: &Cuts,
        from: Place,
        most: usize,
        now: Timestamp,
    ) -> Result<Pruned, StoreError>;

    /// How much has gone since the database was made, so that what is counted from the beginning stays true.
    async fn removed(&self) -> Result<Removed, StoreError>;

    /// How many bytes of the database are in use. Room that became free is used again before the file grows.
    async fn used(&self) -> Result<u64, StoreError>;
}
