//! Why PostgreSQL did not do it, and whether doing all of it again can help.

use tokio_postgres::error::SqlState;

use crate::StoreError;

/// A failed request. Nothing of it has happened, unless it is [`Failure::Unknown`].
#[derive(Debug)]
pub(super) enum Failure {
    /// The database or the line to it said so.
    Database(tokio_postgres::Error),
    /// It did not answer in time.
    Late(&'static str),
    /// What is stored makes no sense.
    Strange(String),
    /// Somebody else was quicker, so all of it is to be done again.
    Overtaken(&'static str),
    /// The line broke while the commit was on its way: it may have been done.
    Unknown(String),
    /// It must not be worked with.
    Refused(String),
    /// It must not be worked with just now.
    Away(String),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl Failure {
    /// Why there is no connection. What is neither the server's answer nor the line's is a way to connect that does not
    /// fit: no encryption there, a password that is missing, a proof that is not known.
    pub(super) fn of_connecting(error: tokio_postgres::Error) -> Self {
        let words = in_words(&error);
        if error.code().is_some() || is_line(&error) {
            Self::Database(error)
        } else if words.starts_with("timeout") {
            Self::Away(words)
        } else {
            Self::Refused(format!("PostgreSQL cannot be connected to: {words}"))
        }
    }

    /// Whether the whole request may be done again, from its beginning.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Overtaken(_) => true,
            Self::Database(error) => match error.code() {
                Some(code) => is_passing_code(code),
                None => is_line(error),
            },
            Self::Late(_) | Self::Strange(_) | Self::Unknown(_) | Self::Refused(_) | Self::Away(_) => false,
        }
    }

    /// Whether the request itself cannot be done, whatever the state of the database.
    pub(super) fn is_the_requests_own(&self) -> bool {
        match self {
            Self::Strange(_) => true,
            // 22 a value that cannot be kept, 23 one that must not be, 54 one that is too large.
            Self::Database(error) => {
                error.code().is_some_and(|code| ["22", "23", "54"].contains(&&code.code()[..2]))
            }
            Self::Late(_) | Self::Overtaken(_) | Self::Unknown(_) | Self::Refused(_) | Self::Away(_) => false,
        }
    }

    /// Whether a commit that failed like this is known not to have been done.
    pub(super) fn is_surely_undone(&self) -> bool {
        let Self::Database(error) = self else { return false };
        error.code().is_some_and(|code| ["40", "23", "53", "54", "25"].contains(&&code.code()[..2]))
    }

    /// Whether the connection that it happened on is still good after a rollback.
    pub(super) fn spares_the_connection(&self) -> bool {
        match self {
            Self::Overtaken(_) | Self::Strange(_) => true,
            Self::Database(error) => error
                .code()
                .is_some_and(|code| ["22", "23", "40", "42", "54", "55"].contains(&&code.code()[..2])),
            Self::Late(_) | Self::Unknown(_) | Self::Refused(_) | Self::Away(_) => false,
        }
    }
}

fn is_passing_code(code: &SqlState) -> bool {
    let class = &code.code()[..2];
    // 08 the line, 40 serialisation and deadlocks.
    class == "08" || class == "40" || PASSING.contains(code)
}

const PASSING: &[SqlState] = &[
    SqlState::UNIQUE_VIOLATION,
    SqlState::LOCK_NOT_AVAILABLE,
    SqlState::QUERY_CANCELED,
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
    // After a change of the tables a prepared statement is of no more use.
    SqlState::FEATURE_NOT_SUPPORTED,
];

/// Whether an error without a code of the database's is the line's.
fn is_line(error: &tokio_postgres::Error) -> bool {
    use std::error::Error as _;
    error.is_closed() || error.source().is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Database(error) => of_database(&error),
            Failure::Late(what) => Self::Unavailable(format!("PostgreSQL did not answer in time: {what}")),
            Failure::Strange(words) => Self::Inconsistent(words),
            Failure::Overtaken(what) => {
                Self::Unavailable(format!("too many others are at the same rows: {what}"))
            }
            Failure::Unknown(words) => {
                Self::Unavailable(format!("it is not known whether the commit was done: {words}"))
            }
            Failure::Refused(words) => Self::Unusable(words),
            Failure::Away(words) => Self::Unavailable(words),
        }
    }
}

fn of_database(error: &tokio_postgres::Error) -> StoreError {
    let words = in_words(error);
    match error.code() {
        Some(code) if *code == SqlState::DISK_FULL => StoreError::Full,
        Some(code) if *code == SqlState::DATA_CORRUPTED || *code == SqlState::INDEX_CORRUPTED => {
            StoreError::Unusable(format!("the database is damaged: {words}"))
        }
        Some(code) if ["22", "23", "42", "54"].contains(&&code.code()[..2]) => {
            StoreError::Inconsistent(words)
        }
        Some(_) => StoreError::Unavailable(words),
        None if is_line(error) => StoreError::Unavailable(words),
        None => StoreError::Inconsistent(words),
    }
}

/// The error with its causes. The driver puts no passwords into its errors.
pub(super) fn in_words(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    if let Some(database) = error.as_db_error() {
        return format!("{} ({})", database.message(), database.code().code());
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = inner.source();
    }
    words
}
