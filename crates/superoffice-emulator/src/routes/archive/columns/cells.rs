//! The value of each column in a record.

use super::super::cell::Cell;
use super::super::row::Email;
use crate::world::consent::Consent;
use crate::world::contact::{Address, Contact, Element, Udfs};
use crate::world::person::Person;
use crate::world::udf::{FieldType, UdfField, UdfValue};
use crate::world::{Associate, State};

pub(super) fn contact(state: &State, contact: &Contact, name: &str) -> Cell {
    let owner = || state.associate(contact.owner);
    let owners = |part: fn(&Associate) -> String| Cell::Text(owner().map_or_else(String::new, part));
    let stamps = &contact.stamps;
    if let Some((which, part)) = name.split_once("Address/") {
        match which {
            "post" => return address(&contact.postal, part),
            "street" => return address(&contact.street, part),
            _ => {}
        }
    }
    match name {
        "contactId" => Cell::Int(contact.id),
        "name" => Cell::Text(contact.name.clone()),
        "department" => Cell::Text(contact.department.clone()),
        "nameDepartment" => Cell::Text(crate::routes::contact::full_name(contact)),
        "hasInfoText" => Cell::Flag(!contact.description.is_empty()),
        "hasInterests" => Cell::Flag(false),
        "associateId" => associate(state, contact.owner),
        "contactAssociate/assocName" => associate(state, contact.owner),
        "contactAssociate/associateDbId" => Cell::Int(contact.owner),
        "contactAssociate/fullName" => owners(|owner| owner.full_name.clone()),
        "contactAssociate/firstName" => owners(|owner| owner.names().0.to_owned()),
        "contactAssociate/lastName" => owners(|owner| owner.names().1.to_owned()),
        "contactAssociate/personEmail" => owners(Associate::email),
        "contactAssociate/personId" => Cell::Int(owner().map_or(0, Associate::person_id)),
        "contactAssociate/usergroup" => item(state, "usergroup", owner().map_or(0, |owner| owner.group_id)),
        "category" => item(state, "category", contact.category_id),
        "business" => item(state, "business", contact.business_id),
        "country" => item(state, "country", contact.country_id),
        "countryId" => Cell::Int(contact.country_id),
        "number" => Cell::Text(contact.number2.clone()),
        "code" => Cell::Text(contact.number1.clone()),
        "orgnr" => Cell::Text(contact.org_nr.clone()),
        "stop" => Cell::Flag(contact.xstop),
        "contactNoMail" => Cell::Flag(contact.no_mailing),
        "updatedBy" => associate(state, stamps.updated_by),
        "updatedByFullName" => full_name(state, stamps.updated_by),
        "updatedDate" => Cell::Moment(stamps.updated_in_rows(&state.policy)),
        "registeredBy" => associate(state, stamps.registered_by),
        "registeredByFullName" => full_name(state, stamps.registered_by),
        "registeredDate" => Cell::Moment(Some(stamps.registered)),
        "contactDeleted" => Cell::Flag(stamps.deleted.is_some()),
        "deletedDate" => Cell::Moment(stamps.deleted),
        "url/URLAddress" => value(&contact.urls),
        "url/URLDescription" => description(&contact.urls),
        "email/emailAddress" => value(&contact.emails),
        "email/emailDescription" => description(&contact.emails),
        "contactFax/formattedNumber" => value(&contact.faxes),
        _ => value(&contact.phones),
    }
}

pub(super) fn person(state: &State, person: &Person, name: &str) -> Cell {
    let stamps = &person.stamps;
    match name {
        "personId" => Cell::Int(person.id),
        "firstName" => Cell::Text(person.first_name.clone()),
        "middleName" => Cell::Text(person.middle_name.clone()),
        "lastName" => Cell::Text(person.last_name.clone()),
        "fullName" => Cell::Text(person.full_name()),
        "contactId" => Cell::Int(person.contact_id),
        "title" => Cell::Text(person.title.clone()),
        "position" => item(state, "perspos", person.position_id),
        "mrMrs" => Cell::Text(person.mrmrs.clone()),
        "academicTitle" => Cell::Text(person.salutation.clone()),
        "personNumber" => Cell::Text((10_000 + person.id).to_string()),
        "personCountry" => item(state, "country", person.country_id),
        "personCountryId" => Cell::Int(person.country_id),
        "retired" => Cell::Flag(person.retired),
        "personNoMail" => Cell::Flag(person.no_mailing),
        "personUpdatedBy" => associate(state, stamps.updated_by),
        "personUpdatedDate" => Cell::Moment(stamps.updated_in_rows(&state.policy)),
        "personRegisteredBy" => associate(state, stamps.registered_by),
        "personRegisteredDate" => Cell::Moment(Some(stamps.registered)),
        // Usually blank: the owner of a person is the owner of its company.
        "personAssociateId" => Cell::Choice(0, String::new()),
        "personDeletedDate" => Cell::Moment(stamps.deleted),
        "email/emailAddress" => value(&person.emails),
        "email/emailDescription" => description(&person.emails),
        "hasStoreConsent" => Cell::Flag(person.agrees(1)),
        "hasEmarketingConsent" => Cell::Flag(person.agrees(2)),
        "withdrawnEmarketingConsent" => {
            Cell::Flag(person.consents.iter().any(|consent| consent.purpose == 2 && !consent.holds()))
        }
        "legalBaseStore" => {
            item(state, "legalbase", consent(person, 1).map_or(0, |consent| consent.legal_base))
        }
        "legalBaseEmarketing" => {
            item(state, "legalbase", consent(person, 2).map_or(0, |consent| consent.legal_base))
        }
        "consentSourceStore" => {
            item(state, "consentsource", consent(person, 1).map_or(0, |consent| consent.source))
        }
        "consentSourceEmarketing" => {
            item(state, "consentsource", consent(person, 2).map_or(0, |consent| consent.source))
        }
        "personMobilePhone/formattedNumber" => value(&person.mobile_phones),
        "personPrivate/formattedNumber" => value(&person.private_phones),
        "personUrl/URLAddress" => value(&person.urls),
        _ => value(&person.office_phones),
    }
}

pub(super) fn user(state: &State, user: &Associate, name: &str) -> Cell {
    let linked = !(user.api_user && state.mishaps.on(crate::mishap::Kind::NoPersonLink));
    match name {
        "associateDbId" => Cell::Int(user.id),
        "assocName" => Cell::Choice(user.id, user.short_name.clone()),
        "firstName" => Cell::Text(user.names().0.to_owned()),
        "lastName" => Cell::Text(user.names().1.to_owned()),
        "fullName" => Cell::Text(user.full_name.clone()),
        "personId" => Cell::Int(if linked { user.person_id() } else { 0 }),
        "personEmail" => Cell::Text(if linked { user.email() } else { String::new() }),
        "userName" => Cell::Text(user.email()),
        "usergroup" => item(state, "usergroup", user.group_id),
        "otherGroups" => Cell::Choice(0, String::new()),
        "isActive" => Cell::Flag(true),
        _ => Cell::Text(String::new()),
    }
}

pub(super) fn email(email: &Email<'_>, name: &str) -> Cell {
    match name {
        "emailId" => Cell::Int(email.id),
        "emailAddress" => Cell::Text(email.element.value.clone()),
        "emailDescription" => Cell::Text(email.element.description.clone()),
        "emailProtocol" => Cell::Text("SMTP".to_owned()),
        "emailBounceCount" => Cell::Int(0),
        "emailHasBounced" => Cell::Flag(false),
        "contactId" => Cell::Int(email.contact.map_or(0, |contact| contact.id)),
        "personId" => Cell::Int(email.person.map_or(0, |person| person.id)),
        _ => {
            let person = email.person.map(Person::full_name).unwrap_or_default();
            let contact = email.contact.map_or("", |contact| &contact.name);
            Cell::Text(format!("{}\n{person}\n{contact}", email.element.value))
        }
    }
}

pub(super) fn udf(state: &State, field: &UdfField, udfs: &Udfs) -> Cell {
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

fn consent(person: &Person, purpose: i64) -> Option<&Consent> {
    person.consents.iter().find(|consent| consent.purpose == purpose)
}

fn associate(state: &State, id: i64) -> Cell {
    Cell::Choice(id, state.short_name(id))
}

fn full_name(state: &State, id: i64) -> Cell {
    Cell::Choice(id, state.associate(id).map_or_else(String::new, |found| found.full_name.clone()))
}

/// An item of a list, as the list's name on the wire.
pub(in crate::routes::archive) fn item(state: &State, list: &str, id: i64) -> Cell {
    Cell::Choice(id, state.item_name(list, id).to_owned())
}

fn address(address: &Address, part: &str) -> Cell {
    let [one, two, three] = &address.lines;
    let text = match part {
        "line1" => one,
        "line2" => two,
        "line3" => three,
        "county" => &address.county,
        "city" => &address.city,
        "zip" => &address.zip,
        _ => &address.state,
    };
    Cell::Text(text.clone())
}

fn value(elements: &[Element]) -> Cell {
    Cell::Text(elements.first().map(|element| element.value.clone()).unwrap_or_default())
}

fn description(elements: &[Element]) -> Cell {
    Cell::Text(elements.first().map(|element| element.description.clone()).unwrap_or_default())
}
