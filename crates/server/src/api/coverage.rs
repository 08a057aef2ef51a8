//! `GET /api/v1/coverage?from=&until=`: what became of every change in a window.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use connector_domain::coverage::Class;
use connector_domain::reason::Reason;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Answer;
use super::sweep::{from, sweeps, until};
use crate::app::Web;
use crate::query::Query;
use crate::sweeps::{Gone, Since};

/// What is looked at when nobody says otherwise.
pub(crate) const USUAL: SignedDuration = SignedDuration::from_hours(24);

/// The coverage.
#[derive(Debug, Serialize)]
pub(crate) struct Coverage {
    from: Timestamp,
    until: Option<Timestamp>,
    cut: bool,
    changes: u64,
    /// By class; every class is there.
    classes: BTreeMap<&'static str, u64>,
    reasons: Vec<Why>,
    recovered: u64,
    unexplained: u64,
    /// The first of the unexplained records.
    unexplained_records: Vec<Gone>,
    remedy: Option<&'static str>,
    calls: u64,
    as_of: Timestamp,
}

#[derive(Debug, Serialize)]
struct Why {
    class: Class,
    reason: Reason,
    reason_text: &'static str,
    count: u64,
}

/// What helps when something is unexplained.
pub(crate) const REMEDY: &str = "Sweep the window: so-connector sweep --since with its beginning. What stays unexplained is kept from the API user, or was changed this moment.";

/// The handler.
pub(crate) async fn show(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<Coverage> {
    let query = Query::read(query.as_deref(), &["from", "until"])?;
    let since = from(&query, "from")?.unwrap_or(Since::Ago(USUAL));
    let found = sweeps(&web)?.coverage(since, until(&query, "until")?, SignedDuration::ZERO).await?;
    let why = |(&(class, reason), &count): (&(Class, Reason), &u64)| Why {
        class,
        reason,
        reason_text: reason.sentence(),
        count,
    };
    let unexplained = found.of(Class::Unexplained);
    Ok(Json(Coverage {
        from: found.from,
        until: found.until,
        cut: found.is_cut,
        changes: found.changes,
        classes: Class::ALL.iter().map(|class| (class.as_str(), found.of(*class))).collect(),
        reasons: found.reasons.iter().map(why).collect(),
        recovered: found.of(Class::Recovered),
        unexplained,
        remedy: (unexplained > 0).then_some(REMEDY),
        unexplained_records: found.unexplained,
        calls: found.calls,
        as_of: web.now(),
    }))
}
