//! By which names the server is spoken to: its machine's own, and no name that a foreign site let point here.

use axum::body::Body;
use http::{Method, Request, StatusCode};

use crate::support::{Answer, House, TOKEN, latest_job, send_as_is};
use crate::webhook::body;

async fn ask(house: &House, method: Method, address: &str, host: Option<&str>) -> Answer {
    let mut request = Request::builder().method(method).uri(address);
    if let Some(host) = host {
        // A page of the site that was let point here is of the same origin, as far as the browser can tell.
        request = request.header("host", host).header("origin", format!("http://{host}"));
    }
    send_as_is(house.router(), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_foreign_name_is_shown_nothing_and_changes_nothing() {
    let house = House::lived_in().await;
    let failed = latest_job(&house, 21).await;
    let retry = [format!("/jobs/{failed}/retry"), format!("/api/v1/jobs/{failed}/retry")];
    let mut asked = vec![(Method::POST, retry[0].as_str()), (Method::POST, &retry[1])];
    for address in [
        "/",
        "/accounts/18",
        "/jobs",
        "/live",
        "/api/v1/accounts/18",
        "/api/v1/status",
        "/metrics",
        "/readyz",
    ] {
        asked.extend([(Method::GET, address), (Method::HEAD, address)]);
    }
    for (method, address) in asked {
        for host in
            [None, Some("desk.example:8080"), Some("127.0.0.1.desk.example:8080"), Some("192.168.1.20:8080")]
        {
            let answer = ask(&house, method.clone(), address, host).await;
            assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{method} {address} by {host:?}");
            assert!(!answer.body.contains("Falkenried") && !answer.body.contains("Cust12345"));
        }
    }
    assert_eq!(latest_job(&house, 21).await, failed);
    let job = house.get(&format!("/api/v1/jobs/{failed}")).await.json();
    assert_eq!(job["state"], "FAILED");
}

#[tokio::test]
async fn a_foreign_name_is_told_which_address_to_open() {
    let house = House::new();
    let page = ask(&house, Method::GET, "/", Some("desk.example:8080")).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.body.contains("Open it as http://127.0.0.1:8080/."), "{}", page.body);
    for address in ["/api/v1/status", "/live", "/metrics", "/readyz"] {
        let problem = ask(&house, Method::GET, address, Some("desk.example:8080")).await;
        assert_eq!(problem.header("content-type"), "application/problem+json");
        assert_eq!(problem.json()["code"], "foreign_host");
        assert!(problem.body.contains("Open it as http://127.0.0.1:8080/."), "{}", problem.body);
    }
}

#[tokio::test]
async fn the_machines_own_names_are_answered_on_any_port() {
    let house = House::new();
    for host in ["127.0.0.1:8080", "[::1]:8080", "localhost", "localhost:9999", "connector.localhost:8080"] {
        for address in ["/", "/api/v1/status", "/metrics", "/readyz"] {
            let answer = ask(&house, Method::GET, address, Some(host)).await;
            assert_eq!(answer.status, StatusCode::OK, "{address} by {host}");
        }
    }
}

#[tokio::test]
async fn deliveries_and_signs_of_life_come_by_any_name() {
    let house = House::new();
    for host in [None, Some("connector.desk.example")] {
        assert_eq!(ask(&house, Method::GET, "/healthz", host).await.status, StatusCode::OK);
        let mut request = Request::post("/connector/webhook").header("X-Webhook-Token", TOKEN);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let answer = send_as_is(house.router(), request.body(Body::from(body("e1", 18))).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
}
