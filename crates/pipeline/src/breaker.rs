//! What we depend on as a whole, each behind a breaker of its own: the CRM, and Company Explorer.
//!
//! When one is out of order, what needs it waits, nothing is counted against a job, and one of us finds out now and then
//! whether it is back. Each turn is told once in the log, however many jobs meet it; the parts of the status say how
//! things stand. When to wait and for how long is decided in the domain.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_domain::breaker::{Breaker, Pass, Pauses, Turn};
use connector_domain::fingerprint::{Fingerprint, Stage};
use connector_domain::ids::RecordRef;
use connector_domain::outbreak::{End, Fault, Outbreaks, Trial};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;

use crate::status::{Condition, Part, Status};

const PAUSES: Pauses = Pauses { first: SignedDuration::from_secs(1), longest: SignedDuration::from_mins(1) };

/// Something that jobs depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// The CRM.
    Crm,
    /// Company Explorer, and the model behind it.
    Explorer,
}

impl Dependency {
    /// The name of its part of the status.
    pub const fn part(self) -> &'static str {
        match self {
            Self::Crm => "superoffice",
            Self::Explorer => "explorer",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Crm => "SuperOffice",
            Self::Explorer => "Company Explorer",
        }
    }
}

/// The breakers of everything that jobs depend on.
#[derive(Debug)]
pub struct Breakers {
    crm: Mutex<Guarded>,
    explorer: Mutex<Guarded>,
    outbreaks: Mutex<Outbreaks>,
    /// Hosts of websites that did not answer.
    sites: Mutex<BTreeMap<String, Breaker>>,
    changed: Notify,
}

/// How long a website's host is left alone. Not for long, since a person may ask for another try.
const SITE_PAUSES: Pauses =
    Pauses { first: SignedDuration::from_mins(1), longest: SignedDuration::from_mins(5) };
/// So many hosts are remembered.
const MOST_SITES: usize = 1_000;

#[derive(Debug)]
struct Guarded {
    breaker: Breaker,
    /// The failure that many records met. Only a job that gets past it, or is answered otherwise, shows that it is over.
    trial: Option<Trial>,
}

impl Default for Guarded {
    fn default() -> Self {
        Self { breaker: Breaker::new(PAUSES), trial: None }
    }
}

impl Default for Breakers {
    fn default() -> Self {
        Self {
            crm: Mutex::default(),
            explorer: Mutex::default(),
            outbreaks: Mutex::default(),
            sites: Mutex::default(),
            changed: Notify::new(),
        }
    }
}

impl Breakers {
    /// Notes that something as a whole is out of order: for as long as it says itself, or longer each time.
    pub fn failed(
        &self,
        on: Dependency,
        told: Option<SignedDuration>,
        words: &str,
        now: Timestamp,
        jitter: f64,
    ) {
        let turn = self.guarded(on).breaker.failed(told, now, jitter);
        if turn == Some(Turn::Down) {
            tracing::error!(
                dependency = on.part(),
                "{} is out of order, so the work waits: {words}",
                on.name()
            );
        }
        self.changed.notify_one();
    }

    /// Notes that something answers. Says whether it is in order as far as is known: when many records failed alike,
    /// only a job can show that.
    pub fn answers(&self, on: Dependency, now: Timestamp) -> bool {
        let mut guarded = self.guarded(on);
        if guarded.trial.is_some() {
            return false;
        }
        recovered(on, guarded.breaker.worked(now));
        true
    }

    /// Since when something is out of order.
    pub fn down_since(&self, on: Dependency) -> Option<Timestamp> {
        self.guarded(on).breaker.since()
    }

    /// How long it is to be left alone; `None` when it is in order, or when it is time to see whether it is.
    pub fn wait(&self, on: Dependency, now: Timestamp) -> Option<Duration> {
        Duration::try_from(self.guarded(on).breaker.wait(now)).ok().filter(|wait| !wait.is_zero())
    }

    /// Whether only a job can show whether it is in order again.
    pub fn is_on_trial(&self, on: Dependency) -> bool {
        let guarded = self.guarded(on);
        guarded.trial.is_some() && guarded.breaker.since().is_some()
    }

    /// Whether the next thing to do is to ask it whether it is back.
    pub fn is_to_be_asked(&self, on: Dependency) -> bool {
        let guarded = self.guarded(on);
        guarded.trial.is_none() && guarded.breaker.since().is_some()
    }

    /// Asks to use something. When this says that one may try, the others wait until its end is told.
    pub fn pass(&self, on: Dependency, now: Timestamp) -> Pass {
        self.guarded(on).breaker.pass(now)
    }

    /// Ends the waiting, not the outage.
    pub fn hurry(&self, on: Dependency, now: Timestamp) {
        self.guarded(on).breaker.hurry(now);
    }

    /// Rings when something went out of order.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Judges a failure of one record. When many fail alike, what they share is taken for out of order.
    pub(crate) fn judge(&self, status: &Status, failed: &Failed<'_>, now: Timestamp, jitter: f64) -> Fault {
        let Failed { on, fingerprint, stage, record, words, help, is_answer } = *failed;
        let is_trial = self.fails_alike(on, fingerprint, record, now);
        self.look(status, now);
        let fault = self.outbreaks().failed(fingerprint, stage, record, now);
        if fault == Fault::Own && !(is_trial && self.guarded(on).trial.is_some()) {
            if is_answer {
                // It did answer, to this one, in a way of its own.
                self.acquit(status, on, stage, now);
            }
            return Fault::Own;
        }
        let alike: Vec<RecordRef> = self.outbreaks().alike(fingerprint).collect();
        let mut guarded = self.guarded(on);
        if !is_trial || guarded.trial.is_none() {
            guarded.trial = Some(Trial::new(fingerprint.clone(), stage, alike, now));
        }
        drop(guarded);
        let told = format!("many different records fail alike: {words}");
        status.set(Part {
            name: on.part().into(),
            condition: Condition::Down,
            words: told.clone(),
            remedy: Some(help.to_owned()),
        });
        self.failed(on, None, &told, now, jitter);
        Fault::Shared
    }

    /// Notes that a record failed, and says whether it is the way that is on trial.
    fn fails_alike(&self, on: Dependency, way: &Fingerprint, record: RecordRef, now: Timestamp) -> bool {
        let mut guarded = self.guarded(on);
        let trial = guarded.trial.as_mut().filter(|trial| trial.fingerprint() == way);
        trial.map(|trial| trial.failed(record, now)).is_some()
    }

    /// Notes that a record got past this stage because what it depends on there did as it should.
    pub(crate) fn passed(&self, status: &Status, on: Dependency, stage: Stage, now: Timestamp) {
        self.outbreaks().passed(stage);
        self.acquit(status, on, stage, now);
    }

    /// Ends what nobody will show the end of: a trial of which those are to blame who failed alike, or one to which
    /// nobody comes any more.
    pub(crate) fn look(&self, status: &Status, now: Timestamp) {
        for on in [Dependency::Crm, Dependency::Explorer] {
            let mut guarded = self.guarded(on);
            let end = match &guarded.trial {
                Some(trial) => trial.end(now),
                // The worker itself asks the CRM.
                None if on == Dependency::Crm || !guarded.breaker.is_forgotten(now) => None,
                None => Some(End::Forgotten),
            };
            let Some(end) = end else { continue };
            let trial = guarded.trial.take();
            guarded.breaker.worked(now);
            drop(guarded);
            let records = trial.as_ref().map_or(0, Trial::records);
            match (end, trial) {
                (End::Blamed, Some(trial)) => {
                    tracing::warn!(
                        dependency = on.part(),
                        records,
                        "{records} records fail alike and no other does, so they are to blame: {}",
                        trial.fingerprint()
                    );
                    self.outbreaks().blame(trial, now);
                }
                (End::Blamed | End::Forgotten, _) => {
                    tracing::info!(
                        dependency = on.part(),
                        "nobody has come to {} for a while, so nothing is known against it",
                        on.name()
                    );
                }
            }
            status.set(answers(on));
            self.changed.notify_one();
        }
    }

    /// Asks to read a website. While its host does not answer, one at a time finds out whether it does again.
    pub(crate) fn may_visit(&self, host: &str, now: Timestamp) -> Pass {
        self.sites().get_mut(host).map_or(Pass::Go, |site| site.pass(now))
    }

    /// Notes whether a website's host answered.
    pub(crate) fn visited(&self, host: &str, has_answered: bool, now: Timestamp) {
        let mut sites = self.sites();
        if has_answered {
            sites.remove(host);
            return;
        }
        if sites.len() >= MOST_SITES && !sites.contains_key(host) {
            // Whoever has waited longest may be asked again.
            let oldest = sites.iter().min_by_key(|(_, site)| site.since()).map(|(host, _)| host.clone());
            oldest.and_then(|oldest| sites.remove(&oldest));
        }
        sites.entry(host.to_owned()).or_insert(Breaker::new(SITE_PAUSES)).failed(None, now, 0.0);
    }

    fn sites(&self) -> MutexGuard<'_, BTreeMap<String, Breaker>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acquit(&self, status: &Status, on: Dependency, stage: Stage, now: Timestamp) {
        let mut guarded = self.guarded(on);
        if guarded.trial.as_ref().is_none_or(|trial| trial.stage() != stage) {
            return;
        }
        guarded.trial = None;
        recovered(on, guarded.breaker.worked(now));
        drop(guarded);
        status.set(answers(on));
    }

    fn guarded(&self, on: Dependency) -> MutexGuard<'_, Guarded> {
        let guarded = match on {
            Dependency::Crm => &self.crm,
            Dependency::Explorer => &self.explorer,
        };
        guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn outbreaks(&self) -> MutexGuard<'_, Outbreaks> {
        self.outbreaks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failure of one record.
pub(crate) struct Failed<'a> {
    pub(crate) on: Dependency,
    pub(crate) fingerprint: &'a Fingerprint,
    pub(crate) stage: Stage,
    pub(crate) record: RecordRef,
    pub(crate) words: &'a str,
    pub(crate) help: &'a str,
    /// Whether what it depends on gave an answer, or none.
    pub(crate) is_answer: bool,
}

/// The part of the status of something that is in order.
pub(crate) fn answers(on: Dependency) -> Part {
    Part {
        name: on.part().into(),
        condition: Condition::Ok,
        words: format!("{} answers", on.name()),
        remedy: None,
    }
}

fn recovered(on: Dependency, turn: Option<Turn>) {
    if let Some(Turn::Recovered { after }) = turn {
        tracing::info!(dependency = on.part(), "{} answers again after {} s", on.name(), after.as_secs());
    }
}

#[cfg(test)]
mod tests {
    use connector_domain::ids::ContactId;

    use super::*;

    fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    fn judge(breakers: &Breakers, record: i64, words: &str, now: Timestamp) -> Fault {
        let fingerprint = Fingerprint::of(Stage::WriteBack, words);
        let failed = Failed {
            on: Dependency::Crm,
            fingerprint: &fingerprint,
            stage: Stage::WriteBack,
            record: RecordRef::contact(ContactId(record)),
            words,
            help: "ask",
            is_answer: true,
        };
        breakers.judge(&Status::default(), &failed, now, 0.0)
    }

    #[test]
    fn when_many_records_fail_alike_a_job_has_to_show_that_it_is_over() {
        let (breakers, status) = (Breakers::default(), Status::default());
        let faults: Vec<Fault> = (1..=5).map(|record| judge(&breakers, record, "refused", noon())).collect();
        assert_eq!(faults.iter().filter(|fault| **fault == Fault::Shared).count(), 1);
        assert!(breakers.wait(Dependency::Crm, noon()).is_some());
        let later = noon() + SignedDuration::from_secs(1);
        // That it answers questions says nothing about writes.
        assert!(!breakers.answers(Dependency::Crm, later));
        assert!(breakers.is_on_trial(Dependency::Crm));
        // The one that tries fails alike: nobody is to blame, and the next try is later.
        assert_eq!(judge(&breakers, 6, "refused", later), Fault::Shared);
        assert_eq!(breakers.wait(Dependency::Crm, later), Some(Duration::from_secs(2)));
        // One that only read says nothing either, nor does one that was explored.
        breakers.passed(&status, Dependency::Crm, Stage::Fetch, later);
        breakers.passed(&status, Dependency::Explorer, Stage::Explore, later);
        assert!(breakers.is_on_trial(Dependency::Crm));
        breakers.passed(&status, Dependency::Crm, Stage::WriteBack, later);
        assert_eq!(breakers.down_since(Dependency::Crm), None);
        assert!(!status.is_down("superoffice"));
    }

    #[test]
    fn a_record_that_fails_otherwise_while_on_trial_fails_by_itself() {
        let breakers = Breakers::default();
        for record in 1..=5 {
            judge(&breakers, record, "refused", noon());
        }
        assert_eq!(judge(&breakers, 6, "too long", noon() + SignedDuration::from_secs(1)), Fault::Own);
        assert!(!breakers.is_on_trial(Dependency::Crm));
    }

    #[test]
    fn five_poison_records_of_a_quiet_tenant_are_to_blame_in_the_end() {
        let (breakers, status) = (Breakers::default(), Status::default());
        let mut faults = Vec::new();
        for minute in 0..40 {
            let now = noon() + SignedDuration::from_mins(minute);
            faults.push((1..=5).map(|record| judge(&breakers, record, "refused", now)).last().unwrap());
        }
        let until = faults.iter().position(|fault| *fault == Fault::Own);
        assert_eq!(until, Some(31), "{faults:?}");
        assert!(faults[31..].iter().all(|fault| *fault == Fault::Own));
        breakers.look(&status, noon() + SignedDuration::from_mins(40));
        assert_eq!(breakers.down_since(Dependency::Crm), None);
    }

    #[test]
    fn a_trial_to_which_nobody_comes_ends() {
        let (breakers, status) = (Breakers::default(), Status::default());
        for record in 1..=5 {
            judge(&breakers, record, "refused", noon());
        }
        breakers.look(&status, noon() + SignedDuration::from_mins(10));
        assert!(breakers.is_on_trial(Dependency::Crm));
        breakers.look(&status, noon() + SignedDuration::from_mins(11));
        assert!(!breakers.is_on_trial(Dependency::Crm) && breakers.down_since(Dependency::Crm).is_none());
        assert!(!status.is_down("superoffice"));
    }

    #[test]
    fn no_answer_at_all_acquits_nobody() {
        let (breakers, status) = (Breakers::default(), Status::default());
        let fails = |record, words, is_answer| {
            let fingerprint = Fingerprint::of(Stage::Explore, words);
            let failed = Failed {
                on: Dependency::Explorer,
                fingerprint: &fingerprint,
                stage: Stage::Explore,
                record: RecordRef::contact(ContactId(record)),
                words,
                help: "ask",
                is_answer,
            };
            breakers.judge(&status, &failed, noon(), 0.0)
        };
        for record in 1..=5 {
            fails(record, "refused", true);
        }
        fails(6, "cut off", false);
        assert!(breakers.is_on_trial(Dependency::Explorer));
        fails(6, "too long", true);
        assert!(!breakers.is_on_trial(Dependency::Explorer));
    }

    #[test]
    fn poison_opens_nothing() {
        let breakers = Breakers::default();
        for second in 0..100 {
            let now = noon() + SignedDuration::from_secs(second);
            assert_eq!(judge(&breakers, 18, "refused", now), Fault::Own);
        }
        assert_eq!(breakers.wait(Dependency::Crm, noon()), None);
    }

    #[test]
    fn a_host_that_does_not_answer_is_left_alone_by_all_its_companies() {
        let (breakers, later) = (Breakers::default(), noon() + SignedDuration::from_mins(1));
        breakers.visited("firm.example", false, noon());
        assert!(matches!(breakers.may_visit("firm.example", noon()), Pass::Wait(_)));
        assert_eq!(breakers.may_visit("other.example", noon()), Pass::Go);
        assert_eq!(breakers.may_visit("firm.example", later), Pass::Try);
        assert!(matches!(breakers.may_visit("firm.example", later), Pass::Wait(_)));
        breakers.visited("firm.example", true, later);
        assert_eq!(breakers.may_visit("firm.example", later), Pass::Go);
    }

    #[test]
    fn what_is_out_of_order_holds_up_only_those_who_need_it() {
        let breakers = Breakers::default();
        breakers.failed(Dependency::Explorer, Some(SignedDuration::from_mins(3)), "busy", noon(), 0.0);
        assert!(matches!(breakers.pass(Dependency::Explorer, noon()), Pass::Wait(_)));
        assert_eq!(breakers.pass(Dependency::Crm, noon()), Pass::Go);
    }
}
