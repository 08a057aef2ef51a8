//! Discovery against a SuperOffice that does not tell everything.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::sync::Arc;

use connector_domain::clock::FixedClock;
use connector_domain::drift::Bindings;
use connector_domain::field::{Definitions, Target};
use connector_domain::ids::{ContactId, Entity, ProgId, RecordRef};
use connector_domain::job::{JobState, Settlement};
use connector_domain::policy::Policy;
use connector_domain::reason::Reason;
use connector_pipeline::crm::superoffice::SuperOffice;
use connector_pipeline::crm::{Crm as _, Lists as _};
use connector_pipeline::discovery::{self, FieldMap};
use connector_pipeline::{Discovered, Ports};
use connector_store::sqlite::SqliteStore;
use connector_store::{Queue as _, Settings as _};
use jiff::SignedDuration;
use superoffice::{Client, Config};
use superoffice_emulator::{Emulator, Kind, Mishap, Options};
use tokio_util::sync::CancellationToken;

#[path = "support/nobody.rs"]
mod nobody;

async fn tenant() -> (Emulator, SuperOffice) {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let details = emulator.details();
    let mut config = Config::new(
        details.login_url.parse().unwrap(),
        details.context,
        details.client_id,
        details.client_secret.into(),
        details.refresh_token.as_str().into(),
    );
    config.limits.retry_base = std::time::Duration::from_millis(1);
    (emulator, SuperOffice::new(Client::new(config).unwrap()))
}

fn refusing(status: u16) -> Mishap {
    Mishap::new(Kind::Status).on("POST Agents").status(status)
}

#[tokio::test]
async fn users_are_known_by_their_short_names_although_one_answer_failed() {
    let (emulator, crm) = tenant().await;
    emulator.world().mishap(refusing(500).times(1));
    let found = crm.discover(&FieldMap::default(), &Bindings::default()).await.unwrap();
    assert_eq!(found.findings, []);
    let owners = emulator.details().owners;
    assert!(owners.iter().all(|owner| found.associates.iter().any(|one| one.short_name == *owner)));
}

#[tokio::test]
async fn names_of_the_list_are_no_short_names_and_that_is_told() {
    let (emulator, crm) = tenant().await;
    emulator.world().mishap(refusing(403));
    let found = crm.discover(&FieldMap::default(), &Bindings::default()).await.unwrap();
    assert!(!found.associates.is_empty());
    for associate in &found.associates {
        assert!(associate.short_name.is_empty() && !associate.full_name.is_empty(), "{associate:?}");
    }
    assert_eq!(found.findings.len(), 1);
    let words = &found.findings[0].words;
    assert!(words.starts_with("SuperOffice does not tell the short names of users: not allowed"), "{words}");
}

#[tokio::test]
async fn a_question_about_users_that_always_fails_stops_nothing() {
    let (emulator, crm) = tenant().await;
    emulator.world().mishap(refusing(500));
    let found = crm.discover(&FieldMap::default(), &Bindings::default()).await.unwrap();
    assert!(found.own.is_some() && !found.definitions.0.is_empty());
    assert!(found.associates.iter().all(|associate| associate.short_name.is_empty()));
    assert_eq!(found.findings.len(), 1);
}

#[tokio::test]
async fn one_column_that_is_refused_blinds_nothing_else() {
    let (emulator, crm) = tenant().await;
    let world = emulator.world();
    let mut fields = crm.discover(&FieldMap::default(), &Bindings::default()).await.unwrap().definitions;
    let id = world.contact_ids()[0];
    let since = "2020-01-01T00:00:00Z".parse().unwrap();
    let columns = async |fields: &Definitions| {
        let rows = crm.changed(Entity::Contact, since, id - 1, fields).await.unwrap();
        let columns: Vec<String> = rows[0].row.columns.keys().cloned().collect();
        columns
    };
    let all = columns(&fields).await;
    assert!(crm.unseen().is_empty());
    // A field that was removed, or that the role may not see.
    let summary = fields.0.get_mut(&Target::Summary).unwrap();
    summary.prog_id = ProgId("SuperOffice:999".into());
    let left = columns(&fields).await;
    assert_eq!(left.len() + 1, all.len(), "{left:?}");
    assert!(left.contains(&"urladdress".to_owned()) || !all.contains(&"urladdress".to_owned()));
    let unseen = crm.unseen();
    assert!(
        unseen.len() == 1 && unseen[0].is_own_field && unseen[0].words.contains("SuperOffice:999"),
        "{unseen:?}"
    );
    // What is known to be refused is not asked for again, and nothing is refused of the other list.
    let calls = || world.calls("GET", "Archive/{provider}") + world.calls("POST", "Archive/{provider}");
    let before = calls();
    columns(&fields).await;
    assert_eq!(calls(), before + 1);
    crm.changed(Entity::Person, since, 0, &fields).await.unwrap();
    assert_eq!(crm.unseen().len(), 1);
}

#[tokio::test]
async fn who_only_takes_in_learns_who_we_are_from_whoever_works() {
    let (_emulator, crm) = tenant().await;
    let folder = tempfile::tempdir().unwrap();
    let store =
        SqliteStore::open(&folder.path().join("store.db"), &connector_store::sqlite::Options::default());
    let (store, clock) =
        (Arc::new(store.unwrap()), Arc::new(FixedClock::at("2026-05-04T12:00:00Z".parse().unwrap())));
    let ports = || nobody::ports(Arc::clone(&store), Arc::clone(&clock));
    // Both start together, so that nothing is kept yet.
    let receiver = Arc::new(ports());
    discovery::remember(&receiver).await;
    let worker = Ports { crm: Arc::new(crm), discovered: Discovered::new(Policy::default()), ..ports() };
    discovery::discover(&worker).await.unwrap();
    let own = worker.discovered.policy_now().own_associate;
    assert!(own.is_some());

    let (mut known, stop) = (receiver.discovered.policy(), CancellationToken::new());
    let learnt = async {
        let learnt = known.wait_for(|policy| policy.own_associate == own);
        tokio::time::timeout(std::time::Duration::from_secs(20), learnt).await.unwrap().unwrap();
        stop.cancel();
    };
    tokio::join!(discovery::follow(Arc::clone(&receiver), false, stop.clone()), learnt);
    assert!(!receiver.discovered.policy_now().associates.is_empty());
}

#[tokio::test]
async fn what_could_not_be_let_go_is_let_go_by_the_next_look() {
    let folder = tempfile::tempdir().unwrap();
    let (path, noon) = (folder.path().join("store.db"), "2026-05-04T12:00:00Z".parse().unwrap());
    let open = || Arc::new(SqliteStore::open(&path, &connector_store::sqlite::Options::default()).unwrap());
    drop(open());
    // A database that does not let go until it is told that it may.
    let refusing = "CREATE TRIGGER refusing BEFORE UPDATE ON jobs WHEN OLD.state = 4 AND NOT EXISTS
           (SELECT 1 FROM settings WHERE key = 'may') BEGIN SELECT RAISE(ABORT, 'not now'); END";
    rusqlite::Connection::open(&path).unwrap().execute_batch(refusing).unwrap();
    let store = open();
    let ports = nobody::ports(Arc::clone(&store), Arc::new(FixedClock::at(noon)));
    let record = RecordRef::contact(ContactId(18));
    store.enqueue(&ports.tenant, &[(record, None)], ports.discovered.policy_now(), noon).await.unwrap();
    let held = Settlement::Held { reason: Reason::NoField, words: "not yet".into() };
    let lease = store.lease("w", 1, SignedDuration::from_mins(1), noon).await.unwrap().pop().unwrap();
    store.settle(&lease, held, vec![], vec![], noon).await.unwrap();
    let state = async || store.job(&ports.tenant, lease.job.id).await.unwrap().unwrap().state;

    discovery::discover(&ports).await.unwrap();
    assert_eq!(state().await, JobState::Held);
    store.put(&ports.tenant, "may", true.into(), noon).await.unwrap();
    discovery::discover(&ports).await.unwrap();
    assert_eq!(state().await, JobState::Pending);
}
