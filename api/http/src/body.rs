//! Reading a request body: type, size, deadline, syntax.
//!
//! Owns these checks. It must not know what a body means.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use gridpatrol_domain::error::Code;
use serde_json::Value;

use gridpatrol_problem::Problem;

/// Reads a whole body of at most `most` bytes that arrives within `deadline`.
///
/// # Errors
/// `body_too_large`, `request_timeout`, or `malformed_request` if the connection ends too early.
pub async fn whole(
    headers: &HeaderMap,
    payload: &mut Payload,
    most: usize,
    deadline: Duration,
) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(Code::BodyTooLarge).detail(format!("The body may have at most {most} bytes."))
    };
    let declared = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if declared.is_some_and(|length| usize::try_from(length).is_ok_and(|length| length > most)) {
        return Err(too_large());
    }
    let read = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                Problem::new(Code::MalformedRequest)
                    .detail(format!("The body ended too early: {error}."))
            })?;
            if body.len() + chunk.len() > most {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    tokio::time::timeout(deadline, read)
        .await
        .unwrap_or_else(|_| {
            Err(Problem::new(Code::RequestTimeout).detail(format!(
                "The body must arrive within {} seconds.",
                deadline.as_secs()
            )))
        })
}

/// Reads a JSON body. An empty body counts as an empty object.
///
/// # Errors
/// Those of [`whole`], `unsupported_media_type` if it is not JSON, `malformed_request` for broken JSON.
pub async fn json(
    headers: &HeaderMap,
    payload: &mut Payload,
    most: usize,
    deadline: Duration,
) -> Result<Value, Problem> {
    let declared = ContentKind::of(headers);
    if declared == ContentKind::Other {
        return Err(Problem::new(Code::UnsupportedMediaType)
            .detail("Send application/json in UTF-8, without Content-Encoding."));
    }
    let body = whole(headers, payload, most, deadline).await?;
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    if declared == ContentKind::Absent {
        return Err(
            Problem::new(Code::UnsupportedMediaType).detail("Send Content-Type: application/json.")
        );
    }
    let text = std::str::from_utf8(&body).map_err(|error| {
        Problem::new(Code::MalformedRequest).detail(format!(
            "The body is not UTF-8 at byte {}.",
            error.valid_up_to()
        ))
    })?;
    serde_json::from_str(text).map_err(|error| {
        Problem::new(Code::MalformedRequest).detail(format!("The body is not JSON: {error}."))
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ContentKind {
    Absent,
    Json,
    Other,
}

impl ContentKind {
    fn of(headers: &HeaderMap) -> Self {
        let encoded = headers
            .get(CONTENT_ENCODING)
            .is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
        if encoded {
            return Self::Other;
        }
        let Some(value) = headers.get(CONTENT_TYPE) else {
            return Self::Absent;
        };
        let Some(media) = value
            .to_str()
            .ok()
            .and_then(|value| value.parse::<actix_web::mime::Mime>().ok())
        else {
            return Self::Other;
        };
        let json = media.type_() == actix_web::mime::APPLICATION
            && (media.subtype() == actix_web::mime::JSON
                || media.suffix() == Some(actix_web::mime::JSON));
        let utf8 = media
            .get_param(actix_web::mime::CHARSET)
            .is_none_or(|charset| charset == actix_web::mime::UTF_8);
        if json && utf8 {
            Self::Json
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    async fn read(kind: Option<&str>, body: &'static [u8]) -> Result<Value, Problem> {
        let mut request = TestRequest::post().set_payload(body);
        if let Some(kind) = kind {
            request = request.insert_header((CONTENT_TYPE, kind));
        }
        let (request, mut payload) = request.to_http_parts();
        json(request.headers(), &mut payload, 64, Duration::from_secs(5)).await
    }

    async fn refused(kind: Option<&str>, body: &'static [u8]) -> Code {
        read(kind, body).await.unwrap_err().code
    }

    #[actix_web::test]
    async fn json_in_its_spellings() {
        for kind in [
            "application/json",
            "application/json; charset=utf-8",
            "application/merge-patch+json",
        ] {
            assert!(read(Some(kind), b"{\"a\": 1}").await.is_ok(), "{kind}");
        }
        let empty = Value::Object(serde_json::Map::new());
        assert_eq!(read(None, b"").await.unwrap(), empty);
        assert_eq!(read(None, b" \n").await.unwrap(), empty);
    }

    #[actix_web::test]
    async fn anything_else_is_refused_by_its_code() {
        let json = Some("application/json");
        assert_eq!(refused(None, b"{}").await, Code::UnsupportedMediaType);
        assert_eq!(
            refused(Some("text/plain"), b"{}").await,
            Code::UnsupportedMediaType
        );
        assert_eq!(
            refused(Some("application/json; charset=gbk"), b"{}").await,
            Code::UnsupportedMediaType
        );
        assert_eq!(refused(json, b"{\"a\": ").await, Code::MalformedRequest);
        assert_eq!(
            refused(json, b"{\"a\": \"\xff\"}").await,
            Code::MalformedRequest
        );
        assert_eq!(
            refused(json, b"{\"a\": \"\\ud800\"}").await,
            Code::MalformedRequest
        );
        assert_eq!(refused(json, &[b'['; 60]).await, Code::MalformedRequest);
        assert_eq!(refused(json, &[b' '; 65]).await, Code::BodyTooLarge);
    }

    #[actix_web::test]
    async fn a_body_that_does_not_come_times_out() {
        let stream =
            futures_util::stream::pending::<Result<Bytes, actix_web::error::PayloadError>>();
        let mut payload: Payload = Payload::Stream {
            payload: Box::pin(stream),
        };
        let outcome = whole(
            &HeaderMap::new(),
            &mut payload,
            64,
            Duration::from_millis(20),
        )
        .await;
        assert_eq!(outcome.unwrap_err().code, Code::RequestTimeout);
    }
}
