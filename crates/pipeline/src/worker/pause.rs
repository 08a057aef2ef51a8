//! When the CRM as a whole is out of order.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::breaker::Dependency;
use crate::crm::CrmError;
use crate::ports::Ports;
use crate::status::{Condition, Part};

pub(super) const FIRST_OUTAGE_WAIT: SignedDuration = SignedDuration::from_secs(1);

/// Leaves the CRM alone until it says that it may be back, or a little longer each time when it does not say.
pub(super) fn down(ports: &Ports, error: &CrmError, jitter: f64) {
    ports.status.set(answers(Condition::Down, &error.words, Some(error.help)));
    let words = format!("{error}. What to do: {}", error.help);
    ports.breakers.failed(Dependency::Crm, error.back_in, &words, ports.clock.now(), jitter);
}

pub(super) fn answers(condition: Condition, words: &str, help: Option<&str>) -> Part {
    let name = Dependency::Crm.part().into();
    Part { name, condition, words: words.to_owned(), remedy: help.map(str::to_owned) }
}

pub(super) async fn pause(length: Duration, stop: &CancellationToken) {
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = tokio::time::sleep(length) => {}
    }
}
