//! The faults that `doctor` knows: one table of code, gravity, cause and remedy. The document is made from it.

macro_rules! codes {
    ($($variant:ident $code:literal $severity:ident $cause:literal $remedy:literal;)*) => {
        /// A fault that is known by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Code {
            $($variant,)*
        }

        impl Code {
            /// Every code there is.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable name that programs rely on.
            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// How grave it is.
            pub(crate) const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }

            /// Where it comes from.
            pub(crate) const fn cause(self) -> &'static str {
                match self { $(Self::$variant => $cause,)* }
            }

            /// What to do.
            pub(crate) const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }
        }
    };
}

/// How grave a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// It works, but not all of it, or not for long.
    Warning,
    /// It does not work.
    Failure,
}

impl Severity {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

codes! {
    ConfigInvalid "CONFIG_INVALID" Failure
        "A value in connector.toml, in .env or in the environment cannot be understood."
        "Mend what the words name; `so-connector config show` tells where each value comes from.";
    ConfigNoEffect "CONFIG_NO_EFFECT" Warning
        "A value is set that this version does not use."
        "Remove it, so that nobody relies on it.";
    SecretsReadable "SECRETS_READABLE" Warning
        "Everybody on this machine can read the file that holds the secrets."
        "Let only the service's user read it: chmod 600 .env";
    NoTenant "NO_TENANT" Failure
        "No SuperOffice tenant is configured."
        "Configure one: so-connector setup";
    StorageUnusable "STORAGE_UNUSABLE" Failure
        "The database cannot be opened."
        "Let DATABASE_URL name a file in a folder that the service may write to; restore it from a backup if it is damaged.";
    StorageNewer "STORAGE_NEWER" Failure
        "The database was made by a newer version of this program."
        "Install the version that made it, or a later one.";
    StorageUnreachable "STORAGE_UNREACHABLE" Failure
        "PostgreSQL does not answer, or does not let us in."
        "Check DATABASE_URL, the server, its pg_hba.conf, and the network between.";
    StorageUnfit "STORAGE_UNFIT" Failure
        "The PostgreSQL in DATABASE_URL must not be worked with: it is a standby, too old, or keeps text in another way."
        "Name the primary of a PostgreSQL 13 or newer, and a database with ENCODING 'UTF8'.";
    StorageAtRisk "STORAGE_AT_RISK" Warning
        "The settings of PostgreSQL let it lose what it committed when it or its power fails."
        "Change them as the words say; store.durability = \"strict\" refuses such a server.";
    DiskLow "DISK_LOW" Warning
        "The disk with the database is almost full; when it is, deliveries are answered with 503."
        "Make room on it, or move the database to another disk.";
    ExplorerBroken "EXPLORER_BROKEN" Failure
        "The texts that Company Explorer works with cannot be read."
        "Reinstall the program.";
    WebsitesOpen "WEBSITES_OPEN" Warning
        "WEBSITES_ALLOW lets the website reader reach addresses inside your network, at a tenant of SuperOffice's own."
        "Unset WEBSITES_ALLOW; it is for the emulator and for tests.";
    ServiceDown "SERVICE_DOWN" Warning
        "The service does not run, so deliveries are not taken in."
        "Start it: so-connector serve";
    ServiceForeign "SERVICE_FOREIGN" Failure
        "Another program, or the service of another tenant, answers at LISTEN."
        "Stop it, or set LISTEN to another address.";
    ServiceDegraded "SERVICE_DEGRADED" Warning
        "The running service reports that a part of it does not work."
        "Do what the words say; the service's page shows the same.";
    ReceiverRefuses "RECEIVER_REFUSES" Failure
        "The service does not take the delivery that SuperOffice would send."
        "Restart the service, so that it has the present WEBHOOK_TOKEN and WEBHOOK_SECRET; if it answers 503, look at the disk.";
    ClockSkew "CLOCK_SKEW" Warning
        "This machine's clock differs from SuperOffice's; signed tokens hold for minutes only."
        "Set the clock by NTP.";
    LoginUnreachable "LOGIN_UNREACHABLE" Failure
        "SuperOffice's sign-in server cannot be reached from here."
        "Let this machine reach it over https; check SO_ENVIRONMENT, SO_LOGIN_URL, DNS and the firewall.";
    TenantUnknown "TENANT_UNKNOWN" Failure
        "SuperOffice does not know the tenant, or not in this environment."
        "Check SO_CONTEXT_IDENTIFIER and SO_ENVIRONMENT.";
    TenantOffline "TENANT_OFFLINE" Warning
        "SuperOffice has taken the tenant out of service, for maintenance or for good."
        "Wait: deliveries are taken in, and work goes on by itself when the tenant is back. If it lasts, ask SuperOffice.";
    TenantForeignHost "TENANT_FOREIGN_HOST" Failure
        "The tenant's API is said to be at a host that is not SuperOffice's; no token was sent there."
        "Check SO_LOGIN_URL; if SuperOffice has a new domain, update this program.";
    SignInRefused "SIGN_IN_REFUSED" Failure
        "SuperOffice refuses the application or its token: a wrong secret, or consent that was withdrawn."
        "Check SO_CLIENT_ID and SO_CLIENT_SECRET; then let an administrator sign in and approve the application again: so-connector setup --only auth";
    ApiRefused "API_REFUSED" Failure
        "SuperOffice lets us in and refuses the simplest question."
        "Read SuperOffice's words; check that the application may use the Web API in the Developer Portal.";
    ApiUnreachable "API_UNREACHABLE" Failure
        "The tenant's API does not answer."
        "Let this machine reach it over https; if it is reached, try again later.";
    WrongTenant "WRONG_TENANT" Failure
        "The token is good for another tenant than the configured one."
        "Set SO_CONTEXT_IDENTIFIER to the tenant that approved the application, or approve it in the configured one.";
    IdentityUnknown "IDENTITY_UNKNOWN" Warning
        "SuperOffice does not tell which user our calls are made as, so our own changes are told apart only by what they write."
        "Link the API user to a person: Settings and maintenance, Users, the user, Person.";
    NoSender "NO_SENDER" Warning
        "No user with a person and an e-mail address is known to send mailings as."
        "Link the API user to a person with an e-mail address (Settings and maintenance, Users), or set MAILING_SENDER to a user who has one.";
    UsersRefused "USERS_REFUSED" Warning
        "SuperOffice does not tell the short names of its users."
        "Give the API user's role the right to read users, or name owners in OWNERS by number.";
    OwnerUnknown "OWNER_UNKNOWN" Failure
        "OWNERS names somebody who is no user of the tenant, so no account of theirs is ever worked on."
        "Correct OWNERS; `so-connector owners` lists the users.";
    AccountsRefused "ACCOUNTS_REFUSED" Failure
        "The API user may not list companies."
        "Give its role the right to read and write companies and persons: Settings and maintenance, Users, Roles.";
    WriteRefused "WRITE_REFUSED" Failure
        "SuperOffice does not let us make, change or remove a company."
        "Give the API user's role the right to read and write companies and persons: Settings and maintenance, Users, Roles.";
    FieldMissing "FIELD_MISSING" Failure
        "The tenant has no published field for one of the texts, so that text is not written."
        "Let it be made, or name a field that there is: so-connector setup --only fields";
    FieldType "FIELD_TYPE" Failure
        "A field is there and holds neither text nor items of a user-defined list."
        "Name another field under [fields] in connector.toml, or make one of type text or list: Settings and maintenance, Fields.";
    FieldDrift "FIELD_DRIFT" Failure
        "A field was renamed, taken away, retyped or shortened, or its list lost items, since it was first written to. Writes to it are held."
        "Make it in Settings and maintenance, Fields, what it was, or accept it: so-connector fields accept";
    FieldReadOnly "FIELD_READ_ONLY" Failure
        "SuperOffice refuses writes to a field."
        "Clear its read-only mark: Settings and maintenance, Fields.";
    FieldShort "FIELD_SHORT" Warning
        "A field is so short that hardly a sentence fits."
        "Use a long text field (199 characters), and name it under [fields] in connector.toml.";
    ItemMissing "ITEM_MISSING" Warning
        "The list behind the vertical's field lacks items, so companies of those verticals get none."
        "Let them be added: so-connector setup --only fields; or add them in Settings and maintenance, Lists.";
    WebhooksRefused "WEBHOOKS_REFUSED" Failure
        "SuperOffice does not let the application see webhooks."
        "Ask for webhook access of the application in the Developer Portal, then let an administrator approve it again.";
    WebhookMissing "WEBHOOK_MISSING" Failure
        "The tenant has no webhook that sends to this service."
        "Register it: so-connector setup --only webhook";
    WebhookDuplicate "WEBHOOK_DUPLICATE" Warning
        "More than one webhook of ours is registered, so everything is delivered more than once."
        "Remove all but one: so-connector webhook remove ID";
    WebhookStopped "WEBHOOK_STOPPED" Failure
        "Somebody stopped the webhook; nothing is delivered, and what happens meanwhile is lost to it."
        "Start it again: so-connector webhook reactivate";
    WebhookTooManyErrors "WEBHOOK_TOO_MANY_ERRORS" Failure
        "SuperOffice switched the webhook off after nine failed deliveries in a row."
        "Let the address answer 200, then: so-connector webhook reactivate";
    WebhookErrors "WEBHOOK_ERRORS" Warning
        "The last deliveries failed; after nine in a row SuperOffice switches the webhook off."
        "Let the address answer 200 from the internet, then try: so-connector webhook test";
    WebhookEvents "WEBHOOK_EVENTS" Warning
        "The webhook does not send all the events that are needed."
        "Bring it up to date: so-connector webhook register";
    WebhookToken "WEBHOOK_TOKEN" Failure
        "The webhook does not present the token that the service asks for, so every delivery is refused."
        "Bring it up to date: so-connector webhook register";
    WebhookSecret "WEBHOOK_SECRET" Failure
        "The webhook signs with another secret than the service knows, so every delivery is refused."
        "Bring it up to date: so-connector webhook register";
    WebhookAddress "WEBHOOK_ADDRESS" Failure
        "The webhook sends to another address than WEBHOOK_URL."
        "Bring it up to date: so-connector webhook register";
    WebhookInsecure "WEBHOOK_INSECURE" Warning
        "The webhook sends over http, so token and data travel in the open."
        "Put a reverse proxy with a certificate before the service, and register its https address.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_unique_and_speaks_in_sentences() {
        for (at, code) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL[at + 1..].iter().all(|other| other.as_str() != code.as_str()), "{code:?}");
            assert!(code.cause().ends_with('.'), "{code:?}");
            assert!(!code.remedy().is_empty(), "{code:?}");
        }
    }
}
