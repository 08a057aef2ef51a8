//! Our webhook as SuperOffice holds it: what it has to be, and whether it is.

use std::net::IpAddr;

use ::superoffice::api::webhook::{Webhook, WebhookState};
use ::superoffice::patch::Patch;
use ::superoffice::{Client, Error, Secret};

/// The events that SuperOffice is asked to send.
pub const EVENTS: &[&str] = &[
    "contact.created",
    "contact.changed",
    "contact.softdeleted",
    "contact.deleted",
    "person.created",
    "person.changed",
    "person.softdeleted",
    "person.deleted",
    "person.unconsented",
];

/// The name that our webhook has in SuperOffice.
pub const NAME: &str = "SuperOffice Connector";

/// The header that a delivery presents its token in.
pub const TOKEN_HEADER: &str = "X-Webhook-Token";

/// The webhook as it has to be.
pub fn wanted(address: &str, token: &str, secret: Option<&str>) -> Webhook {
    let mut webhook = Webhook::new(NAME, address, Secret::new(secret.unwrap_or_default()), EVENTS);
    webhook.headers.insert(TOKEN_HEADER.to_owned(), token.to_owned());
    webhook
}

/// Which of our secrets a webhook is to sign with: the one that it does sign with, while one is exchanged for another, or
/// else the first, which is the present one.
pub fn secret_for<'a>(webhook: &Webhook, secrets: &[&'a str]) -> Option<&'a str> {
    let known = secrets.iter().find(|secret| **secret == webhook.secret.expose());
    known.or(secrets.first()).copied()
}

/// Whether a webhook is meant for this service: by its name, or by where it sends to.
pub fn is_ours(webhook: &Webhook, address: Option<&str>) -> bool {
    webhook.name == NAME || address.is_some_and(|address| same_address(&webhook.target_url, address))
}

/// The webhooks of the app that are meant for this service. More than one is for a person to decide.
///
/// # Errors
///
/// Nothing is known of them then.
pub async fn ours(client: &Client, address: Option<&str>) -> Result<Vec<Webhook>, Error> {
    let mut ours = client.webhooks().await?;
    ours.retain(|webhook| is_ours(webhook, address));
    Ok(ours)
}

/// A webhook with its counters, wherever the tenant has them. What cannot be had stays as it is.
pub async fn with_usage(client: &Client, mut webhook: Webhook) -> Webhook {
    let is_told = webhook.total_calls > 0 || webhook.total_errors > 0 || webhook.consecutive_errors > 0;
    if is_told {
        return webhook;
    }
    if let Ok(Some(usage)) = client.webhook_usage(webhook.webhook_id).await {
        webhook.total_calls = usage.total_calls;
        webhook.total_errors = usage.total_errors;
        webhook.consecutive_errors = usage.consecutive_errors;
        if webhook.last_error.trim().is_empty() {
            webhook.last_error = usage.last_error;
        }
    }
    webhook
}

/// What has to be changed for it to be as it has to be: the patch, and each change in words.
///
/// A secret is changed only when SuperOffice tells another one: whether it tells secrets is not documented.
pub fn amendments(webhook: &Webhook, wanted: &Webhook) -> (Patch, Vec<String>) {
    let (mut patch, mut words) = (Patch::new(), Vec::new());
    if webhook.state != WebhookState::Active {
        patch = patch.replace("/State", WebhookState::Active.to_string());
        words.push(format!("it was {}", webhook.state));
    }
    if !same_address(&webhook.target_url, &wanted.target_url) {
        patch = patch.replace("/TargetUrl", wanted.target_url.as_str());
        words.push(format!("it sent to {}", without_query(&webhook.target_url)));
    }
    let missing = missing_events(webhook);
    if !missing.is_empty() {
        let all: Vec<&str> =
            webhook.events.iter().map(String::as_str).chain(missing.iter().copied()).collect();
        patch = patch.replace("/Events", all);
        words.push(format!("it lacked {}", missing.join(", ")));
    }
    let token = wanted.headers.get(TOKEN_HEADER).map(String::as_str).unwrap_or_default();
    if !presents(webhook, token) {
        let mut headers = webhook.headers.clone();
        headers.retain(|name, _| !name.eq_ignore_ascii_case(TOKEN_HEADER));
        headers.insert(TOKEN_HEADER.to_owned(), token.to_owned());
        patch = patch.replace("/Headers", serde_json::json!(headers));
        words.push("it presented another token, or none".to_owned());
    }
    if !webhook.secret.is_empty() && webhook.secret != wanted.secret {
        patch = patch.replace("/Secret", wanted.secret.expose());
        words.push("it signed with another secret".to_owned());
    }
    (patch, words)
}

/// The events that it lacks.
pub fn missing_events(webhook: &Webhook) -> Vec<&'static str> {
    let has = |event: &&&str| !webhook.events.iter().any(|known| known.eq_ignore_ascii_case(event));
    EVENTS.iter().filter(has).copied().collect()
}

/// Whether two addresses are the same but for a token in the query.
pub fn same_address(one: &str, other: &str) -> bool {
    without_query(one).trim_end_matches('/') == without_query(other).trim_end_matches('/')
}

/// The address without its query, which may hold a token.
pub fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or_default()
}

/// Whether its deliveries present this token, in the header or in the address.
pub fn presents(webhook: &Webhook, token: &str) -> bool {
    let by_header =
        webhook.headers.iter().any(|(name, value)| name.eq_ignore_ascii_case(TOKEN_HEADER) && value == token);
    let in_query = url::Url::parse(&webhook.target_url)
        .is_ok_and(|url| url.query_pairs().any(|(name, value)| name == "token" && value == token));
    by_header || in_query
}

/// Whether it sends in the open to another machine.
pub fn is_open(target: &str) -> bool {
    let Ok(url) = url::Url::parse(target) else { return false };
    let host = url.host_str().unwrap_or_default();
    let is_here = host == "localhost"
        || host.ends_with(".localhost")
        || host.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback());
    url.scheme() == "http" && !is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_webhook_that_is_wanted_has_no_fault() {
        let address = "https://hooks.example.com/connector/webhook";
        let webhook = wanted(address, "t0ken", None);
        assert!(is_ours(&webhook, None) && presents(&webhook, "t0ken") && !presents(&webhook, "other"));
        assert!(missing_events(&webhook).is_empty() && !is_open(address));
    }

    #[test]
    fn only_what_differs_is_amended() {
        let wanted = wanted("https://hooks.example.com/connector/webhook", "t0ken", Some("k3y"));
        assert!(amendments(&wanted, &wanted).0.is_empty());
        // A secret that is not told is not touched.
        let told_nothing = Webhook { secret: Secret::new(""), ..wanted.clone() };
        assert!(amendments(&told_nothing, &wanted).0.is_empty());

        let mut other = wanted.clone();
        other.state = WebhookState::TooManyErrors;
        other.events.retain(|event| event != "person.unconsented");
        other.events.push("sale.created".to_owned());
        let (patch, words) = amendments(&other, &wanted);
        assert_eq!(words, ["it was TooManyErrors", "it lacked person.unconsented"]);
        let paths: Vec<&str> = patch.operations().iter().map(::superoffice::patch::Operation::path).collect();
        assert_eq!(paths, ["/State", "/Events"]);
        let events = serde_json::to_value(&patch).unwrap()[1]["value"].clone();
        assert!(events.as_array().unwrap().contains(&"sale.created".into()), "what somebody added stays");
    }

    #[test]
    fn while_a_secret_is_exchanged_either_is_right() {
        let address = "https://hooks.example.com/connector/webhook";
        let amiss = |signs_with: &str| {
            let webhook = wanted(address, "t0ken", Some(signs_with));
            let right = wanted(address, "t0ken", secret_for(&webhook, &["new", "old"]));
            amendments(&webhook, &right).1
        };
        assert!(amiss("new").is_empty() && amiss("old").is_empty());
        assert_eq!(amiss("theirs"), ["it signed with another secret"]);
        assert_eq!(
            secret_for(&wanted(address, "t0ken", None), &["new", "old"]),
            Some("new"),
            "it is not told"
        );
        assert_eq!(secret_for(&wanted(address, "t0ken", None), &[]), None);
    }

    #[test]
    fn a_token_may_stand_in_the_address() {
        let webhook =
            Webhook::new("", "https://h.example/connector/webhook?token=t0ken", Secret::new(""), &[]);
        assert!(presents(&webhook, "t0ken"));
        assert!(is_ours(&webhook, Some("https://h.example/connector/webhook")));
        assert_eq!(missing_events(&webhook).len(), EVENTS.len());
    }

    #[test]
    fn only_loopback_may_be_reached_in_the_open() {
        for (target, open) in [
            ("http://127.0.0.1:8080/connector/webhook", false),
            ("http://[::1]:8080/connector/webhook", false),
            ("http://hooks.example.com/connector/webhook", true),
            ("https://hooks.example.com/connector/webhook", false),
        ] {
            assert_eq!(is_open(target), open, "{target}");
        }
    }
}
