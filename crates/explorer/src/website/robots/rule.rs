//! One rule of a robots.txt, and whether it is about an address (RFC 9309, sections 2.2.2 and 2.2.3).
//!
//! Patterns are compared piece by piece from the left and never tried twice: a pattern costs as much as it is long, and
//! the address with it, whatever a hostile file holds.

use url::{Position, Url};

/// Allows or forbids the addresses that fit a pattern.
#[derive(Debug)]
pub(super) struct Rule {
    /// Normal, and without the `$` at its end.
    pattern: String,
    /// Whether the address must end with the pattern.
    anchored: bool,
    allow: bool,
}

/// Whether the rules allow an address: the longest that fits decides, and of equals the one that allows.
pub(super) fn allows(rules: &[Rule], url: &Url) -> bool {
    let path = literal(&normal(&url[Position::BeforePath..Position::AfterQuery]));
    let fitting = rules.iter().filter(|rule| rule.fits(&path));
    fitting.max_by_key(|rule| (rule.length(), rule.allow)).is_none_or(|rule| rule.allow)
}

impl Rule {
    pub(super) fn new(pattern: &str, allow: bool) -> Self {
        let pattern = normal(pattern);
        let (start, anchored) =
            pattern.strip_suffix('$').map_or((pattern.as_str(), false), |start| (start, true));
        // Elsewhere than at the end it is a character like any other.
        Self { pattern: start.replace('$', "%24"), anchored, allow }
    }

    fn length(&self) -> usize {
        self.pattern.len() + usize::from(self.anchored)
    }

    fn fits(&self, path: &str) -> bool {
        let Some((first, others)) = self.pattern.split_once('*') else {
            return if self.anchored { path == self.pattern } else { path.starts_with(&self.pattern) };
        };
        let Some(mut rest) = path.strip_prefix(first) else { return false };
        let (inner, last) =
            others.rsplit_once('*').map_or((None, others), |(inner, last)| (Some(inner), last));
        for piece in inner.into_iter().flat_map(|inner| inner.split('*')) {
            // The first place is as good as any: it leaves the most for what follows.
            let Some(at) = rest.find(piece) else { return false };
            rest = &rest[at + piece.len()..];
        }
        if self.anchored { rest.ends_with(last) } else { rest.contains(last) }
    }
}

/// A text in the one spelling that patterns and addresses are compared in.
///
/// What needs no escape has none; escapes are in upper case; what is not ASCII is escaped.
fn normal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut bytes = text.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        let escaped = (byte == b'%').then(|| hex(bytes.as_slice())).flatten();
        if let Some(value) = escaped {
            bytes.nth(1);
            if value.is_ascii_alphanumeric() || b"-._~".contains(&value) {
                out.push(char::from(value));
            } else {
                escape(&mut out, value);
            }
        } else if byte.is_ascii_graphic() && !b"\"<>`".contains(&byte) {
            out.push(char::from(byte));
        } else {
            escape(&mut out, byte);
        }
    }
    out
}

/// The same for an address, where the signs of patterns mean themselves.
fn literal(path: &str) -> String {
    path.replace('*', "%2A").replace('$', "%24")
}

fn hex(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let [high, low, ..] = *bytes else { return None };
    Some(digit(high)? * 16 + digit(low)?)
}

fn escape(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    for digit in [byte >> 4, byte & 15] {
        out.push(char::from(DIGITS[usize::from(digit)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        Url::parse("https://firm.example").unwrap().join(path).unwrap()
    }

    fn fits(pattern: &str, path: &str) -> bool {
        !allows(&[Rule::new(pattern, false)], &url(path))
    }

    #[test]
    fn patterns_fit_as_the_standard_says() {
        for (pattern, fitting, others) in [
            ("/", &["/", "/a?b"][..], &[][..]),
            ("/fish", &["/fish", "/fish.html", "/fishes/x", "/fish?a=1"], &["/Fish", "/x/fish", "/"]),
            ("/fish/", &["/fish/", "/fish/x"], &["/fish", "/fish.html"]),
            ("/fish*", &["/fish", "/fishes"], &["/x/fish"]),
            ("/*.php", &["/a.php", "/x/a.php?b", "/a.phpx"], &["/", "/a.PHP"]),
            ("/*.php$", &["/a.php", "/x/a.php", "/a.php.php"], &["/a.php?b", "/a.php5"]),
            ("/fish*.php", &["/fish.php", "/fishes/x.php?a"], &["/Fish.php", "/fis.php"]),
            ("/a$", &["/a"], &["/a/", "/ab", "/"]),
            ("/*/b*c$", &["/a/b/c", "/a/bcc"], &["/b/x", "/a/bcd"]),
            ("/ab*ba$", &["/abba"], &["/aba"]),
            ("*", &["/", "/a"], &[]),
            ("/a**********b", &["/ab", "/axb"], &["/a"]),
            ("/*?", &["/a?b"], &["/a"]),
            ("/a$b", &["/a$b"], &["/a", "/ab"]),
        ] {
            assert!(fitting.iter().all(|path| fits(pattern, path)), "{pattern}");
            assert!(!others.iter().any(|path| fits(pattern, path)), "{pattern}");
        }
    }

    #[test]
    fn escapes_make_no_difference() {
        for pattern in ["/über", "/%C3%BCber", "/%c3%bcb%65r"] {
            assert!(fits(pattern, "/über-uns") && fits(pattern, "/%c3%bcber"), "{pattern}");
        }
        assert!(fits("/a b", "/a%20b") && fits("/a%2Ab", "/a*b") && !fits("/a%2Ab", "/axb"));
        assert!(!fits("/a%2fb", "/a/b"), "an escaped slash is no slash");
        assert!(fits("/100%", "/100%"));
    }

    #[test]
    fn the_longest_rule_decides_and_of_equals_the_one_that_allows() {
        let rules = [Rule::new("/a", false), Rule::new("/a/b", true), Rule::new("/a/b/c", false)];
        assert!(
            !allows(&rules, &url("/a")) && allows(&rules, &url("/a/b")) && !allows(&rules, &url("/a/b/c"))
        );
        let equals = [Rule::new("/a", true), Rule::new("/a", false)];
        assert!(allows(&equals, &url("/a")) && allows(&[], &url("/a")));
    }

    #[test]
    fn hostile_patterns_are_tried_once() {
        // No clock: tried in every way, the first of them would outlive the test runner's own limit.
        let path = url(&"a".repeat(2_000));
        let rules: Vec<Rule> =
            (0..2_000).map(|_| Rule::new(&("/".to_owned() + &"*a".repeat(100) + "b$"), false)).collect();
        assert!(allows(&rules, &path));
    }
}
