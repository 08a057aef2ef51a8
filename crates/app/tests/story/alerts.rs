//! The alert rules and their pages, held against what a running service measures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::{Product, SOON, Setup, until};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn rules() -> String {
    std::fs::read_to_string(root().join("ops/alerts.yml")).unwrap()
}

/// The words of a text that are names of metrics, with their labels where those follow at once.
fn named(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = text.match_indices("so_").map(|(at, _)| at);
    let starts = starts.filter(|at| !text[..*at].ends_with(is_part));
    starts.map(|at| text[at..].split(|c| !is_part(c)).next().unwrap().to_owned()).collect()
}

async fn metrics(product: &Product) -> String {
    product.client().get(product.url("/metrics")).send().await.unwrap().text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_rule_asks_for_what_is_measured() {
    let product = Setup::new().toml("webhook.look_again = \"200ms\"").start().await;
    // There has to be a delivery for there to be a time since the last one.
    product.enter(&product.companies[0]);
    product.settle().await;
    let wanted = named(&rules());
    assert!(wanted.len() > 15, "{wanted:?}");
    let shown = until(SOON, "guardian and sweep have looked", async || {
        let shown = metrics(&product).await;
        ["so_webhook_state 1", "so_reconcile_last_success"]
            .iter()
            .all(|it| shown.contains(it))
            .then_some(shown)
    })
    .await;
    let measured: BTreeSet<String> = shown
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(['{', ' ']).next().unwrap().to_owned())
        .collect();
    let missing: Vec<_> = wanted.difference(&measured).collect();
    assert!(missing.is_empty(), "no such metrics: {missing:?} in\n{shown}");
    for part in ["fields", "webhook"] {
        assert!(shown.contains(&format!("so_part_up{{part=\"{part}\"}} 1")), "{part} in\n{shown}");
    }
    for dependency in ["superoffice", "explorer"] {
        assert!(shown.contains(&format!("so_breaker_state{{dependency=\"{dependency}\"}} 0")), "{shown}");
    }
    // What has a page of its own in the documents is there as well, and nothing else is.
    let document = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let document = named(&document);
    let families: BTreeSet<String> = shown
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned))
        .collect();
    let untold: Vec<_> = families.difference(&document).collect();
    assert!(untold.is_empty(), "docs/operations.md does not tell of {untold:?}");
    let unknown: Vec<_> = document.difference(&families).collect();
    assert!(unknown.is_empty(), "docs/operations.md tells of {unknown:?}, which are not measured");
}

#[test]
fn every_alert_has_a_page_and_every_page_an_alert() {
    let rules = rules();
    let after = |line: &str, what: &str| line.trim_start().strip_prefix(what).map(str::to_owned);
    let alerts: Vec<String> = rules.lines().filter_map(|line| after(line, "- alert: ")).collect();
    let linked: Vec<String> = rules.lines().filter_map(|line| after(line, "runbook: ")).collect();
    assert_eq!(alerts.len(), linked.len(), "each alert names its page");
    for (alert, page) in alerts.iter().zip(&linked) {
        let page =
            std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(page.lines().any(|line| line.starts_with("Alert: ") && line.contains(&format!("`{alert}`"))));
    }
    let pages = std::fs::read_dir(root().join("docs/runbooks")).unwrap();
    let pages: BTreeSet<String> =
        pages.map(|page| format!("docs/runbooks/{}", page.unwrap().file_name().to_str().unwrap())).collect();
    let linked: BTreeSet<String> = linked.into_iter().chain(["docs/runbooks/README.md".to_owned()]).collect();
    assert_eq!(pages, linked);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_can_be_read_by_programs() {
    let product = Setup::new().variable("LOG_FORMAT", "json").start().await;
    product.play().await;
    product.settle().await;
    let (_, log) = product.printed();
    assert!(!log.trim().is_empty());
    for line in log.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
        assert!(line["message"].is_string(), "{line}");
    }
}
