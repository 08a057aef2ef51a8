//! Places where tests make things go wrong.
//!
//! Product code names the places where a crash would hurt most ([`reach`]), the defects that a test must be able to
//! find ([`planted`]), and the rare situations that a test must have met ([`sometimes`]). Without the features
//! `failpoints` and `simulation` all of it is empty and is compiled away: the shipped program has neither.

pub mod bug;
pub mod point;

#[cfg(feature = "simulation")]
pub use bug::plant;
pub use bug::{Bug, planted};
pub use point::{Point, reach};

#[cfg(feature = "simulation")]
pub mod met;

/// Notes that a rare situation was met, so that a test can tell whether it was put to the test at all.
#[cfg(not(feature = "simulation"))]
#[inline]
pub const fn sometimes(_situation: &'static str) {}

#[cfg(feature = "simulation")]
pub use met::sometimes;
