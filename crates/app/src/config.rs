//! The configuration: one table of keys, read from `.env`, the environment and `connector.toml`, in this order.
//!
//! Everything is checked at once, and each complaint names the key, where the value came from and what is wanted. This
//! folder is the only place that reads the environment.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use connector_domain::field::Target;
use connector_domain::guardian::Rearm;
use connector_domain::patch::WritePolicy;
use connector_domain::policy::{Policy, Scope};
use connector_domain::remedy::RetryPolicy;
use connector_domain::retention::RetentionPolicy;
use connector_explorer::Allow;
use connector_pipeline::{FieldMap, GuardianOptions};
use connector_server::Roles;
use connector_store::sqlite::{Options, Synchronous};
use jiff::SignedDuration;
use secrecy::SecretString;

pub(crate) mod database;
mod dot_env;
pub(crate) mod keys;
mod parse;
pub(crate) mod sources;
pub(crate) mod tenant;

pub(crate) use database::Database;
pub(crate) use tenant::Tenant;

use parse::Reader;
use sources::Values;

/// The whole configuration.
#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) roles: Roles,
    pub(crate) listen: SocketAddr,
    pub(crate) database: Database,
    pub(crate) store: Options,
    /// What is done about a PostgreSQL that may lose what it committed.
    pub(crate) durability: Durability,
    /// What seals the token in the database.
    pub(crate) key: KeySource,
    pub(crate) webhook_token: Option<SecretString>,
    pub(crate) webhook_secrets: Vec<SecretString>,
    /// How the webhook is watched.
    pub(crate) guardian: GuardianOptions,
    /// Where SuperOffice finds the webhook.
    pub(crate) webhook_url: Option<url::Url>,
    pub(crate) body_limit: usize,
    /// The tenant, when one is configured.
    pub(crate) tenant: Option<Tenant>,
    pub(crate) policy: Policy,
    /// Whom mailings are sent as, by short name or number.
    pub(crate) mailing_sender: Option<String>,
    pub(crate) fields: FieldMap,
    pub(crate) write_policy: WritePolicy,
    pub(crate) workers: usize,
    /// How long a job stays a worker's without a sign of life.
    pub(crate) lease: SignedDuration,
    /// How often the tenant is looked at again.
    pub(crate) look_again: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) sweep: SweepConfig,
    pub(crate) profile_ttl: SignedDuration,
    /// How long things are kept.
    pub(crate) retention: RetentionPolicy,
    pub(crate) website: WebsiteConfig,
    /// What is configured and has no effect yet.
    pub(crate) ignored: Vec<&'static str>,
    /// Mounts the route that measures a delivery without storing it.
    pub(crate) bench: bool,
}

/// When SuperOffice is asked for changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SweepConfig {
    pub(crate) enabled: bool,
    pub(crate) every: Duration,
    /// Whether no webhook is wanted.
    pub(crate) only: bool,
}

/// How websites are read.
#[derive(Debug, Clone)]
pub(crate) struct WebsiteConfig {
    pub(crate) allow: Allow,
    pub(crate) max_pages: usize,
    pub(crate) page_timeout: Duration,
    pub(crate) site_timeout: Duration,
    pub(crate) delay: Duration,
}

/// Everything that is wrong with a configuration.
#[derive(Debug)]
pub(crate) struct ConfigError(pub(crate) Vec<String>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "the configuration is wrong: {only}"),
            many => {
                write!(f, "the configuration is wrong in {} places:", many.len())?;
                many.iter().try_for_each(|complaint| write!(f, "\n  - {complaint}"))
            }
        }
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Makes the configuration of the values, or says everything that is wrong with them.
    pub(crate) fn read(values: &Values) -> Result<Self, ConfigError> {
        let mut reader = Reader::new(values);
        let config = Self {
            roles: roles(&mut reader),
            listen: reader.parsed("listen", "an address with a port, such as 127.0.0.1:8080"),
            database: database::read(&mut reader),
            store: store(&mut reader),
            durability: durability(&mut reader),
            key: KeySource { key: reader.secret("store.key"), file: key_file(&reader) },
            webhook_token: reader.secret("webhook.token"),
            webhook_secrets: reader.secrets("webhook.secret"),
            webhook_url: webhook_url(&mut reader),
            guardian: GuardianOptions {
                every: reader.limit("webhook.look_again"),
                rearm: rearm(&mut reader),
            },
            body_limit: reader.within("webhook.body_limit", 1024, 64 * 1024 * 1024),
            tenant: tenant::read(&mut reader),
            policy: policy(&mut reader),
            mailing_sender: reader.text("mailing.sender"),
            fields: fields(&reader),
            write_policy: write_policy(&mut reader),
            workers: reader.within("work.workers", 1, 256),
            lease: lease(&mut reader),
            look_again: reader.limit("superoffice.look_again"),
            retry: RetryPolicy {
                retries: reader.parsed("retry.retries", "a whole number"),
                first_wait: reader.duration("retry.first_wait"),
                longest_wait: reader.duration("retry.longest_wait"),
            },
            sweep: sweep(&mut reader),
            profile_ttl: reader.duration("explorer.profile_ttl"),
            retention: retention(&mut reader),
            website: website(&mut reader),
            ignored: ignored(&reader),
            bench: reader.parsed("bench", "true or false"),
        };
        log_format(&mut reader);
        if reader.text("explorer.url").is_some() {
            reader.complain(
                "explorer.url",
                "an external Company Explorer is not supported yet; unset it to use the built-in one",
            );
        }
        reader.finish(config)
    }
}

fn roles(reader: &mut Reader<'_>) -> Roles {
    let mut roles = Roles { receive: false, work: false, dashboard: false };
    for role in reader.list("roles") {
        match role.as_str() {
            "receive" => roles.receive = true,
            "work" => roles.work = true,
            "dashboard" => roles.dashboard = true,
            other => {
                let complaint =
                    format!("there is no role \"{other}\"; there are receive, work and dashboard");
                reader.complain("roles", &complaint);
            }
        }
    }
    if !(roles.receive || roles.work || roles.dashboard) {
        reader.complain("roles", "at least one of receive, work and dashboard is wanted");
    }
    roles
}

/// The log has begun by now; this is for whoever mistyped it.
fn log_format(reader: &mut Reader<'_>) {
    let word = reader.text("log.format");
    if word.is_some_and(|word| crate::log::Format::parse(&word).is_none()) {
        reader.complain("log.format", "text or json is wanted");
    }
}

fn rearm(reader: &mut Reader<'_>) -> Rearm {
    let word = reader.text("webhook.rearm").unwrap_or_default();
    Rearm::parse(&word).unwrap_or_else(|| {
        reader.complain("webhook.rearm", "errors, always or never is wanted");
        Rearm::default()
    })
}

fn webhook_url(reader: &mut Reader<'_>) -> Option<url::Url> {
    let text = reader.text("webhook.url")?;
    let url = url::Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() != "/");
    if url.is_none() {
        let wanted = "the whole address is wanted, such as https://crm-hooks.example.com/connector/webhook";
        reader.complain("webhook.url", wanted);
    }
    url
}

fn lease(reader: &mut Reader<'_>) -> SignedDuration {
    let lease = SignedDuration::try_from(reader.limit("work.lease")).unwrap_or(SignedDuration::from_mins(2));
    let sensible = SignedDuration::from_secs(2)..=SignedDuration::from_hours(1);
    if !sensible.contains(&lease) {
        reader.complain("work.lease", "from 2s to 1h is wanted");
    }
    lease
}

/// What is done about a server whose settings put at risk what it committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It is said, in the log, by `doctor` and on the page.
    Warn,
    /// It is refused.
    Strict,
}

fn durability(reader: &mut Reader<'_>) -> Durability {
    match reader.text("store.durability").as_deref() {
        Some("warn") | None => Durability::Warn,
        Some("strict") => Durability::Strict,
        Some(_) => {
            reader.complain("store.durability", "warn or strict is wanted");
            Durability::Warn
        }
    }
}

/// Where the key that seals the token comes from.
#[derive(Debug, Clone)]
pub(crate) struct KeySource {
    /// The key itself.
    pub(crate) key: Option<SecretString>,
    /// Else the file that it is in.
    pub(crate) file: PathBuf,
}

/// The file of the key: as configured, else beside the database; in the working folder when that is on a server.
fn key_file(reader: &Reader<'_>) -> PathBuf {
    if let Some(file) = reader.text("store.key_file") {
        return PathBuf::from(file);
    }
    let url = reader.text("database").unwrap_or_default();
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
    PathBuf::from(path.unwrap_or_default()).with_file_name("connector.key")
}

fn store(reader: &mut Reader<'_>) -> Options {
    let synchronous = match reader.text("store.synchronous").as_deref() {
        Some("full") | None => Synchronous::Full,
        Some("normal") => Synchronous::Normal,
        Some(_) => {
            reader.complain("store.synchronous", "full or normal is wanted");
            Synchronous::Full
        }
    };
    let (batch, log_pages) =
        (reader.within("store.batch", 1, 8192), reader.within("store.log_pages", 8, 1 << 20));
    Options { synchronous, batch, log_pages, ..Options::default() }
}

fn retention(reader: &mut Reader<'_>) -> RetentionPolicy {
    let policy = RetentionPolicy {
        bodies: reader.age("retention.bodies"),
        events: reader.age("retention.events"),
        jobs: reader.age("retention.jobs"),
        journal: reader.age("retention.journal"),
        deleted: reader.age("retention.deleted"),
        size: reader.size("retention.size"),
    };
    for (name, complaint) in policy.complaints() {
        reader.complain(&format!("retention.{name}"), complaint);
    }
    policy
}

fn policy(reader: &mut Reader<'_>) -> Policy {
    let lower = |names: Vec<String>| names.into_iter().map(|name| name.to_lowercase()).collect();
    Policy {
        own_associate: None,
        watched_contact: lower(reader.list("filter.contact_fields")),
        watched_person: lower(reader.list("filter.person_fields")),
        scope: scope(reader),
        associates: BTreeMap::new(),
        echo_window: reader.duration("filter.echo_window"),
        rest: reader.duration("filter.rest"),
        duplicate_window: reader.duration("filter.duplicate_window"),
    }
}

/// Keys that are part of the contract and have no effect yet; whoever sets one is told.
fn ignored(reader: &Reader<'_>) -> Vec<&'static str> {
    let keys = ["dashboard.password"];
    let set = keys.into_iter().filter(|key| reader.text(key).is_some());
    set.filter_map(|key| keys::find(key)?.variable).collect()
}

/// Whose accounts. A list that is given but names nobody is a mistake, not everybody.
fn scope(reader: &mut Reader<'_>) -> Scope {
    let Some(owners) = reader.text("filter.owners") else { return Scope::Everyone };
    let scope = Scope::parse(&owners);
    if scope == Scope::Everyone {
        reader.complain(
            "filter.owners",
            "it names nobody; name associate ids or short names, or unset it for everyone",
        );
    }
    scope
}

fn fields(reader: &Reader<'_>) -> FieldMap {
    let name = |target: &Target| {
        let name = reader.text(&format!("fields.{}", target.key()))?;
        Some((*target, name))
    };
    FieldMap(Target::ALL.iter().filter_map(name).collect())
}

fn write_policy(reader: &mut Reader<'_>) -> WritePolicy {
    match reader.text("work.write_policy").as_deref() {
        Some("fill-empty") => WritePolicy::FillEmpty,
        Some("refresh-own") | None => WritePolicy::RefreshOwn,
        Some(_) => {
            reader.complain("work.write_policy", "fill-empty or refresh-own is wanted");
            WritePolicy::RefreshOwn
        }
    }
}

fn sweep(reader: &mut Reader<'_>) -> SweepConfig {
    let enabled: bool = reader.parsed("sweep.enabled", "true or false");
    let only: bool = reader.parsed("sweep.only", "true or false");
    if only && !enabled {
        reader
            .complain("sweep.enabled", "without webhooks and without sweeps nothing would ever be heard of");
    }
    let every = match reader.text("sweep.every") {
        Some(_) => reader.limit("sweep.every"),
        None if only => Duration::from_mins(2),
        None => Duration::from_hours(1),
    };
    SweepConfig { enabled, every, only }
}

fn website(reader: &mut Reader<'_>) -> WebsiteConfig {
    let allow = match Allow::parse(&reader.text("website.allow").unwrap_or_default()) {
        Ok(allow) => allow,
        Err(error) => {
            reader.complain("website.allow", &error.to_string());
            Allow::default()
        }
    };
    WebsiteConfig {
        allow,
        max_pages: reader.within("website.max_pages", 1, 20),
        page_timeout: reader.limit("website.page_timeout"),
        site_timeout: reader.limit("website.site_timeout"),
        delay: reader.std_duration("website.delay"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(
        toml: &str,
        environment: &[(&str, &str)],
        dot_env: &[(&str, &str)],
    ) -> Result<Config, ConfigError> {
        let pairs = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Values::of(toml, &pairs(environment), &pairs(dot_env)).and_then(|values| Config::read(&values))
    }

    #[test]
    fn the_defaults_make_a_configuration_without_a_tenant() {
        let config = config("", &[], &[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert!(config.tenant.is_none());
        assert!(config.roles.receive && config.roles.work && config.roles.dashboard);
        assert_eq!(
            (config.store.synchronous, config.store.batch),
            (Synchronous::Full, Options::default().batch)
        );
        assert_eq!(config.policy.scope, Scope::Everyone);
    }

    #[test]
    fn dot_env_overrides_the_environment_and_that_overrides_the_file() {
        let toml = "listen = \"127.0.0.1:1\"\n[filter]\nowners = [\"FILE\"]";
        let config =
            config(toml, &[("LISTEN", "127.0.0.1:2"), ("OWNERS", "ENVIRON")], &[("LISTEN", "127.0.0.1:3")]);
        let config = config.unwrap();
        assert_eq!(config.listen.port(), 3);
        assert_eq!(config.policy.scope, Scope::parse("ENVIRON"));
    }

    #[test]
    fn an_unknown_key_is_an_error_with_a_suggestion() {
        let Err(error) = config("[filter]\nowner = [\"KARI\"]", &[], &[]) else { panic!("accepted") };
        assert!(error.to_string().contains("did you mean filter.owners?"), "{error}");
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let toml = "listen = \"here\"\nroles = [\"cook\"]\n[retry]\nfirst_wait = \"soon\"";
        let Err(error) = config(toml, &[("DATABASE_URL", "mysql://x")], &[]) else { panic!("accepted") };
        let words = error.to_string();
        for part in ["listen (connector.toml)", "no role \"cook\"", "retry.first_wait", "DATABASE_URL"] {
            assert!(words.contains(part), "{part} is missing in {words}");
        }
    }

    #[test]
    fn a_tenant_that_is_only_half_configured_says_what_is_missing() {
        let Err(error) = config("", &[("SO_CLIENT_ID", "abc")], &[]) else { panic!("accepted") };
        let words = error.to_string();
        assert!(words.contains("SO_CLIENT_SECRET") && words.contains("SO_CONTEXT_IDENTIFIER"), "{words}");
    }

    #[test]
    fn a_numbered_host_is_understood_as_its_environment() {
        let environment = [
            ("SO_CLIENT_ID", "abc"),
            ("SO_CLIENT_SECRET", "s3cret"),
            ("SO_REFRESH_TOKEN", "r3fresh"),
            ("SO_CONTEXT_IDENTIFIER", "Cust12345"),
            ("SO_ENVIRONMENT", "online3"),
        ];
        let tenant = config("", &environment, &[]).unwrap().tenant.unwrap();
        assert_eq!(tenant.login_url.as_str(), "https://online.superoffice.com/");
    }

    #[test]
    fn what_switches_a_guard_off_by_mistake_is_an_error() {
        for (environment, dot_env, toml, named) in [
            (("OWNERS", ","), ("X", "1"), "", "OWNERS"),
            (("WEBHOOK_SECRET", ","), ("X", "1"), "", "WEBHOOK_SECRET"),
            (("X", "1"), ("OWNER", "KARI"), "", "did you mean OWNERS?"),
            (("X", "1"), ("X", "1"), "roles = []", "roles"),
            (("X", "1"), ("X", "1"), "[webhook]\nbody_limit = 0", "webhook.body_limit"),
            (("X", "1"), ("X", "1"), "[website]\npage_timeout = \"0s\"", "website.page_timeout"),
        ] {
            let Err(error) = config(toml, &[environment], &[dot_env]) else { panic!("{named} was accepted") };
            assert!(error.to_string().contains(named), "{named}: {error}");
        }
    }

    #[test]
    fn ages_are_days_and_a_log_is_kept_for_three_months() {
        let defaults = config("", &[], &[]).unwrap();
        assert_eq!(defaults.retention, RetentionPolicy::default());
        let own =
            config("[retention]\nbodies = \"2d\"\njobs = \"2208h\"\nsize = \"3 GiB\"", &[], &[]).unwrap();
        let days = |days: i64| SignedDuration::from_hours(days * 24);
        assert_eq!((own.retention.bodies, own.retention.jobs), (days(2), days(92)));
        assert_eq!(own.retention.size, Some(3 << 30));
        let Err(error) = config("[retention]\nevents = \"91d\"\nsize = \"much\"", &[], &[]) else {
            panic!("accepted")
        };
        let words = error.to_string();
        assert!(words.contains("three months") && words.contains("retention.size"), "{words}");
    }

    #[test]
    fn without_webhooks_sweeps_are_frequent_and_cannot_be_switched_off() {
        let sweep = |toml: &str| config(toml, &[], &[]).map(|config| config.sweep);
        assert_eq!(sweep("").unwrap().every, Duration::from_hours(1));
        assert_eq!(sweep("[sweep]\nonly = true").unwrap().every, Duration::from_mins(2));
        assert_eq!(sweep("[sweep]\nonly = true\nevery = \"5m\"").unwrap().every, Duration::from_mins(5));
        assert!(sweep("[sweep]\nonly = true\nenabled = false").is_err());
    }

    #[test]
    fn a_number_that_is_none_is_a_complaint() {
        let environment = [
            ("SO_CLIENT_ID", "abc"),
            ("SO_CLIENT_SECRET", "s3cret"),
            ("SO_REFRESH_TOKEN", "r3fresh"),
            ("SO_CONTEXT_IDENTIFIER", "Cust12345"),
        ];
        let Err(error) = config("[superoffice]\ncalls_per_second = \"ten\"", &environment, &[]) else {
            panic!("accepted")
        };
        assert!(error.to_string().contains("superoffice.calls_per_second"), "{error}");
    }

    #[test]
    fn secrets_are_never_shown() {
        let values =
            Values::of("", &[("SO_CLIENT_SECRET".into(), "hunter2".into())].into(), &BTreeMap::new())
                .unwrap();
        let shown = format!("{:?}", values.shown());
        assert!(!shown.contains("hunter2") && shown.contains("***"), "{shown}");
    }
}
