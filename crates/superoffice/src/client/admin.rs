//! Calls of an administrator and of the operator's tools: fields, lists, archives, users, and records made for a test.
//! They are made seldom and by hand, so none of them is tried again once it may have been carried out.

use serde_json::Value;

use super::Client;
use super::calls::{other_record, unread};
use crate::api::Request;
use crate::api::archive;
use crate::api::associate::Associate;
use crate::api::contact::{self, ContactEntity};
use crate::api::list::{self, ListEntity, ListItemEntity};
use crate::api::odata::{Page, Row};
use crate::api::person::{self, PersonEntity};
use crate::api::udef::{self, FieldType, Owner, UserDefinedFieldInfo};
use crate::api::user;
use crate::api::version::{self, Version};
use crate::api::webhook::{self, Webhook};
use crate::error::{Error, RecordRef};
use crate::json::{self, ReadError};
use crate::odata::{Filter, Query};

/// How many users are read at once.
const USERS: u32 = 500;

/// What asking to publish came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Publishing {
    /// The fields are published.
    Done,
    /// Somebody publishes them already; we did nothing. Ask again later.
    UnderWay,
}

/// A user of the tenant, as its archive shows one. The archive has no short name; [`Client::associates`] has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternalUser {
    /// The associate's id.
    pub id: i64,
    /// The full name.
    pub full_name: String,
    /// The person behind the user; `None` when there is none, and then mailing has no sender.
    pub person_id: Option<i64>,
    /// The e-mail address.
    pub email: String,
    /// The primary group, by name.
    pub group: String,
    /// Further groups, by name, as the archive joins them.
    pub other_groups: String,
}

/// How often a webhook was called, and how that ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookUsage {
    /// Calls, ever.
    pub total_calls: i64,
    /// Calls that failed, ever.
    pub total_errors: i64,
    /// Calls that failed since the last one that did not; nine switch the webhook off.
    pub consecutive_errors: i64,
    /// What went wrong last.
    pub last_error: String,
}

impl Client {
    /// Reads the user-defined fields as an administrator sees them: also those that are not published.
    pub async fn udef_layout(&self, owner: Owner) -> Result<Vec<UserDefinedFieldInfo>, Error> {
        self.many(&udef::layout(owner)).await
    }

    /// Reads one user-defined field as an administrator sees it, by prog-id or label.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none.
    pub async fn udef_field(
        &self,
        owner: Owner,
        prog_id_or_label: &str,
    ) -> Result<UserDefinedFieldInfo, Error> {
        self.one(&udef::field(owner, prog_id_or_label), Some(field_ref())).await
    }

    /// Adds a user-defined field, filled in by `fill`, and returns it as it is saved. Nobody sees it before
    /// [`Self::publish_udef_fields`].
    ///
    /// Asking for the draft may save it already, which is not documented. So after a failure look at
    /// [`Self::udef_layout`] before trying again, and remove a stray draft with [`Self::remove_udef_field`].
    pub async fn create_udef_field(
        &self,
        owner: Owner,
        kind: &FieldType,
        fill: impl FnOnce(&mut UserDefinedFieldInfo),
    ) -> Result<UserDefinedFieldInfo, Error> {
        let mut draft: UserDefinedFieldInfo = self.one(&udef::create(owner, kind), None).await?;
        fill(&mut draft);
        let saved = self.replace_udef_fields(owner, std::slice::from_ref(&draft)).await?;
        let same = |field: &UserDefinedFieldInfo| {
            if draft.prog_id.is_empty() {
                field.field_label == draft.field_label
            } else {
                field.prog_id.eq_ignore_ascii_case(&draft.prog_id)
            }
        };
        // The answer is the whole layout or the saved fields alone; which of them is not documented.
        let found = saved.iter().rev().find(|field| same(field)).cloned();
        found.ok_or_else(|| Error::Malformed("the saved field is not among the fields answered".to_owned()))
    }

    /// Saves new and changed definitions; fields that are not among them stay. Nobody sees it before
    /// [`Self::publish_udef_fields`].
    pub async fn replace_udef_fields(
        &self,
        owner: Owner,
        fields: &[UserDefinedFieldInfo],
    ) -> Result<Vec<UserDefinedFieldInfo>, Error> {
        self.many(&udef::replace(owner, fields)).await
    }

    /// Publishes the user-defined fields: every user sees them then, and every `UDefFieldId` changes.
    /// Nothing is sent while somebody else publishes.
    pub async fn publish_udef_fields(&self, owner: Owner) -> Result<Publishing, Error> {
        if self.is_publishing_udef_fields(owner).await? {
            return Ok(Publishing::UnderWay);
        }
        self.send(&udef::publish(owner), None).await.map(|_| Publishing::Done)
    }

    /// Brings up to date what is derived from the fields, as the vendor's guide asks for after publishing
    /// (docs.superoffice.com, "Create user-defined fields"). Which right it needs is not documented.
    pub async fn rebuild_udef_deltas(&self) -> Result<(), Error> {
        self.send(&udef::rebuild(), None).await.map(drop)
    }

    /// Whether user-defined fields are being published right now.
    pub async fn is_publishing_udef_fields(&self, owner: Owner) -> Result<bool, Error> {
        self.flag(&udef::publishing(owner)).await
    }

    /// Whether changes to user-defined fields wait to be published.
    pub async fn udef_fields_changed(&self, owner: Owner) -> Result<bool, Error> {
        self.flag(&udef::changed(owner)).await
    }

    /// Takes a user-defined field out of what will be published next, by prog-id or label.
    pub async fn remove_udef_field(&self, owner: Owner, prog_id_or_label: &str) -> Result<(), Error> {
        self.send(&udef::remove(owner, prog_id_or_label), Some(field_ref())).await.map(drop)
    }

    /// Throws away every change to user-defined fields that is not published, also those of others.
    pub async fn revert_udef_fields(&self, owner: Owner) -> Result<(), Error> {
        self.send(&udef::revert(owner), None).await.map(drop)
    }

    /// Reads all lists as an administrator sees them.
    pub async fn lists(&self) -> Result<Vec<ListEntity>, Error> {
        self.many(&list::all()).await
    }

    /// Reads one list as an administrator sees it, by id or name.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none.
    pub async fn list_definition(&self, list: &str) -> Result<ListEntity, Error> {
        self.one(&list::definition(list), Some(list_ref())).await
    }

    /// Creates a list of the tenant's own.
    pub async fn create_list(&self, name: &str, tooltip: &str) -> Result<ListEntity, Error> {
        self.one(&list::create(&ListEntity::new(name, tooltip)), None).await
    }

    /// Marks a list as deleted, by id or name.
    pub async fn remove_list(&self, list: &str) -> Result<(), Error> {
        self.send(&list::remove(list), Some(list_ref())).await.map(drop)
    }

    /// Reads the items of a list as an administrator sees them, by the list's id or name.
    pub async fn list_items(&self, list: &str) -> Result<Vec<ListItemEntity>, Error> {
        self.many(&list::list_items(list)).await
    }

    /// Adds an item to a list, by the list's id or name.
    pub async fn add_list_item(&self, list: &str, name: &str) -> Result<ListItemEntity, Error> {
        self.one(&list::add_item(list, &ListItemEntity::new(name)), Some(list_ref())).await
    }

    /// Marks an item as deleted: nobody can choose it any more, records that have it keep it.
    pub async fn remove_list_item(&self, list: &str, id: i64) -> Result<(), Error> {
        self.send(&list::remove_item(list, id), Some(RecordRef { kind: "list item", id })).await.map(drop)
    }

    /// Reads one page of an archive, by its provider's name.
    pub async fn archive(&self, provider: &str, query: &Query) -> Result<Page, Error> {
        self.one(&archive::rows(provider, query), None).await
    }

    /// Reads a contact's defaults: what a new one starts with. Its id is 0.
    pub async fn default_contact(&self) -> Result<ContactEntity, Error> {
        self.one(&contact::default(), None).await
    }

    /// Creates a contact. It is sent once: after a failure with [`Error::outcome_unknown`] look whether it is there.
    pub async fn create_contact(&self, contact: &ContactEntity) -> Result<ContactEntity, Error> {
        let made: ContactEntity = self.one(&contact::create(contact), None).await?;
        if made.contact_id > 0 { Ok(made) } else { Err(other_record("contact")) }
    }

    /// Puts a contact into the recycle bin.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is none, also when it is in the recycle bin already.
    pub async fn delete_contact(&self, id: i64) -> Result<(), Error> {
        self.send(&contact::remove(id), Some(RecordRef { kind: "contact", id })).await.map(drop)
    }

    /// Reads a person's defaults: what a new one starts with. Its id is 0.
    pub async fn default_person(&self) -> Result<PersonEntity, Error> {
        self.one(&person::default(), None).await
    }

    /// Creates a person. Fails as [`Self::create_contact`] does.
    pub async fn create_person(&self, person: &PersonEntity) -> Result<PersonEntity, Error> {
        let made: PersonEntity = self.one(&person::create(person), None).await?;
        if made.person_id > 0 { Ok(made) } else { Err(other_record("person")) }
    }

    /// Puts a person into the recycle bin. Fails as [`Self::delete_contact`] does.
    pub async fn delete_person(&self, id: i64) -> Result<(), Error> {
        self.send(&person::remove(id), Some(RecordRef { kind: "person", id })).await.map(drop)
    }

    /// Reads what a webhook's target answered to the last delivery that failed; `None` when none failed.
    pub async fn webhook_last_error(&self, id: i64) -> Result<Option<String>, Error> {
        let body = self.send(&webhook::last_error(id), Some(RecordRef { kind: "webhook", id })).await?;
        match json::value(&body) {
            Ok(Value::String(text)) => Ok(Some(text).filter(|text| !text.trim().is_empty())),
            Ok(Value::Null) | Err(ReadError::Empty) => Ok(None),
            Ok(_) => Err(Error::Malformed("a webhook's last error that is no text".to_owned())),
            Err(error) => Err(unread(error, &body)),
        }
    }

    /// Reads a webhook's counters from the archive of their use, where they stood before release 12 had them on the
    /// webhook itself (docs.superoffice.com, "Troubleshooting"). `None` when the archive does not have it.
    pub async fn webhook_usage(&self, id: i64) -> Result<Option<WebhookUsage>, Error> {
        const KEY: &str = "webhook_usage.webhook_usage_id";
        let [calls, errors, in_a_row, last] = [
            "webhook_usage.total_calls",
            "webhook_usage.total_errors",
            "webhook_usage.consecutive_errors",
            "webhook_usage.last_error",
        ];
        let query = Query::select([KEY, calls, errors, in_a_row, last]).filter(Filter::eq(KEY, id)).top(1);
        let page = self.archive(archive::DYNAMIC, &query).await?;
        Ok(page.rows.first().map(|row| WebhookUsage {
            total_calls: row.integer(calls).unwrap_or(0),
            total_errors: row.integer(errors).unwrap_or(0),
            consecutive_errors: row.integer(in_a_row).unwrap_or(0),
            last_error: row.text(last).unwrap_or_default().to_owned(),
        }))
    }

    /// Replaces a webhook as a whole; SuperOffice tests its target again.
    pub async fn replace_webhook(&self, webhook: &Webhook) -> Result<Webhook, Error> {
        let record = RecordRef { kind: "webhook", id: webhook.webhook_id };
        self.one(&webhook::replace(webhook), Some(record)).await
    }

    /// Reads who we are, as an associate.
    pub async fn current_associate(&self) -> Result<Associate, Error> {
        self.one(&user::current_associate(), None).await
    }

    /// Reads every user of the tenant with groups and e-mail address.
    pub async fn internal_users(&self) -> Result<Vec<InternalUser>, Error> {
        let mut users = Vec::new();
        let mut query = Query::select([
            "associateDbId",
            "fullName",
            "personId",
            "personEmail",
            "usergroup",
            "otherGroups",
        ])
        .order_by("associateDbId")
        .top(USERS);
        loop {
            let page = self.archive(archive::INTERNAL_USERS, &query).await?;
            let before = users.len();
            users.extend(page.rows.iter().map(internal_user));
            // Fewer rows than asked for may be a cap of the server's; none are the end.
            if users.len() == before {
                return Ok(users);
            }
            query = query.skip(u32::try_from(users.len()).unwrap_or(u32::MAX));
        }
    }

    /// Reads which API answers. It costs little and needs no right, so it tells whether the tenant is there.
    pub async fn api_version(&self) -> Result<Version, Error> {
        self.one(&version::read(), None).await
    }

    async fn flag(&self, request: &Request) -> Result<bool, Error> {
        let body = self.send(request, None).await?;
        let value = json::value(&body).map_err(|error| unread(error, &body))?;
        match value {
            Value::Bool(_) | Value::String(_) | Value::Number(_) => {
                json::tolerant(value).map_err(|error| unread(error, &body))
            }
            Value::Null | Value::Array(_) | Value::Object(_) => {
                Err(Error::NotTheApi("neither yes nor no".to_owned()))
            }
        }
    }
}

fn internal_user(row: &Row) -> InternalUser {
    let text = |name: &str| row.text(name).unwrap_or_default().to_owned();
    InternalUser {
        id: row.integer("associateDbId").filter(|&id| id != 0).unwrap_or(row.primary_key),
        full_name: text("fullName"),
        person_id: row.integer("personId").filter(|&id| id != 0),
        email: text("personEmail"),
        group: text("usergroup"),
        other_groups: text("otherGroups"),
    }
}

fn field_ref() -> RecordRef {
    RecordRef { kind: "user-defined field", id: 0 }
}

fn list_ref() -> RecordRef {
    RecordRef { kind: "list", id: 0 }
}
