//! The calls themselves: each builds a request of [`crate::api`], sends it and reads the answer. An answer for another
//! record than the one asked for is no answer.

use std::collections::BTreeMap;

use crate::api::Request;
use crate::api::associate::{self, Associate};
use crate::api::contact::{self, ContactEntity};
use crate::api::error::{ErrorBody, message};
use crate::api::list::{self, MdoListItem};
use crate::api::odata::Page;
use crate::api::person::{self, PersonEntity};
use crate::api::state::TenantStatus;
use crate::api::udef::{self, Owner, UserDefinedFieldInfo};
use crate::api::user::{self, SoPrincipal};
use crate::api::webhook::{self, Webhook, WebhookResult};
use crate::error::{Error, RecordRef};
use crate::json::{self, ReadError, Record};
use crate::odata::{Filter, Query};
use crate::patch::Patch;

use super::Client;

/// How many ids go into one filter: an address must not become too long.
const BATCH: usize = 100;

/// What a list can tell of a contact without reading it whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactName {
    /// The id.
    pub id: i64,
    /// The name.
    pub name: String,
    /// The owner's associate id; `None` when there is no owner.
    pub owner_id: Option<i64>,
}

/// An associate, as far as its names are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociateName {
    /// The id.
    pub id: i64,
    /// The short name: initials or log-in name; `None` when only the list's name is known.
    pub short_name: Option<String>,
    /// The full name, or what the list has instead.
    pub full_name: String,
}

/// All associates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Associates {
    /// Each, in the list's order.
    pub named: Vec<AssociateName>,
    /// Why short names are missing, when SuperOffice refused to tell them.
    pub refusal: Option<String>,
}

impl Client {
    /// Reads a contact.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none. One in the recycle bin may be answered, with `deleted` set.
    pub async fn contact(&self, id: i64) -> Result<ContactEntity, Error> {
        self.contact_by(&contact::read(id), id).await
    }

    /// Reads a person.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none.
    pub async fn person(&self, id: i64) -> Result<PersonEntity, Error> {
        self.person_by(&person::read(id), id).await
    }

    /// Changes parts of a contact, and returns it as it is then.
    ///
    /// # Errors
    ///
    /// [`Error::Stale`] when a `test` in the patch did not hold; nothing is written then. After any failure for which
    /// [`Error::outcome_unknown`] holds, only reading the contact tells whether it was written. It is never sent twice.
    pub async fn patch_contact(&self, id: i64, patch: &Patch) -> Result<ContactEntity, Error> {
        self.contact_by(&contact::patch(id, patch), id).await
    }

    /// Changes parts of a person, and returns it as it is then. Fails as [`Self::patch_contact`] does.
    pub async fn patch_person(&self, id: i64, patch: &Patch) -> Result<PersonEntity, Error> {
        self.person_by(&person::patch(id, patch), id).await
    }

    /// Reads who we are.
    pub async fn current_principal(&self) -> Result<SoPrincipal, Error> {
        self.one(&user::current_principal(), None).await
    }

    /// Reads the published user-defined fields.
    pub async fn udef_fields(&self, owner: Owner) -> Result<Vec<UserDefinedFieldInfo>, Error> {
        self.many(&udef::published(owner)).await
    }

    /// Reads the items of a list, such as `category` or `udlist98`, groups flattened.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such list.
    pub async fn list(&self, name: &str) -> Result<Vec<MdoListItem>, Error> {
        let record = RecordRef { kind: "list", id: 0 };
        let body = self.send(&list::items(name), Some(record)).await?;
        let items: Vec<MdoListItem> = json::records(&body).map_err(|error| unread(error, &body))?;
        // Whether `flat` is honoured for every list is not documented.
        Ok(items.iter().flat_map(MdoListItem::flat).cloned().collect())
    }

    /// Reads every associate: ids from the list `associate`, short names from the Associate agent.
    ///
    /// When the agent refuses us there are no short names, and [`Associates::refusal`] says why: the names in the list
    /// are mostly full names, and must not be taken for short ones.
    ///
    /// # Errors
    ///
    /// A failure that may pass is one: it is no reason to forget names.
    pub async fn associates(&self) -> Result<Associates, Error> {
        let items = self.list(associate::LIST).await?;
        let mut found = BTreeMap::new();
        let mut refusal = None;
        for batch in items.iter().map(|item| item.id).collect::<Vec<_>>().chunks(BATCH) {
            match self.many::<Associate>(&associate::get_list(batch)).await {
                Ok(associates) => {
                    found.extend(associates.into_iter().map(|associate| (associate.associate_id, associate)));
                }
                Err(error) if is_refusal(&error) => {
                    refusal = Some(error.to_string());
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let named = items.into_iter().map(|item| match found.remove(&item.id) {
            Some(associate) => AssociateName {
                id: item.id,
                short_name: Some(associate.name).filter(|name| !name.is_empty()),
                full_name: associate.full_name,
            },
            None => AssociateName {
                id: item.id,
                short_name: None,
                full_name: item.full_name.filter(|name| !name.is_empty()).unwrap_or(item.name),
            },
        });
        Ok(Associates { named: named.collect(), refusal })
    }

    /// Reads one page of contacts as rows.
    pub async fn contacts(&self, query: &Query) -> Result<Page, Error> {
        self.one(&contact::search(query), None).await
    }

    /// Reads one page of persons as rows.
    pub async fn persons(&self, query: &Query) -> Result<Page, Error> {
        self.one(&person::search(query), None).await
    }

    /// Reads name and owner of several contacts. Those that do not exist, or that we may not see, are left out.
    pub async fn contact_names(&self, ids: &[i64]) -> Result<Vec<ContactName>, Error> {
        let mut names = Vec::with_capacity(ids.len());
        for batch in ids.chunks(BATCH) {
            let Some(filter) = Filter::is_in("contactId", batch) else { continue };
            let query = Query::select(["contactId", "name", "contactAssociate/associateDbId"])
                .filter(filter)
                .order_by("contactId")
                .top(u32::try_from(batch.len()).expect("a batch is small"));
            let page = self.contacts(&query).await?;
            names.extend(page.rows.iter().map(|row| ContactName {
                id: row.primary_key,
                name: row.text("name").unwrap_or_default().to_owned(),
                owner_id: row.integer("contactAssociate/associateDbId").filter(|&id| id != 0),
            }));
        }
        Ok(names)
    }

    /// Reads all webhooks that this app has created.
    pub async fn webhooks(&self) -> Result<Vec<Webhook>, Error> {
        self.many(&webhook::all()).await
    }

    /// Reads a webhook.
    pub async fn webhook(&self, id: i64) -> Result<Webhook, Error> {
        self.one(&webhook::read(id), Some(webhook_ref(id))).await
    }

    /// Creates a webhook. SuperOffice sends a test to its target first, and refuses unless that is answered with 200.
    ///
    /// It is not sent twice: after a failure with [`Error::outcome_unknown`], look whether it is there.
    pub async fn register_webhook(&self, webhook: &Webhook) -> Result<Webhook, Error> {
        self.one(&webhook::create(webhook), None).await
    }

    /// Changes parts of a webhook: `/State` to `Active` switches it on again.
    pub async fn patch_webhook(&self, id: i64, patch: &Patch) -> Result<Webhook, Error> {
        self.one(&webhook::patch(id, patch), Some(webhook_ref(id))).await
    }

    /// Removes a webhook.
    pub async fn remove_webhook(&self, id: i64) -> Result<(), Error> {
        self.send(&webhook::remove(id), Some(webhook_ref(id))).await.map(drop)
    }

    /// Makes SuperOffice send a test to a webhook's target.
    pub async fn test_webhook(&self, webhook: &Webhook) -> Result<WebhookResult, Error> {
        self.one(&webhook::test(webhook), None).await
    }

    /// Reads the tenant's state from the log-in host. It needs no token.
    pub async fn tenant_state(&self) -> Result<TenantStatus, Error> {
        self.0.tenant.ask(self).await.map(|(status, _)| status)
    }

    async fn contact_by(&self, request: &Request, id: i64) -> Result<ContactEntity, Error> {
        let contact: ContactEntity = self.one(request, Some(RecordRef { kind: "contact", id })).await?;
        if contact.contact_id == id { Ok(contact) } else { Err(other_record("contact")) }
    }

    async fn person_by(&self, request: &Request, id: i64) -> Result<PersonEntity, Error> {
        let person: PersonEntity = self.one(request, Some(RecordRef { kind: "person", id })).await?;
        if person.person_id == id { Ok(person) } else { Err(other_record("person")) }
    }

    /// Sends a request whose answer is one record.
    pub(super) async fn one<T: Record>(
        &self,
        request: &Request,
        record: Option<RecordRef>,
    ) -> Result<T, Error> {
        let body = self.send(request, record).await?;
        json::record(&body).map_err(|error| unread(error, &body))
    }

    /// Sends a request whose answer is an array of records.
    pub(super) async fn many<T: Record>(&self, request: &Request) -> Result<Vec<T>, Error> {
        let body = self.send(request, None).await?;
        json::records(&body).map_err(|error| unread(error, &body))
    }
}

/// A body with a success status that is not what was asked for. One page of the vendor's shows refusals with 200.
pub(super) fn unread(error: ReadError, body: &[u8]) -> Error {
    let refusal = json::record::<ErrorBody>(body).is_ok_and(|body| body.error);
    match message(body) {
        Some(message) if refusal => Error::Refused { status: http::StatusCode::OK, message },
        Some(_) | None => error.into(),
    }
}

/// Whether SuperOffice answered, and said no: after the retries of a read that is final. Some refusals come with status
/// 200, and some tenants answer 500 to questions about associates for as long as the API user has no person.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Forbidden(_) | Error::NotFound(_) | Error::Refused { .. })
}

pub(super) fn other_record(kind: &str) -> Error {
    Error::NotTheApi(format!("the answer is another {kind} than the one asked for"))
}

fn webhook_ref(id: i64) -> RecordRef {
    RecordRef { kind: "webhook", id }
}
