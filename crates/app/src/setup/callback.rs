//! Waits on the redirect address for the browser that comes back from signing in.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::response::Html;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::failure::{Failure, Status};

const THANKS: &str = "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>SuperOffice Connector</title>\
<p>Thank you. You can close this page and go back to the terminal.</p></html>";

/// Listens for one browser.
pub(super) struct Callback {
    answers: mpsc::Receiver<Url>,
    server: tokio::task::JoinHandle<()>,
}

impl Callback {
    /// Listens on the redirect address, which has to be of this machine.
    pub(super) async fn listen(redirect: &str) -> Result<Self, Failure> {
        let elsewhere = || {
            Failure::words(Status::Usage, format!("nothing on this machine can wait at {redirect}")).help(
                "use http://127.0.0.1:PORT/PATH as the redirect address, or choose \"paste\" to paste the address that the browser ends at",
            )
        };
        let url = Url::parse(redirect).map_err(|_| elsewhere())?;
        let address = loopback(&url).ok_or_else(elsewhere)?;
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::words(Status::Failed, format!("could not listen on {address}: {error}"))
                .help("another program has the port; stop it, or choose \"paste\"")
        })?;
        let (sender, answers) = mpsc::channel(4);
        let base = url.origin().ascii_serialization();
        let router = Router::new().route(url.path(), axum::routing::get(came)).with_state((base, sender));
        let server = TaskTracker::new().spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { answers, server })
    }

    /// Where the browser came back to, with what it brought.
    pub(super) async fn answer(mut self) -> Result<Url, Failure> {
        let answer = self.answers.recv().await;
        // The page has to reach the browser before its server ends.
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        answer.ok_or_else(|| Failure::words(Status::Failed, "the redirect address stopped listening"))
    }
}

impl Drop for Callback {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn came(
    State((base, sender)): State<(String, mpsc::Sender<Url>)>,
    uri: http::Uri,
) -> Html<&'static str> {
    if let Ok(url) = Url::parse(&format!("{base}{uri}")) {
        drop(sender.try_send(url));
    }
    Html(THANKS)
}

fn loopback(url: &Url) -> Option<SocketAddr> {
    let port = url.port()?;
    let ip = match url.host()? {
        url::Host::Ipv4(ip) => ip.into(),
        url::Host::Ipv6(ip) => ip.into(),
        url::Host::Domain("localhost") => std::net::IpAddr::from([127, 0, 0, 1]),
        url::Host::Domain(_) => return None,
    };
    (url.scheme() == "http" && ip.is_loopback()).then(|| SocketAddr::new(ip, port))
}
