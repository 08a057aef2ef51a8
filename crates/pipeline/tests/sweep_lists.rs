//! SuperOffice's lists as sweeps read them, however a tenant fills them.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use connector_domain::field::Definitions;
use connector_domain::ids;
use connector_pipeline::crm::Lists as _;
use connector_pipeline::crm::superoffice::SuperOffice;
use jiff::{SignedDuration, Timestamp};
use superoffice::{Client, Config};
use superoffice_emulator::{Emulator, Entity, Kind, Mishap, Options, World};

/// A person with a user account.
const INSIDER: i64 = 3;

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

fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap()
}

/// A company and a person that were created a month after everything else.
fn create(world: &World) -> (i64, i64) {
    world.move_clock(SignedDuration::from_hours(24 * 30));
    let contact = world.create(Entity::Contact, INSIDER, &[("Name", "Nordlys Energi")]).unwrap();
    let of = contact.to_string();
    let fields = [("Lastname", "Lind"), ("Contact", of.as_str())];
    (contact, world.create(Entity::Person, INSIDER, &fields).unwrap())
}

#[tokio::test]
async fn what_was_created_is_seen_although_no_list_dates_a_change_of_it() {
    let (emulator, crm) = tenant().await;
    let world = emulator.world();
    for is_dated in [true, false] {
        world.set_policy(|policy| policy.untouched_records_are_updated = is_dated);
        let (contact, person) = create(&world);
        let since = to_the_second(world.now()) - SignedDuration::from_secs(1);
        for (entity, id) in [(ids::Entity::Contact, contact), (ids::Entity::Person, person)] {
            let newest = crm.newest(entity, Timestamp::MAX).await.unwrap().at.unwrap();
            assert!(newest >= since, "{entity}: {newest}");
            assert_eq!(crm.last(entity, since).await.unwrap(), id);
            let page = crm.changed(entity, since, 0, &Definitions::default()).await.unwrap();
            let few = crm.few(entity, since, &Definitions::default()).await.unwrap().rows.unwrap();
            for rows in [page, few] {
                let ids: Vec<i64> = rows.iter().map(|listed| listed.row.record.id).collect();
                assert_eq!(ids, [id], "{entity}, dated: {is_dated}");
                assert!(rows[0].row.updated_at.unwrap() >= since);
            }
        }
    }
}

#[tokio::test]
async fn a_list_whose_time_zone_cannot_be_told_yet_tells_nothing() {
    let (emulator, crm) = tenant().await;
    let world = emulator.world();
    world.set_policy(|policy| {
        policy.list_dates_are_local = true;
        policy.base_offset_hours = 2;
        policy.base_time_zone = None;
    });
    create(&world);
    let created = to_the_second(world.now());
    let gone = || Mishap::new(Kind::Status).on("GET Contact").status(404);
    world.mishap(gone());
    crm.newest(ids::Entity::Contact, Timestamp::MAX).await.unwrap_err();
    crm.changed(ids::Entity::Contact, created, 0, &Definitions::default()).await.unwrap_err();
    world.clear_mishaps();
    // The newest one is gone before it can be read; another one tells.
    world.mishap(gone().times(1));
    let newest = crm.newest(ids::Entity::Contact, Timestamp::MAX).await.unwrap().at.unwrap();
    assert!(newest <= created && newest > created - SignedDuration::from_secs(5), "{newest}");
    // It is known from then on.
    world.mishap(gone());
    assert_eq!(crm.newest(ids::Entity::Contact, Timestamp::MAX).await.unwrap().at, Some(newest));
}

#[tokio::test]
async fn the_last_change_is_found_behind_those_that_are_ahead_of_their_time() {
    let (emulator, crm) = tenant().await;
    let world = emulator.world();
    create(&world);
    let created = world.now();
    let until = created + SignedDuration::from_hours(24);
    for hours in [30, 24 * 900] {
        world.move_clock(SignedDuration::from_hours(hours));
        let ahead = world.create(Entity::Contact, INSIDER, &[("Name", "Later")]).unwrap();
        world.move_clock(SignedDuration::from_hours(-hours));
        let newest = crm.newest(ids::Entity::Contact, until).await.unwrap();
        assert_eq!(newest.ahead.unwrap().0, ahead);
        let at = newest.at.unwrap();
        assert!(at.duration_since(created).abs() < SignedDuration::from_mins(1), "{at}");
    }
    assert_eq!(crm.newest(ids::Entity::Person, until).await.unwrap().ahead, None);
}

#[tokio::test]
async fn a_list_that_refuses_the_date_of_deletion_tells_its_last_number_all_the_same() {
    let (emulator, crm) = tenant().await;
    let world = emulator.world();
    world.set_policy(|policy| policy.refused_columns = vec!["deletedDate".into()]);
    let (contact, _) = create(&world);
    let since = world.now();
    assert_eq!(crm.last(ids::Entity::Contact, since).await.unwrap(), contact);
    assert_eq!(crm.changed(ids::Entity::Contact, since, 0, &Definitions::default()).await.unwrap().len(), 1);
    let calls = || world.calls("GET", "Archive/{provider}") + world.calls("POST", "Archive/{provider}");
    let before = calls();
    assert_eq!(crm.last(ids::Entity::Contact, since).await.unwrap(), contact);
    assert_eq!(calls(), before + 1, "it is known by now");
}

#[tokio::test]
async fn an_archive_whose_times_are_local_is_not_relied_on_however_long_the_gap_is() {
    let (emulator, crm) = tenant().await;
    let world = emulator.world();
    create(&world);
    // The filter's times lie five hours later than they are meant, and the gap is longer than that.
    let since = to_the_second(world.now()) - SignedDuration::from_secs(1);
    world.move_clock(SignedDuration::from_hours(8));
    let last = world.create(Entity::Contact, INSIDER, &[("Name", "Sydlys Energi")]).unwrap();
    world.set_policy(|policy| {
        policy.filter_times_are_local = true;
        policy.base_offset_hours = -5;
        policy.base_time_zone = None;
    });
    crm.newest(ids::Entity::Contact, Timestamp::MAX).await.unwrap();
    let few = crm.few(ids::Entity::Contact, since, &Definitions::default()).await.unwrap();
    assert_eq!(few.rows, None);
    let page = crm.changed(ids::Entity::Contact, since, 0, &Definitions::default()).await.unwrap();
    assert_eq!(page.iter().map(|listed| listed.row.record.id).max(), Some(last));
    assert_eq!(page.len(), 2);
}
