//! What an element means for the text in it.

use super::BlockKind;

/// A tag, by its number; all unknown ones share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(u8);

/// What an element is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Says nothing to readers.
    Drop,
    /// Frames the page: navigation, footer.
    Frame,
    Root,
    Title,
    Script,
    Meta,
    /// Has no content.
    Void,
    Break,
    Rule,
    Heading,
    Paragraph,
    Item,
    Cell,
    /// Any other block.
    Container,
    Link,
    Inline,
}

const TAGS: [(&str, Role); 91] = [
    ("", Role::Inline),
    ("a", Role::Link),
    ("address", Role::Container),
    ("area", Role::Void),
    ("article", Role::Container),
    ("aside", Role::Container),
    ("audio", Role::Drop),
    ("base", Role::Void),
    ("blockquote", Role::Container),
    ("body", Role::Root),
    ("br", Role::Break),
    ("button", Role::Drop),
    ("canvas", Role::Drop),
    ("caption", Role::Container),
    ("center", Role::Container),
    ("col", Role::Void),
    ("datalist", Role::Drop),
    ("dd", Role::Item),
    ("details", Role::Container),
    ("dialog", Role::Drop),
    ("dir", Role::Container),
    ("div", Role::Container),
    ("dl", Role::Container),
    ("dt", Role::Item),
    ("embed", Role::Void),
    ("fieldset", Role::Container),
    ("figcaption", Role::Container),
    ("figure", Role::Container),
    ("footer", Role::Frame),
    ("form", Role::Container),
    ("frameset", Role::Drop),
    ("h1", Role::Heading),
    ("h2", Role::Heading),
    ("h3", Role::Heading),
    ("h4", Role::Heading),
    ("h5", Role::Heading),
    ("h6", Role::Heading),
    ("head", Role::Container),
    ("header", Role::Container),
    ("hgroup", Role::Container),
    ("hr", Role::Rule),
    ("html", Role::Root),
    ("iframe", Role::Drop),
    ("img", Role::Void),
    ("input", Role::Void),
    ("label", Role::Drop),
    ("legend", Role::Drop),
    ("li", Role::Item),
    ("link", Role::Void),
    ("main", Role::Container),
    ("map", Role::Drop),
    ("math", Role::Drop),
    ("menu", Role::Frame),
    ("meta", Role::Meta),
    ("meter", Role::Drop),
    ("nav", Role::Frame),
    ("noembed", Role::Drop),
    ("noframes", Role::Drop),
    ("noscript", Role::Drop),
    ("object", Role::Drop),
    ("ol", Role::Container),
    ("optgroup", Role::Drop),
    ("option", Role::Drop),
    ("p", Role::Paragraph),
    ("param", Role::Void),
    ("picture", Role::Inline),
    ("pre", Role::Container),
    ("progress", Role::Drop),
    ("rp", Role::Drop),
    ("rt", Role::Drop),
    ("script", Role::Script),
    ("search", Role::Frame),
    ("section", Role::Container),
    ("select", Role::Drop),
    ("source", Role::Void),
    ("style", Role::Drop),
    ("summary", Role::Container),
    ("svg", Role::Drop),
    ("table", Role::Container),
    ("tbody", Role::Container),
    ("td", Role::Cell),
    ("template", Role::Drop),
    ("textarea", Role::Drop),
    ("tfoot", Role::Container),
    ("th", Role::Cell),
    ("thead", Role::Container),
    ("title", Role::Title),
    ("tr", Role::Container),
    ("track", Role::Void),
    ("ul", Role::Container),
    ("wbr", Role::Void),
];

/// The tag with this name, in lower case as the tokenizer gives it.
pub(super) fn of(name: &[u8]) -> Tag {
    let found = TAGS.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).unwrap_or(0);
    Tag(u8::try_from(found).expect("there are fewer than 256 tags"))
}

impl Tag {
    pub(super) fn number(self) -> usize {
        usize::from(self.0)
    }

    pub(super) fn role(self) -> Role {
        TAGS[self.number()].1
    }

    /// Whether text before and after it belongs to different blocks.
    pub(super) fn is_block(self) -> bool {
        match self.role() {
            Role::Drop | Role::Title | Role::Script | Role::Meta | Role::Void | Role::Break => false,
            Role::Link | Role::Inline => false,
            Role::Frame | Role::Root | Role::Rule | Role::Heading | Role::Paragraph => true,
            Role::Item | Role::Cell | Role::Container => true,
        }
    }

    /// Whether an unclosed paragraph or item outside ends no further than here.
    pub(super) fn is_container(self) -> bool {
        matches!(self.role(), Role::Container | Role::Root | Role::Frame)
    }
}

impl Role {
    pub(super) fn block_kind(self) -> Option<BlockKind> {
        match self {
            Self::Heading => Some(BlockKind::Heading),
            Self::Paragraph => Some(BlockKind::Paragraph),
            Self::Item => Some(BlockKind::ListItem),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_is_found() {
        for (number, (name, _)) in TAGS.iter().enumerate() {
            assert_eq!(of(name.as_bytes()).number(), number, "{name}");
        }
        assert_eq!(of(b"my-element").role(), Role::Inline);
    }
}
