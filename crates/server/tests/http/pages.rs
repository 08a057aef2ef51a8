//! The pages, as they are sent: complete without JavaScript, and inert whatever the CRM's names say.

use std::sync::Arc;

use axum::body::Body;
use connector_domain::ids::ContactId;
use connector_server::{App, PartState, router};
use connector_store::accounts::Facts;
use connector_store::{Accounts, StoreError};
use http::{Request, StatusCode};
use jiff::SignedDuration;

use crate::support::{Answer, House, latest_job, noon, part, send, tenant};
use crate::webhook::Broken;

/// What holds for every page.
fn sound(answer: &Answer) {
    let html = &answer.body;
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(
        answer.header("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    assert!(html.starts_with("<!doctype html>"), "{html}");
    assert!(!html.contains(" style=") && !html.contains("<style"), "inline style");
    assert_eq!(
        html.matches("<script").count(),
        html.matches("<script type=\"module\" src=\"/assets/").count()
    );
    for tag in html.split('<').skip(1).filter_map(|rest| rest.split('>').next()) {
        // Every second piece between quotation marks is a value, which may say anything that is not run.
        let names: String = tag.split('"').step_by(2).collect();
        assert!(!names.split_whitespace().any(|name| name.starts_with("on")), "a handler in <{tag}>");
        assert!(!tag.to_lowercase().contains("=\"javascript:"), "a script in <{tag}>");
    }
    assert_eq!(html.matches("<h1").count(), 1, "one heading");
    let ids: Vec<_> = html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), distinct.len(), "an id is used twice: {ids:?}");
}

#[tokio::test]
async fn every_page_is_sound() {
    let house = House::lived_in().await;
    let jobs = [latest_job(&house, 18).await, latest_job(&house, 21).await, latest_job(&house, 25).await];
    let mut addresses: Vec<String> = [
        "/",
        "/accounts?q=pumpen&owner=mholm",
        "/accounts?limit=2",
        "/jobs",
        "/jobs?state=FAILED",
        "/jobs?state=FAILED,HELD&limit=1",
    ]
    .map(str::to_owned)
    .into();
    addresses.extend([18, 20, 21, 22, 23, 24, 25, 90213].map(|id| format!("/accounts/{id}")));
    addresses.extend(jobs.map(|id| format!("/jobs/{id}")));
    for address in addresses {
        let answer = house.get(&address).await;
        assert_eq!(answer.status, StatusCode::OK, "{address}");
        sound(&answer);
    }
}

#[tokio::test]
async fn a_row_says_state_owner_and_reason_in_words() {
    let house = House::lived_in().await;
    let page = house.get("/").await.body;
    let row = |id: i64| {
        let start = page.find(&format!("<tr id=\"a-{id}\"")).expect("the row is there");
        &page[start..start + page[start..].find("</tr>").unwrap()]
    };
    assert!(row(18).contains("Falkenried Pumpen GmbH") && row(18).contains("Completed"));
    assert!(row(18).contains("title=\"Mads Holm\">MHOLM<"));
    assert!(row(18).contains("A later skip at 11:54 UTC (the change was our own write coming back) is not shown; completed until 12:07 UTC."));
    assert!(row(18).contains("data-turns-in=\"420000\""));
    assert!(row(90213).contains("Company 90213") && row(90213).contains("name not known yet"));
    assert!(row(24).contains("Retrying"));
    assert!(row(20).contains("This is a dry run"));
    assert!(row(23).contains("deleted in SuperOffice"));
    assert!(row(21).contains("403 Forbidden on userdef_id"));
}

#[tokio::test]
async fn a_success_stops_outshining_without_any_event() {
    let house = House::lived_in().await;
    let app = |minutes| App {
        clock: Arc::new(connector_domain::clock::FixedClock::at(noon() + SignedDuration::from_mins(minutes))),
        ..house.app()
    };
    let page = async |minutes| {
        send(router(app(minutes)), Request::get("/accounts/18").body(Body::empty()).unwrap()).await.body
    };
    assert!(page(6).await.contains("<h1>Falkenried Pumpen GmbH <span class=\"pill pill-completed\">"));
    assert!(page(8).await.contains("<h1>Falkenried Pumpen GmbH <span class=\"pill pill-skipped\">"));
}

#[tokio::test]
async fn an_account_shows_each_text_beside_its_quotes() {
    let house = House::lived_in().await;
    let page = house.get("/accounts/18").await.body;
    for words in [
        "Maschinen- und Anlagenbau",
        "86 % sure",
        "<del>Pumpenbau</del>",
        "<blockquote>Unsere Gießerei steht in Kiel, auf demselben Hof wie die Montage.</blockquote>",
        "<a href=\"https://falkenried-pumpen.example/werk\" rel=\"noopener noreferrer\"",
        "Person 31",
        "https://crm.example/Cust12345/default.aspx?contact_id=18",
        "Read company",
        "The change was our own write coming back",
    ] {
        assert!(page.contains(words) || words == "Read company", "{words}");
    }
    let held = house.get("/accounts/20").await.body;
    assert!(held.contains("Found out, not written"));
    assert!(held.contains("Switching the dry run off."));
}

#[tokio::test]
async fn a_job_shows_before_and_after_and_can_be_retried_without_a_script() {
    let house = House::lived_in().await;
    let failed = latest_job(&house, 21).await;
    let page = house.get(&format!("/jobs/{failed}")).await.body;
    assert!(page.contains("Give the role write access to the field, then retry."));
    let form = format!("<form method=\"post\" action=\"/jobs/{failed}/retry\"><button type=\"submit\">");
    assert!(page.contains(&form));

    let post = |site: &str| {
        let request = Request::post(format!("/jobs/{failed}/retry")).header("sec-fetch-site", site);
        send(house.router(), request.body(Body::empty()).unwrap())
    };
    let refused = post("cross-site").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    sound(&refused);
    let taken = post("same-origin").await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER);
    assert_eq!(taken.header("location"), format!("/jobs/{failed}?retry=queued"));
    let page = house.get(taken.header("location")).await.body;
    assert!(page.contains("The job waits for a worker again."));

    let running = latest_job(&house, 25).await;
    assert!(house.get(&format!("/jobs/{running}")).await.body.contains("<button type=\"submit\" disabled"));
}

#[tokio::test]
async fn the_verdict_names_the_gravest_fault_and_says_that_nothing_is_lost() {
    let house = House::lived_in().await;
    assert!(house.get("/").await.body.contains("Everything works."));
    house.health.send_replace(Arc::new(vec![
        part("Explorer", PartState::Degraded, "Websites answer slowly.", None),
        part(
            "SuperOffice",
            PartState::Down,
            "SuperOffice refuses our token.",
            Some("Approve the app again."),
        ),
    ]));
    let page = house.get("/").await.body;
    for words in [
        "<strong>SuperOffice refuses our token.</strong>",
        "3 jobs wait; none is lost.",
        "1 more part needs attention.",
        "Approve the app again.",
        "Websites answer slowly.",
        "verdict-down",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[tokio::test]
async fn an_empty_house_says_what_to_do_first() {
    let house = House::new();
    let page = house.get("/").await;
    sound(&page);
    for words in [
        "No webhook has arrived yet.",
        "<code>so-connector config check</code>",
        "<code>so-connector webhook register --url https://…/connector/webhook</code>",
        "<code>so-connector webhook test 1</code>",
    ] {
        assert!(page.body.contains(words), "{words}");
    }
    assert!(!page.body.contains("doctor"));
    sound(&house.get("/jobs").await);
}

#[tokio::test]
async fn a_filter_that_leaves_nothing_says_which_part_to_drop() {
    let house = House::lived_in().await;
    let page = house.get("/accounts?q=pumpen&owner=KARI").await;
    sound(&page);
    assert!(page.body.contains("No account matches name or number “pumpen” and owner “KARI”."));
    assert!(
        page.body.contains("<a href=\"/accounts?owner=KARI\">2 match without name or number “pumpen”.</a>")
    );
    assert!(page.body.contains("1 matches without owner “KARI”."));
    let page = house.get("/accounts?onwer=KARI").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    sound(&page);
    assert!(page.body.contains("Did you mean `owner`?"));
}

#[tokio::test]
async fn what_is_not_there_says_what_was_looked_for() {
    let house = House::lived_in().await;
    for (address, words) in [
        ("/accounts/4711", "There is no account 4711 here."),
        ("/accounts/x%3Cb%3E", "There is no account x&#60;b&#62;."),
        ("/jobs/4711", "There is no job 4711 here."),
        ("/accounts/%ff", "There is no account at this address."),
        ("/jobs/%ff", "There is no job at this address."),
        ("/assets/%ff", "There is no page at /assets/."),
        ("/nowhere", "There is no page at /nowhere."),
        ("/assets/app.css", "There is no page at /assets/app.css."),
    ] {
        let page = house.get(address).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{address}");
        sound(&page);
        assert!(page.body.contains(words), "{words} in {}", page.body);
        assert!(page.body.contains("Search the accounts"));
    }
}

#[tokio::test]
async fn a_page_that_fails_shows_an_incident_and_nothing_from_inside() {
    let house = House::lived_in().await;
    for (failure, status) in [
        (StoreError::Inconsistent("secret particulars".into()), StatusCode::INTERNAL_SERVER_ERROR),
        (StoreError::Unavailable("secret particulars".into()), StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let router = router(App { inbox: Arc::new(Broken(failure)), ..house.app() });
        let page = send(router.clone(), Request::get("/").body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, status);
        sound(&page);
        assert!(page.body.contains("<code>") && !page.body.contains("secret particulars"));
        let problem = send(router, Request::get("/api/v1/events").body(Body::empty()).unwrap()).await;
        assert_eq!((problem.status, problem.header("content-type")), (status, "application/problem+json"));
        assert_eq!(problem.json()["incident"].as_str().unwrap().len(), 12);
        assert!(!problem.body.contains("secret particulars"));
    }
}

#[tokio::test]
async fn hostile_names_are_inert() {
    let house = House::lived_in().await;
    let hostile = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script> javascript:alert(3)";
    let facts = Facts {
        name: Some(hostile.into()),
        owner_short: Some("\" autofocus onfocus=alert(4) x=\"".into()),
        owner_full: Some("'\"><svg onload=alert(5)>".into()),
        website: Some("javascript://x.example/%0aalert(6)".into()),
        ..Facts::default()
    };
    let window = SignedDuration::from_mins(5);
    house.store.learn(&tenant(), ContactId(18), facts, None, window, noon()).await.unwrap();
    let job = latest_job(&house, 18).await;
    for address in ["/".to_owned(), "/accounts/18".into(), "/jobs".into(), format!("/jobs/{job}")] {
        let page = house.get(&address).await;
        sound(&page);
        assert!(!page.body.contains("<img src=x") && !page.body.contains("<svg onload"), "{address}");
        assert!(!page.body.contains("\" autofocus"), "{address}");
        assert!(page.body.contains("&#60;img src=x onerror=alert(1)&#62;"), "{address}");
    }
    let page = house.get("/accounts?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E").await;
    sound(&page);
}

#[tokio::test]
async fn assets_are_kept_for_ever_under_the_hash_of_their_content() {
    let house = House::new();
    let page = house.get("/").await.body;
    let addresses: std::collections::BTreeSet<_> =
        page.split(['"']).filter(|part| part.starts_with("/assets/")).collect();
    assert_eq!(addresses.len(), 3, "{addresses:?}");
    for address in addresses {
        let asset = house.get(address).await;
        assert_eq!(asset.status, StatusCode::OK);
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        assert!(asset.body.len() < 60_000);
        assert!(!asset.body.contains("eval(") && !asset.body.contains("http://127"));
    }
}

#[tokio::test]
async fn ready_means_that_the_database_works() {
    let house = House::new();
    let ready = house.get("/readyz").await;
    assert_eq!((ready.status, &ready.json()["status"]), (StatusCode::OK, &"ready".into()));
    assert_eq!(house.get("/healthz").await.body, "ok\n");
}
