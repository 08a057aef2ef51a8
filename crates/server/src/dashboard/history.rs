//! What happened, as one timeline: deliveries, the steps of jobs, and how they ended.

use connector_domain::job::Job;
use connector_domain::reason::Reason;
use connector_store::inbox::{Disposition, StoredEvent};
use connector_store::journal::Step;
use jiff::Timestamp;

use super::pill::Pill;
use super::when::{self, When};
use super::words;

/// One thing that happened.
pub(crate) struct Entry {
    at: Timestamp,
    /// Decides between things of the same moment: what comes first causes what comes after.
    rank: u8,
    pub(crate) key: String,
    pub(crate) kind: &'static str,
    pub(crate) when: When,
    /// Set on the first entry of a day.
    pub(crate) day: Option<String>,
    pub(crate) title: String,
    pub(crate) detail: Option<String>,
    pub(crate) pill: Option<Pill>,
    pub(crate) job: Option<i64>,
}

impl Entry {
    fn new(at: Timestamp, rank: u8, key: String, kind: &'static str, title: String) -> Self {
        let when = When::clock(at);
        Self { at, rank, key, kind, when, day: None, title, detail: None, pill: None, job: None }
    }

    /// A delivery.
    pub(crate) fn event(event: &StoredEvent) -> Self {
        let title = match event.record {
            Some(record) => format!("{} for {record} arrived", event.name),
            None => format!("{} arrived", event.name),
        };
        let mut details = Vec::new();
        match event.disposition {
            Disposition::Queued => details.push("began a job".to_owned()),
            Disposition::Merged => details.push("joined a waiting job".to_owned()),
            Disposition::Skipped => {
                details
                    .push(event.reason.map_or("skipped", Reason::sentence).trim_end_matches('.').to_owned());
            }
            Disposition::Parked => {
                details.push(format!("kept, not read: {}", event.words.as_deref().unwrap_or("no words")));
            }
        }
        if !event.changes.is_empty() {
            details.push(format!("changed {}", event.changes.replace(',', ", ")));
        }
        if let Some(by) = event.changed_by {
            details.push(format!("by associate {by}"));
        }
        if event.repeats > 0 {
            details.push(format!("came again {}", words::counted(event.repeats.into(), "time", "times")));
        }
        Self {
            detail: Some(words::sentence(&details.join(" · "))),
            job: event.job.map(|job| job.0),
            ..Self::new(event.received_at, 0, format!("e-{}", event.seq), "event", title)
        }
    }

    /// A step of a job.
    pub(crate) fn step(job: &Job, at: usize, step: &Step) -> Self {
        let stage = step.stage.replace('_', " ");
        Self {
            detail: Some(format!("{stage}, attempt {}", step.attempt)),
            job: Some(job.id.0),
            ..Self::new(step.at, 2, format!("s-{}-{at}", job.id), "step", words::sentence(&step.words))
        }
    }

    /// A job began to wait.
    pub(crate) fn queued(job: &Job) -> Self {
        let title = format!("Job {} for {} queued", job.id, job.record);
        let events = words::counted(job.events.into(), "event", "events");
        Self {
            detail: Some(format!("stands for {events}")),
            job: Some(job.id.0),
            ..Self::new(job.created_at, 1, format!("q-{}", job.id), "queued", title)
        }
    }

    /// A job ended.
    pub(crate) fn ended(job: &Job) -> Option<Self> {
        let at = job.finished_at?;
        let words = job
            .reason
            .map(|reason| reason.sentence().to_owned())
            .or_else(|| job.words.as_deref().map(words::sentence));
        Some(Self {
            detail: words,
            pill: Some(Pill::of_job(job)),
            job: Some(job.id.0),
            ..Self::new(at, 3, format!("j-{}", job.id), "ended", format!("Job {} ended", job.id))
        })
    }
}

/// The entries with the newest first, and a heading for each day.
pub(crate) fn newest_first(mut entries: Vec<Entry>) -> Vec<Entry> {
    // Stable, so steps of one moment stay in their order; reversed afterwards as a whole.
    entries.sort_by_key(|entry| (entry.at, entry.rank));
    entries.reverse();
    with_days(entries)
}

/// The entries with the oldest first.
pub(crate) fn oldest_first(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| (entry.at, entry.rank));
    with_days(entries)
}

fn with_days(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut last = None;
    for entry in &mut entries {
        let day = when::day(entry.at);
        if last.as_ref() != Some(&day) {
            entry.day = Some(day.clone());
            last = Some(day);
        }
    }
    entries
}
