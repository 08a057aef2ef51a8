//! Keeps the website reader in the public internet.
//!
//! Addresses come from CRM records and from strangers' pages, so each one is judged: before the request, at each
//! redirect, and in the resolver, whose answer is the one that is connected to. Between check and connection nothing
//! can change.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::allow::Allow;

/// Why an address may not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Denied(pub(crate) String, pub(crate) Lasts);

/// For how long something is denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    /// It may be otherwise the next time.
    ForNow,
    /// As long as nobody changes the address.
    Always,
}

/// Judges addresses.
#[derive(Clone)]
pub(crate) struct Guard {
    allow: Allow,
    lookup: Arc<dyn Lookup>,
}

/// Asks for the addresses of a name.
#[async_trait]
pub(crate) trait Lookup: Send + Sync {
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The operating system's way.
pub(crate) struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

impl Guard {
    pub(crate) fn new(allow: Allow, lookup: Arc<dyn Lookup>) -> Self {
        Self { allow, lookup }
    }

    /// Judges a URL by what it says; a name's addresses are judged when it is resolved.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Denied> {
        if !matches!(url.scheme(), "http" | "https") {
            return denied(format!("{}: only http and https are read", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return denied("an address with a user name or a password is not read".into());
        }
        let port = url.port_or_known_default().unwrap_or(0);
        match url.host() {
            None => denied("the address has no host".into()),
            Some(Host::Ipv4(ip)) => self.check_address(ip.into(), port),
            Some(Host::Ipv6(ip)) => self.check_address(ip.into(), port),
            Some(Host::Domain(name)) => self.check_name(&plain(name), port),
        }
    }

    /// Whether the operator allowed this place by name or address, so that it is one of his own.
    pub(crate) fn is_allowed(&self, url: &Url) -> bool {
        let port = url.port_or_known_default().unwrap_or(0);
        match url.host() {
            None => false,
            Some(Host::Ipv4(ip)) => self.allow.address(ip.into(), port),
            Some(Host::Ipv6(ip)) => self.allow.address(ip.into(), port),
            Some(Host::Domain(name)) => {
                let name = plain(name);
                self.allow.name(&name, port) || is_loopback_name(&name) && self.allow.address(LOOPBACK, port)
            }
        }
    }

    fn check_address(&self, ip: IpAddr, port: u16) -> Result<(), Denied> {
        if self.allow.address(ip, port) {
            return Ok(());
        }
        if !is_public(ip) {
            return denied(format!("{ip} is not a public address"));
        }
        check_port(port)
    }

    fn check_name(&self, name: &str, port: u16) -> Result<(), Denied> {
        if self.allow.name(name, port) {
            return Ok(());
        }
        if is_loopback_name(name) {
            let ours = self.allow.address(LOOPBACK, port);
            return if ours { Ok(()) } else { denied(format!("{name} is this machine itself")) };
        }
        if is_inner_name(name) {
            return denied(format!("{name} is not a public name"));
        }
        check_port(port)
    }

    /// The addresses of a name, if each of them may be reached. One that may not spoils the whole answer.
    pub(crate) async fn resolve_name(&self, name: &str) -> Result<Vec<IpAddr>, Denied> {
        let name = plain(name);
        if is_loopback_name(&name) {
            let ours = self.allow.name_at_some_port(&name) || self.allow.address_at_some_port(LOOPBACK);
            return if ours { Ok(vec![LOOPBACK]) } else { denied(format!("{name} is this machine itself")) };
        }
        let trusted = self.allow.name_at_some_port(&name);
        if !trusted && is_inner_name(&name) {
            return denied(format!("{name} is not a public name"));
        }
        let addresses = match self.lookup.lookup(&name).await {
            Ok(addresses) if !addresses.is_empty() => addresses,
            Ok(_) | Err(_) => {
                return Err(Denied(format!("{name} is not known to the name service"), Lasts::ForNow));
            }
        };
        // The port is not known here, so an address that is allowed at one port only does not count.
        let may = |ip: &IpAddr| trusted || is_public(*ip) || self.allow.address_at_any_port(*ip);
        match addresses.iter().find(|ip| !may(ip)) {
            Some(ip) => denied(format!("{name} leads to {ip}, which is not a public address")),
            None => Ok(addresses),
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let addresses = guard.resolve_name(name.as_str()).await?;
            let sockets: Addrs = Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(sockets)
        })
    }
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn denied<T>(words: String) -> Result<T, Denied> {
    Err(Denied(words, Lasts::Always))
}

fn check_port(port: u16) -> Result<(), Denied> {
    if matches!(port, 80 | 443) { Ok(()) } else { denied(format!("port {port} is not a website's")) }
}

fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// RFC 6761, section 6.3: these names never leave the machine.
pub(crate) fn is_loopback_name(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Names that belong to an inner network, or to nobody.
fn is_inner_name(name: &str) -> bool {
    #[rustfmt::skip]
    const ENDINGS: &[&str] = &[
        ".local", ".internal", ".intranet", ".lan", ".corp", ".home", ".private", ".localdomain", ".onion",
        ".alt", ".test", ".invalid", ".example", ".arpa",
    ];
    !name.contains('.') || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// Whether an address belongs to the public internet: global unicast without the special ranges of RFC 6890.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, d] = ip.octets();
    let special = match a {
        0 | 10 | 127 | 224..=255 => true,
        100 => (64..128).contains(&b),
        // The platform address of a large cloud, reachable from inside it only.
        168 => (b, c, d) == (63, 129, 16),
        169 => b == 254,
        172 => (16..32).contains(&b),
        192 => matches!((b, c), (0, 0 | 2) | (88, 99) | (31, 196) | (52, 193) | (175, 48)) || b == 168,
        198 => matches!(b, 18 | 19) || (b, c) == (51, 100),
        203 => (b, c) == (0, 113),
        _ => false,
    };
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    let is_global_unicast = first & 0xe000 == 0x2000;
    let special = match first {
        // Protocol assignments with Teredo among them, and documentation.
        0x2001 => second < 0x0200 || second == 0x0db8,
        // 6to4 carries any IPv4 address.
        0x2002 => true,
        0x3fff => second < 0x1000,
        // Direct delegation of AS112.
        0x2620 => second == 0x004f && ip.segments()[2] == 0x8000,
        _ => false,
    };
    is_global_unicast && !special
}

#[cfg(test)]
mod tests;
