//! Consents of a person: `Person/{id}/Consent`, and the agent calls for the same.
//!
//! A consent that is taken away stays, with the legal base `WITHDRAWN`; one that a saved entity leaves out stays as it is.

use serde_json::{Value, json};

use super::{Ask, entity};
use crate::answer::Answer;
use crate::clock::{self, DateStyle};
use crate::json;
use crate::world::State;
use crate::world::consent::{Consent, LEGAL_BASES, PURPOSES, SOURCES, item, key};
use crate::world::person::Person;

/// What a call says of a consent, by keys.
pub(super) struct Wish {
    pub(super) purpose: String,
    pub(super) legal_base: String,
    pub(super) source: String,
    pub(super) comment: String,
}

/// All consents of a person, withdrawn ones too.
pub(super) fn infos(state: &State, person: &Person, style: DateStyle) -> Value {
    (1..)
        .zip(&person.consents)
        .map(|(at, consent)| info(state, person.id * 16 + at, consent, style))
        .collect()
}

fn info(state: &State, id: i64, consent: &Consent, style: DateStyle) -> Value {
    let (updated, by) = consent.updated.map_or((None, 0), |(at, by)| (Some(at), by));
    json!({
        "ConsentPersonId": id, "Comment": consent.comment, "Registered": style.write(consent.registered.0),
        "RegisteredAssociateId": consent.registered.1, "Updated": style.write_opt(updated), "UpdatedAssociateId": by,
        "LegalBaseId": consent.legal_base, "LegalBaseKey": key(&LEGAL_BASES, consent.legal_base),
        "LegalBaseName": state.item_name("legalbase", consent.legal_base), "ConsentPurposeId": consent.purpose,
        "ConsentPurposeKey": key(&PURPOSES, consent.purpose),
        "ConsentPurposeName": state.item_name("consentpurpose", consent.purpose), "ConsentSourceId": consent.source,
        "ConsentSourceKey": key(&SOURCES, consent.source),
        "ConsentSourceName": state.item_name("consentsource", consent.source), "TableRight": null, "FieldProperties": {},
    })
}

/// `GET Person/{id}/Consent`
pub(super) fn all(state: &State, id: i64, ask: Ask<'_>) -> Result<Answer, Answer> {
    Ok(Answer::ok(&infos(state, living(state, id)?, ask.style)))
}

/// `GET Person/{id}/Consent/{purpose}`: whether it is given and not withdrawn.
pub(super) fn one(state: &State, id: i64, purpose: &str) -> Result<Answer, Answer> {
    let purpose = known(&PURPOSES, purpose, "purpose")?;
    Ok(Answer::ok(&living(state, id)?.agrees(purpose).into()))
}

/// `PUT Person/{id}/Consent/{purpose}?source=&legalBase=&comment=`
pub(super) fn set(state: &mut State, id: i64, wish: &Wish) -> Result<Answer, Answer> {
    let mut person = living(state, id)?.clone();
    let base = if wish.legal_base.is_empty() { "61A" } else { &wish.legal_base };
    let source = if wish.source.is_empty() { "USER" } else { &wish.source };
    let next = Consent {
        purpose: known(&PURPOSES, &wish.purpose, "purpose")?,
        legal_base: known(&LEGAL_BASES, base, "legal base")?,
        source: known(&SOURCES, source, "source")?,
        comment: wish.comment.clone(),
        registered: (clock::now(), state.api_user()),
        updated: None,
    };
    put(&mut person, next);
    state.save_person(person, entity::us(state));
    Ok(Answer::nothing())
}

/// `DELETE Person/{id}/Consent/{purpose}`
pub(super) fn withdraw(state: &mut State, id: i64, purpose: &str) -> Result<Answer, Answer> {
    let purpose = known(&PURPOSES, purpose, "purpose")?;
    let (by, mut person) = (state.api_user(), living(state, id)?.clone());
    for consent in person.consents.iter_mut().filter(|consent| consent.purpose == purpose) {
        consent.withdraw(by, clock::now());
    }
    state.save_person(person, entity::us(state));
    Ok(Answer::nothing())
}

/// Takes over the consents of a saved entity; keys count before ids.
pub(super) fn take_over(person: &mut Person, consents: &[Value], by: i64) -> Result<(), Answer> {
    for consent in consents {
        let part = |name: &str| {
            let text = |suffix: &str| json::get(consent, &format!("{name}{suffix}")).map(json::text);
            text("Key").filter(|key| !key.is_empty()).or_else(|| text("Id")).unwrap_or_default()
        };
        let source = part("ConsentSource");
        let next = Consent {
            purpose: known(&PURPOSES, &part("ConsentPurpose"), "purpose")?,
            legal_base: known(&LEGAL_BASES, &part("LegalBase"), "legal base")?,
            source: if source.is_empty() || source == "0" { 1 } else { known(&SOURCES, &source, "source")? },
            comment: json::get(consent, "Comment").map(json::text).unwrap_or_default(),
            registered: (clock::now(), by),
            updated: None,
        };
        put(person, next);
    }
    Ok(())
}

/// Replaces the consent of the same purpose, whose record goes on, or adds it.
fn put(person: &mut Person, next: Consent) {
    let Some(old) = person.consents.iter_mut().find(|old| old.purpose == next.purpose) else {
        person.consents.push(next);
        return;
    };
    let same = old.legal_base == next.legal_base && old.source == next.source && old.comment == next.comment;
    if !same {
        *old = Consent { registered: old.registered, updated: Some(next.registered), ..next };
    }
}

fn living(state: &State, id: i64) -> Result<&Person, Answer> {
    let person = state.persons.get(&id).filter(|person| person.stamps.deleted.is_none());
    person.ok_or_else(|| Answer::not_found("Person", id))
}

fn known(table: &[[&str; 3]], wanted: &str, what: &str) -> Result<i64, Answer> {
    item(table, wanted).ok_or_else(|| Answer::bad(&format!("There is no {what} '{wanted}'")))
}
