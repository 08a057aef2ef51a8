//! A product that runs as a process of its own, beside an emulator in this one.
//!
//! It can be killed, stopped and started again on the same database and the same port. Whatever it prints is kept, and
//! its end is shown when a test fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use superoffice_emulator::{Details, Emulator, Entity, Options, Pace, World, story};
use tempfile::TempDir;

use super::program::{self, Ran};
use super::{Delivery, SOON, terminate, until};

/// What the deliveries present.
pub(crate) const TOKEN: &str = "canary-token-5f1c77";

/// The events that the webhook asks for.
const EVENTS: &[&str] = &[
    "contact.created",
    "contact.changed",
    "contact.softdeleted",
    "contact.deleted",
    "person.created",
    "person.changed",
    "person.softdeleted",
    "person.deleted",
    "person.unconsented",
];

/// How a product is started.
pub(crate) struct Setup {
    toml: String,
    variables: BTreeMap<String, String>,
    arguments: Vec<String>,
    companies: usize,
    seed: u64,
    populate: bool,
    bare: bool,
    secret: Option<&'static str>,
}

impl Setup {
    /// Few companies, none of which is in the CRM yet.
    pub(crate) fn new() -> Self {
        Self {
            toml: String::new(),
            variables: BTreeMap::new(),
            arguments: Vec::new(),
            companies: 24,
            seed: 1,
            populate: false,
            bare: false,
            secret: None,
        }
    }

    /// So many companies in the story.
    pub(crate) fn companies(mut self, companies: usize) -> Self {
        self.companies = companies;
        self
    }

    /// Another story.
    pub(crate) fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The companies are in the CRM from the start, and no webhook tells of them.
    pub(crate) fn populated(mut self) -> Self {
        self.populate = true;
        self
    }

    /// The tenant has none of the fields that texts go to, and the product is not configured.
    pub(crate) fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Lines of `connector.toml`.
    pub(crate) fn toml(mut self, lines: &str) -> Self {
        self.toml.push_str(lines);
        self.toml.push('\n');
        self
    }

    /// Records do not rest, so that a second event need not wait.
    pub(crate) fn restless(self) -> Self {
        self.toml("filter.rest = \"0s\"")
    }

    /// One more variable, or another value.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// One more argument before `serve`.
    pub(crate) fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Deliveries are signed with this key.
    pub(crate) fn signed(mut self, secret: &'static str) -> Self {
        self.secret = Some(secret);
        self.variable("WEBHOOK_SECRET", secret)
    }

    /// Starts emulator and product, and registers the webhook.
    pub(crate) async fn start(self) -> Product {
        let mut product = self.prepare().await;
        product.launch().await;
        product.register().await;
        product
    }

    /// Starts the emulator and makes everything ready for the product.
    pub(crate) async fn prepare(self) -> Product {
        // Another part of the test may have chosen a provider already; that one is fine too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let emulator = Emulator::start(Options {
            companies: self.companies,
            seed: self.seed,
            populate: self.populate,
            fields: !self.bare,
            retry_waits: [Duration::from_millis(200), Duration::from_millis(800)],
            ..Options::default()
        });
        let emulator = emulator.await.unwrap();
        let details = emulator.details();
        let folder = tempfile::Builder::new().prefix("story-").tempdir().unwrap();
        program::keep(folder.path());
        if !self.toml.is_empty() {
            std::fs::write(folder.path().join("connector.toml"), &self.toml).unwrap();
        }
        let (port, hold) = free_port();
        let mut variables =
            if self.bare { BTreeMap::new() } else { variables(&details, port, folder.path()) };
        variables.extend(self.variables);
        let client = reqwest::Client::builder().no_proxy().timeout(SOON).build().unwrap();
        Product {
            world: emulator.world(),
            companies: story::story(self.companies, self.seed).companies,
            emulator,
            details,
            folder,
            port,
            _hold: hold,
            variables,
            arguments: self.arguments,
            secret: self.secret,
            client,
            child: None,
            wrapper: Vec::new(),
        }
    }
}

fn variables(details: &Details, port: u16, folder: &Path) -> BTreeMap<String, String> {
    let database = format!("sqlite://{}", folder.join("connector.db").display());
    [
        ("SO_LOGIN_URL", details.login_url.clone()),
        ("SO_CONTEXT_IDENTIFIER", details.context.clone()),
        ("SO_CLIENT_ID", details.client_id.clone()),
        ("SO_CLIENT_SECRET", details.client_secret.clone()),
        ("SO_REFRESH_TOKEN", details.refresh_token.clone()),
        ("SO_REDIRECT_URI", details.redirect_uri.clone()),
        ("OWNERS", details.owners.join(",")),
        ("WEBHOOK_TOKEN", TOKEN.to_owned()),
        ("WEBSITES_ALLOW", "127.0.0.1".to_owned()),
        ("DATABASE_URL", database),
        ("LISTEN", format!("127.0.0.1:{port}")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// A port that stays ours while the product is down: outside the range from which the system takes ports for outgoing
/// connections, and held against other tests, which run side by side, by a locked file.
pub(super) fn free_port() -> (u16, File) {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let folder = std::env::temp_dir().join("so-connector-story-ports");
    std::fs::create_dir_all(&folder).unwrap();
    let process = u16::try_from(std::process::id() % 1_000).unwrap();
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (process * 12 + step) % 12_000;
        let hold = File::create(folder.join(port.to_string())).unwrap();
        if hold.try_lock().is_ok() && std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return (port, hold);
        }
    }
}

/// An emulator with a product beside it.
pub(crate) struct Product {
    pub(crate) world: World,
    pub(crate) companies: Vec<story::Company>,
    pub(crate) details: Details,
    pub(crate) folder: TempDir,
    pub(crate) variables: BTreeMap<String, String>,
    emulator: Emulator,
    port: u16,
    /// Keeps the port from other tests.
    _hold: File,
    arguments: Vec<String>,
    secret: Option<&'static str>,
    client: reqwest::Client,
    child: Option<Child>,
    /// A program, with its arguments, that runs the product.
    pub(crate) wrapper: Vec<String>,
}

/// The process.
impl Product {
    /// Starts the process and waits until it answers.
    pub(crate) async fn launch(&mut self) {
        let ended = self.try_launch().await;
        assert!(ended.is_none(), "the product ended at its start: {ended:?}");
    }

    /// Starts the process and waits until it answers, or until it has ended; then says how.
    pub(crate) async fn try_launch(&mut self) -> Option<ExitStatus> {
        let mut arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        arguments.extend(["serve", "--json"]);
        let plain = program::command(self.folder.path(), &self.variables, &arguments);
        let mut command = match self.wrapper.split_first() {
            None => plain,
            Some((wrapper, first)) => {
                let mut command = Command::new(wrapper);
                command.args(first).arg(plain.get_program()).args(plain.get_args());
                command.current_dir(self.folder.path()).env_clear().envs(&self.variables);
                command.stdin(Stdio::null());
                command
            }
        };
        let child = command.stdout(self.append("stdout")).stderr(self.append("stderr")).spawn().unwrap();
        self.child = Some(child);
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            let alive = self.client.get(self.url("/healthz")).timeout(Duration::from_secs(2)).send().await;
            if alive.as_ref().is_ok_and(|answer| answer.status() == StatusCode::OK) {
                return None;
            }
            if let Some(ended) = self.ended() {
                return Some(ended);
            }
            assert!(Instant::now() < end, "{alive:?} is all that comes; its threads:\n{}", self.threads());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the threads of the process are at, for a process that is stuck.
    fn threads(&self) -> String {
        let process = self.child.as_ref().map_or(0, Child::id);
        let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return String::new() };
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let about = |thread: PathBuf| {
            format!("{}: {} in {}", thread.display(), read(thread.join("comm")), read(thread.join("wchan")))
        };
        threads.flatten().map(|thread| about(thread.path())).collect::<Vec<_>>().join("\n")
    }

    fn append(&self, name: &str) -> File {
        File::options().create(true).append(true).open(self.folder.path().join(name)).unwrap()
    }

    /// Ends the process as a power cut would: without a word.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        if !self.wrapper.is_empty() {
            let inner = inner_process(child.id());
            let done = Command::new("kill").args(["-KILL", &inner.to_string()]).status().unwrap();
            assert!(done.success());
            child.wait().unwrap();
            return;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Whether there is a process, as far as is known.
    pub(crate) fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Its number.
    pub(crate) fn process(&self) -> u32 {
        let child = self.child.as_ref().unwrap().id();
        if self.wrapper.is_empty() { child } else { inner_process(child) }
    }

    /// How the process has ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let ended = self.child.as_mut()?.try_wait().unwrap();
        if ended.is_some() {
            self.child = None;
        }
        ended
    }

    /// Asks the process to end, and waits for it.
    pub(crate) async fn stop(&mut self) -> (ExitStatus, Duration) {
        let process = self.process();
        let mut child = self.child.take().unwrap();
        let asked = Instant::now();
        terminate(process);
        let status = until(SOON, "the process has ended", async || child.try_wait().unwrap()).await;
        (status, asked.elapsed())
    }

    /// Everything it printed so far: (stdout, stderr).
    pub(crate) fn printed(&self) -> (String, String) {
        let read = |name: &str| std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        (read("stdout"), read("stderr"))
    }

    /// A command with the same configuration, to be started by the caller.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        program::command(self.folder.path(), &self.variables, arguments)
    }

    /// The port that the product listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Runs another command with the same configuration.
    pub(crate) fn cli(&self, arguments: &[&str]) -> Ran {
        program::run(self.folder.path(), &self.variables, arguments)
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> PathBuf {
        PathBuf::from(self.variables["DATABASE_URL"].trim_start_matches("sqlite://"))
    }
}

/// The process that a wrapper runs.
fn inner_process(wrapper: u32) -> u32 {
    let children = std::fs::read_to_string(format!("/proc/{wrapper}/task/{wrapper}/children")).unwrap();
    children.split_whitespace().next().expect("the wrapper runs something").parse().unwrap()
}

/// Talking to it.
impl Product {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    pub(crate) async fn try_get(&self, path: &str) -> Option<Value> {
        let answer = self.client.get(self.url(path)).send().await.ok()?;
        if !answer.status().is_success() {
            return None;
        }
        answer.json().await.ok()
    }

    /// Asks the API.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(self.url(path)).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "GET {path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) async fn post(&self, path: &str) -> Response {
        self.client.post(self.url(path)).send().await.unwrap()
    }

    /// All items of a list, page by page.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let mut page = self.get(&format!("{path}{joint}limit=1000{after}")).await;
            items.append(page["items"].as_array_mut().unwrap());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
        }
    }

    pub(crate) async fn status(&self) -> Value {
        self.get("/api/v1/status").await
    }

    pub(crate) async fn account(&self, id: i64) -> Value {
        self.get(&format!("/api/v1/accounts/{id}")).await
    }

    /// The jobs of one record, oldest first.
    pub(crate) async fn jobs_of(&self, entity: Entity, id: i64) -> Vec<Value> {
        let mut jobs = self.all("/api/v1/jobs").await;
        jobs.retain(|job| job["entity"] == entity.word() && job["entity_id"] == id);
        jobs.reverse();
        jobs
    }

    /// The ids of all stored events.
    pub(crate) async fn event_ids(&self) -> BTreeSet<String> {
        let events = self.all("/api/v1/events").await;
        events.iter().map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
    }

    /// Sends a body to the webhook, with token and signature in order.
    pub(crate) async fn send(&self, body: Vec<u8>) -> Result<Response, reqwest::Error> {
        let mut request = self.client.post(self.url("/connector/webhook")).header("X-Webhook-Token", TOKEN);
        if let Some(secret) = self.secret {
            let signature = superoffice::webhook::Signature::sign(secret, &body);
            request = request.header("X-SuperOffice-Signature", signature);
        }
        request.body(body).send().await
    }

    /// Sends a delivery and returns the status, and the answer's `status`.
    pub(crate) async fn deliver(&self, delivery: &Delivery) -> (u16, String) {
        let answer = self.send(delivery.bytes()).await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap();
        (status, body["status"].as_str().unwrap_or_default().to_owned())
    }
}

/// The CRM's side.
impl Product {
    /// Asks SuperOffice to send its events here.
    pub(crate) async fn register(&self) {
        self.try_register().await.unwrap();
    }

    async fn try_register(&self) -> Result<(), String> {
        let webhook = json!({
            "Name": "SuperOffice Connector", "Events": EVENTS, "TargetUrl": self.url("/connector/webhook"),
            "Secret": self.secret.unwrap_or_default(), "State": "Active", "Type": "webhook",
            "Headers": {"X-Webhook-Token": TOKEN},
        });
        self.agreed(self.client.post(format!("{}v1/Webhook", self.api())).json(&webhook)).await
    }

    /// Switches webhooks on again that failed too often.
    pub(crate) async fn reactivate(&self) {
        self.try_reactivate().await.unwrap();
    }

    async fn try_reactivate(&self) -> Result<(), String> {
        let patch = json!([{"op": "replace", "path": "/State", "value": "Active"}]);
        for hook in self.world.webhooks() {
            let url = format!("{}v1/Webhook/{}", self.api(), hook.id);
            self.agreed(self.client.patch(url).json(&patch)).await?;
        }
        Ok(())
    }

    /// Sees to it that SuperOffice sends its events here. It agrees only while we answer.
    pub(crate) async fn try_listen(&self) -> Result<(), String> {
        if self.world.webhooks().is_empty() {
            self.try_register().await?;
        }
        self.try_reactivate().await
    }

    async fn agreed(&self, request: reqwest::RequestBuilder) -> Result<(), String> {
        let answer = request.bearer_auth(&self.details.access_token).send().await.unwrap();
        if answer.status().is_success() { Ok(()) } else { Err(answer.text().await.unwrap()) }
    }

    fn api(&self) -> String {
        format!("{}/", self.details.api_url.trim_end_matches('/'))
    }

    /// People enter all companies of the story at once.
    pub(crate) async fn play(&self) {
        self.emulator.play(Pace::Burst).await;
    }

    /// Somebody enters one company of the story and its people; returns the company's number.
    pub(crate) fn enter(&self, company: &story::Company) -> i64 {
        let (country, owner) = (company.country.id.to_string(), company.owner.to_string());
        let url = company.website.as_ref().map(|site| self.website(&site.host)).unwrap_or_default();
        let fields = [
            ("Name", company.name.as_str()),
            ("Department", &company.department),
            ("Country", &country),
            ("Owner", &owner),
            ("URL", &url),
        ];
        let id = self.world.create(Entity::Contact, company.owner, &fields).unwrap();
        for person in &company.persons {
            let (contact, position) = (id.to_string(), person.position.clone().unwrap_or_default());
            let fields = [
                ("FirstName", person.first_name.as_str()),
                ("LastName", &person.last_name),
                ("Title", &person.title),
                ("Position", &position),
                ("Contact", &contact),
            ];
            self.world.create(Entity::Person, company.owner, &fields).unwrap();
        }
        id
    }

    /// The address of a website of the story.
    pub(crate) fn website(&self, host: &str) -> String {
        format!("http://{host}.localhost:{}/", self.emulator.address().port())
    }

    /// How many calls of a method the CRM answered with this status, on contacts and persons alone.
    pub(crate) async fn calls(&self, method: &str, status: u16) -> u64 {
        let url = format!("{}/_emulator/calls", self.details.login_url);
        let calls: Vec<Value> = self.client.get(url).send().await.unwrap().json().await.unwrap();
        let counts = calls.iter().filter(|call| {
            let is_entity = ["Contact/{id}", "Person/{id}"].contains(&call["route"].as_str().unwrap());
            is_entity && call["method"] == method && call["status"] == status
        });
        counts.map(|call| call["count"].as_u64().unwrap()).sum()
    }

    /// Waits until SuperOffice has nothing left to send and the product nothing left to do.
    pub(crate) async fn settle(&self) {
        self.settle_within(SOON).await;
    }

    pub(crate) async fn settle_within(&self, limit: Duration) {
        until(limit, "everything is delivered and done", async || {
            if !self.world.deliveries_idle() {
                return None;
            }
            let open = self.try_get("/api/v1/status").await?["open"].as_u64()?;
            (open == 0 && self.world.deliveries_idle()).then_some(())
        })
        .await;
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
        if std::thread::panicking() {
            let (_, stderr) = self.printed();
            let lines: Vec<&str> = stderr.lines().collect();
            let last = lines[lines.len().saturating_sub(40)..].join("\n");
            eprintln!("--- the last lines that the product logged:\n{last}\n---");
        }
    }
}
