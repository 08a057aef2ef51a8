//! What all parts of a simulated world share: the dice, the time, the trace, what was violated, and how to die.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_domain::clock::Clock;
use connector_domain::ids::RecordRef;
use connector_store::sqlite::inline::InMemory;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::dice::Dice;
use crate::knobs::Knobs;
use crate::trace::{Trace, beginning};

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub invariant: &'static str,
    /// What happened.
    pub words: String,
}

/// The world of one seed.
pub struct World {
    /// Its measures and faults.
    pub knobs: Knobs,
    /// The one database.
    pub database: InMemory,
    started: Instant,
    state: Mutex<State>,
    healed: AtomicBool,
    /// Rings at the first violation.
    pub violated: Notify,
}

/// What changes.
pub(crate) struct State {
    pub(crate) dice: Dice,
    pub(crate) trace: Trace,
    pub(crate) violations: Vec<Violation>,
    /// Failures that were made for a cause of a record's own.
    pub(crate) own_faults: BTreeMap<RecordRef, u32>,
    /// Deaths, stalls and the like, any of which may end the attempts in hand.
    pub(crate) interruptions: u32,
    /// Deaths that a record caused.
    pub(crate) killed: u32,
    /// Until when something is out of order, by its name.
    pub(crate) outages: BTreeMap<&'static str, Instant>,
    /// Records whose calls went wrong on purpose for ever.
    pub(crate) poison: BTreeSet<RecordRef>,
    /// The last moment at which the database refused or held up somebody.
    pub(crate) store_trouble: Option<Instant>,
    /// Until when somebody was frozen last.
    pub(crate) last_stall: Option<Instant>,
    /// Who holds which job, as the audit saw it.
    pub(crate) holders: BTreeMap<i64, crate::audit::Holder>,
    /// Every life there was.
    pub(crate) lives: BTreeMap<String, Arc<Life>>,
    /// Who acts on the database.
    pub(crate) actor: String,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("knobs", &self.knobs).finish_non_exhaustive()
    }
}

/// At most so many failures are made for a cause of a record's own: fewer than a job gives up after.
const MOST_OWN_FAULTS: u32 = 3;

impl World {
    /// Begins a world, at the present moment of the runtime's clock.
    pub fn new(knobs: Knobs, dice: Dice, database: InMemory, kept: usize) -> Arc<Self> {
        Arc::new(Self {
            knobs,
            database,
            started: Instant::now(),
            healed: AtomicBool::new(false),
            violated: Notify::new(),
            state: Mutex::new(State {
                dice,
                trace: Trace::new(kept),
                violations: Vec::new(),
                own_faults: BTreeMap::new(),
                interruptions: 0,
                killed: 0,
                outages: BTreeMap::new(),
                poison: BTreeSet::new(),
                store_trouble: None,
                last_stall: None,
                holders: BTreeMap::new(),
                lives: BTreeMap::new(),
                actor: String::new(),
            }),
        })
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the world has been.
    pub fn age(&self) -> SignedDuration {
        SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX)
    }

    /// The true time.
    pub fn now(&self) -> Timestamp {
        beginning() + self.age()
    }

    /// Adds a line to the trace.
    pub fn note(&self, words: impl AsRef<str>) {
        let age = self.age();
        self.state().trace.add(age, words.as_ref());
    }

    /// Notes that a promise was broken.
    pub fn violate(&self, invariant: &'static str, words: impl Into<String>) {
        let words = words.into();
        self.note(format!("VIOLATION {invariant}: {words}"));
        self.state().violations.push(Violation { invariant, words });
        self.violated.notify_one();
    }

    /// Whether a promise was broken.
    pub fn is_broken(&self) -> bool {
        !self.state().violations.is_empty()
    }

    /// Makes everything about a record go wrong for ever.
    pub fn poison(&self, record: RecordRef) {
        self.state().poison.insert(record);
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.healed.store(true, Ordering::Relaxed);
        self.state().outages.clear();
        self.note("-- healed");
    }

    /// At what age all faults end.
    pub fn healed_at(&self) -> SignedDuration {
        SignedDuration::try_from(self.knobs.faulty_for).unwrap_or(SignedDuration::MAX)
    }

    /// Whether all faults have ended.
    pub fn is_healed(&self) -> bool {
        self.healed.load(Ordering::Relaxed)
    }

    /// Whether a fault of this rate happens now. None does once the world is healed.
    pub fn fault(&self, rate: u32) -> bool {
        rate > 0 && !self.is_healed() && self.state().dice.per_mille(rate)
    }

    /// A failure for a cause of a record's own, unless it had enough of them.
    pub fn own_fault(&self, record: RecordRef, rate: u32) -> bool {
        if !self.fault(rate) {
            return false;
        }
        let mut state = self.state();
        let count = state.own_faults.entry(record).or_default();
        let spare = *count < MOST_OWN_FAULTS;
        *count += u32::from(spare);
        spare
    }

    /// A number from `low` up to and with `high`.
    pub fn between(&self, low: u64, high: u64) -> u64 {
        self.state().dice.between(low, high)
    }

    /// Lets a while pass, up to `most` milliseconds.
    pub async fn latency(&self, most: u64) {
        let wait = self.between(0, most);
        if wait > 0 {
            tokio::time::sleep(Duration::from_millis(wait)).await;
        }
    }

    /// Puts something out of order for a while.
    pub fn outage(&self, name: &'static str, length: Duration) {
        self.note(format!("-- {name} for {} s", length.as_secs()));
        let until = Instant::now() + length;
        self.state().outages.insert(name, until);
    }

    /// How much longer something is out of order.
    pub fn is_out(&self, name: &'static str) -> Option<Duration> {
        let until = *self.state().outages.get(name)?;
        until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// Whether a process is alive. Its calls end where it dies, and never come back.
#[derive(Debug)]
pub struct Life {
    /// Which process, and which of its lives.
    pub name: String,
    dead: AtomicBool,
    frozen_until: Mutex<Option<Instant>>,
    /// Rings when it dies.
    pub died: Notify,
    /// How far its clock is from the true time.
    pub skew: SignedDuration,
}

impl Life {
    /// Begins one.
    pub fn new(name: String, skew: SignedDuration) -> Arc<Self> {
        Arc::new(Self {
            name,
            dead: AtomicBool::new(false),
            frozen_until: Mutex::default(),
            died: Notify::new(),
            skew,
        })
    }

    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// Ends it, as `kill -9` does.
    pub fn end(&self, world: &World) {
        if !self.dead.swap(true, Ordering::Relaxed) {
            world.state().interruptions += 1;
            world.note(format!("{} dies", self.name));
            self.died.notify_one();
        }
    }

    /// Freezes it for a while, as a suspended machine is.
    pub fn freeze(&self, world: &World, length: Duration) {
        world.note(format!("{} is frozen for {} s", self.name, length.as_secs()));
        let until = Instant::now() + length;
        {
            let mut state = world.state();
            state.interruptions += 1;
            // Its leases may be over before it wakes.
            state.holders.values_mut().filter(|holder| holder.who == self.name).for_each(|holder| {
                holder.knows = false;
            });
            state.last_stall = state.last_stall.max(Some(until));
        }
        *self.frozen_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Goes on only when the process is alive and awake.
    pub async fn goes_on(&self) {
        loop {
            if self.is_over() {
                std::future::pending::<()>().await;
            }
            let until = *self.frozen_until.lock().unwrap_or_else(PoisonError::into_inner);
            match until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                Some(_) | None => return,
            }
        }
    }

    /// The same, and perhaps dies here.
    pub async fn may_die(&self, world: &World) {
        self.goes_on().await;
        if world.fault(world.knobs.deaths) {
            self.end(world);
            self.goes_on().await;
        }
    }
}

/// A process's clock: the wall's time when it began, and then the time that passes.
pub struct ProcessClock {
    world: Arc<World>,
    life: Arc<Life>,
}

impl ProcessClock {
    /// The clock of this process.
    pub fn new(world: Arc<World>, life: Arc<Life>) -> Self {
        Self { world, life }
    }
}

impl Clock for ProcessClock {
    fn now(&self) -> Timestamp {
        self.world.now() + self.life.skew
    }
}
