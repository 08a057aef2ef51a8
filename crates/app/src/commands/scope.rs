//! Whose companies a tool looks at, and how they are counted.

use std::collections::BTreeMap;

use connector_domain::ids::AssociateId;
use connector_domain::policy::{Associate, InScope, Policy};
use futures::TryStreamExt as _;
use superoffice::odata::{Filter, Query};
use superoffice::{AssociateName, Client, Error};

use crate::config::Config;

/// The column with the owner's number.
pub(crate) const OWNER: &str = "contactAssociate/associateDbId";
/// Rows to a page. SuperOffice documents no greatest number, and suggests this one.
pub(crate) const ROWS: u32 = 1000;

/// The users of a tenant, and who of them is in scope.
pub(crate) struct Scope {
    pub(crate) users: Vec<AssociateName>,
    pub(crate) refusal: Option<String>,
    policy: Policy,
}

impl Scope {
    pub(crate) async fn of(config: &Config, client: &Client) -> Result<Self, Error> {
        let associates = client.associates().await?;
        Ok(Self { refusal: associates.refusal, ..Self::among(config, associates.named) })
    }

    /// Who of these users is in scope.
    pub(crate) fn among(config: &Config, users: Vec<AssociateName>) -> Self {
        let known = |user: &AssociateName| Associate {
            id: AssociateId(user.id),
            short_name: user.short_name.clone().unwrap_or_default(),
            full_name: user.full_name.clone(),
        };
        let mut policy = config.policy.clone();
        policy.associates = users.iter().map(|user| (AssociateId(user.id), known(user))).collect();
        Self { users, refusal: None, policy }
    }

    pub(crate) fn covers(&self, owner: i64) -> InScope {
        self.policy.covers(AssociateId(owner))
    }

    /// Numbers of the users in scope.
    pub(crate) fn ids(&self) -> Vec<i64> {
        let in_scope = self.users.iter().filter(|user| self.covers(user.id) == InScope::Yes);
        in_scope.map(|user| user.id).collect()
    }

    pub(crate) fn user(&self, id: i64) -> Option<&AssociateName> {
        self.users.iter().find(|user| user.id == id)
    }
}

/// How a word for "in scope" reads.
pub(crate) const fn word(in_scope: InScope) -> &'static str {
    match in_scope {
        InScope::Yes => "yes",
        InScope::No => "no",
        InScope::Unclear => "unclear",
    }
}

/// The owner of every company that passes the filter, read page by page in the order of the keys; 0 is nobody.
pub(crate) async fn owners_of_all(
    client: &Client,
    filter: Option<&Filter>,
) -> Result<BTreeMap<i64, i64>, Error> {
    let mut query = Query::select(["contactId", OWNER]);
    if let Some(filter) = filter {
        query = query.filter(filter.clone());
    }
    let rows = client.all_contacts(query, ROWS, 0);
    rows.try_fold(BTreeMap::new(), |mut owners, row| async move {
        owners.insert(row.primary_key, row.integer(OWNER).unwrap_or(0));
        Ok(owners)
    })
    .await
}
