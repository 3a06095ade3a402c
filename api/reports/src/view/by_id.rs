//! The path parameter that names a report.
//!
//! Owns its shape and nothing else.

use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

/// The report of a path.
#[derive(Debug, Clone, Copy, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ById {
    /// The report's id.
    pub id: Uuid,
}
