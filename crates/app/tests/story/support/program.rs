//! Running the program: its arguments, what it printed, how it ended.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// A run that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_so-connector");
const KEPT: &str = "so-connector";

/// Lets a folder keep the program as it is now, although somebody may build another one meanwhile.
pub(crate) fn keep(folder: &Path) {
    // On another file system there is no link, and the usual place does.
    drop(std::fs::hard_link(PROGRAM, folder.join(KEPT)));
}

/// The program with an environment of these variables alone, in `folder`.
pub(crate) fn command(folder: &Path, variables: &BTreeMap<String, String>, arguments: &[&str]) -> Command {
    let kept = folder.join(KEPT);
    let mut command = Command::new(if kept.exists() { &kept } else { Path::new(PROGRAM) });
    command.current_dir(folder).env_clear().envs(variables).args(arguments).stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(folder: &Path, variables: &BTreeMap<String, String>, arguments: &[&str]) -> Ran {
    let output = command(folder, variables, arguments).output().unwrap();
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The only document in a text that holds nothing else.
pub(crate) fn only_document(text: &str) -> Value {
    let read = serde_json::Deserializer::from_str(text).into_iter::<Value>().collect::<Result<Vec<_>, _>>();
    let mut all = read.unwrap_or_else(|error| panic!("this is not JSON alone ({error}): {text}"));
    assert_eq!(all.len(), 1, "one document is promised: {text}");
    all.remove(0)
}

/// Asks a process to end, as a supervisor does.
pub(crate) fn terminate(process: u32) {
    let done = Command::new("kill").args(["-TERM", &process.to_string()]).status().unwrap();
    assert!(done.success());
}
