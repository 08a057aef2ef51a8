//! The one port: takes connections, tells websites, sign-in, API and control apart, and lets mishaps in.
//!
//! It speaks to hyper directly, because a server that hangs up or breaks off in the middle is part of the service.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use crate::answer::{Answer, Call, Payload};
use crate::mishap::{self, Kind, Place, Trouble};
use crate::routes;
use crate::world::policy::Closed;
use crate::world::{State, World};
use crate::{control, login, sites};

/// Largest body that is read.
const MOST: usize = 16 << 20;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("hung up on purpose")]
struct HungUp;

type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What serving needs.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) world: World,
    pub(crate) client: reqwest::Client,
    /// Whether the caller is on this machine; only such callers may look behind the curtain.
    pub(crate) local: bool,
}

/// Takes connections until told to stop.
pub(crate) async fn run(server: Server, listener: TcpListener, tasks: TaskTracker, stop: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let server = Server { local: peer.ip().is_loopback(), ..server.clone() };
                let stop = stop.clone();
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = connection(server, stream) => {}
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: give others time to close theirs.
                warn!("could not take a connection: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(server: Server, stream: TcpStream) {
    // Small answers must not wait for more to come.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request| {
        let server = server.clone();
        async move { server.serve(request).await }
    });
    if let Err(error) =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
    {
        debug!("a connection ended: {error}");
    }
}

impl Server {
    async fn serve(&self, request: Request<Incoming>) -> Result<Response<Body>, HungUp> {
        let call = match read(request).await {
            Ok(call) => call,
            Err(answer) => return Ok(respond(answer)),
        };
        if let Some(label) = sites::label(&call.host) {
            let trouble = sites::trouble(&self.world, label, &call);
            return self.after(trouble, async || sites::answer(&self.world, label, &call)).await;
        }
        if call.path.starts_with("/_emulator") {
            let refused = control::objection(&call, self.local);
            return Ok(respond(refused.unwrap_or_else(|| control::answer(&self.world, &call))));
        }
        if call.path.trim_end_matches('/') == "/sites" {
            return Ok(respond(sites::all(&self.world)));
        }
        if let Some(route) = login::route(&call.path) {
            let trouble = self.world.look(|state| trouble(state, &call, route, None, true));
            let answered = self.after(trouble, async || Some(login::answer(&self.world, route, &call))).await;
            return self.counted(&call, route, answered);
        }
        self.api(&call).await
    }

    async fn api(&self, call: &Call) -> Result<Response<Body>, HungUp> {
        let path = self.world.look(|state| routes::api_path(&call.path, &state.home, &state.context));
        let Some(path) = path else {
            return Ok(respond(Answer::problem(
                404,
                "SoNotFoundException",
                "There is no such customer or page",
            )));
        };
        let (route, target) = match routes::find(&call.method, &path.segments) {
            Some((route, target)) => (route, Some(target)),
            None => ("(unknown)", None),
        };
        let id = target.as_ref().and_then(routes::Target::id);
        let (trouble, delay) =
            self.world.look(|state| (trouble(state, call, route, id, false), state.setup.crm_delay));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let answered = self
            .after(trouble, async || {
                if !path.at_home {
                    let wrong = "Wrong subdomain used to access tenant";
                    if !self.world.look(|state| state.policy.wrong_host_body) {
                        return Some(Answer { status: 421, ..Answer::nothing() });
                    }
                    return Some(Answer::problem(421, "SoMisdirectedRequestException", wrong));
                }
                if let Some(closed) = self.world.look(|state| closed(state)) {
                    return closed;
                }
                let mut call = call.clone();
                let admitted = self.admitted(&call);
                if target != Some(routes::Target::Version) && admitted.is_none() {
                    let status = self.world.look(|state| state.policy.expired_token_status);
                    return Some(Answer::problem(
                        status,
                        "SoAuthenticationException",
                        "Authentication is required",
                    ));
                }
                let Some(target) = target else {
                    let message = "No HTTP resource was found that matches the request URI.";
                    return Some(Answer::json(404, &serde_json::json!({"Message": message})));
                };
                call.application = admitted.unwrap_or_default();
                Some(routes::answer(&self.world, &self.client, target, &call).await)
            })
            .await;
        self.counted(call, route, answered)
    }

    /// The application that calls, if its credentials are good.
    fn admitted(&self, call: &Call) -> Option<String> {
        self.world.look(|state| state.access.admits(call.header("authorization"), call.header("so-apptoken")))
    }

    /// Lets the call meet its trouble, then its answer.
    async fn after(
        &self,
        trouble: Trouble,
        answer: impl AsyncFnOnce() -> Option<Answer>,
    ) -> Result<Response<Body>, HungUp> {
        if !trouble.wait.is_zero() {
            tokio::time::sleep(trouble.wait).await;
        }
        if trouble.hang_up {
            return Err(HungUp);
        }
        if let Some(refusal) = trouble.refused {
            return Ok(respond(refusal));
        }
        let answer = answer().await.ok_or(HungUp)?;
        let spoils = |mishap: &&mishap::Mishap| mishap.kind != Kind::MalformedUdf || answer.status == 200;
        let spoilers: Vec<_> = trouble.spoiled.iter().filter(spoils).collect();
        Ok(respond(spoilers.into_iter().fold(answer.clone(), mishap::spoil)))
    }

    fn counted(
        &self,
        call: &Call,
        route: &str,
        answered: Result<Response<Body>, HungUp>,
    ) -> Result<Response<Body>, HungUp> {
        // A call that was hung up on has no status; it is counted under 0.
        let status = answered.as_ref().map_or(0, |response| response.status().as_u16());
        let key = (call.method.to_string(), route.to_owned(), status);
        self.world.look(|state| *state.calls.entry(key).or_default() += 1);
        answered
    }
}

/// What a tenant answers that cannot be used; the inner `None` hangs up.
#[expect(clippy::option_option, reason = "whether it is closed, and what it says then")]
fn closed(state: &State) -> Option<Option<Answer>> {
    if state.tenant_state().api_usable() {
        return None;
    }
    let page = "<!DOCTYPE html><title>SuperOffice</title><p>We are working on it.</p>";
    Some(match state.policy.closed {
        Closed::Unavailable => Some(Answer::page(503, "text/html", page)),
        Closed::Misdirected => {
            let wrong = "Wrong subdomain used to access tenant";
            Some(Answer::problem(421, "SoMisdirectedRequestException", wrong))
        }
        Closed::Unauthorized => {
            Some(Answer::problem(401, "SoAuthenticationException", "Authentication is required"))
        }
        Closed::Page => Some(Answer::page(200, "text/html", page)),
        Closed::HangUp => None,
    })
}

fn trouble(state: &mut State, call: &Call, route: &str, id: Option<i64>, login: bool) -> Trouble {
    let place = Place { method: call.method.as_str(), route, id, website: false, login };
    let State { mishaps, rng, .. } = state;
    mishaps.meet(&place, rng)
}

async fn read(request: Request<Incoming>) -> Result<Call, Answer> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MOST).collect().await;
    let body = body
        .map_err(|_| Answer::problem(413, "ArgumentException", "The request body is too large"))?
        .to_bytes();
    let raw_query = head.uri.query().unwrap_or_default().to_owned();
    let host = head.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    Ok(Call {
        host: head.uri.authority().map_or(host, http::uri::Authority::as_str).to_owned(),
        method: head.method,
        path: head.uri.path().to_owned(),
        query: url::form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
        headers: head.headers,
        body,
        application: String::new(),
    })
}

fn respond(answer: Answer) -> Response<Body> {
    let mut response = Response::builder().status(answer.status).header("x-powered-by", "NetServer/12.1.0.0");
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let body = match answer.body {
        Payload::Whole(bytes) => whole(bytes),
        Payload::Broken(bytes) => {
            response = response.header("content-length", bytes.len());
            let half = bytes.slice(..bytes.len() / 2);
            // The head and the first half have to be on their way before the line breaks.
            let breaks = stream::once(async {
                tokio::time::sleep(Duration::from_millis(20)).await;
                Err(io::Error::other("broken off on purpose"))
            });
            let half = stream::iter([Ok(Frame::data(half))]);
            StreamBody::new(futures::StreamExt::chain(half, breaks)).boxed_unsync()
        }
        Payload::Huge(length) => {
            let chunk = Bytes::from(vec![b'x'; 64 << 10]);
            let start = stream::iter([Ok(Frame::data(Bytes::from_static(b"{\"Name\":\"")))]);
            let middle = stream::iter((0..length >> 16).map(move |_| Ok(Frame::data(chunk.clone()))));
            let end = stream::iter([Ok(Frame::data(Bytes::from_static(b"\"}")))]);
            let all = futures::StreamExt::chain(futures::StreamExt::chain(start, middle), end);
            StreamBody::new(all).boxed_unsync()
        }
    };
    response.body(body).unwrap_or_else(|error| {
        warn!("an answer could not be written: {error}");
        let mut response = Response::new(whole(Bytes::new()));
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync()
}
