//! From a page's text to a page as a browser gets it. Each layout imitates a kind of website that is common among
//! small and middle-sized companies, with all that surrounds the text there: navigation, banners, footers.

mod blog;
mod modern;
mod parked;
mod table;

use serde::Deserialize;
use serde_json::json;

use super::Language;
use super::site::{Facts, Site, SitePage};

/// The kinds of websites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Layout {
    /// Sections, a cookie banner, Open Graph and structured data.
    Modern,
    /// Nested tables in the style of the year 2003.
    Table,
    /// A theme of a blog system, with a side bar.
    Blog,
    /// The waiting page of a domain dealer.
    Parked,
}

/// Puts a page together. `origin` may be empty.
pub(crate) fn render(site: &Site, page: &SitePage, origin: &str) -> String {
    match site.layout {
        Layout::Modern => modern::render(site, page, origin),
        Layout::Table => table::render(site, page, origin),
        Layout::Blog => blog::render(site, page, origin),
        Layout::Parked => parked::render(site, page),
    }
}

/// The words around the text.
struct Words {
    lang: &'static str,
    locale: &'static str,
    skip: &'static str,
    menu: &'static str,
    cookies: &'static str,
    accept: &'static str,
    settings: &'static str,
    rights: &'static str,
    news: &'static str,
    search: &'static str,
    top: &'static str,
    print: &'static str,
    all: &'static str,
    phone: &'static str,
}

impl Words {
    fn of(facts: &Facts) -> &'static Self {
        match (facts.language, facts.land.iso2) {
            (Language::De, "CH") => &SWISS,
            (Language::De, _) => &GERMAN,
            (Language::En, _) => &ENGLISH,
        }
    }
}

const GERMAN: Words = Words {
    lang: "de",
    locale: "de_DE",
    skip: "Zum Inhalt springen",
    menu: "Menü",
    cookies: "Diese Website verwendet Cookies, damit sie richtig funktioniert. Einzelheiten finden Sie unter",
    accept: "Alle akzeptieren",
    settings: "Nur notwendige",
    rights: "Alle Rechte vorbehalten.",
    news: "Neueste Beiträge",
    search: "Suche",
    top: "Nach oben",
    print: "Seite drucken",
    all: "Alle Seiten",
    phone: "Telefon",
};

const SWISS: Words = Words { lang: "de-CH", locale: "de_CH", ..GERMAN };

const ENGLISH: Words = Words {
    lang: "en",
    locale: "en_GB",
    skip: "Skip to content",
    menu: "Menu",
    cookies: "This website uses cookies so that it works properly. You find the details under",
    accept: "Accept all",
    settings: "Necessary only",
    rights: "All rights reserved.",
    news: "Recent posts",
    search: "Search",
    top: "Back to top",
    print: "Print this page",
    all: "All pages",
    phone: "Phone",
};

/// The text of the window's title.
fn title(site: &Site, page: &SitePage) -> String {
    if page.path == "/" {
        format!("{} – {}", site.facts.name, site.claim)
    } else {
        format!("{} | {}", page.heading, site.facts.name)
    }
}

/// The description of a page for search engines.
fn description<'a>(site: &'a Site, page: &'a SitePage) -> &'a str {
    if page.path == "/" || page.lead.is_empty() { &site.description } else { &page.lead }
}

fn navigation(site: &Site) -> impl Iterator<Item = &SitePage> {
    site.pages.iter().filter(|page| !page.in_footer)
}

fn footer_links(site: &Site) -> impl Iterator<Item = &SitePage> {
    site.pages.iter().filter(|page| page.in_footer)
}

/// Structured data about the company.
fn json_ld(site: &Site, origin: &str) -> String {
    let Facts { name, slug, city, address, land, .. } = &site.facts;
    json!({
        "@context": "https://schema.org",
        "@type": "Organization",
        "name": name,
        "description": site.description,
        "url": format!("{origin}/"),
        "email": format!("info@{slug}.example"),
        "telephone": address.phone,
        "address": {
            "@type": "PostalAddress",
            "streetAddress": address.street,
            "postalCode": address.postal_code,
            "addressLocality": city,
            "addressCountry": land.iso2,
        },
    })
    .to_string()
    // Inside a script element nothing may look like its end.
    .replace("</", "<\\/")
}
