//! Where the database is, as `DATABASE_URL` says it. The password in it is never shown.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::StoreError;

/// How long one try to reach a server may take.
const CONNECT: Duration = Duration::from_secs(1);

/// The address of a database.
#[derive(Clone)]
pub struct Address {
    pub(super) config: tokio_postgres::Config,
    pub(super) roots: Option<PathBuf>,
    /// Which of the hosts was good last.
    pub(super) good: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Address").field(&self.to_string()).finish()
    }
}

/// Without user and password.
impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hosts = self.config.get_hosts().iter().zip(0..).map(|(host, at)| {
            let port = self.config.get_ports().get(at).or(self.config.get_ports().first());
            let port = port.filter(|port| **port != 5432).map(|port| format!(":{port}")).unwrap_or_default();
            match host {
                Host::Tcp(name) => format!("{name}{port}"),
                #[cfg(unix)]
                Host::Unix(folder) => format!("{}{port}", folder.display()),
            }
        });
        let hosts = hosts.collect::<Vec<_>>().join(",");
        write!(f, "postgres://{hosts}/{}", self.config.get_dbname().unwrap_or_default())
    }
}

impl Address {
    /// Reads `postgres://USER:PASSWORD@HOST:PORT/NAME?sslmode=require`.
    ///
    /// Besides what the driver knows, `sslrootcert=FILE` is understood, and `sslmode=verify-full`, which is what
    /// `require` means here: a certificate that is not good for the host is never accepted.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it, without any part of it.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let (plain, query) = url.split_once('?').unwrap_or((url, ""));
        let mut roots = None;
        let mut kept = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslrootcert", file)) => roots = Some(PathBuf::from(unescape(file))),
                Some(("sslmode", "verify-full" | "verify-ca")) => kept.push("sslmode=require".to_owned()),
                _ => kept.push(pair.to_owned()),
            }
        }
        let wrong = |words: &str| StoreError::Unusable(format!("the address of PostgreSQL {words}"));
        let rest = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
        let mut config = tokio_postgres::Config::from_str(&format!("{plain}{rest}")).map_err(|error| {
            // Its words may hold a part of the address; its cause names the key, which is a part of the password when
            // that has such signs in it.
            if query.contains('@') {
                return wrong("cannot be read: @ and ? in its password must be written as %40 and %3F");
            }
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            wrong(&format!("cannot be read: {cause}; postgres://USER:PASSWORD@HOST/DATABASE is wanted"))
        })?;
        if config.get_hosts().is_empty() {
            return Err(wrong("names no host; postgres://USER:PASSWORD@HOST/DATABASE is wanted"));
        }
        if config.get_dbname().is_none() {
            return Err(wrong("names no database; postgres://USER:PASSWORD@HOST/DATABASE is wanted"));
        }
        if roots.is_some() && config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(SslMode::Require);
        }
        if config.get_hosts().len() > 1 {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_application_name().is_none() {
            config.application_name("so-connector");
        }
        config.connect_timeout(CONNECT).tcp_user_timeout(Duration::from_secs(3));
        config.keepalives_idle(Duration::from_secs(10)).keepalives_interval(Duration::from_secs(5));
        Ok(Self { config, roots, good: Arc::default() })
    }

    /// Each host alone, by its place, the one that was good last before the others.
    pub(super) fn hosts(&self) -> Vec<(usize, tokio_postgres::Config)> {
        let count = self.config.get_hosts().len().max(1);
        let good = self.good.load(Ordering::Relaxed) % count;
        let places = std::iter::once(good).chain((0..count).filter(|place| *place != good));
        places.map(|place| (place, self.only(place))).collect()
    }

    /// Notes that a host was good.
    pub(super) fn is_good(&self, place: usize) {
        self.good.store(place, Ordering::Relaxed);
    }

    fn only(&self, place: usize) -> tokio_postgres::Config {
        let all = &self.config;
        if all.get_hosts().len() < 2 {
            return all.clone();
        }
        let mut one = tokio_postgres::Config::new();
        match &all.get_hosts()[place] {
            Host::Tcp(name) => one.host(name),
            #[cfg(unix)]
            Host::Unix(folder) => one.host_path(folder),
        };
        if let Some(address) = all.get_hostaddrs().get(place) {
            one.hostaddr(*address);
        }
        if let Some(port) = all.get_ports().get(place).or(all.get_ports().first()) {
            one.port(*port);
        }
        let _ = all.get_user().map(|user| one.user(user));
        let _ = all.get_password().map(|password| one.password(password));
        let _ = all.get_dbname().map(|name| one.dbname(name));
        let _ = all.get_options().map(|options| one.options(options));
        let _ = all.get_application_name().map(|name| one.application_name(name));
        let _ = all.get_connect_timeout().map(|limit| one.connect_timeout(*limit));
        let _ = all.get_tcp_user_timeout().map(|limit| one.tcp_user_timeout(*limit));
        let _ = all.get_keepalives_interval().map(|interval| one.keepalives_interval(interval));
        let _ = all.get_keepalives_retries().map(|retries| one.keepalives_retries(retries));
        one.ssl_mode(all.get_ssl_mode()).ssl_negotiation(all.get_ssl_negotiation());
        one.channel_binding(all.get_channel_binding());
        one.target_session_attrs(all.get_target_session_attrs());
        one.keepalives(all.get_keepalives()).keepalives_idle(all.get_keepalives_idle());
        one
    }

    /// The password, which must not be shown anywhere.
    pub fn password(&self) -> Option<String> {
        self.config.get_password().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// The same database with tables of their own, as tests and demonstrations want them.
    pub fn in_schema(mut self, schema: &str) -> Self {
        self.config.options(format!("-c search_path={schema}"));
        self
    }
}

/// Resolves `%2F` and its like.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = code.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *first == b'%');
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_user_and_password() {
        let address =
            Address::parse("postgres://anna:s3cret@db.example:6432/crm?sslmode=verify-full").unwrap();
        assert_eq!(address.to_string(), "postgres://db.example:6432/crm");
        assert_eq!(format!("{address:?}"), "Address(\"postgres://db.example:6432/crm\")");
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told_without_its_password() {
        for wrong in [
            "postgres://anna:s3cret@db.example:none/crm",
            "postgres://anna:s3cret@db.example",
            "postgres://anna:s3cret@h/d?s3cret=1",
        ] {
            let words = Address::parse(wrong).unwrap_err().to_string();
            assert!(words.contains("address of PostgreSQL") && !words.contains("anna"), "{words}");
        }
        let words = Address::parse("postgres://anna:s3@x?cr=et@db.example/crm").unwrap_err().to_string();
        assert!(words.contains("%3F") && !words.contains("cr=") && !words.contains("`cr`"), "{words}");
        let words = Address::parse("postgres://anna:s3cret@db.example").unwrap_err().to_string();
        assert!(words.contains("no database") && !words.contains("s3cret"), "{words}");
    }

    #[test]
    fn a_file_of_authorities_asks_for_encryption() {
        let address = Address::parse("postgres://db.example/crm?sslrootcert=%2Fetc%2Fca.pem").unwrap();
        assert_eq!(address.roots.as_deref(), Some(std::path::Path::new("/etc/ca.pem")));
        assert_eq!(address.config.get_ssl_mode(), SslMode::Require);
    }
}
