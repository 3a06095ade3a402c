//! Conditions that both permission and actions ask about.

use chrono::{DateTime, Utc};

use crate::calendar::Span;
use crate::grid::Tier;
use crate::officer::{Actor, Authority, Staffing};
use crate::report::closing;
use crate::report::code::Outcome;
use crate::report::decision::Context;
use crate::report::proceedings::Lapse;
use crate::report::refusal::Refusal;
use crate::report::state::Report;

/// By what the actor works on it as the handler, leading or helping.
pub(super) fn works_as_handler(
    report: &Report,
    actor: &Actor,
    staffing: &Staffing,
) -> Option<Authority> {
    report.handler.as_ref()?.worked_on_by(actor, staffing)
}

/// Whether no more than so many working days have passed since an instant.
pub(super) fn within(since: DateTime<Utc>, working_days: u32, context: &Context<'_>) -> bool {
    let span = Span::WorkingDays(working_days);
    context.now <= context.calendar.after(since, span)
}

/// Whether the actor filed it, and nobody else has acted on it yet.
pub(super) fn filed_and_untouched(report: &Report, actor: &Actor) -> bool {
    actor.officer_id == report.reporter_id && report.first_acted_at.is_none()
}

/// Whether a void by this actor must name the report that it repeats: a secretary may void only
/// duplicates.
#[must_use]
pub fn void_needs_duplicate(report: &Report, actor: &Actor) -> bool {
    !filed_and_untouched(report, actor) && actor.stands_at_town(report.place).is_none()
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

/// The lapse that this village's secretary may recall now.
#[must_use]
pub fn recallable(report: &Report, context: &Context<'_>) -> Option<Lapse> {
    let days = context.policy.proceedings.recall_working_days;
    report
        .proceedings
        .lapse
        .filter(|lapse| lapse.tier == Tier::Village && report.holder_tier == Tier::Town)
        .filter(|lapse| within(lapse.at, days, context))
        .filter(|_| !report.proceedings.recalled)
}

/// The outcomes with which the holder's officer could close it now; never empty.
///
/// # Errors
/// The rule that forbids to close it as handled, when no outcome is possible.
pub fn closing_outcomes(
    report: &Report,
    actor: &Actor,
    context: &Context<'_>,
) -> Result<Vec<Outcome>, Refusal> {
    let check = |outcome| {
        closing::check(
            report,
            outcome,
            actor.officer_id,
            context.evidence,
            context.staffing,
            &context.policy.closing,
        )
    };
    let handled = check(Outcome::Handled);
    let possible: Vec<Outcome> = [Outcome::Handled, Outcome::Unfounded, Outcome::Transferred]
        .into_iter()
        .filter(|outcome| check(*outcome).is_ok())
        .collect();
    match handled {
        Err(refusal) if possible.is_empty() => Err(refusal),
        _ => Ok(possible),
    }
}
