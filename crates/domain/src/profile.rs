//! What an exploration claims of a company, each claim with its evidence.
//!
//! Nothing here is invented: a claim names the quotes it rests on, and a quote is found word for word in its source.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::text;
use crate::vertical::VerticalId;

/// A language that we write in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// German.
    De,
    /// English.
    En,
}

impl Language {
    /// Two letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::De => "de",
            Self::En => "en",
        }
    }

    /// The language that companies of a country are written to.
    pub fn of_country(iso2: &str) -> Self {
        match iso2.to_ascii_uppercase().as_str() {
            "DE" | "AT" | "CH" | "LI" => Self::De,
            _ => Self::En,
        }
    }
}

/// What Company Explorer is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// Its web address as written in the CRM.
    pub website: Option<String>,
    /// Domains of its e-mail addresses; free-mail domains say nothing.
    pub email_domains: Vec<String>,
    /// Two letters.
    pub country: Option<String>,
    /// The language to write in.
    pub language: Language,
}

/// Room for the texts, in UTF-16 units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// For the summary.
    pub summary: usize,
    /// For each opener.
    pub opener: usize,
}

impl Default for Room {
    /// What a long text field of SuperOffice holds.
    fn default() -> Self {
        Self { summary: 199, opener: 199 }
    }
}

/// One quote, word for word, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its name within the profile, such as `e1`.
    pub id: String,
    /// The page.
    pub url: String,
    /// What kind of text it was: `title`, `meta`, `heading`, `paragraph`, `list`, `json-ld`.
    pub kind: String,
    /// The words.
    pub quote: String,
}

/// A text and the evidence it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The text, ready for the field.
    pub text: String,
    /// The evidence, by name.
    pub cites: Vec<String>,
}

/// What the company's vertical is taken to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VerticalClaim {
    /// Which.
    pub id: VerticalId,
    /// How sure, from 0 to 1.
    pub confidence: f64,
    /// The evidence, by name.
    pub cites: Vec<String>,
}

/// What an exploration found out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The vertical; `None` is an answer: it is not known.
    pub vertical: Option<VerticalClaim>,
    /// What the company does.
    pub summary: Option<Claim>,
    /// The first sentence of a mail.
    pub opener_primary: Option<Claim>,
    /// Another one.
    pub opener_secondary: Option<Claim>,
    /// Everything that is cited.
    pub evidence: Vec<Evidence>,
    /// The language of the texts.
    pub language: Language,
    /// Which engine, such as `offline@1`.
    pub engine: String,
    /// Which list of verticals.
    pub taxonomy: String,
    /// When.
    pub explored_at: Timestamp,
    /// What a reader should know besides.
    pub warnings: Vec<String>,
}

impl Profile {
    /// Names the first claim whose evidence does not hold: cited and missing, or an empty claim.
    pub fn unsupported(&self) -> Option<&str> {
        let claims = [&self.summary, &self.opener_primary, &self.opener_secondary];
        let known = |id: &String| self.evidence.iter().any(|evidence| evidence.id == *id);
        claims
            .into_iter()
            .flatten()
            .find(|claim| {
                text::normalised(&claim.text).is_empty()
                    || claim.cites.is_empty()
                    || !claim.cites.iter().all(known)
            })
            .map(|claim| claim.text.as_str())
    }
}

/// Why an exploration found nothing to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Nothing {
    /// The account has no website.
    NoWebsite,
    /// There is one, but it does not say enough; the particulars in words.
    NoEvidence(String),
    /// There is one, and its host does not answer; the particulars in words. It may answer later.
    Unreachable(String),
}

/// What came of an exploration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Explored {
    /// A profile.
    Profile(Box<Profile>),
    /// Nothing that could be quoted.
    Nothing(Nothing),
}
