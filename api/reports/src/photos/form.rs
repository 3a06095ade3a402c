//! What a client says about the photo it sends: in the query of a PUT, or in the fields of a form.
//!
//! Owns these values and their checks, and reads a multipart form with its fields in any order.

use actix_multipart::{Field, Multipart, MultipartError};
use actix_web::http::header::HeaderMap;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{Stream, StreamExt};
use gridpatrol_domain::error::Code;
use gridpatrol_domain::geo::Crs;
use gridpatrol_domain::report::PhotoRole;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::digest::Digest;
use super::objects::Arrived;
use super::upload::Reception;
use gridpatrol_http::choice::{Choice, OptionalChoice};
use gridpatrol_http::query::{self, Parameters};
use gridpatrol_http::validate::{Errors, Validate};
use gridpatrol_problem::Problem;

/// The name of the field with the file.
const FILE: &str = "file";
/// The most bytes in any other field.
const MOST_FIELD_BYTES: usize = 1024;
/// The most fields in a form; more than are defined.
const MOST_FIELDS: usize = 20;
/// How far a phone's clock may be ahead.
const CLOCK_SKEW_MINUTES: i64 = 10;

/// What the client says of a photo.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct Particulars {
    /// What it shows; for a declared photo, what was declared.
    #[param(inline)]
    pub role: Option<Choice<PhotoRole>>,
    /// When it was taken, if the picture itself does not say so.
    pub taken_at: Option<DateTime<Utc>>,
    /// Where it was taken: latitude in degrees, together with `lon`.
    #[param(example = 26.69)]
    pub lat: Option<f64>,
    /// Where it was taken: longitude in degrees.
    #[param(example = 101.85)]
    pub lon: Option<f64>,
    /// The coordinate system of `lat` and `lon`; `wgs84` if absent.
    #[param(inline)]
    pub crs: Option<Choice<Crs>>,
    /// A report that is to have the photo although it did not declare it.
    pub report_id: Option<Uuid>,
    /// The SHA-256 of the file, 64 hexadecimal digits; what arrives otherwise is refused.
    #[param(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    pub sha256: Option<String>,
}

impl Validate for Particulars {
    fn validate(&self, errors: &mut Errors) {
        self.role.check("role", errors);
        self.crs.check("crs", errors);
        errors.instant("taken_at", self.taken_at);
        match (self.lat, self.lon) {
            (Some(lat), Some(lon)) => {
                let crs = self.crs.get().unwrap_or(Crs::Wgs84);
                if let Err(misplaced) = crs.check(lat, lon) {
                    errors.add("lat", "out_of_range", misplaced.to_string());
                }
            }
            (Some(_), None) => errors.add("lon", "required", "Give lat and lon together."),
            (None, Some(_)) => errors.add("lat", "required", "Give lat and lon together."),
            (None, None) => {}
        }
        if self.sha256.is_some() && self.digest().is_none() {
            errors.add("sha256", "bad_format", "Give 64 hexadecimal digits.");
        }
    }
}

impl Particulars {
    /// Refuses a time of shooting in the future; `errors` knows where the value came from.
    pub(super) fn check_clock(
        &self,
        now: DateTime<Utc>,
        mut errors: Errors,
    ) -> Result<(), Problem> {
        let latest = now + TimeDelta::minutes(CLOCK_SKEW_MINUTES);
        if self.taken_at.is_some_and(|taken| taken > latest) {
            errors.add("taken_at", "in_the_future", "This time is in the future.");
        }
        errors.into_result()
    }

    /// The announced digest.
    pub(super) fn digest(&self) -> Option<Digest> {
        Digest::from_hex(self.sha256.as_deref()?)
    }

    /// The position as it was sent.
    pub(super) fn sent(&self) -> Option<(f64, f64, Crs)> {
        Some((self.lat?, self.lon?, self.crs.get().unwrap_or(Crs::Wgs84)))
    }

    /// The position in WGS-84.
    pub(super) fn position(&self) -> Option<(f64, f64)> {
        let crs = self.crs.get().unwrap_or(Crs::Wgs84);
        let position = crs.to_wgs84(self.lat?, self.lon?).ok()?;
        Some((position.lat, position.lon))
    }
}

/// A photo as a form: one file, and around it in any order what is said of it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // The code reads the form field by field; this type only documents it.
pub struct PhotoForm {
    /// The picture.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
    /// Chosen by the client: makes the request safe to repeat. Absent: the server chooses.
    #[schema(nullable = false)]
    id: Option<Uuid>,
    /// A report that is to have the photo although it did not declare it.
    #[schema(nullable = false)]
    report_id: Option<Uuid>,
    /// What it shows; for a declared photo, what was declared.
    #[schema(nullable = false)]
    role: Option<Choice<PhotoRole>>,
    /// The SHA-256 of the file, 64 hexadecimal digits; what arrives otherwise is refused.
    #[schema(nullable = false, pattern = "^[0-9a-fA-F]{64}$")]
    sha256: Option<String>,
    /// When it was taken, if the picture itself does not say so.
    #[schema(nullable = false)]
    taken_at: Option<DateTime<Utc>>,
    /// Where it was taken: latitude in degrees, together with `lon`.
    #[schema(nullable = false)]
    lat: Option<f64>,
    /// Where it was taken: longitude in degrees.
    #[schema(nullable = false)]
    lon: Option<f64>,
    /// The coordinate system of `lat` and `lon`; `wgs84` if absent.
    #[schema(nullable = false)]
    crs: Option<Choice<Crs>>,
}

/// A form after reading.
pub(super) struct Filled {
    pub id: Option<Uuid>,
    pub particulars: Particulars,
    pub arrived: Arrived,
}

/// Reads a form and streams its file into the reception.
///
/// # Errors
/// As [`Reception::take`], `unsupported_media_type` or `malformed_request` when it is no form,
/// `validation_failed` with all wrong fields at once.
pub(super) async fn read(
    reception: &Reception<'_>,
    headers: &HeaderMap,
    body: impl Stream<Item = Result<bytes::Bytes, actix_web::error::PayloadError>> + 'static,
) -> Result<Filled, Problem> {
    let mut form = Multipart::new(headers, body);
    let mut fields = Parameters::new();
    let mut errors = Errors::body();
    let mut arrived = None;
    let mut count = 0;
    while let Some(field) = reception.next(form.next()).await? {
        let mut field = field.map_err(malformed)?;
        count += 1;
        if count > MOST_FIELDS {
            return Err(Problem::new(Code::MalformedRequest)
                .detail(format!("The form has more than {MOST_FIELDS} fields.")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        if name != FILE {
            let value = text(reception, &mut field, &name, &mut errors).await?;
            fields.entry(name).or_default().extend(value);
        } else if arrived.is_none() {
            arrived = Some(reception.take(&mut field).await?);
        } else {
            return Err(Problem::new(Code::MalformedRequest)
                .detail("The form has more than one file. Send each photo in its own request."));
        }
    }
    let id = match fields.remove("id") {
        Some(values) => match values.as_slice() {
            [value] => value.parse().ok(),
            _ => None,
        }
        .or_else(|| {
            errors.add("id", "bad_format", "Give one UUID.");
            None
        }),
        None => None,
    };
    let particulars = query::read(fields, &mut errors);
    if arrived.is_none() {
        errors.add(FILE, "required", "Send the picture in the field \"file\".");
    }
    let found = errors.into_found();
    match (particulars, arrived) {
        (Some(particulars), Some(arrived)) if found.is_empty() => Ok(Filled {
            id,
            particulars,
            arrived,
        }),
        _ => Err(Problem::invalid(found)),
    }
}

/// The text of a field; an unreadable one is an error.
async fn text(
    reception: &Reception<'_>,
    field: &mut Field,
    name: &str,
    errors: &mut Errors,
) -> Result<Option<String>, Problem> {
    let mut value = Vec::new();
    while let Some(piece) = reception.next(field.next()).await? {
        value.extend_from_slice(&piece.map_err(malformed)?);
        if value.len() > MOST_FIELD_BYTES {
            return Err(Problem::new(Code::BodyTooLarge).detail(format!(
                "The field {name} has more than {MOST_FIELD_BYTES} bytes."
            )));
        }
    }
    let text = String::from_utf8(value).ok();
    if text.is_none() {
        errors.add(name, "bad_format", "Send text in UTF-8.");
    }
    Ok(text)
}

fn malformed(error: MultipartError) -> Problem {
    match error {
        MultipartError::ContentTypeMissing
        | MultipartError::ContentTypeParse
        | MultipartError::ContentTypeIncompatible => {
            Problem::new(Code::UnsupportedMediaType).detail("Send multipart/form-data.")
        }
        error => Problem::new(Code::MalformedRequest)
            .detail(format!("The form cannot be read: {error}.")),
    }
}
