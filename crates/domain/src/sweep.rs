//! What a sweep makes of a record that the CRM says was changed: is it known already, or did nobody tell us?
//!
//! A record is known in a version, by the CRM's own stamp. Stamps are compared with stamps alone, so it does not matter
//! what our clock shows. Reading the CRM and remembering are left to the pipeline and the store.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::event::{Changes, EventKind};
use crate::ids::{AssociateId, ContactId, JobId, RecordRef};
use crate::job::JobState;
use crate::reason::Reason;
use crate::text;

/// No list is so far behind what a job has read: then the stamp that was read had been set by a clock that was wrong.
const AHEAD_OF_TIME: SignedDuration = SignedDuration::from_hours(24);

/// An event is stamped when it is raised, and a record when it is saved: within this they are the same change.
pub(crate) const SAME_CHANGE: SignedDuration = SignedDuration::from_secs(2);

/// Columns by the names that events have for them, each as a number that stands for its value. Several that events have
/// one name for are told apart behind a slash: `userdef_id/…`.
pub type Columns = BTreeMap<String, u64>;

/// A record as a list of the CRM shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The record.
    pub record: RecordRef,
    /// The company it belongs to.
    pub account: Option<ContactId>,
    /// The company's owner.
    pub owner: Option<AssociateId>,
    /// When it was created, by the CRM's clock.
    pub registered_at: Option<Timestamp>,
    /// When it was changed last, by the CRM's clock.
    pub updated_at: Option<Timestamp>,
    /// Who changed it last, when that is known.
    pub updated_by: Option<AssociateId>,
    /// Whether it is in the recycle bin.
    pub deleted: bool,
    /// What stands in it.
    pub columns: Columns,
}

/// A record as a sweep saw it last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it had been changed last, by the CRM's clock.
    pub updated_at: Option<Timestamp>,
    /// Whether it was in the recycle bin.
    pub deleted: bool,
    /// What stood in it.
    pub columns: Columns,
}

impl Snapshot {
    /// What is to be remembered of a row. Columns that the row does not tell stay as they were.
    pub fn of(row: &Row, before: Option<&Self>) -> Self {
        let mut columns = before.map(|before| before.columns.clone()).unwrap_or_default();
        columns.extend(row.columns.clone());
        Self { updated_at: row.updated_at, deleted: row.deleted, columns }
    }

    /// The columns that differ from those of a row. A column that was not told before counts for nothing.
    fn differing(&self, row: &Row) -> BTreeSet<String> {
        let differs =
            |(name, value): &(&String, &u64)| self.columns.get(*name).is_some_and(|was| was != *value);
        let event_name = |name: &str| name.split('/').next().unwrap_or(name).to_owned();
        row.columns.iter().filter(differs).map(|(name, _)| event_name(name)).collect()
    }
}

/// The version of a record that a job of ours has read, or made by writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The version, by the CRM's stamp.
    pub at: Timestamp,
    /// The job.
    pub job: JobId,
    /// Whether it is what the job itself wrote.
    pub wrote: bool,
}

impl Seen {
    /// Whether a version with this stamp has been seen.
    pub(crate) fn covers(&self, at: Timestamp) -> bool {
        self.at >= at && self.at.duration_since(at) <= AHEAD_OF_TIME
    }
}

/// The last event about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// When what it tells of happened, by the CRM's clock.
    pub at: Option<Timestamp>,
    /// Why it was skipped; `None` when it asked for work.
    pub skipped: Option<Reason>,
    /// The job that it began or joined.
    pub job: Option<JobId>,
}

/// The newest job about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latest {
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub state: JobState,
    /// Why, when it was skipped or held.
    pub reason: Option<Reason>,
    /// Whether a sweep asked for it.
    pub by_sweep: bool,
}

/// Everything that our books know of a record.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// As a sweep saw it last.
    pub snapshot: Option<Snapshot>,
    /// As a job of ours saw it last.
    pub seen: Option<Seen>,
    /// The last event that SuperOffice sent.
    pub told: Option<Told>,
    /// The last event that a sweep made.
    pub found: Option<Told>,
    /// The newest job.
    pub latest: Option<Latest>,
    /// The job that saw it last.
    pub seen_by: Option<Latest>,
}

/// Which changes a sweep is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// From when, in the CRM's time.
    pub from: Timestamp,
    /// Until when; `None` for everything.
    pub until: Option<Timestamp>,
    /// But not what bears a stamp after the one and not after the other: these are later than can be.
    pub but: Option<(Timestamp, Timestamp)>,
    /// When we began to listen. A record that was created later and is not known has been missed.
    pub installed: Timestamp,
}

impl Span {
    /// Whether a change falls into it.
    pub fn covers(&self, at: Timestamp) -> bool {
        let is_ahead = self.but.is_some_and(|(after, last)| at > after && at <= last);
        at >= self.from && self.until.is_none_or(|until| at < until) && !is_ahead
    }
}

/// Why a change is no news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Because {
    /// An earlier sweep judged it in this version.
    Swept,
    /// A job has read it in this version.
    Read,
    /// It is what we wrote ourselves.
    OwnWrite,
    /// A job waits for it, and will read it.
    Waiting,
    /// SuperOffice told of it.
    Told,
    /// It lies outside the span.
    Outside,
}

impl Because {
    /// In words, after "already known: ".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Swept => "seen by an earlier sweep",
            Self::Read => "read by a job",
            Self::OwnWrite => "our own writes",
            Self::Waiting => "waiting in the queue",
            Self::Told => "told by a webhook",
            Self::Outside => "not in the span",
        }
    }
}

/// What a sweep makes of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It is no news.
    Known(Because),
    /// Nobody told us: what an event would have said.
    Found(EventKind, Changes),
}

/// Judges a row by what our books know of the record.
///
/// Whoever begins to keep books must not take everything in the CRM for news: what lies outside the span is remembered,
/// and that is all.
pub fn judge(row: &Row, known: &Known, span: &Span) -> Judgement {
    let differing = known.snapshot.as_ref().map(|snapshot| snapshot.differing(row));
    match no_news(row, known, span, differing.as_ref()) {
        Some(because) => Judgement::Known(because),
        // No column tells of it.
        None if moved_silently(row, known) => Judgement::Found(kind(row, known, span), Changes::NotTold),
        None => Judgement::Found(kind(row, known, span), changes(known, differing)),
    }
}

fn no_news(row: &Row, known: &Known, span: &Span, differing: Option<&BTreeSet<String>>) -> Option<Because> {
    let nothing_differs = differing.is_some_and(BTreeSet::is_empty);
    let same_version = known
        .snapshot
        .as_ref()
        .is_some_and(|was| was.updated_at == row.updated_at && was.deleted == row.deleted);
    if same_version && nothing_differs {
        return Some(Because::Swept);
    }
    if moved_silently(row, known) {
        return why_moved_is_known(row, known);
    }
    if let Some(because) = seen(row, known) {
        return Some(because);
    }
    if known.latest.is_some_and(|job| job.state == JobState::Pending) {
        return Some(Because::Waiting);
    }
    if is_told(row, known, span, differing) {
        return Some(Because::Told);
    }
    // Something that is watched differs although no stamp says so: that is news, whenever it happened.
    let in_span = row.updated_at.is_some_and(|at| span.covers(at));
    let changed_silently = same_version && !nothing_differs;
    (!in_span && !changed_silently).then_some(Because::Outside)
}

/// Whether it went into the recycle bin, or came back, although no stamp says so: then stamps say nothing of it.
fn moved_silently(row: &Row, known: &Known) -> bool {
    let was = known.snapshot.as_ref();
    was.is_some_and(|was| was.updated_at == row.updated_at && was.deleted != row.deleted)
}

fn why_moved_is_known(row: &Row, known: &Known) -> Option<Because> {
    let latest = known.latest?;
    if latest.state == JobState::Pending {
        return Some(Because::Waiting);
    }
    was_found_deleted(row, known).then_some(Because::Read)
}

/// Whether it is in the recycle bin and the last job found that: of what is gone no version is read.
pub(crate) fn was_found_deleted(row: &Row, known: &Known) -> bool {
    row.deleted && known.latest.is_some_and(|job| job.reason == Some(Reason::Deleted))
}

fn seen(row: &Row, known: &Known) -> Option<Because> {
    if was_found_deleted(row, known) {
        return Some(Because::Read);
    }
    let seen = known.seen.filter(|seen| row.updated_at.is_some_and(|at| seen.covers(at)))?;
    if row.deleted && !known.snapshot.as_ref().is_some_and(|was| was.deleted) {
        // Whether deleting stamps a record is not documented.
        return None;
    }
    Some(if seen.wrote { Because::OwnWrite } else { Because::Read })
}

/// Whether an event told of this version.
///
/// One that was skipped speaks for its own change alone. An earlier one may have got lost, and shows in what differs,
/// or in a record that was created and never looked at. One that asked for work speaks for what its job has read. So
/// where a job has read an older version than this, an event proves nothing, and what differs does so only when the
/// earlier look came after the job.
fn is_told(row: &Row, known: &Known, span: &Span, differing: Option<&BTreeSet<String>>) -> bool {
    let Some(told) = known.told else { return false };
    let (Some(at), Some(updated)) = (told.at, row.updated_at) else { return false };
    if at + SAME_CHANGE < updated {
        return false;
    }
    let was_read_before = known.seen.is_some_and(|seen| !seen.covers(updated));
    match told.skipped {
        None => !was_read_before,
        Some(Reason::OwnerNotInScope) => true,
        // Had nobody changed anything else before we wrote, the job would have seen the version that it made.
        Some(_) => match differing {
            Some(differing) => differing.is_empty() && !was_read_since(known),
            None => !was_read_before && !is_new(row, span),
        },
    }
}

/// Whether a job has read it after the sweep that saw it last: what that sweep saw may have come and gone since.
fn was_read_since(known: &Known) -> bool {
    let swept = known.snapshot.as_ref().and_then(|snapshot| snapshot.updated_at);
    known.seen.is_some_and(|seen| swept.is_none_or(|swept| swept < seen.at))
}

/// Whether it was created since we began to listen.
fn is_new(row: &Row, span: &Span) -> bool {
    row.registered_at.is_some_and(|at| at >= span.installed)
}

/// Whether it was created since we began to listen, and nobody has ever looked at it.
fn is_missed(row: &Row, known: &Known, span: &Span) -> bool {
    is_new(row, span) && known.snapshot.is_none() && known.latest.is_none() && known.seen.is_none()
}

fn kind(row: &Row, known: &Known, span: &Span) -> EventKind {
    if row.deleted {
        EventKind::SoftDeleted
    } else if is_missed(row, known, span) {
        EventKind::Created
    } else {
        EventKind::Changed
    }
}

/// Which columns changed since somebody looked last. Without an earlier look of ours, or with one that is older than what
/// a job has read, nothing can be told.
fn changes(known: &Known, differing: Option<BTreeSet<String>>) -> Changes {
    match differing {
        Some(differing) if !was_read_since(known) => {
            Changes::of(differing.into_iter().chain(["updated".to_owned()]))
        }
        Some(_) | None => Changes::NotTold,
    }
}

/// A number that stands for a value: the same on every machine and in every version of the program.
pub fn print_of(value: &str) -> u64 {
    // Nobody gains anything by making two values of one column look alike.
    text::print_of(value.trim())
}

#[cfg(test)]
pub(crate) mod samples {
    use super::*;

    pub(crate) fn noon() -> Timestamp {
        "2026-05-04T12:00:00Z".parse().unwrap()
    }

    pub(crate) fn row(columns: &[(&str, &str)]) -> Row {
        let account = ContactId(18);
        Row {
            record: RecordRef::contact(account),
            account: Some(account),
            owner: Some(AssociateId(3)),
            registered_at: Some(noon() - SignedDuration::from_hours(48)),
            updated_at: Some(noon()),
            updated_by: Some(AssociateId(3)),
            deleted: false,
            columns: columns.iter().map(|(name, value)| ((*name).to_owned(), print_of(value))).collect(),
        }
    }

    pub(crate) fn latest(state: JobState, reason: Option<Reason>, by_sweep: bool) -> Latest {
        Latest { id: JobId(7), state, reason, by_sweep }
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{latest, noon, row};
    use super::*;

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    fn span() -> Span {
        let hour = SignedDuration::from_hours(1);
        Span { from: noon() - hour, until: None, but: None, installed: noon() - hour * 24 }
    }

    fn told(at: Timestamp, skipped: Option<Reason>) -> Known {
        Known { told: Some(Told { at: Some(at), skipped, job: None }), ..Known::default() }
    }

    fn swept(row: &Row) -> Known {
        Known { snapshot: Some(Snapshot::of(row, None)), ..Known::default() }
    }

    fn seen(at: Timestamp, wrote: bool) -> Known {
        Known { seen: Some(Seen { at, job: JobId(7), wrote }), ..Known::default() }
    }

    fn because(row: &Row, known: &Known) -> Option<Because> {
        match judge(row, known, &span()) {
            Judgement::Known(because) => Some(because),
            Judgement::Found(..) => None,
        }
    }

    #[test]
    fn a_change_that_nobody_told_of_is_found() {
        let row = row(&[("name", "Nordlys")]);
        assert_eq!(
            judge(&row, &Known::default(), &span()),
            Judgement::Found(EventKind::Changed, Changes::NotTold)
        );
    }

    #[test]
    fn a_record_that_was_created_unheard_is_found_as_new_even_when_a_later_change_was_told() {
        let row = Row { registered_at: Some(noon() - SECOND), ..row(&[]) };
        let created = Judgement::Found(EventKind::Created, Changes::NotTold);
        assert_eq!(judge(&row, &Known::default(), &span()), created);
        assert_eq!(judge(&row, &told(noon(), Some(Reason::NothingWatched)), &span()), created);
        // Its owner is not in scope, whatever else was missed.
        assert_eq!(because(&row, &told(noon(), Some(Reason::OwnerNotInScope))), Some(Because::Told));
    }

    #[test]
    fn what_a_job_has_read_or_written_is_known_in_that_version_alone() {
        let row = row(&[]);
        assert_eq!(because(&row, &seen(noon(), false)), Some(Because::Read));
        assert_eq!(because(&row, &seen(noon(), true)), Some(Because::OwnWrite));
        assert_eq!(because(&row, &seen(noon() - SECOND, true)), None, "somebody changed it after us");
        let years = SignedDuration::from_hours(24 * 900);
        assert_eq!(because(&row, &seen(noon() + years, true)), None, "its stamp was ahead of its time");
    }

    #[test]
    fn our_own_echo_does_not_hide_what_somebody_changed_before_we_wrote() {
        let row = row(&[("name", "Nordlys")]);
        let echo = told(noon(), Some(Reason::OwnWrite));
        assert_eq!(
            because(&row, &Known { seen: seen(noon(), true).seen, ..echo.clone() }),
            Some(Because::OwnWrite)
        );
        let before = seen(noon() - SECOND * 3, false).seen;
        assert_eq!(because(&row, &Known { seen: before, ..echo.clone() }), None);
        let was =
            Row { updated_at: Some(noon() - SECOND * 3), ..super::samples::row(&[("name", "Nordlys")]) };
        let same = Known { seen: before, snapshot: swept(&was).snapshot, ..echo.clone() };
        assert_eq!(because(&row, &same), Some(Because::Told));
        let other =
            Row { updated_at: Some(noon() - SECOND * 3), ..super::samples::row(&[("name", "Sydlys")]) };
        assert_eq!(because(&row, &Known { snapshot: swept(&other).snapshot, ..same }), None);
    }

    #[test]
    fn what_a_webhook_told_is_known() {
        let row = row(&[]);
        assert_eq!(because(&row, &told(noon() - SECOND, None)), Some(Because::Told));
        assert_eq!(because(&row, &told(noon(), Some(Reason::NothingWatched))), Some(Because::Told));
        assert_eq!(because(&row, &told(noon() - SECOND * 60, None)), None, "it told of an earlier change");
    }

    #[test]
    fn what_waits_will_be_read() {
        let waiting = |state| Known { latest: Some(latest(state, None, false)), ..Known::default() };
        assert_eq!(because(&row(&[]), &waiting(JobState::Pending)), Some(Because::Waiting));
        assert_eq!(because(&row(&[]), &waiting(JobState::Processing)), None, "it may have been read before");
    }

    #[test]
    fn with_an_earlier_look_the_changed_columns_are_told() {
        let before = row(&[("name", "Nordlys"), ("userdef_id/1", "a"), ("urladdress", "x.example")]);
        let after = Row {
            updated_at: Some(noon() + SECOND),
            ..row(&[("name", "Nordlys"), ("userdef_id/1", "b"), ("email", "new")])
        };
        let found = judge(&after, &swept(&before), &span());
        assert_eq!(found, Judgement::Found(EventKind::Changed, Changes::of(["updated", "userdef_id"])));
        let other = Row { updated_at: Some(noon() + SECOND), ..before.clone() };
        let found = judge(&other, &swept(&before), &span());
        assert_eq!(found, Judgement::Found(EventKind::Changed, Changes::of(["updated"])), "nothing watched");
        assert_eq!(because(&before, &swept(&before)), Some(Because::Swept));
    }

    #[test]
    fn an_earlier_change_that_got_lost_shows_behind_one_that_was_told_and_skipped() {
        let before = row(&[("name", "Nordlys")]);
        let after = Row { updated_at: Some(noon() + SECOND), ..row(&[("name", "Nordlys Energi")]) };
        let known =
            Known { told: told(noon() + SECOND, Some(Reason::NothingWatched)).told, ..swept(&before) };
        let found = judge(&after, &known, &span());
        assert_eq!(found, Judgement::Found(EventKind::Changed, Changes::of(["name", "updated"])));
    }

    #[test]
    fn a_change_that_no_job_has_read_is_found_behind_one_that_was_told() {
        let read = seen(noon() - SECOND, false).seen;
        // The website was set before, and nobody told.
        let unwatched = told(noon(), Some(Reason::NothingWatched));
        let found = judge(&row(&[]), &Known { seen: read, ..unwatched }, &span());
        assert_eq!(found, Judgement::Found(EventKind::Changed, Changes::NotTold));
        // The name was changed once more just after the job had read the change that was told.
        let known = Known { seen: read, ..told(noon() - SECOND, None) };
        let found = judge(&row(&[]), &known, &span());
        assert_eq!(found, Judgement::Found(EventKind::Changed, Changes::NotTold));
    }

    #[test]
    fn what_came_and_went_since_a_sweep_is_told_apart_by_what_a_job_has_read_between() {
        let before = Row { updated_at: Some(noon() - SECOND * 60), ..row(&[("name", "Nordlys")]) };
        // A job has read it with another name, and it has the old one again.
        let read = Known { seen: seen(noon() - SECOND * 30, true).seen, ..swept(&before) };
        let known = Known { told: told(noon(), Some(Reason::NothingWatched)).told, ..read.clone() };
        for known in [known, read] {
            let found = judge(&row(&[("name", "Nordlys")]), &known, &span());
            assert_eq!(found, Judgement::Found(EventKind::Changed, Changes::NotTold));
        }
    }

    #[test]
    fn a_value_that_changed_without_a_stamp_is_found_whenever_that_was() {
        let before =
            Row { updated_at: Some(noon() - SignedDuration::from_hours(9)), ..row(&[("userdef_id", "a")]) };
        let after = Row { updated_at: before.updated_at, ..row(&[("userdef_id", "b")]) };
        let found = judge(&after, &swept(&before), &span());
        assert_eq!(found, Judgement::Found(EventKind::Changed, Changes::of(["updated", "userdef_id"])));
    }

    #[test]
    fn what_lies_outside_the_span_is_no_news() {
        let early = Row { updated_at: Some(noon() - SignedDuration::from_hours(2)), ..row(&[]) };
        assert_eq!(because(&early, &Known::default()), Some(Because::Outside));
        let until = Span { until: Some(noon()), ..span() };
        assert_eq!(judge(&row(&[]), &Known::default(), &until), Judgement::Known(Because::Outside));
        let but = Span { but: Some((noon() - SECOND, noon())), ..span() };
        assert_eq!(judge(&row(&[]), &Known::default(), &but), Judgement::Known(Because::Outside));
    }

    #[test]
    fn a_deletion_that_leaves_the_stamp_as_it_was_is_found_whenever_that_was() {
        let before = Row { updated_at: Some(noon() - SignedDuration::from_hours(9)), ..row(&[]) };
        let after = Row { deleted: true, ..before.clone() };
        // A job read that version, and an event told of it, before it was deleted.
        let stamp = before.updated_at.unwrap();
        let known = Known {
            latest: Some(latest(JobState::Completed, None, false)),
            seen: seen(stamp, true).seen,
            told: told(stamp, None).told,
            ..swept(&before)
        };
        let found = judge(&after, &known, &span());
        assert_eq!(found, Judgement::Found(EventKind::SoftDeleted, Changes::NotTold));
        let job = Some(latest(JobState::Skipped, Some(Reason::Deleted), false));
        assert_eq!(because(&after, &Known { latest: job, ..known }), Some(Because::Read), "it was told");
        let found = judge(&before, &swept(&after), &span());
        assert_eq!(found, Judgement::Found(EventKind::Changed, Changes::NotTold), "it came back");
    }

    #[test]
    fn a_record_in_the_recycle_bin_is_told_of_once() {
        let row = Row { deleted: true, ..row(&[]) };
        let found = judge(&row, &seen(noon(), false), &span());
        assert_eq!(found, Judgement::Found(EventKind::SoftDeleted, Changes::NotTold));
        assert_eq!(because(&row, &swept(&row)), Some(Because::Swept));
        // What is gone cannot be read in its last version.
        let job = Some(latest(JobState::Skipped, Some(Reason::Deleted), false));
        let known = Known { latest: job, told: told(noon(), None).told, ..seen(noon() - SECOND, false) };
        assert_eq!(because(&row, &known), Some(Because::Read));
    }
}
