//! Promises about accounts.

use connector_domain::fingerprint::{Fingerprint, Stage};
use connector_domain::ids::ContactId;
use connector_domain::job::Settlement;
use connector_domain::profile::{Language, Profile};
use connector_domain::reason::Reason;

use super::samples::{MINUTE, SECOND, changed, contact, lease, noon, person, policy, tenant};
use crate::Store;
use crate::accounts::{AccountFilter, Facts, KeptProfile, Twin};
use crate::page::PageRequest;

fn named(name: &str) -> Facts {
    Facts { name: Some(name.into()), owner_id: Some(5), owner_short: Some("KARI".into()), ..Facts::default() }
}

async fn learn(store: &dyn Store, id: i64, name: &str, at: jiff::Timestamp) -> Option<Twin> {
    let key = Some(name.to_lowercase());
    store.learn(&tenant(), ContactId(id), named(name), key, MINUTE * 5, at).await.unwrap()
}

pub(crate) async fn names_and_owners_are_shown_as_soon_as_known(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let row = store.account(&tenant(), ContactId(18)).await.unwrap().unwrap();
    assert_eq!((row.facts.name, row.open.len()), (None, 1));
    store.learn(&tenant(), ContactId(18), named("Nordlys AS"), None, MINUTE, noon()).await.unwrap();
    let row = store.account(&tenant(), ContactId(18)).await.unwrap().unwrap();
    assert_eq!(row.facts.name.as_deref(), Some("Nordlys AS"));
    assert_eq!(row.facts.owner_short.as_deref(), Some("KARI"));
    store.learn(&tenant(), ContactId(18), Facts::default(), None, MINUTE, noon()).await.unwrap();
    let row = store.account(&tenant(), ContactId(18)).await.unwrap().unwrap();
    assert_eq!(row.facts.name.as_deref(), Some("Nordlys AS"), "what is not told is not forgotten");
}

pub(crate) async fn a_second_record_of_one_company_is_told_its_twin(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    changed(store, "e2", contact(19), noon()).await;
    let first = lease(store, noon()).await.unwrap();
    lease(store, noon()).await.unwrap();
    assert_eq!(learn(store, 18, "Nordlys AS", noon()).await, None);
    let twin = learn(store, 19, "NORDLYS AS", noon()).await.expect("18 is being worked on");
    assert_eq!((twin.account, twin.name.as_deref()), (ContactId(18), Some("Nordlys AS")));
    assert_eq!(
        learn(store, 18, "Nordlys AS", noon()).await,
        None,
        "the original is not a duplicate of its duplicate"
    );
    let done = Settlement::Completed { words: String::new() };
    store.settle(&first, done, vec![], vec![], noon()).await.unwrap();
    assert!(learn(store, 19, "nordlys as", noon() + MINUTE * 5).await.is_some());
    assert_eq!(learn(store, 19, "nordlys as", noon() + MINUTE * 5 + SECOND).await, None);
}

pub(crate) async fn a_twin_that_failed_is_no_twin(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    let first = lease(store, noon()).await.unwrap();
    assert_eq!(learn(store, 18, "Nordlys AS", noon()).await, None);
    let failed = Settlement::Failed {
        error: "refused".into(),
        remedy: "ask".into(),
        fingerprint: Fingerprint::of(Stage::WriteBack, "refused"),
    };
    store.settle(&first, failed, vec![], vec![], noon()).await.unwrap();
    assert_eq!(learn(store, 19, "Nordlys AS", noon()).await, None);
}

pub(crate) async fn accounts_are_listed_last_touched_first_in_pages(store: &dyn Store) {
    for n in 1..=4 {
        changed(store, &format!("e{n}"), contact(n), noon() + SECOND * i32::try_from(n).unwrap()).await;
    }
    store.learn(&tenant(), ContactId(2), named("Nordlys AS"), None, MINUTE, noon()).await.unwrap();
    let all = AccountFilter::default();
    let first = store.accounts(&tenant(), &all, &PageRequest { limit: 3, after: None }).await.unwrap();
    assert_eq!(first.items.iter().map(|row| row.id.0).collect::<Vec<_>>(), [4, 3, 2]);
    let rest = store.accounts(&tenant(), &all, &PageRequest { limit: 3, after: first.next }).await.unwrap();
    assert_eq!(rest.items.iter().map(|row| row.id.0).collect::<Vec<_>>(), [1]);
    store.learn(&tenant(), ContactId(1), named("ÖLWERK Ålesund"), None, MINUTE, noon()).await.unwrap();
    let umlauts = AccountFilter { words: Some("ölwerk å".into()), owner: None };
    let found = store.accounts(&tenant(), &umlauts, &PageRequest::default()).await.unwrap();
    assert_eq!(found.items.iter().map(|row| row.id.0).collect::<Vec<_>>(), [1]);
    let filter = AccountFilter { words: Some("LYS".into()), owner: Some("kari".into()) };
    let found = store.accounts(&tenant(), &filter, &PageRequest::default()).await.unwrap();
    assert_eq!(found.items.iter().map(|row| row.id.0).collect::<Vec<_>>(), [2]);
    assert_eq!(store.account_count(&tenant()).await.unwrap(), 4);
}

pub(crate) async fn the_unnamed_are_found_until_they_have_a_name(store: &dyn Store) {
    changed(store, "e1", contact(18), noon()).await;
    assert_eq!(store.unnamed(&tenant(), 10).await.unwrap(), [ContactId(18)]);
    store.learn(&tenant(), ContactId(18), named("Nordlys AS"), None, MINUTE, noon()).await.unwrap();
    assert!(store.unnamed(&tenant(), 10).await.unwrap().is_empty());
    changed(store, "e2", contact(19), noon()).await;
    changed(store, "e3", contact(20), noon()).await;
    let nameless = Facts { nameless: true, ..Facts::default() };
    store.learn(&tenant(), ContactId(20), nameless, None, MINUTE, noon()).await.unwrap();
    assert_eq!(store.unnamed(&tenant(), 10).await.unwrap(), [ContactId(19)]);
    assert!(!store.account(&tenant(), ContactId(20)).await.unwrap().unwrap().facts.deleted);
    let gone = Facts { deleted: true, ..Facts::default() };
    store.learn(&tenant(), ContactId(19), gone, None, MINUTE, noon()).await.unwrap();
    assert!(store.unnamed(&tenant(), 10).await.unwrap().is_empty());
}

pub(crate) async fn persons_are_found_by_why_their_newest_job_was_skipped(store: &dyn Store) {
    let skip = async |id: i64, reason: Reason, at: jiff::Timestamp| {
        store.enqueue(&tenant(), &[(person(id), Some(ContactId(18)))], policy(), at).await.unwrap();
        let held = lease(store, at).await.unwrap();
        let skipped = Settlement::Skipped { reason, words: reason.sentence().into() };
        store.settle(&held, skipped, vec![], vec![], at).await.unwrap();
    };
    skip(7, Reason::OwnerNotInScope, noon()).await;
    skip(8, Reason::Unchanged, noon()).await;
    skip(9, Reason::OwnerNotInScope, noon()).await;
    skip(9, Reason::Unchanged, noon() + MINUTE).await;
    let found = async |account: i64, reasons: &[Reason]| {
        let persons = store.skipped_persons(&tenant(), ContactId(account), reasons).await.unwrap();
        persons.into_iter().map(|id| id.0).collect::<Vec<_>>()
    };
    assert_eq!(found(18, &[Reason::OwnerNotInScope]).await, [7]);
    assert_eq!(found(18, &[Reason::OwnerNotInScope, Reason::Unchanged]).await, [7, 8, 9]);
    assert!(found(18, &[]).await.is_empty() && found(19, &[Reason::OwnerNotInScope]).await.is_empty());
    store.enqueue(&tenant(), &[(person(7), Some(ContactId(18)))], policy(), noon() + MINUTE).await.unwrap();
    assert!(found(18, &[Reason::OwnerNotInScope]).await.is_empty(), "it is asked for already");
}

pub(crate) async fn a_profile_is_kept_in_place_of_the_last(store: &dyn Store) {
    let profile = Profile {
        vertical: None,
        summary: None,
        opener_primary: None,
        opener_secondary: None,
        evidence: vec![],
        language: Language::De,
        engine: "offline@1".into(),
        taxonomy: "t".into(),
        explored_at: noon(),
        warnings: vec!["said little".into()],
    };
    for (key, persons_due) in [("first", false), ("second", true)] {
        let kept = KeptProfile { profile: profile.clone(), key: key.into(), at: noon(), persons_due };
        store.keep_profile(&tenant(), ContactId(18), kept).await.unwrap();
    }
    let kept = store.profile(&tenant(), ContactId(18)).await.unwrap().unwrap();
    assert_eq!((kept.key.as_str(), kept.profile, kept.persons_due), ("second", profile, true));
    assert_eq!(store.profile(&tenant(), ContactId(19)).await.unwrap(), None);
}
