//! The routes with which officers manage the phones that push services reach.
//!
//! Owns the HTTP side and nothing else. It takes a token in, and must never give one out.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, delete, get, put};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::push_tokens::{self, Registered};
use crate::notices::provider::is_provider;
use gridpatrol_http::page::Page;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_people::auth::Call;
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_push_tokens)
        .service(put_push_token)
        .service(delete_push_token);
}

refusals! {
    Read = [SIGNED] + [];
    Put = [BODY, SIGNED] + [NotFound, LimitReached];
    Deleted = [SIGNED] + [NotFound];
}

/// The most characters in a token.
const MOST_TOKEN_CHARS: usize = 1024;

/// A push service of a path.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ByProvider {
    /// The push service, such as `getui` or `jpush`: the name under which its webhook was made.
    #[param(pattern = r"^[a-z][a-z0-9_]{1,31}$", example = "getui")]
    pub provider: String,
}

impl ByProvider {
    fn checked(self) -> Result<String, Problem> {
        if is_provider(&self.provider) {
            Ok(self.provider)
        } else {
            Err(Problem::new(Code::NotFound).detail(
                "No push service can have this name. Give 2 to 32 lower-case letters, digits and underscores. The first must be a letter.",
            ))
        }
    }
}

/// Where a push service reaches this phone.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"token": "8f2c0a1e7d5b4c3f9a6e"}))]
pub struct PushTokenValue {
    /// What the push service's software on the phone calls it: its client id, registration id or
    /// device token.
    #[schema(min_length = 1, max_length = 1024, pattern = r"^[!-~]+$")]
    token: String,
}

// A token must not appear in a log.
impl std::fmt::Debug for PushTokenValue {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PushTokenValue(…)")
    }
}

impl Validate for PushTokenValue {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("token", &self.token, MOST_TOKEN_CHARS);
        if !self.token.trim().is_empty() && !self.token.bytes().all(|byte| byte.is_ascii_graphic())
        {
            errors.add(
                "token",
                "bad_format",
                "Give visible ASCII characters, exactly as the push service's software gives them.",
            );
        }
    }
}

/// A phone that a push service reaches. The token itself is shown to nobody.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "provider": "getui", "session_id": "0192f7a0-0000-7000-8000-0000000000d1", "device_name": "张三的手机",
    "registered_at": "2026-11-20T00:15:00Z", "current": true
}))]
pub struct PushRegistration {
    /// The push service.
    provider: String,
    /// The session of the phone: the registration ends with it.
    session_id: Uuid,
    /// What its owner calls the phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    device_name: Option<String>,
    /// When it was registered.
    registered_at: DateTime<Utc>,
    /// Whether it is the session that asks.
    current: bool,
}

impl PushRegistration {
    fn of(registered: Registered, session: Uuid) -> Self {
        Self {
            current: registered.session_id == session,
            provider: registered.provider,
            session_id: registered.session_id,
            device_name: registered.device_name,
            registered_at: registered.created_at,
        }
    }
}

/// The caller's phones that are reached
///
/// All of them, with every push service, the latest first.
#[utoipa::path(
    operation_id = "listPushTokens",
    tag = "auth",
    responses((status = 200, description = "All registrations, on one page.", body = Page<PushRegistration>), Read)
)]
#[get("/v1/me/push-tokens")]
async fn list_push_tokens(call: Call) -> Result<HttpResponse, Problem> {
    let (now, officer, session) = (call.now, call.actor.officer.id, call.actor.session_id);
    let found = call
        .store
        .read(move |conn| Ok(push_tokens::of_officer(conn, officer, now)?))
        .await?;
    let page = Page {
        items: found
            .into_iter()
            .map(|registered| PushRegistration::of(registered, session))
            .collect(),
        next_cursor: None,
    };
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}

/// Lets a push service reach this phone
///
/// The token goes to the webhooks of that service in the towns where the officer is told of something,
/// and to nobody else; no answer holds it. It ends when the session does. Again after a change of the
/// token, and as often as wanted.
#[utoipa::path(
    operation_id = "putPushToken",
    tag = "auth",
    params(ByProvider),
    request_body = PushTokenValue,
    responses((status = 204, description = "The phone is registered."), Put)
)]
#[put("/v1/me/push-tokens/{provider}")]
async fn put_push_token(
    call: Call<ByProvider, (), PushTokenValue>,
) -> Result<HttpResponse, Problem> {
    let (now, officer, session) = (call.now, call.actor.officer.id, call.actor.session_id);
    let (provider, token) = (call.path.checked()?, call.body.token);
    call.store
        .write(Lane::Interactive, move |conn| {
            push_tokens::register(conn, officer, session, &provider, &token, now)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lets a push service reach this phone no more
///
/// Safe to repeat.
#[utoipa::path(
    operation_id = "deletePushToken",
    tag = "auth",
    params(ByProvider),
    responses((status = 204, description = "The phone is not registered."), Deleted)
)]
#[delete("/v1/me/push-tokens/{provider}")]
async fn delete_push_token(call: Call<ByProvider>) -> Result<HttpResponse, Problem> {
    let session = call.actor.session_id;
    let provider = call.path.checked()?;
    call.store
        .write(Lane::Interactive, move |conn| {
            push_tokens::remove(conn, session, &provider)?;
            Ok(())
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
