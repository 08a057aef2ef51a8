//! Accepts connections, and gives none of them more time or memory than a client in good faith needs.
//!
//! `axum::serve` waits for ever for a header, a body or a reader. Here each of these has a time limit, the number of
//! connections is capped, running out of file descriptors is waited out, and stopping is graceful and bounded.

mod patient;
mod timed_body;

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tracing::{debug, warn};

use self::patient::Patient;
pub(crate) use self::timed_body::Overdue;
use self::timed_body::TimedBody;
use crate::problem::Problem;
use crate::routes::reads_superoffice;

/// A request's head may be so large.
const HEAD_BYTES: usize = 64 * 1024;
/// The longest pause after a failed accept.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// How much a client may ask of us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// So many connections at a time; more wait in the kernel's queue.
    pub connections: usize,
    /// A request's head must arrive within this, also after an earlier request on the same connection.
    pub head: Duration,
    /// A request's body must arrive within this.
    pub body: Duration,
    /// The answer must have begun within this.
    pub request: Duration,
    /// The same where SuperOffice is read first, page by page: whoever asks that waits as long as there are pages.
    pub reading: Duration,
    /// A reader that takes nothing for so long is cut off.
    pub write: Duration,
    /// After being told to stop, so long is left for what is in progress.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head: Duration::from_secs(5),
            body: Duration::from_secs(10),
            request: Duration::from_secs(30),
            reading: Duration::from_hours(1),
            write: Duration::from_secs(30),
            stop: Duration::from_secs(8),
        }
    }
}

/// Put into each request, so that endless answers know when to end.
#[derive(Debug, Clone)]
pub(crate) struct Stopping(pub(crate) CancellationToken);

/// Serves `router` until `stop`; then lets requests in progress finish and returns within [`Limits::stop`].
///
/// # Errors
///
/// Only for a listener that is of no use at all; a failure of one connection ends that connection.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> io::Result<()> {
    let seats = Arc::new(Semaphore::new(limits.connections));
    let connections = TaskTracker::new();
    let cut = CancellationToken::new();
    let mut pause = Duration::ZERO;

    loop {
        let seat = tokio::select! {
            () = stop.cancelled() => break,
            seat = Arc::clone(&seats).acquire_owned() => seat.map_err(io::Error::other)?,
        };
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) if is_of_the_connection(&error) => continue,
                Err(error) => {
                    // Out of file descriptors or memory: the connections that are open will give some back.
                    pause = (pause * 2).clamp(Duration::from_millis(50), LONGEST_PAUSE);
                    warn!(%error, pause_ms = pause.as_millis(), "could not accept a connection: {error}");
                    tokio::time::sleep(pause).await;
                    continue;
                }
            },
        };
        pause = Duration::ZERO;
        let connection = connection(stream, router.clone(), limits.clone(), stop.clone());
        let cut = cut.clone();
        connections.spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = connection => {}
            }
            drop(seat);
        });
    }

    drop(listener);
    connections.close();
    if tokio::time::timeout(limits.stop, connections.wait()).await.is_err() {
        warn!(
            connections = connections.len(),
            "cut off {} connections that did not end in time",
            connections.len()
        );
        cut.cancel();
        connections.wait().await;
    }
    Ok(())
}

/// The peer is gone already; the next one may be waiting.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

async fn connection(stream: TcpStream, router: Router, limits: Limits, stop: CancellationToken) {
    // Answers are small and sent in one piece; waiting for more to send would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        debug!("could not set TCP_NODELAY: {error}");
    }
    let stopping = Stopping(stop.clone());
    let (body_time, request_time, reading_time) = (limits.body, limits.request, limits.reading);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut router = router.clone();
        let mut request = request.map(|body| Body::new(TimedBody::new(body, body_time)));
        // Only what is got can be answered without end; a delivery is spared the price.
        if request.method() == Method::GET {
            request.extensions_mut().insert(stopping.clone());
        }
        let time = if reads_superoffice(request.uri().path()) { reading_time } else { request_time };
        async move {
            let answer = tokio::time::timeout(time, router.call(request)).await;
            Ok::<_, Infallible>(match answer {
                Ok(Ok(response)) => response,
                Err(_) => too_slow(),
            })
        }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(HEAD_BYTES)
            .serve_connection(TokioIo::new(Patient::new(stream, limits.write)), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        debug!("a connection ended early: {error}");
    }
}

fn too_slow() -> Response {
    let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too_slow", "The answer took too long.");
    problem.retry_after(1).into_response()
}
