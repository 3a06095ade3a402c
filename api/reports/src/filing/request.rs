//! What clients send to file a report or to amend one.
//!
//! Owns the strict shapes, and the checks of values that need no database. It must not read or write
//! anything.

use chrono::{DateTime, Utc};
use gridpatrol_domain::coded_value::CodedValue;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::report::{Category, Disposition, PhotoRole, Severity, Source, Subtype};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::photos::digest::Digest;
use gridpatrol_http::choice::{Choice, OptionalChoice};
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_problem::{FieldError, Problem};

/// Where it is, in the coordinate system the device emits (DOMAIN.md 5).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationRequest {
    /// Latitude in degrees.
    #[schema(example = 26.69)]
    pub lat: f64,
    /// Longitude in degrees.
    #[schema(example = 101.85)]
    pub lon: f64,
    /// Coordinate system of both: a phone's chip and EXIF emit `wgs84`, AMap and Tencent `gcj02`.
    pub crs: Choice<Crs>,
    /// Radius of uncertainty in metres.
    #[schema(example = 12.0, minimum = 0, maximum = 100_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<f64>,
}

/// A photo that belongs to the report, whether it has arrived or not.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhotoDeclaration {
    /// Chosen by the client (UUID, v7 recommended); the upload uses the same.
    pub id: Uuid,
    /// SHA-256 of the file, 64 hexadecimal digits; checked at arrival where given.
    #[schema(
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        pattern = "^[0-9a-fA-F]{64}$"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Size of the file in bytes; checked at arrival where given.
    #[schema(example = 2_840_112, minimum = 1, maximum = 1_000_000_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// What it shows. A filing's photos are `before` and a resolution's `after` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Choice<PhotoRole>>,
}

/// Who is responsible for what was found.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ResponsibleParty {
    /// Name of the enterprise or household.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100, example = "红格养殖合作社")]
    pub name: Option<String>,
    /// Unified social credit code, 18 characters (DOMAIN.md 4).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "91350100M000100Y43",
        pattern = "^([0-9A-HJ-NPQRTUWXY]{18})?$"
    )]
    pub credit_code: Option<String>,
    /// The person in charge there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub person: Option<String>,
}

/// A new report. At least one of `description`, `location`, `photos` is needed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({
    "grid_id": "0192f7a0-0000-7000-8000-000000000001",
    "category": "straw_burning", "severity": "general", "description": "河边田里有人烧秸秆，烟往村里飘",
    "location": {"lat": 26.69, "lon": 101.85, "crs": "gcj02", "accuracy_m": 12},
    "observed_at": "2026-11-20T08:15:00+08:00", "source": "patrol",
    "photos": [{"id": "0192f7a0-0000-7000-8000-0000000000a1", "role": "before"}]
})))]
pub struct ReportFiling {
    /// The grid where it is: any grid of a town where the caller is posted, or was at `observed_at`.
    pub grid_id: Uuid,
    /// What is wrong; `unclassified` when the filer cannot say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Choice<Category>>,
    /// How bad it is; `general` unless said otherwise. `critical` goes straight to the town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Choice<Severity>>,
    /// In the filer's words, at most 2,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationRequest>,
    /// The place in words, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub place_text: Option<String>,
    /// When it was seen; the moment of receipt unless said otherwise. What was seen before a transfer
    /// and stayed on the phone is filed as of the posting held then, for 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_at: Option<DateTime<Utc>>,
    /// What the filer asks for; `escalate` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Choice<Disposition>>,
    /// What was done on the spot, at most 1,000 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub on_site_action: Option<String>,
    /// Who noticed; `patrol` unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Choice<Source>>,
    /// The photos that belong to it, at most 30, whether they have arrived or not.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub photos: Vec<PhotoDeclaration>,
    /// A finer name for what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtype: Option<Choice<Subtype>>,
    /// Reference at the source: a hotline number, an item of a superior's list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub source_ref: Option<String>,
    /// Who is responsible for what was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responsible_party: Option<ResponsibleParty>,
    /// 包抓领导: the leader who takes charge of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub supervising_leader: Option<String>,
    /// 整改措施: the measures planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub measures: Option<String>,
    /// 备注.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub remark: Option<String>,
    /// The closed report of the same town, within the filer's sight, whose matter has come back (反弹). The
    /// two are linked, and it counts as a rebound if it was seen again within the days of the settings
    /// (`reopen_days`). What cannot be linked is filed all the same: the record says why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebound_of: Option<Uuid>,
}

/// Ledger fields that may be amended. A field that is present replaces the old value; an empty
/// string clears it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"place_text": "二组水渠北侧", "measures": "清运并复耕", "supervising_leader": "李镇长"})))]
pub struct ReportAmendment {
    /// In the filer's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub description: Option<String>,
    /// The place in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub place_text: Option<String>,
    /// A finer name for what is wrong; an empty string clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subtype: Option<String>,
    /// Reference at the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub source_ref: Option<String>,
    /// Who is responsible for what was found: its present fields replace the old values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub responsible_party: Option<ResponsibleParty>,
    /// 包抓领导.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub supervising_leader: Option<String>,
    /// 整改措施.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub measures: Option<String>,
    /// 备注.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 1000)]
    pub remark: Option<String>,
}

/// The longest value of each field, in characters. Filing, amending and acting share this table.
pub mod longest {
    /// Of a description, and of measures.
    pub const DESCRIPTION: usize = 2_000;
    /// Of a place in words.
    pub const PLACE: usize = 200;
    /// Of actions taken, reasons, results, comments and remarks.
    pub const STATEMENT: usize = 1_000;
    /// Of names and references.
    pub const NAME: usize = 100;
}

/// Most photos that one request may declare.
pub const MOST_PHOTOS: usize = 30;

impl Validate for LocationRequest {
    fn validate(&self, errors: &mut Errors) {
        // Only lat gets the error: a mistake usually affects both, and the detail names the likely
        // cause.
        if let Some(Err(reason)) = self
            .crs
            .check("crs", errors)
            .map(|crs| crs.check(self.lat, self.lon))
        {
            errors.add("lat", "out_of_range", reason.to_string());
        }
        errors.within("accuracy_m", self.accuracy_m, 0.0..=100_000.0);
    }
}

impl PhotoDeclaration {
    /// The declared digest; none if it is missing or not readable.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        Digest::from_hex(self.sha256.as_deref()?)
    }
}

impl Validate for PhotoDeclaration {
    fn validate(&self, errors: &mut Errors) {
        if self.sha256.is_some() && self.digest().is_none() {
            errors.add("sha256", "bad_format", "Give 64 hexadecimal digits.");
        }
        errors.within("size", self.size, 1..=1_000_000_000);
        self.role.check("role", errors);
    }
}

/// Checks a list of declared photos.
pub fn check_photos(photos: &[PhotoDeclaration], errors: &mut Errors) {
    errors.most("photos", photos, MOST_PHOTOS);
    errors.each("photos", photos, PhotoDeclaration::validate);
    let mut seen = std::collections::HashSet::new();
    if photos.iter().any(|photo| !seen.insert(photo.id)) {
        errors.add(
            "photos",
            "not_allowed",
            "Each photo id may appear only once in the list.",
        );
    }
}

impl Validate for ResponsibleParty {
    fn validate(&self, errors: &mut Errors) {
        errors.text("name", &self.name, longest::NAME);
        errors.text("person", &self.person, longest::NAME);
        let code = self.credit_code.as_deref().unwrap_or_default();
        if !code.is_empty() && !gridpatrol_domain::credit_code::is_valid(code) {
            errors.add(
                "credit_code",
                "bad_format",
                "Give the 18 characters of the unified social credit code. The last one is a check character.",
            );
        }
    }
}

/// How far a phone's clock may be ahead of the server's.
const CLOCK_SKEW: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

impl ReportFiling {
    /// Refuses an observation time in the future.
    ///
    /// # Errors
    /// `validation_failed` at `/observed_at`.
    pub fn check_clock(&self, now: DateTime<Utc>) -> Result<(), Problem> {
        if self.observed_at.is_some_and(|at| at > now + CLOCK_SKEW) {
            return Err(Problem::invalid(vec![FieldError::new(
                "/observed_at",
                "in_the_future",
                "The observation time is in the future. Check the phone's clock.",
            )]));
        }
        Ok(())
    }
}

impl Validate for ReportFiling {
    fn validate(&self, errors: &mut Errors) {
        self.category.check("category", errors);
        self.severity.check("severity", errors);
        self.disposition.check("disposition", errors);
        self.source.check("source", errors);
        self.subtype.check("subtype", errors);
        let text =
            |value: &Option<String>| value.as_deref().is_some_and(|text| !text.trim().is_empty());
        if !text(&self.description) && self.location.is_none() && self.photos.is_empty() {
            errors.add(
                "",
                "required",
                "Give at least one of description, location and photos.",
            );
        }
        if let Some(location) = &self.location {
            errors.nested("location", |errors| location.validate(errors));
        }
        if let Some(party) = &self.responsible_party {
            errors.nested("responsible_party", |errors| party.validate(errors));
        }
        errors.instant("observed_at", self.observed_at);
        check_photos(&self.photos, errors);
        errors.text("description", &self.description, longest::DESCRIPTION);
        errors.text("place_text", &self.place_text, longest::PLACE);
        errors.text("on_site_action", &self.on_site_action, longest::STATEMENT);
        errors.text("source_ref", &self.source_ref, longest::NAME);
        errors.text(
            "supervising_leader",
            &self.supervising_leader,
            longest::NAME,
        );
        errors.text("measures", &self.measures, longest::DESCRIPTION);
        errors.text("remark", &self.remark, longest::STATEMENT);
    }
}

impl Validate for ReportAmendment {
    fn validate(&self, errors: &mut Errors) {
        if serde_json::to_value(self)
            .is_ok_and(|value| value.as_object().is_some_and(serde_json::Map::is_empty))
        {
            errors.add("", "required", "Give at least one field to change.");
        }
        if self
            .subtype
            .as_deref()
            .is_some_and(|slug| !slug.is_empty() && Subtype::from_code(slug).is_none())
        {
            errors.add(
                "subtype",
                "not_allowed",
                "Give a known subtype, or an empty string to clear it.",
            );
        }
        if let Some(party) = &self.responsible_party {
            errors.nested("responsible_party", |errors| party.validate(errors));
        }
        errors.text("description", &self.description, longest::DESCRIPTION);
        errors.text("place_text", &self.place_text, longest::PLACE);
        errors.text("source_ref", &self.source_ref, longest::NAME);
        errors.text(
            "supervising_leader",
            &self.supervising_leader,
            longest::NAME,
        );
        errors.text("measures", &self.measures, longest::DESCRIPTION);
        errors.text("remark", &self.remark, longest::STATEMENT);
    }
}
