//! Signing in as a system user: a signed token for a ticket, and what becomes of both.

use std::time::Duration;

use axum::response::Response;
use futures::future::join_all;
use serde_json::{Value, json};
use superoffice::api::state::StateChange;
use superoffice::patch::Patch;
use superoffice::{Client, Credentials, Error, PrivateKey, Remedy, SignIn};
use tracing::Level;

use crate::log::Log;
use crate::signing::{LOGIN, OTHER, Signer, claims, head};
use crate::stage::{self, CONTACT, Hit, Stage, TOKENS, pass};
use crate::trust::keys;

const EXCHANGE: &str = "/Login/api/PartnerSystemUser/Authenticate";
const SYSTEM_TOKEN: &str = "Some App-k3pZ9planted";

fn credentials() -> Credentials {
    let private_key = PrivateKey::read(include_str!("../keys/app.pem")).unwrap();
    Credentials::SystemUser { system_token: SYSTEM_TOKEN.into(), private_key }
}

fn client(stage: &Stage) -> Client {
    let mut config = stage.config();
    config.credentials = credentials();
    config.client_secret = "app-secret-planted".into();
    config.limits.in_flight = 32;
    Client::new(config).unwrap()
}

/// A log-in host that gives tickets `7T:1`, `7T:2` and so on, in tokens with these claims besides.
fn host(hit: &Hit, before: usize, others: &Value) -> Option<Response> {
    if hit.path != EXCHANGE {
        return keys(hit, &[Signer::of(LOGIN).jwk(&json!({"x5t": "login"}))]);
    }
    let mut all = json!({"aud": "spn:1801550193", "ticket": format!("7T:{}", before + 1)});
    all.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    let token = Signer::of(LOGIN).jwt(&head(), &claims("SuperOffice AS", &all));
    Some(answer(&json!({"IsSuccessful": true, "Token": token, "ErrorMessage": null})))
}

fn answer(body: &Value) -> Response {
    stage::json(200, body.to_string())
}

async fn giving(others: Value) -> Stage {
    Stage::open(move |hit, before| host(hit, before, &others)).await
}

#[tokio::test]
async fn a_signed_token_is_exchanged_for_a_ticket_that_goes_with_the_apps_secret() {
    let stage = giving(json!({})).await;
    client(&stage).contact(18).await.unwrap();
    let asked: Value = serde_json::from_str(&stage.hits(EXCHANGE)[0].body).unwrap();
    assert_eq!(
        (&asked["ApplicationToken"], &asked["ContextIdentifier"], &asked["ReturnTokenType"]),
        (&json!("app-secret-planted"), &json!("Cust12345"), &json!("JWT"))
    );
    let signed = asked["SignedSystemToken"].as_str().unwrap();
    let minute = signed.strip_prefix(SYSTEM_TOKEN).unwrap().split('.').nth(1).unwrap();
    assert!(minute.len() == 12 && minute.bytes().all(|letter| letter.is_ascii_digit()), "{minute}");

    let call = &stage.hits(CONTACT)[0];
    assert_eq!(
        (call.token(), call.headers["so-apptoken"].to_str().unwrap()),
        ("SOTicket 7T:1", "app-secret-planted")
    );
    assert_eq!(stage.count(TOKENS), 0);
}

#[tokio::test]
async fn each_use_gives_a_ticket_six_more_hours() {
    let stage = giving(json!({})).await;
    let client = client(&stage);
    for _ in 0..4 {
        client.contact(18).await.unwrap();
        pass(Duration::from_mins(5 * 60 + 55)).await;
    }
    assert_eq!(stage.count(EXCHANGE), 1);
    pass(Duration::from_mins(6)).await;
    client.contact(18).await.unwrap();
    assert_eq!(stage.count(EXCHANGE), 2);
    assert_eq!(stage.hits(CONTACT).last().unwrap().token(), "SOTicket 7T:2");
}

#[tokio::test]
async fn a_ticket_that_ends_in_the_middle_of_a_plan_costs_one_exchange_and_the_plan_is_carried_out() {
    let stage = Stage::open(|hit, before| {
        let ended = hit.body.contains("second") && hit.token() == "SOTicket 7T:1";
        if ended { Some(stage::json(401, "")) } else { host(hit, before, &json!({})) }
    })
    .await;
    let client = client(&stage);
    client.contact(18).await.unwrap();
    for name in ["first", "second", "third"] {
        client.patch_contact(18, &Patch::new().replace("/Name", name)).await.unwrap();
    }
    let sent: Vec<String> = stage.hits(CONTACT).iter().map(|hit| hit.token()[9..].to_owned()).collect();
    assert_eq!(sent, ["7T:1", "7T:1", "7T:1", "7T:2", "7T:2"]);
    assert_eq!(stage.count(EXCHANGE), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_calls_with_an_ended_ticket_lead_to_one_exchange() {
    let stage = Stage::open(|hit, before| {
        let ended = hit.path.ends_with(CONTACT) && hit.token() == "SOTicket 7T:1";
        if ended { Some(stage::json(401, "")) } else { host(hit, before, &json!({})) }
    })
    .await;
    let client = client(&stage);
    let calls = join_all((0..32).map(|_| client.contact(18))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(stage.count(EXCHANGE), 2);
}

/// The failure of a write when the exchange is answered so.
async fn refused(answer: impl Fn() -> Response + Send + Sync + 'static) -> Error {
    let stage =
        Stage::open(
            move |hit, before| {
                if hit.path == EXCHANGE { Some(answer()) } else { host(hit, before, &json!({})) }
            },
        )
        .await;
    let error = client(&stage).patch_contact(18, &Patch::new()).await.unwrap_err();
    assert!(!error.outcome_unknown(), "{error:?}");
    assert_eq!(stage.count(CONTACT), 0);
    error
}

#[tokio::test]
async fn a_refusal_asks_for_a_person_whichever_way_it_is_said() {
    let said = |body: Value| move || answer(&body);
    let unsuccessful = json!({"IsSuccessful": false, "Token": null, "ErrorMessage": "InvalidSignature (7)"});
    let refusals = [
        (refused(said(unsuccessful)).await, "InvalidSignature (7)"),
        (refused(said(json!({"IsSuccessful": false, "Token": "eyJ"}))).await, "no message"),
        (refused(said(json!({"IsSuccessful": true, "Token": ""}))).await, "no message"),
        (refused(|| stage::json(400, r#"{"Message":"revoked"}"#)).await, "status 400: revoked"),
        (refused(|| stage::json(401, "")).await, "status 401: no message"),
        (refused(|| stage::json(403, "<html>")).await, "status 403: no message"),
    ];
    for (error, words) in refusals {
        assert_eq!(error.remedy(), Remedy::SignIn, "{error:?}");
        assert_eq!(error.to_string(), format!("the tenant no longer lets us in: {words}"));
    }
}

#[tokio::test]
async fn what_is_no_answer_passes() {
    let bodies = ["<html>Sign in</html>", "", "null", "[]", r#"{"Token":"eyJ"}"#, r#"{"IsSuccessful":"per"#];
    for body in bodies {
        let error = refused(move || stage::json(200, body)).await;
        assert_eq!(error.remedy(), Remedy::BackOff, "{body}: {error:?}");
    }
    let error = refused(|| stage::json(500, "")).await;
    assert!(matches!(error, Error::Unreachable { arrived: false, .. }), "{error:?}");
}

#[tokio::test]
async fn a_ticket_is_not_used_that_is_another_tenants_or_that_nobody_vouches_for() {
    let foreign = [
        (json!({"ctx": "Cust99999"}), "it is not meant for this app and tenant"),
        (json!({"ctx": "Cust99999", "aud": "spn:app-id"}), "the ticket is another tenant's"),
        (json!({"ctx": null}), "it is not meant for this app and tenant"),
        (json!({"serial": "7"}), "it is not meant for this app and tenant"),
        (json!({"iss": "https://sod.superoffice.com"}), "another issuer than the log-in host made it"),
        (json!({"exp": 1}), "it has ended"),
        (json!({"ticket": null}), "the token holds no ticket"),
    ];
    for (others, words) in foreign {
        let stage = giving(others.clone()).await;
        let error = client(&stage).contact(18).await.unwrap_err();
        assert!(error.in_full().ends_with(words), "{others}: {}", error.in_full());
        assert_eq!(stage.count(CONTACT), 0);
    }
    let stage = Stage::open(|hit, before| {
        let token =
            Signer::of(OTHER).jwt(&head(), &claims("SuperOffice AS", &json!({"aud": "spn:1801550193"})));
        let forged = || answer(&json!({"IsSuccessful": true, "Token": token}));
        if hit.path == EXCHANGE { Some(forged()) } else { host(hit, before, &json!({})) }
    })
    .await;
    let error = client(&stage).contact(18).await.unwrap_err();
    assert!(error.in_full().ends_with("no key of the log-in host signed it"), "{}", error.in_full());
}

/// Repeats what was sent, as a refusal may, with some letters escaped as some writers of JSON do.
fn echo(hit: &Hit, status: u16) -> Option<Response> {
    let fields: Vec<String> = match hit.path.as_str() {
        EXCHANGE => {
            let asked: Value = serde_json::from_str(&hit.body).unwrap();
            asked.as_object().unwrap().values().map(|value| value.as_str().unwrap().to_owned()).collect()
        }
        TOKENS => url::form_urlencoded::parse(hit.body.as_bytes()).map(|(_, value)| value.into()).collect(),
        _ => return None,
    };
    // Longer than a message is let to be, so that it is cut somewhere in the middle.
    let words = format!("{} {}", "x".repeat(200), fields.join(" "));
    let body = json!({"IsSuccessful": false, "ErrorMessage": words}).to_string();
    Some(stage::json(status, body.replace('+', "\\u002b")))
}

async fn echoing(status: u16) -> Stage {
    Stage::open(move |hit, before| echo(hit, status).or_else(|| host(hit, before, &json!({})))).await
}

#[tokio::test]
async fn no_secret_is_in_an_error_a_log_line_or_what_is_shown() {
    let log = Log::of(Level::TRACE);
    let _listening = tracing::subscriber::set_default(log.clone());
    let (mut shown, mut secrets) = (vec![format!("{:?}", credentials())], vec!["planted".to_owned()]);

    for status in [400, 500, 200] {
        let stage = echoing(status).await;
        let client = client(&stage);
        let error = client.contact(18).await.unwrap_err();
        shown.push(format!("{error:?} {} {client:?}", error.in_full()));
        let asked: Value = serde_json::from_str(&stage.hits(EXCHANGE)[0].body).unwrap();
        let (_, signature) = asked["SignedSystemToken"].as_str().unwrap().rsplit_once('.').unwrap();
        secrets.push(signature[..16].to_owned());
    }

    for status in [400, 500] {
        let stage = echoing(status).await;
        let sign_in = SignIn::begin(&client(&stage), "http://127.0.0.1:9/callback", None).unwrap();
        shown.push(format!("{sign_in:?}"));
        let address = sign_in.address().unwrap();
        let (_, nonce) = address.query_pairs().find(|(name, _)| name == "state").unwrap();
        let callback = format!("http://127.0.0.1:9/callback?state={nonce}&code=code-planted");
        let error = sign_in.finish(&callback.parse().unwrap()).await.unwrap_err();
        shown.push(format!("{error:?} {}", error.in_full()));
        let sent = stage.hits(TOKENS)[0].body.clone();
        let verifier = url::form_urlencoded::parse(sent.as_bytes()).find(|(name, _)| name == "code_verifier");
        secrets.extend([verifier.unwrap().1[..16].to_owned(), nonce.into_owned()]);
    }

    let forged = StateChange { token: "eyJ.planted.x".into(), ..StateChange::default() };
    let error = client(&giving(json!({})).await).accept_state_change(&forged).await.unwrap_err();
    shown.push(format!("{error:?} {forged:?}"));

    assert!(!log.lines().is_empty());
    shown.extend(log.lines());
    for secret in &secrets {
        let found: Vec<&String> = shown.iter().filter(|text| text.contains(secret)).collect();
        assert!(found.is_empty(), "{secret} is in {found:?}");
    }
}
