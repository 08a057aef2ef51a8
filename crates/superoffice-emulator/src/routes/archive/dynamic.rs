//! The archive `Dynamic`: columns of the database by the vendor's dot syntax, `contact.category_idx.name`.
//!
//! Foreign keys are followed with `.` (outer join) and `:` (inner join). Right joins, joins that the dictionary does
//! not know, and the tables of user-defined fields are not here (docs.superoffice.com, "The Dynamic Provider").

use std::ops::RangeInclusive;

use super::cell::Cell;
use super::columns;
use super::kind::Kind;
use super::row::Row;
use crate::world::State;
use crate::world::contact::Stamps;
use crate::world::policy::Policy;

/// A table of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    Contact,
    Person,
    Associate,
    /// A list, whose table has the list's name.
    List(&'static str),
    Usage,
    Sequence,
}

/// A field of a table, and the table that it refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    name: &'static str,
    kind: Kind,
    to: Option<Base>,
}

/// One join.
#[derive(Debug, Clone, PartialEq)]
struct Hop {
    field: &'static Field,
    to: Base,
    /// Whether rows without a partner are left out.
    inner: bool,
}

/// A field of the base table, or one that joins lead to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    hops: Vec<Hop>,
    at: Base,
    field: &'static Field,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, to: None }
}

const fn refers(name: &'static str, to: Base) -> Field {
    Field { name, kind: Kind::Int, to: Some(to) }
}

const CONTACT: &[Field] = &[
    field("contact_id", Kind::Int),
    field("name", Kind::Text),
    field("department", Kind::Text),
    field("orgNr", Kind::Text),
    field("number1", Kind::Text),
    field("number2", Kind::Text),
    refers("associate_id", Base::Associate),
    refers("group_id", Base::List("usergroup")),
    refers("business_idx", Base::List("business")),
    refers("category_idx", Base::List("category")),
    refers("country_id", Base::List("country")),
    field("xstop", Kind::Int),
    field("noMailing", Kind::Int),
    field("source", Kind::Int),
    field("deleted", Kind::Int),
    field("userdef_id", Kind::Int),
    field("userdef2_id", Kind::Int),
    field("registered", Kind::Time),
    refers("registered_associate_id", Base::Associate),
    field("updated", Kind::Time),
    refers("updated_associate_id", Base::Associate),
    field("deletedDate", Kind::Time),
];

const PERSON: &[Field] = &[
    field("person_id", Kind::Int),
    refers("contact_id", Base::Contact),
    field("firstname", Kind::Text),
    field("middleName", Kind::Text),
    field("lastname", Kind::Text),
    field("title", Kind::Text),
    field("mrmrs", Kind::Text),
    field("salutation", Kind::Text),
    refers("position_idx", Base::List("perspos")),
    refers("country_id", Base::List("country")),
    field("retired", Kind::Int),
    field("noMailing", Kind::Int),
    field("userdef_id", Kind::Int),
    field("userdef2_id", Kind::Int),
    field("registered", Kind::Time),
    refers("registered_associate_id", Base::Associate),
    field("updated", Kind::Time),
    refers("updated_associate_id", Base::Associate),
    field("deletedDate", Kind::Time),
];

const ASSOCIATE: &[Field] = &[
    field("associate_id", Kind::Int),
    field("name", Kind::Text),
    field("person_id", Kind::Int),
    refers("group_idx", Base::List("usergroup")),
    field("deleted", Kind::Int),
];

const USAGE: &[Field] = &[
    field("webhook_usage_id", Kind::Int),
    field("total_calls", Kind::Int),
    field("total_errors", Kind::Int),
    field("consecutive_errors", Kind::Int),
    field("last_error", Kind::Text),
];

const SEQUENCE: &[Field] = &[field("tablename", Kind::Text), field("next_id", Kind::Int)];

/// The fields of every list; the first is the key, which is named after the table.
const ITEM: &[Field] = &[
    field("id", Kind::Int),
    field("name", Kind::Text),
    field("tooltip", Kind::Text),
    field("rank", Kind::Int),
    field("deleted", Kind::Int),
];

/// The lists that are tables.
const LISTS: &[&str] = &["category", "business", "country", "perspos", "usergroup"];

impl Base {
    /// The table that a column starts at.
    pub(super) fn of(column: &str) -> Option<Self> {
        let name = column.split(['.', ':']).next()?;
        let known = [Self::Contact, Self::Person, Self::Associate, Self::Usage, Self::Sequence];
        let lists = LISTS.iter().map(|list| Self::List(list));
        known.into_iter().chain(lists).find(|base| base.name().eq_ignore_ascii_case(name))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Person => "person",
            Self::Associate => "associate",
            Self::List(list) => list,
            Self::Usage => "webhook_usage",
            Self::Sequence => "sequence",
        }
    }

    pub(super) fn default_columns(self) -> &'static str {
        match self {
            Self::Contact => "contact.contact_id,contact.name",
            Self::Person => "person.person_id,person.lastname",
            Self::Associate => "associate.associate_id,associate.name",
            Self::List("category") => "category.name",
            Self::List("business") => "business.name",
            Self::List("country") => "country.name",
            Self::List("perspos") => "perspos.name",
            Self::List(_) => "usergroup.name",
            Self::Usage => "webhook_usage.webhook_usage_id",
            Self::Sequence => "sequence.tablename,sequence.next_id",
        }
    }

    fn fields(self) -> &'static [Field] {
        match self {
            Self::Contact => CONTACT,
            Self::Person => PERSON,
            Self::Associate => ASSOCIATE,
            Self::List(_) => ITEM,
            Self::Usage => USAGE,
            Self::Sequence => SEQUENCE,
        }
    }

    fn field(self, name: &str) -> Option<&'static Field> {
        if let Self::List(list) = self {
            let lower = name.to_ascii_lowercase();
            if lower.strip_suffix("_id") == Some(list) {
                return ITEM.first();
            }
        }
        self.fields().iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }

    /// The record of this table by its key.
    fn find(self, state: &State, id: i64) -> Option<Row<'_>> {
        match self {
            Self::Contact => state.contacts.get(&id).map(Row::Contact),
            Self::Person => state.persons.get(&id).map(Row::Person),
            Self::Associate => state.associate(id).map(Row::User),
            Self::List(list) => {
                state.lists.items(list).iter().find(|item| item.id == id).map(|item| Row::Item(list, item))
            }
            Self::Usage | Self::Sequence => None,
        }
    }

    /// The records of this table whose keys are in a range, or the persons of one company.
    pub(super) fn rows<'a>(
        self,
        state: &'a State,
        application: &str,
        keys: RangeInclusive<i64>,
        company: Option<i64>,
    ) -> Box<dyn Iterator<Item = Row<'a>> + 'a> {
        match self {
            Self::Contact => Box::new(state.contacts.range(keys).map(|(_, contact)| Row::Contact(contact))),
            Self::Person => match company {
                Some(company) => Box::new(state.all_persons_at(company).map(Row::Person)),
                None => Box::new(state.persons.range(keys).map(|(_, person)| Row::Person(person))),
            },
            Self::Associate => Box::new(state.associates.iter().map(Row::User)),
            Self::List(list) => {
                Box::new(state.lists.items(list).iter().map(move |item| Row::Item(list, item)))
            }
            Self::Usage => Box::new(state.webhooks_of(application).into_iter().map(Row::Usage)),
            Self::Sequence => Box::new(
                [("contact", state.next_contact), ("person", state.next_person)]
                    .into_iter()
                    .map(|(table, next)| Row::Sequence(table, next)),
            ),
        }
    }
}

impl Path {
    /// Reads a column in dot syntax that starts at `base`.
    pub(super) fn read(asked: &str, base: Base) -> Option<Self> {
        if Base::of(asked) != Some(base) {
            return None;
        }
        let mut rest = asked.get(base.name().len()..)?;
        let (mut hops, mut at) = (Vec::new(), base);
        loop {
            let inner = rest.starts_with(':');
            rest = rest.get(1..)?;
            let Some(end) = rest.find(['.', ':']) else {
                // A colon leads to a table, never to a field.
                let field = at.field(rest).filter(|_| !inner)?;
                return Some(Self { hops, at, field });
            };
            let field = at.field(&rest[..end])?;
            let to = field.to?;
            hops.push(Hop { field, to, inner });
            (at, rest) = (to, &rest[end..]);
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.field.kind
    }

    pub(super) fn is_key(&self) -> bool {
        let key =
            matches!(self.at, Base::Contact | Base::Person | Base::Associate | Base::List(_) | Base::Usage);
        self.hops.is_empty() && key && self.at.fields().first() == Some(self.field)
    }

    pub(super) fn is_company_of_person(&self) -> bool {
        self.hops.is_empty() && self.at == Base::Person && self.field.name == "contact_id"
    }

    pub(super) fn is_deletion(&self) -> bool {
        self.hops.is_empty() && matches!(self.field.name, "deleted" | "deletedDate")
    }

    pub(super) fn drops(&self, state: &State, row: &Row<'_>) -> bool {
        self.hops.iter().any(|hop| hop.inner) && self.end(state, row).is_none()
    }

    pub(super) fn cell(&self, state: &State, row: &Row<'_>) -> Cell {
        if self.hops.is_empty() {
            return value(state, row, self.field);
        }
        self.end(state, row)
            .map_or_else(|| columns::empty(self.field.kind), |row| value(state, &row, self.field))
    }

    /// The record that the joins lead to.
    fn end<'a>(&self, state: &'a State, row: &Row<'a>) -> Option<Row<'a>> {
        let mut at = *row;
        for hop in &self.hops {
            let Cell::Int(id) = value(state, &at, hop.field) else { return None };
            at = hop.to.find(state, id)?;
        }
        Some(at)
    }
}

fn value(state: &State, row: &Row<'_>, field: &Field) -> Cell {
    if let Some(cell) = row.stamps().and_then(|stamps| stamp(stamps, field.name, &state.policy)) {
        return cell;
    }
    let text = |text: &str| Cell::Text(text.to_owned());
    let flag = |flag: bool| Cell::Int(i64::from(flag));
    match (row, field.name) {
        (Row::Contact(contact), name) => match name {
            "contact_id" => Cell::Int(contact.id),
            "name" => text(&contact.name),
            "department" => text(&contact.department),
            "orgNr" => text(&contact.org_nr),
            "number1" => text(&contact.number1),
            "number2" => text(&contact.number2),
            "associate_id" => Cell::Int(contact.owner),
            "group_id" => Cell::Int(contact.group_id),
            "business_idx" => Cell::Int(contact.business_id),
            "category_idx" => Cell::Int(contact.category_id),
            "country_id" => Cell::Int(contact.country_id),
            "xstop" => flag(contact.xstop),
            "noMailing" => flag(contact.no_mailing),
            "deleted" => flag(contact.stamps.deleted.is_some()),
            "userdef_id" => Cell::Int(contact.id + 20_000),
            "userdef2_id" => Cell::Int(contact.id + 40_000),
            _ => Cell::Int(0),
        },
        (Row::Person(person), name) => match name {
            "person_id" => Cell::Int(person.id),
            "contact_id" => Cell::Int(person.contact_id),
            "firstname" => text(&person.first_name),
            "middleName" => text(&person.middle_name),
            "lastname" => text(&person.last_name),
            "title" => text(&person.title),
            "mrmrs" => text(&person.mrmrs),
            "salutation" => text(&person.salutation),
            "position_idx" => Cell::Int(person.position_id),
            "country_id" => Cell::Int(person.country_id),
            "retired" => flag(person.retired),
            "noMailing" => flag(person.no_mailing),
            "userdef_id" => Cell::Int(person.id + 60_000),
            _ => Cell::Int(person.id + 80_000),
        },
        (Row::User(user), name) => match name {
            "associate_id" => Cell::Int(user.id),
            "name" => text(&user.short_name),
            "person_id" => Cell::Int(user.person_id()),
            "group_idx" => Cell::Int(user.group_id),
            _ => Cell::Int(0),
        },
        (Row::Item(list, item), name) => match name {
            "id" => Cell::Int(item.id),
            "name" => text(state.item_name(list, item.id)),
            "tooltip" => text(""),
            "deleted" => flag(item.deleted),
            _ => Cell::Int(item.id),
        },
        (Row::Usage(hook), name) => {
            let count = |count: u64| Cell::Int(i64::try_from(count).unwrap_or(i64::MAX));
            match name {
                "webhook_usage_id" => Cell::Int(hook.id),
                "total_calls" => count(hook.total_calls),
                "total_errors" => count(hook.total_errors),
                "consecutive_errors" => count(hook.consecutive_errors),
                _ => text(&hook.last_error),
            }
        }
        (Row::Sequence(table, _), "tablename") => text(table),
        (Row::Sequence(_, next), _) => Cell::Int(*next),
        (Row::Email(_), _) => text(""),
    }
}

fn stamp(stamps: &Stamps, name: &str, policy: &Policy) -> Option<Cell> {
    Some(match name {
        "registered" => Cell::Moment(Some(stamps.registered)),
        "registered_associate_id" => Cell::Int(stamps.registered_by),
        "updated" => Cell::Moment(stamps.updated_in_rows(policy)),
        "updated_associate_id" => Cell::Int(stamps.updated_by),
        "deletedDate" => Cell::Moment(stamps.deleted),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_in_any_case_and_joined_through_known_keys_alone() {
        let read = |text: &str| Base::of(text).and_then(|base| Path::read(text, base));
        assert!(read("CONTACT.Category_IDX.Name").is_some());
        assert!(read("category.category_id").is_some_and(|path| path.is_key()));
        assert!(read("category.business_id").is_none() && read("contact.name.name").is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_stumble(text in "(contact|person|category|sequence|name|_id|\\.|:|é|€|.){0,12}") {
            if let Some(base) = Base::of(&text) {
                let _ = Path::read(&text, base);
            }
        }
    }
}
