//! What is shown at `/metrics` besides the server's own numbers: how the parts that only this crate knows do.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector_domain::meter::Counted;
use connector_pipeline::{Dependency, Ports, meters};
use connector_server::{Family, Instrument, Label, Sample, Values};
use connector_store::postgres::PostgresStore;
use connector_store::sqlite::SqliteStore;
use superoffice::Client;

use crate::wire::Books;

/// The share of a disk that should be free, in percent.
pub(crate) const LEAST_FREE: u64 = 5;

/// What is measured of a product that runs.
pub(crate) fn running(books: &Books, client: &Client, ports: &Arc<Ports>) -> Vec<Arc<dyn Instrument>> {
    let mut all = standing(books);
    all.push(Arc::new(Crm(client.clone())));
    all.push(Arc::new(Watch(Arc::clone(ports))));
    all
}

/// What is measured while only the store is looked at.
pub(crate) fn standing(books: &Books) -> Vec<Arc<dyn Instrument>> {
    vec![storage(books), Arc::new(Pipeline)]
}

/// How much room there is on a disk.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub(crate) free: u64,
    pub(crate) size: u64,
}

impl Room {
    /// The room where a file is or will be.
    pub(crate) fn around(file: &Path) -> Option<Self> {
        let folder = match file.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            Some(_) | None => PathBuf::from("."),
        };
        let disk = rustix::fs::statvfs(&folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(Self { free: bytes(disk.f_bavail), size: bytes(disk.f_blocks) })
    }

    /// Whether there is little left.
    pub(crate) fn is_tight(self) -> bool {
        self.free < self.size / 100 * LEAST_FREE
    }
}

fn storage(books: &Books) -> Arc<dyn Instrument> {
    match books {
        Books::File(store) => Arc::new(File(Arc::clone(store))),
        Books::Server(store) => Arc::new(Server(Arc::clone(store))),
    }
}

fn commits(commits: Counted, errors: &[(&'static str, u64)]) -> Vec<Family> {
    let errors = errors.iter().map(|(kind, count)| Sample::of("kind", *kind, float(*count)));
    vec![
        Family {
            name: "so_store_commit_duration_seconds",
            help: "How long commits took, with the wait for the disk.",
            values: Values::Histogram(vec![(Vec::new(), commits)]),
        },
        Family {
            name: "so_store_commit_errors_total",
            help: "Failures of the writing connection.",
            values: Values::Counter(errors.collect()),
        },
    ]
}

struct Server(Arc<PostgresStore>);

impl Instrument for Server {
    fn families(&self) -> Vec<Family> {
        let vitals = self.0.vitals();
        commits(vitals.commits, &vitals.errors)
    }

    fn warnings(&self) -> Vec<String> {
        self.0.risks().iter().map(|risk| risk.words.clone()).collect()
    }
}

struct File(Arc<SqliteStore>);

impl Instrument for File {
    fn families(&self) -> Vec<Family> {
        let vitals = self.0.vitals();
        let mut families = commits(vitals.commits, &vitals.errors);
        families.push(gauge("so_db_bytes", "How long the database's file is.", vitals.file_bytes));
        families.push(gauge("so_db_wal_bytes", "How long the log beside it is.", vitals.log_bytes));
        if let Some(room) = Room::around(self.0.path()) {
            families.push(gauge("so_disk_free_bytes", "What is free on the database's disk.", room.free));
            families.push(gauge("so_disk_size_bytes", "How large the database's disk is.", room.size));
        }
        families
    }

    fn warnings(&self) -> Vec<String> {
        let tight = Room::around(self.0.path()).filter(|room| room.is_tight());
        let words =
            |room: Room| format!("only {} MiB are free on the database's disk", room.free / 1024 / 1024);
        tight.map(words).into_iter().collect()
    }
}

struct Pipeline;

impl Instrument for Pipeline {
    fn families(&self) -> Vec<Family> {
        let reading = meters::read();
        let attempts: u64 = reading.attempts.iter().flat_map(|(_, counted)| counted.buckets).sum();
        let ended = reading.ended.iter().map(|(state, reason, count)| Sample {
            labels: vec![("state", (*state).to_owned()), ("reason", (*reason).to_owned())],
            value: float(*count),
        });
        let writes =
            reading.writes.iter().map(|(result, count)| Sample::of("result", *result, float(*count)));
        let durations = reading.attempts.iter();
        let durations =
            durations.map(|(outcome, counted)| (vec![("outcome", (*outcome).to_owned())], counted.clone()));
        vec![
            counter("so_attempts_total", "Attempts at jobs.", attempts),
            Family {
                name: "so_process_duration_seconds",
                help: "How long attempts took, by how they ended.",
                values: Values::Histogram(durations.collect()),
            },
            Family {
                name: "so_jobs_ended_total",
                help: "Jobs that ended, by state and reason.",
                values: Values::Counter(ended.collect()),
            },
            counter(
                "so_lease_expired_total",
                "Leases that were over before their job was.",
                reading.leases_expired,
            ),
            counter(
                "so_crash_recovered_total",
                "Jobs that were found with a worker that had died.",
                reading.crashes_recovered,
            ),
            Family {
                name: "so_crm_writes_total",
                help: "Patches that were sent: done, refused since somebody changed the record, refused otherwise, or unknown.",
                values: Values::Counter(writes.collect()),
            },
        ]
    }
}

/// What those who watch on the pipeline's behalf tell: the breakers, the guardian of the webhook, the sweep.
struct Watch(Arc<Ports>);

/// What is told by number: the name, and what it is.
const WATCHED: [(&str, &str, &str); 5] = [
    (
        "webhook_state",
        "so_webhook_state",
        "Our webhook in SuperOffice: 1 active, 2 stopped, 3 switched off after too many errors, 0 something else or none.",
    ),
    (
        "webhook_consecutive_errors",
        "so_webhook_consecutive_errors",
        "Deliveries that failed in a row, as SuperOffice counts them.",
    ),
    (
        "reconcile_last_success_timestamp_seconds",
        "so_reconcile_last_success_timestamp_seconds",
        "When the last sweep ended.",
    ),
    (
        "reconcile_gap_events",
        "so_reconcile_gap_events",
        "Changes to be worked on that the last sweep found and no webhook had told of.",
    ),
    ("reconcile_calls", "so_reconcile_calls", "Calls of SuperOffice that the last sweep took."),
];

impl Instrument for Watch {
    fn families(&self) -> Vec<Family> {
        let breakers = [Dependency::Crm, Dependency::Explorer].map(|on| {
            let is_open = self.0.breakers.down_since(on).is_some();
            Sample::of("dependency", on.part(), float(u64::from(is_open)))
        });
        let mut families = vec![Family {
            name: "so_breaker_state",
            help: "What the work depends on: 0 in use, 1 left alone because it is out of order.",
            values: Values::Gauge(breakers.into()),
        }];
        let told = self.0.status.numbers();
        let told = told.borrow();
        for (number, name, help) in WATCHED {
            if let Some(value) = told.get(number) {
                families.push(gauge(name, help, *value));
            }
        }
        families
    }
}

struct Crm(Client);

impl Instrument for Crm {
    fn families(&self) -> Vec<Family> {
        let (mut requests, mut renewals) = (Vec::new(), Renewals::default());
        let mut times: Vec<(Vec<Label>, u64, f64)> = Vec::new();
        for (call, took) in self.0.timed_calls() {
            let class = match call.status {
                0 => "none",
                200..=299 => "2xx",
                300..=399 => "3xx",
                400..=499 => "4xx",
                _ => "5xx",
            };
            if call.route.contains("oauth/tokens") || call.route.contains("PartnerSystemUser") {
                renewals.add(class, call.count);
            }
            let op = format!("{} {}", call.method, call.route);
            match times.iter_mut().find(|(labels, ..)| labels[0].1 == op) {
                Some((_, count, sum)) => {
                    *count += call.count;
                    *sum += took.as_secs_f64();
                }
                None => times.push((vec![("op", op.clone())], call.count, took.as_secs_f64())),
            }
            let labels = vec![("op", op), ("class", class.to_owned())];
            match requests.iter_mut().find(|sample: &&mut Sample| sample.labels == labels) {
                Some(sample) => sample.value += float(call.count),
                None => requests.push(Sample { labels, value: float(call.count) }),
            }
        }
        vec![
            Family {
                name: "so_crm_requests_total",
                help: "Calls of SuperOffice, by operation and class of the answer.",
                values: Values::Counter(requests),
            },
            Family {
                name: "so_crm_request_duration_seconds",
                help: "How long SuperOffice took to answer, by operation.",
                values: Values::Summary(times),
            },
            Family {
                name: "so_token_refresh_total",
                help: "Access tokens that were asked for.",
                values: Values::Counter(vec![
                    Sample::of("result", "ok", float(renewals.worked)),
                    Sample::of("result", "failed", float(renewals.failed)),
                ]),
            },
        ]
    }
}

#[derive(Default)]
struct Renewals {
    worked: u64,
    failed: u64,
}

impl Renewals {
    fn add(&mut self, class: &str, count: u64) {
        *(if class == "2xx" { &mut self.worked } else { &mut self.failed }) += count;
    }
}

fn gauge(name: &'static str, help: &'static str, value: u64) -> Family {
    Family { name, help, values: Values::Gauge(Sample::plain(float(value))) }
}

fn counter(name: &'static str, help: &'static str, value: u64) -> Family {
    Family { name, help, values: Values::Counter(Sample::plain(float(value))) }
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus knows nothing but floats")]
const fn float(count: u64) -> f64 {
    count as f64
}
