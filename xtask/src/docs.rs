//! `docs`: the parts of the documents that are made from tables in the code.

use std::path::Path;

use anyhow::{Context, bail};

use crate::ledger;
use crate::shell::{self, output, root, target};

/// Documents that the binary itself can write.
const GENERATED: &[(&str, &str)] = &[
    ("docs/configuration.md", "configuration"),
    ("docs/doctor.md", "doctor"),
    ("docs/emulator-switches.md", "emulator"),
    ("docs/reasons.md", "reasons"),
];

fn write_all(check: bool) -> anyhow::Result<()> {
    shell::run("cargo", &["build", "--quiet", "--locked", "--package", "so-connector"])?;
    let binary = target().join("debug/so-connector");
    for (path, topic) in GENERATED {
        let text = output(&binary.to_string_lossy(), &["reference", topic])?;
        let file = root().join(path);
        if check {
            let there = std::fs::read_to_string(&file).unwrap_or_default();
            if there != text {
                bail!("{path} is not up to date; run: cargo xtask docs");
            }
        } else {
            write(&file, &text)?;
            println!("wrote {path}");
        }
    }
    write_ledger(check)
}

/// The document that shows what the ledger says.
const GUARANTEES: &str = "docs/guarantees.md";

/// Shows in the guarantees what each suite counted last.
pub(crate) fn write_ledger(check: bool) -> anyhow::Result<()> {
    let file = root().join(GUARANTEES);
    let there = std::fs::read_to_string(&file)?;
    let text = ledger::placed(&there, &std::fs::read_to_string(root().join("docs/ledger.jsonl"))?)?;
    if there == text {
        return Ok(());
    }
    if check {
        bail!("{GUARANTEES} is not up to date; run: cargo xtask docs");
    }
    write(&file, &text)?;
    println!("wrote {GUARANTEES}");
    Ok(())
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(file, text).with_context(|| format!("could not write {}", file.display()))
}

pub(crate) fn run(arguments: &[&str]) -> anyhow::Result<()> {
    match arguments {
        [] => write_all(false),
        ["--check"] => write_all(true),
        _ => bail!("usage: cargo xtask docs [--check]"),
    }
}
