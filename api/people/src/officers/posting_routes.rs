//! HTTP of postings and transfers.
//!
//! Owns paths. It must not decide what happens: `postings` does.

use actix_web::web::Data;
use actix_web::{HttpResponse, patch, post};
use uuid::Uuid;

use super::answer::OfficerProfile;
use super::postings::{self, Change};
use super::requests::{Ending, PostingCreation, PostingEdit, Transfer};
use super::routes::{respond, standing, wanted_of};
use super::subject::Manager;
use crate::auth::Call;
use crate::towns::directory::Directory;
use gridpatrol_http::idempotency::{self, Answer};
use gridpatrol_http::refusals;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;

/// The routes.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(add_posting)
        .service(change_posting)
        .service(end_posting)
        .service(transfer_officer);
}

refusals! {
    /// Adding a posting.
    AddRefusals = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, PostingOverlap, GridArchived];
    /// Changing a posting.
    ChangeRefusals = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, PreconditionRequired, PostingOverlap, PostingOver, LastAdmin];
    /// Ending a posting.
    EndRefusals = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, PostingOver, LastAdmin];
    /// A transfer.
    TransferRefusals = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, PostingOverlap, PostingOver, LastAdmin, GridArchived];
}

/// Post an officer
///
/// One officer may hold several postings. The same role at the same grid twice at a time is refused.
#[utoipa::path(
    operation_id = "addPosting",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    request_body = PostingCreation,
    responses((status = 201, description = "The officer.", body = OfficerProfile), AddRefusals)
)]
#[post("/v1/officers/{id}/postings")]
async fn add_posting(
    directory: Data<Directory>,
    call: Call<Uuid, (), PostingCreation>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, inner) = (Manager::of(&call), call.path, directory.clone());
    let wanted = wanted_of(&call.body, "/from", manager.now)?;
    idempotency::keyed(&call, move |conn| {
        postings::add(conn, &inner, &manager, id, &wanted)?;
        Ok(Answer::created(&standing(conn, &inner, &manager, id)?)?)
    })
    .await
}

/// Change the dates of a posting
///
/// From now on: what was in force stays on record as it was. `If-Match` is the officer's.
#[utoipa::path(
    operation_id = "changePosting",
    tag = "officers",
    params(
        ("id" = Uuid, Path, description = "The officer."),
        ("posting_id" = Uuid, Path, description = "The posting.")
    ),
    request_body = PostingEdit,
    responses((status = 200, description = "The officer.", body = OfficerProfile), ChangeRefusals)
)]
#[patch("/v1/officers/{id}/postings/{posting_id}")]
async fn change_posting(
    directory: Data<Directory>,
    call: Call<(Uuid, Uuid), (), PostingEdit>,
) -> Result<HttpResponse, Problem> {
    let (manager, ids, inner) = (Manager::of(&call), call.path, directory.clone());
    let change = Change {
        from: call.body.from,
        to: call.body.to,
        manages: call.body.manages,
    };
    let if_match = call.if_match;
    let officer = call
        .store
        .write(Lane::Interactive, move |conn| {
            postings::change(conn, &manager, ids, &change, if_match.as_ref())?;
            standing(conn, &inner, &manager, ids.0)
        })
        .await?;
    respond(&officer)
}

/// End a posting
///
/// Now or later; one that has not begun never begins. Its reports stay where they are: there is
/// always somebody (`GET /v1/grids/{id}/responsible`).
#[utoipa::path(
    operation_id = "endPosting",
    tag = "officers",
    params(
        ("id" = Uuid, Path, description = "The officer."),
        ("posting_id" = Uuid, Path, description = "The posting.")
    ),
    request_body = Ending,
    responses((status = 200, description = "The officer.", body = OfficerProfile), EndRefusals)
)]
#[post("/v1/officers/{id}/postings/{posting_id}/end")]
async fn end_posting(
    directory: Data<Directory>,
    call: Call<(Uuid, Uuid), (), Ending>,
) -> Result<HttpResponse, Problem> {
    let (manager, ids, inner) = (Manager::of(&call), call.path, directory.clone());
    let at = call.body.at;
    idempotency::keyed(&call, move |conn| {
        postings::end(conn, &manager, ids, at)?;
        Ok(Answer::ok(&standing(conn, &inner, &manager, ids.0)?)?)
    })
    .await
}

/// Transfer an officer
///
/// In one step: the postings given, or all in a town, end, and another begins at the same instant.
/// Who transfers manages both the officer and the new post. Filings that are still on the phone are
/// accepted as of the posting held when the matter was observed.
#[utoipa::path(
    operation_id = "transferOfficer",
    tag = "officers",
    params(("id" = Uuid, Path, description = "The officer.")),
    request_body = Transfer,
    responses((status = 200, description = "The officer.", body = OfficerProfile), TransferRefusals)
)]
#[post("/v1/officers/{id}/transfer")]
async fn transfer_officer(
    directory: Data<Directory>,
    call: Call<Uuid, (), Transfer>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, inner) = (Manager::of(&call), call.path, directory.clone());
    let begins = PostingCreation {
        role: call.body.role.clone(),
        grid_id: call.body.grid_id,
        from: call.body.at,
        to: call.body.until,
        manages: call.body.manages,
    };
    let transfer = postings::Transfer {
        end: call.body.end.clone(),
        from_town: call.body.from_town,
        new: wanted_of(&begins, "/at", manager.now)?,
    };
    idempotency::keyed(&call, move |conn| {
        postings::transfer(conn, &inner, &manager, id, &transfer)?;
        Ok(Answer::ok(&standing(conn, &inner, &manager, id)?)?)
    })
    .await
}
