//! A running emulator: one port, one tenant, and the tasks that serve and deliver.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::play::Pace;
use crate::serve::{self, Server};
use crate::story;
use crate::world::World;
use crate::world::seed::Setup;
use crate::{deliver, story::Story};

/// How an emulator starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens. It is meant for loopback: the control routes ask for no password.
    pub address: SocketAddr,
    /// How many companies the story has.
    pub companies: usize,
    /// The seed of the story and of every chance.
    pub seed: u64,
    /// Whether the companies are in the CRM from the start. Otherwise there are only users, fields and lists.
    pub populate: bool,
    /// Whether the tenant has the fields that the story's texts go to. Without them it is as before a set-up.
    pub fields: bool,
    /// How long a webhook waits before its second and its third attempt.
    pub retry_waits: [Duration; 2],
    /// How long an access token is good.
    pub token_life: Duration,
    /// What every API call takes longer; for benchmarks.
    pub crm_delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            companies: 24,
            seed: 1,
            populate: true,
            fields: true,
            retry_waits: [Duration::from_secs(1), Duration::from_secs(4)],
            token_life: Duration::from_hours(1),
            crm_delay: Duration::ZERO,
        }
    }
}

/// Why an emulator did not start. Nothing runs then.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("could not listen on {0}")]
    Address(SocketAddr, #[source] std::io::Error),
    /// The client that delivers webhooks could not be made.
    #[error("could not prepare the client that delivers webhooks")]
    Client(#[source] reqwest::Error),
}

/// What a client needs to talk to the emulator. These are made-up credentials of a made-up tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Details {
    /// Root of the sign-in server and of `/api/state/{context}`.
    pub login_url: String,
    /// The API, without `v1`.
    pub api_url: String,
    /// The tenant.
    pub context: String,
    /// The application.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// A refresh token that stays good until consent is withdrawn.
    pub refresh_token: String,
    /// An access token that is good from the start.
    pub access_token: String,
    /// The system user's token.
    pub system_token: String,
    /// The key that signs the system user's token, as PEM. It is fixed, and in the source: it opens nothing else.
    pub private_key: String,
    /// Where an authorization code is sent.
    pub redirect_uri: String,
    /// A list of the websites. Each is at `http://LABEL.localhost:PORT/`.
    pub websites_url: String,
    /// Short names of the associates in scope.
    pub owners: Vec<String>,
    /// Another application that the tenant let in; it sees none of the first one's webhooks.
    pub other_application: OtherApplication,
}

/// The credentials of the second application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OtherApplication {
    /// Its id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// A refresh token.
    pub refresh_token: String,
    /// An access token that is good from the start.
    pub access_token: String,
}

/// A running emulator. It stops when it is dropped; [`Emulator::stop`] also waits for it.
#[derive(Debug)]
pub struct Emulator {
    world: World,
    address: SocketAddr,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Emulator {
    /// Starts an emulator with the story of `options`.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let story = story::story(options.companies, options.seed);
        Self::start_with(options, story).await
    }

    /// Starts an emulator with another story.
    pub async fn start_with(options: Options, story: Story) -> Result<Self, StartError> {
        let failed = |error| StartError::Address(options.address, error);
        let listener = TcpListener::bind(options.address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let client = deliver::client().map_err(StartError::Client)?;
        let (world, errands) = World::new(Setup::new(story, address.port(), &options));

        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let server = Server { world: world.clone(), client: client.clone(), local: false };
        tasks.spawn(serve::run(server, listener, tasks.clone(), stop.clone()));
        tasks.spawn(deliver::run(world.clone(), client, errands, tasks.clone(), stop.clone()));
        Ok(Self { world, address, tasks, stop })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What a client needs to talk to it.
    pub fn details(&self) -> Details {
        self.world.with(|state| {
            let access = &state.access;
            let in_scope = state.associates.iter().filter(|associate| state.in_scope(associate.id));
            Details {
                login_url: state.setup.origin.clone(),
                api_url: state.api_url(),
                context: state.context.clone(),
                client_id: access.own.client_id.clone(),
                client_secret: access.own.client_secret.clone(),
                refresh_token: access.own.refresh_token.clone(),
                access_token: access.own.first_token.clone(),
                other_application: OtherApplication {
                    client_id: access.other.client_id.clone(),
                    client_secret: access.other.client_secret.clone(),
                    refresh_token: access.other.refresh_token.clone(),
                    access_token: access.other.first_token.clone(),
                },
                system_token: access.system_token.clone(),
                private_key: crate::login::APP_KEY.to_owned(),
                redirect_uri: access.redirect_uri.clone(),
                websites_url: format!("{}/sites", state.setup.origin),
                owners: in_scope.map(|associate| associate.short_name.clone()).collect(),
            }
        })
    }

    /// A handle on the tenant.
    pub fn world(&self) -> World {
        self.world.clone()
    }

    /// Plays the story: companies that are not in the CRM yet are entered by their owners.
    ///
    /// Returns when all are there. At [`Pace::Live`] people go on changing things until the emulator stops.
    pub async fn play(&self, pace: Pace) {
        tokio::select! {
            () = self.stop.cancelled() => return,
            () = self.world.enter_all(pace) => {}
        }
        if matches!(pace, Pace::Live { .. }) {
            let (world, stop) = (self.world.clone(), self.stop.clone());
            self.tasks.spawn(async move {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = world.live_on() => {}
                }
            });
        }
    }

    /// Waits until no delivery is in flight or waiting for another attempt.
    pub async fn settled(&self) {
        self.world.settled().await;
    }

    /// Stops serving and delivering, and waits until both have.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
