//! Everything that a job may touch, in one place.

use std::sync::Arc;

use connector_domain::clock::Clock;
use connector_domain::ids::TenantId;
use connector_domain::patch::WritePolicy;
use connector_domain::remedy::RetryPolicy;
use connector_explorer::{Explorer, Knowledge};
use connector_store::{Accounts, Duties, Inbox, Journal, Queue, Settings, Snapshots};
use jiff::SignedDuration;
use tokio::sync::Notify;

use crate::breaker::{Breakers, Dependency};
use crate::crm::Crm;
use crate::discovery::{Discovered, FieldMap};
use crate::status::Status;

/// What the pipeline works with.
pub struct Ports {
    /// The customer database.
    pub tenant: TenantId,
    /// The CRM.
    pub crm: Arc<dyn Crm>,
    /// What a company is.
    pub explorer: Arc<dyn Explorer>,
    /// The reviewed texts.
    pub knowledge: Arc<Knowledge>,
    /// Work.
    pub queue: Arc<dyn Queue>,
    /// Tells when something arrived.
    pub inbox: Arc<dyn Inbox>,
    /// Names, owners, profiles.
    pub accounts: Arc<dyn Accounts>,
    /// What we wrote and meant to write.
    pub journal: Arc<dyn Journal>,
    /// What was discovered.
    pub settings: Arc<dyn Settings>,
    /// In which version each record was seen.
    pub snapshots: Arc<dyn Snapshots>,
    /// What only one process may do at a time.
    pub duties: Arc<dyn Duties>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What is known of the tenant.
    pub discovered: Discovered,
    /// Where each text goes.
    pub field_map: FieldMap,
    /// Rings when there is reason to look at the tenant at once.
    pub look_again: Arc<Notify>,
    /// Rings when a sweep was asked for.
    pub sweep_now: Arc<Notify>,
    /// What is left alone for a while because it is out of order.
    pub breakers: Breakers,
    /// How the parts are doing.
    pub status: Status,
    /// Which fields may be written.
    pub write_policy: WritePolicy,
    /// How often and how soon a failed job is tried again.
    pub retry: RetryPolicy,
    /// How long what was found out about a company is good for.
    pub profile_ttl: SignedDuration,
}

impl Ports {
    /// Whether the worker alone asks the CRM whether it is back. While jobs are to show it, it answers other questions.
    pub(crate) fn leaves_crm_alone(&self) -> bool {
        let crm = Dependency::Crm;
        self.status.is_down(crm.part()) && !self.breakers.is_on_trial(crm)
    }
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ports").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
