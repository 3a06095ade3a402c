//! Stored boundaries, and which grid a point lies in.
//!
//! Owns their rows. It must not decide what a valid boundary is: `gridpatrol_domain::geo::boundary`
//! does.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::geo::boundary::{Boundary, Bounds};
use gridpatrol_domain::geo::{Crs, Position};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::towns::directory::Town;
use crate::towns::snapshot::Grid;
use gridpatrol_store::schema::grid_boundaries as rows;
use gridpatrol_store::types::{At, Coded, Id};
use gridpatrol_store::{Conn, Outcome, on_each};

/// The boundary of a grid.
#[derive(Debug, Clone)]
pub struct Drawn {
    /// The grid.
    pub grid_id: Uuid,
    /// The boundary in WGS-84.
    pub boundary: Boundary,
    /// The GeoJSON geometry that the client sent.
    pub sent: String,
    /// The coordinate system it was sent in.
    pub sent_crs: Crs,
    /// When.
    pub changed_at: DateTime<Utc>,
}

impl Drawn {
    /// What identifies it, without its vertices.
    #[must_use]
    pub fn summary(&self) -> Value {
        let bounds = self.boundary.bounds();
        json!({
            "sha256": hex::encode(Sha256::digest(&self.sent)),
            "crs": self.sent_crs,
            "vertices": self.boundary.vertices(),
            "bbox": [bounds.west, bounds.south, bounds.east, bounds.north],
        })
    }
}

type Columns = (Uuid, String, Coded<Crs>, String, DateTime<Utc>);

fn drawn((grid_id, sent, sent_crs, wgs84, changed_at): Columns) -> Option<Drawn> {
    let boundary = serde_json::from_str(&wgs84)
        .ok()
        .and_then(|geometry: Value| Boundary::kept(&geometry));
    if boundary.is_none() {
        tracing::error!(%grid_id, "a boundary in the database cannot be read");
    }
    Some(Drawn {
        grid_id,
        boundary: boundary?,
        sent,
        sent_crs: sent_crs.0,
        changed_at,
    })
}

/// The boundary of a grid.
///
/// # Errors
/// If the database fails.
pub fn find(conn: &mut Conn, grid: Uuid) -> QueryResult<Option<Drawn>> {
    let found: Option<Columns> = rows::table
        .find(Id(grid))
        .select((
            rows::grid_id,
            rows::sent,
            rows::sent_crs,
            rows::wgs84,
            rows::changed_at,
        ))
        .first(conn)
        .optional()?;
    Ok(found.and_then(drawn))
}

/// Stores the boundary of a grid and replaces the old one.
///
/// # Errors
/// If the database fails.
pub fn save(conn: &mut Conn, town: Uuid, grid: Uuid, boundary: Option<&Drawn>) -> QueryResult<()> {
    diesel::delete(rows::table.find(Id(grid))).execute(conn)?;
    let Some(drawn) = boundary else {
        return Ok(());
    };
    let bounds = drawn.boundary.bounds();
    let row = (
        rows::grid_id.eq(Id(grid)),
        rows::town_id.eq(Id(town)),
        rows::sent.eq(&drawn.sent),
        rows::sent_crs.eq(Coded(drawn.sent_crs)),
        rows::wgs84.eq(drawn.boundary.geojson(Crs::Wgs84).to_string()),
        rows::west.eq(bounds.west),
        rows::south.eq(bounds.south),
        rows::east.eq(bounds.east),
        rows::north.eq(bounds.north),
        rows::changed_at.eq(At(drawn.changed_at)),
    );
    on_each!(conn, c => diesel::insert_into(rows::table).values(row).execute(c).map(drop))
}

/// A grid near a point.
#[derive(Debug, Clone)]
pub struct Near {
    /// The grid.
    pub grid: Grid,
    /// Metres from the point to its boundary. Zero inside.
    pub metres: f64,
}

impl Near {
    /// The nearer grid comes first; at the same distance, the deeper one.
    fn before(&self, other: &Self) -> bool {
        match self.metres.total_cmp(&other.metres) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal => {
                (self.grid.tier(), &self.grid.code) < (other.grid.tier(), &other.grid.code)
            }
        }
    }
}

/// Finds the deepest grid of a town whose boundary contains the point, or else the nearest grid. We
/// read a boundary only if its box is near enough.
///
/// # Errors
/// If the database fails.
pub fn nearest(conn: &mut Conn, town: &Town, at: Position) -> Outcome<Option<Near>> {
    let boxes: Vec<(Uuid, f64, f64, f64, f64)> = rows::table
        .filter(rows::town_id.eq(Id(town.id)))
        .select((
            rows::grid_id,
            rows::west,
            rows::south,
            rows::east,
            rows::north,
        ))
        .load(conn)?;
    let mut near: Vec<(f64, &Grid)> = boxes
        .into_iter()
        .filter_map(|(grid, west, south, east, north)| {
            let grid = town.grid(grid).filter(|grid| !grid.is_archived())?;
            let bounds = Bounds {
                west,
                south,
                east,
                north,
            };
            Some((bounds.metres_from(at), grid))
        })
        .collect();
    near.sort_by(|(one, grid), (other, than)| {
        one.total_cmp(other).then(grid.tier().cmp(&than.tier()))
    });
    let mut best: Option<Near> = None;
    for (least, grid) in near {
        if best.as_ref().is_some_and(|best| best.metres < least) {
            break;
        }
        let Some(drawn) = find(conn, grid.id)? else {
            continue;
        };
        let found = Near {
            grid: grid.clone(),
            metres: drawn.boundary.metres_from(at),
        };
        if best.as_ref().is_none_or(|best| found.before(best)) {
            best = Some(found);
        }
    }
    Ok(best)
}

/// The nearer of two grids from different towns.
#[must_use]
pub fn nearer(one: Option<Near>, other: Option<Near>) -> Option<Near> {
    match (one, other) {
        (Some(one), Some(other)) if other.before(&one) => Some(other),
        (None, other) => other,
        (one, _) => one,
    }
}
