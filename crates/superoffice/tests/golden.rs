//! Bodies in the vendor's shape: every key is there, values are ours. Each is read and written again and must come out
//! the same, so that a misspelt field is found here and not in a customer's tenant.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use serde::Serialize;
use serde_json::Value;
use superoffice::api::associate::Associate;
use superoffice::api::contact::{Contact, ContactEntity};
use superoffice::api::error::ErrorBody;
use superoffice::api::list::{ListEntity, ListItemEntity, MdoListItem};
use superoffice::api::odata::Page;
use superoffice::api::person::{Person, PersonEntity};
use superoffice::api::state::{StateChange, TenantStatus};
use superoffice::api::system_user::{Authenticate, Authenticated};
use superoffice::api::token::{TokenError, TokenResponse};
use superoffice::api::udef::UserDefinedFieldInfo;
use superoffice::api::user::SoPrincipal;
use superoffice::api::version::Version;
use superoffice::api::webhook::{Webhook, WebhookResult};
use superoffice::json::{self, Record};
use superoffice::udf::{self, FieldType};
use superoffice::webhook::Payload;

macro_rules! golden {
    ($name:literal) => {
        include_bytes!(concat!("golden/", $name, ".json")).as_slice()
    };
}

/// Lower-cases every key of records, but of no dictionary.
fn shout_down(value: Value) -> Value {
    const DICTIONARIES: [&str; 6] =
        ["UserDefinedFields", "CustomFields", "ExtraFields", "FieldProperties", "_Links", "Address"];
    const DATA: [&str; 4] = ["Headers", "Properties", "Licenses", "ProvidedCredentials"];
    match value {
        Value::Object(object) => {
            let lower = |(key, value): (String, Value)| {
                let data = DICTIONARIES.contains(&key.as_str()) || DATA.contains(&key.as_str());
                (key.to_ascii_lowercase(), if data { value } else { shout_down(value) })
            };
            Value::Object(object.into_iter().map(lower).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(shout_down).collect()),
        other => other,
    }
}

fn same_again<T: Record + Serialize>(body: &[u8]) {
    let golden: Value = serde_json::from_slice(body).unwrap();
    let lowered = serde_json::to_vec(&shout_down(golden.clone())).unwrap();
    if golden.is_array() {
        assert_eq!(serde_json::to_value(json::records::<T>(body).unwrap()).unwrap(), golden);
        assert_eq!(serde_json::to_value(json::records::<T>(&lowered).unwrap()).unwrap(), golden);
    } else {
        assert_eq!(serde_json::to_value(json::record::<T>(body).unwrap()).unwrap(), golden);
        assert_eq!(serde_json::to_value(json::record::<T>(&lowered).unwrap()).unwrap(), golden);
    }
}

#[test]
fn every_record_comes_out_as_it_went_in_whatever_the_case_of_its_keys() {
    same_again::<ContactEntity>(golden!("contact"));
    same_again::<Contact>(golden!("contact_short"));
    same_again::<PersonEntity>(golden!("person"));
    same_again::<Person>(golden!("person_short"));
    same_again::<Associate>(golden!("associates"));
    same_again::<SoPrincipal>(golden!("principal"));
    same_again::<MdoListItem>(golden!("list"));
    same_again::<ListEntity>(golden!("lists"));
    same_again::<ListItemEntity>(golden!("list_items"));
    same_again::<Version>(golden!("version"));
    same_again::<UserDefinedFieldInfo>(golden!("udef"));
    same_again::<Webhook>(golden!("webhook"));
    same_again::<WebhookResult>(golden!("webhook_result"));
    same_again::<TokenResponse>(golden!("token"));
    same_again::<TokenResponse>(golden!("token_refreshed"));
    same_again::<TokenError>(golden!("token_error"));
    same_again::<TenantStatus>(golden!("state"));
    same_again::<StateChange>(golden!("state_change"));
    same_again::<Authenticate>(golden!("system_user"));
    same_again::<Authenticated>(golden!("system_user_result"));
    same_again::<Authenticated>(golden!("system_user_refused"));
    same_again::<ErrorBody>(golden!("error"));
}

#[test]
fn rows_come_out_as_they_went_in() {
    for body in [golden!("users"), golden!("rows")] {
        let golden: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(serde_json::to_value(json::record::<Page>(body).unwrap()).unwrap(), golden);
    }
    let page: Page = json::record(golden!("rows")).unwrap();

    let row = &page.rows[0];
    assert_eq!((row.primary_key, row.integer("contactAssociate/associateDbId")), (18, Some(11)));
    assert_eq!((row.text("name"), row.boolean("stop")), (Some("Nordlys Energi AS"), Some(false)));
    assert_eq!(row.date("registeredDate"), Some("2024-01-31T08:00:00Z".parse().unwrap()));
}

#[test]
fn a_contact_holds_what_the_body_says() {
    let contact: ContactEntity = json::record(golden!("contact")).unwrap();
    assert_eq!(contact.urls[0].value, "https://nordlys.example");
    assert_eq!(contact.country.as_ref().unwrap().two_letter_iso_country, "NO");
    assert_eq!(contact.persons[0].contact_id, 18);
    assert_eq!(contact.associate.as_ref().unwrap().associate_id, 11);
    assert_eq!(contact.field_properties["CustomFields.Demo:1"].field_length, 39);
}

#[test]
fn both_dictionaries_say_the_same() {
    let contact: ContactEntity = json::record(golden!("contact")).unwrap();
    let nothing = udf::Dictionary::default();
    let fields = [
        ("Demo:1", FieldType::ShortText),
        ("Demo:2", FieldType::LongText),
        ("Demo:3", FieldType::Number),
        ("Demo:4", FieldType::Date),
        ("Demo:5", FieldType::UnlimitedDate),
        ("Demo:6", FieldType::Checkbox),
        ("Demo:7", FieldType::List),
        ("Demo:8", FieldType::Decimal),
    ];
    for (prog_id, field_type) in fields {
        let new = udf::read(&contact.custom_fields, &nothing, prog_id, &field_type).unwrap().unwrap();
        let old = udf::read(&nothing, &contact.user_defined_fields, prog_id, &field_type).unwrap().unwrap();
        assert_eq!(new, old, "{prog_id}");
    }
    let values: Vec<&str> = contact.custom_fields.values().unwrap().map(|(prog_id, _)| prog_id).collect();
    assert_eq!(values.len(), 9, "{values:?}");
}

#[test]
fn a_refresh_has_no_new_refresh_token_and_shows_no_token() {
    let token: TokenResponse = json::record(golden!("token_refreshed")).unwrap();
    assert_eq!(token.refresh_token, None);
    let shown = format!("{token:?}");
    assert!(!shown.contains("real"), "{shown}");
}

#[test]
fn what_system_users_and_notifications_carry_is_not_shown() {
    let asked: Authenticate = json::record(golden!("system_user")).unwrap();
    let answered: Authenticated = json::record(golden!("system_user_result")).unwrap();
    let change: StateChange = json::record(golden!("state_change")).unwrap();
    let shown = format!("{asked:?} {answered:?} {change:?}");
    assert!(!shown.contains("notreal") && !shown.contains("c2ln"), "{shown}");
    assert_eq!(change.words(), "is moved");
}

#[test]
fn a_change_of_a_tenants_state_has_a_number_a_name_or_one_that_is_news() {
    let words = |change: &str| {
        let body = format!(r#"{{"changetype":{change},"contextidentifier":"Cust1","token":"eyJ"}}"#);
        json::record::<StateChange>(body.as_bytes()).unwrap().words()
    };
    assert_eq!([words("2"), words("\"2\""), words("\"suspend\"")], ["is suspended"; 3]);
    let news = "changes in a way that is not documented";
    assert_eq!([words("7"), words("\"Cloned\""), words("\"\"")], [news; 3]);
}

fn read(body: &[u8]) -> Payload {
    Payload::read(body).unwrap()
}

#[test]
fn every_printed_delivery_is_read() {
    let changed = read(golden!("delivery_changed"));
    assert_eq!((changed.entity.as_str(), changed.verb(), changed.primary_key), ("contact", "changed", 18));
    assert_eq!((changed.field_i64("associate_id"), changed.changed_by), (Some(12), Some(5)));
    assert_eq!(changed.timestamp.unwrap().to_string(), "2026-02-25T10:48:07.8912039Z");
    assert_eq!(changed.changes.unwrap().len(), 5);

    let deleted = read(golden!("delivery_deleted"));
    assert_eq!((deleted.field_i64("associate_id"), deleted.changes), (Some(12), Some(Vec::new())));

    let test = read(golden!("delivery_test"));
    assert!(test.is_test() && test.field_values.is_empty());

    let extra = read(golden!("delivery_extra_table"));
    assert_eq!((extra.field_i64("X_Contact"), extra.field_i64("last_changed")), (Some(18), None));

    let state = read(golden!("delivery_state"));
    assert_eq!((state.entity.as_str(), state.changed_by), ("webhook", Some(0)));

    let bare = read(golden!("delivery_bare"));
    assert_eq!((bare.event_id, bare.changes, bare.context), (None, None, None));
    assert_eq!((bare.primary_key, bare.values.len()), (18, 1));
}

#[test]
fn deliveries_are_written_as_the_vendor_writes_them() {
    for body in [golden!("delivery_changed"), golden!("delivery_deleted"), golden!("delivery_extra_table")] {
        let golden: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(serde_json::to_value(read(body)).unwrap(), golden);
    }
}
