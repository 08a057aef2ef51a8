//! Reads the few pages of a company's website that say what the company is.
//!
//! Politely: robots are asked, one page at a time, a pause between pages. Safely: behind the guard, with limits for
//! time, bytes and work. What the pages mean is left to the engines.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use connector_domain::profile::Language;
use tokio::time::Instant;
use tracing::{debug, warn};
use url::Url;

pub(crate) mod address;
mod allow;
mod charset;
mod clean;
mod extract;
mod fetch;
mod guard;
mod injection;
mod language;
mod links;
mod robots;

pub use allow::{Allow, AllowError};
pub use extract::{Block, BlockKind};

use address::Address;
use fetch::{FetchError, Fetcher, Wanted, shown};
use guard::{Guard, Lookup, SystemLookup};
use robots::Robots;

use crate::bench::{Bench, Unfinished};

/// More translations of a foreign home page are not tried.
const MAX_TRANSLATIONS: usize = 2;
/// Longer addresses are not visited.
const LONGEST_URL: usize = 2_000;

/// Reads websites. One for the whole program: it holds the connections.
pub struct Website {
    fetcher: Fetcher,
    options: WebsiteOptions,
    bench: Bench,
}

/// How websites are read.
#[derive(Debug, Clone)]
pub struct WebsiteOptions {
    /// Hosts and networks that may be reached although they are not public.
    pub allow: Allow,
    /// How many pages of a site are read.
    pub max_pages: usize,
    /// How long one page may take.
    pub page_timeout: Duration,
    /// How long a site may take. What has been read until then counts.
    pub site_timeout: Duration,
    /// More of a page is not read. Counted after unpacking.
    pub max_bytes: usize,
    /// The pause between two pages of one site; sites that the operator allowed have none.
    pub delay: Duration,
    /// How the reader introduces itself.
    pub user_agent: String,
}

impl Default for WebsiteOptions {
    fn default() -> Self {
        Self {
            allow: Allow::default(),
            max_pages: 5,
            page_timeout: Duration::from_secs(15),
            site_timeout: Duration::from_secs(45),
            max_bytes: 2 * 1024 * 1024,
            delay: Duration::from_secs(1),
            user_agent: concat!("so-connector/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

/// Why a reader of websites could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the client for websites cannot be made")]
pub struct WebsiteError(#[from] reqwest::Error);

/// What reading a website came to.
#[derive(Debug, Clone, PartialEq)]
pub enum SiteReading {
    /// Pages.
    Read(Box<Site>),
    /// It does not answer, or not in time; the particulars in words.
    Unreachable(String),
    /// It answers, but must not or cannot be read; why, in words.
    Unreadable(String),
    /// What stands in the CRM is no address; why, in words.
    NotAnAddress(String),
}

/// A website as far as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Where it was found in the end.
    pub url: String,
    /// Its pages, the home page first. Without what repeats on each of them.
    pub pages: Vec<Page>,
    /// Why nothing should be concluded from it, if that is so: it is parked, too short, or in another language.
    pub no_evidence: Option<String>,
    /// What a reader should know besides.
    pub warnings: Vec<String>,
}

/// One page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its address.
    pub url: String,
    /// What it is about, by its address and the words of the link to it.
    pub kind: PageKind,
    /// Its language, if it is one of ours.
    pub language: Option<Language>,
    /// Its text.
    pub blocks: Vec<Block>,
}

/// What a page is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PageKind {
    /// The home page.
    Home,
    /// The company about itself.
    About,
    /// What it offers.
    Services,
    /// For whom it worked; says more of its customers than of itself.
    References,
    /// Anything else.
    Other,
}

impl Website {
    /// Makes a reader.
    ///
    /// # Errors
    ///
    /// The TLS library could not be set up. Nothing can be read then.
    pub fn new(options: WebsiteOptions) -> Result<Self, WebsiteError> {
        Self::with_lookup(options, Arc::new(SystemLookup))
    }

    fn with_lookup(options: WebsiteOptions, lookup: Arc<dyn Lookup>) -> Result<Self, WebsiteError> {
        if !options.allow.is_empty() {
            warn!("websites at {} may be read although they are not public", options.allow);
        }
        let guard = Guard::new(options.allow.clone(), lookup);
        let fetcher = Fetcher::new(guard, &options.user_agent, options.page_timeout, options.max_bytes)?;
        Ok(Self { fetcher, options, bench: Bench::new() })
    }

    /// Where the work is done that what was read makes.
    pub(crate) fn bench(&self) -> &Bench {
        &self.bench
    }

    /// Reads the site at an address as it is written in the CRM.
    pub async fn read(&self, address: &str) -> SiteReading {
        let urls = match address::read(address, self.fetcher.guard()) {
            Address::Try(urls) => urls,
            Address::Not(words) => return SiteReading::NotAnAddress(words),
        };
        let deadline = Instant::now() + self.options.site_timeout;
        let mut reading = SiteReading::NotAnAddress("there is no address".into());
        for url in urls {
            reading = self.read_url(&url, deadline).await;
            if !matches!(reading, SiteReading::Unreachable(_)) {
                break;
            }
        }
        reading
    }

    async fn read_url(&self, url: &Url, deadline: Instant) -> SiteReading {
        let mut visit = Visit { website: self, robots: BTreeMap::new(), deadline, last: None };
        match visit.site(url).await {
            Ok(site) => SiteReading::Read(Box::new(site)),
            Err(FetchError::Unreachable(words) | FetchError::TooSlow(words)) => {
                SiteReading::Unreachable(words)
            }
            Err(FetchError::Denied(denied)) => SiteReading::Unreadable(denied.0),
            Err(FetchError::NotAPage(words)) => SiteReading::Unreadable(words),
        }
    }
}

/// One visit to one site.
struct Visit<'a> {
    website: &'a Website,
    /// By origin.
    robots: BTreeMap<String, Robots>,
    deadline: Instant,
    last: Option<Instant>,
}

/// A page as it came.
struct Fetched {
    url: Url,
    content_type: String,
    body: Vec<u8>,
}

impl Fetched {
    /// The page's text and links. Takes the processor.
    fn extract(&self) -> extract::Extract {
        let page = charset::decode(&self.body, &self.content_type);
        let is_plain = self.content_type.to_ascii_lowercase().starts_with("text/plain");
        if is_plain { extract::plain(&page) } else { extract::html(&page) }
    }
}

/// A page that can be the first one, and where it leads.
struct Home {
    url: Url,
    text: extract::Extract,
    is_foreign: bool,
    /// Where the same is said in a language of ours, if it is not said so here.
    translations: Vec<Url>,
    /// Further pages worth reading.
    others: Vec<links::Candidate>,
}

impl Home {
    /// Takes the processor.
    fn of(page: &Fetched, max_others: usize) -> Self {
        let text = page.extract();
        let url = page.url.clone();
        let mut translations = Vec::new();
        let is_foreign = language::is_foreign(&text);
        if is_foreign {
            translations = links::translations(&url, &text.links);
            translations.truncate(MAX_TRANSLATIONS);
        }
        let others = links::choose(&url, &text.links, max_others);
        Self { url, text, is_foreign, translations, others }
    }
}

impl Visit<'_> {
    async fn site(&mut self, url: &Url) -> Result<Site, FetchError> {
        let mut home = self.home(url).await?;
        if home.is_foreign {
            home = self.translated(home).await;
        }
        let mut seen = vec![links::key(&home.url)];
        let mut pages = Vec::new();
        let one_visit_only = self.robots.values().any(|robots| robots.pause().is_none());
        for candidate in std::mem::take(&mut home.others) {
            if one_visit_only || Instant::now() >= self.deadline {
                break;
            }
            match self.page(&candidate.url).await {
                Ok(page)
                    if links::same_site(&home.url, &page.url) && !seen.contains(&links::key(&page.url)) =>
                {
                    seen.push(links::key(&page.url));
                    pages.push((candidate.kind, page));
                }
                Ok(page) => debug!("left out {}, which is elsewhere or known", shown(&page.url)),
                Err(error) => debug!("left out {}: {error}", shown(&candidate.url)),
            }
        }
        let start = home.url.clone();
        let site = self.website.bench.run(move || put_together(home, pages)).await;
        site.map_err(|why| unfinished(&start, why))
    }

    /// The home page in a language of ours, if the site has one; else the page as it is.
    async fn translated(&mut self, home: Home) -> Home {
        for url in &home.translations {
            match self.home(url).await {
                Ok(page) if !page.is_foreign => return page,
                Ok(_) => {}
                Err(error) => debug!("left out {}: {error}", shown(url)),
            }
        }
        home
    }

    async fn home(&mut self, url: &Url) -> Result<Home, FetchError> {
        let page = self.page(url).await?;
        let url = page.url.clone();
        let max_others = self.website.options.max_pages.saturating_sub(1);
        let home = self.website.bench.run(move || Home::of(&page, max_others)).await;
        home.map_err(|why| unfinished(&url, why))
    }

    /// Fetches one page, following redirects; each hop is judged by guard and robots.
    async fn page(&mut self, url: &Url) -> Result<Fetched, FetchError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, self.hops(url)).await {
            Ok(result) => result,
            Err(_) => Err(FetchError::TooSlow(format!(
                "{} was not read within {} s",
                shown(url),
                self.website.options.site_timeout.as_secs_f32()
            ))),
        }
    }

    async fn hops(&mut self, url: &Url) -> Result<Fetched, FetchError> {
        let mut url = url.clone();
        for _ in 0..=fetch::HOPS {
            self.permit(&url).await?;
            let answer = self.website.fetcher.get(&url, Wanted::Page).await?;
            self.last = Some(Instant::now());
            if let Some(onward) = answer.onward {
                url = onward;
                continue;
            }
            return match answer.status {
                200..300 => Ok(Fetched { url, content_type: answer.content_type, body: answer.body }),
                status @ 500.. => Err(FetchError::Unreachable(format!("{} answers {status}", shown(&url)))),
                status => Err(FetchError::NotAPage(format!("{} answers {status}", shown(&url)))),
            };
        }
        Err(fetch::too_many_hops())
    }

    /// Asks guard and robots, and waits for our turn.
    async fn permit(&mut self, url: &Url) -> Result<(), FetchError> {
        if url.as_str().len() > LONGEST_URL {
            return Err(FetchError::NotAPage(format!("an address is longer than {LONGEST_URL} characters")));
        }
        self.website.fetcher.guard().check(url).map_err(FetchError::Denied)?;
        let origin = url.origin().ascii_serialization();
        if !self.robots.contains_key(&origin) {
            let robots = match Robots::of(url, &self.website.fetcher, &self.website.bench).await {
                Ok(robots) => robots,
                // Where no page can come from, there is no use in saying that robots are not allowed.
                Err(error @ (FetchError::Unreachable(_) | FetchError::TooSlow(_))) => return Err(error),
                Err(error) => Robots::Closed(format!("its robots.txt cannot be read: {error}")),
            };
            self.robots.insert(origin.clone(), robots);
        }
        let robots = &self.robots[&origin];
        if let Robots::Closed(words) = robots {
            return Err(FetchError::NotAPage(format!("{} is closed to robots: {words}", shown(url))));
        }
        if !robots.allows(url) {
            return Err(FetchError::NotAPage(format!("robots.txt asks not to read {}", shown(url))));
        }
        let pause = self.website.options.delay.max(robots.pause().unwrap_or_default());
        if let Some(last) = self.last
            && !self.website.fetcher.guard().is_allowed(url)
        {
            tokio::time::sleep_until(last + pause).await;
        }
        Ok(())
    }
}

/// Reads the further pages, all at once to save ways, and makes a site of them. Takes the processor.
fn put_together(home: Home, others: Vec<(PageKind, Fetched)>) -> Site {
    let start = shown(&home.url);
    let mut pages = vec![(start.clone(), PageKind::Home, home.text)];
    // Each page's bytes go when its text is there.
    pages.extend(others.into_iter().map(|(kind, page)| (shown(&page.url), kind, page.extract())));
    clean::site(start, pages)
}

fn unfinished(url: &Url, why: Unfinished) -> FetchError {
    let words = format!("{} was not read: {why}", shown(url));
    match why {
        Unfinished::Panicked => FetchError::NotAPage(words),
        Unfinished::Stopped => FetchError::Unreachable(words),
    }
}

/// A site from its pages alone, as if they had been fetched.
#[cfg(test)]
pub(crate) fn from_pages(pages: &[(&str, PageKind, &str)]) -> Site {
    let url = |path: &str| format!("https://www.firm.example{path}");
    let pages = pages.iter().map(|(path, kind, page)| (url(path), *kind, extract::html(page))).collect();
    clean::site(url("/"), pages)
}

#[cfg(test)]
mod tests;
