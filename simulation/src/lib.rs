//! The whole product over its ports, in virtual time, from one seed.
//!
//! The product's own code runs: its door, its SQL, its worker and its rules. What it reaches is made here: a CRM with
//! people in it and a sender, an explorer, clocks, and everything that goes wrong on the way. A run has two parts: things
//! go wrong, then all is healed and everything must come to its end. The same seed is the same run. See
//! `docs/simulation.md`.

pub mod audit;
#[cfg(feature = "engine")]
pub mod bugs;
pub mod checks;
pub mod crm;
pub mod dice;
pub mod explorer;
pub mod fleet;
pub mod knobs;
#[cfg(feature = "engine")]
pub mod many;
pub mod people;
pub mod run;
pub mod sender;
pub mod trace;
pub mod weather;
pub mod world;

pub use knobs::Knobs;
pub use run::{House, Outcome};

/// What a panic carries that a simulation makes on purpose.
#[derive(Debug, Clone, Copy)]
pub struct MeantPanic;
