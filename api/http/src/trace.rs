//! Links a request to the logs: its id, and W3C trace context.
//!
//! Owns the two headers. It must not take an id from a caller unless it is short and plain: otherwise
//! callers could write anything into our logs.

use actix_web::http::header::HeaderMap;
use uuid::Uuid;

/// The header that carries a request's id, in and out.
pub const REQUEST_ID: &str = "x-request-id";

/// The id the caller gave, or a new one.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (1..=64).contains(&id.len())
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        })
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

/// The place of a request in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// 32 hexadecimal digits, the same in all services that handle the request.
    pub trace_id: String,
    /// The caller's span, if the caller sends one.
    pub parent_id: Option<String>,
}

impl Trace {
    /// Continues the caller's trace if `traceparent` is valid; otherwise starts a new one.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        headers
            .get("traceparent")
            .and_then(|value| value.to_str().ok())
            .and_then(Self::parse)
            .unwrap_or_else(|| Self {
                trace_id: Uuid::new_v4().simple().to_string(),
                parent_id: None,
            })
    }

    fn parse(header: &str) -> Option<Self> {
        let mut fields = header.trim().split('-');
        let (version, trace, parent, flags) = (
            fields.next()?,
            fields.next()?,
            fields.next()?,
            fields.next()?,
        );
        let sound = |field: &str, length: usize| {
            field.len() == length
                && field
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let present = |field: &str| field.bytes().any(|byte| byte != b'0');
        // A later version may add fields at the end; version 00 has none, ff is forbidden.
        let known =
            sound(version, 2) && version != "ff" && (version != "00" || fields.next().is_none());
        (known
            && sound(trace, 32)
            && present(trace)
            && sound(parent, 16)
            && present(parent)
            && sound(flags, 2))
        .then(|| Self {
            trace_id: trace.to_owned(),
            parent_id: Some(parent.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
        headers
    }

    #[test]
    fn only_plain_ids_are_taken_over() {
        assert_eq!(request_id(&headers(REQUEST_ID, "app-7.1_x")), "app-7.1_x");
        let long = "a".repeat(65);
        for foreign in ["", "a b", "a\tb", "a\"b", "编号", long.as_str()] {
            let id = request_id(&headers(REQUEST_ID, foreign));
            assert!(Uuid::parse_str(&id).is_ok(), "{foreign}");
        }
    }

    #[test]
    fn a_valid_trace_continues() {
        let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = Trace::of(&headers("traceparent", valid));
        assert_eq!(trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(trace.parent_id.as_deref(), Some("00f067aa0ba902b7"));
        assert!(
            Trace::parse("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some()
        );
        for broken in [
            "",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
        ] {
            assert!(Trace::parse(broken).is_none(), "{broken}");
        }
    }
}
