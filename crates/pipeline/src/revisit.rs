//! Companies whose website did not answer are looked at again later, by themselves, and not for ever.
//!
//! What is to be looked at again is kept, so that a restart forgets none of it. When one is due its job is asked for as an
//! event would; what comes of that takes it off the list, or puts it off for longer.

use std::sync::Arc;
use std::time::Duration;

use connector_domain::ids::{ContactId, RecordRef};
use connector_store::StoreError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::ports::Ports;
use crate::setting::{change, list};

/// The name under which the list is kept.
const KEPT_AS: &str = "look_again_at";
/// How long to wait before each look. After the last, only an event or a person asks for another.
const WAITS: [SignedDuration; 5] = [
    SignedDuration::from_mins(10),
    SignedDuration::from_hours(1),
    SignedDuration::from_hours(6),
    SignedDuration::from_hours(24),
    SignedDuration::from_hours(72),
];
/// More are not kept: then it is no website that is out of order.
const MOST: usize = 1_000;
/// One that was asked for and of which nothing was heard for so long is not waited for.
const LOST: SignedDuration = SignedDuration::from_hours(24);
/// How often the list is looked through.
const TICK: Duration = Duration::from_secs(30);

/// A company to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    contact: ContactId,
    /// How often its website was looked for and did not answer.
    tries: usize,
    /// When it is looked at again.
    at: Timestamp,
    /// Whether its job has been asked for.
    asked: bool,
}

/// Notes that a company's website does not answer. Says when it is looked at again, if it is.
pub(crate) async fn note(ports: &Ports, contact: ContactId) -> Result<Option<Timestamp>, StoreError> {
    let now = ports.clock.now();
    change(ports, KEPT_AS, |all: &mut Vec<Entry>| put_off(all, contact, now)).await?;
    let all: Vec<Entry> = list(ports, KEPT_AS).await?;
    Ok(all.iter().find(|entry| entry.contact == contact && !entry.asked).map(|entry| entry.at))
}

fn put_off(all: &mut Vec<Entry>, contact: ContactId, now: Timestamp) {
    let Some(known) = all.iter().position(|entry| entry.contact == contact) else {
        if all.len() < MOST {
            all.push(Entry { contact, tries: 1, at: now + WAITS[0], asked: false });
        }
        return;
    };
    // Somebody else asked in between: that it does not answer is known.
    if !all[known].asked && all[known].at > now {
        return;
    }
    match WAITS.get(all[known].tries) {
        Some(wait) => {
            let tries = all[known].tries + 1;
            all[known] = Entry { contact, tries, at: now + *wait, asked: false };
        }
        None => drop(all.remove(known)),
    }
}

/// Notes that a company was explored, or that there is nothing to explore.
pub(crate) async fn forget(ports: &Ports, contact: ContactId) -> Result<(), StoreError> {
    change(ports, KEPT_AS, |all: &mut Vec<Entry>| all.retain(|entry| entry.contact != contact)).await
}

/// Asks for what is due until told to stop.
pub async fn run(ports: Arc<Ports>, stop: CancellationToken) {
    loop {
        if let Err(error) = ask(&ports).await {
            tracing::warn!("companies cannot be looked at again: {error}");
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Asks for the jobs of those that are due. Says how many.
///
/// # Errors
///
/// The next call asks for them.
pub async fn ask(ports: &Ports) -> Result<usize, StoreError> {
    let now = ports.clock.now();
    let all: Vec<Entry> = list(ports, KEPT_AS).await?;
    let due: Vec<ContactId> =
        all.iter().filter(|entry| !entry.asked && entry.at <= now).map(|entry| entry.contact).collect();
    if !due.is_empty() {
        let records: Vec<_> =
            due.iter().map(|contact| (RecordRef::contact(*contact), Some(*contact))).collect();
        ports.queue.enqueue(&ports.tenant, &records, ports.discovered.policy_now(), now).await?;
    }
    let has_gone = |entry: &Entry| entry.asked && now.duration_since(entry.at) > LOST;
    if due.is_empty() && !all.iter().any(has_gone) {
        return Ok(0);
    }
    change(ports, KEPT_AS, |all: &mut Vec<Entry>| {
        all.retain(|entry| !has_gone(entry));
        for entry in all.iter_mut().filter(|entry| due.contains(&entry.contact)) {
            entry.asked = true;
        }
    })
    .await?;
    Ok(due.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_come_to_an_end() {
        let (mut all, mut now) = (Vec::new(), "2026-05-04T12:00:00Z".parse().unwrap());
        let mut waits = Vec::new();
        loop {
            put_off(&mut all, ContactId(18), now);
            let Some(entry) = all.first_mut() else { break };
            waits.push(entry.at.duration_since(now).as_mins());
            // Whoever asks meanwhile changes nothing.
            let before = entry.clone();
            put_off(&mut all, ContactId(18), now);
            assert_eq!(all[0], before);
            now = before.at;
            all[0].asked = true;
        }
        assert_eq!(waits, [10, 60, 360, 1440, 4320]);
    }
}
