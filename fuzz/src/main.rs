//! One program for all targets: libFuzzer drives it, `FUZZ_TARGET` says which target it is. See ADR 0012.

#![no_main]

use std::sync::OnceLock;

use connector_fuzz::{TARGETS, Target};

static CHOSEN: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var_os("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.iter().find(|(target, _)| name == *target);
    found.expect("FUZZ_TARGET names a target").1
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| CHOSEN.get_or_init(chosen)(input));
