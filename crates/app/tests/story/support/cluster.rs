//! A PostgreSQL of a test's own, which can be killed as a whole and started again.
//!
//! `cargo xtask test` says that there is one to be had by naming another in `SO_CONNECTOR_TEST_POSTGRES`; without that the
//! stories about PostgreSQL are skipped.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::product::free_port;

/// Where Debian puts the programs, each version in a folder of its own.
const DEBIAN: &str = "/usr/lib/postgresql";

/// Waits for its input to end, which it does with the test, however that ends; then takes all away.
const GUARD: &str = r#"
    trap '' HUP INT TERM
    folder=$1; shift
    read -r nothing
    if [ -e "$folder/data/postmaster.pid" ]; then "$@" >/dev/null 2>&1; fi
    rm -rf -- "$folder"
"#;

/// A server that runs.
pub(crate) struct Cluster {
    programs: PathBuf,
    owner: Option<(String, String)>,
    folder: TempDir,
    port: u16,
    /// Keeps the port from other tests.
    _hold: File,
    guard: Child,
}

impl Cluster {
    /// Starts one, or says why it does not.
    pub(crate) fn start() -> Option<Self> {
        if std::env::var_os("SO_CONNECTOR_TEST_POSTGRES").is_none() {
            eprintln!("skipped: `cargo xtask postgres -- COMMAND` runs a command with a PostgreSQL");
            return None;
        }
        let cluster = Self::empty();
        let make = ["-D", &cluster.data(), "-U", "tests", "-E", "UTF8", "--no-locale", "--auth=trust", "-N"];
        cluster.done("initdb", &make);
        cluster.settle();
        cluster.go_on();
        Some(cluster)
    }

    fn empty() -> Self {
        let programs = programs();
        let owner = owner();
        let folder = tempfile::Builder::new().prefix("story-postgres-").tempdir().unwrap();
        if let Some((user, group)) = &owner {
            let owner = format!("{user}:{group}");
            assert!(Command::new("chown").arg(owner).arg(folder.path()).status().unwrap().success());
        }
        let (port, hold) = free_port();
        let data = folder.path().join("data").to_string_lossy().into_owned();
        let mut stop = words(owner.as_ref(), &programs.join("pg_ctl"));
        stop.extend(["-D", &data, "-m", "immediate", "-w", "stop"].map(str::to_owned));
        let guard = Command::new("sh")
            .args(["-c", GUARD, "sh"])
            .arg(folder.path())
            .args(stop)
            .current_dir("/")
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        Self { programs, owner, folder, port, _hold: hold, guard }
    }

    /// A standby that repeats what this server does.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self::empty();
        let from = format!("host=127.0.0.1 port={} user=tests", self.port);
        standby
            .done("pg_basebackup", &["-D", &standby.data(), "-R", "-X", "stream", "-c", "fast", "-d", &from]);
        standby.go_on();
        standby
    }

    /// Makes a standby that was started again the primary.
    pub(crate) fn promote(&self) {
        assert!(self.run("pg_ctl", &["-D", &self.data(), "-w", "-s", "promote"]).status.success());
    }

    fn data(&self) -> String {
        self.folder.path().join("data").to_string_lossy().into_owned()
    }

    fn settle(&self) {
        let file = self.folder.path().join("data/postgresql.conf");
        let made = std::fs::read_to_string(&file).unwrap();
        let socket = self.folder.path().display();
        let ours = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = '{socket}'\nmax_connections = 200\nfsync = on\n"
        );
        std::fs::write(file, format!("{made}\n{ours}")).unwrap();
    }

    /// Starts it, again after it was killed.
    pub(crate) fn go_on(&self) {
        let (log, port) = (self.folder.path().join("log"), format!("-p {}", self.port));
        let log = log.to_string_lossy();
        let socket = format!("-k {}", self.folder.path().display());
        let options = format!("{port} {socket}");
        let start = ["-D", &self.data(), "-l", &log, "-o", &options, "-w", "-s", "start"];
        // What was killed lingers in the system's memory for a moment.
        for _ in 0..20 {
            if self.run("pg_ctl", &start).status.success() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        panic!("PostgreSQL does not start: {}", std::fs::read_to_string(&*log).unwrap_or_default());
    }

    /// Kills every process of it at once, as a power cut would.
    pub(crate) fn kill(&self) {
        self.signal("-KILL");
    }

    /// Stops every process of it, as a disk that hangs would; nobody is told.
    pub(crate) fn stall(&self) {
        self.signal("-STOP");
    }

    /// Lets everything go on that was stalled.
    pub(crate) fn unstall(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let file = self.folder.path().join("data/postmaster.pid");
        let pid = std::fs::read_to_string(&file).unwrap().lines().next().unwrap().to_owned();
        let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let mut all: Vec<&str> = vec![&pid];
        all.extend(children.split_whitespace());
        // A child may have ended meanwhile.
        let _ = Command::new("kill").arg(signal).args(all).stderr(Stdio::null()).status().unwrap();
    }

    /// The address for `DATABASE_URL`.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The rows of a query, one a line.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let port = self.port.to_string();
        let done =
            self.done("psql", &["-h", "127.0.0.1", "-p", &port, "-U", "tests", "-At", "-c", sql, "postgres"]);
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Runs a query that may be cut off.
    pub(crate) fn try_sql(&self, sql: &str) {
        let port = self.port.to_string();
        self.run("psql", &["-h", "127.0.0.1", "-p", &port, "-U", "tests", "-At", "-c", sql, "postgres"]);
    }

    fn done(&self, program: &str, arguments: &[&str]) -> Output {
        let done = self.run(program, arguments);
        assert!(done.status.success(), "{program}: {}", String::from_utf8_lossy(&done.stderr));
        done
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let words = words(self.owner.as_ref(), &self.programs.join(program));
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        if program == "pg_ctl" {
            // The server keeps what it is given, so it must not be given a pipe of ours.
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let status = command.status().unwrap();
            return Output { status, stdout: Vec::new(), stderr: Vec::new() };
        }
        command.output().unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        drop(self.guard.wait());
    }
}

/// The address of the database behind a port of this machine.
pub(crate) fn url(port: u16) -> String {
    format!("postgres://tests:s3cret-of-the-database@127.0.0.1:{port}/postgres")
}

fn programs() -> PathBuf {
    let folders =
        std::fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    // Where there are none, they are found by their names.
    folders.filter(|folder| folder.join("initdb").exists()).max().unwrap_or_default()
}

/// Whose the server is: it refuses to be root's.
fn owner() -> Option<(String, String)> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap().trim().to_owned())
    };
    if id(&["-u"]).is_none_or(|user| user != "0") {
        return None;
    }
    let name = if id(&["-u", "postgres"]).is_some() { "postgres" } else { "nobody" };
    Some((id(&["-u", name])?, id(&["-g", name])?))
}

/// A program as it is run by the owner.
fn words(owner: Option<&(String, String)>, program: &Path) -> Vec<String> {
    let mut words: Vec<String> = match owner {
        Some((user, group)) => {
            ["setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--"].map(str::to_owned).into()
        }
        None => Vec::new(),
    };
    words.push(program.to_string_lossy().into_owned());
    words
}
