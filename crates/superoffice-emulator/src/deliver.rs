//! Sends webhooks as documented: a test before saving, a signature, three attempts with 1 s and 4 s between them.
//!
//! Success is status 200; of others a switch decides. Nine failed attempts in a row switch a webhook off, 410 does so at
//! once (docs.superoffice.com, "Webhook notification"). Eight deliveries travel at a time; an event that waits
//! for its next attempt does not hold up the others.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use crate::clock;
use crate::world::events::Occurrence;
use crate::world::webhook::{Attempt, HookState, Outcome, Webhook};
use crate::world::{State, World};

/// How many deliveries travel at a time.
const AT_ONCE: usize = 8;

/// Failed attempts in a row after which a webhook is switched off.
const TOO_MANY: u64 = 9;

/// What the emulator calls itself.
const USER_AGENT: &str = "NetServer-Webhook/12.1.0.0";

/// What is on its way.
#[derive(Debug, Clone)]
pub(crate) enum Parcel {
    Errand(Errand),
    Letter(Letter),
}

/// A notification about the tenant's state on its way to the app.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    pub(crate) generation: u64,
    /// Place of its record among the notices.
    pub(crate) notice: usize,
    pub(crate) url: String,
    pub(crate) body: Bytes,
}

/// One event on its way to one webhook, with the bytes that every attempt repeats.
#[derive(Debug, Clone)]
pub(crate) struct Errand {
    pub(crate) generation: u64,
    /// Place of its record among the deliveries.
    pub(crate) delivery: usize,
    pub(crate) hook: i64,
    pub(crate) event: String,
    pub(crate) event_id: String,
    pub(crate) body: Bytes,
    /// How long it is held back, so that others overtake it.
    pub(crate) late: Duration,
}

/// The client that deliveries use: no redirects, no proxies.
pub(crate) fn client() -> Result<reqwest::Client, reqwest::Error> {
    // Another part of the program may have chosen a provider already; that one is fine too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(USER_AGENT)
        .connect_timeout(Duration::from_secs(5))
        .build()
}

/// Carries parcels until the emulator stops.
pub(crate) async fn run(
    world: World,
    client: reqwest::Client,
    mut parcels: mpsc::UnboundedReceiver<Parcel>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let gate = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let parcel = tokio::select! {
            () = stop.cancelled() => break,
            parcel = parcels.recv() => parcel,
        };
        let errand = match parcel {
            Some(Parcel::Errand(errand)) => errand,
            Some(Parcel::Letter(letter)) => {
                let (world, client, stop) = (world.clone(), client.clone(), stop.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tell(&world, &client, &letter) => {}
                    }
                    world.errand_done();
                });
                continue;
            }
            None => break,
        };
        // A held-back errand waits outside the gate. The others pass it in the order of their events.
        let permit = if errand.late.is_zero() { Arc::clone(&gate).acquire_owned().await.ok() } else { None };
        let (world, client, gate, stop) = (world.clone(), client.clone(), Arc::clone(&gate), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = carry(&world, &client, &gate, permit, &errand) => {}
            }
            world.errand_done();
        });
    }
    parcels.close();
    while parcels.try_recv().is_ok() {
        world.errand_done();
    }
}

/// Sends a notification, as often as the policy says.
async fn tell(world: &World, client: &reqwest::Client, letter: &Letter) {
    loop {
        let (wait, timeout) = world.with(|state| {
            (state.setup.retry_waits[0], Duration::from_millis(state.policy.receiver_timeout_ms))
        });
        let request = client.post(&letter.url).timeout(timeout).header("Content-Type", "application/json");
        let sent = request.body(letter.body.clone()).send().await;
        let result =
            sent.map(|answer| answer.status().as_u16()).map_err(|error| error.without_url().to_string());
        if !world.with(|state| state.note_letter(letter, result)) {
            return;
        }
        tokio::time::sleep(wait).await;
    }
}

/// Attempts before an event leaves the queue, or goes to its back.
const IN_A_ROW: usize = 3;

/// Tries an errand three times; when the switch says so, three times three.
async fn carry(
    world: &World,
    client: &reqwest::Client,
    gate: &Arc<Semaphore>,
    mut permit: Option<OwnedSemaphorePermit>,
    errand: &Errand,
) {
    let (waits, requeued) =
        world.look(|state| (state.setup.retry_waits, state.policy.failed_events_are_requeued));
    let attempts = if requeued { 3 * IN_A_ROW } else { IN_A_ROW };
    for retry in 0..attempts {
        let wait = match retry % IN_A_ROW {
            0 if retry == 0 => errand.late,
            // How long an event stays at the back of the queue is not documented; here it only lets the others pass.
            0 => Duration::ZERO,
            at => waits[at - 1],
        };
        let mut held = permit.take();
        if held.is_none() {
            tokio::time::sleep(wait).await;
            held = Arc::clone(gate).acquire_owned().await.ok();
        }
        let Some((hook, timeout)) = world.with(|state| state.open_hook(errand)) else { return };
        let at = clock::now();
        let first_retry = world.look(|state| state.policy.first_retry_header);
        let headers =
            Heading { event: &errand.event, event_id: &errand.event_id, retry, first_retry, test: false };
        let result = post(client, &hook, headers, errand.body.clone(), timeout).await;
        drop(held);
        let last = retry + 1 == attempts;
        if world.with(|state| state.note_attempt(errand, last, at, result)) == Next::Done {
            return;
        }
    }
}

/// What to do after an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Again,
    Done,
}

/// A target's answer: its status, and its headers and body as a text.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// Sends the test event that registering a webhook must survive.
pub(crate) async fn test(client: &reqwest::Client, world: &World, hook: &Webhook) -> Result<Reply, String> {
    let (event_id, body, timeout) = world.with(|state| {
        let occurrence = Occurrence::signalled("test", 0, state.api_user(), None);
        let event_id = state.guid();
        let body = state.body_named(&occurrence, &hook.name, &hook.properties, &event_id);
        (event_id, body, Duration::from_millis(state.policy.receiver_timeout_ms))
    });
    let first_retry = world.with(|state| state.policy.first_retry_header);
    let headers = Heading { event: "test", event_id: &event_id, retry: 0, first_retry, test: true };
    post(client, hook, headers, body.into(), timeout).await
}

struct Heading<'a> {
    event: &'a str,
    event_id: &'a str,
    retry: usize,
    /// Whether a first attempt says that it is one.
    first_retry: bool,
    test: bool,
}

async fn post(
    client: &reqwest::Client,
    hook: &Webhook,
    heading: Heading<'_>,
    body: Bytes,
    timeout: Duration,
) -> Result<Reply, String> {
    let mut request = client
        .post(&hook.target_url)
        .timeout(timeout)
        .header("Content-Type", "application/json; charset=utf-8")
        .header("X-SuperOffice-Event", heading.event)
        .header("X-SuperOffice-EventId", heading.event_id);
    if heading.retry > 0 || heading.first_retry {
        request = request.header("X-SuperOffice-Retry", heading.retry.to_string());
    }
    if heading.test {
        request = request.header("X-Hook-Test", "true");
    }
    if !hook.secret.is_empty() {
        request = request.header("X-SuperOffice-Signature", sign(&hook.secret, &body));
    }
    for (name, value) in &hook.headers {
        request = request.header(name, crate::json::text(value));
    }
    let response = request.body(body).send().await.map_err(|error| error.without_url().to_string())?;
    let status = response.status().as_u16();
    let mut text: String =
        response.headers().iter().fold(format!("{}\n", response.status()), |text, (name, value)| {
            format!("{text}{name}: {}\n", value.to_str().unwrap_or_default())
        });
    text.push_str(&response.text().await.unwrap_or_default());
    Ok(Reply { status, text: text.chars().take(4000).collect() })
}

/// Base64 of the HMAC-SHA-256 of the body's bytes.
fn sign(secret: &str, body: &[u8]) -> String {
    superoffice::webhook::Signature::sign(secret, body)
}

impl State {
    /// The webhook of an errand while it is to be sent to. Otherwise the delivery ends here.
    fn open_hook(&mut self, errand: &Errand) -> Option<(Webhook, Duration)> {
        if errand.generation != self.generation {
            return None;
        }
        let hook = self.webhooks.get(&errand.hook).filter(|hook| hook.state == HookState::Active);
        let Some(hook) = hook else {
            self.deliveries[errand.delivery].outcome = Outcome::Discarded;
            return None;
        };
        Some((hook.clone(), Duration::from_millis(self.policy.receiver_timeout_ms)))
    }

    fn note_attempt(
        &mut self,
        errand: &Errand,
        last: bool,
        at: jiff::Timestamp,
        result: Result<Reply, String>,
    ) -> Next {
        if errand.generation != self.generation {
            return Next::Done;
        }
        let status = result.as_ref().ok().map(|reply| reply.status);
        let delivery = &mut self.deliveries[errand.delivery];
        delivery.attempts += 1;
        delivery.status = status;
        delivery.tries.push(Attempt { at, status, error: result.as_ref().err().cloned() });
        let Some(hook) = self.webhooks.get_mut(&errand.hook) else {
            delivery.outcome = Outcome::Discarded;
            return Next::Done;
        };
        hook.total_calls += 1;
        let any = self.policy.any_2xx_is_success;
        if status.is_some_and(|status| status == 200 || any && (200..300).contains(&status)) {
            hook.consecutive_errors = 0;
            delivery.outcome = Outcome::Delivered;
            return Next::Done;
        }
        hook.total_errors += 1;
        hook.consecutive_errors += 1;
        hook.last_error = result.map_or_else(|error| error, |reply| reply.text);
        let verb = if status == Some(410) {
            hook.state = HookState::Stopped;
            Some("stopped")
        } else if hook.consecutive_errors >= TOO_MANY && hook.state == HookState::Active {
            hook.state = HookState::TooManyErrors;
            Some("errors")
        } else {
            None
        };
        if verb.is_some() || last {
            delivery.outcome = Outcome::Discarded;
        }
        let hook = hook.clone();
        if let Some(verb) = verb {
            debug!(webhook.id = hook.id, "webhook {} was switched off ({verb})", hook.id);
            self.raise(&Occurrence::of_webhook(&hook, verb));
            return Next::Done;
        }
        if last { Next::Done } else { Next::Again }
    }
}
