//! Shows clients the open proceedings of a report: more time, suspension, referral, supervision,
//! lapsed step.
//!
//! Owns the mapping from `gridpatrol_domain::report::proceedings` to the answer, and nothing else.

use gridpatrol_domain::report::Proceedings;

use crate::view::present::StaffedTown;
use crate::view::response::{
    ExtensionAsked, LapsedStep, ReferralUnderWay, SupervisionUnderWay, SuspensionMilestone,
    SuspensionUnderWay,
};

/// The request for more time, while it is open.
#[must_use]
pub fn extension(staffed: &StaffedTown, proceedings: &Proceedings) -> Option<ExtensionAsked> {
    proceedings.extension.map(|extension| ExtensionAsked {
        asked_by: staffed.person(extension.asked_by),
        asked_at: extension.asked_at,
        until: extension.until,
        answer_due_at: extension.answer_due_at,
    })
}

/// The present suspension.
#[must_use]
pub fn suspension(proceedings: &Proceedings) -> Option<SuspensionUnderWay> {
    let suspension = proceedings.suspension.as_ref()?;
    Some(SuspensionUnderWay {
        since: suspension.since,
        review_at: suspension.review_at,
        milestones: suspension
            .milestones
            .iter()
            .map(|milestone| SuspensionMilestone {
                due_at: milestone.due_at,
                title: milestone.title.clone(),
            })
            .collect(),
    })
}

/// The open referral to the county.
#[must_use]
pub fn referral(proceedings: &Proceedings) -> Option<ReferralUnderWay> {
    let referral = proceedings.referral.as_ref()?;
    Some(ReferralUnderWay {
        agency: referral.agency.clone(),
        reference: referral.reference.clone(),
        since: referral.since,
        acknowledged_at: referral.acknowledged_at,
        reply_due_at: referral.reply_due_at,
    })
}

/// The open supervision.
#[must_use]
pub fn supervision(proceedings: &Proceedings) -> Option<SupervisionUnderWay> {
    let supervision = proceedings.supervision.as_ref()?;
    Some(SupervisionUnderWay {
        number: supervision.number.clone(),
        tier: supervision.tier,
        since: supervision.since,
        reply_due_at: supervision.reply_due_at,
    })
}

/// The step that lapsed last.
#[must_use]
pub fn lapse(proceedings: &Proceedings) -> Option<LapsedStep> {
    proceedings.lapse.map(|lapse| LapsedStep {
        tier: lapse.tier,
        due_at: lapse.due_at,
        at: lapse.at,
    })
}
