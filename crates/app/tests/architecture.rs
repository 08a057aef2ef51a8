//! The walls of the house: which crate may know which is written in `docs/architecture.md`, and this holds the code to
//! it, in both directions.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

type Arrows = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A package's name in the table: the folder's.
fn short(package: &str) -> String {
    match package {
        "so-connector" => "app".to_owned(),
        other => other.strip_prefix("connector-").unwrap_or(other).to_owned(),
    }
}

fn metadata() -> Value {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--no-deps", "--format-version", "1", "--offline"]).current_dir(root());
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Who uses whom in the manifests. What only tests use is no part of the house.
fn built(metadata: &Value) -> Arrows {
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let used = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        let real = all.filter(|dependency| dependency["kind"] != "dev");
        let names = real.map(|dependency| dependency["name"].as_str().unwrap().to_owned());
        names.filter(|name| ours.contains(name.as_str())).map(|name| short(&name)).collect()
    };
    packages.iter().map(|package| (short(package["name"].as_str().unwrap()), used(package))).collect()
}

/// Who may use whom: the fenced block with lines such as `server uses store (traits) domain`.
fn drawn(document: &str) -> Arrows {
    let block = document.split("```").skip(1).step_by(2).find(|block| block.contains(" uses "));
    let block = block.expect("docs/architecture.md has a fenced block with lines `a uses b c`");
    let mut arrows = Arrows::new();
    for line in block.lines() {
        let line = without_remarks(line);
        let words: Vec<&str> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
        let Some(at) = words.iter().position(|word| ["uses", "use"].contains(word)) else { continue };
        let used = words[at + 1..].iter().map(|word| (*word).to_owned()).collect::<BTreeSet<_>>();
        let used = if words[at + 1..] == ["nothing", "of", "ours"] { BTreeSet::new() } else { used };
        for user in &words[..at] {
            arrows.entry((*user).to_owned()).or_default().extend(used.clone());
        }
    }
    arrows
}

/// A line without what stands in brackets.
fn without_remarks(line: &str) -> String {
    let mut depth = 0_u32;
    let outside = |c: &char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    line.chars().filter(outside).collect()
}

#[test]
fn nobody_knows_more_crates_than_the_architecture_says_and_no_arrow_is_left_over() {
    let metadata = metadata();
    let mut built = built(&metadata);
    // The project's own tasks are no room of the house, as long as they open none.
    assert!(built.remove("xtask").is_none_or(|used| used.is_empty()), "xtask uses a crate of ours");
    let document = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let drawn = drawn(&document);
    let arrows = |all: &Arrows| -> BTreeSet<String> {
        let each =
            all.iter().flat_map(|(user, used)| used.iter().map(move |used| format!("{user} → {used}")));
        each.collect()
    };
    let (is, may) = (arrows(&built), arrows(&drawn));
    let added: Vec<_> = is.difference(&may).collect();
    assert!(added.is_empty(), "these arrows are not in docs/architecture.md: {added:?}");
    let gone: Vec<_> = may.difference(&is).collect();
    assert!(gone.is_empty(), "docs/architecture.md has arrows that are no more: {gone:?}");
    let rooms: Vec<_> = built.keys().filter(|room| !drawn.contains_key(*room)).collect();
    assert!(rooms.is_empty(), "these crates are not in docs/architecture.md: {rooms:?}");
}

#[test]
fn the_table_is_read_as_people_read_it() {
    let arrows = drawn("x\n```\napp      uses  server (a, b)  store\na, b     use   nothing of ours\n```\ny");
    assert_eq!(arrows["app"], ["server", "store"].map(str::to_owned).into());
    assert!(arrows["a"].is_empty() && arrows["b"].is_empty());
}

#[test]
fn every_crate_keeps_to_the_rules_of_the_house() {
    let read = |path: &Path| -> toml::Table { std::fs::read_to_string(path).unwrap().parse().unwrap() };
    let workspace = read(&root().join("Cargo.toml"));
    let lints = &workspace["workspace"]["lints"]["rust"];
    assert_eq!(lints["unsafe_code"].as_str(), Some("forbid"));
    for package in metadata()["packages"].as_array().unwrap() {
        let path = package["manifest_path"].as_str().unwrap();
        let manifest = read(Path::new(path));
        let follows = manifest.get("lints").and_then(|lints| lints.get("workspace"));
        assert_eq!(follows.and_then(toml::Value::as_bool), Some(true), "{path}: lints.workspace = true");
        let edition = manifest["package"].get("edition").and_then(|edition| edition.get("workspace"));
        assert_eq!(edition.and_then(toml::Value::as_bool), Some(true), "{path}: edition.workspace = true");
    }
}
