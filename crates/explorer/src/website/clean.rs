//! From the pages of a site to what can be concluded from: without what repeats on each page, without cookie talk,
//! without text that speaks to machines; and a word when nothing should be concluded at all.

use std::collections::BTreeMap;

use super::extract::{Block, BlockKind, Extract};
use super::language::{self, Tongue};
use super::{Page, PageKind, Site, injection};

/// Less text than this says nothing.
const LEAST_TEXT: usize = 300;
/// A page that says it is parked and has more text than this says so of something else.
const MOST_OF_PARKED: usize = 3_000;

/// Puts a site together from its pages.
pub(super) fn site(url: String, pages: Vec<(String, PageKind, Extract)>) -> Site {
    let repeated = repeated(&pages);
    let mut dropped = 0;
    let mut read = Vec::new();
    let mut tongues = Vec::new();
    for (url, kind, extract) in pages {
        let mut blocks = extract.blocks;
        let before = blocks.len();
        blocks.retain(|block| !injection::speaks_to_a_machine(&block.text));
        dropped += before - blocks.len();
        blocks.retain(|block| !is_cookie_talk(&block.text));
        blocks.retain(|block| !repeated.contains_key(&block.text));
        let blocks = without_margins(blocks);
        let tongue = language::of(&blocks, &extract.lang);
        tongues.push(tongue);
        let language = match tongue {
            Tongue::Ours(language) => Some(language),
            Tongue::Foreign(_) | Tongue::Unclear => None,
        };
        read.push(Page { url, kind, language, blocks });
    }
    let no_evidence = parked(&read).or_else(|| foreign(&tongues)).or_else(|| too_short(&read));
    let mut warnings = Vec::new();
    if dropped > 0 {
        warnings.push(format!(
            "{dropped} text(s) on the website speak to machines instead of people and were ignored"
        ));
    }
    for (page, tongue) in read.iter_mut().zip(&tongues) {
        if matches!(tongue, Tongue::Foreign(_)) {
            page.blocks.clear();
        }
    }
    Site { url, pages: read, no_evidence, warnings }
}

/// Texts that stand on most pages of a site.
fn repeated(pages: &[(String, PageKind, Extract)]) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, _, extract) in pages {
        let visible = extract.blocks.iter().filter(|block| !is_about_the_page(block.kind));
        for block in visible {
            *counts.entry(&block.text).or_default() += 1;
        }
    }
    let most = (pages.len() * 3).div_ceil(5).max(2);
    let repeated = counts.into_iter().filter(|(_, count)| *count >= most);
    repeated.map(|(text, count)| (text.to_owned(), count)).collect()
}

fn is_about_the_page(kind: BlockKind) -> bool {
    matches!(kind, BlockKind::Title | BlockKind::Meta | BlockKind::JsonLd)
}

/// Drops what stands in the margins, unless little else is there: then the margins were named badly.
fn without_margins(blocks: Vec<Block>) -> Vec<Block> {
    let size = |blocks: &[Block]| -> usize { blocks.iter().map(|block| block.text.len()).sum() };
    let inner: Vec<Block> = blocks.iter().filter(|block| !block.marginal).cloned().collect();
    if size(&inner) < LEAST_TEXT { blocks } else { inner }
}

fn is_cookie_talk(text: &str) -> bool {
    let text = text.to_lowercase();
    let speaks = ["cookie", "einwilligung", "tracking"].iter().any(|word| text.contains(word));
    let asks = [
        "akzeptier",
        "ablehnen",
        "zustimm",
        "einverstanden",
        "verwend",
        "nutzt",
        "setzen",
        "einstellung",
        "accept",
        "decline",
        "consent",
        "agree",
        "use cookies",
        "uses cookies",
        "settings",
        "preferences",
    ];
    speaks && asks.iter().any(|word| text.contains(word))
}

fn parked(pages: &[Page]) -> Option<String> {
    let home = pages.first()?;
    let size: usize = pages.iter().map(content).sum();
    let says = |phrases: &[&'static str]| {
        let texts = home.blocks.iter().map(|block| block.text.to_lowercase().replace('’', "'"));
        texts.into_iter().find_map(|text| phrases.iter().copied().find(|phrase| text.contains(phrase)))
    };
    let phrase = if size < MOST_OF_PARKED { says(FOR_SALE) } else { None };
    let phrase = phrase.or_else(|| if size < MOST_OF_PARKED / 2 { says(NOT_YET) } else { None })?;
    Some(format!("the website is parked or not ready yet (\"{phrase}\")"))
}

#[rustfmt::skip]
const FOR_SALE: &[&str] = &[
    "domain is for sale", "domain may be for sale", "domain name is for sale", "buy this domain",
    "this domain is parked", "domain is parked", "parked domain", "domain parking", "parked free",
    "interested in this domain", "domain has been registered", "this domain was registered",
    "domain steht zum verkauf", "domain zu verkaufen", "domain kaufen", "domain ist geparkt",
    "geparkte domain", "domain wurde registriert", "domain ist registriert", "domain-parking",
    "die domain wurde", "steht zum verkauf: domain",
];
#[rustfmt::skip]
const NOT_YET: &[&str] = &[
    "under construction", "coming soon", "website is being built", "site is being built", "launching soon",
    "we are working on our new website", "new website is on its way", "maintenance mode",
    "default web page", "it works!", "welcome to nginx", "apache2 default page", "index of /",
    "seite im aufbau", "website im aufbau", "site befindet sich im aufbau", "hier entsteht",
    "entsteht eine neue", "demnächst finden sie hier", "in kürze finden sie hier",
];

fn foreign(tongues: &[Tongue]) -> Option<String> {
    let ours = tongues.iter().any(|tongue| matches!(tongue, Tongue::Ours(_)));
    let foreign = tongues.iter().find_map(|tongue| match tongue {
        Tongue::Foreign(name) => Some(*name),
        Tongue::Ours(_) | Tongue::Unclear => None,
    })?;
    (!ours).then(|| format!("the website is in {foreign}; only German and English are read"))
}

fn too_short(pages: &[Page]) -> Option<String> {
    let size: usize = pages.iter().map(content).sum();
    (size < LEAST_TEXT).then(|| {
        format!("the website says too little ({size} characters of text, at least {LEAST_TEXT} are needed)")
    })
}

/// How much a page says, its title aside.
fn content(page: &Page) -> usize {
    let says = page.blocks.iter().filter(|block| block.kind != BlockKind::Title);
    says.map(|block| block.text.chars().count()).sum()
}
