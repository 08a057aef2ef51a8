//! A disk whose power fails: what it was told to keep is there, and of the rest anything may be there, in any
//! combination and in pieces.
//!
//! A page that could not be brought to the disk once is not tried again by the system, which takes it for clean. It gets
//! there only when something is written to it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fastrand::Rng;

use super::recording::{Act, Deed};

const SECTOR: usize = 512;
const PAGE: usize = 4096;

/// What becomes of what the disk was not told to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// All of it is lost.
    Lost,
    /// All of it is there.
    There,
    /// Each write is there or not.
    Some,
    /// Each sector of each write is there or not, and files may be shorter.
    Torn,
}

impl Fate {
    pub(super) const ALL: [Self; 4] = [Self::Lost, Self::There, Self::Some, Self::Torn];
}

/// The files of a database, as they are on the disk and as they would be without a power cut.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk {
    files: Vec<File>,
    names: BTreeMap<String, Name>,
}

/// A name in the folder: which file it stands for, on the disk and after each further change.
#[derive(Debug, Clone, Default)]
struct Name {
    kept: Option<usize>,
    changes: Vec<(usize, Option<usize>)>,
}

#[derive(Debug, Clone, Default)]
struct File {
    /// On the disk.
    bytes: Vec<u8>,
    /// In order; of the first it is not known whether it is on the disk.
    changes: Vec<Change>,
}

#[derive(Debug, Clone)]
struct Change {
    ended: usize,
    what: What,
    kept: bool,
    /// The disk has failed to take it, and will not be asked again.
    forsaken: bool,
}

#[derive(Debug, Clone)]
enum What {
    /// Within one page.
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Length(usize),
}

impl Name {
    fn now(&self) -> Option<usize> {
        self.changes.last().map_or(self.kept, |(_, file)| *file)
    }
}

impl Disk {
    /// Lets something happen.
    pub(super) fn act(&mut self, act: &Act) {
        match &act.deed {
            Deed::Create { file } => {
                if self.names.get(file).and_then(Name::now).is_none() {
                    self.files.push(File::default());
                    let made = Some(self.files.len() - 1);
                    self.names.entry(file.clone()).or_default().changes.push((act.ended, made));
                }
            }
            Deed::Remove { file } => {
                self.names.entry(file.clone()).or_default().changes.push((act.ended, None));
            }
            Deed::Write { file, at, bytes } => {
                let (mut at, mut rest) = (*at, bytes.as_slice());
                while !rest.is_empty() {
                    let (piece, more) = rest.split_at(rest.len().min(PAGE - at % PAGE));
                    self.change(act.ended, file, What::Write { at, bytes: piece.to_vec() });
                    (at, rest) = (at + piece.len(), more);
                }
            }
            Deed::Truncate { file, length } => self.change(act.ended, file, What::Length(*length)),
            Deed::Sync { file, kept } => {
                if let Some(file) = self.file(file) {
                    file.sync(act.begun, *kept);
                }
            }
            Deed::SyncFolder => {
                for name in self.names.values_mut() {
                    while name.changes.first().is_some_and(|(ended, _)| *ended < act.begun) {
                        name.kept = name.changes.remove(0).1;
                    }
                }
            }
        }
    }

    fn file(&mut self, name: &str) -> Option<&mut File> {
        self.names.get(name).and_then(Name::now).map(|index| &mut self.files[index])
    }

    fn change(&mut self, ended: usize, file: &str, what: What) {
        let change = Change { ended, what, kept: false, forsaken: false };
        self.file(file).expect("a file is made before it is written to").changes.push(change);
    }

    /// Writes down what may be found in the folder after the power has failed now.
    pub(super) fn fail(&self, fate: Fate, rng: &mut Rng, folder: &Path) {
        for (name, states) in &self.names {
            let changes = match fate {
                Fate::Lost => 0,
                Fate::There => states.changes.len(),
                Fate::Some | Fate::Torn => rng.usize(..=states.changes.len()),
            };
            let file = changes.checked_sub(1).map_or(states.kept, |last| states.changes[last].1);
            if let Some(file) = file {
                std::fs::write(folder.join(name), self.files[file].found(fate, rng)).unwrap();
            }
        }
    }
}

impl File {
    fn sync(&mut self, begun: usize, kept: bool) {
        let mut pages = BTreeSet::new();
        for change in self.changes.iter_mut().filter(|change| change.ended < begun && !change.kept) {
            if !kept {
                change.forsaken = true;
            } else if !change.forsaken {
                change.kept = true;
                pages.extend(change.what.page());
            }
        }
        // A page is written as a whole, with what was forsaken in it.
        for change in self.changes.iter_mut().filter(|change| change.ended < begun && change.forsaken) {
            change.kept |= change.what.page().is_some_and(|page| pages.contains(&page));
        }
        let settled = self.changes.iter().take_while(|change| change.kept).count();
        for change in self.changes.drain(..settled) {
            change.what.apply(&mut self.bytes);
        }
    }

    /// What may be in it.
    fn found(&self, fate: Fate, rng: &mut Rng) -> Vec<u8> {
        let (mut bytes, mut sure) = (self.bytes.clone(), self.bytes.len());
        let often = [0.1, 0.5, 0.9][rng.usize(..3)];
        for change in &self.changes {
            if change.kept {
                change.what.apply(&mut bytes);
                sure = change.what.end().max(sure);
                continue;
            }
            match fate {
                Fate::Lost => {}
                Fate::There => change.what.apply(&mut bytes),
                Fate::Some if rng.f64() < often => change.what.apply(&mut bytes),
                Fate::Some => {}
                Fate::Torn => change.what.apply_sectors(&mut bytes, || rng.f64() < often),
            }
        }
        if fate == Fate::Torn && sure < bytes.len() && rng.bool() {
            bytes.truncate(rng.usize(sure..bytes.len()));
        }
        bytes
    }
}

impl What {
    fn page(&self) -> Option<usize> {
        match self {
            Self::Write { at, .. } => Some(at / PAGE),
            Self::Length(_) => None,
        }
    }

    fn end(&self) -> usize {
        match self {
            Self::Write { at, bytes } => at + bytes.len(),
            Self::Length(length) => *length,
        }
    }

    fn apply(&self, file: &mut Vec<u8>) {
        self.apply_sectors(file, || true);
    }

    fn apply_sectors(&self, file: &mut Vec<u8>, mut is_there: impl FnMut() -> bool) {
        match self {
            Self::Write { at, bytes } => {
                let (mut at, mut rest) = (*at, bytes.as_slice());
                while !rest.is_empty() {
                    let (piece, more) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
                    let end = at + piece.len();
                    if is_there() {
                        if file.len() < end {
                            file.resize(end, 0);
                        }
                        file[at..end].copy_from_slice(piece);
                    }
                    (at, rest) = (end, more);
                }
            }
            Self::Length(length) => {
                if is_there() {
                    file.resize(*length, 0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(moment: usize, deed: Deed) -> Act {
        Act { begun: moment, ended: moment, deed }
    }

    fn write(moment: usize, at: usize, bytes: &[u8]) -> Act {
        act(moment, Deed::Write { file: "f".to_owned(), at, bytes: bytes.to_vec() })
    }

    fn sync(moment: usize, kept: bool) -> Act {
        act(moment, Deed::Sync { file: "f".to_owned(), kept })
    }

    fn found(acts: &[Act], fate: Fate) -> Option<Vec<u8>> {
        let mut disk = Disk::default();
        disk.act(&act(0, Deed::Create { file: "f".to_owned() }));
        for act in acts {
            disk.act(act);
        }
        let folder = tempfile::tempdir().unwrap();
        disk.fail(fate, &mut Rng::with_seed(1), folder.path());
        std::fs::read(folder.path().join("f")).ok()
    }

    #[test]
    fn what_the_disk_was_told_to_keep_is_there_and_the_rest_need_not_be() {
        let folder = act(1, Deed::SyncFolder);
        let acts = [folder, write(2, 0, b"ab"), sync(3, true), write(4, 1, b"cd")];
        assert_eq!(found(&acts, Fate::Lost), Some(b"ab".to_vec()));
        assert_eq!(found(&acts, Fate::There), Some(b"acd".to_vec()));
        assert_eq!(found(&acts[1..], Fate::Lost), None, "nobody saw to the folder");
    }

    #[test]
    fn a_page_that_failed_once_is_not_tried_again_unless_it_is_written_to() {
        let folder = act(1, Deed::SyncFolder);
        let mut acts = vec![folder, write(2, 0, b"ab"), sync(3, false), write(4, PAGE, b"x"), sync(5, true)];
        let mut page = vec![0; PAGE];
        page.push(b'x');
        assert_eq!(found(&acts, Fate::Lost), Some(page.clone()));
        acts.extend([write(6, 1, b"c"), sync(7, true)]);
        page[..2].copy_from_slice(b"ac");
        assert_eq!(found(&acts, Fate::Lost), Some(page));
    }
}
