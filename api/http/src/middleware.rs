//! The middleware around every request: id and trace, method override, access log, and at the end
//! headers and the language of problems.
//!
//! Owns every answer's last form: a panic becomes a 500 problem, and a framework error page becomes a
//! problem with a code. It must not log request bodies, query strings or credentials.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse};
use futures_util::FutureExt;
use gridpatrol_domain::error::Code;
use tracing::Instrument;

use super::compression;
use super::context::RequestContext;
use super::trace::{REQUEST_ID, Trace, request_id};
use crate::traffic::{Group, Meter};
use gridpatrol_problem::language::Language;
use gridpatrol_problem::{MEDIA_TYPE, Problem};
use gridpatrol_store::overloaded;

/// What is known about a request before it is read.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Its id in the logs.
    pub request_id: String,
    /// The language of texts for people.
    pub language: Language,
    /// The caller's network address.
    pub address: String,
}

/// The only middleware, around all handlers.
///
/// # Errors
/// Only with a finished response inside.
pub async fn gate<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let context = Context {
        request_id: request_id(request.headers()),
        language: Language::of(request.headers()),
        address: address(&request),
    };
    let trace = Trace::of(request.headers());
    let span = tracing::info_span!(
        "request",
        id = %context.request_id,
        trace_id = %trace.trace_id,
        parent_id = trace.parent_id.as_deref(),
        method = %request.method(),
        path = %logged_path(request.path()),
        officer = tracing::field::Empty,
    );
    request.extensions_mut().insert(context.clone());
    request.extensions_mut().insert(trace);

    let quiet = matches!(request.path(), "/healthz" | "/readyz");
    let packs = compression::is_asked(&request);
    let meant = mean_method(&mut request);
    let meter = Meter::new(Group::of(request.method(), request.path()));
    request.extensions_mut().insert(meter.clone());
    let outcome = match meant {
        Ok(()) => {
            let patience = request
                .app_data::<Data<RequestContext>>()
                .and_then(|context| context.traffic.patience(meter.group()));
            let answered = AssertUnwindSafe(meter.priority().within(next.call(request)))
                .catch_unwind()
                .instrument(span.clone());
            in_time(patience, answered)
                .await
                // The panic itself is logged by the panic hook, inside the span.
                .unwrap_or_else(|_| Err(Problem::new(Code::Internal).into()))
        }
        Err(problem) => Err(problem.into()),
    };

    // An error without its request cannot become a ServiceResponse: it carries the response inside.
    let mut finished = match outcome {
        Ok(response) => {
            let (request, response) = response.into_parts();
            Ok(ServiceResponse::new(
                request,
                finish(response.map_into_boxed_body(), &context, &meter),
            ))
        }
        Err(error) => Err(finish(error.error_response(), &context, &meter)),
    };
    // A token's compressed length must not give away its content.
    if meter.group() != Some(Group::SignIn) {
        finished = match finished {
            Ok(response) => {
                let (request, response) = response.into_parts();
                let response = compression::pack(response, packs).await;
                Ok(ServiceResponse::new(request, response))
            }
            Err(response) => Err(compression::pack(response, packs).await),
        };
    }
    let status = match &finished {
        Ok(response) => response.status(),
        Err(response) => response.status(),
    };
    span.in_scope(|| log(status, started, quiet));
    finished.map_err(|response| InternalError::from_response("refused", response).into())
}

/// The answer, or after `patience` a problem that says there is none yet.
async fn in_time<T, P>(
    patience: Option<Duration>,
    answer: impl Future<Output = Result<Result<T, Error>, P>>,
) -> Result<Result<T, Error>, P> {
    let Some(patience) = patience else {
        return answer.await;
    };
    tokio::time::timeout(patience, answer)
        .await
        .unwrap_or_else(|_| {
            let late = format!("There was no answer within {} seconds.", patience.as_secs());
            Ok(Err(overloaded().detail(late).into()))
        })
}

fn log(status: StatusCode, started: Instant, quiet: bool) {
    let milliseconds = started.elapsed().as_secs_f64() * 1000.0;
    let status = status.as_u16();
    if status >= 500 && status != 503 {
        tracing::error!(target: "gridpatrol::access", status, milliseconds, "answered");
    } else if quiet {
        tracing::debug!(target: "gridpatrol::access", status, milliseconds, "answered");
    } else {
        tracing::info!(target: "gridpatrol::access", status, milliseconds, "answered");
    }
}

/// Treats HEAD as GET (the protocol layer leaves out the body), and a POST as PATCH or DELETE if its
/// header says so, because mini-programs cannot send those methods.
fn mean_method(request: &mut ServiceRequest) -> Result<(), Problem> {
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
        return Ok(());
    }
    if request.method() != Method::POST {
        return Ok(());
    }
    let Some(meant) = request.headers().get("x-http-method-override") else {
        return Ok(());
    };
    let meant = match meant.as_bytes() {
        b"PATCH" => Method::PATCH,
        b"DELETE" => Method::DELETE,
        b"POST" => Method::POST,
        _ => {
            return Err(Problem::new(Code::MalformedRequest)
                .detail("X-HTTP-Method-Override may be PATCH or DELETE."));
        }
    };
    request.head_mut().method = meant;
    Ok(())
}

/// The caller's address. Behind a trusted proxy, the address that the proxy saw.
fn address(request: &ServiceRequest) -> String {
    let Some(peer) = request.peer_addr().map(|peer| peer.ip().to_canonical()) else {
        return "unknown".into();
    };
    let trusted: &[IpAddr] = request
        .app_data::<Data<RequestContext>>()
        .map_or(&[], |context| context.settings.trusted_proxies.as_slice());
    forwarded(peer, trusted, request.headers()).to_string()
}

/// The last address in `X-Forwarded-For` that is not a trusted proxy. Anybody can forge those before it.
fn forwarded(peer: IpAddr, trusted: &[IpAddr], headers: &HeaderMap) -> IpAddr {
    if !trusted.contains(&peer) {
        return peer;
    }
    let chain: Vec<_> = headers
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|hop| hop.trim().parse::<IpAddr>().map(|hop| hop.to_canonical()))
        .collect();
    let mut seen = peer;
    for hop in chain.into_iter().rev() {
        match hop {
            Ok(hop) if trusted.contains(&hop) => seen = hop,
            Ok(hop) => return hop,
            Err(_) => return seen,
        }
    }
    seen
}

/// The path for the log. Paths hold ids but no secrets, so it is only cut to a maximum length.
fn logged_path(path: &str) -> &str {
    path.char_indices()
        .nth(200)
        .map_or(path, |(end, _)| path.get(..end).unwrap_or(path))
}

fn finish(mut response: HttpResponse, context: &Context, meter: &Meter) -> HttpResponse {
    if let Some(problem) = problem_of(&response) {
        let written = problem.written(context.language, Some(&context.request_id));
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(
            CONTENT_LANGUAGE,
            HeaderValue::from_static(context.language.tag()),
        );
        response = response.set_body(BoxBody::new(written));
    }
    let headers = response.headers_mut();
    meter.tell(headers);
    if let Ok(id) = HeaderValue::from_str(&context.request_id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), id);
    }
    for name in [ACCEPT_LANGUAGE, AUTHORIZATION] {
        if let Ok(value) = HeaderValue::from_str(name.as_str()) {
            headers.append(VARY, value);
        }
    }
    unless_set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    unless_set(headers, X_FRAME_OPTIONS, "DENY");
    unless_set(headers, REFERRER_POLICY, "no-referrer");
    unless_set(headers, CACHE_CONTROL, "no-store");
    unless_set(
        headers,
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    );
    response
}

fn unless_set(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    if !headers.contains_key(&name) {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// The problem in a response. For the framework's own errors, the problem that replaces their body.
fn problem_of(response: &HttpResponse) -> Option<Problem> {
    if let Some(problem) = response.extensions().get::<Problem>() {
        return Some(problem.clone());
    }
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let code = match status.as_u16() {
        404 => Code::NoSuchRoute,
        405 => Code::MethodNotAllowed,
        408 => Code::RequestTimeout,
        413 => Code::BodyTooLarge,
        415 => Code::UnsupportedMediaType,
        416 => Code::RangeNotSatisfiable,
        503 => Code::Unavailable,
        400..500 => Code::MalformedRequest,
        _ => Code::Internal,
    };
    Some(Problem::new(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::dev::Service as _;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, init_service};
    use actix_web::web;
    use serde_json::Value;

    async fn panics() -> HttpResponse {
        panic!("of this test")
    }

    async fn refuses() -> Result<HttpResponse, Problem> {
        Err(Problem::new(Code::Unavailable).retry_after(2))
    }

    async fn answers(request: actix_web::HttpRequest) -> HttpResponse {
        HttpResponse::Ok().body(request.method().to_string())
    }

    async fn ask(request: TestRequest) -> (StatusCode, HeaderMap, Vec<u8>) {
        let service = init_service(
            actix_web::App::new()
                .route("/panic", web::get().to(panics))
                .route("/refuse", web::get().to(refuses))
                .route(
                    "/json",
                    web::post().to(|_: web::Json<Value>| async { "read" }),
                )
                .route("/method", web::route().to(answers))
                .wrap(from_fn(gate)),
        )
        .await;
        let response = match service.call(request.to_request()).await {
            Ok(response) => response.map_into_boxed_body().into_parts().1,
            Err(error) => error.error_response(),
        };
        let (status, headers) = (response.status(), response.headers().clone());
        let body = actix_web::body::to_bytes(response.into_body())
            .await
            .unwrap();
        (status, headers, body.to_vec())
    }

    fn problem(body: &[u8]) -> Value {
        serde_json::from_slice(body).unwrap()
    }

    #[actix_web::test]
    async fn a_panic_is_a_problem_with_all_headers() {
        let (status, headers, body) = ask(TestRequest::get()
            .uri("/panic")
            .insert_header((REQUEST_ID, "app-1")))
        .await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(headers.get(REQUEST_ID).unwrap(), "app-1");
        assert_eq!(headers.get(X_CONTENT_TYPE_OPTIONS).unwrap(), "nosniff");
        assert_eq!(headers.get(CACHE_CONTROL).unwrap(), "no-store");
        let problem = problem(&body);
        assert_eq!(problem["code"], "internal");
        assert_eq!(problem["request_id"], "app-1");
        assert!(!String::from_utf8(body).unwrap().contains("of this test"));
    }

    #[actix_web::test]
    async fn problems_speak_the_callers_language() {
        let (_, headers, body) = ask(TestRequest::get().uri("/refuse")).await;
        assert_eq!(problem(&body)["title"], Code::Unavailable.title_zh());
        assert_eq!(headers.get("retry-after").unwrap(), "2");
        let english = TestRequest::get()
            .uri("/refuse")
            .insert_header((ACCEPT_LANGUAGE, "en"));
        let (_, headers, body) = ask(english).await;
        assert_eq!(problem(&body)["title"], Code::Unavailable.title_en());
        assert_eq!(problem(&body)["retry_after_s"], 2);
        assert_eq!(headers.get(CONTENT_LANGUAGE).unwrap(), "en");
        assert_eq!(headers.get(CONTENT_TYPE).unwrap(), MEDIA_TYPE);
    }

    #[actix_web::test]
    async fn the_frameworks_own_errors_are_problems_too() {
        for (request, code) in [
            (TestRequest::get().uri("/nowhere"), "no_such_route"),
            (
                TestRequest::post().uri("/json").set_payload("{"),
                "unsupported_media_type",
            ),
        ] {
            let (status, _, body) = ask(request).await;
            let problem = problem(&body);
            assert_eq!(problem["status"], status.as_u16());
            if code == "no_such_route" {
                assert_eq!(problem["code"], code);
            }
        }
    }

    #[actix_web::test]
    async fn a_post_may_mean_patch_or_delete() {
        let over = |method: &'static str| {
            TestRequest::post()
                .uri("/method")
                .insert_header(("x-http-method-override", method))
        };
        assert_eq!(ask(over("PATCH")).await.2, b"PATCH");
        assert_eq!(ask(over("DELETE")).await.2, b"DELETE");
        assert_eq!(ask(over("GET")).await.0, StatusCode::BAD_REQUEST);
        let get = TestRequest::get()
            .uri("/method")
            .insert_header(("x-http-method-override", "DELETE"));
        assert_eq!(ask(get).await.2, b"GET");
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let mut headers = HeaderMap::new();
        headers.append(
            HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_static("1.1.1.1, 2.2.2.2, 10.0.0.2"),
        );
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        let proxies = [address("10.0.0.1"), address("10.0.0.2")];
        assert_eq!(
            forwarded(address("9.9.9.9"), &proxies, &headers),
            address("9.9.9.9")
        );
        assert_eq!(
            forwarded(address("10.0.0.1"), &proxies, &headers),
            address("2.2.2.2")
        );
        assert_eq!(
            forwarded(address("10.0.0.1"), &proxies, &HeaderMap::new()),
            address("10.0.0.1")
        );
    }
}
