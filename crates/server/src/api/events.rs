//! `/api/v1/events`: the deliveries as they were stored, and what became of each.

use axum::extract::{RawQuery, State};
use connector_domain::ids::{ContactId, Entity, EventId, JobId};
use connector_domain::reason::Reason;
use connector_store::inbox::{Disposition, Source, StoredEvent};
use jiff::Timestamp;
use serde::Serialize;

use super::{Answer, List, USUAL};
use crate::app::Web;
use crate::query::{Cursor, Query};

/// A stored event.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are a contract")]
pub(crate) struct Event {
    seq: i64,
    event_id: EventId,
    /// `webhook` or `sweep`.
    source: Source,
    event: String,
    entity: Option<Entity>,
    entity_id: Option<i64>,
    account_id: Option<ContactId>,
    changed_by: Option<i64>,
    changes: Vec<String>,
    received_at: Timestamp,
    /// When it happened, by SuperOffice's clock.
    happened_at: Option<Timestamp>,
    disposition: Disposition,
    reason: Option<Reason>,
    reason_text: Option<String>,
    job_id: Option<JobId>,
    repeats: u32,
}

impl From<StoredEvent> for Event {
    fn from(event: StoredEvent) -> Self {
        let columns = event.changes.split(',').filter(|column| !column.is_empty());
        Self {
            seq: event.seq,
            event_id: event.id,
            source: event.source,
            entity: event.record.map(|record| record.entity),
            entity_id: event.record.map(|record| record.id),
            account_id: event.account,
            changed_by: event.changed_by,
            changes: columns.map(str::to_owned).collect(),
            received_at: event.received_at,
            happened_at: event.happened_at,
            disposition: event.disposition,
            reason: event.reason,
            reason_text: event.reason.map(|reason| reason.sentence().to_owned()).or(event.words),
            job_id: event.job,
            repeats: event.repeats,
            event: event.name,
        }
    }
}

/// `GET /api/v1/events?account=&limit=&after=`
pub(crate) async fn list(State(web): State<Web>, RawQuery(query): RawQuery) -> Answer<List<Event>> {
    let query = Query::read(query.as_deref(), &["account", "limit", "after"])?;
    let request = query.page(USUAL, Cursor::Number)?;
    let account = query.number("account")?.map(ContactId);
    let page = web.app.inbox.events(&web.app.tenant, account, &request).await?;
    Ok(List::of(page, web.now(), Event::from))
}
