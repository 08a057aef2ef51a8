//! Answers from a file: the keys of the configuration, secrets too, and a table `[setup]` for what only set-up asks.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config::keys::{KEYS, find};
use crate::config::sources::flat_with;
use crate::failure::{Failure, Status};

/// What only set-up asks, as a key of the table `[setup]`: what it is for.
pub(super) const SETUP_KEYS: &[(&str, &str)] = &[
    ("setup.sign_in", "browser, paste, refresh_token or system_user"),
    ("setup.create_fields", "true: create and publish the fields and list items that are missing"),
    ("setup.publish_others", "true: publish although others have unpublished changes, which go along"),
    ("setup.list_language", "en or de: the language of the items of a new list of verticals"),
    ("setup.accept_preview", "true: go on after what would be written was shown"),
    ("setup.register_webhook", "true: register the webhook, or mend it"),
];

/// Answers by key.
#[derive(Default)]
pub(super) struct Answers(BTreeMap<&'static str, String>);

impl Answers {
    /// Reads a file of answers. Every mistake in it is told at once.
    pub(super) fn read(file: &Path) -> Result<Self, Failure> {
        let shown = file.display();
        let text = std::fs::read_to_string(file).map_err(|error| {
            Failure::words(Status::Usage, format!("the answers in {shown} cannot be read: {error}"))
        })?;
        let is_setup = |name: &str| SETUP_KEYS.iter().any(|(key, _)| *key == name);
        let flat = flat_with(&text, &shown.to_string(), is_setup).map_err(|error| {
            let known: Vec<&str> = SETUP_KEYS.iter().map(|(key, _)| *key).collect();
            Failure::words(Status::Usage, error.0.join("; "))
                .help(format!("the keys are those of `so-connector config show`, and {}", known.join(", ")))
        })?;
        let named = |name: &str| {
            let own = SETUP_KEYS.iter().map(|(key, _)| *key).find(|key| *key == name);
            own.or_else(|| find(name).map(|key| key.name))
        };
        Ok(Self(flat.into_iter().filter_map(|(name, value)| Some((named(&name)?, value))).collect()))
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The answers that are configuration.
    pub(super) fn configuration(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let is_key = |name: &str| KEYS.iter().any(|key| key.name == name);
        self.0.iter().filter(move |(name, _)| is_key(name)).map(|(name, value)| (*name, value.as_str()))
    }
}
