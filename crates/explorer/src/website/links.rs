//! Which pages of a site are worth reading: those that say what the company is and does.
//!
//! Contact, imprint, privacy and jobs are left alone. They say the same everywhere, and would only mislead.

use std::collections::BTreeSet;

use url::{Host, Url};

use super::PageKind;
use super::extract::Link;

/// A link worth following.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) url: Url,
    pub(crate) kind: PageKind,
}

/// The best links of a home page, at most `max`, the best first and of various kinds.
pub(crate) fn choose(home: &Url, links: &[Link], max: usize) -> Vec<Candidate> {
    let mut seen = BTreeSet::from([key(home)]);
    let mut of_kind: [Vec<Candidate>; 4] = Default::default();
    for link in links {
        let Some(candidate) = judge(home, link) else { continue };
        let rank = RANKS.iter().position(|kind| *kind == candidate.kind);
        if let Some(rank) = rank
            && seen.insert(key(&candidate.url))
        {
            of_kind[rank].push(candidate);
        }
    }
    let mut queues = of_kind.map(Vec::into_iter);
    let mut chosen = Vec::new();
    while chosen.len() < max {
        let before = chosen.len();
        for (queue, share) in queues.iter_mut().zip(SHARES) {
            chosen.extend(queue.take(share));
        }
        if chosen.len() == before {
            break;
        }
    }
    chosen.truncate(max);
    chosen
}

const RANKS: [PageKind; 4] = [PageKind::About, PageKind::Services, PageKind::Other, PageKind::References];
/// How many of each kind are taken in one round.
const SHARES: [usize; 4] = [1, 2, 1, 1];

/// Links of a page to the same site in German or English.
pub(crate) fn translations(home: &Url, links: &[Link]) -> Vec<Url> {
    let is_translation = |link: &&Link| {
        let language = link.language.to_ascii_lowercase();
        let words = link.text.trim().to_lowercase();
        ["de", "en"].iter().any(|code| language == *code || language.starts_with(&format!("{code}-")))
            || matches!(words.as_str(), "de" | "en" | "deutsch" | "english" | "german" | "englisch")
    };
    let urls = links.iter().filter(is_translation).filter_map(|link| resolve(home, &link.href));
    urls.filter(|url| key(url) != key(home)).collect()
}

fn judge(home: &Url, link: &Link) -> Option<Candidate> {
    let url = resolve(home, &link.href)?;
    let path = url.path().to_lowercase();
    if LEFT_OUT_ENDINGS.iter().any(|ending| path.ends_with(ending)) {
        return None;
    }
    let words = format!("{path} {}", link.text.to_lowercase());
    let words = words.replace('ü', "ue").replace('ä', "ae").replace('ö', "oe");
    let says = |stems: &[&str]| stems.iter().any(|stem| words.contains(stem));
    if says(LEFT_OUT) {
        return None;
    }
    let kind = if says(ABOUT) {
        PageKind::About
    } else if says(REFERENCES) {
        PageKind::References
    } else if says(SERVICES) {
        PageKind::Services
    } else {
        PageKind::Other
    };
    let is_near = path.trim_matches('/').split('/').count() <= 2 && url.query().is_none();
    (kind != PageKind::Other || is_near).then_some(Candidate { url, kind })
}

fn resolve(home: &Url, href: &str) -> Option<Url> {
    let mut url = home.join(href.trim()).ok()?;
    url.set_fragment(None);
    let is_web = matches!(url.scheme(), "http" | "https");
    (is_web && same_site(home, &url)).then_some(url)
}

/// Whether two addresses belong to one site: the same registrable domain, or the same host where there is none.
pub(crate) fn same_site(a: &Url, b: &Url) -> bool {
    match (a.host(), b.host()) {
        (Some(Host::Domain(a_name)), Some(Host::Domain(b_name))) => {
            a_name == b_name && a.port() == b.port()
                || registrable(a_name).is_some_and(|domain| registrable(b_name) == Some(domain))
        }
        (Some(a_host), Some(b_host)) => a_host == b_host && a.port() == b.port(),
        _ => false,
    }
}

fn registrable(name: &str) -> Option<&str> {
    if super::guard::is_loopback_name(name) {
        return None;
    }
    let domain = psl::domain(name.as_bytes())?;
    // An ending that the list does not know is somebody's inner name.
    domain.suffix().is_known().then(|| psl::domain_str(name))?
}

/// What makes two addresses one page.
pub(crate) fn key(url: &Url) -> String {
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/index.html").or_else(|| path.strip_suffix("/index.php")).unwrap_or(path);
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host);
    format!("{host}:{:?}{path}?{}", url.port(), url.query().unwrap_or_default())
}

#[rustfmt::skip]
const ABOUT: &[&str] = &[
    "ueber", "uber-uns", "unternehmen", "about", "company", "wer-wir-sind", "wer wir sind", "firma",
    "profil", "portrait", "portraet", "organisation", "who-we-are", "who we are", "wir-ueber", "das-haus",
    "leitbild",
];
#[rustfmt::skip]
const SERVICES: &[&str] = &[
    "leistung", "produkt", "product", "service", "solution", "loesung", "angebot", "sortiment", "fertigung",
    "kompetenz", "what-we-do", "what we do", "portfolio", "technik", "technolog", "geschaeftsfeld",
    "business", "zimmer", "rooms", "abteilung", "fachbereich", "studien", "kurse", "courses", "wohnen",
    "buergerservice", "maschinen", "capabilit",
];
#[rustfmt::skip]
const REFERENCES: &[&str] = &[
    "referenz", "reference", "branche", "industries", "projekt", "project", "kunden", "case-stud",
];
#[rustfmt::skip]
const LEFT_OUT: &[&str] = &[
    "kontakt", "contact", "impressum", "imprint", "datenschutz", "privacy", "dsgvo", "gdpr", "agb", "terms",
    "conditions", "legal", "jobs", "karriere", "career", "stellen", "bewerb", "vacanc", "ausbildungsplatz",
    "login", "logout", "anmelden", "register", "account", "cart", "warenkorb", "checkout", "kasse", "suche",
    "search", "sitemap", "news", "presse", "press/", "blog", "aktuell", "termine", "event", "download",
    "cookie", "widerruf", "versand", "anfahrt", "feed", "wp-content", "wp-admin", "newsletter", "galerie",
    "gallery", "barrierefreiheit", "accessib", "galleri",
];
#[rustfmt::skip]
const LEFT_OUT_ENDINGS: &[&str] = &[
    ".pdf", ".jpg", ".jpeg", ".png", ".gif", ".svg", ".webp", ".zip", ".doc", ".docx", ".xls", ".xlsx",
    ".mp4", ".xml", ".ico", ".ics",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn link(href: &str, text: &str) -> Link {
        Link { href: href.into(), text: text.into(), language: String::new() }
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn about_and_services_come_first_and_contact_never() {
        let links = [
            link("/kontakt", "Kontakt"),
            link("/referenzen", "Referenzen"),
            link("/produkte", "Produkte"),
            link("/produkte/", "Alle Produkte"),
            link("unternehmen.html", "Über uns"),
            link("/service", "Service"),
            link("/karriere", "Karriere"),
            link("https://other.example/about", "About"),
            link("/katalog.pdf", "Produkte als PDF"),
            link("mailto:info@firm.example", "Produkte"),
        ];
        let chosen = choose(&url("https://www.firm.example/"), &links, 4);
        let paths: Vec<&str> = chosen.iter().map(|candidate| candidate.url.path()).collect();
        assert_eq!(paths, ["/unternehmen.html", "/produkte", "/service", "/referenzen"]);
    }

    #[test]
    fn a_site_is_a_registrable_domain_or_a_single_host() {
        let same = |a: &str, b: &str| same_site(&url(a), &url(b));
        assert!(same("https://www.firm.de/", "https://shop.firm.de/"));
        assert!(!same("https://firm.de/", "https://firm.com/"));
        assert!(!same("https://a.co.uk/", "https://b.co.uk/"));
        assert!(same("http://a.localhost:81/", "http://a.localhost:81/x"));
        assert!(!same("http://a.localhost:81/", "http://b.localhost:81/"));
        assert!(!same("http://10.0.0.1/", "http://10.0.0.2/"));
        assert!(!same("http://a.github.io/", "http://b.github.io/"));
    }

    #[test]
    fn translations_are_found_by_code_or_by_word() {
        let home = url("https://firm.example/");
        let links = [
            Link { language: "en-GB".into(), ..link("/en/", "") },
            link("/de", "Deutsch"),
            link("/", "EN"),
            link("/fi", "Suomi"),
        ];
        let found = translations(&home, &links);
        assert_eq!(found.iter().map(Url::path).collect::<Vec<_>>(), ["/en/", "/de"]);
    }
}
