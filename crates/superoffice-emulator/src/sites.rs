//! The companies' websites: `http://LABEL.localhost:PORT/`, told apart by host name alone.
//!
//! Reads of pages are counted for each company, `robots.txt` is not. A site that is down takes the connection and
//! says nothing.

use serde_json::{Value, json};

use crate::answer::{Answer, Call, decode};
use crate::mishap::{Place, Trouble};
use crate::world::{State, World};

/// The label before `.localhost`, if a host name has that form.
pub(crate) fn label(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let at = name.len().checked_sub(".localhost".len())?;
    let (label, rest) = name.split_at_checked(at)?;
    (rest.eq_ignore_ascii_case(".localhost") && !label.is_empty()).then_some(label)
}

/// The mishaps that a website meets.
pub(crate) fn trouble(world: &World, label: &str, call: &Call) -> Trouble {
    world.with(|state| {
        let route = format!("website {label}");
        let place =
            Place { method: call.method.as_str(), route: &route, id: None, website: true, login: false };
        let State { mishaps, rng, .. } = state;
        mishaps.meet(&place, rng)
    })
}

/// Answers for a website; `None` when the connection is to be closed without a word.
pub(crate) fn answer(world: &World, label: &str, call: &Call) -> Option<Answer> {
    let not_found = |what: &str| Answer::page(404, "text/html; charset=utf-8", not_found_page(what));
    if call.method != http::Method::GET && call.method != http::Method::HEAD {
        return Some(
            Answer::page(405, "text/plain", "Method not allowed").with("allow", "GET, HEAD".to_owned()),
        );
    }
    let path = decode(&call.path);
    let robots = path == "/robots.txt";
    let setup = world.with(|state| {
        let slug = state.setup.company_at(label).map(|company| company.slug.clone());
        if let Some(slug) = slug.filter(|_| !robots) {
            *state.website_hits.entry(slug).or_default() += 1;
        }
        std::sync::Arc::clone(&state.setup)
    });
    let Some(site) = setup.company_at(label).and_then(|company| company.website.as_ref()) else {
        return Some(not_found("There is no such site."));
    };
    if site.down {
        return None;
    }
    if robots {
        let text = site.robots.clone();
        return Some(text.map_or_else(
            || not_found("robots.txt"),
            |text| Answer::page(200, "text/plain; charset=utf-8", text),
        ));
    }
    // Rendering happens outside the lock: it is the only costly part.
    let page = site.page_at(&path, &setup.website_url(&site.host));
    Some(page.map_or_else(|| not_found(&path), |page| Answer::page(200, &page.content_type, page.body)))
}

/// `GET /sites`: what there is to see.
pub(crate) fn all(world: &World) -> Answer {
    let setup = world.with(|state| std::sync::Arc::clone(&state.setup));
    let sites = setup.story.companies.iter().filter_map(|company| {
        let site = company.website.as_ref()?;
        Some(json!({"company": company.name, "url": setup.website_url(&site.host), "down": site.down,
                    "pages": site.paths()}))
    });
    Answer::ok(&sites.collect::<Value>())
}

fn not_found_page(what: &str) -> String {
    let what = what.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<!DOCTYPE html><html><head><title>404</title></head><body><h1>404</h1><p>{what}</p></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::label;

    #[test]
    fn a_site_is_the_label_before_localhost() {
        assert_eq!(label("falkenried.localhost:8081"), Some("falkenried"));
        assert_eq!(label("Falkenried.LOCALHOST"), Some("Falkenried"));
        assert_eq!(label("localhost:8081"), None);
        assert_eq!(label("127.0.0.1:8081"), None);
    }
}
