//! The emulator over real HTTP: every promise that a client may rely on, asked for as a client would.

#![expect(clippy::unwrap_used, reason = "in tests and their helpers a panic is the message")]

mod approval;
mod archives;
mod consents;
mod control;
mod entities;
mod filters;
mod languages;
mod lists;
mod login;
mod mishaps;
mod standing;
mod support;
mod switches;
mod webhooks;
mod websites;
