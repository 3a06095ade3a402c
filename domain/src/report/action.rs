//! What can be done to a report.
//!
//! Owns the actions of DESIGN.md 3 with their bodies, as values. Who may do them stands in
//! `permission`, what they do in `actions`.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::assignment::Assignment;
use super::code::{Outcome, Severity};
use super::proceedings::Milestone;
use crate::category::Category;
use crate::coded_value::coded_values;
use crate::grid::{GridPath, Tier};

coded_values! {
    /// An action by name.
    ActionKind {
        /// Send it up.
        Escalate = "escalate", "上报", "Escalate";
        /// Accept an escalation.
        Approve = "approve", "同意上报", "Approve";
        /// Send it back: an escalation, a resolution, or work that was assigned.
        Return = "return", "退回", "Return";
        /// Give the work to somebody below, or to a team.
        Assign = "assign", "交办", "Assign";
        /// Say that it was put right.
        Resolve = "resolve", "处置完成", "Resolve";
        /// End it.
        Close = "close", "结案", "Close";
        /// Take it out of the figures.
        Void = "void", "作废", "Void";
        /// Take a voided report back.
        Restore = "restore", "恢复", "Restore";
        /// Change ledger fields.
        Amend = "amend", "修改", "Amend";
        /// Change category, severity or grid.
        Reclassify = "reclassify", "重新分类", "Reclassify";
        /// Confirm that one has the work.
        Accept = "accept", "受理", "Accept";
        /// Refuse work that was assigned.
        Decline = "decline", "退单", "Decline";
        /// A superior makes itself the holder.
        Take = "take", "提级办理", "Take over";
        /// Give it to another village or group.
        Transfer = "transfer", "转办", "Transfer";
        /// Take back what lapsed.
        Recall = "recall", "撤回", "Recall";
        /// Ask for more time.
        Extend = "extend", "申请延期", "Ask for more time";
        /// Grant more time.
        Grant = "grant", "同意延期", "Grant more time";
        /// Refuse more time.
        Refuse = "refuse", "不同意延期", "Refuse more time";
        /// Let it rest until a review.
        Suspend = "suspend", "挂账", "Suspend";
        /// Go on with it.
        Resume = "resume", "恢复办理", "Resume";
        /// Remind whoever has it.
        Urge = "urge", "催办", "Urge";
        /// Demand that a tier below puts it right.
        Supervise = "supervise", "督办", "Supervise";
        /// Send it to the county.
        Refer = "refer", "移送县级", "Refer to the county";
        /// The county has it.
        Acknowledge = "acknowledge", "登记县级签收", "Record the county's acknowledgement";
        /// The county replied.
        Reply = "reply", "登记县级回复", "Record the county's reply";
        /// Begin a new round.
        Reopen = "reopen", "重新办理", "Reopen";
        /// Say something.
        Comment = "comment", "留言", "Comment";
    }
}

coded_values! {
    /// What is decided in bulk: actions whose body is short.
    Verdict as "DecisionVerdict" {
        /// Accept an escalation.
        Approve = "approve", "同意上报", "Approve";
        /// Send it back.
        Return = "return", "退回", "Return";
        /// Send it up.
        Escalate = "escalate", "上报", "Escalate";
        /// End it.
        Close = "close", "结案", "Close";
        /// Take it out of the figures.
        Void = "void", "作废", "Void";
    }
}

impl ActionKind {
    /// Whether it raises the report's version: all do but those that only say something.
    #[must_use]
    pub const fn changes(self) -> bool {
        !matches!(self, Self::Comment | Self::Urge)
    }
}

/// An action with its body, as the domain needs it.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Send it up.
    Escalate {
        /// Why.
        reason: Option<String>,
    },
    /// Accept an escalation.
    Approve {
        /// Group to village only: on to the town in the same step.
        further: bool,
        /// A remark.
        comment: Option<String>,
    },
    /// Send it back.
    Return {
        /// Why.
        reason: String,
    },
    /// Give the work to somebody below, or to a team.
    Assign(Assignment),
    /// Say that it was put right.
    Resolve {
        /// What was done.
        result: String,
    },
    /// End it.
    Close {
        /// How it ended.
        outcome: Outcome,
        /// What was done; needed to close an open report as handled.
        result: Option<String>,
        /// A remark.
        comment: Option<String>,
    },
    /// Take it out of the figures.
    Void {
        /// Why.
        reason: String,
        /// The report it repeats.
        duplicate_of: Option<Uuid>,
    },
    /// Take a voided report back.
    Restore {
        /// Why.
        reason: Option<String>,
    },
    /// Change ledger fields.
    Amend {
        /// Field → `{before, after}`.
        changes: Map<String, Value>,
    },
    /// Change what it is about.
    Reclassify {
        /// The new category.
        category: Option<Category>,
        /// The new severity.
        severity: Option<Severity>,
        /// The new place; one that the town does not know is passed as a town of its own.
        place: Option<GridPath>,
    },
    /// Confirm that one has the work.
    Accept {
        /// A remark.
        comment: Option<String>,
    },
    /// Refuse work that was assigned.
    Decline {
        /// Why.
        reason: String,
    },
    /// A superior makes itself the holder.
    Take {
        /// Why.
        reason: Option<String>,
    },
    /// Give it to another village or group.
    Transfer {
        /// Where to; a grid that the town does not know is passed as a town of its own.
        place: GridPath,
        /// Why.
        reason: String,
    },
    /// Take back what lapsed.
    Recall {
        /// Why.
        reason: Option<String>,
    },
    /// Ask for more time.
    Extend {
        /// The deadline that is asked for.
        until: DateTime<Utc>,
        /// Why.
        reason: String,
    },
    /// Grant more time.
    Grant {
        /// The new deadline, when earlier than what was asked for.
        until: Option<DateTime<Utc>>,
        /// A remark.
        comment: Option<String>,
    },
    /// Refuse more time.
    Refuse {
        /// Why.
        reason: String,
    },
    /// Let it rest until a review.
    Suspend {
        /// Why.
        reason: String,
        /// When it goes on by itself.
        review_at: DateTime<Utc>,
        /// What must be reached before that.
        milestones: Vec<Milestone>,
    },
    /// Go on with it.
    Resume {
        /// A remark.
        comment: Option<String>,
    },
    /// Remind whoever has it.
    Urge {
        /// A remark.
        comment: Option<String>,
    },
    /// Demand that a tier below puts it right.
    Supervise {
        /// Its number.
        number: String,
        /// What is demanded.
        demand: String,
        /// By when the tier has to answer.
        reply_by: DateTime<Utc>,
        /// Which tier; if left out: the one that missed its step, else the one that held it, else the village.
        tier: Option<Tier>,
    },
    /// Send it to the county.
    Refer {
        /// To which agency.
        agency: String,
        /// The number of the letter.
        reference: Option<String>,
        /// Why.
        reason: String,
        /// By when a reply is expected.
        reply_by: Option<DateTime<Utc>>,
    },
    /// The county has it.
    Acknowledge {
        /// Its number there.
        reference: Option<String>,
        /// A remark.
        comment: Option<String>,
    },
    /// The county replied.
    Reply {
        /// What it says.
        reply: String,
    },
    /// Begin a new round.
    Reopen {
        /// Why.
        reason: String,
        /// Whether the matter came back, and was not just closed wrongly.
        rebound: bool,
    },
    /// Say something.
    Comment {
        /// What.
        text: String,
    },
}

impl Action {
    /// Its name.
    #[must_use]
    pub const fn kind(&self) -> ActionKind {
        match self {
            Self::Escalate { .. } => ActionKind::Escalate,
            Self::Approve { .. } => ActionKind::Approve,
            Self::Return { .. } => ActionKind::Return,
            Self::Assign(_) => ActionKind::Assign,
            Self::Resolve { .. } => ActionKind::Resolve,
            Self::Close { .. } => ActionKind::Close,
            Self::Void { .. } => ActionKind::Void,
            Self::Restore { .. } => ActionKind::Restore,
            Self::Amend { .. } => ActionKind::Amend,
            Self::Reclassify { .. } => ActionKind::Reclassify,
            Self::Accept { .. } => ActionKind::Accept,
            Self::Decline { .. } => ActionKind::Decline,
            Self::Take { .. } => ActionKind::Take,
            Self::Transfer { .. } => ActionKind::Transfer,
            Self::Recall { .. } => ActionKind::Recall,
            Self::Extend { .. } => ActionKind::Extend,
            Self::Grant { .. } => ActionKind::Grant,
            Self::Refuse { .. } => ActionKind::Refuse,
            Self::Suspend { .. } => ActionKind::Suspend,
            Self::Resume { .. } => ActionKind::Resume,
            Self::Urge { .. } => ActionKind::Urge,
            Self::Supervise { .. } => ActionKind::Supervise,
            Self::Refer { .. } => ActionKind::Refer,
            Self::Acknowledge { .. } => ActionKind::Acknowledge,
            Self::Reply { .. } => ActionKind::Reply,
            Self::Reopen { .. } => ActionKind::Reopen,
            Self::Comment { .. } => ActionKind::Comment,
        }
    }
}
