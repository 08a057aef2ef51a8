//! `POST /connector/webhook`: takes in one delivery from SuperOffice.
//!
//! Answers as soon as the delivery is durable; acting on it is the pipeline's work. SuperOffice turns a webhook off
//! after nine failed deliveries in a row, so whatever sending it again cannot mend is answered with success: a
//! duplicate is dropped, and an authentic body that we cannot read is parked. Success is 200 and nothing else, and
//! 410, which turns the webhook off for good, is never said.

pub(crate) mod read;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use connector_domain::ids::JobId;
use connector_domain::reason::Reason;
use connector_faults::{Bug, Point, planted, reach};
use connector_store::StoreError;
use connector_store::inbox::Accepted;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use tracing::{debug, error};

use self::read::Read;
use crate::app::{Shared, Web};
use crate::problem::Problem;
use crate::receive::{self, NoBody};

/// The name under which the time of the last test is kept.
use connector_store::settings::TEST_ARRIVED;

/// Takes in one delivery.
pub(crate) async fn receive(State(web): State<Web>, request: Request) -> Response {
    let began = Instant::now();
    let answer = match take_in(&web, request).await {
        Ok(answer) => answer.into_response(),
        Err(refusal) => refusal.into_response(),
    };
    web.metrics.ingest.observe(answer.status(), began.elapsed());
    reach(Point::DeliveryAnswered);
    answer
}

/// Does all that [`receive`] does but store, so that the price of storing can be measured.
pub(crate) async fn bare(State(web): State<Web>, request: Request) -> Response {
    let read = async {
        let body = authentic(&web, request).await?;
        Ok(match read::delivery(&web.app.tenant, body, web.now()) {
            Read::Test => Answer::Test,
            Read::Delivery(_) => Answer::Queued(JobId(0)),
        })
    };
    let answer: Result<Answer, Refusal> = read.await;
    answer.map_or_else(IntoResponse::into_response, IntoResponse::into_response)
}

async fn take_in(web: &Shared, request: Request) -> Result<Answer, Refusal> {
    let body = authentic(web, request).await?;
    let delivery = match read::delivery(&web.app.tenant, body, web.now()) {
        Read::Test => {
            test_arrived(web).await;
            web.metrics.ingest.took_in("test");
            return Ok(Answer::Test);
        }
        Read::Delivery(delivery) => delivery,
    };
    reach(Point::DeliveryAuthentic);
    let accepted = web.app.inbox.accept(*delivery, web.policy()).await.or_else(|error| {
        note(web, &error);
        if planted(Bug::AckWithoutCommit) { Ok(Accepted::Duplicate) } else { Err(Refusal::NotStored) }
    })?;
    reach(Point::DeliveryStored);
    debug!(?accepted, "took in a delivery");
    web.metrics.ingest.took_in(match accepted {
        Accepted::New(_) | Accepted::Merged(_) => "queued",
        Accepted::Duplicate => "duplicate",
        Accepted::Skipped(_) => "skipped",
        Accepted::Parked => "parked",
    });
    Ok(accepted.into())
}

/// Keeps when a test arrived, so that whoever had it sent knows that it was we who answered.
async fn test_arrived(web: &Shared) {
    let (app, now) = (&web.app, web.now());
    if let Err(error) = app.settings.put(&app.tenant, TEST_ARRIVED, now.to_string().into(), now).await {
        note(web, &error);
    }
}

/// The body, once it is known who sent it. The signature covers the bytes as they were sent, so nothing is read in
/// them before.
async fn authentic(web: &Shared, request: Request) -> Result<Bytes, Refusal> {
    let (head, body) = request.into_parts();
    if !web.app.gate.knows_token(&head) {
        receive::turn_away(&head.headers, body, web.app.body_limit).await;
        return Err(Refusal::Token);
    }
    let body = receive::body(&head.headers, body, web.app.body_limit).await.map_err(Refusal::NoBody)?;
    if !web.app.gate.knows_signature(&head.headers, &body) {
        return Err(Refusal::Signature);
    }
    Ok(body)
}

/// Logs that a delivery could not be stored, at most once a second: a full disk fails every one of them.
fn note(web: &Shared, failure: &StoreError) {
    static LAST: AtomicI64 = AtomicI64::new(i64::MIN);
    let second = web.now().as_second();
    if LAST.swap(second, Ordering::Relaxed) != second {
        error!("could not store a delivery, and asked for it again: {failure}");
    }
}

/// What a sender that was let in is told.
enum Answer {
    Queued(JobId),
    Duplicate,
    Skipped(Reason),
    Parked,
    Test,
}

impl From<Accepted> for Answer {
    fn from(accepted: Accepted) -> Self {
        match accepted {
            Accepted::New(job) | Accepted::Merged(job) => Self::Queued(job),
            Accepted::Duplicate => Self::Duplicate,
            Accepted::Skipped(reason) => Self::Skipped(reason),
            Accepted::Parked => Self::Parked,
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let body = match self {
            Self::Queued(job) => format!(r#"{{"status":"queued","job_id":{job}}}"#).into(),
            Self::Duplicate => Bytes::from_static(br#"{"status":"duplicate"}"#),
            Self::Skipped(reason) => format!(r#"{{"status":"skipped","reason":"{reason}"}}"#).into(),
            Self::Parked => Bytes::from_static(br#"{"status":"parked"}"#),
            Self::Test => Bytes::from_static(br#"{"status":"test"}"#),
        };
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// Why a delivery was not taken in.
enum Refusal {
    Token,
    Signature,
    NoBody(NoBody),
    NotStored,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let problem = match self {
            Self::Token => Problem::new(
                StatusCode::UNAUTHORIZED,
                "bad_token",
                "The token is missing or wrong. Send it in X-Webhook-Token or as ?token=.",
            )
            .closing(),
            Self::Signature => Problem::new(
                StatusCode::UNAUTHORIZED,
                "bad_signature",
                "X-SuperOffice-Signature is missing or does not fit the body.",
            ),
            Self::NoBody(missing) => missing.into(),
            Self::NotStored => Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "not_stored",
                "The delivery could not be stored. Send it again.",
            )
            .retry_after(1),
        };
        problem.into_response()
    }
}
