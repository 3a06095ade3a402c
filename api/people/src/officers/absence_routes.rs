//! HTTP of absences, deputies, and the caller's own profile.
//!
//! Owns paths. It must not decide what happens: `absences` and `accounts` do.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, patch, post, put};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::officer::Covers;
use uuid::Uuid;

use super::absences::{self, Away, StandIn};
use super::accounts::{self, Edit};
use super::answer::{self, Absence, Deputy, OfficerProfile};
use super::requests::{AbsenceRequest, DeputyCreation, ProfileEdit};
use super::routes::{respond, standing};
use super::subject::Manager;
use crate::auth::Call;
use crate::towns::directory::Directory;
use gridpatrol_http::choice::OptionalChoice as _;
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::page::Page;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::Problem;
use gridpatrol_store::{Lane, Store};

/// The routes.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(edit_own_profile)
        .service(get_own_absence)
        .service(set_own_absence)
        .service(end_own_absence)
        .service(get_absence)
        .service(set_absence)
        .service(end_absence)
        .service(list_deputies)
        .service(add_deputy)
        .service(end_deputy);
}

refusals! {
    /// The caller's profile.
    ProfileRefusals = [BODY, SIGNED] + [VersionMismatch, PreconditionRequired];
    /// The caller's absence.
    OwnRefusals = [BODY, SIGNED] + [];
    OwnEndRefusals = [SIGNED] + [];
    /// Somebody's absence.
    AbsenceRefusals = [BODY, SIGNED] + [NotFound, NotPermitted];
    EndRefusals = [SIGNED] + [NotFound, NotPermitted];
    /// A deputy.
    DeputyRefusals = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted];
}

/// Change one's own profile
///
/// The phone number, and how to be told of what is only to be known: at once or in a digest. The name is
/// the office's: who manages the officer changes it. `If-Match` is the ETag of `GET /v1/me`.
#[utoipa::path(
    operation_id = "editMe",
    tag = "officers",
    request_body = ProfileEdit,
    responses((status = 200, description = "The officer.", body = OfficerProfile), ProfileRefusals)
)]
#[patch("/v1/me")]
async fn edit_own_profile(
    directory: Data<Directory>,
    call: Call<(), (), ProfileEdit>,
) -> Result<HttpResponse, Problem> {
    let (manager, inner) = (Manager::of(&call), directory.clone());
    let (id, if_match) = (manager.actor.officer_id, call.if_match);
    let edit = Edit {
        name: None,
        phone: call.body.phone,
        telling: call.body.notify.get(),
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

async fn read(
    store: &Store,
    directory: &Directory,
    manager: Manager,
    id: Uuid,
    if_none_match: Option<&str>,
) -> Result<HttpResponse, Problem> {
    let inner = directory.clone();
    let officer = store
        .read(move |conn| standing(conn, &inner, &manager, id))
        .await?;
    let absence = officer.absence.ok_or_else(|| {
        Problem::new(Code::NotFound).detail("There is no current or future absence.")
    })?;
    etag::json(if_none_match, 0, &absence)
}

async fn set(
    store: &Store,
    directory: &Directory,
    manager: Manager,
    id: Uuid,
    request: &AbsenceRequest,
) -> Result<HttpResponse, Problem> {
    let away = Away {
        from: request.from,
        to: request.to,
        deputy_id: request.deputy_id,
    };
    let inner = directory.clone();
    let officer = store
        .write(Lane::Interactive, move |conn| {
            absences::set(conn, &manager, id, &away)?;
            standing(conn, &inner, &manager, id)
        })
        .await?;
    Ok(etag::answer(
        StatusCode::OK,
        None,
        etag::write(&officer.absence)?,
    ))
}

async fn back(store: &Store, manager: Manager, id: Uuid) -> Result<HttpResponse, Problem> {
    store
        .write(Lane::Interactive, move |conn| {
            absences::back(conn, &manager, id)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// One's own absence
///
/// The one that lasts or is to come; 404 without one.
#[utoipa::path(
    operation_id = "getMyAbsence",
    tag = "officers",
    responses(
        (status = 200, description = "The absence.", body = Absence),
        (status = 304, description = "It has not changed."),
        refusals::Read
    )
)]
#[get("/v1/me/absence")]
async fn get_own_absence(directory: Data<Directory>, call: Call) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    let id = manager.actor.officer_id;
    read(
        &call.store,
        &directory,
        manager,
        id,
        call.if_none_match.as_deref(),
    )
    .await
}

/// Be away
///
/// Instead of the absence that lasts or is to come. Meanwhile one's postings man no grid: the deputy
/// does, else the grid above, else the town's duty officer, else anybody of the town. Signing in and
/// acting stay possible. A deputy who is away as well has no deputy in this: the grid above does it.
#[utoipa::path(
    operation_id = "setMyAbsence",
    tag = "officers",
    request_body = AbsenceRequest,
    responses((status = 200, description = "The absence.", body = Absence), OwnRefusals)
)]
#[put("/v1/me/absence")]
async fn set_own_absence(
    directory: Data<Directory>,
    call: Call<(), (), AbsenceRequest>,
) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    let id = manager.actor.officer_id;
    set(&call.store, &directory, manager, id, &call.body).await
}

/// Be back
///
/// Ends one's absence now; one to come never begins. Safe to repeat.
#[utoipa::path(
    operation_id = "endMyAbsence",
    tag = "officers",
    responses((status = 204, description = "There is none any more."), OwnEndRefusals)
)]
#[delete("/v1/me/absence")]
async fn end_own_absence(call: Call) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    let id = manager.actor.officer_id;
    back(&call.store, manager, id).await
}

/// The absence of an officer
///
/// The one that lasts or is to come; 404 without one.
#[utoipa::path(
    operation_id = "getAbsence",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    responses(
        (status = 200, description = "The absence.", body = Absence),
        (status = 304, description = "It has not changed."),
        refusals::Read
    )
)]
#[get("/v1/officers/{id}/absence")]
async fn get_absence(
    directory: Data<Directory>,
    call: Call<Uuid>,
) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    read(
        &call.store,
        &directory,
        manager,
        call.path,
        call.if_none_match.as_deref(),
    )
    .await
}

/// Set the absence of an officer
///
/// For who manages the officer; as one's own (`PUT /v1/me/absence`).
#[utoipa::path(
    operation_id = "setAbsence",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    request_body = AbsenceRequest,
    responses((status = 200, description = "The absence.", body = Absence), AbsenceRefusals)
)]
#[put("/v1/officers/{id}/absence")]
async fn set_absence(
    directory: Data<Directory>,
    call: Call<Uuid, (), AbsenceRequest>,
) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    set(&call.store, &directory, manager, call.path, &call.body).await
}

/// End the absence of an officer
///
/// Now; one to come never begins. Safe to repeat.
#[utoipa::path(
    operation_id = "endAbsence",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    responses((status = 204, description = "There is none any more."), EndRefusals)
)]
#[delete("/v1/officers/{id}/absence")]
async fn end_absence(call: Call<Uuid>) -> Result<HttpResponse, Problem> {
    let manager = Manager::of(&call);
    back(&call.store, manager, call.path).await
}

/// Who stands in for an officer
///
/// Now or later, in the caller's towns, all on one page.
#[utoipa::path(
    operation_id = "listDeputies",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    responses(
        (status = 200, description = "The deputies, in order.", body = Page<Deputy>),
        (status = 304, description = "They have not changed."),
        refusals::Read
    )
)]
#[get("/v1/officers/{id}/deputies")]
async fn list_deputies(
    directory: Data<Directory>,
    call: Call<Uuid>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, inner) = (Manager::of(&call), call.path, directory.clone());
    let items = call
        .store
        .read(move |conn| answer::deputies(conn, &inner, &manager, id))
        .await?;
    let page = Page {
        items,
        next_cursor: None,
    };
    etag::json(call.if_none_match.as_deref(), 0, &page)
}

/// Let somebody stand in for an officer
///
/// For the officer in person, or who manages the officer. The deputy sees what the officer sees and
/// acts on the officer's behalf; the record says so. Both may act at the time: an absence is set
/// apart.
#[utoipa::path(
    operation_id = "addDeputy",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    request_body = DeputyCreation,
    responses((status = 201, description = "All deputies of the officer, now or later.", body = Page<Deputy>), DeputyRefusals)
)]
#[post("/v1/officers/{id}/deputies")]
async fn add_deputy(
    directory: Data<Directory>,
    call: Call<Uuid, (), DeputyCreation>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, inner) = (Manager::of(&call), call.path, directory.clone());
    let new = StandIn {
        posting_id: call.body.posting_id,
        deputy_id: call.body.deputy_id,
        from: call.body.from,
        to: call.body.to,
        covers: call.body.covers.get().unwrap_or(Covers::All),
    };
    idempotency::keyed(&call, move |conn| {
        absences::add(conn, &manager, id, &new)?;
        let items = answer::deputies(conn, &inner, &manager, id)?;
        Ok(Answer::created(&Page {
            items,
            next_cursor: None,
        })?)
    })
    .await
}

/// End a deputy
///
/// Now; one to come never begins.
#[utoipa::path(
    operation_id = "endDeputy",
    tag = "officers",
    params(
        ("id" = Uuid, Path, description = "The officer."),
        ("deputy_id" = Uuid, Path, description = "The id of the standing in, not of the person.")
    ),
    responses((status = 204, description = "It is over."), EndRefusals)
)]
#[delete("/v1/officers/{id}/deputies/{deputy_id}")]
async fn end_deputy(call: Call<(Uuid, Uuid)>) -> Result<HttpResponse, Problem> {
    let (manager, (id, deputy)) = (Manager::of(&call), call.path);
    call.store
        .write(Lane::Interactive, move |conn| {
            absences::end(conn, &manager, id, deputy)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
