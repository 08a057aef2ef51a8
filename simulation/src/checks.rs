//! What must hold once everything has come to its end.

use std::collections::{BTreeMap, BTreeSet};

use connector_domain::field::{Target, Value};
use connector_domain::ids::{ContactId, Entity, PersonId, RecordRef};
use connector_domain::profile::{Explored, Language, Profile};
use connector_domain::text;
use connector_domain::vertical::VerticalId;
use connector_pipeline::sweep::Marks;
use connector_store::queue::{MOST_CRASHES, SUSPECT_AFTER};
use rusqlite::Connection;

use crate::crm::{By, Model, OUT_OF_SCOPE};
use crate::explorer::truth;
use crate::run::Story;

/// What kills its worker in some worlds.
pub const DEADLY: RecordRef = RecordRef::contact(ContactId(1));

/// Looks at a world in which nothing is left to be done.
pub struct Checks<'a> {
    /// The run.
    pub story: &'a Story,
}

/// A job as it ended.
struct Ended {
    id: i64,
    record: RecordRef,
    account: Option<i64>,
    state: i64,
    reason: String,
    words: String,
    faults: u32,
    crashes: u32,
}

fn record(entity: &str, id: i64) -> RecordRef {
    if entity == "person" { RecordRef::person(PersonId(id)) } else { RecordRef::contact(ContactId(id)) }
}

fn jobs(connection: &Connection) -> rusqlite::Result<Vec<Ended>> {
    let sql = "SELECT id, entity, entity_id, account_id, state, reason, words, faults, crashes FROM jobs ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(Ended {
            id: row.get(0)?,
            record: record(&row.get::<_, String>(1)?, row.get(2)?),
            account: row.get(3)?,
            state: row.get(4)?,
            reason: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
            words: row.get::<_, Option<String>>(6)?.unwrap_or_default(),
            faults: row.get(7)?,
            crashes: row.get(8)?,
        })
    })?;
    rows.collect()
}

impl Checks<'_> {
    fn broken(&self, invariant: &'static str, words: impl Into<String>) {
        self.story.world.violate(invariant, words);
    }

    fn jobs(&self) -> Vec<Ended> {
        self.story.world.database.look(jobs).unwrap_or_default()
    }

    fn counted(&self, sql: &str) -> i64 {
        let count = |connection: &Connection| connection.prepare_cached(sql)?.query_row([], |row| row.get(0));
        self.story.world.database.look(count).unwrap_or(-1)
    }

    /// All of them.
    pub fn everything(&self) {
        self.acknowledged_events_are_stored_once();
        self.nothing_disappears();
        let jobs = self.jobs();
        self.only_poison_fails(&jobs);
        self.nobody_is_blamed_for_others(&jobs);
        self.echoes_make_no_work();
        self.the_journal_tells_the_truth(&jobs);
        self.every_account_has_a_name();
        self.every_company_says_what_it_is();
        self.every_person_says_what_fits();
    }

    /// HELD for a field ends when the field is in order.
    pub fn nothing_is_held_for_a_field(&self) {
        let held = self.counted(
            "SELECT count(*) FROM jobs h WHERE h.state = 4 AND h.reason IN ('NO_FIELD', 'FIELD_CHANGED')",
        );
        if held > 0 {
            self.broken("LIVE", format!("{held} jobs are still held for a field that is in order"));
        }
    }

    fn acknowledged_events_are_stored_once(&self) {
        let stored = self.story.world.database.look(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT event_id FROM events WHERE disposition <> 3 AND source = 0")?;
            let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
            ids.collect::<Result<BTreeSet<_>, _>>()
        });
        let stored = stored.unwrap_or_default();
        let log = self.story.sender.log();
        let missing: Vec<_> = log.acked.difference(&stored).take(3).cloned().collect();
        let strange: Vec<_> = stored.difference(&log.known).take(3).cloned().collect();
        let unreadable = log.unreadable.len();
        drop(log);
        if !missing.is_empty() {
            self.broken("ACK", format!("{missing:?} were acknowledged and are not there"));
        }
        if !strange.is_empty() {
            self.broken("CONS", format!("{strange:?} are stored and were never sent"));
        }
        let parked = self.counted("SELECT count(*) FROM events WHERE disposition = 3");
        if usize::try_from(parked).unwrap_or(0) < unreadable {
            self.broken(
                "ACK",
                format!("{unreadable} unreadable deliveries were acknowledged, {parked} are there"),
            );
        }
    }

    fn nothing_disappears(&self) {
        let orphans = self.counted(
            "SELECT count(*) FROM events e WHERE e.disposition IN (0, 1) AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = e.job_id)",
        );
        let open = self.counted("SELECT count(*) FROM jobs WHERE state IN (0, 1)");
        if orphans != 0 || open != 0 {
            self.broken("CONS", format!("{orphans} events have no job, {open} jobs are open"));
        }
    }

    fn is_poison(&self, job: &Ended) -> bool {
        let state = self.story.world.state();
        let account = job.account.map(|id| RecordRef::contact(ContactId(id)));
        state.poison.contains(&job.record) || account.is_some_and(|account| state.poison.contains(&account))
    }

    /// Whether it kills its worker itself.
    fn is_deadly(&self, job: &Ended) -> bool {
        self.story.world.knobs.deadly && (job.account == Some(1) || job.record == DEADLY)
    }

    fn only_poison_fails(&self, jobs: &[Ended]) {
        for job in jobs.iter().filter(|job| job.state == 5) {
            // Where workers die all the time, what is in hand at so many deaths cannot be told from what kills them.
            let is_hopeless = job.crashes >= MOST_CRASHES;
            if !self.is_poison(job) && !self.is_deadly(job) && self.own_faults(job) < 6 && !is_hopeless {
                self.broken("POISON", format!("job {} of {} failed: {}", job.id, job.record, job.words));
            }
        }
    }

    fn own_faults(&self, job: &Ended) -> u32 {
        let state = self.story.world.state();
        let of = |record: RecordRef| state.own_faults.get(&record).copied().unwrap_or_default();
        let account = job.account.map(|id| RecordRef::contact(ContactId(id)));
        of(job.record) + account.filter(|account| *account != job.record).map_or(0, of)
    }

    /// What counts against a job is what happened to it, not to others.
    fn nobody_is_blamed_for_others(&self, jobs: &[Ended]) {
        let (interruptions, knobs) = (self.story.world.state().interruptions, &self.story.world.knobs);
        for job in jobs {
            // The failure itself counts as well.
            let own = self.own_faults(job) + u32::from(job.state == 5);
            if job.faults > own && !self.is_poison(job) {
                let words = format!(
                    "{} faults count against job {} of {}, {own} were its own",
                    job.faults, job.id, job.record
                );
                self.broken("BLAME", words);
            }
            // Beside a job that kills its worker others die until it is a suspect, and no more.
            let beside = if knobs.deadly && !self.is_deadly(job) {
                let killers = jobs.iter().filter(|job| self.is_deadly(job) && job.crashes > 0).count();
                let killed = self.story.world.state().killed;
                killed - killed.min(SUSPECT_AFTER * (1 + u32::try_from(killers).unwrap_or(0)))
            } else {
                0
            };
            if job.crashes > interruptions - beside && knobs.store_outages == 0 {
                self.broken(
                    "BLAME",
                    format!("job {} has seen {} crashes of {interruptions}", job.id, job.crashes),
                );
            }
        }
    }

    /// Our own writes, told by our own user within the echo window, are no reason to work.
    fn echoes_make_no_work(&self) {
        let log = self.story.sender.log();
        let echoes: BTreeSet<String> = log.echoes.difference(&log.unsure).cloned().collect();
        drop(log);
        let made = self.story.world.database.look(|connection| {
            let sql = "SELECT e.event_id FROM events e WHERE e.disposition IN (0, 1) AND e.changed_by = 528
                        AND EXISTS (SELECT 1 FROM writes w WHERE w.tenant = e.tenant AND w.entity = e.entity AND w.entity_id = e.entity_id
                                       AND w.state = 1 AND e.received_at BETWEEN w.settled_at AND w.settled_at + 800000)";
            let mut statement = connection.prepare_cached(sql)?;
            let ids = statement.query_map([], |row| row.get::<_, String>(0))?;
            ids.collect::<Result<BTreeSet<_>, _>>()
        });
        let made = made.unwrap_or_default();
        if let Some(echo) = made.intersection(&echoes).next()
            && !self.story.world.knobs.jumps
        {
            self.broken("ECHO", format!("{echo} is an echo of ours and made work"));
        }
    }

    /// What the journal says was done is what was done.
    fn the_journal_tells_the_truth(&self, jobs: &[Ended]) {
        let done = self.story.world.database.look(|connection| {
            let sql = "SELECT entity, entity_id, sum(state = 1), sum(state = 0) FROM writes GROUP BY entity, entity_id";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                Ok((record(&row.get::<_, String>(0)?, row.get(1)?), (row.get::<_, u64>(2)?, row.get::<_, u64>(3)?)))
            })?;
            rows.collect::<Result<BTreeMap<_, _>, _>>()
        });
        let done = done.unwrap_or_default();
        let model = self.story.crm.model();
        let records: BTreeSet<RecordRef> = model.written.keys().chain(done.keys()).copied().collect();
        for record in records {
            // What a person wrote over before we looked again cannot be told from what never happened.
            if model.touched.contains(&record) {
                continue;
            }
            let (said, open) = done.get(&record).copied().unwrap_or_default();
            let was = model.written.get(&record).copied().unwrap_or_default();
            if said > was || said + open < was {
                let words = format!(
                    "the journal says that {said} writes to {record} were done ({open} open); {was} were"
                );
                self.broken("TRUTH", words);
            }
            let last = jobs.iter().rev().find(|job| job.record == record && job.reason != "SUPERSEDED");
            if open > 0 && last.is_some_and(|job| job.state == 2 || job.reason == "UNCHANGED") {
                self.broken(
                    "TRUTH",
                    format!("{open} intents of {record} are left open: {}", self.all_writes()),
                );
            }
        }
    }

    fn all_writes(&self) -> String {
        let told = self.story.world.database.look(|connection| {
            let sql = "SELECT 'write ' || id || ' of job ' || job_id || ', meant at ' || intended_at || ', state ' || state || ' ' || coalesce(words, '') FROM writes";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()
        });
        told.unwrap_or_default().join("; ")
    }

    fn every_account_has_a_name(&self) {
        let nameless =
            self.counted("SELECT count(*) FROM accounts WHERE name IS NULL AND nameless = 0 AND deleted = 0");
        if nameless != 0 {
            self.broken("NAMES", format!("{nameless} accounts have no name"));
        }
    }

    /// Whether the newest change of a record was told and acknowledged.
    fn is_told(&self, model: &Model, record: RecordRef) -> bool {
        model.newest.get(&record).is_some_and(|newest| self.story.sender.log().told.contains(newest))
            || self.is_to_be_found(model, record)
    }

    /// Whether the newest change of a record came after the first sweep had begun, so that sweeps must find it.
    fn is_to_be_found(&self, model: &Model, record: RecordRef) -> bool {
        if !self.story.world.knobs.sweeps {
            return false;
        }
        let began = self.story.world.database.look(|connection| {
            let sql = "SELECT value FROM settings WHERE key = 'sweep_marks'";
            connection.query_row(sql, [], |row| row.get::<_, String>(0))
        });
        let worked_on = self.story.world.database.look(|connection| {
            let sql = "SELECT count(*) FROM jobs WHERE entity = ?1 AND entity_id = ?2";
            connection.query_row(sql, (record.entity.as_str(), record.id), |row| row.get::<_, i64>(0))
        });
        let marks = began.ok().and_then(|marks| serde_json::from_str::<Marks>(&marks).ok());
        let (Some(marks), Some(changed)) = (marks, model.changed_at.get(&record)) else { return false };
        // Of what was there before, sweeps say nothing, nor of what somebody saved as it was. Stamps are whole seconds.
        changed.as_second() > marks.installed.as_second()
            && (worked_on.unwrap_or_default() > 0 || model.differs_since(record, marks.installed))
    }

    fn is_spoilt(&self, record: RecordRef) -> bool {
        let knobs = &self.story.world.knobs;
        (knobs.deadly && record == DEADLY) || self.story.world.state().poison.contains(&record)
    }

    fn in_scope(&self, model: &Model, contact: i64) -> bool {
        model
            .contacts
            .get(&contact)
            .is_some_and(|contact| !self.story.world.knobs.scoped || contact.owner != OUT_OF_SCOPE)
    }

    fn profile(&self, model: &Model, id: i64) -> Option<Profile> {
        let contact = model.contacts.get(&id)?;
        match truth(&contact.name, contact.website.as_deref(), &self.story.knowledge.verticals()) {
            Explored::Profile(profile) => Some(*profile),
            Explored::Nothing(_) => None,
        }
    }

    /// What we would say of a company stands there, or a person's own words do.
    fn every_company_says_what_it_is(&self) {
        let model = self.story.crm.model();
        for (id, contact) in &model.contacts {
            let record = RecordRef::contact(ContactId(*id));
            let counts = self.is_told(&model, record) && !self.is_spoilt(record) && !contact.deleted;
            if !counts || !self.in_scope(&model, *id) {
                continue;
            }
            let Some(profile) = self.profile(&model, *id) else { continue };
            let text = |claim: &Option<connector_domain::profile::Claim>| {
                claim.as_ref().and_then(|claim| text::fit(&claim.text, 199)).map(Value::Text)
            };
            let verticals = self.story.knowledge.verticals();
            let at =
                profile.vertical.as_ref().and_then(|claim| verticals.iter().position(|v| v.id == claim.id));
            let wanted = [
                (Target::Vertical, at.map(|at| model.vertical(at))),
                (Target::Summary, text(&profile.summary)),
                (Target::OpenerPrimary, text(&profile.opener_primary)),
                (Target::OpenerSecondary, text(&profile.opener_secondary)),
            ];
            for (target, value) in wanted {
                let Some(value) = value else { continue };
                self.stands(&model, record, target, &value);
            }
        }
    }

    fn stands(&self, model: &Model, record: RecordRef, target: Target, value: &Value) {
        let cell = model.cells.get(&(record, target));
        let fits = match cell {
            None => false,
            Some(cell) if cell.value.is_empty() => false,
            Some(cell) => cell.value.same_as(value) || cell.by != By::Us,
        };
        // While the companies' fields were locked, a person's words made the rest wait for the next change.
        let waits = self.story.world.knobs.broken_field && model.touched.contains(&record);
        // Of a write whose end nobody saw, and whose texts a person wrote over, an item is left that a person may have chosen.
        let knobs = &self.story.world.knobs;
        let may_be_chosen = target == Target::Vertical
            && knobs.crm_late + knobs.crm_lost_done > 0
            && model.touched.contains(&record);
        if !fits && !waits && !may_be_chosen {
            let stands = cell.map_or(Value::Empty, |cell| cell.value.clone());
            self.broken("LOST", format!("{target} of {record} should be {value:?} and is {stands:?}"));
        }
    }

    /// A person that we heard of has texts for its company's vertical.
    fn every_person_says_what_fits(&self) {
        let model = self.story.crm.model();
        for (id, human) in &model.persons {
            let (record, company) =
                (RecordRef::person(PersonId(*id)), RecordRef::contact(ContactId(human.contact)));
            let spoilt = self.is_spoilt(company) || model.touched.contains(&company);
            let told = self.is_told(&model, record) && self.is_told(&model, company);
            let gone = model.contacts.get(&human.contact).is_none_or(|contact| contact.deleted);
            if spoilt || !told || gone || !self.in_scope(&model, human.contact) {
                continue;
            }
            let Some(profile) = self.profile(&model, human.contact) else { continue };
            let Some(vertical) = profile.vertical else { continue };
            for (target, value) in self.wanted_of_person(&human.title, &vertical.id) {
                self.stands(&model, record, target, &value);
            }
        }
    }

    fn wanted_of_person(&self, title: &str, vertical: &VerticalId) -> Vec<(Target, Value)> {
        let knowledge = &self.story.knowledge;
        let persona = knowledge.personas.persona(title, "");
        let texts = knowledge.matrix.texts(&persona, vertical, Language::De);
        let all = [
            (Target::Bridge, texts.bridge),
            (Target::SocialProof, texts.social_proof),
            (Target::Subject, texts.subject),
        ];
        let fitted =
            |(target, words): (Target, Option<String>)| Some((target, Value::Text(text::fit(&words?, 199)?)));
        debug_assert!(all.iter().all(|(target, _)| target.entity() == Entity::Person));
        all.into_iter().filter_map(fitted).collect()
    }
}
