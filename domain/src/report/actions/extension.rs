//! More time: asked for, granted or refused (延期).
//!
//! While nobody has answered, the clock of the step stands still. The whole limit goes on.

use chrono::{DateTime, TimeDelta, Utc};

use crate::calendar::Span;
use crate::report::change::{Change, StepClock};
use crate::report::decision::Context;
use crate::report::event_data::EventData;
use crate::report::pause::resumed;
use crate::report::proceedings::Extension;
use crate::report::refusal::Refusal;
use crate::report::state::Report;

/// Asks for more time. Once in a round.
pub(crate) fn ask(
    change: &mut Change<'_>,
    until: DateTime<Utc>,
    reason: &str,
) -> Result<(), Refusal> {
    let (context, next) = (change.context, &mut change.next);
    let rules = &context.policy.proceedings;
    let most = (next.deadline_at - next.limit_since())
        .min(TimeDelta::days(i64::from(rules.extension_most_days)));
    if until <= next.deadline_at || until > next.deadline_at + most {
        return Err(Refusal::invalid(
            "/until",
            "Ask for a later deadline, by no more than the original limit and the days that the town's settings allow.",
        ));
    }
    // Silence is refusal, at the deadline at the latest.
    let days = Span::WorkingDays(rules.extension_answer_working_days);
    let answer_due_at = context
        .calendar
        .after(context.now, days)
        .min(next.deadline_at);
    next.proceedings.extension_asked = true;
    next.proceedings.extension = Some(Extension {
        asked_by: change.actor.officer_id,
        asked_at: context.now,
        until,
        answer_due_at,
        step_since: next.desk_since,
        step_due_at: next.next_due_at.unwrap_or(next.deadline_at),
        accepted_at: next.accepted_at.or(Some(context.now)),
    });
    change.record(&EventData::ExtensionAsked { until, reason });
    Ok(())
}

/// Grants more time, as asked for or less.
pub(crate) fn grant(
    change: &mut Change<'_>,
    until: Option<DateTime<Utc>>,
    comment: Option<&str>,
) -> Result<(), Refusal> {
    let next = &mut change.next;
    let Some(extension) = next.proceedings.extension.take() else {
        return Ok(());
    };
    let before = next.deadline_at;
    let after = until.unwrap_or(extension.until);
    if after > extension.until || after <= before {
        return Err(Refusal::invalid(
            "/until",
            "Grant no more than was asked for, and something beyond the deadline; or refuse it.",
        ));
    }
    // The handler's own due instant moves along.
    if let Some(due) = next.handler.as_mut().and_then(|one| one.due_at.as_mut()) {
        *due += after - before;
    }
    next.deadline_at = after;
    change.record(&EventData::ExtensionGranted {
        before,
        after,
        comment,
    });
    Ok(())
}

/// Refuses more time: the step that stood still goes on.
pub(crate) fn refuse(change: &mut Change<'_>, reason: &str) {
    if let Some(extension) = change.next.proceedings.extension.take() {
        change.step_clock = StepClock::Resumes(extension);
    }
    change.record(&EventData::ExtensionRefused {
        reason: Some(reason),
        until: None,
    });
}

/// The step of the desk that asked goes on where it stood still, within the deadline that it has.
pub(crate) fn resume_step(
    report: &mut Report,
    asked: &Extension,
    context: &Context<'_>,
    now: DateTime<Utc>,
) {
    // A step that was over when more time was asked for is over with the answer.
    let due = step_due_after(asked, report, context, now).max(now);
    report.desk_since = asked.step_since;
    report.accepted_at = asked.accepted_at;
    report.next_due_at = Some(if report.deadline_at > now {
        due.min(report.deadline_at)
    } else {
        due
    });
}

/// When the step is due that stood still until `now`: it has as much time left as when more was asked
/// for.
pub(crate) fn step_due_after(
    asked: &Extension,
    report: &Report,
    context: &Context<'_>,
    now: DateTime<Utc>,
) -> DateTime<Utc> {
    resumed(asked.step_due_at, report, (asked.asked_at, now), context)
}
