//! The few things that a job needs of a CRM, in the domain's words.

use std::collections::BTreeSet;

use async_trait::async_trait;
use connector_domain::account::{Account, Person};
use connector_domain::drift::Bindings;
use connector_domain::field::{Definitions, Fields, Target};
use connector_domain::ids::{AssociateId, ContactId, Entity, PersonId};
use connector_domain::patch::Patch;
use connector_domain::policy::Associate;
use connector_domain::remedy::Remedy;
use connector_domain::sweep::Row;
use jiff::{SignedDuration, Timestamp};

use crate::discovery::FieldMap;

pub mod superoffice;

/// Reads records and writes fields.
#[async_trait]
pub trait Crm: Send + Sync {
    /// Reads a company; `None` when there is none with this number any more.
    async fn account(&self, id: ContactId, fields: &Definitions) -> Result<Option<Account>, CrmError>;

    /// Reads a person; `None` when there is none with this number any more.
    async fn person(&self, id: PersonId, fields: &Definitions) -> Result<Option<Person>, CrmError>;

    /// Writes a patch, guarded by what was read, and returns the fields as they stand afterwards.
    ///
    /// # Errors
    ///
    /// Nothing was written, unless [`CrmError::outcome_unknown`] says that it may have been.
    async fn write(&self, patch: &Patch, read: &Fields, fields: &Definitions) -> Result<Fields, CrmError>;

    /// Reads names and owners of many companies at once. Those that are gone are missing from the answer.
    async fn names(&self, ids: &[ContactId]) -> Result<Vec<Named>, CrmError>;

    /// Asks for something cheap, to tell a CRM that is out of order from a record that is.
    async fn probe(&self) -> Result<(), CrmError>;

    /// Finds out who we are, who is who, and which fields there are: those that are bound, as long as they are there.
    async fn discover(&self, map: &FieldMap, bound: &Bindings) -> Result<Found, CrmError>;
}

/// Tells which records were changed, as lists show them. Times are the CRM's own.
#[async_trait]
pub trait Lists: Send + Sync {
    /// When the record was changed or created that was changed or created last, until then.
    ///
    /// A later stamp is some clock's fault, and says nothing of when it was.
    async fn newest(&self, entity: Entity, until: Timestamp) -> Result<Newest, CrmError>;

    /// One page of the records that were changed since then, by number, behind the number `after`.
    ///
    /// Lists look at days, and what a day is depends on where one stands; so there are records among them that were
    /// changed before. A short page does not say that it is the last one; an empty one does.
    async fn changed(
        &self,
        entity: Entity,
        since: Timestamp,
        after: i64,
        fields: &Definitions,
    ) -> Result<Vec<Listed>, CrmError>;

    /// The records that were changed since then and no others, when there are few of them and the tenant has a list that
    /// looks at times. `None` says that [`Lists::changed`] is the better question.
    async fn few(&self, entity: Entity, since: Timestamp, fields: &Definitions) -> Result<Few, CrmError> {
        let _ = (entity, since, fields);
        Ok(Few::default())
    }

    /// What lists do not show in this tenant although it was asked for.
    fn unseen(&self) -> Vec<Unseen> {
        Vec::new()
    }

    /// The greatest number among the records that [`Lists::changed`] tells of; 0 when there are none.
    async fn last(&self, entity: Entity, since: Timestamp) -> Result<i64, CrmError>;
}

/// The last change of a kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Newest {
    /// When it was; `None` when there is no record.
    pub at: Option<Timestamp>,
    /// The record that bears the latest stamp, when that is later than can be.
    pub ahead: Option<(i64, Timestamp)>,
    /// What asking has cost.
    pub calls: u64,
}

/// Something that a list does not show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// What, in words.
    pub words: String,
    /// Whether it is a field that we write to.
    pub is_own_field: bool,
}

/// An answer that is whole, or none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Few {
    /// The records, by number.
    pub rows: Option<Vec<Listed>>,
    /// What asking has cost.
    pub calls: u64,
}

/// A record as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What is to be judged. Lists do not tell the number of whoever changed it.
    pub row: Row,
    /// Who changed it last, by short name; empty when it is not told.
    pub by: String,
}

/// A company's name and owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The company.
    pub id: ContactId,
    /// Its name.
    pub name: String,
    /// Its owner.
    pub owner: Option<AssociateId>,
}

/// What there is in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The associate that our calls are made as, when the CRM tells.
    pub own: Option<AssociateId>,
    /// Who is who. A short name is empty when the CRM did not tell it.
    pub associates: Vec<Associate>,
    /// The fields.
    pub definitions: Definitions,
    /// Fields that are there and hold what no text of ours could be.
    pub retyped: BTreeSet<Target>,
    /// What is missing or odd.
    pub findings: Vec<Finding>,
}

/// Something that is missing or odd in a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What, in words.
    pub words: String,
    /// What a person can do about it.
    pub help: &'static str,
}

/// Why the CRM did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct CrmError {
    /// In words, after "could not …: ".
    pub words: String,
    /// What the pipeline can do about it.
    pub remedy: Remedy,
    /// What a person can do about it.
    pub help: &'static str,
    /// Whether a write may have happened all the same.
    pub outcome_unknown: bool,
    /// Whose fault it is.
    pub blame: Blame,
    /// When the CRM may be there again, as far as it says so itself.
    pub back_in: Option<SignedDuration>,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// This request's, or the record's.
    Request,
    /// Perhaps the CRM's as a whole; only asking for something else can tell.
    Suspect,
    /// The CRM's as a whole: every other request would fail in the same way.
    Outage,
}
