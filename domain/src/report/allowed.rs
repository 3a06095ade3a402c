//! What an actor may do to a report now, and what each action needs.
//!
//! Owns the fields that a body needs. Whether an action is allowed is the same question that
//! `lifecycle` asks.

use super::action::ActionKind;
use super::code::{Outcome, Status};
use super::decision::Context;
use super::permission;
use super::state::Report;
use crate::coded_value::CodedValue as _;
use crate::officer::Actor;

/// Fields of a body that suffice together.
pub type Fields = &'static [&'static str];

/// An action that would succeed now, with what it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Which.
    pub action: ActionKind,
    /// Where there is a choice, the fields of each alternative; otherwise one. Never empty: any of
    /// them suffices, the first is the usual one.
    pub requires_one_of: &'static [Fields],
    /// For `close`: the outcomes that are possible.
    pub outcomes: Vec<Outcome>,
}

impl Allowed {
    /// The fields that suffice in the usual case.
    #[must_use]
    pub fn requires(&self) -> Fields {
        self.requires_one_of.first().copied().unwrap_or_default()
    }

    /// The alternatives, where there is a choice.
    #[must_use]
    pub fn alternatives(&self) -> &'static [Fields] {
        if self.requires_one_of.len() > 1 {
            self.requires_one_of
        } else {
            &[]
        }
    }
}

/// The actions that the actor may do now: the same function asked about each.
#[must_use]
pub fn allowed_actions(report: &Report, actor: &Actor, context: &Context<'_>) -> Vec<Allowed> {
    ActionKind::ALL
        .iter()
        .filter(|kind| permission::permitted(report, **kind, actor, context).is_ok())
        .map(|kind| Allowed {
            action: *kind,
            requires_one_of: required(report, *kind, actor),
            outcomes: if *kind == ActionKind::Close {
                permission::closing_outcomes(report, actor, context).unwrap_or_default()
            } else {
                Vec::new()
            },
        })
        .collect()
}

/// The alternatives of each action.
fn required(report: &Report, kind: ActionKind, actor: &Actor) -> &'static [Fields] {
    match kind {
        ActionKind::Escalate
        | ActionKind::Approve
        | ActionKind::Restore
        | ActionKind::Amend
        | ActionKind::Accept
        | ActionKind::Take
        | ActionKind::Recall
        | ActionKind::Grant
        | ActionKind::Resume
        | ActionKind::Urge
        | ActionKind::Acknowledge => &[&[]],
        ActionKind::Return | ActionKind::Decline | ActionKind::Refuse | ActionKind::Reopen => {
            &[&["reason"]]
        }
        ActionKind::Assign => &[&["grid_id"], &["officer_id"], &["team_id"]],
        ActionKind::Transfer => &[&["grid_id", "reason"]],
        ActionKind::Extend => &[&["until", "reason"]],
        ActionKind::Suspend => &[&["reason", "review_at"]],
        ActionKind::Supervise => &[&["demand", "reply_by"]],
        ActionKind::Refer => &[&["agency", "reason"]],
        ActionKind::Reply => &[&["reply"]],
        ActionKind::Resolve => &[&["result"]],
        ActionKind::Close if report.status == Status::Open => &[&["outcome", "result"]],
        ActionKind::Close => &[&["outcome"]],
        ActionKind::Void if permission::void_needs_duplicate(report, actor) => {
            &[&["reason", "duplicate_of"]]
        }
        ActionKind::Void => &[&["reason"]],
        ActionKind::Reclassify => &[&["category"], &["severity"], &["grid_id"]],
        ActionKind::Comment => &[&["text"]],
    }
}
