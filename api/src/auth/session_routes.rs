//! HTTP of sessions: one's own, those of officers one manages, and signing in by invitation.
//!
//! Owns paths and wire types. A session that ends is cut off at once: every request asks for it.
//! Signed links to pictures hold on until the end of the next day (`photos::links`): they name no
//! officer, and caches keep the pictures anyway.

use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::invitations::{self, Acceptance};
use super::queries;
use super::routes::{DeviceFacts, Tokens, origin};
use super::security_log::Origin;
use super::sessions::{self, Device, End};
use crate::app::App;
use crate::http::page::Page;
use crate::http::service_config::ServiceConfig;
use crate::http::validate::{Errors, Validate};
use crate::http::{Call, Open, etag};
use crate::officers::subject::{Manager, Subject};
use crate::problem::{Problem, document};
use crate::refusals;
use crate::store::{Conn, Lane, Outcome};

/// The routes.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_sessions)
        .service(end_sessions)
        .service(end_session)
        .service(list_officer_sessions)
        .service(end_officer_sessions)
        .service(end_officer_session)
        .service(accept_invitation);
}

refusals! {
    SignedRefusals = [SIGNED] + [];
    ManagedRefusals = [SIGNED] + [NotFound, NotPermitted];
    AcceptRefusals = [BODY, LIMITED] + [InvitationInvalid, LoginLocked];
}

/// A session.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-000000000031",
    "device": {"id": "0192f7a0-0000-7000-8000-0000000000d1", "name": "红米 Note 12", "platform": "android"},
    "address": "10.0.0.7", "created_at": "2026-11-20T08:00:00Z", "last_seen_at": "2026-11-20T09:30:00Z",
    "expires_at": "2027-05-19T08:00:00Z", "current": true
}))]
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

fn page(open: Vec<queries::Session>, current: Uuid) -> Page<SessionFacts> {
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
async fn list_sessions(app: Data<App>, call: Call) -> Result<HttpResponse, Problem> {
    let (officer, now) = (call.actor.officer.id, app.clock.now());
    let open = app
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
async fn end_sessions(app: Data<App>, call: Call<(), Which>) -> Result<HttpResponse, Problem> {
    let officer = call.actor.officer.id;
    let kept = (!call.query.current).then_some(call.actor.session_id);
    let (origin, now) = (origin(&call), app.clock.now());
    app.store
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
    responses((status = 204, description = "It has ended."), document::Read)
)]
#[delete("/v1/auth/sessions/{id}")]
async fn end_session(app: Data<App>, call: Call<Uuid>) -> Result<HttpResponse, Problem> {
    let (officer, session) = (call.actor.officer.id, call.path);
    let (origin, now) = (origin(&call), app.clock.now());
    let owned = app
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

fn ended(owned: bool) -> Result<HttpResponse, Problem> {
    if owned {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::new(Code::NotFound).detail("There is no such session."))
    }
}

/// 404 or 403 unless the caller manages the officer.
fn managed(conn: &mut Conn, manager: &Manager, id: Uuid) -> Outcome<()> {
    let subject = Subject::seen(conn, manager, id)?;
    if subject.managed_by(manager) {
        Ok(())
    } else {
        Err(Problem::new(Code::NotPermitted)
            .detail("You do not manage this officer.")
            .into())
    }
}

/// The sessions of an officer
///
/// For who manages the officer. Those that have not ended, last used first, all on one page.
#[utoipa::path(
    operation_id = "listOfficerSessions",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    responses(
        (status = 200, description = "The sessions.", body = Page<SessionFacts>),
        (status = 304, description = "They have not changed."),
        ManagedRefusals
    )
)]
#[get("/v1/officers/{id}/sessions")]
async fn list_officer_sessions(app: Data<App>, call: Call<Uuid>) -> Result<HttpResponse, Problem> {
    let (manager, officer) = (Manager::of(&app, &call), call.path);
    let open = app
        .store
        .read(move |conn| {
            managed(conn, &manager, officer)?;
            Ok(queries::open_sessions(conn, officer, manager.now)?)
        })
        .await?;
    let page = page(open, call.actor.session_id);
    etag::json(call.if_none_match.as_deref(), 0, &page)
}

/// End all sessions of an officer
///
/// For who manages the officer. At once, such as when a phone is lost; the officer may sign in anew.
/// Safe to repeat.
#[utoipa::path(
    operation_id = "endOfficerSessions",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    responses((status = 204, description = "They have ended."), ManagedRefusals)
)]
#[delete("/v1/officers/{id}/sessions")]
async fn end_officer_sessions(app: Data<App>, call: Call<Uuid>) -> Result<HttpResponse, Problem> {
    let (manager, officer) = (Manager::of(&app, &call), call.path);
    app.store
        .write(Lane::Interactive, move |conn| {
            managed(conn, &manager, officer)?;
            let (end, now) = (End::ByManager, manager.now);
            sessions::end_all(conn, officer, None, end, &manager.origin, now)?;
            Ok(())
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// End a session of an officer
///
/// For who manages the officer. At once. Safe to repeat.
#[utoipa::path(
    operation_id = "endOfficerSession",
    tag = "officers",
    params(
        ("id" = Uuid, Path, description = "The officer."),
        ("session_id" = Uuid, Path, description = "The session.")
    ),
    responses((status = 204, description = "It has ended."), ManagedRefusals)
)]
#[delete("/v1/officers/{id}/sessions/{session_id}")]
async fn end_officer_session(
    app: Data<App>,
    call: Call<(Uuid, Uuid)>,
) -> Result<HttpResponse, Problem> {
    let (manager, (officer, session)) = (Manager::of(&app, &call), call.path);
    let owned = app
        .store
        .write(Lane::Interactive, move |conn| {
            managed(conn, &manager, officer)?;
            let (end, now) = (End::ByManager, manager.now);
            Ok(sessions::end_own(
                conn,
                officer,
                session,
                end,
                &manager.origin,
                now,
            )?)
        })
        .await?;
    ended(owned)
}

/// An invitation that is accepted.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "code": "7K4M-X2QT-9WRA",
    "device": {"id": "0192f7a0-0000-7000-8000-0000000000d1", "name": "红米 Note 12", "platform": "android"}
}))]
pub struct InvitationAcceptance {
    /// The code, as typed or scanned: case, spaces and hyphens do not matter.
    #[schema(pattern = r"\S", max_length = 40)]
    code: String,
    /// The phone, with the id the app keeps on it: the session is bound to it.
    device: DeviceFacts,
}

impl Validate for InvitationAcceptance {
    const MOST_BYTES: Option<usize> = Some(16 * 1024);

    fn validate(&self, errors: &mut Errors) {
        errors.filled("code", &self.code, 40);
        errors.nested("device", |errors| {
            if self.device.id.is_none() {
                errors.add(
                    "id",
                    "required",
                    "Give an id that the app keeps on the device.",
                );
            }
            self.device.check(errors);
        });
    }
}

/// Sign a phone in by invitation
///
/// Answers as signing in does. Without a password the phone stays signed in by its refresh tokens;
/// `POST /v1/auth/password` sets one at any time, without a current one. Safe to repeat from the same
/// device after a lost answer, for an hour, until the refresh token is first used. Wrong codes are
/// counted per address like wrong passwords.
#[utoipa::path(
    operation_id = "acceptInvitation",
    tag = "auth",
    request_body = InvitationAcceptance,
    responses((status = 200, description = "Signed in.", body = Tokens), AcceptRefusals)
)]
#[post("/v1/auth/invitations/accept")]
async fn accept_invitation(
    app: Data<App>,
    call: Open<(), (), InvitationAcceptance>,
) -> Result<HttpResponse, Problem> {
    let InvitationAcceptance { code, device } = call.body;
    let acceptance = Acceptance {
        code,
        device: Device::from(device),
        origin: Origin {
            address: call.address,
            request_id: call.request_id,
        },
    };
    let now = app.clock.now();
    let signing = invitations::accept(&app.store, &app.auth, now, acceptance).await?;
    Ok(Tokens::respond(signing))
}
