//! HTTP of officers: lists, accounts, one-time passwords, invitations.
//!
//! Owns paths and wire types. It must not hold rules. Postings are in `posting_routes`, absences in
//! `absence_routes`, the roster in `roster_routes`.

use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Payload};
use actix_web::{HttpResponse, get, patch, post};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Role;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::accounts::{self, Edit, Wanted};
use super::answer::{self, OfficerProfile};
use super::commands::{NewOfficer, NewPosting};
use super::postings::from_now_on;
use super::requests::{OfficerCreation, OfficerEdit, PostingCreation, Statement};
use super::subject::Manager;
use super::{absence_routes, invitations, posting_routes, roster_routes, session_routes};
use crate::auth::{Auth, Call, change_password};
use crate::imports::routes::Import;
use crate::imports::upload::{self, Announced, ImportQuery, SheetFile};
use crate::imports::{ImportKind, ImportQueue};
use crate::towns::directory::Directory;
use gridpatrol_http::choice::{Choice, OptionalChoice as _};
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{RequestContext, etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Lane, Outcome};

/// The routes of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(list_officers)
        .service(create_officer)
        .service(get_officer)
        .service(import_officers)
        .service(edit_officer)
        .service(disable_officer)
        .service(enable_officer)
        .service(reset_password)
        .service(invite_officer);
    posting_routes::routes(config);
    absence_routes::routes(config);
    roster_routes::routes(config);
    session_routes::routes(config);
}

refusals! {
    ListRefusals = [SIGNED] + [NotFound];
    /// Creating an officer.
    CreateRefusals = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, GridArchived];
    /// Editing an account.
    EditRefusals = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, PreconditionRequired];
    /// Disabling.
    DisableRefusals = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, LastAdmin];
    /// Enabling.
    EnableRefusals = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted];
    /// Importing.
    ImportRefusals = [BODY, SIGNED, KEYED] + [NotPermitted];
    /// Answers with a secret that we do not store.
    SecretRefusals = [SIGNED] + [NotFound, NotPermitted];
}

/// Which officers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// Only those posted at this grid or below it; an admin may name a grid of any town.
    grid: Option<Uuid>,
    /// Only those posted in this role.
    #[param(inline)]
    role: Option<Choice<Role>>,
    /// Only those whose name contains this; or whose username or phone number does, where the caller
    /// is told it.
    #[param(max_length = 60)]
    q: Option<String>,
    /// `true`: only those who are enabled and posted now; `false`: only the others.
    active: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<Cursor>,
    /// How many at most.
    #[serde(default)]
    limit: Limit,
}

impl Validate for Listing {
    fn validate(&self, errors: &mut Errors) {
        self.role.check("role", errors);
        errors.filled("q", &self.q, 60);
    }
}

/// The filter that a cursor of this list belongs to.
#[derive(Serialize)]
struct Filters<'a> {
    list: &'static str,
    grid: Option<Uuid>,
    role: Option<Role>,
    q: Option<&'a str>,
    active: Option<bool>,
}

/// Officers of the caller's towns
///
/// By name. Everybody posted in a town sees who serves there; phone numbers are told to superiors,
/// subordinates and those of the same village, usernames to who manages the officer.
#[utoipa::path(
    operation_id = "listOfficers",
    tag = "officers",
    params(Listing),
    responses(
        (status = 200, description = "A page of officers.", body = Page<OfficerProfile>),
        (status = 304, description = "It has not changed."),
        ListRefusals
    )
)]
#[get("/v1/officers")]
async fn list_officers(
    directory: Data<Directory>,
    call: Call<(), Listing>,
) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    let (if_none_match, wanted) = (call.if_none_match, call.query);
    let q = wanted.q.as_deref().map(|q| q.trim().to_lowercase());
    let role = wanted.role.get();
    let filters = Filters {
        list: "officers",
        grid: wanted.grid,
        role,
        q: q.as_deref(),
        active: wanted.active,
    };
    let after: Option<(String, Uuid)> = call
        .cursors
        .open_optional(wanted.cursor.as_ref(), &filters)?;
    let (directory, asking) = (directory.clone(), manager.clone());
    let towns = call
        .store
        .read(move |conn| match wanted.grid {
            // An admin can look into any town through its grid.
            Some(grid) if asking.actor.is_admin() => {
                Ok(vec![asking.place(conn, &directory, grid)?.0])
            }
            _ => answer::towns(conn, &directory, asking.scope.towns()),
        })
        .await?;
    let everybody = answer::everybody(&towns);
    let now = manager.now;
    let found = everybody
        .iter()
        .filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after))
        .filter(|((_, id), person)| {
            let mut postings = answer::lasting(&towns, *id, now).peekable();
            let serves = !person.disabled
                && answer::lasting(&towns, *id, now).any(|(_, posting)| posting.active(now));
            wanted.active.is_none_or(|active| active == serves)
                && ((wanted.grid.is_none() && role.is_none())
                    || postings.any(|(town, posting)| {
                        role.is_none_or(|role| role == posting.role)
                            && wanted.grid.is_none_or(|above| {
                                let place = town.path(posting.grid_id);
                                let above = town.path(above);
                                place
                                    .zip(above)
                                    .is_some_and(|(place, above)| above.covers(place))
                            })
                    }))
        })
        .map(|((_, id), person)| OfficerProfile::listed(&towns, &manager.actor, *id, person, now))
        .filter(|officer| {
            let holds = |text: &Option<String>, q: &str| {
                text.as_ref()
                    .is_some_and(|text| text.to_lowercase().contains(q))
            };
            q.as_deref().is_none_or(|q| {
                officer.name.to_lowercase().contains(q)
                    || holds(&officer.username, q)
                    || holds(&officer.phone, q)
            })
        })
        .take(wanted.limit.size() + 1)
        .collect();
    let key = |officer: &OfficerProfile| (officer.name.clone(), officer.id);
    let page = Page::of(found, wanted.limit, &call.cursors, &filters, key, |one| one)?;
    etag::json(if_none_match.as_deref(), 0, &page)
}

/// The officer after a change, as the caller may see it.
pub(super) fn standing(
    conn: &mut Conn,
    directory: &Directory,
    manager: &Manager,
    id: Uuid,
) -> Outcome<OfficerProfile> {
    OfficerProfile::read(conn, directory, manager, id)
}

/// The posting in a request.
pub(super) fn wanted_of(
    request: &PostingCreation,
    pointer: &str,
    now: DateTime<Utc>,
) -> Result<Wanted, Problem> {
    let role = request
        .role
        .get()
        .ok_or_else(|| Problem::new(Code::ValidationFailed))?;
    Ok(Wanted {
        posting: NewPosting {
            role,
            grid_id: request.grid_id,
            from: from_now_on(pointer, request.from, now)?,
            to: request.to,
        },
        manages: request.manages,
    })
}

/// Create an officer
///
/// With a first posting. With a password it must be changed at the first sign-in; without one the
/// officer is invited.
///
/// Who may: an admin for every role in every town, a town leader for every role but `admin`, a town
/// officer whose posting `manages` for officers of the town, villages and groups, a village secretary
/// for the group leaders of the village.
#[utoipa::path(
    operation_id = "createOfficer",
    tag = "officers",
    request_body = OfficerCreation,
    responses((status = 201, description = "The officer.", body = OfficerProfile), CreateRefusals)
)]
#[post("/v1/officers")]
async fn create_officer(
    auth: Data<Auth>,
    directory: Data<Directory>,
    call: Call<(), (), OfficerCreation>,
) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    let body = call.body.clone();
    let wanted = wanted_of(&body.posting, "/posting/from", manager.now)?;
    let password_hash = match &body.password {
        None => String::new(),
        Some(password) => {
            change_password::check(&auth, password, &body.username, "/password")?;
            // We hash no password for a caller who may not do this.
            let (directory, asking) = (directory.clone(), manager.clone());
            call.store
                .read(move |conn| accounts::may_give(conn, &directory, &asking, &wanted))
                .await?;
            auth.passwords.hash(password.clone()).await?
        }
    };
    let inner = directory.clone();
    idempotency::keyed(&call, move |conn| {
        let officer = NewOfficer {
            id: Uuid::now_v7(),
            username: body.username.clone(),
            name: body.name.clone(),
            phone: body.phone.clone(),
            must_change_password: !password_hash.is_empty(),
            password_hash: password_hash.clone(),
        };
        let id = accounts::create(conn, &inner, &manager, &officer, &wanted)?;
        Ok(Answer::created(&standing(conn, &inner, &manager, id)?)?)
    })
    .await
}

/// Import officers from a file
///
/// CSV (UTF-8, UTF-16 or GBK) or XLSX (the first sheet) with the columns `username`, `name`, `role`
/// and `grid_code`, and if need be `phone`, `from` and `to` (days, or instants). One line an officer. A
/// username that is there gets the name, phone and posting of its line and keeps its other postings;
/// one that is not is created without a password, to be invited. Every bad line is named, and nothing
/// is published while there is one; nobody imports whom he could not create by hand.
#[utoipa::path(
    operation_id = "importOfficers",
    tag = "imports",
    params(ImportQuery),
    request_body(content(
        (SheetFile = "text/csv"),
        (SheetFile = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (SheetFile = "application/octet-stream"),
    ), description = "The file."),
    responses(
        (status = 202, description = "It has arrived and waits for its turn.", body = Import,
            headers(("Location" = String, description = "Where to ask how far it is."))),
        ImportRefusals
    )
)]
#[post("/v1/officers/import")]
async fn import_officers(
    imports: Data<ImportQueue>,
    _: Announced,
    call: Call<(), ImportQuery>,
    body: Payload,
) -> Result<HttpResponse, Problem> {
    let manages = call.actor.actor.own().any(|posting| {
        posting.manages
            || matches!(
                posting.role,
                Role::Admin | Role::TownLeader | Role::VillageSecretary
            )
    });
    if !manages {
        return Err(Problem::new(Code::NotPermitted)
            .detail("Only managers of officers can import officers."));
    }
    upload::receive(&imports, &call, body, ImportKind::Officers).await
}

/// One officer
///
/// As far as the caller is told: see the list. The ETag is what changes of the officer and the
/// postings need.
#[utoipa::path(
    operation_id = "getOfficer",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    responses(
        (status = 200, description = "The officer, as the caller is told.", body = OfficerProfile),
        (status = 304, description = "It has not changed."),
        refusals::Read
    )
)]
#[get("/v1/officers/{id}")]
async fn get_officer(
    directory: Data<Directory>,
    call: Call<Uuid>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, inner) = (Manager::of(&call), call.path, directory.clone());
    let officer = call
        .store
        .read(move |conn| standing(conn, &inner, &manager, id))
        .await?;
    let version = officer.version.unwrap_or_default();
    etag::json(call.if_none_match.as_deref(), version, &officer)
}

/// The officer with its ETag.
pub(super) fn respond(officer: &OfficerProfile) -> Result<HttpResponse, Problem> {
    Ok(etag::answer(
        StatusCode::OK,
        officer.version,
        etag::write(officer)?,
    ))
}

/// Change an account
///
/// Name and phone number. Everybody may change one's own.
#[utoipa::path(
    operation_id = "editOfficer",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    request_body = OfficerEdit,
    responses((status = 200, description = "The officer.", body = OfficerProfile), EditRefusals)
)]
#[patch("/v1/officers/{id}")]
async fn edit_officer(
    directory: Data<Directory>,
    call: Call<Uuid, (), OfficerEdit>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, inner) = (Manager::of(&call), call.path, directory.clone());
    let if_match = call.if_match;
    let edit = Edit {
        name: call.body.name,
        phone: call.body.phone,
        telling: None,
    };
    let officer = call
        .store
        .write(Lane::Interactive, move |conn| {
            accounts::edit(conn, &manager, id, &edit, if_match.as_ref())?;
            standing(conn, &inner, &manager, id)
        })
        .await?;
    respond(&officer)
}

/// Disable an account
///
/// At once: its sessions and invitations end, its postings man no grid. Nothing is lost, and it can
/// be enabled again. The last admin is not disabled. Safe to repeat.
#[utoipa::path(
    operation_id = "disableOfficer",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    request_body = Statement,
    responses((status = 200, description = "The officer.", body = OfficerProfile), DisableRefusals)
)]
#[post("/v1/officers/{id}/disable")]
async fn disable_officer(
    directory: Data<Directory>,
    call: Call<Uuid, (), Statement>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, inner) = (Manager::of(&call), call.path, directory.clone());
    let reason = call.body.reason.clone();
    idempotency::keyed(&call, move |conn| {
        accounts::disable(conn, &manager, id, reason.as_deref())?;
        Ok(Answer::ok(&standing(conn, &inner, &manager, id)?)?)
    })
    .await
}

/// Enable an account again
///
/// Its postings count again from now on; its owner signs in anew. Safe to repeat.
#[utoipa::path(
    operation_id = "enableOfficer",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    request_body = Statement,
    responses((status = 200, description = "The officer.", body = OfficerProfile), EnableRefusals)
)]
#[post("/v1/officers/{id}/enable")]
async fn enable_officer(
    directory: Data<Directory>,
    call: Call<Uuid, (), Statement>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, inner) = (Manager::of(&call), call.path, directory.clone());
    let reason = call.body.reason.clone();
    idempotency::keyed(&call, move |conn| {
        accounts::enable(conn, &manager, id, reason.as_deref())?;
        Ok(Answer::ok(&standing(conn, &inner, &manager, id)?)?)
    })
    .await
}

/// A password to sign in with once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({"password": "hV7q-Rm3k-Xw9t"}))]
pub struct OneTimePassword {
    /// Tell it to the officer: it is shown here only, and must be changed at the next sign-in.
    password: String,
}

/// Give an officer a one-time password
///
/// The server makes it. All sessions of the officer end. Repeated, it makes another one and the one
/// before is worth nothing: the answer is stored nowhere, so there is no `Idempotency-Key`.
#[utoipa::path(
    operation_id = "resetPassword",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    responses((status = 200, description = "The password.", body = OneTimePassword), SecretRefusals)
)]
#[post("/v1/officers/{id}/password")]
async fn reset_password(auth: Data<Auth>, call: Call<Uuid>) -> Result<HttpResponse, Problem> {
    let (manager, id) = (Manager::of(&call), call.path);
    let asking = manager.clone();
    call.store
        .read(move |conn| accounts::may_reset(conn, &asking, id))
        .await?;
    let password = invitations::one_time_password()?;
    let hash = auth.passwords.hash(password.clone()).await?;
    call.store
        .write(Lane::Interactive, move |conn| {
            accounts::reset(conn, &manager, id, &hash)
        })
        .await?;
    secret(&OneTimePassword { password })
}

/// An invitation.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(example = json!({
    "code": "7K4M-X2QT-9WRA", "qr_text": "gridpatrol:invitation?code=7K4MX2QT9WRA",
    "expires_at": "2026-11-23T08:00:00Z"
}))]
pub struct Invitation {
    /// To be typed or read out: letters and digits that are not taken for each other; case and
    /// hyphens do not matter. It is shown here only.
    code: String,
    /// The same for a QR code, with the server's address where it has a public one.
    qr_text: String,
    /// Until when it can be accepted, once.
    expires_at: DateTime<Utc>,
}

/// Invite an officer
///
/// A code that signs one phone in, once, at `POST /v1/auth/invitations/accept`, so that nobody types
/// a password in the hills. A new one ends the one before. The answer is stored nowhere, so there is
/// no `Idempotency-Key`: repeat it, and use the last.
#[utoipa::path(
    operation_id = "inviteOfficer",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    responses((status = 200, description = "The invitation.", body = Invitation), SecretRefusals)
)]
#[post("/v1/officers/{id}/invite")]
async fn invite_officer(
    context: Data<RequestContext>,
    auth: Data<Auth>,
    directory: Data<Directory>,
    call: Call<Uuid>,
) -> Result<HttpResponse, Problem> {
    let (manager, id) = (Manager::of(&call), call.path);
    let code = invitations::Code::new()?;
    let hash = code.hash();
    let (most, directory) = (auth.settings.invitation_lifetime(), directory.clone());
    let expires_at = call
        .store
        .write(Lane::Interactive, move |conn| {
            // From the settings of the manager's town, within the server's limits.
            let lifetime = match manager.scope.towns().first() {
                Some(town) => {
                    let town = directory.town(conn, *town)?;
                    let hours = town.settings().at(manager.now).accounts.invitation_hours;
                    most.min(chrono::TimeDelta::hours(hours.into()))
                }
                None => most,
            };
            let expires_at = manager.now + lifetime;
            invitations::invite(conn, &manager, id, &hash, expires_at)?;
            Ok(expires_at)
        })
        .await?;
    secret(&Invitation {
        code: code.written(),
        qr_text: code.qr_text(context.settings.public_url.as_deref()),
        expires_at,
    })
}

/// An answer that must not be cached.
fn secret<T: Serialize>(body: &T) -> Result<HttpResponse, Problem> {
    let mut response = etag::answer(StatusCode::OK, None, etag::write(body)?);
    let headers = response.headers_mut();
    headers.insert(
        CACHE_CONTROL,
        actix_web::http::header::HeaderValue::from_static("no-store"),
    );
    Ok(response)
}
