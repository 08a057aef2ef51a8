//! `/api/v1/sweep`: asks for a sweep, says what it would cost, and how it goes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use connector_domain::ids::TenantId;
use connector_store::settings::GAP;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Answer;
use crate::app::Web;
use crate::problem::Problem;
use crate::query::{self, Query};
use crate::sweeps::{Since, Sweeps, since};

/// `GET /api/v1/sweep`
pub(crate) async fn show(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<Value> {
    Query::read(query.as_deref(), &[])?;
    let mut state = sweeps(&web)?.state().await?;
    state["as_of"] = json!(web.now());
    Ok(Json(state))
}

/// `GET /api/v1/sweep/plan?since=`
pub(crate) async fn plan(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<Value> {
    let query = Query::read(query.as_deref(), &["since"])?;
    Ok(Json(sweeps(&web)?.plan(from(&query, "since")?).await?))
}

/// `POST /api/v1/sweep?since=&until=&restored=`
pub(crate) async fn begin(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<Value> {
    let query = Query::read(query.as_deref(), &["since", "until", "restored"])?;
    let (since, until, sweeps) = (from(&query, "since")?, until(&query, "until")?, sweeps(&web)?);
    if restored(&query)? {
        let since = since.ok_or_else(|| query::bad("restored", "`since` is wanted, too.".to_owned()))?;
        remember_gap(&web, since).await?;
    }
    sweeps.ask(since, until).await?;
    Ok(Json(json!({"status": "asked"})))
}

fn restored(query: &Query) -> Result<bool, Problem> {
    match query.get("restored") {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(query::bad("restored", "`true` or `false` is wanted.".to_owned())),
    }
}

/// The database was put back to what it was then: what we wrote since stands in the CRM, and is not known here. A file
/// tells that by itself; what is put back by a server's own tools does not.
async fn remember_gap(web: &Web, since: Since) -> Result<(), Problem> {
    let now = web.now();
    let from = match since {
        Since::At(moment) => moment,
        Since::Ago(length) => now.saturating_sub(length).unwrap_or(now),
    };
    let gap = json!({"from": from, "asked": true});
    Ok(web.app.settings.put(&TenantId(String::new()), GAP, gap, now).await?)
}

pub(crate) fn sweeps(web: &Web) -> Result<Arc<dyn Sweeps>, Problem> {
    web.app.sweeps.clone().ok_or_else(|| Problem::not_found("SuperOffice to be asked here"))
}

pub(crate) fn from(query: &Query, name: &'static str) -> Result<Option<Since>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let wanted = "A time such as 2026-05-04T12:00:00Z is wanted, or a length of time such as 6h.";
    since(text).map(Some).ok_or_else(|| query::bad(name, wanted.to_owned()))
}

pub(crate) fn until(query: &Query, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let wanted = "A time such as 2026-05-04T12:00:00Z is wanted.";
    text.parse().map(Some).map_err(|_| query::bad(name, wanted.to_owned()))
}
