//! Which sentences of a site say what the company does, and which say something else worth mentioning.
//!
//! Slogans, invitations, notices and anything with an address in it are left out: what remains can be quoted.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use connector_domain::profile::{Company, Language};
use connector_domain::text;

use super::exhibits::Place;
use crate::taxonomy::Taxonomy;
use crate::taxonomy::lexicon::{Strength, folded};
use crate::website::{BlockKind, PageKind, Site};

mod words;

/// More sentences of a site are not looked at.
const ENOUGH: usize = 800;

/// A sentence that can be quoted.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sentence<'a> {
    pub(super) text: &'a str,
    pub(super) place: Place,
    pub(super) language: Language,
    /// Whether it stands on the page for everybody to see.
    pub(super) visible: bool,
    /// How well it says what the company does; below zero: not at all.
    pub(super) says: f64,
    /// What else it says.
    pub(super) fact: Option<Fact>,
}

/// Something countable that a sentence says of a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    /// Who buys.
    Customers,
    /// Since when.
    Founded,
    /// How many people.
    People,
    /// Where, and how many places.
    Sites,
    /// How large.
    Area,
}

/// The sentences of a site that can be quoted, in its order.
pub(super) fn all<'a>(
    site: &'a Site,
    company: &Company,
    taxonomy: &Taxonomy,
    leaning: Option<usize>,
) -> Vec<Sentence<'a>> {
    let judge = Judge { name: core_name(&company.name), taxonomy, leaning };
    let mut known = BTreeSet::new();
    let mut found = Vec::new();
    let main = site.pages.iter().find_map(|page| page.language).unwrap_or(company.language);
    for (page_number, page) in site.pages.iter().enumerate() {
        for (number, block) in page.blocks.iter().enumerate() {
            if matches!(block.kind, BlockKind::Title | BlockKind::Heading) || found.len() >= ENOUGH {
                continue;
            }
            for sentence in text::sentences(&block.text) {
                if !is_quotable(sentence) || !known.insert(sentence) {
                    continue;
                }
                let language = page.language.unwrap_or(main);
                found.push(Sentence {
                    text: sentence,
                    place: Place { page: page_number, block: number },
                    language,
                    visible: block.quotable && block.kind != BlockKind::Meta,
                    says: judge.says(sentence, language) + of_place(page.kind, block.kind, number),
                    fact: fact(sentence),
                });
            }
        }
    }
    found
}

/// Whether a sentence may stand in a CRM field and in a mail.
fn is_quotable(sentence: &str) -> bool {
    let count = sentence.split_whitespace().count();
    let whole = sentence.ends_with('.') && !sentence.ends_with("..");
    let begins = sentence.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
    whole
        && begins
        && (4..=45).contains(&count)
        && is_plain(sentence)
        && !words::is_talk(&sentence.to_lowercase())
}

/// Whether a text holds nothing but words: no address, no markup, no quotation of its own, no telephone number.
pub(super) fn is_plain(text: &str) -> bool {
    let lower = text.to_lowercase();
    let marks = [
        '<', '>', '{', '}', '[', ']', '|', '@', '„', '“', '”', '"', '«', '»', '…', '©', '™', '®', '€', '$',
        '#', '*', '\\', '_', '^', '~', '`', '•', '→',
    ];
    let odd = |c: char| {
        c.is_control()
            || marks.contains(&c)
            || u32::from(c) > 0xffff
            || matches!(c, '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{2060}'..='\u{206f}' | '\u{2600}'..='\u{27bf}' | '\u{fff0}'..='\u{ffff}' | '\u{e000}'..='\u{f8ff}')
    };
    let digits = text.chars().filter(char::is_ascii_digit).count();
    !text.chars().any(odd)
        && !lower.contains("http")
        && !lower.contains("www.")
        && !lower.contains("://")
        && digits <= 12
        && !lower.split_whitespace().any(is_domain)
        && !is_shouting(text)
        && !text.starts_with(['=', '+', '-', '@', '\t'])
}

fn is_domain(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let Some((name, ending)) = word.rsplit_once('.') else { return false };
    let endings = [
        "de",
        "com",
        "at",
        "ch",
        "net",
        "org",
        "eu",
        "io",
        "no",
        "se",
        "fi",
        "dk",
        "info",
        "biz",
        "example",
        "localhost",
        "shop",
    ];
    name.chars().count() > 2 && endings.contains(&ending.split(['/', ':']).next().unwrap_or_default())
}

fn is_shouting(text: &str) -> bool {
    let (upper, letters) = text
        .chars()
        .filter(|c| c.is_alphabetic())
        .fold((0, 0), |(upper, letters), c| (upper + usize::from(c.is_uppercase()), letters + 1));
    letters == 0 || upper * 2 > letters
}

/// Judges what sentences say.
struct Judge<'a> {
    /// The company's name without its legal form, folded.
    name: String,
    taxonomy: &'a Taxonomy,
    leaning: Option<usize>,
}

impl Judge<'_> {
    fn says(&self, sentence: &str, language: Language) -> f64 {
        let folded = folded(sentence);
        let tokens: Vec<&str> =
            folded.split(|c: char| !c.is_alphanumeric()).filter(|token| !token.is_empty()).collect();
        let first = tokens.first().copied().unwrap_or_default();
        let mut score = 0.0;
        let does = tokens.iter().any(|token| VERBS.contains(token));
        let defines = words::DEFINES.iter().any(|phrase| folded.contains(phrase));
        score += match (does, defines) {
            (true, true) => 3.5,
            (true, false) => 3.0,
            (false, true) => 2.5,
            (false, false) => -1.0,
        };
        let speaks_of_itself = tokens.iter().any(|token| matches!(*token, "wir" | "we"));
        let names_itself = !self.name.is_empty() && folded.contains(&self.name);
        if speaks_of_itself || names_itself {
            score += 2.0;
        }
        let speaks_of_its_own = tokens.iter().any(|token| token.starts_with("unser") || *token == "our");
        if speaks_of_its_own && !speaks_of_itself {
            score += 1.0;
        }
        if first == "wir" || first == "we" || names_itself && folded.starts_with(&self.name) {
            score += 0.5;
        }
        score += 0.8 * f64::from(self.terms(&folded, language).min(3));
        if folded.contains(|c: char| c.is_ascii_digit()) {
            score += 0.3;
        }
        if words::LEANS_ON_OTHERS.contains(&first) {
            score -= 2.0;
        }
        if words::BOASTS.iter().any(|word| folded.contains(word)) {
            score -= 2.0;
        }
        if words::ASIDE.iter().any(|word| folded.contains(word)) {
            score -= 2.5;
        }
        if sentence.chars().count() < 40 {
            score -= 1.0;
        }
        // What is told about the reader is no fact about the company.
        if tokens
            .iter()
            .any(|token| matches!(*token, "you" | "your" | "ihnen" | "ihre" | "ihrem" | "ihren" | "ihr"))
        {
            score -= 1.0;
        }
        score
    }

    /// How many different words of the vertical it uses.
    fn terms(&self, folded: &str, language: Language) -> u32 {
        let Some(leaning) = self.leaning else { return 0 };
        let lexicon = self.taxonomy.lexicon();
        let found: BTreeSet<usize> = lexicon.find(folded, language).into_iter().collect();
        let speaks = |term: &usize| lexicon.term(*term).says.contains(&(leaning, Strength::Strong));
        u32::try_from(found.iter().filter(|term| speaks(term)).count()).unwrap_or(u32::MAX)
    }
}

static VERBS: LazyLock<BTreeSet<&'static str>> =
    LazyLock::new(|| words::DOES.iter().flat_map(|line| line.split(' ')).collect());

fn of_place(page: PageKind, block: BlockKind, number: usize) -> f64 {
    let page = match page {
        PageKind::About => 0.8,
        PageKind::Home => 0.6,
        PageKind::Services => 0.4,
        PageKind::Other => 0.0,
        PageKind::References => -1.0,
    };
    let block = match block {
        BlockKind::Meta | BlockKind::JsonLd => 0.5,
        BlockKind::Paragraph => 0.3,
        BlockKind::ListItem => -0.7,
        BlockKind::Title | BlockKind::Heading => 0.0,
    };
    let late = f64::from(u32::try_from(number).unwrap_or(u32::MAX)) * 0.05;
    page + block - late.min(1.5)
}

/// What countable thing a sentence says, the most telling first.
fn fact(sentence: &str) -> Option<Fact> {
    let folded = format!(" {}", folded(sentence));
    if words::ASIDE.iter().any(|word| folded.contains(word)) {
        return None;
    }
    let counts = sentence.chars().any(|c| c.is_ascii_digit())
        || folded.split(' ').any(|token| words::NUMBERS.contains(&token));
    let says = |stems: &[&str]| stems.iter().any(|stem| folded.contains(&format!(" {stem}")));
    if counts && says(words::AREA) {
        Some(Fact::Area)
    } else if counts && says(words::SITES) {
        Some(Fact::Sites)
    } else if counts && says(words::PEOPLE) {
        Some(Fact::People)
    } else if has_year(&folded) && says(words::FOUNDED) {
        Some(Fact::Founded)
    } else if says(words::CUSTOMERS) {
        Some(Fact::Customers)
    } else {
        None
    }
}

fn has_year(text: &str) -> bool {
    text.split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.len() == 4 && digits.parse().is_ok_and(|year: u32| (1200..2100).contains(&year)))
}

/// The company's name as it is used in sentences: without legal form, folded. Empty if little would remain.
pub(super) fn core_name(name: &str) -> String {
    let folded = folded(name);
    let is_form = |word: &&str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        !word.is_empty() && !words::LEGAL_FORMS.contains(&word)
    };
    let core = folded.split(' ').take_while(is_form).collect::<Vec<_>>().join(" ");
    if core.chars().count() < 4 { String::new() } else { core }
}
