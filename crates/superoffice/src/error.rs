//! Why a call to a tenant's SuperOffice failed, told by what the caller can do about it. The messages hold no secret
//! and nothing of the customer's data except what SuperOffice itself says in a refusal.

use std::fmt;
use std::time::Duration;

use http::StatusCode;

use crate::api::state::TenantState;
use crate::json::ReadError;

/// An error of a library, as a source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A record, by kind and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRef {
    /// The kind: `contact`.
    pub kind: &'static str,
    /// The id; 0 when it is known by a name.
    pub id: i64,
}

impl fmt::Display for RecordRef {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.id {
            0 => write!(out, "the {}", self.kind),
            id => write!(out, "{} {id}", self.kind),
        }
    }
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A guard of a write did not hold (409, 412). Nothing was written.
    #[error("{0} was changed by someone else since we read it")]
    Stale(RecordRef),
    /// There is no such record (404).
    #[error("{0} does not exist")]
    NotFound(RecordRef),
    /// The log-in host refuses the refresh token or the app: consent was withdrawn, or the secret is wrong.
    #[error("the tenant no longer lets us in: {0}")]
    AccessWithdrawn(String),
    /// The API refuses a token that is fresh (401).
    #[error("the access token is refused although it is fresh")]
    Unauthorized,
    /// We may not do this (403).
    #[error("not allowed: {0}")]
    Forbidden(String),
    /// We ask too much (429, or 503 with a time).
    #[error("the tenant asks us to slow down for {} s", retry_after.as_secs_f32().ceil())]
    Throttled {
        /// When to try again.
        retry_after: Duration,
    },
    /// The tenant is not where its state says it is (421 twice).
    #[error("the tenant is not at the address that its state names")]
    Misdirected,
    /// The tenant's state says that its API cannot be used.
    #[error("the tenant is offline: {state}")]
    Offline {
        /// Its state.
        state: TenantState,
        /// How long that is good for; to be asked for again then.
        again: Duration,
    },
    /// No answer, or not all of it.
    #[error("SuperOffice could not be reached")]
    Unreachable {
        /// Whether the request may have arrived.
        arrived: bool,
        /// What happened.
        #[source]
        source: BoxError,
    },
    /// An answer that is not the API's: a log-in page, a proxy's page, a text that breaks off.
    #[error("the answer is not the API's: {0}")]
    NotTheApi(String),
    /// The answer is longer than we are prepared to read.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// What we are prepared to read.
        limit: usize,
    },
    /// An address that we do not trust with the token.
    #[error("{0} is not an address of SuperOffice, so the token was not sent there")]
    ForeignHost(String),
    /// A token of the log-in host that is not to be trusted, or an answer to a sign-in that is not ours.
    #[error("the sign-in cannot be trusted: {0}")]
    Untrusted(String),
    /// Any other refusal.
    #[error("refused with status {}: {message}", status.as_u16())]
    Refused {
        /// The status.
        status: StatusCode,
        /// What SuperOffice says.
        message: String,
    },
    /// An answer of the API that we cannot read.
    #[error("the answer cannot be read: {0}")]
    Malformed(String),
    /// The configuration makes no client.
    #[error("the client cannot be set up: {0}")]
    Setup(String),
}

/// What the caller can do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Read the record again, decide again.
    ReadAgain,
    /// Try again after this time.
    Wait(Duration),
    /// Try again later, and later still if it fails again.
    BackOff,
    /// It will fail again.
    GiveUp,
    /// A person has to sign in and approve.
    SignIn,
}

impl Error {
    /// The error with its causes, on one line, each said once.
    #[must_use]
    pub fn in_full(&self) -> String {
        chain(self)
    }

    /// What the caller can do about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Stale(_) => Remedy::ReadAgain,
            Self::Throttled { retry_after } => Remedy::Wait(*retry_after),
            Self::Misdirected | Self::Offline { .. } | Self::Unreachable { .. } | Self::NotTheApi(_) => {
                Remedy::BackOff
            }
            Self::Refused { status, .. } if is_passing(*status) => Remedy::BackOff,
            Self::AccessWithdrawn(_) | Self::Unauthorized => Remedy::SignIn,
            Self::NotFound(_)
            | Self::Forbidden(_)
            | Self::TooLarge { .. }
            | Self::ForeignHost(_)
            | Self::Untrusted(_)
            | Self::Refused { .. }
            | Self::Malformed(_)
            | Self::Setup(_) => Remedy::GiveUp,
        }
    }

    /// Whether a write that failed so may have been done all the same. Then only reading again can tell.
    #[must_use]
    pub fn outcome_unknown(&self) -> bool {
        match self {
            Self::Unreachable { arrived, .. } => *arrived,
            Self::Refused { status, .. } => status.is_server_error(),
            // The status was a success, or a proxy's; the record may have been written before the answer broke off.
            Self::NotTheApi(_) | Self::TooLarge { .. } | Self::Malformed(_) => true,
            Self::Stale(_)
            | Self::NotFound(_)
            | Self::AccessWithdrawn(_)
            | Self::Unauthorized
            | Self::Forbidden(_)
            | Self::Throttled { .. }
            | Self::Misdirected
            | Self::Offline { .. }
            | Self::ForeignHost(_)
            | Self::Untrusted(_)
            | Self::Setup(_) => false,
        }
    }
}

/// Statuses that pass by themselves.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        if error.is_foreign() {
            return Self::NotTheApi(error.to_string());
        }
        let detail = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        Self::Malformed(detail)
    }
}

/// An error with its causes, on one line, each said once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.extend([": ", &words]);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_breaks_off_leaves_a_write_in_doubt() {
        assert!(Error::NotTheApi("the body is not JSON".to_owned()).outcome_unknown());
        assert!(Error::Unreachable { arrived: true, source: "timed out".into() }.outcome_unknown());
        assert!(!Error::Unreachable { arrived: false, source: "refused".into() }.outcome_unknown());
        assert!(!Error::Stale(RecordRef { kind: "contact", id: 18 }).outcome_unknown());
    }

    #[test]
    fn a_failure_of_the_server_passes_and_a_refusal_does_not() {
        let refused = |status| Error::Refused { status, message: String::new() };
        assert_eq!(refused(StatusCode::INTERNAL_SERVER_ERROR).remedy(), Remedy::BackOff);
        assert_eq!(refused(StatusCode::BAD_REQUEST).remedy(), Remedy::GiveUp);
    }

    #[test]
    fn in_full_names_every_cause_once() {
        let error = Error::Unreachable { arrived: false, source: "connection refused".into() };
        assert_eq!(error.in_full(), "SuperOffice could not be reached: connection refused");
        let error = Error::Unreachable { arrived: false, source: "SuperOffice could not be reached".into() };
        assert_eq!(error.in_full(), "SuperOffice could not be reached");
    }

    #[test]
    fn messages_read_well_after_a_colon() {
        let error = Error::Stale(RecordRef { kind: "contact", id: 18 });
        assert_eq!(error.to_string(), "contact 18 was changed by someone else since we read it");
        let error = Error::Throttled { retry_after: Duration::from_millis(1500) };
        assert_eq!(error.to_string(), "the tenant asks us to slow down for 2 s");
    }
}
