//! What an event says besides its kind.
//!
//! Owns the fields of every event that the rules record, in one type: a variant for each kind. What is
//! not known is left out. The record keeps these fields forever, so a name here never changes.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::code::{Disposition, Outcome, RelocationReason, Severity, Status};
use super::event::EventKind;
use super::proceedings::Milestone;
use crate::category::Category;
use crate::grid::Tier;
use crate::officer::Role;

/// A value that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct BeforeAfter<T> {
    /// Before the change.
    pub before: T,
    /// After it.
    pub after: T,
}

impl<T: PartialEq> BeforeAfter<T> {
    /// The change of a value; none where it stayed the same.
    pub fn of(before: T, after: T) -> Option<Self> {
        (before != after).then_some(Self { before, after })
    }
}

/// What a reclassification changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ReclassifiedFields {
    /// The category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<BeforeAfter<Category>>,
    /// The severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<BeforeAfter<Severity>>,
    /// The grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid_id: Option<BeforeAfter<Uuid>>,
    /// The deadline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_at: Option<BeforeAfter<DateTime<Utc>>>,
    /// The tier that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder_tier: Option<BeforeAfter<Tier>>,
}

/// What changed when the report followed its grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RelocatedFields {
    /// The grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid_id: Option<BeforeAfter<Uuid>>,
    /// The village.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub village_id: Option<BeforeAfter<Option<Uuid>>>,
    /// The grid that holds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder_id: Option<BeforeAfter<Uuid>>,
    /// The grid that works on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handler_grid_id: Option<BeforeAfter<Option<Uuid>>>,
    /// The status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<BeforeAfter<Status>>,
}

/// The posting by which a late filing counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct FormerPosting {
    /// The posting.
    pub posting_id: Uuid,
    /// Its role.
    pub role: Role,
    /// Its grid.
    pub grid_id: Uuid,
}

/// A tier that missed its step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct LapsedStep {
    /// The tier that held the report.
    pub from_tier: Tier,
    /// The tier that holds it now.
    pub to_tier: Tier,
    /// The tier that missed its step.
    pub lapsed_tier: Tier,
    /// The grid that missed its step.
    pub lapsed_grid_id: Uuid,
    /// Whether the lapse counts against that grid.
    pub charged: bool,
}

/// What an event says. The variant gives the kind of the event.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs)] // The kinds are explained at `EventKind`, the fields at `Action` and `Report`.
pub enum EventData<'a> {
    Filed {
        filing_tier: Tier,
        disposition: Disposition,
        as_of: Option<FormerPosting>,
    },
    VillageNotified {
        village_id: Uuid,
    },
    Escalated {
        from_tier: Tier,
        reason: Option<&'a str>,
    },
    Approved {
        to_tier: Tier,
        comment: Option<&'a str>,
        /// Only said where the approval sent it on to the town.
        further: Option<bool>,
    },
    Returned {
        reason: &'a str,
    },
    VerificationFailed {
        reason: &'a str,
    },
    HandedBack {
        reason: &'a str,
    },
    Assigned {
        grid_id: Uuid,
        officer_id: Option<Uuid>,
        team_id: Option<Uuid>,
        co_handler_ids: Option<&'a [Uuid]>,
        instruction: Option<&'a str>,
        due_at: Option<DateTime<Utc>>,
    },
    Resolved {
        result: Option<&'a str>,
    },
    Closed {
        outcome: Outcome,
        result: Option<&'a str>,
        comment: Option<&'a str>,
        self_verified: bool,
    },
    Voided {
        reason: &'a str,
        duplicate_of: Option<Uuid>,
    },
    Restored {
        reason: Option<&'a str>,
    },
    Amended {
        changes: &'a Map<String, Value>,
    },
    Reclassified {
        changes: ReclassifiedFields,
    },
    Relocated {
        reason: RelocationReason,
        changes: RelocatedFields,
    },
    Accepted {
        comment: Option<&'a str>,
    },
    Declined {
        reason: &'a str,
        grid_id: Uuid,
        officer_id: Option<Uuid>,
        team_id: Option<Uuid>,
    },
    Taken {
        from_tier: Tier,
        to_tier: Tier,
        reason: Option<&'a str>,
    },
    Transferred {
        before: Uuid,
        after: Uuid,
        holder_id: Uuid,
        reason: &'a str,
    },
    Recalled {
        reason: Option<&'a str>,
        lapsed_at: Option<DateTime<Utc>>,
    },
    ExtensionAsked {
        until: DateTime<Utc>,
        reason: &'a str,
    },
    ExtensionGranted {
        before: DateTime<Utc>,
        after: DateTime<Utc>,
        comment: Option<&'a str>,
    },
    ExtensionRefused {
        /// Of an officer who refused.
        reason: Option<&'a str>,
        /// What was asked for, where nobody answered.
        until: Option<DateTime<Utc>>,
    },
    Suspended {
        reason: &'a str,
        review_at: DateTime<Utc>,
        milestones: &'a [Milestone],
    },
    Resumed {
        comment: Option<&'a str>,
        before: DateTime<Utc>,
        after: DateTime<Utc>,
    },
    Urged {
        comment: Option<&'a str>,
    },
    Supervised {
        number: &'a str,
        demand: &'a str,
        reply_by: DateTime<Utc>,
        tier: Tier,
    },
    Referred {
        agency: &'a str,
        reference: Option<&'a str>,
        reason: &'a str,
        reply_due_at: DateTime<Utc>,
    },
    ReferralAcknowledged {
        reference: Option<&'a str>,
        comment: Option<&'a str>,
    },
    ReferralReplied {
        reply: &'a str,
        before: DateTime<Utc>,
        after: DateTime<Utc>,
    },
    Reopened {
        reason: &'a str,
        rebound: bool,
        round: u32,
        deadline_at: DateTime<Utc>,
    },
    Lapsed(LapsedStep),
    HandlerLapsed {
        lapsed_tier: Tier,
        lapsed_grid_id: Uuid,
        officer_id: Option<Uuid>,
        team_id: Option<Uuid>,
        charged: bool,
    },
    Reminded {
        number: Option<u32>,
    },
    DueSoon {
        deadline_at: DateTime<Utc>,
    },
    Overdue {
        deadline_at: DateTime<Utc>,
    },
    SupervisionDue {
        deadline_at: DateTime<Utc>,
    },
    CircularDue {
        deadline_at: DateTime<Utc>,
    },
    MilestoneDue {
        title: &'a str,
        due_at: DateTime<Utc>,
    },
    Commented {
        text: &'a str,
    },
}

impl EventData<'_> {
    /// The kind of the event.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Filed { .. } => EventKind::Filed,
            Self::VillageNotified { .. } => EventKind::VillageNotified,
            Self::Escalated { .. } => EventKind::Escalated,
            Self::Approved { .. } => EventKind::Approved,
            Self::Returned { .. } => EventKind::Returned,
            Self::VerificationFailed { .. } => EventKind::VerificationFailed,
            Self::HandedBack { .. } => EventKind::HandedBack,
            Self::Assigned { .. } => EventKind::Assigned,
            Self::Resolved { .. } => EventKind::Resolved,
            Self::Closed { .. } => EventKind::Closed,
            Self::Voided { .. } => EventKind::Voided,
            Self::Restored { .. } => EventKind::Restored,
            Self::Amended { .. } => EventKind::Amended,
            Self::Reclassified { .. } => EventKind::Reclassified,
            Self::Relocated { .. } => EventKind::Relocated,
            Self::Accepted { .. } => EventKind::Accepted,
            Self::Declined { .. } => EventKind::Declined,
            Self::Taken { .. } => EventKind::Taken,
            Self::Transferred { .. } => EventKind::Transferred,
            Self::Recalled { .. } => EventKind::Recalled,
            Self::ExtensionAsked { .. } => EventKind::ExtensionAsked,
            Self::ExtensionGranted { .. } => EventKind::ExtensionGranted,
            Self::ExtensionRefused { .. } => EventKind::ExtensionRefused,
            Self::Suspended { .. } => EventKind::Suspended,
            Self::Resumed { .. } => EventKind::Resumed,
            Self::Urged { .. } => EventKind::Urged,
            Self::Supervised { .. } => EventKind::Supervised,
            Self::Referred { .. } => EventKind::Referred,
            Self::ReferralAcknowledged { .. } => EventKind::ReferralAcknowledged,
            Self::ReferralReplied { .. } => EventKind::ReferralReplied,
            Self::Reopened { .. } => EventKind::Reopened,
            Self::Lapsed(_) => EventKind::Lapsed,
            Self::HandlerLapsed { .. } => EventKind::HandlerLapsed,
            Self::Reminded { .. } => EventKind::Reminded,
            Self::DueSoon { .. } => EventKind::DueSoon,
            Self::Overdue { .. } => EventKind::Overdue,
            Self::SupervisionDue { .. } => EventKind::SupervisionDue,
            Self::CircularDue { .. } => EventKind::CircularDue,
            Self::MilestoneDue { .. } => EventKind::MilestoneDue,
            Self::Commented { .. } => EventKind::Commented,
        }
    }

    /// Its fields as the record keeps them, those that are not known left out.
    #[must_use]
    pub fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self) {
            Ok(Value::Object(fields)) => fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .collect(),
            // Every variant has named fields of plain values.
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_is_left_out_and_a_change_says_both_sides() {
        let fields = |data: EventData<'_>| Value::Object(data.fields());
        let approved = EventData::Approved {
            to_tier: Tier::Town,
            comment: None,
            further: Some(true),
        };
        assert_eq!(
            fields(approved),
            json!({"further": true, "to_tier": "town"})
        );
        let village = Uuid::from_u128(2);
        let relocated = EventData::Relocated {
            reason: RelocationReason::Moved,
            changes: RelocatedFields {
                grid_id: None,
                village_id: None,
                holder_id: None,
                handler_grid_id: BeforeAfter::of(Some(village), None),
                status: BeforeAfter::of(Status::Open, Status::Open),
            },
        };
        assert_eq!(
            fields(relocated),
            json!({"reason": "moved", "changes": {
                "handler_grid_id": {"before": village, "after": null}
            }})
        );
    }
}
