//! The story's promises, checked: its mix, its order, that its websites can be walked and read, and that nothing in
//! it belongs to anybody real.

mod cast;
mod generated;
mod pages;

use std::collections::BTreeSet;

use super::{Company, Website};

const ORIGIN: &str = "http://somewhere.localhost:4711";

/// The text that a reader of a page sees, without scripts, styles and tags.
fn visible(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        let skipped = ["script", "style", "title"].into_iter().find(|name| tag.starts_with(name));
        rest = match skipped {
            Some(name) => tag.split_once(&format!("</{name}>")).unwrap().1,
            None => tag.split_once('>').unwrap().1,
        };
    }
    text.push_str(rest);
    text.replace("&nbsp;", " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The addresses that a page links to.
fn links(html: &str) -> Vec<String> {
    html.match_indices("<a ")
        .filter_map(|(at, _)| {
            let tag = html[at..].split_once('>')?.0;
            Some(tag.split_once("href=\"")?.1.split_once('"')?.0.to_owned())
        })
        .collect()
}

/// The paths that can be reached from the start page, as a browser follows links. Each link must lead somewhere.
fn reachable(website: &Website) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec!["/".to_owned()];
    while let Some(path) = open.pop() {
        let page =
            website.page_at(&path, ORIGIN).unwrap_or_else(|| panic!("{}: no page {path}", website.host));
        if !found.insert(format!("/{}", path.trim_matches('/'))) {
            continue;
        }
        let here = url::Url::parse(ORIGIN).unwrap().join(&path).unwrap();
        for link in links(&page.body) {
            let there = here.join(&link).unwrap();
            if there.scheme() == "http" {
                assert_eq!(there.host_str(), Some("somewhere.localhost"), "{}: {link}", website.host);
                open.push(there.path().to_owned());
            }
        }
    }
    found
}

fn words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

fn is_completed(company: &Company) -> bool {
    company.expected.state == "COMPLETED"
}
