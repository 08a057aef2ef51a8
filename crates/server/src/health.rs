//! `GET /healthz` and `GET /readyz`: alive, and able to take in deliveries.
//!
//! Ready means that the database takes a row and gives it back. An outage of the CRM does not make us unready: taking
//! in deliveries must go on then more than ever.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use tokio::sync::{Mutex, watch};

use crate::app::{Shared, Web};
use crate::canary;

/// An answer of the database is good for so long.
const GOOD_FOR: Duration = Duration::from_secs(1);
/// A database that takes longer is taken to be out of order.
const PATIENCE: Duration = Duration::from_secs(3);

/// Alive: no I/O, so a full disk or a slow database does not get the process killed.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Ready, or why not.
pub(crate) async fn ready(State(web): State<Web>) -> Response {
    let checked = web.readiness.check(&web).await;
    let checked = Checked { failure: checked.failure.clone().or_else(|| stale(&web)), ..checked };
    let warnings: Vec<String> = web.app.instruments.iter().flat_map(|one| one.warnings()).collect();
    match (checked.failure, checked.took) {
        (None, took) => {
            let took = took.unwrap_or_default().as_secs_f64() * 1000.0;
            Json(json!({"status": "ready", "reasons": [], "warnings": warnings, "store_ms": took}))
                .into_response()
        }
        (Some(failure), _) => {
            let body = Json(json!({"status": "not ready", "reasons": [failure], "warnings": warnings}));
            (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
        }
    }
}

/// Why what was committed a while ago is not believed to be kept.
fn stale(web: &Shared) -> Option<String> {
    let age = web.app.canary.age().filter(|age| *age > canary::TOO_OLD)?;
    let words = "a mark that the store wrote was last read back";
    Some(format!("{words} {} s ago, through another connection", age.as_secs()))
}

/// The last check of the database; kept for a second, so that asking often costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    turn: Mutex<()>,
    last: watch::Sender<Option<Checked>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Checked {
    at: Instant,
    pub(crate) took: Option<Duration>,
    pub(crate) failure: Option<String>,
}

impl Readiness {
    /// The last check, or a new one when that is too old. Whoever asks meanwhile waits for the same one.
    pub(crate) async fn check(&self, web: &Shared) -> Checked {
        let _turn = self.turn.lock().await;
        let last = self.last.borrow().clone();
        if let Some(checked) = last.filter(|checked| checked.at.elapsed() < GOOD_FOR) {
            return checked;
        }
        let answer = tokio::time::timeout(PATIENCE, web.app.settings.check(web.now())).await;
        let (took, failure) = match answer {
            Ok(Ok(took)) => (Some(took), None),
            Ok(Err(error)) => (None, Some(error.to_string())),
            Err(_) => (None, Some(format!("the database did not answer within {} s", PATIENCE.as_secs()))),
        };
        let checked = Checked { at: Instant::now(), took, failure };
        self.last.send_replace(Some(checked.clone()));
        checked
    }

    /// How old the last check is, in seconds. Does not wait for one that is under way.
    pub(crate) fn age(&self) -> f64 {
        self.last.borrow().as_ref().map_or(0.0, |checked| checked.at.elapsed().as_secs_f64())
    }
}
