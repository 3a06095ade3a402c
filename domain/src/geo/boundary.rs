//! The boundary of a grid: polygons in WGS-84, read from GeoJSON (RFC 7946) of any system.
//!
//! Owns what a boundary must be, whether it holds a point, and how far a point lies from it. It must
//! not know which grid it is of.

use geo::{BoundingRect as _, CoordsIter as _, MapCoords as _};
use geo::{Closest, Contains as _, HaversineClosestPoint as _, Intersects as _, Validation as _};
use geo::{Coord, LineString, MultiPolygon, Point, Polygon};
use geojson::{GeometryValue, Position as Place};
use serde::Deserialize as _;
use serde_json::Value;

use super::{Crs, Misplaced, Position};

/// Most vertices of a boundary.
pub const MOST_VERTICES: usize = 5_000;

/// A boundary in WGS-84.
#[derive(Debug, Clone, PartialEq)]
pub struct Boundary(MultiPolygon<f64>);

/// The box around a boundary, in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Western edge.
    pub west: f64,
    /// Southern edge.
    pub south: f64,
    /// Eastern edge.
    pub east: f64,
    /// Northern edge.
    pub north: f64,
}

impl Bounds {
    /// Metres from a point to the box at least; zero within it.
    #[must_use]
    pub fn metres_from(self, position: Position) -> f64 {
        let nearest = Position {
            lat: position.lat.clamp(self.south, self.north),
            lon: position.lon.clamp(self.west, self.east),
        };
        position.metres_to(nearest)
    }
}

/// Why a boundary is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It is no GeoJSON.
    #[error("This is no GeoJSON geometry: {0}.")]
    NoGeometry(String),
    /// A point, a line, ….
    #[error("A boundary is a Polygon or a MultiPolygon.")]
    NoPolygon,
    /// Nothing in it.
    #[error("A boundary has at least one polygon.")]
    Empty,
    /// Too fine.
    #[error("A boundary has at most {MOST_VERTICES} vertices; simplify it.")]
    TooFine,
    /// A ring that does not end where it begins, or has too few points.
    #[error(
        "Each ring has at least four positions, the last the same as the first (RFC 7946, 3.1.6)."
    )]
    Open,
    /// A point that is none in China.
    #[error("{0} A position is longitude, then latitude.")]
    Misplaced(Misplaced),
    /// It crosses itself, or the like.
    #[error("The boundary is not valid: {0}.")]
    Invalid(String),
}

impl Boundary {
    /// Reads a GeoJSON geometry whose positions are in this system.
    ///
    /// # Errors
    /// The first flaw.
    pub fn read(geometry: &Value, crs: Crs) -> Result<Self, Flaw> {
        let geometry = geojson::Geometry::deserialize(geometry)
            .map_err(|error| Flaw::NoGeometry(error.to_string()))?;
        let polygons = match geometry.value {
            GeometryValue::Polygon { coordinates } => vec![coordinates],
            GeometryValue::MultiPolygon { coordinates } => coordinates,
            _ => return Err(Flaw::NoPolygon),
        };
        let vertices: usize = polygons.iter().flatten().map(Vec::len).sum();
        if vertices > MOST_VERTICES {
            return Err(Flaw::TooFine);
        }
        let polygons = polygons
            .iter()
            .map(|rings| polygon(rings, crs))
            .collect::<Result<Vec<_>, _>>()?;
        if polygons.is_empty() {
            return Err(Flaw::Empty);
        }
        let shape = MultiPolygon::new(polygons);
        shape
            .check_validation()
            .map_err(|reason| Flaw::Invalid(reason.to_string()))?;
        Ok(Self(shape))
    }

    /// Reads a boundary that was validated before, in WGS-84. Validating it again would take its
    /// time, and would refuse what rounding has moved.
    #[must_use]
    pub fn kept(geometry: &Value) -> Option<Self> {
        let geometry = geojson::Geometry::deserialize(geometry).ok()?;
        let shape = MultiPolygon::try_from(&geometry.value).ok();
        shape
            .or_else(|| {
                let single = Polygon::try_from(&geometry.value).ok()?;
                Some(MultiPolygon::new(vec![single]))
            })
            .map(Self)
    }

    /// The GeoJSON geometry in this system, to seven decimals.
    #[must_use]
    pub fn geojson(&self, crs: Crs) -> Value {
        let shape = self.0.map_coords(|at| {
            let position = crs.from_wgs84(Position {
                lat: at.y,
                lon: at.x,
            });
            Coord {
                x: position.lon,
                y: position.lat,
            }
        });
        let value = match shape.0.as_slice() {
            [single] => GeometryValue::from(single),
            _ => GeometryValue::from(&shape),
        };
        serde_json::to_value(geojson::Geometry::new(value)).unwrap_or_default()
    }

    /// How many vertices it has, the closing ones included.
    #[must_use]
    pub fn vertices(&self) -> usize {
        self.0.coords_count()
    }

    /// The box around it.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let around = self.0.bounding_rect();
        let (low, high) =
            around.map_or_else(Default::default, |around| (around.min(), around.max()));
        Bounds {
            west: low.x,
            south: low.y,
            east: high.x,
            north: high.y,
        }
    }

    /// Whether a point lies within it or on its edge.
    #[must_use]
    pub fn holds(&self, position: Position) -> bool {
        let point = Point::new(position.lon, position.lat);
        self.0.contains(&point) || self.0.intersects(&point)
    }

    /// Metres from a point to it; zero within it.
    #[must_use]
    pub fn metres_from(&self, position: Position) -> f64 {
        if self.holds(position) {
            return 0.0;
        }
        match self
            .0
            .haversine_closest_point(&Point::new(position.lon, position.lat))
        {
            Closest::SinglePoint(nearest) => position.metres_to(Position {
                lat: nearest.y(),
                lon: nearest.x(),
            }),
            Closest::Intersection(_) => 0.0,
            Closest::Indeterminate => f64::INFINITY,
        }
    }
}

fn polygon(rings: &[Vec<Place>], crs: Crs) -> Result<Polygon<f64>, Flaw> {
    let mut read = rings.iter().map(|ring| self::ring(ring, crs));
    let outer = read.next().ok_or(Flaw::Empty)??;
    Ok(Polygon::new(outer, read.collect::<Result<_, _>>()?))
}

fn ring(ring: &[Place], crs: Crs) -> Result<LineString<f64>, Flaw> {
    if ring.len() < 4 || ring.first() != ring.last() {
        return Err(Flaw::Open);
    }
    ring.iter()
        .map(|place| match place.as_slice() {
            [lon, lat, ..] => {
                let position = crs.to_wgs84(*lat, *lon).map_err(Flaw::Misplaced)?;
                Ok(Coord {
                    x: position.lon,
                    y: position.lat,
                })
            }
            _ => Err(Flaw::Open),
        })
        .collect::<Result<Vec<_>, _>>()
        .map(LineString::new)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn square(west: f64, south: f64, size: f64) -> Value {
        let (east, north) = (west + size, south + size);
        json!([[
            [west, south],
            [east, south],
            [east, north],
            [west, north],
            [west, south]
        ]])
    }

    fn read(kind: &str, coordinates: &Value) -> Result<Boundary, Flaw> {
        Boundary::read(
            &json!({"type": kind, "coordinates": coordinates}),
            Crs::Wgs84,
        )
    }

    #[test]
    fn a_boundary_holds_what_lies_within_and_on_its_edge() {
        let boundary = read("Polygon", &square(101.8, 26.6, 0.1)).unwrap();
        let at = |lat, lon| Position { lat, lon };
        assert!(boundary.holds(at(26.65, 101.85)) && boundary.holds(at(26.6, 101.85)));
        assert!(!boundary.holds(at(26.75, 101.85)));
        assert_eq!(boundary.metres_from(at(26.65, 101.85)), 0.0);
        let north = boundary.metres_from(at(26.71, 101.85));
        assert!((1_100.0..1_125.0).contains(&north), "{north}");
        assert!(boundary.bounds().metres_from(at(26.71, 101.85)) <= north + 1.0);
        assert_eq!(boundary.vertices(), 5);
    }

    #[test]
    fn a_hole_is_outside() {
        let mut rings = square(101.8, 26.6, 0.1);
        rings
            .as_array_mut()
            .unwrap()
            .push(square(101.83, 26.63, 0.04)[0].clone());
        let boundary = read("Polygon", &rings).unwrap();
        let within = Position {
            lat: 26.65,
            lon: 101.85,
        };
        assert!(!boundary.holds(within));
        assert!(boundary.metres_from(within) > 1_000.0);
    }

    #[test]
    fn each_flaw_has_its_name() {
        let bow = json!([[
            [101.8, 26.6],
            [101.9, 26.7],
            [101.9, 26.6],
            [101.8, 26.7],
            [101.8, 26.6]
        ]]);
        assert!(matches!(read("Polygon", &bow), Err(Flaw::Invalid(_))));
        let open = json!([[[101.8, 26.6], [101.9, 26.6], [101.9, 26.7], [101.8, 26.7]]]);
        assert_eq!(read("Polygon", &open), Err(Flaw::Open));
        assert_eq!(read("Polygon", &json!([])), Err(Flaw::Empty));
        assert_eq!(read("MultiPolygon", &json!([])), Err(Flaw::Empty));
        assert_eq!(read("Point", &json!([101.8, 26.6])), Err(Flaw::NoPolygon));
        assert_eq!(
            read("Polygon", &square(26.6, 101.8, 0.1)),
            Err(Flaw::Misplaced(Misplaced::Swapped))
        );
        assert!(matches!(
            Boundary::read(&json!({"type": "Circle"}), Crs::Wgs84),
            Err(Flaw::NoGeometry(_))
        ));
        let ring: Vec<[f64; 2]> = vec![[101.8, 26.6]; MOST_VERTICES + 1];
        assert_eq!(read("Polygon", &json!([ring])), Err(Flaw::TooFine));
        let overlapping = json!([square(101.8, 26.6, 0.1), square(101.85, 26.65, 0.1)]);
        assert!(matches!(
            read("MultiPolygon", &overlapping),
            Err(Flaw::Invalid(_))
        ));
    }

    proptest! {
        #[test]
        fn any_system_goes_in_and_comes_out(
            west in 80.0..120.0_f64, south in 20.0..45.0_f64, size in 0.001..0.5_f64,
        ) {
            let boundary = read("Polygon", &square(west, south, size)).unwrap();
            for crs in [Crs::Wgs84, Crs::Cgcs2000, Crs::Gcj02, Crs::Bd09] {
                let again = Boundary::read(&boundary.geojson(crs), crs).unwrap();
                let (one, other) = (boundary.bounds(), again.bounds());
                prop_assert!((one.west - other.west).abs() < 1e-6);
                prop_assert!((one.north - other.north).abs() < 1e-6);
            }
        }

        #[test]
        fn no_json_is_more_than_refused(text in "\\PC{0,60}", numbers in prop::collection::vec(any::<f64>(), 0..12)) {
            let pairs: Vec<_> = numbers.chunks(2).map(<[f64]>::to_vec).collect();
            for geometry in [
                json!(text),
                json!({"type": "Polygon", "coordinates": [pairs]}),
                json!({"type": "MultiPolygon", "coordinates": [[pairs, [text]]]}),
            ] {
                if let Ok(boundary) = Boundary::read(&geometry, Crs::Wgs84) {
                    prop_assert!(boundary.vertices() >= 4);
                }
            }
        }
    }
}
