//! HTTP: the door for SuperOffice's webhooks, the JSON API for scripts, and the dashboard for people.
//!
//! Handlers are thin: verify, read, call one method of the store, answer. Nothing is decided here, and a delivery is
//! answered with success only when it is on disk. Every route stands on one page, in [`routes`].

mod accept;
mod api;
mod app;
mod canary;
mod dashboard;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod guard;
mod headers;
mod health;
mod incident;
mod instrument;
mod live;
mod loopback;
mod metrics;
mod problem;
mod query;
mod receive;
mod routes;
mod sweeps;
mod tenant_state;
mod webhook;

pub use accept::{Limits, serve};
pub use app::{App, Badge, Part, PartState, Roles};
pub use canary::Canary;
pub use gate::Gate;
pub use instrument::{Family, Instrument, Label, Sample, Values};
pub use routes::router;
pub use sweeps::{Coverage, Gone, NotTold, Since, Sweeps};
pub use tenant_state::{Concern, TenantState, Unverified};
