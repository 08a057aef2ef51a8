//! The server over HTTP, on a real database: in process where that suffices, through a socket where bytes matter.

#![expect(clippy::unwrap_used, reason = "all of this is tests, helpers included")]

mod api;
mod hosts;
mod pages;
mod sockets;
mod support;
mod sweeps;
mod tenant_state;
mod webhook;
