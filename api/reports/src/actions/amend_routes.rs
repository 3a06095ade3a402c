//! The route that amends a report.
//!
//! Owns the HTTP side and nothing else.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, patch};
use gridpatrol_domain::report::PhotoRole;
use gridpatrol_http::service_config::ServiceConfig;

use crate::actions::action_translation::Asked;
use crate::actions::commands::{self, Acting};
use crate::filing::request::ReportAmendment;
use crate::services::Services;
use crate::view::by_id::ById;
use crate::view::present::Viewer;
use crate::view::response::Report;
use gridpatrol_http::etag;
use gridpatrol_http::refusals;
use gridpatrol_people::auth::Call;
use gridpatrol_problem::Problem;
use gridpatrol_store::Lane;

refusals! {
    /// Amending a report.
    AmendReport = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, PreconditionRequired, WrongStatus, NotAtDesk];
}

/// Adds the operations of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(amend_report);
}

/// Changes ledger fields of a report
///
/// For the desk that has it, or above. `If-Match` with the report's ETag is required, so that nobody
/// overwrites what they have not read. The record keeps what stood there before.
#[utoipa::path(
    operation_id = "amendReport",
    tag = "reports",
    request_body = ReportAmendment,
    params(ById),
    responses((status = 200, body = Report, description = "The report as it stands."), AmendReport)
)]
#[patch("/v1/reports/{id}")]
pub async fn amend_report(
    services: Data<Services>,
    call: Call<ById, (), ReportAmendment>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let acting = Acting {
        id: call.path.id,
        asked: Asked::Amend(Box::new(call.body)),
        photos: Vec::new(),
        usual_role: PhotoRole::Other,
        if_match: call.if_match,
    };
    let (inner, actor) = (services.clone(), viewer.clone());
    let stored = call
        .store
        .write(Lane::Interactive, move |conn| {
            commands::act(conn, &inner, &actor, &acting)
        })
        .await?;
    let report = stored.present(&services, &viewer);
    Ok(etag::answer(
        StatusCode::OK,
        Some(report.version),
        etag::write(&report)?,
    ))
}
