//! HTTP of boundaries: drawing one, reading it, and the grid that a point lies in.
//!
//! Owns paths and wire types. It must not search for grids itself: `boundaries` does.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpResponse, delete, get, put};
use chrono::{DateTime, Utc};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::geo::boundary::Boundary;
use gridpatrol_domain::geo::{Crs, Position};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::boundaries::{self, Drawn};
use super::change_routes::{ById, manager};
use super::routes::GridFacts;
use crate::auth::Call;
use crate::towns::directory::Directory;
use crate::towns::snapshot::Grid;
use gridpatrol_http::choice::{Choice, OptionalChoice as _};
use gridpatrol_http::service_config::ServiceConfig;
use gridpatrol_http::system::InSystem;
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_http::{etag, refusals};
use gridpatrol_problem::{FieldError, Problem};
use gridpatrol_store::Lane;

/// The routes of this file.
pub fn routes(config: &mut ServiceConfig<'_>) {
    config
        .service(locate_grid)
        .service(get_boundary)
        .service(put_boundary)
        .service(delete_boundary);
}

refusals! {
    Draw = [BODY, SIGNED] + [NotFound, NotPermitted, VersionMismatch, GridArchived];
    Remove = [SIGNED] + [NotFound, NotPermitted, VersionMismatch, GridArchived];
    Locate = [SIGNED] + [];
}

/// A boundary to be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"crs": "gcj02", "geometry": {"type": "Polygon", "coordinates": [
    [[101.84, 26.68], [101.86, 26.68], [101.86, 26.70], [101.84, 26.70], [101.84, 26.68]]]}})))]
#[schema(as = GridBoundaryRequest)]
pub struct BoundaryRequest {
    /// A GeoJSON geometry (RFC 7946): a Polygon or MultiPolygon of at most 5,000 vertices, each
    /// position longitude, then latitude.
    #[schema(value_type = Object)]
    pub geometry: Value,
    /// The system of its positions.
    pub crs: Choice<Crs>,
}

impl Validate for BoundaryRequest {
    const MOST_BYTES: Option<usize> = Some(1024 * 1024);

    fn validate(&self, errors: &mut Errors) {
        self.crs.check("crs", errors);
    }
}

/// The boundary of a grid.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({
    "grid_id": "0192f7a0-0000-7000-8000-000000000002", "crs": "wgs84", "sent_crs": "gcj02",
    "changed_at": "2026-11-20T00:15:00Z", "version": 3,
    "geometry": {"type": "Polygon", "coordinates": [
        [[101.84, 26.68], [101.86, 26.68], [101.86, 26.70], [101.84, 26.70], [101.84, 26.68]]]}
}))]
pub struct GridBoundary {
    /// The grid.
    grid_id: Uuid,
    /// A GeoJSON geometry: a Polygon or MultiPolygon.
    #[schema(value_type = Object)]
    geometry: Value,
    /// The system of its positions.
    crs: Crs,
    /// The system in which it was sent. Asked for that one, the answer is what was sent.
    sent_crs: Crs,
    /// When it was drawn.
    changed_at: DateTime<Utc>,
    /// The version of the grid.
    version: i64,
}

impl GridBoundary {
    fn of(grid: &Grid, drawn: &Drawn, crs: Option<Crs>) -> Self {
        let crs = crs.unwrap_or(Crs::Wgs84);
        let sent = (crs == drawn.sent_crs)
            .then(|| serde_json::from_str(&drawn.sent).ok())
            .flatten();
        Self {
            grid_id: grid.id,
            geometry: sent.unwrap_or_else(|| drawn.boundary.geojson(crs)),
            crs,
            sent_crs: drawn.sent_crs,
            changed_at: drawn.changed_at,
            version: grid.version,
        }
    }
}

/// The boundary of a grid
///
/// In any system. 404 where none is drawn.
#[utoipa::path(
    operation_id = "getGridBoundary",
    tag = "grids",
    params(ById, InSystem),
    responses(
        (status = 200, description = "The boundary.", body = GridBoundary),
        (status = 304, description = "It has not changed."),
        refusals::Read
    )
)]
#[get("/v1/grids/{id}/boundary")]
async fn get_boundary(
    directory: Data<Directory>,
    call: Call<ById, InSystem>,
) -> Result<HttpResponse, Problem> {
    let (manager, id, crs) = (manager(&directory, &call), call.path.id, call.query.get());
    let boundary = call
        .store
        .read(move |conn| {
            let (_, grid) = manager.seen(conn, id)?;
            let drawn = boundaries::find(conn, id)?
                .ok_or_else(|| Problem::new(Code::NotFound).detail("This grid has no boundary."))?;
            Ok(GridBoundary::of(&grid, &drawn, crs))
        })
        .await?;
    etag::json(call.if_none_match.as_deref(), boundary.version, &boundary)
}

/// Draws the boundary of a grid
///
/// Instead of the one it has. What is sent is kept as it is, beside the boundary in WGS-84. For
/// administrators, and for who manages the town.
#[utoipa::path(
    operation_id = "putGridBoundary",
    tag = "grids",
    params(ById),
    request_body = BoundaryRequest,
    responses((status = 200, description = "The boundary, as it was sent.", body = GridBoundary), Draw)
)]
#[put("/v1/grids/{id}/boundary")]
async fn put_boundary(
    directory: Data<Directory>,
    call: Call<ById, (), BoundaryRequest>,
) -> Result<HttpResponse, Problem> {
    let (manager, id) = (manager(&directory, &call), call.path.id);
    let (geometry, if_match) = (call.body.geometry.clone(), call.if_match.clone());
    let crs = call.body.crs.get().unwrap_or(Crs::Wgs84);
    // Searching for crossings takes time.
    let boundary = actix_web::web::block(move || {
        Boundary::read(&geometry, crs).map(|boundary| (boundary, geometry.to_string(), crs))
    })
    .await
    .map_err(|_| gridpatrol_store::unavailable())?
    .map_err(|flaw| {
        let flaw = FieldError::new("/geometry", "not_allowed", flaw.to_string());
        Problem::invalid(vec![flaw])
    })?;
    let boundary = call
        .store
        .write(Lane::Interactive, move |conn| {
            let (grid, drawn) = manager.bound(conn, id, Some(&boundary), if_match.as_ref())?;
            Ok(drawn.map(|drawn| GridBoundary::of(&grid, &drawn, Some(drawn.sent_crs))))
        })
        .await?
        .ok_or_else(|| Problem::new(Code::Internal))?;
    Ok(etag::answer(
        StatusCode::OK,
        Some(boundary.version),
        etag::write(&boundary)?,
    ))
}

/// Takes the boundary of a grid away
///
/// The history keeps what identifies it. For administrators, and for who manages the town.
#[utoipa::path(
    operation_id = "deleteGridBoundary",
    tag = "grids",
    params(ById),
    responses((status = 204, description = "It has none now."), Remove)
)]
#[delete("/v1/grids/{id}/boundary")]
async fn delete_boundary(
    directory: Data<Directory>,
    call: Call<ById>,
) -> Result<HttpResponse, Problem> {
    let (manager, id) = (manager(&directory, &call), call.path.id);
    let if_match = call.if_match.clone();
    call.store
        .write(Lane::Interactive, move |conn| {
            manager.bound(conn, id, None, if_match.as_ref())?;
            Ok(())
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A point.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PointQuery {
    /// Latitude in degrees.
    #[param(example = 26.69)]
    pub lat: f64,
    /// Longitude in degrees.
    #[param(example = 101.85)]
    pub lon: f64,
    /// The system of both; `wgs84` unless said otherwise.
    #[param(inline)]
    pub crs: Option<Choice<Crs>>,
}

impl Validate for PointQuery {
    fn validate(&self, errors: &mut Errors) {
        self.crs.check("crs", errors);
        let crs = self.crs.get().unwrap_or(Crs::Wgs84);
        if let Err(reason) = crs.check(self.lat, self.lon) {
            errors.add("lat", "out_of_range", reason.to_string());
        }
    }
}

/// Where a point lies.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(example = json!({"inside": true, "distance_m": 0.0, "grid": {
    "id": "0192f7a0-0000-7000-8000-000000000002", "code": "990001100200", "name": "青山村",
    "tier": "village", "town_id": "0192f7a0-0000-7000-8000-000000000001",
    "parent_id": "0192f7a0-0000-7000-8000-000000000001",
    "path": [
        {"id": "0192f7a0-0000-7000-8000-000000000001", "name": "示范镇", "tier": "town"},
        {"id": "0192f7a0-0000-7000-8000-000000000002", "name": "青山村", "tier": "village"}
    ],
    "valid_from": "2026-01-01T00:00:00Z", "code_from": "2026-01-01T00:00:00Z", "version": 1
}}))]
#[schema(as = LocatedGrid)]
pub struct Located {
    /// Whether the point lies within the grid's boundary.
    inside: bool,
    /// The deepest grid whose boundary holds the point, or else the nearest; absent where no grid of
    /// the caller's towns has a boundary.
    #[serde(skip_serializing_if = "Option::is_none")]
    grid: Option<GridFacts>,
    /// Metres from the point to the grid's boundary; zero within.
    #[serde(skip_serializing_if = "Option::is_none")]
    distance_m: Option<f64>,
}

/// The grid that a point lies in
///
/// Of the caller's towns: the deepest whose boundary holds the point, or else the nearest with its
/// distance.
#[utoipa::path(
    operation_id = "locateGrid",
    tag = "grids",
    params(PointQuery),
    responses((status = 200, description = "Where it lies.", body = Located), Locate)
)]
#[get("/v1/grids/locate")]
async fn locate_grid(
    directory: Data<Directory>,
    call: Call<(), PointQuery>,
) -> Result<HttpResponse, Problem> {
    let (directory, scope) = (directory.clone(), call.actor.scope());
    let crs = call.query.crs.get().unwrap_or(Crs::Wgs84);
    let at: Position = crs
        .to_wgs84(call.query.lat, call.query.lon)
        .map_err(|_| Problem::new(Code::ValidationFailed))?;
    let located = call
        .store
        .read(move |conn| {
            let mut best = None;
            for town in scope.towns() {
                let town = directory.town(conn, *town)?;
                best = boundaries::nearer(best, boundaries::nearest(conn, &town, at)?);
            }
            let Some(near) = best else {
                return Ok(Located {
                    inside: false,
                    grid: None,
                    distance_m: None,
                });
            };
            let town = directory.town(conn, near.grid.path.town_id())?;
            Ok(Located {
                inside: near.metres == 0.0,
                grid: Some(GridFacts::of(&town, &near.grid)),
                distance_m: Some((near.metres * 10.0).round() / 10.0),
            })
        })
        .await?;
    etag::json(call.if_none_match.as_deref(), 0, &located)
}
