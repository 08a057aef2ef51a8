//! Serves the dashboard with sample data, to look at while working on it:
//! `cargo run -p connector-server --example sample_pages [empty|down]`.

#[path = "../tests/http/support.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "it is the tests' own file, and they use more of it")]
mod support;

use std::sync::Arc;

use connector_domain::clock::{Clock, SystemClock};
use connector_server::{Limits, PartState, serve};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "an example talks to whoever runs it")]
async fn main() -> std::io::Result<()> {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let house = support::House::at(Arc::new(SystemClock::default()));
    if kind != "empty" {
        support::a_day(&*house.store, SystemClock::default().now()).await;
    }
    if kind == "down" {
        let words = "SuperOffice refuses our token since 14:02.";
        let remedy = Some("Approve the app again in SuperOffice, then run `so-connector config check`.");
        let down = support::part("SuperOffice", PartState::Down, words, remedy);
        let slow = support::part("Explorer", PartState::Degraded, "Websites answer slowly.", None);
        house.health.send_replace(Arc::new(vec![down, slow]));
    }
    let listener = TcpListener::bind("127.0.0.1:8321").await?;
    eprintln!("http://{}/", listener.local_addr()?);
    serve(listener, house.router(), Limits::default(), CancellationToken::new()).await
}
