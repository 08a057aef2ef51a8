//! A website as data: facts, page texts and a layout. Pages are put together only when somebody asks for one,
//! so that tens of thousands of websites cost next to nothing until they are read.

use std::sync::Arc;

use serde::Deserialize;

use super::Language;
use super::countries::{self, Land};
use super::generated::Draft;
use super::layout::{self, Layout};
use super::legal;

/// A company's website, served at `http://HOST.localhost:PORT/`.
#[derive(Debug, Clone)]
pub struct Website {
    /// The host's label, such as `falkenried-pumpen`.
    pub host: String,
    /// Whether the server does not answer.
    pub down: bool,
    /// The text of `/robots.txt`; without one the file does not exist.
    pub robots: Option<String>,
    pub(crate) source: Source,
}

/// Where a website's pages come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// Nobody can read this site.
    Silent,
    /// Written by hand.
    Written(Arc<Site>),
    /// Made up from a seed.
    Drafted(Arc<Draft>),
}

/// A page as it goes over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The value of the `Content-Type` header.
    pub content_type: String,
    /// The page's text.
    pub body: String,
}

impl Website {
    /// The page at `path`, with links that do not name the host.
    ///
    /// A trailing slash, a query and a fragment make no difference. `None` means that there is no such page.
    pub fn page(&self, path: &str) -> Option<Page> {
        self.page_at(path, "")
    }

    /// The page at `path` of a site that is served at `origin`, such as `http://falkenried-pumpen.localhost:8081`.
    ///
    /// Canonical address, structured data and a part of the links are then absolute, as on real sites.
    pub fn page_at(&self, path: &str, origin: &str) -> Option<Page> {
        self.with_site(|site| {
            let wanted = plain_path(path);
            let page = site.pages.iter().find(|page| page.path == wanted)?;
            let body = layout::render(site, page, origin.trim_end_matches('/'));
            Some(Page { content_type: "text/html; charset=utf-8".into(), body })
        })?
    }

    /// The paths of all pages, in the order of the site's navigation.
    pub fn paths(&self) -> Vec<String> {
        let paths = |site: &Site| site.pages.iter().map(|page| page.path.clone()).collect();
        self.with_site(paths).unwrap_or_default()
    }

    fn with_site<T>(&self, read: impl FnOnce(&Site) -> T) -> Option<T> {
        match &self.source {
            Source::Silent => None,
            Source::Written(site) => Some(read(site)),
            Source::Drafted(draft) => Some(read(&draft.site())),
        }
    }
}

fn plain_path(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    format!("/{}", path.trim_matches('/'))
}

/// What a website is made of.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) facts: Facts,
    pub(crate) layout: Layout,
    pub(crate) claim: String,
    pub(crate) description: String,
    pub(crate) news: Vec<String>,
    pub(crate) pages: Vec<SitePage>,
}

impl Site {
    /// Adds contact, imprint and privacy, as the law and the custom of the country ask for.
    pub(crate) fn with_legal_pages(mut self) -> Self {
        let pages = legal::pages(&self.facts);
        self.pages.extend(pages);
        self
    }
}

/// What can be said of a company in an imprint.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) slug: String,
    pub(crate) language: Language,
    pub(crate) land: &'static Land,
    pub(crate) city: String,
    pub(crate) address: Address,
    pub(crate) register: String,
    pub(crate) vat: String,
}

impl Facts {
    /// The facts of a site that does not say whose it is.
    pub(crate) fn nobody() -> Self {
        Self {
            name: String::new(),
            slug: String::new(),
            language: Language::En,
            land: &countries::LANDS[0],
            city: String::new(),
            address: Address::default(),
            register: String::new(),
            vat: String::new(),
        }
    }
}

/// The part of the facts that only the website tells.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    pub(crate) street: String,
    pub(crate) postal_code: String,
    /// Role and name, such as `Geschäftsführerin: Imke Falkenried`.
    pub(crate) represented_by: String,
    /// The court or the authority that keeps the register.
    pub(crate) registry: String,
    pub(crate) phone: String,
    pub(crate) hours: String,
}

/// The text of one page, in the small markup of `text.rs`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SitePage {
    pub(crate) path: String,
    /// The label in the navigation.
    pub(crate) nav: String,
    pub(crate) heading: String,
    #[serde(default)]
    pub(crate) lead: String,
    pub(crate) body: String,
    /// Linked in the footer instead of the navigation.
    #[serde(skip)]
    pub(crate) in_footer: bool,
}
