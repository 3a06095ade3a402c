//! Reports over HTTP: filing, reading, amending, record.
//!
//! Owns the wire and nothing else. Actions stand in `action_routes`, lists in `list_routes`.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get, patch, post, put};
use gridpatrol_domain::report::PhotoRole;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::answer::{Report, ReportEvent};
use super::asked::Asked;
use super::commands::{self, Acting};
use super::request::{ReportAmendment, ReportFiling};
use super::services::Services;
use super::view::{self, StaffedTown, Viewer};
use super::{
    action_routes, foresight_routes, inbox_routes, list_routes, measure_routes, package, queries,
    similar_routes,
};
use crate::auth::Call;
use crate::http::etag;
use crate::http::keyed::{self, Answer, canonical_hash};
use crate::http::page::{Cursor, Limit, Page};
use crate::http::service_config::ServiceConfig;
use crate::http::system::InSystem;
use crate::http::validate::{Errors, Validate};
use crate::problem::Problem;
use crate::problem::document::Read;
use crate::refusals;
use crate::store::Lane;

refusals! {
    /// Filing a report.
    FileReport = [BODY, SIGNED] + [NotFound, NotPermitted, IdConflict, PhotoTaken, PhotoRejected];
    /// Filing a report without an id of its own.
    FileKeyed = [BODY, SIGNED, KEYED] + [NotFound, NotPermitted, PhotoTaken, PhotoRejected];
    /// Amending a report.
    AmendReport = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, PreconditionRequired, WrongStatus, NotAtDesk];
}

/// Adds the operations of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    // Before the paths with an id, which it would be taken for.
    similar_routes::routes(config);
    config
        .service(create_report)
        .service(put_report)
        .service(get_report)
        .service(amend_report)
        .service(list_report_events);
    list_routes::routes(config);
    inbox_routes::routes(config);
    action_routes::routes(config);
    measure_routes::routes(config);
    foresight_routes::routes(config);
    package::routes::routes(config);
}

impl Viewer {
    /// The caller of a request.
    pub(super) fn of<P, Q, B>(call: &Call<P, Q, B>) -> Self {
        Self::new(&call.actor, call.language, call.now)
    }
}

/// The report of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ById {
    /// The report's id.
    pub id: Uuid,
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
    keyed::keyed(&call, move |conn| {
        let id = Uuid::now_v7();
        let filed = commands::file(conn, &inner, &viewer, id, &filing, hash)?;
        Ok(Answer::created(&filed.report)?)
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
    let filed = call
        .store
        .write(Lane::Interactive, move |conn| {
            commands::file(conn, &inner, &viewer, id, &filing, hash)
        })
        .await?;
    let status = if filed.created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(etag::answer(
        status,
        Some(filed.report.version),
        etag::write(&filed.report)?,
    ))
}

/// Reads a report
///
/// As it stands for this caller: `allowed_actions` names what the caller may do now.
#[utoipa::path(
    operation_id = "getReport",
    tag = "reports",
    params(ById, InSystem),
    responses(
        (status = 200, body = Report, description = "The report as the caller sees it."),
        (status = 304, description = "The caller has it already."),
        Read
    )
)]
#[get("/v1/reports/{id}")]
pub async fn get_report(
    services: Data<Services>,
    call: Call<ById, InSystem>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call).in_system(call.query.get());
    let (id, inner) = (call.path.id, services.clone());
    let report = call
        .store
        .read(move |conn| {
            let found = queries::find(conn, &viewer.scope, id)?.ok_or_else(commands::not_found)?;
            commands::answer_for(conn, &inner, &viewer, &found)
        })
        .await?;
    etag::json(call.if_none_match.as_deref(), report.version, &report)
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
    let inner = services.clone();
    let report = call
        .store
        .write(Lane::Interactive, move |conn| {
            commands::act(conn, &inner, &viewer, &acting)
        })
        .await?;
    Ok(etag::answer(
        StatusCode::OK,
        Some(report.version),
        etag::write(&report)?,
    ))
}

/// A page of a record.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// `next_cursor` of the page before.
    pub cursor: Option<Cursor>,
    /// How many events at most.
    pub limit: Limit,
}

impl Validate for EventsQuery {
    fn validate(&self, _: &mut Errors) {}
}

/// Reads the record of a report, oldest first
///
/// Everything that happened to it: who did it, on whose behalf, when, and what changed.
#[utoipa::path(
    operation_id = "listReportEvents",
    tag = "reports",
    params(ById, EventsQuery),
    responses((status = 200, body = Page<ReportEvent>, description = "One page."), Read)
)]
#[get("/v1/reports/{id}/events")]
pub async fn list_report_events(
    services: Data<Services>,
    call: Call<ById, EventsQuery>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let id = call.path.id;
    let signature = ("events", id);
    let after: Option<i64> = call
        .cursors
        .open_optional(call.query.cursor.as_ref(), &signature)?;
    let limit = call.query.limit;
    let inner = services.clone();
    let events = call
        .store
        .read(move |conn| {
            let found = queries::find(conn, &viewer.scope, id)?.ok_or_else(commands::not_found)?;
            let rows = queries::events_of(conn, &found, after.unwrap_or(0), limit.and_one())?;
            let staffed = StaffedTown::read(conn, &inner.directory, found.row.town_id, viewer.now)?;
            Ok(view::events(&staffed, &viewer, rows))
        })
        .await?;
    let page = Page::of(
        events,
        limit,
        &call.cursors,
        &signature,
        |event| event.seq,
        |event| event,
    )?;
    Ok(etag::answer(StatusCode::OK, None, etag::write(&page)?))
}
