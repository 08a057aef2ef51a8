//! The tenant: where it is and how we sign in.

use secrecy::SecretString;
use url::Url;

use super::parse::Reader;

/// A tenant of SuperOffice Online.
pub(crate) struct Tenant {
    pub(crate) context: String,
    pub(crate) login_url: Url,
    pub(crate) environment: Environment,
    /// Whether it is a customer's, so that nothing is removed there by the way.
    pub(crate) is_production: bool,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) refresh_token: SecretString,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) calls_per_second: Option<u32>,
}

/// Which of SuperOffice's environments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Environment {
    /// For developers.
    Development,
    /// For certification.
    Stage,
    /// Customers' tenants.
    Production,
    /// None of SuperOffice's own: the emulator.
    Other,
}

const NEEDED: &[&str] = &[
    "superoffice.context",
    "superoffice.client_id",
    "superoffice.client_secret",
    "superoffice.refresh_token",
];

/// The usual limit for SuperOffice's own hosts. SuperOffice publishes none; it may throttle an app that asks too much.
const USUAL_CALLS_PER_SECOND: u32 = 10;

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Tenant> {
    let missing: Vec<&str> = NEEDED.iter().copied().filter(|name| reader.text(name).is_none()).collect();
    if missing.len() == NEEDED.len() {
        return None;
    }
    for name in missing {
        reader.missing(name, "other settings of the tenant are");
    }
    let context = reader.text("superoffice.context").unwrap_or_default();
    if !context.is_empty() && !is_context(&context) {
        reader.complain("superoffice.context", "Cust and a number is wanted, such as Cust12345");
    }
    let (environment, login_url) = login(reader);
    let calls_per_second = match reader.text("superoffice.calls_per_second") {
        Some(_) => reader.optional("superoffice.calls_per_second", "a whole number"),
        None if environment == Environment::Other => None,
        None => Some(USUAL_CALLS_PER_SECOND),
    };
    let is_production = match reader.text("superoffice.production") {
        Some(_) => reader.optional("superoffice.production", "true or false").unwrap_or(true),
        None => environment == Environment::Production,
    };
    Some(Tenant {
        is_production,
        context,
        login_url: login_url?,
        environment,
        client_id: reader.text("superoffice.client_id").unwrap_or_default(),
        client_secret: reader.secret("superoffice.client_secret").unwrap_or_default(),
        refresh_token: reader.secret("superoffice.refresh_token").unwrap_or_default(),
        redirect_uri: reader.text("superoffice.redirect_uri"),
        calls_per_second: calls_per_second.filter(|calls| *calls > 0),
    })
}

fn is_context(text: &str) -> bool {
    text.strip_prefix("Cust")
        .is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
}

fn login(reader: &mut Reader<'_>) -> (Environment, Option<Url>) {
    if let Some(address) = reader.text("superoffice.login_url") {
        let url = Url::parse(&address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            reader.complain("superoffice.login_url", "an address such as http://127.0.0.1:8390 is wanted");
        }
        if url.as_ref().is_some_and(|url| url.scheme() == "http" && !is_loopback(url)) {
            reader.complain("superoffice.login_url", "https is wanted: the secrets would travel in the open");
        }
        let environment =
            url.as_ref().and_then(Url::host_str).and_then(of_host).unwrap_or(Environment::Other);
        return (environment, url);
    }
    let word = reader.text("superoffice.environment").unwrap_or_default().to_lowercase();
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let environment = match name {
        "sod" => Environment::Development,
        "qaonline" => Environment::Stage,
        "online" => Environment::Production,
        _ => {
            reader.complain("superoffice.environment", "sod, qaonline or online is wanted");
            return (Environment::Production, None);
        }
    };
    (environment, Url::parse(&format!("https://{name}.superoffice.com/")).ok())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

fn of_host(host: &str) -> Option<Environment> {
    match host {
        "sod.superoffice.com" => Some(Environment::Development),
        "qaonline.superoffice.com" => Some(Environment::Stage),
        "online.superoffice.com" => Some(Environment::Production),
        _ => None,
    }
}
