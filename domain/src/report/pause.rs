//! A clock that stood still: what is due moves by as much time as passed meanwhile.
//!
//! Owns how much is given back. When the clock stands still is said by `actions`.

use chrono::{DateTime, TimeDelta, Utc};

use super::decision::Context;
use super::state::Report;

/// From when until when the clock stood still.
pub(crate) type Pause = (DateTime<Utc>, DateTime<Utc>);

/// An instant after the pause: as much time is left until then as there was before.
pub(crate) fn resumed(
    due: DateTime<Utc>,
    report: &Report,
    pause: Pause,
    context: &Context<'_>,
) -> DateTime<Utc> {
    let pace = context.policy.pace(report.category, report.severity);
    context.calendar.resumed(pace, due, pause)
}

/// The clock of the whole report stood still: as much of the limit is left as before, and its shares
/// stay the same.
pub(crate) fn give_back(report: &mut Report, pause: Pause, context: &Context<'_>) {
    report.deadline_at = resumed(report.deadline_at, report, pause, context);
    let (since, until) = pause;
    report.proceedings.stood_still_ms += (until - since).max(TimeDelta::zero()).num_milliseconds();
}

/// The handler's own clock stood still too, and so did that of a supervision.
pub(crate) fn give_back_to_handler(report: &mut Report, pause: Pause, context: &Context<'_>) {
    let pace = context.policy.pace(report.category, report.severity);
    let handler = report.handler.as_mut();
    let supervision = report.proceedings.supervision.as_mut();
    let own = handler.and_then(|handler| handler.due_at.as_mut());
    let reply = supervision.map(|supervision| &mut supervision.reply_due_at);
    for due in own.into_iter().chain(reply) {
        *due = context.calendar.resumed(pace, *due, pause);
    }
}
