//! The processes: each with its own memory, its own clock and its own way to everything, over one database.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use connector_domain::clock::Clock;
use connector_domain::ids::TenantId;
use connector_domain::patch::WritePolicy;
use connector_domain::policy::{Policy, Scope};
use connector_domain::remedy::RetryPolicy;
use connector_domain::vertical::Vertical;
use connector_explorer::Knowledge;
use connector_pipeline::sweep::{self, SweepOptions, Sweeper};
use connector_pipeline::{
    Breakers, Discovered, FieldMap, Ports, Status, Worker, WorkerOptions, discovery, names,
};
use connector_server::{App, Badge, Canary, Gate, Roles};
use jiff::SignedDuration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use crate::crm::Crm;
use crate::crm::port::Line;
use crate::explorer::Reader;
use crate::weather::Storms;
use crate::world::{Life, ProcessClock, World};

/// The tenant that there is.
pub const TENANT: &str = "Cust12345";
/// How often a sweep is made, where sweeps are made.
pub const SWEPT_EVERY: Duration = Duration::from_mins(1);
/// The token that deliveries carry.
pub const TOKEN: &str = "simulated";

/// What all processes are made from.
pub struct Parts {
    /// The world.
    pub world: Arc<World>,
    /// The CRM.
    pub crm: Crm,
    /// The reviewed texts.
    pub knowledge: Arc<Knowledge>,
    /// The verticals among them.
    pub verticals: Arc<Vec<Vertical>>,
}

/// A process that runs.
#[derive(Clone)]
pub struct Running {
    /// Whether it still does.
    pub life: Arc<Life>,
    /// Its door.
    pub router: Router,
    /// What it knows of the tenant.
    pub discovered: Discovered,
    /// How what it depends on is doing, as it sees it.
    pub status: Status,
    stop: CancellationToken,
}

/// All processes.
pub struct Fleet {
    parts: Parts,
    running: Mutex<Vec<Option<Running>>>,
    tasks: TaskTracker,
    lives: Mutex<u32>,
}

impl Fleet {
    /// Starts as many processes as the knobs ask for, and starts each anew when it dies.
    pub fn start(parts: Parts) -> Arc<Self> {
        let slots = parts.world.knobs.processes;
        let fleet = Arc::new(Self {
            parts,
            running: Mutex::new(vec![None; slots]),
            tasks: TaskTracker::new(),
            lives: Mutex::default(),
        });
        for slot in 0..slots {
            let keeper = Arc::clone(&fleet);
            fleet.tasks.spawn(async move { keeper.keep(slot).await });
        }
        fleet
    }

    fn running(&self) -> MutexGuard<'_, Vec<Option<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The processes that run now.
    pub fn alive(&self) -> Vec<Running> {
        self.running().iter().flatten().cloned().collect()
    }

    /// Tells a process to stop in peace.
    pub fn stop_one(&self, which: usize) {
        let alive = self.alive();
        if let Some(one) = alive.get(which % alive.len().max(1)) {
            self.parts.world.note(format!("{} is told to stop", one.life.name));
            one.stop.cancel();
        }
    }

    async fn keep(&self, slot: usize) {
        let world = &self.parts.world;
        loop {
            let life = self.new_life(slot);
            let started = tokio::select! {
                biased;
                () = life.died.notified() => None,
                started = self.process(Arc::clone(&life)) => Some(started),
            };
            if let Some((running, mut worker, names)) = started {
                self.running()[slot] = Some(running);
                tokio::select! {
                    biased;
                    () = life.died.notified() => {}
                    // It was told to stop, and has.
                    _ = &mut worker => {
                        world.note(format!("{} has stopped", life.name));
                        life.end(world);
                    }
                }
                self.running()[slot] = None;
                worker.abort();
                names.abort();
            }
            let wait = if world.is_healed() { 200 } else { world.between(100, 6000) };
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }

    fn new_life(&self, slot: usize) -> Arc<Life> {
        let world = &self.parts.world;
        let number = {
            let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
            *lives += 1;
            *lives
        };
        let most = if world.knobs.processes == 1 { 300_000 } else { 3000 };
        let skew = if world.knobs.jumps && !world.is_healed() {
            i64::try_from(world.between(0, 2 * most)).unwrap_or(0) - i64::try_from(most).unwrap_or(0)
        } else {
            0
        };
        let life = Life::new(format!("p{slot}.{number}"), SignedDuration::from_millis(skew));
        world.state().lives.insert(life.name.clone(), Arc::clone(&life));
        world.note(format!("{} begins, its clock {skew} ms off", life.name));
        life
    }

    async fn process(&self, life: Arc<Life>) -> (Running, JoinHandle<()>, JoinHandle<()>) {
        let Parts { world, crm, knowledge, verticals } = &self.parts;
        let weather = Storms::new(Arc::clone(world), Arc::clone(&life));
        let store = Arc::new(world.database.store(Arc::new(weather), world.knobs.processes == 1));
        let clock: Arc<dyn Clock> = Arc::new(ProcessClock::new(Arc::clone(world), Arc::clone(&life)));
        let scope = if world.knobs.scoped { Scope::parse("5, 6, 7") } else { Scope::Everyone };
        let discovered = Discovered::new(Policy { scope, ..Policy::default() });
        let status = Status::default();
        let to_crm = Arc::new(Line::new(Arc::clone(world), Arc::clone(&life), crm.clone()));
        let life_name = life.name.clone();
        let ports = Arc::new(Ports {
            tenant: TenantId(TENANT.into()),
            crm: to_crm.clone(),
            explorer: Arc::new(Reader::new(Arc::clone(world), Arc::clone(&life), Arc::clone(verticals))),
            knowledge: Arc::clone(knowledge),
            queue: store.clone(),
            inbox: store.clone(),
            accounts: store.clone(),
            journal: store.clone(),
            settings: store.clone(),
            duties: store.clone(),
            clock: Arc::clone(&clock),
            discovered: discovered.clone(),
            field_map: FieldMap::default(),
            look_again: Arc::default(),
            sweep_now: Arc::default(),
            snapshots: store.clone(),
            breakers: Breakers::default(),
            status: status.clone(),
            write_policy: WritePolicy::RefreshOwn,
            retry: RetryPolicy::default(),
            profile_ttl: SignedDuration::from_hours(24),
        });
        discovery::remember(&ports).await;
        let router = connector_server::router(App {
            tenant: TenantId(TENANT.into()),
            inbox: store.clone(),
            queue: store.clone(),
            accounts: store.clone(),
            journal: store.clone(),
            settings: store.clone(),
            clock,
            gate: Gate::new(&TOKEN.into(), Vec::new()),
            tenant_state: None,
            sweeps: None,
            retention: store.clone(),
            canary: Canary::default(),
            instruments: Vec::new(),
            policy: discovered.policy(),
            definitions: discovered.definitions(),
            health: watch::channel(Arc::default()).1,
            roles: Roles { receive: true, work: true, dashboard: false },
            badge: Badge::Demo,
            crm_link: None,
            body_limit: 1024 * 1024,
            version: "0",
            bench: false,
        });
        let stop = CancellationToken::new();
        let options = WorkerOptions {
            workers: world.knobs.slots,
            rediscover: Duration::from_secs(90),
            ..WorkerOptions::default()
        };
        let worker = self.tasks.spawn(Worker::new(Arc::clone(&ports), options).run(stop.clone()));
        let names = self.tasks.spawn(names::run(Arc::clone(&ports), stop.clone()));
        let names = AbortOnDropHandle::new(names);
        let sweeps = world.knobs.sweeps.then(|| {
            let options = SweepOptions { every: Some(SWEPT_EVERY), holder: life_name };
            let sweeper = Arc::new(Sweeper::new(ports, to_crm, options));
            AbortOnDropHandle::new(self.tasks.spawn(sweep::run(sweeper, None, stop.clone())))
        });
        let names = self.tasks.spawn(async move {
            let _ends_with_it = sweeps;
            let _ = names.await;
        });
        (Running { life, router, discovered, status, stop }, worker, names)
    }
}
