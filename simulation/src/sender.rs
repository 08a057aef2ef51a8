//! SuperOffice's sender: three attempts (at once, after 1 s, after 4 s more), then the end of the queue or nothing at all,
//! and after nine failures in a row silence until somebody switches the webhook on again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use connector_domain::ids::Entity;
use connector_faults::sometimes;
use http::{Request, StatusCode};
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::crm::{Change, Crm};
use crate::fleet::{Fleet, TENANT, TOKEN};
use crate::world::World;

/// How often the end of the queue is reached before a delivery is given up.
const CYCLES: u32 = 40;
/// After so many failures in a row nothing is sent.
const TOO_MANY: u32 = 9;

/// What was sent and what became of it.
#[derive(Default)]
pub struct Log {
    /// Every event id that was ever sent.
    pub known: BTreeSet<String>,
    /// Those that were answered with 200.
    pub acked: BTreeSet<String>,
    /// The changes that were acknowledged, by their numbers.
    pub told: BTreeSet<u64>,
    /// Event ids of echoes, with the moment of their first acknowledgement.
    pub echoes: BTreeSet<String>,
    /// Event ids that somebody was told who could not know who we are.
    pub unsure: BTreeSet<String>,
    /// Unreadable bodies that were acknowledged.
    pub unreadable: BTreeSet<String>,
    /// How many deliveries were given up.
    pub lost: u32,
    under_way: u32,
    failures: u32,
    events: u64,
}

/// Sends what the CRM has to tell.
pub struct Sender {
    world: Arc<World>,
    crm: Crm,
    fleet: Arc<Fleet>,
    log: Mutex<Log>,
    tasks: TaskTracker,
}

/// A message on its way.
#[derive(Clone)]
struct Message {
    change: Change,
    owner: Option<i64>,
    contact: i64,
    id: String,
    spoilt: bool,
}

impl Sender {
    /// Begins to send.
    pub fn start(world: Arc<World>, crm: Crm, fleet: Arc<Fleet>) -> Arc<Self> {
        let sender = Arc::new(Self { world, crm, fleet, log: Mutex::default(), tasks: TaskTracker::new() });
        let sending = Arc::clone(&sender);
        sender.tasks.spawn(async move { sending.send().await });
        sender
    }

    /// What was sent and what became of it.
    pub fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything has been told.
    pub fn is_idle(&self) -> bool {
        self.crm.model().untold.is_empty() && self.log().under_way == 0
    }

    async fn send(self: Arc<Self>) {
        loop {
            let next = self.crm.model().untold.pop_front();
            let Some(change) = next else {
                self.crm.bell.notified().await;
                continue;
            };
            if self.world.fault(self.world.knobs.unsent) {
                sometimes("delivery_never_sent");
                self.world.note(format!("sender: {} of {} is never sent", change.number, change.record));
                continue;
            }
            let message = self.message(change);
            self.log().under_way += 1;
            let sender = Arc::clone(&self);
            self.tasks.spawn(async move {
                sender.world.latency(1500).await;
                let twice = sender.world.fault(sender.world.knobs.twice).then(|| message.clone());
                sender.deliver(message).await;
                if let Some(again) = twice {
                    sometimes("delivered_twice");
                    sender.world.latency(40_000).await;
                    sender.attempt(&again).await;
                }
                sender.log().under_way -= 1;
            });
        }
    }

    fn message(&self, change: Change) -> Message {
        let (owner, contact) = {
            let model = self.crm.model();
            let contact = model.account_of(change.record);
            (model.contacts.get(&contact).map(|contact| contact.owner), contact)
        };
        let spoilt = self.world.fault(self.world.knobs.unreadable);
        Message { change, owner, contact, id: self.new_id(), spoilt }
    }

    fn new_id(&self) -> String {
        let mut log = self.log();
        log.events += 1;
        let id = format!("e-{}", log.events);
        log.known.insert(id.clone());
        id
    }

    /// Until it is acknowledged or given up.
    async fn deliver(&self, mut message: Message) {
        for cycle in 0..CYCLES {
            for wait in [0, 1, 4] {
                tokio::time::sleep(Duration::from_secs(wait)).await;
                self.allowed().await;
                if self.attempt(&message).await {
                    return;
                }
            }
            if self.world.knobs.gives_up && !self.world.is_healed() {
                break;
            }
            sometimes("delivery_from_the_end_of_the_queue");
            self.world.latency(20_000 * u64::from(cycle + 1)).await;
            if self.world.knobs.new_ids {
                message.id = self.new_id();
            }
        }
        sometimes("delivery_given_up");
        self.world.note(format!("sender: {} is given up", message.id));
        self.log().lost += 1;
    }

    /// Nothing is sent while too much has failed; somebody mends that after a while.
    async fn allowed(&self) {
        if self.log().failures < TOO_MANY {
            return;
        }
        sometimes("webhook_in_too_many_errors");
        for _ in 0..60 {
            if self.world.is_healed() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        self.log().failures = 0;
    }

    /// One attempt; whether it was acknowledged.
    async fn attempt(&self, message: &Message) -> bool {
        let alive = self.fleet.alive();
        let at = usize::try_from(self.world.between(0, 5)).unwrap_or(0);
        let chosen = alive.get(at % alive.len().max(1));
        // One of several that has not looked at the tenant yet cannot know who we are, though another one may have written;
        // nor can one that began while the database was away for long.
        let kept = self.world.database.look(|connection| {
            connection.prepare_cached("SELECT 1 FROM settings WHERE key = 'discovered'")?.exists([])
        });
        let knobs = &self.world.knobs;
        let must_know = knobs.processes == 1 && knobs.store_outages == 0 && kept.unwrap_or_default();
        let knows_us = must_know
            || chosen.is_some_and(|process| process.discovered.policy_now().own_associate.is_some());
        let answer = match chosen {
            None => None,
            Some(process) => {
                let answered = process.router.clone().oneshot(request(message));
                let answered = tokio::time::timeout(Duration::from_secs(10), answered).await;
                answered.ok().and_then(Result::ok).map(|answer| answer.status())
            }
        };
        let heard = !self.world.fault(self.world.knobs.deaf);
        if answer == Some(StatusCode::OK) && !heard {
            sometimes("acknowledgement_not_heard");
        }
        let acked = answer == Some(StatusCode::OK) && heard;
        self.world.note(format!(
            "sender: {} {} of {}: {}",
            message.id,
            message.change.number,
            message.change.record,
            answer.map_or("no answer".to_owned(), |status| status.to_string())
        ));
        let mut log = self.log();
        if !knows_us {
            log.unsure.insert(message.id.clone());
        }
        if !acked {
            log.failures += 1;
            return false;
        }
        log.failures = 0;
        if message.spoilt {
            log.unreadable.insert(message.id.clone());
            return true;
        }
        log.acked.insert(message.id.clone());
        if message.change.ours {
            log.echoes.insert(message.id.clone());
        }
        log.told.insert(message.change.number);
        true
    }
}

fn request(message: &Message) -> Request<Body> {
    let body =
        if message.spoilt { format!("<html>{}</html>", message.id) } else { body(message).to_string() };
    Request::post("/connector/webhook")
        .header("x-webhook-token", TOKEN)
        .header("content-type", "application/json")
        .body(Body::from(body))
        .unwrap_or_default()
}

fn body(message: &Message) -> serde_json::Value {
    let change = &message.change;
    let entity = change.record.entity.as_str();
    let verb = if change.created { "created" } else { "changed" };
    let mut values = serde_json::json!({});
    match change.record.entity {
        Entity::Contact => values["associate_id"] = serde_json::json!(message.owner),
        Entity::Person => values["contact_id"] = serde_json::json!(message.contact),
    }
    // Some printed shapes leave the company out.
    if change.record.entity == Entity::Person && change.number.is_multiple_of(2) {
        values = serde_json::json!({});
    }
    serde_json::json!({
        "EventId": message.id,
        "Timestamp": change.at.to_string(),
        "Changes": change.columns,
        "Event": format!("{entity}.{verb}"),
        "PrimaryKey": change.record.id,
        "Entity": entity,
        "ContextIdentifier": TENANT,
        "ChangedByAssociateId": change.by,
        "WebhookName": "simulated",
        "FieldValues": values,
    })
}
