//! Consents: what a person has agreed to.

use serde_json::{Value, json};
use superoffice_emulator::World;

use crate::support::{Receiver, Tenant};

fn keys(consents: &Value) -> Vec<(String, String)> {
    let key = |consent: &Value, name: &str| consent[name].as_str().unwrap().to_owned();
    let all = consents.as_array().unwrap().iter();
    all.map(|consent| (key(consent, "ConsentPurposeKey"), key(consent, "LegalBaseKey"))).collect()
}

/// A person who has an address and never was asked about mailings.
fn asked_nothing(world: &World) -> i64 {
    let all = world.contact_ids().into_iter().flat_map(|contact| world.persons_at(contact));
    all.into_iter().find(|id| world.person(*id).unwrap().consents.len() == 1).unwrap()
}

#[tokio::test]
async fn everybody_with_an_address_may_be_stored_and_some_agreed_to_mailings() {
    let tenant = Tenant::start().await;
    let all: Vec<_> =
        tenant.world.contact_ids().iter().flat_map(|contact| tenant.world.persons_at(*contact)).collect();
    let persons: Vec<_> = all.iter().map(|id| tenant.world.person(*id).unwrap()).collect();
    assert!(persons.iter().all(|person| person.agrees(1) != person.emails.is_empty()));
    let agreed = persons.iter().filter(|person| person.agrees(2)).count();
    assert!(agreed > 0 && agreed < persons.len());
    assert!(persons.iter().all(|person| person.consents.iter().all(superoffice_emulator::Consent::holds)));
}

#[tokio::test]
async fn a_consent_is_given_withdrawn_and_stays_on_record() {
    let (tenant, receiver) = (Tenant::start().await, Receiver::start().await);
    let hook =
        json!({"Name": "n", "Events": ["person.consented", "person.unconsented"], "TargetUrl": receiver.url});
    assert_eq!(tenant.call("POST", "Webhook", hook).await.0, 200);
    let id = asked_nothing(&tenant.world);
    let path = format!("Person/{id}/Consent");
    let (_, all) = tenant.get(&path).await;
    assert_eq!(keys(&all), [("STORE".to_owned(), "61F".to_owned())]);
    assert_eq!(
        (&all[0]["LegalBaseName"], &all[0]["ConsentSourceKey"]),
        (&json!("Berechtigtes Interesse"), &json!("USER"))
    );
    assert_eq!(tenant.get(&format!("{path}/EMARKETING")).await, (200, json!(false)));

    let put = format!("{path}/emarketing?source=WEBFORM&legalBase=61A&comment=at the fair");
    assert_eq!(tenant.call("PUT", &put, Value::Null).await.0, 204);
    assert_eq!(tenant.get(&format!("{path}/EMARKETING")).await, (200, json!(true)));
    let (_, infos) = tenant.call("POST", "Agents/Person/GetConsentInfos", json!({"personId": id})).await;
    assert_eq!(
        (&infos[1]["Comment"], &infos[1]["ConsentSourceKey"]),
        (&json!("at the fair"), &json!("WEBFORM"))
    );

    assert_eq!(tenant.call("DELETE", &format!("{path}/EMARKETING"), Value::Null).await.0, 204);
    assert_eq!(tenant.get(&format!("{path}/EMARKETING")).await, (200, json!(false)));
    let (_, entity) = tenant.get(&format!("Person/{id}")).await;
    assert_eq!(keys(&entity["Consents"])[1], ("EMARKETING".to_owned(), "WITHDRAWN".to_owned()));

    tenant.emulator.settled().await;
    let events: Vec<Value> = receiver.events().iter().map(|event| event.body["Event"].clone()).collect();
    assert_eq!(events, ["person.consented", "person.unconsented"]);
}

#[tokio::test]
async fn a_saved_person_keeps_the_consents_that_it_does_not_mention() {
    let tenant = Tenant::start().await;
    let id = asked_nothing(&tenant.world);
    let (_, mut entity) = tenant.get(&format!("Person/{id}")).await;
    entity["Consents"] =
        json!([{"ConsentPurposeKey": "EMARKETING", "LegalBaseKey": "61A", "ConsentSourceKey": "MAIL"}]);
    let (status, saved) = tenant.call("PUT", &format!("Person/{id}"), entity).await;
    assert_eq!((status, keys(&saved["Consents"]).len()), (200, 2), "{saved}");
    let change = json!({"Title": "Chief"});
    let (_, patched) = tenant.call("PATCH", &format!("Person/{id}"), change).await;
    assert_eq!(patched["Consents"], saved["Consents"]);
    assert_eq!(tenant.world.writes().pop().unwrap().fields.len(), 1, "nothing but the title changed");
}

#[tokio::test]
async fn agents_and_lists_know_consents_and_nonsense_is_refused() {
    let tenant = Tenant::start().await;
    let id = asked_nothing(&tenant.world);
    let wish =
        json!({"PersonId": id, "Purpose": "EMARKETING", "Source": "MAIL", "LegalBase": "61B", "Comment": ""});
    assert_eq!(tenant.call("POST", "Agents/Person/SetConsent", wish.clone()).await.0, 204);
    assert_eq!(tenant.call("POST", "Agents/Person/HasConsent", wish.clone()).await.1, json!(true));
    let select = "hasEmarketingConsent,legalBaseEmarketing,hasStoreConsent,withdrawnEmarketingConsent";
    let rows = async || {
        tenant.get(&format!("Person?$select={select}&$filter=personId eq {id}")).await.1["value"][0].clone()
    };
    let row = rows().await;
    assert_eq!(
        (&row["hasEmarketingConsent"], &row["legalBaseEmarketing"]),
        (&json!(true), &json!("Vertrag"))
    );
    assert_eq!(tenant.call("POST", "Agents/Person/RemoveConsent", wish).await.0, 204);
    let row = rows().await;
    assert_eq!(
        (&row["hasEmarketingConsent"], &row["withdrawnEmarketingConsent"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(row["hasStoreConsent"], true);

    assert_eq!(tenant.call("PUT", &format!("Person/{id}/Consent/NOTHING"), Value::Null).await.0, 400);
    assert_eq!(
        tenant.call("PUT", &format!("Person/{id}/Consent/STORE?legalBase=9"), Value::Null).await.0,
        400
    );
    assert_eq!(tenant.get("Person/999999/Consent").await.0, 404);
    let (_, purposes) = tenant.get("MDOList/consentpurpose").await;
    assert_eq!(
        (&purposes[1]["Name"], &purposes[1]["ExtraInfo"]),
        (&json!("E-Marketing"), &json!("EMARKETING"))
    );
}
