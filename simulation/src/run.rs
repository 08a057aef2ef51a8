//! One seed from beginning to end.

use std::cell::RefCell;
use std::sync::{Arc, Once};
use std::time::Duration;

use connector_domain::ids::{JobId, TenantId};
use connector_domain::vertical::Vertical;
use connector_explorer::{Knowledge, KnowledgeError};
use connector_faults::sometimes;
use connector_store::Queue;
use connector_store::sqlite::inline::{Calm, InMemory};
use jiff::SignedDuration;
use tokio::time::Instant;

use crate::MeantPanic;
use crate::audit;
use crate::checks::Checks;
use crate::crm::Crm;
use crate::dice::Dice;
use crate::fleet::{Fleet, Parts, TENANT};
use crate::knobs::Knobs;
use crate::people::People;
use crate::sender::Sender;
use crate::world::{Violation, World};

/// In the second part everything must have ended within this.
const LIVELY: Duration = Duration::from_hours(1);

/// What runs share: it is dear to make and the same for all of them.
pub struct House {
    database: InMemory,
    knowledge: Arc<Knowledge>,
    verticals: Arc<Vec<Vertical>>,
    /// So many of the last lines of a trace are kept.
    pub kept: usize,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The world it was.
    pub knobs: Knobs,
    /// What was violated; nothing, usually.
    pub violations: Vec<Violation>,
    /// A sum over the whole trace.
    pub sum: u64,
    /// The last lines of the trace.
    pub last: Vec<String>,
    /// How long it was in its own time.
    pub age: SignedDuration,
    /// How many writes were done in the CRM.
    pub writes: u64,
    /// How many events were acknowledged.
    pub events: u64,
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics that nobody meant are violations, wherever they are caught.
fn listen_to_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if panic.payload().is::<MeantPanic>() {
                return;
            }
            PANIC.with_borrow_mut(|kept| *kept = Some(panic.to_string()));
            usual(panic);
        }));
    });
}

impl House {
    /// Makes one. A thread has its own.
    ///
    /// # Errors
    ///
    /// Never with a tested build.
    pub fn new() -> Result<Self, KnowledgeError> {
        listen_to_panics();
        let knowledge = Arc::new(Knowledge::built_in()?);
        let verticals = Arc::new(knowledge.verticals());
        let database = InMemory::fresh().expect("a database in memory can be made");
        audit::install(&database).expect("its triggers can be made");
        Ok(Self { database, knowledge, verticals, kept: 400 })
    }

    /// Runs one seed.
    pub fn run(&self, seed: u64) -> Outcome {
        let mut dice = Dice::of(seed);
        let knobs = Knobs::of(&mut dice).and_more(&mut Dice::of(!seed));
        self.run_with(knobs, dice)
    }

    /// Runs one seed in a world of these measures.
    pub fn run_with(&self, knobs: Knobs, dice: Dice) -> Outcome {
        self.play(knobs, dice, async |story: &Story| story.usual().await)
    }

    /// Plays a story of its own in a world of these measures.
    pub fn play(&self, knobs: Knobs, dice: Dice, tell: impl AsyncFnOnce(&Story)) -> Outcome {
        self.database.wipe().expect("the database can be wiped");
        audit::begin(&self.database).expect("the audit can begin anew");
        PANIC.take();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime without threads can be made");
        let outcome = runtime.block_on(async {
            let world = World::new(knobs, dice, self.database.clone(), self.kept);
            let story = self.story(Arc::clone(&world));
            tokio::select! {
                biased;
                () = world.violated.notified() => {}
                () = tell(&story) => {}
            }
            if let Some(panic) = PANIC.take() {
                world.violate("PANIC", panic);
            }
            story.outcome()
        });
        drop(runtime);
        outcome
    }

    fn story(&self, world: Arc<World>) -> Story {
        let crm = Crm::new(self.verticals.to_vec());
        crm.model().locked = world.knobs.broken_field;
        crm.model().versions = world.knobs.sweeps;
        let people = People::new(Arc::clone(&world), crm.clone());
        people.settle();
        let fleet = Fleet::start(Parts {
            world: Arc::clone(&world),
            crm: crm.clone(),
            knowledge: Arc::clone(&self.knowledge),
            verticals: Arc::clone(&self.verticals),
        });
        let sender = Sender::start(Arc::clone(&world), crm.clone(), Arc::clone(&fleet));
        let knowledge = Arc::clone(&self.knowledge);
        Story { world, crm, people, fleet, sender, knowledge }
    }
}

/// A run while it runs.
pub struct Story {
    /// The world.
    pub world: Arc<World>,
    /// The CRM.
    pub crm: Crm,
    /// Those who work in it.
    pub people: People,
    /// The processes.
    pub fleet: Arc<Fleet>,
    /// The webhook's other end.
    pub sender: Arc<Sender>,
    /// The reviewed texts.
    pub knowledge: Arc<Knowledge>,
}

impl Story {
    /// Things go wrong; then all is healed, and everything must come to its end.
    pub async fn usual(&self) {
        let world = &self.world;
        tokio::join!(
            self.people.edit(),
            self.people.found(),
            self.people.delete(),
            self.trouble(),
            tokio::time::sleep(world.knobs.faulty_for)
        );
        self.crm.model().locked = false;
        world.heal();
        if !self.settled().await {
            return;
        }
        if world.knobs.broken_field {
            self.awake().await;
            // The tenant is looked at again before long.
            let told = if world.knobs.crm_outages > 0 { 300 } else { 0 };
            tokio::time::sleep(Duration::from_secs(100 + told)).await;
            if !self.settled().await {
                return;
            }
        }
        let checks = Checks { story: self };
        checks.nothing_is_held_for_a_field();
        if world.knobs.sweeps {
            // Two sweeps, each after a wait for a CRM that was away.
            self.awake().await;
            tokio::time::sleep(3 * crate::fleet::SWEPT_EVERY + Duration::from_secs(700)).await;
            if !self.settled().await {
                return;
            }
        }
        self.retry_what_is_held().await;
        if !self.settled().await {
            return;
        }
        checks.everything();
        self.echoes().await;
        self.promptness().await;
        checks.everything();
    }

    /// Outages, frozen machines, restarts.
    async fn trouble(&self) {
        let knobs = &self.world.knobs;
        let long = u64::try_from(knobs.faulty_for.as_millis()).unwrap_or(0);
        let after = |most: u64| Duration::from_millis(self.world.between(0, most));
        let crm = async {
            for _ in 0..knobs.crm_outages {
                tokio::time::sleep(after(long / 2)).await;
                let names = ["crm offline", "sign-in lost", "crm unreachable", "crm silent"];
                let name = names[usize::try_from(self.world.between(0, 3)).unwrap_or(0)];
                self.world.outage(name, Duration::from_secs(self.world.between(5, 300)));
            }
        };
        let explorer = async {
            for _ in 0..knobs.explorer_outages {
                tokio::time::sleep(after(long / 2)).await;
                self.world.outage("explorer", Duration::from_secs(self.world.between(30, 600)));
            }
        };
        let store = async {
            for _ in 0..knobs.store_outages {
                tokio::time::sleep(after(long)).await;
                self.world.outage("store", Duration::from_secs(self.world.between(1, 200)));
            }
        };
        let frozen = async {
            for which in 0..knobs.stalls {
                tokio::time::sleep(after(long)).await;
                let alive = self.fleet.alive();
                if let Some(one) = alive.get(which as usize % alive.len().max(1)) {
                    sometimes("process_frozen");
                    one.life.freeze(&self.world, Duration::from_secs(self.world.between(5, 400)));
                }
            }
        };
        let restarts = async {
            if self.world.between(0, 2) == 0 {
                tokio::time::sleep(after(long)).await;
                sometimes("stopped_in_peace");
                let which = usize::try_from(self.world.between(0, 2)).unwrap_or(0);
                self.fleet.stop_one(which);
            }
        };
        tokio::join!(crm, explorer, store, frozen, restarts);
    }

    /// Waits until nothing is to be done; says whether it came to that.
    pub async fn settled(&self) -> bool {
        // What kills its worker does so twenty times, and each time its lease has to end.
        let most = if self.world.knobs.deadly { LIVELY * 5 } else { LIVELY };
        self.settled_within(most).await
    }

    /// The same, with another patience.
    pub async fn settled_within(&self, most: Duration) -> bool {
        let begun = Instant::now();
        let mut quiet = 0;
        while begun.elapsed() < most {
            tokio::time::sleep(Duration::from_millis(500)).await;
            quiet = if self.sender.is_idle() && self.open_jobs() == 0 { quiet + 1 } else { 0 };
            if quiet == 4 {
                return true;
            }
        }
        let words = format!("{} jobs are still open after {} s", self.open_jobs(), most.as_secs());
        self.world.violate("LIVE", words);
        false
    }

    /// How many jobs wait or are worked on.
    pub fn open_jobs(&self) -> i64 {
        let sql = "SELECT count(*) FROM jobs WHERE state IN (0, 1)";
        let count = |connection: &rusqlite::Connection| {
            connection.prepare_cached(sql)?.query_row([], |row| row.get(0))
        };
        self.world.database.look(count).unwrap_or(i64::MAX)
    }

    /// A person asks for another try of what only a person can release.
    async fn retry_what_is_held(&self) {
        let held = self.world.database.look(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT id FROM jobs WHERE state = 4 ORDER BY id")?;
            let ids = statement.query_map([], |row| row.get(0).map(JobId))?;
            ids.collect::<Result<Vec<_>, _>>()
        });
        let store = self.world.database.store(Arc::new(Calm), false);
        for job in held.unwrap_or_default() {
            sometimes("held_job_retried");
            if let Err(error) = store.retry(&TenantId(TENANT.into()), job, self.world.now()).await {
                self.world.violate("LIVE", format!("job {job} cannot be retried: {error}"));
            }
            audit::look(&self.world);
        }
    }

    /// Our own changes come back once more, and nothing is written.
    async fn echoes(&self) {
        self.awake().await;
        if self.world.knobs.crm_late > 0 {
            // What is still on its way is no echo's work.
            tokio::time::sleep(Duration::from_secs(90)).await;
        }
        let before = self.writes();
        for _ in 0..3 {
            // What was written long ago is no echo.
            let young = self.world.now() - SignedDuration::from_mins(10);
            let written = self.crm.model().written_at.clone();
            let records: Vec<_> =
                written.into_iter().filter(|(_, at)| *at > young).map(|(record, _)| record).collect();
            for record in records.into_iter().take(4) {
                let column = match record.entity {
                    connector_domain::ids::Entity::Contact => "contact_id",
                    connector_domain::ids::Entity::Person => "person_id",
                };
                let columns = vec![column, "updated", "userdef_id"];
                self.crm.model().changed(&self.world, record, crate::crm::By::Us, columns, false);
            }
            if !self.settled().await {
                return;
            }
        }
        if self.writes() != before && !self.world.knobs.jumps {
            self.world.violate("ECHO", format!("{} writes followed from echoes", self.writes() - before));
        }
    }

    /// Waits until no process is frozen any more.
    async fn awake(&self) {
        let stall = self.world.state().last_stall;
        if let Some(until) = stall {
            tokio::time::sleep_until(until).await;
        }
    }

    /// Nothing is to be done, and one change comes: it is worked on at once.
    async fn promptness(&self) {
        self.awake().await;
        // Whoever was told when the CRM would be back asks then.
        let told = if self.world.knobs.crm_outages > 0 { 300 } else { 0 };
        tokio::time::sleep(Duration::from_secs(61 + told)).await;
        let last = self.world.database.look(|connection| {
            connection.query_row("SELECT coalesce(max(id), 0) FROM jobs", [], |row| row.get::<_, i64>(0))
        });
        // The first company may be deadly, and the last may be gone.
        let id = if self.world.knobs.deletions > 0 { 1 } else { self.world.knobs.contacts };
        self.people.rename(id, 1_000_000, 5);
        if !self.settled().await || self.world.knobs.jumps {
            return;
        }
        let waited = self.world.database.look(|connection| {
            // From when it was due and no other job of its account was in hand.
            let sql = "SELECT coalesce(max(started_at - max(run_at, (SELECT coalesce(max(o.finished_at), 0) FROM jobs o
                                 WHERE o.lane = j.lane AND o.id <> j.id AND o.finished_at <= j.started_at))), 0)
                         FROM jobs j WHERE id > ?1 AND attempts = 1";
            connection.query_row(sql, [last.unwrap_or(0)], |row| row.get::<_, i64>(0))
        });
        if let Ok(waited @ 1500..) = waited {
            self.world
                .violate("PROMPT", format!("a job waited {waited} ms though there was nothing else to do"));
        }
    }

    /// How many writes were done.
    pub fn writes(&self) -> u64 {
        self.crm.model().written.values().sum()
    }

    fn outcome(&self) -> Outcome {
        let writes = self.writes();
        let events = self.sender.log().acked.len() as u64;
        let age = self.world.age();
        let state = self.world.state();
        Outcome {
            knobs: self.world.knobs.clone(),
            violations: state.violations.clone(),
            sum: state.trace.sum(),
            last: state.trace.last(),
            age,
            writes,
            events,
        }
    }
}
