//! Clients in bad faith, or on bad networks, through a real socket.

use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use connector_server::{Limits, serve};
use connector_store::Inbox;
use connector_store::page::PageRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::support::{House, TOKEN, tenant};
use crate::webhook::body;

/// A server behind a socket, with patience for tests.
struct Server {
    address: std::net::SocketAddr,
    stop: CancellationToken,
    task: TaskTracker,
}

impl Server {
    async fn start(router: Router, limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, task) = (CancellationToken::new(), TaskTracker::new());
        task.spawn(serve(listener, router, limits, stop.clone()));
        task.close();
        Self { address, stop, task }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), self.task.wait()).await.expect("it stops in time");
    }
}

fn quick() -> Limits {
    Limits {
        head: Duration::from_millis(300),
        body: Duration::from_millis(400),
        request: Duration::from_secs(2),
        write: Duration::from_millis(500),
        stop: Duration::from_secs(2),
        ..Limits::default()
    }
}

fn head(length: impl std::fmt::Display) -> String {
    format!(
        "POST /connector/webhook HTTP/1.1\r\nHost: x\r\nX-Webhook-Token: {TOKEN}\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Everything the server says until it closes. A reset ends it as well; what was said before stays said.
async fn hear(stream: &mut TcpStream) -> String {
    let mut heard = Vec::new();
    let reading = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            heard.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::time::timeout(Duration::from_secs(10), reading).await.expect("the server closes");
    String::from_utf8_lossy(&heard).into_owned()
}

fn status(heard: &str) -> &str {
    heard.split(' ').nth(1).unwrap_or("nothing")
}

async fn stored(house: &House) -> u64 {
    house.store.event_count(&tenant()).await.unwrap()
}

#[tokio::test]
async fn sixty_four_identical_deliveries_at_once_are_one_row() {
    let house = House::new();
    let server = Server::start(house.router(), Limits::default()).await;
    let body = body("e1", 18);
    let request = format!("{}{body}", head(body.len()));
    let deliveries = (0..64).map(|_| async {
        let mut stream = server.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..read]).into_owned()
    });
    let answers = futures::future::join_all(deliveries).await;
    assert!(answers.iter().all(|answer| status(answer) == "200"), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.contains("queued")).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.contains("duplicate")).count(), 63);
    let events = house.store.events(&tenant(), None, &PageRequest::default()).await.unwrap().items;
    assert_eq!((events.len(), events[0].repeats), (1, 63));
    server.stop().await;
}

#[tokio::test]
async fn one_connection_carries_many_deliveries() {
    let house = House::new();
    let server = Server::start(house.router(), Limits::default()).await;
    let mut stream = server.connect().await;
    for at in 0..3 {
        let body = body(&format!("e{at}"), 18 + at);
        stream.write_all(format!("{}{body}", head(body.len())).as_bytes()).await.unwrap();
        let mut answer = [0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        assert_eq!(status(&String::from_utf8_lossy(&answer[..read])), "200");
    }
    assert_eq!(stored(&house).await, 3);
    drop(stream);
    server.stop().await;
}

#[tokio::test]
async fn a_silent_or_slow_head_is_not_waited_for() {
    let house = House::new();
    let server = Server::start(house.router(), quick()).await;
    for start in ["", "POST /connector/webhook HTTP/1.1\r\nHost: x\r\n"] {
        let began = Instant::now();
        let mut stream = server.connect().await;
        stream.write_all(start.as_bytes()).await.unwrap();
        hear(&mut stream).await;
        assert!(began.elapsed() < Duration::from_secs(20), "{start:?}");
    }
    // A byte now and then does not buy more time.
    let mut stream = server.connect().await;
    let began = Instant::now();
    let dripping = async {
        for byte in "POST /connector/webhook HTTP/1.1\r\nHost: x\r\nX-Long: ".bytes().cycle() {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), dripping).await.expect("the server closes");
    assert!(began.elapsed() < Duration::from_secs(20));
    server.stop().await;
}

#[tokio::test]
async fn a_dripping_body_runs_out_of_time() {
    let house = House::new();
    let server = Server::start(house.router(), quick()).await;
    let mut stream = server.connect().await;
    stream.write_all(head(1000).as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut answer = [0; 4096];
    let dripping = async {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    };
    let read = tokio::select! {
        read = reader.read(&mut answer) => read.unwrap(),
        () = dripping => panic!("closed without an answer"),
        () = tokio::time::sleep(Duration::from_secs(5)) => panic!("no answer"),
    };
    let answer = String::from_utf8_lossy(&answer[..read]);
    assert_eq!(status(&answer), "408", "{answer}");
    assert_eq!(stored(&house).await, 0);
    server.stop().await;
}

#[tokio::test]
async fn too_large_is_said_whether_announced_or_not() {
    let house = House::new();
    let server = Server::start(house.router(), quick()).await;
    let two_megabytes = vec![b' '; 2 << 20];

    let mut stream = server.connect().await;
    stream.write_all(head(two_megabytes.len()).as_bytes()).await.unwrap();
    stream.write_all(&two_megabytes).await.unwrap();
    assert_eq!(status(&hear(&mut stream).await), "413");

    let mut stream = server.connect().await;
    stream.write_all(head(1_u64 << 30).as_bytes()).await.unwrap();
    assert_eq!(status(&hear(&mut stream).await), "413");

    // Endless pieces: the limit counts what arrives.
    let mut stream = server.connect().await;
    let start = format!(
        "POST /connector/webhook HTTP/1.1\r\nHost: x\r\nX-Webhook-Token: {TOKEN}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(start.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let piece = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let pouring = async {
        while writer.write_all(piece.as_bytes()).await.is_ok() {}
        std::future::pending::<()>().await;
    };
    let mut answer = [0; 4096];
    let read = tokio::select! {
        read = reader.read(&mut answer) => read.unwrap(),
        () = pouring => unreachable!(),
        () = tokio::time::sleep(Duration::from_secs(5)) => panic!("no answer"),
    };
    assert_eq!(status(&String::from_utf8_lossy(&answer[..read])), "413");
    assert_eq!(stored(&house).await, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_sender_that_sends_everything_first_sees_why_it_was_refused() {
    let house = House::new();
    let server = Server::start(house.router(), Limits::default()).await;
    // As much as no socket keeps by itself; and more than the limit's fourfold.
    for megabytes in [4, 12] {
        let body = vec![b' '; megabytes << 20];
        for (head, said) in [(head(body.len()).replace(TOKEN, "wrong"), "401"), (head(body.len()), "413")] {
            let mut stream = server.connect().await;
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(&body).await.unwrap();
            let heard = hear(&mut stream).await;
            assert_eq!(status(&heard), said, "{megabytes} MiB");
            assert!(heard.contains("connection: close"), "{heard}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_sender_that_asks_first_is_not_made_to_send() {
    let house = House::new();
    let server = Server::start(house.router(), Limits::default()).await;
    let expecting = head(4 << 20).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    for (head, said) in [(expecting.replace(TOKEN, "wrong"), "401"), (expecting, "413")] {
        let mut stream = server.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        assert_eq!(status(&hear(&mut stream).await), said);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_does_not_match_its_length_is_not_taken_in() {
    let house = House::new();
    let server = Server::start(house.router(), quick()).await;
    let body = body("e1", 18);

    // Shorter than announced, then the sender hangs up.
    let mut stream = server.connect().await;
    stream.write_all(format!("{}{body}", head(body.len() + 1)).as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    assert_ne!(status(&hear(&mut stream).await), "200");

    // Ambiguous lengths, as used to smuggle requests past proxies, and what is no HTTP/1.
    for lengths in [
        format!("Content-Length: {}\r\nContent-Length: 3", body.len()),
        format!("Content-Length: {}, 3", body.len()),
        "Content-Length: -1".to_owned(),
        "Content-Length: x".to_owned(),
        "Transfer-Encoding: xchunked".to_owned(),
    ] {
        let mut stream = server.connect().await;
        let request = format!(
            "POST /connector/webhook HTTP/1.1\r\nHost: x\r\nX-Webhook-Token: {TOKEN}\r\n{lengths}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(status(&hear(&mut stream).await), "400", "{lengths}");
    }
    let mut stream = server.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    assert_ne!(status(&hear(&mut stream).await), "200");
    assert_eq!(stored(&house).await, 0);
    server.stop().await;
}

#[tokio::test]
async fn idle_connections_do_not_keep_real_deliveries_out() {
    let house = House::new();
    let limits = Limits { connections: 8, ..quick() };
    let server = Server::start(house.router(), limits).await;
    let mut idle = Vec::new();
    for _ in 0..32 {
        idle.push(server.connect().await);
    }
    let body = body("e1", 18);
    let mut stream = server.connect().await;
    stream.write_all(format!("{}{body}", head(body.len())).as_bytes()).await.unwrap();
    assert_eq!(status(&hear(&mut stream).await), "200", "served once idle ones were closed");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up_and_a_reader_that_never_reads_is_cut_off() {
    let never = Router::new()
        .route("/never", get(std::future::pending::<()>))
        .route("/much", get(|| async { "x".repeat(64 << 20) }));
    let limits = Limits { request: Duration::from_millis(200), connections: 1, ..quick() };
    let server = Server::start(never, limits).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET /never HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let heard = hear(&mut stream).await;
    assert_eq!(status(&heard), "503");
    assert!(heard.contains("retry-after: 1"), "{heard}");

    let mut deaf = server.connect().await;
    deaf.write_all(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // The only seat is free again although the client still holds its end.
    let mut stream = server.connect().await;
    stream.write_all(b"GET /never HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert_eq!(status(&hear(&mut stream).await), "503");
    drop(deaf);
    server.stop().await;
}

/// Reads until `wanted` was said.
async fn until(stream: &mut TcpStream, wanted: &str) -> String {
    let mut heard = String::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while !heard.contains(wanted) {
            let read = stream.read(&mut buffer).await.unwrap();
            assert!(read > 0, "closed after {heard}");
            heard.push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    };
    tokio::time::timeout(Duration::from_secs(5), reading).await.expect("it is said in time");
    heard
}

#[tokio::test]
async fn an_open_page_hears_of_changes_and_of_the_end() {
    let house = House::new();
    let server = Server::start(house.router(), quick()).await;
    let mut page = server.connect().await;
    page.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let hello = until(&mut page, "event: hello\ndata: {\"seq\":").await;
    assert!(hello.contains("content-type: text/event-stream"), "{hello}");

    let body = body("e1", 18);
    let mut sender = server.connect().await;
    sender.write_all(format!("{}{body}", head(body.len())).as_bytes()).await.unwrap();
    until(&mut sender, "queued").await;
    until(&mut page, "event: changed\ndata: {\"seq\":").await;

    house.health.send_replace(std::sync::Arc::default());
    until(&mut page, "event: changed\ndata: {\"seq\":").await;

    let began = Instant::now();
    drop(sender);
    server.stop().await;
    hear(&mut page).await;
    assert!(began.elapsed() < Duration::from_secs(5), "the stream ends when the server stops");
}

#[tokio::test]
async fn what_is_read_from_superoffice_may_take_its_time() {
    let slow = async || {
        tokio::time::sleep(Duration::from_millis(700)).await;
        "read"
    };
    let router = Router::new().route("/api/v1/coverage", get(slow)).route("/slow", get(slow));
    let limits = Limits { request: Duration::from_millis(100), reading: Duration::from_secs(5), ..quick() };
    let server = Server::start(router, limits).await;
    for (path, expected) in [("/api/v1/coverage", "200"), ("/slow", "503")] {
        let mut stream = server.connect().await;
        let request = format!("GET {path}?from=1h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        assert_eq!(status(&hear(&mut stream).await), expected, "{path}");
    }
    server.stop().await;
}
