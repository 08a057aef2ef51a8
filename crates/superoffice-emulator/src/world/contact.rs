//! A company as the emulator keeps it, and how two states of it differ.
//!
//! The difference names the database columns that webhooks report and the words that the control routes show.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::changes::{FieldChange, Place, note};
use super::policy::Policy;
use super::udf::{Entity, UdfValue};
use super::{State, lists};

/// A phone number, e-mail address or web address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// The address itself.
    pub value: String,
    /// What somebody wrote beside it.
    pub description: String,
}

impl Element {
    /// An element without description.
    pub fn new(value: &str) -> Self {
        Self { value: value.to_owned(), description: String::new() }
    }
}

/// A street or postal address.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// The three address lines.
    pub lines: [String; 3],
    /// City.
    pub city: String,
    /// County.
    pub county: String,
    /// State.
    pub state: String,
    /// Postal code.
    pub zip: String,
}

/// Who made and changed a record, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamps {
    /// When it was made.
    pub registered: Timestamp,
    /// By which associate.
    pub registered_by: i64,
    /// When it was changed last; none if never.
    pub updated: Option<Timestamp>,
    /// By which associate, 0 if never.
    pub updated_by: i64,
    /// When it was deleted; it stays in the recycle bin.
    pub deleted: Option<Timestamp>,
}

impl Stamps {
    /// A record that `by` makes now.
    pub(crate) fn new(now: Timestamp, by: i64) -> Self {
        Self { registered: now, registered_by: by, updated: None, updated_by: 0, deleted: None }
    }

    /// When the record was changed last, as rows show it.
    pub(crate) fn updated_in_rows(&self, policy: &Policy) -> Option<Timestamp> {
        self.updated.or_else(|| policy.untouched_records_are_updated.then_some(self.registered))
    }

    /// When the record was touched last in any way.
    pub(crate) fn touched(&self) -> Timestamp {
        self.updated.unwrap_or(self.registered)
    }
}

/// The filled-in user-defined fields of a record, by the field's identity.
pub(crate) type Udfs = BTreeMap<i64, UdfValue>;

/// A company.
#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    /// Its id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Department or site.
    pub department: String,
    /// Register or VAT number.
    pub org_nr: String,
    /// Free number.
    pub number1: String,
    /// Customer number.
    pub number2: String,
    /// Free text.
    pub description: String,
    /// Web addresses.
    pub urls: Vec<Element>,
    /// E-mail addresses.
    pub emails: Vec<Element>,
    /// Phone numbers.
    pub phones: Vec<Element>,
    /// Fax numbers.
    pub faxes: Vec<Element>,
    /// The responsible associate.
    pub owner: i64,
    /// The group of the original owner.
    pub group_id: i64,
    /// Item of the list `business`.
    pub business_id: i64,
    /// Item of the list `category`.
    pub category_id: i64,
    /// Numeric country code.
    pub country_id: i64,
    /// Where it is.
    pub street: Address,
    /// Where its letters go.
    pub postal: Address,
    /// Wants no mailings.
    pub no_mailing: bool,
    /// The stop flag.
    pub xstop: bool,
    /// Who, when.
    pub stamps: Stamps,
    /// User-defined fields by identity.
    pub udfs: BTreeMap<i64, UdfValue>,
    /// The company of the story that this is, if any.
    pub slug: Option<String>,
}

impl Contact {
    /// A company with nothing but defaults, owned by `owner`.
    pub(crate) fn blank(owner: i64, group_id: i64, country_id: i64, now: Timestamp) -> Self {
        Self {
            id: 0,
            name: String::new(),
            department: String::new(),
            org_nr: String::new(),
            number1: String::new(),
            number2: String::new(),
            description: String::new(),
            urls: Vec::new(),
            emails: Vec::new(),
            phones: Vec::new(),
            faxes: Vec::new(),
            owner,
            group_id,
            business_id: 0,
            category_id: 0,
            country_id,
            street: Address::default(),
            postal: Address::default(),
            no_mailing: false,
            xstop: false,
            stamps: Stamps::new(now, owner),
            udfs: Udfs::new(),
            slug: None,
        }
    }

    /// The first web address, empty if none.
    pub fn url(&self) -> &str {
        self.urls.first().map_or("", |url| &url.value)
    }

    /// What is different in `after`.
    pub(crate) fn differences(&self, after: &Self, state: &State) -> Vec<FieldChange> {
        let mut changes = Vec::new();
        let list = &mut changes;
        let short = |id: i64| state.short_name(id);
        let item = |name: &str, id: i64| lists::Lists::name(&state.lists, name, id).to_owned();
        note(list, Place::Column("name"), "Name", &self.name, &after.name);
        note(list, Place::Column("department"), "Department", &self.department, &after.department);
        note(list, Place::Column("orgNr"), "OrgNr", &self.org_nr, &after.org_nr);
        note(list, Place::Column("number1"), "Number1", &self.number1, &after.number1);
        note(list, Place::Column("number2"), "Number2", &self.number2, &after.number2);
        note(list, Place::Column("associate_id"), "Associate", &short(self.owner), &short(after.owner));
        note(
            list,
            Place::Column("group_id"),
            "GroupId",
            &self.group_id.to_string(),
            &after.group_id.to_string(),
        );
        let (b, a) = (item("business", self.business_id), item("business", after.business_id));
        note(list, Place::Column("business_idx"), "Business", &b, &a);
        let (b, a) = (item("category", self.category_id), item("category", after.category_id));
        note(list, Place::Column("category_idx"), "Category", &b, &a);
        let (b, a) = (item("country", self.country_id), item("country", after.country_id));
        note(list, Place::Column("country_id"), "Country", &b, &a);
        note(list, Place::Column("xstop"), "Xstop", &self.xstop.to_string(), &after.xstop.to_string());
        let (b, a) = (self.no_mailing.to_string(), after.no_mailing.to_string());
        note(list, Place::Column("noMailing"), "NoMailing", &b, &a);
        note(list, Place::Column("text_id"), "Description", &self.description, &after.description);
        note(list, Place::Url, "Urls", &joined(&self.urls), &joined(&after.urls));
        note(list, Place::Child, "Emails", &joined(&self.emails), &joined(&after.emails));
        note(list, Place::Child, "Phones", &joined(&self.phones), &joined(&after.phones));
        note(list, Place::Child, "Faxes", &joined(&self.faxes), &joined(&after.faxes));
        note(list, Place::Child, "Street", &self.street.one_line(), &after.street.one_line());
        note(list, Place::Child, "Postal", &self.postal.one_line(), &after.postal.one_line());
        udf_differences(Entity::Contact, &self.udfs, &after.udfs, state, list);
        changes
    }
}

impl Address {
    fn one_line(&self) -> String {
        let [one, two, three] = &self.lines;
        let parts = [one, two, three, &self.zip, &self.city, &self.county, &self.state];
        let filled: Vec<&str> =
            parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        filled.join(", ")
    }
}

/// Elements as one text, for the change log.
pub(crate) fn joined(elements: &[Element]) -> String {
    elements.iter().map(|element| element.value.as_str()).collect::<Vec<_>>().join(", ")
}

/// What is different among the user-defined fields.
pub(crate) fn udf_differences(
    owner: Entity,
    before: &Udfs,
    after: &Udfs,
    state: &State,
    changes: &mut Vec<FieldChange>,
) {
    for field in state.udf_fields(owner) {
        let empty = field.empty();
        let old = before.get(&field.identity).unwrap_or(&empty);
        let new = after.get(&field.identity).unwrap_or(&empty);
        if old != new {
            changes.push(FieldChange {
                place: Place::Udf,
                name: field.label.clone(),
                before: field.shown(old, &state.lists),
                after: field.shown(new, &state.lists),
            });
        }
    }
}
