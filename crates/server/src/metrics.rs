//! `GET /metrics`: numbers for Prometheus, in its text format 0.0.4.
//!
//! Written by hand: a few counters, what the store counts itself, and what others measure ([`crate::instrument`]). A
//! library would bring a registry and labels at run time, for what is here a table. Numbers of jobs and events come from the database, never from a
//! counter kept beside it, so they cannot disagree with what is stored. A database that takes long to count is counted
//! beside the requests: what is shown is the last that was counted, with its age.

use std::fmt::{Display, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use connector_domain::job::JobState;
use connector_domain::meter::{BOUNDS, Counted, Histogram};
use connector_store::StoreError;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::sync::{Mutex, watch};
use tokio_util::task::TaskTracker;

use crate::app::{PartState, Shared, Web};
use crate::instrument::{Family, Label, Sample, Values};

/// The answers that the webhook can give.
const CODES: [u16; 6] = [200, 400, 401, 408, 413, 503];
/// What can become of a delivery that is acknowledged.
const DISPOSITIONS: [&str; 5] = ["queued", "duplicate", "skipped", "parked", "test"];

/// Nobody waits longer for the database, so that whoever asks does not give up on the rest.
const PATIENCE: Duration = Duration::from_secs(2);
/// What was read from the database is shown again for so many times as long as the reading took.
const SPARED: u32 = 20;

/// What is counted while serving.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) ingest: Ingest,
    stored: watch::Sender<Option<Stored>>,
    /// Whoever counts does so alone.
    counting: Arc<Mutex<()>>,
    tasks: TaskTracker,
}

/// What the database said, and until when that is good enough.
#[derive(Debug, Clone)]
struct Stored {
    page: String,
    read_at: Instant,
    took: Duration,
}

/// Deliveries by answer, and how long the answers took.
#[derive(Debug, Default)]
pub(crate) struct Ingest {
    codes: [AtomicU64; CODES.len()],
    dispositions: [AtomicU64; DISPOSITIONS.len()],
    acknowledged: Histogram,
}

impl Ingest {
    pub(crate) fn observe(&self, status: StatusCode, took: Duration) {
        if let Some(at) = CODES.iter().position(|code| *code == status.as_u16()) {
            self.codes[at].fetch_add(1, Ordering::Relaxed);
        }
        // Only what was acknowledged: a refusal costs nothing and would make the numbers look better than they are.
        if status == StatusCode::OK {
            self.acknowledged.observe(took);
        }
    }

    /// Counts what became of a delivery.
    pub(crate) fn took_in(&self, disposition: &str) {
        if let Some(at) = DISPOSITIONS.iter().position(|known| *known == disposition) {
            self.dispositions[at].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The handler.
pub(crate) async fn show(State(web): State<Web>) -> Response {
    let mut page = Page(String::with_capacity(4096));
    page.ingest(&web.metrics.ingest);
    let (read, checked) = tokio::join!(
        tokio::time::timeout(PATIENCE, stored(&web)),
        tokio::time::timeout(PATIENCE, web.readiness.check(&web)),
    );
    let checked = checked.ok();
    let read = read.ok().and_then(Result::ok);
    // What was counted before is better than nothing, as long as its age is told and the database takes rows.
    let writes = checked.as_ref().is_some_and(|checked| checked.took.is_some());
    let read = read.or_else(|| web.metrics.stored.borrow().clone().filter(|_| writes));
    let is_up = read.is_some();
    page.gauge("so_store_up", "Whether the database answers.", u8::from(is_up));
    if let Some(stored) = read {
        page.0.push_str(&stored.page);
        page.gauge(
            "so_store_counts_age_seconds",
            "How long ago the numbers that the database holds were counted.",
            stored.read_at.elapsed().as_secs_f64(),
        );
    }
    if let Some(took) = checked.and_then(|checked| checked.took) {
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
    if let Some(age) = web.app.canary.age() {
        page.gauge(
            "so_durability_canary_age_seconds",
            "How old the last mark is that was committed and read through another connection.",
            age.as_secs_f64(),
        );
    }
    for instrument in &web.app.instruments {
        for family in instrument.families() {
            page.family(&family);
        }
    }
    page.parts(&web);
    page.head("so_build_info", "gauge", "The version that runs.");
    page.line("so_build_info", &[("version", web.app.version)], 1);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page.0).into_response()
}

/// What the database knows, read anew when the last reading has been good for long enough: a database with millions of
/// jobs takes a while to count them, and must not be kept busy with that. The counting goes on when nobody waits for it
/// any more.
async fn stored(web: &Web) -> Result<Stored, StoreError> {
    // Whoever asks at the same time waits for the same reading.
    let mut alone = Arc::clone(&web.metrics.counting).lock_owned().await;
    let kept = web.metrics.stored.borrow().clone();
    if let Some(stored) = kept.filter(|stored| stored.read_at.elapsed() < stored.took * SPARED) {
        return Ok(stored);
    }
    let counting = web.clone();
    web.metrics
        .tasks
        .spawn(async move {
            let began = Instant::now();
            let mut page = Page(String::new());
            page.store(&counting).await?;
            let stored = Stored { page: page.0, read_at: Instant::now(), took: began.elapsed() };
            counting.metrics.stored.send_replace(Some(stored.clone()));
            // Until then nobody else counts.
            *alone = ();
            Ok(stored)
        })
        .await
        .unwrap_or_else(|error| Err(StoreError::Unavailable(format!("the counting broke off: {error}"))))
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
        self.head("so_ingest_events_total", "counter", "Acknowledged deliveries by what became of them.");
        for (disposition, count) in DISPOSITIONS.iter().zip(&ingest.dispositions) {
            let labels = [("disposition", *disposition)];
            self.line("so_ingest_events_total", &labels, count.load(Ordering::Relaxed));
        }
        let name = "so_ingest_ack_duration_seconds";
        self.head(name, "histogram", "From a delivery's head to its acknowledgement.");
        self.histogram(name, &[], &ingest.acknowledged.read());
    }

    fn histogram(&mut self, name: &str, labels: &[(&str, &str)], counted: &Counted) {
        let bucket = format!("{name}_bucket");
        let mut sum = 0;
        let bounds = BOUNDS.iter().map(|bound| Duration::from_micros(*bound).as_secs_f64().to_string());
        for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(counted.buckets) {
            sum += count;
            let with_bound: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.line(&bucket, &with_bound, sum);
        }
        self.line(&format!("{name}_sum"), labels, counted.sum.as_secs_f64());
        self.line(&format!("{name}_count"), labels, sum);
    }

    fn family(&mut self, family: &Family) {
        let (name, help) = (family.name, family.help);
        match &family.values {
            Values::Gauge(samples) => self.samples(name, "gauge", help, samples),
            Values::Counter(samples) => self.samples(name, "counter", help, samples),
            Values::Histogram(all) => {
                self.head(name, "histogram", help);
                for (labels, counted) in all {
                    self.histogram(name, &borrowed(labels), counted);
                }
            }
            Values::Summary(all) => {
                self.head(name, "summary", help);
                for (labels, count, sum) in all {
                    self.line(&format!("{name}_sum"), &borrowed(labels), sum);
                    self.line(&format!("{name}_count"), &borrowed(labels), count);
                }
            }
        }
    }

    fn samples(&mut self, name: &str, kind: &str, help: &str, samples: &[Sample]) {
        self.head(name, kind, help);
        for sample in samples {
            self.line(name, &borrowed(&sample.labels), sample.value);
        }
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
        // What has gone by its age was stored once; a counter does not fall.
        let removed = web.app.retention.removed().await?;
        let events = web.app.inbox.event_count(tenant).await? + removed.events;
        self.counter("so_events_total", "Deliveries stored, also those that have gone by their age.", events);
        let writes = web.app.journal.write_count(tenant).await? + removed.writes_done;
        self.counter(
            "so_writes_total",
            "Writes done in the CRM, also those that have gone by their age.",
            writes,
        );
        self.head("so_pruned_total", "counter", "What has gone by its age.");
        let all = [
            ("events", removed.events),
            ("bodies", removed.bodies),
            ("jobs", removed.jobs),
            ("steps", removed.steps),
            ("writes", removed.writes),
            ("deleted_records", removed.records),
        ];
        for (what, count) in all {
            self.line("so_pruned_total", &[("what", what)], count);
        }
        if let Some((_, at)) = web.app.inbox.newest_delivery(tenant).await? {
            let silence = web.now().duration_since(at).as_secs_f64().max(0.0);
            self.gauge("so_silence_seconds", "How long ago the last delivery was stored.", silence);
        }
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

fn borrowed(labels: &[Label]) -> Vec<(&str, &str)> {
    labels.iter().map(|(name, text)| (*name, text.as_str())).collect()
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
