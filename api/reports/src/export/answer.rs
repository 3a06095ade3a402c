//! The contents of the JSON files in a package.
//!
//! Owns their shapes.

use chrono::{DateTime, Utc};
use gridpatrol_domain::report::PhotoRole;
use serde::Serialize;
use uuid::Uuid;

use crate::view::response::{Person, ReferralUnderWay, ReportEvent};

use crate::export::queries::LinkRow;

/// The format version of a package. It is raised when readers of the old format could not read the
/// new one.
pub const FORMAT: &str = "gridpatrol-report-package/1";

/// The `typ` of a manifest's signature.
pub const SIGNED: &str = "gridpatrol-report-package+jwt";

/// An event with everything that its hash is computed from.
#[derive(Debug, Serialize)]
pub struct LinkedEvent {
    #[serde(flatten)]
    event: ReportEvent,
    /// The canonical header, byte for byte.
    header: String,
    /// The payload, byte for byte; absent if there was none or it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    salt: Option<String>,
    commitment: String,
    previous: String,
}

impl LinkedEvent {
    /// Joins an event as the caller sees it with its row.
    pub fn new(event: ReportEvent, row: LinkRow) -> Self {
        Self {
            event,
            header: row.event.header,
            payload: row.event.payload,
            salt: row.salt.as_deref().map(hex::encode),
            commitment: hex::encode(&row.commitment),
            previous: hex::encode(&row.previous),
        }
    }
}

/// What a package holds.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: &'static str,
    /// The system that made it: the issuer of its signatures.
    pub issuer: String,
    /// The report.
    pub report: Subject,
    /// The open referral to the county.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<ReferralUnderWay>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Who took it.
    pub made_by: Person,
    /// Its files, except this one and its signature.
    pub files: Vec<FileFact>,
    /// Photos that were declared but are not in it.
    pub missing: Vec<MissingPhoto>,
}

/// The report that a package is about.
#[derive(Debug, Clone, Serialize)]
pub struct Subject {
    /// Its id.
    pub id: Uuid,
    /// Its number.
    pub number: String,
    /// Its version.
    pub version: i64,
    /// The town.
    pub town_id: Uuid,
    /// The town's division code.
    pub town_code: String,
    /// The town's name.
    pub town_name: String,
}

/// A file of a package.
#[derive(Debug, Clone, Serialize)]
pub struct FileFact {
    /// Its path in the package.
    pub path: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// The photo whose original it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub photo: Option<PhotoFact>,
}

/// The photo of a file.
#[derive(Debug, Clone, Serialize)]
pub struct PhotoFact {
    /// Its id.
    pub id: Uuid,
    /// What it shows.
    pub role: PhotoRole,
    /// The SHA-256 it had when it arrived, if the file has another one now: it was damaged later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived_as_sha256: Option<String>,
}

/// A photo that is not in a package.
#[derive(Debug, Clone, Serialize)]
pub struct MissingPhoto {
    /// Its id.
    pub id: Uuid,
    /// What it shows.
    pub role: PhotoRole,
    /// Why it is missing: it has not arrived yet, or its file is lost.
    pub reason: &'static str,
    /// The expected SHA-256, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// The signed part of a package.
#[derive(Debug, Serialize)]
pub struct Statement<'a> {
    /// Who signed it.
    pub iss: &'a str,
    /// The report's id.
    pub sub: Uuid,
    /// Its number.
    pub number: &'a str,
    /// The SHA-256 of `manifest.json`, in hexadecimal.
    pub sha256: String,
    /// When it was made, in seconds since 1970.
    pub iat: i64,
}
