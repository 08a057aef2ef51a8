//! The tenant: where it is and how we sign in.

use secrecy::{ExposeSecret, SecretString};
use superoffice::{Credentials, PrivateKey};
use url::Url;

use super::parse::Reader;

/// A tenant of SuperOffice Online.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) context: String,
    pub(crate) login_url: Url,
    pub(crate) environment: Environment,
    /// Whether it is a customer's, so that nothing is removed there by the way.
    pub(crate) is_production: bool,
    pub(crate) client_id: String,
    pub(crate) client_secret: SecretString,
    pub(crate) credentials: Credentials,
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

const NEEDED: &[&str] = &["superoffice.context", "superoffice.client_id", "superoffice.client_secret"];

/// One of them says how we sign in.
const WAYS: &[&str] =
    &["superoffice.refresh_token", "superoffice.system_token", "superoffice.private_key_file"];

/// The usual limit for SuperOffice's own hosts. SuperOffice publishes none; it may throttle an app that asks too much.
const USUAL_CALLS_PER_SECOND: u32 = 10;

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Tenant> {
    let missing: Vec<&str> = NEEDED.iter().copied().filter(|name| reader.text(name).is_none()).collect();
    let unsaid = WAYS.iter().all(|name| reader.text(name).is_none());
    if missing.len() == NEEDED.len() && unsaid {
        return None;
    }
    for name in missing {
        reader.missing(name, "other settings of the tenant are");
    }
    let context = reader.text("superoffice.context").unwrap_or_default();
    if !context.is_empty() && !is_context(&context) {
        reader.complain("superoffice.context", "Cust and a number is wanted, such as Cust12345");
    }
    let credentials = credentials(reader);
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
        credentials,
        redirect_uri: reader.text("superoffice.redirect_uri"),
        calls_per_second: calls_per_second.filter(|calls| *calls > 0),
    })
}

/// The one way to sign in that is configured.
fn credentials(reader: &mut Reader<'_>) -> Credentials {
    let refresh_token = reader.secret("superoffice.refresh_token");
    let system_token = reader.secret("superoffice.system_token");
    let file = reader.text("superoffice.private_key_file");
    match (refresh_token, system_token, file) {
        (Some(refresh_token), None, None) => Credentials::RefreshToken(refresh_token),
        (None, Some(system_token), Some(file)) => match private_key(&file) {
            Ok(private_key) => Credentials::SystemUser { system_token, private_key },
            Err(words) => {
                reader.complain("superoffice.private_key_file", &words);
                Credentials::Missing
            }
        },
        (Some(_), ..) => {
            let words =
                "either SO_REFRESH_TOKEN or SO_SYSTEM_TOKEN with SO_PRIVATE_KEY_FILE is wanted, not both";
            reader.complain("superoffice.refresh_token", words);
            Credentials::Missing
        }
        (None, Some(_), None) => {
            reader.missing("superoffice.private_key_file", "SO_SYSTEM_TOKEN is");
            Credentials::Missing
        }
        (None, None, Some(_)) => {
            reader.missing("superoffice.system_token", "SO_PRIVATE_KEY_FILE is");
            Credentials::Missing
        }
        // The one that `setup` keeps sealed, if it does.
        (None, None, None) => Credentials::Missing,
    }
}

/// Reads the file with a private key.
pub(crate) fn private_key(file: &str) -> Result<PrivateKey, String> {
    let text = std::fs::read_to_string(file).map(SecretString::from);
    let text = text.map_err(|error| format!("{file} cannot be read: {error}"))?;
    PrivateKey::read(text.expose_secret()).map_err(|error| error.to_string())
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
