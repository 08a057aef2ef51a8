//! Watches our webhook in the CRM: notices that it was switched off, switches it on again once we would receive, and asks
//! for a sweep of exactly the span in which deliveries may be missing.
//!
//! What follows from a look is decided in the domain; this file looks, tests, switches on and tells. One process of the
//! fleet does it at a time. What is known is kept, so that a restart knows for how long nobody looked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector_domain::guardian::{Arrivals, Guard, HookState, Look, Order, Rearm};
use connector_domain::remedy::Remedy;
use connector_store::StoreError;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::crm::{Blame, CrmError};
use crate::ports::Ports;
use crate::status::{Condition, Part};
use crate::sweep::{self, Asked};

/// The name under which what is known is kept.
pub const KEPT_AS: &str = "guardian";
/// The name under which past and present incidents are kept.
pub const INCIDENTS: &str = "incidents";
/// The name under which the receiver keeps when the last test arrived.
pub use connector_store::settings::TEST_ARRIVED;
/// The part of the status.
pub const PART: &str = "webhook";

/// What is counted of the webhook, by the one that watches it.
const COUNTED: [&str; 2] = ["webhook_state", "webhook_consecutive_errors"];

const DUTY: &str = "guardian";
/// So many incidents are kept.
const MOST_INCIDENTS: usize = 100;

/// What the guardian needs of a CRM.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Looks for our webhook.
    async fn look(&self) -> Result<Look, CrmError>;

    /// Has the CRM send a test to our address, and says whether it was answered as it should be.
    async fn test(&self) -> Result<bool, CrmError>;

    /// Switches the webhook on again, and with `mend` puts right whatever else is amiss with it.
    async fn rearm(&self, id: i64, mend: bool) -> Result<(), CrmError>;
}

/// How the webhook is watched.
#[derive(Debug, Clone, Copy)]
pub struct GuardianOptions {
    /// How often it is looked at.
    pub every: Duration,
    /// What is switched on again.
    pub rearm: Rearm,
}

impl Default for GuardianOptions {
    fn default() -> Self {
        Self { every: Duration::from_mins(1), rearm: Rearm::default() }
    }
}

/// A time in which the webhook was not in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// What it is about: `webhook`.
    pub part: String,
    /// What was the matter.
    pub words: String,
    /// Since when that is known.
    pub since: Timestamp,
    /// When it was over.
    pub until: Option<Timestamp>,
}

/// Watches until told to stop.
pub async fn run(
    ports: Arc<Ports>,
    hooks: Arc<dyn Hooks>,
    options: GuardianOptions,
    stop: CancellationToken,
) {
    let holder = crate::process::name();
    let ttl = SignedDuration::try_from(options.every * 3).unwrap_or(SignedDuration::from_mins(3));
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = tokio::time::sleep(options.every) => {}
        }
        let now = ports.clock.now();
        match ports.duties.take_duty(&ports.tenant, DUTY, holder, ttl, now).await {
            Ok(true) => {}
            Ok(false) => {
                ports.status.leave(&COUNTED);
                continue;
            }
            Err(error) => {
                tracing::warn!("the webhook cannot be watched: {error}");
                continue;
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            watched = watch(&ports, &*hooks, &options) => if let Err(error) = watched {
                tracing::warn!("the webhook cannot be watched: {error}");
            }
        }
    }
    if let Err(error) = ports.duties.leave_duty(&ports.tenant, DUTY, holder).await {
        tracing::debug!("a duty could not be given back, it ends by itself: {error}");
    }
}

/// Looks once, and does what follows.
///
/// # Errors
///
/// What follows is not kept then; the next look comes to the same again.
pub async fn watch(ports: &Ports, hooks: &dyn Hooks, options: &GuardianOptions) -> Result<(), StoreError> {
    let look = match hooks.look().await {
        Ok(look) => look,
        Err(error) => {
            // Nothing is known of the webhook then; that the CRM does not answer is told elsewhere.
            tracing::debug!("the webhook cannot be looked at: {error}");
            return Ok(());
        }
    };
    let mut guard = kept(ports).await?;
    let arrivals = arrivals(ports).await?;
    let every = SignedDuration::try_from(options.every).unwrap_or(SignedDuration::from_mins(1));
    let now = ports.clock.now();
    let mut orders = VecDeque::from(guard.looked(&look, arrivals, options.rearm, every, now));
    while let Some(order) = orders.pop_front() {
        match order {
            Order::Alert { words, remedy } => {
                tracing::error!(part = PART, "{words}. What to do: {remedy}");
                note(ports, Incident { part: PART.into(), words, since: now, until: None }).await?;
            }
            Order::Recovered { words, since } => {
                let until = ports.clock.now();
                let after = until.duration_since(since).as_secs();
                tracing::info!(part = PART, "the webhook is in order again after {after} s ({words})");
                note(ports, Incident { part: PART.into(), words, since, until: Some(until) }).await?;
            }
            Order::Sweep { from, until, why } => {
                tracing::info!("changes from {from} until {until} are looked for: {why}");
                sweep::ask(ports, Asked { from, until: Some(until), why }).await?;
            }
            Order::Test => match test(ports, hooks).await? {
                Came::Of(arrived) => orders.extend(guard.tested(arrived, ports.clock.now())),
                // It is due at the next look as well.
                Came::Nothing(why) => tracing::warn!(part = PART, "the webhook cannot be tested now: {why}"),
            },
            Order::Rearm { id, mend } => match rearm(ports, hooks, id, mend).await? {
                Came::Of(done) => orders.extend(guard.rearmed(done, ports.clock.now())),
                Came::Nothing(why) => guard.postponed(&why),
            },
        }
    }
    show(ports, &guard, &look);
    keep(ports, KEPT_AS, serde_json::to_value(&guard)).await
}

/// What is known of the webhook.
///
/// # Errors
///
/// The store does not answer.
pub async fn kept(ports: &Ports) -> Result<Guard, StoreError> {
    let kept = ports.settings.get(&ports.tenant, KEPT_AS).await?;
    // What an older version kept in another way is learnt anew.
    Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default())
}

/// Past and present incidents, the oldest first.
///
/// # Errors
///
/// The store does not answer.
pub async fn incidents(ports: &Ports) -> Result<Vec<Incident>, StoreError> {
    let kept = ports.settings.get(&ports.tenant, INCIDENTS).await?;
    Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default())
}

async fn note(ports: &Ports, incident: Incident) -> Result<(), StoreError> {
    let mut all = incidents(ports).await?;
    let open = all.iter_mut().find(|known| known.until.is_none() && known.part == incident.part);
    match open {
        Some(open) => *open = Incident { since: open.since, ..incident },
        None => all.push(incident),
    }
    let excess = all.len().saturating_sub(MOST_INCIDENTS);
    all.drain(..excess);
    keep(ports, INCIDENTS, serde_json::to_value(&all)).await
}

async fn keep(ports: &Ports, name: &str, value: Result<Value, serde_json::Error>) -> Result<(), StoreError> {
    let value = value.map_err(|error| StoreError::Inconsistent(error.to_string()))?;
    ports.settings.put(&ports.tenant, name, value, ports.clock.now()).await
}

async fn arrivals(ports: &Ports) -> Result<Arrivals, StoreError> {
    let newest = ports.inbox.newest_delivery(&ports.tenant).await?;
    Ok(newest.map_or_else(Arrivals::default, |(newest, at)| Arrivals { newest, at: Some(at) }))
}

/// What came of something that the CRM was to do.
enum Came {
    /// It is done, or why not.
    Of(Result<(), String>),
    /// The CRM is out of order, so nothing is known; why, in words.
    Nothing(String),
}

impl Came {
    /// A refusal is an answer; anything else says nothing about the webhook.
    fn of(error: CrmError) -> Self {
        match (error.blame, error.remedy) {
            (Blame::Request, Remedy::ReadAgain | Remedy::BackOff | Remedy::GiveUp) => {
                Self::Of(Err(error.words))
            }
            (Blame::Request, Remedy::Wait(_) | Remedy::WaitForOthers(_))
            | (Blame::Suspect | Blame::Outage, _) => Self::Nothing(error.words),
        }
    }
}

/// Has a test sent. It counts when the CRM was answered and it was we who answered.
async fn test(ports: &Ports, hooks: &dyn Hooks) -> Result<Came, StoreError> {
    let before = arrived(ports).await?;
    match hooks.test().await {
        Ok(true) => {}
        Ok(false) => return Ok(Came::Of(Err("SuperOffice did not get a 200 from the address".into()))),
        Err(error) => return Ok(Came::of(error)),
    }
    let after = arrived(ports).await?;
    let came = if after > before { Ok(()) } else { Err("something else answered in our place".into()) };
    Ok(Came::Of(came))
}

async fn arrived(ports: &Ports) -> Result<Option<Timestamp>, StoreError> {
    let kept = ports.settings.get(&ports.tenant, TEST_ARRIVED).await?;
    Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()))
}

/// Switches the webhook on, unless we would not receive: then it would only be switched off again.
async fn rearm(ports: &Ports, hooks: &dyn Hooks, id: i64, mend: bool) -> Result<Came, StoreError> {
    if let Err(error) = ports.settings.check(ports.clock.now()).await {
        return Ok(Came::Of(Err(format!("nothing could be stored: {error}"))));
    }
    match test(ports, hooks).await? {
        Came::Of(Ok(())) => Ok(hooks.rearm(id, mend).await.map_or_else(Came::of, |()| Came::Of(Ok(())))),
        not_now => Ok(not_now),
    }
}

fn show(ports: &Ports, guard: &Guard, look: &Look) {
    let (condition, words, remedy) = match (&guard.trouble, look) {
        (Some(trouble), _) => (Condition::Down, trouble.words.clone(), Some("so-connector webhook list")),
        (None, Look::There(hook)) => (Condition::Ok, format!("webhook {} is switched on", hook.id), None),
        (None, Look::Missing | Look::Several(_)) => (
            Condition::Degraded,
            "no webhook of ours is registered".to_owned(),
            Some("register one: so-connector webhook register"),
        ),
    };
    let remedy = remedy.map(str::to_owned);
    ports.status.set(Part { name: PART.into(), condition, words, remedy });
    let in_a_row = match look {
        Look::There(hook) => hook.in_a_row.unwrap_or_default(),
        Look::Missing | Look::Several(_) => 0,
    };
    ports.status.count("webhook_state", guard.state.map_or(0, HookState::number).into());
    ports.status.count("webhook_consecutive_errors", in_a_row);
}
