//! The columns that lists have, by the names of the vendor's archive providers, and the value of each in a row.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use crate::clock::DateStyle;
use crate::world::contact::{Contact, Element, Stamps, Udfs};
use crate::world::person::Person;
use crate::world::udf::{Entity, FieldType, UdfField, UdfValue};
use crate::world::{Associate, State};

/// What a list is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Contact,
    Person,
    User,
}

impl Table {
    /// What is served without `$select`.
    pub(super) fn default_columns(self) -> &'static str {
        match self {
            Self::Contact => {
                "contactId,name,department,associateId,category,business,country,orgnr,updatedDate"
            }
            Self::Person => "personId,firstName,lastName,fullName,title,position,contactId,retired",
            Self::User => "associateDbId,assocName,fullName,personId,usergroup",
        }
    }
}

/// One record of a list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'a> {
    Contact(&'a Contact),
    Person(&'a Person),
    User(&'a Associate),
}

impl Row<'_> {
    pub(super) fn key(&self) -> i64 {
        match self {
            Self::Contact(contact) => contact.id,
            Self::Person(person) => person.id,
            Self::User(user) => user.id,
        }
    }

    pub(super) fn entity(&self) -> &'static str {
        match self {
            Self::Contact(_) => "contact",
            Self::Person(person) if person.retired => "retiredPerson",
            Self::Person(_) => "person",
            Self::User(_) => "associate",
        }
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.stamps().is_some_and(|stamps| stamps.deleted.is_some())
    }

    fn stamps(&self) -> Option<&Stamps> {
        match self {
            Self::Contact(contact) => Some(&contact.stamps),
            Self::Person(person) => Some(&person.stamps),
            Self::User(_) => None,
        }
    }
}

/// A column: how it was asked for, and what it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    /// As the caller spelled it; the answer repeats it.
    pub(super) asked: String,
    what: What,
}

#[derive(Debug, Clone, PartialEq)]
enum What {
    Contact(&'static str),
    Person(&'static str),
    User(&'static str),
    Udf(UdfField),
}

const CONTACT: &[&str] = &[
    "contactid",
    "name",
    "department",
    "namedepartment",
    "orgnr",
    "number",
    "code",
    "associateid",
    "contactassociate/associatedbid",
    "contactassociate/fullname",
    "contactassociate/assocname",
    "contactassociate/personid",
    "contactassociate/usergroup",
    "category",
    "business",
    "country",
    "countryid",
    "stop",
    "contactnomail",
    "updatedby",
    "updateddate",
    "registeredby",
    "registereddate",
    "contactdeleted",
    "deleteddate",
    "url/urladdress",
    "email/emailaddress",
    "contactphone/formattednumber",
    "city",
];
const PERSON: &[&str] = &[
    "personid",
    "firstname",
    "lastname",
    "fullname",
    "title",
    "position",
    "contactid",
    "retired",
    "personnomail",
    "personupdateddate",
    "personregistereddate",
    "personupdatedby",
    "personassociateid",
    "persondeleteddate",
    "email/emailaddress",
    "phone/formattednumber",
];
const USER: &[&str] = &[
    "associatedbid",
    "assocname",
    "firstname",
    "lastname",
    "fullname",
    "personid",
    "personemail",
    "usergroup",
    "othergroups",
    "title",
];

impl Column {
    /// Finds a column by name, in any case. A person's list also has the columns of its company, as `contact/…`.
    pub(super) fn named(state: &State, table: Table, asked: &str) -> Option<Self> {
        let lower = asked.to_ascii_lowercase();
        let known = |names: &[&'static str], name: &str| names.iter().find(|known| **known == name).copied();
        let udf = |owner, prefix: &str| {
            let prog_id = lower.strip_prefix(prefix)?;
            state.udf_by_prog_id(owner, prog_id).cloned().map(What::Udf)
        };
        let what = match table {
            Table::Contact => {
                known(CONTACT, &lower).map(What::Contact).or_else(|| udf(Entity::Contact, "contactudef/"))
            }
            Table::Person => known(PERSON, &lower)
                .map(What::Person)
                .or_else(|| udf(Entity::Person, "personudef/"))
                .or_else(|| known(CONTACT, lower.strip_prefix("contact/")?).map(What::Contact)),
            Table::User => known(USER, &lower).map(What::User),
        };
        what.map(|what| Self { asked: asked.to_owned(), what })
    }

    /// A company's column that needs no tenant to be known.
    #[cfg(test)]
    pub(super) fn plain(asked: &str) -> Option<Self> {
        let lower = asked.to_ascii_lowercase();
        let known = CONTACT.iter().find(|known| **known == lower)?;
        Some(Self { asked: asked.to_owned(), what: What::Contact(known) })
    }

    /// Whether it is the list's primary key.
    pub(super) fn is_key(&self) -> bool {
        match &self.what {
            // `contact/contactId` in a list of persons is a foreign key.
            What::Contact(name) => *name == "contactid" && !self.asked.contains('/'),
            What::Person(name) => *name == "personid",
            What::User(name) => *name == "associatedbid",
            What::Udf(_) => false,
        }
    }

    /// Whether asking for it brings in rows of the recycle bin.
    pub(super) fn is_deletion(&self) -> bool {
        matches!(
            self.what,
            What::Contact("contactdeleted" | "deleteddate") | What::Person("persondeleteddate")
        )
    }

    /// Its value in a row.
    pub(super) fn cell(&self, state: &State, row: &Row<'_>) -> Cell {
        match (&self.what, row) {
            (What::Contact(name), Row::Contact(contact)) => contact_cell(state, contact, name),
            (What::Contact(name), Row::Person(person)) => state
                .contacts
                .get(&person.contact_id)
                .map_or(Cell::Text(String::new()), |c| contact_cell(state, c, name)),
            (What::Person(name), Row::Person(person)) => person_cell(state, person, name),
            (What::User(name), Row::User(user)) => user_cell(state, user, name),
            (What::Udf(field), Row::Contact(contact)) => udf_cell(state, field, &contact.udfs),
            (What::Udf(field), Row::Person(person)) => udf_cell(state, field, &person.udfs),
            _ => Cell::Text(String::new()),
        }
    }
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Int(i64),
    Real(f64),
    Text(String),
    Flag(bool),
    Moment(Option<Timestamp>),
    Day(Option<Date>),
    /// An associate or a list item: shown as text, compared by id.
    Choice(i64, String),
}

impl Cell {
    /// Slim rows: what a person would see.
    pub(super) fn shown(&self, style: DateStyle) -> Value {
        match self {
            Self::Int(number) => (*number).into(),
            Self::Real(number) => (*number).into(),
            Self::Text(text) | Self::Choice(_, text) => text.clone().into(),
            Self::Flag(flag) => (*flag).into(),
            Self::Moment(moment) => style.write_opt(*moment).into(),
            Self::Day(day) => {
                day.map_or_else(|| crate::clock::NO_DATE.to_owned(), |day| format!("{day}T00:00:00")).into()
            }
        }
    }

    /// Full rows: ids where slim rows have texts.
    pub(super) fn raw(&self, style: DateStyle) -> Value {
        match self {
            Self::Choice(id, _) => (*id).into(),
            other => other.shown(style),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) | Self::Choice(_, text) => text.clone(),
            Self::Int(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Moment(moment) => moment.map(|moment| moment.to_string()).unwrap_or_default(),
            Self::Day(day) => day.map(|day| day.to_string()).unwrap_or_default(),
        }
    }
}

fn contact_cell(state: &State, contact: &Contact, name: &str) -> Cell {
    let owner = || state.associate(contact.owner);
    let associate = |id: i64| Cell::Choice(id, state.short_name(id));
    let item = |list: &str, id: i64| Cell::Choice(id, state.lists.name(list, id).to_owned());
    match name {
        "contactid" => Cell::Int(contact.id),
        "name" => Cell::Text(contact.name.clone()),
        "department" => Cell::Text(contact.department.clone()),
        "namedepartment" if contact.department.is_empty() => Cell::Text(contact.name.clone()),
        "namedepartment" => Cell::Text(format!("{}, {}", contact.name, contact.department)),
        "orgnr" => Cell::Text(contact.org_nr.clone()),
        "number" => Cell::Text(contact.number2.clone()),
        "code" => Cell::Text(contact.number1.clone()),
        "associateid" => associate(contact.owner),
        "contactassociate/associatedbid" => Cell::Int(contact.owner),
        "contactassociate/fullname" => Cell::Text(owner().map_or_else(String::new, |o| o.full_name.clone())),
        "contactassociate/assocname" => {
            Cell::Text(owner().map_or_else(String::new, |o| o.short_name.clone()))
        }
        "contactassociate/personid" => Cell::Int(owner().map_or(0, Associate::person_id)),
        "contactassociate/usergroup" => item("usergroup", owner().map_or(0, |o| o.group_id)),
        "category" => item("category", contact.category_id),
        "business" => item("business", contact.business_id),
        "country" => item("country", contact.country_id),
        "countryid" => Cell::Int(contact.country_id),
        "stop" => Cell::Flag(contact.xstop),
        "contactnomail" => Cell::Flag(contact.no_mailing),
        "updatedby" => associate(contact.stamps.updated_by),
        "updateddate" => Cell::Moment(Some(contact.stamps.touched())),
        "registeredby" => associate(contact.stamps.registered_by),
        "registereddate" => Cell::Moment(Some(contact.stamps.registered)),
        "contactdeleted" => Cell::Flag(contact.stamps.deleted.is_some()),
        "deleteddate" => Cell::Moment(contact.stamps.deleted),
        "url/urladdress" => Cell::Text(contact.url().to_owned()),
        "email/emailaddress" => Cell::Text(first(&contact.emails)),
        "contactphone/formattednumber" => Cell::Text(first(&contact.phones)),
        _ => Cell::Text(contact.postal.city.clone()),
    }
}

fn person_cell(state: &State, person: &Person, name: &str) -> Cell {
    match name {
        "personid" => Cell::Int(person.id),
        "firstname" => Cell::Text(person.first_name.clone()),
        "lastname" => Cell::Text(person.last_name.clone()),
        "fullname" => Cell::Text(person.full_name()),
        "title" => Cell::Text(person.title.clone()),
        "position" => {
            Cell::Choice(person.position_id, state.lists.name("perspos", person.position_id).to_owned())
        }
        "contactid" => Cell::Int(person.contact_id),
        "retired" => Cell::Flag(person.retired),
        "personnomail" => Cell::Flag(person.no_mailing),
        "personupdateddate" => Cell::Moment(Some(person.stamps.touched())),
        "personregistereddate" => Cell::Moment(Some(person.stamps.registered)),
        "personupdatedby" => {
            Cell::Choice(person.stamps.updated_by, state.short_name(person.stamps.updated_by))
        }
        "personassociateid" => Cell::Choice(0, String::new()),
        "persondeleteddate" => Cell::Moment(person.stamps.deleted),
        "email/emailaddress" => Cell::Text(first(&person.emails)),
        _ => Cell::Text(first(&person.office_phones)),
    }
}

fn user_cell(state: &State, user: &Associate, name: &str) -> Cell {
    let (first, last) = user.full_name.split_once(' ').unwrap_or((&user.full_name, ""));
    let linked = !(user.api_user && state.mishaps.on(crate::mishap::Kind::NoPersonLink));
    match name {
        "associatedbid" => Cell::Int(user.id),
        "assocname" => Cell::Text(user.short_name.clone()),
        "firstname" => Cell::Text(first.to_owned()),
        "lastname" => Cell::Text(last.to_owned()),
        "fullname" => Cell::Text(user.full_name.clone()),
        "personid" => Cell::Int(if linked { user.person_id() } else { 0 }),
        "personemail" => Cell::Text(if linked { user.email() } else { String::new() }),
        "usergroup" => Cell::Choice(user.group_id, state.lists.name("usergroup", user.group_id).to_owned()),
        _ => Cell::Text(String::new()),
    }
}

fn udf_cell(state: &State, field: &UdfField, udfs: &Udfs) -> Cell {
    let empty = field.empty();
    match (field.kind, udfs.get(&field.identity).unwrap_or(&empty)) {
        (_, UdfValue::Text(text)) => Cell::Text(text.clone()),
        (FieldType::Checkbox, UdfValue::Int(on)) => Cell::Flag(*on != 0),
        (FieldType::List, value @ UdfValue::Int(id)) => Cell::Choice(*id, field.shown(value, &state.lists)),
        (_, UdfValue::Int(number)) => Cell::Int(*number),
        (_, UdfValue::Real(number)) => Cell::Real(*number),
        (_, UdfValue::Day(day)) => Cell::Day(*day),
    }
}

fn first(elements: &[Element]) -> String {
    elements.first().map(|element| element.value.clone()).unwrap_or_default()
}
