//! A job: the work that events about one record ask for, and the states it goes through.
//!
//! A transition is a value that the store applies in one transaction; whether it is allowed is decided here.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::ids::{ContactId, JobId, RecordRef, TenantId};
use crate::reason::Reason;

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JobState {
    /// Waits for a worker, for the first time or again.
    Pending,
    /// A worker is at it.
    Processing,
    /// Something was written.
    Completed,
    /// Nothing had to be written, for a reason.
    Skipped,
    /// Something would be written but must not be yet, for a reason.
    Held,
    /// It gave up, with an error and its remedy.
    Failed,
}

impl JobState {
    /// Every state, in the order of a job's life.
    pub const ALL: &'static [Self] =
        &[Self::Pending, Self::Processing, Self::Completed, Self::Skipped, Self::Held, Self::Failed];

    /// The word in the API, in `--json` and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Processing => "PROCESSING",
            Self::Completed => "COMPLETED",
            Self::Skipped => "SKIPPED",
            Self::Held => "HELD",
            Self::Failed => "FAILED",
        }
    }

    /// The word for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Pending => "Queued",
            Self::Processing => "Running",
            Self::Completed => "Completed",
            Self::Skipped => "Skipped",
            Self::Held => "Held",
            Self::Failed => "Failed",
        }
    }

    /// Reads the word of the API, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str().eq_ignore_ascii_case(word))
    }

    /// Whether the job has ended.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Processing => false,
            Self::Completed | Self::Skipped | Self::Held | Self::Failed => true,
        }
    }

    /// Whether a person may ask for another try.
    pub const fn can_be_retried(self) -> bool {
        match self {
            Self::Pending | Self::Processing => false,
            Self::Completed | Self::Skipped | Self::Held | Self::Failed => true,
        }
    }
}

impl fmt::Display for JobState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The work on one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// The customer database.
    pub tenant: TenantId,
    /// The record it is about.
    pub record: RecordRef,
    /// The account the record belongs to, once known.
    pub account: Option<ContactId>,
    /// Whether one of its events created the record.
    pub created: bool,
    /// Where it stands.
    pub state: JobState,
    /// Why, when it was skipped or held.
    pub reason: Option<Reason>,
    /// How it ended, in words; or what the last attempt failed with.
    pub words: Option<String>,
    /// What to do about a failure.
    pub remedy: Option<String>,
    /// How many attempts were begun.
    pub attempts: u32,
    /// How many of them failed for a cause of the job's own.
    pub faults: u32,
    /// How many of them ended with the death of the worker.
    pub crashes: u32,
    /// How many events it stands for.
    pub events: u32,
    /// When its first event arrived.
    pub created_at: Timestamp,
    /// When it may be taken.
    pub run_at: Timestamp,
    /// When a worker last took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// How an attempt at a job ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settlement {
    /// Something was written.
    Completed {
        /// What, in words.
        words: String,
    },
    /// Nothing had to be written.
    Skipped {
        /// Why.
        reason: Reason,
        /// The particulars, in words.
        words: String,
    },
    /// Something would be written but must not be yet.
    Held {
        /// Why.
        reason: Reason,
        /// The particulars, in words.
        words: String,
    },
    /// It is tried again.
    Again {
        /// Not before then.
        at: Timestamp,
        /// What it failed with.
        error: String,
        /// Whether this attempt counts against the job. An outage of something else does not.
        counts: bool,
    },
    /// It gives up.
    Failed {
        /// What it failed with.
        error: String,
        /// What a person can do about it.
        remedy: String,
        /// What failures of the same cause have in common.
        fingerprint: Fingerprint,
    },
}

impl Settlement {
    /// The state that the job is in afterwards.
    pub const fn state(&self) -> JobState {
        match self {
            Self::Completed { .. } => JobState::Completed,
            Self::Skipped { .. } => JobState::Skipped,
            Self::Held { .. } => JobState::Held,
            Self::Again { .. } => JobState::Pending,
            Self::Failed { .. } => JobState::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_back() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(&state.as_str().to_lowercase()), Some(*state));
        }
    }
}
