//! The routes that find reports about the same matter: before filing, and for those who decide.
//!
//! Owns the HTTP side and nothing else.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, get};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::geo::{Crs, Position};
use gridpatrol_domain::report::{Category, Severity, Status};
use gridpatrol_domain::settings::SimilarRules;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::links::similar::{self, Matter};
use crate::record::queries;
use crate::record::rows::ReportRow;
use crate::services::Services;
use crate::view::by_id::ById;
use crate::view::present::{self, StaffedTown, Viewer};
use crate::view::refusals::not_found;
use crate::view::response::{Person, Report};
use gridpatrol_http::choice::Choice;
use gridpatrol_http::etag;
use gridpatrol_http::refusals::Read;
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_people::auth::Call;
use gridpatrol_people::towns::choice::town_of;
use gridpatrol_problem::Problem;
use gridpatrol_store::{Conn, Outcome};

/// Adds the operations of this file.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config.service(find_similar).service(list_similar);
}

/// What is about to be filed.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SimilarQuery {
    /// What is wrong.
    #[param(inline)]
    category: Choice<Category>,
    /// Latitude in degrees.
    #[param(example = 26.69)]
    lat: f64,
    /// Longitude in degrees.
    #[param(example = 101.85)]
    lon: f64,
    /// Coordinate system of both, as in a filing: a phone's chip emits `wgs84`, AMap and Tencent `gcj02`.
    #[param(inline)]
    crs: Choice<Crs>,
    /// The town; absent: the only one where the caller is posted.
    town: Option<Uuid>,
}

impl Validate for SimilarQuery {
    fn validate(&self, errors: &mut Errors) {
        self.category.check("category", errors);
        let crs = self.crs.check("crs", errors);
        if let Some(Err(reason)) = crs.map(|crs| crs.check(self.lat, self.lon)) {
            errors.add("lat", "out_of_range", reason.to_string());
        }
    }
}

/// Reports that may be about the same matter.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!(crate::view::examples::similar()))]
pub struct SimilarReports {
    /// Those within the caller's sight, the nearest first; at most 20.
    items: Vec<SimilarReport>,
    /// How many others there are, in grids that the caller does not see.
    hidden: usize,
    /// The town's rule: metres between them at most.
    within_m: u32,
    /// The town's rule: days between their receipts at most.
    within_days: u32,
}

/// A report that may be about the same matter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SimilarReport {
    /// Its id.
    id: Uuid,
    /// Its number.
    #[schema(example = "990001100-2026-000123")]
    number: String,
    /// Metres between both, rounded.
    #[schema(example = 35)]
    distance_m: u32,
    /// Where it stands.
    status: Status,
    /// The status in the caller's language, with who has it and until when.
    status_text: String,
    /// How bad it is.
    severity: Severity,
    /// The grid where it is.
    grid_id: Uuid,
    /// Its name.
    grid_name: String,
    /// The place in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    place_text: Option<String>,
    /// In the filer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Who filed it.
    reporter: Person,
    /// When it was received.
    received_at: DateTime<Utc>,
    /// A small picture of it, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail_url: Option<String>,
}

impl SimilarReport {
    fn of(report: Report, metres: f64) -> Self {
        Self {
            id: report.id,
            number: report.number,
            distance_m: whole(metres),
            status: report.status,
            status_text: report.status_text,
            severity: report.severity,
            grid_id: report.grid_id,
            grid_name: report.grid_name,
            place_text: report.place_text,
            description: report.description,
            reporter: report.reporter,
            received_at: report.received_at,
            thumbnail_url: report
                .photos
                .into_iter()
                .find_map(|photo| photo.thumbnail_url),
        }
    }
}

/// Metres, rounded. The value is never more than a few thousand.
fn whole(metres: f64) -> u32 {
    format!("{metres:.0}").parse().unwrap_or(u32::MAX)
}

fn suggested(
    conn: &mut Conn,
    services: &Services,
    viewer: &Viewer,
    matter: &Matter,
    rules: SimilarRules,
) -> Outcome<SimilarReports> {
    let found = similar::near(conn, matter, rules)?;
    let (shown, hidden) = similar::parted(conn, &viewer.scope, found)?;
    let metres: Vec<f64> = shown.iter().map(|near| near.metres).collect();
    let rows: Vec<ReportRow> = shown.into_iter().map(|near| near.row).collect();
    let items = present::page(conn, services, viewer, rows)?
        .into_iter()
        .zip(metres)
        .map(|(report, metres)| SimilarReport::of(report, metres))
        .collect();
    Ok(SimilarReports {
        items,
        hidden,
        within_m: rules.metres,
        within_days: rules.days,
    })
}

/// Reports like one that is about to be filed
///
/// Of the same category, near in place and time by the town's rule (`similar` of its settings), whatever
/// their status but void. Ask when category and place are chosen: who finds the matter filed already can
/// comment on it instead. `hidden` counts those of other grids, of which nothing more is told.
#[utoipa::path(
    operation_id = "findSimilarReports",
    tag = "reports",
    params(SimilarQuery),
    responses((status = 200, body = SimilarReports, description = "Those that may be about the same matter."), Read)
)]
#[get("/v1/reports/similar")]
pub async fn find_similar(
    services: Data<Services>,
    call: Call<(), SimilarQuery>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let query = call.query;
    let town_id = town_of(viewer.scope.towns(), false, query.town)?;
    let invalid = || Problem::new(Code::ValidationFailed);
    let crs = query.crs.get().ok_or_else(invalid)?;
    let position = crs.to_wgs84(query.lat, query.lon).map_err(|_| invalid())?;
    let category = query.category.get().ok_or_else(invalid)?;
    let inner = services.clone();
    let similar = call
        .store
        .read(move |conn| {
            let matter = Matter {
                town_id,
                category,
                position,
                at: viewer.now,
                report: None,
            };
            let staffed = StaffedTown::read(conn, &inner.directory, town_id, viewer.now)?;
            let rules = staffed.town.settings().at(viewer.now).similar;
            suggested(conn, &inner, &viewer, &matter, rules)
        })
        .await?;
    Ok(etag::answer(StatusCode::OK, None, etag::write(&similar)?))
}

/// Reports that may be about the same matter as this one
///
/// As `GET /v1/reports/similar`, about a report that is filed: for who filed it, and for who decides on
/// it and may void it as a duplicate. One without a position is like none.
#[utoipa::path(
    operation_id = "listSimilarReports",
    tag = "reports",
    params(ById),
    responses((status = 200, body = SimilarReports, description = "Those that may be about the same matter."), Read)
)]
#[get("/v1/reports/{id}/similar")]
pub async fn list_similar(
    services: Data<Services>,
    call: Call<ById>,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(&call);
    let (id, inner) = (call.path.id, services.clone());
    let similar = call
        .store
        .read(move |conn| {
            let found = queries::find(conn, &viewer.scope, id)?.ok_or_else(not_found)?;
            let row = found.row;
            let staffed = StaffedTown::read(conn, &inner.directory, row.town_id, viewer.now)?;
            let rules = staffed.town.settings().at(viewer.now).similar;
            let (Some(lat), Some(lon)) = (row.lat, row.lon) else {
                return Ok(SimilarReports {
                    items: Vec::new(),
                    hidden: 0,
                    within_m: rules.metres,
                    within_days: rules.days,
                });
            };
            let matter = Matter {
                town_id: row.town_id,
                category: row.category.0,
                position: Position { lat, lon },
                at: row.received_at,
                report: Some(id),
            };
            suggested(conn, &inner, &viewer, &matter, rules)
        })
        .await?;
    Ok(etag::answer(StatusCode::OK, None, etag::write(&similar)?))
}
