//! A receiver of webhooks that behaves well or badly.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// How a request is answered.
#[derive(Debug, Clone)]
pub enum Behaviour {
    /// With a status, and headers as they stand on the wire.
    Status(u16, &'static str),
    /// With a redirection to there.
    Redirect(String),
    /// Well, after a while.
    Slow(Duration),
    /// Not at all.
    Hang,
    /// With a body without end.
    Endless,
    /// By hanging up.
    HangUp,
}

/// A request that was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: String,
}

impl Received {
    /// The envelope.
    pub fn envelope(&self) -> Value {
        serde_json::from_str(&self.body).expect("an envelope")
    }

    /// A header.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().expect("text"))
    }

    /// The kind of the event.
    pub fn kind(&self) -> String {
        let envelope = self.envelope();
        let name = envelope["type"].as_str().expect("a type");
        name.rsplit('.').next().expect("a kind").to_owned()
    }
}

#[derive(Default)]
struct State {
    received: Vec<Received>,
    /// How the next requests are answered; afterwards with 204.
    script: VecDeque<Behaviour>,
    /// How all requests are answered whose body holds this text, before the script is asked.
    about: Option<(String, Behaviour)>,
}

/// A receiver on a port of its own.
#[derive(Clone)]
pub struct Receiver {
    state: Arc<Mutex<State>>,
    /// Its port.
    pub port: u16,
}

impl Receiver {
    /// Starts one.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state: Arc<Mutex<State>> = Arc::default();
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { state, port }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Answers the next requests so, one after the other.
    pub fn next(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state.lock().unwrap().script.extend(behaviours);
    }

    /// Answers all requests so whose body holds this text.
    pub fn about(&self, text: impl Into<String>, behaviour: Behaviour) {
        self.state.lock().unwrap().about = Some((text.into(), behaviour));
    }

    /// Answers all requests well again.
    pub fn recover(&self) {
        let mut state = self.state.lock().unwrap();
        state.about = None;
        state.script.clear();
    }

    /// What was received so far.
    pub fn received(&self) -> Vec<Received> {
        self.state.lock().unwrap().received.clone()
    }

    /// Waits until so many requests have come; all there are then.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> impl Future<Output = Vec<Received>> + use<> {
        let (this, caller) = (self.clone(), std::panic::Location::caller());
        async move {
            let until = Instant::now() + Duration::from_secs(20);
            loop {
                let received = this.received();
                if received.len() >= count {
                    return received;
                }
                assert!(
                    Instant::now() < until,
                    "{caller}: {} of {count} came: {received:#?}",
                    received.len()
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }

    /// The kinds of what was received about a report, in order.
    pub fn kinds_about(&self, report: uuid::Uuid) -> Vec<String> {
        self.received()
            .iter()
            .filter(|one| one.envelope()["subject"] == serde_json::json!(report))
            .map(Received::kind)
            .collect()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    loop {
        let Some(received) = read(&mut stream).await else {
            return;
        };
        let behaviour = {
            let mut state = state.lock().unwrap();
            let about = state
                .about
                .as_ref()
                .filter(|(text, _)| received.body.contains(text.as_str()))
                .map(|(_, behaviour)| behaviour.clone());
            state.received.push(received);
            about
                .or_else(|| state.script.pop_front())
                .unwrap_or(Behaviour::Status(204, ""))
        };
        let answer = match behaviour {
            Behaviour::Status(status, headers) => {
                format!("HTTP/1.1 {status} x\r\n{headers}content-length: 0\r\n\r\n")
            }
            Behaviour::Slow(after) => {
                tokio::time::sleep(after).await;
                "HTTP/1.1 204 x\r\ncontent-length: 0\r\n\r\n".to_owned()
            }
            Behaviour::Redirect(to) => {
                format!("HTTP/1.1 307 x\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
            }
            Behaviour::Hang => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                return;
            }
            Behaviour::Endless => {
                let head = "HTTP/1.1 500 x\r\ntransfer-encoding: chunked\r\n\r\n";
                if stream.write_all(head.as_bytes()).await.is_err() {
                    return;
                }
                let chunk = format!("1000\r\n{}\r\n", "x".repeat(4096));
                while stream.write_all(chunk.as_bytes()).await.is_ok() {}
                return;
            }
            Behaviour::HangUp => return,
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 8192];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut headers = HeaderMap::new();
            for line in head.lines().skip(1) {
                let (name, value) = line.split_once(':')?;
                headers.append(
                    name.parse::<HeaderName>().ok()?,
                    HeaderValue::from_str(value.trim()).ok()?,
                );
            }
            let length: usize = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
            if bytes.len() >= end + 4 + length {
                let body = String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned();
                return Some(Received { headers, body });
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}
