//! The small markup that page texts are written in, and its way into HTML. A blank line ends a block; a block is a
//! paragraph unless it begins with `## `, `- ` (list), `| ` (table row), `> ` (quote), `~ ` (small print) or
//! `!hidden `. Inside, `**bold**` and `[words](/path)`. Everything else is text and is escaped.

/// A piece of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Block {
    Heading(String),
    Paragraph(String),
    List(Vec<String>),
    Table(Vec<Vec<String>>),
    Quote(String),
    Small(String),
    Hidden(String),
}

/// Reads the markup.
pub(crate) fn blocks(source: &str) -> Vec<Block> {
    source.split("\n\n").map(str::trim).filter(|block| !block.is_empty()).map(block).collect()
}

fn block(source: &str) -> Block {
    if source.starts_with("- ") {
        return Block::List(source.lines().map(|line| line.trim_start_matches("- ").into()).collect());
    }
    if source.starts_with("| ") {
        return Block::Table(source.lines().map(cells).collect());
    }
    let text = source.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    match text.split_once(' ') {
        Some(("##", rest)) => Block::Heading(rest.into()),
        Some((">", rest)) => Block::Quote(rest.into()),
        Some(("~", rest)) => Block::Small(rest.into()),
        Some(("!hidden", rest)) => Block::Hidden(rest.into()),
        _ => Block::Paragraph(text),
    }
}

fn cells(row: &str) -> Vec<String> {
    row.trim().trim_matches('|').split('|').map(|cell| cell.trim().into()).collect()
}

/// How an author writes HTML: escaping and links.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pen<'a> {
    /// The site's own origin, or nothing.
    pub(crate) origin: &'a str,
    pub(crate) letters: Letters,
    pub(crate) links: Links,
}

/// How letters outside ASCII are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letters {
    /// As they are.
    Plain,
    /// As named entities, the way editors did it before UTF-8.
    Entities,
}

/// How links inside the site are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Links {
    /// `/produkte`
    Root,
    /// `produkte`
    Relative,
    /// `http://host/produkte/`
    Absolute,
}

impl Pen<'_> {
    /// Escapes text for an element or an attribute.
    pub(crate) fn text(self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + text.len() / 8);
        for letter in text.chars() {
            match entity(letter, self.letters) {
                Some(entity) => out.push_str(entity),
                None => out.push(letter),
            }
        }
        out
    }

    /// The address of a page of the site.
    pub(crate) fn href(self, path: &str) -> String {
        if !path.starts_with('/') {
            return path.into();
        }
        match self.links {
            Links::Root => path.into(),
            Links::Relative if path == "/" => "./".into(),
            Links::Relative => path.trim_start_matches('/').into(),
            Links::Absolute if path == "/" => format!("{}/", self.origin),
            Links::Absolute => format!("{}{path}/", self.origin),
        }
    }

    /// Turns the markup inside a block into HTML.
    pub(crate) fn inline(self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(['[', '*']) {
            out.push_str(&self.text(&rest[..start]));
            rest = &rest[start..];
            let (html, length) = self.link(rest).or_else(|| self.bold(rest)).unwrap_or_else(|| {
                // An ordinary bracket or star.
                (rest[..1].to_owned(), 1)
            });
            out.push_str(&html);
            rest = &rest[length..];
        }
        out.push_str(&self.text(rest));
        out
    }

    fn link(self, text: &str) -> Option<(String, usize)> {
        let (words, after) = text.strip_prefix('[')?.split_once("](")?;
        let (path, _) = after.split_once(')')?;
        let html = format!("<a href=\"{}\">{}</a>", self.text(&self.href(path)), self.text(words));
        Some((html, words.len() + path.len() + 4))
    }

    fn bold(self, text: &str) -> Option<(String, usize)> {
        let (words, _) = text.strip_prefix("**")?.split_once("**")?;
        Some((format!("<strong>{}</strong>", self.text(words)), words.len() + 4))
    }

    /// Turns one block into HTML.
    pub(crate) fn block(self, block: &Block) -> String {
        match block {
            Block::Heading(text) => format!("<h2>{}</h2>\n", self.inline(text)),
            Block::Paragraph(text) => format!("<p>{}</p>\n", self.inline(text)),
            Block::List(items) => {
                let items = join(items, |item| format!("<li>{}</li>\n", self.inline(item)));
                format!("<ul>\n{items}</ul>\n")
            }
            Block::Table(rows) => format!("<table>\n{}</table>\n", self.rows(rows)),
            Block::Quote(text) => format!("<blockquote><p>{}</p></blockquote>\n", self.inline(text)),
            Block::Small(text) => format!("<p><small>{}</small></p>\n", self.inline(text)),
            Block::Hidden(text) => {
                format!("<div style=\"display:none\" aria-hidden=\"true\">{}</div>\n", self.inline(text))
            }
        }
    }

    fn rows(self, rows: &[Vec<String>]) -> String {
        let cell = |cell: &String| format!("<td>{}</td>", self.inline(cell));
        join(rows, |cells| format!("<tr>{}</tr>\n", join(cells, cell)))
    }
}

/// Writes each item and puts the results together.
pub(crate) fn join<T>(items: impl IntoIterator<Item = T>, write: impl Fn(T) -> String) -> String {
    items.into_iter().map(write).collect::<Vec<_>>().concat()
}

fn entity(letter: char, letters: Letters) -> Option<&'static str> {
    match letter {
        '&' => return Some("&amp;"),
        '<' => return Some("&lt;"),
        '>' => return Some("&gt;"),
        '"' => return Some("&quot;"),
        '\u{a0}' => return Some("&nbsp;"),
        _ => {}
    }
    match (letters, letter) {
        (Letters::Plain, _) => None,
        (Letters::Entities, 'ä') => Some("&auml;"),
        (Letters::Entities, 'ö') => Some("&ouml;"),
        (Letters::Entities, 'ü') => Some("&uuml;"),
        (Letters::Entities, 'Ä') => Some("&Auml;"),
        (Letters::Entities, 'Ö') => Some("&Ouml;"),
        (Letters::Entities, 'Ü') => Some("&Uuml;"),
        (Letters::Entities, 'ß') => Some("&szlig;"),
        (Letters::Entities, 'å') => Some("&aring;"),
        (Letters::Entities, 'Å') => Some("&Aring;"),
        (Letters::Entities, 'ø') => Some("&oslash;"),
        (Letters::Entities, 'Ø') => Some("&Oslash;"),
        (Letters::Entities, 'æ') => Some("&aelig;"),
        (Letters::Entities, 'é') => Some("&eacute;"),
        (Letters::Entities, '–') => Some("&ndash;"),
        (Letters::Entities, '„') => Some("&bdquo;"),
        (Letters::Entities, '“') => Some("&ldquo;"),
        (Letters::Entities, '²') => Some("&sup2;"),
        (Letters::Entities, '³') => Some("&sup3;"),
        (Letters::Entities, '·') => Some("&middot;"),
        (Letters::Entities, '€') => Some("&euro;"),
        (Letters::Entities, '©') => Some("&copy;"),
        (Letters::Entities, _) => None,
    }
}
