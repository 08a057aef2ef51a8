//! What came of the demo, held against the story, account by account.

use std::collections::BTreeMap;
use std::time::Duration;

use connector_domain::account::shown;
use connector_domain::field::Target;
use connector_store::accounts::AccountFilter;
use connector_store::page::PageRequest;
use serde::Serialize;
use serde_json::json;
use superoffice_emulator::{Account, Emulator, story};

use crate::failure::{Failure, Status};
use crate::format::{print, print_json, table};
use crate::wire::Product;

/// The whole run.
#[derive(Serialize)]
pub(super) struct Summary {
    accounts: Vec<Row>,
    events: u64,
    jobs: u64,
    writes: u64,
    calls: u64,
    elapsed_ms: u64,
    problems: Vec<String>,
}

/// One account.
#[derive(Serialize)]
struct Row {
    id: i64,
    name: Option<String>,
    owner: Option<String>,
    state: Option<String>,
    reason: Option<String>,
    expected: Option<String>,
    expected_reason: Option<String>,
    ok: bool,
    problems: Vec<String>,
}

impl Summary {
    /// Looks at both sides: what the product says, and what stands in the CRM.
    pub(super) async fn take(
        emulator: &Emulator,
        product: &Product,
        elapsed: Duration,
    ) -> Result<Self, Failure> {
        let in_crm: BTreeMap<i64, Account> =
            emulator.world().accounts().into_iter().map(|account| (account.id, account)).collect();
        // What the story calls a vertical is an item of the CRM's list.
        let items: BTreeMap<String, String> =
            story::story(1, 0).vertical_items.into_iter().map(|item| (item.vertical, item.name)).collect();
        let mut accounts = Vec::new();
        let mut page = PageRequest { limit: 1000, after: None };
        loop {
            let found = product.store.accounts(&product.tenant, &AccountFilter::default(), &page).await?;
            for row in found.items {
                let view = shown(&row.open, &row.ended, product.ports.clock.now());
                accounts.push(judged(
                    row.id.0,
                    row.facts.name,
                    row.facts.owner_short,
                    view.state.map(|state| state.as_str().to_owned()),
                    view.reason.map(|reason| reason.code().to_owned()),
                    in_crm.get(&row.id.0),
                    &items,
                ));
            }
            let Some(next) = found.next else { break };
            page.after = Some(next);
        }
        accounts.sort_by_key(|row| row.id);
        let counts = product.store.queue_counts(&product.tenant, product.ports.clock.now()).await?;
        let mut problems = Vec::new();
        for missing in in_crm.keys().filter(|id| !accounts.iter().any(|row| row.id == **id)) {
            problems.push(format!("account {missing} never arrived"));
        }
        Ok(Self {
            accounts,
            events: product.store.event_count(&product.tenant).await?,
            jobs: counts.jobs.values().sum(),
            writes: product.store.write_count(&product.tenant).await?,
            calls: product.client.calls().iter().map(|call| call.count).sum(),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            problems,
        })
    }

    pub(super) fn print(&self, json: bool) {
        if json {
            print_json(&json!(self));
            return;
        }
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let rows: Vec<Vec<String>> = self
            .accounts
            .iter()
            .filter(|row| self.accounts.len() <= 50 || !row.ok)
            .map(|row| {
                vec![
                    row.id.to_string(),
                    or_dash(&row.name),
                    or_dash(&row.owner),
                    or_dash(&row.state),
                    or_dash(&row.reason),
                    if row.ok { "as expected".to_owned() } else { row.problems.join("; ") },
                ]
            })
            .collect();
        if !rows.is_empty() {
            print(&table(&["ID", "NAME", "OWNER", "STATE", "REASON", ""], &rows));
        }
        let good = self.accounts.iter().filter(|row| row.ok).count();
        print(&format!(
            "{good} of {} accounts ended as expected: {} events, {} jobs, {} writes, {} API calls, {:.1} s.",
            self.accounts.len(),
            self.events,
            self.jobs,
            self.writes,
            self.calls,
            Duration::from_millis(self.elapsed_ms).as_secs_f64()
        ));
        for problem in &self.problems {
            print(&format!("problem: {problem}"));
        }
    }

    /// Success only when every account ended as its story says.
    pub(super) fn verdict(&self) -> Result<(), Failure> {
        let bad = self.accounts.iter().filter(|row| !row.ok).count() + self.problems.len();
        if bad == 0 {
            return Ok(());
        }
        Err(Failure::words(Status::Findings, format!("{bad} accounts did not end as expected")))
    }
}

fn judged(
    id: i64,
    name: Option<String>,
    owner: Option<String>,
    state: Option<String>,
    reason: Option<String>,
    in_crm: Option<&Account>,
    items: &BTreeMap<String, String>,
) -> Row {
    let expected = in_crm.and_then(|account| account.expected.as_ref());
    let mut problems = Vec::new();
    match (in_crm, expected) {
        (None, _) => problems.push("there is no such account in the CRM".to_owned()),
        (Some(_), None) => problems.push("the story does not know it".to_owned()),
        (Some(account), Some(expected)) => {
            if state.as_ref() != Some(&expected.state) || reason != expected.reason {
                let reason = expected.reason.clone().unwrap_or_default();
                problems.push(format!("expected {} {reason}", expected.state));
            }
            if name.as_ref() != Some(&account.name) {
                problems.push("its name is not known".to_owned());
            }
            let vertical = expected.vertical.as_ref().and_then(|vertical| items.get(vertical));
            problems.extend(in_fields(account, vertical.map(String::as_str), expected.state == "COMPLETED"));
        }
    }
    let expected_reason = expected.and_then(|expected| expected.reason.clone());
    let expected = expected.map(|expected| expected.state.clone());
    Row { id, name, owner, state, reason, expected, expected_reason, ok: problems.is_empty(), problems }
}

/// What is wrong with what stands in the CRM.
fn in_fields(account: &Account, vertical: Option<&str>, completed: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let ours = account.writes.iter().filter(|write| write.ours).count()
        + account.persons.iter().flat_map(|person| &person.writes).filter(|write| write.ours).count();
    if !completed {
        if ours > 0 {
            problems.push(format!("{ours} writes, expected none"));
        }
        if !account.in_scope && account.website_hits > 0 {
            problems.push(format!(
                "its website was read {} times although it is not in scope",
                account.website_hits
            ));
        }
        return problems;
    }
    let filled = |udfs: &BTreeMap<String, String>, target: Target| {
        udfs.get(target.label()).is_some_and(|text| !text.is_empty())
    };
    if let Some(vertical) = vertical
        && account.udfs.get(Target::Vertical.label()).map(String::as_str) != Some(vertical)
    {
        let found = account.udfs.get(Target::Vertical.label()).cloned().unwrap_or_default();
        problems.push(format!("its vertical is \"{found}\", expected \"{vertical}\""));
    }
    for target in [Target::Summary, Target::OpenerPrimary, Target::OpenerSecondary] {
        if !filled(&account.udfs, target) {
            problems.push(format!("it has no {}", target.label().to_lowercase()));
        }
    }
    for person in &account.persons {
        for target in [Target::Bridge, Target::SocialProof, Target::Subject] {
            if !filled(&person.udfs, target) {
                problems.push(format!("person {} has no {}", person.id, target.label().to_lowercase()));
            }
        }
    }
    let repeated = account.writes.iter().filter(|write| write.ours).count() > 1
        || account.persons.iter().any(|person| person.writes.iter().filter(|write| write.ours).count() > 1);
    if repeated {
        problems.push("something was written more than once".to_owned());
    }
    problems
}
