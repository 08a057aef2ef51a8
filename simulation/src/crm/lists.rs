//! The CRM's lists, as sweeps read them: pages of few records, with stamps of whole seconds.

use async_trait::async_trait;
use connector_domain::field::{Definitions, Version};
use connector_domain::ids::{AssociateId, ContactId, Entity, PersonId, RecordRef};
use connector_domain::sweep::{Columns, Row, print_of};
use connector_pipeline::crm::{CrmError, Listed, Lists, Newest};
use jiff::Timestamp;

use super::port::Line;
use super::{Model, raw};

/// So many records are on a page: few, so that there are several.
const PAGE: usize = 3;

/// When a record was made and changed, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) registered: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) by: i64,
}

impl Model {
    /// Stamps a record that was changed now.
    pub(super) fn stamp(&mut self, record: RecordRef, now: Timestamp, by: i64) {
        let updated = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let registered = self.stamps.get(&record).map_or(updated, |stamp| stamp.registered);
        self.stamps.insert(record, Stamp { registered, updated, by });
    }

    /// The version of a record, where versions are told.
    pub(super) fn version(&self, record: RecordRef) -> Option<Version> {
        let stamp = self.stamps.get(&record)?;
        let besides: Vec<String> = self.plain(record).into_iter().map(|(_, value)| value).collect();
        Some(Version { at: stamp.updated, besides: print_of(&besides.join("|")) })
    }

    /// What we go by besides our own fields, by the names that events have for it.
    fn plain(&self, record: RecordRef) -> Vec<(&'static str, String)> {
        match record.entity {
            Entity::Contact => self.contacts.get(&record.id).map_or_else(Vec::new, |contact| {
                vec![
                    ("name", contact.name.clone()),
                    ("urladdress", contact.website.clone().unwrap_or_default()),
                    ("associate_id", contact.owner.to_string()),
                ]
            }),
            Entity::Person => self.persons.get(&record.id).map_or_else(Vec::new, |human| {
                vec![("title", human.title.clone()), ("contact_id", human.contact.to_string())]
            }),
        }
    }

    fn row(&self, record: RecordRef) -> Option<Listed> {
        let stamp = self.stamps.get(&record)?;
        let company = self.account_of(record);
        let mut columns: Columns =
            self.plain(record).into_iter().map(|(name, value)| (name.to_owned(), print_of(&value))).collect();
        for definition in self.definitions().of(record.entity) {
            let target = definition.target;
            let value = raw(&self.value(record, target));
            columns.insert(format!("userdef_id/{target:?}"), print_of(&value));
        }
        let contact = self.contacts.get(&company);
        let row = Row {
            record,
            account: Some(ContactId(company)),
            owner: contact.map(|contact| AssociateId(contact.owner)),
            registered_at: Some(stamp.registered),
            updated_at: Some(stamp.updated),
            updated_by: None,
            deleted: record.entity == Entity::Contact && contact.is_some_and(|contact| contact.deleted),
            columns,
        };
        Some(Listed { row, by: format!("U{}", stamp.by) })
    }

    /// Remembers what stands in a record that was changed now.
    pub(super) fn remember(&mut self, record: RecordRef) {
        let Some(row) = self.row(record).map(|listed| listed.row) else { return };
        let Some(at) = row.updated_at else { return };
        self.history.entry(record).or_default().push((at, row.columns));
    }

    /// Whether lists show something else of a record than they did then. One that was not there does.
    pub fn differs_since(&self, record: RecordRef, then: Timestamp) -> bool {
        let history = self.history.get(&record).map_or(&[][..], Vec::as_slice);
        let was = history.iter().rev().find(|(at, _)| *at <= then);
        was.is_none_or(|(_, was)| history.last().is_some_and(|(_, is)| is != was))
    }

    /// Those that were changed since then, by number.
    fn since(&self, entity: Entity, since: Timestamp) -> Vec<RecordRef> {
        let is_since = |record: &RecordRef| self.stamps.get(record).is_some_and(|it| it.updated >= since);
        self.of(entity).into_iter().filter(is_since).collect()
    }

    fn of(&self, entity: Entity) -> Vec<RecordRef> {
        match entity {
            Entity::Contact => self.contacts.keys().map(|id| RecordRef::contact(ContactId(*id))).collect(),
            Entity::Person => self.persons.keys().map(|id| RecordRef::person(PersonId(*id))).collect(),
        }
    }
}

#[async_trait]
impl Lists for Line {
    async fn newest(&self, entity: Entity, _: Timestamp) -> Result<Newest, CrmError> {
        self.asks().await?;
        let model = self.crm().model();
        let stamps =
            model.of(entity).into_iter().filter_map(|record| Some(model.stamps.get(&record)?.updated));
        Ok(Newest { at: stamps.max(), ahead: None, calls: 1 })
    }

    // Nobody may rely on more than what was asked for, so what was changed before is left out.
    async fn changed(
        &self,
        entity: Entity,
        since: Timestamp,
        after: i64,
        _: &Definitions,
    ) -> Result<Vec<Listed>, CrmError> {
        self.asks().await?;
        let model = self.crm().model();
        let behind = model.since(entity, since).into_iter().filter(|record| record.id > after);
        Ok(behind.filter_map(|record| model.row(record)).take(PAGE).collect())
    }

    async fn last(&self, entity: Entity, since: Timestamp) -> Result<i64, CrmError> {
        self.asks().await?;
        Ok(self.crm().model().since(entity, since).last().map_or(0, |record| record.id))
    }
}
