//! Contacts: the companies in SuperOffice. Names are `Name`, `OrgNr`, `Urls` here; the rows of lists spell them
//! otherwise (see [`super::odata`]). There is no `UrlAddress` in a contact.

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::associate::Associate;
use super::list::SelectableMdoListItem;
use super::person::Person;
use super::{EntityElement, FieldProperties, Links, ListValue, Request, TableRight};
use crate::json::Record;
use crate::odata::Query;
use crate::patch::Patch;
use crate::udf::Dictionary;

/// One contact.
pub const ONE: &str = "v1/Contact/{id}";
/// Contacts as rows.
pub const MANY: &str = "v1/Contact";
/// A new contact.
pub const DEFAULT: &str = "v1/Contact/default";

/// A request for one contact. The answer is a [`ContactEntity`].
pub fn read(id: i64) -> Request {
    Request::get(ONE, &id.to_string())
}

/// A request for a new contact as the caller's preferences have it. The answer is a [`ContactEntity`] with id 0.
pub fn default() -> Request {
    Request::to(Method::GET, DEFAULT)
}

/// A request that creates a contact. The answer is the [`ContactEntity`] with its id.
pub fn create(contact: &ContactEntity) -> Request {
    Request::to(Method::POST, MANY).json(contact)
}

/// A request that puts a contact into the recycle bin. The answer is empty.
pub fn remove(id: i64) -> Request {
    Request::to(Method::DELETE, ONE).fill(&id.to_string())
}

/// A request that changes parts of a contact. The answer is the whole [`ContactEntity`], changed.
pub fn patch(id: i64, patch: &Patch) -> Request {
    Request::patch(ONE, id, patch)
}

/// A request for contacts as rows. The answer is a [`super::odata::Page`].
pub fn search(query: &Query) -> Request {
    Request { query: query.parameters(), ..Request::to(Method::GET, MANY) }
}

/// A contact: a company.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ContactEntity {
    /// The id; 0 in a new contact.
    pub contact_id: i64,
    /// The name; at most 219 characters.
    pub name: String,
    /// The department; with the name it makes the name that is shown.
    pub department: String,
    /// VAT or company number.
    pub org_nr: String,
    /// A number of the tenant's own.
    pub number1: String,
    /// Another, often allocated automatically.
    pub number2: String,
    /// When it was changed last.
    #[serde(with = "crate::json::date")]
    pub updated_date: Option<Timestamp>,
    /// When it was created.
    #[serde(with = "crate::json::date")]
    pub created_date: Option<Timestamp>,
    /// E-mail addresses.
    pub emails: Vec<EntityElement>,
    /// Interests: all that exist, chosen or not.
    pub interests: Vec<SelectableMdoListItem>,
    /// Web addresses; the first is the website.
    pub urls: Vec<EntityElement>,
    /// Phone numbers.
    pub phones: Vec<EntityElement>,
    /// Fax numbers.
    pub faxes: Vec<EntityElement>,
    /// A note; at most 2047 characters.
    pub description: String,
    /// Who changed it last.
    pub updated_by: Option<Associate>,
    /// Who created it.
    pub created_by: Option<Associate>,
    /// The owner.
    pub associate: Option<Associate>,
    /// The business (list `business`).
    pub business: Option<ListValue>,
    /// The category (list `category`).
    pub category: Option<ListValue>,
    /// The country.
    pub country: Option<Country>,
    /// Every person of the contact, in short.
    pub persons: Vec<Person>,
    /// Whether mail is unwanted.
    pub no_mailing: bool,
    /// The name in kana.
    pub kananame: String,
    /// Whether a stop is set.
    pub xstop: bool,
    /// How many interests are chosen.
    pub active_interests: i64,
    /// The group of the first owner.
    pub group_id: i64,
    /// The status that is shown.
    pub active_status_monitor_id: i64,
    /// Who gives support.
    pub support_associate: Option<Associate>,
    /// Priority in Service.
    pub ticket_priority: Option<ListValue>,
    /// Language in Service.
    pub customer_language: Option<ListValue>,
    /// Not 0 when it is in the recycle bin.
    pub deleted: i64,
    /// Integration agent.
    pub dbi_agent_id: i64,
    /// Last synchronisation by that agent.
    #[serde(with = "crate::json::date")]
    pub dbi_last_syncronized: Option<Timestamp>,
    /// Key of that agent.
    pub dbi_key: String,
    /// Last change by that agent.
    #[serde(with = "crate::json::date")]
    pub dbi_last_modified: Option<Timestamp>,
    /// Who is asked first.
    pub support_person: Option<Person>,
    /// Addresses; patched only as a whole.
    pub address: Option<Value>,
    /// Where it came from.
    pub source: i64,
    /// How many ERP links it has.
    pub active_erp_links: i64,
    /// Addresses that bounced.
    pub bounce_emails: Vec<String>,
    /// Web domains, best first.
    pub domains: Vec<String>,
    /// Campaign that brought it.
    pub utm_parameters: Option<Value>,
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

/// A contact in short, as a person carries it and as `Contact/{id}/Simple` answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Contact {
    /// The id; 0 is "none".
    pub contact_id: i64,
    /// The name.
    pub name: String,
    /// VAT or company number.
    pub org_nr: String,
    /// The department.
    pub department: String,
    /// The website.
    #[serde(rename = "URL")]
    pub url: String,
    /// The city.
    pub city: String,
    /// A phone number.
    pub direct_phone: String,
    /// The owner.
    pub associate_id: i64,
    /// The country.
    pub country_id: i64,
    /// An e-mail address.
    pub email_address: String,
    /// The name in kana.
    pub kananame: String,
    /// What the e-mail address is for.
    pub email_address_name: Option<String>,
    /// What the website is for.
    #[serde(rename = "URLName")]
    pub url_name: Option<String>,
    /// The owner's full name.
    pub associate_full_name: String,
    /// The business.
    pub business_name: String,
    /// The category.
    pub category_name: String,
    /// The country's name.
    pub country_name: String,
    /// Addresses.
    pub address: Option<Value>,
    /// The address in lines.
    pub formatted_address: String,
    /// Name and department.
    pub full_name: String,
    /// Whether it owns the installation.
    pub is_owner_contact: bool,
    /// How many ERP links it has.
    pub active_erp_links: i64,
    /// A number of the tenant's own.
    pub number1: String,
    /// Another.
    pub number2: String,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// What the caller may do with each field, and what fits into it.
    pub field_properties: FieldProperties,
}

/// A country.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Country {
    /// The id, by ISO 3166: 578 is Norway.
    pub country_id: i64,
    /// The name, in the language asked for.
    pub name: String,
    /// The currency.
    pub currency_id: i64,
    /// The name in English.
    pub english_name: String,
    /// `NO`.
    #[serde(rename = "TwoLetterISOCountry")]
    pub two_letter_iso_country: String,
    /// `NOR`.
    #[serde(rename = "ThreeLetterISOCountry")]
    pub three_letter_iso_country: String,
    /// A flag.
    pub image_description: Option<String>,
    /// What the company number is called there.
    pub org_nr_text: String,
    /// Dialling prefix between areas.
    pub inter_area_prefix: String,
    /// Dialling prefix of the country.
    pub dial_in_prefix: String,
    /// Prefix of postal codes.
    pub zip_prefix: String,
    /// Top-level domain.
    pub domain_name: String,
    /// Layout of addresses.
    pub address_layout_id: i64,
    /// Layout within the country.
    pub domestic_address_layout_id: i64,
    /// Layout from abroad.
    pub foreign_address_layout_id: i64,
    /// Order.
    pub rank: i64,
    /// The tooltip.
    pub tooltip: String,
    /// Whether it may still be chosen.
    pub deleted: bool,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// What the caller may do with each field, and what fits into it.
    pub field_properties: FieldProperties,
}

impl Record for ContactEntity {
    const KEY: &'static str = "ContactId";
}

impl Record for Contact {
    const KEY: &'static str = "ContactId";
}
