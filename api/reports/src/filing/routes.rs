//! The routes that file reports.
//!
//! Owns the HTTP side and nothing else.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, post, put};
use gridpatrol_http::service_config::ServiceConfig;
use uuid::Uuid;

use crate::filing::commands;
use crate::filing::request::ReportFiling;
use crate::services::Services;
use crate::view::by_id::ById;
use crate::view::present::Viewer;
use crate::view::response::Report;
use gridpatrol_http::etag;
use gridpatrol_http::idempotency::{self, Answer, canonical_hash};
use gridpatrol_http::refusals;
use gridpatrol_people::auth::Call;
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;

refusals! {
    /// Filing a report.
    FileReport = [BODY, SIGNED] + [NotFound, NotPermitted, IdConflict, PhotoTaken, PhotoRejected];
    /// Filing a report without an id of its own.
    FileKeyed = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, PhotoTaken, PhotoRejected];
}

/// Adds the operations of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(create_report).service(put_report);
}

/// Files a report
///
/// The server chooses the id. A client that may lose the answer files with `PUT` and an id of its
/// own, or sends an `Idempotency-Key`.
#[utoipa::path(
    operation_id = "fileReport",
    tag = "reports",
    request_body = ReportFiling,
    responses((status = 201, body = Report, description = "The report as it stands."), FileKeyed)
)]
#[post("/v1/reports")]
pub async fn create_report(
    services: Data<Services>,
    call: Call<(), (), ReportFiling>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    call.body.check_clock(viewer.now)?;
    let hash = canonical_hash(&call.sent);
    let (filing, inner) = (call.body.clone(), services.clone());
    idempotency::keyed(&call, move |conn| {
        let id = Uuid::now_v7();
        let filed = commands::file(conn, &inner, &viewer, id, &filing, hash)?;
        // A replay answers this again, so it is put together and kept in the same transaction.
        Ok(Answer::created(&filed.report.present(&inner, &viewer))?)
    })
    .await
}

/// Files a report under an id of the client's
///
/// Safe to repeat: the same request answers 200 with the report as it stands, however far it has
/// moved since. Another content under the same id is refused with `id_conflict`.
#[utoipa::path(
    operation_id = "fileReportWithId",
    tag = "reports",
    request_body = ReportFiling,
    params(ById),
    responses(
        (status = 201, body = Report, description = "Filed."),
        (status = 200, body = Report, description = "Filed before; the report as it stands."),
        FileReport
    )
)]
#[put("/v1/reports/{id}")]
pub async fn put_report(
    services: Data<Services>,
    call: Call<ById, (), ReportFiling>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    call.body.check_clock(viewer.now)?;
    let hash = canonical_hash(&call.sent);
    let (id, filing, inner) = (call.path.id, call.body, services.clone());
    let filer = viewer.clone();
    let filed = call
        .store
        .write(Lane::Interactive, move |conn| {
            commands::file(conn, &inner, &filer, id, &filing, hash)
        })
        .await?;
    let status = if filed.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let report = filed.report.present(&services, &viewer);
    Ok(etag::answer(
        status,
        Some(report.version),
        etag::write(&report)?,
    ))
}
