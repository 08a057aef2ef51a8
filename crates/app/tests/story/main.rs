//! The whole product, told in stories: the real program as a process of its own, against a SuperOffice in memory.
//!
//! Nothing is looked at from inside: what is asserted was asked of the program's API and command line, or stands in the
//! CRM. Waiting is polling with a deadline. What each file is about:
//!
//! * `demo`: the demo ends as its story says; `cli`: the commands; `reception`: deliveries on the wire
//! * `coalescing`: duplicates and flurries; `rules`: what is written and what is not, and why
//! * `guarded`: people who edit at the same time; `trouble`: a CRM that fails
//! * `tenant_state`: a tenant that cannot be used for a while, and being told of it; `sign_in`: each way in
//! * `doctor`: each fault is found by name, and mended by its remedy
//! * `setup`: from an empty tenant to a service that works
//! * `drift`: an administrator who changes our fields while we work
//! * `admin`: fields and lists that an administrator makes
//! * `tools`: the operator's commands, held against what the emulator knows
//! * `sweep`: what no webhook told of is found, and every change is accounted for
//! * `guardian`: a webhook that was switched off, and failures by their cause
//! * `kill`, `failpoints`, `syscalls`, `images`, `stopping`, `disk`: a process and a machine that fail
//! * `backup`: a database that is put back; `alerts`: what a running service measures is what the alert rules ask for
//! * `postgres`: several processes on one PostgreSQL, and a PostgreSQL that fails
//!
//! `SO_CONNECTOR_KILL_ROUNDS` and its like say how much of a suite is wanted; `cargo xtask torture` sets them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test says what it counted, or why it was skipped"
)]

mod admin;
mod alerts;
mod backup;
mod cli;
mod coalescing;
mod crowd;
mod database;
mod demo;
mod disk;
mod doctor;
mod drift;
mod failpoints;
mod guarded;
mod guardian;
mod images;
mod kill;
mod postgres;
mod reception;
mod rules;
mod setup;
mod sign_in;
mod stopping;
mod support;
mod sweep;
mod syscalls;
mod tenant_state;
mod tools;
mod trouble;
