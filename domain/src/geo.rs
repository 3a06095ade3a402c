//! Coordinates (DOMAIN.md 5): which system a device emits, and the canonical WGS-84 position.
//!
//! Owns conversion between WGS-84, GCJ-02 and BD-09 and the check that a point lies in China. It
//! must not know reports or grids. Polygons stand in `boundary`.

pub mod boundary;

use std::f64::consts::PI;

use crate::coded_value::coded_values;

coded_values! {
    /// A coordinate reference system, as the device says.
    Crs as "CoordinateSystem" {
        /// A phone's chip, EXIF, WeChat by default.
        Wgs84 = "wgs84", "WGS-84", "WGS-84";
        /// Tianditu; equals WGS-84 at ten metres and more.
        Cgcs2000 = "cgcs2000", "CGCS2000", "CGCS2000";
        /// AMap, Tencent.
        Gcj02 = "gcj02", "GCJ-02", "GCJ-02";
        /// Baidu's map SDK.
        Bd09 = "bd09", "BD-09", "BD-09";
    }
}

/// A point in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Latitude, north positive.
    pub lat: f64,
    /// Longitude, east positive.
    pub lon: f64,
}

/// Why a point is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Misplaced {
    /// Not a number, or infinite.
    #[error("Give finite degrees.")]
    NotFinite,
    /// The point (0, 0): a phone without a fix.
    #[error("(0, 0) means that the phone had no position: leave the location out.")]
    NoFix,
    /// Latitude and longitude changed places.
    #[error("Latitude and longitude seem to be swapped.")]
    Swapped,
    /// Outside China.
    #[error("The point lies outside China (latitude 3 to 54, longitude 73 to 136).")]
    Outside,
}

/// The box around China's land and near seas, in degrees; generous, for it only catches mistakes.
fn in_china(lat: f64, lon: f64) -> bool {
    (3.0..=54.0).contains(&lat) && (73.0..=136.0).contains(&lon)
}

impl Crs {
    /// Refuses (0, 0), swapped axes and points outside China.
    ///
    /// # Errors
    /// The likely mistake.
    pub fn check(self, lat: f64, lon: f64) -> Result<(), Misplaced> {
        if !lat.is_finite() || !lon.is_finite() {
            Err(Misplaced::NotFinite)
        } else if lat.abs() < 1e-6 && lon.abs() < 1e-6 {
            Err(Misplaced::NoFix)
        } else if in_china(lat, lon) {
            Ok(())
        } else if in_china(lon, lat) {
            Err(Misplaced::Swapped)
        } else {
            Err(Misplaced::Outside)
        }
    }

    /// The canonical WGS-84 position, to seven decimals.
    ///
    /// # Errors
    /// When the point is refused by [`Crs::check`].
    pub fn to_wgs84(self, lat: f64, lon: f64) -> Result<Position, Misplaced> {
        self.check(lat, lon)?;
        let given = Position { lat, lon };
        let exact = match self {
            Self::Wgs84 | Self::Cgcs2000 => given,
            Self::Gcj02 => gcj02_to_wgs84(given),
            Self::Bd09 => gcj02_to_wgs84(bd09_to_gcj02(given)),
        };
        Ok(exact.rounded())
    }

    /// A WGS-84 position in this system, to seven decimals.
    #[must_use]
    pub fn from_wgs84(self, position: Position) -> Position {
        match self {
            Self::Wgs84 | Self::Cgcs2000 => position,
            Self::Gcj02 => wgs84_to_gcj02(position),
            Self::Bd09 => gcj02_to_bd09(wgs84_to_gcj02(position)),
        }
        .rounded()
    }
}

impl Position {
    fn rounded(self) -> Self {
        let round = |degrees: f64| (degrees * 1e7).round() / 1e7;
        Self {
            lat: round(self.lat),
            lon: round(self.lon),
        }
    }

    /// Distance in metres on a sphere of the mean Earth radius (haversine).
    #[must_use]
    pub fn metres_to(self, other: Self) -> f64 {
        let half_lat = ((other.lat - self.lat).to_radians() / 2.0).sin();
        let half_lon = ((other.lon - self.lon).to_radians() / 2.0).sin();
        let chord = half_lat.mul_add(
            half_lat,
            self.lat.to_radians().cos() * other.lat.to_radians().cos() * half_lon * half_lon,
        );
        2.0 * 6_371_008.8 * chord.sqrt().min(1.0).asin()
    }
}

/// Metres of a degree of latitude on that sphere.
const METRES_PER_DEGREE: f64 = 6_371_008.8 * PI / 180.0;

impl Position {
    /// The south-western and the north-eastern corner of a box that holds every point within so many
    /// metres, and little more. Not for the poles.
    #[must_use]
    pub fn around(self, metres: f64) -> (Self, Self) {
        // A hair wider, for what is lost in rounding.
        let lat = metres * 1.001 / METRES_PER_DEGREE;
        let widest = (self.lat.abs() + lat).to_radians().cos();
        let lon = lat / widest.max(0.01);
        let corner = |sign: f64| Self {
            lat: sign.mul_add(lat, self.lat),
            lon: sign.mul_add(lon, self.lon),
        };
        (corner(-1.0), corner(1.0))
    }
}

const SEMI_MAJOR_AXIS: f64 = 6_378_245.0;
const ECCENTRICITY_SQUARED: f64 = 0.006_693_421_622_965_943;

fn offset(position: Position) -> (f64, f64) {
    let (x, y) = (position.lon - 105.0, position.lat - 35.0);
    let wave = |amplitude: f64, argument: f64| amplitude * (argument * PI).sin();
    let ripple = wave(20.0, 6.0 * x) + wave(20.0, 2.0 * x);
    let lat = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + 2.0 / 3.0
            * (ripple
                + wave(20.0, y)
                + wave(40.0, y / 3.0)
                + wave(160.0, y / 12.0)
                + wave(320.0, y / 30.0));
    let lon = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + 2.0 / 3.0
            * (ripple
                + wave(20.0, x)
                + wave(40.0, x / 3.0)
                + wave(150.0, x / 12.0)
                + wave(300.0, x / 30.0));
    let phi = position.lat.to_radians();
    let w = (1.0 - ECCENTRICITY_SQUARED * phi.sin().powi(2)).sqrt();
    (
        180.0 * lat * w.powi(3) / (PI * SEMI_MAJOR_AXIS * (1.0 - ECCENTRICITY_SQUARED)),
        180.0 * lon * w / (PI * SEMI_MAJOR_AXIS * phi.cos()),
    )
}

fn wgs84_to_gcj02(position: Position) -> Position {
    let (lat, lon) = offset(position);
    Position {
        lat: position.lat + lat,
        lon: position.lon + lon,
    }
}

fn gcj02_to_bd09(position: Position) -> Position {
    const X: f64 = PI * 3000.0 / 180.0;
    let z = position.lat.hypot(position.lon) + 2e-5 * (position.lat * X).sin();
    let theta = position.lat.atan2(position.lon) + 3e-6 * (position.lon * X).cos();
    Position {
        lat: z * theta.sin() + 0.006,
        lon: z * theta.cos() + 0.0065,
    }
}

/// Fixed-point iteration: three steps reach 0.2 mm over all China (DOMAIN.md 5); four are taken.
fn inverse(target: Position, forward: fn(Position) -> Position) -> Position {
    let mut guess = target;
    for _ in 0..4 {
        let image = forward(guess);
        guess = Position {
            lat: guess.lat + target.lat - image.lat,
            lon: guess.lon + target.lon - image.lon,
        };
    }
    guess
}

fn gcj02_to_wgs84(position: Position) -> Position {
    inverse(position, wgs84_to_gcj02)
}

fn bd09_to_gcj02(position: Position) -> Position {
    inverse(position, gcj02_to_bd09)
}

#[cfg(test)]
mod tests {
    use super::{Crs, Misplaced, Position};
    use proptest::prelude::*;

    fn close(a: Position, lat: f64, lon: f64) -> bool {
        (a.lat - lat).abs() < 1.5e-7 && (a.lon - lon).abs() < 1.5e-7
    }

    #[test]
    fn the_test_vectors_of_the_domain_reference_hold() {
        let cases = [
            (
                (26.69, 101.854),
                (26.6863034, 101.8554093),
                Some((26.6923921, 101.8618996)),
            ),
            ((26.8, 101.95), (26.7963185, 101.9513909), None),
            (
                (39.908823, 116.39747),
                (39.9102265, 116.4037136),
                Some((39.9165658, 116.4100865)),
            ),
        ];
        for ((lat, lon), gcj, bd) in cases {
            let wgs = Position { lat, lon };
            assert!(close(Crs::Gcj02.from_wgs84(wgs), gcj.0, gcj.1));
            assert!(close(Crs::Gcj02.to_wgs84(gcj.0, gcj.1).unwrap(), lat, lon));
            if let Some(bd) = bd {
                assert!(close(Crs::Bd09.from_wgs84(wgs), bd.0, bd.1));
                assert!(close(Crs::Bd09.to_wgs84(bd.0, bd.1).unwrap(), lat, lon));
            }
        }
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(Crs::Wgs84.check(0.0, 0.0), Err(Misplaced::NoFix));
        assert_eq!(Crs::Wgs84.check(101.85, 26.69), Err(Misplaced::Swapped));
        assert_eq!(Crs::Gcj02.check(48.85, 2.35), Err(Misplaced::Outside));
        assert_eq!(Crs::Gcj02.check(f64::NAN, 2.35), Err(Misplaced::NotFinite));
    }

    proptest! {
        #[test]
        fn a_box_holds_what_is_near_and_little_more(
            lat in 18.0..53.0f64, lon in 74.0..134.0f64, metres in 10.0..5000.0f64,
            north in -1.0..1.0f64, east in -1.0..1.0f64,
        ) {
            let centre = Position { lat, lon };
            let (low, high) = centre.around(metres);
            let other = Position {
                lat: lat + north * 2.0 * (high.lat - lat),
                lon: lon + east * 2.0 * (high.lon - lon),
            };
            let within = (low.lat..=high.lat).contains(&other.lat)
                && (low.lon..=high.lon).contains(&other.lon);
            prop_assert!(within || centre.metres_to(other) > metres);
            prop_assert!(centre.metres_to(high) < metres * 1.5);
        }

        #[test]
        fn every_system_comes_back_within_a_centimetre(lat in 18.0..53.0f64, lon in 74.0..134.0f64) {
            let there = Position { lat, lon };
            for crs in [Crs::Gcj02, Crs::Bd09, Crs::Cgcs2000] {
                let sent = crs.from_wgs84(there);
                let back = crs.to_wgs84(sent.lat, sent.lon).unwrap();
                prop_assert!(there.metres_to(back) < 0.03, "{crs}: {}", there.metres_to(back));
            }
        }
    }
}
