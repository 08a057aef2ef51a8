//! What stands around every page: which tenant, how everything does, and that nothing is lost.
//!
//! The verdict is one sentence about the gravest fault, or that there is none. The numbers beside it are counted in
//! the database when the page is made.

use connector_domain::job::JobState;
use connector_store::StoreError;
use jiff::{SignedDuration, Timestamp};

use super::assets::{self, Urls};
use super::when;
use super::words::{self, EN, Words};
use crate::app::{Badge, Part, PartState, Shared};

/// A job that is due should not wait longer than this.
const OLD: SignedDuration = SignedDuration::from_mins(15);

/// Which entry of the navigation is the present page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    Accounts,
    Jobs,
    Coverage,
    Nowhere,
}

impl Here {
    pub(crate) fn is_accounts(self) -> bool {
        self == Self::Accounts
    }

    pub(crate) fn is_coverage(self) -> bool {
        self == Self::Coverage
    }

    pub(crate) fn is_jobs(self) -> bool {
        self == Self::Jobs
    }
}

/// The frame of one page.
pub(crate) struct Frame {
    pub(crate) w: &'static Words,
    pub(crate) title: String,
    pub(crate) here: Here,
    pub(crate) assets: Urls,
    pub(crate) tenant: Option<Tenant>,
    pub(crate) verdict: Option<Verdict>,
    /// The server's time, by which the page's script counts.
    pub(crate) now: String,
    pub(crate) version: &'static str,
}

/// Which tenant is shown.
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) badge: &'static str,
    pub(crate) kind: &'static str,
}

/// How everything does.
pub(crate) struct Verdict {
    /// `ok`, `degraded` or `down`; names the colours.
    pub(crate) kind: &'static str,
    pub(crate) sentence: String,
    pub(crate) lost: Option<String>,
    pub(crate) remedy: Option<String>,
    pub(crate) more: Option<String>,
    pub(crate) facts: Vec<Fact>,
    pub(crate) parts: Vec<PartShown>,
}

/// A number, and what it counts.
pub(crate) struct Fact {
    pub(crate) text: String,
    pub(crate) href: Option<String>,
}

/// One part, in the list that the verdict opens.
pub(crate) struct PartShown {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) state: &'static str,
    pub(crate) words: String,
    pub(crate) remedy: Option<String>,
}

impl Frame {
    /// The frame of a page about this tenant.
    pub(crate) async fn load(web: &Shared, here: Here, title: impl Into<String>) -> Result<Self, StoreError> {
        let now = web.now();
        let app = &web.app;
        let (badge, kind) = badge(app.badge);
        Ok(Self {
            tenant: Some(Tenant { name: app.tenant.to_string(), badge, kind }),
            verdict: Some(verdict(web, now).await?),
            now: format!("{now:.3}"),
            version: app.version,
            ..Self::bare(here, title)
        })
    }

    /// A frame that needs nothing to work, for pages that say that something does not.
    pub(crate) fn bare(here: Here, title: impl Into<String>) -> Self {
        Self {
            w: &EN,
            title: title.into(),
            here,
            assets: assets::urls(),
            tenant: None,
            verdict: None,
            now: String::new(),
            version: "",
        }
    }
}

fn badge(badge: Badge) -> (&'static str, &'static str) {
    match badge {
        Badge::Demo => ("Demo", "demo"),
        Badge::Development => ("SOD", "trial"),
        Badge::Stage => ("Stage", "trial"),
        Badge::Production => ("Production", "plain"),
    }
}

async fn verdict(web: &Shared, now: Timestamp) -> Result<Verdict, StoreError> {
    let counts = web.app.queue.queue_counts(&web.app.tenant, web.now()).await?;
    let events = web.app.inbox.event_count(&web.app.tenant).await?;
    let parts = web.parts();
    let waited = counts.oldest_due_at.map(|at| now.duration_since(at)).unwrap_or_default();

    let faults: Vec<&Part> = [PartState::Down, PartState::Degraded]
        .into_iter()
        .flat_map(|state| parts.iter().filter(move |part| part.state == state))
        .collect();
    let (kind, sentence, remedy) = match faults.first() {
        Some(part) => (kind(part.state), part.words.clone(), part.remedy.clone()),
        None if waited > OLD => ("degraded", words::queue_is_old(&when::lasted(waited)), None),
        None if parts.is_empty() => ("unknown", EN.not_checked.to_owned(), None),
        None => ("ok", EN.everything_works.to_owned(), None),
    };
    let is_fault = kind == "degraded" || kind == "down";

    let mut facts = Vec::new();
    let mut fact = |state: JobState, word: &str| match counts.of(state) {
        0 => {}
        count => facts.push(Fact {
            text: format!("{} {word}", words::grouped(count)),
            href: Some(format!("/jobs?state={state}")),
        }),
    };
    fact(JobState::Pending, "queued");
    fact(JobState::Processing, "running");
    fact(JobState::Held, "held");
    fact(JobState::Failed, "failed");
    if counts.oldest_due_at.is_some() {
        facts.push(Fact { text: format!("oldest job due for {}", when::lasted(waited)), href: None });
    }
    facts.push(Fact { text: words::counted(events, "event taken in", "events taken in"), href: None });

    Ok(Verdict {
        kind,
        sentence,
        lost: is_fault.then(|| words::none_is_lost(counts.open())),
        remedy,
        more: (faults.len() > 1).then(|| words::more_faults(faults.len() - 1)),
        facts,
        parts: parts.iter().map(shown).collect(),
    })
}

const fn kind(state: PartState) -> &'static str {
    match state {
        PartState::Ok => "ok",
        PartState::Degraded => "degraded",
        PartState::Down => "down",
    }
}

fn shown(part: &Part) -> PartShown {
    PartShown {
        name: part.name.clone(),
        kind: kind(part.state),
        state: match part.state {
            PartState::Ok => EN.ok,
            PartState::Degraded => EN.degraded,
            PartState::Down => EN.down,
        },
        words: part.words.clone(),
        remedy: part.remedy.clone(),
    }
}
