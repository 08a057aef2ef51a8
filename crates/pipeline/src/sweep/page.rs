//! One page: what is no news is remembered, what is news goes to the inbox as an event would have told it.

use std::sync::Arc;

use connector_domain::event::{Changes, Event, EventKind};
use connector_domain::ids::{AssociateId, EventId};
use connector_domain::policy::Policy;
use connector_domain::sweep::{Because, Judgement, Row, Snapshot, Span, judge};
use connector_faults::{Bug, planted};
use connector_store::inbox::{Accepted, Content, Delivery};
use connector_store::snapshots::Checkpoint;
use serde_json::json;

use super::kept::{self, Run};
use super::{SweepError, sweeper::Sweeper};
use crate::crm::Listed;
use crate::setting;

impl Sweeper {
    /// Takes in a page, and keeps that it was taken in. After a crash in between it is taken in again, to the same end.
    pub(super) async fn take_in(
        &self,
        run: &mut Run,
        page: Vec<Listed>,
        span: &Span,
    ) -> Result<(), SweepError> {
        let ports = self.ports();
        let policy = ports.discovered.policy_now();
        let rows: Vec<Row> = page.into_iter().map(|listed| with_author(listed, &policy)).collect();
        let records: Vec<_> = rows.iter().map(|row| (row.record, row.account)).collect();
        let books = ports.snapshots.known(&ports.tenant, &records).await?;
        let mut next = run.clone();
        let mut news = Vec::new();
        let mut snapshots = Vec::with_capacity(rows.len());
        for (row, known) in rows.iter().zip(&books) {
            match judge(row, known, span) {
                // With an end, there is something on both sides that has not been judged yet.
                Judgement::Known(Because::Outside) if span.until.is_some() => {
                    next.tally.known(Because::Outside);
                    continue;
                }
                Judgement::Known(because) => next.tally.known(because),
                Judgement::Found(..)
                    if planted(Bug::OwnVersionHidesOthers) && row.updated_by == policy.own_associate => {}
                Judgement::Found(kind, changes) => news.push(self.accept(row, kind, changes, &policy)),
            }
            snapshots.push((row.record, Snapshot::of(row, known.snapshot.as_ref())));
        }
        if planted(Bug::PageKeptBeforeItIsTakenIn) {
            let checkpoint = Checkpoint { key: kept::RUN.to_owned(), value: setting::to_value(&next)? };
            let now = ports.clock.now();
            ports.snapshots.remember(&ports.tenant, snapshots.clone(), checkpoint, now).await?;
        }
        // Together, so that they share a commit.
        for accepted in futures::future::try_join_all(news).await? {
            next.tally.found(accepted);
        }
        next.tally.records += rows.len() as u64;
        if let Some(last) = rows.last() {
            next.at = Some((last.record.entity, last.record.id));
        }
        let checkpoint = Checkpoint { key: kept::RUN.to_owned(), value: setting::to_value(&next)? };
        ports.snapshots.remember(&ports.tenant, snapshots, checkpoint, ports.clock.now()).await?;
        *run = next;
        Ok(())
    }

    async fn accept(
        &self,
        row: &Row,
        kind: EventKind,
        changes: Changes,
        policy: &Arc<Policy>,
    ) -> Result<Accepted, SweepError> {
        let ports = self.ports();
        let event = event(row, kind, changes, ports.tenant.clone());
        let body = json!({"found_by": "sweep", "event": event}).to_string().into_bytes().into();
        let delivery = Delivery {
            tenant: ports.tenant.clone(),
            id: event.id.clone(),
            body,
            content: Content::Found(event),
            received_at: ports.clock.now(),
        };
        Ok(ports.inbox.accept(delivery, Arc::clone(policy)).await?)
    }
}

/// Lists tell who changed a record by short name.
fn with_author(listed: Listed, policy: &Policy) -> Row {
    let by = listed.by;
    let is_author = |short: &str| !by.is_empty() && short.eq_ignore_ascii_case(&by);
    let author = policy.associates.values().find(|associate| is_author(&associate.short_name));
    Row { updated_by: author.map(|associate| associate.id), ..listed.row }
}

/// What an event would have told. The same version of a record makes the same event, however often it is found.
///
/// Where no column is told, nobody is named who changed it: whoever saved it last, we ourselves perhaps, says nothing of
/// what somebody else changed before, and it must not be taken for an echo.
fn event(row: &Row, kind: EventKind, changes: Changes, tenant: connector_domain::ids::TenantId) -> Event {
    let verb = match kind {
        EventKind::Created => "created",
        EventKind::SoftDeleted => "softdeleted",
        _ => "changed",
    };
    let version = row.updated_at.map_or(0, jiff::Timestamp::as_second);
    let content = row.columns.values().fold(0_u64, |all, value| all.rotate_left(7) ^ value);
    let (entity, number) = (row.record.entity, row.record.id);
    Event {
        tenant,
        id: EventId(format!("sweep:{entity}:{number}:{verb}:{version}:{content:016x}")),
        name: format!("{entity}.{verb}"),
        kind,
        record: Some(row.record),
        account: row.account,
        owner: row.owner,
        changed_by: row.updated_by.filter(|by| *by != AssociateId(0) && changes != Changes::NotTold),
        changes,
        at: row.updated_at,
    }
}

#[cfg(test)]
mod tests {
    use connector_domain::filter::{Memory, Verdict, decide};
    use connector_domain::ids::{ContactId, RecordRef};
    use connector_domain::reason::Reason;
    use jiff::Timestamp;

    use super::*;

    const OWN: AssociateId = AssociateId(528);

    fn verdict(changes: Changes) -> Verdict {
        let noon: Timestamp = "2026-05-04T12:00:00Z".parse().unwrap();
        let row = Row {
            record: RecordRef::contact(ContactId(18)),
            account: Some(ContactId(18)),
            owner: None,
            registered_at: Some(noon),
            updated_at: Some(noon),
            updated_by: Some(OWN),
            deleted: false,
            columns: [("name".to_owned(), 1)].into(),
        };
        let policy = Policy { own_associate: Some(OWN), ..Policy::default() };
        let event = event(&row, EventKind::Changed, changes, "Cust10001".into());
        decide(&event, Memory { written_at: Some(noon) }, &policy, noon)
    }

    #[test]
    fn what_somebody_changed_just_before_we_wrote_is_no_echo() {
        assert_eq!(verdict(Changes::NotTold), Verdict::Explore);
        assert_eq!(verdict(Changes::of(["userdef_id", "updated"])), Verdict::Skip(Reason::OwnWrite));
    }
}
