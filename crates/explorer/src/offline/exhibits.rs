//! Collects what is cited, each quote once, with a name.

use connector_domain::profile::Evidence;
use connector_domain::text;

use crate::website::{Block, Site};

/// A longer block is quoted by its sentence.
const LONGEST_QUOTE: usize = 600;

/// Where a block stands: page and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) page: usize,
    pub(super) block: usize,
}

/// The evidence of a profile in the making.
pub(super) struct Exhibits<'a> {
    site: &'a Site,
    evidence: Vec<Evidence>,
}

impl<'a> Exhibits<'a> {
    pub(super) fn new(site: &'a Site) -> Self {
        Self { site, evidence: Vec::new() }
    }

    pub(super) fn block(&self, place: Place) -> &'a Block {
        &self.site.pages[place.page].blocks[place.block]
    }

    /// Cites words that stand in a block.
    pub(super) fn cite(&mut self, place: Place, words: &str) -> String {
        let block = self.block(place);
        let quote = if block.text.chars().count() <= LONGEST_QUOTE { &block.text } else { words };
        self.add(place, quote)
    }

    /// Cites a block as a whole, or as much of it as a quote may hold.
    pub(super) fn cite_block(&mut self, place: Place) -> String {
        let block = self.block(place);
        let start = text::whole_sentences(&block.text, LONGEST_QUOTE);
        let fallback = || block.text.chars().take(LONGEST_QUOTE).collect();
        self.add(place, &start.unwrap_or_else(fallback))
    }

    fn add(&mut self, place: Place, quote: &str) -> String {
        let page = &self.site.pages[place.page];
        let known = self.evidence.iter().find(|known| known.url == page.url && known.quote == quote);
        if let Some(known) = known {
            return known.id.clone();
        }
        let id = format!("e{}", self.evidence.len() + 1);
        self.evidence.push(Evidence {
            id: id.clone(),
            url: page.url.clone(),
            kind: page.blocks[place.block].kind.as_str().into(),
            quote: quote.to_owned(),
        });
        id
    }

    pub(super) fn into_evidence(self) -> Vec<Evidence> {
        self.evidence
    }
}
