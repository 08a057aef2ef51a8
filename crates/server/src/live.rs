//! `GET /live`: tells open pages that something changed, and nothing more; they fetch what they show themselves.
//!
//! Server-sent events: `hello` at the start, `changed` with the sequence number at most twice a second, and a beat
//! every 15 seconds so that both sides notice a dead connection.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::accept::Stopping;
use crate::app::{Part, Web};
use crate::problem::Problem;

/// The shortest time between two `changed`.
const QUIET: Duration = Duration::from_millis(500);
/// The longest silence.
const BEAT: Duration = Duration::from_secs(15);

/// The handler.
pub(crate) async fn live(State(web): State<Web>, request: Request) -> Response {
    let Ok(seat) = std::sync::Arc::clone(&web.viewers).try_acquire_owned() else {
        let detail = "Too many pages are watched already.";
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_viewers", detail)
            .retry_after(30)
            .into_response();
    };
    let stop = request.extensions().get::<Stopping>().map(|stopping| stopping.0.clone()).unwrap_or_default();
    let viewer = Viewer {
        changes: Some(web.app.inbox.changes()),
        health: Some(web.app.health.clone()),
        version: web.app.version,
        greeted: false,
        quiet_until: Instant::now(),
        stop,
        _seat: seat,
    };
    let events = stream::unfold(viewer, |mut viewer| async move {
        viewer.next().await.map(|event| (Ok::<_, Infallible>(event), viewer))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that collects what it passes on would make the page late.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// One open page.
struct Viewer {
    changes: Option<watch::Receiver<u64>>,
    health: Option<watch::Receiver<std::sync::Arc<Vec<Part>>>>,
    version: &'static str,
    greeted: bool,
    quiet_until: Instant,
    stop: CancellationToken,
    _seat: OwnedSemaphorePermit,
}

impl Viewer {
    /// The next event; `None` when the server stops.
    async fn next(&mut self) -> Option<Bytes> {
        if !self.greeted {
            self.greeted = true;
            let version = self.version;
            let seq = self.seq();
            return Some(
                format!("retry: 2000\nevent: hello\ndata: {{\"seq\":{seq},\"version\":\"{version}\"}}\n\n")
                    .into(),
            );
        }
        let beat = tokio::time::sleep(BEAT);
        tokio::select! {
            () = self.stop.cancelled() => None,
            () = changed(&mut self.changes, &mut self.health) => {
                tokio::select! {
                    () = self.stop.cancelled() => return None,
                    () = tokio::time::sleep_until(self.quiet_until) => {}
                }
                self.quiet_until = Instant::now() + QUIET;
                let seq = self.seq();
                Some(format!("id: {seq}\nevent: changed\ndata: {{\"seq\":{seq}}}\n\n").into())
            }
            // The comment keeps proxies from closing the connection, the event tells the page that it is alive.
            () = beat => Some(Bytes::from_static(b": beat\nevent: beat\ndata: {}\n\n")),
        }
    }

    /// The number of the latest change, which counts as seen from here on.
    fn seq(&mut self) -> u64 {
        if let Some(health) = &mut self.health {
            health.borrow_and_update();
        }
        self.changes.as_mut().map_or(0, |changes| *changes.borrow_and_update())
    }
}

/// Returns when either has a new value. A sender that is gone changes nothing any more and is not asked again.
async fn changed<A, B>(a: &mut Option<watch::Receiver<A>>, b: &mut Option<watch::Receiver<B>>) {
    loop {
        tokio::select! {
            still = next(a) => if still { return } else { *a = None },
            still = next(b) => if still { return } else { *b = None },
        }
    }
}

async fn next<T>(receiver: &mut Option<watch::Receiver<T>>) -> bool {
    match receiver {
        Some(receiver) => receiver.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}
