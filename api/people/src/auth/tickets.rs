//! Tickets: five minutes of read access for `EventSource` and `<img>`, which cannot send headers.
//!
//! Owns the form of a ticket and what it allows: GET, below one path, while its session or service
//! key is valid. A ticket is signed with a separate key and not stored. A ticket must not work as a
//! bearer token, nor a bearer token as a ticket. Tickets do not leak: we do not log query strings,
//! and every answer forbids the browser to send a referrer (`Referrer-Policy`).

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use gridpatrol_domain::error::Code;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use uuid::Uuid;

use gridpatrol_http::call::TICKET;
use gridpatrol_http::query;
use gridpatrol_problem::Problem;

/// How long a ticket is valid.
pub const LIFETIME: TimeDelta = TimeDelta::minutes(5);
/// Most characters of a path prefix.
pub const MOST_PREFIX_CHARS: usize = 200;

/// Every ticket starts with this, so that secret scanners can find it.
const PREFIX: &str = "gpt_";
const TAG_BYTES: usize = 32;

/// Who a ticket was issued to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// An officer's session.
    Session {
        /// The officer.
        officer_id: Uuid,
        /// The session.
        session_id: Uuid,
    },
    /// A key of a service account.
    Key(Uuid),
}

/// Makes and checks tickets. All processes of a service share its key.
#[derive(Clone)]
pub struct Tickets(Hmac<Sha256>);

impl std::fmt::Debug for Tickets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Tickets")
    }
}

impl Tickets {
    /// Uses this key of 32 random bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        for (to, from) in block.iter_mut().zip(key) {
            *to = *from;
        }
        Self(Hmac::new(&block))
    }

    /// Makes a ticket for this canonical prefix ([`canonical`]). Also returns when it expires.
    #[must_use]
    pub fn issue(
        &self,
        holder: Holder,
        prefix: &str,
        now: DateTime<Utc>,
    ) -> (String, DateTime<Utc>) {
        let expires = now + LIFETIME;
        let (kind, principal, by) = match holder {
            Holder::Session {
                officer_id,
                session_id,
            } => (0, officer_id, session_id),
            Holder::Key(id) => (1, Uuid::nil(), id),
        };
        let mut payload = vec![kind];
        payload.extend(principal.as_bytes());
        payload.extend(by.as_bytes());
        payload.extend(expires.timestamp().to_be_bytes());
        payload.extend(prefix.as_bytes());
        let mut sealed = self.mac(&payload).finalize().into_bytes().to_vec();
        sealed.extend(payload);
        (
            format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(sealed)),
            expires,
        )
    }

    /// Finds who may read `path` with this ticket.
    ///
    /// # Errors
    /// `unauthenticated` if this server did not issue it, or not for this path; `token_expired`.
    pub fn check(&self, ticket: &str, path: &str, now: DateTime<Utc>) -> Result<Holder, Problem> {
        let foreign = || {
            Problem::new(Code::Unauthenticated)
                .detail("This server did not issue the ticket. Get one with POST /v1/auth/tickets.")
        };
        let (holder, expires, prefix) = self.open(ticket).ok_or_else(foreign)?;
        if expires <= now.timestamp() {
            return Err(Problem::new(Code::TokenExpired)
                .detail("The ticket has expired. Get a new one with POST /v1/auth/tickets."));
        }
        // A path that is not in canonical form might lead to another place.
        if canonical(path).as_deref() != Some(path) || !covers(&prefix, path) {
            return Err(Problem::new(Code::Unauthenticated).detail(format!(
                "The ticket is valid only below {prefix}. Get one for this path."
            )));
        }
        Ok(holder)
    }

    fn open(&self, ticket: &str) -> Option<(Holder, i64, String)> {
        let sealed = URL_SAFE_NO_PAD.decode(ticket.strip_prefix(PREFIX)?).ok()?;
        let (tag, payload) = sealed.split_at_checked(TAG_BYTES)?;
        self.mac(payload).verify_slice(tag).ok()?;
        let (kind, rest) = payload.split_first()?;
        let (principal, rest) = rest.split_first_chunk::<16>()?;
        let (by, rest) = rest.split_first_chunk::<16>()?;
        let (expires, prefix) = rest.split_first_chunk::<8>()?;
        let by = Uuid::from_bytes(*by);
        let holder = match kind {
            0 => Holder::Session {
                officer_id: Uuid::from_bytes(*principal),
                session_id: by,
            },
            1 => Holder::Key(by),
            _ => return None,
        };
        let prefix = String::from_utf8(prefix.to_vec()).ok()?;
        Some((holder, i64::from_be_bytes(*expires), prefix))
    }

    fn mac(&self, payload: &[u8]) -> Hmac<Sha256> {
        self.0
            .clone()
            .chain_update(b"ticket\0")
            .chain_update(payload)
    }
}

/// The ticket of a request. We accept it only on GET and without an `Authorization` header.
/// Otherwise the parameter is unknown.
#[must_use]
pub fn carried(request: &HttpRequest) -> Option<String> {
    if request.method() != Method::GET || request.headers().contains_key(AUTHORIZATION) {
        return None;
    }
    let mut parameters = query::parse(request.query_string()).ok()?;
    match parameters.remove(TICKET)?.as_slice() {
        [ticket] => Some(ticket.clone()),
        _ => None,
    }
}

/// A path below `/v1/` in canonical form: plain segments, none empty, none only dots, no slash at
/// the end. None: it is not such a path.
#[must_use]
pub fn canonical(path: &str) -> Option<String> {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let mut segments = trimmed.strip_prefix("/v1/")?.split('/');
    let plain = |segment: &str| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    (segments.all(plain) && trimmed.len() <= MOST_PREFIX_CHARS).then(|| trimmed.to_owned())
}

/// Whether the path is this prefix or lies below it.
fn covers(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use proptest::prelude::*;

    use super::*;

    const HOLDER: Holder = Holder::Session {
        officer_id: Uuid::from_u128(5),
        session_id: Uuid::from_u128(6),
    };

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000, 0).unwrap()
    }

    #[test]
    fn a_ticket_is_good_below_its_prefix_for_five_minutes() {
        let tickets = Tickets::new(&[7; 32]);
        for holder in [HOLDER, Holder::Key(Uuid::from_u128(9))] {
            let (ticket, expires) = tickets.issue(holder, "/v1/reports", now());
            let check = |path, at| tickets.check(&ticket, path, at).map_err(|p| p.code);
            for path in ["/v1/reports", "/v1/reports/a", "/v1/reports/a/events"] {
                assert_eq!(check(path, now()), Ok(holder), "{path}");
            }
            for path in [
                "/v1/report",
                "/v1/reportsx",
                "/v1/photos/a",
                "/v1/reports/",
                "/v1/reports//a",
                "/v1/reports/../photos",
                "/v1/reports/%2e%2e/photos",
                "/v1/%72eports",
                "/",
            ] {
                assert_eq!(check(path, now()), Err(Code::Unauthenticated), "{path}");
            }
            let last = expires - TimeDelta::seconds(1);
            assert_eq!(check("/v1/reports", last), Ok(holder));
            assert_eq!(check("/v1/reports", expires), Err(Code::TokenExpired));
        }
    }

    #[test]
    fn a_prefix_has_one_spelling() {
        assert_eq!(canonical("/v1/reports/").as_deref(), Some("/v1/reports"));
        assert_eq!(canonical("/v1/a-b_c.d~e").as_deref(), Some("/v1/a-b_c.d~e"));
        let long = format!("/v1/{}", "a".repeat(200));
        for wrong in [
            "",
            "/",
            "/v1",
            "/v1/",
            "/v1//",
            "v1/a",
            "/v2/a",
            "/v1/../x",
            "/v1/a/./b",
            "/v1/a//b",
            "/v1/%61",
            "/v1/村",
            "/v1/a?b",
            "/v1/a#b",
            "/v1/a\\b",
            "/v1/a;b",
            &long,
        ] {
            assert_eq!(canonical(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn it_is_carried_by_get_alone_and_never_beside_a_header() {
        let of = |request: TestRequest| carried(&request.to_http_request());
        let uri = "/v1/reports?limit=2&ticket=gpt_x";
        assert_eq!(of(TestRequest::get().uri(uri)).as_deref(), Some("gpt_x"));
        assert_eq!(of(TestRequest::post().uri(uri)), None);
        assert_eq!(of(TestRequest::delete().uri(uri)), None);
        let both = TestRequest::get()
            .uri(uri)
            .insert_header((AUTHORIZATION, "Bearer x"));
        assert_eq!(of(both), None);
        assert_eq!(of(TestRequest::get().uri("/v1/x?ticket=a&ticket=b")), None);
        assert_eq!(of(TestRequest::get().uri("/v1/x")), None);
    }

    proptest! {
        #[test]
        fn no_changed_byte_passes(at in 0_usize..140, flip in 1_u8..) {
            let tickets = Tickets::new(&[7; 32]);
            let (ticket, _) = tickets.issue(HOLDER, "/v1/reports", now());
            let mut raw = URL_SAFE_NO_PAD.decode(&ticket[4..]).unwrap();
            let at = at % raw.len();
            raw[at] ^= flip;
            let changed = format!("gpt_{}", URL_SAFE_NO_PAD.encode(raw));
            prop_assert!(tickets.check(&changed, "/v1/reports", now()).is_err());
        }

        #[test]
        fn nothing_else_is_a_ticket(text in ".{0,200}") {
            let tickets = Tickets::new(&[7; 32]);
            prop_assert!(tickets.check(&text, "/v1/reports", now()).is_err());
            let sealed = format!("gpt_{}", URL_SAFE_NO_PAD.encode(text));
            prop_assert!(tickets.check(&sealed, "/v1/reports", now()).is_err());
        }
    }
}
