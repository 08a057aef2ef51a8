//! The one thing that every engine does: a company in, what it is out.
//!
//! An engine promises evidence for each claim and an answer within its own time limits. Whether and when a failed
//! exploration is tried again is the caller's business; the failure names the remedy.

use async_trait::async_trait;
use connector_domain::profile::{Company, Explored, Room};
use connector_domain::remedy::Remedy;
use jiff::{SignedDuration, Timestamp};

/// Finds out what a company is.
#[async_trait]
pub trait Explorer: Send + Sync {
    /// The engine's name and edition, such as `offline@1`.
    fn engine(&self) -> String;

    /// Explores one company and writes texts that fit into `room`.
    ///
    /// Finding nothing to quote is an answer, not an error.
    ///
    /// # Errors
    ///
    /// Nothing is known of the company then; the error's remedy says whether asking again can help.
    async fn explore(&self, company: &Company, room: Room, now: Timestamp) -> Result<Explored, ExploreError>;
}

/// Why an exploration gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExploreError {
    /// It may work later.
    #[error("the explorer cannot answer now: {cause}")]
    Transient {
        /// In words.
        cause: String,
        /// When to come back, if it said so.
        retry_after: Option<SignedDuration>,
    },
    /// It will not work.
    #[error("the explorer refuses: {cause}")]
    Refused {
        /// In words.
        cause: String,
    },
}

impl ExploreError {
    /// What the caller can do about it.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Transient { retry_after: Some(wait), .. } => Remedy::Wait(*wait),
            Self::Transient { retry_after: None, .. } => Remedy::BackOff,
            Self::Refused { .. } => Remedy::GiveUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_its_remedy() {
        let transient = |retry_after| ExploreError::Transient { cause: "busy".into(), retry_after };
        let minute = SignedDuration::from_mins(1);
        assert_eq!(transient(Some(minute)).remedy(), Remedy::Wait(minute));
        assert_eq!(transient(None).remedy(), Remedy::BackOff);
        assert_eq!(ExploreError::Refused { cause: "no".into() }.remedy(), Remedy::GiveUp);
    }
}
