//! `strace`, by which a test sees what the product asks of the system, and makes some of it fail.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{Product, SOON, until};

/// Whether `strace` is there and may look at a process that it did not start.
pub(crate) fn may_attach() -> bool {
    let Ok(mut looked_at) = Command::new("sleep").arg("60").spawn() else { return false };
    let mut trace = Command::new("strace");
    trace.args(["-e", "trace=fsync", "-o", "/dev/null", "-p", &looked_at.id().to_string()]);
    let attached = trace.stderr(Stdio::null()).spawn().is_ok_and(|mut trace| {
        let process = looked_at.id();
        let ended = loop {
            if is_traced(process) || trace.try_wait().is_ok_and(|ended| ended.is_some()) {
                break !is_traced(process);
            }
            std::thread::yield_now();
        };
        drop(trace.kill());
        drop(trace.wait());
        !ended
    });
    drop(looked_at.kill());
    drop(looked_at.wait());
    attached
}

/// Whether `strace` is there and may run a program.
pub(crate) fn may_trace() -> bool {
    let mut trace = Command::new("strace");
    trace.args(["-f", "-e", "trace=fsync", "-o", "/dev/null", "true"]).stderr(Stdio::null());
    trace.status().is_ok_and(|status| status.success())
}

/// Whether somebody looks at all threads of a process.
fn is_traced(process: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return false };
    threads.flatten().all(|thread| {
        let status = std::fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("TracerPid:").is_some_and(|pid| pid.trim() != "0"))
    })
}

/// A call that fails, once in each thread that makes it: the Nth time, on the database's files alone.
///
/// When a file cannot be opened, something has failed before, so that there is a reason to open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Names of calls, with commas.
    pub(crate) calls: &'static str,
    pub(crate) error: &'static str,
    pub(crate) nth: u64,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} = {}", self.nth, self.calls, self.error)
    }
}

const TRACE: &str = "trace";
const OPENING: &str = "openat";

impl Fault {
    fn arguments(&self, product: &Product) -> Vec<String> {
        let database = product.database();
        let inject = format!("inject={}:error={}:when={}", self.calls, self.error, self.nth);
        let words = [
            "-f",
            "-qq",
            "-o",
            TRACE,
            "-e",
            "trace=fsync,fdatasync,pwrite64,openat,ftruncate",
            "-e",
            &inject,
        ];
        let mut arguments: Vec<String> = words.map(str::to_owned).into();
        if self.calls == OPENING {
            arguments.extend(["-e", "inject=fsync:error=EIO:when=2"].map(str::to_owned));
        }
        for suffix in ["", "-wal", "-shm", "-journal"] {
            arguments.push("-P".to_owned());
            arguments.push(format!("{}{suffix}", database.display()));
        }
        arguments
    }

    /// Lets a product meet it from its start on.
    pub(crate) fn wrap(&self, product: &mut Product) {
        product.wrapper = vec!["strace".to_owned(), "--seccomp-bpf".to_owned()];
        let arguments = self.arguments(product);
        product.wrapper.extend(arguments);
    }

    /// Lets a running product meet it from now on, until it ends.
    pub(crate) async fn attach(&self, product: &Product) -> Attached {
        let process = product.process();
        let mut trace = Command::new("strace");
        trace.args(self.arguments(product)).arg("-p").arg(process.to_string());
        let trace = trace.current_dir(product.folder.path()).stderr(Stdio::null()).spawn().unwrap();
        until(SOON, "all threads are traced", async || is_traced(process).then_some(())).await;
        Attached(trace)
    }

    /// How often it was met, in the life that was traced last.
    pub(crate) fn met(&self, folder: &Path) -> usize {
        let trace = std::fs::read_to_string(folder.join(TRACE)).unwrap_or_default();
        let is_it = |line: &&str| {
            line.ends_with("(INJECTED)")
                && self.calls.split(',').any(|call| {
                    line.contains(&format!("{call}(")) || line.contains(&format!("{call} resumed"))
                })
        };
        trace.lines().filter(is_it).count()
    }
}

/// A trace that ends with what it looks at.
pub(crate) struct Attached(Child);

impl Attached {
    pub(crate) fn wait(mut self) {
        drop(self.0.wait());
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}
