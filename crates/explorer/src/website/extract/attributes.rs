//! What an element says of itself in its attributes: hidden, a frame, in the margin.

use super::StartTag;

pub(super) fn attribute(start: &StartTag, name: &[u8]) -> String {
    let value = start.attributes.get(name).map(|value| String::from_utf8_lossy(value).into_owned());
    value.unwrap_or_default()
}

pub(super) fn is_json_ld(start: &StartTag) -> bool {
    attribute(start, b"type").trim().eq_ignore_ascii_case("application/ld+json")
}

/// Whether people do not see the element, as far as it says so itself.
pub(super) fn is_hidden(start: &StartTag) -> bool {
    if start.attributes.is_empty() {
        return false;
    }
    if start.attributes.contains_key(b"hidden".as_slice())
        || attribute(start, b"aria-hidden").eq_ignore_ascii_case("true")
    {
        return true;
    }
    let style = attribute(start, b"style").to_ascii_lowercase().replace([' ', '\n', '\t'], "");
    let hides = |rule: &str| {
        matches!(
            rule,
            "display:none"
                | "visibility:hidden"
                | "opacity:0"
                | "font-size:0"
                | "font-size:0px"
                | "opacity:0.0"
        )
    };
    style.split(';').any(|rule| hides(rule.trim_end_matches("!important")))
        || style.contains("left:-999")
        || style.contains("text-indent:-999")
        || classes(start).any(|class| {
            matches!(
                class.as_str(),
                "sr-only" | "visually-hidden" | "screen-reader-text" | "d-none" | "hidden"
            )
        })
}

fn classes(start: &StartTag) -> impl Iterator<Item = String> {
    let names = attribute(start, b"class").to_ascii_lowercase();
    names.split_ascii_whitespace().take(20).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

pub(super) fn frames_by_role(start: &StartTag) -> bool {
    let role = attribute(start, b"role").to_ascii_lowercase();
    matches!(
        role.as_str(),
        "navigation" | "contentinfo" | "search" | "dialog" | "alertdialog" | "menu" | "menubar"
    )
}

/// Whether class or id say that the element frames the page.
pub(super) fn is_marginal(start: &StartTag) -> bool {
    if start.attributes.is_empty() {
        return false;
    }
    let id = attribute(start, b"id").to_ascii_lowercase();
    classes(start).chain([id]).any(|name| {
        let describes_another = ["has-", "with-", "no-", "is-"].iter().any(|start| name.starts_with(start));
        let last = name.rsplit(['-', '_']).next().unwrap_or_default();
        let first = name.split(['-', '_']).next().unwrap_or_default();
        !describes_another && (MARGINAL.contains(&last) || ALWAYS_MARGINAL.contains(&first))
    })
}

#[rustfmt::skip]
const MARGINAL: &[&str] = &[
    "nav", "navi", "navbar", "navigation", "menu", "footer", "sidebar", "breadcrumb", "breadcrumbs",
    "newsletter", "social", "share", "modal", "popup", "pagination", "copyright", "topbar", "foot", "fuss",
    "menue",
];
#[rustfmt::skip]
const ALWAYS_MARGINAL: &[&str] = &[
    "cookie", "cookies", "consent", "gdpr", "dsgvo", "cookiebanner", "cc",
];
