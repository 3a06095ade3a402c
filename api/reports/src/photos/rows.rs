//! The row of a photo in the database.
//!
//! Owns the mapping and nothing else.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::photo::{PhotoState, Rendition};
use gridpatrol_domain::report::PhotoRole;
use uuid::Uuid;

use super::digest::Digest;
use super::imaging::Format;
use gridpatrol_store::schema::photos;
use gridpatrol_store::types::Coded;

/// A photo, declared or arrived.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = photos)]
pub struct PhotoRow {
    /// Its id, chosen by the client.
    pub id: Uuid,
    /// The report it belongs to.
    pub report_id: Option<Uuid>,
    /// Its place among the report's photos.
    pub position: i32,
    /// What it shows.
    pub role: Coded<PhotoRole>,
    /// The officer who declared or uploaded it.
    pub owner_id: Uuid,
    /// The SHA-256 it was declared with.
    pub declared_sha256: Option<Vec<u8>>,
    /// The size it was declared with.
    pub declared_size: Option<i64>,
    /// Whether it has arrived.
    pub state: Coded<PhotoState>,
    /// How far its smaller copies are.
    pub rendition: Coded<Rendition>,
    /// How often making them was tried.
    pub rendition_attempts: i32,
    /// The SHA-256 of the content.
    pub sha256: Option<Vec<u8>>,
    /// The size of the content in bytes.
    pub size: Option<i64>,
    /// The format of the content.
    pub media_type: Option<String>,
    /// Width as stored.
    pub width: Option<i32>,
    /// Height as stored.
    pub height: Option<i32>,
    /// How it must be rotated, as an EXIF orientation.
    pub orientation: Option<i32>,
    /// When it was taken, by the client.
    pub taken_at: Option<DateTime<Utc>>,
    /// Where it was taken, by the client: latitude in WGS-84.
    pub lat: Option<f64>,
    /// Where it was taken, by the client: longitude in WGS-84.
    pub lon: Option<f64>,
    /// When it was taken, by EXIF.
    pub exif_taken_at: Option<DateTime<Utc>>,
    /// Where it was taken, by EXIF: latitude.
    pub exif_lat: Option<f64>,
    /// Where it was taken, by EXIF: longitude.
    pub exif_lon: Option<f64>,
    /// When it was declared, or arrived undeclared.
    pub created_at: DateTime<Utc>,
    /// When it arrived.
    pub arrived_at: Option<DateTime<Utc>>,
    /// Where it was taken, as the client sent it: latitude.
    pub sent_lat: Option<f64>,
    /// Where it was taken, as the client sent it: longitude.
    pub sent_lon: Option<f64>,
    /// The system of both.
    pub sent_crs: Option<Coded<Crs>>,
}

impl PhotoRow {
    /// Whether it has arrived.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.state.0 == PhotoState::Ready
    }

    /// The digest of its content.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        Digest::from_slice(self.sha256.as_deref()?)
    }

    /// The format of its content.
    #[must_use]
    pub fn format(&self) -> Option<Format> {
        Format::from_media_type(self.media_type.as_deref()?)
    }

    /// Width and height after it is turned upright, as people see it.
    #[must_use]
    pub fn upright_size(&self) -> Option<(i32, i32)> {
        let (width, height) = (self.width?, self.height?);
        let lies = self.orientation.is_some_and(|turn| turn >= 5);
        Some(if lies {
            (height, width)
        } else {
            (width, height)
        })
    }
}
