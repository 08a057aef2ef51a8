//! Step 2: as whom the connector signs in.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use superoffice::api::user::SoPrincipal;
use superoffice::{Client, Credentials, Error, SignIn};
use url::Url;

use super::Done;
use super::callback::Callback;
use super::talk::{Question, Talk, pick};
use super::tenant;
use crate::config::{Config, Tenant};
use crate::failure::{Failure, Status, refused};
use crate::format::say;
use crate::remote;
use crate::sign_in;
use crate::wire;

const WAY: Question = Question {
    key: "setup.sign_in",
    words: "How shall the connector sign in?",
    help: "the user who signs in is the one that SuperOffice shows as having changed a company",
};
const WAYS: [(&str, &str); 4] = [
    ("browser", "in a browser on this machine"),
    ("paste", "in a browser elsewhere, and paste the address it ends at"),
    ("refresh_token", "with a refresh token that I have"),
    ("system_user", "as the application's system user (system token and private key)"),
];
const REDIRECT: Question = Question {
    key: "superoffice.redirect_uri",
    words: "Redirect address of the application:",
    help: "exactly as it is registered in the Developer Portal, such as http://127.0.0.1:8391/callback",
};
const TOKEN: Question = Question {
    key: "superoffice.refresh_token",
    words: "Refresh token:",
    help: "it is kept sealed in the database",
};
const SYSTEM_TOKEN: Question = Question {
    key: "superoffice.system_token",
    words: "System user token:",
    help: "given to you when an administrator of the tenant approved the application",
};
const KEY_FILE: Question = Question {
    key: "superoffice.private_key_file",
    words: "File with the application's private key:",
    help: "PEM, or the RSA-XML file of the Developer Portal",
};

/// How long a browser may take.
const PATIENCE: Duration = Duration::from_mins(10);

pub(super) async fn run(talk: &mut Talk) -> Result<Done, Failure> {
    if let Some(words) = still_good(talk).await? {
        let saved = talk.save()?;
        return Ok(if saved { Done::changed(words) } else { Done::as_it_was(words) });
    }
    let mut way = default_way(talk).to_owned();
    loop {
        way = talk.choose(&WAY, &WAYS, &way)?;
        match sign_in(talk, &way).await {
            Ok(done) => return Ok(done),
            Err(failure) if talk.asks() && failure.kind() != Status::Interrupted => {
                say(&format!("  ! {}", failure.message()));
            }
            Err(failure) => return Err(failure),
        }
        let options = ["try again", "correct the client ID and the client secret first"];
        if pick("What now? (Ctrl-C stops)", options.map(str::to_owned).to_vec())? == 1 {
            tenant::ask_application(talk)?;
        }
    }
}

/// Whether the present sign-in works; nobody has to be asked then. A token in the answers is a new one.
async fn still_good(talk: &mut Talk) -> Result<Option<String>, Failure> {
    let config = talk.config()?;
    let tenant = remote::tenant(&config)?;
    // A kept sign-in that cannot be opened is none.
    let credentials = sign_in::credentials(&config, tenant).unwrap_or(Credentials::Missing);
    let other = |answered: &str| match &credentials {
        Credentials::RefreshToken(token) => token.expose_secret() != answered,
        Credentials::Missing | Credentials::SystemUser { .. } => true,
    };
    if matches!(credentials, Credentials::Missing) || talk.answered(TOKEN.key).is_some_and(other) {
        return Ok(None);
    }
    let client = wire::client_with(&config, tenant, credentials)?;
    match principal(&client).await {
        Ok(principal) => Ok(Some(words(&principal))),
        Err(Error::AccessWithdrawn(says)) => {
            say(&format!("     The present sign-in is refused: {says}"));
            Ok(None)
        }
        Err(error) => Err(refused(&error)),
    }
}

async fn sign_in(talk: &mut Talk, way: &str) -> Result<Done, Failure> {
    let (client, credentials) = match way {
        "system_user" => with_system_user(talk)?,
        "refresh_token" => {
            let token = SecretString::from(talk.secret(&TOKEN)?);
            with(talk, Credentials::RefreshToken(token))?
        }
        here => in_browser(talk, here == "browser").await?,
    };
    let principal = principal(&client).await.map_err(|error| refused(&error))?;
    let config = talk.config()?;
    let tenant = remote::tenant(&config)?;
    let context = &principal.database_context_identifier;
    if !context.is_empty() && !context.eq_ignore_ascii_case(&tenant.context) {
        let words = format!("that is a sign-in to {context}, and {} is being set up", tenant.context);
        return Err(Failure::words(Status::SignIn, words));
    }
    if !talk.dry_run {
        let guard = talk.guard.clone();
        guard.whole(async { keep(talk, &config, tenant, &credentials) }).await?;
    }
    talk.sign_in_with(credentials);
    Ok(Done::changed(words(&principal)).with(json!({"associate": principal.associate, "way": way})))
}

/// A refresh token is kept sealed; what a system user needs is configuration.
fn keep(talk: &mut Talk, config: &Config, tenant: &Tenant, credentials: &Credentials) -> Result<(), Failure> {
    if let Credentials::RefreshToken(token) = credentials {
        sign_in::keep(config, tenant, token)?;
    }
    talk.save().map(drop)
}

fn default_way(talk: &Talk) -> &'static str {
    if talk.value(TOKEN.key).is_some() {
        "refresh_token"
    } else if talk.value(SYSTEM_TOKEN.key).is_some() {
        "system_user"
    } else {
        "browser"
    }
}

fn with(talk: &Talk, credentials: Credentials) -> Result<(Client, Credentials), Failure> {
    let config = talk.config()?;
    let client = wire::client_with(&config, remote::tenant(&config)?, credentials.clone())?;
    Ok((client, credentials))
}

fn with_system_user(talk: &mut Talk) -> Result<(Client, Credentials), Failure> {
    talk.secret(&SYSTEM_TOKEN)?;
    talk.text(&KEY_FILE, |file| match std::fs::metadata(file) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{file} cannot be read: {error}")),
    })?;
    let config = talk.config()?;
    let credentials = remote::tenant(&config)?.credentials.clone();
    with(talk, credentials)
}

async fn in_browser(talk: &mut Talk, here: bool) -> Result<(Client, Credentials), Failure> {
    let redirect = talk.text(&REDIRECT, |text| match Url::parse(text) {
        Ok(url) if url.has_host() => Ok(()),
        Ok(_) | Err(_) => Err("a whole address is wanted, such as http://127.0.0.1:8391/callback".to_owned()),
    })?;
    let (client, _) = with(talk, Credentials::Missing)?;
    let config = talk.config()?;
    let context = remote::tenant(&config)?.context.clone();
    let sign_in = SignIn::begin(&client, &redirect, Some(&context)).map_err(|error| refused(&error))?;
    let address = sign_in.address().map_err(|error| refused(&error))?;
    let callback = if here { Some(Callback::listen(&redirect).await?) } else { None };
    say("     Open this address in a browser, sign in as the user that the connector shall be, and approve:");
    say(&format!("     {address}"));
    let answer = match callback {
        Some(callback) => {
            say("     Waiting for the browser (Ctrl-C stops) …");
            tokio::time::timeout(PATIENCE, callback.answer()).await.map_err(|_| {
                Failure::words(Status::SignIn, "nobody signed in within ten minutes")
                    .help("run setup again; choose \"paste\" when the browser is on another machine")
            })??
        }
        None => pasted(talk)?,
    };
    let signed_in = sign_in.finish(&answer).await.map_err(|error| {
        Failure::words(Status::SignIn, error.in_full()).help(
            "an administrator of the tenant has to approve the application; the redirect address has to be registered",
        )
    })?;
    if signed_in.refresh_token.expose_secret().is_empty() {
        return Err(Failure::words(Status::SignIn, "SuperOffice gave no refresh token"));
    }
    with(talk, Credentials::RefreshToken(signed_in.refresh_token))
}

/// The address that the browser ended at. It shows nothing there, since nothing listens.
fn pasted(talk: &mut Talk) -> Result<Url, Failure> {
    let text = talk.ask_once(
        "setup.sign_in",
        "The address that the browser ended at:",
        "the page itself may be empty or an error; only its address counts",
    )?;
    Url::parse(&text)
        .map_err(|_| Failure::words(Status::Usage, "that is no address; copy the whole of it, from http on"))
}

async fn principal(client: &Client) -> Result<SoPrincipal, Error> {
    match client.current_principal().await {
        // Some tenants answer so for as long as the API user has no person; that we are let in is what counts.
        Err(Error::Refused { status, .. }) if status.is_server_error() => Ok(SoPrincipal::default()),
        other => other,
    }
}

fn words(principal: &SoPrincipal) -> String {
    if principal.associate.is_empty() {
        return "signed in; SuperOffice does not tell as whom".to_owned();
    }
    format!("signed in as {} ({}, {})", principal.associate, principal.full_name, principal.role_name)
}
