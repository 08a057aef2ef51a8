//! What a seed makes of the world: how large it is, which faults there are and how often.
//!
//! Each kind of fault is there in some seeds only, at a rate of its own, so that rare mixtures are met as well.

use std::time::Duration;

use crate::dice::Dice;

/// The world's measures and its faults. Rates are per call, in thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for a kind of fault that is there or not")]
pub struct Knobs {
    /// How many processes work on one database; one means that each lease found at a start is a dead one's.
    pub processes: usize,
    /// How many jobs a process runs side by side.
    pub slots: usize,
    /// Companies at the beginning.
    pub contacts: i64,
    /// Persons at the beginning.
    pub persons: i64,
    /// How long people edit and things go wrong.
    pub faulty_for: Duration,
    /// How many edits people make.
    pub edits: u32,
    /// How many edits come all at once.
    pub flurry: u32,
    /// People share our user.
    pub shared_user: bool,
    /// Only some owners are in scope.
    pub scoped: bool,
    /// Companies of which every exploration is refused.
    pub poison: u32,
    /// A company the reading of which kills the process.
    pub deadly: bool,
    /// A field is missing or locked at first, and mended later.
    pub broken_field: bool,
    /// A process dies at a call.
    pub deaths: u32,
    /// How many times all of it is frozen for a while.
    pub stalls: u32,
    /// The wall clock jumps at a start.
    pub jumps: bool,
    /// Requests to the database are refused.
    pub store_refusals: u32,
    /// Commits whose answer is lost.
    pub store_unknown: u32,
    /// The longest wait for the database, in milliseconds.
    pub store_latency: u64,
    /// The longest usual wait for the CRM, in milliseconds.
    pub crm_latency: u64,
    /// Answers that take very long.
    pub crm_slow: u32,
    /// Calls that fail for a cause of their own.
    pub crm_errors: u32,
    /// Calls that are told to wait.
    pub crm_throttles: u32,
    /// Reads that bring no readable fields.
    pub crm_garbage: u32,
    /// Writes that are refused as conflicts though there is none.
    pub crm_conflicts: u32,
    /// Writes whose answer is lost after they were done.
    pub crm_lost_done: u32,
    /// Writes that are lost before they were done.
    pub crm_lost_undone: u32,
    /// Writes that are done long after we gave them up.
    pub crm_late: u32,
    /// How many outages of the CRM there are.
    pub crm_outages: u32,
    /// How many outages of the explorer there are.
    pub explorer_outages: u32,
    /// Explorations that fail for a while.
    pub explorer_errors: u32,
    /// Explorations in which our own code panics.
    pub explorer_panics: u32,
    /// How long each exploration takes at least, in milliseconds.
    pub explorer_least: u64,
    /// The longest exploration, in milliseconds, while things go wrong.
    pub explorer_latency: u64,
    /// How many outages of the database there are.
    pub store_outages: u32,
    /// Deliveries that come twice.
    pub twice: u32,
    /// Deliveries whose answer is lost.
    pub deaf: u32,
    /// Deliveries that nobody can read.
    pub unreadable: u32,
    /// Whether a delivery is given up after three attempts.
    pub gives_up: bool,
    /// Whether a later cycle of attempts has a new event id.
    pub new_ids: bool,
    /// How many companies go into the recycle bin.
    pub deletions: u32,
    /// Whether sweeps look for what no delivery told of.
    pub sweeps: bool,
    /// Deliveries that are never sent.
    pub unsent: u32,
}

impl Knobs {
    /// Nothing goes wrong.
    pub fn calm() -> Self {
        Self {
            processes: 1,
            slots: 4,
            contacts: 4,
            persons: 2,
            faulty_for: Duration::from_mins(2),
            edits: 8,
            flurry: 0,
            shared_user: false,
            scoped: false,
            poison: 0,
            deadly: false,
            broken_field: false,
            deaths: 0,
            stalls: 0,
            jumps: false,
            store_refusals: 0,
            store_unknown: 0,
            store_latency: 2,
            crm_latency: 100,
            crm_slow: 0,
            crm_errors: 0,
            crm_throttles: 0,
            crm_garbage: 0,
            crm_conflicts: 0,
            crm_lost_done: 0,
            crm_lost_undone: 0,
            crm_late: 0,
            crm_outages: 0,
            explorer_outages: 0,
            explorer_errors: 0,
            explorer_panics: 0,
            explorer_least: 5,
            explorer_latency: 2000,
            store_outages: 0,
            twice: 0,
            deaf: 0,
            unreadable: 0,
            gives_up: false,
            new_ids: false,
            deletions: 0,
            sweeps: false,
            unsent: 0,
        }
    }

    /// What this seed makes of the world.
    pub fn of(dice: &mut Dice) -> Self {
        let mut some = |one_in: u32, rates: std::ops::Range<u32>| {
            if dice.one_in(one_in) { dice.between_u32(rates.start, rates.end) } else { 0 }
        };
        let (crm_errors, crm_throttles, crm_garbage) = (some(3, 5..60), some(3, 5..60), some(4, 5..40));
        let (crm_conflicts, crm_late) = (some(3, 20..200), some(3, 20..250));
        let (crm_lost_done, crm_lost_undone) = (some(3, 20..250), some(3, 20..250));
        let (crm_slow, explorer_errors, explorer_panics) =
            (some(4, 2..30), some(4, 20..200), some(8, 10..80));
        let (store_refusals, store_unknown) = (some(3, 2..60), some(3, 2..60));
        let (twice, deaf, unreadable) = (some(2, 20..300), some(3, 20..200), some(4, 20..200));
        let deaths = some(3, 1..10);
        Self {
            processes: if dice.one_in(2) { 1 } else { dice.size(2, 3) },
            slots: dice.size(1, 6),
            contacts: i64::from(dice.between_u32(2, 8)),
            persons: i64::from(dice.between_u32(0, 5)),
            faulty_for: Duration::from_secs(dice.between(60, 600)),
            edits: dice.between_u32(4, 24),
            flurry: if dice.one_in(3) { dice.between_u32(4, 16) } else { 0 },
            shared_user: dice.one_in(3),
            scoped: dice.one_in(4),
            poison: if dice.one_in(4) { dice.between_u32(1, 2) } else { 0 },
            deadly: dice.one_in(40),
            broken_field: dice.one_in(6),
            deaths,
            stalls: if dice.one_in(4) { dice.between_u32(1, 2) } else { 0 },
            jumps: dice.one_in(4),
            store_refusals,
            store_unknown,
            store_latency: dice.between(0, 40),
            crm_latency: dice.between(1, 400),
            crm_slow,
            crm_errors,
            crm_throttles,
            crm_garbage,
            crm_conflicts,
            crm_lost_done,
            crm_lost_undone,
            crm_late,
            crm_outages: if dice.one_in(3) { dice.between_u32(1, 2) } else { 0 },
            explorer_outages: u32::from(dice.one_in(4)),
            explorer_errors,
            explorer_panics,
            explorer_least: 5,
            explorer_latency: if dice.one_in(5) {
                dice.between(60_000, 300_000)
            } else {
                dice.between(10, 5000)
            },
            store_outages: u32::from(dice.one_in(5)),
            twice,
            deaf,
            unreadable,
            gives_up: dice.one_in(2),
            new_ids: dice.one_in(2),
            deletions: if dice.one_in(5) { dice.between_u32(1, 2) } else { 0 },
            sweeps: false,
            unsent: 0,
        }
    }

    /// What was thought of later, from dice of its own: so the worlds of earlier seeds stay as they were.
    pub fn and_more(self, dice: &mut Dice) -> Self {
        let sweeps = dice.one_in(5);
        let unsent = if sweeps && dice.one_in(2) { dice.between_u32(20, 300) } else { 0 };
        Self { sweeps, unsent, ..self }
    }
}
