//! The places that may be read although they are not public: an operator's list, for the emulator and for tests.
//!
//! It comes from the operator's configuration alone, never from CRM data. People paste what they have at hand, so
//! addresses, networks, names and whole URLs are all understood.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use url::{Host, Url};

/// Hosts and networks that may be reached although they are not public.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    place: Place,
    /// That port alone; any, if none was written.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Network {
        base: IpAddr,
        prefix: u8,
    },
    Name(String),
    /// Every name below it.
    Below(String),
}

/// What cannot be understood in such a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is neither an address nor a network nor a host (write for instance 127.0.0.1, 10.0.0.0/8, intranet.example or http://127.0.0.1:8390/)"
)]
pub struct AllowError(String);

impl Allow {
    /// Reads a comma-separated list of addresses, networks, hosts (with or without port) and URLs.
    ///
    /// # Errors
    ///
    /// Names the first entry that cannot be understood; nothing is allowed then.
    pub fn parse(list: &str) -> Result<Self, AllowError> {
        let words = list.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
        let entries = words.filter(|word| !word.is_empty()).map(entry).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// Whether nothing is allowed beyond what is public.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether this address may be reached at this port.
    pub(crate) fn address(&self, ip: IpAddr, port: u16) -> bool {
        self.entries.iter().any(|entry| entry.allows_port(port) && entry.place.has_address(ip))
    }

    /// Whether this address may be reached at every port.
    pub(crate) fn address_at_any_port(&self, ip: IpAddr) -> bool {
        self.entries.iter().any(|entry| entry.port.is_none() && entry.place.has_address(ip))
    }

    /// Whether this name may be reached at this port, wherever it leads.
    pub(crate) fn name(&self, name: &str, port: u16) -> bool {
        self.entries.iter().any(|entry| entry.allows_port(port) && entry.place.has_name(name))
    }

    /// Whether this name may be reached at some port at least.
    pub(crate) fn name_at_some_port(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.place.has_name(name))
    }

    /// Whether this address may be reached at some port at least.
    pub(crate) fn address_at_some_port(&self, ip: IpAddr) -> bool {
        self.entries.iter().any(|entry| entry.place.has_address(ip))
    }
}

impl Entry {
    fn allows_port(&self, port: u16) -> bool {
        self.port.is_none_or(|only| only == port)
    }
}

impl Place {
    fn has_address(&self, ip: IpAddr) -> bool {
        match self {
            Self::Network { base, prefix } => in_network(ip, *base, *prefix),
            // RFC 6761: the name means the loopback address and nothing else.
            Self::Name(name) => name == "localhost" && ip == IpAddr::V4(Ipv4Addr::LOCALHOST),
            Self::Below(_) => false,
        }
    }

    fn has_name(&self, name: &str) -> bool {
        match self {
            Self::Network { .. } => false,
            Self::Name(ours) if ours == "localhost" => name == ours || name.ends_with(".localhost"),
            Self::Name(ours) => name == ours,
            Self::Below(parent) => name.strip_suffix(parent.as_str()).is_some_and(|rest| rest.ends_with('.')),
        }
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, entry) in self.entries.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            match &entry.place {
                Place::Network { base, prefix } => write!(f, "{base}/{prefix}")?,
                Place::Name(name) => f.write_str(name)?,
                Place::Below(parent) => write!(f, "*.{parent}")?,
            }
            if let Some(port) = entry.port {
                write!(f, " at port {port}")?;
            }
        }
        Ok(())
    }
}

impl FromStr for Allow {
    type Err = AllowError;

    fn from_str(list: &str) -> Result<Self, AllowError> {
        Self::parse(list)
    }
}

fn entry(word: &str) -> Result<Entry, AllowError> {
    read(word).ok_or_else(|| AllowError(word.to_owned()))
}

fn read(word: &str) -> Option<Entry> {
    if let Ok(ip) = word.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Some(Entry { place: address(ip), port: None });
    }
    if let Ok(socket) = word.parse::<SocketAddr>() {
        return Some(Entry { place: address(socket.ip()), port: Some(socket.port()) });
    }
    if let Some((base, prefix)) = network(word) {
        return Some(Entry { place: Place::Network { base, prefix }, port: None });
    }
    if let Some(parent) = word.strip_prefix("*.").or_else(|| word.strip_prefix('.')) {
        let (parent, port) = split_port(parent.split('/').next()?)?;
        return Some(Entry { place: Place::Below(name(parent)?), port });
    }
    from_url(word)
}

fn from_url(word: &str) -> Option<Entry> {
    let with_scheme = if word.contains("://") { word.to_owned() } else { format!("http://{word}") };
    // A network whose prefix is too long is a mistake, not a page of a host.
    let is_broken_network = word.split_once('/').is_some_and(|(base, _)| base.parse::<IpAddr>().is_ok());
    if is_broken_network {
        return None;
    }
    let url = Url::parse(&with_scheme.replace("://*.", "://")).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let place = match url.host()? {
        Host::Ipv4(ip) => address(ip.into()),
        Host::Ipv6(ip) => address(ip.into()),
        Host::Domain(_) if with_scheme.contains("://*.") => Place::Below(name(url.host_str()?)?),
        Host::Domain(domain) => Place::Name(name(domain)?),
    };
    Some(Entry { place, port: url.port() })
}

fn address(ip: IpAddr) -> Place {
    Place::Network { base: ip, prefix: if ip.is_ipv4() { 32 } else { 128 } }
}

fn network(word: &str) -> Option<(IpAddr, u8)> {
    let (base, prefix) = word.split_once('/')?;
    let base: IpAddr = base.parse().ok()?;
    let prefix: u8 = prefix.parse().ok()?;
    (prefix <= if base.is_ipv4() { 32 } else { 128 }).then_some((base, prefix))
}

fn split_port(host: &str) -> Option<(&str, Option<u16>)> {
    match host.split_once(':') {
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
        None => Some((host, None)),
    }
}

fn name(host: &str) -> Option<String> {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    let is_name = !name.is_empty()
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'))
        && name.chars().any(char::is_alphabetic);
    is_name.then_some(name)
}

fn in_network(ip: IpAddr, base: IpAddr, prefix: u8) -> bool {
    let (ip, base, bits) = match (ip, base) {
        (IpAddr::V4(ip), IpAddr::V4(base)) => (u128::from(ip.to_bits()), u128::from(base.to_bits()), 32),
        (IpAddr::V6(ip), IpAddr::V6(base)) => (ip.to_bits(), base.to_bits(), 128),
        _ => return false,
    };
    let shift = bits - u32::from(prefix);
    ip.checked_shr(shift).unwrap_or(0) == base.checked_shr(shift).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(list: &str) -> Allow {
        Allow::parse(list).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn everything_that_people_paste_is_understood() {
        for list in [
            "127.0.0.1",
            "127.0.0.1:8390",
            "http://127.0.0.1:8390/",
            "http://127.0.0.1:8390/story/x?y",
            "10.0.0.0/8, 127.0.0.1",
            "127.0.0.0/8",
            "localhost:8390",
            "http://localhost:8390",
        ] {
            assert!(allow(list).address(ip("127.0.0.1"), 8390), "{list}");
        }
        assert!(allow("::1").address(ip("::1"), 80));
        assert!(allow("[::1]:81").address(ip("::1"), 81));
        assert!(allow(" ,; ").is_empty());
    }

    #[test]
    fn a_port_that_was_written_is_the_only_one() {
        let one = allow("http://127.0.0.1:8390/");
        assert!(!one.address(ip("127.0.0.1"), 22));
        assert!(!one.address_at_any_port(ip("127.0.0.1")));
        assert!(allow("127.0.0.1").address_at_any_port(ip("127.0.0.1")));
    }

    #[test]
    fn networks_end_where_they_end() {
        let some = allow("10.1.0.0/16, fd00::/8, 0.0.0.0/0");
        assert!(allow("10.1.0.0/16").address(ip("10.1.255.255"), 80));
        assert!(!allow("10.1.0.0/16").address(ip("10.2.0.0"), 80));
        assert!(some.address(ip("fdff::1"), 80) && !some.address(ip("fe80::1"), 80));
        assert!(some.address(ip("9.9.9.9"), 80));
    }

    #[test]
    fn names_are_exact_unless_a_star_says_otherwise() {
        let some = allow("intranet.example:8080, *.lab.example, localhost");
        assert!(some.name("intranet.example", 8080) && !some.name("intranet.example", 80));
        assert!(!some.name("x.intranet.example", 8080));
        assert!(
            some.name("a.lab.example", 80) && !some.name("lab.example", 80) && !some.name("xlab.example", 80)
        );
        assert!(some.name("firm.localhost", 9000) && !some.name("localhost.example", 9000));
    }

    #[test]
    fn nonsense_is_named() {
        for word in ["ftp://x.example", "10.0.0.0/64", "a b:99999", "http://", "*."] {
            assert!(Allow::parse(word).is_err(), "{word}");
        }
        assert!(Allow::parse("x, 10.0.0.0/99").unwrap_err().to_string().contains("10.0.0.0/99"));
    }
}
