//! `POST /connector/tenant-state`: SuperOffice tells that the state of a tenant changes.
//!
//! Anybody can post here, and what is posted carries its own proof: a token that the log-in host signed. Verifying is
//! work, and may mean asking the log-in host for its keys, so strangers get a bounded number of attempts. Nothing that a
//! notification says is taken over; it only makes us look at the tenant's state sooner. One that is refused or lost
//! costs time, no events.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::{SignedDuration, Timestamp};
use superoffice::api::state::StateChange;
use superoffice::json;
use tracing::{debug, info, warn};

use crate::app::{Shared, Web};
use crate::problem::Problem;
use crate::receive::{self, NoBody};

/// A notification is about 2 KiB.
const LIMIT: usize = 64 * 1024;
/// So many attempts at once: all tenants of an app may be upgraded in one night,
const BURST: i64 = 100;
/// and one more after each of these.
const EACH: SignedDuration = SignedDuration::from_millis(100);

/// Tells what a notification is worth.
#[async_trait]
pub trait TenantState: Send + Sync {
    /// Verifies a notification. When it is about our tenant, whoever works with the tenant looks at it anew.
    ///
    /// # Errors
    ///
    /// Nobody looks at anything then.
    async fn changed(&self, change: &StateChange) -> Result<Concern, Unverified>;
}

/// Whom a genuine notification is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Concern {
    /// Our tenant.
    Us,
    /// Another tenant of the same app: all of them are told of at one address.
    AnotherTenant,
}

/// Why a notification is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unverified {
    /// Its proof is none. Sending it again cannot help.
    #[error("{0}")]
    Forged(String),
    /// The log-in host does not tell its keys just now.
    #[error("{0}")]
    NoKeys(String),
}

/// Takes in one notification.
pub(crate) async fn receive(State(web): State<Web>, request: Request) -> Response {
    match take_in(&web, request).await {
        Ok(Concern::Us) => answer("noted"),
        Ok(Concern::AnotherTenant) => answer("ignored"),
        Err(refusal) => refusal.into_response(),
    }
}

fn answer(status: &str) -> Response {
    ([(CONTENT_TYPE, "application/json")], format!(r#"{{"status":"{status}"}}"#)).into_response()
}

async fn take_in(web: &Shared, request: Request) -> Result<Concern, Refusal> {
    let Some(state) = &web.app.tenant_state else { return Err(Refusal::NotHere) };
    let (head, body) = request.into_parts();
    let body = receive::body(&head.headers, body, LIMIT).await.map_err(Refusal::NoBody)?;
    let change: StateChange = json::record(&body).map_err(|_| Refusal::Unreadable)?;
    if !web.allowance.take(web.now()) {
        return Err(Refusal::TooMany);
    }
    let concern = state.changed(&change).await.map_err(|unverified| {
        note(web, &unverified);
        Refusal::Unverified(unverified)
    })?;
    match concern {
        Concern::Us => {
            let words = change.words();
            info!(change = change.change_type, "SuperOffice tells that the tenant {words}");
        }
        Concern::AnotherTenant => debug!("a notification about another tenant is of no interest"),
    }
    Ok(concern)
}

/// Logs that a notification was not believed, at most once a minute.
fn note(web: &Shared, unverified: &Unverified) {
    static LAST: AtomicI64 = AtomicI64::new(i64::MIN);
    let minute = web.now().as_second() / 60;
    if LAST.swap(minute, Ordering::Relaxed) != minute {
        warn!("a notification about the tenant's state was not believed: {unverified}");
    }
}

/// How many attempts are left. They come back with time.
#[derive(Debug, Default)]
pub(crate) struct Allowance(Mutex<Option<Left>>);

#[derive(Debug, Clone, Copy)]
struct Left {
    attempts: i64,
    /// When the last one came back.
    since: Timestamp,
}

impl Allowance {
    /// Takes one, if there is one.
    fn take(&self, now: Timestamp) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = left.unwrap_or(Left { attempts: BURST, since: now });
        // A clock that was set back gives nothing and takes nothing away.
        let back = now.duration_since(before.since).as_millis().max(0) / EACH.as_millis();
        let back = i32::try_from(back).unwrap_or(i32::MAX);
        let attempts = before.attempts.saturating_add(back.into()).min(BURST);
        let is_full = attempts == BURST || now < before.since;
        let since = if is_full { now } else { before.since + EACH * back };
        *left = Some(Left { attempts: (attempts - 1).max(0), since });
        attempts > 0
    }
}

/// Why a notification was not taken in.
enum Refusal {
    NotHere,
    NoBody(NoBody),
    Unreadable,
    TooMany,
    Unverified(Unverified),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::NotHere => Problem::not_found("tenant to be told of here"),
            Self::NoBody(missing) => missing.into(),
            Self::Unreadable => {
                let detail = "The body is no notification about a tenant's state.";
                Problem::new(StatusCode::BAD_REQUEST, "unreadable", detail)
            }
            Self::TooMany => {
                let detail = "Too many notifications came of late. Send it again.";
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many", detail).retry_after(1)
            }
            // Why is for the log: a stranger need not learn which proof would do.
            Self::Unverified(Unverified::Forged(_)) => {
                let detail = "The notification's token proves nothing.";
                Problem::new(StatusCode::UNAUTHORIZED, "bad_token", detail)
            }
            Self::Unverified(Unverified::NoKeys(_)) => {
                let detail = "The notification could not be verified just now. Send it again.";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_verified", detail).retry_after(30)
            }
        };
        problem.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_772_000_000_000 + millisecond).unwrap()
    }

    #[test]
    fn a_hundred_attempts_at_once_and_then_ten_each_second() {
        let allowance = Allowance::default();
        let taken = |at: Timestamp, times: usize| (0..times).filter(|_| allowance.take(at)).count();
        assert_eq!(taken(at(0), 200), 100);
        assert_eq!(taken(at(90), 5), 0);
        assert_eq!(taken(at(100), 5), 1);
        assert_eq!(taken(at(290), 5), 1);
        assert_eq!(taken(at(300), 5), 1);
        assert_eq!(taken(at(1_300), 50), 10);
        assert_eq!(taken(at(3_600_000), 200), 100);
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_away() {
        let allowance = Allowance::default();
        assert_eq!((0..200).filter(|_| allowance.take(at(0))).count(), 100);
        assert!(!allowance.take(at(-3_600_000)));
        assert!(!allowance.take(at(-3_600_000)));
        assert!(allowance.take(at(-3_598_000)));
    }
}
