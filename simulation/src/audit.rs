//! Watches every commit: who took which job, who ended it, and who meant to write.
//!
//! Triggers that only the simulation's database has note what changed; after each commit this looks at it, while nobody
//! else can act.

use std::sync::Arc;
use std::time::Duration;

use connector_store::queue::SUSPECT_AFTER;
use connector_store::sqlite::inline::InMemory;
use rusqlite::{Connection, Row};
use tokio::time::Instant;

use crate::world::{Life, World};

/// Who holds a job.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(crate) who: String,
    crashes: i64,
    /// Whether it heard that it holds it, and was awake since.
    pub(crate) knows: bool,
}

/// A worker that was not troubled for so long must not lose a lease.
const UNTROUBLED: Duration = Duration::from_secs(260);

const TRIGGERS: &str = "
CREATE TEMP TABLE moves (id INTEGER PRIMARY KEY, what TEXT, job INTEGER, old INTEGER, new INTEGER, lane INTEGER, fence INTEGER);
CREATE TEMP TRIGGER begun AFTER INSERT ON main.jobs BEGIN
  INSERT INTO moves (what, job, old, new, lane, fence) VALUES ('job', NEW.id, NULL, NEW.state, 0, NEW.fence);
END;
CREATE TEMP TRIGGER moved AFTER UPDATE ON main.jobs WHEN OLD.state <> NEW.state OR OLD.lane <> NEW.lane BEGIN
  INSERT INTO moves (what, job, old, new, lane, fence) VALUES ('job', NEW.id, OLD.state, NEW.state, OLD.lane <> NEW.lane, NEW.fence);
END;
CREATE TEMP TRIGGER meant AFTER INSERT ON main.writes BEGIN
  INSERT INTO moves (what, job, old, new, lane, fence) VALUES ('write', NEW.job_id, NULL, NULL, 0, NEW.fence);
END;";

/// Puts the triggers into a database.
pub fn install(database: &InMemory) -> rusqlite::Result<()> {
    database.look(|connection| connection.execute_batch(TRIGGERS))
}

/// Begins anew with a wiped database.
pub fn begin(database: &InMemory) -> rusqlite::Result<()> {
    database.look(|connection| connection.execute_batch("DELETE FROM moves"))
}

/// Notes who acts next.
pub(crate) fn acts(world: &World, life: &Arc<Life>) {
    world.state().actor.clone_from(&life.name);
}

struct Move {
    what: String,
    job: i64,
    old: Option<i64>,
    new: Option<i64>,
    fence: i64,
}

/// A job as it stands now.
struct Now {
    record: String,
    state: i64,
    fence: i64,
    faults: i64,
    crashes: i64,
    run_at: i64,
    reason: Option<String>,
    words: Option<String>,
}

/// Looks at what the last commit changed. Says which jobs it leased.
pub(crate) fn look(world: &World) -> Vec<i64> {
    let moves = world.database.look(taken).unwrap_or_default();
    let leased = moves.iter().filter(|moved| moved.old == Some(0) && moved.new == Some(1));
    let leased = leased.map(|moved| moved.job).collect();
    for moved in moves {
        let now = world.database.look(|connection| now(connection, moved.job));
        let Ok(now) = now else {
            world.violate("CONS", format!("job {} is gone", moved.job));
            continue;
        };
        match moved.what.as_str() {
            "write" => meant(world, &moved, &now),
            _ => went(world, &moved, &now),
        }
    }
    leased
}

/// Notes that nobody heard of these leases: they end by themselves.
pub(crate) fn unheard(world: &World, leased: &[i64]) {
    let mut state = world.state();
    for job in leased {
        if let Some(holder) = state.holders.get_mut(job) {
            holder.knows = false;
        }
    }
}

fn taken(connection: &Connection) -> rusqlite::Result<Vec<Move>> {
    let read = |row: &Row<'_>| {
        Ok(Move {
            what: row.get(0)?,
            job: row.get(1)?,
            old: row.get(2)?,
            new: row.get(3)?,
            fence: row.get(4)?,
        })
    };
    let sql = "SELECT what, job, old, new, fence FROM moves ORDER BY id";
    let moves: Vec<Move> = connection.prepare_cached(sql)?.query_map([], read)?.collect::<Result<_, _>>()?;
    if !moves.is_empty() {
        connection.prepare_cached("DELETE FROM moves")?.execute([])?;
    }
    Ok(moves)
}

fn now(connection: &Connection, job: i64) -> rusqlite::Result<Now> {
    let sql = "SELECT entity || ' ' || entity_id, state, fence, faults, crashes, run_at, reason, words FROM jobs WHERE id = ?1";
    connection.prepare_cached(sql)?.query_row([job], |row| {
        Ok(Now {
            record: row.get(0)?,
            state: row.get(1)?,
            fence: row.get(2)?,
            faults: row.get(3)?,
            crashes: row.get(4)?,
            run_at: row.get(5)?,
            reason: row.get(6)?,
            words: row.get(7)?,
        })
    })
}

const NAMES: [&str; 6] = ["PENDING", "PROCESSING", "COMPLETED", "SKIPPED", "HELD", "FAILED"];

fn name(state: i64) -> &'static str {
    usize::try_from(state).ok().and_then(|state| NAMES.get(state)).copied().unwrap_or("?")
}

/// An intent is on disk: whoever meant it must hold the job.
fn meant(world: &World, moved: &Move, now: &Now) {
    world.note(format!("job {} ({}) means to write", moved.job, now.record));
    if now.state != 1 || now.fence != moved.fence {
        world.violate("SERIAL", format!("job {} means to write and is not in hand", moved.job));
    }
}

fn went(world: &World, moved: &Move, now: &Now) {
    let actor = world.state().actor.clone();
    let new = moved.new.unwrap_or(now.state);
    let why = now.reason.as_deref().unwrap_or_default();
    let words: String = now.words.as_deref().unwrap_or_default().chars().take(60).collect();
    world.note(format!(
        "{actor}: job {} ({}) {} -> {} {why} {words}",
        moved.job,
        now.record,
        moved.old.map_or("new", name),
        name(new)
    ));
    if new == 1 {
        one_suspect(world);
        alone_in_its_lane(world, moved.job);
    }
    match (moved.old, new) {
        (Some(0), 1) => leased(world, moved, now, &actor),
        (Some(1), 0 | 2..=5) => ended(world, moved, now, new, &actor),
        _ => {}
    }
}

fn leased(world: &World, moved: &Move, now: &Now, actor: &str) {
    let holder = Holder { who: actor.to_owned(), crashes: now.crashes, knows: true };
    world.state().holders.insert(moved.job, holder);
    let older = world.database.look(|connection| {
        let sql = "SELECT j.id FROM jobs j WHERE j.state = 0 AND j.run_at < ?1
                    AND j.bulk = (SELECT bulk FROM jobs WHERE id = ?3)
                    AND NOT EXISTS (SELECT 1 FROM jobs p WHERE p.state = 1 AND p.tenant = j.tenant AND p.lane = j.lane)
                    AND (j.crashes < ?2 OR NOT EXISTS (SELECT 1 FROM jobs s WHERE s.state = 1 AND s.crashes >= ?2 AND s.id <> ?3))
                    LIMIT 1";
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query((now.run_at, SUSPECT_AFTER, moved.job))?;
        rows.next()?.map(|row| row.get::<_, i64>(0)).transpose()
    });
    if let Ok(Some(older)) = older {
        world.violate(
            "FAIR",
            format!("job {} was taken before job {older}, which has waited longer", moved.job),
        );
    }
    if world.knobs.processes == 1 {
        let strangers: Vec<i64> = {
            let state = world.state();
            state.holders.iter().filter(|(_, holder)| holder.who != actor).map(|(job, _)| *job).collect()
        };
        if !strangers.is_empty() {
            world.violate(
                "RECOVER",
                format!("{actor} began to work while jobs {strangers:?} were still with the dead"),
            );
        }
    }
}

/// Of what was in hand at many deaths one is in hand at a time.
fn one_suspect(world: &World) {
    let suspects = world.database.look(|connection| {
        let sql = "SELECT count(*) FROM jobs WHERE state = 1 AND crashes >= ?1";
        connection.prepare_cached(sql)?.query_row([SUSPECT_AFTER], |row| row.get::<_, i64>(0))
    });
    if suspects.unwrap_or_default() > 1 {
        world.violate("POISON", "several jobs that saw many deaths are in hand at once");
    }
}

/// At most one job of an account is in hand.
fn alone_in_its_lane(world: &World, job: i64) {
    let beside = world.database.look(|connection| {
        let sql = "SELECT count(*) FROM jobs o, jobs j WHERE j.id = ?1 AND o.id <> j.id AND o.state = 1
                    AND (o.lane = j.lane OR o.account_id = j.account_id)";
        connection.prepare_cached(sql)?.query_row([job], |row| row.get::<_, i64>(0))
    });
    if beside.unwrap_or_default() > 0 {
        world.violate("SERIAL", format!("job {job} is in hand beside another one of its account"));
    }
}

fn ended(world: &World, moved: &Move, now: &Now, new: i64, actor: &str) {
    let Some(holder) = world.state().holders.remove(&moved.job) else { return };
    if now.crashes == holder.crashes {
        if holder.who != actor {
            let words = format!("{actor} ended job {}, which is with {}", moved.job, holder.who);
            world.violate("SERIAL", words);
        }
    } else if holder.knows && is_untroubled(world, &holder.who) {
        world.violate("LEASE", format!("{} lost job {} though it lives", holder.who, moved.job));
    }
    if new == 3 && now.reason.as_deref() == Some("SUPERSEDED") {
        heirs(world, moved.job, now);
    }
}

fn is_untroubled(world: &World, who: &str) -> bool {
    let state = world.state();
    let long_ago =
        |at: Option<Instant>| at.is_none_or(|at| Instant::now().saturating_duration_since(at) > UNTROUBLED);
    let lives = state.lives.get(who).is_some_and(|life| !life.is_over());
    lives && long_ago(state.store_trouble) && long_ago(state.last_stall)
}

/// A job that takes over inherits what the earlier one had against it.
fn heirs(world: &World, job: i64, now: &Now) {
    let heir = world.database.look(|connection| {
        let sql = "SELECT n.faults, n.crashes FROM jobs n, jobs j
                    WHERE j.id = ?1 AND n.tenant = j.tenant AND n.entity = j.entity AND n.entity_id = j.entity_id AND n.state IN (0, 1)
                      AND n.id <> j.id ORDER BY n.state LIMIT 1";
        connection.prepare_cached(sql)?.query_row([job], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
    });
    match heir {
        Ok((faults, crashes)) if faults >= now.faults && crashes >= now.crashes => {}
        Ok(_) => {
            world.violate("HEIR", format!("what took over from job {job} begins as if nothing had been"));
        }
        Err(_) => world.violate("HEIR", format!("job {job} was superseded by none")),
    }
}
