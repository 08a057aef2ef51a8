//! Step 2: as whom the connector signs in.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use superoffice::api::user::SoPrincipal;
use superoffice::{Client, Credentials, Error, SignIn};
use url::Url;

use super::callback::Callback;
use super::step::{Done, Step};
use super::talk::{Question, Talk, pick};
use super::tenant;
use crate::config::Tenant;
use crate::config::tenant::private_key;
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
        // Whoever asks for this step alone may want another user.
        let keep = !(talk.asks() && talk.only == Some(Step::Auth)) || {
            say(&format!("     At present: {words}"));
            let options = ["keep this sign-in", "sign in anew, perhaps as another user"];
            pick("What shall become of it?", options.map(str::to_owned).to_vec())? == 0
        };
        if keep {
            let saved = talk.save(Step::Auth)?;
            return Ok(if saved { Done::changed(words) } else { Done::as_it_was(words) });
        }
    }
    let mut way = default_way(talk).to_owned();
    loop {
        way = talk.choose(&WAY, &WAYS, &way)?;
        match sign_in(talk, &way).await {
            Ok(done) => return Ok(done),
            Err(failure) if talk.asks() && failure.kind() != Status::Interrupted => Talk::tell(&failure),
            Err(failure) => return Err(failure),
        }
        let options = ["try again", "correct the client ID and the client secret first"];
        if pick("What now? (Ctrl-C stops)", options.map(str::to_owned).to_vec())? == 1 {
            tenant::ask_application(talk)?;
            talk.save(Step::Tenant)?;
        }
    }
}

/// Whether the present sign-in works; nobody has to be asked then. Another token in the answers is a new one.
async fn still_good(talk: &mut Talk) -> Result<Option<String>, Failure> {
    let config = talk.config()?;
    let tenant = remote::tenant(&config)?;
    // A kept sign-in that cannot be opened is none.
    let credentials = sign_in::credentials(&config, tenant).unwrap_or(Credentials::Missing);
    if !is_as_answered(talk, &credentials) {
        return Ok(None);
    }
    let client = wire::client_with(&config, tenant, credentials)?;
    let in_use = client.refresh_token();
    match principal(&client, tenant).await {
        Ok(principal) => {
            // Should SuperOffice have given a new refresh token meanwhile, it is the one that counts.
            if !talk.dry_run && in_use.has_changed().unwrap_or(false) {
                sign_in::keep(&config, tenant, &in_use.borrow())?;
            }
            Ok(Some(words(&principal)))
        }
        Err(failure) if failure.kind() == Status::SignIn => {
            say(&format!("     The present sign-in is of no use: {}", failure.message()));
            Ok(None)
        }
        Err(failure) => Err(failure),
    }
}

/// Whether credentials are those of the answers, as far as these name any.
fn is_as_answered(talk: &Talk, credentials: &Credentials) -> bool {
    let answers = (talk.answered(TOKEN.key), talk.answered(SYSTEM_TOKEN.key));
    match (credentials, answers) {
        (Credentials::Missing, _) => false,
        (Credentials::RefreshToken(_) | Credentials::SystemUser { .. }, (None, None)) => true,
        (Credentials::RefreshToken(token), (Some(answered), _)) => token.expose_secret() == answered,
        (Credentials::SystemUser { system_token, .. }, (_, Some(answered))) => {
            system_token.expose_secret() == answered
        }
        (Credentials::RefreshToken(_), (None, Some(_))) => false,
        (Credentials::SystemUser { .. }, (Some(_), None)) => false,
    }
}

async fn sign_in(talk: &mut Talk, way: &str) -> Result<Done, Failure> {
    let mut configured = Vec::new();
    let (client, credentials) = match way {
        "system_user" => with_system_user(talk, &mut configured)?,
        "refresh_token" => {
            let token = SecretString::from(talk.secret(&TOKEN)?);
            with(talk, Credentials::RefreshToken(token))?
        }
        here => in_browser(talk, here == "browser").await?,
    };
    let config = talk.config()?;
    let tenant = remote::tenant(&config)?;
    let principal = principal(&client, tenant).await?;
    let credentials = match credentials {
        Credentials::RefreshToken(_) => Credentials::RefreshToken(client.refresh_token().borrow().clone()),
        other => other,
    };
    if !talk.dry_run {
        let guard = talk.guard.clone();
        guard.whole(async { keep(talk, &credentials, configured) }).await?;
    }
    talk.sign_in_with(credentials);
    Ok(Done::changed(words(&principal)).with(json!({"associate": principal.associate, "way": way})))
}

/// A refresh token is kept sealed; what a system user needs is configuration. Of the two, the former one goes.
fn keep(
    talk: &mut Talk,
    credentials: &Credentials,
    configured: Vec<(&'static str, String)>,
) -> Result<(), Failure> {
    match credentials {
        Credentials::RefreshToken(token) => {
            talk.set(SYSTEM_TOKEN.key, "");
            talk.set(KEY_FILE.key, "");
            talk.save(Step::Auth)?;
            let config = talk.config()?;
            let tenant = remote::tenant(&config)?;
            sign_in::keep(&config, tenant, token)?;
        }
        Credentials::SystemUser { .. } => {
            talk.set(TOKEN.key, "");
            for (key, value) in configured {
                talk.set(key, &value);
            }
            talk.save(Step::Auth)?;
        }
        Credentials::Missing => {}
    }
    Ok(())
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

fn with_system_user(
    talk: &Talk,
    configured: &mut Vec<(&'static str, String)>,
) -> Result<(Client, Credentials), Failure> {
    let system_token = talk.secret(&SYSTEM_TOKEN)?;
    let file = talk.text(&KEY_FILE, |file| private_key(file).map(drop))?;
    let unusable = |words| Failure::words(Status::Usage, words);
    let private_key = private_key(&file).map_err(unusable)?;
    let credentials = Credentials::SystemUser { system_token: system_token.clone().into(), private_key };
    let pair = with(talk, credentials)?;
    configured.extend([(SYSTEM_TOKEN.key, system_token), (KEY_FILE.key, file)]);
    Ok(pair)
}

async fn in_browser(talk: &mut Talk, here: bool) -> Result<(Client, Credentials), Failure> {
    let redirect = talk.text(&REDIRECT, |text| match Url::parse(text) {
        Ok(url) if url.has_host() => Ok(()),
        Ok(_) | Err(_) => Err("a whole address is wanted, such as http://127.0.0.1:8391/callback".to_owned()),
    })?;
    talk.set(REDIRECT.key, &redirect);
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

/// Who we are, in the right tenant.
async fn principal(client: &Client, tenant: &Tenant) -> Result<SoPrincipal, Failure> {
    let principal = match client.current_principal().await {
        // Some tenants answer so for as long as the API user has no person; that we are let in is what counts.
        Err(Error::Refused { status, .. }) if status.is_server_error() => return Ok(SoPrincipal::default()),
        other => other.map_err(|error| refused(&error))?,
    };
    let context = &principal.database_context_identifier;
    if !context.is_empty() && !context.eq_ignore_ascii_case(&tenant.context) {
        let words = format!("that is a sign-in to {context}, and {} is being set up", tenant.context);
        return Err(Failure::words(Status::SignIn, words).help("sign in to the right tenant"));
    }
    Ok(principal)
}

fn words(principal: &SoPrincipal) -> String {
    if principal.associate.is_empty() {
        return "signed in; SuperOffice does not tell as whom".to_owned();
    }
    format!("signed in as {} ({}, {})", principal.associate, principal.full_name, principal.role_name)
}
