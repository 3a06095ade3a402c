//! Why an action is refused.
//!
//! Owns the form of a refusal. Which rule refuses what stands with the rule.

use crate::error::Code;

/// Why an action is refused, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Refusal {
    /// The code of the table.
    pub code: Code,
    /// The wrong value's pointer in the body, for `validation_failed`.
    pub pointer: Option<&'static str>,
    /// One sentence.
    pub detail: &'static str,
}

impl Refusal {
    /// A refusal by rule.
    #[must_use]
    pub const fn new(code: Code, detail: &'static str) -> Self {
        Self {
            code,
            pointer: None,
            detail,
        }
    }

    /// A value that does not fit the report.
    #[must_use]
    pub const fn invalid(pointer: &'static str, detail: &'static str) -> Self {
        Self {
            code: Code::ValidationFailed,
            pointer: Some(pointer),
            detail,
        }
    }
}
