//! A new round of a closed report.

use crate::grid::Tier;
use crate::report::change::Change;
use crate::report::code::{Severity, Status, WarningLevel};
use crate::report::event_data::EventData;
use crate::report::proceedings::Proceedings;
use crate::report::state::Returns;

/// Begins a new round: with a new limit, and nothing left of the one before but how often it was
/// supervised and came back.
pub(crate) fn reopen(change: &mut Change<'_>, reason: &str, rebound: bool) {
    let (context, next) = (change.context, &mut change.next);
    next.round += 1;
    next.round_since = context.now;
    next.rebounds += u32::from(rebound);
    next.deadline_at =
        context
            .policy
            .deadline(context.calendar, context.now, next.category, next.severity);
    next.status = Status::Open;
    if next.severity == Severity::Critical {
        next.holder_tier = Tier::Town;
    }
    next.handler = None;
    next.returns = Returns::default();
    next.resolved_by = None;
    next.resolved_at = None;
    next.closed_at = None;
    next.outcome = None;
    next.self_verified = false;
    next.warning_level = WarningLevel::Green;
    next.proceedings = Proceedings {
        supervisions: next.proceedings.supervisions,
        ..Proceedings::default()
    };
    let (round, deadline_at) = (next.round, next.deadline_at);
    change.record(&EventData::Reopened {
        reason,
        rebound,
        round,
        deadline_at,
    });
}
