//! The load: each connection sends its next request when it has the last answer.
//!
//! A plain HTTP/1.1 client on one thread: processor time of the load generator is missing for the server.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::figures::Measured;
use crate::server::Server;
use crate::town::PASSWORD;
use crate::{Fallible, Settings, process};

/// Writes the next request of a connection into a buffer that is empty.
pub type Requests = Box<dyn FnMut(&mut Vec<u8>)>;

/// One connection to the server.
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Fallible<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            received: Vec::with_capacity(256 * 1024),
        })
    }

    /// Sends a request and waits for its answer: the status; the body follows in `received`.
    async fn exchange(&mut self, request: &[u8]) -> Fallible<(u16, &[u8])> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let (status, start, end) = loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the server hung up".into());
            }
            if let Some(found) = head(&self.received)? {
                break found;
            }
        };
        while self.received.len() < end {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the server hung up".into());
            }
        }
        Ok((status, self.received.get(start..end).unwrap_or_default()))
    }
}

/// Status, and where the body begins and ends; none while the head is not complete.
fn head(received: &[u8]) -> Fallible<Option<(u16, usize, usize)>> {
    let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(received.get(..end).unwrap_or_default())?;
    let status = head.get(9..12).ok_or("no status")?.parse()?;
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(Ok(0), |(_, length)| length.trim().parse::<usize>())?;
    Ok(Some((status, end + 4, end + 4 + length)))
}

/// A request of an officer.
pub fn request(into: &mut Vec<u8>, method: &str, path: &str, token: &str, body: &str) {
    for part in [
        method,
        " ",
        path,
        " HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ",
        token,
    ] {
        into.extend_from_slice(part.as_bytes());
    }
    if !body.is_empty() {
        let head = format!(
            "\r\ncontent-type: application/json\r\ncontent-length: {}",
            body.len()
        );
        into.extend_from_slice(head.as_bytes());
    }
    into.extend_from_slice(b"\r\n\r\n");
    into.extend_from_slice(body.as_bytes());
}

/// The request that uploads a file: method and path, its kind, its content.
pub fn upload(into: &mut Vec<u8>, target: &str, token: &str, kind: &str, file: &[u8]) {
    let head = format!(
        "{target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: {kind}\r\ncontent-length: {}\r\n\r\n",
        file.len()
    );
    into.extend_from_slice(head.as_bytes());
    into.extend_from_slice(file);
}

/// The request with which somebody signs in.
pub fn sign_in_request(into: &mut Vec<u8>, username: &str) {
    let body = format!("{{\"username\":\"{username}\",\"password\":\"{PASSWORD}\"}}");
    let head = format!(
        "POST /v1/auth/login HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    into.extend_from_slice(head.as_bytes());
    into.extend_from_slice(body.as_bytes());
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Signs officers in: their access tokens.
pub fn sign_in(address: SocketAddr, usernames: &[&str]) -> Fallible<Vec<String>> {
    runtime()?.block_on(async {
        let mut connection = Connection::open(address).await?;
        let mut tokens = Vec::new();
        for username in usernames {
            let mut request = Vec::new();
            sign_in_request(&mut request, username);
            let (status, body) = connection.exchange(&request).await?;
            let answer: Value = serde_json::from_slice(body)?;
            let token = answer.get("access_token").and_then(Value::as_str);
            let token = token.ok_or_else(|| format!("signing in {username}: {status} {answer}"))?;
            tokens.push(token.to_owned());
        }
        Ok(tokens)
    })
}

/// Asks once: status and body.
pub fn ask(address: SocketAddr, request: &[u8]) -> Fallible<(u16, Value)> {
    runtime()?.block_on(async {
        let mut connection = Connection::open(address).await?;
        let (status, body) = connection.exchange(request).await?;
        Ok((status, serde_json::from_slice(body)?))
    })
}

/// Puts load on the server: `requests` makes those of each connection, each to be answered with
/// `expected`.
pub fn drive(
    server: &Server,
    settings: &Settings,
    connections: usize,
    expected: u16,
    mut requests: impl FnMut(usize) -> Requests,
) -> Fallible<Measured> {
    let begin = Instant::now() + settings.warm_up;
    let end = begin + settings.seconds;
    let process = server.process();
    let all = (0..connections).map(|number| (number, requests(number)));
    let all: Vec<_> = all.collect();
    runtime()?.block_on(tokio::task::LocalSet::new().run_until(async {
        let tasks = all.into_iter().map(|(_, requests)| {
            let one = connection(server.address, requests, expected, begin, end);
            let task = tokio::task::spawn_local(one);
            async move { task.await? }
        });
        let used = async {
            let sample = |at: Instant| async move {
                tokio::time::sleep_until(at.into()).await;
                (process::cpu(None), process::cpu(Some(process)))
            };
            let (before, after) = (sample(begin).await, sample(end).await);
            let share = |before: Option<Duration>, after: Option<Duration>| {
                let used = after?.checked_sub(before?)?;
                Some(used.as_secs_f64() / settings.seconds.as_secs_f64())
            };
            Ok::<_, crate::Fault>((share(before.0, after.0), share(before.1, after.1)))
        };
        let (each, (generator_cpu, server_cpu)) =
            futures_util::try_join!(try_join_all(tasks), used)?;
        let failures = each.iter().map(|(_, failures)| failures).sum();
        let took = each.into_iter().flat_map(|(took, _)| took).collect();
        Ok(Measured {
            generator_cpu,
            server_cpu,
            failures,
            ..Measured::of(took, settings.seconds)
        })
    }))
}

/// One connection's share: how long each answer took that came within the time measured, and how
/// many answers were not as expected.
async fn connection(
    address: SocketAddr,
    mut requests: Requests,
    expected: u16,
    begin: Instant,
    end: Instant,
) -> Fallible<(Vec<Duration>, u64)> {
    let mut connection = Connection::open(address).await?;
    let mut request = Vec::new();
    let mut took = Vec::new();
    let mut failures = 0;
    loop {
        request.clear();
        requests(&mut request);
        let sent = Instant::now();
        if sent >= end {
            return Ok((took, failures));
        }
        let (status, body) = connection.exchange(&request).await?;
        let answered = Instant::now();
        if status != expected {
            if failures == 0 {
                eprintln!("load: {status} {}", String::from_utf8_lossy(body));
            }
            failures += 1;
        } else if answered >= begin && answered < end {
            took.push(answered - sent);
        }
    }
}
