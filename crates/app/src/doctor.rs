//! `doctor`: looks at everything that has to be right, changes nothing, and says of each fault what causes it and what
//! to do. One check after another; what hangs on something that is out of order is skipped and says so.

mod access;
pub(crate) mod code;
mod fields;
mod local;
pub(crate) mod report;
mod service;
mod tenant;
mod webhook;
mod write;

use std::path::Path;

use connector_pipeline::crm::superoffice::SuperOffice;
use superoffice::Client;

pub(crate) use code::{Code, Severity};

use crate::config::{Config, Tenant};
use crate::wire;

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) code: Code,
    /// What was seen.
    pub(crate) words: String,
}

impl Finding {
    fn new(code: Code, words: impl Into<String>) -> Self {
        Self { code, words: words.into() }
    }
}

/// What one look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well; what was seen.
    Fine(String),
    /// Faults.
    Found(Vec<Finding>),
    /// It could not be looked at, because of this.
    Skipped(String),
}

/// One look at one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) outcome: Outcome,
}

/// All looks, in their order.
#[derive(Debug, Default)]
pub(crate) struct Examination {
    pub(crate) checks: Vec<Check>,
    /// What a reader of a report wants to know besides.
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Examination {
    pub(crate) fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.checks.iter().flat_map(|check| match &check.outcome {
            Outcome::Found(findings) => findings.as_slice(),
            Outcome::Fine(_) | Outcome::Skipped(_) => &[],
        })
    }

    /// Notes a look. Without faults it is fine, and `words` say what was seen.
    fn note(&mut self, name: &'static str, findings: Vec<Finding>, words: impl Into<String>) {
        let outcome =
            if findings.is_empty() { Outcome::Fine(words.into()) } else { Outcome::Found(findings) };
        self.checks.push(Check { name, outcome });
    }

    fn skip(&mut self, names: &[&'static str], why: &str) {
        let skipped = |name: &&'static str| Check { name, outcome: Outcome::Skipped(why.to_owned()) };
        self.checks.extend(names.iter().map(skipped));
    }

    fn fact(&mut self, name: &'static str, value: impl Into<String>) {
        self.facts.push((name, value.into()));
    }
}

/// What the looks at a tenant share.
struct Patient<'a> {
    config: &'a Config,
    tenant: &'a Tenant,
    client: Client,
    crm: SuperOffice,
}

/// Looks at everything.
pub(crate) async fn examine(path: &Path, with_writing: bool) -> Examination {
    let mut exam = Examination::default();
    exam.fact("version", env!("CARGO_PKG_VERSION"));
    exam.fact("system", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH));
    let Some(config) = local::configuration(&mut exam, path) else {
        exam.skip(&["storage", "disk", "clock", "tenant"], "the configuration has to be right first");
        return exam;
    };
    local::storage(&mut exam, &config).await;
    local::disk(&mut exam, &config);
    local::explorer(&mut exam, &config);
    service::look(&mut exam, &config).await;
    let Some(tenant) = &config.tenant else { return exam };
    let client = match wire::client(&config, tenant) {
        Ok(client) => client,
        Err(error) => {
            exam.note("tenant", vec![Finding::new(Code::ConfigInvalid, format!("{error:#}"))], "");
            return exam;
        }
    };
    let crm = SuperOffice::new(client.clone());
    let patient = Patient { config: &config, tenant, client, crm };
    if at_the_tenant(&mut exam, &patient).await && with_writing {
        write::look(&mut exam, &patient.client).await;
    }
    exam
}

/// The looks for which SuperOffice has to answer. Says whether it let us in.
async fn at_the_tenant(exam: &mut Examination, patient: &Patient<'_>) -> bool {
    tenant::clock(exam, patient).await;
    if !tenant::state(exam, patient).await {
        exam.skip(
            &["sign-in", "identity", "owners", "accounts", "fields", "webhook"],
            "the tenant has to answer first",
        );
        return false;
    }
    let Some(principal) = access::sign_in(exam, patient).await else {
        exam.skip(&["identity", "owners", "accounts", "fields", "webhook"], "the sign-in has to work first");
        return false;
    };
    access::identity(exam, patient, principal.as_ref()).await;
    access::owners(exam, patient).await;
    access::accounts(exam, patient).await;
    fields::look(exam, patient).await;
    webhook::look(exam, patient).await;
    true
}
