//! The state of a tenant, and where its API is. Asked of the log-in host, without a token. The address changes
//! whenever SuperOffice moves a tenant, so nothing else may be used to build one.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::Request;
use super::text_enum::text_enum;
use crate::json::Record;
use crate::secret::Secret;

/// The state of one tenant, below the log-in host.
pub const STATE: &str = "api/state/{context}";

/// A request for the state of the tenant `context`, such as `Cust12345`. The answer is a [`TenantStatus`].
pub fn read(context: &str) -> Request {
    Request::get(STATE, context)
}

/// The state of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TenantStatus {
    /// The tenant: `Cust12345`.
    pub context_identifier: String,
    /// The address for people.
    pub endpoint: String,
    /// The state.
    pub state: TenantState,
    /// Whether it is running, also during online maintenance.
    pub is_running: bool,
    /// When to ask again.
    #[serde(with = "crate::json::date")]
    pub valid_until: Option<Timestamp>,
    /// The address of the API, without `v1`.
    pub api: String,
    /// The release; missing in older answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Record for TenantStatus {
    const KEY: &'static str = "State";
}

/// What SuperOffice posts to an app's "Customer State Change URL". The token is to be verified before any of it is
/// believed, and even then only what it is about: the host is asked of the state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct StateChange {
    /// See [`StateChange::words`]. It is documented as a number; its name is read too.
    #[serde(deserialize_with = "number_or_name")]
    pub change_type: i64,
    /// The tenant.
    pub context_identifier: String,
    /// The release: `Release_10.3.8_2024.08.30-01`.
    pub version_name: Option<String>,
    /// The release, in numbers.
    pub file_version: Option<String>,
    /// A JWT.
    pub token: Secret,
    /// The new host, of a move.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_endpoint: Option<String>,
}

impl StateChange {
    /// What happens to the tenant.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self.change_type {
            0 => "is about to be upgraded",
            1 => "was restored from a backup",
            2 => "is suspended",
            3 => "is resumed",
            4 => "is deleted",
            5 => "is moved",
            _ => "changes in a way that is not documented",
        }
    }
}

/// The kinds of change, by the numbers that stand for them.
const CHANGES: [&str; 6] = ["Upgrade", "BackupRestored", "Suspend", "Resume", "Delete", "Move"];

/// A kind that is not known is none of ours, and must not make a genuine notification unreadable.
fn number_or_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let named = CHANGES.iter().position(|name| name.eq_ignore_ascii_case(text.trim()));
    let number = named.and_then(|number| i64::try_from(number).ok()).or_else(|| text.trim().parse().ok());
    Ok(number.unwrap_or(-1))
}

impl Record for StateChange {
    const KEY: &'static str = "Token";
}

text_enum! {
    /// The state of a tenant.
    TenantState {
        /// No such tenant, or an incident.
        Unknown = 0,
        /// Being set up.
        Provisioning = 1,
        /// In order.
        Running = 2,
        /// Gone.
        Deleted = 3,
        /// About to end, but may come back.
        Suspended = 4,
        /// Work in the background; usable.
        OnlineMaintenance = 5,
        /// An upgrade; minutes.
        OfflineMaintenance = 6,
        /// Could not be set up.
        ProvisioningFailed = 8,
        /// Being removed.
        Deleting = 10,
        /// Could not be removed.
        DeleteFailed = 11,
        /// About to be migrated; days or weeks.
        MigrationPending = 12,
    }
}

impl TenantState {
    /// Whether the API can be used in this state.
    pub fn api_usable(&self) -> bool {
        matches!(self, Self::Running | Self::OnlineMaintenance)
    }
}
