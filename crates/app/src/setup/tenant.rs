//! Step 1: which tenant, and as which application.

use superoffice::api::state::TenantState;
use superoffice::{Credentials, Error};

use super::step::{Done, Step};
use super::talk::{Question, Talk};
use crate::failure::{Failure, Status};
use crate::remote;
use crate::wire;

const ENVIRONMENT: Question = Question {
    key: "superoffice.environment",
    words: "Which SuperOffice environment?",
    help: "development and stage are for partners; customers work in production",
};
const CONTEXT: Question = Question {
    key: "superoffice.context",
    words: "Tenant (Cust and a number):",
    help: "it stands in the address of the CRM after signing in: online.superoffice.com/Cust12345",
};
const CLIENT_ID: Question = Question {
    key: "superoffice.client_id",
    words: "Client ID of the application:",
    help: "Developer Portal, your application, Overview or Configuration",
};
const CLIENT_SECRET: Question = Question {
    key: "superoffice.client_secret",
    words: "Client secret (application token):",
    help: "Developer Portal, your application; it differs for each environment",
};

pub(super) async fn run(talk: &mut Talk) -> Result<Done, Failure> {
    loop {
        ask(talk)?;
        match look(talk).await {
            Ok(words) => {
                let saved = talk.save(Step::Tenant)?;
                return Ok(if saved { Done::changed(words) } else { Done::as_it_was(words) });
            }
            Err(failure) if talk.asks() => Talk::tell(&failure),
            Err(failure) => return Err(failure),
        }
    }
}

fn ask(talk: &mut Talk) -> Result<(), Failure> {
    if talk.value("superoffice.login_url").is_none() {
        let options = [
            ("online", "production (online)"),
            ("sod", "development (sod)"),
            ("qaonline", "stage (qaonline)"),
        ];
        // A numbered host, such as online3, is understood as its environment.
        let numbered = talk.value(ENVIRONMENT.key).unwrap_or_default().to_owned();
        let plain = numbered.trim_end_matches(|c: char| c.is_ascii_digit());
        if plain != numbered && options.iter().any(|(name, _)| *name == plain) {
            talk.set(ENVIRONMENT.key, plain);
        }
        let chosen = talk.choose(&ENVIRONMENT, &options, "online")?;
        talk.set(ENVIRONMENT.key, &chosen);
    }
    let context = talk.text(&CONTEXT, |text| {
        let digits = text.strip_prefix("Cust").unwrap_or_default();
        let is_context = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit());
        if is_context { Ok(()) } else { Err("Cust and a number is wanted, such as Cust12345".to_owned()) }
    })?;
    talk.set(CONTEXT.key, &context);
    ask_application(talk)
}

/// Asks for the application's id and secret.
pub(super) fn ask_application(talk: &mut Talk) -> Result<(), Failure> {
    let filled = |text: &str| if text.is_empty() { Err("it is missing".to_owned()) } else { Ok(()) };
    let id = talk.text(&CLIENT_ID, filled)?;
    talk.set(CLIENT_ID.key, &id);
    let secret = talk.secret(&CLIENT_SECRET)?;
    talk.set(CLIENT_SECRET.key, &secret);
    Ok(())
}

/// Asks the sign-in server where the tenant is. That needs no sign-in yet.
async fn look(talk: &Talk) -> Result<String, Failure> {
    let config = talk.config()?;
    let tenant = remote::tenant(&config)?;
    let client = wire::client_with(&config, tenant, Credentials::Missing)?;
    let unknown = || {
        Failure::words(
            Status::NotFound,
            format!("{} does not know a tenant {}", tenant.login_url, tenant.context),
        )
        .help("look at the environment and at the number")
    };
    match client.tenant_state().await {
        Ok(status) if status.state == TenantState::Unknown => Err(unknown()),
        Ok(status) if !status.state.api_usable() => Err(Failure::words(
            Status::Failed,
            format!("the tenant's state is {}, so nothing can be set up now", status.state),
        )
        .help("run setup again when the tenant is running")),
        Ok(status) => Ok(format!("{} is {} at {}", tenant.context, status.state, status.api)),
        Err(Error::Offline { state: TenantState::Unknown, .. }) => Err(unknown()),
        Err(error) => Err(Failure::words(
            Status::Failed,
            format!("{} does not answer: {}", tenant.login_url, error.in_full()),
        )
        .help("look at the environment, at SO_LOGIN_URL, and at the way to the internet")),
    }
}
