//! From HTML to blocks of text: title, meta, structured data, headings, paragraphs, list items.
//!
//! Only a tokenizer is used, no tree: a hostile page of nested elements costs a tree builder minutes, and this reader
//! the same time per byte as any other page. What people cannot see, and what frames a page, is left out.

use std::collections::BTreeSet;

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{Token, Tokenizer};

mod attributes;
mod structured;
mod tag;

use attributes::{attribute, frames_by_role, is_hidden, is_json_ld, is_marginal};
use tag::{Role, Tag};

type StartTag = html5gum::StartTag<()>;
type EndTag = html5gum::EndTag<()>;

/// Elements deeper than this are read, but no longer told apart.
const MAX_DEPTH: usize = 256;
const MAX_BLOCKS: usize = 4_000;
const MAX_TEXT: usize = 400_000;
const MAX_BLOCK: usize = 20_000;
const MAX_LINKS: usize = 500;

/// A piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// What it is.
    pub kind: BlockKind,
    /// Its words, with single spaces.
    pub text: String,
    /// Whether the words stand on the page exactly so, for everybody to see.
    pub quotable: bool,
    /// Whether it stands in a part of the page that usually frames others.
    pub(crate) marginal: bool,
}

/// What a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlockKind {
    /// The page's title.
    Title,
    /// Its description for search engines.
    Meta,
    /// The description in structured data.
    JsonLd,
    /// A heading.
    Heading,
    /// A paragraph, or anything like it.
    Paragraph,
    /// An item of a list.
    ListItem,
}

impl BlockKind {
    /// The kind's name in a profile's evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Meta => "meta",
            Self::JsonLd => "json-ld",
            Self::Heading => "heading",
            Self::Paragraph => "paragraph",
            Self::ListItem => "list",
        }
    }
}

/// A link as it stands on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) href: String,
    pub(crate) text: String,
    /// `hreflang`, often empty.
    pub(crate) language: String,
}

/// What was taken from a page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Extract {
    pub(crate) blocks: Vec<Block>,
    pub(crate) links: Vec<Link>,
    /// The language that the page claims.
    pub(crate) lang: String,
}

/// Reads a page of plain text: paragraphs between empty lines.
pub(crate) fn plain(text: &str) -> Extract {
    let mut reader = Reader::default();
    for paragraph in text.replace("\r\n", "\n").split("\n\n") {
        reader.push(BlockKind::Paragraph, paragraph, false);
        if reader.is_full() {
            break;
        }
    }
    reader.out
}

/// Reads an HTML page.
pub(crate) fn html(page: &str) -> Extract {
    let mut reader = Reader::default();
    reader.read(page);
    reader.flush();
    reader.out
}

/// The state of reading.
#[derive(Default)]
struct Reader {
    out: Extract,
    stack: Vec<Open>,
    /// How many elements of each tag are open, so that a stray end tag costs nothing.
    open: Vec<u32>,
    /// How many elements of each tag were not put on the full stack.
    beyond: Vec<u32>,
    seen: BTreeSet<(BlockKind, String)>,
    size: usize,
    block: Pending,
    link: Option<usize>,
    title: Option<String>,
    json: Option<String>,
}

/// An open element and what it means for the text in it.
#[derive(Clone, Copy)]
struct Open {
    tag: Tag,
    place: Place,
}

/// What the open elements mean together.
#[derive(Clone, Copy, Default)]
struct Place {
    dropped: bool,
    marginal: bool,
    linked: bool,
    kind: Option<BlockKind>,
}

/// The block that is being read.
#[derive(Default)]
struct Pending {
    /// With single spaces and none at either end, so that a block of white space alone is an empty one.
    text: String,
    /// Whether white space came after the text.
    gap: bool,
    /// How much of the text stands in links.
    linked: usize,
    kind: Option<BlockKind>,
    marginal: bool,
    altered: bool,
}

impl Pending {
    fn is_full(&self) -> bool {
        self.text.len() >= MAX_BLOCK
    }

    fn push(&mut self, c: char) {
        if is_invisible(c) {
            self.altered = true;
        } else if c.is_whitespace() || c.is_control() {
            self.gap = true;
        } else {
            if std::mem::take(&mut self.gap) && !self.text.is_empty() {
                self.text.push(' ');
            }
            self.text.push(c);
        }
    }
}

impl Reader {
    /// Reads a page, its last block apart.
    fn read(&mut self, page: &str) {
        let mut emitter = DefaultEmitter::default();
        emitter.naively_switch_states(true);
        for token in Tokenizer::new_with_emitter(page, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => self.open(&tag),
                Token::EndTag(tag) => self.close(&tag),
                Token::String(text) => self.text(&String::from_utf8_lossy(&text)),
                Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
            }
            if self.is_full() {
                break;
            }
        }
    }

    fn place(&self) -> Place {
        self.stack.last().map(|open| open.place).unwrap_or_default()
    }

    fn is_full(&self) -> bool {
        self.out.blocks.len() >= MAX_BLOCKS || self.size >= MAX_TEXT
    }

    fn open(&mut self, start: &StartTag) {
        let tag = tag::of(&start.name);
        match tag.role() {
            Role::Meta => return self.meta(start),
            Role::Break => return self.block.gap = true,
            Role::Rule => return self.flush(),
            Role::Void => return self.alternate(start),
            _ => {}
        }
        if start.self_closing && tag.role() == Role::Drop {
            return;
        }
        if tag.is_block() {
            self.flush();
            self.close_implied(tag);
        }
        let mut place = self.place();
        place.dropped |= tag.role() == Role::Drop || is_hidden(start);
        match tag.role() {
            Role::Frame => place.dropped = true,
            Role::Root if self.out.lang.is_empty() => self.out.lang = attribute(start, b"lang"),
            Role::Title if !place.dropped && self.title.is_none() => self.title = Some(String::new()),
            Role::Script if is_json_ld(start) => self.json = Some(String::new()),
            Role::Link => {
                place.linked = true;
                self.begin_link(start);
            }
            role => {
                place.kind = role.block_kind().or(place.kind);
            }
        }
        // Links are collected inside the frame too: that is where the navigation is.
        place.dropped |= frames_by_role(start);
        place.marginal |= tag.is_block() && tag.role() != Role::Root && is_marginal(start);
        place.dropped |= matches!(tag.role(), Role::Title | Role::Script);
        self.push_open(tag, place);
    }

    fn push_open(&mut self, tag: Tag, place: Place) {
        if self.stack.len() >= MAX_DEPTH {
            count(&mut self.beyond, tag);
            return;
        }
        count(&mut self.open, tag);
        self.stack.push(Open { tag, place });
    }

    fn close(&mut self, end: &EndTag) {
        let tag = tag::of(&end.name);
        match tag.role() {
            Role::Title => self.end_title(),
            Role::Script => self.end_json(),
            Role::Link => self.link = None,
            _ => {}
        }
        if tag.is_block() {
            self.flush();
        }
        if let Some(beyond @ 1..) = self.beyond.get_mut(tag.number()) {
            *beyond -= 1;
            return;
        }
        if self.open.get(tag.number()).is_some_and(|open| *open > 0) {
            self.pop_through(tag);
        }
    }

    fn pop_through(&mut self, tag: Tag) {
        while let Some(open) = self.stack.pop() {
            self.open[open.tag.number()] -= 1;
            if open.tag == tag {
                break;
            }
        }
    }

    /// Closes what the start of another block closes without saying so: a paragraph, an item before the next item.
    fn close_implied(&mut self, tag: Tag) {
        let closes = |open: &Open| match tag.role() {
            Role::Item => matches!(open.tag.role(), Role::Item | Role::Paragraph),
            Role::Cell => matches!(open.tag.role(), Role::Cell | Role::Paragraph),
            _ => open.tag.role() == Role::Paragraph,
        };
        // Only what is open since the innermost container.
        let since = self.stack.iter().rposition(|open| open.tag.is_container()).map_or(0, |at| at + 1);
        if let Some(at) = self.stack[since..].iter().position(closes) {
            for open in self.stack.drain(since + at..) {
                self.open[open.tag.number()] -= 1;
            }
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(title) = &mut self.title {
            title.push_str(text);
            return;
        }
        if let Some(json) = &mut self.json {
            json.push_str(text);
            return;
        }
        if let Some(link) = self.link {
            let known = &mut self.out.links[link].text;
            if known.len() + text.len() < 200 {
                known.push_str(text);
            }
        }
        let place = self.place();
        if place.dropped || self.block.is_full() {
            return;
        }
        if self.block.text.is_empty() {
            self.block.kind = place.kind;
            self.block.marginal = place.marginal;
        }
        let before = self.block.text.len();
        for c in text.chars() {
            if self.block.is_full() {
                break;
            }
            self.block.push(c);
        }
        if place.linked {
            self.block.linked += self.block.text.len() - before;
        }
    }

    fn flush(&mut self) {
        let block = std::mem::take(&mut self.block);
        if block.text.is_empty() {
            return;
        }
        let kind = block.kind.unwrap_or(BlockKind::Paragraph);
        // Mostly links: navigation, not text.
        if kind != BlockKind::Heading && block.linked * 5 > block.text.len() * 3 {
            return;
        }
        let at = self.out.blocks.len();
        self.push(kind, &block.text, block.marginal);
        if let Some(pushed) = self.out.blocks.get_mut(at) {
            pushed.quotable &= !block.altered;
        }
    }

    fn push(&mut self, kind: BlockKind, text: &str, marginal: bool) {
        let text = connector_domain::text::normalised(start(text, MAX_BLOCK));
        if text.is_empty() || self.is_full() || !self.seen.insert((kind, text.clone())) {
            return;
        }
        self.size += text.len();
        let quotable = !matches!(kind, BlockKind::JsonLd) && !text.contains('\u{fffd}');
        self.out.blocks.push(Block { kind, text, quotable, marginal });
    }

    fn begin_link(&mut self, start: &StartTag) {
        let href = attribute(start, b"href");
        self.link = None;
        if !href.is_empty() && self.out.links.len() < MAX_LINKS {
            self.link = Some(self.out.links.len());
            let language = attribute(start, b"hreflang");
            self.out.links.push(Link { href, text: String::new(), language });
        }
    }

    fn end_title(&mut self) {
        if let Some(title) = self.title.take() {
            self.push(BlockKind::Title, &visible(&title), false);
        }
    }

    fn end_json(&mut self) {
        if let Some(json) = self.json.take() {
            for text in structured::descriptions(&json) {
                self.push(BlockKind::JsonLd, &visible(&text), false);
            }
        }
    }

    fn meta(&mut self, start: &StartTag) {
        let name = attribute(start, b"name") + &attribute(start, b"property");
        let is_description = matches!(
            name.to_ascii_lowercase().as_str(),
            "description" | "og:description" | "twitter:description"
        );
        if is_description {
            self.push(BlockKind::Meta, &visible(&attribute(start, b"content")), false);
        }
    }

    /// `<link rel="alternate" hreflang="en">`.
    fn alternate(&mut self, start: &StartTag) {
        let language = attribute(start, b"hreflang");
        if &*start.name == b"link" && !language.is_empty() && self.out.links.len() < MAX_LINKS {
            let href = attribute(start, b"href");
            self.out.links.push(Link { href, text: String::new(), language });
        }
    }
}

fn count(counts: &mut Vec<u32>, tag: Tag) {
    if counts.len() <= tag.number() {
        counts.resize(tag.number() + 1, 0);
    }
    counts[tag.number()] += 1;
}

/// The first `max` bytes of a text, or a little less where they would end within a character.
fn start(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// Characters that nobody sees: they break words apart for readers like this one, or turn text around.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{180e}' | '\u{34f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}' | '\u{61c}')
}

fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
