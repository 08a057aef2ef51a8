//! Which signed tokens are believed. Notifications are the door: their token comes from whoever knows our address.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use serde_json::{Value, json};
use superoffice::api::state::StateChange;
use superoffice::{Concern, Error};

use crate::signing::{LOGIN, OTHER, Signer, claims, head, now, unsigned};
use crate::stage::{self, CONTACT, Hit, STATE, Stage, pass, state};

const DISCOVERY: &str = "/login/.well-known/openid-configuration";
const JWKS: &str = "/login/.well-known/jwks";
const SYSTEM: &str = "SuperOffice AS";

/// The log-in host's two documents, with these keys.
pub(crate) fn keys(hit: &Hit, keys: &[Value]) -> Option<Response> {
    let host = format!("http://{}", hit.headers["host"].to_str().unwrap());
    match hit.path.as_str() {
        DISCOVERY => {
            let body = json!({"issuer": host, "jwks_uri": format!("{host}{JWKS}")});
            Some(stage::json(200, body.to_string()))
        }
        JWKS => Some(stage::json(200, json!({ "keys": keys }).to_string())),
        _ => None,
    }
}

/// A log-in host with one key that is named as published ones are.
async fn usual() -> Stage {
    Stage::open(|hit, _| keys(hit, &[Signer::of(LOGIN).jwk(&json!({"x5t": "login"}))])).await
}

fn change(context: &str, token: &str) -> StateChange {
    StateChange {
        change_type: 3,
        context_identifier: context.to_owned(),
        token: token.into(),
        ..StateChange::default()
    }
}

/// What comes of a token about our tenant: our words on it, or whom it concerns.
async fn judged(stage: &Stage, token: &str) -> String {
    match stage.client().accept_state_change(&change("Cust12345", token)).await {
        Ok(concern) => format!("{concern:?}"),
        Err(error) => error.to_string().trim_start_matches("the sign-in cannot be trusted: ").to_owned(),
    }
}

#[tokio::test]
async fn a_token_is_believed_in_every_form_that_is_documented() {
    let (stage, signer, now) = (usual().await, Signer::of(LOGIN), now());
    let host = stage.url.clone();
    let good = [
        (&*host, json!({})),
        (SYSTEM, json!({})),
        (&host, json!({"aud": ["another", "app-id"]})),
        (SYSTEM, json!({"aud": "spn:app-id"})),
        (SYSTEM, json!({"aud": "spn:1801550193"})),
        (SYSTEM, json!({"aud": ["spn:1801550193"], "ctx": "CUST12345"})),
        (&host, json!({"ctx": null})),
        (
            &host,
            json!({"exp": (now + 300).to_string(), "nbf": (now - 60).to_string(), "serial": 1_801_550_193}),
        ),
        (&host, json!({"exp": now - 250})),
        (&host, json!({"nbf": now + 250})),
        (&host, json!({"nbf": null, "iat": null, "sub": null})),
    ];
    for (issuer, others) in good {
        let token = signer.jwt(&head(), &claims(issuer, &others));
        assert_eq!(judged(&stage, &token).await, "Us", "{issuer} {others}");
    }
}

#[tokio::test]
async fn a_token_is_refused_that_another_made_or_that_is_for_another() {
    let (stage, signer, now) = (usual().await, Signer::of(LOGIN), now());
    let host = stage.url.clone();
    let (issuer, app) =
        ("another issuer than the log-in host made it", "it is not meant for this app and tenant");
    let bad = [
        (&*host, json!({"iss": "https://online.superoffice.com.example"}), issuer),
        (&host, json!({"iss": null}), issuer),
        (&host, json!({"aud": "another"}), app),
        (&host, json!({"aud": ["another", "spn:another"]}), app),
        (&host, json!({"aud": []}), app),
        (&host, json!({"aud": null}), app),
        // A serial number proves nothing of itself: everybody's token has the one that it names.
        (SYSTEM, json!({"aud": "spn:7", "serial": "7", "ctx": "Cust99999"}), app),
        (SYSTEM, json!({"aud": "spn:7", "serial": "7", "ctx": null}), app),
        (SYSTEM, json!({"aud": "spn:7"}), app),
        (SYSTEM, json!({"aud": "spn:", "serial": ""}), app),
        (&host, json!({"exp": now - 400}), "it has ended"),
        (&host, json!({"exp": (now - 400).to_string()}), "it has ended"),
        (&host, json!({"exp": "inf"}), "it does not say when it ends"),
        (&host, json!({"exp": null}), "it does not say when it ends"),
        (&host, json!({"nbf": now + 400}), "it has not begun"),
        (&host, json!({"ctx": "Cust99999"}), "its token is for another tenant than it says"),
    ];
    for (by, others, words) in bad {
        let token = signer.jwt(&head(), &claims(by, &others));
        assert_eq!(judged(&stage, &token).await, words, "{by} {others}");
    }
}

#[tokio::test]
async fn a_token_is_refused_that_is_signed_otherwise_than_with_rs256_by_the_log_in_host() {
    let stage = usual().await;
    let claims = claims(&stage.url, &json!({}));
    let (signer, other) = (Signer::of(LOGIN), Signer::of(OTHER));
    let with = |alg: &str| json!({"typ": "JWT", "alg": alg, "x5t": "login"});
    let (alg, key) = ("it is not signed with RS256", "no key of the log-in host signed it");
    let good = signer.jwt(&head(), &claims);
    let (rest, seal) = good.rsplit_once('.').unwrap();
    let more =
        signer.jwt(&head(), &crate::signing::claims(&stage.url, &json!({"sub": "somebody@else.example"})));
    let bad = [
        (unsigned(&with("none"), &claims, b""), alg),
        (unsigned(&json!({"x5t": "login"}), &claims, b""), alg),
        (unsigned(&with("HS256"), &claims, &hmac(&signer, &with("HS256"), &claims)), alg),
        (signer.jwt(&with("rs256"), &claims), alg),
        (unsigned(&head(), &claims, b""), key),
        (unsigned(&head(), &claims, &[0; 256]), key),
        (other.jwt(&head(), &claims), key),
        (format!("{}.{seal}", more.rsplit_once('.').unwrap().0), key),
        (
            signer.jwt(&json!({"alg": "RS256", "crit": ["exp"], "exp": 1}), &claims),
            "it asks for more than we understand",
        ),
        (rest.to_owned(), "it is no JWT"),
        (format!("{good}.e30"), "it is no JWT"),
        ("..".to_owned(), "it is no JWT"),
        (String::new(), "it is no JWT"),
        ("ü.ü.ü".to_owned(), "it is no JWT"),
    ];
    for (token, words) in bad {
        assert_eq!(judged(&stage, &token).await, words, "{token}");
    }
}

/// Signs with the public key as if it were a shared secret.
fn hmac(signer: &Signer, head: &Value, claims: &Value) -> Vec<u8> {
    let public = signer.jwk(&json!({})).to_string();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, public.as_bytes());
    let token = unsigned(head, claims, b"");
    ring::hmac::sign(&key, token.trim_end_matches('.').as_bytes()).as_ref().to_vec()
}

#[tokio::test]
async fn the_key_is_found_by_either_name_and_by_none() {
    let stage = Stage::open(|hit, _| {
        let ours = Signer::of(LOGIN).jwk(&json!({"kid": "K", "x5t": "login"}));
        let elliptic = json!({"kty": "EC", "kid": "E", "crv": "P-256", "x": "AA", "y": "AA"});
        keys(hit, &[elliptic, Signer::of(OTHER).jwk(&json!({"kid": "O", "x5t": "other"})), ours])
    })
    .await;
    let claims = claims(&stage.url, &json!({}));
    let heads = [
        json!({"alg": "RS256"}),
        json!({"alg": "RS256", "kid": "K"}),
        json!({"alg": "RS256", "x5t": "login"}),
        json!({"alg": "RS256", "kid": "of a certificate that was renewed", "x5t": "login"}),
        json!({"alg": "RS256", "kid": "named otherwise"}),
    ];
    for head in heads {
        assert_eq!(judged(&stage, &Signer::of(LOGIN).jwt(&head, &claims)).await, "Us", "{head}");
    }
    let misnamed = Signer::of(LOGIN).jwt(&json!({"alg": "RS256", "kid": "O"}), &claims);
    assert_eq!(judged(&stage, &misnamed).await, "no key of the log-in host signed it");
}

#[tokio::test]
async fn a_token_of_an_unknown_key_makes_us_look_for_newer_ones_every_30_seconds_at_most() {
    let stage = Stage::open(|hit, before| {
        let (old, new) = (Signer::of(OTHER), Signer::of(LOGIN));
        let signer = if before < 2 { old } else { new };
        keys(hit, &[signer.jwk(&json!({"kid": if before < 2 { "old" } else { "new" }}))])
    })
    .await;
    let client = stage.client();
    let token =
        Signer::of(LOGIN).jwt(&json!({"alg": "RS256", "kid": "new"}), &claims(&stage.url, &json!({})));
    let change = change("Cust12345", &token);
    let mut asked = Vec::new();
    for seconds in [0, 0, 29, 2, 0, 29, 2, 0] {
        pass(Duration::from_secs(seconds)).await;
        let believed = client.accept_state_change(&change).await.is_ok();
        asked.push((stage.count(JWKS), believed));
    }
    let expected =
        [(1, false), (1, false), (1, false), (2, false), (2, false), (2, false), (3, true), (3, true)];
    assert_eq!(asked, expected);
}

#[tokio::test]
async fn a_log_in_host_that_fails_is_not_asked_for_each_forged_token() {
    let stage = Stage::open(|hit, before| match before {
        0 => keys(hit, &[Signer::of(OTHER).jwk(&json!({}))]),
        _ => hit.path.starts_with("/login").then(|| stage::json(500, "")),
    })
    .await;
    let client = stage.client();
    let forged = change("Cust12345", &Signer::of(LOGIN).jwt(&head(), &claims(&stage.url, &json!({}))));
    assert!(matches!(client.accept_state_change(&forged).await, Err(Error::Untrusted(_))));
    pass(Duration::from_secs(31)).await;
    assert!(matches!(client.accept_state_change(&forged).await, Err(Error::Refused { .. })));
    for _ in 0..3 {
        assert!(matches!(client.accept_state_change(&forged).await, Err(Error::Untrusted(_))));
    }
    assert_eq!(stage.count(DISCOVERY), 2);
}

#[tokio::test]
async fn a_log_in_host_that_never_told_its_keys_is_asked_once_a_second() {
    let stage = Stage::open(|hit, _| hit.path.starts_with("/login").then(|| stage::json(500, ""))).await;
    let client = stage.client();
    for (seconds, asked) in [(0, 1), (0, 1), (2, 2)] {
        pass(Duration::from_secs(seconds)).await;
        assert!(client.accept_state_change(&change("Cust12345", "a.b.c")).await.is_err());
        assert_eq!(stage.count(DISCOVERY), asked);
    }
}

#[tokio::test]
async fn keys_are_not_fetched_from_a_foreign_host() {
    let stage = Stage::open(|hit, _| {
        let body = r#"{"issuer":"x","jwks_uri":"http://localhost:1/jwks"}"#;
        (hit.path == DISCOVERY).then(|| stage::json(200, body))
    })
    .await;
    let error = stage.client().accept_state_change(&change("Cust12345", "a.b.c")).await.unwrap_err();
    assert!(matches!(&error, Error::ForeignHost(host) if host == "localhost"), "{error:?}");
}

#[tokio::test]
async fn a_notification_about_us_makes_the_next_call_ask_for_the_state_and_another_tenants_does_not() {
    let stage = Arc::new(usual().await);
    let client = stage.client();
    client.contact(18).await.unwrap();
    let signer = Signer::of(LOGIN);
    let token = |context: Value| signer.jwt(&head(), &claims(&stage.url, &json!({"ctx": context})));

    let about_another = change("Cust99999", &token("Cust99999".into()));
    assert_eq!(client.accept_state_change(&about_another).await.unwrap(), Concern::AnotherTenant);
    let unnamed = change("Cust99999", &token(Value::Null));
    assert_eq!(client.accept_state_change(&unnamed).await.unwrap(), Concern::AnotherTenant);
    let forged = change("Cust12345", &token("Cust99999".into()));
    assert!(client.accept_state_change(&forged).await.is_err());
    client.contact(18).await.unwrap();
    assert_eq!(stage.count(STATE), 1);

    let mut about_us = change("cust12345", &token("Cust12345".into()));
    about_us.public_endpoint = Some("evil.example".to_owned());
    assert_eq!(client.accept_state_change(&about_us).await.unwrap(), Concern::Us);
    client.contact(18).await.unwrap();
    assert_eq!((stage.count(STATE), stage.count(CONTACT)), (2, 3));
}

#[tokio::test]
async fn a_host_that_a_notification_names_is_not_called() {
    let stage = Stage::open(|hit, _| {
        let api = format!("http://{}/moved/Cust12345/api", hit.headers["host"].to_str().unwrap());
        let moved = hit.path.starts_with("/moved").then(|| stage::json(200, r#"{"ContactId":18}"#));
        let state = || hit.path.contains(STATE).then(|| state(&api, "Running"));
        moved.or_else(state).or_else(|| keys(hit, &[Signer::of(LOGIN).jwk(&json!({}))]))
    })
    .await;
    let client = stage.client();
    let token = Signer::of(LOGIN).jwt(&head(), &claims(&stage.url, &json!({})));
    let moved = StateChange { public_endpoint: Some("evil.example".into()), ..change("Cust12345", &token) };
    client.accept_state_change(&moved).await.unwrap();
    client.contact(18).await.unwrap();
    assert_eq!(stage.count("/moved/"), 1);
}
