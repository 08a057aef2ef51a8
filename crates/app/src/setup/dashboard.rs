//! Step 5: where dashboard, API and webhook listen.

use std::net::SocketAddr;

use super::step::{Done, Step};
use super::talk::{Question, Talk};
use crate::config::Config;
use crate::failure::{Failure, Status};
use crate::remote;

const LISTEN: Question = Question {
    key: "listen",
    words: "Address and port to listen on:",
    help: "the dashboard has no logins, so it is of this machine alone; a reverse proxy forwards /connector/webhook",
};

pub(super) async fn run(talk: &mut Talk) -> Result<Done, Failure> {
    loop {
        let listen = talk.text(&LISTEN, |text| match text.parse::<SocketAddr>() {
            Ok(address) if address.ip().is_loopback() => Ok(()),
            Ok(_) => {
                Err("the dashboard has no logins, so a loopback address is wanted, such as 127.0.0.1:8080"
                    .to_owned())
            }
            Err(_) => Err("an address with a port is wanted, such as 127.0.0.1:8080".to_owned()),
        })?;
        talk.set(LISTEN.key, &listen);
        let config = talk.config()?;
        match holder(&config).await {
            Ok(runs) => {
                talk.service_runs = runs;
                let saved = talk.save(Step::Dashboard)?;
                let words = if runs {
                    format!("the service runs on http://{listen}/")
                } else {
                    format!("the dashboard will be at http://{listen}/")
                };
                return Ok(if saved { Done::changed(words) } else { Done::as_it_was(words) });
            }
            Err(failure) if talk.asks() => Talk::tell(&failure),
            Err(failure) => return Err(failure),
        }
    }
}

/// Whether our service has the address already. Somebody else must not.
pub(super) async fn holder(config: &Config) -> Result<bool, Failure> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(std::time::Duration::from_secs(5))
        .build()
        .map_err(anyhow::Error::from)?;
    let base = format!("http://{}", config.listen);
    if let Some(status) = remote::status(&client, &base).await {
        return remote::is_ours(config, &status).map(|()| true);
    }
    match tokio::net::TcpListener::bind(config.listen).await {
        Ok(_) => Ok(false),
        Err(error) => {
            Err(Failure::words(Status::Failed, format!("{} cannot be had: {error}", config.listen))
                .help("another program has it; choose another port with LISTEN"))
        }
    }
}
