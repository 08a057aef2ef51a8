//! Filters and paging: the text that is sent means what the value says.

use jiff::civil::date;
use proptest::prelude::*;
use superoffice::api::odata::{Page, Row};
use superoffice::api::udef::Owner;
use superoffice::odata::{Column, Filter, KeySet, Query, Stuck};

#[test]
fn filters_are_written_as_the_pages_show_them() {
    let text = |filter: Filter| filter.to_string();
    assert_eq!(text(Filter::eq("contactId", 5)), "contactId eq 5");
    assert_eq!(text(Filter::is_in("contactId", &[5, 6]).unwrap()), "contactId in (5,6)");
    assert_eq!(text(Filter::one_of("category", &[3]).unwrap()), "category oneOf (3)");
    assert_eq!(text(Filter::text_is("name", "L'Oréal")), r"name is 'L\'Oréal'");
    assert_eq!(text(Filter::begins("name", r"a\")), r"name begins 'a\\'");
    assert_eq!(text(Filter::after("updatedDate", date(2026, 2, 25))), "updatedDate after '2026-02-25'");
    assert_eq!(
        text(Filter::after_time("contact.updated", date(2026, 2, 25).at(8, 0, 0, 5))),
        "contact.updated afterTime '2026-02-25T08:00:00'"
    );
    assert_eq!(Filter::is_in("contactId", &[]), None);
}

#[test]
fn and_and_or_keep_their_meaning() {
    let (a, b, c) = (Filter::eq("a", 1), Filter::eq("b", 2), Filter::eq("c", 3));
    assert_eq!(a.clone().and(b.clone()).and(c.clone()).to_string(), "a eq 1 and b eq 2 and c eq 3");
    assert_eq!(a.clone().or(b.clone()).and(c.clone()).to_string(), "(a eq 1 or b eq 2) and c eq 3");
    assert_eq!(a.or(b.and(c)).to_string(), "a eq 1 or (b eq 2 and c eq 3)");
}

#[test]
fn a_column_can_be_nothing_but_a_column() {
    assert_eq!(Column::udf(Owner::Contact, "SuperOffice:1").unwrap().as_str(), "contactUdef/SuperOffice:1");
    assert_eq!(Column::udf(Owner::Person, "x eq 1 or 1"), None);
    assert_eq!(Column::checked("name' or '"), None);
    assert_eq!(Column::checked("name,other"), None);
    assert_eq!(Column::checked(""), None);
}

#[test]
fn a_query_is_a_list_of_parameters() {
    let query = Query::select(["contactId", "name"])
        .filter(Filter::eq("a", 1))
        .filter(Filter::eq("b", 2))
        .order_by("contactId")
        .top(1000)
        .skip(5);
    let parameters: Vec<String> =
        query.parameters().iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        parameters.join("&"),
        "$select=contactId,name&$filter=a eq 1 and b eq 2&$orderby=contactId&$top=1000&$skip=5"
    );
    assert!(Query::default().parameters().is_empty());
}

fn page(keys: &[i64]) -> Page {
    let rows = keys.iter().map(|&primary_key| Row { primary_key, ..Row::default() });
    Page { rows: rows.collect(), ..Page::default() }
}

#[test]
fn a_walk_goes_on_behind_the_greatest_key_until_a_page_is_empty() {
    let mut walk = KeySet::new(Query::select(["name"]), "contactId", 2);
    assert_eq!(walk.next().filter.unwrap().to_string(), "contactId gt 0");
    assert_eq!(walk.advance(&page(&[3, 9])), Ok(true));
    assert_eq!(walk.next().filter.unwrap().to_string(), "contactId gt 9");
    assert_eq!(walk.advance(&page(&[12])), Ok(true), "a short page is not the end");
    assert_eq!(walk.advance(&page(&[])), Ok(false));
    assert_eq!(walk.last(), 12);
}

#[test]
fn a_server_that_answers_the_same_page_again_is_noticed() {
    let mut walk = KeySet::new(Query::default(), "contactId", 2);
    assert_eq!(walk.advance(&page(&[3, 9])), Ok(true));
    assert_eq!(walk.advance(&page(&[3, 9])), Err(Stuck(9)));
}

/// Reads a quoted text as SuperOffice does: a backslash takes the next letter as it is.
fn unquote(quoted: &str) -> Option<String> {
    let mut letters = quoted.strip_prefix('\'')?.chars();
    let mut text = String::new();
    loop {
        match letters.next()? {
            '\\' => text.push(letters.next()?),
            '\'' => return letters.next().is_none().then_some(text),
            letter => text.push(letter),
        }
    }
}

proptest! {
    #[test]
    fn no_text_can_end_its_quotes(text in "(\\PC|['\\\\]){0,30}") {
        let filter = Filter::text_is("name", &text).to_string();
        let quoted = filter.strip_prefix("name is ").unwrap();
        prop_assert_eq!(unquote(quoted), Some(text));
    }
}
