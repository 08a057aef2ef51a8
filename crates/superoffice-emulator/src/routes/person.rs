//! Persons on the wire: the entity, the flat carrier, and reading an entity back.

use serde_json::{Value, json};

use super::shared;
use crate::answer::Answer;
use crate::clock::DateStyle;
use crate::json;
use crate::world::State;
use crate::world::person::Person;
use crate::world::udf::Entity;

/// The whole entity, with its company as a flat carrier.
pub(super) fn render(state: &State, person: &Person, style: DateStyle, links: bool) -> Value {
    let contact = state.contacts.get(&person.contact_id);
    let formal = [person.mrmrs.as_str(), &person.full_name()].join(" ");
    let mut entity = json!({
        "PersonId": person.id, "Firstname": person.first_name, "MiddleName": person.middle_name,
        "Lastname": person.last_name, "Title": person.title, "Mrmrs": person.mrmrs,
        "Salutation": person.salutation, "FullName": person.full_name(), "FormalName": formal.trim(),
        "Position": shared::list_value(state, "perspos", person.position_id), "Description": person.description,
        "Emails": shared::elements(&person.emails), "OfficePhones": shared::elements(&person.office_phones),
        "MobilePhones": shared::elements(&person.mobile_phones),
        "PrivatePhones": shared::elements(&person.private_phones), "OtherPhones": [], "Faxes": [],
        "Urls": shared::elements(&person.urls), "ChatEmails": [], "InternetPhones": [],
        "Contact": contact.map_or(Value::Null, |contact| super::contact::flat(state, contact)),
        "Country": shared::country(state, person.country_id), "Retired": person.retired,
        "NoMailing": person.no_mailing, "IsAssociate": false, "CorrespondingAssociate": null, "UserInfo": null,
        "Associate": null, "Category": null, "Business": null, "Consents": super::consent::infos(state, person, style), "ShipmentTypes": [],
        "BounceEmails": [], "Interests": [], "ActiveInterests": 0, "ActiveErpLinks": 0,
        "ActiveStatusMonitorId": 0, "PersonNumber": (10_000 + person.id).to_string(), "UsePersonAddress": false,
    });
    entity["Post1"] = "".into();
    entity["Post2"] = "".into();
    entity["Post3"] = "".into();
    for key in ["Kanafname", "Kanalname", "DbiKey"] {
        entity[key] = "".into();
    }
    for key in ["DbiAgentId", "SentInfo", "ShowContactTickets", "Source", "LeadstatusId", "CreatedByFormId"] {
        entity[key] = 0.into();
    }
    for key in
        ["SupportAssociate", "TicketPriority", "CustomerLanguage", "Leadstatus", "UtmParameters", "Address"]
    {
        entity[key] = Value::Null;
    }
    for key in ["BirthDate", "DbiLastModified", "DbiLastSyncronized"] {
        entity[key] = style.write_opt(None).into();
    }
    entity["TableRight"] = shared::full_right();
    entity["FieldProperties"] = json!({
        "PersonId": shared::right("Int32", 4, false), "Firstname": shared::right("String", 99, true),
        "Lastname": shared::right("String", 99, true), "Title": shared::right("String", 239, false),
    });
    shared::stamp(state, &person.stamps, style, &mut entity);
    shared::add_udfs(state, Entity::Person, &person.udfs, &mut entity);
    if links {
        let at = |path: &str| format!("{}/v1/{path}", state.api_url());
        entity["_Links"] = json!({
            "Self": at(&format!("Person/{}", person.id)), "Self.Simple": at(&format!("Person/{}/Simple", person.id)),
            "UdefLayout": at("Person/UdefLayout/Published"), "Position.List": at("MDOList/perspos"),
            "Contact": at(&format!("Contact/{}", person.contact_id)), "Archive": at("Person"),
        });
    }
    entity
}

/// The flat carrier, where `Retired` is a number and the company an id.
pub(super) fn flat(state: &State, person: &Person) -> Value {
    let first =
        |list: &[crate::world::contact::Element]| list.first().map(|e| e.value.clone()).unwrap_or_default();
    let contact = state.contacts.get(&person.contact_id);
    let owner = contact.and_then(|contact| state.associate(contact.owner));
    let mut carrier = json!({
        "PersonId": person.id, "Firstname": person.first_name, "Lastname": person.last_name,
        "MiddleName": person.middle_name, "Mrmrs": person.mrmrs, "Title": person.title,
        "Position": state.lists.name("perspos", person.position_id), "Description": person.description,
        "FullName": person.full_name(), "FormalName": person.full_name(), "Email": first(&person.emails),
        "EmailName": "", "DirectPhone": first(&person.office_phones), "MobilePhone": first(&person.mobile_phones),
        "FaxPhone": "", "Retired": i32::from(person.retired), "CountryId": person.country_id,
        "ContactId": person.contact_id, "Rank": 0, "PersonNumber": (10_000 + person.id).to_string(),
        "ContactName": contact.map_or("", |contact| &contact.name),
        "ContactDepartment": contact.map_or("", |contact| &contact.department),
        "ContactFullName": contact.map_or_else(String::new, super::contact::full_name),
        "ContactCountryId": contact.map_or(0, |contact| contact.country_id),
        "ContactOrgNr": contact.map_or("", |contact| &contact.org_nr),
        "ContactPhone": contact.map_or_else(String::new, |contact| first(&contact.phones)),
        "ContactFax": contact.map_or_else(String::new, |contact| first(&contact.faxes)),
        "CategoryName": contact.map_or("", |contact| state.item_name("category", contact.category_id)),
        "AssociateId": owner.map_or(0, |owner| owner.id),
        "AssociateName": owner.map_or("", |owner| &owner.short_name), "UsePersonAddress": false,
        "TableRight": shared::full_right(), "FieldProperties": {},
    });
    for key in ["Kanafname", "Kanalname", "Post1", "Post2", "Post3"] {
        carrier[key] = "".into();
    }
    for key in
        ["ActiveInterests", "ActiveErpLinks", "TicketPriorityId", "SupportLanguageId", "SupportAssociateId"]
    {
        carrier[key] = 0.into();
    }
    carrier
}

/// Takes over what `body` says. Properties that it does not mention stay as they are in `person`.
///
/// Nothing is taken over when something is wrong with it.
pub(super) fn take_over(state: &State, person: &mut Person, body: &Value) -> Result<(), Answer> {
    let text = |name: &str, longest: usize, into: &mut String| -> Result<(), Answer> {
        let Some(value) = json::get(body, name) else { return Ok(()) };
        let value = json::text(value);
        if value.chars().count() > longest {
            return Err(Answer::bad(&format!("{name} is longer than {longest} characters")));
        }
        *into = value;
        Ok(())
    };
    let mut next = person.clone();
    text("Firstname", 99, &mut next.first_name)?;
    text("MiddleName", 99, &mut next.middle_name)?;
    text("Lastname", 99, &mut next.last_name)?;
    text("Title", 239, &mut next.title)?;
    text("Mrmrs", 99, &mut next.mrmrs)?;
    text("Salutation", 99, &mut next.salutation)?;
    text("Description", 2047, &mut next.description)?;
    for (name, into) in [
        ("Emails", &mut next.emails),
        ("OfficePhones", &mut next.office_phones),
        ("MobilePhones", &mut next.mobile_phones),
        ("PrivatePhones", &mut next.private_phones),
        ("Urls", &mut next.urls),
    ] {
        if let Some(value) = json::get(body, name) {
            *into = shared::read_elements(value);
        }
    }
    let id_in = |name: &str, key: &str| {
        json::get(body, name).and_then(|value| json::get(value, key)).and_then(json::int)
    };
    next.position_id = id_in("Position", "Id").unwrap_or(next.position_id);
    next.country_id = id_in("Country", "CountryId").unwrap_or(next.country_id);
    if let Some(contact) = id_in("Contact", "ContactId") {
        if contact != 0 && !state.contacts.contains_key(&contact) {
            return Err(Answer::bad(&format!("There is no contact {contact}")));
        }
        next.contact_id = contact;
    }
    if let Some(consents) = json::get(body, "Consents").and_then(Value::as_array) {
        super::consent::take_over(&mut next, consents, state.api_user())?;
    }
    next.retired = json::get(body, "Retired").and_then(json::flag).unwrap_or(next.retired);
    next.no_mailing = json::get(body, "NoMailing").and_then(json::flag).unwrap_or(next.no_mailing);
    *person = next;
    Ok(())
}
