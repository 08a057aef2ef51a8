//! The product as a process of its own, on a fresh database in a real folder, ended when it is dropped.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::Value;

use super::delivery::TENANT;
use super::http::Http;

/// What deliveries present.
pub(crate) const TOKEN: &str = "bench-token";

/// Where to run, and what.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) binary: PathBuf,
    pub(crate) folder: PathBuf,
}

/// A process of the product.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From starting the process to its first answer.
    pub(crate) start: Duration,
}

impl Drop for Service {
    fn drop(&mut self) {
        // What it leaves behind is thrown away, so it need not end in peace.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Service {
    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Says that it has ended, if it has.
    pub(crate) fn alive(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            Some(status) => bail!("the product ended with {status}; see target/bench/bench.log"),
            None => Ok(()),
        }
    }

    /// A connection to it.
    pub(crate) fn http(&self) -> anyhow::Result<Http> {
        Http::to(self.address)
    }
}

/// The environment of a receiver that has no CRM to talk to.
pub(crate) fn no_crm() -> Vec<(String, String)> {
    [
        ("SO_LOGIN_URL", "http://127.0.0.1:9"),
        ("SO_CONTEXT_IDENTIFIER", TENANT),
        ("SO_CLIENT_ID", "bench"),
        ("SO_CLIENT_SECRET", "bench"),
        ("SO_REFRESH_TOKEN", "bench"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

impl Place {
    /// Removes the database that an earlier process left.
    pub(crate) fn clear(&self) {
        for ending in ["db", "db-wal", "db-shm", "db.lock"] {
            drop(fs::remove_file(self.folder.join(format!("bench.{ending}"))));
        }
    }

    /// Starts `serve` and waits for its first answer. `settings` are lines of `connector.toml`.
    pub(crate) fn serve(&self, settings: &str, environment: &[(String, String)]) -> anyhow::Result<Service> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = self.folder.join("connector.toml");
        fs::write(
            &file,
            format!("listen = \"{address}\"\ndatabase = \"sqlite://bench.db\"\nbench = true\n{settings}\n"),
        )?;
        let mut command = self.command(&["serve", "--config", "connector.toml"])?;
        command.envs(environment.iter().cloned()).env("WEBHOOK_TOKEN", TOKEN).stdout(Stdio::null());
        let began = Instant::now();
        let child = command.spawn().context("could not start the product")?;
        let mut service = Service { child, address, start: Duration::ZERO };
        loop {
            if answers(address) {
                service.start = began.elapsed();
                return Ok(service);
            }
            if let Some(status) = service.child.try_wait()? {
                bail!("the product ended with {status}; see {}", self.log().display());
            }
            if began.elapsed() > Duration::from_secs(20) {
                bail!("the product does not answer; see {}", self.log().display());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Starts the emulator and returns what it says of itself.
    pub(crate) fn emulator(&self, companies: usize, crm_delay: Duration) -> anyhow::Result<(Service, Value)> {
        let (companies, delay) = (companies.to_string(), crm_delay.as_millis().to_string());
        let arguments = ["--json", "emulator", "--companies", &companies, "--crm-delay", &delay];
        let began = Instant::now();
        let mut child = self.command(&arguments)?.stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let out = child.stdout.take().context("the emulator has no stdout")?;
        BufReader::new(out).read_line(&mut line)?;
        let details: Value = serde_json::from_str(&line)
            .with_context(|| format!("the emulator did not start; see {}", self.log().display()))?;
        let login = details["login_url"].as_str().unwrap_or_default();
        let address = login.trim_start_matches("http://").parse().context("the emulator's address")?;
        Ok((Service { child, address, start: began.elapsed() }, details))
    }

    fn command(&self, arguments: &[&str]) -> anyhow::Result<Command> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(&self.binary);
        // Nothing of the caller's environment may change what is measured.
        command.args(arguments).current_dir(&self.folder).env_clear().stdin(Stdio::null()).stderr(log);
        Ok(command)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("bench.log")
    }
}

fn answers(address: SocketAddr) -> bool {
    // Connecting first: a server that does not listen yet refuses at once.
    TcpStream::connect(address).is_ok()
        && Http::to(address)
            .and_then(|mut http| http.send("GET", "/healthz", "", None))
            .is_ok_and(|(status, _)| status == 200)
}

/// The size of a file, in MiB.
pub(crate) fn size(path: &Path) -> anyhow::Result<f64> {
    Ok(fs::metadata(path)?.len() as f64 / 1024.0 / 1024.0)
}
