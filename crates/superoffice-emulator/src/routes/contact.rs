//! Companies on the wire: the entity, the flat carrier, and reading an entity back.

use serde_json::{Value, json};

use super::shared;
use crate::answer::Answer;
use crate::clock::DateStyle;
use crate::json;
use crate::world::State;
use crate::world::contact::Contact;
use crate::world::udf::Entity;

/// The whole entity, with its persons inlined.
pub(super) fn render(state: &State, contact: &Contact, style: DateStyle, links: bool) -> Value {
    let persons: Vec<Value> =
        state.persons_at(contact.id).map(|person| super::person::flat(state, person)).collect();
    let domains: Vec<String> = url::Url::parse(contact.url())
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .into_iter()
        .collect();
    let mut entity = json!({
        "ContactId": contact.id, "Name": contact.name, "Department": contact.department, "OrgNr": contact.org_nr,
        "Number1": contact.number1, "Number2": contact.number2, "Description": contact.description,
        "Emails": shared::elements(&contact.emails), "Urls": shared::elements(&contact.urls),
        "Phones": shared::elements(&contact.phones), "Faxes": shared::elements(&contact.faxes),
        "Associate": shared::associate(state, contact.owner), "GroupId": contact.group_id,
        "Business": shared::list_value(state, "business", contact.business_id),
        "Category": category(state, contact.category_id),
        "Country": shared::country(state, contact.country_id), "Persons": persons, "Domains": domains,
        "NoMailing": contact.no_mailing, "Xstop": contact.xstop,
        "Deleted": i32::from(contact.stamps.deleted.is_some()), "Interests": [], "ActiveInterests": 0,
        "ActiveErpLinks": 0, "ActiveStatusMonitorId": 0, "Kananame": "", "Source": 0, "SupportAssociate": null,
        "SupportPerson": null, "TicketPriority": null, "CustomerLanguage": null, "DbiAgentId": 0, "DbiKey": "",
        "BounceEmails": [], "UtmParameters": null,
        "TableRight": shared::full_right(),
    });
    entity["DbiLastSyncronized"] = style.write_opt(None).into();
    entity["DbiLastModified"] = style.write_opt(None).into();
    entity["Address"] = json!({
        "Wgs84Latitude": 0.0, "Wgs84Longitude": 0.0, "LocalizedAddress": [],
        "Street": shared::address("ContactStreetAddress", &contact.street),
        "Postal": shared::address("ContactPostalAddress", &contact.postal),
        "Formatted": "", "TableRight": null, "FieldProperties": {},
    });
    entity["FieldProperties"] = json!({
        "ContactId": shared::right("Int32", 4, false), "Name": shared::right("String", 219, true),
        "Department": shared::right("String", 219, false), "OrgNr": shared::right("String", 49, false),
        "Number1": shared::right("String", 49, false), "Number2": shared::right("String", 49, false),
        "Description": shared::right("String", 2047, false), "Urls": shared::right("String", 1023, false),
    });
    shared::stamp(state, &contact.stamps, style, &mut entity);
    shared::add_udfs(state, Entity::Contact, &contact.udfs, &mut entity);
    if links {
        let at = |path: &str| format!("{}/v1/{path}", state.api_url());
        entity["_Links"] = json!({
            "Self": at(&format!("Contact/{}", contact.id)), "Self.Simple": at(&format!("Contact/{}/Simple", contact.id)),
            "UdefLayout": at("Contact/UdefLayout/Published"), "Associate.List": at("MDOList/associate"),
            "Business.List": at("MDOList/business"), "Category.List": at("MDOList/category"),
            "Country.List": at("MDOList/country"), "Archive": at("Contact"),
            "Archive.Persons": at(&format!("Contact/{}/Persons", contact.id)),
        });
    }
    entity
}

/// The category; unlike other list values it has a group, a rank and a mark of deletion since 12.
fn category(state: &State, id: i64) -> Value {
    let mut value = shared::list_value(state, "category", id);
    let rank = state.lists.items("category").iter().position(|item| item.id == id);
    value["CategoryGroup"] = "Unknown".into();
    value["EnableLeadStatus"] = false.into();
    value["Rank"] = rank.map_or(0, |at| at + 1).into();
    value["Deleted"] = false.into();
    value
}

/// Name and department together.
pub(super) fn full_name(contact: &Contact) -> String {
    if contact.department.is_empty() {
        return contact.name.clone();
    }
    format!("{}, {}", contact.name, contact.department)
}

/// The flat, read-only carrier: `Contact/{id}/Simple`, and what a person says of its company.
pub(super) fn flat(state: &State, contact: &Contact) -> Value {
    let first =
        |list: &[crate::world::contact::Element]| list.first().map(|e| e.value.clone()).unwrap_or_default();
    json!({
        "ContactId": contact.id, "Name": contact.name, "OrgNr": contact.org_nr, "Department": contact.department,
        "URL": contact.url(), "City": contact.postal.city, "DirectPhone": first(&contact.phones),
        "AssociateId": contact.owner, "CountryId": contact.country_id, "EmailAddress": first(&contact.emails),
        "Kananame": "", "EmailAddressName": null, "URLName": null,
        "AssociateFullName": state.associate(contact.owner).map_or("", |owner| &owner.full_name),
        "BusinessName": state.item_name("business", contact.business_id),
        "CategoryName": state.item_name("category", contact.category_id),
        "CountryName": state.lists.name("country", contact.country_id), "Address": null, "FormattedAddress": "",
        "FullName": full_name(contact), "IsOwnerContact": false, "ActiveErpLinks": 0, "Number1": contact.number1,
        "Number2": contact.number2, "TableRight": shared::full_right(), "FieldProperties": {},
    })
}

/// Takes over what `body` says. Properties that it does not mention stay as they are in `contact`.
///
/// Nothing is taken over when something is wrong with it.
pub(super) fn take_over(state: &State, contact: &mut Contact, body: &Value) -> Result<(), Answer> {
    let text = |name: &str, longest: usize, into: &mut String| -> Result<(), Answer> {
        let Some(value) = json::get(body, name) else { return Ok(()) };
        let value = json::text(value);
        if value.chars().count() > longest {
            return Err(Answer::bad(&format!("{name} is longer than {longest} characters")));
        }
        *into = value;
        Ok(())
    };
    let mut next = contact.clone();
    text("Name", 219, &mut next.name)?;
    text("Department", 219, &mut next.department)?;
    text("OrgNr", 49, &mut next.org_nr)?;
    text("Number1", 49, &mut next.number1)?;
    text("Number2", 49, &mut next.number2)?;
    text("Description", 2047, &mut next.description)?;
    for (name, into) in [
        ("Urls", &mut next.urls),
        ("Emails", &mut next.emails),
        ("Phones", &mut next.phones),
        ("Faxes", &mut next.faxes),
    ] {
        if let Some(value) = json::get(body, name) {
            *into = shared::read_elements(value);
        }
    }
    let id_in = |name: &str, key: &str| {
        json::get(body, name).and_then(|value| json::get(value, key)).and_then(json::int)
    };
    if let Some(owner) = id_in("Associate", "AssociateId") {
        if state.associate(owner).is_none() {
            return Err(Answer::bad(&format!("There is no associate {owner}")));
        }
        next.owner = owner;
    }
    next.business_id = id_in("Business", "Id").unwrap_or(next.business_id);
    next.category_id = id_in("Category", "Id").unwrap_or(next.category_id);
    next.country_id = id_in("Country", "CountryId").unwrap_or(next.country_id);
    next.group_id = json::get(body, "GroupId").and_then(json::int).unwrap_or(next.group_id);
    next.xstop = json::get(body, "Xstop").and_then(json::flag).unwrap_or(next.xstop);
    next.no_mailing = json::get(body, "NoMailing").and_then(json::flag).unwrap_or(next.no_mailing);
    if let Some(address) = json::get(body, "Address") {
        if let Some(street) = json::get(address, "Street").filter(|value| value.is_object()) {
            next.street = shared::read_address(street);
        }
        if let Some(postal) = json::get(address, "Postal").filter(|value| value.is_object()) {
            next.postal = shared::read_address(postal);
        }
    }
    if next.name.trim().is_empty() {
        return Err(Answer::bad("Name is mandatory"));
    }
    *contact = next;
    Ok(())
}
