//! Letting a report rest until a review (挂账), and going on with it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::report::change::Change;
use crate::report::code::Status;
use crate::report::decision::Context;
use crate::report::event_data::EventData;
use crate::report::pause::{give_back, give_back_to_handler};
use crate::report::proceedings::{Milestone, Suspension};
use crate::report::refusal::Refusal;
use crate::report::state::Report;

/// How many milestones a suspension has at most.
pub const MOST_MILESTONES: usize = 20;

/// Lets it rest.
pub(crate) fn suspend(
    change: &mut Change<'_>,
    reason: &str,
    review_at: DateTime<Utc>,
    milestones: &[Milestone],
) -> Result<(), Refusal> {
    let (now, rules) = (change.context.now, &change.context.policy.proceedings);
    let most = TimeDelta::days(i64::from(rules.suspension_most_days));
    if review_at <= now || review_at > now + most {
        return Err(Refusal::invalid(
            "/review_at",
            "The review must lie ahead, within the days that the town's settings allow.",
        ));
    }
    let within = |milestone: &Milestone| milestone.due_at > now && milestone.due_at <= review_at;
    if milestones.len() > MOST_MILESTONES || !milestones.iter().all(within) {
        return Err(Refusal::invalid(
            "/milestones",
            "Milestones must lie ahead, and not past the review; twenty at most.",
        ));
    }
    let mut in_order = milestones.to_vec();
    in_order.sort_by_key(|milestone| milestone.due_at);
    change.next.status = Status::Suspended;
    change.next.proceedings.suspension = Some(Suspension {
        since: now,
        review_at,
        milestones: in_order,
    });
    change.record(&EventData::Suspended {
        reason,
        review_at,
        milestones,
    });
    Ok(())
}

/// Goes on with it.
pub(crate) fn resume(change: &mut Change<'_>, comment: Option<&str>) {
    let before = change.next.deadline_at;
    go_on(&mut change.next, change.context, change.context.now);
    let after = change.next.deadline_at;
    change.record(&EventData::Resumed {
        comment,
        before,
        after,
    });
}

/// A suspended report goes on where it was. The time of the suspension does not count towards its
/// deadline.
pub(crate) fn go_on(report: &mut Report, context: &Context<'_>, now: DateTime<Utc>) {
    report.status = Status::Open;
    if let Some(suspension) = report.proceedings.suspension.take() {
        let pause = (suspension.since, now);
        give_back(report, pause, context);
        give_back_to_handler(report, pause, context);
    }
}
