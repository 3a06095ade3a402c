//! The coordinate system of positions in answers.
//!
//! Owns the query parameter. It must not convert positions: the domain does.

use gridpatrol_domain::geo::Crs;
use serde::Deserialize;
use utoipa::IntoParams;

use super::choice::{Choice, OptionalChoice as _};
use super::validate::{Errors, Validate};

/// The system of the positions in an answer.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct InSystem {
    /// Positions in this system as well; a boundary, and the positions of a photo, in it alone.
    #[param(inline)]
    pub crs: Option<Choice<Crs>>,
}

impl InSystem {
    /// The system that was asked for.
    #[must_use]
    pub fn get(&self) -> Option<Crs> {
        self.crs.get()
    }
}

impl Validate for InSystem {
    fn validate(&self, errors: &mut Errors) {
        self.crs.check("crs", errors);
    }
}
