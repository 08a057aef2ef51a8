//! The steps of a set-up, and what each comes to.

use serde_json::Value;

use crate::failure::{Failure, Status};

/// A step of the set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Step {
    /// Which tenant, and as which application
    Tenant,
    /// As whom the connector signs in
    Auth,
    /// The fields that texts go to
    Fields,
    /// Whose companies, and what would be written to the newest twenty
    #[value(alias = "enricher")]
    Explorer,
    /// Where dashboard and webhook listen
    Dashboard,
    /// What SuperOffice sends its events to
    Webhook,
}

impl Step {
    pub(super) const ALL: [Self; 6] =
        [Self::Tenant, Self::Auth, Self::Fields, Self::Explorer, Self::Dashboard, Self::Webhook];

    /// Its name, for programs and people alike.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Auth => "auth",
            Self::Fields => "fields",
            Self::Explorer => "explorer",
            Self::Dashboard => "dashboard",
            Self::Webhook => "webhook",
        }
    }

    /// The step that a key of the configuration belongs to; the first one takes what no step asks.
    pub(super) fn of_key(key: &str) -> Self {
        match key {
            "superoffice.refresh_token"
            | "superoffice.system_token"
            | "superoffice.private_key_file"
            | "superoffice.redirect_uri" => Self::Auth,
            "filter.owners" => Self::Explorer,
            "listen" => Self::Dashboard,
            _ if key.starts_with("fields.") => Self::Fields,
            _ if key.starts_with("webhook.") => Self::Webhook,
            _ => Self::Tenant,
        }
    }

    /// What it is about, for people.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Tenant => "The tenant",
            Self::Auth => "Signing in",
            Self::Fields => "The fields that texts go to",
            Self::Explorer => "Whose companies, and what would be written",
            Self::Dashboard => "The dashboard",
            Self::Webhook => "The webhook",
        }
    }
}

/// What a step came to.
pub(super) struct Done {
    pub(super) words: String,
    /// Whether anything was changed.
    pub(super) changed: bool,
    /// More, for programs.
    pub(super) details: Value,
}

impl Done {
    pub(super) fn as_it_was(words: impl Into<String>) -> Self {
        Self { words: words.into(), changed: false, details: Value::Null }
    }

    pub(super) fn changed(words: impl Into<String>) -> Self {
        Self { words: words.into(), changed: true, details: Value::Null }
    }

    pub(super) fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }
}

/// Somebody pressed Ctrl-C.
pub(super) fn interrupted() -> Failure {
    Failure::words(Status::Interrupted, "interrupted; steps that had ended stay done, the others did nothing")
        .help("go on later: so-connector setup")
}
