//! What can be done to a report, what is recorded of it, and how it is refused.
//!
//! Owns the actions of DESIGN.md 3 with their bodies, as values. What they do stands in `lifecycle`.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Category, Outcome, Severity};
use crate::error::Code;
use crate::grid::GridPath;
use crate::slug::slugs;

slugs! {
    /// An action by name.
    ActionKind {
        /// Send it up.
        Escalate = "escalate", "上报", "Escalate";
        /// Accept an escalation.
        Approve = "approve", "同意上报", "Approve";
        /// Send it back: an escalation, a resolution, or work that was assigned.
        Return = "return", "退回", "Return";
        /// Give the work to somebody below.
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
        /// Say something.
        Comment = "comment", "留言", "Comment";
    }
}

slugs! {
    /// What is decided in bulk: actions whose body is short.
    Verdict {
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
    /// Give the work to somebody below.
    Assign {
        /// To a grid. One that the town does not know is passed as a town of its own, which lies
        /// below nobody.
        grid: Option<GridPath>,
        /// To an officer, with the grids where that officer is posted.
        officer: Option<(Uuid, Vec<GridPath>)>,
        /// What to do.
        instruction: Option<String>,
        /// By when, within the deadline.
        due_at: Option<DateTime<Utc>>,
    },
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
            Self::Assign { .. } => ActionKind::Assign,
            Self::Resolve { .. } => ActionKind::Resolve,
            Self::Close { .. } => ActionKind::Close,
            Self::Void { .. } => ActionKind::Void,
            Self::Restore { .. } => ActionKind::Restore,
            Self::Amend { .. } => ActionKind::Amend,
            Self::Reclassify { .. } => ActionKind::Reclassify,
            Self::Comment { .. } => ActionKind::Comment,
        }
    }
}

slugs! {
    /// What happened, as the record names it.
    EventKind {
        /// Received from a phone or a desk.
        Filed = "filed", "登记", "Filed";
        /// The village was told of a critical report that went straight to the town.
        VillageNotified = "village_notified", "通知村级", "Village notified";
        /// Sent up.
        Escalated = "escalated", "上报", "Escalated";
        /// The escalation was accepted.
        Approved = "approved", "同意上报", "Approved";
        /// The escalation was sent back.
        Returned = "returned", "退回", "Returned";
        /// The resolution did not pass.
        VerificationFailed = "verification_failed", "核查不通过", "Verification failed";
        /// The handler gave the work back.
        HandedBack = "handed_back", "退回交办", "Handed back";
        /// Given to a handler.
        Assigned = "assigned", "交办", "Assigned";
        /// Put right.
        Resolved = "resolved", "处置完成", "Resolved";
        /// Ended.
        Closed = "closed", "结案", "Closed";
        /// Taken out of the figures.
        Voided = "voided", "作废", "Voided";
        /// Taken back.
        Restored = "restored", "恢复", "Restored";
        /// Ledger fields changed.
        Amended = "amended", "修改", "Amended";
        /// Category, severity or grid changed.
        Reclassified = "reclassified", "重新分类", "Reclassified";
        /// Its grid moved or ended, and it followed.
        Relocated = "relocated", "随网格调整", "Relocated";
        /// Somebody said something.
        Commented = "commented", "留言", "Commented";
        /// A photo's content arrived.
        PhotoArrived = "photo_arrived", "照片到达", "Photo arrived";
        /// Personal data was erased from it.
        DataErased = "data_erased", "删除个人信息", "Personal data erased";
    }
}

/// One entry of the record. Texts and names stand only in `payload`, which can be erased.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// The officer on whose behalf the actor acted.
    pub on_behalf_of: Option<Uuid>,
    /// What was said and changed.
    pub payload: Map<String, Value>,
}

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
