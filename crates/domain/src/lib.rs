//! What SuperOffice Connector knows and how it decides.
//!
//! Everything here takes values and gives values: no clock, no await, no client. Time comes in as `now`.
//! Wire formats belong to the `superoffice` crate, rows to the store, and doing what was decided to the pipeline.

pub mod account;
pub mod breaker;
pub mod clock;
pub mod coverage;
pub mod drift;
pub mod event;
pub mod field;
pub mod filter;
pub mod fingerprint;
pub mod guardian;
pub mod ids;
pub mod job;
pub mod matrix;
pub mod meter;
pub mod outbreak;
pub mod patch;
pub mod persona;
pub mod policy;
pub mod profile;
pub mod reason;
pub mod remedy;
pub mod retention;
pub mod rhythm;
pub mod sender;
pub mod sweep;
pub mod text;
pub mod vertical;
