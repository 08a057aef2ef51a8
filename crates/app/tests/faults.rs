//! The matrix of faults, `faults.toml`: each row names tests that exist, or says why there is none.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// How many rows there are of each kind.
const ROWS: [(&str, usize); 8] =
    [("P", 17), ("G", 10), ("C", 21), ("W", 4), ("M", 6), ("H", 14), ("T", 2), ("U", 7)];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    fault: String,
    holds: Vec<String>,
    /// Names of test functions, wherever they are.
    #[serde(default)]
    tests: Vec<String>,
    /// Situations that the simulation has to meet, knobs of it, or defects that it has to find.
    #[serde(default)]
    simulated: Vec<String>,
    not_covered: Option<String>,
}

impl Row {
    fn is_covered(&self) -> bool {
        !self.tests.is_empty() || !self.simulated.is_empty()
    }
}

fn rows() -> BTreeMap<String, Row> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults.toml");
    toml::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

/// The text of all sources below some folders of the repository.
fn sources(folders: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    folders.iter().map(|folder| below(&root.join(folder))).collect()
}

fn below(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: std::path::PathBuf| match path.extension().and_then(|extension| extension.to_str()) {
        _ if path.is_dir() => below(&path),
        Some("rs") => std::fs::read_to_string(path).unwrap(),
        _ => String::new(),
    };
    entries.map(text).collect()
}

#[test]
fn each_fault_has_a_test_that_exists_or_a_reason_why_there_is_none() {
    let everything = sources(&["crates", "simulation", "conformance", "fuzz", "xtask"]);
    let simulation = sources(&["simulation/src", "crates/faults/src"]);
    let rows = rows();
    for (id, row) in &rows {
        assert!(!row.fault.is_empty() && !row.holds.is_empty(), "{id} says too little");
        assert_eq!(row.is_covered(), row.not_covered.is_none(), "{id} has tests, or a reason why not");
        for name in &row.tests {
            let is_there = ["(", "<"].iter().any(|next| everything.contains(&format!("fn {name}{next}")));
            assert!(is_there, "{id} names a test that is not there: {name}");
        }
        for name in &row.simulated {
            let forms = [format!("\"{name}\","), format!("pub {name}: ")];
            let is_there = forms.iter().any(|form| simulation.contains(form));
            assert!(is_there, "{id} names what the simulation does not know: {name}");
        }
    }
    let covered = rows.values().filter(|row| row.is_covered()).count();
    println!("faults: {} rows, {covered} with tests, {} without", rows.len(), rows.len() - covered);
}

#[test]
fn every_row_of_the_matrix_is_there() {
    let rows = rows();
    for (kind, count) in ROWS {
        let missing: Vec<String> =
            (1..=count).map(|row| format!("{kind}{row}")).filter(|id| !rows.contains_key(id)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
    for id in rows.keys() {
        let (kind, number) = id.split_at(1);
        let is_known = ROWS
            .iter()
            .any(|(known, count)| *known == kind && (1..=*count).contains(&number.parse().unwrap()));
        assert!(is_known, "{id} is no row of the matrix");
    }
}
