//! A human at a company as the emulator keeps one, and how two states of it differ.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::State;
use super::changes::{FieldChange, Place, note};
use super::consent::{self, Consent};
use super::contact::{Element, Stamps, joined, udf_differences};
use super::udf::{Entity, UdfValue};

/// A human at a company.
#[derive(Debug, Clone, PartialEq)]
pub struct Person {
    /// Its id.
    pub id: i64,
    /// The company, 0 for none.
    pub contact_id: i64,
    /// First name.
    pub first_name: String,
    /// Middle name.
    pub middle_name: String,
    /// Last name.
    pub last_name: String,
    /// Job title, free text.
    pub title: String,
    /// Item of the list `perspos`.
    pub position_id: i64,
    /// Form of address.
    pub mrmrs: String,
    /// Academic title.
    pub salutation: String,
    /// Free text.
    pub description: String,
    /// Numeric country code.
    pub country_id: i64,
    /// E-mail addresses.
    pub emails: Vec<Element>,
    /// Phone numbers at the office.
    pub office_phones: Vec<Element>,
    /// Mobile phone numbers.
    pub mobile_phones: Vec<Element>,
    /// Phone numbers at home.
    pub private_phones: Vec<Element>,
    /// Web addresses.
    pub urls: Vec<Element>,
    /// Has left the company.
    pub retired: bool,
    /// Wants no mailings.
    pub no_mailing: bool,
    /// Who, when.
    pub stamps: Stamps,
    /// What it has agreed to, one entry for each purpose.
    pub consents: Vec<Consent>,
    /// User-defined fields by identity.
    pub udfs: BTreeMap<i64, UdfValue>,
}

impl Person {
    /// A person with nothing but defaults.
    pub(crate) fn blank(contact_id: i64, country_id: i64, by: i64, now: Timestamp) -> Self {
        Self {
            id: 0,
            contact_id,
            first_name: String::new(),
            middle_name: String::new(),
            last_name: String::new(),
            title: String::new(),
            position_id: 0,
            mrmrs: String::new(),
            salutation: String::new(),
            description: String::new(),
            country_id,
            emails: Vec::new(),
            office_phones: Vec::new(),
            mobile_phones: Vec::new(),
            private_phones: Vec::new(),
            urls: Vec::new(),
            retired: false,
            no_mailing: false,
            stamps: Stamps::new(now, by),
            consents: Vec::new(),
            udfs: BTreeMap::new(),
        }
    }

    /// First, middle and last name.
    pub fn full_name(&self) -> String {
        let parts = [&self.first_name, &self.middle_name, &self.last_name];
        parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Whether it has agreed to a purpose.
    pub fn agrees(&self, purpose: i64) -> bool {
        self.consents.iter().any(|consent| consent.purpose == purpose && consent.holds())
    }

    fn consents_text(&self) -> String {
        let one = |consent: &Consent| {
            let (purpose, base) = (consent.purpose, consent.legal_base);
            let (purpose, base) =
                (consent::key(&consent::PURPOSES, purpose), consent::key(&consent::LEGAL_BASES, base));
            [purpose, " ", base].concat()
        };
        self.consents.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// What is different in `after`.
    pub(crate) fn differences(&self, after: &Self, state: &State) -> Vec<FieldChange> {
        let mut changes = Vec::new();
        let list = &mut changes;
        let position = |id: i64| state.lists.name("perspos", id).to_owned();
        note(list, Place::Column("firstname"), "Firstname", &self.first_name, &after.first_name);
        note(list, Place::Column("middleName"), "MiddleName", &self.middle_name, &after.middle_name);
        note(list, Place::Column("lastname"), "Lastname", &self.last_name, &after.last_name);
        note(list, Place::Column("title"), "Title", &self.title, &after.title);
        let (b, a) = (position(self.position_id), position(after.position_id));
        note(list, Place::Column("position_idx"), "Position", &b, &a);
        note(list, Place::Column("mrmrs"), "Mrmrs", &self.mrmrs, &after.mrmrs);
        note(list, Place::Column("salutation"), "Salutation", &self.salutation, &after.salutation);
        let (b, a) = (self.contact_id.to_string(), after.contact_id.to_string());
        note(list, Place::Column("contact_id"), "ContactId", &b, &a);
        let (b, a) =
            (state.lists.name("country", self.country_id), state.lists.name("country", after.country_id));
        note(list, Place::Column("country_id"), "Country", b, a);
        note(
            list,
            Place::Column("retired"),
            "Retired",
            &self.retired.to_string(),
            &after.retired.to_string(),
        );
        let (b, a) = (self.no_mailing.to_string(), after.no_mailing.to_string());
        note(list, Place::Column("noMailing"), "NoMailing", &b, &a);
        note(list, Place::Column("text_id"), "Description", &self.description, &after.description);
        note(list, Place::Child, "Emails", &joined(&self.emails), &joined(&after.emails));
        note(list, Place::Child, "OfficePhones", &joined(&self.office_phones), &joined(&after.office_phones));
        note(list, Place::Child, "MobilePhones", &joined(&self.mobile_phones), &joined(&after.mobile_phones));
        note(
            list,
            Place::Child,
            "PrivatePhones",
            &joined(&self.private_phones),
            &joined(&after.private_phones),
        );
        note(list, Place::Child, "Consents", &self.consents_text(), &after.consents_text());
        note(list, Place::Child, "Urls", &joined(&self.urls), &joined(&after.urls));
        udf_differences(Entity::Person, &self.udfs, &after.udfs, state, list);
        changes
    }
}
