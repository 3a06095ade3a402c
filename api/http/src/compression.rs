//! Compresses answers for clients that ask for it: a list shrinks to a tenth, which helps on a weak
//! signal.
//!
//! Owns `Content-Encoding` and `Accept-Encoding`. It compresses only texts long enough to gain from it,
//! and makes a strong ETag weak, because the bytes differ. It must not compress answers that hold
//! tokens: their length could give away the content.

use std::io::Write as _;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody as _};
use actix_web::http::header::{
    ACCEPT_ENCODING, AcceptEncoding, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG,
    Encoding, Header as _, HeaderMap, HeaderValue, VARY,
};
use actix_web::{HttpMessage, web};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

/// Shorter answers gain nothing from compression.
const LEAST: usize = 1_024;

/// Longer answers would block a server thread for too long.
const MOST_IN_PLACE: usize = 32 * 1_024;

/// The types of text that this server sends uncompressed.
const TEXTS: [&str; 3] = [
    "application/json",
    "application/problem+json",
    "application/yaml",
];

/// Whether the client asks for gzip.
#[must_use]
pub fn is_asked(request: &impl HttpMessage) -> bool {
    // Without the header we may send any encoding, but simple clients that send none expect plain text.
    request.headers().contains_key(ACCEPT_ENCODING)
        && AcceptEncoding::parse(request).is_ok_and(|accepted| {
            accepted.negotiate([Encoding::gzip(), Encoding::identity()].iter())
                == Some(Encoding::gzip())
        })
}

/// Compresses an answer if it is a text and long enough.
pub async fn pack(mut response: HttpResponse, asked: bool) -> HttpResponse {
    if !is_text(response.headers()) {
        return response;
    }
    let varies = HeaderValue::from_static("accept-encoding");
    response.headers_mut().append(VARY, varies);
    if !asked {
        return response;
    }
    let (response, body) = response.into_parts();
    let body = match body.try_into_bytes() {
        Ok(body) => body,
        Err(stream) => return response.set_body(stream),
    };
    if body.len() < LEAST {
        return response.set_body(BoxBody::new(body));
    }
    let packed = if body.len() > MOST_IN_PLACE {
        let whole = body.clone();
        web::block(move || gzip(&whole)).await.ok().flatten()
    } else {
        gzip(&body)
    };
    let Some(packed) = packed else {
        return response.set_body(BoxBody::new(body));
    };
    let mut response = response.set_body(BoxBody::new(packed));
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let weak = headers
        .get(ETAG)
        .and_then(|tag| tag.to_str().ok())
        .filter(|tag| tag.starts_with('"'))
        .and_then(|tag| HeaderValue::from_str(&format!("W/{tag}")).ok());
    if let Some(weak) = weak {
        headers.insert(ETAG, weak);
    }
    response
}

fn is_text(headers: &HeaderMap) -> bool {
    !headers.contains_key(CONTENT_ENCODING)
        && headers
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .and_then(|kind| kind.split(';').next())
            .is_some_and(|kind| TEXTS.contains(&kind.trim()))
}

fn gzip(text: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 4), Compression::fast());
    encoder.write_all(text).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use actix_web::http::header::ContentType;
    use actix_web::test::TestRequest;

    use super::*;

    fn asks(accepted: &str) -> bool {
        let request = TestRequest::get().insert_header((ACCEPT_ENCODING, accepted));
        is_asked(&request.to_request())
    }

    async fn packed(length: usize, kind: ContentType, asked: bool) -> (HeaderMap, Vec<u8>) {
        let response = HttpResponse::Ok()
            .insert_header(kind)
            .insert_header((ETAG, "\"3-abc\""))
            .body("镇".repeat(length / 3));
        let response = pack(response, asked).await;
        let headers = response.headers().clone();
        let body = actix_web::body::to_bytes(response.into_body()).await;
        (headers, body.unwrap().to_vec())
    }

    #[test]
    fn only_who_asks_gets_it() {
        assert!(asks("gzip, deflate, br"));
        assert!(asks("gzip;q=0.5, identity;q=0.1"));
        for other in ["identity", "br", "gzip;q=0", ""] {
            assert!(!asks(other), "{other}");
        }
        assert!(!is_asked(&TestRequest::get().to_request()));
    }

    #[actix_web::test]
    async fn long_texts_are_compressed_and_their_tags_are_weak() {
        for length in [3_000, 300_000] {
            let (headers, body) = packed(length, ContentType::json(), true).await;
            assert_eq!(headers.get(CONTENT_ENCODING).unwrap(), "gzip");
            assert_eq!(headers.get(ETAG).unwrap(), "W/\"3-abc\"");
            assert!(body.len() < length / 10);
            let mut text = String::new();
            flate2::read::GzDecoder::new(body.as_slice())
                .read_to_string(&mut text)
                .unwrap();
            assert_eq!(text, "镇".repeat(length / 3));
        }
    }

    #[actix_web::test]
    async fn short_ones_and_pictures_are_not() {
        for (length, kind, asked) in [
            (900, ContentType::json(), true),
            (9_000, ContentType::json(), false),
            (9_000, ContentType::jpeg(), true),
        ] {
            let (headers, body) = packed(length, kind.clone(), asked).await;
            assert!(headers.get(CONTENT_ENCODING).is_none());
            assert_eq!(headers.get(ETAG).unwrap(), "\"3-abc\"");
            assert_eq!(body.len(), length);
            let text = kind == ContentType::json();
            assert_eq!(headers.get(VARY).is_some(), text);
        }
    }
}
