//! Safe retries of POST: the same `Idempotency-Key` gets the first committed answer again.
//!
//! Owns the key, the hash that identifies a repeated request, and the frame around a write. The
//! transaction of the write also writes the key's row, so that there is never one without the other. It
//! must not store refusals: after a correction, the client may use the same key.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::call::SignedCall;
use super::context::Identity;
use super::etag;
use super::validate::Errors;
use gridpatrol_problem::Problem;
use gridpatrol_store::idempotency::{self, Claim};
use gridpatrol_store::{Conn, Lane, Outcome, Store};

/// The header that makes a POST safe to repeat.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Marks an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A client's name for one request, at most 255 visible characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the header.
    pub(super) fn of(headers: &HeaderMap, errors: &mut Errors) -> Option<Self> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY);
        let key = values.next()?.to_str().unwrap_or_default();
        let sound = (1..=255).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_graphic())
            && values.next().is_none();
        if sound {
            Some(Self(key.to_owned()))
        } else {
            errors.add_at(
                "header/Idempotency-Key",
                "bad_format",
                "Give one key of 1 to 255 visible ASCII characters, such as a UUID.",
            );
            None
        }
    }
}

/// What identifies a request when the client repeats it.
#[derive(Debug, Clone)]
pub struct Ticket {
    officer: Uuid,
    key: Option<Key>,
    hash: [u8; 32],
}

impl Ticket {
    /// The ticket of a request: operation (method and target) and body.
    #[must_use]
    pub fn new(
        officer: Uuid,
        key: Option<Key>,
        method: &str,
        target: &str,
        content: &Value,
    ) -> Self {
        let mut hash = Sha256::new();
        if key.is_some() {
            hash.update(method);
            hash.update([0]);
            hash.update(target);
            hash.update([0]);
            hash.update(canonical(content));
        }
        Self {
            officer,
            key,
            hash: hash.finalize().into(),
        }
    }
}

impl Ticket {
    /// The ticket for one part of a request that needs several transactions. Its key is derived from
    /// the request's key, so that a repeated request finds the finished parts.
    #[must_use]
    pub fn part(&self, name: &str) -> Self {
        let hash = Sha256::new().chain_update(self.hash).chain_update(name);
        Self {
            officer: self.officer,
            key: self
                .key
                .as_ref()
                .map(|key| Key(format!("{}/{name}", key.as_str()))),
            hash: hash.finalize().into(),
        }
    }
}

/// The stored status of a request that needs several transactions, until it has an answer.
const UNDER_WAY: u16 = 102;

/// Begins a request that needs several transactions, each with a part of its ticket ([`Ticket::part`]).
/// A request that was answered before gets that answer; one that was interrupted continues.
///
/// # Errors
/// `key_reused`, or `unavailable`.
pub async fn begin(
    store: &Store,
    ticket: &Ticket,
    now: DateTime<Utc>,
) -> Result<Option<Answered>, Problem> {
    let ticket = ticket.clone();
    store
        .write(Lane::Interactive, move |conn| {
            let Some(key) = ticket.key.as_ref().map(Key::as_str) else {
                return Ok(None);
            };
            match idempotency::claim(conn, ticket.officer, key, &ticket.hash, now)? {
                Claim::New => {
                    idempotency::complete(conn, ticket.officer, key, UNDER_WAY, "")?;
                    Ok(None)
                }
                Claim::Replay { status, .. } if status == UNDER_WAY => Ok(None),
                Claim::Replay { status, body } => Ok(Some(Answered {
                    answer: Answer::stored(status, body),
                    replayed: true,
                })),
                Claim::Reused => Err(reused().into()),
            }
        })
        .await
}

/// Ends a request that [`begin`] started, with its answer.
///
/// # Errors
/// `unavailable`.
pub async fn finish(store: &Store, ticket: &Ticket, answer: Answer) -> Result<Answered, Problem> {
    if ticket.key.is_some() {
        let (ticket, answer) = (ticket.clone(), answer.clone());
        store
            .write(Lane::Interactive, move |conn| {
                let key = ticket.key.as_ref().map_or("", Key::as_str);
                let Answer { status, body, .. } = &answer;
                Ok(idempotency::complete(
                    conn,
                    ticket.officer,
                    key,
                    *status,
                    body,
                )?)
            })
            .await?;
    }
    Ok(Answered {
        answer,
        replayed: false,
    })
}

fn reused() -> Problem {
    Problem::new(Code::KeyReused)
        .detail("A new request needs a new key; a repeated one must be the same.")
}

/// The RFC 8785 form of a JSON value.
#[must_use]
pub fn canonical(value: &Value) -> Vec<u8> {
    // Writing a Value into memory cannot fail. If it ever does, the plain form works as well.
    serde_json_canonicalizer::to_vec(value).unwrap_or_else(|_| value.to_string().into_bytes())
}

/// The SHA-256 of the RFC 8785 form of a JSON value.
#[must_use]
pub fn canonical_hash(value: &Value) -> [u8; 32] {
    Sha256::digest(canonical(value)).into()
}

/// The answer of a write, as it is stored for retries.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    body: String,
    version: Option<i64>,
    shown: Option<String>,
}

impl Answer {
    /// 200 with a body.
    ///
    /// # Errors
    /// `internal` if the body cannot be written as JSON.
    pub fn ok<T: Serialize>(body: &T) -> Result<Self, Problem> {
        Self::new(StatusCode::OK, body)
    }

    /// 201 with a body.
    ///
    /// # Errors
    /// `internal` if the body cannot be written as JSON.
    pub fn created<T: Serialize>(body: &T) -> Result<Self, Problem> {
        Self::new(StatusCode::CREATED, body)
    }

    /// 204.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            status: 204,
            body: String::new(),
            version: None,
            shown: None,
        }
    }

    /// Another status with a body. A member `version` of the body becomes its ETag.
    ///
    /// # Errors
    /// `internal` if the body cannot be written as JSON.
    pub fn new<T: Serialize>(status: StatusCode, body: &T) -> Result<Self, Problem> {
        Ok(Self::stored(status.as_u16(), etag::write(body)?))
    }

    fn stored(status: u16, body: String) -> Self {
        #[derive(serde::Deserialize)]
        struct Versioned {
            version: Option<i64>,
        }
        let version = serde_json::from_str::<Versioned>(&body)
            .ok()
            .and_then(|body| body.version);
        Self {
            status,
            body,
            version,
            shown: None,
        }
    }

    /// Makes the first answer show more than is stored, such as a secret that is shown once.
    ///
    /// # Errors
    /// `internal` if the body cannot be written as JSON.
    pub fn shown_once<T: Serialize>(mut self, body: &T) -> Result<Self, Problem> {
        self.shown = Some(etag::write(body)?);
        Ok(self)
    }

    /// The response. Nothing is stored, so a repeated request continues the work.
    #[must_use]
    pub fn unkept(self) -> HttpResponse {
        self.respond(false)
    }

    fn respond(self, replayed: bool) -> HttpResponse {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = if status == StatusCode::NO_CONTENT {
            HttpResponse::NoContent().finish()
        } else {
            etag::answer(status, self.version, self.shown.unwrap_or(self.body))
        };
        if replayed {
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Runs a write of this call in one transaction. A repeated call gets the first answer again.
///
/// # Errors
/// The refusals of `work`, `key_reused`, or `unavailable`.
pub async fn keyed<I: Identity, P, Q, B>(
    call: &SignedCall<I, P, Q, B>,
    work: impl FnMut(&mut Conn) -> Outcome<Answer> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    run(&call.store, call.now, call.ticket(), work).await
}

/// As [`keyed`], for a request whose body was read elsewhere.
///
/// # Errors
/// As [`keyed`].
pub async fn run(
    store: &Store,
    now: DateTime<Utc>,
    ticket: Ticket,
    work: impl FnMut(&mut Conn) -> Outcome<Answer> + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let answered = answered(store, now, ticket, work).await?;
    Ok(answered.respond())
}

/// An answer, given for the first time or again.
#[derive(Debug, Clone)]
pub struct Answered {
    answer: Answer,
    replayed: bool,
}

impl Answered {
    /// The body, as it is stored for a retry.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.answer.body
    }

    /// The response.
    #[must_use]
    pub fn respond(self) -> HttpResponse {
        self.answer.respond(self.replayed)
    }

    /// The response with `Location`: the path of such things, followed by the id.
    #[must_use]
    pub fn located(self, under: &str) -> HttpResponse {
        #[derive(serde::Deserialize)]
        struct Named {
            id: Uuid,
        }
        let named = serde_json::from_str::<Named>(&self.answer.body).ok();
        let mut response = self.respond();
        let location =
            named.and_then(|named| HeaderValue::from_str(&format!("{under}{}", named.id)).ok());
        if let Some(location) = location {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }
}

/// As [`run`], but returns the answer before it becomes a response.
///
/// # Errors
/// As [`keyed`].
pub async fn answered(
    store: &Store,
    now: DateTime<Utc>,
    ticket: Ticket,
    mut work: impl FnMut(&mut Conn) -> Outcome<Answer> + Send + 'static,
) -> Result<Answered, Problem> {
    let (answer, replayed) = store
        .write(Lane::Interactive, move |conn| {
            let Some(key) = &ticket.key else {
                return Ok((work(conn)?, false));
            };
            let key = key.as_str();
            match idempotency::claim(conn, ticket.officer, key, &ticket.hash, now)? {
                Claim::Replay { status, body } => return Ok((Answer::stored(status, body), true)),
                Claim::Reused => {
                    return Err(reused().into());
                }
                Claim::New => {}
            }
            let answer = work(conn)?;
            idempotency::complete(conn, ticket.officer, key, answer.status, &answer.body)?;
            Ok((answer, false))
        })
        .await?;
    Ok(Answered { answer, replayed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hash(method: &str, target: &str, body: &Value) -> [u8; 32] {
        Ticket::new(Uuid::nil(), Some(Key("k".into())), method, target, body).hash
    }

    #[test]
    fn the_same_request_has_the_same_hash_however_it_is_spelt() {
        let one: Value = serde_json::from_str(r#"{"a": 1.0, "b": "\u6751"}"#).unwrap();
        let other: Value = serde_json::from_str(r#"{"b":"村","a":1}"#).unwrap();
        assert_eq!(hash("POST", "/v1/x", &one), hash("POST", "/v1/x", &other));
        assert_ne!(hash("POST", "/v1/x", &one), hash("POST", "/v1/y", &one));
        assert_ne!(
            hash("POST", "/v1/x", &one),
            hash("POST", "/v1/x", &json!({}))
        );
    }

    #[test]
    fn keys_are_short_and_visible() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(
                HeaderName::from_static(IDEMPOTENCY_KEY),
                HeaderValue::from_static(value),
            );
            let mut errors = Errors::header();
            (Key::of(&headers, &mut errors), errors.into_found())
        };
        assert_eq!(read("a-1").0, Some(Key("a-1".into())));
        for wrong in ["", "a b"] {
            let (key, errors) = read(wrong);
            assert!(key.is_none());
            assert_eq!(errors[0].pointer, "header/Idempotency-Key");
        }
    }

    #[test]
    fn a_stored_answer_has_the_etag_of_the_first() {
        let first = Answer::created(&json!({"version": 3, "id": "x"})).unwrap();
        let again = Answer::stored(first.status, first.body.clone());
        let (first, again) = (first.respond(false), again.respond(true));
        let tag = actix_web::http::header::ETAG;
        assert_eq!(first.headers().get(&tag), again.headers().get(&tag));
        assert_eq!(again.headers().get(REPLAYED).unwrap(), "true");
        assert_eq!(again.status(), StatusCode::CREATED);
    }
}
