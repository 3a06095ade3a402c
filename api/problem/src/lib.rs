//! Refusals as RFC 9457 problem documents, and faults as 503.
//!
//! Owns the wire form of every error. It must not define codes or titles: `gridpatrol_domain::error`
//! does.

#[cfg(feature = "http")]
mod http;
pub mod language;

use std::fmt;

use gridpatrol_domain::error::Code;
use gridpatrol_domain::grid_management;

use crate::language::Language;

/// One wrong value: where it is (RFC 6901 pointer into the body, or the parameter's name), and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldError {
    /// JSON pointer into the request body (`/location/lat`), or `query/limit`, `path/id`, `header/If-Match`.
    pub pointer: String,
    /// Stable code of the reason: `required`, `unknown_field`, `wrong_type`, `too_long`, `too_short`,
    /// `out_of_range`, `not_allowed`, `bad_format`, `in_the_future`, ….
    pub code: String,
    /// What to do about it, one sentence in English.
    pub detail: String,
}

impl FieldError {
    /// A wrong value at `pointer`.
    pub fn new(
        pointer: impl Into<String>,
        code: impl Into<String>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            pointer: pointer.into(),
            code: code.into(),
            detail: detail.into(),
        }
    }
}

/// A refusal that tells the caller what to do.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Which refusal.
    pub code: Code,
    /// What is wrong here and what to do about it.
    pub detail: Option<String>,
    /// Every wrong value at once.
    pub errors: Vec<FieldError>,
    /// What the caller may do instead.
    pub allowed_actions: Option<Vec<String>>,
    /// The version the thing has now.
    pub current_version: Option<i64>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// A problem with this code and no details.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Self {
            code,
            detail: None,
            errors: Vec::new(),
            allowed_actions: None,
            current_version: None,
            retry_after_s: None,
        }
    }

    /// Says what is wrong here and what to do about it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// `validation_failed` with all wrong values.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..Self::new(Code::ValidationFailed)
        }
    }

    /// When to try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

/// The wire form of a refusal (RFC 9457), in one language.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "urn:gridpatrol:problem:validation_failed", "title": "提交的内容有误", "status": 422,
    "code": "validation_failed", "request_id": "0192f7a0-0000-7000-8000-000000000001",
    "errors": [{"pointer": "/location/lat", "code": "out_of_range", "detail": "Give a value from -90 to 90."}],
}))]
pub struct Document<'a> {
    /// `urn:gridpatrol:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened, in the language of `Accept-Language` (zh-CN unless English is preferred).
    pub title: &'a str,
    /// The HTTP status.
    pub status: u16,
    /// The stable code: switch on this. New codes may appear.
    pub code: &'a str,
    /// What is wrong here and what to do about it, in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    /// Names this request in the server's logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a str>,
    /// Every wrong value at once.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<FieldError>, required = false)]
    pub errors: &'a [FieldError],
    /// What the caller may do with the report as it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_actions: Option<&'a [String]>,
    /// The version the thing has now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_version: Option<i64>,
    /// When to try again, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl Problem {
    /// Its wire form.
    #[must_use]
    pub fn document<'a>(&'a self, language: Language, request_id: Option<&'a str>) -> Document<'a> {
        Document {
            kind: format!("urn:gridpatrol:problem:{}", self.code),
            title: match language {
                Language::Chinese => self.code.title_zh(),
                Language::English => self.code.title_en(),
            },
            status: self.code.status(),
            code: self.code.code(),
            detail: self.detail.as_deref(),
            request_id,
            errors: &self.errors,
            allowed_actions: self.allowed_actions.as_deref(),
            current_version: self.current_version,
            retry_after_s: self.retry_after_s,
        }
    }

    /// Its wire form as JSON.
    #[must_use]
    pub fn written(&self, language: Language, request_id: Option<&str>) -> String {
        serde_json::to_string(&self.document(language, request_id)).unwrap_or_default()
    }
}

/// The media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

impl From<grid_management::Refusal> for Problem {
    fn from(refusal: grid_management::Refusal) -> Self {
        Self::new(refusal.code).detail(refusal.detail)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.code)?;
        self.detail
            .as_ref()
            .map_or(Ok(()), |detail| write!(formatter, ": {detail}"))
    }
}

impl std::error::Error for Problem {}
