//! From an event to the change in the CRM, over the emulator: one company at a time, and many at once.
//!
//! Both moments are the emulator's own stamps: when somebody changed the company, and when our PATCH was saved. What
//! the CRM itself takes is subtracted: its delay for each call on the way. Its websites answer at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::http::Http;
use super::report::{Bar, Report, median, number, quantile};
use super::service::{Place, Service, TOKEN};
use super::{Length, machine};

/// The calls between a change and the change it leads to: read the company, write it.
const CALLS_ON_THE_WAY: f64 = 2.0;
const WORKERS: f64 = 16.0;

struct Pair {
    service: Service,
    _emulator: Service,
    dashboard: Http,
    control: Http,
    /// Companies that will be written to, none of which was touched yet.
    companies: Vec<i64>,
}

impl Pair {
    fn start(place: &Place, companies: usize, crm_delay: Duration) -> anyhow::Result<Self> {
        place.clear();
        // Some companies of the story are out of scope or have nothing to find.
        let (emulator, details) = place.emulator(companies * 2 + 24, crm_delay)?;
        let text = |name: &str| details[name].as_str().unwrap_or_default().to_owned();
        let owners: Vec<&str> =
            details["owners"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let environment = [
            ("SO_LOGIN_URL", text("login_url")),
            ("SO_CONTEXT_IDENTIFIER", text("context")),
            ("SO_CLIENT_ID", text("client_id")),
            ("SO_CLIENT_SECRET", text("client_secret")),
            ("SO_REFRESH_TOKEN", text("refresh_token")),
            ("SO_REDIRECT_URI", text("redirect_uri")),
            ("OWNERS", owners.join(",")),
            ("WEBSITES_ALLOW", "127.0.0.1".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let service = place.serve("", &environment)?;
        let mut pair = Self {
            dashboard: service.http()?,
            control: Http::to(emulator.address)?,
            service,
            _emulator: emulator,
            companies: Vec::new(),
        };
        pair.ready()?;
        pair.register(&text("api_url"), &text("access_token"))?;
        let accounts = pair.control.get("/_emulator/accounts")?;
        let wanted =
            |account: &&Value| account["expected"]["state"] == "COMPLETED" && account["in_scope"] == true;
        let ids = accounts.as_array().into_iter().flatten().filter(wanted).filter_map(|a| a["id"].as_i64());
        pair.companies = ids.collect();
        // The later ones are alike; the first two dozen are all kinds.
        pair.companies.reverse();
        pair.companies.truncate(companies);
        if pair.companies.len() < companies {
            bail!("the emulator has {} companies to work on; {companies} are wanted", pair.companies.len());
        }
        Ok(pair)
    }

    /// Waits until the product knows the CRM.
    fn ready(&mut self) -> anyhow::Result<()> {
        self.until("the product does not find the CRM", |pair| {
            let status = pair.dashboard.get("/api/v1/status")?;
            let parts = status["parts"].as_array().into_iter().flatten();
            Ok(parts.filter(|part| part["name"] == "SuperOffice").any(|part| part["state"] == "ok"))
        })
    }

    fn register(&mut self, api_url: &str, access_token: &str) -> anyhow::Result<()> {
        let path = api_url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
        let path = format!("/{}/v1/Webhook", path.context("the emulator's address")?);
        let target = format!("http://{}/connector/webhook", self.service.address);
        let webhook = json!({
            "Name": "Bench", "Type": "webhook", "State": "Active", "TargetUrl": target,
            "Events": ["contact.created", "contact.changed", "person.created", "person.changed"],
            "Headers": {"X-Webhook-Token": TOKEN},
        });
        self.control.post(&path, access_token, &webhook).map(drop)
    }

    /// Waits until nothing is open and nothing was written for a while.
    fn idle(&mut self) -> anyhow::Result<Value> {
        let mut quiet = 0;
        let mut last = Value::Null;
        self.until("the work does not end", |pair| {
            let mut status = pair.dashboard.get("/api/v1/status")?;
            let (open, events) = (status["open"].as_u64().unwrap_or(1), status["events"].take());
            quiet = if open == 0 && last["events"] == events { quiet + 1 } else { 0 };
            status["events"] = events;
            last = status;
            Ok(quiet >= 3)
        })?;
        Ok(last)
    }

    fn until(
        &mut self,
        complaint: &str,
        mut done: impl FnMut(&mut Self) -> anyhow::Result<bool>,
    ) -> anyhow::Result<()> {
        let start = Instant::now();
        while !done(self)? {
            if start.elapsed() > Duration::from_mins(2) {
                bail!("{complaint}");
            }
            std::thread::sleep(Duration::from_millis(15));
        }
        Ok(())
    }

    /// Somebody corrects the company's number, which is worth a look.
    fn change(&mut self, company: i64) -> anyhow::Result<()> {
        let edit = json!({"entity": "contact", "id": company, "fields": {"orgNr": format!("DE {company}")}});
        self.control.post("/_emulator/edit", "", &edit).map(drop)
    }

    /// Calls of the API so far, by method and route.
    fn calls(&mut self) -> anyhow::Result<BTreeMap<String, f64>> {
        let mut calls = BTreeMap::new();
        for row in self.control.get("/_emulator/calls")?.as_array().into_iter().flatten() {
            let route = row["route"].as_str().unwrap_or_default();
            // Only calls that met the CRM's delay, and only those that jobs make.
            if ["Contact/{id}", "Person/{id}"].contains(&route) {
                let name = format!("{} {route}", row["method"].as_str().unwrap_or_default());
                *calls.entry(name).or_insert(0.0) += row["count"].as_f64().unwrap_or(0.0);
            }
        }
        Ok(calls)
    }
}

fn at(write: &Value) -> Option<Timestamp> {
    write["at"].as_str()?.parse().ok()
}

/// When somebody changed the company, and when we did.
fn moments(account: &Value) -> Option<(Timestamp, Timestamp)> {
    let writes = || account["writes"].as_array().into_iter().flatten();
    let theirs = writes().filter(|write| write["ours"] == false).filter_map(at).next_back()?;
    let ours = writes().filter(|write| write["ours"] == true).find_map(at)?;
    Some((theirs, ours))
}

fn seconds(from: Timestamp, until: Timestamp) -> f64 {
    until.duration_since(from).as_secs_f64()
}

/// One company at a time.
pub(crate) fn one_by_one(place: &Place, length: &Length, report: &mut Report) -> anyhow::Result<()> {
    for crm_ms in [0_u64, 50] {
        let mut pair = Pair::start(place, length.arrivals, Duration::from_millis(crm_ms))?;
        let mut over = Vec::new();
        let mut reads = Vec::new();
        let idle = machine::quiet(length.patience)?;
        report.idle(idle);
        for company in pair.companies.clone() {
            pair.idle()?;
            let before = pair.calls()?;
            pair.change(company)?;
            std::thread::sleep(Duration::from_millis(crm_ms * 2 + 3));
            let path = format!("/_emulator/accounts/{company}");
            let mut found = None;
            pair.until("a change does not lead to a write", |pair| {
                found = moments(&pair.control.get(&path)?);
                Ok(found.is_some())
            })?;
            let after = pair.calls()?;
            let made = |name: &str| after.get(name).unwrap_or(&0.0) - before.get(name).unwrap_or(&0.0);
            reads.push(made("GET Contact/{id}"));
            let (theirs, ours) = found.context("a write was seen")?;
            over.push(seconds(theirs, ours) * 1000.0 - CALLS_ON_THE_WAY * crm_ms as f64);
        }
        let least = reads.iter().copied().fold(f64::INFINITY, f64::min);
        if least > CALLS_ON_THE_WAY - 1.0 {
            report.detail(&format!("\nNote: a company was read {least} times before it was written; the figures subtract one read."));
        }
        let (p50, p99) = (median(&mut over), quantile(&mut over, 0.99));
        let note = format!("CRM {crm_ms} ms");
        report.figure(
            &format!("webhook to PATCH over the CRM's own time, p50, {note}"),
            p50,
            "ms",
            Bar::AtMost(10.0),
        );
        report.figure(
            &format!("webhook to PATCH over the CRM's own time, p99, {note}"),
            p99,
            "ms",
            Bar::AtMost(25.0),
        );
        println!("  ({} arrivals, idle before {:.0} %)", over.len(), idle * 100.0);
    }
    Ok(())
}

/// Many companies at once.
pub(crate) fn burst(place: &Place, length: &Length, report: &mut Report) -> anyhow::Result<()> {
    let crm = Duration::from_millis(50);
    let mut pair = Pair::start(place, length.companies, crm)?;
    pair.idle()?;
    let rss_before = machine::memory(pair.service.pid())?.0;
    report.idle(machine::quiet(length.patience)?);
    let before = pair.calls()?;
    for company in pair.companies.clone() {
        pair.change(company)?;
    }
    let status = pair.idle()?;
    let after = pair.calls()?;
    let calls = after.values().sum::<f64>() - before.values().sum::<f64>();
    let jobs: f64 = status["jobs"].as_object().into_iter().flatten().filter_map(|(_, n)| n.as_f64()).sum();
    let failed = status["jobs"]["FAILED"].as_u64().unwrap_or(0);
    if failed > 0 {
        bail!("{failed} jobs of the burst failed");
    }
    let (mut first, mut ends) = (None::<Timestamp>, Vec::new());
    for account in pair.control.get("/_emulator/accounts")?.as_array().into_iter().flatten() {
        let persons = account["persons"].as_array().into_iter().flatten();
        let writes = |value: &Value| value["writes"].as_array().cloned().unwrap_or_default();
        for write in writes(account).into_iter().chain(persons.flat_map(writes)) {
            let Some(at) = at(&write) else { continue };
            if write["ours"] == true {
                ends.push(at);
            } else {
                first = Some(first.map_or(at, |first| first.min(at)));
            }
        }
    }
    ends.sort_unstable();
    let (first, last) =
        (first.context("nobody changed anything")?, *ends.last().context("nothing was written")?);
    let most = ends[ends.len() * 9 / 10];
    let took = seconds(first, last);
    let each = calls / jobs;
    let ideal = WORKERS / (each * crm.as_secs_f64());
    let (rss, peak) = machine::memory(pair.service.pid())?;
    report.figure("burst: jobs", jobs, "jobs", Bar::None);
    report.figure("burst: calls of the CRM for each job", each, "calls", Bar::None);
    report.figure("burst: rate", jobs / took, "jobs/s", Bar::None);
    report.figure(
        "burst: rate ÷ (workers ÷ CRM time of a job)",
        jobs / took / ideal,
        "×",
        Bar::AtLeast(0.85),
    );
    report.detail(&format!(
        "\nBurst: {} companies changed at once, {WORKERS} workers, CRM {} ms; {} writes in {} s, nine tenths of them in {} s.",
        length.companies,
        crm.as_millis(),
        ends.len(),
        number(took),
        number(seconds(first, most)),
    ));
    report.figure("memory of the whole product, idle", rss_before, "MiB", Bar::None);
    report.figure("memory of the whole product after the burst", rss, "MiB", Bar::None);
    report.figure("… at its peak", peak, "MiB", Bar::None);
    Ok(())
}
