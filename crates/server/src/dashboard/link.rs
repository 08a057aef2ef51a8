//! Addresses that came from outside and may become links.

/// The address, if a click on it can only open a web page.
///
/// Text from a website or from the CRM may say `javascript:` or worse; that stays text.
pub(crate) fn safe(address: &str) -> Option<String> {
    let address = address.trim();
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let url = url::Url::parse(&with_scheme).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    let is_plain = url.username().is_empty() && url.password().is_none();
    (is_web && is_plain).then(|| url.to_string())
}

/// The address as it is shown: without scheme, and not longer than a line.
pub(crate) fn shown(address: &str) -> String {
    let address = address.trim();
    let bare = address.split_once("://").map_or(address, |(_, rest)| rest).trim_end_matches('/');
    if bare.chars().count() <= 60 { bare.to_owned() } else { bare.chars().take(59).chain(['…']).collect() }
}

/// An address of ours with what it is asked; what is empty is left out.
pub(crate) fn to(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_encoded() {
        assert_eq!(to("/a", &[("from", "1 h&x=\"2"), ("until", "")]), "/a?from=1+h%26x%3D%222");
        assert_eq!(to("/a", &[("from", "")]), "/a");
    }

    #[test]
    fn only_web_pages_become_links() {
        assert_eq!(safe("www.nordlys.example").as_deref(), Some("https://www.nordlys.example/"));
        assert_eq!(safe("http://nordlys.example/om").as_deref(), Some("http://nordlys.example/om"));
        for address in [
            "javascript:alert(1)",
            "javascript://nordlys.example/%0aalert(1)",
            "data:text/html,x",
            "https://user:pass@nordlys.example",
            "file:///etc/passwd",
            "",
            "no good",
        ] {
            assert_eq!(safe(address), None, "{address}");
        }
    }
}
