//! Late names: webhooks carry only numbers, so accounts that nobody reads in full get their names here, many at a time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector_domain::ids::ContactId;
use connector_faults::{Bug, planted};
use connector_store::StoreError;
use connector_store::accounts::Facts;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use crate::crm::Named;
use crate::ports::Ports;

/// How many accounts one question is about.
const BATCH: usize = 100;
/// How long to let an account's own job bring the name first.
const PATIENCE: Duration = Duration::from_millis(400);
/// How long to leave the CRM alone after it did not answer.
const PAUSE: Duration = Duration::from_secs(10);

/// Fills in names whenever something arrived, until told to stop.
pub async fn run(ports: Arc<Ports>, stop: CancellationToken) {
    let mut changes = ports.inbox.changes();
    loop {
        let filled = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            filled = fill_in(&ports) => filled,
        };
        let pause = match filled {
            Ok(()) => PATIENCE,
            Err(words) => {
                tracing::warn!("names cannot be looked up: {words}");
                PAUSE
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            arrived = changes.changed() => if arrived.is_err() { return },
            // Nothing may arrive for a long time after the CRM did not answer.
            () = tokio::time::sleep(PAUSE) => {}
        }
    }
}

async fn fill_in(ports: &Ports) -> Result<(), String> {
    // While the CRM as a whole is out of order the worker alone asks whether it is back.
    if planted(Bug::NamesNotLookedUp) || !ports.discovered.is_complete() || ports.leaves_crm_alone() {
        return Ok(());
    }
    loop {
        let unnamed =
            ports.accounts.unnamed(&ports.tenant, BATCH).await.map_err(|error| error.to_string())?;
        if unnamed.is_empty() {
            return Ok(());
        }
        let named = ports.crm.names(&unnamed).await.map_err(|error| error.to_string())?;
        store(ports, &unnamed, named).await.map_err(|error| error.to_string())?;
        if unnamed.len() < BATCH {
            return Ok(());
        }
    }
}

async fn store(ports: &Ports, asked: &[ContactId], named: Vec<Named>) -> Result<(), StoreError> {
    let policy = ports.discovered.policy_now();
    let mut missing: BTreeSet<ContactId> = asked.iter().copied().collect();
    let mut learnt = Vec::new();
    for Named { id, name, owner } in named {
        missing.remove(&id);
        let associate = owner.and_then(|owner| policy.associates.get(&owner));
        let facts = Facts {
            name: Some(name),
            owner_id: owner.map(|owner| owner.0),
            owner_short: owner.and_then(|owner| policy.short_name(owner)).map(str::to_owned),
            owner_full: associate.map(|associate| associate.full_name.clone()),
            ..Facts::default()
        };
        learnt.push((id, facts));
    }
    // The list leaves out what is deleted, and what we may not see; asking again would not bring a name.
    let nameless = |id| (id, Facts { nameless: true, ..Facts::default() });
    learnt.extend(missing.into_iter().map(nameless));
    let now = ports.clock.now();
    let all = learnt
        .into_iter()
        .map(|(id, facts)| ports.accounts.learn(&ports.tenant, id, facts, None, SignedDuration::ZERO, now));
    futures::future::try_join_all(all).await.map(drop)
}
