//! A PostgreSQL of our own: started in a folder that is thrown away, for the tests that want one.
//!
//! It has nothing to do with a server that runs here already: other folder, other port, other socket.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use anyhow::{Context, bail};

use crate::install;
use crate::shell::{self, exists, output};

/// Where the tests look for the server.
pub(crate) const VARIABLE: &str = "SO_CONNECTOR_TEST_POSTGRES";
/// Where Debian puts the programs, each version in a folder of its own.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The role, which may do everything in the cluster.
const ROLE: &str = "tests";
/// Another program may take the free port before the server does.
const TRIES: usize = 3;
/// Every test opens a pool of its own, and many run at once.
const CONNECTIONS: u32 = 400;

/// Waits for its input to end, which it does with whoever started it, however that ends; then takes all away.
const GUARD: &str = r#"
    trap '' HUP INT TERM
    folder=$1; shift
    read -r nothing
    if [ -e "$folder/data/postmaster.pid" ]; then "$@"; fi
    rm -rf -- "$folder"
"#;

/// A running server; dropping it stops the server and removes its folder.
pub(crate) struct Cluster {
    port: u16,
    /// Which PostgreSQL it is.
    pub(crate) version: String,
    folder: PathBuf,
    guard: Child,
}

impl Cluster {
    /// Starts one.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let programs = programs()?;
        let version = version(&programs)?;
        let owner = Owner::find()?;
        let folder = PathBuf::from(output("mktemp", &["-d", "-t", "so-connector-postgres.XXXXXX"])?.trim());
        let data = folder.join("data").to_string_lossy().into_owned();
        let pg_ctl = programs.join("pg_ctl");
        let stop = ["-D", &data, "-m", "immediate", "-w", "-s", "stop"];
        let guard = guard(&folder, &owner.words(&pg_ctl, &stop))?;
        let mut cluster = Self { port: 0, version, folder, guard };
        let folder = cluster.folder.clone();
        owner.give(&folder)?;
        let make = ["-D", &data, "-U", ROLE, "-E", "UTF8", "--no-locale", "--auth=trust"];
        owner.run(&folder, &programs.join("initdb"), &make)?;
        settle(&folder)?;
        let log = folder.join("log").to_string_lossy().into_owned();
        for attempt in 1.. {
            cluster.port = free_port()?;
            let port = format!("-p {}", cluster.port);
            let start = ["-D", &data, "-l", &log, "-o", &port, "-w", "-s", "start"];
            match owner.run(&folder, &pg_ctl, &start) {
                Ok(()) => break,
                Err(error) if attempt == TRIES => {
                    return Err(error.context(std::fs::read_to_string(&log).unwrap_or_default()));
                }
                Err(_) => {}
            }
        }
        println!("PostgreSQL {} at {}", cluster.version, cluster.address());
        Ok(cluster)
    }

    /// What the tests are told.
    pub(crate) fn address(&self) -> String {
        format!("postgres://{ROLE}@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let ended = self.guard.wait();
        if self.folder.exists() {
            eprintln!("{} could not be removed: {ended:?}", self.folder.display());
        }
    }
}

/// `postgres -- COMMAND`: a command with a server for it; its exit status is ours.
pub(crate) fn run(program: &str, arguments: &[&str]) -> anyhow::Result<ExitCode> {
    let cluster = Cluster::start()?;
    let status = Command::new(program)
        .args(arguments)
        .env(VARIABLE, cluster.address())
        .status()
        .with_context(|| format!("could not start {program}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The folder of the newest PostgreSQL's programs, which is empty where they are found by their names; installs it
/// where there is none.
pub(crate) fn programs() -> anyhow::Result<PathBuf> {
    if let Some(folder) = newest() {
        return Ok(folder);
    }
    install::debian(&[("postgresql", "initdb")])?;
    match newest() {
        Some(folder) => Ok(folder),
        None if exists("initdb") => Ok(PathBuf::new()),
        None => bail!("there is no initdb, neither by its name nor in {DEBIAN}/*/bin"),
    }
}

fn newest() -> Option<PathBuf> {
    let folders = std::fs::read_dir(DEBIAN).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let usable = folders.filter(|folder| folder.join("bin/initdb").exists());
    let newest = usable.max_by_key(|folder| {
        folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()).unwrap_or_default()
    })?;
    Some(newest.join("bin"))
}

/// `postgres (PostgreSQL) 17.6 (Debian …)` is 17.6.
fn version(programs: &Path) -> anyhow::Result<String> {
    let printed = output(&programs.join("postgres").to_string_lossy(), &["--version"])?;
    printed.split_whitespace().nth(2).map(str::to_owned).context("postgres does not say its version")
}

/// Whose the server is: it refuses to be root's.
struct Owner(Option<(String, String)>);

impl Owner {
    fn find() -> anyhow::Result<Self> {
        let id = |arguments: &[&str]| output("id", arguments).map(|number| number.trim().to_owned());
        if id(&["-u"])? != "0" {
            return Ok(Self(None));
        }
        let name = if id(&["-u", "postgres"]).is_ok() { "postgres" } else { "nobody" };
        Ok(Self(Some((id(&["-u", name])?, id(&["-g", name])?))))
    }

    fn give(&self, folder: &Path) -> anyhow::Result<()> {
        let Some((user, group)) = &self.0 else { return Ok(()) };
        output("chown", &[&format!("{user}:{group}"), &folder.to_string_lossy()]).map(drop)
    }

    /// A command as it is run by the owner.
    fn words(&self, program: &Path, arguments: &[&str]) -> Vec<String> {
        let mut words = match &self.0 {
            Some((user, group)) => ["setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--"]
                .map(str::to_owned)
                .into(),
            None => Vec::new(),
        };
        words.push(program.to_string_lossy().into_owned());
        words.extend(arguments.iter().copied().map(str::to_owned));
        words
    }

    /// Runs it in the folder, as the owner may not be let into ours, and shows nothing unless it fails.
    fn run(&self, folder: &Path, program: &Path, arguments: &[&str]) -> anyhow::Result<()> {
        let words = self.words(program, arguments);
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        let done = shell::command(&words[0], &arguments)
            .current_dir(folder)
            .output()
            .with_context(|| format!("could not start {}", words[0]))?;
        if !done.status.success() {
            let printed = String::from_utf8_lossy(&done.stderr);
            bail!("{} failed with {}: {}", program.display(), done.status, printed.trim());
        }
        Ok(())
    }
}

fn guard(folder: &Path, stop: &[String]) -> anyhow::Result<Child> {
    Command::new("sh")
        .args(["-c", GUARD, "sh"])
        .arg(folder)
        .args(stop)
        .current_dir("/")
        .stdin(Stdio::piped())
        .spawn()
        .context("could not start sh")
}

/// What differs from a server as it is installed. It waits for the disk as any other does.
fn settle(folder: &Path) -> anyhow::Result<()> {
    let file = folder.join("data/postgresql.conf");
    let socket = folder.to_string_lossy().replace('\'', "''");
    let made = std::fs::read_to_string(&file)?;
    let ours = [
        "listen_addresses = '127.0.0.1'".to_owned(),
        format!("unix_socket_directories = '{socket}'"),
        format!("max_connections = {CONNECTIONS}"),
        "fsync = on".to_owned(),
    ];
    let settings = format!("{made}\n{}\n", ours.join("\n"));
    Ok(std::fs::write(&file, settings)?)
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
