//! The engine that needs no model: rules, a lexicon, and quotes.
//!
//! The same pages give the same texts, to the byte. It says nothing that it cannot quote, and rather nothing than a
//! guess.

use std::sync::Arc;

use async_trait::async_trait;
use connector_domain::profile::{Company, Explored, Nothing, Profile, Room, VerticalClaim};
use jiff::Timestamp;

use crate::bench::Unfinished;
use crate::explorer::{ExploreError, Explorer};
use crate::knowledge::Knowledge;
use crate::website::address::is_own_domain;
use crate::website::{Site, SiteReading, Website};

mod classify;
mod exhibits;
mod frames;
mod opener;
mod sentence;
mod summary;

use exhibits::Exhibits;
use sentence::Sentence;

/// The engine's name and edition. A change that makes other texts from the same pages makes a new edition.
const ENGINE: &str = "offline@1";

/// Company Explorer without a model.
pub struct Offline {
    knowledge: Arc<Knowledge>,
    website: Website,
}

impl Offline {
    /// Makes the engine.
    pub fn new(knowledge: Arc<Knowledge>, website: Website) -> Self {
        Self { knowledge, website }
    }
}

#[async_trait]
impl Explorer for Offline {
    fn engine(&self) -> String {
        ENGINE.into()
    }

    async fn explore(&self, company: &Company, room: Room, now: Timestamp) -> Result<Explored, ExploreError> {
        let Some(source) = Source::of(company) else {
            return Ok(Explored::Nothing(Nothing::NoWebsite));
        };
        let explored = match self.website.read(source.address()).await {
            SiteReading::Read(site) => {
                let (knowledge, company) = (self.knowledge.clone(), company.clone());
                let work = move || conclude(&knowledge, &company, room, now, &site);
                self.website.bench().run(work).await.map_err(failure)?
            }
            SiteReading::Unreachable(words) => source.silent(words),
            SiteReading::Unreadable(words) => source.without_site(words),
            SiteReading::NotAnAddress(words) => source.without_site(words),
        };
        Ok(explored)
    }
}

/// A site that cannot be judged today cannot be tomorrow, unless it was only that the program ended.
fn failure(why: Unfinished) -> ExploreError {
    let cause = format!("the website was not judged: {why}");
    match why {
        Unfinished::Panicked => ExploreError::Refused { cause },
        Unfinished::Stopped => ExploreError::Transient { cause, retry_after: None },
    }
}

/// Where a company's website is looked for.
enum Source {
    /// The CRM says so.
    Written(String),
    /// Its e-mail addresses suggest it.
    Guessed(String),
}

impl Source {
    fn of(company: &Company) -> Option<Self> {
        let written = company.website.as_deref().map(str::trim).filter(|website| says_something(website));
        if let Some(website) = written {
            return Some(Self::Written(website.to_owned()));
        }
        let own = company.email_domains.iter().find(|domain| is_own_domain(domain))?;
        Some(Self::Guessed(own.trim().to_owned()))
    }

    fn address(&self) -> &str {
        match self {
            Self::Written(address) | Self::Guessed(address) => address,
        }
    }

    /// A host that does not answer now may answer later. A guess at one need not exist.
    fn silent(&self, words: String) -> Explored {
        Explored::Nothing(match self {
            Self::Written(_) => Nothing::Unreachable(words),
            Self::Guessed(_) => Nothing::NoWebsite,
        })
    }

    /// A guess that leads nowhere means that there is no website as far as anybody knows.
    fn without_site(&self, words: String) -> Explored {
        Explored::Nothing(match self {
            Self::Written(_) => Nothing::NoEvidence(words),
            Self::Guessed(_) => Nothing::NoWebsite,
        })
    }
}

/// Whether the field holds more than a way to write "none".
fn says_something(website: &str) -> bool {
    let word = website.to_lowercase();
    let none = [
        "keine",
        "none",
        "nein",
        "no",
        "n/a",
        "k.a.",
        "k. a.",
        "unbekannt",
        "unknown",
        "http://",
        "https://",
        "www.",
    ];
    word.chars().any(char::is_alphanumeric) && !none.contains(&word.as_str())
}

/// What can be said of a company on the strength of its website.
pub(crate) fn conclude(
    knowledge: &Knowledge,
    company: &Company,
    room: Room,
    now: Timestamp,
    site: &Site,
) -> Explored {
    if let Some(words) = &site.no_evidence {
        return Explored::Nothing(Nothing::NoEvidence(words.clone()));
    }
    let taxonomy = &knowledge.taxonomy;
    let verdict = classify::classify(taxonomy, site);
    let sentences = sentence::all(site, company, taxonomy, verdict.leaning);
    let mut exhibits = Exhibits::new(site);
    let mut warnings = site.warnings.clone();

    let vertical = verdict.vertical.map(|(index, confidence)| VerticalClaim {
        id: taxonomy.id(index),
        confidence,
        cites: verdict.decisive.iter().map(|place| exhibits.cite_block(*place)).collect(),
    });
    warnings.extend(verdict.doubt);
    let summary = summary::write(&sentences, room.summary, &mut exhibits);
    let openers = opener::write(&sentences, site, taxonomy, company, room.opener, &mut exhibits);
    warnings.extend(other_language(&sentences, company));

    if vertical.is_none() && summary.is_none() && openers.primary.is_none() {
        let words = "the website holds nothing that could be quoted".into();
        return Explored::Nothing(Nothing::NoEvidence(words));
    }
    Explored::Profile(Box::new(Profile {
        vertical,
        summary,
        opener_primary: openers.primary,
        opener_secondary: openers.secondary,
        evidence: exhibits.into_evidence(),
        language: company.language,
        engine: ENGINE.into(),
        taxonomy: taxonomy.name().into(),
        explored_at: now,
        warnings,
    }))
}

fn other_language(sentences: &[Sentence], company: &Company) -> Option<String> {
    let first = sentences.first()?;
    let ours = sentences.iter().any(|sentence| sentence.language == company.language);
    (!ours).then(|| format!("the website is quoted in its own language, {}", first.language.as_str()))
}

#[cfg(test)]
mod tests;
