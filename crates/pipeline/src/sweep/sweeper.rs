//! A sweep from its plan to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector_domain::field::Definitions;
use connector_domain::ids::Entity;
use connector_domain::sweep::Span;
use connector_faults::{Bug, planted, sometimes};
use connector_store::StoreError;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::kept::{self, Ahead, Marks, Run, Tally};
use super::plan::{Plan, Planned};
use super::{Asked, BY_HAND};
use crate::crm::{CrmError, Listed, Lists, Newest};
use crate::ports::Ports;
use crate::setting;

/// The order in which kinds of records are read: companies first, since the texts of persons hang on them.
pub(super) const ENTITIES: [Entity; 2] = [Entity::Contact, Entity::Person];
/// What was saved just before the mark may have become visible just after it.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// Stamps are whole seconds.
pub(super) const STAMP: SignedDuration = SignedDuration::from_secs(1);
/// How long nobody else may sweep after the last sign of life.
const DUTY: SignedDuration = SignedDuration::from_secs(30);
/// The name of the duty.
const NAME: &str = "sweep";

/// How sweeps are run.
#[derive(Debug, Clone)]
pub struct SweepOptions {
    /// How often; `None` for sweeps that persons ask for alone.
    pub every: Option<Duration>,
    /// Who sweeps, for the fleet.
    pub holder: String,
}

/// Why a sweep did not come to its end. Where it stands is kept.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// SuperOffice did not answer as it should.
    #[error(transparent)]
    Crm(#[from] CrmError),
    /// The database did not.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another process sweeps.
    #[error("another process sweeps this tenant just now")]
    Busy,
}

/// Sweeps, one at a time.
pub struct Sweeper {
    ports: Arc<Ports>,
    lists: Arc<dyn Lists>,
    options: SweepOptions,
    running: Mutex<()>,
}

impl std::fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sweeper").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Sweeper {
    /// Makes a sweeper of these parts.
    pub fn new(ports: Arc<Ports>, lists: Arc<dyn Lists>, options: SweepOptions) -> Self {
        Self { ports, lists, options, running: Mutex::default() }
    }

    /// What it works with.
    pub fn ports(&self) -> &Arc<Ports> {
        &self.ports
    }

    pub(super) fn lists(&self) -> &dyn Lists {
        &*self.lists
    }

    pub(super) fn options(&self) -> &SweepOptions {
        &self.options
    }

    /// Goes on with the sweep that was begun, or begins one of everything since the last, and of what was asked for.
    ///
    /// `told` hears of each step.
    ///
    /// # Errors
    ///
    /// What was found until then stays found, and the next call goes on behind it.
    pub async fn sweep(&self, told: &(dyn Fn(&Run) + Sync)) -> Result<Run, SweepError> {
        let _one_at_a_time = self.running.lock().await;
        self.on_duty().await?;
        let swept = self.go(told).await;
        if let Err(error) = self.ports.duties.leave_duty(&self.ports.tenant, NAME, &self.options.holder).await
        {
            tracing::debug!("the duty to sweep is not given back: {error}");
        }
        swept
    }

    /// Sweeps until nothing waits for it: what was begun first may not have known of what was asked for since.
    ///
    /// # Errors
    ///
    /// As with [`Sweeper::sweep`]; what waits goes on waiting.
    pub async fn sweep_what_waits(&self, told: &(dyn Fn(&Run) + Sync)) -> Result<Run, SweepError> {
        loop {
            let run = self.sweep(told).await?;
            if super::waiting(&self.ports).await?.is_empty() {
                return Ok(run);
            }
        }
    }

    /// What a sweep of a span would cost. Nothing is looked into, and nothing kept.
    pub async fn plan(&self, asked: Option<Timestamp>) -> Result<Plan, SweepError> {
        let marks = kept::marks(&self.ports).await?;
        let asked: Vec<Asked> =
            asked.map(|from| Asked { from, until: None, why: BY_HAND.to_owned() }).into_iter().collect();
        let last = kept::last_run(&self.ports).await?;
        let mut plan = Plan::default();
        for entity in ENTITIES {
            let newest = self.lists.newest(entity, kept::believable(&self.ports)).await?;
            plan.calls += newest.calls;
            let from = from(entity, &newest, marks.as_ref(), &asked);
            let Some(from) = from else { continue };
            let was_long = last.as_ref().is_some_and(|last| last.plan.is_long(entity));
            let planned = self.plan_of(entity, from, was_long).await?;
            plan.calls += planned.part.calls;
            plan.parts.push(planned.part);
        }
        Ok(plan)
    }

    /// When anything was changed last, by the CRM's clock.
    pub async fn newest(&self) -> Result<Option<Timestamp>, SweepError> {
        let mut newest = None;
        for entity in ENTITIES {
            newest = newest.max(self.lists.newest(entity, kept::believable(&self.ports)).await?.at);
        }
        Ok(newest)
    }

    async fn on_duty(&self) -> Result<(), SweepError> {
        let ports = &self.ports;
        let now = ports.clock.now();
        let ours = ports.duties.take_duty(&ports.tenant, NAME, &self.options.holder, DUTY, now).await?;
        if ours { Ok(()) } else { Err(SweepError::Busy) }
    }

    async fn go(&self, told: &(dyn Fn(&Run) + Sync)) -> Result<Run, SweepError> {
        let marks = kept::marks(&self.ports).await?;
        let (mut run, mut first) = match kept::kept_run(&self.ports).await? {
            Some(run) => {
                sometimes("sweep_resumed");
                (run, BTreeMap::new())
            }
            None => self.begin(marks.as_ref()).await?,
        };
        if let (true, Some(marks)) = (planted(Bug::GapDoneBeforeItIsSwept), marks.clone()) {
            return self.end(run, Some(marks), told).await;
        }
        told(&run);
        let installed = marks.as_ref().map_or_else(|| begun(&run), |marks| marks.installed);
        for part in run.plan.parts.clone() {
            let Some(from) = run.from.get(&part.entity).copied() else { continue };
            // What is there when we begin to listen is no news; what is changed while we look at it is, and so is what
            // was changed since somebody listened before us.
            let from = match run.newest.get(&part.entity) {
                Some(newest) if run.is_first => {
                    let after = newest.checked_add(STAMP).unwrap_or(*newest);
                    missed_before(&run.asked).map_or(after, |missed| missed.min(after))
                }
                Some(_) | None => from,
            };
            // Nor is a stamp that is later than can be.
            let ahead = run.ahead.get(&part.entity).filter(|_| run.is_first);
            let but = ahead.map(|ahead| (ahead.believed, ahead.at));
            let span = Span { from, until: run.until, but, installed };
            self.walk(&mut run, part.entity, part.last, &span, first.remove(&part.entity), told).await?;
        }
        self.end(run, marks, told).await
    }

    async fn walk(
        &self,
        run: &mut Run,
        entity: Entity,
        last: i64,
        span: &Span,
        mut first: Option<Vec<Listed>>,
        told: &(dyn Fn(&Run) + Sync),
    ) -> Result<(), SweepError> {
        let since = run.from[&entity];
        loop {
            let after = match run.at {
                Some((at, after)) if at == entity => after,
                // The kind that comes later has been begun, so this one is done.
                Some((at, _)) if at > entity => return Ok(()),
                Some(_) | None => 0,
            };
            if after >= last {
                return Ok(());
            }
            self.on_duty().await?;
            let page = if let Some(page) = first.take() {
                page
            } else {
                run.tally.calls += 1;
                self.page(entity, since, after).await?
            };
            if page.is_empty() {
                return Ok(());
            }
            self.take_in(run, page, span).await?;
            told(run);
        }
    }

    pub(super) async fn page(
        &self,
        entity: Entity,
        since: Timestamp,
        after: i64,
    ) -> Result<Vec<Listed>, CrmError> {
        let fields: Arc<Definitions> = self.ports.discovered.definitions_now();
        self.lists.changed(entity, since, after, &fields).await
    }

    /// Plans a sweep and keeps the plan. What was read for it is not read again, unless the process dies.
    async fn begin(&self, marks: Option<&Marks>) -> Result<(Run, BTreeMap<Entity, Vec<Listed>>), SweepError> {
        let ports = &self.ports;
        let asked = super::waiting(ports).await?;
        // With an end, it is about what was asked for and nothing else.
        let by_hand = marks.is_some() && asked.iter().all(|asked| asked.why == BY_HAND);
        let until = asked.iter().map(|asked| asked.until).max().flatten().filter(|_| by_hand);
        let until = until.filter(|_| asked.iter().all(|asked| asked.until.is_some()));
        let mut run = Run {
            started_at: ports.clock.now(),
            ended_at: None,
            why: why(marks, &asked),
            is_first: marks.is_none(),
            from: BTreeMap::new(),
            until,
            newest: BTreeMap::new(),
            ahead: BTreeMap::new(),
            plan: Plan::default(),
            at: None,
            tally: Tally::default(),
            asked,
        };
        let last = kept::last_run(ports).await?;
        let mut first = BTreeMap::new();
        for entity in ENTITIES {
            let believed = kept::believable(ports);
            let newest = self.lists.newest(entity, believed).await?;
            run.plan.calls += newest.calls;
            run.tally.calls += newest.calls;
            if let Some((id, at)) = newest.ahead {
                run.ahead.insert(entity, Ahead { id, at, believed });
            }
            if let (Some(at), None) = (newest.at, until) {
                run.newest.insert(entity, at);
            }
            let from = match until {
                Some(_) => run.asked.iter().map(|asked| asked.from).min().filter(|_| newest.at.is_some()),
                None => from(entity, &newest, marks, &run.asked),
            };
            let Some(from) = from else { continue };
            let was_long = last.as_ref().is_some_and(|last| last.plan.is_long(entity));
            let Planned { part, first: page } = self.plan_of(entity, from, was_long).await?;
            // What the plan itself has cost: the newest record, the first page and the last number of each list.
            run.plan.calls += part.calls;
            run.tally.calls += part.made;
            run.from.insert(entity, from);
            first.insert(entity, page);
            run.plan.parts.push(part);
        }
        setting::put(ports, kept::RUN, &run).await?;
        Ok((run, first))
    }

    async fn end(
        &self,
        mut run: Run,
        marks: Option<Marks>,
        told: &(dyn Fn(&Run) + Sync),
    ) -> Result<Run, SweepError> {
        let ports = &self.ports;
        run.ended_at = Some(ports.clock.now());
        let nothing = Timestamp::UNIX_EPOCH;
        let mut marks = marks.unwrap_or_else(|| Marks {
            installed: begun(&run),
            seen: ENTITIES.map(|entity| (entity, nothing)).into(),
            quiet: Vec::new(),
        });
        for (entity, newest) in &run.newest {
            let seen = marks.seen.entry(*entity).or_insert(nothing);
            marks.quiet.retain(|quiet| quiet != entity);
            if *newest <= *seen {
                marks.quiet.push(*entity);
            }
            *seen = (*seen).max(*newest);
        }
        super::done(ports, &run.asked).await?;
        kept::keep_end(ports, &run, &marks).await?;
        if run.tally.queued > 0 {
            sometimes("reconcile_found_gap");
        }
        told(&run);
        Ok(run)
    }
}

/// When we began to listen, as the first sweep has it.
fn begun(run: &Run) -> Timestamp {
    let newest = run.newest.values().max().copied().unwrap_or(Timestamp::UNIX_EPOCH);
    missed_before(&run.asked).map_or(newest, |missed| missed.min(newest))
}

/// From when on changes may have been missed before there were books, or a person wants to have them looked for.
fn missed_before(asked: &[Asked]) -> Option<Timestamp> {
    asked.iter().map(|asked| asked.from).min()
}

/// From when a kind of record is to be read; `None` when nothing can have changed.
fn from(entity: Entity, newest: &Newest, marks: Option<&Marks>, asked: &[Asked]) -> Option<Timestamp> {
    let last = newest.at?;
    // Everything is looked at once, so that it can be told later what changed.
    let Some(marks) = marks else { return Some(Timestamp::UNIX_EPOCH) };
    let floor =
        |asked: &Asked| if asked.why == BY_HAND { asked.from } else { asked.from.max(marks.installed) };
    let asked = asked.iter().filter(|asked| asked.from <= last).map(floor).min();
    let seen = marks.seen.get(&entity).copied().unwrap_or(Timestamp::UNIX_EPOCH);
    // Read once more after the last change, a quiet list stays as it is. Where a stamp is ahead of its time nobody can tell.
    if asked.is_none() && last <= seen && newest.ahead.is_none() && marks.quiet.contains(&entity) {
        return None;
    }
    let since_last = seen.checked_sub(OVERLAP).unwrap_or(seen);
    Some(asked.map_or(since_last, |asked| asked.min(since_last)))
}

fn why(marks: Option<&Marks>, asked: &[Asked]) -> String {
    let mut reasons: Vec<&str> = asked.iter().map(|asked| asked.why.as_str()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    match (marks, reasons.is_empty()) {
        (None, _) => "we begin to listen".to_owned(),
        (Some(_), true) => "as planned".to_owned(),
        (Some(_), false) => reasons.join("; "),
    }
}
