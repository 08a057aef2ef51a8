//! Persons: the humans at a contact. `Title` is the job title as typed in, `Position` an item of a list. The owner of
//! a person is the owner of its contact.

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::associate::Associate;
use super::contact::{Contact, Country};
use super::list::SelectableMdoListItem;
use super::{EntityElement, FieldProperties, Links, ListValue, Request, TableRight};
use crate::json::Record;
use crate::odata::Query;
use crate::patch::Patch;
use crate::udf::Dictionary;

/// One person.
pub const ONE: &str = "v1/Person/{id}";
/// Persons as rows.
pub const MANY: &str = "v1/Person";
/// A new person.
pub const DEFAULT: &str = "v1/Person/default";

/// A request for one person. The answer is a [`PersonEntity`].
pub fn read(id: i64) -> Request {
    Request::get(ONE, &id.to_string())
}

/// A request for a new person as the caller's preferences have it. The answer is a [`PersonEntity`] with id 0.
pub fn default() -> Request {
    Request::to(Method::GET, DEFAULT)
}

/// A request that creates a person. The answer is the [`PersonEntity`] with its id.
pub fn create(person: &PersonEntity) -> Request {
    Request::to(Method::POST, MANY).json(person)
}

/// A request that puts a person into the recycle bin. The answer is empty.
pub fn remove(id: i64) -> Request {
    Request::to(Method::DELETE, ONE).fill(&id.to_string())
}

/// A request that changes parts of a person. The answer is the whole [`PersonEntity`], changed.
pub fn patch(id: i64, patch: &Patch) -> Request {
    Request::patch(ONE, id, patch)
}

/// A request for persons as rows. The answer is a [`super::odata::Page`].
pub fn search(query: &Query) -> Request {
    Request { query: query.parameters(), ..Request::to(Method::GET, MANY) }
}

/// A person: a human at a contact.
#[expect(clippy::struct_excessive_bools, reason = "the vendor's record, field by field")]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PersonEntity {
    /// The id.
    pub person_id: i64,
    /// The first name.
    pub firstname: String,
    /// The middle name.
    pub middle_name: String,
    /// The last name.
    pub lastname: String,
    /// Form of address (list `mrmrs`).
    pub mrmrs: String,
    /// The job title, as typed in.
    pub title: String,
    /// When it was changed last.
    #[serde(with = "crate::json::date")]
    pub updated_date: Option<Timestamp>,
    /// When it was created.
    #[serde(with = "crate::json::date")]
    pub created_date: Option<Timestamp>,
    /// Date of birth; year 2 when the year is not known.
    #[serde(with = "crate::json::date")]
    pub birth_date: Option<Timestamp>,
    /// Who created it.
    pub created_by: Option<Associate>,
    /// E-mail addresses.
    pub emails: Vec<EntityElement>,
    /// A note.
    pub description: String,
    /// Whether the person is a user.
    pub is_associate: bool,
    /// Phone numbers at home.
    pub private_phones: Vec<EntityElement>,
    /// Fax numbers.
    pub faxes: Vec<EntityElement>,
    /// Mobile numbers.
    pub mobile_phones: Vec<EntityElement>,
    /// Phone numbers at work.
    pub office_phones: Vec<EntityElement>,
    /// Other phone numbers.
    pub other_phones: Vec<EntityElement>,
    /// The position (list `perspos`), which is not the title.
    pub position: Option<ListValue>,
    /// Who changed it last.
    pub updated_by: Option<Associate>,
    /// The contact, in short.
    pub contact: Option<Contact>,
    /// The country.
    pub country: Option<Country>,
    /// Interests: all that exist, chosen or not.
    pub interests: Vec<SelectableMdoListItem>,
    /// A number of the tenant's own.
    pub person_number: String,
    /// The full name.
    pub full_name: String,
    /// Whether mail is unwanted.
    pub no_mailing: bool,
    /// Whether the private address is the postal one.
    pub use_person_address: bool,
    /// Whether the person has left the contact.
    pub retired: bool,
    /// Web addresses.
    pub urls: Vec<EntityElement>,
    /// The full name, with titles.
    pub formal_name: String,
    /// Addresses; patched only as a whole.
    pub address: Option<Value>,
    /// Last line of the address.
    pub post3: String,
    /// Second line.
    pub post2: String,
    /// First line.
    pub post1: String,
    /// The last name in kana.
    pub kanalname: String,
    /// The first name in kana.
    pub kanafname: String,
    /// The user that the person is.
    pub corresponding_associate: Option<Associate>,
    /// Usually blank; the contact has it.
    pub category: Option<ListValue>,
    /// Usually blank; the contact has it.
    pub business: Option<ListValue>,
    /// Usually blank; the owner of a person is the owner of its contact.
    pub associate: Option<Associate>,
    /// Academic title (list `salutation`).
    pub salutation: String,
    /// How many interests are chosen.
    pub active_interests: i64,
    /// Who gives support.
    pub support_associate: Option<Associate>,
    /// Priority in Service.
    pub ticket_priority: Option<ListValue>,
    /// Language in Service.
    pub customer_language: Option<ListValue>,
    /// Integration agent.
    pub dbi_agent_id: i64,
    /// Key of that agent.
    pub dbi_key: String,
    /// Last change by that agent.
    #[serde(with = "crate::json::date")]
    pub dbi_last_modified: Option<Timestamp>,
    /// Last synchronisation by that agent.
    #[serde(with = "crate::json::date")]
    pub dbi_last_syncronized: Option<Timestamp>,
    /// Whether information was sent.
    pub sent_info: i64,
    /// What the customer centre shows.
    pub show_contact_tickets: i64,
    /// The user that the person is.
    pub user_info: Option<Value>,
    /// Chat addresses.
    pub chat_emails: Vec<EntityElement>,
    /// Internet phone addresses.
    pub internet_phones: Vec<EntityElement>,
    /// Where it came from.
    pub source: i64,
    /// How many ERP links it has.
    pub active_erp_links: i64,
    /// Kinds of mailing: all that exist, chosen or not.
    pub shipment_types: Vec<SelectableMdoListItem>,
    /// Consents under the GDPR.
    pub consents: Vec<ConsentInfo>,
    /// Addresses that bounced.
    pub bounce_emails: Vec<String>,
    /// The status that is shown.
    pub active_status_monitor_id: i64,
    /// The form that created it.
    pub created_by_form_id: i64,
    /// Campaign that brought it.
    pub utm_parameters: Option<Value>,
    /// Lead status.
    pub leadstatus_id: i64,
    /// Lead status, in words.
    pub leadstatus: Option<String>,
    /// User-defined fields, the older dictionary.
    pub user_defined_fields: Dictionary,
    /// Extra fields, the older dictionary.
    pub extra_fields: Dictionary,
    /// User-defined fields and extra fields.
    pub custom_fields: Dictionary,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// What the caller may do with each field, and what fits into it.
    pub field_properties: FieldProperties,
    /// Related resources; REST only.
    #[serde(rename = "_Links", skip_serializing_if = "Option::is_none")]
    pub links: Option<Links>,
}

/// A person in short, as a contact carries it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Person {
    /// The position, in words.
    pub position: String,
    /// The id.
    pub person_id: i64,
    /// Form of address.
    pub mrmrs: String,
    /// The first name.
    pub firstname: String,
    /// The last name.
    pub lastname: String,
    /// The middle name.
    pub middle_name: String,
    /// The job title, as typed in.
    pub title: String,
    /// A note.
    pub description: String,
    /// The first e-mail address.
    pub email: String,
    /// The full name.
    pub full_name: String,
    /// Phone number at work.
    pub direct_phone: String,
    /// The full name, with titles.
    pub formal_name: String,
    /// The country.
    pub country_id: i64,
    /// The contact.
    pub contact_id: i64,
    /// The contact's name.
    pub contact_name: String,
    /// Not 0 when the person has left the contact.
    pub retired: i64,
    /// Order.
    pub rank: i64,
    /// How many interests are chosen.
    pub active_interests: i64,
    /// The contact's department.
    pub contact_department: String,
    /// The contact's country.
    pub contact_country_id: i64,
    /// The contact's company number.
    pub contact_org_nr: String,
    /// Fax number.
    pub fax_phone: String,
    /// Mobile number.
    pub mobile_phone: String,
    /// The contact's phone number.
    pub contact_phone: String,
    /// Short name of the user that the person is.
    pub associate_name: String,
    /// The user that the person is.
    pub associate_id: i64,
    /// Whether the private address is the postal one.
    pub use_person_address: bool,
    /// The contact's fax number.
    pub contact_fax: String,
    /// The first name in kana.
    pub kanafname: String,
    /// The last name in kana.
    pub kanalname: String,
    /// First line of the address.
    pub post1: String,
    /// Second line.
    pub post2: String,
    /// Last line.
    pub post3: String,
    /// What the e-mail address is for.
    pub email_name: String,
    /// The contact's name and department.
    pub contact_full_name: String,
    /// How many ERP links it has.
    pub active_erp_links: i64,
    /// Priority in Service.
    pub ticket_priority_id: i64,
    /// Language in Service.
    pub support_language_id: i64,
    /// Who gives support.
    pub support_associate_id: i64,
    /// The category.
    pub category_name: String,
    /// A number of the tenant's own.
    pub person_number: String,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// What the caller may do with each field, and what fits into it.
    pub field_properties: FieldProperties,
}

/// A consent under the GDPR.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConsentInfo {
    /// The id.
    pub consent_person_id: i64,
    /// A note.
    pub comment: String,
    /// When it was given.
    #[serde(with = "crate::json::date")]
    pub registered: Option<Timestamp>,
    /// Who entered it.
    pub registered_associate_id: i64,
    /// When it was changed.
    #[serde(with = "crate::json::date")]
    pub updated: Option<Timestamp>,
    /// Who changed it.
    pub updated_associate_id: i64,
    /// The legal base.
    pub legal_base_id: i64,
    /// `61A` consent, `61B` contract, `61F` legitimate interest, `WITHDRAWN`.
    pub legal_base_key: String,
    /// The legal base, in words.
    pub legal_base_name: String,
    /// The purpose.
    pub consent_purpose_id: i64,
    /// `STORE`, `EMARKETING`.
    pub consent_purpose_key: String,
    /// The purpose, in words.
    pub consent_purpose_name: String,
    /// Where it was given.
    pub consent_source_id: i64,
    /// Where it was given.
    pub consent_source_key: String,
    /// Where it was given, in words.
    pub consent_source_name: String,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// What the caller may do with each field, and what fits into it.
    pub field_properties: FieldProperties,
}

impl Record for PersonEntity {
    const KEY: &'static str = "PersonId";
}

impl Record for Person {
    const KEY: &'static str = "PersonId";
}
