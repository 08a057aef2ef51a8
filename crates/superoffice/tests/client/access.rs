//! Tokens, and where the tenant is.

use std::time::Duration;

use futures::future::join_all;
use secrecy::ExposeSecret as _;
use superoffice::patch::Patch;
use superoffice::{Error, Remedy};

use crate::log::Log;
use crate::stage::{CONTACT, STATE, Stage, TOKENS, json, pass, state, token};

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_calls_with_an_expired_token_lead_to_one_refresh() {
    let stage = Stage::open(|hit, _| {
        let expired = hit.path.ends_with(CONTACT) && hit.token() == "Bearer t1";
        expired.then(|| json(401, ""))
    })
    .await;
    let mut config = stage.config();
    config.limits.in_flight = 32;
    let client = superoffice::Client::new(config).unwrap();
    let calls = join_all((0..32).map(|_| client.contact(18))).await;
    assert!(calls.iter().all(Result::is_ok), "{calls:?}");
    assert_eq!((stage.count(TOKENS), stage.count(STATE)), (2, 1));
}

#[tokio::test]
async fn thirty_two_calls_hear_of_withdrawn_consent_from_one_question() {
    let stage = Stage::open(|hit, _| {
        hit.path
            .ends_with(TOKENS)
            .then(|| json(400, r#"{"error":"invalid_grant","error_description":"withdrawn"}"#))
    })
    .await;
    let client = stage.client();
    // The address is known first, so that all calls want a token at once.
    client.contact(18).await.unwrap_err();
    let asked = stage.count(TOKENS);
    let calls = join_all((0..32).map(|_| client.contact(18))).await;
    for call in calls {
        let error = call.unwrap_err();
        assert_eq!(error.to_string(), "the tenant no longer lets us in: status 400: withdrawn");
        assert_eq!(error.remedy(), Remedy::SignIn);
    }
    assert_eq!(stage.count(TOKENS), asked + 1);
    assert_eq!(stage.count(CONTACT), 0);
}

#[tokio::test]
async fn thirty_two_calls_hear_of_a_failing_log_in_host_from_one_question() {
    let stage = Stage::open(|hit, _| hit.path.contains(STATE).then(|| json(500, ""))).await;
    let mut config = stage.config();
    config.limits.attempts = 1;
    let client = superoffice::Client::new(config).unwrap();
    for round in 1..=2 {
        let calls = join_all((0..32).map(|_| client.contact(18))).await;
        for call in calls {
            let error = call.unwrap_err();
            assert!(matches!(error, Error::Unreachable { arrived: false, .. }), "{error:?}");
        }
        assert_eq!(stage.count(STATE), round);
    }
}

#[tokio::test]
async fn thirty_two_calls_hear_that_the_tenant_is_offline_from_one_question() {
    let stage = Stage::open(|hit, _| {
        hit.path.contains(STATE).then(|| state("http://127.0.0.1:1/api", "OfflineMaintenance"))
    })
    .await;
    let client = stage.client();
    let calls = join_all((0..32).map(|_| client.contact(18))).await;
    assert!(calls.iter().all(|call| matches!(call, Err(Error::Offline { .. }))), "{calls:?}");
    assert_eq!(stage.count(STATE), 1);
}

#[tokio::test]
async fn a_token_that_stays_refused_is_an_error_after_one_refresh() {
    let stage = Stage::open(|hit, _| hit.path.ends_with(CONTACT).then(|| json(401, ""))).await;
    let error = stage.client().contact(18).await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized), "{error:?}");
    assert_eq!((stage.count(TOKENS), stage.count(CONTACT)), (2, 2));
}

#[tokio::test]
async fn a_missing_right_costs_one_refresh_and_not_one_for_each_call() {
    let stage = Stage::open(|hit, _| {
        hit.path.ends_with(CONTACT).then(|| json(403, r#"{"ErrorMessage":"no access to contact"}"#))
    })
    .await;
    let client = stage.client();
    for _ in 0..3 {
        let error = client.contact(18).await.unwrap_err();
        assert_eq!(error.to_string(), "not allowed: no access to contact");
    }
    assert_eq!((stage.count(TOKENS), stage.count(CONTACT)), (2, 4));
}

#[tokio::test]
async fn the_refresh_token_is_kept_until_the_answer_has_another() {
    let stage = Stage::open(|hit, before| {
        let body = r#"{"access_token":"t2","expires_in":3600,"refresh_token":"refresh-1"}"#;
        match before {
            _ if hit.path.ends_with(CONTACT) && hit.token() != "Bearer t3" => Some(json(401, "")),
            1 if hit.path.ends_with(TOKENS) => Some(json(200, body)),
            _ => None,
        }
    })
    .await;
    let client = stage.client();
    let mut changes = client.refresh_token();
    client.contact(18).await.unwrap_err();
    client.contact(18).await.unwrap();

    let sent: Vec<bool> =
        stage.hits(TOKENS).iter().map(|hit| hit.body.contains("refresh_token=refresh-0")).collect();
    assert_eq!(sent, [true, true, false]);
    assert!(changes.has_changed().unwrap());
    assert_eq!(changes.borrow_and_update().expose_secret(), "refresh-1");
}

#[tokio::test]
async fn a_new_refresh_token_is_told_once_and_not_shown() {
    let stage = Stage::open(|hit, _| {
        let body = r#"{"access_token":"t1","expires_in":3600,"refresh_token":"refresh-1"}"#;
        match hit.path.as_str() {
            path if path.ends_with(TOKENS) => Some(json(200, body)),
            path if path.ends_with(CONTACT) => Some(json(401, "")),
            _ => None,
        }
    })
    .await;
    let log = Log::of(tracing::Level::WARN);
    let _listening = tracing::subscriber::set_default(log.clone());
    stage.client().contact(18).await.unwrap_err();
    assert_eq!(stage.count(TOKENS), 2);
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("gave a new refresh token"), "{lines:?}");
    assert!(!lines[0].contains("refresh-"), "{lines:?}");
}

#[tokio::test]
async fn a_token_is_renewed_ahead_of_its_end_and_the_old_one_used_when_that_fails() {
    let stage = Stage::open(|hit, before| match before {
        1 if hit.path.ends_with(TOKENS) => Some(json(500, "")),
        _ => None,
    })
    .await;
    let client = stage.client();
    let used = |stage: &Stage| stage.hits(CONTACT).last().unwrap().token().to_owned();
    client.contact(18).await.unwrap();
    pass(Duration::from_mins(54)).await;
    client.contact(18).await.unwrap();
    assert_eq!((stage.count(TOKENS), used(&stage).as_str()), (1, "Bearer t1"));

    pass(Duration::from_mins(2)).await;
    client.contact(18).await.unwrap();
    client.contact(18).await.unwrap();
    assert_eq!((stage.count(TOKENS), used(&stage).as_str()), (2, "Bearer t1"));

    pass(Duration::from_mins(1)).await;
    client.contact(18).await.unwrap();
    assert_eq!((stage.count(TOKENS), used(&stage).as_str()), (3, "Bearer t3"));
}

#[tokio::test]
async fn a_token_of_a_short_life_is_renewed_after_four_fifths_of_it() {
    let stage = Stage::open(|hit, before| {
        hit.path.ends_with(TOKENS).then(|| token(&format!("t{}", before + 1), 100))
    })
    .await;
    let client = stage.client();
    client.contact(18).await.unwrap();
    pass(Duration::from_secs(75)).await;
    client.contact(18).await.unwrap();
    assert_eq!(stage.count(TOKENS), 1);
    pass(Duration::from_secs(10)).await;
    client.contact(18).await.unwrap();
    assert_eq!(stage.count(TOKENS), 2);
}

#[tokio::test]
async fn a_moved_tenant_is_looked_for_once_and_even_a_write_goes_there() {
    let stage = Stage::open(|hit, before| match hit.path.as_str() {
        "/api/state/Cust12345" => {
            let host = hit.headers["host"].to_str().unwrap();
            Some(state(&format!("http://{host}/{}/Cust12345/api", ["old", "new"][before.min(1)]), "Running"))
        }
        path if path.starts_with("/old") => Some(json(421, "Wrong subdomain used to access tenant")),
        path if path.starts_with("/new") => Some(json(200, r#"{"ContactId":18}"#)),
        _ => None,
    })
    .await;
    let client = stage.client();
    client.patch_contact(18, &Patch::new().replace("/Name", "x")).await.unwrap();
    client.contact(18).await.unwrap();
    assert_eq!((stage.count("/old/"), stage.count("/new/"), stage.count(STATE)), (1, 2, 2));
}

#[tokio::test]
async fn a_tenant_that_is_not_where_its_state_says_is_an_error() {
    let stage = Stage::open(|hit, _| hit.path.ends_with(CONTACT).then(|| json(421, ""))).await;
    let error = stage.client().contact(18).await.unwrap_err();
    assert!(matches!(error, Error::Misdirected), "{error:?}");
    assert_eq!((stage.count(CONTACT), stage.count(STATE)), (2, 2));
}

#[tokio::test]
async fn the_state_is_asked_again_when_it_says_so() {
    let stage = Stage::open(|_, _| None).await;
    let client = stage.client();
    client.contact(18).await.unwrap();
    client.contact(18).await.unwrap();
    assert_eq!(stage.count(STATE), 1);
    pass(Duration::from_hours(25)).await;
    client.contact(18).await.unwrap();
    assert_eq!(stage.count(STATE), 2);
    assert!(stage.hits(STATE).iter().all(|hit| hit.token().is_empty()), "the state needs no token");
}

#[tokio::test]
async fn a_host_that_is_gone_is_asked_for_anew() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = format!("http://{}/Cust12345/api", closed.local_addr().unwrap());
    drop(closed);
    let stage = Stage::open(move |hit, before| {
        (hit.path.contains(STATE) && before == 0).then(|| state(&gone, "Running"))
    })
    .await;
    stage.client().contact(18).await.unwrap();
    assert_eq!((stage.count(STATE), stage.count(CONTACT)), (2, 1));
}

#[tokio::test]
async fn an_offline_tenant_is_not_called() {
    let stage = Stage::open(|hit, before| {
        let states = ["OfflineMaintenance", "OnlineMaintenance"];
        let api = format!("http://{}/Cust12345/api", hit.headers["host"].to_str().unwrap());
        hit.path.contains(STATE).then(|| state(&api, states[before.min(1)]))
    })
    .await;
    let client = stage.client();
    let error = client.contact(18).await.unwrap_err();
    assert!(matches!(error, Error::Offline { again, .. } if again == Duration::from_mins(10)), "{error:?}");
    assert_eq!(
        (error.to_string().as_str(), error.remedy()),
        ("the tenant is offline: OfflineMaintenance", Remedy::BackOff)
    );
    assert_eq!((stage.count(CONTACT), stage.count(TOKENS)), (0, 0));
    client.contact(18).await.unwrap();
}

#[tokio::test]
async fn the_token_goes_to_no_foreign_host() {
    let foreign = Stage::open(|_, _| Some(json(200, r#"{"ContactId":18}"#))).await;
    // The same machine by another name is another host.
    let address = foreign.url.replace("127.0.0.1", "localhost");
    let api = format!("{address}/Cust12345/api");
    let stage = Stage::open(move |hit, _| hit.path.contains(STATE).then(|| state(&api, "Running"))).await;

    let client = stage.client();
    let error = client.contact(18).await.unwrap_err();
    assert!(matches!(&error, Error::ForeignHost(host) if host == "localhost"), "{error:?}");
    assert_eq!(error.remedy(), Remedy::GiveUp);
    let error = client.patch_contact(18, &Patch::new()).await.unwrap_err();
    assert!(!error.outcome_unknown());
    assert_eq!(foreign.count(""), 0);
}

#[tokio::test]
async fn a_failure_to_sign_in_leaves_no_write_in_doubt() {
    let stage =
        Stage::open(|hit, _| hit.path.ends_with(TOKENS).then(|| json(200, "<html>Sign in</html>"))).await;
    let error = stage.client().patch_contact(18, &Patch::new()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { arrived: false, .. }), "{error:?}");
    assert!(!error.outcome_unknown());
    assert_eq!(stage.count(CONTACT), 0);
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let stage = Stage::open(|hit, _| {
        let echo = json(400, r#"{"error_description":"no such token: refresh-0 (app-secret)"}"#);
        hit.path.ends_with(TOKENS).then_some(echo)
    })
    .await;
    let error = stage.client().contact(18).await.unwrap_err();
    assert_eq!(error.to_string(), "the tenant no longer lets us in: status 400: no such token: *** (***)");
    let shown = format!("{:?} {:?}", stage.config(), stage.client());
    assert!(!shown.contains("app-secret") && !shown.contains("refresh-0"), "{shown}");
}

#[tokio::test]
async fn a_token_that_ends_in_the_middle_of_a_plan_costs_one_refresh_and_the_plan_is_carried_out() {
    let stage = Stage::open(|hit, _| {
        let renamed = hit.body.contains("second") && hit.token() == "Bearer t1";
        renamed.then(|| json(401, ""))
    })
    .await;
    let client = stage.client();
    client.contact(18).await.unwrap();
    for name in ["first", "second", "third"] {
        client.patch_contact(18, &Patch::new().replace("/Name", name)).await.unwrap();
    }
    let sent: Vec<String> = stage.hits(CONTACT).iter().map(|hit| hit.token().to_owned()).collect();
    assert_eq!(sent, ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2", "Bearer t2"]);
    assert_eq!(stage.count(TOKENS), 2);
}

#[tokio::test]
async fn a_tenant_that_refuses_a_fresh_token_is_asked_for_its_state() {
    let stage = Stage::open(|hit, before| {
        let api = format!("http://{}/Cust12345/api", hit.headers["host"].to_str().unwrap());
        match before {
            1 if hit.path.contains(STATE) => Some(state(&api, "Suspended")),
            _ if hit.path.ends_with(CONTACT) => Some(json(401, "")),
            _ => None,
        }
    })
    .await;
    let client = stage.client();
    assert!(matches!(client.contact(18).await, Err(Error::Unauthorized)));
    assert!(matches!(client.contact(18).await, Err(Error::Offline { .. })));
}

#[tokio::test]
async fn a_state_yet_to_be_invented_is_judged_by_its_flag() {
    for (flag, calls) in [("true", 1), ("false", 0)] {
        let stage = Stage::open(move |hit, _| {
            let api = format!("http://{}/Cust12345/api", hit.headers["host"].to_str().unwrap());
            let body = format!(r#"{{"State":"Hovering","IsRunning":{flag},"Api":"{api}"}}"#);
            hit.path.contains(STATE).then(|| json(200, body))
        })
        .await;
        assert_eq!(stage.client().contact(18).await.is_ok(), calls == 1);
        assert_eq!(stage.count(CONTACT), calls);
    }
}
