//! The matrix of faults, `faults.toml`: each row names tests that exist, or says why there is none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    fault: String,
    holds: Vec<String>,
    tests: Vec<String>,
    not_covered: Option<String>,
}

/// The text of all sources below a folder.
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.extension().and_then(|extension| extension.to_str()) {
        _ if path.is_dir() => sources(&path),
        Some("rs") => std::fs::read_to_string(path).unwrap(),
        _ => String::new(),
    };
    entries.map(text).collect()
}

#[test]
fn each_fault_has_a_test_that_exists_or_a_reason_why_there_is_none() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crates = sources(here.parent().unwrap());
    let rows: BTreeMap<String, Row> =
        toml::from_str(&std::fs::read_to_string(here.join("tests/faults.toml")).unwrap()).unwrap();
    for (id, row) in &rows {
        assert!(!row.fault.is_empty() && !row.holds.is_empty(), "{id} says too little");
        assert_eq!(row.tests.is_empty(), row.not_covered.is_some(), "{id} has tests, or a reason why not");
        for name in &row.tests {
            assert!(crates.contains(&format!("fn {name}(")), "{id} names a test that is not there: {name}");
        }
    }
}
