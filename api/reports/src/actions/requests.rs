//! The bodies that clients send to act on a report, one for each action.
//!
//! Owns the strict shapes. What an action does is in `gridpatrol_domain::report::actions`.

use chrono::{DateTime, Utc};
use gridpatrol_domain::report::assignment::MOST_CO_HANDLERS;
use gridpatrol_domain::report::{Category, Outcome, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::filing::request::{PhotoDeclaration, check_photos, longest};
use gridpatrol_http::choice::{Choice, OptionalChoice};
use gridpatrol_http::validate::{Errors, Validate};

/// Sends the report up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "组里没有设备处理"})))]
#[schema(as = EscalationRequest)]
pub struct Escalating {
    /// Why, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// Accepts an escalation.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"further": true, "comment": "情况属实，请镇里协调"})))]
pub struct Approval {
    /// Only for an escalation from a group: on to the town in the same step.
    #[serde(default)]
    pub further: bool,
    /// A remark, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub comment: Option<String>,
}

/// Sends the report back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "照片看不清，请补拍"})))]
#[schema(as = ReturnRequest)]
pub struct Returning {
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: String,
}

/// Gives the work to a grid or an officer below the holder, or to a team. Give `team_id`, or
/// `grid_id`, `officer_id` or both.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"grid_id": "0192f7a0-0000-7000-8000-000000000001", "instruction": "两日内清运"})))]
pub struct Assignment {
    /// A grid below the holder.
    pub grid_id: Option<Uuid>,
    /// An officer posted at the holder or below; with `grid_id`, posted there.
    pub officer_id: Option<Uuid>,
    /// A team of the town, which then works for the holder. By the town; by a village, its own
    /// village liaison team.
    pub team_id: Option<Uuid>,
    /// Officers who work on it beside, at most 10: posted at the holder or below, or of the team.
    #[schema(max_items = 10)]
    pub co_handlers: Option<Vec<Uuid>>,
    /// What to do, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub instruction: Option<String>,
    /// By when; not past the report's deadline while that lies ahead.
    pub due_at: Option<DateTime<Utc>>,
}

/// Says that it was put right.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"result": "明火已扑灭，秸秆已清运", "photos": [{"id": "0192f7a0-0000-7000-8000-0000000000b1", "role": "after"}]})))]
pub struct Resolution {
    /// What was done, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub result: String,
    /// Photos that show it; their role is `after` unless said otherwise.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub photos: Vec<PhotoDeclaration>,
}

/// Ends the report.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"outcome": "handled", "comment": "现场核查合格"})))]
#[schema(as = ClosingRequest)]
pub struct Closing {
    /// How it ended.
    pub outcome: Choice<Outcome>,
    /// What was done, at most 1,000 characters; needed to close an open report as handled.
    #[schema(max_length = 1000)]
    pub result: Option<String>,
    /// A remark, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub comment: Option<String>,
}

/// Takes the report out of the figures.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "重复上报", "duplicate_of": "0192f7a0-0000-7000-8000-0000000000c1"})))]
#[schema(as = VoidingRequest)]
pub struct Voiding {
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: String,
    /// The report it repeats, in the same town. A village secretary must name it.
    pub duplicate_of: Option<Uuid>,
}

/// Takes a voided report back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "误作废"})))]
#[schema(as = RestoringRequest)]
pub struct Restoring {
    /// Why, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// Changes what the report is about. At least one field.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"category": "livestock_pollution", "severity": "serious"})))]
pub struct Reclassification {
    /// The right category.
    pub category: Option<Choice<Category>>,
    /// The right severity; `critical` moves the report to the town.
    pub severity: Option<Choice<Severity>>,
    /// The right grid, within the caller's own grids.
    pub grid_id: Option<Uuid>,
}

/// Says something about the report.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"text": "已联系农户，下午到场"})))]
pub struct Comment {
    /// What, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub text: String,
    /// Photos that belong to it; their role is `other` unless said otherwise.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub photos: Vec<PhotoDeclaration>,
}

impl Validate for Escalating {
    fn validate(&self, errors: &mut Errors) {
        errors.text("reason", &self.reason, longest::STATEMENT);
    }
}

impl Validate for Approval {
    fn validate(&self, errors: &mut Errors) {
        errors.text("comment", &self.comment, longest::STATEMENT);
    }
}

impl Validate for Returning {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, longest::STATEMENT);
    }
}

impl Validate for Assignment {
    fn validate(&self, errors: &mut Errors) {
        let alone = self.grid_id.is_some() || self.officer_id.is_some();
        match self.team_id {
            None if !alone => errors.add(
                "",
                "required",
                "Give team_id, or grid_id, officer_id or both.",
            ),
            Some(_) if alone => errors.add(
                "team_id",
                "not_allowed",
                "Give team_id without grid_id and officer_id. Name more people in co_handlers.",
            ),
            _ => {}
        }
        if let Some(beside) = &self.co_handlers {
            errors.most("co_handlers", beside, MOST_CO_HANDLERS);
        }
        errors.text("instruction", &self.instruction, longest::STATEMENT);
        errors.instant("due_at", self.due_at);
    }
}

impl Validate for Resolution {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("result", &self.result, longest::STATEMENT);
        check_photos(&self.photos, errors);
    }
}

impl Validate for Closing {
    fn validate(&self, errors: &mut Errors) {
        self.outcome.check("outcome", errors);
        errors.filled("result", &self.result, longest::STATEMENT);
        errors.text("comment", &self.comment, longest::STATEMENT);
    }
}

impl Validate for Voiding {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, longest::STATEMENT);
    }
}

impl Validate for Restoring {
    fn validate(&self, errors: &mut Errors) {
        errors.text("reason", &self.reason, longest::STATEMENT);
    }
}

impl Validate for Reclassification {
    fn validate(&self, errors: &mut Errors) {
        if self.category.is_none() && self.severity.is_none() && self.grid_id.is_none() {
            errors.add(
                "",
                "required",
                "Give category, severity, grid_id, or several of them.",
            );
        }
        self.category.check("category", errors);
        self.severity.check("severity", errors);
    }
}

impl Validate for Comment {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("text", &self.text, longest::STATEMENT);
        check_photos(&self.photos, errors);
    }
}
