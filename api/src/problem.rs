//! Refusals as RFC 9457 problem documents, and faults as 503.
//!
//! Owns the wire form of every error. The codes and titles stand in `gridpatrol_domain::error`.

use std::fmt;

use gridpatrol_domain::error::Code;

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
    /// A problem of this code, without details.
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

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.code)?;
        self.detail
            .as_ref()
            .map_or(Ok(()), |detail| write!(formatter, ": {detail}"))
    }
}

impl std::error::Error for Problem {}
