//! Takes one job through its stages: fetch, filter, explore, write back.
//!
//! Read this first. Each stage may end the job early and says so in the [`Settlement`]. What has to be remembered on
//! the way (steps, writes) is kept in [`Work`] and stored with the settlement, or earlier where it must not be lost.

use std::sync::Arc;

use connector_domain::account::Account;
use connector_domain::field::{Definitions, Version};
use connector_domain::fingerprint::Stage;
use connector_domain::ids::{ContactId, PersonId};
use connector_domain::job::{Job, Settlement};
use connector_domain::reason::Reason;
use connector_domain::remedy::Remedy;
use connector_domain::sweep::Seen;
use connector_faults::{Point, reach};
use connector_store::StoreError;
use connector_store::journal::{Resolution, Step, WriteId};
use connector_store::queue::{Adopted, Lease};

use crate::breaker::Dependency;
use crate::crm::{Blame, CrmError};
use crate::ports::Ports;
use crate::{explore, fetch, filter, write_back};

/// How often a record is read again within one attempt because somebody changed it under our hands.
const MOST_ROUNDS: u32 = 3;

/// One attempt at a job.
pub(crate) struct Work<'a> {
    pub(crate) ports: &'a Ports,
    pub(crate) lease: &'a Lease,
    /// The tenant's fields, the same through one reading and writing of a record.
    pub(crate) definitions: Arc<Definitions>,
    /// Intents that may still land; settled when a newer one has.
    pub(crate) undecided: Vec<WriteId>,
    /// The newest write that was found to stand; 0 when none was.
    pub(crate) landed: WriteId,
    pub(crate) steps: Vec<Step>,
    pub(crate) resolutions: Vec<Resolution>,
    /// How far this attempt has come.
    pub(crate) stage: Stage,
}

impl<'a> Work<'a> {
    pub(crate) fn new(ports: &'a Ports, lease: &'a Lease) -> Self {
        let definitions = ports.discovered.definitions_now();
        Self {
            ports,
            lease,
            definitions,
            undecided: Vec::new(),
            landed: 0,
            steps: Vec::new(),
            resolutions: Vec::new(),
            stage: Stage::Fetch,
        }
    }

    pub(crate) fn job(&self) -> &'a Job {
        &self.lease.job
    }

    /// Notes in which version the job's record was read, or made by writing, so that a sweep knows it.
    pub(crate) async fn saw(&self, version: Option<Version>, wrote: bool) -> Result<(), StoreError> {
        let Some(version) = version else { return Ok(()) };
        let seen = Seen { at: version.at, job: self.job().id, wrote };
        self.ports.snapshots.saw(&self.ports.tenant, self.job().record, seen).await
    }

    /// Notes that the CRM did at this stage as it should.
    pub(crate) fn passed(&self, stage: Stage) {
        let ports = self.ports;
        ports.breakers.passed(&ports.status, Dependency::Crm, stage, ports.clock.now());
    }

    /// Notes what happened, for the job's page.
    pub(crate) fn step(&mut self, stage: &str, words: impl Into<String>) {
        let at = self.ports.clock.now();
        let attempt = self.job().attempts;
        self.steps.push(Step { at, attempt, stage: stage.to_owned(), words: words.into() });
    }
}

/// Why an attempt did not come to an end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Halt {
    /// It came to an end after all, early.
    Settled(Settlement),
    /// Somebody changed the record between our read and our write: read it again.
    ReadAgain,
    /// Something failed.
    Failed(Box<Failure>),
    /// The lease is over, or the job waits for another of its account. There is nothing to settle.
    Gone,
}

/// What failed, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) words: String,
    pub(crate) remedy: Remedy,
    pub(crate) help: String,
    /// The CRM's own words, when the failure is or may be the CRM's as a whole.
    pub(crate) crm: Option<CrmError>,
    /// What may be out of order, when it is not the record.
    pub(crate) on: Option<Dependency>,
    /// Whether that gave an answer, or none.
    pub(crate) is_answer: bool,
}

impl Halt {
    pub(crate) fn skip(reason: Reason, words: impl Into<String>) -> Self {
        Self::Settled(Settlement::Skipped { reason, words: words.into() })
    }
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        let remedy = if error.is_passing() {
            Remedy::WaitForOthers(jiff::SignedDuration::from_secs(1))
        } else {
            Remedy::GiveUp
        };
        Self::Failed(Box::new(Failure {
            words: error.to_string(),
            remedy,
            help: "look at the disk and at the log, then retry".into(),
            crm: None,
            on: None,
            is_answer: false,
        }))
    }
}

impl From<CrmError> for Halt {
    fn from(error: CrmError) -> Self {
        let crm = (error.blame != Blame::Request).then(|| error.clone());
        let CrmError { words, remedy, help, .. } = error;
        Self::Failed(Box::new(Failure {
            words,
            remedy,
            help: help.to_owned(),
            crm,
            on: Some(Dependency::Crm),
            // Whether it does answer, if this was no answer, is asked before the failure is judged.
            is_answer: true,
        }))
    }
}

/// Runs one attempt.
pub(crate) async fn run(work: &mut Work<'_>) -> Result<Settlement, Halt> {
    reach(Point::JobBegun);
    for _ in 0..MOST_ROUNDS {
        work.definitions = work.ports.discovered.definitions_now();
        work.undecided.clear();
        work.landed = 0;
        work.stage = Stage::Fetch;
        let outcome = match work.job().record.as_contact() {
            Some(contact) => run_contact(work, contact).await,
            None => run_person(work, PersonId(work.job().record.id)).await,
        };
        match outcome {
            Err(Halt::ReadAgain) => {
                work.step("write_back", "somebody changed the record meanwhile; reading it again");
            }
            Err(Halt::Settled(settlement)) => return Ok(settlement),
            other => return other,
        }
    }
    Err(Halt::Failed(Box::new(Failure {
        words: format!(
            "the record was changed by someone else {MOST_ROUNDS} times between our read and our write"
        ),
        remedy: Remedy::BackOff,
        help: "wait until nobody is editing the record, then retry".into(),
        crm: None,
        on: None,
        is_answer: false,
    })))
}

/// A company: vertical, summary and openers.
async fn run_contact(work: &mut Work<'_>, id: ContactId) -> Result<Settlement, Halt> {
    let account = fetch::account(work, id).await?;
    work.passed(Stage::Fetch);
    work.saw(account.fields.version, false).await?;
    work.stage = Stage::Filter;
    reach(Point::AccountRead);
    filter::account(work, &account).await?;
    reach(Point::Filtered);
    explore::persons_come_back(work, &account).await?;
    let landed = write_back::reconcile(work, &account.fields).await?;
    work.stage = Stage::Explore;
    let before = explore::vertical_so_far(work, &account, &landed).await?;
    let profile = explore::company(work, &account).await?;
    let verticals = work.ports.knowledge.verticals();
    let wanted = explore::wanted_of_company(&work.definitions, &verticals, &profile);
    work.stage = Stage::WriteBack;
    let outcome = write_back::write(work, work.job().record, &account.fields, &wanted, landed).await?;
    explore::persons_follow(work, &account, &outcome, before).await?;
    Ok(outcome.settlement)
}

/// A person: bridge, social proof and subject.
async fn run_person(work: &mut Work<'_>, id: PersonId) -> Result<Settlement, Halt> {
    let (person, contact) = fetch::person(work, id).await?;
    work.saw(person.fields.version, false).await?;
    reach(Point::PersonRead);
    match work.ports.queue.adopt(work.lease, contact, work.ports.clock.now()).await? {
        Adopted::Yes => reach(Point::Adopted),
        Adopted::Busy | Adopted::Lost => return Err(Halt::Gone),
    }
    let account: Account = fetch::account(work, contact).await?;
    work.passed(Stage::Fetch);
    work.stage = Stage::Filter;
    filter::account(work, &account).await?;
    filter::person(work, &person)?;
    let landed = write_back::reconcile(work, &person.fields).await?;
    work.stage = Stage::Explore;
    let vertical = explore::vertical_for_person(work, &account).await?;
    let wanted = explore::wanted_of_person(work, &account, &person, &vertical)?;
    work.stage = Stage::WriteBack;
    let outcome = write_back::write(work, work.job().record, &person.fields, &wanted, landed).await?;
    Ok(outcome.settlement)
}
