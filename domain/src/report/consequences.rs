//! What follows every change of a report by an action.
//!
//! Owns the order, stated once in [`follow`]. What the action itself does stands in `actions`.

use super::actions::{extension, referral};
use super::change::{Change, StepClock};
use super::code::{Duty, Status};
use super::state::Report;

/// What follows a change:
///
/// 1. the version, and who acted first;
/// 2. what was in progress and is overtaken by the change ends;
/// 3. the clocks of desk, step and warning level are set;
/// 4. the desk that acted has accepted the report.
///
/// Each step looks at what those before it have left.
pub(crate) fn follow(change: &mut Change<'_>) {
    count(change);
    end_overtaken(change);
    settle_clocks(change);
    accept_by_acting(change);
}

fn count(change: &mut Change<'_>) {
    let Change {
        before,
        next,
        actor,
        context,
        ..
    } = change;
    next.version += 1;
    if actor.officer_id != before.reporter_id {
        next.first_acted_at = before.first_acted_at.or(Some(context.now));
    }
}

/// A request for more time ends when somebody else has the work or the deadline has changed; a referral
/// when the town works on the report itself or it ends; a supervision when the work is done or given
/// back; a lapse can be recalled only until somebody above acts.
fn end_overtaken(change: &mut Change<'_>) {
    let Change {
        before,
        next,
        context,
        ..
    } = change;
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
            referral::come_back(next, context);
        }
    }
}

/// A new desk begins its own step, a new deadline moves the current step, and a step that stood still
/// goes on where more time was refused.
fn settle_clocks(change: &mut Change<'_>) {
    let Change {
        before,
        next,
        context,
        step_clock,
        ..
    } = change;
    let (policy, calendar, now) = (context.policy, context.calendar, context.now);
    let new_deadline = next.deadline_at != before.deadline_at;
    match step_clock {
        StepClock::Resumes(extension) => extension::resume_step(next, extension, context, now),
        StepClock::FollowsDesk => {
            let new_desk = handed_over(next, before);
            if new_desk {
                next.desk_since = now;
            }
            let waits = |report: &Report| report.proceedings.referral.is_some();
            // From suspended to void and back no desk is involved.
            let rests = next.desk().is_none() && next.status != before.status;
            if new_desk || rests || new_deadline || waits(next) != waits(before) {
                next.next_due_at = policy.next_due(calendar, next);
            }
        }
    }
    // More time was granted: no less of the step is left than if it had been refused.
    if let Some(asked) = &before.proceedings.extension
        && next.deadline_at > before.deadline_at
        && let Some(due) = next.next_due_at
    {
        let resumed = extension::step_due_after(asked, before, context, now);
        next.next_due_at = Some(resumed.min(next.deadline_at).max(due));
    }
    if new_deadline {
        policy.lower_warning_level(calendar, next, now);
    }
    next.warning_due_at = policy.next_warning(calendar, next, now);
}

/// Any first act of the desk accepts the report (受理). A new desk has not accepted it yet; the one that
/// asked for more time goes on as it was.
fn accept_by_acting(change: &mut Change<'_>) {
    let Change {
        before,
        next,
        actor,
        context,
        ..
    } = change;
    if handed_over(next, before) {
        let handles = next.desk().is_some_and(|desk| desk.duty == Duty::Handle);
        let asked = before.proceedings.extension;
        next.accepted_at = asked
            .filter(|_| handles && same_work(next, before))
            .and_then(|asked| asked.accepted_at);
    } else if next.accepted_at.is_none()
        && next
            .desk_officers(context.staffing)
            .contains(&actor.officer_id)
    {
        next.accepted_at = Some(context.now);
    }
}

/// Whether somebody else has it now, or the same have it anew. It is neither when only their own due
/// instant moved along with the deadline.
fn handed_over(next: &Report, before: &Report) -> bool {
    let moved_along = next.deadline_at != before.deadline_at && same_work(next, before);
    next.desk() != before.desk() || (next.handler != before.handler && !moved_along)
}

/// Whether the same holder has given the work to the same.
fn same_work(next: &Report, before: &Report) -> bool {
    let work = |report: &Report| {
        let handler = report.handler.as_ref();
        let to = handler.map(|handler| (handler.grid, handler.officer, handler.team));
        (report.holder(), to)
    };
    work(next) == work(before)
}
