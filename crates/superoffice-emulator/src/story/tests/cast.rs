//! Who plays in the story and how it ends for them.

use std::collections::{BTreeMap, BTreeSet};

use super::is_completed;
use crate::story::{Company, people, story, verticals};

fn ends(companies: &[Company]) -> BTreeMap<String, usize> {
    let mut ends = BTreeMap::new();
    for company in companies {
        let end = company.expected.reason.clone().unwrap_or_else(|| company.expected.state.clone());
        *ends.entry(end).or_default() += 1;
    }
    ends
}

#[test]
fn the_24_companies_end_in_the_promised_mix() {
    let story = story(24, 1);
    let wanted = [
        ("COMPLETED", 16),
        ("DUPLICATE_NAME", 1),
        ("NO_EVIDENCE", 2),
        ("NO_WEBSITE", 1),
        ("OWNER_NOT_IN_SCOPE", 4),
    ];
    assert_eq!(ends(&story.companies), wanted.map(|(end, count)| (end.to_owned(), count)).into());
}

#[test]
fn a_story_of_three_has_only_companies_that_complete() {
    let story = story(3, 1);
    assert_eq!(story.companies.len(), 3);
    assert!(story.companies.iter().all(is_completed));
}

#[test]
fn an_empty_story_still_has_its_associates() {
    let story = story(0, 1);
    assert!(story.companies.is_empty());
    assert_eq!(story.associates.iter().filter(|associate| associate.api_user).count(), 1);
}

#[test]
fn owners_are_in_scope_exactly_when_the_story_does_not_end_at_the_owner() {
    let story = story(1_000, 5);
    for company in &story.companies {
        let owner = story.associates.iter().find(|associate| associate.id == company.owner).unwrap();
        let group = story.groups.iter().find(|group| group.id == owner.group_id).unwrap();
        let ends_at_owner = company.expected.reason.as_deref() == Some("OWNER_NOT_IN_SCOPE");
        assert_eq!(group.in_scope, !ends_at_owner, "{}", company.name);
        assert!(!owner.api_user, "{}", company.name);
    }
}

#[test]
fn groups_have_the_promised_sizes() {
    let story = story(0, 1);
    let sizes: Vec<(&str, bool, usize)> = story
        .groups
        .iter()
        .map(|group| {
            let size = story.associates.iter().filter(|associate| associate.group_id == group.id).count();
            (group.name.as_str(), group.in_scope, size)
        })
        .collect();
    assert_eq!(sizes, [("System", false, 1), ("Vertrieb Nord", true, 4), ("Partnervertrieb", false, 3)]);
    for associate in &story.associates {
        let name = &associate.short_name;
        assert!(
            (4..=6).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_uppercase()),
            "{name}"
        );
    }
}

#[test]
fn slugs_and_names_are_unique() {
    let story = story(2_000, 3);
    let slugs: BTreeSet<_> = story.companies.iter().map(|company| &company.slug).collect();
    let names: BTreeSet<_> = story.companies.iter().map(|company| &company.name).collect();
    assert_eq!((slugs.len(), names.len()), (2_000, 2_000));
    for slug in slugs {
        assert!(
            slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
            "{slug}"
        );
        assert!(slug.len() <= 63, "{slug} is too long for a label");
    }
}

#[test]
fn the_second_record_follows_its_original_and_names_the_same_website() {
    let story = story(24, 1);
    let place = |slug: &str| story.companies.iter().position(|company| company.slug == slug).unwrap();
    let (original, second) = (place("volmebrueck-drehteile"), place("volmebrueck-drehteile-2"));
    assert!(original < second);
    let (original, second) = (&story.companies[original], &story.companies[second]);
    let plain = |name: &str| name.to_lowercase().replace(' ', "");
    assert_ne!(original.name, second.name);
    assert_eq!(plain(&original.name), plain(&second.name));
    assert_eq!(original.website.as_ref().unwrap().host, second.website.as_ref().unwrap().host);
}

#[test]
fn all_seven_countries_and_all_twenty_verticals_occur() {
    let story = story(24, 1);
    let countries: BTreeSet<_> =
        story.companies.iter().map(|company| company.country.iso2.as_str()).collect();
    assert_eq!(countries, ["AT", "CH", "DE", "DK", "FI", "NO", "SE"].into());
    let completed: BTreeSet<_> =
        story.companies.iter().filter_map(|company| company.expected.vertical.clone()).collect();
    assert_eq!(completed.len(), 16, "each completed company has a vertical of its own");
    for vertical in completed {
        assert!(verticals::VERTICALS.iter().any(|(id, _)| *id == vertical), "{vertical}");
    }
    let ids: Vec<i64> = story.vertical_items.iter().map(|item| item.id).collect();
    assert_eq!(ids, (1613..1633).collect::<Vec<_>>());
}

#[test]
fn ordinary_companies_have_one_to_three_people_with_many_kinds_of_titles() {
    let story = story(24, 1);
    let mut titles = BTreeSet::new();
    for company in &story.companies {
        assert!((1..=3).contains(&company.persons.len()), "{}", company.name);
        for person in &company.persons {
            let known = |position: &String| people::POSITIONS.contains(&position.as_str());
            assert!(person.position.as_ref().is_none_or(known), "{:?}", person.position);
            titles.insert(&person.title);
        }
    }
    assert!(titles.len() >= 30, "{titles:?}");
}

#[test]
fn e_mail_addresses_belong_to_the_company_and_to_nobody_real() {
    let story = story(1_000, 11);
    for company in &story.companies {
        let host = company.website.as_ref().map(|website| &website.host);
        for person in &company.persons {
            match host {
                Some(host) => {
                    assert!(person.email.ends_with(&format!("@{host}.example")), "{}", person.email);
                }
                None => assert_eq!(person.email, ""),
            }
        }
    }
}

#[test]
fn the_same_seed_tells_the_same_story_and_another_seed_another() {
    let told = |seed| format!("{:?}", story(300, seed));
    assert_eq!(told(42), told(42));
    assert_ne!(told(42), told(43));
}

#[test]
fn a_longer_story_begins_with_the_shorter_one() {
    let (short, long) = (story(60, 9), story(400, 9));
    assert_eq!(format!("{:?}", short.companies), format!("{:?}", &long.companies[..60]));
}
