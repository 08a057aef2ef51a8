//! The archive providers by name, and the rows that each chooses from.

use std::ops::RangeInclusive;

use super::filter::Filter;
use super::row::{Row, Table, emails};
use crate::answer::Answer;
use crate::world::State;
use crate::world::contact::Contact;

/// Most hits of a free text search, before any other condition.
const MOST_HITS: usize = 1000;

/// Where the rows of a list come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) table: Table,
    pub(super) scope: Scope,
}

/// Which records of a table are candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those that are not deleted, unless deletion is asked for.
    Living,
    /// Those in the recycle bin.
    Recycled,
    /// Those that a free text search finds.
    Found,
    /// The persons of one company.
    Of(i64),
}

/// The providers whose rows the emulator has. `Dynamic` has the tables that its columns name.
pub(super) const PROVIDERS: &[&str] = &[
    "AllUsers",
    "Contact",
    "ContactPerson",
    "Dynamic",
    "EmailAddress",
    "FindContact",
    "FindPerson",
    "FreetextContact",
    "InternalUsers",
    "Person",
    "RecycleContact",
    "RecyclePerson",
    "SimpleContact",
];

impl Source {
    /// A provider by name, in any case. `column` is the first one that was asked for, which says `Dynamic` its table.
    pub(super) fn named(provider: &str, column: Option<&str>) -> Result<Self, Answer> {
        let (table, scope) = match provider.to_ascii_lowercase().as_str() {
            "simplecontact" | "findcontact" | "contact" => (Table::Contact, Scope::Living),
            "person" | "findperson" | "contactperson" => (Table::Person, Scope::Living),
            "allusers" | "internalusers" => (Table::User, Scope::Living),
            "recyclecontact" => (Table::Contact, Scope::Recycled),
            "recycleperson" => (Table::Person, Scope::Recycled),
            "freetextcontact" => (Table::Contact, Scope::Found),
            "emailaddress" => (Table::Email, Scope::Living),
            "dynamic" => {
                let column = column.ok_or_else(|| Answer::bad("The Dynamic archive needs columns"))?;
                let base = super::dynamic::Base::of(column);
                let base = base.ok_or_else(|| Answer::bad(&format!("There is no table for '{column}'")))?;
                (Table::Dynamic(base), Scope::Living)
            }
            _ => return Err(Answer::bad(&format!("The emulator has no archive provider {provider}"))),
        };
        Ok(Self { table, scope })
    }

    /// The kinds of rows that it has, as `$entities` names them.
    pub(super) fn entities(self) -> &'static [&'static str] {
        match (self.table, self.scope) {
            (Table::Contact, Scope::Recycled) => &["contact", "forAllUsers"],
            (Table::Person, Scope::Recycled) => &["person", "forAllUsers"],
            (Table::Contact, _) => &["contact"],
            (Table::Person, _) => &["person", "retiredPerson"],
            (Table::User, _) => &["associate"],
            (Table::Email, _) => &["email", "person", "contact"],
            (Table::Dynamic(_), _) => &["dynamic"],
        }
    }

    /// The rows that may pass `filter`, in the order of their keys.
    pub(super) fn candidates<'a>(
        self,
        state: &'a State,
        filter: Option<&Filter>,
        application: &str,
    ) -> Box<dyn Iterator<Item = Row<'a>> + 'a> {
        let keys = filter.map_or(i64::MIN..=i64::MAX, Filter::keys);
        if keys.is_empty() {
            return Box::new(std::iter::empty());
        }
        let of = |company: i64, keys: RangeInclusive<i64>| {
            let all = state.all_persons_at(company).filter(move |person| keys.contains(&person.id));
            Box::new(all.map(Row::Person))
        };
        match (self.table, self.scope) {
            (Table::Contact, Scope::Found) => {
                let words = filter.map(Filter::words).unwrap_or_default();
                let found = state.contacts.values().filter(move |contact| matches(contact, &words));
                Box::new(
                    found
                        .filter(|contact| contact.stamps.deleted.is_none())
                        .map(Row::Contact)
                        .take(MOST_HITS),
                )
            }
            (Table::Contact, _) => {
                Box::new(state.contacts.range(keys).map(|(_, contact)| Row::Contact(contact)))
            }
            (Table::Person, Scope::Of(company)) => of(company, keys),
            (Table::Person, _) => match filter.and_then(Filter::company) {
                Some(company) => of(company, keys),
                None => Box::new(state.persons.range(keys).map(|(_, person)| Row::Person(person))),
            },
            (Table::User, _) => Box::new(state.associates.iter().map(Row::User)),
            (Table::Email, _) => Box::new(emails(state)),
            (Table::Dynamic(base), _) => {
                base.rows(state, application, keys, filter.and_then(Filter::company))
            }
        }
    }
}

/// Whether a company has a word that begins with each of `words`. Nothing is found without words.
pub(super) fn matches(contact: &Contact, words: &[String]) -> bool {
    if words.is_empty() {
        return false;
    }
    let texts = [
        &contact.name,
        &contact.department,
        &contact.org_nr,
        &contact.number1,
        &contact.number2,
        &contact.postal.city,
    ];
    let texts = texts.into_iter().map(String::as_str).chain([contact.url()]);
    let texts = texts.chain(contact.emails.iter().map(|email| email.value.as_str()));
    let all: Vec<String> = texts.map(str::to_lowercase).collect();
    let begins = |word: &String| {
        let parts = all.iter().flat_map(|text| text.split(|letter: char| !letter.is_alphanumeric()));
        let mut parts = parts.filter(|part| !part.is_empty());
        all.iter().any(|text| text.starts_with(word.as_str()))
            || parts.any(|part| part.starts_with(word.as_str()))
    };
    words.iter().all(begins)
}
