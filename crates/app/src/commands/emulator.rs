//! `emulator`: a SuperOffice alone, and what `serve` needs to work against it.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use superoffice_emulator::{Details, Emulator, Options};

use super::signals::stop_requested;
use crate::cli::{Cli, EmulatorArgs};
use crate::failure::Failure;
use crate::format::{print, print_json, say};

pub(super) async fn run(cli: &Cli, args: &EmulatorArgs) -> Result<(), Failure> {
    let options = Options {
        address: SocketAddr::from(([127, 0, 0, 1], args.port)),
        companies: args.companies as usize,
        seed: args.seed,
        populate: true,
        fields: !args.bare,
        crm_delay: Duration::from_millis(args.crm_delay),
        ..Options::default()
    };
    let emulator = Emulator::start(options).await.context("could not start the emulator")?;
    let details = emulator.details();
    if cli.json {
        let value = serde_json::to_value(&details).map_err(anyhow::Error::from)?;
        print_json(&value);
    } else {
        print(&dot_env(&details));
        say(&format!("The emulator runs at {}. Stop it with Ctrl-C.", details.login_url));
        say("Save the lines above as .env, then run: so-connector serve");
        say(&format!("Look behind it: {}/_emulator/accounts", details.login_url));
    }
    stop_requested().await;
    emulator.stop().await;
    Ok(())
}

/// What `serve` needs, as a `.env`.
fn dot_env(details: &Details) -> String {
    let lines = [
        format!("SO_LOGIN_URL={}", details.login_url),
        format!("SO_CONTEXT_IDENTIFIER={}", details.context),
        format!("SO_CLIENT_ID={}", details.client_id),
        format!("SO_CLIENT_SECRET={}", details.client_secret),
        format!("SO_REFRESH_TOKEN={}", details.refresh_token),
        format!("SO_REDIRECT_URI={}", details.redirect_uri),
        format!("OWNERS={}", details.owners.join(",")),
        format!("WEBHOOK_TOKEN={}", uuid::Uuid::new_v4().simple()),
        "WEBSITES_ALLOW=127.0.0.1".to_owned(),
    ];
    lines.join("\n")
}
