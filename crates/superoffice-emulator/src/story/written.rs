//! The 24 companies that are written by hand, in the order in which they enter the CRM. Each is one file below
//! `companies/`; a file that cannot be read is a mistake of ours and stops the program with its name.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::layout::Layout;
use super::site::{Address, Facts, Site, SitePage, Source};
use super::{Company, Expected, Language, Person, Website, countries, people};

/// The companies, ready to be cut to length.
pub(crate) fn companies() -> Vec<Company> {
    COMPANIES.clone()
}

static COMPANIES: LazyLock<Vec<Company>> = LazyLock::new(|| {
    let mut cast: Vec<Company> = Vec::with_capacity(FILES.len());
    for (name, text) in FILES {
        let file: File = toml::from_str(text).unwrap_or_else(|error| panic!("companies/{name}: {error}"));
        let company = file.company(&cast);
        cast.push(company);
    }
    cast
});

macro_rules! files {
    ($($name:literal),* $(,)?) => { [$(($name, include_str!(concat!("companies/", $name)))),*] };
}

/// The order is part of the story: three ordinary companies first, the second record of one after its original.
const FILES: [(&str, &str); 24] = files![
    "falkenried-pumpen.toml",
    "fjellvarde-energi.toml",
    "alpsteig-holzwerk.toml",
    "kesselbruch-gebaeudeservice.toml",
    "volmebrueck-drehteile.toml",
    "malarvik-logistik.toml",
    "traunauen-pflegehaeuser.toml",
    "baeckerei-ohlendiek.toml",
    "tangvig-foods.toml",
    "rautaniemi-electronics.toml",
    "papenhorst-betriebsbedarf.toml",
    "kaskilahti-software.toml",
    "ostwindhaus.toml",
    "klinikverbund-sundermoor.toml",
    "birkengrund-gartencenter.toml",
    "ilmenbeck-hochbau.toml",
    "silberdistel-naturkosmetik.toml",
    "norrskar-automotive.toml",
    "berghotel-steinfirn.toml",
    "amt-bruchwiesen.toml",
    "bildungszentrum-limmatau.toml",
    "volmebrueck-drehteile-2.toml",
    "lechmoor-pharma.toml",
    "holmdahl-advisory.toml",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    slug: String,
    name: String,
    #[serde(default)]
    department: String,
    /// Makes register and VAT number.
    number: u32,
    /// Replaces the register number, for those who are in no register of companies.
    register: Option<String>,
    country: String,
    city: String,
    language: Language,
    /// A short name.
    owner: String,
    vertical: Option<String>,
    skipped: Option<String>,
    #[serde(default)]
    persons: Vec<PersonText>,
    /// The slug of an earlier company whose website this record names as well.
    website_of: Option<String>,
    /// The site exists in the CRM but does not answer.
    #[serde(default)]
    down: bool,
    site: Option<SiteText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonText {
    first: String,
    last: String,
    #[serde(default)]
    title: String,
    position: Option<String>,
    /// The part before the `@`.
    mail: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteText {
    layout: Layout,
    claim: String,
    description: String,
    robots: Option<String>,
    #[serde(default)]
    news: Vec<String>,
    address: Option<Address>,
    pages: Vec<SitePage>,
}

impl File {
    fn company(self, earlier: &[Company]) -> Company {
        let land = countries::land(&self.country).expect("a story's country is one of ours");
        let owner = people::associate(&self.owner).expect("a story's owner is one of our associates");
        let expected = match (&self.skipped, &self.vertical) {
            (Some(reason), _) => Expected::skipped(reason),
            (None, vertical) => {
                Expected::completed(vertical.as_deref().expect("a completed story has a vertical"))
            }
        };
        let website = self.website(land, earlier);
        let host = website.as_ref().map_or(&self.slug, |website| &website.host);
        let persons = self.persons.iter().map(|person| person.person(host)).collect();
        Company {
            org_number: self.register(land),
            country: land.country(),
            website,
            persons,
            expected,
            owner,
            slug: self.slug,
            name: self.name,
            department: self.department,
            city: self.city,
            language: self.language,
        }
    }

    fn register(&self, land: &countries::Land) -> String {
        self.register.clone().unwrap_or_else(|| land.register(self.number))
    }

    fn website(&self, land: &'static countries::Land, earlier: &[Company]) -> Option<Website> {
        if let Some(slug) = &self.website_of {
            let original = earlier.iter().find(|company| company.slug == *slug);
            return original.expect("a second record comes after the first").website.clone();
        }
        if self.down {
            return Some(Website {
                host: self.slug.clone(),
                down: true,
                robots: None,
                source: Source::Silent,
            });
        }
        let text = self.site.as_ref()?;
        let facts = text.address.as_ref().map(|address| Facts {
            name: self.name.clone(),
            slug: self.slug.clone(),
            language: self.language,
            land,
            city: self.city.clone(),
            address: address.clone(),
            register: self.register(land),
            vat: land.vat(self.number),
        });
        Some(Website {
            host: self.slug.clone(),
            down: false,
            robots: text.robots.clone(),
            source: Source::Written(Arc::new(text.site(facts))),
        })
    }
}

impl SiteText {
    fn site(&self, facts: Option<Facts>) -> Site {
        let has_address = facts.is_some();
        let site = Site {
            facts: facts.unwrap_or_else(Facts::nobody),
            layout: self.layout,
            claim: self.claim.clone(),
            description: self.description.clone(),
            news: self.news.clone(),
            pages: self.pages.clone(),
        };
        if has_address { site.with_legal_pages() } else { site }
    }
}

impl PersonText {
    fn person(&self, host: &str) -> Person {
        let email = self.mail.as_ref().map(|mail| format!("{mail}@{host}.example")).unwrap_or_default();
        Person {
            first_name: self.first.clone(),
            last_name: self.last.clone(),
            title: self.title.clone(),
            position: self.position.clone(),
            email,
        }
    }
}
