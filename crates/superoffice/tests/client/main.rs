//! The client against a small real server on this machine: what it sends, how often, and to whom.

#![cfg(feature = "client")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod access;
mod admin;
mod answers;
mod lists;
mod log;
mod signing;
mod stage;
mod system_user;
mod trust;
