//! One attempt to send one envelope.
//!
//! Owns the request and what the answer means. The request is signed, follows no redirects, goes only to
//! allowed addresses, has a time limit, and reads only a little of the answer. It must not use the
//! database.

use std::error::Error as _;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::notice::delivery::Fault;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, Response, StatusCode, Url, redirect};

use super::address::{self, Guard, NotPublic};
use super::secret;
use super::settings::WebhookSettings;

/// Bytes of an answer that are read.
const MOST_BYTES: usize = 4096;
/// How many characters of an answer are stored.
const MOST_CHARS: usize = 300;
/// How long an answer's body is waited for.
const BODY_PATIENCE: Duration = Duration::from_secs(2);
/// The media type of an envelope.
const ENVELOPE: &str = "application/cloudevents+json; charset=utf-8";
/// Who sends.
const AGENT: &str = concat!("gridpatrol/", env!("CARGO_PKG_VERSION"));

/// What is sent.
#[derive(Clone)]
pub struct Parcel {
    /// Where to.
    pub url: String,
    /// The id of the envelope.
    pub id: String,
    /// The envelope.
    pub body: String,
    /// The secrets that sign, newest first.
    pub secrets: Vec<Vec<u8>>,
    /// Whether it holds push tokens, which an answer may quote.
    pub confidential: bool,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// Why it failed; none: the receiver has it.
    pub fault: Option<Fault>,
    /// The answer's status.
    pub status: Option<u16>,
    /// How the answer began, where it was not taken.
    pub answer: Option<String>,
    /// How long the receiver asks to wait.
    pub retry_after: Option<TimeDelta>,
    /// How long it took.
    pub duration: Duration,
}

/// Sends. A cheap handle.
#[derive(Debug, Clone)]
pub struct Sender {
    client: Client,
    settings: WebhookSettings,
}

impl Sender {
    /// A sender with these settings.
    ///
    /// # Errors
    /// When TLS cannot be made ready.
    pub fn new(settings: &WebhookSettings) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .tls_backend_native()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .dns_resolver(Guard {
                allow_private: settings.allow_private,
            })
            .connect_timeout(settings.connect_timeout())
            .timeout(settings.timeout())
            .pool_max_idle_per_host(4)
            .pool_idle_timeout(Duration::from_secs(30))
            .build()?;
        Ok(Self {
            client,
            settings: settings.clone(),
        })
    }

    /// Tries once.
    pub async fn send(&self, parcel: &Parcel, now: DateTime<Utc>) -> Sent {
        let began = Instant::now();
        let mut sent = match self.request(parcel, now).await {
            Ok(response) => answered(response, now).await,
            Err(fault) => Sent::failed(fault),
        };
        sent.duration = began.elapsed();
        if parcel.confidential {
            sent.answer = None;
        }
        sent
    }

    async fn request(&self, parcel: &Parcel, now: DateTime<Utc>) -> Result<Response, Fault> {
        // Numeric addresses need no resolver.
        let url = Url::parse(&parcel.url)
            .ok()
            .filter(|url| address::may_connect(url, &self.settings))
            .ok_or(Fault::AddressRefused)?;
        let timestamp = now.timestamp();
        let signature = secret::sign(&parcel.secrets, &parcel.id, timestamp, &parcel.body);
        self.client
            .post(url)
            .header(CONTENT_TYPE, ENVELOPE)
            .header(USER_AGENT, AGENT)
            .header("webhook-id", &parcel.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(parcel.body.clone())
            .send()
            .await
            .map_err(|error| fault_of(&error))
    }
}

impl Sent {
    const fn failed(fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            status: None,
            answer: None,
            retry_after: None,
            duration: Duration::ZERO,
        }
    }
}

fn fault_of(error: &reqwest::Error) -> Fault {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return Fault::AddressRefused;
        }
        source = cause.source();
    }
    if error.is_timeout() {
        Fault::TimedOut
    } else {
        Fault::Unreachable
    }
}

async fn answered(mut response: Response, now: DateTime<Utc>) -> Sent {
    let status = response.status();
    let fault = match status {
        _ if status.is_success() => None,
        _ if status.is_redirection() => Some(Fault::Redirected),
        StatusCode::GONE => Some(Fault::Gone),
        StatusCode::TOO_MANY_REQUESTS
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => Some(Fault::Busy),
        _ => Some(Fault::Refused),
    };
    let retry_after = retry_after(response.headers(), now).filter(|_| fault.is_some());
    // We always read a little of it, so that the connection can be used again.
    let mut body = Vec::new();
    let reading = async {
        while body.len() < MOST_BYTES {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) | Err(_) => break,
            }
        }
    };
    // Its content is not worth waiting for.
    let _ = tokio::time::timeout(BODY_PATIENCE, reading).await;
    Sent {
        fault,
        status: Some(status.as_u16()),
        answer: fault.and_then(|_| excerpt(&body)),
        retry_after,
        duration: Duration::ZERO,
    }
}

/// How an answer began, as printable text.
fn excerpt(body: &[u8]) -> Option<String> {
    let text: String = String::from_utf8_lossy(body)
        .chars()
        .map(|each| if each.is_control() { ' ' } else { each })
        .take(MOST_CHARS)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<TimeDelta> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse::<u32>() {
        Ok(seconds) => Some(TimeDelta::seconds(seconds.into())),
        Err(_) => DateTime::parse_from_rfc2822(value)
            .ok()
            .map(|at| (at.with_timezone(&Utc) - now).max(TimeDelta::zero())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2015-10-21T07:28:00Z".parse().unwrap();
        let asked = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers, now).map(|asked| asked.num_seconds())
        };
        assert_eq!(asked("120"), Some(120));
        assert_eq!(asked("Wed, 21 Oct 2015 07:29:00 GMT"), Some(60));
        assert_eq!(asked("Wed, 21 Oct 2015 07:27:00 GMT"), Some(0));
        assert_eq!(asked("-5"), None);
        assert_eq!(asked("soon"), None);
    }

    #[test]
    fn an_answer_is_kept_short_and_printable() {
        assert_eq!(excerpt(b"\x00\r\n"), None);
        assert_eq!(excerpt("坏\n了".as_bytes()).unwrap(), "坏 了");
        assert_eq!(excerpt(&[b'x'; 4000]).unwrap().len(), MOST_CHARS);
    }
}
