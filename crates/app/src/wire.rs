//! Puts the product together. The only place that names concrete types.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use axum::Router;
use connector_domain::clock::SystemClock;
use connector_domain::ids::TenantId;
use connector_explorer::{Explorer, Knowledge, Offline, Website, WebsiteOptions};
use connector_pipeline::crm::superoffice::SuperOffice;
use connector_pipeline::crm::superoffice::own_webhook::OwnWebhook;
use connector_pipeline::retention::{self, Keeper};
use connector_pipeline::revisit;
use connector_pipeline::sweep::{self, Asked};
use connector_pipeline::{
    Breakers, Condition, Discovered, Hooks, Ports, Status, SweepOptions, Sweeper, Worker, WorkerOptions,
    discovery, guardian, names, process,
};
use connector_server::{
    App, Badge, Canary, Concern, Gate, Limits, Part, PartState, Sweeps, TenantState, Unverified,
};
use connector_store::settings::{GAP, Gap};
use connector_store::{Store, StoreError};
use jiff::SignedDuration;
use serde::Deserialize as _;
use superoffice::api::state::StateChange;
use superoffice::{Client, Credentials, Error};
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::tenant::Environment;
use crate::config::{Config, Tenant, WebsiteConfig};
use crate::instruments;
use crate::sharing::Sharing;
use crate::sign_in;
use crate::sweeping::Sweeping;

mod books;
mod token;

pub(crate) use books::{Books, open};
pub(crate) use token::{KEPT_TOKEN, Token, token};

/// Everything that a running product consists of.
pub(crate) struct Product {
    pub(crate) tenant: TenantId,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) books: Books,
    pub(crate) client: Client,
    pub(crate) ports: Arc<Ports>,
    sweeper: Arc<Sweeper>,
    pub(crate) router: Router,
    pub(crate) token: Token,
    workers: usize,
    status: Status,
    canary: Canary,
    health: watch::Sender<Arc<Vec<Part>>>,
}

/// Puts everything together for a tenant. Nothing runs yet.
pub(crate) async fn product(config: &Config, tenant: &Tenant, badge: Badge) -> anyhow::Result<Product> {
    let books = open(config).await?;
    let store = books.store();
    let id = TenantId(tenant.context.clone());
    let token = token(config, &id, &*store).await?;
    let client = client_of(config, tenant, &books)?;
    let discovered = Discovered::new(config.policy.clone());
    let (status, look_again) = (Status::default(), Arc::new(Notify::new()));
    let crm = Arc::new(SuperOffice::new(client.clone()));
    let shared =
        Parts { discovered: discovered.clone(), status: status.clone(), look_again: Arc::clone(&look_again) };
    let ports = Arc::new(ports(config, &id, &store, Arc::clone(&crm), shared)?);
    discovery::remember(&ports).await;
    let sweeper = Arc::new(Sweeper::new(Arc::clone(&ports), crm, sweep_options(config, &books)));
    let health = watch::Sender::new(Arc::new(Vec::new()));
    let canary = Canary::default();
    let router = connector_server::router(App {
        clock: Arc::clone(&ports.clock),
        canary: canary.clone(),
        instruments: instruments::running(&books, &client, &ports),
        sweeps: Some(Arc::new(if config.roles.work {
            Sweeping::beside_the_service(Arc::clone(&sweeper))
        } else {
            Sweeping::alone(Arc::clone(&sweeper))
        })),
        badge,
        bench: config.bench,
        tenant_state: Some(Arc::new(Notified { client: client.clone(), look_again })),
        ..app(config, tenant, &books, &token, &discovered, health.subscribe())
    });
    let workers = config.workers;
    Ok(Product {
        tenant: id,
        store,
        books,
        client,
        ports,
        sweeper,
        router,
        token,
        workers,
        status,
        canary,
        health,
    })
}

/// What a product shares with whoever shows it.
struct Parts {
    discovered: Discovered,
    status: Status,
    look_again: Arc<Notify>,
}

/// Everything that work may touch.
fn ports(
    config: &Config,
    tenant: &TenantId,
    store: &Arc<dyn Store>,
    crm: Arc<SuperOffice>,
    shared: Parts,
) -> anyhow::Result<Ports> {
    let knowledge = knowledge()?;
    let explorer = explorer(&knowledge, &config.website)?;
    Ok(Ports {
        tenant: tenant.clone(),
        crm,
        explorer,
        knowledge,
        queue: store.clone(),
        inbox: store.clone(),
        accounts: store.clone(),
        journal: store.clone(),
        settings: store.clone(),
        duties: store.clone(),
        snapshots: store.clone(),
        clock: Arc::new(SystemClock::default()),
        discovered: shared.discovered,
        field_map: config.fields.clone(),
        look_again: shared.look_again,
        sweep_now: Arc::default(),
        breakers: Breakers::default(),
        status: shared.status,
        write_policy: config.write_policy,
        retry: config.retry.clone(),
        profile_ttl: config.profile_ttl,
    })
}

fn sweep_options(config: &Config, books: &Books) -> SweepOptions {
    let every = config.sweep.enabled.then_some(config.sweep.every);
    SweepOptions { every, holder: books.holder().to_owned() }
}

/// The badge for the tenant's environment.
pub(crate) const fn badge(environment: Environment) -> Badge {
    match environment {
        Environment::Development => Badge::Development,
        Environment::Stage => Badge::Stage,
        Environment::Production => Badge::Production,
        Environment::Other => Badge::Demo,
    }
}

/// The routes over a store alone, for commands that look at it while nothing else runs.
pub(crate) async fn router_over(config: &Config, tenant: &Tenant, books: Books) -> anyhow::Result<Router> {
    let store = books.store();
    let id = TenantId(tenant.context.clone());
    let token = token(config, &id, &*store).await?;
    let discovered = Discovered::new(config.policy.clone());
    let health = watch::Sender::new(Arc::new(Vec::new())).subscribe();
    // Most commands do not need SuperOffice, so that they work without a way in as well.
    let sweeps: Option<Arc<dyn Sweeps>> = match client(config, tenant) {
        Ok(client) => {
            let crm = Arc::new(SuperOffice::new(client));
            let shared = Parts {
                discovered: discovered.clone(),
                status: Status::default(),
                look_again: Arc::default(),
            };
            let ports = Arc::new(ports(config, &id, &store, Arc::clone(&crm), shared)?);
            Some(Arc::new(Sweeping::alone(Arc::new(Sweeper::new(ports, crm, sweep_options(config, &books))))))
        }
        Err(_) => None,
    };
    let app = app(config, tenant, &books, &token, &discovered, health);
    Ok(connector_server::router(App { sweeps, ..app }))
}

/// What the pages and the API look at.
fn app(
    config: &Config,
    tenant: &Tenant,
    books: &Books,
    token: &Token,
    discovered: &Discovered,
    health: watch::Receiver<Arc<Vec<Part>>>,
) -> App {
    let store = books.store();
    App {
        tenant: TenantId(tenant.context.clone()),
        inbox: store.clone(),
        queue: store.clone(),
        accounts: store.clone(),
        journal: store.clone(),
        retention: store.clone(),
        settings: store.clone(),
        clock: Arc::new(SystemClock::default()),
        canary: Canary::default(),
        instruments: instruments::standing(books),
        gate: Gate::new(&token.secret, config.webhook_secrets.clone()),
        tenant_state: None,
        sweeps: None,
        policy: discovered.policy(),
        definitions: discovered.definitions(),
        health,
        roles: config.roles,
        badge: badge(tenant.environment),
        crm_link: None,
        body_limit: config.body_limit,
        version: env!("CARGO_PKG_VERSION"),
        bench: false,
    }
}

/// Verifies notifications about the tenant's state, and has the worker look at the tenant.
struct Notified {
    client: Client,
    look_again: Arc<Notify>,
}

#[async_trait]
impl TenantState for Notified {
    async fn changed(&self, change: &StateChange) -> Result<Concern, Unverified> {
        match self.client.accept_state_change(change).await {
            Ok(superoffice::Concern::Us) => {
                self.look_again.notify_one();
                Ok(Concern::Us)
            }
            Ok(superoffice::Concern::AnotherTenant) => Ok(Concern::AnotherTenant),
            Err(Error::Untrusted(why)) => Err(Unverified::Forged(why)),
            Err(error) => Err(Unverified::NoKeys(error.in_full())),
        }
    }
}

/// The client for a tenant.
pub(crate) fn client(config: &Config, tenant: &Tenant) -> anyhow::Result<Client> {
    client_with(config, tenant, sign_in::credentials(config, tenant)?)
}

/// The client of a service. Those that share a database share an access token as well.
fn client_of(config: &Config, tenant: &Tenant, books: &Books) -> anyhow::Result<Client> {
    let mut settings = settings(config, tenant, sign_in::credentials(config, tenant)?);
    if let Books::Server(_) = books {
        settings.shared = Some(Arc::new(Sharing {
            tenant: TenantId(tenant.context.clone()),
            settings: books.store(),
            duties: books.store(),
            key: config.key.clone(),
        }));
    }
    Client::new(settings).context(NO_CLIENT)
}

/// The client for a tenant, signed in like this.
pub(crate) fn client_with(
    config: &Config,
    tenant: &Tenant,
    credentials: Credentials,
) -> anyhow::Result<Client> {
    Client::new(settings(config, tenant, credentials)).context(NO_CLIENT)
}

const NO_CLIENT: &str = "could not set up the client for SuperOffice";

fn settings(config: &Config, tenant: &Tenant, credentials: Credentials) -> superoffice::Config {
    let workers = config.workers;
    let mut settings = superoffice::Config::new(
        tenant.login_url.clone(),
        tenant.context.clone(),
        tenant.client_id.clone(),
        tenant.client_secret.clone(),
        credentials,
    );
    settings.redirect_uri.clone_from(&tenant.redirect_uri);
    settings.user_agent = user_agent();
    settings.limits.per_second = tenant.calls_per_second;
    settings.limits.in_flight = workers.max(settings.limits.in_flight);
    settings
}

/// Who we tell SuperOffice that we are. The comment tells processes of one service apart, in SuperOffice's logs and ours:
/// it ends the name under which a process holds its leases.
fn user_agent() -> String {
    format!("so-connector/{} ({})", env!("CARGO_PKG_VERSION"), process::id())
}

/// The reviewed texts that come with the product.
pub(crate) fn knowledge() -> anyhow::Result<Arc<Knowledge>> {
    Ok(Arc::new(Knowledge::built_in().context("could not read the built-in texts")?))
}

/// Company Explorer, built in.
pub(crate) fn explorer(
    knowledge: &Arc<Knowledge>,
    website: &WebsiteConfig,
) -> anyhow::Result<Arc<dyn Explorer>> {
    if !website.allow.is_empty() {
        tracing::warn!(
            "WEBSITES_ALLOW lets the website reader reach addresses that are not public; this is for the emulator and tests only"
        );
    }
    let options = WebsiteOptions {
        allow: website.allow.clone(),
        max_pages: website.max_pages,
        page_timeout: website.page_timeout,
        site_timeout: website.site_timeout,
        delay: website.delay,
        ..WebsiteOptions::default()
    };
    let reader = Website::new(options).context("could not set up the website reader")?;
    Ok(Arc::new(Offline::new(Arc::clone(knowledge), reader)))
}

/// Binds the address that webhook, dashboard and API listen on.
pub(crate) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("could not listen on {address}"))
}

/// How much further back than the last mark a gap is swept: the two clocks may differ, and a mark is seconds old.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// How often it is looked whether the database misses something; whether it does is found out as often.
const LOOK_FOR_GAPS: Duration = Duration::from_secs(5);

impl Product {
    /// Has SuperOffice asked what changed since, when the database is an older copy that was put in place.
    pub(crate) async fn ask_for_what_is_missing(&self) -> Result<(), StoreError> {
        ask_for_what_is_missing(&self.ports).await
    }

    /// Starts the tasks that the roles ask for. They end when `stop` is cancelled; the tracker then empties.
    pub(crate) fn start(
        &self,
        config: &Config,
        listener: TcpListener,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) {
        let (router, stop_serving) = (self.router.clone(), stop.clone());
        tracker.spawn(async move {
            if let Err(error) =
                connector_server::serve(listener, router, Limits::default(), stop_serving.clone()).await
            {
                tracing::error!("the server has ended: {error}");
                stop_serving.cancel();
            }
        });
        let guarded = |name: &'static str, task: tokio::task::JoinHandle<()>| {
            tracker.spawn(ends_only_when_told(name, task, stop.clone()));
        };
        guarded("health", tracker.spawn(forward(self.status.clone(), self.health.clone(), stop.clone())));
        let canary = self.canary.clone().run(self.store.clone(), Arc::clone(&self.ports.clock), stop.clone());
        guarded("canary", tracker.spawn(canary));
        let keeper = Keeper {
            tenant: self.tenant.clone(),
            retention: self.store.clone(),
            duties: self.store.clone(),
            clock: Arc::clone(&self.ports.clock),
            status: self.status.clone(),
            policy: config.retention.clone(),
            pause: retention::LEAST_PAUSE,
        };
        guarded("retention", tracker.spawn(retention::run(keeper, stop.clone())));
        let following = discovery::follow(Arc::clone(&self.ports), config.roles.work, stop.clone());
        guarded("discovery", tracker.spawn(following));
        if config.roles.work {
            let options = WorkerOptions {
                workers: self.workers,
                lease: config.lease,
                rediscover: config.look_again,
                ..WorkerOptions::default()
            };
            let worker = Worker::new(Arc::clone(&self.ports), options);
            guarded("worker", tracker.spawn(worker.run(stop.clone())));
            let own = self.own_webhook(config);
            let hooks = (!config.sweep.only).then(|| Arc::clone(&own) as Arc<dyn Hooks>);
            let sweeping = sweep::run(Arc::clone(&self.sweeper), hooks, stop.clone());
            guarded("sweep", tracker.spawn(sweeping));
            if !config.sweep.only {
                let guardian = guardian::run(Arc::clone(&self.ports), own, config.guardian, stop.clone());
                guarded("guardian", tracker.spawn(guardian));
            }
            if let Books::Server(_) = &self.books {
                guarded("gaps", tracker.spawn(look_for_gaps(Arc::clone(&self.ports), stop.clone())));
            }
            guarded("revisit", tracker.spawn(revisit::run(Arc::clone(&self.ports), stop.clone())));
            guarded("names", tracker.spawn(names::run(Arc::clone(&self.ports), stop.clone())));
        }
    }
}

impl Product {
    /// Our webhook in SuperOffice.
    fn own_webhook(&self, config: &Config) -> Arc<OwnWebhook> {
        let address = config.webhook_url.as_ref().map(ToString::to_string);
        let secrets = config.webhook_secrets.clone();
        Arc::new(OwnWebhook::new(self.client.clone(), address, self.token.secret.clone(), secrets))
    }
}

async fn ask_for_what_is_missing(ports: &Ports) -> Result<(), StoreError> {
    let nobody = TenantId(String::new());
    let kept = ports.settings.get(&nobody, GAP).await?;
    let gap = kept.as_ref().and_then(|kept| Gap::deserialize(kept).ok()).filter(|gap| !gap.asked);
    let Some(gap) = gap else { return Ok(()) };
    tracing::warn!(
        "the database is a copy from {:.0}, or was made anew; what changed since is asked for",
        gap.from
    );
    let why = "the database was restored from a copy, or made anew".to_owned();
    let from = gap.from.saturating_sub(MARGIN).unwrap_or(gap.from);
    sweep::ask(ports, Asked { from, until: None, why }).await?;
    let asked = serde_json::json!(Gap { asked: true, ..gap });
    // Somebody may have noticed another one meanwhile; that one is asked for next time.
    ports.settings.swap(&nobody, GAP, kept, asked, ports.clock.now()).await.map(drop)
}

/// Looks for what a server that took another's place may be missing, which can happen at any time.
async fn look_for_gaps(ports: Arc<Ports>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = ask_for_what_is_missing(&ports).await {
            tracing::debug!("it cannot be seen whether something is missing: {error}");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK_FOR_GAPS) => {}
        }
    }
}

/// A task that ends by itself has failed; then the whole service stops, and its supervisor starts it afresh.
async fn ends_only_when_told(name: &'static str, task: tokio::task::JoinHandle<()>, stop: CancellationToken) {
    let ended = task.await;
    if !stop.is_cancelled() {
        match ended {
            Ok(()) => tracing::error!("the task \"{name}\" has ended"),
            Err(error) => tracing::error!("the task \"{name}\" has ended: {error}"),
        }
        stop.cancel();
    }
}

/// Shows the pipeline's parts on the pages.
async fn forward(status: Status, health: watch::Sender<Arc<Vec<Part>>>, stop: CancellationToken) {
    let mut parts = status.follow();
    loop {
        let shown = parts.borrow_and_update().iter().map(part).collect();
        health.send_replace(Arc::new(shown));
        tokio::select! {
            () = stop.cancelled() => return,
            changed = parts.changed() => if changed.is_err() { return },
        }
    }
}

fn part(part: &connector_pipeline::Part) -> Part {
    let name = match part.name.as_str() {
        "superoffice" => "SuperOffice".to_owned(),
        other => other.to_owned(),
    };
    let state = match part.condition {
        Condition::Ok => PartState::Ok,
        Condition::Degraded => PartState::Degraded,
        Condition::Down => PartState::Down,
    };
    Part { name, state, words: part.words.clone(), remedy: part.remedy.clone() }
}
