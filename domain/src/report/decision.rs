//! What a decision looks at, and what it leads to.

use chrono::{DateTime, Utc};

use super::deadlines::Policy;
use super::event::Event;
use super::state::Report;
use crate::calendar::Calendar;
use crate::officer::Staffing;

/// What a decision looks at besides the report, the action and the actor.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Who is posted where in the report's town.
    pub staffing: &'a Staffing,
    /// The settings.
    pub policy: &'a Policy,
    /// How time counts.
    pub calendar: Calendar<'a>,
    /// Whether a photo taken afterwards has arrived.
    pub evidence: bool,
    /// The instant of the decision.
    pub now: DateTime<Utc>,
}

/// What an accepted action leads to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The report afterwards.
    pub report: Report,
    /// What to record, in order; never empty.
    pub events: Vec<Event>,
}
