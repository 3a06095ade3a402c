//! What is in progress about a report besides its way through the tiers: a requested extension,
//! a suspension (挂账), a referral to the county, a supervision (督办), a lapse that may be recalled.
//!
//! Owns these states, the settings that bound them, and the instants that follow from them. What an
//! action makes of them stands in `actions`, what happens by itself in `lapse`.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::calendar::Span;
use crate::grid::Tier;

/// The settings of what may be done about time (DOMAIN.md 2). Every default is our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProceedingRules {
    /// Working days within which an assigned handler may decline (退单).
    pub decline_working_days: u32,
    /// Working days within which a secretary may recall what lapsed.
    pub recall_working_days: u32,
    /// Working days within which an extension is answered; silence is refusal.
    pub extension_answer_working_days: u32,
    /// Days that an extension may grant at most; never more than the original limit.
    pub extension_most_days: u32,
    /// Days for which a report may be suspended at a time.
    pub suspension_most_days: u32,
    /// Working days after which the county is reminded of a referral that names no day itself.
    pub referral_reply_working_days: u32,
    /// Days after closing within which a report may be reopened, and its coming back counts as a rebound.
    pub reopen_days: u32,
    /// Minutes that lie at least between two reminders (催办) of one report.
    pub urge_minutes: u32,
}

impl Default for ProceedingRules {
    fn default() -> Self {
        Self {
            decline_working_days: 1,
            recall_working_days: 2,
            extension_answer_working_days: 1,
            extension_most_days: 30,
            suspension_most_days: 366,
            referral_reply_working_days: 15,
            reopen_days: 90,
            urge_minutes: 60,
        }
    }
}

/// The settings of what the system presses for (DOMAIN.md 2). Every default is our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = OverdueRules))]
pub struct PressingRules {
    /// How long after the deadline supervision (督办) becomes due.
    pub supervision_after: Span,
    /// How long after the deadline a circular (通报) becomes due; not before supervision.
    pub circular_after: Span,
    /// Minutes between two reminders of the town about what is critical and overdue, round the clock.
    /// Of anything else the town is reminded when a working day begins.
    pub critical_reminder_minutes: u32,
}

impl Default for PressingRules {
    fn default() -> Self {
        Self {
            supervision_after: Span::Days(3),
            circular_after: Span::WorkingDays(5),
            critical_reminder_minutes: 120,
        }
    }
}

/// A step that lapsed and may still be recalled: nobody above has acted since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lapse {
    /// The tier that missed its step; the lapse counts against it.
    pub tier: Tier,
    /// When the step was due.
    pub due_at: DateTime<Utc>,
    /// When the report moved.
    pub at: DateTime<Utc>,
}

/// More time was asked for, and nobody has answered yet. The step clock stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Who asked.
    pub asked_by: Uuid,
    /// When.
    pub asked_at: DateTime<Utc>,
    /// The deadline that is asked for.
    pub until: DateTime<Utc>,
    /// When silence becomes refusal.
    pub answer_due_at: DateTime<Utc>,
    /// Since when the desk had the step that stands still.
    pub step_since: DateTime<Utc>,
    /// When that step was due.
    pub step_due_at: DateTime<Utc>,
    /// When the desk accepted the report: at the latest by asking.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<DateTime<Utc>>,
}

/// Something that must be reached while a report is suspended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// By when.
    pub due_at: DateTime<Utc>,
    /// What.
    pub title: String,
}

/// 挂账: putting it right takes long. The clock stands still until the review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspension {
    /// Since when.
    pub since: DateTime<Utc>,
    /// When it goes on by itself.
    pub review_at: DateTime<Utc>,
    /// What must be reached meanwhile, in order, without those already past.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub milestones: Vec<Milestone>,
}

impl Suspension {
    /// When somebody must look at it next: the next milestone, or the review.
    #[must_use]
    pub fn due_at(&self) -> DateTime<Utc> {
        self.milestones.first().map_or(self.review_at, |milestone| {
            milestone.due_at.min(self.review_at)
        })
    }
}

/// It is at the county (移送), and the town waits for a reply. That time is not the town's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    /// To which agency.
    pub agency: String,
    /// The number of the letter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// When the agency acknowledged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When a reply is due.
    pub reply_due_at: DateTime<Utc>,
}

/// 督办: the town demands that a tier below puts it right, and answers by a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervision {
    /// Its number.
    pub number: String,
    /// The tier that has to answer.
    pub tier: Tier,
    /// Since when.
    pub since: DateTime<Utc>,
    /// By when it has to answer.
    pub reply_due_at: DateTime<Utc>,
}

/// What is in progress about a report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Proceedings {
    /// The last lapse, while it may be recalled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lapse: Option<Lapse>,
    /// Whether a lapse of this round was recalled. Only one can be.
    #[serde(skip_serializing_if = "is_default")]
    pub recalled: bool,
    /// Reminders since the present step was due.
    #[serde(skip_serializing_if = "is_default")]
    pub reminders: u32,
    /// How many of supervision (督办) and circular (通报) have become due since the deadline passed.
    #[serde(skip_serializing_if = "is_default")]
    pub pressures: u32,
    /// The request for more time that waits for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
    /// Whether more time was asked for in this round. It can be asked for once.
    #[serde(skip_serializing_if = "is_default")]
    pub extension_asked: bool,
    /// The current suspension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// The current referral.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referral: Option<Referral>,
    /// The supervision that nobody has answered yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supervision: Option<Supervision>,
    /// How many supervisions there were.
    #[serde(skip_serializing_if = "is_default")]
    pub supervisions: u32,
    /// The grids, teams and officers whose work was declined once: each may decline once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub declined: Vec<Uuid>,
    /// When somebody last urged the desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urged_at: Option<DateTime<Utc>>,
    /// Milliseconds of this round in which the clock stood still, what stands still now not counted.
    #[serde(skip_serializing_if = "is_default")]
    pub stood_still_ms: i64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
