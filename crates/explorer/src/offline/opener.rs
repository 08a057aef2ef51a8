//! The first sentences of a mail: a quote from the company's own website in a frame of ours.
//!
//! The first opener quotes what the company does, the second another fact. Without a quote there is no opener.

use std::collections::BTreeSet;

use connector_domain::profile::{Claim, Company};
use connector_domain::text::{self, normalised, units};

use super::exhibits::{Exhibits, Place};
use super::frames::{self, Occasion};
use super::sentence::{self, Sentence};
use crate::taxonomy::Taxonomy;
use crate::taxonomy::lexicon::{Strength, folded};
use crate::website::{BlockKind, PageKind, Site};

/// A sentence that says less than this is not worth quoting.
const LEAST: f64 = 2.5;
/// A site that has nothing better may be quoted with a sentence that says at least this.
const LEAST_OF_ALL: f64 = 0.5;
/// Longer quotes are not read to the end.
const LONGEST_QUOTE: usize = 140;

/// Both openers.
#[derive(Debug, Default)]
pub(super) struct Openers {
    pub(super) primary: Option<Claim>,
    pub(super) secondary: Option<Claim>,
}

/// Something that can be quoted in an opener.
struct Quote<'a> {
    words: &'a str,
    place: Place,
    occasion: Occasion,
    worth: f64,
}

/// Writes both openers.
pub(super) fn write(
    sentences: &[Sentence],
    site: &Site,
    taxonomy: &Taxonomy,
    company: &Company,
    room: usize,
    exhibits: &mut Exhibits,
) -> Openers {
    let writer = Writer { company, room, seed: seed(&company.name) };
    let names = names(site, taxonomy, company);
    let quotable = |sentence: &&Sentence| units(sentence.text) <= LONGEST_QUOTE;
    let has_better = sentences.iter().filter(quotable).any(|sentence| sentence.says >= LEAST);
    let least = if has_better { LEAST } else { LEAST_OF_ALL };
    let does = sentences.iter().filter(|sentence| sentence.says >= least).map(|sentence| Quote {
        words: sentence.text,
        place: sentence.place,
        occasion: Occasion::Does,
        worth: 10.0 + sentence.says - if sentence.visible { 0.0 } else { 2.0 },
    });
    let first = writer.best(does.chain(names.iter().map(Quote::again)), &[], 0);
    let Some((first, text)) = first else { return Openers::default() };
    let primary = Some(Claim { text, cites: vec![exhibits.cite(first.place, first.words)] });

    let says = sentences.iter().filter(|sentence| sentence.says >= least || sentence.fact.is_some()).map(
        |sentence| Quote {
            words: sentence.text,
            place: sentence.place,
            occasion: Occasion::Says(sentence.fact),
            worth: 10.0 + worth(sentence) - if sentence.visible { 0.0 } else { 2.0 },
        },
    );
    let second = writer.best(says.chain(names.iter().map(Quote::again)), &[first.words], 1);
    let secondary =
        second.map(|(second, text)| Claim { text, cites: vec![exhibits.cite(second.place, second.words)] });
    Openers { primary, secondary }
}

/// What a sentence is worth as a second opener: a fact that can be counted is better than more of the same.
fn worth(sentence: &Sentence) -> f64 {
    use sentence::Fact;
    let fact = match sentence.fact {
        Some(Fact::Area) => 5.0,
        Some(Fact::Sites | Fact::People) => 4.0,
        Some(Fact::Founded) => 3.0,
        Some(Fact::Customers) => 1.5,
        None => 0.0,
    };
    fact + sentence.says.clamp(-2.0, 6.0) * 0.4
}

impl<'a> Quote<'a> {
    fn again(other: &Quote<'a>) -> Self {
        Quote { words: other.words, place: other.place, occasion: other.occasion, worth: other.worth }
    }
}

struct Writer<'a> {
    company: &'a Company,
    room: usize,
    seed: u64,
}

impl Writer<'_> {
    /// The best quote that fits into a frame, and the text.
    fn best<'q>(
        &self,
        quotes: impl Iterator<Item = Quote<'q>>,
        used: &[&str],
        turn: u64,
    ) -> Option<(Quote<'q>, String)> {
        let is_used = |quote: &Quote| {
            used.iter().any(|used| {
                let (a, b) = (normalised(used).to_lowercase(), normalised(quote.words).to_lowercase());
                a.contains(b.trim_end_matches('.')) || b.contains(a.trim_end_matches('.'))
            })
        };
        let mut quotes: Vec<Quote> =
            quotes.filter(|quote| units(quote.words) <= LONGEST_QUOTE && !is_used(quote)).collect();
        quotes.sort_by(|a, b| b.worth.total_cmp(&a.worth).then(a.place.cmp(&b.place)));
        quotes.into_iter().find_map(|quote| {
            let text = self.framed(&quote, turn)?;
            Some((quote, text))
        })
    }

    fn framed(&self, quote: &Quote, turn: u64) -> Option<String> {
        let language = self.company.language;
        let is_sentence = quote.occasion != Occasion::Names;
        let frames = frames::frames(language, quote.occasion);
        let count = u64::try_from(frames.len()).unwrap_or(1).max(1);
        let start = usize::try_from((self.seed.wrapping_add(turn)) % count).unwrap_or(0);
        let (before, from) = frames.split_at(start);
        let mut all = from.iter().chain(before).copied().chain([frames::short(language)]);
        all.find_map(|frame| {
            let text = frames::put(frame, quote.words, language, is_sentence);
            (units(&text) <= self.room).then_some(text)
        })
    }
}

/// Headings and items that name what the company offers.
fn names<'a>(site: &'a Site, taxonomy: &Taxonomy, company: &Company) -> Vec<Quote<'a>> {
    let own = sentence::core_name(&company.name);
    let mut found: Vec<Quote> = Vec::new();
    let mut known = BTreeSet::new();
    for (page_number, page) in site.pages.iter().enumerate() {
        if page.kind == PageKind::References {
            continue;
        }
        for (number, block) in page.blocks.iter().enumerate() {
            let is_name = matches!(block.kind, BlockKind::Heading | BlockKind::ListItem);
            let words = block.text.as_str();
            let length = words.chars().count();
            if !is_name || !block.quotable || !(6..=80).contains(&length) || !sentence::is_plain(words) {
                continue;
            }
            let folded = folded(words);
            let language = page.language.unwrap_or(company.language);
            let terms = taxonomy.lexicon().find(&folded, language);
            let telling = terms.iter().any(|term| {
                taxonomy.lexicon().term(*term).says.iter().any(|(_, strength)| *strength == Strength::Strong)
            });
            let is_sentence = words.ends_with(['.', '!', '?', ':', ',']) || folded.split(' ').count() > 9;
            if telling && !is_sentence && folded != own && known.insert(words) {
                let place = Place { page: page_number, block: number };
                let worth = if block.kind == BlockKind::Heading { 2.0 } else { 1.0 };
                found.push(Quote { words, place, occasion: Occasion::Names, worth });
            }
        }
    }
    found
}

/// A number that is always the same for one name, to choose among frames.
fn seed(name: &str) -> u64 {
    text::print_of(&normalised(name).to_lowercase())
}

#[cfg(test)]
mod tests {
    use connector_domain::profile::Language;

    use super::*;
    use crate::Knowledge;
    use crate::website::from_pages;

    #[test]
    fn each_of_very_many_names_is_taken_once() {
        let items: Vec<String> =
            (0..3_000).map(|at| format!("<li>Kreiselpumpen und Logistik {at}")).collect();
        let page = format!("<ul>{}</ul>", items.concat());
        let site = from_pages(&[("/", PageKind::Home, &page)]);
        let mut twice = site.clone();
        // Another page that says the same in the same words.
        twice.pages.extend(site.pages.clone());
        let company = Company {
            name: "Firma".into(),
            website: None,
            email_domains: Vec::new(),
            country: None,
            language: Language::De,
        };
        let taxonomy = Knowledge::built_in().unwrap().taxonomy;
        let once = names(&site, &taxonomy, &company).len();
        assert_eq!((once, names(&twice, &taxonomy, &company).len()), (3_000, 3_000));
    }
}
