//! What survives a restart: inbox, queue, accounts, journal and settings.
//!
//! Narrow traits, one for each kind of caller; a method is a whole transaction with a promise. Each promise is a
//! function in [`conformance`], so that every database keeps the same ones. Nothing is decided here that
//! `connector-domain` can decide.

pub mod accounts;
pub mod conformance;
pub mod duties;
pub mod error;
pub mod inbox;
pub mod journal;
pub mod page;
pub mod postgres;
pub mod queue;
pub mod retention;
pub mod settings;
pub mod snapshots;
pub mod sqlite;
mod vitals;

pub use accounts::Accounts;
pub use duties::Duties;
pub use error::StoreError;
pub use inbox::Inbox;
pub use journal::Journal;
pub use queue::Queue;
pub use retention::Retention;
pub use settings::Settings;
pub use snapshots::Snapshots;

/// Everything that one database offers. Callers take the narrow traits; only wiring and tests take this.
pub trait Store: Inbox + Queue + Accounts + Journal + Settings + Duties + Snapshots + Retention {}

impl<T: Inbox + Queue + Accounts + Journal + Settings + Duties + Snapshots + Retention> Store for T {}
