//! Step 6: what SuperOffice sends its events to: registered, mended and tested, with a receiver of our own for as long
//! as it takes when no service runs.

use connector_server::Roles;
use secrecy::ExposeSecret as _;
use serde_json::json;
use superoffice::Client;
use superoffice::api::webhook::Webhook;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::dashboard::holder;
use super::step::{Done, Step};
use super::talk::{Question, Talk};
use crate::config::Config;
use crate::config::tenant::Environment;
use crate::failure::{Failure, Status, refused};
use crate::format::say;
use crate::hook;
use crate::kept;
use crate::remote;
use crate::wire;

const ADDRESS: Question = Question {
    key: "webhook.url",
    words: "Public address of /connector/webhook:",
    help: "SuperOffice has to reach it over https, such as https://crm-hooks.example.com/connector/webhook",
};

const REACH: &str = "SuperOffice calls the address before it saves the webhook: it has to lead to this machine's LISTEN, over https";

const RESTART: &str = "if the service was started before WEBHOOK_TOKEN and WEBHOOK_SECRET were set, restart it; else see that the address leads to its LISTEN, over https; then run setup again";

pub(super) async fn run(talk: &mut Talk) -> Result<Done, Failure> {
    if talk.value("sweep.only") == Some("true") {
        return Ok(Done::as_it_was("no webhook is wanted: changes are found by sweeps alone"));
    }
    suggest(talk)?;
    let address = talk.text(&ADDRESS, |text| {
        let url = url::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        if url.is_some_and(|url| url.has_host() && url.path() != "/") {
            Ok(())
        } else {
            Err("the whole address is wanted, such as https://crm-hooks.example.com/connector/webhook"
                .to_owned())
        }
    })?;
    talk.set(ADDRESS.key, &address);
    let client = talk.client()?;
    let present = hook::ours(&client, Some(&address)).await?;
    let (token, secret) = presented(talk, present.is_none())?;
    let wanted = hook::wanted(&address, &token, secret.as_deref());
    let plan = Plan::of(present, &wanted);
    say(&format!("     {}", plan.words(&address)));
    if talk.dry_run {
        return Ok(Done::as_it_was("nothing was registered"));
    }
    if plan.does_something() {
        if !talk.agree("setup.register_webhook", "Do that? Events of real changes come from then on")? {
            return Ok(Done::as_it_was("no webhook was registered, so SuperOffice tells nothing yet"));
        }
        // Both are to be known to the service before SuperOffice uses them.
        talk.set("webhook.token", &token);
        if talk.value("webhook.secret").is_none()
            && let Some(secret) = &secret
        {
            talk.set("webhook.secret", secret);
        }
    }
    let saved = talk.save(Step::Webhook)?;
    let config = talk.config()?;
    let guard = talk.guard.clone();
    let done = guard.whole(carry_out(&config, &client, &plan, &wanted)).await?;
    let words = format!("webhook {} sends to {}, tested", done.webhook_id, hook::without_query(&address));
    let outcome = if saved || plan.does_something() { Done::changed(words) } else { Done::as_it_was(words) };
    Ok(outcome.with(json!({"id": done.webhook_id, "state": done.state.to_string()})))
}

/// What deliveries present: the configured token, the one that a service made up, or a new one; and the key of their
/// signature. A key is made up for a new webhook only: whether SuperOffice tells that of a present one is not documented.
fn presented(talk: &Talk, is_new: bool) -> Result<(String, Option<String>), Failure> {
    let config = talk.config()?;
    let tenant = remote::tenant(&config)?;
    let configured = config.webhook_token.as_ref().map(|token| token.expose_secret().to_owned());
    let kept = || {
        let kept = kept::look(&config.database, &tenant.context, wire::KEPT_TOKEN).ok()??;
        kept.as_str().map(str::to_owned)
    };
    let token = configured.or_else(kept).unwrap_or_else(random);
    let secret = config.webhook_secrets.first().map(|secret| secret.expose_secret().to_owned());
    Ok((token, secret.or_else(|| is_new.then(random))))
}

/// Against an emulator on this machine the local address is the public one.
fn suggest(talk: &mut Talk) -> Result<(), Failure> {
    let config = talk.config()?;
    let is_local = remote::tenant(&config)?.environment == Environment::Other;
    if is_local && talk.value(ADDRESS.key).is_none() {
        talk.set(ADDRESS.key, &format!("http://{}/connector/webhook", config.listen));
    }
    Ok(())
}

/// What has to be done.
enum Plan {
    Register,
    Mend { id: i64, patch: superoffice::patch::Patch, changes: Vec<String> },
    Nothing(Box<Webhook>),
}

impl Plan {
    fn of(present: Option<Webhook>, wanted: &Webhook) -> Self {
        let Some(webhook) = present else { return Self::Register };
        let (patch, changes) = hook::amendments(&webhook, wanted);
        if patch.is_empty() {
            Self::Nothing(Box::new(webhook))
        } else {
            Self::Mend { id: webhook.webhook_id, patch, changes }
        }
    }

    const fn does_something(&self) -> bool {
        !matches!(self, Self::Nothing(_))
    }

    fn words(&self, address: &str) -> String {
        let address = hook::without_query(address);
        match self {
            Self::Register => format!(
                "A webhook \"{}\" is registered that sends {} events to {address}.",
                hook::NAME,
                hook::EVENTS.len()
            ),
            Self::Mend { id, changes, .. } => {
                format!("Webhook {id} is mended so that it sends to {address}: {}.", changes.join("; "))
            }
            Self::Nothing(webhook) => {
                format!("Webhook {} already is as it should be; it is tested.", webhook.webhook_id)
            }
        }
    }
}

/// Registers or mends it, and has it tested, with somebody listening.
async fn carry_out(
    config: &Config,
    client: &Client,
    plan: &Plan,
    wanted: &Webhook,
) -> Result<Webhook, Failure> {
    let receiver = if holder(config).await? { None } else { Some(Receiver::start(config).await?) };
    let help = if receiver.is_none() { RESTART } else { REACH };
    let outcome = async {
        let failed = |error: superoffice::Error| refused(&error).help(help);
        let webhook = match plan {
            Plan::Register => client.register_webhook(wanted).await.map_err(failed)?,
            Plan::Mend { id, patch, .. } => client.patch_webhook(*id, patch).await.map_err(failed)?,
            Plan::Nothing(webhook) => Webhook::clone(webhook),
        };
        let result = client.test_webhook(&webhook).await.map_err(failed)?;
        if result.success {
            return Ok(webhook);
        }
        Err(Failure::words(Status::Failed, "SuperOffice did not get a 200 from the address").help(help))
    }
    .await;
    if let Some(receiver) = receiver {
        receiver.stop().await;
    }
    outcome
}

/// The product's own receiver: what comes in meanwhile is kept as ever, and worked on once the service runs.
struct Receiver {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Receiver {
    async fn start(config: &Config) -> Result<Self, Failure> {
        let config = config.receiving_only();
        let tenant = remote::tenant(&config)?;
        let product = wire::product(&config, tenant, wire::badge(tenant.environment)).await?;
        let listener = wire::bind(config.listen).await?;
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        product.start(&config, listener, &tracker, &stop);
        Ok(Self { tracker, stop })
    }

    async fn stop(self) {
        self.stop.cancel();
        self.tracker.close();
        drop(tokio::time::timeout(std::time::Duration::from_secs(5), self.tracker.wait()).await);
    }
}

impl Config {
    fn receiving_only(&self) -> Self {
        let roles = Roles { receive: true, work: false, dashboard: false };
        Self { roles, ..self.clone() }
    }
}

/// 32 random characters.
fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
