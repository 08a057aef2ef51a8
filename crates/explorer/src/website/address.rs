//! From what people type into the CRM to URLs worth trying.

use url::Url;

use super::guard::{self, Guard};

/// What is written in the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// These, in this order.
    Try(Vec<Url>),
    /// It is no address; why, in words.
    Not(String),
}

/// Sites where others keep pages: what is there is not the company's own site.
#[rustfmt::skip]
const PLATFORMS: &[&str] = &[
    "facebook.com", "linkedin.com", "instagram.com", "xing.com", "twitter.com", "x.com", "youtube.com",
    "tiktok.com", "google.com", "wikipedia.org",
];

/// Reads an address as people type it.
pub(crate) fn read(typed: &str, guard: &Guard) -> Address {
    let Some(first) = typed
        .split([' ', ',', ';', '\t', '\n', '|'])
        .map(tidy)
        .find(|word| word.contains('.') || word.contains("localhost"))
    else {
        return Address::Not(format!("\"{}\" is not a web address", short(typed)));
    };
    if first.contains('@') && !first.contains("://") {
        return Address::Not("an e-mail address stands in place of a web address".into());
    }
    let (with_scheme, written) = match first.split_once("://") {
        Some(_) => (first.clone(), true),
        None => (format!("https://{first}"), false),
    };
    let Ok(url) = Url::parse(&with_scheme) else {
        return Address::Not(format!("\"{}\" is not a web address", short(typed)));
    };
    if let Some(platform) = platform(&url) {
        return Address::Not(format!("{platform} is not a website of the company's own"));
    }
    if written {
        return Address::Try(vec![url]);
    }
    Address::Try(both_schemes(&url, guard))
}

/// Encrypted first; the other way round where there can be no certificate.
fn both_schemes(url: &Url, guard: &Guard) -> Vec<Url> {
    let mut plain = url.clone();
    if plain.set_scheme("http").is_err() {
        return vec![url.clone()];
    }
    let is_inner = guard.is_allowed(&plain) || url.host_str().is_some_and(guard::is_loopback_name);
    match (is_inner, url.port()) {
        (true, _) => vec![plain],
        (false, Some(_)) => vec![plain, url.clone()],
        (false, None) => vec![url.clone(), plain],
    }
}

/// Puts right what is easily mistyped.
fn tidy(word: &str) -> String {
    let word = word.trim_matches(|c: char| matches!(c, '<' | '>' | '"' | '\'' | '(' | ')'));
    let lower = word.to_ascii_lowercase();
    for (wrong, right) in [
        ("http:///", "http://"),
        ("https:///", "https://"),
        ("http//", "http://"),
        ("https//", "https://"),
        ("http:www.", "http://www."),
        ("https:www.", "https://www."),
        ("htttp://", "http://"),
        ("htp://", "http://"),
        ("ttp://", "http://"),
        ("ttps://", "https://"),
        ("http:/www.", "http://www."),
        ("https:/www.", "https://www."),
        ("http://http://", "http://"),
        ("https://https://", "https://"),
        ("http://https://", "https://"),
    ] {
        if lower.starts_with(wrong) {
            return format!("{right}{}", &word[wrong.len()..]);
        }
    }
    word.to_owned()
}

fn platform(url: &Url) -> Option<&'static str> {
    let host = url.host_str()?.to_ascii_lowercase();
    let is_of = |platform: &str| {
        host.strip_suffix(platform).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    PLATFORMS.iter().copied().find(|platform| is_of(platform))
}

fn short(typed: &str) -> String {
    typed.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// A domain that may be the company's own: not one of those that give mailboxes to everybody.
pub(crate) fn is_own_domain(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let name = psl::domain_str(&domain).unwrap_or(&domain);
    let label = name.split('.').next().unwrap_or_default();
    domain.contains('.') && !FREE_MAIL.contains(&name) && !FREE_MAIL_LABELS.contains(&label)
}

#[rustfmt::skip]
const FREE_MAIL: &[&str] = &[
    "web.de", "t-online.de", "freenet.de", "arcor.de", "online.de", "email.de", "mail.de", "posteo.de",
    "mailbox.org", "gmail.com", "icloud.com", "me.com", "mac.com", "aol.com", "msn.com", "live.com",
    "bluewin.ch", "aon.at", "chello.at", "online.no", "tutanota.com", "mail.com", "1und1.de", "vodafone.de",
];

/// Providers with a domain in each country.
#[rustfmt::skip]
const FREE_MAIL_LABELS: &[&str] = &[
    "gmx", "googlemail", "gmail", "outlook", "hotmail", "yahoo", "protonmail", "proton", "live", "telia",
];

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::allow::Allow;
    use super::super::guard::SystemLookup;
    use super::*;

    fn tried(typed: &str) -> Vec<String> {
        let guard = Guard::new(Allow::parse("10.0.0.5").unwrap(), Arc::new(SystemLookup));
        match read(typed, &guard) {
            Address::Try(urls) => urls.iter().map(Url::to_string).collect(),
            Address::Not(_) => Vec::new(),
        }
    }

    #[test]
    fn addresses_are_read_as_people_type_them() {
        let both = ["https://www.firm.example/", "http://www.firm.example/"];
        assert_eq!(tried("www.firm.example"), both);
        assert_eq!(tried(" www.firm.example, www.other.example"), both);
        assert_eq!(tried("http:/www.firm.example"), ["http://www.firm.example/"]);
        assert_eq!(tried("http//firm.example"), ["http://firm.example/"]);
        assert_eq!(tried("HTTP://Firm.Example/De"), ["http://firm.example/De"]);
        assert_eq!(tried("firm.localhost:8390"), ["http://firm.localhost:8390/"]);
        assert_eq!(tried("10.0.0.5:8080/x"), ["http://10.0.0.5:8080/x"]);
    }

    #[test]
    fn what_is_no_website_of_ones_own_is_not_tried() {
        for typed in
            ["", "-", "keine", "n/a", "info@firm.example", "https://www.facebook.com/firm", "http://"]
        {
            assert_eq!(tried(typed), Vec::<String>::new(), "{typed}");
        }
    }

    #[test]
    fn free_mail_says_nothing_of_a_company() {
        for domain in ["gmx.at", "web.de", "mail.gmx.net", "outlook.de", "T-Online.de", "localhost"] {
            assert!(!is_own_domain(domain), "{domain}");
        }
        assert!(is_own_domain("firm.example") && is_own_domain("mail.firm.co.uk"));
    }
}
