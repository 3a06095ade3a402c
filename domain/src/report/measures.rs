//! What may be done about a report beside the usual way up and down: taking it, handing it over,
//! getting time for it, pressing for it, sending it to the county, beginning again.
//!
//! Owns the effects of these actions, one arm each, and what becomes of a measure when the report
//! goes on without it. Who may act is checked in `permission`.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use uuid::Uuid;

use super::lifecycle::{Record, rise};
use super::proceedings::{Extension, Lapse, Referral, Supervision, Suspension};
use super::{
    Action, Colour, Context, EventKind, Handler, Outcome, Proceedings, Refusal, Report, Returns,
    Severity, Status,
};
use crate::calendar::Span;
use crate::error::Code;
use crate::grid::{GridPath, Tier};
use crate::officer::Actor;

/// How many milestones a suspension has at most.
pub const MOST_MILESTONES: usize = 20;

/// Applies one of the measures; the others are `lifecycle`'s.
///
/// # Errors
/// The rule that stands against it.
pub(super) fn apply(
    next: &mut Report,
    record: &mut Record,
    action: &Action,
    actor: &Actor,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let now = context.now;
    match action {
        Action::Accept { comment } => {
            next.accepted_at = Some(now);
            record.add(EventKind::Accepted, json!({"comment": comment}));
        }
        Action::Decline { reason } => {
            if let Some(handler) = next.handler.take() {
                next.proceedings.declined.push(key(&handler));
                record.add(
                    EventKind::Declined,
                    json!({"reason": reason, "grid_id": handler.grid.id(), "officer_id": handler.officer, "team_id": handler.team}),
                );
            }
        }
        Action::Take { reason } => {
            let from = next.holder_tier;
            let tier = taking_tier(next, actor).unwrap_or(Tier::Town);
            if next.status == Status::Resolved {
                let holder = next.holder();
                next.handler.get_or_insert(Handler::of(holder));
                next.holder_tier = tier;
            } else {
                rise(next, tier);
            }
            record.add(
                EventKind::Taken,
                json!({"from_tier": from, "to_tier": tier, "reason": reason}),
            );
        }
        Action::Transfer { place, reason } => transfer(next, record, *place, reason, actor)?,
        Action::Recall { reason } => {
            let lapse = next.proceedings.lapse.take();
            next.proceedings.recalled = true;
            next.holder_tier = Tier::Village;
            next.handler = None;
            record.add(
                EventKind::Recalled,
                json!({"reason": reason, "lapsed_at": lapse.map(|lapse| lapse.at)}),
            );
        }
        Action::Extend { until, reason } => {
            ask_for_time(next, *until, actor, context)?;
            record.add(
                EventKind::ExtensionAsked,
                json!({"until": until, "reason": reason}),
            );
        }
        Action::Grant { until, comment } => {
            if let Some(extension) = next.proceedings.extension.take() {
                let granted = until.unwrap_or(extension.until);
                if granted > extension.until || granted <= next.deadline_at {
                    return Err(Refusal::invalid(
                        "/until",
                        "Grant no more than was asked for, and something beyond the deadline; or refuse it.",
                    ));
                }
                record.add(
                    EventKind::ExtensionGranted,
                    json!({"before": next.deadline_at, "after": granted, "comment": comment}),
                );
                // The handler's own day moves along.
                if let Some(due) = next.handler.as_mut().and_then(|one| one.due_at.as_mut()) {
                    *due += granted - next.deadline_at;
                }
                next.deadline_at = granted;
            }
        }
        Action::Refuse { reason } => {
            refuse_time(next, context, now);
            record.add(EventKind::ExtensionRefused, json!({"reason": reason}));
        }
        Action::Suspend {
            reason,
            review_at,
            milestones,
        } => {
            suspend(next, *review_at, milestones.clone(), context)?;
            record.add(
                EventKind::Suspended,
                json!({"reason": reason, "review_at": review_at, "milestones": milestones}),
            );
        }
        Action::Resume { comment } => {
            let before = next.deadline_at;
            resume(next, context, now);
            record.add(
                EventKind::Resumed,
                json!({"comment": comment, "before": before, "after": next.deadline_at}),
            );
        }
        Action::Urge { comment } => {
            next.proceedings.urged_at = Some(now);
            record.add(EventKind::Urged, json!({"comment": comment}));
        }
        Action::Supervise {
            number,
            demand,
            reply_by,
            tier,
        } => {
            let tier = supervise(next, number, *reply_by, *tier, now)?;
            record.add(
                EventKind::Supervised,
                json!({"number": number, "demand": demand, "reply_by": reply_by, "tier": tier}),
            );
        }
        Action::Refer {
            agency,
            reference,
            reason,
            reply_by,
        } => {
            let reply_due_at = reply_by.unwrap_or_else(|| {
                let days = context.policy.proceedings.referral_reply_working_days;
                context.calendar.after(now, Span::WorkingDays(days))
            });
            if reply_due_at <= now {
                return Err(Refusal::invalid(
                    "/reply_by",
                    "The day of the reply must lie ahead.",
                ));
            }
            next.proceedings.referral = Some(Referral {
                agency: agency.clone(),
                reference: reference.clone(),
                since: now,
                acknowledged_at: None,
                reply_due_at,
            });
            next.next_due_at = Some(reply_due_at);
            record.add(
                EventKind::Referred,
                json!({"agency": agency, "reference": reference, "reason": reason, "reply_due_at": reply_due_at}),
            );
        }
        Action::Acknowledge { reference, comment } => {
            if let Some(referral) = &mut next.proceedings.referral {
                referral.acknowledged_at = Some(now);
                referral.reference = reference.clone().or(referral.reference.take());
            }
            record.add(
                EventKind::ReferralAcknowledged,
                json!({"reference": reference, "comment": comment}),
            );
        }
        Action::Reply { reply } => {
            let before = next.deadline_at;
            if let Some(pause) = come_back(next, context) {
                work_stood_still(next, pause, context);
            }
            record.add(
                EventKind::ReferralReplied,
                json!({"reply": reply, "before": before, "after": next.deadline_at}),
            );
        }
        Action::Reopen { reason, rebound } => {
            reopen(next, *rebound, context);
            record.add(
                EventKind::Reopened,
                json!({"reason": reason, "rebound": rebound, "round": next.round, "deadline_at": next.deadline_at}),
            );
        }
        Action::Escalate { .. }
        | Action::Approve { .. }
        | Action::Return { .. }
        | Action::Assign(_)
        | Action::Resolve { .. }
        | Action::Close { .. }
        | Action::Void { .. }
        | Action::Restore { .. }
        | Action::Amend { .. }
        | Action::Reclassify { .. }
        | Action::Comment { .. } => {}
    }
    Ok(())
}

/// By what a handler is known among those that declined.
#[must_use]
pub fn key(handler: &Handler) -> Uuid {
    let named = handler.officer.or(handler.team);
    named.unwrap_or_else(|| handler.grid.id())
}

/// The tier at which the actor would hold the report by taking it: the lowest above the holder.
#[must_use]
pub fn taking_tier(report: &Report, actor: &Actor) -> Option<Tier> {
    actor
        .working()
        .filter(|posting| posting.grid.covers(report.place))
        .map(|posting| posting.grid.tier())
        .filter(|tier| *tier > report.holder_tier)
        .min()
}

fn transfer(
    next: &mut Report,
    record: &mut Record,
    place: GridPath,
    reason: &str,
    actor: &Actor,
) -> Result<(), Refusal> {
    let from = next.place;
    let reaches = actor
        .working()
        .any(|posting| posting.grid.covers(from) && posting.grid.covers(place));
    if !reaches || place == from || place.tier() == Tier::Town {
        return Err(Refusal::new(
            Code::TargetInvalid,
            "Transfer to another village or group of this town, within your own grids.",
        ));
    }
    next.place = place;
    // What is critical stays with the town, wherever it lies.
    let tier = if next.severity == Severity::Critical {
        Tier::Town
    } else {
        place.tier()
    };
    rise(next, tier);
    record.add(
        EventKind::Transferred,
        json!({"before": from.id(), "after": place.id(), "holder_id": next.holder().id(), "reason": reason}),
    );
    Ok(())
}

fn ask_for_time(
    next: &mut Report,
    until: DateTime<Utc>,
    actor: &Actor,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let rules = &context.policy.proceedings;
    let most = (next.deadline_at - next.limit_since())
        .min(TimeDelta::days(i64::from(rules.extension_most_days)));
    if until <= next.deadline_at || until > next.deadline_at + most {
        return Err(Refusal::invalid(
            "/until",
            "Ask for a later deadline, by no more than the original limit and the days that the town's settings allow.",
        ));
    }
    let (now, since) = (context.now, next.desk_since);
    let days = rules.extension_answer_working_days;
    // Silence is refusal, at the deadline at the latest.
    let answer_due_at = context
        .calendar
        .after(now, Span::WorkingDays(days))
        .min(next.deadline_at);
    next.proceedings.extension_asked = true;
    next.proceedings.extension = Some(Extension {
        asked_by: actor.officer_id,
        asked_at: now,
        until,
        answer_due_at,
        step_since: since,
        step_due_at: next.next_due_at.unwrap_or(next.deadline_at),
        accepted_at: next.accepted_at.or(Some(now)),
    });
    Ok(())
}

/// Nobody grants more time. The step goes on where it stood still, within the deadline that it has.
pub fn refuse_time(next: &mut Report, context: &Context<'_>, now: DateTime<Utc>) {
    let Some(extension) = next.proceedings.extension.take() else {
        return;
    };
    // A step that was over when more was asked for is over with the answer.
    let due = step_due_after(&extension, next, context, now).max(now);
    next.desk_since = extension.step_since;
    next.accepted_at = extension.accepted_at;
    next.next_due_at = Some(if next.deadline_at > now {
        due.min(next.deadline_at)
    } else {
        due
    });
}

/// The step goes on with as much time left as it had when more was asked for.
pub(super) fn step_due_after(
    extension: &Extension,
    report: &Report,
    context: &Context<'_>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    let pace = context.policy.pace(report.category, report.severity);
    let stood_still = (extension.asked_at, now);
    context
        .calendar
        .resumed(pace, extension.step_due_at, stood_still)
}

/// From when until when a clock stood still.
type Pause = (DateTime<Utc>, DateTime<Utc>);

/// The clock stood still: as much of the limit is left as was left before, and its shares are the same.
fn stood_still(next: &mut Report, pause: Pause, context: &Context<'_>) {
    let pace = context.policy.pace(next.category, next.severity);
    next.deadline_at = context.calendar.resumed(pace, next.deadline_at, pause);
    let (since, until) = pause;
    next.proceedings.stood_still_ms += (until - since).max(TimeDelta::zero()).num_milliseconds();
}

/// So did the handler's own clock.
fn work_stood_still(next: &mut Report, pause: Pause, context: &Context<'_>) {
    let pace = context.policy.pace(next.category, next.severity);
    let handler = next.handler.as_mut();
    let supervision = next.proceedings.supervision.as_mut();
    let own = handler.and_then(|handler| handler.due_at.as_mut());
    let reply = supervision.map(|supervision| &mut supervision.reply_due_at);
    for due in own.into_iter().chain(reply) {
        *due = context.calendar.resumed(pace, *due, pause);
    }
}

fn suspend(
    next: &mut Report,
    review_at: DateTime<Utc>,
    mut milestones: Vec<super::proceedings::Milestone>,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let (now, days) = (context.now, context.policy.proceedings.suspension_most_days);
    if review_at <= now || review_at > now + TimeDelta::days(i64::from(days)) {
        return Err(Refusal::invalid(
            "/review_at",
            "The review must lie ahead, within the days that the town's settings allow.",
        ));
    }
    milestones.sort_by_key(|milestone| milestone.due_at);
    if milestones.len() > MOST_MILESTONES
        || milestones
            .iter()
            .any(|milestone| milestone.due_at <= now || milestone.due_at > review_at)
    {
        return Err(Refusal::invalid(
            "/milestones",
            "Milestones lie ahead, and not past the review; twenty at most.",
        ));
    }
    next.status = Status::Suspended;
    next.proceedings.suspension = Some(Suspension {
        since: now,
        review_at,
        milestones,
    });
    Ok(())
}

/// A suspended report goes on where it stood. The time of the suspension does not count towards its
/// deadline.
pub fn resume(next: &mut Report, context: &Context<'_>, now: DateTime<Utc>) {
    next.status = Status::Open;
    if let Some(suspension) = next.proceedings.suspension.take() {
        let pause = (suspension.since, now);
        stood_still(next, pause, context);
        work_stood_still(next, pause, context);
    }
}

fn supervise(
    next: &mut Report,
    number: &str,
    reply_by: DateTime<Utc>,
    tier: Option<Tier>,
    now: DateTime<Utc>,
) -> Result<Tier, Refusal> {
    if reply_by <= now {
        return Err(Refusal::invalid(
            "/reply_by",
            "The day of the reply must lie ahead.",
        ));
    }
    let lapsed = next.proceedings.lapse.map(|lapse| lapse.tier);
    let held = Some(next.holder_tier).filter(|tier| *tier < Tier::Town);
    let tier = tier.or(lapsed).or(held).unwrap_or(Tier::Village);
    // Where there is no grid of that tier on its path, the lowest below the town.
    let grid = next.place.up_to(tier.max(next.place.tier()));
    if grid.tier() == Tier::Town {
        return Err(Refusal::new(
            Code::TargetInvalid,
            "There is no village or group below the town on this report's path: transfer it to one first.",
        ));
    }
    rise(next, Tier::Town);
    next.handler = Some(Handler {
        due_at: Some(reply_by),
        ..Handler::of(grid)
    });
    next.proceedings.supervisions += 1;
    next.proceedings.supervision = Some(Supervision {
        number: number.to_owned(),
        tier: grid.tier(),
        since: now,
        reply_due_at: reply_by,
    });
    Ok(grid.tier())
}

/// The report is back from the county: that time does not count towards its deadline, nor as the
/// town's own. Answers from when until when it was there.
fn come_back(next: &mut Report, context: &Context<'_>) -> Option<Pause> {
    let pause = (next.proceedings.referral.take()?.since, context.now);
    next.away += (pause.1 - pause.0).max(TimeDelta::zero());
    stood_still(next, pause, context);
    Some(pause)
}

fn reopen(next: &mut Report, rebound: bool, context: &Context<'_>) {
    next.round += 1;
    next.round_since = context.now;
    next.rebounds += u32::from(rebound);
    next.deadline_at =
        context
            .policy
            .deadline(context.calendar, context.now, next.category, next.severity);
    next.status = Status::Open;
    next.holder_tier = if next.severity == Severity::Critical {
        Tier::Town
    } else {
        next.holder_tier
    };
    next.handler = None;
    next.returns = Returns::default();
    next.resolved_by = None;
    next.resolved_at = None;
    next.closed_at = None;
    next.outcome = None::<Outcome>;
    next.self_verified = false;
    next.colour = Colour::Green;
    next.proceedings = Proceedings {
        supervisions: next.proceedings.supervisions,
        ..Proceedings::default()
    };
}

/// What becomes of measures when the report has gone on: a request for more time is moot when
/// somebody else has the work or the deadline has changed; a referral ends when the town works on it
/// itself or it ends; a supervision is answered when the work is done or given back. A lapse can be
/// recalled until somebody above acts.
pub(super) fn overtaken(next: &mut Report, before: &Report, context: &Context<'_>) {
    let moved = next.status != before.status
        || next.holder() != before.holder()
        || next.handler != before.handler;
    let proceedings = &mut next.proceedings;
    if proceedings.extension.is_some()
        && proceedings.extension == before.proceedings.extension
        && (moved || next.deadline_at != before.deadline_at)
    {
        proceedings.extension = None;
    }
    if next.status != Status::Open || next.handler.is_none() {
        proceedings.supervision = None;
    }
    if proceedings.lapse == before.proceedings.lapse {
        proceedings.lapse = None;
    }
    if moved {
        proceedings.reminders = 0;
        proceedings.urged_at = None;
        if before.proceedings.referral.is_some() {
            come_back(next, context);
        }
    }
}

/// The lapse that this village's secretary may recall now.
#[must_use]
pub fn recallable(report: &Report, context: &Context<'_>) -> Option<Lapse> {
    let days = context.policy.proceedings.recall_working_days;
    report
        .proceedings
        .lapse
        .filter(|lapse| lapse.tier == Tier::Village && report.holder_tier == Tier::Town)
        .filter(|lapse| context.now <= context.calendar.after(lapse.at, Span::WorkingDays(days)))
        .filter(|_| !report.proceedings.recalled)
}

#[cfg(test)]
mod tests;
