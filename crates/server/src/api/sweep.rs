//! `/api/v1/sweep`: asks for a sweep, says what it would cost, and how it goes.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
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

/// `POST /api/v1/sweep?since=&until=`
pub(crate) async fn begin(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<Value> {
    let query = Query::read(query.as_deref(), &["since", "until"])?;
    sweeps(&web)?.ask(from(&query, "since")?, until(&query, "until")?).await?;
    Ok(Json(json!({"status": "asked"})))
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
