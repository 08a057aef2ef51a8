//! The small parts that entities are made of, in the vendor's spelling.

use serde_json::{Map, Value, json};

use crate::clock::DateStyle;
use crate::json;
use crate::world::State;
use crate::world::contact::{Address, Element, Udfs};
use crate::world::udf::Entity;

/// Rights that allow everything; always a text in entities.
pub(super) fn full_right() -> Value {
    json!({"Mask": "Select, Update, Insert, Delete", "Reason": ""})
}

/// An associate; null for 0.
pub(super) fn associate(state: &State, id: i64) -> Value {
    let Some(found) = state.associate(id) else { return Value::Null };
    let linked = !(found.api_user && state.mishaps.on(crate::mishap::Kind::NoPersonLink));
    json!({
        "AssociateId": id, "Name": found.short_name, "PersonId": if linked { found.person_id() } else { 0 },
        "Rank": 0, "Tooltip": "", "Type": "InternalAssociate", "GroupIdx": found.group_id,
        "FullName": found.full_name, "FormalName": found.full_name, "Deleted": false, "EjUserId": 0,
        "UserName": found.email(), "ExtraFields": {}, "CustomFields": {},
        "TableRight": {"Mask": "Select", "Reason": ""}, "FieldProperties": {},
    })
}

/// A list value of an entity, such as its category; `Tooltip` is spelled with a small t here.
pub(super) fn list_value(state: &State, list: &str, id: i64) -> Value {
    json!({"Id": id, "Value": state.item_name(list, id), "Tooltip": "", "TableRight": null, "FieldProperties": {}})
}

/// Phones, e-mails, web addresses.
pub(super) fn elements(elements: &[Element]) -> Value {
    let one = |element: &Element| {
        let stripped: String = element.value.chars().filter(|c| !c.is_whitespace()).collect();
        json!({"Value": element.value, "StrippedValue": stripped, "Description": element.description,
               "TableRight": null, "FieldProperties": {}})
    };
    elements.iter().map(one).collect()
}

/// Reads elements back. Entries without a value are dropped, as an empty line in the window is.
pub(super) fn read_elements(value: &Value) -> Vec<Element> {
    let one = |value: &Value| Element {
        value: json::get(value, "Value").map(json::text).unwrap_or_default(),
        description: json::get(value, "Description").map(json::text).unwrap_or_default(),
    };
    let all = value.as_array().into_iter().flatten().map(one);
    all.filter(|element| !element.value.is_empty()).collect()
}

/// A country; only its number is stored.
pub(super) fn country(state: &State, id: i64) -> Value {
    let story = state.setup.country(id);
    let name = state.lists.name("country", id);
    json!({
        "CountryId": id, "Name": name, "EnglishName": story.map_or(name, |country| &country.english_name),
        "TwoLetterISOCountry": story.map_or("", |country| &country.iso2), "ThreeLetterISOCountry": "",
        "CurrencyId": 0, "ImageDescription": "", "OrgNrText": "", "InterAreaPrefix": "", "DialInPrefix": "",
        "ZipPrefix": "", "DomainName": "", "AddressLayoutId": 0, "DomesticAddressLayoutId": 0,
        "ForeignAddressLayoutId": 0, "Rank": 0, "Tooltip": "", "Deleted": false, "TableRight": null,
        "FieldProperties": {},
    })
}

/// One of an entity's addresses.
pub(super) fn address(kind: &str, address: &Address) -> Value {
    let [one, two, three] = &address.lines;
    json!({
        "AtypeIdx": kind, "Address1": one, "Address2": two, "Address3": three, "City": address.city,
        "County": address.county, "State": address.state, "Zipcode": address.zip,
        "Formatted": format!("{one}\n{} {}\n", address.zip, address.city),
    })
}

/// Reads an address back.
pub(super) fn read_address(value: &Value) -> Address {
    let part = |name: &str| json::get(value, name).map(json::text).unwrap_or_default();
    Address {
        lines: [part("Address1"), part("Address2"), part("Address3")],
        city: part("City"),
        county: part("County"),
        state: part("State"),
        zip: part("Zipcode"),
    }
}

/// Adds both dictionaries of user-defined fields, and the entries about them in `FieldProperties`.
pub(super) fn add_udfs(state: &State, owner: Entity, udfs: &Udfs, entity: &mut Value) {
    let (mut old, mut new) = (Map::new(), Map::new());
    for field in state.udf_fields(owner) {
        let empty = field.empty();
        let value = udfs.get(&field.identity).unwrap_or(&empty);
        field.write_user_defined(value, &state.lists, &mut old);
        field.write_custom(value, &state.lists, &mut new);
        for dictionary in ["UserDefinedFields", "CustomFields"] {
            entity["FieldProperties"][format!("{dictionary}.{}", field.prog_id())] = field.right();
        }
    }
    entity["ExtraFields"] = json!({});
    if state.policy.user_defined_fields {
        entity["UserDefinedFields"] = old.into();
    }
    if state.policy.custom_fields {
        entity["CustomFields"] = new.into();
    }
}

/// What `FieldProperties` says of an ordinary property.
pub(super) fn right(kind: &str, length: usize, mandatory: bool) -> Value {
    let (mask, reason) =
        if mandatory { ("Update, UIHintMandatory", "[SR_MANDATORY_FIELD_1281]") } else { ("Update", "") };
    json!({"FieldRight": {"Mask": mask, "Reason": reason}, "FieldType": format!("System.{kind}"), "FieldLength": length})
}

/// Empties every property that `$select` does not name. The keys stay.
pub(super) fn select(entity: &mut Value, wanted: Option<&str>) {
    let Some(wanted) = wanted.filter(|wanted| !wanted.trim().is_empty()) else { return };
    let wanted: Vec<&str> =
        wanted.split(',').map(|name| name.trim().split('/').next().unwrap_or_default()).collect();
    let Some(object) = entity.as_object_mut() else { return };
    for (key, value) in object.iter_mut() {
        if !wanted.iter().any(|name| name.eq_ignore_ascii_case(key)) {
            *value = Value::Null;
        }
    }
}

/// Dates of a record.
pub(super) fn stamp(
    state: &State,
    stamps: &crate::world::contact::Stamps,
    style: DateStyle,
    entity: &mut Value,
) {
    let style = if state.policy.stamps_are_utc { style.utc() } else { style };
    entity["CreatedDate"] = style.write(stamps.registered).into();
    entity["CreatedBy"] = associate(state, stamps.registered_by);
    entity["UpdatedDate"] = style.write_opt(stamps.updated).into();
    entity["UpdatedBy"] = associate(state, stamps.updated_by);
}
