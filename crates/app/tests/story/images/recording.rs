//! What a product asked of its disk and what it told others meanwhile, in the order in which it happened: read from the
//! log of `strace`.
//!
//! A call that writes counts from its begin, since it may be on disk from then on; one that waits for the disk counts
//! from its end. What was told counts from the moment in which its first byte may leave.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// The calls that have to be in the log.
pub(super) const CALLS: &str =
    "trace=pwrite64,write,writev,sendto,recvfrom,read,readv,fsync,fdatasync,ftruncate,unlink,openat";

/// The number beside the database.
const MARK: &str = "connector.db.mark";

/// How the name of the database's log ends.
const LOG: &str = "-wal";

/// Something that happened to the disk.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) begun: usize,
    pub(super) ended: usize,
    pub(super) deed: Deed,
}

/// What it was. Files are named without their folder.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Write {
        file: String,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: String,
        length: usize,
    },
    Create {
        file: String,
    },
    Remove {
        file: String,
    },
    /// Whatever was written before is on disk, or, if that failed, will never be brought there.
    Sync {
        file: String,
        kept: bool,
    },
    /// Whatever files were made or removed before are so on disk.
    SyncFolder,
}

/// What somebody was told, and has to be true ever after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Promise {
    /// A delivery was acknowledged.
    Stored { event: String },
    /// A write left, so its intent was on disk: so many by now, to this record.
    Intended { entity: String, id: i64, count: usize },
    /// A page or an answer showed a job at its end.
    Ended { job: i64, state: String },
}

/// A recorded life.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// What it was read from.
    pub(super) log: String,
    pub(super) acts: Vec<Act>,
    /// From which moment on, and what.
    pub(super) promises: Vec<(usize, Promise)>,
}

impl Recording {
    /// Reads the log of a product whose database is in this folder.
    pub(super) fn read(log: &str, folder: &Path) -> Self {
        let recording = Self { log: log.to_owned(), ..Self::default() };
        let folder = folder.to_string_lossy().into_owned();
        let mut reader = Reader { folder, recording, ..Reader::default() };
        let mut unfinished: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
        for (line, text) in log.lines().enumerate() {
            let Some((thread, call)) = text.split_once(' ') else { continue };
            let call = call.trim_start();
            if let Some(begin) = call.strip_suffix(" <unfinished ...>") {
                unfinished.insert(thread, (line, begin));
            } else if let Some(end) = call.strip_prefix("<... ") {
                let (Some((begun, first)), Some((_, last))) =
                    (unfinished.remove(thread), end.split_once("resumed>"))
                else {
                    continue;
                };
                reader.call(thread, begun, line, &format!("{first}{last}"));
            } else {
                reader.call(thread, line, line, call);
            }
        }
        // What was begun and not seen to end may have happened.
        for (thread, (begun, begin)) in unfinished {
            reader.call(thread, begun, usize::MAX, &format!("{begin}) = ?"));
        }
        reader.recording.acts.sort_by_key(Act::moment);
        reader.recording.promises.sort_by_key(|(moment, _)| *moment);
        reader.recording
    }

    /// How often the disk refused to keep a file.
    pub(super) fn failed(&self, name: &str) -> usize {
        let failed = |act: &&Act| matches!(&act.deed, Deed::Sync { file, kept: false } if file == name);
        self.acts.iter().filter(failed).count()
    }

    /// Every moment at which the power can fail so that it makes a difference.
    pub(super) fn moments(&self) -> Vec<usize> {
        let mut moments: Vec<usize> = self.acts.iter().map(Act::moment).collect();
        moments.extend(self.promises.iter().map(|(moment, _)| *moment));
        moments.retain(|moment| *moment != usize::MAX);
        moments.sort_unstable();
        moments.dedup();
        moments
    }
}

impl Act {
    /// From when on it counts.
    pub(super) fn moment(&self) -> usize {
        match self.deed {
            Deed::Sync { .. } | Deed::SyncFolder => self.ended,
            Deed::Write { .. } | Deed::Truncate { .. } | Deed::Create { .. } | Deed::Remove { .. } => {
                self.begun
            }
        }
    }
}

#[derive(Default)]
struct Reader {
    folder: String,
    recording: Recording,
    /// What came in and went out on each connection since the other side was heard last.
    heard: BTreeMap<String, Vec<u8>>,
    said: BTreeMap<String, Vec<u8>>,
    patches: BTreeMap<(String, i64), usize>,
    /// Which thread writes the log.
    logs: String,
}

impl Reader {
    fn call(&mut self, thread: &str, begun: usize, ended: usize, text: &str) {
        let Some((name, rest)) = text.split_once('(') else { return };
        let Some((arguments, result)) = rest.rsplit_once(" = ") else { return };
        let succeeded = !result.starts_with("-1");
        match name {
            "write" | "writev" | "sendto" | "pwrite64" if succeeded => {
                self.given(thread, begun, ended, arguments);
            }
            "read" | "readv" | "recvfrom" if succeeded => {
                if let Some(socket) = descriptor(arguments).filter(|file| file.starts_with("socket:")) {
                    self.said.remove(&socket);
                    self.heard.entry(socket).or_default().extend(strings(arguments));
                }
            }
            "fsync" | "fdatasync" => self.sync(thread, begun, ended, arguments, succeeded),
            "ftruncate" if succeeded => {
                if let Some(file) = descriptor(arguments).and_then(|path| self.own(&path)) {
                    self.act(begun, ended, Deed::Truncate { file, length: last_number(arguments) });
                }
            }
            "unlink" if succeeded => {
                if let Some(file) = self.own(&text_of(&strings(arguments))) {
                    self.act(begun, ended, Deed::Remove { file });
                }
            }
            "openat" if succeeded && arguments.contains("O_CREAT") => {
                if let Some(file) = descriptor(result).and_then(|path| self.own(&path)) {
                    self.act(begun, ended, Deed::Create { file });
                }
            }
            _ => {}
        }
    }

    /// The name of a file that survives and belongs to the database.
    fn own(&self, path: &str) -> Option<String> {
        let file = path.strip_prefix(&self.folder)?.strip_prefix('/')?;
        let counts =
            file.starts_with("connector.db") && !file.ends_with("-shm") && !file.ends_with("(deleted)");
        counts.then(|| file.to_owned())
    }

    fn act(&mut self, begun: usize, ended: usize, deed: Deed) {
        self.recording.acts.push(Act { begun, ended, deed });
    }

    fn sync(&mut self, thread: &str, begun: usize, ended: usize, arguments: &str, kept: bool) {
        let Some(path) = descriptor(arguments) else { return };
        // The system tells everybody who has a file open of a failure, so whoever writes the log would hear of this one
        // as well before it takes anything for kept. `strace` can only tell the one who asked.
        if !kept && path.ends_with(LOG) && thread != self.logs {
            return;
        }
        if path == self.folder {
            if kept {
                self.act(begun, ended, Deed::SyncFolder);
            }
        } else if let Some(file) = self.own(&path) {
            self.act(begun, ended, Deed::Sync { file, kept });
        }
    }

    fn given(&mut self, thread: &str, begun: usize, ended: usize, arguments: &str) {
        let Some(to) = descriptor(arguments) else { return };
        if to.starts_with("socket:") {
            self.said(begun, &to, strings(arguments));
        } else if let Some(file) = self.own(&to) {
            if file.ends_with(LOG) {
                thread.clone_into(&mut self.logs);
            }
            // The number beside the database is the only file that is written without a place, and always from its begin.
            let at = if file == MARK { 0 } else { last_number(arguments) };
            self.act(begun, ended, Deed::Write { file, at, bytes: strings(arguments) });
        }
    }

    fn said(&mut self, moment: usize, socket: &str, bytes: Vec<u8>) {
        let said = self.said.entry(socket.to_owned()).or_default();
        let is_first = said.is_empty();
        said.extend(bytes);
        let text = String::from_utf8_lossy(said).into_owned();
        // What is answered is done with, whatever the answer.
        let heard = self.heard.remove(socket).unwrap_or_default();
        if is_first && text.starts_with("HTTP/1.1 200") {
            let heard = String::from_utf8_lossy(&heard).into_owned();
            // A test is answered and not stored.
            if heard.starts_with("POST /connector/webhook") && !text.contains("\"status\":\"test\"") {
                let events = heard.split("\"EventId\":\"").skip(1).filter_map(|rest| rest.split('"').next());
                let stored = events.map(|event| (moment, Promise::Stored { event: event.to_owned() }));
                self.recording.promises.extend(stored);
            }
        }
        if is_first && let Some((entity, id)) = patched(&text) {
            let count = self.patches.entry((entity.clone(), id)).or_default();
            *count += 1;
            self.recording.promises.push((moment, Promise::Intended { entity, id, count: *count }));
        }
        let shown =
            text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str::<Value>(body).ok());
        for item in shown.iter().filter_map(|body| body["items"].as_array()).flatten() {
            let (Some(job), Some(state)) = (item["id"].as_i64(), item["state"].as_str()) else { continue };
            if item["entity_id"].is_i64() && ["COMPLETED", "SKIPPED", "FAILED"].contains(&state) {
                self.recording.promises.push((moment, Promise::Ended { job, state: state.to_owned() }));
            }
        }
    }
}

/// Which record a request changes.
fn patched(request: &str) -> Option<(String, i64)> {
    let path = request.strip_prefix("PATCH ")?.split(['?', ' ']).next()?;
    let mut parts = path.rsplit('/');
    let (id, entity) = (parts.next()?.parse().ok()?, parts.next()?.to_lowercase());
    ["contact", "person"].contains(&entity.as_str()).then_some((entity, id))
}

/// What the first descriptor stands for: a path, or a socket with its number.
fn descriptor(arguments: &str) -> Option<String> {
    let (_, rest) = arguments.split_once('<')?;
    let (name, _) = rest.split_once('>')?;
    Some(text_of(&unescaped(name)))
}

/// Everything between quotation marks.
fn strings(arguments: &str) -> Vec<u8> {
    arguments.split('"').skip(1).step_by(2).flat_map(unescaped).collect()
}

fn unescaped(hex: &str) -> Vec<u8> {
    hex.split("\\x").skip(1).filter_map(|digits| u8::from_str_radix(digits.get(..2)?, 16).ok()).collect()
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn last_number(arguments: &str) -> usize {
    let last = arguments.trim_end().trim_end_matches(')').rsplit(", ").next().unwrap_or_default();
    last.trim().parse().unwrap()
}

#[test]
fn a_log_is_read_in_the_order_in_which_it_counts() {
    let hex = |text: &str| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<Vec<_>>().concat();
    let (file, socket) = (hex("/f/connector.db"), hex("socket:[7]"));
    let post = hex("POST /connector/webhook HTTP/1.1\r\n\r\n{\"EventId\":\"e1\"}");
    let log = format!(
        "1 recvfrom(9<{socket}>, \"{post}\", 999, 0, NULL, NULL) = 50\n\
         2 fsync(5<{file}> <unfinished ...>\n\
         1 pwrite64(5<{file}>, \"{}\", 2, 8) = 2\n\
         2 <... fsync resumed>) = -1 EIO (Input/output error) (INJECTED)\n\
         1 sendto(9<{socket}>, \"{}\", 15, MSG_NOSIGNAL, NULL, 0) = 15\n",
        hex("ab"),
        hex("HTTP/1.1 200 OK"),
    );
    let recording = Recording::read(&log, Path::new("/f"));
    assert_eq!(recording.promises, [(4, Promise::Stored { event: "e1".to_owned() })]);
    let acts: Vec<_> =
        recording.acts.iter().map(|act| (act.begun, act.ended, format!("{:?}", act.deed))).collect();
    let write = "Write { file: \"connector.db\", at: 8, bytes: [97, 98] }".to_owned();
    let sync = "Sync { file: \"connector.db\", kept: false }".to_owned();
    assert_eq!(acts, [(2, 2, write), (1, 3, sync)]);
    assert_eq!(recording.moments(), [2, 3, 4]);
}
