//! Reads a robots.txt: the rules that are for us, and the pause between two visits.
//!
//! It is lenient with spelling, as all robots are, and keeps no more rules than can be tried on each address.

use std::time::Duration;

use super::rule::Rule;

/// The name under which rules are looked up.
const AGENT: &str = "so-connector";
/// More of the file is not read; a robot must read that much (RFC 9309, section 2.5).
const MAX_BYTES: usize = 500 * 1024;
/// A file with more rules for us is not followed.
const MAX_RULES: usize = 2_000;

/// What a robots.txt says to us.
#[derive(Debug, Default)]
pub(crate) struct File {
    pub(super) rules: Vec<Rule>,
    pub(super) pause: Duration,
}

/// The file has more rules for us than can be followed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// What a file says to somebody.
#[derive(Default)]
struct Group {
    is_named: bool,
    rules: Vec<Rule>,
    /// How many rules there are, also if they are not kept.
    count: usize,
    pause: Option<Duration>,
}

/// Whom a line is for.
#[derive(Default)]
struct Audience {
    us: bool,
    all: bool,
    /// Whether the names go on.
    open: bool,
}

/// Reads the file.
pub(super) fn read(body: &[u8]) -> Result<File, TooLarge> {
    let (mut us, mut all, mut nobody) = (Group::default(), Group::default(), Group::default());
    let mut audience = Audience::default();
    let text = String::from_utf8_lossy(whole_lines(body));
    for line in text.trim_start_matches('\u{feff}').split(['\n', '\r', '\0']) {
        let Some((key, value)) = parts(line) else { continue };
        if let Key::Agent = key {
            audience.add(value);
            us.is_named |= audience.us;
            all.is_named = true;
            continue;
        }
        audience.open = false;
        if audience.us {
            us.add(&key, value);
        }
        if audience.all {
            all.add(&key, value);
        }
        // Some files name nobody, or start with a pause for everybody.
        if !all.is_named {
            nobody.add(&key, value);
        }
    }
    let ours = match (us.is_named, all.is_named) {
        (true, _) => us,
        (false, true) => all,
        (false, false) => nobody.split_off(),
    };
    if ours.count > MAX_RULES {
        return Err(TooLarge);
    }
    Ok(File { rules: ours.rules, pause: ours.pause.or(nobody.pause).unwrap_or_default() })
}

impl Audience {
    /// One more name of a robot; the first one after a rule begins anew.
    fn add(&mut self, name: &str) {
        if !self.open {
            *self = Self { open: true, ..Self::default() };
        }
        let name = name.split(['/', ' ', '\t']).next().unwrap_or_default();
        self.us |= name.eq_ignore_ascii_case(AGENT);
        self.all |= name == "*";
    }
}

impl Group {
    fn add(&mut self, key: &Key, value: &str) {
        let allow = match key {
            Key::Allow => true,
            Key::Disallow => false,
            Key::Pause => {
                self.pause = self.pause.or_else(|| seconds(value));
                return;
            }
            Key::Agent => return,
        };
        // "Disallow:" without a path forbids nothing.
        if value.is_empty() {
            return;
        }
        self.count += 1;
        if self.count <= MAX_RULES {
            self.rules.push(Rule::new(value, allow));
        }
    }

    /// Takes the rules and leaves the pause.
    fn split_off(&mut self) -> Self {
        let pause = self.pause;
        std::mem::replace(self, Self { pause, ..Self::default() })
    }
}

/// What a line is about.
enum Key {
    Agent,
    Allow,
    Disallow,
    Pause,
}

/// A line without its comment: key and value, between them a colon or just a space.
fn parts(line: &str) -> Option<(Key, &str)> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let (key, value) = line.split_once(':').or_else(|| line.split_once([' ', '\t']))?;
    let key = match key.trim().to_ascii_lowercase().as_str() {
        "user-agent" | "user agent" | "useragent" => Key::Agent,
        "allow" => Key::Allow,
        "disallow" | "dissallow" | "dissalow" | "disalow" | "diasllow" | "disallaw" => Key::Disallow,
        "crawl-delay" | "crawl delay" | "crawldelay" => Key::Pause,
        _ => return None,
    };
    Some((key, value.trim()))
}

/// A pause; one beyond all measure is as long as can be.
fn seconds(value: &str) -> Option<Duration> {
    let seconds: f32 = value.parse().ok().filter(|seconds| *seconds >= 0.0)?;
    Some(Duration::try_from_secs_f32(seconds).unwrap_or(Duration::MAX))
}

/// As much of the file as is read, without a line that was cut in two.
fn whole_lines(body: &[u8]) -> &[u8] {
    let Some(start) = body.get(..MAX_BYTES) else { return body };
    let end = start.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(0);
    &start[..end]
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::super::rule;
    use super::*;

    fn allows(file: &str, path: &str) -> bool {
        let url = Url::parse("https://firm.example").unwrap().join(path).unwrap();
        rule::allows(&read(file.as_bytes()).unwrap().rules, &url)
    }

    #[test]
    fn our_own_rules_win_over_those_for_everybody() {
        let file =
            "User-agent: *\nDisallow: /\n\nUser-agent: SO-Connector/1\nDisallow: /intern\nCrawl-delay: 3";
        assert!(allows(file, "/") && !allows(file, "/intern/x"));
        assert_eq!(read(file.as_bytes()).unwrap().pause, Duration::from_secs(3));
    }

    #[test]
    fn names_in_a_row_share_the_rules_that_follow() {
        let file =
            "User-agent: other\nSitemap: x\nUser-agent: *\nDisallow: /a\nUser-agent: other\nDisallow: /b";
        assert!(!allows(file, "/a") && allows(file, "/b"));
    }

    #[test]
    fn groups_for_the_same_name_add_up() {
        let file = "User-agent: *\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: *\nDisallow: /b";
        assert!(!allows(file, "/a") && !allows(file, "/b") && allows(file, "/c"));
    }

    #[test]
    fn spelling_is_read_leniently() {
        for file in [
            "\u{feff}USER AGENT : *\r\n  dissallow:/a # because",
            "User-agent *\rDisallow /a",
            "User-agent: *\0Disallow: /a",
            "Disallow: /a",
        ] {
            assert!(!allows(file, "/a") && allows(file, "/"), "{file:?}");
        }
    }

    #[test]
    fn an_empty_rule_forbids_nothing() {
        assert!(allows("User-agent: *\nDisallow:", "/a"));
        assert!(!allows("User-agent: *\nDisallow:\nDisallow: /", "/a"));
    }

    #[test]
    fn a_pause_at_the_top_is_for_everybody() {
        let pause = |file: &str| read(file.as_bytes()).unwrap().pause.as_secs();
        assert_eq!(pause("Crawl-delay: 4\nUser-agent: *\nDisallow: /a"), 4);
        assert_eq!(pause("Crawl-delay: 4\nUser-agent: *\nCrawl-delay: 2"), 2);
        assert_eq!(pause("User-agent: x\nCrawl-delay: 4\nUser-agent: *\nCrawl-delay: -1"), 0);
    }

    #[test]
    fn many_rules_for_others_are_no_hindrance_and_not_kept() {
        let rules: Vec<String> = (0..20_000).map(|at| format!("Disallow: /*{at}$\n")).collect();
        let rules = rules.concat();
        let file = format!("User-agent: other\n{rules}User-agent: *\nDisallow: /a");
        assert_eq!(read(file.as_bytes()).unwrap().rules.len(), 1);
        assert!(read(format!("User-agent: *\n{rules}").as_bytes()).is_err());
        assert!(read(rules.as_bytes()).is_err());
    }

    #[test]
    fn a_line_that_was_cut_in_two_is_not_read() {
        let mut file = String::from("User-agent: *\nDisallow: /a\n#");
        file.push_str(&"x".repeat(MAX_BYTES - file.len() - "\nDisallow: /".len()));
        file.push_str("\nDisallow: /b");
        assert!(!allows(&file, "/a") && allows(&file, "/c"));
    }
}
