//! `GET /metrics`: numbers for Prometheus, in its text format 0.0.4.
//!
//! Written by hand: one counter, one histogram and what the store counts itself. A library would bring a registry and
//! labels at run time, for what is here a table. Numbers of jobs and events come from the database, never from a
//! counter kept beside it, so they cannot disagree with what is stored. When the database does not answer in time, that
//! is said, with everything that needs no database.

use std::fmt::{Display, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use connector_domain::job::JobState;
use connector_store::StoreError;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::app::{PartState, Shared, Web};

/// The answers that the webhook can give.
const CODES: [u16; 6] = [200, 400, 401, 408, 413, 503];
/// Upper bounds of the histogram, in microseconds.
const BOUNDS: [u64; 12] =
    [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 5_000_000];

/// A database that takes longer is left out, so that whoever asks does not give up on the rest.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is counted while serving.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) ingest: Ingest,
}

/// Deliveries by answer, and how long the answers took.
#[derive(Debug, Default)]
pub(crate) struct Ingest {
    codes: [AtomicU64; CODES.len()],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Ingest {
    pub(crate) fn observe(&self, status: StatusCode, took: Duration) {
        if let Some(at) = CODES.iter().position(|code| *code == status.as_u16()) {
            self.codes[at].fetch_add(1, Ordering::Relaxed);
        }
        // Only what was acknowledged: a refusal costs nothing and would make the numbers look better than they are.
        if status != StatusCode::OK {
            return;
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.buckets[BOUNDS.partition_point(|bound| *bound < micros)].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// The handler.
pub(crate) async fn show(State(web): State<Web>) -> Response {
    let mut page = Page(String::with_capacity(4096));
    page.ingest(&web.metrics.ingest);
    // Written apart, so that it is there as a whole or not at all.
    let mut stored = Page(String::new());
    let (read, checked) = tokio::join!(
        tokio::time::timeout(PATIENCE, stored.store(&web)),
        tokio::time::timeout(PATIENCE, web.readiness.check(&web)),
    );
    let up = matches!(read, Ok(Ok(())));
    if up {
        page.0.push_str(&stored.0);
    }
    page.gauge("so_store_up", "Whether the database answers.", u8::from(up));
    if let Some(took) = checked.ok().and_then(|checked| checked.took) {
        page.gauge(
            "so_store_check_duration_seconds",
            "How long the last check of the database took.",
            took.as_secs_f64(),
        );
    }
    page.gauge(
        "so_store_check_age_seconds",
        "How long ago the database was last checked.",
        web.readiness.age(),
    );
    page.parts(&web);
    page.head("so_build_info", "gauge", "The version that runs.");
    page.line("so_build_info", &[("version", web.app.version)], 1);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.0).into_response()
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n").expect("a string takes everything");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            let text = text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let open = if at == 0 { '{' } else { ',' };
            write!(self.0, "{open}{label}=\"{text}\"").expect("a string takes everything");
        }
        let close = if labels.is_empty() { "" } else { "}" };
        writeln!(self.0, "{close} {value}").expect("a string takes everything");
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.head(name, "gauge", help);
        self.line(name, &[], value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, "counter", help);
        self.line(name, &[], value);
    }

    fn ingest(&mut self, ingest: &Ingest) {
        self.head("so_ingest_requests_total", "counter", "Deliveries by answer.");
        for (code, count) in CODES.iter().zip(&ingest.codes) {
            let code = code.to_string();
            self.line("so_ingest_requests_total", &[("code", &code)], count.load(Ordering::Relaxed));
        }
        let name = "so_ingest_ack_duration_seconds";
        self.head(name, "histogram", "From a delivery's head to its acknowledgement.");
        let bucket = format!("{name}_bucket");
        let mut sum = 0;
        for (bound, count) in BOUNDS.iter().zip(&ingest.buckets) {
            sum += count.load(Ordering::Relaxed);
            let bound = Duration::from_micros(*bound).as_secs_f64().to_string();
            self.line(&bucket, &[("le", &bound)], sum);
        }
        sum += ingest.buckets[BOUNDS.len()].load(Ordering::Relaxed);
        self.line(&bucket, &[("le", "+Inf")], sum);
        let total = Duration::from_micros(ingest.micros.load(Ordering::Relaxed));
        self.line(&format!("{name}_sum"), &[], total.as_secs_f64());
        self.line(&format!("{name}_count"), &[], sum);
    }

    async fn store(&mut self, web: &Shared) -> Result<(), StoreError> {
        let tenant = &web.app.tenant;
        let counts = web.app.queue.queue_counts(tenant, web.now()).await?;
        self.head("so_jobs", "gauge", "Jobs by state.");
        for state in JobState::ALL {
            self.line("so_jobs", &[("state", state.as_str())], counts.of(*state));
        }
        let age = counts.oldest_due_at.map_or(0.0, |at| web.now().duration_since(at).as_secs_f64());
        self.gauge(
            "so_oldest_pending_age_seconds",
            "How long the oldest job that is due has waited.",
            age.max(0.0),
        );
        self.counter("so_events_total", "Deliveries stored.", web.app.inbox.event_count(tenant).await?);
        self.counter(
            "so_writes_total",
            "Writes done in the CRM.",
            web.app.journal.write_count(tenant).await?,
        );
        self.gauge("so_accounts", "Accounts known.", web.app.accounts.account_count(tenant).await?);
        Ok(())
    }

    fn parts(&mut self, web: &Shared) {
        self.head("so_part_up", "gauge", "How a part does: 1 as it should, 0.5 in part, 0 not at all.");
        for part in web.parts().iter() {
            let value = match part.state {
                PartState::Ok => 1.0,
                PartState::Degraded => 0.5,
                PartState::Down => 0.0,
            };
            self.line("so_part_up", &[("part", &part.name)], value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_counted_in_the_bucket_whose_bound_it_does_not_exceed() {
        let ingest = Ingest::default();
        ingest.observe(StatusCode::OK, Duration::from_micros(250));
        ingest.observe(StatusCode::OK, Duration::from_micros(251));
        ingest.observe(StatusCode::OK, Duration::from_mins(1));
        ingest.observe(StatusCode::UNAUTHORIZED, Duration::ZERO);
        let mut page = Page(String::new());
        page.ingest(&ingest);
        let has = |line: &str| assert!(page.0.lines().any(|other| other == line), "{line} in\n{}", page.0);
        has(r#"so_ingest_requests_total{code="200"} 3"#);
        has(r#"so_ingest_requests_total{code="401"} 1"#);
        has(r#"so_ingest_ack_duration_seconds_bucket{le="0.00025"} 1"#);
        has(r#"so_ingest_ack_duration_seconds_bucket{le="0.0005"} 2"#);
        has(r#"so_ingest_ack_duration_seconds_bucket{le="5"} 2"#);
        has(r#"so_ingest_ack_duration_seconds_bucket{le="+Inf"} 3"#);
        has("so_ingest_ack_duration_seconds_count 3");
    }

    #[test]
    fn labels_are_escaped() {
        let mut page = Page(String::new());
        page.line("so_part_up", &[("part", "a\"b\\c\nd"), ("x", "y")], 1);
        assert_eq!(page.0, "so_part_up{part=\"a\\\"b\\\\c\\nd\",x=\"y\"} 1\n");
    }
}
