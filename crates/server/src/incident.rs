//! Ties what a user sees to what the log says: one id, shown to the one and written to the other.

use std::fmt::Display;

use tracing::error;

/// Logs a failure that was handled here, and returns the id that finds it.
pub(crate) fn note(failure: &dyn Display) -> String {
    let incident = uuid::Uuid::new_v4().simple().to_string()[..12].to_owned();
    error!(incident, "incident {incident}: {failure}");
    incident
}
