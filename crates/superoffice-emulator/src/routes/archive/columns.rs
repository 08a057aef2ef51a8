//! The columns that lists have, by the names of the vendor's archive providers, and the value of each in a row.
//!
//! The types are those of the vendor's reference of archive providers; it has many more columns than are here.

mod cells;
mod tables;

use serde_json::{Value, json};

use self::tables::{CONTACT, CONTACT_OF_PERSON, EMAIL, PERSON, SPECIAL, USER, WORDS};
use super::cell::Cell;
use super::dynamic::Path;
use super::kind::Kind;
use super::row::{Row, Table};
use crate::world::State;
use crate::world::udf::{Entity, FieldType, UdfField};

/// A column of the vendor's reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spec {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// Whether filters may use it.
    pub(super) restrict: bool,
    /// Whether rows can be ordered by it.
    pub(super) order: bool,
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
    Contact(&'static Spec),
    Person(&'static Spec),
    User(&'static Spec),
    Email(&'static Spec),
    /// `getAllRows`, `getNoRows`, `searchwords`, `emailMatch`.
    Special(&'static Spec),
    Udf(UdfField),
    Path(Path),
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
            Self::Email => "emailId,emailAddress,emailDescription,contactId,personId",
            Self::Dynamic(base) => base.default_columns(),
        }
    }

    fn specs(self) -> &'static [&'static [Spec]] {
        match self {
            Self::Contact => &[SPECIAL, CONTACT],
            Self::Person => &[SPECIAL, PERSON],
            Self::User => &[SPECIAL, USER],
            Self::Email => &[SPECIAL, EMAIL],
            Self::Dynamic(_) => &[],
        }
    }
}

impl Column {
    /// Finds a column by name, in any case. A person's list also has the columns of its company, as `contact/…`.
    pub(super) fn named(state: &State, table: Table, asked: &str) -> Option<Self> {
        let found = |specs: &'static [Spec], name: &str| {
            specs.iter().find(|spec| spec.name.eq_ignore_ascii_case(name))
        };
        let udf = |owner, prefix: &str| {
            let prog_id = after(asked, prefix)?;
            state.udf_by_prog_id(owner, prog_id).cloned().map(What::Udf)
        };
        let special = || found(SPECIAL, asked).map(What::Special);
        let what = match table {
            Table::Contact => found(CONTACT, asked)
                .map(What::Contact)
                .or_else(special)
                .or_else(|| found(WORDS, asked).map(What::Special))
                .or_else(|| udf(Entity::Contact, "contactUdef/")),
            Table::Person => found(PERSON, asked)
                .map(What::Person)
                .or_else(special)
                .or_else(|| udf(Entity::Person, "personUdef/"))
                .or_else(|| found(CONTACT_OF_PERSON, after(asked, "contact/")?).map(What::Contact)),
            Table::User => found(USER, asked).map(What::User).or_else(special),
            Table::Email => found(EMAIL, asked)
                .map(What::Email)
                .or_else(special)
                .or_else(|| found(CONTACT, after(asked, "personContact/")?).map(What::Contact))
                .or_else(|| found(PERSON, asked).map(What::Person))
                .or_else(|| found(CONTACT, asked).map(What::Contact)),
            Table::Dynamic(base) => Path::read(asked, base).map(What::Path),
        };
        what.map(|what| Self { asked: asked.to_owned(), what })
    }

    /// A company's column that needs no tenant to be known.
    #[cfg(test)]
    pub(super) fn plain(asked: &str) -> Option<Self> {
        let spec = CONTACT.iter().find(|spec| spec.name.eq_ignore_ascii_case(asked))?;
        Some(Self { asked: asked.to_owned(), what: What::Contact(spec) })
    }

    fn spec(&self) -> Option<&'static Spec> {
        match self.what {
            What::Contact(spec)
            | What::Person(spec)
            | What::User(spec)
            | What::Email(spec)
            | What::Special(spec) => Some(spec),
            What::Udf(_) | What::Path(_) => None,
        }
    }

    /// Its type.
    pub(super) fn kind(&self) -> Kind {
        match &self.what {
            What::Udf(field) => kind_of(field),
            What::Path(path) => path.kind(),
            _ => self.spec().map_or(Kind::Text, |spec| spec.kind),
        }
    }

    /// Whether filters may use it.
    pub(super) fn restricts(&self) -> bool {
        self.spec().is_none_or(|spec| spec.restrict)
    }

    /// Whether rows can be ordered by it.
    pub(super) fn orders(&self) -> bool {
        self.spec().is_none_or(|spec| spec.order)
    }

    /// Whether it is the list's primary key.
    pub(super) fn is_key(&self) -> bool {
        match &self.what {
            // `contact/contactId` in a list of persons is a foreign key.
            What::Contact(spec) => spec.name == "contactId" && !self.asked.contains('/'),
            What::Person(spec) => spec.name == "personId" && !self.asked.contains('/'),
            What::User(spec) => spec.name == "associateDbId",
            What::Email(spec) => spec.name == "emailId",
            What::Path(path) => path.is_key(),
            What::Special(_) | What::Udf(_) => false,
        }
    }

    /// Whether it is a person's company.
    pub(super) fn is_company_of_person(&self) -> bool {
        match &self.what {
            What::Person(spec) => spec.name == "contactId",
            What::Path(path) => path.is_company_of_person(),
            _ => false,
        }
    }

    /// Whether it holds the words of a free text search.
    pub(super) fn is_words(&self) -> bool {
        matches!(self.what, What::Special(spec) if spec.name == "searchwords")
    }

    /// Whether it matches any part of an address and its owner's names.
    pub(super) fn is_match(&self) -> bool {
        matches!(self.what, What::Email(spec) if spec.name == "emailMatch")
    }

    /// Whether asking for it brings in rows of the recycle bin.
    pub(super) fn is_deletion(&self) -> bool {
        match &self.what {
            What::Contact(spec) | What::Person(spec) => {
                matches!(spec.name, "contactDeleted" | "deletedDate" | "personDeletedDate")
            }
            What::Path(path) => path.is_deletion(),
            _ => false,
        }
    }

    /// Whether a row is left out because an inner join finds nothing.
    pub(super) fn drops(&self, state: &State, row: &Row<'_>) -> bool {
        matches!(&self.what, What::Path(path) if path.drops(state, row))
    }

    /// Its value in a row.
    pub(super) fn cell(&self, state: &State, row: &Row<'_>) -> Cell {
        let nothing = || empty(self.kind());
        match &self.what {
            What::Contact(spec) => {
                row.contact(state).map_or_else(nothing, |contact| cells::contact(state, contact, spec.name))
            }
            What::Person(spec) => {
                row.person().map_or_else(nothing, |person| cells::person(state, person, spec.name))
            }
            What::User(spec) => match row {
                Row::User(user) => cells::user(state, user, spec.name),
                _ => nothing(),
            },
            What::Email(spec) => match row {
                Row::Email(email) => cells::email(email, spec.name),
                _ => nothing(),
            },
            What::Special(spec) => Cell::Flag(spec.name == "getAllRows"),
            What::Udf(field) => match row {
                Row::Contact(contact) => cells::udf(state, field, &contact.udfs),
                Row::Person(person) => cells::udf(state, field, &person.udfs),
                _ => nothing(),
            },
            What::Path(path) => path.cell(state, row),
        }
    }
}

/// What an outer join that finds nothing leaves.
pub(super) fn empty(kind: Kind) -> Cell {
    match kind {
        Kind::Int | Kind::AssociateId => Cell::Int(0),
        Kind::Decimal => Cell::Real(0.0),
        Kind::Text | Kind::TextOrKey => Cell::Text(String::new()),
        Kind::Flag => Cell::Flag(false),
        Kind::Associate | Kind::List(_) | Kind::OwnList(_) => Cell::Choice(0, String::new()),
        Kind::Day => Cell::Day(None),
        Kind::Time => Cell::Moment(None),
    }
}

fn kind_of(field: &UdfField) -> Kind {
    match field.kind {
        FieldType::ShortText | FieldType::LongText => Kind::Text,
        FieldType::Number => Kind::Int,
        FieldType::Decimal => Kind::Decimal,
        FieldType::Checkbox => Kind::Flag,
        FieldType::List => Kind::OwnList(field.list.unwrap_or(0)),
        FieldType::Date => Kind::Day,
    }
}

/// What comes after a prefix, whatever the prefix's case.
fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// All columns of a list as `ArchiveColumnInfo`, in the vendor's spelling.
pub(super) fn infos(state: &State, table: Table, freetext: bool) -> Vec<Value> {
    let words = if freetext { WORDS } else { &[] };
    let fixed = table.specs().iter().copied().chain([words]).flatten();
    let mut all: Vec<Value> = fixed.map(|spec| info(spec.name, spec.name, *spec)).collect();
    let owner = match table {
        Table::Contact => Some(Entity::Contact),
        Table::Person => Some(Entity::Person),
        Table::User | Table::Email | Table::Dynamic(_) => None,
    };
    for field in owner.into_iter().flat_map(|owner| state.udf_fields(owner)) {
        let name = format!("{}Udef/{}", field.owner.word(), field.prog_id());
        let spec = Spec { name: "", kind: kind_of(field), restrict: true, order: true };
        all.push(info(&name, &field.label, spec));
    }
    all
}

fn info(name: &str, label: &str, spec: Spec) -> Value {
    let display = match spec.kind {
        Kind::Flag => "checkbox",
        Kind::Associate | Kind::AssociateId | Kind::List(_) | Kind::OwnList(_) | Kind::TextOrKey => "string",
        kind => kind.restriction(),
    };
    let restriction = if spec.restrict { spec.kind.restriction() } else { "" };
    json!({"DisplayName": label, "DisplayTooltip": "", "DisplayType": display, "CanOrderBy": spec.order, "Name": name,
           "CanRestrictBy": spec.restrict, "RestrictionType": restriction, "RestrictionListName": spec.kind.list(),
           "IsVisible": !name.starts_with("get"), "Width": "10%", "IconHint": "", "HeadingIconHint": "", "ExtraInfo": ""})
}
