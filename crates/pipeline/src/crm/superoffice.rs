//! SuperOffice as the pipeline's CRM: the vendor's records to the domain's words and back.
//!
//! The only place in the pipeline that knows the vendor's types.

use std::collections::BTreeSet;
use std::sync::Arc;

use ::superoffice::api::FieldProperties;
use ::superoffice::api::contact::ContactEntity;
use ::superoffice::api::person::PersonEntity;
use ::superoffice::api::udef::{FieldType, Owner as UdefOwner, UserDefinedFieldInfo};
use ::superoffice::patch::Patch as JsonPatch;
use ::superoffice::udf::{self, Dictionary};
use ::superoffice::{Client, Error, Remedy as VendorRemedy};
use async_trait::async_trait;
use connector_domain::account::{Account, Owner, Person};
use connector_domain::drift::{Bindings, Drift};
use connector_domain::field::{Definition, Definitions, Fields, Kind, Target, Value, Version};
use connector_domain::ids::{AssociateId, ContactId, Entity, PersonId, ProgId};
use connector_domain::patch::Patch;
use connector_domain::policy::Associate;
use connector_domain::remedy::Remedy;
use connector_domain::sweep::print_of;
use jiff::{SignedDuration, Timestamp};

use super::{Blame, Crm, CrmError, Finding, Found, Named};
use crate::discovery::FieldMap;

mod changes;
pub mod hook;
pub mod own_webhook;

/// How long jobs wait while a person is needed to sign in, or the tenant says itself when it may be back.
///
/// No work is leased while it lasts, so that a long wait would only hold up those that were in hand when it began.
const SHORT_WAIT: SignedDuration = SignedDuration::from_secs(2);
/// How long jobs wait when the tenant cannot be reached at all.
const OUTAGE_WAIT: SignedDuration = SignedDuration::from_secs(5);

const HELP_FIELDS: &str = "publish the fields in SuperOffice, or name them under [fields] in connector.toml";
const HELP_OWN: &str = "nothing: every change is looked at, and what is as it should be is not written";
const HELP_NAMES: &str = "give the API user the right to read associates, or name owners in OWNERS by number";

/// A tenant of SuperOffice Online.
#[derive(Debug, Clone)]
pub struct SuperOffice {
    client: Client,
    learnt: Arc<changes::Learnt>,
}

impl SuperOffice {
    /// Uses this client.
    pub fn new(client: Client) -> Self {
        Self { client, learnt: Arc::default() }
    }
}

#[async_trait]
impl Crm for SuperOffice {
    async fn account(&self, id: ContactId, fields: &Definitions) -> Result<Option<Account>, CrmError> {
        match self.client.contact(id.0).await {
            Ok(contact) => Ok(Some(account(contact, fields))),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn person(&self, id: PersonId, fields: &Definitions) -> Result<Option<Person>, CrmError> {
        match self.client.person(id.0).await {
            Ok(entity) => Ok(Some(person(entity, fields))),
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn write(&self, patch: &Patch, read: &Fields, fields: &Definitions) -> Result<Fields, CrmError> {
        let document = document(patch, read, fields)?;
        let entity = patch.record.entity;
        let written = match entity {
            Entity::Contact => self.client.patch_contact(patch.record.id, &document).await.map(|contact| {
                let version = contact_version(&contact);
                (contact.custom_fields, contact.user_defined_fields, contact.field_properties, version)
            }),
            Entity::Person => self.client.patch_person(patch.record.id, &document).await.map(|person| {
                let version = person_version(&person);
                (person.custom_fields, person.user_defined_fields, person.field_properties, version)
            }),
        };
        let (custom, user_defined, lengths, version) = written.map_err(|error| match error {
            // Deleted since we read it: reading again will say so.
            Error::NotFound(_) => CrmError { remedy: Remedy::ReadAgain, ..failed(&error) },
            error => failed(&error),
        })?;
        Ok(Fields { version, ..read_fields(entity, &custom, &user_defined, &lengths, fields) })
    }

    async fn names(&self, ids: &[ContactId]) -> Result<Vec<Named>, CrmError> {
        let numbers: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let rows = self.client.contact_names(&numbers).await.map_err(|error| failed(&error))?;
        let named = rows.into_iter().map(|row| Named {
            id: ContactId(row.id),
            name: row.name,
            owner: row.owner_id.map(AssociateId),
        });
        Ok(named.collect())
    }

    async fn probe(&self) -> Result<(), CrmError> {
        let answered = match self.client.current_principal().await {
            // Some tenants answer 500 to this question, so it proves nothing by itself.
            Err(error) if is_broken(&error) => self.client.contact_names(&[1]).await.map(drop),
            answered => answered.map(drop),
        };
        match answered {
            // A refusal is an answer, unless it is the only one to everything.
            Err(Error::Refused { status, .. }) if !status.is_server_error() => Ok(()),
            Ok(()) | Err(Error::Forbidden(_) | Error::NotFound(_)) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    async fn discover(&self, map: &FieldMap, bound: &Bindings) -> Result<Found, CrmError> {
        let mut findings = Vec::new();
        let own = match self.client.current_principal().await {
            Ok(principal) if principal.associate_id > 0 => Some(AssociateId(principal.associate_id)),
            Ok(_) => {
                findings.push(Finding {
                    words: "SuperOffice does not tell which user the calls are made as".to_owned(),
                    help: HELP_OWN,
                });
                None
            }
            // Some tenants answer 500 here; every event is then looked at, and what is unchanged is not written.
            Err(Error::Refused { status, message }) => {
                findings.push(Finding {
                    words: format!("SuperOffice refuses to tell who we are ({status}): {message}"),
                    help: HELP_OWN,
                });
                None
            }
            Err(error) => return Err(failed(&error)),
        };
        let associates = self.client.associates().await.map_err(|error| failed(&error))?;
        if let Some(refusal) = associates.refusal {
            findings.push(Finding {
                words: format!("SuperOffice does not tell the short names of users: {refusal}"),
                help: HELP_NAMES,
            });
        }
        let associates = associates
            .named
            .into_iter()
            .map(|associate| Associate {
                id: AssociateId(associate.id),
                short_name: associate.short_name.unwrap_or_default(),
                full_name: associate.full_name,
            })
            .collect();
        let mut found = Found {
            own,
            associates,
            definitions: Definitions::default(),
            retyped: BTreeSet::new(),
            findings,
        };
        self.definitions(map, bound, &mut found).await?;
        Ok(found)
    }
}

impl SuperOffice {
    /// Finds the fields: by the prog-id that is bound, else by the name that is configured.
    async fn definitions(&self, map: &FieldMap, bound: &Bindings, found: &mut Found) -> Result<(), CrmError> {
        for (entity, owner) in [(Entity::Contact, UdefOwner::Contact), (Entity::Person, UdefOwner::Person)] {
            let published = self.client.udef_fields(owner).await.map_err(|error| failed(&error))?;
            for target in Target::ALL.iter().copied().filter(|target| target.entity() == entity) {
                let name = map.name(target);
                let prog_id = bound.prog_id(target, name);
                let by_prog_id = prog_id.and_then(|id| published.iter().find(|info| info.prog_id == id.0));
                match by_prog_id.or_else(|| published.iter().find(|info| is_named(info, name))) {
                    Some(info) => self.take(target, info, found).await?,
                    // The drift of a field that was there before is told of elsewhere.
                    None if prog_id.is_some() => {}
                    None => found.findings.push(Finding {
                        words: format!(
                            "there is no published user-defined field \"{name}\" on {entity}, so {target} is not written"
                        ),
                        help: HELP_FIELDS,
                    }),
                }
            }
        }
        Ok(())
    }

    async fn take(
        &self,
        target: Target,
        info: &UserDefinedFieldInfo,
        found: &mut Found,
    ) -> Result<(), CrmError> {
        match self.definition(target, info).await? {
            Ok(definition) => {
                found.definitions.0.insert(target, definition);
            }
            Err(words) => {
                found.retyped.insert(target);
                found.findings.push(Finding { words, help: HELP_FIELDS });
            }
        }
        Ok(())
    }

    /// A field as we can use it, or why we cannot.
    async fn definition(
        &self,
        target: Target,
        info: &UserDefinedFieldInfo,
    ) -> Result<Result<Definition, String>, CrmError> {
        let kind = match &info.field_type {
            FieldType::ShortText | FieldType::LongText => {
                let most = info.field_type.max_length();
                let configured = usize::try_from(info.text_length).unwrap_or(0);
                Kind::Text { max: if configured == 0 { most } else { configured.min(most) } }
            }
            FieldType::List => {
                let Some(list) = info.mdo_list_name.as_deref().filter(|name| !name.is_empty()) else {
                    return Ok(Err(format!("the field \"{}\" has no list behind it yet", info.field_label)));
                };
                let items = match self.client.list(list).await {
                    Ok(items) => items,
                    Err(error) if blame(&error) != Blame::Request => return Err(failed(&error)),
                    Err(error) => {
                        return Ok(Err(format!(
                            "the list behind \"{}\" cannot be read: {error}",
                            info.field_label
                        )));
                    }
                };
                let items = items.into_iter().filter(|item| !item.deleted).map(|item| (item.id, item.name));
                Kind::List { items: items.collect() }
            }
            other => {
                return Ok(Err(format!(
                    "the field \"{}\" is of type {other}; {target} needs a text or a list",
                    info.field_label
                )));
            }
        };
        Ok(Ok(Definition {
            target,
            prog_id: ProgId(info.prog_id.clone()),
            label: info.field_label.clone(),
            kind,
            read_only: info.is_read_only,
            drift: None,
        }))
    }
}

/// A field is found by its prog-id, or by its label in any case.
fn is_named(info: &UserDefinedFieldInfo, name: &str) -> bool {
    info.prog_id == name || info.field_label.trim().to_lowercase() == name.trim().to_lowercase()
}

/// Which version of a company an answer shows. A record that nobody has changed yet has no date of a change.
fn contact_version(contact: &ContactEntity) -> Option<Version> {
    let url = contact.urls.first().map_or("", |url| url.value.as_str());
    let owner = contact.associate.as_ref().map_or(0, |associate| associate.associate_id);
    let besides = format!("{}|{}|{}|{url}|{owner}", contact.name, contact.department, contact.org_nr);
    version(contact.updated_date.or(contact.created_date), &besides)
}

fn person_version(person: &PersonEntity) -> Option<Version> {
    let company = person.contact.as_ref().map_or(0, |contact| contact.contact_id);
    let position = person.position.as_ref().map_or("", |position| position.value.as_str());
    let besides = format!("{}|{position}|{company}|{}", person.title, person.retired);
    version(person.updated_date.or(person.created_date), &besides)
}

fn version(at: Option<Timestamp>, besides: &str) -> Option<Version> {
    Some(Version { at: to_the_second(at?), besides: print_of(besides) })
}

/// Lists show whole seconds.
pub(super) fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn account(contact: ContactEntity, fields: &Definitions) -> Account {
    let lengths = &contact.field_properties;
    let version = contact_version(&contact);
    let fields =
        read_fields(Entity::Contact, &contact.custom_fields, &contact.user_defined_fields, lengths, fields);
    let website = contact.urls.into_iter().map(|url| url.value).find(|url| !url.trim().is_empty());
    let email_domains = contact
        .emails
        .iter()
        .filter_map(|email| email.value.rsplit_once('@'))
        .map(|(_, domain)| domain.trim().to_lowercase())
        .filter(|domain| !domain.is_empty())
        .collect();
    let country =
        contact.country.map(|country| country.two_letter_iso_country).filter(|iso2| !iso2.is_empty());
    let owner = contact.associate.filter(|associate| associate.associate_id > 0).map(|associate| Owner {
        id: AssociateId(associate.associate_id),
        short_name: Some(associate.name).filter(|name| !name.is_empty()),
        full_name: Some(associate.full_name).filter(|name| !name.is_empty()),
    });
    Account {
        id: ContactId(contact.contact_id),
        name: contact.name,
        department: contact.department,
        org_number: contact.org_nr,
        website,
        email_domains,
        country,
        owner,
        deleted: contact.deleted != 0,
        fields: Fields { version, ..fields },
    }
}

fn person(person: PersonEntity, fields: &Definitions) -> Person {
    let lengths = &person.field_properties;
    let version = person_version(&person);
    let fields =
        read_fields(Entity::Person, &person.custom_fields, &person.user_defined_fields, lengths, fields);
    let consent_withdrawn =
        person.consents.iter().any(|consent| consent.legal_base_key.eq_ignore_ascii_case("WITHDRAWN"));
    Person {
        id: PersonId(person.person_id),
        contact: person.contact.map(|contact| contact.contact_id).filter(|id| *id > 0).map(ContactId),
        title: person.title,
        position: person.position.map(|position| position.value).unwrap_or_default(),
        retired: person.retired,
        consent_withdrawn,
        fields: Fields { version, ..fields },
    }
}

/// Reads our fields. What cannot be read, or is missing, makes the whole block unreadable: it is never "empty".
fn read_fields(
    entity: Entity,
    custom: &Dictionary,
    user_defined: &Dictionary,
    lengths: &FieldProperties,
    definitions: &Definitions,
) -> Fields {
    let mut fields = Fields::default();
    let is_readable = |definition: &&Definition| definition.drift.as_ref().is_none_or(Drift::is_readable);
    for definition in definitions.of(entity).filter(is_readable) {
        if let Some(length) = shorter(definition, lengths) {
            let words = format!("the field {} takes {length} characters now", definition.prog_id);
            fields.doubt.get_or_insert(words);
        }
        match read_field(custom, user_defined, definition) {
            Ok((raw, value)) => {
                fields.raw.insert(definition.target, raw);
                fields.values.insert(definition.target, value);
            }
            Err(why) => {
                fields.doubt.get_or_insert_with(|| why.clone());
                fields.malformed.get_or_insert(why);
            }
        }
    }
    fields
}

/// The length of a text field as the record tells it, when that is less than was known.
fn shorter(definition: &Definition, lengths: &FieldProperties) -> Option<usize> {
    let Kind::Text { max } = &definition.kind else { return None };
    let told = ["CustomFields", "UserDefinedFields"]
        .iter()
        .find_map(|dictionary| lengths.get(&format!("{dictionary}.{}", definition.prog_id)))?;
    // Older servers tell -1.
    usize::try_from(told.field_length).ok().filter(|length| (1..*max).contains(length))
}

fn read_field(
    custom: &Dictionary,
    user_defined: &Dictionary,
    definition: &Definition,
) -> Result<(String, Value), String> {
    let prog_id = definition.prog_id.as_str();
    let field_type = field_type(&definition.kind);
    let text = |dictionary: &Dictionary| {
        dictionary.text(prog_id).map(|text| text.map(str::to_owned)).map_err(|error| error.to_string())
    };
    let raw = match text(custom)? {
        Some(raw) => raw,
        None => text(user_defined)?
            .ok_or_else(|| format!("the field {prog_id} is missing among the user-defined fields"))?,
    };
    let value = udf::read(custom, user_defined, prog_id, &field_type).map_err(|error| error.to_string())?;
    let value = match value {
        None | Some(udf::Value::NotSet) => Value::Empty,
        Some(udf::Value::Text(text)) => Value::Text(text),
        Some(udf::Value::ListItem(id)) => Value::Item(id),
        Some(other) => return Err(format!("the field {prog_id} holds {other:?}")),
    };
    Ok((raw, value))
}

const fn field_type(kind: &Kind) -> FieldType {
    match kind {
        Kind::Text { .. } => FieldType::LongText,
        Kind::List { .. } => FieldType::List,
    }
}

/// The patch on the wire: a guard for each field, then one partial dictionary.
fn document(patch: &Patch, read: &Fields, definitions: &Definitions) -> Result<JsonPatch, CrmError> {
    let mut document = JsonPatch::new();
    let mut encoded = Vec::new();
    for write in &patch.writes {
        let kind = definitions.get(write.target).map_or(Kind::Text { max: 0 }, |field| field.kind.clone());
        let encode = |value: &Value| {
            let value = match value {
                Value::Empty => udf::Value::NotSet,
                Value::Text(text) => udf::Value::Text(text.clone()),
                Value::Item(id) => udf::Value::ListItem(*id),
            };
            udf::encode(&value, &field_type(&kind))
                .map_err(|error| unwritable(write.target, &error.to_string()))
        };
        let before = match read.raw.get(&write.target) {
            Some(raw) => raw.clone(),
            None => encode(&write.before)?,
        };
        document = document.test_custom_field(write.prog_id.as_str(), &before);
        encoded.push((write.prog_id.as_str(), encode(&write.after)?));
    }
    Ok(document.replace_custom_fields(encoded.iter().map(|(prog_id, raw)| (*prog_id, raw.as_str()))))
}

fn unwritable(target: Target, why: &str) -> CrmError {
    CrmError {
        words: format!("{target} cannot be written: {why}"),
        remedy: Remedy::GiveUp,
        help: "look at the text on the account's page and at the field's type in SuperOffice",
        outcome_unknown: false,
        blame: Blame::Request,
        back_in: None,
    }
}

fn is_broken(error: &Error) -> bool {
    matches!(error, Error::Refused { status, .. } if status.is_server_error())
}

fn failed(error: &Error) -> CrmError {
    let remedy = match error.remedy() {
        VendorRemedy::ReadAgain => Remedy::ReadAgain,
        VendorRemedy::Wait(wait) => Remedy::Wait(SignedDuration::try_from(wait).unwrap_or(OUTAGE_WAIT)),
        VendorRemedy::SignIn => Remedy::WaitForOthers(SHORT_WAIT),
        _ if back_in(error).is_some() => Remedy::WaitForOthers(SHORT_WAIT),
        _ if blame(error) == Blame::Outage => Remedy::WaitForOthers(OUTAGE_WAIT),
        VendorRemedy::BackOff => Remedy::BackOff,
        VendorRemedy::GiveUp => Remedy::GiveUp,
    };
    CrmError {
        words: error.in_full(),
        remedy,
        help: help(error),
        outcome_unknown: error.outcome_unknown(),
        blame: blame(error),
        back_in: back_in(error),
    }
}

/// A tenant's state says until when it is good; it is asked for then, and sooner only when we are told to.
fn back_in(error: &Error) -> Option<SignedDuration> {
    match error {
        Error::Offline { again, .. } => SignedDuration::try_from(*again).ok(),
        _ => None,
    }
}

fn blame(error: &Error) -> Blame {
    match error {
        Error::AccessWithdrawn(_)
        | Error::Unauthorized
        | Error::Misdirected
        | Error::Offline { .. }
        | Error::ForeignHost(_)
        | Error::Unreachable { arrived: false, .. } => Blame::Outage,
        // It did not answer in time, or something else answered in its place.
        Error::Unreachable { arrived: true, .. } | Error::NotTheApi(_) | Error::Throttled { .. } => {
            Blame::Suspect
        }
        error if is_broken(error) => Blame::Suspect,
        // SuperOffice may add kinds of failure; an unknown one is taken for this request's own.
        _ => Blame::Request,
    }
}

fn help(error: &Error) -> &'static str {
    match error {
        Error::Stale(_) => "nothing: the record is read again",
        Error::NotFound(_) => "nothing: the record is gone",
        Error::AccessWithdrawn(_) | Error::Unauthorized => {
            "an administrator of the tenant must approve the app once more; check SO_CLIENT_ID, SO_CLIENT_SECRET and SO_REFRESH_TOKEN"
        }
        Error::Forbidden(_) => "give the API user's role the right to read and write contacts and persons",
        Error::Throttled { .. } => "nothing: work goes on when SuperOffice allows it",
        Error::Misdirected | Error::Offline { .. } => "nothing: work goes on when the tenant is back",
        Error::Unreachable { .. } => "check the network between this machine and SuperOffice",
        Error::NotTheApi(_) | Error::TooLarge { .. } | Error::Malformed(_) => {
            "check that nothing between this machine and SuperOffice answers in its place, then retry"
        }
        Error::ForeignHost(_) => "check SO_LOGIN_URL, and SO_CONTEXT_IDENTIFIER with SuperOffice",
        Error::Refused { .. } => "read SuperOffice's words, mend the field or the record there, then retry",
        // `Setup`, and kinds that may be added.
        _ => "check the configuration with `so-connector config check`",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_that_is_offline_says_when_to_ask_again_and_its_jobs_wait_shortly() {
        let (state, again) =
            (::superoffice::api::state::TenantState::Suspended, std::time::Duration::from_mins(7));
        let error = failed(&Error::Offline { state, again });
        assert_eq!((error.blame, error.back_in), (Blame::Outage, Some(SignedDuration::from_mins(7))));
        assert_eq!(error.remedy, Remedy::WaitForOthers(SHORT_WAIT));
        assert_eq!(failed(&Error::Misdirected).back_in, None);
    }

    fn definitions() -> Definitions {
        let list = Kind::List { items: [(1613, "Maschinenbau".to_owned())].into() };
        let field = |target: Target, prog_id: &str, kind: Kind| Definition {
            target,
            prog_id: prog_id.into(),
            label: target.label().into(),
            kind,
            read_only: false,
            drift: None,
        };
        let fields = [
            field(Target::Vertical, "SuperOffice:1", list),
            field(Target::Summary, "SuperOffice:2", Kind::Text { max: 199 }),
        ];
        Definitions(fields.into_iter().map(|field| (field.target, field)).collect())
    }

    #[test]
    fn a_write_is_guarded_by_exactly_what_was_read() {
        let custom = Dictionary::of([("SuperOffice:1", "[I:0]"), ("SuperOffice:2", "old ")]);
        let read = read_fields(
            Entity::Contact,
            &custom,
            &Dictionary::default(),
            &FieldProperties::new(),
            &definitions(),
        );
        assert_eq!(read.values[&Target::Vertical], Value::Empty);
        let write = |target, prog_id: &str, before, after| connector_domain::patch::FieldWrite {
            target,
            prog_id: prog_id.into(),
            before,
            after,
        };
        let patch = Patch {
            record: connector_domain::ids::RecordRef::contact(ContactId(18)),
            writes: vec![
                write(Target::Vertical, "SuperOffice:1", Value::Empty, Value::Item(1613)),
                write(
                    Target::Summary,
                    "SuperOffice:2",
                    Value::Text("old ".into()),
                    Value::Text("new".into()),
                ),
            ],
        };
        let document = serde_json::to_value(document(&patch, &read, &definitions()).unwrap()).unwrap();
        assert_eq!(
            document,
            serde_json::json!([
                {"op": "test", "path": "/CustomFields/SuperOffice:1", "value": "[I:0]"},
                {"op": "test", "path": "/CustomFields/SuperOffice:2", "value": "old "},
                {"op": "replace", "path": "/CustomFields", "value": {"SuperOffice:1": "[I:1613]", "SuperOffice:2": "new"}},
            ])
        );
    }

    #[test]
    fn jobs_in_hand_go_on_soon_after_an_outage() {
        let outages = [
            Error::AccessWithdrawn("withdrawn".into()),
            Error::Unauthorized,
            Error::Unreachable { arrived: false, source: "refused".into() },
        ];
        for error in outages {
            let Remedy::WaitForOthers(wait) = failed(&error).remedy else { panic!("{error:?} is no outage") };
            assert!(wait <= SignedDuration::from_secs(5), "{error:?} holds jobs up for {wait:?}");
        }
    }

    #[test]
    fn a_missing_or_undecodable_field_is_never_empty() {
        let missing = Dictionary::of([("SuperOffice:1", "[I:0]")]);
        let read = read_fields(
            Entity::Contact,
            &missing,
            &Dictionary::default(),
            &FieldProperties::new(),
            &definitions(),
        );
        assert!(read.malformed.is_some_and(|why| why.contains("SuperOffice:2")));
        let nested = Dictionary::from(serde_json::json!({"SuperOffice:1": {"x": 1}}));
        let read = read_fields(
            Entity::Contact,
            &nested,
            &Dictionary::default(),
            &FieldProperties::new(),
            &definitions(),
        );
        assert!(read.malformed.is_some());
    }
}
