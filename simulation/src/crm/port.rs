//! How one process reaches the CRM, and what goes wrong on the way.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector_domain::account::{Account, Person};
use connector_domain::drift::Bindings;
use connector_domain::field::{Definitions, Fields};
use connector_domain::ids::{AssociateId, ContactId, PersonId, RecordRef};
use connector_domain::patch::Patch;
use connector_domain::remedy::Remedy;
use connector_faults::sometimes;
use connector_pipeline::FieldMap;
use connector_pipeline::crm::{Blame, Crm as Port, CrmError, Found, Named};
use jiff::SignedDuration;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::{Crm, Judged, Look, Model, OUT_OF_SCOPE, OWN};
use crate::checks::DEADLY;
use crate::world::{Life, World};

/// Silence that ends within this may be over when we have waited for an answer and ask whether it speaks at all.
const FORGOTTEN: Duration = Duration::from_secs(90);

/// One process's way to the CRM.
pub struct Line {
    world: Arc<World>,
    life: Arc<Life>,
    crm: Crm,
    late: TaskTracker,
}

impl Line {
    /// The line of this process.
    pub fn new(world: Arc<World>, life: Arc<Life>, crm: Crm) -> Self {
        Self { world, life, crm, late: TaskTracker::new() }
    }

    /// Time passes on the way there or back.
    async fn way(&self) {
        let world = &self.world;
        self.life.may_die(world).await;
        if world.fault(world.knobs.crm_slow) {
            sometimes("crm_slow");
            world.latency(29_000).await;
        } else {
            world.latency(world.knobs.crm_latency).await;
        }
        self.life.may_die(world).await;
    }

    /// Whether this call fails though the record has nothing to do with it.
    async fn weather(&self, record: Option<RecordRef>, reads: bool) -> Result<(), CrmError> {
        let world = &self.world;
        if let Some(left) = world.is_out("crm offline") {
            sometimes("crm_offline");
            let back_in = SignedDuration::try_from(left).ok();
            return Err(CrmError { back_in, ..error("the tenant is offline", Blame::Outage, 2) });
        }
        if world.is_out("sign-in lost").is_some() {
            sometimes("sign_in_lost");
            return Err(error("the sign-in was refused", Blame::Outage, 2));
        }
        if world.is_out("crm unreachable").is_some() {
            sometimes("crm_unreachable");
            return Err(error("there is no connection", Blame::Outage, 5));
        }
        if let Some(left) = world.is_out("crm silent") {
            sometimes("crm_silent");
            tokio::time::sleep(Duration::from_secs(30)).await;
            self.life.goes_on().await;
            // When it speaks again by the time that we ask, nobody can know that it was silent to all.
            let ends = world.age() + SignedDuration::from_secs(60) > world.healed_at();
            let is_over = world.is_out("crm silent").is_none();
            // Nor can whoever is frozen before it has asked.
            let may_freeze = world.knobs.stalls > 0;
            if let Some(record) = record.filter(|_| ends || is_over || may_freeze || left < FORGOTTEN) {
                *world.state().own_faults.entry(record).or_default() += 1;
            }
            let silent = error("there was no answer in time", Blame::Suspect, 0);
            return Err(CrmError { outcome_unknown: !reads, remedy: Remedy::BackOff, ..silent });
        }
        if world.fault(world.knobs.crm_throttles) {
            sometimes("crm_throttled");
            let wait = SignedDuration::from_secs(i64::try_from(world.between(1, 600)).unwrap_or(1));
            let now = world.now();
            if record.is_some() {
                self.crm.model().told_to_wait.insert(self.life.name.clone(), (now, now + wait));
            }
            world.note(format!("crm: {} is told to wait {} s", self.life.name, wait.as_secs()));
            return Err(CrmError {
                remedy: Remedy::Wait(wait),
                ..error("too many requests", Blame::Suspect, 0)
            });
        }
        let Some(record) = record.filter(|_| reads) else { return Ok(()) };
        if world.own_fault(record, world.knobs.crm_errors) {
            sometimes("crm_error");
            world.note(format!("crm: error for {record}"));
            let blame = if world.between(0, 1) == 0 { Blame::Request } else { Blame::Suspect };
            return Err(CrmError { remedy: Remedy::BackOff, ..error("an error happened", blame, 0) });
        }
        Ok(())
    }

    /// A process that was told to wait begins nothing new before it may.
    fn patient(&self, record: RecordRef) {
        let now = self.world.now();
        let model = self.crm.model();
        let Some((since, until)) = model.told_to_wait.get(&self.life.name) else { return };
        // What was in hand then may still end.
        let explores = i64::try_from(self.world.knobs.explorer_latency).unwrap_or(0);
        let in_hand = SignedDuration::from_secs(100) + SignedDuration::from_millis(explores);
        let (since, until) = (*since + in_hand, *until - SignedDuration::from_secs(1));
        drop(model);
        let thawed = self.world.state().last_stall;
        let has_just_thawed = thawed.is_some_and(|at| {
            SignedDuration::try_from(Instant::now().saturating_duration_since(at))
                .is_ok_and(|ago| ago < in_hand)
        });
        if since < now && now < until && !has_just_thawed {
            let left = until.duration_since(now).as_secs();
            self.world
                .violate("PATIENT", format!("{} reads {record} {left} s before it may", self.life.name));
        }
    }

    /// A reading is good to write from, until somebody of this process asks for a write.
    fn has_looked(&self, record: RecordRef, look: Look) {
        self.crm.model().looked.insert((self.life.name.clone(), record), look);
    }

    /// Perhaps the fields come in a form that nobody can read.
    fn spoil(&self, record: RecordRef, fields: &mut Fields) {
        let look = if self.world.own_fault(record, self.world.knobs.crm_garbage) {
            sometimes("crm_garbage");
            self.world.note(format!("crm: garbage for {record}"));
            *fields = Fields { malformed: Some("it is a log-in page".into()), ..Fields::default() };
            Look::Garbage
        } else {
            Look::Readable
        };
        self.has_looked(record, look);
    }

    fn deadly(&self, record: RecordRef) -> bool {
        self.world.knobs.deadly && record == DEADLY
    }

    /// What must hold when a request to write arrives.
    fn may_ask(&self, patch: &Patch) {
        let record = patch.record;
        let look = self.crm.model().looked.remove(&(self.life.name.clone(), record));
        match look {
            Some(Look::Readable) => {}
            Some(Look::Garbage) => {
                self.world.violate("GARBAGE", format!("{record} is written to from garbage"));
            }
            None => {
                self.world.violate("ONE", format!("{record} is written to again, and nobody looked before"));
            }
        }
        self.may_ask_of_company(record);
        let intents = self.world.database.look(|connection| {
            let sql = "SELECT fields FROM writes WHERE entity = ?1 AND entity_id = ?2 AND state = 0";
            let mut statement = connection.prepare_cached(sql)?;
            let rows =
                statement.query_map((record.entity.as_str(), record.id), |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()
        });
        let wanted = serde_json::to_value(&patch.writes).unwrap_or_default();
        let is_meant = intents.unwrap_or_default().iter().any(|fields| {
            serde_json::from_str::<serde_json::Value>(fields).is_ok_and(|fields| fields == wanted)
        });
        if !is_meant {
            self.world.violate("UNDO", format!("{record} is written to without an intent on disk"));
        }
    }

    /// Whoever was read as gone, or as somebody else's, is left alone.
    fn may_ask_of_company(&self, record: RecordRef) {
        let model = self.crm.model();
        let company = model.account_of(record);
        let judged = model.judged.get(&(self.life.name.clone(), company)).copied();
        drop(model);
        let Some(judged) = judged else { return };
        if judged.deleted {
            self.world
                .violate("DELETED", format!("{record} is written to, and its company was read as gone"));
        }
        if self.world.knobs.scoped && judged.owner == OUT_OF_SCOPE {
            self.world.violate("SCOPE", format!("{record} is written to, and its owner is out of scope"));
        }
    }

    /// What is asked of, for those who ask about no single record.
    pub(super) async fn asks(&self) -> Result<(), CrmError> {
        self.way().await;
        self.weather(None, true).await
    }

    pub(super) fn crm(&self) -> &Crm {
        &self.crm
    }

    fn apply(&self, patch: &Patch, read: &Fields) -> bool {
        self.crm.model().apply(&self.world, patch, read)
    }
}

fn error(words: &str, blame: Blame, wait: i64) -> CrmError {
    CrmError {
        words: words.to_owned(),
        remedy: Remedy::WaitForOthers(SignedDuration::from_secs(wait)),
        help: "nothing",
        outcome_unknown: false,
        blame,
        back_in: None,
    }
}

fn unknown() -> CrmError {
    CrmError {
        outcome_unknown: true,
        remedy: Remedy::BackOff,
        ..error("the answer was lost", Blame::Suspect, 0)
    }
}

fn conflict() -> CrmError {
    CrmError { remedy: Remedy::ReadAgain, ..error("somebody else changed it", Blame::Request, 0) }
}

#[async_trait]
impl Port for Line {
    async fn account(&self, id: ContactId, fields: &Definitions) -> Result<Option<Account>, CrmError> {
        let record = RecordRef::contact(id);
        self.patient(record);
        self.way().await;
        if self.deadly(record) {
            sometimes("deadly_record");
            self.world.state().killed += 1;
            self.life.end(&self.world);
            self.life.goes_on().await;
        }
        self.weather(Some(record), true).await?;
        let mut account = self.crm.model().account(id.0, fields);
        if let Some(account) = &mut account {
            self.spoil(record, &mut account.fields);
            let owner = account.owner.as_ref().map_or(0, |owner| owner.id.0);
            let judged = Judged { deleted: account.deleted, owner };
            self.crm.model().judged.insert((self.life.name.clone(), id.0), judged);
        }
        self.way().await;
        Ok(account)
    }

    async fn person(&self, id: PersonId, fields: &Definitions) -> Result<Option<Person>, CrmError> {
        let record = RecordRef::person(id);
        self.patient(record);
        self.way().await;
        self.weather(Some(record), true).await?;
        let mut person = self.crm.model().person(id.0, fields);
        if let Some(person) = &mut person {
            self.spoil(record, &mut person.fields);
        }
        self.way().await;
        Ok(person)
    }

    async fn write(&self, patch: &Patch, read: &Fields, fields: &Definitions) -> Result<Fields, CrmError> {
        let (world, record) = (&self.world, patch.record);
        self.life.goes_on().await;
        self.may_ask(patch);
        {
            let mut model = self.crm.model();
            for write in &patch.writes {
                model.sent.entry((record, write.target)).or_default().push(write.after.clone());
            }
        }
        world.note(format!("{}: writes to {record}", self.life.name));
        self.way().await;
        self.weather(Some(record), false).await?;
        if world.own_fault(record, world.knobs.crm_conflicts) {
            sometimes("crm_conflict_without_cause");
            return Err(conflict());
        }
        if world.own_fault(record, world.knobs.crm_lost_undone) {
            sometimes("write_lost_before_it_was_done");
            world.note(format!("crm: a write to {record} is lost"));
            world.latency(30_000).await;
            self.life.goes_on().await;
            return Err(unknown());
        }
        if world.own_fault(record, world.knobs.crm_late) {
            self.later(patch, read);
            world.latency(30_000).await;
            self.life.goes_on().await;
            return Err(unknown());
        }
        if !self.apply(patch, read) {
            sometimes("human_edit_between_read_and_write");
            world.note(format!("crm: a write to {record} is refused, something else stands there"));
            *world.state().own_faults.entry(record).or_default() += 1;
            return Err(conflict());
        }
        let after = self.crm.model().fields(record, fields);
        if world.own_fault(record, world.knobs.crm_lost_done) {
            sometimes("write_done_and_answer_lost");
            world.note(format!("crm: the answer to a write to {record} is lost"));
            world.latency(30_000).await;
            self.life.goes_on().await;
            return Err(unknown());
        }
        self.way().await;
        Ok(after)
    }

    async fn names(&self, ids: &[ContactId]) -> Result<Vec<Named>, CrmError> {
        self.way().await;
        self.weather(None, true).await?;
        let model = self.crm.model();
        let named = |id: &ContactId| {
            let contact = model.contacts.get(&id.0).filter(|contact| !contact.deleted)?;
            Some(Named { id: *id, name: contact.name.clone(), owner: Some(AssociateId(contact.owner)) })
        };
        Ok(ids.iter().filter_map(named).collect())
    }

    async fn probe(&self) -> Result<(), CrmError> {
        self.way().await;
        self.weather(None, true).await
    }

    async fn discover(&self, _: &FieldMap, _: &Bindings) -> Result<Found, CrmError> {
        self.way().await;
        self.weather(None, true).await?;
        let definitions = self.crm.model().definitions();
        self.way().await;
        Ok(Found {
            own: Some(OWN),
            associates: Model::associates(),
            definitions,
            retyped: BTreeSet::new(),
            findings: Vec::new(),
        })
    }
}

impl Line {
    /// The request goes on without us, and is done long after we gave it up.
    fn later(&self, patch: &Patch, read: &Fields) {
        let wait = Duration::from_millis(self.world.between(500, 80_000));
        let (world, crm) = (Arc::clone(&self.world), self.crm.clone());
        let (patch, read) = (patch.clone(), read.clone());
        world.note(format!("crm: a write to {} is on its way for {} s", patch.record, wait.as_secs()));
        self.late.spawn(async move {
            tokio::time::sleep(wait).await;
            let done = crm.model().apply(&world, &patch, &read);
            if done {
                sometimes("late_apply_landed");
            } else {
                sometimes("late_apply_refused");
            }
            world.note(format!(
                "crm: a late write to {} {}",
                patch.record,
                if done { "lands" } else { "is refused" }
            ));
        });
    }
}
