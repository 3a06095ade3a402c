//! HTTP of an officer's sessions for managers, and of signing in with an invitation. Owns paths and
//! wire types; it must not end sessions itself.

use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, post};
use gridpatrol_domain::error::Code;
use serde::Deserialize;
use uuid::Uuid;

use super::invitations::{self, Acceptance};
use super::subject::{Manager, Subject};
use crate::auth::routes::{DeviceFacts, Tokens};
use crate::auth::security_log::Origin;
use crate::auth::session_routes::{SessionFacts, ended, page};
use crate::auth::sessions::{self, Device, End};
use crate::auth::{Auth, Call, queries};
use gridpatrol_http::page::Page;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{Open, etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Lane, Outcome};

/// The routes.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_officer_sessions)
        .service(end_officer_sessions)
        .service(end_officer_session)
        .service(accept_invitation);
}

refusals! {
    ManagedRefusals = [SIGNED] + [NotFound, NotPermitted];
    AcceptRefusals = [BODY, LIMITED] + [InvitationInvalid, LoginLocked];
}

/// Answers 404 or 403 unless the caller manages the officer.
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
async fn list_officer_sessions(call: Call<Uuid>) -> Result<HttpResponse, Problem> {
    let (manager, officer) = (Manager::of(&call), call.path);
    let open = call
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
async fn end_officer_sessions(call: Call<Uuid>) -> Result<HttpResponse, Problem> {
    let (manager, officer) = (Manager::of(&call), call.path);
    call.store
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
async fn end_officer_session(call: Call<(Uuid, Uuid)>) -> Result<HttpResponse, Problem> {
    let (manager, (officer, session)) = (Manager::of(&call), call.path);
    let owned = call
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
    auth: Data<Auth>,
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
    let now = call.now;
    let signing = invitations::accept(&call.store, &auth, now, acceptance).await?;
    Ok(Tokens::respond(signing))
}
