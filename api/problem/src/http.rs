//! A problem as the answer to an HTTP request.
//!
//! Owns status and headers. It must not decide what the problem says: `Problem` does.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use actix_web::{HttpResponse, ResponseError};
use gridpatrol_domain::error::Code;

use crate::language::Language;
use crate::{MEDIA_TYPE, Problem};

impl Language {
    /// The language that a request names, or none if it names neither (tools often send no language).
    #[must_use]
    pub fn named_by(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(ACCEPT_LANGUAGE);
        Self::named(values.map(|value| value.to_str().unwrap_or_default()))
    }

    /// The language a request asks for.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self::named_by(headers).unwrap_or_default()
    }
}

// The response's extensions carry the problem, so that the middleware can write the body again in
// the caller's language and with the request's id.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code())
            .insert_header((CONTENT_TYPE, MEDIA_TYPE))
            .body(self.written(Language::default(), None));
        if let Some(seconds) = self.retry_after_s {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        let challenge = match self.code {
            Code::Unauthenticated | Code::CredentialsInvalid | Code::InvitationInvalid => {
                Some("Bearer")
            }
            Code::TokenExpired | Code::SessionEnded => Some("Bearer error=\"invalid_token\""),
            _ => None,
        };
        if let Some(challenge) = challenge {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}
