//! What would be written to a company, without a job and without writing: for looking before the first event comes.

use std::collections::BTreeMap;

use connector_domain::field::{Definitions, Target, Value};
use connector_domain::ids::{AssociateId, ContactId};
use connector_domain::patch::{self, Kept, WritePolicy};
use connector_domain::profile::{Explored, Nothing};
use connector_domain::reason::Reason;
use connector_explorer::{Explorer, Knowledge};
use jiff::Timestamp;

use crate::crm::Crm;
use crate::explore;

/// What a look needs.
#[derive(Clone, Copy)]
pub struct Previewer<'a> {
    /// The customer database.
    pub crm: &'a dyn Crm,
    /// What a company is.
    pub explorer: &'a dyn Explorer,
    /// The reviewed texts.
    pub knowledge: &'a Knowledge,
    /// The tenant's fields.
    pub definitions: &'a Definitions,
    /// Which fields may be written.
    pub write_policy: WritePolicy,
}

impl std::fmt::Debug for Previewer<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Previewer").field("write_policy", &self.write_policy).finish_non_exhaustive()
    }
}

/// What would become of one company.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The company.
    pub id: ContactId,
    /// Its name; empty when it could not be read.
    pub name: String,
    /// Its owner.
    pub owner: Option<AssociateId>,
    /// What would happen.
    pub outcome: Outlook,
}

/// What would happen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outlook {
    /// These fields would be written: what for, what stands there, what would.
    Write(Vec<Change>),
    /// Nothing, for this reason, in words.
    Nothing(Reason, String),
    /// It cannot be told, because of this.
    Failed(String),
}

/// One field's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is for.
    pub target: Target,
    /// What stands there, in words.
    pub before: String,
    /// What would, in words.
    pub after: String,
}

impl Previewer<'_> {
    /// Looks at one company: reads it, explores it and plans. What stands in a field counts as a person's words.
    pub async fn look(&self, id: ContactId, now: Timestamp) -> Preview {
        let mut preview =
            Preview { id, name: String::new(), owner: None, outcome: Outlook::Failed(String::new()) };
        let account = match self.crm.account(id, self.definitions).await {
            Ok(Some(account)) => account,
            Ok(None) => {
                preview.outcome = Outlook::Nothing(Reason::Deleted, Reason::Deleted.sentence().to_owned());
                return preview;
            }
            Err(error) => {
                preview.outcome = Outlook::Failed(error.words);
                return preview;
            }
        };
        preview.name.clone_from(&account.name);
        preview.owner = account.owner.as_ref().map(|owner| owner.id);
        let question = explore::question(&account);
        let explored = self.explorer.explore(&question, explore::room(self.definitions), now).await;
        preview.outcome = match explored {
            Err(error) => Outlook::Failed(error.to_string()),
            Ok(Explored::Nothing(Nothing::NoWebsite)) => {
                Outlook::Nothing(Reason::NoWebsite, Reason::NoWebsite.sentence().to_owned())
            }
            Ok(Explored::Nothing(Nothing::NoEvidence(words) | Nothing::Unreachable(words))) => {
                Outlook::Nothing(Reason::NoEvidence, words)
            }
            Ok(Explored::Profile(profile)) => {
                let verticals = self.knowledge.verticals();
                let wanted = explore::wanted_of_company(self.definitions, &verticals, &profile);
                self.plan(&account.fields, id, &wanted)
            }
        };
        preview
    }

    fn plan(
        &self,
        current: &connector_domain::field::Fields,
        id: ContactId,
        wanted: &BTreeMap<Target, Value>,
    ) -> Outlook {
        let record = connector_domain::ids::RecordRef::contact(id);
        let nobody = BTreeMap::new();
        let plan = patch::plan(record, self.definitions, current, wanted, &nobody, self.write_policy);
        let plan = match plan {
            Ok(plan) => plan,
            Err(reason) => return Outlook::Nothing(reason, reason.sentence().to_owned()),
        };
        if let Some(reason) = plan.reason_for_nothing() {
            let filled = plan.kept.values().any(|kept| matches!(kept, Kept::HumanOwned | Kept::NotEmpty));
            let words =
                if filled { "its fields are filled, and stay as they are" } else { reason.sentence() };
            return Outlook::Nothing(reason, words.to_owned());
        }
        let changes = plan.patch.writes.iter().map(|write| Change {
            target: write.target,
            before: self.definitions.words(write.target, &write.before),
            after: self.definitions.words(write.target, &write.after),
        });
        Outlook::Write(changes.collect())
    }
}
