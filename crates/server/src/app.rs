//! What the server is given by whoever wires the product together, and what its handlers share.
//!
//! Everything comes in as a narrow trait or a watched value; the server starts nothing and owns no database.

use std::sync::Arc;

use connector_domain::clock::Clock;
use connector_domain::field::Definitions;
use connector_domain::ids::{ContactId, TenantId};
use connector_domain::policy::Policy;
use connector_store::{Accounts, Inbox, Journal, Queue, Retention, Settings};
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use crate::canary::Canary;
use crate::gate::Gate;
use crate::health::Readiness;
use crate::instrument::Instrument;
use crate::metrics::Metrics;
use crate::sweeps::Sweeps;
use crate::tenant_state::{Allowance, TenantState};

/// So many pages may be watched live at a time. The rest of the connections stays free for deliveries.
const MOST_VIEWERS: usize = 256;

/// What the server works with.
pub struct App {
    /// The customer database.
    pub tenant: TenantId,
    /// Takes in deliveries.
    pub inbox: Arc<dyn Inbox>,
    /// The jobs.
    pub queue: Arc<dyn Queue>,
    /// The accounts.
    pub accounts: Arc<dyn Accounts>,
    /// Writes and steps.
    pub journal: Arc<dyn Journal>,
    /// How much has gone by its age.
    pub retention: Arc<dyn Retention>,
    /// Answers whether the database works.
    pub settings: Arc<dyn Settings>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who may deliver.
    pub gate: Gate,
    /// Who verifies notifications about the tenant's state; nobody where nothing is asked of SuperOffice.
    pub tenant_state: Option<Arc<dyn TenantState>>,
    /// Who sweeps, and asks the CRM what changed; nobody where nothing is asked of SuperOffice.
    pub sweeps: Option<Arc<dyn Sweeps>>,
    /// What the filter goes by.
    pub policy: watch::Receiver<Arc<Policy>>,
    /// The tenant's fields.
    pub definitions: watch::Receiver<Arc<Definitions>>,
    /// How the parts of the product do, the gravest fault first.
    pub health: watch::Receiver<Arc<Vec<Part>>>,
    /// Whether what is committed can be read again.
    pub canary: Canary,
    /// What else is shown at `/metrics`.
    pub instruments: Vec<Arc<dyn Instrument>>,
    /// Which routes there are.
    pub roles: Roles,
    /// Which kind of installation it is.
    pub badge: Badge,
    /// A company's address in the CRM, `{}` standing for its number.
    pub crm_link: Option<String>,
    /// A delivery's body is at most so many bytes. 1 MiB is usual.
    pub body_limit: usize,
    /// The product's version.
    pub version: &'static str,
    /// Also mounts `POST /connector/bare`, which answers a delivery without storing it, for measuring.
    pub bench: bool,
}

/// Which of its routes a process serves. Health and metrics are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Roles {
    /// Takes in deliveries.
    pub receive: bool,
    /// Works on jobs; shown only, the work is done elsewhere.
    pub work: bool,
    /// Serves the dashboard and the API.
    pub dashboard: bool,
}

/// Which kind of installation it is; shown beside the tenant on every page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Badge {
    /// An emulator and a throw-away database.
    Demo,
    /// A tenant on SuperOffice's development environment (SOD).
    Development,
    /// A tenant on the stage environment (`qaonline`).
    Stage,
    /// A customer's tenant.
    Production,
}

/// How one part of the product does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Its name, such as `SuperOffice`.
    pub name: String,
    /// Whether it works.
    pub state: PartState,
    /// In a sentence.
    pub words: String,
    /// What to do about it.
    pub remedy: Option<String>,
}

/// Whether a part works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartState {
    /// As it should.
    Ok,
    /// In part, or slowly.
    Degraded,
    /// Not at all.
    Down,
}

/// What all handlers share.
pub(crate) struct Shared {
    pub(crate) app: App,
    pub(crate) metrics: Metrics,
    pub(crate) readiness: Readiness,
    pub(crate) viewers: Arc<Semaphore>,
    pub(crate) allowance: Allowance,
}

/// The handlers' state.
pub(crate) type Web = Arc<Shared>;

impl Shared {
    pub(crate) fn new(app: App) -> Web {
        Arc::new(Self {
            app,
            metrics: Metrics::default(),
            readiness: Readiness::default(),
            viewers: Arc::new(Semaphore::new(MOST_VIEWERS)),
            allowance: Allowance::default(),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.app.clock.now()
    }

    pub(crate) fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.app.policy.borrow())
    }

    pub(crate) fn definitions(&self) -> Arc<Definitions> {
        Arc::clone(&self.app.definitions.borrow())
    }

    pub(crate) fn parts(&self) -> Arc<Vec<Part>> {
        Arc::clone(&self.app.health.borrow())
    }

    /// The company's address in the CRM.
    pub(crate) fn crm_link(&self, account: ContactId) -> Option<String> {
        self.app.crm_link.as_ref().map(|link| link.replace("{}", &account.to_string()))
    }
}
