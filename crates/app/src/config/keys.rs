//! The table of configuration keys: name, environment variable, default, and what it is for.
//!
//! The documentation is made from this table.

/// One key.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its place in `connector.toml`.
    pub(crate) name: &'static str,
    /// Its environment variable, if it has one.
    pub(crate) variable: Option<&'static str>,
    /// The value when nobody says otherwise.
    pub(crate) default: Option<&'static str>,
    /// Whether it is never shown. Secrets are read from the environment only.
    pub(crate) is_secret: bool,
    /// What it is for.
    pub(crate) about: &'static str,
}

const fn key(
    name: &'static str,
    variable: Option<&'static str>,
    default: Option<&'static str>,
    about: &'static str,
) -> Key {
    Key { name, variable, default, is_secret: false, about }
}

const fn secret(name: &'static str, variable: &'static str, about: &'static str) -> Key {
    Key { name, variable: Some(variable), default: None, is_secret: true, about }
}

/// Every key there is.
pub(crate) const KEYS: &[Key] = &[
    key("roles", None, Some("receive,work,dashboard"), "What this process does."),
    key(
        "listen",
        Some("LISTEN"),
        Some("127.0.0.1:8080"),
        "Address of webhook, dashboard and API. Loopback only, until there are logins.",
    ),
    key(
        "log.format",
        Some("LOG_FORMAT"),
        Some("text"),
        "How the log is written to stderr: text for people, json for programs, an object a line.",
    ),
    key(
        "database",
        Some("DATABASE_URL"),
        Some("sqlite://connector.db"),
        "Where everything is stored: sqlite://FILE, or postgres://USER:PASSWORD@HOST/DATABASE for several processes.",
    ),
    key(
        "superoffice.environment",
        Some("SO_ENVIRONMENT"),
        Some("online"),
        "sod, qaonline or online; a numbered host such as online3 is understood as its environment.",
    ),
    key("superoffice.context", Some("SO_CONTEXT_IDENTIFIER"), None, "The tenant, such as Cust12345."),
    key("superoffice.client_id", Some("SO_CLIENT_ID"), None, "The application's id."),
    secret("superoffice.client_secret", "SO_CLIENT_SECRET", "The application's secret."),
    secret(
        "superoffice.refresh_token",
        "SO_REFRESH_TOKEN",
        "The refresh token of the API user. Unset: the one that `setup` keeps sealed in the database.",
    ),
    secret(
        "superoffice.system_token",
        "SO_SYSTEM_TOKEN",
        "The system user's token, instead of a refresh token.",
    ),
    key(
        "superoffice.private_key_file",
        Some("SO_PRIVATE_KEY_FILE"),
        None,
        "The system user's key file: PEM, or the Developer Portal's RSA-XML.",
    ),
    key(
        "superoffice.redirect_uri",
        Some("SO_REDIRECT_URI"),
        None,
        "The redirect address the application is registered with.",
    ),
    key(
        "superoffice.login_url",
        Some("SO_LOGIN_URL"),
        None,
        "The sign-in server, when it is not SuperOffice's own; for the emulator.",
    ),
    key(
        "superoffice.calls_per_second",
        None,
        None,
        "At most so many API calls a second. Unset: 10 for SuperOffice's own hosts, no limit for others.",
    ),
    key(
        "superoffice.production",
        None,
        None,
        "Whether it is a customer's tenant, where nothing is removed unless the tenant is named. Unset: it is in `online`.",
    ),
    key(
        "superoffice.look_again",
        None,
        Some("10m"),
        "How often users, fields and lists are looked at again; within 30 seconds while a field is not what it was.",
    ),
    secret(
        "dashboard.password",
        "DASHBOARD_PASSWORD",
        "The dashboard's password. Not supported yet: it listens on loopback only.",
    ),
    key(
        "mailing.sender",
        Some("MAILING_SENDER"),
        None,
        "Whom mailings are sent as: an associate's short name or number. Unset: the user we are signed in as.",
    ),
    secret(
        "webhook.token",
        "WEBHOOK_TOKEN",
        "What a delivery must present in X-Webhook-Token or ?token=. Unset: one is made up and kept.",
    ),
    secret(
        "webhook.secret",
        "WEBHOOK_SECRET",
        "The key of the deliveries' signature; two, separated by a comma, while it is being changed.",
    ),
    key(
        "webhook.url",
        Some("WEBHOOK_URL"),
        None,
        "The public address of /connector/webhook; `webhook register` and `doctor` go by it.",
    ),
    key(
        "webhook.rearm",
        None,
        Some("errors"),
        "Which webhook is switched on again by itself: one that SuperOffice switched off after too many errors (errors), also one that a person stopped or changed (always), none (never).",
    ),
    key(
        "webhook.look_again",
        None,
        Some("1m"),
        "How often SuperOffice is asked whether the webhook is still switched on.",
    ),
    key("webhook.body_limit", None, Some("1048576"), "A delivery's body is at most so many bytes."),
    key(
        "filter.owners",
        Some("OWNERS"),
        None,
        "Whose accounts to work on: associate ids and short names. Unset: everyone's.",
    ),
    key(
        "filter.contact_fields",
        None,
        Some(connector_watched::CONTACT),
        "Columns of a company whose change is worth a look.",
    ),
    key(
        "filter.person_fields",
        None,
        Some(connector_watched::PERSON),
        "Columns of a person whose change is worth a look.",
    ),
    key(
        "filter.echo_window",
        None,
        Some("15m"),
        "How long after a write of ours an event of our own user counts as its echo.",
    ),
    key(
        "filter.rest",
        None,
        Some("15s"),
        "How long a record rests after it was worked on; what happens meanwhile becomes one job.",
    ),
    key(
        "filter.duplicate_window",
        None,
        Some("5m"),
        "How long a second record of the same company is taken for a duplicate.",
    ),
    key(
        "fields.vertical",
        None,
        None,
        "The field for the vertical, by prog-id or label. Unset: the field labelled \"Vertical\".",
    ),
    key("fields.summary", None, None, "The field for the summary. Unset: \"Summary\"."),
    key("fields.opener_primary", None, None, "The field for the first opener. Unset: \"Opener primary\"."),
    key(
        "fields.opener_secondary",
        None,
        None,
        "The field for the second opener. Unset: \"Opener secondary\".",
    ),
    key("fields.bridge", None, None, "The person's field for the bridge. Unset: \"Bridge\"."),
    key(
        "fields.social_proof",
        None,
        None,
        "The person's field for the social proof. Unset: \"Social proof\".",
    ),
    key("fields.subject", None, None, "The person's field for the subject line. Unset: \"Subject\"."),
    key(
        "sweep.enabled",
        None,
        Some("true"),
        "Whether SuperOffice is asked for changes that no webhook told of. When not, only what a person asks for is swept.",
    ),
    key("sweep.every", None, None, "How often. Unset: 1h; with sweep.only, 2m."),
    key(
        "sweep.only",
        None,
        Some("false"),
        "Whether sweeps are the only source: for tenants that may have no webhook. Nobody complains about a missing one then.",
    ),
    key("work.workers", None, Some("16"), "How many jobs run side by side."),
    key(
        "work.lease",
        None,
        Some("2m"),
        "How long a job stays a worker's without a sign of life; where several share a PostgreSQL, what a dead one had goes on after that.",
    ),
    key(
        "work.write_policy",
        None,
        Some("refresh-own"),
        "fill-empty writes only empty fields; refresh-own also those that still hold what we wrote.",
    ),
    key(
        "retry.retries",
        None,
        Some("5"),
        "How often a failed job is tried again. One failure more and it is FAILED.",
    ),
    key(
        "retry.first_wait",
        None,
        Some("1s"),
        "The wait before the first retry; each later one is four times as long.",
    ),
    key("retry.longest_wait", None, Some("10m"), "No wait is longer."),
    key(
        "explorer.url",
        Some("COMPANY_EXPLORER_URL"),
        None,
        "An external Company Explorer. Unset: the built-in one.",
    ),
    key(
        "explorer.profile_ttl",
        None,
        Some("24h"),
        "How long what was found out about a company is good for, unless its name or website changes.",
    ),
    key(
        "website.allow",
        Some("WEBSITES_ALLOW"),
        None,
        "Hosts or networks that the website reader may reach although they are not public. For the emulator and tests only.",
    ),
    key("website.max_pages", None, Some("5"), "At most so many pages of a website are read."),
    key("website.page_timeout", None, Some("15s"), "How long one page may take."),
    key("website.site_timeout", None, Some("45s"), "How long a whole website may take."),
    key(
        "bench",
        Some("SO_CONNECTOR_BENCH"),
        Some("false"),
        "Also answers POST /connector/bare, which stores nothing, for measuring.",
    ),
    key(
        "store.key_file",
        Some("SO_CONNECTOR_KEY_FILE"),
        None,
        "The file with the key that seals the sign-in token in the database. Unset: `connector.key` beside the database; `setup` makes it.",
    ),
    secret("store.key", "SO_CONNECTOR_KEY", "That key itself, 64 hexadecimal digits, instead of a file."),
    key(
        "store.durability",
        None,
        Some("warn"),
        "What is done about a PostgreSQL whose settings let it lose what it committed: warn, or strict, which refuses it.",
    ),
    key(
        "store.synchronous",
        None,
        Some("full"),
        "full, or normal for comparing speeds only: with normal, what was acknowledged can be lost when the power fails.",
    ),
    key(
        "store.batch",
        None,
        Some("512"),
        "At most so many requests share a commit. For comparing speeds only: 1 gives each its own.",
    ),
    key(
        "store.log_pages",
        None,
        Some("8192"),
        "A write-ahead log of so many pages of 4 KiB is begun anew, once it is copied into the database.",
    ),
    key(
        "retention.bodies",
        None,
        Some("30d"),
        "How long the bodies of events are kept as they were sent; what could not be read keeps its body as long as the event.",
    ),
    key(
        "retention.events",
        None,
        Some("180d"),
        "How long events are kept, and with them the memory of their ids. At least 92d: SuperOffice asks for logs of three months.",
    ),
    key(
        "retention.jobs",
        None,
        Some("180d"),
        "How long jobs that have ended are kept, with their steps; the newest of each record stays. At least 92d.",
    ),
    key(
        "retention.journal",
        None,
        Some("400d"),
        "How long writes are kept; the newest of each field of a record stays, for it tells our words from a person's. At least 92d.",
    ),
    key(
        "retention.deleted",
        None,
        Some("30d"),
        "After this nothing is left of a record that was found deleted in SuperOffice.",
    ),
    key(
        "retention.size",
        None,
        None,
        "What the database may hold, such as 20GiB. Above it the oldest goes earlier than the ages say, but nothing of the last week. Unset: no cap.",
    ),
    key("website.delay", None, Some("1s"), "The pause between two pages of one public website."),
];

/// The key with this name.
pub(crate) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The defaults of the watched columns, written out for the table; a test holds them against the domain's.
mod connector_watched {
    pub(super) const CONTACT: &str =
        "name,urladdress,urls,url,url_id,orgnr,userdef_id,userdef2_id,deleted,associate_id";
    pub(super) const PERSON: &str =
        "jobtitle,title,position_id,position_idx,userdef_id,userdef2_id,contact_id,retired";
}

#[cfg(test)]
mod tests {
    use connector_domain::policy::{WATCHED_CONTACT, WATCHED_PERSON};

    use super::*;

    #[test]
    fn the_watched_columns_are_the_domains() {
        assert_eq!(connector_watched::CONTACT, WATCHED_CONTACT.join(","));
        assert_eq!(connector_watched::PERSON, WATCHED_PERSON.join(","));
    }

    #[test]
    fn names_are_unique_and_explained() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(KEYS[index + 1..].iter().all(|other| other.name != key.name), "{}", key.name);
            assert!(key.about.ends_with('.'), "{}", key.name);
        }
    }
}
