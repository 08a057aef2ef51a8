//! Companies made up from a seed: their shares, their pages, and that thousands of them cost little.

use std::collections::{BTreeMap, BTreeSet};

use super::{ORIGIN, reachable, visible, words};
use crate::story::{Language, story};

#[test]
fn a_thousand_made_up_companies_have_the_promised_shares() {
    let story = story(1_024, 77);
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for company in &story.companies[24..] {
        *ends.entry(company.expected.reason.as_deref().unwrap_or("COMPLETED")).or_default() += 1;
    }
    let wanted = [("COMPLETED", 800), ("NO_EVIDENCE", 20), ("NO_WEBSITE", 30), ("OWNER_NOT_IN_SCOPE", 150)];
    assert_eq!(ends, wanted.into());
}

#[test]
fn made_up_websites_can_be_walked_and_read() {
    for company in &story(424, 8).companies[24..] {
        let Some(website) = company.website.as_ref().filter(|website| !website.down) else { continue };
        let paths = website.paths();
        assert_eq!(paths.len(), 3, "{}", website.host);
        assert_eq!(reachable(website), paths.iter().cloned().collect(), "{}", website.host);
        for path in &paths {
            let text = visible(&website.page_at(path, ORIGIN).unwrap().body);
            assert!(!text.contains(['{', '}']), "{}{path}: {text}", website.host);
            assert!(words(&text) >= 60, "{}{path}: {text}", website.host);
        }
    }
}

#[test]
fn each_vertical_has_enough_patterns_in_both_languages() {
    for language in [Language::De, Language::En] {
        for pattern in crate::story::generated::patterns(language) {
            assert!(pattern.patterns.len() >= 3);
            assert!(pattern.names.len() >= 3 && pattern.names.iter().all(|name| name.contains("{root}")));
            assert!(pattern.products.len() >= 5 && pattern.customers.len() >= 5);
        }
    }
}

#[test]
fn a_vertical_occurs_in_both_languages_and_a_page_is_the_same_each_time() {
    let story = story(2_024, 3);
    let mut seen = BTreeSet::new();
    for company in &story.companies[24..] {
        if let (Some(vertical), Some(website)) = (&company.expected.vertical, &company.website) {
            seen.insert((vertical.clone(), company.language == Language::De));
            assert_eq!(website.page("/"), website.page("/"));
        }
    }
    assert_eq!(seen.len(), 40);
}

#[test]
fn twenty_five_thousand_companies_are_unique_and_light() {
    let story = story(25_000, 1);
    assert_eq!(story.companies.len(), 25_000);
    let slugs: BTreeSet<_> = story.companies.iter().map(|company| &company.slug).collect();
    assert_eq!(slugs.len(), 25_000);
    let text: usize = story
        .companies
        .iter()
        .map(|company| {
            std::mem::size_of_val(company)
                + company.name.len()
                + company.slug.len()
                + company.persons.len() * 240
        })
        .sum();
    assert!(text < 40_000_000, "{text} bytes");
}
