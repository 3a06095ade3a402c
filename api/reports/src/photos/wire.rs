//! What the API says about photos.
//!
//! Owns the shapes of the answers, and signs the links in them. The caller must have checked who may
//! see the photo.

use chrono::{DateTime, Utc};
use gridpatrol_domain::geo::{Crs, Position};
use gridpatrol_domain::photo::{PhotoState, Rendition};
use gridpatrol_domain::report::PhotoRole;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::links::Links;
use super::objects::Variant;
use super::rows::PhotoRow;

/// A photo as its report shows it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-0000000000a1",
    "role": "before",
    "state": "ready",
    "taken_at": "2026-11-20T00:15:00Z",
    "thumbnail_url": "/v1/photos/0192f7a0-0000-7000-8000-0000000000a1/thumbnail?exp=1795276800&sig=n4bQgYhMfWWaL-qgxVrQFQ",
    "preview_url": "/v1/photos/0192f7a0-0000-7000-8000-0000000000a1/preview?exp=1795276800&sig=UqLHHrHXCzYfKMLSFR2t9w",
    "original_url": "/v1/photos/0192f7a0-0000-7000-8000-0000000000a1/original?exp=1795276800&sig=K-3M0CjAmPR0vbDXoMYBWQ"
}))]
pub struct ReportPhoto {
    /// The photo.
    pub id: Uuid,
    /// What it shows.
    pub role: PhotoRole,
    /// Whether it has arrived.
    pub state: PhotoState,
    /// When it was taken: as the client said, else by EXIF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<DateTime<Utc>>,
    /// A small copy for lists, at most 320 pixels a side. The link needs no sign-in, is the same all
    /// day and holds at least 24 hours. Just after arrival it may answer `rendition_pending`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// A copy for a screen, at most 1600 pixels a side; a link as above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
    /// The file as it arrived; a link as above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_url: Option<String>,
}

impl ReportPhoto {
    /// What a report shows of this photo now.
    #[must_use]
    pub fn of(photo: &PhotoRow, links: &Links, now: DateTime<Utc>) -> Self {
        let [thumbnail_url, preview_url, original_url] = urls(photo, links, now);
        Self {
            id: photo.id,
            role: photo.role.0,
            state: photo.state.0,
            taken_at: photo.taken_at.or(photo.exif_taken_at),
            thumbnail_url,
            preview_url,
            original_url,
        }
    }
}

/// A position, in WGS-84 unless another system was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"lat": 26.69, "lon": 101.85}))]
pub struct PhotoPosition {
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
}

/// A position as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({"lat": 26.6863034, "lon": 101.8554093, "crs": "gcj02"}))]
pub struct SentPosition {
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
    /// The system of both.
    pub crs: Crs,
}

/// What the picture itself says (EXIF), kept as evidence. Hints for a reviewer, no proof.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PhotoExif {
    /// When it was taken. Without an offset in the picture, China Standard Time is assumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<DateTime<Utc>>,
    /// Where it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<PhotoPosition>,
}

/// What is known of a photo.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0192f7a0-0000-7000-8000-0000000000a1",
    "report_id": "0192f7a0-0000-7000-8000-000000000001",
    "role": "before",
    "state": "ready",
    "rendition": "ready",
    "owner_id": "0192f7a0-0000-7000-8000-0000000000e1",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "size": 2_840_112,
    "media_type": "image/jpeg",
    "width": 4032,
    "height": 3024,
    "exif": {"taken_at": "2026-11-20T00:15:00Z", "position": {"lat": 26.69, "lon": 101.85}},
    "created_at": "2026-11-20T00:16:02.120400Z",
    "arrived_at": "2026-11-20T00:16:40.000100Z",
    "thumbnail_url": "/v1/photos/0192f7a0-0000-7000-8000-0000000000a1/thumbnail?exp=1795276800&sig=n4bQgYhMfWWaL-qgxVrQFQ",
    "preview_url": "/v1/photos/0192f7a0-0000-7000-8000-0000000000a1/preview?exp=1795276800&sig=UqLHHrHXCzYfKMLSFR2t9w",
    "original_url": "/v1/photos/0192f7a0-0000-7000-8000-0000000000a1/original?exp=1795276800&sig=K-3M0CjAmPR0vbDXoMYBWQ"
}))]
pub struct Photo {
    /// The photo.
    pub id: Uuid,
    /// The report it belongs to. Without one it is its uploader's alone, for 90 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_id: Option<Uuid>,
    /// What it shows.
    pub role: PhotoRole,
    /// Whether it has arrived.
    pub state: PhotoState,
    /// How far its smaller copies are.
    pub rendition: Rendition,
    /// The officer who declared or uploaded it.
    pub owner_id: Uuid,
    /// The SHA-256 of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The size of the file in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// The format, by content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Width in pixels, upright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<i32>,
    /// Height in pixels, upright.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<i32>,
    /// When it was taken, as the client said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<DateTime<Utc>>,
    /// Where it was taken, as the client said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<PhotoPosition>,
    /// The same as it was sent, where that was in another system than WGS-84.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_position: Option<SentPosition>,
    /// What the picture itself says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exif: Option<PhotoExif>,
    /// When it was declared, or arrived undeclared.
    pub created_at: DateTime<Utc>,
    /// When it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived_at: Option<DateTime<Utc>>,
    /// As in a report's photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thumbnail_url: Option<String>,
    /// As in a report's photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_url: Option<String>,
    /// As in a report's photo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_url: Option<String>,
}

impl Photo {
    /// What is known of this photo now.
    #[must_use]
    pub fn of(photo: &PhotoRow, links: &Links, now: DateTime<Utc>) -> Self {
        let [thumbnail_url, preview_url, original_url] = urls(photo, links, now);
        let size = photo.upright_size();
        let exif = PhotoExif {
            taken_at: photo.exif_taken_at,
            position: position(photo.exif_lat, photo.exif_lon),
        };
        Self {
            id: photo.id,
            report_id: photo.report_id,
            role: photo.role.0,
            state: photo.state.0,
            rendition: photo.rendition.0,
            owner_id: photo.owner_id,
            sha256: photo.digest().map(|digest| digest.to_string()),
            size: photo.size,
            media_type: photo.media_type.clone(),
            width: size.map(|(width, _)| width),
            height: size.map(|(_, height)| height),
            taken_at: photo.taken_at,
            position: position(photo.lat, photo.lon),
            sent_position: photo
                .sent_lat
                .zip(photo.sent_lon)
                .zip(photo.sent_crs)
                .filter(|(_, crs)| crs.0 != Crs::Wgs84)
                .map(|((lat, lon), crs)| SentPosition {
                    lat,
                    lon,
                    crs: crs.0,
                }),
            exif: (exif.taken_at.is_some() || exif.position.is_some()).then_some(exif),
            created_at: photo.created_at,
            arrived_at: photo.arrived_at,
            thumbnail_url,
            preview_url,
            original_url,
        }
    }
}

impl Photo {
    /// The same photo with its positions in this system.
    #[must_use]
    pub fn in_system(mut self, crs: Option<Crs>) -> Self {
        let exif = self.exif.as_mut().and_then(|exif| exif.position.as_mut());
        for place in self.position.as_mut().into_iter().chain(exif) {
            let position = crs.unwrap_or(Crs::Wgs84).from_wgs84(Position {
                lat: place.lat,
                lon: place.lon,
            });
            (place.lat, place.lon) = (position.lat, position.lon);
        }
        self
    }
}

fn position(lat: Option<f64>, lon: Option<f64>) -> Option<PhotoPosition> {
    lat.zip(lon).map(|(lat, lon)| PhotoPosition { lat, lon })
}

/// Links to thumbnail, preview and original, if these exist or are being made.
fn urls(photo: &PhotoRow, links: &Links, now: DateTime<Utc>) -> [Option<String>; 3] {
    let copies = matches!(photo.rendition.0, Rendition::Pending | Rendition::Ready);
    [
        (Variant::Thumbnail, copies),
        (Variant::Preview, copies),
        (Variant::Original, photo.is_ready()),
    ]
    .map(|(variant, there)| there.then(|| links.sign(photo.id, variant, now)))
}
