//! Which vertical a site belongs to, judged by the words it uses; none, when they do not say it clearly.
//!
//! Words about customers count little: a maker of machines names the industries that it serves. The numbers below were
//! set by hand and tried on self-written sites; how well they do on a tenant's own companies is for its people to check.

use std::collections::BTreeMap;

use connector_domain::profile::Language;
use connector_domain::text;

use super::exhibits::Place;
use crate::taxonomy::Taxonomy;
use crate::taxonomy::lexicon::{Strength, folded};
use crate::website::{BlockKind, PageKind, Site};

/// What the words of a site come to.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Verdict {
    /// Which, by number, and how sure.
    pub(super) vertical: Option<(usize, f64)>,
    /// The best one, even if it is not claimed.
    pub(super) leaning: Option<usize>,
    /// The blocks that said most for it.
    pub(super) decisive: Vec<Place>,
    /// Why none is claimed.
    pub(super) doubt: Option<String>,
}

const MOST_CITED: usize = 3;
/// No site says with certainty what a company is.
const MOST_SURE: f64 = 0.95;
const PLENTY: f64 = 20.0;

#[derive(Default, Clone)]
struct Tally {
    score: f64,
    /// How many different strong terms.
    strong: usize,
    places: BTreeMap<Place, f64>,
}

/// Judges a site.
pub(super) fn classify(taxonomy: &Taxonomy, site: &Site) -> Verdict {
    let tallies = count(taxonomy, site);
    let mut order: Vec<usize> = (0..tallies.len()).collect();
    order.sort_by(|a, b| tallies[*b].score.total_cmp(&tallies[*a].score).then(a.cmp(b)));
    let [best, second, ..] = order[..] else {
        return Verdict {
            doubt: Some("there are too few verticals to choose from".into()),
            ..Verdict::default()
        };
    };
    let (top, next) = (tallies[best].score, tallies[second].score.max(0.0));
    if top <= 0.0 {
        return Verdict {
            doubt: Some("no vertical: the website uses none of the words we know".into()),
            ..Verdict::default()
        };
    }
    let total: f64 = tallies.iter().map(|tally| tally.score.max(0.0)).sum();
    let (share, margin) = (top / total, (top - next) / top);
    let confidence = confidence(share, margin, top);
    let limits = taxonomy.abstain();
    let label = |index: usize| taxonomy.id(index);
    let doubt = if top < limits.min_score || tallies[best].strong < 2 {
        Some(format!("no vertical: too few words speak for {}", label(best)))
    } else if margin < limits.min_margin || confidence < limits.min_confidence {
        Some(format!("no vertical: it could be {} or {}", label(best), label(second)))
    } else {
        None
    };
    Verdict {
        vertical: doubt.is_none().then_some((best, confidence)),
        leaning: Some(best),
        decisive: decisive(&tallies[best], site),
        doubt,
    }
}

/// A small logistic function of how much speaks for the best vertical, and how little for the others.
///
/// A long site is not surer than a telling one: beyond some weight more of the same adds nothing.
fn confidence(share: f64, margin: f64, top: f64) -> f64 {
    let z = -3.6 + 2.5 * share + 2.5 * margin + 0.6 * top.min(PLENTY).ln_1p();
    let sure = 1.0 / (1.0 + (-z).exp());
    // Two digits: more would claim a precision that nobody measured.
    (sure.min(MOST_SURE) * 100.0).round() / 100.0
}

fn decisive(tally: &Tally, site: &Site) -> Vec<Place> {
    let mut places: Vec<(f64, Place)> = tally.places.iter().map(|(place, score)| (*score, *place)).collect();
    places.retain(|(score, _)| *score > 0.0);
    places.sort_by(|(a, a_place), (b, b_place)| b.total_cmp(a).then(a_place.cmp(b_place)));
    let mut texts: Vec<&str> = Vec::new();
    let mut cited = Vec::new();
    for (_, place) in places {
        let text = site.pages[place.page].blocks[place.block].text.as_str();
        if cited.len() < MOST_CITED && !texts.contains(&text) {
            texts.push(text);
            cited.push(place);
        }
    }
    cited
}

fn count(taxonomy: &Taxonomy, site: &Site) -> Vec<Tally> {
    let mut tallies = vec![Tally::default(); taxonomy.len()];
    let mut seen: BTreeMap<usize, u32> = BTreeMap::new();
    let main = main_language(site);
    for (page_number, page) in site.pages.iter().enumerate() {
        let language = page.language.unwrap_or(main);
        for (number, block) in page.blocks.iter().enumerate() {
            let weight = of_kind(block.kind) * of_page(page.kind);
            let place = Place { page: page_number, block: number };
            for sentence in text::sentences(&block.text) {
                let sentence = folded(sentence);
                let weight = weight * of_sentence(&sentence);
                let whom = for_whom(&sentence);
                for (start, term) in taxonomy.lexicon().find_at(&sentence, language) {
                    let times = seen.entry(term).or_default();
                    *times += 1;
                    let says = &taxonomy.lexicon().term(term).says;
                    let about = if whom.is_some_and(|whom| start > whom) { SAID_OF_CUSTOMERS } else { 1.0 };
                    let worth = weight * about / f64::from(*times);
                    add(&mut tallies, says, worth, *times == 1, place);
                }
            }
        }
    }
    tallies
}

fn add(tallies: &mut [Tally], says: &[(usize, Strength)], worth: f64, first: bool, place: Place) {
    for (vertical, strength) in says {
        let sharing = says.iter().filter(|(_, other)| other == strength).count();
        let sharing = f64::from(u32::try_from(sharing).unwrap_or(u32::MAX));
        let points = match strength {
            Strength::Strong => 1.0 / sharing,
            Strength::Weak => 0.35 / sharing,
            Strength::Against => -1.0,
        };
        let tally = &mut tallies[*vertical];
        tally.score += worth * points;
        tally.strong += usize::from(first && *strength == Strength::Strong);
        *tally.places.entry(place).or_default() += worth * points;
    }
}

fn of_kind(kind: BlockKind) -> f64 {
    match kind {
        BlockKind::Title | BlockKind::Meta | BlockKind::JsonLd => 2.0,
        BlockKind::Heading => 1.5,
        BlockKind::Paragraph | BlockKind::ListItem => 1.0,
    }
}

fn of_page(kind: PageKind) -> f64 {
    match kind {
        PageKind::Home | PageKind::About | PageKind::Services => 1.0,
        PageKind::Other => 0.8,
        PageKind::References => 0.35,
    }
}

/// What follows "for" in a sentence is mostly whom the work is done for.
const SAID_OF_CUSTOMERS: f64 = 0.5;

/// Where a sentence begins to say for whom.
fn for_whom(folded: &str) -> Option<usize> {
    [" for ", " fuer ", "for ", "fuer "]
        .into_iter()
        .filter_map(|cue| {
            if cue.starts_with(' ') { folded.find(cue) } else { folded.starts_with(cue).then_some(0) }
        })
        .min()
}

/// A sentence about the company counts more, one about its customers less.
fn of_sentence(folded: &str) -> f64 {
    let about_customers = CUSTOMERS.iter().any(|cue| folded.contains(cue));
    let about_itself = ITSELF.iter().any(|cue| folded.contains(cue));
    match (about_itself, about_customers) {
        (true, true) => 0.8,
        (true, false) => 1.4,
        (false, true) => 0.35,
        (false, false) => 1.0,
    }
}

#[rustfmt::skip]
const CUSTOMERS: &[&str] = &[
    "kunden aus", "unsere kunden", "unseren kunden", "zu unseren kunden", "auftraggeber", "branchen",
    "abnehmer", "beliefern", "im einsatz bei", "im einsatz in", "einsatzgebiete", "anwendungsgebiete",
    "anwendungen in", "industrien", "customers in", "customers include", "our customers", "clients in",
    "our clients", "industries we serve", "sectors", "used in", "applications in", "serve the",
    "zielgruppe", "referenz",
];
#[rustfmt::skip]
const ITSELF: &[&str] = &[
    "wir fertigen", "fertigen wir", "wir produzieren", "produzieren wir", "wir entwickeln",
    "entwickeln wir", "wir bauen", "bauen wir", "wir betreiben", "betreiben wir", "wir sind ein",
    "wir planen", "wir pflegen", "wir reinigen", "wir lagern", "wir transportieren", "wir verkaufen",
    "wir handeln", "wir beraten", "ist ein", "ist eine", "we manufacture", "we make", "we produce",
    "we develop", "we design", "we build", "we operate", "we run", "we are a", "we sell", "we store",
    "is a ", "is an ",
];

fn main_language(site: &Site) -> Language {
    site.pages.iter().find_map(|page| page.language).unwrap_or(Language::De)
}
