//! The engine over real HTTP: a site on this machine, read, understood and quoted; the same each time.

use std::sync::Arc;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use connector_domain::profile::{Company, Explored, Language, Room};
use connector_explorer::{Allow, Explorer, Knowledge, Offline, Website, WebsiteOptions};

const HOME: &str = "<!doctype html><title>Kranichmoor Logistik</title><nav><a href='/unternehmen'>Unternehmen</a>\
    <a href='/kontakt'>Kontakt</a></nav><h1>Kontraktlogistik im Moor</h1><p>Wir lagern, kommissionieren und versenden Waren für \
    neunzig Hersteller. Zu unserer Logistik gehören eine Spedition und ein Hochregallager mit 31.000 Palettenplätzen.</p>";
const ABOUT: &str = "<title>Unternehmen</title><h1>Seit 1988</h1><p>Unsere 160 Beschäftigten arbeiten in vier Lagerhallen mit \
    zusammen 44.000 m² Fläche. Der Fuhrpark zählt 38 Lkw, und die Zollabwicklung erledigen wir im Haus.</p>";

#[tokio::test]
async fn a_site_is_explored_the_same_way_each_time() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let app = Router::new()
        .route("/", get(|| async { Html(HOME) }))
        .route("/unternehmen", get(|| async { Html(ABOUT) }));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, app).await.unwrap() });

    let allow = Allow::parse(&format!("http://127.0.0.1:{port}/")).unwrap();
    let website = Website::new(WebsiteOptions { allow, ..WebsiteOptions::default() }).unwrap();
    let offline = Offline::new(Arc::new(Knowledge::built_in().unwrap()), website);
    let company = Company {
        name: "Kranichmoor Logistik GmbH".into(),
        website: Some(format!("kranichmoor.localhost:{port}")),
        email_domains: Vec::new(),
        country: Some("DE".into()),
        language: Language::De,
    };
    let now = "2026-05-04T12:00:00Z".parse().unwrap();
    let first = offline.explore(&company, Room::default(), now).await.unwrap();
    assert_eq!(first, offline.explore(&company, Room::default(), now).await.unwrap());

    let Explored::Profile(profile) = first else { panic!("{first:?}") };
    assert_eq!(profile.engine, offline.engine());
    assert_eq!(profile.vertical.as_ref().map(|claim| claim.id.0.as_str()), Some("logistics"));
    assert_eq!(profile.unsupported(), None);
    for evidence in &profile.evidence {
        let page = if evidence.url.ends_with("/unternehmen") { ABOUT } else { HOME };
        assert!(page.contains(&evidence.quote), "{evidence:?}");
    }
    let second = profile.opener_secondary.unwrap().text;
    assert!(second.contains("31.000 Palettenplätzen"), "{second}");
}
