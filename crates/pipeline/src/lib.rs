//! Carries one job from the queue to the CRM: filter, fetch, explore, write back.
//!
//! Read [`run`] first. The pipeline does what `connector-domain` decides, keeps every effect in the journal before it
//! happens, and leaves storage, wire formats and texts to others.

pub mod breaker;
pub mod crm;
pub mod discovery;
mod explore;
mod fetch;
mod filter;
pub mod guardian;
pub mod meters;
pub mod names;
mod patience;
pub mod ports;
pub mod preview;
pub mod process;
pub mod retention;
pub mod revisit;
pub mod run;
mod setting;
pub mod status;
pub mod sweep;
pub mod worker;
mod write_back;

pub use breaker::{Breakers, Dependency};
pub use crm::{Crm, CrmError, Lists};
pub use discovery::{Discovered, FieldMap};
pub use guardian::{GuardianOptions, Hooks};
pub use ports::Ports;
pub use status::{Condition, Part, Status};
pub use sweep::{SweepOptions, Sweeper};
pub use worker::{Worker, WorkerOptions};
