//! How a command fails: an exit status, what happened, and what to do.

use superoffice::{Error, Remedy};

use crate::format::say;

/// The exit statuses besides 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// The command failed.
    Failed = 1,
    /// It was called wrongly.
    Usage = 2,
    /// What it was asked about does not exist.
    NotFound = 3,
    /// SuperOffice does not let us in.
    SignIn = 4,
    /// It ran, and found problems.
    Findings = 5,
    /// Something else is at it, or came first.
    Conflict = 6,
    /// Ctrl-C.
    Interrupted = 130,
}

/// A command that did not succeed.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    error: anyhow::Error,
    help: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: Status, error: impl Into<anyhow::Error>) -> Self {
        Self { status, error: error.into(), help: None }
    }

    pub(crate) fn general(error: impl Into<anyhow::Error>) -> Self {
        Self::new(Status::Failed, error)
    }

    pub(crate) fn words(status: Status, words: impl Into<String>) -> Self {
        Self::new(status, anyhow::anyhow!(words.into()))
    }

    /// Says what to do about it.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What to do about it, if that is known.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.help.as_deref()
    }

    pub(crate) fn kind(&self) -> Status {
        self.status
    }

    /// What happened, with its causes.
    pub(crate) fn message(&self) -> String {
        format!("{:#}", self.error)
    }

    pub(crate) fn status(&self) -> u8 {
        self.status as u8
    }

    /// Tells it on stderr: for people, or as one JSON object.
    pub(crate) fn print(&self, json: bool) {
        if json {
            let code = match self.status {
                Status::Failed => "failed",
                Status::Usage => "usage",
                Status::NotFound => "not_found",
                Status::SignIn => "sign_in",
                Status::Findings => "findings",
                Status::Conflict => "conflict",
                Status::Interrupted => "interrupted",
            };
            let message = format!("{:#}", self.error);
            say(&serde_json::json!({"error": {"code": code, "message": message, "help": self.help}})
                .to_string());
            return;
        }
        say(&format!("error: {:#}", self.error));
        if let Some(help) = &self.help {
            say(&format!("  help: {help}"));
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::general(error)
    }
}

impl From<connector_store::StoreError> for Failure {
    fn from(error: connector_store::StoreError) -> Self {
        Self::general(error)
    }
}

/// What SuperOffice refused, or did not answer.
pub(crate) fn refused(error: &Error) -> Failure {
    let status = match (error, error.remedy()) {
        (Error::NotFound(_), _) => Status::NotFound,
        (_, Remedy::SignIn) => Status::SignIn,
        _ => Status::Failed,
    };
    let failure = Failure::words(status, error.in_full());
    match status {
        Status::SignIn => failure.help("check SO_CLIENT_ID and SO_CLIENT_SECRET; an administrator may have to approve the app once more: so-connector setup --only auth"),
        _ => failure,
    }
}
