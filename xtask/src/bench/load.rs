//! The load: one thread, many kept-alive connections, each sending its next delivery when the last one was answered.
//!
//! It does as little as it can, because it shares the machine with what it measures: bodies are made by changing a few
//! bytes of a finished one, and of an answer it reads the status and the length.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::delivery::Template;

/// What to send, and for how long.
pub(crate) struct Load<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'a str,
    pub(crate) token: &'a str,
    pub(crate) connections: usize,
    /// Not counted.
    pub(crate) warm_up: Duration,
    pub(crate) length: Duration,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) rate: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) answered: u64,
}

struct Connection {
    stream: TcpStream,
    request: Template,
    sent: usize,
    answer: Vec<u8>,
    began: Instant,
}

/// Sends until the time is over.
///
/// # Errors
///
/// For any answer that is not a 200 with a queued delivery: then the figures would mean nothing.
pub(crate) fn run(load: &Load<'_>, counted: &mut dyn FnMut()) -> anyhow::Result<Outcome> {
    let mut poll = Poll::new()?;
    let mut next = 1;
    let mut connections = Vec::with_capacity(load.connections);
    for at in 0..load.connections {
        let stream = std::net::TcpStream::connect(load.address).context("could not connect")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(at), Interest::READABLE | Interest::WRITABLE)?;
        let request = Template::new(load.path, load.address, load.token);
        connections.push(Connection {
            stream,
            request,
            sent: 0,
            answer: Vec::with_capacity(1024),
            began: Instant::now(),
        });
    }
    let start = Instant::now();
    let (from, until) = (start + load.warm_up, start + load.warm_up + load.length);
    let mut warm = false;
    let mut took: Vec<u32> = Vec::with_capacity(1 << 18);
    for connection in &mut connections {
        connection.send_next(&mut next)?;
    }
    let mut events = Events::with_capacity(1024);
    loop {
        poll.poll(&mut events, Some(Duration::from_millis(20)))?;
        let now = Instant::now();
        if now >= until {
            break;
        }
        if !warm && now >= from {
            warm = true;
            counted();
        }
        for event in &events {
            let connection = &mut connections[event.token().0];
            if connection.sent < connection.request.bytes().len() {
                connection.push()?;
            }
            if event.is_readable() && connection.take()? {
                let done = Instant::now();
                if warm {
                    took.push(u32::try_from((done - connection.began).as_micros()).unwrap_or(u32::MAX));
                }
                connection.send_next(&mut next)?;
            }
        }
    }
    let length = from.elapsed();
    took.sort_unstable();
    Ok(Outcome {
        rate: took.len() as f64 / length.as_secs_f64(),
        p50_ms: percentile(&took, 50),
        p99_ms: percentile(&took, 99),
        answered: took.len() as u64,
    })
}

fn percentile(sorted_micros: &[u32], percent: usize) -> f64 {
    let at = (sorted_micros.len() * percent / 100).min(sorted_micros.len().saturating_sub(1));
    sorted_micros.get(at).map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
}

impl Connection {
    fn send_next(&mut self, next: &mut u64) -> anyhow::Result<()> {
        self.request.number(*next);
        *next += 1;
        self.sent = 0;
        self.began = Instant::now();
        self.push()
    }

    fn push(&mut self) -> anyhow::Result<()> {
        while self.sent < self.request.bytes().len() {
            match self.stream.write(&self.request.bytes()[self.sent..]) {
                Ok(written) => self.sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the server closed a connection"),
            }
        }
        Ok(())
    }

    /// Reads what is there; says whether a whole answer is.
    fn take(&mut self) -> anyhow::Result<bool> {
        let mut piece = [0; 2048];
        loop {
            match self.stream.read(&mut piece) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(read) => self.answer.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error).context("the server closed a connection"),
            }
            if let Some(body) = whole(&self.answer)? {
                if !self.answer.starts_with(b"HTTP/1.1 200") || !body.starts_with(br#"{"status":"queued""#) {
                    bail!("a delivery was answered with {}", String::from_utf8_lossy(&self.answer));
                }
                self.answer.clear();
                return Ok(true);
            }
        }
    }
}

/// The body, once all of it is there.
fn whole(answer: &[u8]) -> anyhow::Result<Option<&[u8]>> {
    let Some(end) = find(answer, b"\r\n\r\n") else { return Ok(None) };
    let (head, body) = (&answer[..end], &answer[end + 4..]);
    let at = find(head, b"content-length: ").context("an answer has no content-length")? + 16;
    let digits = head[at..].iter().take_while(|byte| byte.is_ascii_digit());
    let length = digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
    Ok((body.len() >= length).then_some(body))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab";
        assert_eq!(whole(answer).unwrap(), None);
        assert_eq!(whole(&answer[..20]).unwrap(), None);
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab").unwrap(), Some(&b"ab"[..]));
    }

    #[test]
    fn percentiles_are_taken_from_the_sorted_list() {
        let sorted: Vec<u32> = (1..=100).map(|n| n * 1000).collect();
        assert!((percentile(&sorted, 50) - 51.0).abs() < 1e-9);
        assert!((percentile(&sorted, 99) - 100.0).abs() < 1e-9);
    }
}
