//! Which browser applications from other origins may call the API.
//!
//! Owns the CORS headers. It must not send any unless the operator allows origins. There are no cookies,
//! so an allowed origin can do nothing without its own token.

use actix_cors::Cors;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG,
    HeaderName, IF_MATCH, IF_NONE_MATCH, RANGE, RETRY_AFTER,
};
use actix_web::middleware::Condition;

use super::idempotency::{IDEMPOTENCY_KEY, REPLAYED};
use super::trace::REQUEST_ID;
use crate::traffic::{RATE_LIMIT, RATE_LIMIT_POLICY};

/// Allows these origins; `*` means any.
#[must_use]
pub fn cors(origins: &[String]) -> Condition<Cors> {
    let mut cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            ACCEPT_LANGUAGE,
            AUTHORIZATION,
            CONTENT_TYPE,
            IF_MATCH,
            IF_NONE_MATCH,
            RANGE,
            HeaderName::from_static(IDEMPOTENCY_KEY),
            HeaderName::from_static(REQUEST_ID),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("x-http-method-override"),
        ])
        .expose_headers([
            CONTENT_DISPOSITION,
            CONTENT_LANGUAGE,
            ETAG,
            RATE_LIMIT,
            RATE_LIMIT_POLICY,
            RETRY_AFTER,
            REPLAYED,
            HeaderName::from_static(REQUEST_ID),
        ])
        .max_age(86_400);
    for origin in origins {
        cors = if origin == "*" {
            cors.allow_any_origin().send_wildcard()
        } else {
            cors.allowed_origin(origin)
        };
    }
    Condition::new(!origins.is_empty(), cors)
}

/// Whether an origin has the form that browsers send: scheme, host and port, nothing after them.
#[must_use]
pub fn is_origin(text: &str) -> bool {
    text == "*"
        || text.parse::<actix_web::http::Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.authority().is_some()
                && text.matches('/').count() == 2
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::middleware::gate;
    use actix_web::http::header::{
        ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
        ORIGIN,
    };
    use actix_web::http::{Method, StatusCode};
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, HttpResponse, web};

    async fn allowed(origins: &[&str], method: Method) -> (StatusCode, Option<String>, bool) {
        let origins: Vec<String> = origins.iter().map(|origin| (*origin).to_owned()).collect();
        let service = init_service(
            App::new()
                .route("/x", web::get().to(async || HttpResponse::Ok().finish()))
                .wrap(cors(&origins))
                .wrap(from_fn(gate)),
        )
        .await;
        let request = TestRequest::with_uri("/x")
            .method(method)
            .insert_header((ORIGIN, "https://board.example.org"))
            .insert_header((ACCESS_CONTROL_REQUEST_METHOD, "GET"))
            .to_request();
        let response = call_service(&service, request).await;
        let header = |name| {
            response
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        (
            response.status(),
            header(ACCESS_CONTROL_ALLOW_ORIGIN),
            header(ACCESS_CONTROL_EXPOSE_HEADERS).is_some_and(|names| names.contains("etag")),
        )
    }

    #[actix_web::test]
    async fn only_allowed_origins_get_the_headers() {
        let board = "https://board.example.org";
        let (status, origin, exposed) = allowed(&[board], Method::GET).await;
        assert_eq!((status, origin.as_deref()), (StatusCode::OK, Some(board)));
        assert!(exposed);
        let (status, origin, _) = allowed(&[board], Method::OPTIONS).await;
        assert_eq!((status, origin.as_deref()), (StatusCode::OK, Some(board)));
        assert_eq!(allowed(&["*"], Method::GET).await.1.as_deref(), Some("*"));
        assert_eq!(allowed(&[], Method::GET).await.1, None);
        assert_eq!(
            allowed(&["https://other.example.org"], Method::GET).await.1,
            None
        );
    }

    #[test]
    fn an_origin_has_no_path() {
        for right in ["*", "https://a.example", "http://127.0.0.1:5173"] {
            assert!(is_origin(right), "{right}");
        }
        for wrong in [
            "",
            "a.example",
            "https://a.example/",
            "ftp://a",
            "https://a/b",
            "null",
        ] {
            assert!(!is_origin(wrong), "{wrong}");
        }
    }
}
