//! HTTP of the caller's own sessions.
//!
//! Owns paths and wire types. It must not end sessions itself: `sessions` does. Every request
//! checks its session, so an ended session stops working at once. Signed links to photos stay valid
//! until the end of the next day: they name no officer, and caches keep the photos anyway.

use actix_web::{HttpResponse, delete, get};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::queries;
use super::routes::{DeviceFacts, origin};
use super::sessions::{self, End};
use crate::auth::Call;
use gridpatrol_http::page::Page;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;

/// The routes.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_sessions)
        .service(end_sessions)
        .service(end_session);
}

refusals! {
    SignedRefusals = [SIGNED] + [];
}

/// A session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-000000000031",
    "device": {"id": "0192f7a0-0000-7000-8000-0000000000d1", "name": "红米 Note 12", "platform": "android"},
    "address": "10.0.0.7", "created_at": "2026-11-20T08:00:00Z", "last_seen_at": "2026-11-20T09:30:00Z",
    "expires_at": "2027-05-19T08:00:00Z", "current": true
}))]
#[schema(as = Session)]
pub struct SessionFacts {
    /// Its id.
    id: Uuid,
    /// Its device, if the app told.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceFacts>,
    /// The address it was last refreshed from.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    /// When it began.
    created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    last_seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    expires_at: DateTime<Utc>,
    /// Whether it is the one of this request.
    current: bool,
}

impl SessionFacts {
    fn of(session: queries::Session, current: Uuid) -> Self {
        let told = session.device_id.is_some()
            || session.device_name.is_some()
            || session.platform.is_some();
        Self {
            id: session.id,
            device: told.then_some(DeviceFacts {
                id: session.device_id,
                name: session.device_name,
                platform: session.platform,
            }),
            address: session.address,
            created_at: session.created_at,
            last_seen_at: session.last_seen_at,
            expires_at: session.expires_at,
            current: session.id == current,
        }
    }
}

/// Sessions as a page.
#[must_use]
pub fn page(open: Vec<queries::Session>, current: Uuid) -> Page<SessionFacts> {
    Page {
        items: open
            .into_iter()
            .map(|session| SessionFacts::of(session, current))
            .collect(),
        next_cursor: None,
    }
}

/// The caller's sessions
///
/// Those that have not ended, last used first, all on one page.
#[utoipa::path(
    operation_id = "listSessions",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "The sessions.", body = Page<SessionFacts>), SignedRefusals)
)]
#[get("/v1/auth/sessions")]
async fn list_sessions(call: Call) -> Result<HttpResponse, Problem> {
    let (officer, now) = (call.actor.officer.id, call.now);
    let open = call
        .store
        .read(move |conn| Ok(queries::open_sessions(conn, officer, now)?))
        .await?;
    let page = page(open, call.actor.session_id);
    etag::json(call.if_none_match.as_deref(), 0, &page)
}

/// Which sessions.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Which {
    /// Whether the session of this request ends as well.
    #[serde(default)]
    current: bool,
}

impl Validate for Which {
    fn validate(&self, _: &mut Errors) {}
}

/// End all of the caller's sessions
///
/// But the one of this request, unless `current=true`. Safe to repeat.
#[utoipa::path(
    operation_id = "endSessions",
    tag = "auth",
    security(("bearer" = [])),
    params(Which),
    responses((status = 204, description = "They have ended."), SignedRefusals)
)]
#[delete("/v1/auth/sessions")]
async fn end_sessions(call: Call<(), Which>) -> Result<HttpResponse, Problem> {
    let officer = call.actor.officer.id;
    let kept = (!call.query.current).then_some(call.actor.session_id);
    let (origin, now) = (origin(&call), call.now);
    call.store
        .write(Lane::Interactive, move |conn| {
            let end = End::Revoked;
            Ok(sessions::end_all(conn, officer, kept, end, &origin, now)?)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End one of the caller's sessions
///
/// Such as that of a lost phone: it is cut off at once. Safe to repeat.
#[utoipa::path(
    operation_id = "endSession",
    tag = "auth",
    security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The session.")),
    responses((status = 204, description = "It has ended."), refusals::Read)
)]
#[delete("/v1/auth/sessions/{id}")]
async fn end_session(call: Call<Uuid>) -> Result<HttpResponse, Problem> {
    let (officer, session) = (call.actor.officer.id, call.path);
    let (origin, now) = (origin(&call), call.now);
    let owned = call
        .store
        .write(Lane::Interactive, move |conn| {
            let end = End::Revoked;
            Ok(sessions::end_own(
                conn, officer, session, end, &origin, now,
            )?)
        })
        .await?;
    ended(owned)
}

/// The answer to a request to end a session.
///
/// # Errors
/// `not_found` if there was no such session.
pub fn ended(owned: bool) -> Result<HttpResponse, Problem> {
    if owned {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::new(Code::NotFound).detail("There is no such session."))
    }
}
