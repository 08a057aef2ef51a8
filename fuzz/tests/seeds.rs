//! The committed inputs, tried without the engine: those to begin with, and those that once broke something.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use connector_fuzz::TARGETS;

fn inside(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn names(folder: &str) -> BTreeSet<String> {
    inside(folder).iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_target_has_inputs_and_words_and_there_are_no_others() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("seeds"), targets);
    assert_eq!(names("words"), targets);
}

#[test]
fn no_committed_input_breaks_a_promise() {
    for (name, target) in TARGETS {
        let inputs = inside(&format!("seeds/{name}"));
        assert!(!inputs.is_empty(), "{name} has nothing to begin with");
        for input in inputs {
            println!("{}", input.display());
            target(&std::fs::read(input).unwrap());
        }
    }
}
