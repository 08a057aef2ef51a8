//! Signing in, in each of the three ways, and what happens when it ends.

use reqwest::redirect::Policy;
use secrecy::SecretString;
use superoffice::{Client, Config, Credentials, PrivateKey, SignIn};
use superoffice_emulator::{
    Approval, Details, Emulator, Kind, Mishap, Options, SystemUserRefusal, TokenRefusal,
};

use crate::support::Setup;

fn client(details: &Details, credentials: Credentials) -> Client {
    let login = details.login_url.parse().unwrap();
    let secret = SecretString::from(details.client_secret.clone());
    let mut config =
        Config::new(login, details.context.clone(), details.client_id.clone(), secret, credentials);
    config.limits.per_second = None;
    config.limits.in_flight = 32;
    Client::new(config).unwrap()
}

fn system_user(details: &Details) -> Credentials {
    Credentials::SystemUser {
        system_token: details.system_token.clone().into(),
        private_key: PrivateKey::read(&details.private_key).unwrap(),
    }
}

fn asked(client: &Client, route: &str) -> u64 {
    client.calls().iter().filter(|call| call.route == route).map(|call| call.count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_calls_as_system_user_with_a_refused_ticket_lead_to_one_exchange() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let client = client(&emulator.details(), system_user(&emulator.details()));
    client.contact(1).await.unwrap();
    emulator.world().mishap(Mishap::new(Kind::ExpireToken));
    let calls = futures::future::join_all((0..32).map(|_| client.contact(1))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!(asked(&client, "Login/api/PartnerSystemUser/Authenticate"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_approves_in_a_browser_gives_a_refresh_token() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let details = emulator.details();
    let client = client(&details, Credentials::Missing);
    assert!(client.contact(1).await.is_err(), "nobody has signed in");

    let sign_in = SignIn::begin(&client, "http://127.0.0.1:9/callback", Some(&details.context)).unwrap();
    let browser = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let answer = browser.get(sign_in.address().unwrap()).send().await.unwrap();
    let callback = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    let signed_in = sign_in.finish(&callback).await.unwrap();
    assert_eq!(signed_in.claims.context.as_deref(), Some(details.context.as_str()));
    assert_eq!((signed_in.claims.associate_id, signed_in.claims.is_administrator), (Some(7), Some(true)));

    client.sign_in_with(Credentials::RefreshToken(signed_in.refresh_token));
    client.contact(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_to_another_sign_in_is_not_believed() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let client = client(&emulator.details(), Credentials::Missing);
    let sign_in = SignIn::begin(&client, "http://127.0.0.1:9/callback", None).unwrap();
    let callback = "http://127.0.0.1:9/callback?state=forged&code=c".parse().unwrap();
    let error = sign_in.finish(&callback).await.unwrap_err();
    assert!(error.to_string().contains("another sign-in"), "{error}");
    assert_eq!(asked(&client, "login/common/oauth/tokens"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_no_in_a_browser_lets_nobody_in() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    emulator.world().set_policy(|policy| policy.approval = Approval::Page);
    let client = client(&emulator.details(), Credentials::Missing);
    let sign_in = SignIn::begin(&client, "http://127.0.0.1:9/callback", None).unwrap();
    let browser = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let address = sign_in.address().unwrap();
    let page = browser.get(address.clone()).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("value=\"approve\"") && page.contains("value=\"deny\""), "{page}");
    let answer = browser.post(address).form(&[("decision", "deny")]).send().await.unwrap();
    let callback = answer.headers()["location"].to_str().unwrap().parse().unwrap();
    let error = sign_in.finish(&callback).await.unwrap_err();
    assert_eq!(error.remedy(), superoffice::Remedy::SignIn);
    assert_eq!(asked(&client, "login/common/oauth/tokens"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_believed_in_whatever_form_they_are_written() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let details = emulator.details();
    for form in 0..8 {
        emulator.world().set_policy(|policy| {
            policy.kid_in_header = form & 1 != 0;
            policy.claims_as_text = form & 2 != 0;
            policy.audience_as_list = form & 4 != 0;
        });
        client(&details, system_user(&details)).contact(1).await.unwrap();
        let client = client(&details, Credentials::Missing);
        let sign_in = SignIn::begin(&client, "http://127.0.0.1:9/callback", None).unwrap();
        let browser = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        let answer = browser.get(sign_in.address().unwrap()).send().await.unwrap();
        let callback = answer.headers()["location"].to_str().unwrap().parse().unwrap();
        sign_in.finish(&callback).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_asks_for_a_person_in_whatever_form_it_comes() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let details = emulator.details();
    emulator.world().mishap(Mishap::new(Kind::RevokeConsent));
    for refusal in [TokenRefusal::Rfc6749, TokenRefusal::Vendor, TokenRefusal::Page, TokenRefusal::Empty] {
        emulator.world().set_policy(|policy| policy.token_refusal = refusal);
        let error = client(&details, details.refresh_token.as_str().into()).contact(1).await.unwrap_err();
        assert_eq!(error.remedy(), superoffice::Remedy::SignIn, "{refusal:?}: {error:?}");
    }
    for refusal in [SystemUserRefusal::Body, SystemUserRefusal::Status] {
        emulator.world().set_policy(|policy| policy.system_user_refusal = refusal);
        let error = client(&details, system_user(&details)).contact(1).await.unwrap_err();
        assert_eq!(error.remedy(), superoffice::Remedy::SignIn, "{refusal:?}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_too_far_off_lets_no_system_user_in() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let details = emulator.details();
    // The stamp is a whole minute, so that it is never quite now.
    emulator.world().set_policy(|policy| policy.stamp_tolerance_minutes = 0);
    let error = client(&details, system_user(&details)).contact(1).await.unwrap_err();
    assert_eq!(error.to_string(), "the tenant no longer lets us in: InvalidTimestamp (6)");
    emulator.world().set_policy(|policy| policy.stamp_tolerance_minutes = 2);
    client(&details, system_user(&details)).contact(1).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_ends_in_the_tenant_that_it_was_begun_for() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let client = client(&emulator.details(), Credentials::Missing);
    let browser = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    for (wanted, is_let_in) in [("cust10001", true), ("Cust99999", false)] {
        let sign_in = SignIn::begin(&client, "http://127.0.0.1:9/callback", Some(wanted)).unwrap();
        // Somebody picks another tenant than asked for.
        let mut address = sign_in.address().unwrap();
        let fields: Vec<_> =
            address.query_pairs().into_owned().filter(|(name, _)| name != "acr_values").collect();
        address.query_pairs_mut().clear().extend_pairs(fields);
        let answer = browser.get(address).send().await.unwrap();
        let callback = answer.headers()["location"].to_str().unwrap().parse().unwrap();
        assert_eq!(sign_in.finish(&callback).await.is_ok(), is_let_in, "{wanted}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_that_is_rotated_is_followed() {
    let emulator = Emulator::start(Options::default()).await.unwrap();
    let details = emulator.details();
    emulator.world().set_policy(|policy| policy.refresh_token_rotates = true);
    let client = client(&details, details.refresh_token.as_str().into());
    for _ in 0..3 {
        client.contact(1).await.unwrap();
        emulator.world().mishap(Mishap::new(Kind::ExpireToken));
    }
    assert_eq!(asked(&client, "login/common/oauth/tokens"), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_product_works_as_a_system_user() {
    let mut product = Setup::new().prepare().await;
    let key = product.folder.path().join("key.pem");
    std::fs::write(&key, &product.details.private_key).unwrap();
    product.variables.remove("SO_REFRESH_TOKEN");
    product.variables.insert("SO_SYSTEM_TOKEN".into(), product.details.system_token.clone());
    product.variables.insert("SO_PRIVATE_KEY_FILE".into(), key.display().to_string());
    product.launch().await;
    product.register().await;
    let id = product.enter(&product.companies[0]);
    product.settle().await;
    assert_eq!(product.account(id).await["state"], "COMPLETED");
}
