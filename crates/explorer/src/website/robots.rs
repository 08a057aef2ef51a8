//! What a site asks of robots (RFC 9309): a missing file allows everything, one that cannot be read allows nothing.

use std::time::Duration;

use texting_robots::Robot;
use url::Url;

use super::fetch::{FetchError, Fetcher, Wanted};

/// The name under which rules are looked up.
const AGENT: &str = "so-connector";
/// More of the file is not read.
const MAX_BYTES: usize = 500_000;
/// Who asks for longer pauses gets one visit only.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// A site's rules for us.
pub(crate) enum Robots {
    /// It has none.
    Open,
    /// They could not be read.
    Closed(String),
    /// It has some.
    Rules(Box<Robot>),
}

impl Robots {
    /// Reads the rules of the site that `url` belongs to.
    pub(crate) async fn of(url: &Url, fetcher: &Fetcher) -> Result<Self, FetchError> {
        let Ok(address) = url.join("/robots.txt") else {
            return Ok(Self::Open);
        };
        let answer = fetcher.follow(&address, Wanted::Robots).await?;
        Ok(match answer.status {
            200..300 => Self::read(&answer.body),
            429 | 500.. => Self::Closed(format!("its robots.txt answers {}", answer.status)),
            _ => Self::Open,
        })
    }

    fn read(body: &[u8]) -> Self {
        let body = &body[..body.len().min(MAX_BYTES)];
        // A page in place of the file is a server's way to say that there is none.
        if body.trim_ascii_start().starts_with(b"<") {
            return Self::Open;
        }
        Robot::new(AGENT, body).map_or(Self::Open, |robot| Self::Rules(Box::new(robot)))
    }

    pub(crate) fn allows(&self, url: &Url) -> bool {
        match self {
            Self::Open => true,
            Self::Closed(_) => false,
            Self::Rules(robot) => robot.allowed(url.as_str()),
        }
    }

    /// The pause that the site asks for; `None` when it is longer than we wait.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let asked = match self {
            Self::Rules(robot) => robot.delay.unwrap_or(0.0),
            Self::Open | Self::Closed(_) => 0.0,
        };
        let asked = Duration::try_from_secs_f32(asked.max(0.0)).unwrap_or(Duration::MAX);
        (asked <= LONGEST_PAUSE).then_some(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        Url::parse("https://firm.example").unwrap().join(path).unwrap()
    }

    #[test]
    fn our_own_rules_win_over_those_for_everybody() {
        let robots = Robots::read(
            b"User-agent: *\nDisallow: /\n\nUser-agent: so-connector\nDisallow: /intern\nCrawl-delay: 3",
        );
        assert!(robots.allows(&url("/")) && !robots.allows(&url("/intern/x")));
        assert_eq!(robots.pause(), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_pause_beyond_reason_is_none() {
        assert_eq!(Robots::read(b"User-agent: *\nCrawl-delay: 3600").pause(), None);
    }

    #[test]
    fn a_page_in_place_of_the_file_is_no_rule() {
        assert!(matches!(Robots::read(b"\n<!doctype html>Disallow: /"), Robots::Open));
    }
}
