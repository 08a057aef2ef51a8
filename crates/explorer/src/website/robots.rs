//! What a site asks of robots (RFC 9309): a missing file allows everything, one that cannot be read allows nothing.
//!
//! Asking is left to the visit. What an answer costs here grows with the size of the file and no faster.

use std::time::Duration;

use url::Url;

use super::fetch::{FetchError, Fetcher, Wanted};
use crate::bench::Bench;

mod file;
mod rule;

use file::File;

/// Who asks for longer pauses gets one visit only.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A site's rules for us.
#[derive(Debug)]
pub(crate) enum Robots {
    /// It has none.
    Open,
    /// They could not be read.
    Closed(String),
    /// It has some.
    Rules(File),
}

impl Robots {
    /// Reads the rules of the site that `url` belongs to.
    pub(crate) async fn of(url: &Url, fetcher: &Fetcher, bench: &Bench) -> Result<Self, FetchError> {
        let Ok(address) = url.join("/robots.txt") else {
            return Ok(Self::Open);
        };
        let answer = fetcher.follow(&address, Wanted::Robots).await?;
        Ok(match answer.status {
            200..300 => {
                let read = bench.run(move || Self::read(&answer.body)).await;
                read.unwrap_or_else(|why| Self::Closed(format!("its robots.txt was not read: {why}")))
            }
            429 | 500.. => Self::Closed(format!("its robots.txt answers {}", answer.status)),
            _ => Self::Open,
        })
    }

    fn read(body: &[u8]) -> Self {
        // A page in place of the file is a server's way to say that there is none.
        if body.trim_ascii_start().starts_with(b"<") {
            return Self::Open;
        }
        match file::read(body) {
            Ok(file) => Self::Rules(file),
            Err(file::TooLarge) => Self::Closed("its robots.txt is too large to follow".into()),
        }
    }

    pub(crate) fn allows(&self, url: &Url) -> bool {
        match self {
            Self::Open => true,
            Self::Closed(_) => false,
            Self::Rules(file) => rule::allows(&file.rules, url),
        }
    }

    /// The pause that the site asks for; `None` when it is longer than we wait.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let asked = match self {
            Self::Rules(file) => file.pause,
            Self::Open | Self::Closed(_) => Duration::ZERO,
        };
        (asked <= LONGEST_PAUSE).then_some(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_beyond_reason_is_none() {
        assert_eq!(Robots::read(b"User-agent: *\nCrawl-delay: 3600").pause(), None);
        assert_eq!(Robots::read(b"User-agent: *\nCrawl-delay: 1e30").pause(), None);
    }

    #[test]
    fn a_page_in_place_of_the_file_is_no_rule() {
        assert!(matches!(Robots::read(b"\n<!doctype html>Disallow: /"), Robots::Open));
    }

    #[test]
    fn more_rules_for_us_than_can_be_followed_close_the_site() {
        let rules: Vec<String> = (0..40_000).map(|at| format!("Disallow: /*{at}$\n")).collect();
        let rules = rules.concat();
        let closed = Robots::read(format!("User-agent: *\n{rules}").as_bytes());
        assert!(matches!(closed, Robots::Closed(words) if words == "its robots.txt is too large to follow"));
    }
}
