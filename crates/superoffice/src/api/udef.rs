//! Definitions of user-defined fields. Only the published ones exist in records. A field is known by its prog-id; its
//! numeric id changes whenever an administrator publishes, and so does that of every other field.
//!
//! To add one: ask for a draft ([`create`]), fill it in, save it ([`replace`]), publish ([`publish`]). Whether asking
//! for a draft already saves it is not documented, so it must be saved in any case.

use http::Method;
use serde::{Deserialize, Serialize};

use super::text_enum::text_enum;
use super::{FieldProperties, Request, TableRight};
use crate::json::Record;

/// The published fields of contacts.
pub const CONTACT: &str = "v1/Contact/UdefLayout/Published";
/// The published fields of persons.
pub const PERSON: &str = "v1/Person/UdefLayout/Published";

/// The fields of contacts as an administrator sees them, published or not.
pub const CONTACT_LAYOUT: &str = "v1/Contact/UdefLayout";
/// The fields of persons as an administrator sees them, published or not.
pub const PERSON_LAYOUT: &str = "v1/Person/UdefLayout";
/// Publishes the fields of contacts, or asks whether they are being published.
pub const CONTACT_PUBLISH: &str = "v1/Contact/UdefLayout/Publish";
/// Publishes the fields of persons, or asks whether they are being published.
pub const PERSON_PUBLISH: &str = "v1/Person/UdefLayout/Publish";
/// Whether contacts have fields that are not published.
pub const CONTACT_CHANGED: &str = "v1/Contact/UdefLayout/Changed";
/// Whether persons have fields that are not published.
pub const PERSON_CHANGED: &str = "v1/Person/UdefLayout/Changed";
/// One field of contacts as an administrator sees it.
pub const CONTACT_FIELD: &str = "v1/Contact/UdefLayout/{progidOrLabel}";
/// One field of persons as an administrator sees it.
pub const PERSON_FIELD: &str = "v1/Person/UdefLayout/{progidOrLabel}";
/// Throws away what is not published of contacts.
pub const CONTACT_REVERT: &str = "v1/Contact/UdefLayout/Revert";
/// Throws away what is not published of persons.
pub const PERSON_REVERT: &str = "v1/Person/UdefLayout/Revert";

/// Brings what is derived from the fields up to date after they were published. There is no such path outside agents.
pub const REBUILD: &str = "v1/Agents/Configuration/RebuildUdefDeltas";

/// What has user-defined fields, as far as we look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Owner {
    /// Contacts.
    Contact,
    /// Persons.
    Person,
}

/// A request for the published fields of `owner`. The answer is an array of [`UserDefinedFieldInfo`].
pub fn published(owner: Owner) -> Request {
    Request::to(Method::GET, owner.pick(CONTACT, PERSON))
}

/// A request for all fields of `owner`, published or not. The answer is an array of [`UserDefinedFieldInfo`].
pub fn layout(owner: Owner) -> Request {
    Request::to(Method::GET, owner.pick(CONTACT_LAYOUT, PERSON_LAYOUT))
}

/// A request for one field, published or not. The answer is a [`UserDefinedFieldInfo`].
pub fn field(owner: Owner, prog_id_or_label: &str) -> Request {
    Request::get(owner.pick(CONTACT_FIELD, PERSON_FIELD), prog_id_or_label)
}

/// A request for the draft of a new field. The answer is a [`UserDefinedFieldInfo`] with defaults.
pub fn create(owner: Owner, kind: &FieldType) -> Request {
    Request::to(Method::POST, owner.pick(CONTACT_LAYOUT, PERSON_LAYOUT)).with("udefFieldType", kind.as_str())
}

/// A request that saves `fields`, new ones and changed ones; fields that are not among them stay. The answer is an
/// array of [`UserDefinedFieldInfo`].
pub fn replace(owner: Owner, fields: &[UserDefinedFieldInfo]) -> Request {
    Request::to(Method::PUT, owner.pick(CONTACT_LAYOUT, PERSON_LAYOUT)).json(&fields)
}

/// A request whether fields are being published right now. The answer is `true` or `false`.
pub fn publishing(owner: Owner) -> Request {
    Request::to(Method::GET, owner.pick(CONTACT_PUBLISH, PERSON_PUBLISH))
}

/// A request that publishes all fields of `owner`: every user sees them then. The answer is a number.
pub fn publish(owner: Owner) -> Request {
    Request::to(Method::POST, owner.pick(CONTACT_PUBLISH, PERSON_PUBLISH))
}

/// A request that brings up to date what is derived from the fields. What the answer holds is not documented.
pub fn rebuild() -> Request {
    Request::to(Method::POST, REBUILD).json(&serde_json::json!({}))
}

/// A request whether anything waits to be published. The answer is `true` or `false`.
pub fn changed(owner: Owner) -> Request {
    Request::to(Method::GET, owner.pick(CONTACT_CHANGED, PERSON_CHANGED))
}

/// A request that removes a field from what will be published next. The answer is empty.
pub fn remove(owner: Owner, prog_id_or_label: &str) -> Request {
    Request::to(Method::DELETE, owner.pick(CONTACT_FIELD, PERSON_FIELD)).fill(prog_id_or_label)
}

/// A request that throws away everything that is not published. The answer is empty.
pub fn revert(owner: Owner) -> Request {
    Request::to(Method::POST, owner.pick(CONTACT_REVERT, PERSON_REVERT))
}

impl Owner {
    fn pick(self, contact: &'static str, person: &'static str) -> &'static str {
        match self {
            Self::Contact => contact,
            Self::Person => person,
        }
    }
}

/// The definition of a user-defined field.
#[expect(clippy::struct_excessive_bools, reason = "the vendor's record, field by field")]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UserDefinedFieldInfo {
    /// An id that changes for every field at every publish; never keep it.
    #[serde(rename = "UDefFieldId")]
    pub udef_field_id: i64,
    /// Column in the database; changes too.
    pub column_id: i64,
    /// Value in a new record.
    pub field_default: String,
    /// Layout.
    pub field_height: i64,
    /// The label that people see.
    pub field_label: String,
    /// Layout.
    pub field_left: i64,
    /// Layout.
    pub field_top: i64,
    /// What the field holds.
    pub field_type: FieldType,
    /// Layout.
    pub field_width: i64,
    /// How to show it.
    pub format_mask: String,
    /// Layout.
    pub hide_label: bool,
    /// Whether searching it is fast.
    pub is_indexed: bool,
    /// Layout.
    pub label_height: i64,
    /// Layout.
    pub label_left: i64,
    /// Layout.
    pub label_top: i64,
    /// Layout.
    pub label_width: i64,
    /// The definition before this one.
    pub last_version_id: i64,
    /// For a list: 136 is a list of the tenant's own, others are built in.
    pub list_table_id: i64,
    /// Whether it must be filled in.
    pub is_mandatory: bool,
    /// What it belongs to.
    #[serde(rename = "Type")]
    pub kind: OwnerType,
    /// Layout.
    pub page1_line_no: i64,
    /// The name for programs, which stays: `SuperOffice:1`.
    pub prog_id: String,
    /// Whether people may not change it.
    pub is_read_only: bool,
    /// A short label.
    pub short_label: String,
    /// Layout.
    pub tab_order: i64,
    /// For text: how many characters fit.
    pub text_length: i64,
    /// The tooltip.
    pub tooltip: String,
    /// A number that stays.
    pub udef_identity: i64,
    /// For a list of the tenant's own: which.
    #[serde(rename = "UDListDefinitionId")]
    pub ud_list_definition_id: i64,
    /// Layout.
    pub justification: String,
    /// Version of the layout.
    pub version: i64,
    /// Name in document templates.
    pub template_variable_name: String,
    /// Whether records have it.
    pub has_been_published: bool,
    /// For a list: the name to read it by; null before it is published.
    pub mdo_list_name: Option<String>,
    /// What the caller may do with it.
    pub table_right: Option<TableRight>,
    /// What the caller may do with each field, and what fits into it.
    pub field_properties: FieldProperties,
}

impl Record for UserDefinedFieldInfo {
    const KEY: &'static str = "ProgId";
}

text_enum! {
    /// What a user-defined field holds.
    FieldType {
        /// Not known.
        Unknown,
        /// A whole number.
        Number,
        /// Text of at most 39 characters.
        ShortText,
        /// Text of at most 199 characters.
        LongText,
        /// A day from 1970 to 2038.
        Date,
        /// Any day.
        UnlimitedDate,
        /// Yes or no.
        Checkbox,
        /// An item of a list.
        List,
        /// A number with a fraction.
        Decimal,
    }
}

text_enum! {
    /// What a user-defined field belongs to.
    OwnerType {
        /// Not known.
        Unknown,
        /// Contacts.
        Contact,
        /// Persons.
        Person,
        /// Projects.
        Project,
        /// Sales.
        Sale,
        /// Appointments.
        Appointment,
        /// Documents.
        Document,
    }
}
