//! The bodies that clients send to take a measure about a report, one for each measure.
//!
//! Owns the strict shapes. What a measure does is in `gridpatrol_domain::report::actions`.

use chrono::{DateTime, Utc};
use gridpatrol_domain::grid::Tier;
use gridpatrol_domain::report::MOST_MILESTONES;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::filing::request::longest;
use gridpatrol_http::choice::{Choice, OptionalChoice};
use gridpatrol_http::validate::{Errors, Validate};

/// A remark, or nothing at all.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"comment": "今天下午到场"})))]
#[schema(as = OptionalComment)]
pub struct Remark {
    /// At most 1,000 characters.
    #[schema(max_length = 1000)]
    pub comment: Option<String>,
}

/// A reason that may be left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "书记外出，已返回，可以自行处置"})))]
pub struct OptionalReason {
    /// Why, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub reason: Option<String>,
}

/// A reason that must be given.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "不在本组范围内"})))]
pub struct RequiredReason {
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: String,
}

/// Gives the report to another village or group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"grid_id": "0192f7a0-0000-7000-8000-000000000002", "reason": "位于二村地界"})))]
#[schema(as = TransferRequest)]
pub struct Transferral {
    /// A village or a group of the same town, within the caller's own grids.
    pub grid_id: Uuid,
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: String,
}

/// Asks for more time.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"until": "2026-12-20T09:00:00Z", "reason": "设备需从县里调运"})))]
pub struct ExtensionRequest {
    /// The deadline that is asked for: later than the present one, by no more than the original limit
    /// and 30 days.
    pub until: DateTime<Utc>,
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: String,
}

/// Grants more time.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"comment": "同意"})))]
pub struct ExtensionGrant {
    /// The new deadline, when earlier than what was asked for.
    pub until: Option<DateTime<Utc>>,
    /// A remark, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub comment: Option<String>,
}

/// Lets the report rest until a review.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "整改需跨季", "review_at": "2027-03-01T01:00:00Z", "milestones": [{"due_at": "2027-01-10T01:00:00Z", "title": "完成清淤"}]})))]
pub struct SuspensionOrder {
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: String,
    /// When it goes on by itself.
    pub review_at: DateTime<Utc>,
    /// What is to be reached until then.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub milestones: Vec<MilestoneOrder>,
}

/// Something to be reached while the report rests.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"due_at": "2027-01-10T01:00:00Z", "title": "完成清淤"})))]
pub struct MilestoneOrder {
    /// By when; not past the review.
    pub due_at: DateTime<Utc>,
    /// What, at most 100 characters.
    #[schema(pattern = r"\S", max_length = 100)]
    pub title: String,
}

/// Demands that a tier below puts it right, and answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"number": "镇环督〔2026〕3号", "demand": "三日内完成整改并回复", "reply_by": "2026-12-20T09:00:00Z"})))]
pub struct SupervisionOrder {
    /// The number of the letter (督办文号), at most 100 characters. Left out: the report's number with
    /// the count of its supervisions.
    #[schema(max_length = 100)]
    pub number: Option<String>,
    /// What is demanded, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub demand: String,
    /// By when the tier has to answer.
    pub reply_by: DateTime<Utc>,
    /// Which tier. Left out: the one that let it lapse, or that held it, or the village.
    pub tier: Option<Choice<Tier>>,
}

/// Sends the report to the county.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"agency": "县生态环境局", "reference": "镇环移〔2026〕8号", "reason": "涉嫌偷排，需执法检查"})))]
pub struct ReferralOrder {
    /// To which agency, at most 100 characters.
    #[schema(pattern = r"\S", max_length = 100)]
    pub agency: String,
    /// The number of the letter, at most 100 characters.
    #[schema(max_length = 100)]
    pub reference: Option<String>,
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: String,
    /// By when a reply is expected; left out, as the town's settings say.
    pub reply_by: Option<DateTime<Utc>>,
}

/// The county has it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reference": "县环受〔2026〕41号"})))]
pub struct ReferralAcknowledgement {
    /// Its number there, at most 100 characters.
    #[schema(max_length = 100)]
    pub reference: Option<String>,
    /// A remark, at most 1,000 characters.
    #[schema(max_length = 1000)]
    pub comment: Option<String>,
}

/// The county replied.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reply": "已立案查处，责令改正"})))]
pub struct ReferralReply {
    /// What it says, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reply: String,
}

/// Begins a new round.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({"reason": "回头看发现再次焚烧", "rebound": true})))]
#[schema(as = ReopeningRequest)]
pub struct Reopening {
    /// Why, at most 1,000 characters.
    #[schema(pattern = r"\S", max_length = 1000)]
    pub reason: String,
    /// Whether the matter came back (反弹): it counts as a rebound. False: it was closed by mistake.
    #[serde(default = "yes")]
    pub rebound: bool,
}

const fn yes() -> bool {
    true
}

impl Validate for Remark {
    fn validate(&self, errors: &mut Errors) {
        errors.text("comment", &self.comment, longest::STATEMENT);
    }
}

impl Validate for OptionalReason {
    fn validate(&self, errors: &mut Errors) {
        errors.text("reason", &self.reason, longest::STATEMENT);
    }
}

impl Validate for RequiredReason {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, longest::STATEMENT);
    }
}

impl Validate for Transferral {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, longest::STATEMENT);
    }
}

impl Validate for ExtensionRequest {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("until", Some(self.until));
        errors.filled("reason", &self.reason, longest::STATEMENT);
    }
}

impl Validate for ExtensionGrant {
    fn validate(&self, errors: &mut Errors) {
        errors.instant("until", self.until);
        errors.text("comment", &self.comment, longest::STATEMENT);
    }
}

impl Validate for SuspensionOrder {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, longest::STATEMENT);
        errors.instant("review_at", Some(self.review_at));
        errors.most("milestones", &self.milestones, MOST_MILESTONES);
        errors.each("milestones", &self.milestones, |milestone, errors| {
            errors.instant("due_at", milestone.due_at);
            errors.filled("title", &milestone.title, longest::NAME);
        });
    }
}

impl Validate for SupervisionOrder {
    fn validate(&self, errors: &mut Errors) {
        errors.text("number", &self.number, longest::NAME);
        errors.filled("demand", &self.demand, longest::STATEMENT);
        errors.instant("reply_by", Some(self.reply_by));
        self.tier.check("tier", errors);
    }
}

impl Validate for ReferralOrder {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("agency", &self.agency, longest::NAME);
        errors.text("reference", &self.reference, longest::NAME);
        errors.filled("reason", &self.reason, longest::STATEMENT);
        errors.instant("reply_by", self.reply_by);
    }
}

impl Validate for ReferralAcknowledgement {
    fn validate(&self, errors: &mut Errors) {
        errors.text("reference", &self.reference, longest::NAME);
        errors.text("comment", &self.comment, longest::STATEMENT);
    }
}

impl Validate for ReferralReply {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reply", &self.reply, longest::STATEMENT);
    }
}

impl Validate for Reopening {
    fn validate(&self, errors: &mut Errors) {
        errors.filled("reason", &self.reason, longest::STATEMENT);
    }
}
