//! The routes that read a report and its record.
//!
//! Owns the HTTP side and nothing else.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use gridpatrol_http::service_config::ServiceConfig;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::record::queries;
use crate::services::Services;
use crate::view::by_id::ById;
use crate::view::present::{self, StaffedTown, Viewer};
use crate::view::refusals::not_found;
use crate::view::response::{Report, ReportEvent};
use crate::view::stored::Stored;
use gridpatrol_http::etag;
use gridpatrol_http::page::{Cursor, Limit, Page};
use gridpatrol_http::refusals::Read;
use gridpatrol_http::system::InSystem;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_people::auth::Call;
use gridpatrol_problem::Problem;

/// Adds the operations of this room.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(get_report).service(list_report_events);
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
            let found = queries::find(conn, &viewer.scope, id)?.ok_or_else(not_found)?;
            let stored = Stored::read(conn, &inner.directory, found, viewer.now)?;
            Ok(stored.present(&inner, &viewer))
        })
        .await?;
    etag::json(call.if_none_match.as_deref(), report.version, &report)
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
            let found = queries::find(conn, &viewer.scope, id)?.ok_or_else(not_found)?;
            let rows = queries::events_of(conn, &found, after.unwrap_or(0), limit.and_one())?;
            let staffed = StaffedTown::read(conn, &inner.directory, found.row.town_id, viewer.now)?;
            Ok(present::events(&staffed, &viewer, rows))
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
