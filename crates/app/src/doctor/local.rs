//! What can be looked at on this machine alone: configuration, database, disk, Company Explorer.

use std::path::{Path, PathBuf};

use connector_store::StoreError;
use connector_store::postgres::{Address, PostgresStore, beside};
use connector_store::sqlite::{Peek, SqliteStore};

use super::{Code, Examination, Finding};
use crate::config::sources::Values;
use crate::config::tenant::Environment;
use crate::config::{Config, Database, Durability};
use crate::{kept, wire};

/// Less room than this is a fault.
const LEAST_ROOM: u64 = 512 * 1024 * 1024;

pub(super) fn configuration(exam: &mut Examination, path: &Path) -> Option<Config> {
    let config = match Values::load(path).and_then(|values| Config::read(&values)) {
        Ok(config) => config,
        Err(error) => {
            let findings = error.0.into_iter().map(|words| Finding::new(Code::ConfigInvalid, words));
            exam.note("configuration", findings.collect(), "");
            return None;
        }
    };
    let mut findings: Vec<Finding> = config
        .ignored
        .iter()
        .map(|variable| Finding::new(Code::ConfigNoEffect, format!("{variable} is set and has no effect")))
        .collect();
    findings.extend(readable(Path::new(".env")));
    let words = config.tenant.as_ref().map(|tenant| format!("tenant {}", tenant.context));
    if words.is_none() {
        let nobody = "neither the environment nor .env names a tenant";
        findings.push(Finding::new(Code::NoTenant, nobody));
    }
    exam.note("configuration", findings, words.unwrap_or_default());
    Some(config)
}

#[cfg(unix)]
fn readable(file: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    let words = format!("{} has the permissions {mode:o}", file.display());
    (mode & 0o077 != 0).then(|| Finding::new(Code::SecretsReadable, words))
}

#[cfg(not(unix))]
fn readable(_: &Path) -> Option<Finding> {
    None
}

pub(super) async fn storage(exam: &mut Examination, config: &Config) {
    match &config.database {
        Database::File(path) => file(exam, path),
        Database::Server(address) => server(exam, address, config.durability).await,
    }
}

/// A PostgreSQL: whether it can be reached and may be worked with, and what its settings put at risk.
async fn server(exam: &mut Examination, address: &Address, durability: Durability) {
    let seen = match beside::examine(address).await {
        Ok(seen) => seen,
        Err(error) => {
            let code = match error {
                StoreError::Unusable(_) => Code::StorageUnfit,
                _ => Code::StorageUnreachable,
            };
            exam.note("storage", vec![Finding::new(code, error.to_string())], "");
            return;
        }
    };
    let mut findings = Vec::new();
    if seen.schema > PostgresStore::SCHEMA {
        let (found, known) = (seen.schema, PostgresStore::SCHEMA);
        let words = format!("{address} has tables of version {found}; this program knows {known}");
        findings.push(Finding::new(Code::StorageNewer, words));
    }
    let refused = if durability == Durability::Strict { "; the service refuses to start" } else { "" };
    findings.extend(
        seen.risks.into_iter().map(|risk| {
            Finding::new(Code::StorageAtRisk, format!("{}: {}{refused}", risk.words, risk.remedy))
        }),
    );
    exam.note("storage", findings, format!("{address}, PostgreSQL {}", seen.version));
}

fn file(exam: &mut Examination, path: &Path) {
    let shown = path.display();
    if !path.exists() {
        let folder = folder_of(path);
        let findings = if folder.is_dir() && is_writable(&folder) {
            Vec::new()
        } else {
            let words = format!("{shown} is not there, and {} is no folder to make it in", folder.display());
            vec![Finding::new(Code::StorageUnusable, words)]
        };
        exam.note("storage", findings, format!("{shown} will be made"));
        return;
    }
    let findings = match Peek::open(path).map(|peek| peek.schema()) {
        Ok(schema) if schema > SqliteStore::SCHEMA => {
            let words =
                format!("{shown} has tables of version {schema}; this program knows {}", SqliteStore::SCHEMA);
            vec![Finding::new(Code::StorageNewer, words)]
        }
        Ok(_) if !is_writable(path) => {
            vec![Finding::new(Code::StorageUnusable, format!("{shown} may not be written to"))]
        }
        Ok(_) => Vec::new(),
        Err(error) => vec![Finding::new(Code::StorageUnusable, error.to_string())],
    };
    exam.note("storage", findings, shown.to_string());
}

/// A setting that the service keeps, whether it runs or not.
pub(super) fn setting(config: &Config, tenant: &str, key: &str) -> Option<serde_json::Value> {
    kept::look(&config.database, tenant, key).ok()?
}

pub(super) fn disk(exam: &mut Examination, config: &Config) {
    let Some(file) = config.database.file() else {
        exam.note("disk", Vec::new(), "the database is on a server, which minds its own disk");
        return;
    };
    let folder = folder_of(file);
    let Ok(room) = rustix::fs::statvfs(&folder) else {
        exam.skip(&["disk"], "the database's folder has to be there first");
        return;
    };
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let words = format!("{} MiB are free in {}", free / 1024 / 1024, folder.display());
    let findings =
        if free < LEAST_ROOM { vec![Finding::new(Code::DiskLow, words.clone())] } else { Vec::new() };
    exam.note("disk", findings, words);
}

pub(super) fn explorer(exam: &mut Examination, config: &Config) {
    let mut findings = Vec::new();
    let words = match wire::knowledge() {
        Ok(knowledge) => format!("built in, {} verticals", knowledge.verticals().len()),
        Err(error) => {
            findings.push(Finding::new(Code::ExplorerBroken, format!("{error:#}")));
            String::new()
        }
    };
    let own = config.tenant.as_ref().is_some_and(|tenant| tenant.environment != Environment::Other);
    if own && !config.website.allow.is_empty() {
        findings.push(Finding::new(Code::WebsitesOpen, "WEBSITES_ALLOW is set"));
    }
    exam.note("explorer", findings, words);
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}
